// SPDX-License-Identifier: MIT
/*
 * Events for the guest: exceptions that an instruction of its should have raised, and events whose
 * delivery an exit interrupted.
 *
 * Source: SDM, Event Injection; Information for VM Exits That Occur During Event Delivery.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* A fault: RIP stays at the instruction, RF is set in the frame as the bare processor does. */
static void set_resume_flag(void)
{
	vmwrite(VMCS_GUEST_RFLAGS, vmread(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
}

enum outcome inject_ud(struct cpu *cpu)
{
	(void)cpu;
	set_resume_flag();
	vmwrite(VMCS_ENTRY_INTERRUPTION, event_info(EVENT_EXCEPTION, VECTOR_UD, false));
	return OUTCOME_RESUME;
}

enum outcome inject_gp(struct cpu *cpu)
{
	(void)cpu;
	set_resume_flag();
	vmwrite(VMCS_ENTRY_ERROR_CODE, 0);
	vmwrite(VMCS_ENTRY_INTERRUPTION, event_info(EVENT_EXCEPTION, VECTOR_GP, true));
	return OUTCOME_RESUME;
}

void inject_interrupted_event(struct cpu *cpu)
{
	uint32_t info = (uint32_t)vmread(VMCS_IDT_VECTORING);
	enum event_type type = EVENT_TYPE(info);

	if (!(info & EVENT_VALID))
		return;
	cpu->ring->events_reinjected++;
	if (info & EVENT_ERROR_CODE)
		vmwrite(VMCS_ENTRY_ERROR_CODE, vmread(VMCS_IDT_VECTORING_ERROR));
	if (type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION ||
	    type == EVENT_PRIVILEGED_EXCEPTION)
		vmwrite(VMCS_ENTRY_LENGTH, vmread(VMCS_EXIT_LENGTH));
	/* An NMI is injected with blocking by NMI clear; its delivery sets it again. */
	if (type == EVENT_NMI)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKING_NMI);
	/* Bits 30:12 have no meaning here, or another one than at entry. */
	vmwrite(VMCS_ENTRY_INTERRUPTION, info & (EVENT_VALID | 0xfffu));
}
