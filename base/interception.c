// SPDX-License-Identifier: MIT
/*
 * Subscriptions, and the one state that they make together. See interception.h. The state is made
 * from scratch each time: what no subscription wants is off because nobody turned it on.
 *
 * World: any (pure).
 */
#include "interception.h"

#include <string.h>

#include "msr.h"
#include "vmcs.h"

#define PORT_LAST	0xffffu
#define EXCEPTION_LAST	31u
#define VECTOR_NMI_BIT	(1u << VECTOR_NMI)
#define EXCEPTIONS_EVER (~VECTOR_NMI_BIT)

/* What an event turns on: controls, by the direction of the access. */
static const struct controls {
	uint32_t read, write; /* primary */
	uint32_t proc2;
} controls[INTERCEPT_EVENTS] = {
	[INTERCEPT_CR3] = { PROC_CR3_STORE, PROC_CR3_LOAD, 0 },
	[INTERCEPT_CR8] = { PROC_CR8_STORE, PROC_CR8_LOAD, 0 },
	[INTERCEPT_DR] = { PROC_MOV_DR, PROC_MOV_DR, 0 },
	[INTERCEPT_PORT] = { PROC_IO_BITMAPS, PROC_IO_BITMAPS, 0 },
	[INTERCEPT_DESCRIPTOR] = { 0, 0, PROC2_DESCRIPTOR_TABLE },
	[INTERCEPT_TSC] = { PROC_RDTSC, PROC_RDTSC, 0 },
	[INTERCEPT_PMC] = { PROC_RDPMC, PROC_RDPMC, 0 },
	[INTERCEPT_CACHE] = { 0, 0, PROC2_WBINVD },
	[INTERCEPT_TLB] = { PROC_INVLPG, PROC_INVLPG, 0 },
	[INTERCEPT_HLT] = { PROC_HLT, PROC_HLT, 0 },
	[INTERCEPT_PAUSE] = { PROC_PAUSE, PROC_PAUSE, 0 },
	[INTERCEPT_MWAIT] = { PROC_MONITOR | PROC_MWAIT, PROC_MONITOR | PROC_MWAIT, 0 },
};

/* The control that each bit is, for a refusal. */
static const struct {
	uint32_t proc, proc2;
	enum hp_control control;
} names[] = {
	{ PROC_HLT, 0, HP_CONTROL_HLT },
	{ PROC_INVLPG, 0, HP_CONTROL_INVLPG },
	{ PROC_MWAIT, 0, HP_CONTROL_MWAIT },
	{ PROC_RDPMC, 0, HP_CONTROL_RDPMC },
	{ PROC_RDTSC, 0, HP_CONTROL_RDTSC },
	{ PROC_CR3_LOAD, 0, HP_CONTROL_CR3_LOAD },
	{ PROC_CR3_STORE, 0, HP_CONTROL_CR3_STORE },
	{ PROC_CR8_LOAD, 0, HP_CONTROL_CR8_LOAD },
	{ PROC_CR8_STORE, 0, HP_CONTROL_CR8_STORE },
	{ PROC_MOV_DR, 0, HP_CONTROL_MOV_DR },
	{ PROC_IO_BITMAPS, 0, HP_CONTROL_IO_BITMAPS },
	{ PROC_MONITOR, 0, HP_CONTROL_MONITOR },
	{ PROC_PAUSE, 0, HP_CONTROL_PAUSE },
	{ 0, PROC2_DESCRIPTOR_TABLE, HP_CONTROL_DESCRIPTOR_TABLE },
	{ 0, PROC2_WBINVD, HP_CONTROL_WBINVD },
};
#define NAMES (sizeof(names) / sizeof(names[0]))

const struct interception interception_every = {
	.proc = PROC_HLT | PROC_INVLPG | PROC_MWAIT | PROC_RDPMC | PROC_RDTSC | PROC_CR3_LOAD |
		PROC_CR3_STORE | PROC_CR8_LOAD | PROC_CR8_STORE | PROC_MOV_DR | PROC_IO_BITMAPS |
		PROC_MONITOR | PROC_PAUSE,
	.proc2 = PROC2_DESCRIPTOR_TABLE | PROC2_WBINVD,
	.exceptions = EXCEPTIONS_EVER,
	.cr0 = ~0ull,
	.cr4 = ~0ull,
};

