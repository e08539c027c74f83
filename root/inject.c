// SPDX-License-Identifier: MIT
/*
 * Events for the guest: the exception that its instruction raises, one that was caught on its way,
 * and the event whose delivery an exit interrupted.
 *
 * An injected event ends blocking by STI and by MOV SS, as its delivery does on the bare processor;
 * so the pending debug exceptions need not be made to fit them.
 *
 * Source: SDM, Event Injection; Information for VM Exits That Occur During Event Delivery;
 * Interrupt 8 - Double Fault Exception.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* The exceptions that are faults, a bit each; the others are traps or aborts, or either, as #DB is.
 */
#define FAULTS                                                                                     \
	(1u << VECTOR_DE | 1u << VECTOR_BR | 1u << VECTOR_UD | 1u << VECTOR_NM | 1u << VECTOR_TS | \
	 1u << VECTOR_NP | 1u << VECTOR_SS | 1u << VECTOR_GP | 1u << VECTOR_PF | 1u << VECTOR_MF | \
	 1u << VECTOR_AC | 1u << VECTOR_XM | 1u << VECTOR_VE | 1u << VECTOR_CP)

static void inject(uint32_t info, uint32_t error_code, uint64_t length)
{
	uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (info & EVENT_ERROR_CODE)
		vmwrite(VMCS_ENTRY_ERROR_CODE, error_code);
	if (event_is_software(info))
		vmwrite(VMCS_ENTRY_LENGTH, length);
	if (blocking & (BLOCKING_STI | BLOCKING_MOV_SS))
		undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			     blocking & ~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
	/* Bits 30:12 have no meaning here, or another one than in the fields of an exit. */
	vmwrite(VMCS_ENTRY_INTERRUPTION, info & (EVENT_VALID | 0xfffu));
}

/*
 * SDM: Instruction-Breakpoint Exception Condition: the frame of a fault has RF set, so that a
 * breakpoint on the instruction comes once; that of a #DB has not. (The emulator's exits show
 * RFLAGS before that.)
 */
static void set_resume_flag(unsigned vector)
{
	if (FAULTS >> vector & 1)
		undo_vmwrite(VMCS_GUEST_RFLAGS, vmread(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
}

enum outcome inject_fault(struct cpu *cpu, const struct guest_fault *fault)
{
	set_resume_flag(fault->vector);
	if (fault->vector == VECTOR_PF)
		guest_cr2_write(cpu, fault->address);
	inject(event_info(EVENT_EXCEPTION, fault->vector, fault->has_error_code), fault->error_code,
	       0);
	return OUTCOME_RESUME;
}

enum outcome inject_ud(struct cpu *cpu)
{
	return inject_fault(cpu, &(struct guest_fault){ .vector = VECTOR_UD });
}

enum outcome inject_gp(struct cpu *cpu)
{
	return inject_fault(cpu,
			    &(struct guest_fault){ .vector = VECTOR_GP, .has_error_code = true });
}

void inject_interrupted_event(struct cpu *cpu)
{
	uint32_t info = (uint32_t)vmread(VMCS_IDT_VECTORING);
	uint32_t error_code = 0;

	if (!(info & EVENT_VALID))
		return;
	cpu->ring->events_reinjected++;
	if (info & EVENT_ERROR_CODE)
		error_code = (uint32_t)vmread(VMCS_IDT_VECTORING_ERROR);
	/* An NMI is injected with blocking by NMI clear; its delivery sets it again. */
	if (EVENT_TYPE(info) == EVENT_NMI)
		undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			     vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKING_NMI);
	inject(info, error_code, event_is_software(info) ? vmread(VMCS_EXIT_LENGTH) : 0);
}

enum exception_class { CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PAGE_FAULT, CLASS_DOUBLE_FAULT };

static enum exception_class class_of(uint32_t info)
{
	if (EVENT_TYPE(info) != EVENT_EXCEPTION)
		return CLASS_BENIGN;
	switch (EVENT_VECTOR(info)) {
	case VECTOR_DE:
	case VECTOR_TS:
	case VECTOR_NP:
	case VECTOR_SS:
	case VECTOR_GP:
	case VECTOR_CP:
		return CLASS_CONTRIBUTORY;
	case VECTOR_PF:
	case VECTOR_VE:
		return CLASS_PAGE_FAULT;
	case VECTOR_DF:
		return CLASS_DOUBLE_FAULT;
	default:
		return CLASS_BENIGN;
	}
}

/*
 * SDM: Conditions for Generating a Double Fault. An exception that exits has not been combined with
 * the one in whose delivery it arose: that is left to us.
 */
static bool makes_double_fault(enum exception_class first, enum exception_class second)
{
	if (first == CLASS_CONTRIBUTORY)
		return second == CLASS_CONTRIBUTORY;
	return first == CLASS_PAGE_FAULT &&
	       (second == CLASS_CONTRIBUTORY || second == CLASS_PAGE_FAULT);
}

enum outcome inject_caught(struct cpu *cpu, uint32_t info)
{
	uint32_t vectoring = (uint32_t)vmread(VMCS_IDT_VECTORING), error_code = 0;
	enum exception_class first = CLASS_BENIGN, second = class_of(info);

	if (vectoring & EVENT_VALID)
		first = class_of(vectoring);
	if (first == CLASS_DOUBLE_FAULT &&
	    (second == CLASS_CONTRIBUTORY || second == CLASS_PAGE_FAULT))
		leave_triple_fault(cpu);
	if (makes_double_fault(first, second))
		info = event_info(EVENT_EXCEPTION, VECTOR_DF, true);
	else if (info & EVENT_ERROR_CODE)
		error_code = (uint32_t)vmread(VMCS_EXIT_ERROR_CODE);
	if (EVENT_TYPE(info) == EVENT_EXCEPTION)
		set_resume_flag(EVENT_VECTOR(info));
	inject(info, error_code, event_is_software(info) ? vmread(VMCS_EXIT_LENGTH) : 0);
	return OUTCOME_RESUME;
}
