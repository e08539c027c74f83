// SPDX-License-Identifier: MIT
/*
 * The run loop: enter the guest, see why it left, do what its exit asks for, enter again. One
 * function sees the whole life of a processor as a guest.
 *
 * World: root.
 */
#include "skip.h"

static enum outcome dispatch(struct cpu *cpu, uint32_t reason)
{
	switch (reason) {
	case EXIT_REASON_RDMSR:
		return exit_rdmsr(cpu);
	case EXIT_REASON_WRMSR:
		return exit_wrmsr(cpu);
	case EXIT_REASON_EXCEPTION_NMI:
		return exit_event(cpu);
	case EXIT_REASON_NMI_WINDOW:
		return nmi_window(cpu);
	case EXIT_REASON_EPT_VIOLATION:
		return exit_ept_violation(cpu);
	case EXIT_REASON_VMCALL:
		return exit_vmcall(cpu);
	case EXIT_REASON_CR_ACCESS:
		return exit_cr(cpu);
	case EXIT_REASON_XSETBV:
		return exit_xsetbv(cpu);
	case EXIT_REASON_INVD:
		return exit_invd(cpu);
	case EXIT_REASON_MONITOR_TRAP:
		return step_exit(cpu);
	case EXIT_REASON_MOV_DR:
		return exit_dr(cpu);
	case EXIT_REASON_RDTSC:
		return exit_rdtsc(cpu);
	case EXIT_REASON_RDTSCP:
		return exit_rdtscp(cpu);
	case EXIT_REASON_RDPMC:
		return exit_rdpmc(cpu);
	case EXIT_REASON_WBINVD:
		return exit_wbinvd(cpu);
	case EXIT_REASON_HLT:
		return exit_hlt(cpu);
	case EXIT_REASON_PAUSE:
		return exit_pause(cpu);
	case EXIT_REASON_GDTR_IDTR:
		return exit_gdtr_idtr(cpu);
	case EXIT_REASON_LDTR_TR:
		return exit_ldtr_tr(cpu);
	case EXIT_REASON_IO:
		return exit_io(cpu);
	case EXIT_REASON_INVLPG:
		return exit_invlpg(cpu);
	case EXIT_REASON_INVPCID:
		return exit_invpcid(cpu);
	case EXIT_REASON_MONITOR:
		return exit_monitor(cpu);
	case EXIT_REASON_MWAIT:
		return exit_mwait(cpu);
	case EXIT_REASON_GETSEC:
	case EXIT_REASON_VMCLEAR:
	case EXIT_REASON_VMLAUNCH:
	case EXIT_REASON_VMPTRLD:
	case EXIT_REASON_VMPTRST:
	case EXIT_REASON_VMREAD:
	case EXIT_REASON_VMRESUME:
	case EXIT_REASON_VMWRITE:
	case EXIT_REASON_VMXOFF:
	case EXIT_REASON_VMXON:
	case EXIT_REASON_INVEPT:
	case EXIT_REASON_INVVPID:
		return exit_vmx_instruction(cpu);
	case EXIT_REASON_TRIPLE_FAULT:
		leave_triple_fault(cpu);
	default:
		RECORD(cpu, UNEXPECTED_EXIT, HP_ERR, reason, vmread(VMCS_EXIT_QUALIFICATION),
		       vmread(VMCS_GUEST_RIP));
		retreat(cpu, HP_REPORT_UNEXPECTED_EXIT, NULL);
	}
}

static uint64_t detail_of(uint32_t reason)
{
	switch (reason) {
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		return vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
	case EXIT_REASON_EXCEPTION_NMI:
		return vmread(VMCS_EXIT_INTERRUPTION);
	default:
		return 0;
	}
}

/* Any exit but CPUID. */
static __attribute__((noinline)) void handle(struct cpu *cpu, struct hp_exit *exit)
{
	bool is_msr = exit->reason == EXIT_REASON_RDMSR || exit->reason == EXIT_REASON_WRMSR;

	exit->qualification = is_msr ? (uint32_t)cpu->gpr[RCX] : vmread(VMCS_EXIT_QUALIFICATION);
	exit->detail = detail_of(exit->reason);
	__builtin_memcpy(cpu->undo.gpr, cpu->gpr, sizeof(cpu->gpr));
	switch (dispatch(cpu, exit->reason)) {
	case OUTCOME_SKIP:
		skip_instruction(cpu);
		break;
	case OUTCOME_RESUME:
		break;
	case OUTCOME_LEAVE:
		leave(cpu);
	}
}

