/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What hptest.ko, which sees the kernel's headers, asks of inside.c, which sees HyperPlatform's:
 * the two don't go into one file.
 *
 * World: the guest's kernel.
 */
#ifndef TESTS_GUEST_INSIDE_H
#define TESTS_GUEST_INSIDE_H

#include <linux/types.h>

/* Of the struct machine that runs, and a processor's number. */
void *inside_gate(void *machine, unsigned int processor);
void *inside_ring(void *machine, unsigned int processor);

/* What the ring holds. */
#define INSIDE_RECORDS 240

/* How many records the ring has ever had; the addresses of number `tail`, if it tells of steps. */
uint64_t inside_head(void *ring);
unsigned int inside_steps(void *ring, uint64_t tail, uint64_t rip[6]);

/* What the machine took of the system's memory, and how the guest may see it. */
enum inside_view { INSIDE_OS, INSIDE_HIDDEN, INSIDE_RINGS, INSIDE_READABLE };
struct inside_run {
	uint64_t physical;
	unsigned int pages;
	enum inside_view view;
};

/* Number `index` of them; false: there is none. */
bool inside_run(void *machine, unsigned int index, struct inside_run *run);

/* Calls gate_call: the next instructions are stepped. Returns enum hp_error. */
uint64_t inside_step(void *gate_call, void *gate, uint64_t instructions);

#endif