/* The subscriptions of each group. */
static const struct {
	uint32_t group;
	struct intercept intercept;
} groups[] = {
	{ HP_EXITS_CR, { INTERCEPT_CR0, INTERCEPT_WRITE, ~0ull, ~0ull } },
	{ HP_EXITS_CR, { INTERCEPT_CR3, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_CR, { INTERCEPT_CR4, INTERCEPT_WRITE, ~0ull, ~0ull } },
	{ HP_EXITS_CR, { INTERCEPT_CR8, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_DR, { INTERCEPT_DR, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_MSR, { INTERCEPT_MSR, INTERCEPT_BOTH, 0, 0xffffffff } },
	{ HP_EXITS_IO, { INTERCEPT_PORT, INTERCEPT_BOTH, 0, PORT_LAST } },
	{ HP_EXITS_DESCRIPTOR, { INTERCEPT_DESCRIPTOR, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_EXCEPTION, { INTERCEPT_EXCEPTION, INTERCEPT_BOTH, 0, EXCEPTION_LAST } },
	{ HP_EXITS_TSC, { INTERCEPT_TSC, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_PMC, { INTERCEPT_PMC, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_CACHE, { INTERCEPT_CACHE, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_TLB, { INTERCEPT_TLB, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_HLT, { INTERCEPT_HLT, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_PAUSE, { INTERCEPT_PAUSE, INTERCEPT_BOTH, 0, 0 } },
	{ HP_EXITS_MWAIT, { INTERCEPT_MWAIT, INTERCEPT_BOTH, 0, 0 } },
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static bool makes_sense(const struct intercept *intercept)
{
	if (!intercept->access || (intercept->access & ~INTERCEPT_BOTH))
		return false;
	switch (intercept->event) {
	case INTERCEPT_CR0:
	case INTERCEPT_CR4:
		return intercept->first != 0;
	case INTERCEPT_MSR:
		return intercept->first <= intercept->last && intercept->last <= 0xffffffff;
	case INTERCEPT_PORT:
		return intercept->first <= intercept->last && intercept->last <= PORT_LAST;
	case INTERCEPT_EXCEPTION:
		return intercept->first <= intercept->last && intercept->last <= EXCEPTION_LAST;
	default:
		return intercept->event < INTERCEPT_EVENTS;
	}
}

static bool equal(const struct intercept *a, const struct intercept *b)
{
	return a->event == b->event && a->access == b->access && a->first == b->first &&
	       a->last == b->last;
}

bool interception_add(struct interception_set *set, const struct intercept *intercept)
{
	if (set->count == INTERCEPTION_MAX || !makes_sense(intercept))
		return false;
	set->on[set->count++] = *intercept;
	return true;
}

bool interception_remove(struct interception_set *set, const struct intercept *intercept)
{
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		if (equal(&set->on[i], intercept)) {
			set->on[i] = set->on[--set->count];
			return true;
		}
	}
	return false;
}

static void add_msrs(const struct intercept *intercept, uint8_t *bitmap)
{
	uint64_t msr;

	for (msr = intercept->first; msr <= intercept->last; msr++) {
		/* Between and above the two ranges of the bitmap every MSR exits always. */
		if (msr > MSR_LOW_LAST && msr < MSR_HIGH_FIRST)
			msr = MSR_HIGH_FIRST;
		if (msr > MSR_HIGH_LAST || msr > intercept->last)
			break;
		if (intercept->access & INTERCEPT_READ)
			msr_bitmap_set(bitmap, (uint32_t)msr, false, true);
		if (intercept->access & INTERCEPT_WRITE)
			msr_bitmap_set(bitmap, (uint32_t)msr, true, true);
	}
}

/* SDM: I/O-Bitmap Addresses: A has ports 0 to 7FFFH, B the rest; they lie one behind the other. */
static void add_ports(const struct intercept *intercept, uint8_t *bitmap)
{
	uint64_t port;

	for (port = intercept->first; port <= intercept->last; port++)
		bitmap[port / 8] |= (uint8_t)(1u << port % 8);
}

void interception_union(const struct interception_set *set, struct interception *state,
			uint8_t msr[INTERCEPTION_MSR_BYTES], uint8_t port[INTERCEPTION_PORT_BYTES])
{
	uint32_t i;

	memset(state, 0, sizeof(*state));
	if (msr)
		msr_bitmap_fill(msr);
	if (port)
		memset(port, 0, INTERCEPTION_PORT_BYTES);
	for (i = 0; i < set->count; i++) {
		const struct intercept *intercept = &set->on[i];
		const struct controls *wanted = &controls[intercept->event];

		if (intercept->access & INTERCEPT_READ)
			state->proc |= wanted->read;
		if (intercept->access & INTERCEPT_WRITE)
			state->proc |= wanted->write;
		state->proc2 |= wanted->proc2;
		if (intercept->event == INTERCEPT_CR0)
			state->cr0 |= intercept->first;
		else if (intercept->event == INTERCEPT_CR4)
			state->cr4 |= intercept->first;
		else if (intercept->event == INTERCEPT_MSR && msr)
			add_msrs(intercept, msr);
		else if (intercept->event == INTERCEPT_PORT && port)
			add_ports(intercept, port);
		else if (intercept->event == INTERCEPT_EXCEPTION)
			state->exceptions |=
				(uint32_t)((2ull << intercept->last) - (1ull << intercept->first)) &
				EXCEPTIONS_EVER;
	}
}

bool interception_possible(const struct interception *state, uint32_t proc_allowed,
			   uint32_t proc2_allowed, enum hp_control *missing)
{
	unsigned i;

	for (i = 0; i < NAMES; i++) {
		if ((names[i].proc & state->proc & ~proc_allowed) ||
		    (names[i].proc2 & state->proc2 & ~proc2_allowed)) {
			*missing = names[i].control;
			return false;
		}
	}
	return true;
}

bool interception_add_groups(struct interception_set *set, uint32_t wanted)
{
	uint32_t count = set->count;
	unsigned i;

	for (i = 0; i < GROUPS; i++) {
		if ((groups[i].group & wanted) && !interception_add(set, &groups[i].intercept)) {
			set->count = count;
			return false;
		}
	}
	return true;
}

void interception_remove_groups(struct interception_set *set, uint32_t unwanted)
{
	unsigned i;

	for (i = 0; i < GROUPS; i++) {
		if (groups[i].group & unwanted)
			interception_remove(set, &groups[i].intercept);
	}
}