/* Leaves that are what the processor says, below 32: all but 1, 7, and those from 0DH on. */
#define LEAVES_AS_THEY_ARE 0x1f7du

/*
 * The most frequent exit, whose cost everybody pays: without anything that it does not need. In
 * 64-bit mode CPUID clears the upper halves; in others they don't matter.
 */
static inline void handle_cpuid(struct cpu *cpu, struct hp_exit *exit)
{
	uint32_t leaf = (uint32_t)cpu->gpr[RAX], subleaf = (uint32_t)cpu->gpr[RCX];

	exit->qualification = leaf | (uint64_t)subleaf << 32;
	cpuid_to(leaf, subleaf, cpu->gpr);
	if (unlikely(leaf >= 32 || !(LEAVES_AS_THEY_ARE >> leaf & 1)))
		exit_cpuid_amend(cpu, leaf, subleaf);
	skip_instruction(cpu);
}

/* VM entry failed: VMfail, or an exit that says so. Before the first exit the launch can be
 * refused. */
static enum hp_error entry_failed(struct cpu *cpu, uint32_t reason)
{
	bool first = cpu->ring->exits_total == 0;
	uint64_t error = vmread(VMCS_INSTRUCTION_ERROR);
	uint64_t qualification = reason ? vmread(VMCS_EXIT_QUALIFICATION) : 0;

	cpu->gate->detail[0] = reason;
	cpu->gate->detail[1] = reason ? qualification : error;
	RECORD(cpu, ENTRY_FAILED, HP_ERR, reason, qualification, error);
	if (!first)
		retreat(cpu, HP_REPORT_ENTRY_FAILED, NULL);
	report_write(cpu, HP_REPORT_ENTRY_FAILED, NULL);
	report_end(cpu, HP_REPORT_RETREATED);
	return HP_ERROR_ENTRY_FAILED;
}

static void load_registers(struct cpu *cpu)
{
	unsigned i;

	for (i = RAX; i <= R15; i++)
		cpu->gpr[i] = cpu->gate->state.gpr[i];
	/* Those of the crossing; root's own handler may have counted more since. */
	asm volatile("addl %1, %0" : "+m"(cpu->nmis) : "r"(cpu->gate->nmis) : "cc");
	cpu->gate->nmis = 0;
	if (cpu->nmis)
		cpu->nmi_new = 1;
}

/* The rare work before an entry. A step that an NMI kept from being made is undone first. */
static void arrange(struct cpu *cpu)
{
	if (cpu->stepping)
		step_look(cpu);
	nmi_arrange(cpu);
	if (cpu->stepping)
		step_arrange(cpu);
}

enum hp_error loop_run(struct cpu *cpu)
{
	struct gate_ring *ring = cpu->ring;

	__builtin_memset(ring->exits, 0, sizeof(ring->exits));
	ring->exits_total = ring->entered = ring->nmis_in_root = ring->events_reinjected = 0;
	load_registers(cpu);
	cpu->gate->in_guest = 1;
	RECORD(cpu, ENTERED, HP_INFO, cpu->index);
	for (;;) {
		struct hp_exit *exit;
		uint32_t reason;
		int result;

		if (unlikely(cpu->machine->pool.generation != cpu->ept_generation))
			invalidate_catch_up(cpu);
		if (unlikely(cpu->attention))
			arrange(cpu);
		ring->entered = ring->exits_total;
		result = vmx_enter(cpu);
		if (unlikely(result != VMX_EXITED)) {
			if (result == VMX_NMI_NEW)
				continue;
			return entry_failed(cpu, 0);
		}
		reason = (uint32_t)vmread(VMCS_EXIT_REASON);
		if (unlikely(reason != EXIT_REASON_CPUID && reason >= HP_EXIT_REASONS)) {
			reason &= ~EXIT_REASON_ENCLAVE;
			if (reason >= HP_EXIT_REASONS)
				return entry_failed(cpu, reason);
		}
		ring->exits[reason]++;
		exit = &cpu->trail->exit[ring->exits_total++ & cpu->history_mask];
		exit->reason = reason;
		exit->rip = vmread(VMCS_GUEST_RIP);
		cpu->exit = exit;
		cpu->undo.begin = 0;
		cpu->undo.cr2 = cpu->cr2 = read_cr2();
		if (likely(reason == EXIT_REASON_CPUID))
			handle_cpuid(cpu, exit);
		else
			handle(cpu, exit);
		cpu->undo.done = 1;
	}
}
