/* SPDX-License-Identifier: MIT */
/*
 * A made-up machine for the tests of EPT: its MTRRs, its tree, the memory of its tables; and a
 * check of the whole tree by the manual's rules for entries, with a walk of its own.
 *
 * World: an ordinary process.
 */
#ifndef EPT_MACHINE_H
#define EPT_MACHINE_H

#include "unit.h"

#include "base/ept.h"

#define MTRR_E	   (1ull << 11)
#define MTRR_FE	   (1ull << 10)
#define MTRR_FIX   (1ull << 8)
#define MTRR_VALID (1ull << 11)

struct machine {
	struct tables tables;
	struct mtrr mtrr;
	struct ept ept;
	unsigned links[TABLES_MAX]; /* by machine_check: how many entries point to each table */
};

static inline void machine_open(struct machine *m, uint8_t bits, uint8_t levels, uint8_t largest)
{
	memset(m, 0, sizeof(*m));
	tables_open(&m->tables);
	m->mtrr.cap = 10;
	m->mtrr.def_type = MTRR_E | MEMORY_WB;
	m->mtrr.physical_bits = bits;
	m->mtrr.present = true;
	m->ept.paging = tables_paging(&m->tables, &paging_ept, levels, largest);
	m->ept.mtrr = &m->mtrr;
}

/* A pool with tables of the machine's memory, the last `reserve` of them for RAM. */
static inline void machine_pool(struct machine *m, struct ept_pool *pool, unsigned tables,
				unsigned reserve)
{
	unsigned i;

	memset(pool, 0, sizeof(*pool));
	pool->generation = 1;
	pool->tables = tables;
	pool->reserve = reserve;
	for (i = 0; i < tables; i++) {
		assert_true(tables_take(&m->tables, &pool->table[i].table));
		/* Not clean: a table of the pool is cleared when it is used. */
		memset(tables_at(&m->tables, pool->table[i].table), 0x5f, SIZE_4K);
	}
}

static inline void machine_close(struct machine *m)
{
	tables_close(&m->tables);
}

static inline void machine_range(struct machine *m, unsigned i, uint64_t base, uint64_t bytes,
				 enum memory_type type)
{
	m->mtrr.variable[i].base = base | type;
	m->mtrr.variable[i].mask =
		(((1ull << m->mtrr.physical_bits) - 1) & ~(bytes - 1)) | MTRR_VALID;
}

/* SDM: Format of an EPT ... Entry; EPT Misconfigurations. */
static inline void machine_check_leaf(const struct machine *m, uint64_t value, uint64_t address,
				      unsigned level, bool largest)
{
	uint64_t bytes = 1ull << (12 + 9 * (level - 1)), target = value & PTE_ADDRESS, page;
	unsigned type = value >> 3 & 7;
	enum memory_type found;

	assert_true(level <= m->ept.paging.largest);
	assert_int_equal(target % bytes, 0);
	assert_int_equal(value >> m->mtrr.physical_bits & (PTE_ADDRESS >> m->mtrr.physical_bits),
			 0);
	assert_int_equal(value & ~(PTE_ADDRESS | EPT_RWX | EPT_TYPE(7) | EPT_SET | EPT_DEVICE |
				   (level > 1 ? 1 << 7 : 0)),
			 0);
	assert_int_not_equal(value & EPT_RWX, EPT_WRITE);
	assert_int_not_equal(value & EPT_RWX, EPT_WRITE | EPT_EXEC);
	assert_true(type != 2 && type != 3 && type != 7);
	if (target != address)
		return;
	for (page = address; page<address + bytes; page += bytes> SIZE_2M ? 511 * SIZE_4K : SIZE_4K)
		assert_int_equal(type, mtrr_type(&m->mtrr, page));
	assert_true(mtrr_uniform(&m->mtrr, address, bytes, &found));
	if (!largest || level == m->ept.paging.largest)
		return;
	/* No larger leaf would have done. */
	bytes *= 512;
	assert_true(align_up(address + 1, bytes) > 1ull << m->mtrr.physical_bits ||
		    !mtrr_uniform(&m->mtrr, align_down(address, bytes), bytes, &found));
}

static inline void machine_check_table(struct machine *m, struct phys table, uint64_t address,
				       unsigned level, bool largest)
{
	const uint64_t *entry = tables_at(&m->tables, table);
	uint64_t bytes = 1ull << (12 + 9 * (level - 1)), value;
	unsigned i;

	m->links[(table.value - TABLES_BASE) / SIZE_4K]++;
	for (i = 0; i < 512; i++) {
		value = entry[i];
		if (!(value & EPT_RWX)) {
			assert_true(!value || (level == 1 && (value & EPT_SET)));
			continue;
		}
		assert_true(address + i * bytes < 1ull << m->mtrr.physical_bits);
		if (level == 1 || (value & EPT_LARGE)) {
			machine_check_leaf(m, value, address + i * bytes, level, largest);
		} else {
			assert_int_equal(value & ~PTE_ADDRESS, EPT_RWX);
			machine_check_table(m, phys(value & PTE_ADDRESS), address + i * bytes,
					    level - 1, largest);
		}
	}
}

/* `largest`: leaves must be as large as they can be, as in a tree that was never changed. */
static inline void machine_check(struct machine *m, bool largest)
{
	unsigned i;

	memset(m->links, 0, m->tables.taken * sizeof(m->links[0]));
	machine_check_table(m, m->ept.paging.top, 0, m->ept.paging.levels, largest);
	for (i = 0; i < m->tables.taken; i++)
		assert_true(m->links[i] <= 1);
}

#endif
