/* SPDX-License-Identifier: MIT */
/*
 * One run of HyperPlatform as the OS side knows it: its memory, its processors, what they are able
 * to do. Made by a start, gone with the stop.
 *
 * While a processor runs as a guest, the OS side may only read what gate.h calls read-only (gate,
 * processor[].gate, processor[].ring), and nothing of what is hidden.
 *
 * World: OS. Callers hold the lifecycle's lock.
 */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include "memory.h"
#include "root_image.h"
#include "../base/capability.h"
#include "../gate/gate.h"

struct processor {
	uint32_t index;
	uint32_t error;	       /* enum hp_error: why it did not enter or leave */
	struct gate_cpu *gate; /* NULL: it was not present at the start */
	struct gate_ring *ring;
	struct gate_trail *trail;
	uint32_t cpuid_base; /* where our leaves are on it */
	bool inside; /* it entered, and was not found outside since: known here, whatever a guest
			has written to the gate's page */
	struct phys gate_physical, ring_physical, trail_physical, block;
	uint64_t tail; /* records of the ring that were drained */
	uint64_t lost; /* of them, those that were overwritten before */
	bool reported; /* its report was said in the log */
	uint64_t watched_exits; /* watch.c: for so long it has been at work on this exit */
	uint64_t watched_since; /* by host_uptime() */
	bool checked;  /* `check` is of this run */
	struct hp_check check;
	uint32_t proc_allowed, proc2_allowed; /* controls that may be 1, from the check */
};

struct machine {
	struct memory memory;
	uint32_t processors;
	struct processor *processor;

	/* What all processors have in common, from their checks. */
	uint8_t levels;	      /* of the OS's page tables: 4 or 5 */
	uint8_t root_largest; /* leaves in root's tables: 2 or 3 */
	uint8_t ept_largest;  /* leaves in the EPT: 1, 2 or 3 */

	struct interception_set subscriptions;
	uint32_t exits; /* groups that are on: bits of enum hp_exits_group */
	uint32_t history; /* exits that are kept of each processor: a power of two */
	struct gate_command *command;

	struct root_image image;
	struct gate_machine *gate;
	struct phys gate_physical;
	struct phys root_top; /* of root's page tables */
	uint64_t ept_pages[3];
};

/* Starts an empty machine with its processors, none of which is checked. NO_MEMORY, PROCESSORS. */
enum hp_error machine_begin(struct machine *machine);

/*
 * After all online processors were checked: takes all memory, loads root, builds both maps, fills
 * the shared pages. Nothing of a processor is changed. NO_MEMORY, IMAGE, INTERNAL.
 */
enum hp_error machine_prepare(struct machine *machine);

/* Of each processor's trail: the report, and as many exits as are kept. */
uint32_t machine_trail_pages(const struct machine *machine);

/* Gives back all memory. No processor is in VMX operation. */
void machine_end(struct machine *machine);

#endif
