/* SPDX-License-Identifier: MIT */
/*
 * Interception on demand: which VM exits are on is the union of what is subscribed to, and nothing
 * more. A subscription names an event and a filter; the same one may be added several times and
 * goes with the last of them. From all of them comes one state: the controls, masks and bitmaps of
 * a VMCS, to which the exits that are always on are added.
 *
 * Source: SDM, VM-Execution Control Fields.
 * World: any (pure).
 */
#ifndef BASE_INTERCEPTION_H
#define BASE_INTERCEPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <hyperplatform/abi.h>

/* What can be subscribed to. */
enum intercept_event {
	INTERCEPT_CR0,	      /* writes of the bits that `first` has, CLTS, LMSW */
	INTERCEPT_CR3,	      /* loads (write), stores (read) */
	INTERCEPT_CR4,	      /* writes of the bits that `first` has */
	INTERCEPT_CR8,	      /* loads (write), stores (read) */
	INTERCEPT_DR,	      /* MOV DR */
	INTERCEPT_MSR,	      /* RDMSR (read), WRMSR (write) of first..last */
	INTERCEPT_PORT,	      /* IN, OUT and their string forms, of ports first..last */
	INTERCEPT_DESCRIPTOR, /* loads and stores of GDTR, IDTR, LDTR, TR */
	INTERCEPT_EXCEPTION,  /* vectors first..last, NMI excepted */
	INTERCEPT_TSC,	      /* RDTSC, RDTSCP */
	INTERCEPT_PMC,	      /* RDPMC */
	INTERCEPT_CACHE,      /* WBINVD, WBNOINVD */
	INTERCEPT_TLB,	      /* INVLPG, INVPCID */
	INTERCEPT_HLT,
	INTERCEPT_PAUSE,
	INTERCEPT_MWAIT, /* MONITOR, MWAIT */
	INTERCEPT_EVENTS,
};

#define INTERCEPT_READ	1u
#define INTERCEPT_WRITE 2u
#define INTERCEPT_BOTH	3u

struct intercept {
	uint8_t event;	/* enum intercept_event */
	uint8_t access; /* INTERCEPT_READ, INTERCEPT_WRITE; events without a direction take any */
	uint64_t first, last;
};

#define INTERCEPTION_MAX 128u

struct interception_set {
	uint32_t count;
	struct intercept on[INTERCEPTION_MAX];
};

/* False: the set is full, or the subscription makes no sense. */
bool interception_add(struct interception_set *set, const struct intercept *intercept);
/* False: it is not in the set. */
bool interception_remove(struct interception_set *set, const struct intercept *intercept);

#define INTERCEPTION_MSR_BYTES	4096u
#define INTERCEPTION_PORT_BYTES 8192u

/* The state that a set asks for. The bits are those that a subscription adds to the VMCS. */
struct interception {
	uint32_t proc;	     /* primary processor-based controls */
	uint32_t proc2;	     /* secondary ones */
	uint32_t exceptions; /* the exception bitmap */
	uint32_t reserved;
	uint64_t cr0, cr4; /* masks */
};

/* Every bit of `state` that a union can have: root takes no other. */
extern const struct interception interception_every;

/*
 * The union of the set. Fills the bitmaps (NULL: not wanted): `msr` with what is always on, too
 * (msr.h), `port` with bitmap A and then B.
 */
void interception_union(const struct interception_set *set, struct interception *state,
			uint8_t msr[INTERCEPTION_MSR_BYTES], uint8_t port[INTERCEPTION_PORT_BYTES]);

/*
 * Can a processor with these allowed-1 settings (high halves of the capability MSRs) have `state`?
 * If not: false, and `missing` is the control that it lacks.
 */
bool interception_possible(const struct interception *state, uint32_t proc_allowed,
			   uint32_t proc2_allowed, enum hp_control *missing);

/* Adds (or removes) the subscriptions that make up `groups`, a bit each of HP_EXITS. */
bool interception_add_groups(struct interception_set *set, uint32_t groups);
void interception_remove_groups(struct interception_set *set, uint32_t groups);

#endif
