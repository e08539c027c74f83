/* SPDX-License-Identifier: MIT */
/*
 * The extended page tables: guest-physical to host-physical addresses. For the whole machine there
 * is one tree, an identity map with memory types from the MTRRs and leaves as large as the types
 * allow. RAM is mapped when the hypervisor is prepared; device memory at its first touch, in root,
 * with tables from a small pool that recycles the oldest ones; our own pages are set one by one.
 *
 * Source of the rules: SDM, The Extended Page Table Mechanism (EPT); EPT and memory typing.
 * World: any (pure). Invalidation of what processors cached is the caller's.
 */
#ifndef BASE_EPT_H
#define BASE_EPT_H

#include "mtrr.h"
#include "paging.h"

#define EPT_READ    ((uint64_t)1 << 0)
#define EPT_WRITE   ((uint64_t)1 << 1)
#define EPT_EXEC    ((uint64_t)1 << 2)
#define EPT_RWX	    (EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_TYPE(t) ((uint64_t)(t) << 3) /* enum memory_type, in a leaf */
#define EPT_LARGE   ((uint64_t)1 << 7)

#define EPT_LEVELS 4 /* the walk that every processor with EPT has */

/* Bits of ours, which the processor ignores. Both are in leaves only. */
#define EPT_SET	   ((uint64_t)1 << 52) /* ept_set_page said so: nothing maps over it */
#define EPT_DEVICE ((uint64_t)1 << 53) /* made at a touch: may go away, a touch brings it back */

extern const struct paging_format paging_ept;

/*
 * A tree: the paging's format is paging_ept; `largest` is 3 where IA32_VMX_EPT_VPID_CAP has 1 GiB
 * pages (bit 17), 2 where it has 2 MiB pages (bit 16) only, else 1.
 */
struct ept {
	struct paging paging;
	const struct mtrr *mtrr;
};

/* The first address above those that the tree can translate: by its levels and by MAXPHYADDR. */
uint64_t ept_limit(const struct ept *ept);

/*
 * The level of the largest leaf around `address` (below ept_limit) that has one memory type, lies
 * below the limit, and is allowed: at most `level` and `largest`. Sets `type`.
 */
uint8_t ept_leaf_level(const struct ept *ept, uint64_t address, uint8_t level,
		       enum memory_type *type);

/* The EPT pointer for a VMCS: 4 levels, tables accessed as `type` (WB or UC), no A/D flags. */
uint64_t ept_pointer(const struct ept *ept, enum memory_type type);

/*
 * Maps every page of [start, start + bytes) to itself, RWX, with the memory type of the MTRRs, in
 * leaves as large as the type is uniform. The range is rounded out to 4 KiB; leaves may reach
 * beyond it where the type stays the same and nothing else is mapped there. What is mapped already
 * stays, and so does a page without rights that ept_set_page made. What lies above ept_limit is
 * left out. Returns false when the tree's memory had no table left.
 */
bool ept_map_identity(struct ept *ept, uint64_t start, uint64_t bytes);

/*
 * Sets one 4 KiB page: `target` with `rights` (EPT_READ | ..., 0 for none) and `type`; splits a
 * larger leaf, the rest of which stays as it was. Returns false when no table was left.
 */
bool ept_set_page(struct ept *ept, struct guest_phys page, struct phys target, uint64_t rights,
		  enum memory_type type);

/*
 * The pool of tables, all that root has to change the tree with. The last `reserve` of them are for
 * RAM whose memory types change, the others for device memory: neither can use up the other's.
 *
 * A table for devices goes round: free -> in use -> (the oldest, when few are left) unlinked: out
 * of the tree, but a processor may have cached a pointer to it -> free again, when every processor
 * has invalidated its translations since. A table for RAM is kept, however old, until its entries
 * are of one type again.
 *
 * That moment is known by a generation: a number that grows with each unlinking. Each processor
 * invalidates (INVEPT) when the number changed, before it enters the guest, and then publishes it.
 * So nobody waits: who finds no free table returns EPT_DEVICE_RETRY, lets the guest try the access
 * again, and the others catch up meanwhile (the OS-side worker makes each of them exit).
 */
#define EPT_POOL_RESERVE 8
#define EPT_POOL_TABLES	 (16 + EPT_POOL_RESERVE)

struct ept_pool {
	uint64_t generation; /* of the tree; starts at 1 */
	uint32_t tables;     /* in the pool, at most EPT_POOL_TABLES */
	uint32_t reserve;    /* of these, for RAM */
	uint32_t recycled;   /* how often a table of devices was unlinked: a statistic */
	uint32_t coarse;     /* the last ept_retype was short of tables */
	struct ept_pool_table {
		struct phys table;
		uint64_t address; /* the first address that it translates, while in use or kept */
		uint64_t since;	  /* in use: order of use. unlinked: the generation that must be
				     passed */
		uint8_t level;	  /* of its entries, while in use or kept: 1 or 2 or 3 */
		uint8_t state;	  /* enum ept_pool_state */
	} table[EPT_POOL_TABLES];
	uint64_t next_use;
};

enum ept_pool_state {
	EPT_POOL_FREE,
	EPT_POOL_IN_USE, /* for devices */
	EPT_POOL_UNLINKED,
	EPT_POOL_KEPT, /* in use for RAM */
};

/*
 * Gives every leaf of the tree that maps to itself the type that `ept->mtrr` has for it now, after
 * MTRRs were written. A leaf whose range is not uniform any more is split with a table of the
 * pool's reserve, or removed if it was made at a touch. True: every byte has its type. False: the
 * reserve was used up; some leaf as a whole has a type as strict as that of each of its bytes,
 * until a later call finds a table for it. Leaves made by ept_set_page keep target, rights and type
 * when their target is another page, and their rights otherwise.
 *
 * Where such a table is not needed any more, one leaf replaces it, and the table is unlinked; but
 * nothing is merged while MTRRs are disabled.
 *
 * `passed` and the lock are those of ept_map_device. The caller increments the generation
 * afterwards: leaves have changed.
 */
bool ept_retype(struct ept *ept, struct ept_pool *pool, uint64_t passed);

/* The last ept_retype returned false, and the same now would do better: a table has come back. */
bool ept_retype_helps(const struct ept_pool *pool, uint64_t passed);

enum ept_device {
	EPT_DEVICE_MAPPED, /* the address has an entry now, or had one (maybe one without rights) */
	EPT_DEVICE_RETRY,  /* no table free at this moment: let the guest try again */
	EPT_DEVICE_OUTSIDE, /* the address is at or above 2^MAXPHYADDR */
};

/*
 * Maps the leaf around `address` to itself, as large as the type is uniform and nothing else is
 * mapped there. Tables come from the devices' part of `pool` (never from ept->paging.memory->take);
 * one that has another below it is not unlinked before that one. When fewer than a quarter of the
 * part are free or on their way, the oldest leaf-most one is unlinked ahead of need. A table that
 * holds a page of ept_set_page, or has a table that is not the pool's below it, stays for good.
 *
 * `passed` is the lowest generation that all processors published. A processor reads the
 * generation, then invalidates, then publishes what it read. Unlinking takes the entry away first
 * and then increments the generation to G; the table is free as soon as passed >= G.
 * ept->paging.memory->at must know the tables of the pool too.
 *
 * The caller makes sure that only one processor is in here at a time, by a try-lock, and lets the
 * guest retry when it doesn't get it.
 */
enum ept_device ept_map_device(struct ept *ept, struct ept_pool *pool, struct guest_phys address,
			       uint64_t passed);

#endif
