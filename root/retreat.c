// SPDX-License-Identifier: MIT
/*
 * Retreat: root has failed, and the guest must run on as if nothing had been. The report is
 * written, the exit is undone, and the processor leaves VMX operation where the guest is. That
 * takes an address space that has the gate. Where the guest is in user mode under page-table
 * isolation, it runs on in a loop of its own, with the least that must exit and handlers that share
 * nothing with those of the normal loop, until it loads one that has.
 *
 * What fails in here escapes (escape.c); what fails there has nothing left to fall back on. Every
 * stage begins on a fresh stack.
 *
 * Source: SDM, VMM Setup & Tear Down; Checks on Guest Non-Register State; Information for VM Exits
 * That Occur During Event Delivery.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* More exits than a processor makes on its way to the next MOV to CR3; a CPUID loop makes them. */
#define EXITS_MOST 10000000u

static void halt(void) __attribute__((noreturn));
static void halt(void)
{
	for (;;)
		asm volatile("hlt");
}

void retreat(struct cpu *cpu, enum hp_report_kind kind, const struct fault_frame *frame)
{
	cpu->away++;
	/* Before NMIs are unblocked: one that is latched must not be taken for the next call. */
	__atomic_fetch_and(cpu->stuck, ~BIT64(cpu->stuck_bit), __ATOMIC_RELAXED);
	report_write(cpu, kind, frame);
	cpu->gate->error =
		kind == HP_REPORT_ENTRY_FAILED ? HP_ERROR_ENTRY_FAILED : HP_ERROR_INTERNAL;
	if (frame) {
		cpu->gate->detail[0] = frame->vector;
		cpu->gate->detail[1] = frame->rip;
	}
	retreat_afresh(cpu);
}

/* --- What the guest has to get back --- */

static bool is_nmi(uint32_t info)
{
	return (info & EVENT_VALID) && EVENT_TYPE(info) == EVENT_NMI;
}

/* An event that the exit took, or that an entry was to deliver. An NMI is owed again. */
static struct event take_event(struct cpu *cpu, uint32_t info, uint32_t error_code, uint32_t length)
{
	if (!(info & EVENT_VALID))
		return (struct event){ .info = 0 };
	if (is_nmi(info)) {
		cpu->nmis++;
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKING_NMI);
		return (struct event){ .info = 0 };
	}
	return (struct event){ info & (EVENT_VALID | 0xfffu), error_code, length };
}

/* SDM: Debug Status Register; Debug Control Register; LBR: what the delivery of a #DB changes. */
static struct event debug_trap(uint64_t conditions)
{
	write_dr(6, (read_dr(6) & ~DR6_B) | conditions);
	vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~DR7_GD);
	vmwrite(VMCS_GUEST_DEBUGCTL, vmread(VMCS_GUEST_DEBUGCTL) & ~DEBUGCTL_LBR);
	return (struct event){ event_info(EVENT_EXCEPTION, VECTOR_DB, false), 0, 0 };
}

/*
 * Of an exit that was not dealt with. What it took away comes back with it: the event whose
 * delivery it interrupted, an NMI, or a debug trap, which no instruction would raise again. Any
 * other exception comes again by itself.
 */
static struct event undone_event(struct cpu *cpu)
{
	uint32_t info = (uint32_t)vmread(VMCS_EXIT_INTERRUPTION);
	uint32_t vectoring = (uint32_t)vmread(VMCS_IDT_VECTORING);
	struct event event = take_event(cpu, vectoring, (uint32_t)vmread(VMCS_IDT_VECTORING_ERROR),
					(uint32_t)vmread(VMCS_EXIT_LENGTH));

	/* That which the failed entry was to deliver; the interrupted one is counted by now. */
	if (cpu->undo.done && is_nmi((uint32_t)vmread(VMCS_ENTRY_INTERRUPTION)) &&
	    !is_nmi(vectoring))
		cpu->nmis++;
	if (cpu->exit->reason != EXIT_REASON_EXCEPTION_NMI)
		return event;
	/* One that was dealt with is owed already. The guest may be in its handler for another. */
	if (is_nmi(info) && !cpu->undo.done)
		cpu->nmis++;
	if (event.info)
		return event;
	if (EVENT_TYPE(info) == EVENT_EXCEPTION && EVENT_VECTOR(info) == VECTOR_DB)
		return debug_trap(vmread(VMCS_EXIT_QUALIFICATION) & (DR6_B | DR6_BD | DR6_BS));
	return event;
}

/*
 * A debug trap that is pending behind the instruction that root completed. One that MOV SS holds
 * back is due behind the next instruction: TF is still set for it.
 */
static struct event pending_trap(void)
{
	uint64_t pending = vmread(VMCS_GUEST_PENDING_DEBUG);

