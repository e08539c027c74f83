/* SPDX-License-Identifier: MIT */
/*
 * The life of the pool's tables. See ept_pool.h.
 *
 * World: any (pure). One processor at a time.
 */
#include <string.h>

#include "ept_pool.h"
#include "paging_entry.h"

unsigned ept_pool_count(const struct ept_pool *pool, enum ept_pool_part part,
			enum ept_pool_state state)
{
	unsigned i, n = 0;

	for (i = ept_pool_first(pool, part); i < ept_pool_end(pool, part); i++)
		n += pool->table[i].state == state;
	return n;
}

void ept_pool_free_passed(struct ept_pool *pool, uint64_t passed)
{
	struct ept_pool_table *table;
	unsigned i;

	for (i = 0; i < pool->tables; i++) {
		table = &pool->table[i];
		if (table->state == EPT_POOL_UNLINKED && passed >= table->since)
			table->state = EPT_POOL_FREE;
	}
}

uint64_t *ept_pool_take(const struct ept *ept, struct ept_pool *pool, enum ept_pool_part part,
			uint64_t address, uint8_t level, struct phys *table)
{
	unsigned i = ept_pool_first(pool, part), end = ept_pool_end(pool, part);
	struct ept_pool_table *unused;
	uint64_t *entries;

	while (i < end && pool->table[i].state != EPT_POOL_FREE)
		i++;
	if (i == end)
		return NULL;
	unused = &pool->table[i];
	unused->state = part == EPT_POOL_RAM ? EPT_POOL_KEPT : EPT_POOL_IN_USE;
	unused->level = level;
	unused->address = align_down(address, paging_entry_bytes(level + 1));
	unused->since = pool->next_use;
	*table = unused->table;
	entries = ept->paging.memory->at(ept->paging.memory->context, unused->table);
	memset(entries, 0, PAGING_ENTRIES * sizeof(*entries));
	return entries;
}

uint64_t *ept_pool_link(const struct ept *ept, const struct ept_pool_table *table)
{
	const struct paging *paging = &ept->paging;
	struct phys at = paging->top;
	uint64_t *entry, value;
	uint8_t level;

	for (level = paging->levels;; level--) {
		entry = entry_at(paging, at, table->address, level);
		value = entry_load(entry);
		if (level == table->level + 1)
			return value == (table->table.value | paging->format->table) ? entry : NULL;
		if (!entry_is_present(paging->format, value) ||
		    entry_is_leaf(paging->format, value, level))
			return NULL;
		at = entry_table(value);
	}
}

void ept_pool_unlink(struct ept_pool *pool, struct ept_pool_table *table, uint64_t *link,
		     uint64_t value)
{
	/* In this order: who sees the new generation sees the table gone. */
	entry_store(link, value);
	__atomic_store_n(&pool->generation, pool->generation + 1, __ATOMIC_RELEASE);
	table->state = EPT_POOL_UNLINKED;
	table->since = pool->generation;
}
