/* SPDX-License-Identifier: MIT */
/*
 * The pool of tables (struct ept_pool in ept.h), for the two files that use it: ept_device.c, and
 * ept_retype.c for RAM. Each has a part of the tables to itself, so neither can take what the other
 * needs: devices always have theirs, and RAM's reserve is there when an MTRR is written.
 *
 * What always holds:
 * - A table in use (EPT_POOL_IN_USE in the devices' part, EPT_POOL_KEPT in RAM's) is linked in the
 *   tree once, at its address and level.
 * - A table that is unlinked or free has no entry of the tree that points to it.
 * - An unlinked table keeps its content: a processor that still has a pointer to it (SDM: Caching
 *   Translation Information, EPT paging-structure caches) finds there translations that were true
 *   when that processor last invalidated. It is cleared when it is used again, and that is after
 *   all processors passed its generation.
 *
 * World: any (pure). One processor at a time.
 */
#ifndef BASE_EPT_POOL_H
#define BASE_EPT_POOL_H

#include "ept.h"

enum ept_pool_part { EPT_POOL_DEVICES, EPT_POOL_RAM };

/* The tables of a part: [first, end). */
static inline unsigned ept_pool_first(const struct ept_pool *pool, enum ept_pool_part part)
{
	return part == EPT_POOL_RAM ? pool->tables - pool->reserve : 0;
}

static inline unsigned ept_pool_end(const struct ept_pool *pool, enum ept_pool_part part)
{
	return part == EPT_POOL_RAM ? pool->tables : pool->tables - pool->reserve;
}

/* How many tables of the part are in `state`. */
unsigned ept_pool_count(const struct ept_pool *pool, enum ept_pool_part part,
			enum ept_pool_state state);

/* Unlinked tables whose generation all processors passed become free. */
void ept_pool_free_passed(struct ept_pool *pool, uint64_t passed);

/*
 * Takes a free table for entries at `level` around `address`, which the caller will link. Returns
 * its entries, all 0, or NULL if the part has no table free.
 */
uint64_t *ept_pool_take(const struct ept *ept, struct ept_pool *pool, enum ept_pool_part part,
			uint64_t address, uint8_t level, struct phys *table);

/* The entry that links a table in use; NULL if something else is there. */
uint64_t *ept_pool_link(const struct ept *ept, const struct ept_pool_table *table);

/* Takes a table out of the tree: `value` replaces the entry that links it. */
void ept_pool_unlink(struct ept_pool *pool, struct ept_pool_table *table, uint64_t *link,
		     uint64_t value);

#endif
