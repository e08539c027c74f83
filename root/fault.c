// SPDX-License-Identifier: MIT
/*
 * Faults in root. The few instructions that may fault on a value of the guest's have an entry in
 * the exception table, and go on behind themselves, saying so. Any other fault is a bug of ours,
 * and the end of this processor's life as a guest (retreat.c); so is an NMI that was sent because
 * root does not come to an end.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define IDT_PRESENT_INTERRUPT_GATE 0x8e00ull

/* Distances from the words themselves: no relocation. */
struct exception_entry {
	int32_t fault, fixup;
};
extern const struct exception_entry exception_table[], exception_table_end[];

static uint8_t stack_of(unsigned vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DF:
		return IST_DOUBLE_FAULT;
	case VECTOR_MC:
		return IST_MACHINE_CHECK;
	default:
		return 0;
	}
}

void fault_fill_idt(struct cpu *cpu, uint16_t code_selector)
{
	unsigned vector;

	for (vector = 0; vector < VECTORS_RESERVED; vector++) {
		uint64_t entry = (uintptr_t)&fault_stubs[vector] + (int64_t)fault_stubs[vector];

		cpu->idt[vector][0] = (entry & 0xffff) | (uint64_t)code_selector << 16 |
				      (uint64_t)stack_of(vector) << 32 |
				      IDT_PRESENT_INTERRUPT_GATE << 32 |
				      (entry >> 16 & 0xffff) << 48;
		cpu->idt[vector][1] = entry >> 32;
	}
	cpu->idtr.base = (uintptr_t)cpu->idt;
	cpu->idtr.limit = sizeof(cpu->idt) - 1;
}

static bool fix_up(struct fault_frame *frame, const struct cpu *cpu)
{
	const struct exception_entry *entry;

	if (frame->vector != VECTOR_GP && frame->vector != VECTOR_PF)
		return false;
	for (entry = exception_table; entry < exception_table_end; entry++) {
		if ((uintptr_t)&entry->fault + (int64_t)entry->fault == frame->rip) {
			frame->rip = (uintptr_t)&entry->fixup + (int64_t)entry->fixup;
			/* The guest may not have read its own yet, or be about to get it. */
			if (frame->vector == VECTOR_PF)
				write_cr2(cpu->cr2);
			return true;
		}
	}
	return false;
}

void fault_handle(struct fault_frame *frame, struct cpu *cpu);
void fault_handle(struct fault_frame *frame, struct cpu *cpu)
{
	if (fix_up(frame, cpu))
		return;
	RECORD(cpu, FAULT, HP_ERR, frame->vector, frame->error_code, frame->rip, read_cr2());
	retreat(cpu, frame->vector == VECTOR_NMI ? HP_REPORT_STUCK : HP_REPORT_FAULT, frame);
}
