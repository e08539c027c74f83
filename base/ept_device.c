/* SPDX-License-Identifier: MIT */
/*
 * Device memory: mapped at its first touch, in root, with tables that go round (see struct ept_pool
 * in ept.h, and ept_pool.h for what always holds).
 *
 * World: any (pure). One processor at a time.
 */
#include "ept_pool.h"
#include "paging_entry.h"

/* Tables that are free, or will be when all processors have invalidated. */
static unsigned count_coming(const struct ept_pool *pool)
{
	return ept_pool_count(pool, EPT_POOL_DEVICES, EPT_POOL_FREE) +
	       ept_pool_count(pool, EPT_POOL_DEVICES, EPT_POOL_UNLINKED);
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
		link = ept_pool_link(ept, table);
		if (!link || holds_more(&ept->paging, table))
			continue;
		oldest = table;
		oldest_link = link;
	}
	if (!oldest)
		return false;
	ept_pool_unlink(pool, oldest, oldest_link, 0);
	pool->recycled++;
	return true;
}

/*
 * Puts the leaf at `level` under the empty entry at `place`: from below, so one store links all.
 * The caller knows that there are tables enough.
 */
static void link_leaf(const struct ept *ept, struct ept_pool *pool, struct paging_place place,
		      uint64_t address, uint8_t level, enum memory_type type)
{
	uint64_t value = entry_leaf(&paging_ept, align_down(address, paging_entry_bytes(level)),
				    EPT_RWX | EPT_TYPE(type) | EPT_DEVICE, level);
	struct phys table;
	uint64_t *entries;

	for (; level < place.level; level++) {
		entries = ept_pool_take(ept, pool, EPT_POOL_DEVICES, address, level, &table);
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
	ept_pool_free_passed(pool, passed);
	touch(pool, address.value);
	place = paging_find(&ept->paging, address.value);
	if (entry_load(place.entry))
		return EPT_DEVICE_MAPPED;

	level = ept_leaf_level(ept, address.value, place.level, &type);
	need = place.level - level;
	while (count_coming(pool) < need && unlink_oldest(ept, pool))
		;
	if (ept_pool_count(pool, EPT_POOL_DEVICES, EPT_POOL_FREE) < need)
		return EPT_DEVICE_RETRY;
	link_leaf(ept, pool, place, address.value, level, type);

	if (4 * count_coming(pool) < ept_pool_end(pool, EPT_POOL_DEVICES))
		unlink_oldest(ept, pool);
	return EPT_DEVICE_MAPPED;
}
