/* SPDX-License-Identifier: MIT */
/*
 * The guest's own page tables, walked as the processor walks them: with the rights that an access
 * has, the error code of the page fault that it would have got, and the accessed and dirty flags.
 * IA-32e paging only, with 4 or 5 levels.
 *
 * Source: SDM, 4-Level Paging and 5-Level Paging; Access Rights; Page-Fault Exceptions; Accessed
 * and Dirty Flags.
 * World: any (pure): the tables are read and written through functions that the caller gives.
 */
#ifndef BASE_GUEST_WALK_H
#define BASE_GUEST_WALK_H

#include "addr.h"

/* What rights depend on, of the processor that makes the access. */
struct guest_paging {
	uint64_t cr0, cr3, cr4, efer, rflags;
	uint32_t pkru, pkrs; /* looked at with CR4.PKE, CR4.PKS only */
	uint8_t cpl;
	uint8_t physical_bits; /* MAXPHYADDR */
	bool pages_1g;	       /* CPUID.80000001H:EDX[26] */
};

enum guest_access { GUEST_READ, GUEST_WRITE, GUEST_FETCH };

struct guest_tables {
	/* The entry at this guest-physical address; what can't be read is 0. */
	uint64_t (*load)(void *context, struct guest_phys entry);
	/* Makes `value` of it, atomically, if it still is `old`. */
	bool (*update)(void *context, struct guest_phys entry, uint64_t old, uint64_t value);
	void *context;
};

/*
 * Translates `address`, which is canonical. `implicit`: a supervisor-mode access whatever the CPL
 * (descriptor tables, TSS). False: `error_code` is that of the #PF.
 *
 * Flags are set when the access is permitted, and not before. When entries change all the time
 * under the walk, it ends with the fault of an entry that is not present: a spurious one, as stale
 * translations cause them, too.
 */
bool guest_walk(const struct guest_paging *paging, const struct guest_tables *tables,
		struct guest_virt address, enum guest_access access, bool implicit,
		struct guest_phys *target, uint32_t *error_code);

#endif
