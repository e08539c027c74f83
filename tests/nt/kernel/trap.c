// SPDX-License-Identifier: MIT
/*
 * Traps and interrupts. Exceptions of a driver go to its handlers (seh.c); any other ends the lab
 * as a bug check. Interrupts keep NT's order: the vector's upper half is the IRQL, and the
 * processor's TPR, which is CR8, holds back what is not above it.
 *
 * World: the lab's kernel.
 */
#include "nt.h"

#define VECTOR_DB     1
#define VECTOR_NMI    2
#define VECTOR_BP     3
#define VECTOR_DF     8
#define VECTOR_MC     18
#define EXCEPTIONS    32
#define GATE_KERNEL   0x8e00ull
#define GATE_USER     0xee00ull
#define STUB_BYTES    16
#define SYSCALL_LEAVE 0 /* RAX: what entry_user_code asks for at its end */

uint64_t trap_table[512] __attribute__((aligned(PAGE)));

extern char entry_stubs[];

/* Called by entry.S. */
void trap_handle(struct trap_frame *frame);
void trap_nmi(struct trap_frame *frame);

void trap_init(void)
{
	static const uint8_t stacks[EXCEPTIONS] = {
		[VECTOR_DF] = 1, [VECTOR_MC] = 2, [VECTOR_NMI] = 3
	};
	uint64_t at, kind;
	unsigned vector;

	for (vector = 0; vector < 256; vector++) {
		at = (uintptr_t)entry_stubs + vector * STUB_BYTES;
		kind = vector == VECTOR_BP || vector == VECTOR_SYSCALL ? GATE_USER : GATE_KERNEL;
		if (vector < EXCEPTIONS)
			kind |= stacks[vector];
		trap_table[2 * vector] = (at & 0xffff) | SELECTOR_CODE << 16 | kind << 32 |
					 (at >> 16 & 0xffff) << 48;
		trap_table[2 * vector + 1] = at >> 32;
	}
}

void trap_load(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { sizeof(trap_table) - 1, (uintptr_t)trap_table };

	asm volatile("lidt %0" : : "m"(idtr));
}

static void handle_exception(struct trap_frame *frame)
{
	static const char *const names[EXCEPTIONS] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",    "#TS",
		"#NP", "#SS", "#GP", "#PF", "",	   "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
	};

	if (!seh_dispatch(frame))
		judge_bug_check(names[frame->vector] ? names[frame->vector] : "exception", frame);
}

static void handle_interrupt(struct trap_frame *frame)
{
	struct processor *processor = processor_this();
	uint64_t level = processor_cr8();

	if (frame->vector == VECTOR_SPURIOUS)
		return;
	if (frame->vector >> 4 <= level)
		judge_bug_check("an interrupt that the IRQL forbids", frame);
	processor_set_cr8(frame->vector >> 4);
	processor_end_of_interrupt();
	switch (frame->vector) {
	case VECTOR_CLOCK:
		if (frame->cs & 3)
			processor->interrupted_user++;
		thread_clock(processor);
		break;
	case VECTOR_DISPATCH:
		thread_dispatch_interrupt();
		break;
	default:
		judge_bug_check("an interrupt that nobody asked for", frame);
	}
	processor_set_cr8(level);
}

void trap_handle(struct trap_frame *frame)
{
	if (frame->vector < EXCEPTIONS)
		handle_exception(frame);
	else if (frame->vector == VECTOR_SYSCALL && frame->rax == SYSCALL_LEAVE)
		PsTerminateSystemThread(STATUS_SUCCESS);
	else
		handle_interrupt(frame);
}

void trap_nmi(struct trap_frame *frame)
{
	struct processor *processor = processor_this();

	bool ours = processor->nmis_sent != 0;

	if (ours)
		__atomic_sub_fetch(&processor->nmis_sent, 1, __ATOMIC_RELAXED);
	if (judge_stopped()) {
		say("processor %u was at %llx", processor->number, frame->rip);
		for (;;)
			asm volatile("cli; hlt");
	}
	/* NT ends with a bug check then. */
	if (!callback_nmi(ours))
		judge_violation("NMI", "nobody's, on processor %u", processor->number);
	processor->nmis++;
}
