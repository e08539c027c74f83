// SPDX-License-Identifier: MIT
/*
 * Skipping an instruction that root carried out for the guest: everything that the completion of an
 * instruction changes, in one place.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* SDM: Single-Stepping; Single-Stepping on Branches: with BTF no trap comes after a non-branch. */
static void trap_after_step(void)
{
	if (vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF)
		return;
	/* At delivery the processor turns the pending BS into DR6.BS. */
	undo_vmwrite(VMCS_GUEST_PENDING_DEBUG, vmread(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

/* SDM: Interruptibility State: blocking by STI and MOV SS lasts for one instruction. */
static inline void end_blocking(void)
{
	uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (unlikely(blocking & (BLOCKING_STI | BLOCKING_MOV_SS)))
		undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			     blocking & ~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
}

/* SDM: Instruction-Breakpoint Exception Condition: RF is cleared by completion. */
static inline void complete(void)
{
	uint64_t flags = vmread(VMCS_GUEST_RFLAGS);

	end_blocking();
	if (unlikely(flags & RFLAGS_RF))
		undo_vmwrite(VMCS_GUEST_RFLAGS, flags & ~RFLAGS_RF);
	if (unlikely(flags & RFLAGS_TF))
		trap_after_step();
}

void skip_instruction(struct cpu *cpu)
{
	uint64_t rip = cpu->exit->rip;
	uint64_t next = rip + vmread(VMCS_EXIT_LENGTH);

	(void)cpu;
	/* Outside 64-bit code the instruction pointer has 32 bits. */
	if (unlikely((rip ^ next) >> 32) && !guest_is_64_bit())
		next = (uint32_t)next;
	vmwrite(VMCS_GUEST_RIP, next);
	complete();
}

/*
 * SDM: REP/REPE/REPZ/REPNE/REPNZ - Repeat String Operation Prefix: between iterations, what is
 * pending is taken as between instructions, a single-step trap included. RF stays until the last.
 */
void skip_iteration(struct cpu *cpu)
{
	if (cpu->stepping)
		step_exit(cpu);
	end_blocking();
	if (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
		trap_after_step();
}
