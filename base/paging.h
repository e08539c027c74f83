/* SPDX-License-Identifier: MIT */
/*
 * Page tables as the processor walks them: one walker and builder for the two formats that we use,
 * the ordinary one (4 or 5 levels, root's own tables and the guest's) and EPT (4 levels; its
 * entries are in ept.h). An address space is a format, the table at its top, and somebody who gives
 * tables.
 *
 * Invariants: an entry is written with one 8-byte store, after everything below it is complete, so
 * that a processor that walks at the same time sees the old translation or the new one, never a
 * mixture. Nothing is freed here; nothing is invalidated here (the caller knows who caches what).
 *
 * World: any (pure).
 */
#ifndef BASE_PAGING_H
#define BASE_PAGING_H

#include "addr.h"

/* Bits of an entry of the ordinary format. */
#define PTE_PRESENT  ((uint64_t)1 << 0)
#define PTE_WRITE    ((uint64_t)1 << 1)
#define PTE_USER     ((uint64_t)1 << 2)
#define PTE_PWT	     ((uint64_t)1 << 3)
#define PTE_PCD	     ((uint64_t)1 << 4)
#define PTE_ACCESSED ((uint64_t)1 << 5)
#define PTE_DIRTY    ((uint64_t)1 << 6)
#define PTE_LARGE    ((uint64_t)1 << 7)
#define PTE_GLOBAL   ((uint64_t)1 << 8)
#define PTE_NX	     ((uint64_t)1 << 63)

/* Bits 51:12, in both formats. */
#define PTE_ADDRESS 0x000ffffffffff000ull

struct paging_format {
	uint64_t present; /* an entry with none of these bits translates nothing */
	uint64_t large;	  /* set in a leaf at level 2 or 3, clear in a leaf at level 1 */
	uint64_t table;	  /* the flags of an entry that points to a table */
};

extern const struct paging_format paging_x86;

/* Where tables come from. Both functions are called with `context`. */
struct table_memory {
	/* The 512 entries of the table at `table`; never NULL for an address that `take` gave. */
	uint64_t *(*at)(void *context, struct phys table);
	/* A zeroed page for a new table. Returns false if there is none left. */
	bool (*take)(void *context, struct phys *table);
	void *context;
};

struct paging {
	const struct paging_format *format;
	const struct table_memory *memory;
	struct phys top; /* the table at the top: what CR3 or EPTP point to */
	uint8_t levels;	 /* 4 or 5 */
	uint8_t largest; /* the level of the largest leaf allowed: 1 (4 KiB), 2 (2 MiB), 3 (1 GiB)
			  */
};

/* The place where the walk for an address ended. */
struct paging_place {
	uint64_t *entry; /* the leaf, or the first entry without a present bit */
	uint8_t level;	 /* of that entry: 1 = 4 KiB ... 5 */
	bool present;
};

/* How much one entry at `level` translates, in bytes. */
uint64_t paging_entry_bytes(uint8_t level);

/* Walks to the leaf for `address`. Never allocates. */
struct paging_place paging_find(const struct paging *paging, uint64_t address);

/*
 * Translates `address`; false if it is not mapped. `flags` gets the leaf's flags, as they are in a
 * leaf of 4 KiB (NULL: not wanted).
 */
bool paging_translate(const struct paging *paging, uint64_t address, struct phys *target,
		      uint64_t *flags);

/*
 * Maps [address, address + bytes) to target onwards, with leaves as large as alignment and
 * `largest` allow, replacing what was there (large leaves in the way are split; tables below a new
 * large leaf must not exist: a range that has a table in it is mapped with leaves that fit into
 * that table). All arguments are multiples of 4 KiB. `flags` are those of a 4 KiB leaf, without
 * `large`.
 *
 * Returns false if `take` had no table; what was mapped until then stays.
 */
bool paging_map(const struct paging *paging, uint64_t address, struct phys target, uint64_t bytes,
		uint64_t flags);

/*
 * Makes the leaf for `address` one at `level`, by splitting larger leaves: the translation and the
 * flags of every byte stay as they were. Nothing happens where nothing is mapped. Returns false if
 * `take` had no table.
 */
bool paging_split(const struct paging *paging, uint64_t address, uint8_t level);

/* Removes the translation of [address, address + bytes), splitting where an end lies in a leaf. */
bool paging_unmap(const struct paging *paging, uint64_t address, uint64_t bytes);

#endif
