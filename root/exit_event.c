// SPDX-License-Identifier: MIT
/*
 * Exit reason 0: NMIs, and exceptions that are watched. An exception goes on to the guest as it
 * came, with what its delivery would have changed in CR2, DR6, DR7 and IA32_DEBUGCTL: an exit
 * changes none of them.
 *
 * What needs no care: an IRET that raised the exception has unblocked NMIs, as it does without us.
 *
 * Source: SDM, Exit Qualification for Debug Exceptions; Changes to the Exception Bitmap's Vectors:
 * Architectural State before a VM Exit; Debug Status Register (DR6); Handling Multiple NMIs.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* Of DR6, bits that are 0 when the condition is there, and 1 otherwise. */
#define DR6_ACTIVE_LOW (DR6_RTM | DR6_BLD)

/* The qualification has the bits of DR6, those that are active low inverted. */
void event_debug(uint64_t qualification)
{
	uint64_t dr6 = (read_dr(6) & ~DR6_B) | DR6_ACTIVE_LOW;
	uint64_t dr7 = vmread(VMCS_GUEST_DR7), debugctl = vmread(VMCS_GUEST_DEBUGCTL);

	dr6 |= qualification & (DR6_B | DR6_BD | DR6_BS);
	dr6 &= ~(qualification & DR6_ACTIVE_LOW);
	write_dr(6, dr6);
	if (dr7 & DR7_GD)
		undo_vmwrite(VMCS_GUEST_DR7, dr7 & ~DR7_GD);
	if (debugctl & DEBUGCTL_LBR)
		undo_vmwrite(VMCS_GUEST_DEBUGCTL, debugctl & ~DEBUGCTL_LBR);
}

enum outcome exit_event(struct cpu *cpu)
{
	uint32_t info = (uint32_t)vmread(VMCS_EXIT_INTERRUPTION);

	if (EVENT_TYPE(info) == EVENT_NMI)
		return nmi_exit(cpu);
	/* INT1 is of another type, and leaves DR6 alone. */
	if (EVENT_TYPE(info) == EVENT_EXCEPTION && EVENT_VECTOR(info) == VECTOR_DB)
		event_debug(vmread(VMCS_EXIT_QUALIFICATION));
	if (EVENT_TYPE(info) == EVENT_EXCEPTION && EVENT_VECTOR(info) == VECTOR_PF)
		guest_cr2_write(cpu, vmread(VMCS_EXIT_QUALIFICATION));
	return inject_caught(cpu, info);
}
