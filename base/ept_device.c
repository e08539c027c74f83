/* SPDX-License-Identifier: MIT */
/*
 * Device memory: mapped at its first touch, in root, with tables that go round (see struct ept_pool
 * in ept.h).
 *
 * What always holds:
 * - A table that is in use is linked in the tree once, at its address and level.
 * - A table that is unlinked or free has no entry of the tree that points to it.
 * - An unlinked table keeps its content: a processor that still has a pointer to it (SDM: Caching
 *   Translation Information, EPT paging-structure caches) finds there translations that are true.
 *   It is cleared when it is used again, and that is after all processors passed its generation.
 *
 * World: any (pure). One processor at a time.
 */
#include <string.h>

#include "ept.h"
#include "paging_entry.h"

static unsigned count(const struct ept_pool *pool, enum ept_pool_state state)
{
	unsigned i, n = 0;

	for (i = 0; i < pool->tables; i++)
		n += pool->table[i].state == state;
	return n;
}

static void free_passed(struct ept_pool *pool, uint64_t passed)
{
	struct ept_pool_table *table;
	unsigned i;

	for (i = 0; i < pool->tables; i++) {
		table = &pool->table[i];
		if (table->state == EPT_POOL_UNLINKED && passed >= table->since)
			table->state = EPT_POOL_FREE;
	}
}

/* Marks the tables that `address` goes through as used now, so that they are the last to go. */
static void touch(struct ept_pool *pool, uint64_t address)
{
	struct ept_pool_table *table;
	unsigned i;

	pool->next_use++;
	for (i = 0; i < pool->tables; i++) {
		table = &pool->table[i];
		if (table->state == EPT_POOL_IN_USE &&
		    table->address == align_down(address, paging_entry_bytes(table->level + 1)))
			table->since = pool->next_use;
	}
}

/* The entry at `level` for `address`; NULL if the walk ends above it. */
static uint64_t *find_entry(const struct paging *paging, uint64_t address, uint8_t level)
{
	struct phys table = paging->top;
	uint64_t *entry, value;
	uint8_t at;

	for (at = paging->levels;; at--) {
		entry = entry_at(paging, table, address, at);
		if (at == level)
			return entry;
		value = entry_load(entry);
		if (!entry_is_present(paging->format, value) ||
		    entry_is_leaf(paging->format, value, at))
			return NULL;
		table = entry_table(value);
	}
}

/* Does the table hold anything that a touch would not bring back: a table, or a page set by hand?
 */
static bool holds_more(const struct paging *paging, const struct ept_pool_table *table)
{
	const uint64_t *entry = paging->memory->at(paging->memory->context, table->table);
	uint64_t value;
	unsigned i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		value = entry_load(&entry[i]);
		if (value & EPT_SET)
			return true;
		if (entry_is_present(paging->format, value) &&
		    !entry_is_leaf(paging->format, value, table->level))
			return true;
	}
	return false;
}

/* Unlinks the table that was used longest ago, among those that may go. False if there is none. */
static bool unlink_oldest(struct ept *ept, struct ept_pool *pool)
{
	struct ept_pool_table *table, *oldest = NULL;
	uint64_t *link, *oldest_link = NULL;
	unsigned i;

	for (i = 0; i < pool->tables; i++) {
		table = &pool->table[i];
		if (table->state != EPT_POOL_IN_USE || table->since == pool->next_use)
			continue;
		if (oldest && table->since >= oldest->since)
			continue;
		link = find_entry(&ept->paging, table->address, table->level + 1);
		if (!link || entry_load(link) != (table->table.value | paging_ept.table))
			continue;
		if (holds_more(&ept->paging, table))
			continue;
		oldest = table;
		oldest_link = link;
	}
	if (!oldest)
		return false;

	/* In this order: who sees the new generation sees the entry gone. */
	entry_store(oldest_link, 0);
	__atomic_store_n(&pool->generation, pool->generation + 1, __ATOMIC_RELEASE);
	oldest->state = EPT_POOL_UNLINKED;
	oldest->since = pool->generation;
	pool->recycled++;
	return true;
}

/* Takes a free table, which the caller knows to be there, for entries at `level`. */
static uint64_t *take(const struct ept *ept, struct ept_pool *pool, uint64_t address, uint8_t level,
		      struct phys *table)
{
	struct ept_pool_table *unused = pool->table;
	uint64_t *entries;

	while (unused->state != EPT_POOL_FREE)
		unused++;
	unused->state = EPT_POOL_IN_USE;
	unused->level = level;
	unused->address = align_down(address, paging_entry_bytes(level + 1));
	unused->since = pool->next_use;
	*table = unused->table;
	entries = ept->paging.memory->at(ept->paging.memory->context, unused->table);
	memset(entries, 0, PAGING_ENTRIES * sizeof(*entries));
	return entries;
}

/* Puts the leaf at `level` under the empty entry at `place`: from below, so one store links all. */
static void link_leaf(const struct ept *ept, struct ept_pool *pool, struct paging_place place,
		      uint64_t address, uint8_t level, enum memory_type type)
{
	uint64_t value = entry_leaf(&paging_ept, align_down(address, paging_entry_bytes(level)),
				    EPT_RWX | EPT_TYPE(type) | EPT_DEVICE, level);
	struct phys table;
	uint64_t *entries;

	for (; level < place.level; level++) {
		entries = take(ept, pool, address, level, &table);
		entry_store(&entries[entry_index(address, level)], value);
		value = table.value | paging_ept.table;
	}
	entry_store(place.entry, value);
}

enum ept_device ept_map_device(struct ept *ept, struct ept_pool *pool, struct guest_phys address,
			       uint64_t passed)
{
	struct paging_place place;
	enum memory_type type;
	unsigned need;
	uint8_t level;

	if (address.value >= ept_limit(ept))
		return EPT_DEVICE_OUTSIDE;
	free_passed(pool, passed);
	touch(pool, address.value);
	place = paging_find(&ept->paging, address.value);
	if (entry_load(place.entry))
		return EPT_DEVICE_MAPPED;

	level = ept_leaf_level(ept, address.value, place.level, &type);
	need = place.level - level;
	while (count(pool, EPT_POOL_FREE) + count(pool, EPT_POOL_UNLINKED) < need &&
	       unlink_oldest(ept, pool))
		;
	if (count(pool, EPT_POOL_FREE) < need)
		return EPT_DEVICE_RETRY;
	link_leaf(ept, pool, place, address.value, level, type);

	if (4 * (count(pool, EPT_POOL_FREE) + count(pool, EPT_POOL_UNLINKED)) < pool->tables)
		unlink_oldest(ept, pool);
	return EPT_DEVICE_MAPPED;
}
