// SPDX-License-Identifier: MIT
/*
 * Faults in root. The few instructions that may fault on a value of the guest's have an entry in
 * the exception table, and go on behind themselves, saying so. Any other fault is a bug of ours: it
 * is recorded, and the processor leaves VMX operation at the guest's state, so that the OS runs on.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define IDT_PRESENT_INTERRUPT_GATE 0x8e00ull

/* What fault_common pushed, below the processor's own frame. */
struct fault_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

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

static bool fix_up(struct fault_frame *frame)
{
	const struct exception_entry *entry;

	if (frame->vector != VECTOR_GP && frame->vector != VECTOR_PF)
		return false;
	for (entry = exception_table; entry < exception_table_end; entry++) {
		if ((uintptr_t)&entry->fault + (int64_t)entry->fault == frame->rip) {
			frame->rip = (uintptr_t)&entry->fixup + (int64_t)entry->fixup;
			return true;
		}
	}
	return false;
}

static void halt(void) __attribute__((noreturn));
static void halt(void)
{
	for (;;)
		asm volatile("hlt");
}

void fault_handle(struct fault_frame *frame, struct cpu *cpu);
void fault_handle(struct fault_frame *frame, struct cpu *cpu)
{
	uint64_t address;

	if (fix_up(frame))
		return;
	asm volatile("mov %%cr2, %0" : "=r"(address));
	/* A fault while leaving because of a fault: nothing of the guest's state can be trusted. */
	if (cpu->fault_depth++)
		halt();
	RECORD(cpu, FAULT, HP_ERR, frame->vector, frame->error_code, frame->rip, address);
	cpu->gate->error = HP_ERROR_INTERNAL;
	cpu->gate->detail[0] = frame->vector;
	cpu->gate->detail[1] = frame->rip;
	if (cpu->gate->in_guest)
		leave(cpu);
	leave_refused(cpu, HP_ERROR_INTERNAL);
}
