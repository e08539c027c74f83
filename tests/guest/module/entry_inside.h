/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What entry_inside.c and entry_mutate.c share.
 *
 * World: the guest's kernel; sees HyperPlatform's headers.
 */
#ifndef TESTS_GUEST_ENTRY_INSIDE_H
#define TESTS_GUEST_ENTRY_INSIDE_H

#include "entry.h"
#include "tree/base/entry_rules.h"

struct entry_random {
	uint64_t state;
};

uint64_t entry_random_next(struct entry_random *random);
uint32_t entry_random_below(struct entry_random *random, uint32_t bound);

#define ENTRY_CHANGES 12

/* A state: the valid one that it comes from, and what was changed in that. */
struct entry_mutant {
	struct vmcs_snapshot valid;
	const char *kind; /* of guest */
	unsigned int changes;
	struct entry_change {
		unsigned int at; /* enum vmcs_at */
		uint64_t value;
	} change[ENTRY_CHANGES];
	struct entry_msr msr[4]; /* of the VM-entry MSR-load area */
};

/* Where the guest's RIP is, and where a VM exit goes. */
struct entry_places {
	uint64_t guest, host_rip, host_rsp;
};

/* `exists` says which fields the processor has. */
void entry_mutate(uint64_t seed, const struct entry_machine *machine,
		  const struct entry_capability *capability, const struct entry_places *places,
		  const bool *exists, struct entry_mutant *mutant);

#endif
