/* SPDX-License-Identifier: MIT */
/*
 * One entry of a page table: how it is read, written and composed. For the files of base/ that
 * build tables (paging.c, ept.c, ept_device.c); everybody else uses paging.h.
 *
 * World: any (pure).
 */
#ifndef BASE_PAGING_ENTRY_H
#define BASE_PAGING_ENTRY_H

#include "paging.h"

#define PAGING_ENTRIES 512

/*
 * The page attribute table's index bit is bit 7 in a 4 KiB leaf of the ordinary format and bit 12
 * in a larger one, where bit 7 is `large`. EPT ignores or reserves both: they stay clear there.
 */
#define LEAF_PAT       ((uint64_t)1 << 7)
#define LEAF_PAT_LARGE ((uint64_t)1 << 12)

/* The entry is shared with processors that walk: one load and one store, and what is below first.
 */
static inline uint64_t entry_load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static inline void entry_store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static inline unsigned entry_index(uint64_t address, uint8_t level)
{
	return (unsigned)(address >> (12 + 9 * (level - 1))) & (PAGING_ENTRIES - 1);
}

static inline bool entry_is_present(const struct paging_format *format, uint64_t value)
{
	return (value & format->present) != 0;
}

/* Of a present entry. Above level 3 the large bit is reserved: there are tables only. */
static inline bool entry_is_leaf(const struct paging_format *format, uint64_t value, uint8_t level)
{
	return level == 1 || (level <= 3 && (value & format->large));
}

static inline uint64_t *entry_at(const struct paging *paging, struct phys table, uint64_t address,
				 uint8_t level)
{
	return paging->memory->at(paging->memory->context, table) + entry_index(address, level);
}

static inline struct phys entry_table(uint64_t value)
{
	return phys(value & PTE_ADDRESS);
}

/* Where a leaf at `level` begins in memory. */
static inline uint64_t entry_target(uint64_t value, uint8_t level)
{
	return align_down(value & PTE_ADDRESS, paging_entry_bytes(level));
}

/* The flags of a leaf as they would be in a leaf of 4 KiB. */
static inline uint64_t entry_flags(const struct paging_format *format, uint64_t value,
				   uint8_t level)
{
	uint64_t flags = value & ~PTE_ADDRESS;

	if (level == 1)
		return flags;
	return (flags & ~format->large) | (value & LEAF_PAT_LARGE ? LEAF_PAT : 0);
}

/* The opposite: a leaf at `level` from the flags of a leaf of 4 KiB. */
static inline uint64_t entry_leaf(const struct paging_format *format, uint64_t target,
				  uint64_t flags, uint8_t level)
{
	if (level == 1)
		return target | flags;
	return target | (flags & ~LEAF_PAT) | (flags & LEAF_PAT ? LEAF_PAT_LARGE : 0) |
	       format->large;
}

#endif
