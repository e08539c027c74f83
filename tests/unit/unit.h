/* SPDX-License-Identifier: MIT */
/*
 * What the unit tests share: cmocka, numbers that look random and are the same at every run, and
 * table memory, whose physical addresses are made up so that a stray one is noticed.
 *
 * World: an ordinary process.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/paging.h"

/* xorshift64* */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
	return (random_next(state) >> 16) % bound;
}

#define TABLES_MAX  8192
#define TABLES_BASE 0x5a5a000000ull /* the made-up physical address of the first table */

struct tables {
	uint64_t (*table)[512];
	unsigned taken; /* by the builder or with tables_take, in order: those below are valid */
	unsigned left;	/* so many more are given */
	struct table_memory memory;
};

static inline uint64_t *tables_at(void *context, struct phys table)
{
	struct tables *tables = context;
	uint64_t index = (table.value - TABLES_BASE) / SIZE_4K;

	assert_true(table.value >= TABLES_BASE && table.value % SIZE_4K == 0);
	assert_true(index < tables->taken);
	return tables->table[index];
}

static inline bool tables_take(void *context, struct phys *table)
{
	struct tables *tables = context;

	if (!tables->left || tables->taken == TABLES_MAX)
		return false;
	tables->left--;
	memset(tables->table[tables->taken], 0, SIZE_4K);
	*table = phys(TABLES_BASE + SIZE_4K * tables->taken++);
	return true;
}

static inline void tables_open(struct tables *tables)
{
	tables->table = malloc(TABLES_MAX * SIZE_4K);
	assert_non_null(tables->table);
	/* Not zeroes: `take` promises them, and the tests notice who reads what was never written.
	 */
	memset(tables->table, 0xa5, TABLES_MAX * SIZE_4K);
	tables->taken = 0;
	tables->left = TABLES_MAX;
	tables->memory = (struct table_memory){tables_at, tables_take, tables};
}

static inline void tables_close(struct tables *tables)
{
	free(tables->table);
}

static inline struct paging tables_paging(struct tables *tables, const struct paging_format *format,
					  uint8_t levels, uint8_t largest)
{
	struct paging paging = {format, &tables->memory, {0}, levels, largest};

	assert_true(tables_take(tables, &paging.top));
	return paging;
}

#endif
