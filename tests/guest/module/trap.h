/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Running code under an interrupt descriptor table of our own, which writes down each event exactly
 * as the processor delivered it. See trap_entry.S.
 *
 * World: the guest's kernel.
 */
#ifndef TESTS_GUEST_TRAP_H
#define TESTS_GUEST_TRAP_H

#define TRAP_EVENTS	  64
#define TRAP_EVENT_BYTES  64
#define TRAP_STUBS	  32
#define TRAP_STUB_BYTES	  16
/*
 * Of the interrupt that probes send themselves: one that Linux uses under other hypervisors only, and
 * of the highest class, so that the task priority keeps the timer and devices out meanwhile.
 */
#define TRAP_VECTOR	  0xf3
#define TRAP_PRIORITY	  0xe

/* Offsets in struct trap_run. */
#define RUN_GPR		0x00
#define RUN_CODE	0x80
#define RUN_FLAGS	0x88
#define RUN_RSP		0x90
#define RUN_FAULT	0x98
#define RUN_RESUME	0x9c
#define RUN_EOI		0xa0
#define RUN_COUNT	0xa8
#define RUN_VECTOR	0xb0
#define RUN_DR6		0xb8
#define RUN_EVENTS	0xc0

#define TRAP_NOTHING	0xffffffff

#ifndef __ASSEMBLER__

#include <linux/types.h>

struct trap_event {
	u64 vector, error, rip, cs, flags, dr6, cr2, reserved;
};

struct trap_run {
	u64 gpr[16];   /* in and out, also of a fault; RSP out of a fault only; not R10, R11 */
	u64 code;      /* called */
	u64 flags;     /* out */
	u64 rsp;       /* of trap_enter, for the way out of a fault */
	u32 fault;     /* out: the last event ended it */
	u32 resume;    /* in: set RF when returning from a breakpoint */
	u64 eoi;       /* in: address of the local APIC's EOI register; 0: x2APIC */
	u64 count;     /* out: of events */
	u64 vector;    /* out, without a stack: what came, or TRAP_NOTHING */
	u64 dr6;       /* out, without a stack */
	struct trap_event event[TRAP_EVENTS];
};

extern struct trap_run trap_run;
extern const char trap_stubs[], trap_interrupt[], trap_bare_stubs[];

/* Runs trap_run.code, under the table of our own, with interrupts off at the start. */
void trap_enter(void);

#endif
#endif
