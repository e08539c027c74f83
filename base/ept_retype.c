/* SPDX-License-Identifier: MIT */
/*
 * Memory types after a write of an MTRR: leaves of RAM are split with tables of the pool's reserve,
 * and merged again when the reason is gone.
 *
 * Processors walk the tree meanwhile. So whatever changes is complete before one store makes it
 * part of the tree: a split first says what the leaf said, and then each part of it takes its own
 * type; a merge waits until all parts have the same one. Each byte of RAM is mapped at each moment,
 * to itself, with the type that it had or the one that it gets.
 *
 * An operating system disables the MTRRs, writes them, and enables them (SDM: MTRR Considerations
 * in MP Systems), on one processor after the other. While they are disabled all memory is
 * uncacheable, and no table would be needed: but if they went, each of these processors would give
 * all of them back and want the same again a moment later, and they can't be had before all others
 * have invalidated, which wait in the guest meanwhile. So while MTRRs are disabled tables stay and
 * take the type; which of them go is decided by the types that count, when they are enabled. What
 * the first processor could not split then, because the tables came from the same change, the last
 * one can: to get there each has passed the generation of the first.
 *
 * World: any (pure). One processor at a time.
 */
#include "ept_pool.h"
#include "paging_entry.h"

/* Replaces a leaf of RAM by a table of leaves that say the same. False: the reserve is used up. */
static bool split(const struct ept *ept, struct ept_pool *pool, struct paging_place place,
		  uint64_t start)
{
	uint8_t level = place.level - 1;
	uint64_t flags = entry_flags(&paging_ept, entry_load(place.entry), place.level);
	uint64_t bytes = paging_entry_bytes(level), *entries;
	struct phys table;
	unsigned i;

	entries = ept_pool_take(ept, pool, EPT_POOL_RAM, start, level, &table);
	if (!entries)
		return false;
	for (i = 0; i < PAGING_ENTRIES; i++)
		entry_store(&entries[i], entry_leaf(&paging_ept, start + i * bytes, flags, level));
	entry_store(place.entry, table.value | paging_ept.table);
	return true;
}

/*
 * Gives a leaf that maps to itself its type. Returns false if it has to be looked at again, because
 * it was split.
 */
static bool retype_leaf(const struct ept *ept, struct ept_pool *pool, struct paging_place place,
			uint64_t start)
{
	uint64_t bytes = paging_entry_bytes(place.level);
	uint64_t value = entry_load(place.entry);
	enum memory_type type;

	if (!mtrr_uniform(ept->mtrr, start, bytes, &type)) {
		if (value & EPT_DEVICE) {
			entry_store(place.entry, 0);
			return true;
		}
		if (split(ept, pool, place, start))
			return false;
		type = mtrr_strictest(ept->mtrr, start, bytes);
		pool->coarse = true;
	}
	entry_store(place.entry, (value & ~EPT_TYPE(7)) | EPT_TYPE(type));
	return true;
}

/* Is every entry what one leaf in place of the table would say? If so, sets that leaf. */
static bool is_whole(const struct ept *ept, const struct ept_pool_table *table, uint64_t *leaf)
{
	const uint64_t *entries = ept->paging.memory->at(ept->paging.memory->context, table->table);
	uint64_t bytes = paging_entry_bytes(table->level), flags;
	enum memory_type type;
	unsigned i;

	if (!mtrr_uniform(ept->mtrr, table->address, PAGING_ENTRIES * bytes, &type))
		return false;
	flags = EPT_RWX | EPT_TYPE(type);
	for (i = 0; i < PAGING_ENTRIES; i++) {
		if (entry_load(&entries[i]) !=
		    entry_leaf(&paging_ept, table->address + i * bytes, flags, table->level))
			return false;
	}
	*leaf = entry_leaf(&paging_ept, table->address, flags, table->level + 1);
	return true;
}

/* Merges the tables with entries at `level` that are not needed any more. */
static void merge(const struct ept *ept, struct ept_pool *pool, uint8_t level)
{
	struct ept_pool_table *table;
	uint64_t *link, leaf;
	unsigned i;

	for (i = ept_pool_first(pool, EPT_POOL_RAM); i < ept_pool_end(pool, EPT_POOL_RAM); i++) {
		table = &pool->table[i];
		if (table->state != EPT_POOL_KEPT || table->level != level)
			continue;
		link = ept_pool_link(ept, table);
		if (link && is_whole(ept, table, &leaf))
			ept_pool_unlink(pool, table, link, leaf);
	}
}

bool ept_retype(struct ept *ept, struct ept_pool *pool, uint64_t passed)
{
	uint64_t address = 0, end = paging_entry_bytes(ept->paging.levels + 1);
	struct paging_place place;
	uint64_t value, size;
	uint8_t level;

	ept_pool_free_passed(pool, passed);
	pool->coarse = false;
	while (address < end) {
		place = paging_find(&ept->paging, address);
		value = entry_load(place.entry);
		size = paging_entry_bytes(place.level);
		address = align_down(address, size);
		if (value && entry_target(value, place.level) == address &&
		    !retype_leaf(ept, pool, place, address))
			continue;
		address += size;
	}
	/* From below: what a merge leaves is a leaf of the table above. */
	for (level = 1; level < ept->paging.largest && !mtrr_disabled(ept->mtrr); level++)
		merge(ept, pool, level);
	return !pool->coarse;
}

bool ept_retype_helps(const struct ept_pool *pool, uint64_t passed)
{
	const struct ept_pool_table *table;
	unsigned i;

	for (i = ept_pool_first(pool, EPT_POOL_RAM); i < ept_pool_end(pool, EPT_POOL_RAM); i++) {
		table = &pool->table[i];
		if (table->state == EPT_POOL_FREE ||
		    (table->state == EPT_POOL_UNLINKED && passed >= table->since))
			return pool->coarse;
	}
	return false;
}