	if (!(pending & (PENDING_DEBUG_BS | PENDING_DEBUG_ENABLED_BREAKPOINT)) ||
	    (vmread(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_MOV_SS))
		return (struct event){ .info = 0 };
	vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
	return debug_trap(pending & (DR6_B | DR6_BS));
}

static struct event owed(struct cpu *cpu)
{
	bool failed = cpu->gate->error == HP_ERROR_ENTRY_FAILED;
	struct event event;

	/* What the processor does not take was left there by the last exit's handler. */
	if (!cpu->undo.done || failed) {
		undo_roll_back(cpu);
		event = undone_event(cpu);
	} else {
		event = take_event(cpu, (uint32_t)vmread(VMCS_ENTRY_INTERRUPTION),
				   (uint32_t)vmread(VMCS_ENTRY_ERROR_CODE),
				   (uint32_t)vmread(VMCS_ENTRY_LENGTH));
	}
	/* What failed may have been a page fault of ours. */
	write_cr2(cpu->cr2);
	vmwrite(VMCS_ENTRY_INTERRUPTION, 0);
	return event.info ? event : pending_trap();
}

/* --- Away, or the minimal loop --- */

/* At the guest's state, if its address space has the gate, and IRETQ can go there; returns if not.
 */
static void leave_if_open(struct cpu *cpu, struct event *event, enum hp_report_end end)
{
	if (!escape_is_open(cpu, vmread(VMCS_GUEST_CR3)) || deliver_has_shadow_stack() ||
	    !deliver(cpu, event))
		return;
	report_end(cpu, end);
	leave(cpu);
}

static void advance(void)
{
	uint64_t rip = vmread(VMCS_GUEST_RIP), next = rip + vmread(VMCS_EXIT_LENGTH);
	uint64_t flags = vmread(VMCS_GUEST_RFLAGS);

	if (!(vmread(VMCS_GUEST_CS_RIGHTS) & RIGHTS_LONG))
		next = (uint32_t)next;
	vmwrite(VMCS_GUEST_RIP, next);
	vmwrite(VMCS_GUEST_RFLAGS, flags & ~RFLAGS_RF);
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
	if ((flags & RFLAGS_TF) && !(vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF))
		vmwrite(VMCS_GUEST_PENDING_DEBUG,
			vmread(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

static void raise_fault(unsigned vector, bool has_error_code)
{
	if (has_error_code)
		vmwrite(VMCS_ENTRY_ERROR_CODE, 0);
	vmwrite(VMCS_ENTRY_INTERRUPTION, event_info(EVENT_EXCEPTION, vector, has_error_code));
}

/* MOV to CR3, and to CR0 and CR4 where it touches a fixed bit. */
static bool move_to_cr(struct cpu *cpu)
{
	uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
	unsigned gpr = qualification >> 8 & 0xf;
	uint64_t value = gpr == RSP ? vmread(VMCS_GUEST_RSP) : cpu->gpr[gpr];

	if (qualification >> 4 & 3)
		return false;
	switch (qualification & 0xf) {
	case 0:
		vmwrite(VMCS_CR0_SHADOW, value);
		vmwrite(VMCS_GUEST_CR0, value | cpu->capability.cr0_fixed0);
		break;
	case 3:
		vmwrite(VMCS_GUEST_CR3, value & ~CR3_KEEP_TLB);
		break;
	case 4:
		vmwrite(VMCS_CR4_SHADOW, value);
		vmwrite(VMCS_GUEST_CR4, value | CR4_VMXE);
		break;
	default:
		return false;
	}
	invvpid(INVVPID_ALL, 0);
	advance();
	return true;
}

static void execute_cpuid(struct cpu *cpu)
{
	struct cpuid_result result;

	cpuid((uint32_t)cpu->gpr[RAX], (uint32_t)cpu->gpr[RCX], &result);
	cpu->gpr[RAX] = result.eax;
	cpu->gpr[RBX] = result.ebx;
	cpu->gpr[RCX] = result.ecx;
	cpu->gpr[RDX] = result.edx;
	advance();
}

static void execute_msr(struct cpu *cpu, bool write)
{
	uint64_t value = (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32;
	uint32_t msr = (uint32_t)cpu->gpr[RCX];

	if (write ? !wrmsr_safe(msr, value) : !rdmsr_safe(msr, &value)) {
		raise_fault(VECTOR_GP, true);
		return;
	}
	if (!write) {
		cpu->gpr[RAX] = (uint32_t)value;
		cpu->gpr[RDX] = value >> 32;
	}
	advance();
}

/* One of ours ends with what it asked for: it leaves as soon as the gate can be reached, which it
 * is. */
static void execute_vmcall(struct cpu *cpu)
{
	bool ours = cpu->gpr[RAX] == GATE_SIGNATURE &&
		    vmread(VMCS_GUEST_RIP) - cpu->machine->gate_text < GATE_PAGE &&
		    RIGHTS_DPL((uint32_t)vmread(VMCS_GUEST_SS_RIGHTS)) == 0;

	if (!ours) {
		raise_fault(VECTOR_UD, false);
		return;
	}
	cpu->gpr[RAX] = cpu->gpr[RCX] == GATE_CALL_LEAVE ? HP_ERROR_OK : HP_ERROR_NOT_RUNNING;
	advance();
}

/* False: nothing of the minimum. */
static bool execute(struct cpu *cpu, uint32_t reason)
{
	switch (reason) {
	case EXIT_REASON_CPUID:
		execute_cpuid(cpu);
		return true;
	case EXIT_REASON_CR_ACCESS:
		return move_to_cr(cpu);
	case EXIT_REASON_RDMSR:
	case EXIT_REASON_WRMSR:
		execute_msr(cpu, reason == EXIT_REASON_WRMSR);
		return true;
	case EXIT_REASON_XSETBV:
		if (xsetbv_safe((uint32_t)cpu->gpr[RCX],
				(uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32))
			advance();
		else
			raise_fault(VECTOR_GP, true);
		return true;
	case EXIT_REASON_INVD:
		wbinvd();
		advance();
		return true;
	case EXIT_REASON_VMCALL:
		execute_vmcall(cpu);
		return true;
	case EXIT_REASON_TRIPLE_FAULT:
		leave_triple_fault(cpu);
	case EXIT_REASON_GETSEC:
	case EXIT_REASON_INVEPT:
	case EXIT_REASON_INVVPID:
		raise_fault(VECTOR_UD, false);
		return true;
	default:
		if (reason < EXIT_REASON_VMCLEAR || reason > EXIT_REASON_VMXON)
			return false;
		raise_fault(VECTOR_UD, false);
		return true;
	}
}

/* By the entry, which does not need the guest's memory to be as it should. */
static void arrange(struct cpu *cpu, struct event *event)
{
	cpu->nmi_new = 0;
	if (vmread(VMCS_ENTRY_INTERRUPTION) & EVENT_VALID)
		return;
	if (event->info) {
		vmwrite(VMCS_ENTRY_ERROR_CODE, event->error_code);
		vmwrite(VMCS_ENTRY_LENGTH, event->length);
		vmwrite(VMCS_ENTRY_INTERRUPTION, event->info);
		/* SDM: Checks on Guest Non-Register State: some types want none. */
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) &
				~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
		event->info = 0;
	} else if (cpu->nmis && !(vmread(VMCS_GUEST_INTERRUPTIBILITY) &
				  (BLOCKING_STI | BLOCKING_MOV_SS | BLOCKING_NMI))) {
		vmwrite(VMCS_ENTRY_INTERRUPTION, event_info(EVENT_NMI, VECTOR_NMI, false));
		cpu->nmis = 0;
	}
}

static void run_minimal(struct cpu *cpu, struct event *event) __attribute__((noreturn));
static void run_minimal(struct cpu *cpu, struct event *event)
{
	uint32_t exits, reason;
	int result;

	/* The exit that failed is behind us; this loop has its own bound. */
	cpu->ring->entered = cpu->ring->exits_total;
	for (exits = 0; exits < EXITS_MOST; exits++) {
		arrange(cpu, event);
		result = vmx_enter(cpu);
		if (result == VMX_NMI_NEW)
			continue;
		cpu->cr2 = read_cr2();
		reason = (uint32_t)vmread(VMCS_EXIT_REASON);
		if (result != VMX_EXITED || reason >= HP_EXIT_REASONS)
			break;
		*event = take_event(cpu, (uint32_t)vmread(VMCS_IDT_VECTORING),
				    (uint32_t)vmread(VMCS_IDT_VECTORING_ERROR),
				    (uint32_t)vmread(VMCS_EXIT_LENGTH));
		if (!execute(cpu, reason))
			break;
		if (vmread(VMCS_ENTRY_INTERRUPTION) & EVENT_VALID)
			continue;
		if (!event->info)
			*event = pending_trap();
		leave_if_open(cpu, event, HP_REPORT_RETREATED_LATER);
	}
	/* An event that the last exit interrupted is where escape() finds it. */
	arrange(cpu, event);
	retreat(cpu, HP_REPORT_ENTRY_FAILED, NULL);
}

static void step_aside(struct cpu *cpu) __attribute__((noreturn));
static void step_aside(struct cpu *cpu)
{
	struct event event;

	nmi_unblock();
	if (!cpu->gate->in_guest) {
		report_end(cpu, HP_REPORT_RETREATED);
		leave_refused(cpu, cpu->gate->error);
	}
	event = owed(cpu);
	report_event(cpu, event.info);
	if (cpu->gate->error == HP_ERROR_ENTRY_FAILED)
		repair_guest_state(cpu, &event);
	leave_if_open(cpu, &event, HP_REPORT_RETREATED);
	vmx_setup_again(cpu);
	run_minimal(cpu, &event);
}

void retreat_stage(struct cpu *cpu)
{
	switch (cpu->away) {
	case 1:
		step_aside(cpu);
	case 2:
		escape(cpu);
	default:
		halt();
	}
}
