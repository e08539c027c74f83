// SPDX-License-Identifier: MIT
/*
 * The rare parts of skipping an instruction. See skip.h.
 *
 * World: root.
 */
#include "skip.h"

uint64_t skip_wrapped(uint64_t next)
{
	return guest_is_64_bit() ? next : (uint32_t)next;
}

void skip_end_blocking(uint64_t blocking)
{
	undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		     blocking & ~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
}

/* SDM: Single-Stepping; Single-Stepping on Branches: with BTF no trap comes after a non-branch. */
static void trap_after_step(void)
{
	if (vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF)
		return;
	/* At delivery the processor turns the pending BS into DR6.BS. */
	undo_vmwrite(VMCS_GUEST_PENDING_DEBUG, vmread(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

/* SDM: Instruction-Breakpoint Exception Condition: RF is cleared by completion. */
void skip_end_flags(uint64_t flags)
{
	if (flags & RFLAGS_RF)
		undo_vmwrite(VMCS_GUEST_RFLAGS, flags & ~RFLAGS_RF);
	if (flags & RFLAGS_TF)
		trap_after_step();
}

/*
 * SDM: REP/REPE/REPZ/REPNE/REPNZ - Repeat String Operation Prefix: between iterations, what is
 * pending is taken as between instructions, a single-step trap included. RF stays until the last.
 */
void skip_iteration(struct cpu *cpu)
{
	uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (cpu->stepping)
		step_exit(cpu);
	if (blocking & (BLOCKING_STI | BLOCKING_MOV_SS))
		skip_end_blocking(blocking);
	if (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
		trap_after_step();
}
