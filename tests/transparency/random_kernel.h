/* SPDX-License-Identifier: GPL-2.0 */
/* What the sequences of random_code.c and their surroundings in random_kernel.c share. */
#ifndef TESTS_TRANSPARENCY_RANDOM_KERNEL_H
#define TESTS_TRANSPARENCY_RANDOM_KERNEL_H

#include <linux/types.h>

/* The caller has a writable page there; no page is behind it. */
#define RANDOM_USER 0x20000000ul

/* In the read-only page: the operand of LGDT and LIDT whose base is no address. */
#define RANDOM_BAD_TABLE 0xe00

/* A byte of the clock's memory that nothing uses: keeps what is written. */
#define RANDOM_PORT_INDEX 0x70
#define RANDOM_PORT	  0x71
#define RANDOM_CLOCK_BYTE 0x50

/* Two pages of text, where sequences run. */
extern const char random_code[];

struct random_memory {
	u8 *code;      /* the pages of random_code, to be written */
	u8 *data;      /* two pages */
	u8 *read_only; /* one */
	u8 *stack;     /* one */
};
extern struct random_memory random_memory;

/* Puts the seed's sequence into the code pages, its operands into trap_run and memory: bytes of
 * code. */
unsigned int random_generate(u64 seed);

#endif
