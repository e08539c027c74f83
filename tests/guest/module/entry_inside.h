/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What entry_inside.c, entry_mutate.c and entry_known.c share.
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

/* How an entry can end; the first four as enum entry_class. */
enum verdict {
	VERDICT_CONTROLS = ENTRY_CONTROLS,
	VERDICT_HOST = ENTRY_HOST,
	VERDICT_GUEST = ENTRY_GUEST,
	VERDICT_MSRS = ENTRY_MSRS,
	VERDICT_ENTERED,
	VERDICT_OTHER, /* nothing that an entry can end with */
};

#define ENTRY_BROKEN_MAX 32

struct entry_judgement {
	unsigned int count; /* of broken rules */
	struct entry_rule_broken broken[ENTRY_BROKEN_MAX];
	enum verdict ours, expected;
	bool wild;   /* the emulator would go on with a state that can't be */
	bool either; /* it may go on or not */
};

void entry_known_judge(const struct vmcs_snapshot *snapshot,
		       const struct entry_capability *capability, struct entry_judgement *j);
/* The state last judged was tried; what explains that its verdict is not ours is counted. */
void entry_known_count(const struct entry_judgement *j);
void entry_known_say(void (*say)(const char *format, ...));

#endif
