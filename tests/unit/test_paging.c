/* SPDX-License-Identifier: MIT */
/*
 * base/paging.c: each boundary, each lack of a table, random operations against an array of pages,
 * and a walker that reads while a builder writes.
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include "base/ept.h"

#define RW (PTE_PRESENT | PTE_WRITE)
#define RO (PTE_PRESENT | PTE_NX)

static void assert_maps(const struct paging *paging, uint64_t address, uint64_t target,
			uint64_t flags, uint8_t level)
{
	struct paging_place place = paging_find(paging, address);
	struct phys found = phys(~0ull);
	uint64_t has = 0;

	assert_true(place.present);
	assert_int_equal(place.level, level);
	assert_true(paging_translate(paging, address, &found, &has));
	assert_int_equal(found.value, target);
	assert_int_equal(has, flags);
	assert_true(paging_translate(paging, address, &found, NULL));
}

static void assert_unmapped(const struct paging *paging, uint64_t address)
{
	struct phys found;

	assert_false(paging_find(paging, address).present);
	assert_false(paging_translate(paging, address, &found, NULL));
}

static void test_entry_bytes(void **state)
{
	(void)state;
	assert_int_equal(paging_entry_bytes(1), 0x1000);
	assert_int_equal(paging_entry_bytes(2), 0x200000);
	assert_int_equal(paging_entry_bytes(3), 0x40000000);
	assert_int_equal(paging_entry_bytes(4), 0x8000000000);
	assert_int_equal(paging_entry_bytes(5), 0x1000000000000);
}

/* The bits in memory, for the formats as the manual has them. */
static void test_raw_bits(void **state)
{
	struct tables tables;
	struct paging x86, ept;
	uint64_t *top;

	(void)state;
	tables_open(&tables);
	x86 = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&x86, 0xffff800000000000, phys(0x40000000), SIZE_1G, RW | PTE_NX));
	top = tables_at(&tables, x86.top);
	assert_int_equal(top[256], (TABLES_BASE + 0x1000) | 0x23);
	assert_int_equal(tables.table[1][0], 0x8000000040000083);
	assert_true(paging_map(&x86, 0xffff800040200000, phys(0x600000), SIZE_2M, RW));
	assert_int_equal(tables.table[2][1], 0x600083);
	assert_true(paging_map(&x86, 0xffff800040001000, phys(0x7000), SIZE_4K, RW));
	assert_int_equal(tables.table[3][1], 0x7003);
	tables_close(&tables);

	tables_open(&tables);
	ept = tables_paging(&tables, &paging_ept, 4, 3);
	assert_true(paging_map(&ept, SIZE_1G, phys(SIZE_1G), SIZE_1G, 0x37));
	assert_int_equal(tables.table[0][0], (TABLES_BASE + 0x1000) | 7);
	assert_int_equal(tables.table[1][1], SIZE_1G | 0xb7);
	/* Execute-only is present. */
	assert_true(paging_map(&ept, 0, phys(0x5000), SIZE_4K, 0x34));
	assert_int_equal(tables.table[3][0], 0x5034);
	assert_maps(&ept, 0xfff, 0x5fff, 0x34, 1);
	tables_close(&tables);
}

static void check_boundaries(uint8_t levels, uint8_t largest, uint64_t address, uint64_t target,
			     uint64_t bytes, uint8_t first_level, uint8_t last_level)
{
	struct tables tables;
	struct paging paging;

	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, levels, largest);
	assert_true(paging_map(&paging, address, phys(target), bytes, RW));
	assert_unmapped(&paging, address - 1);
	assert_maps(&paging, address, target, RW, first_level);
	assert_maps(&paging, address + bytes - 1, target + bytes - 1, RW, last_level);
	assert_unmapped(&paging, address + bytes);

	assert_true(paging_unmap(&paging, address, bytes));
	assert_unmapped(&paging, address);
	assert_unmapped(&paging, address + bytes / 2);
	assert_unmapped(&paging, address + bytes - 1);
	tables_close(&tables);
}

static void test_boundaries(void **state)
{
	uint64_t high = 0xffff912345600000ull, five = 0x00fe123400000000ull;

	(void)state;
	check_boundaries(4, 3, 0x1000, 0x7000, 0x1000, 1, 1);
	check_boundaries(4, 3, high, 0x200000, SIZE_2M, 2, 2);
	check_boundaries(4, 1, high, 0x200000, SIZE_2M, 1, 1);
	check_boundaries(4, 3, SIZE_1G, 4 * SIZE_1G, SIZE_1G, 3, 3);
	check_boundaries(4, 2, SIZE_1G, 4 * SIZE_1G, SIZE_1G, 2, 2);
	check_boundaries(5, 3, five, 4 * SIZE_1G, SIZE_1G, 3, 3);
	check_boundaries(5, 3, five - SIZE_4K, 4 * SIZE_1G - SIZE_4K, SIZE_1G + 2 * SIZE_4K, 1, 1);
	/* The target's alignment counts as much as the address's. */
	check_boundaries(4, 3, SIZE_1G, SIZE_2M, SIZE_1G, 2, 2);
	check_boundaries(4, 3, SIZE_1G, SIZE_4K, SIZE_2M, 1, 1);
	/* Small, large, huge, large, small. */
	check_boundaries(4, 3, SIZE_1G - SIZE_2M - SIZE_4K, 3 * SIZE_1G - SIZE_2M - SIZE_4K,
			 SIZE_1G + 2 * SIZE_2M + 2 * SIZE_4K, 1, 1);
	check_boundaries(4, 3, SIZE_1G - SIZE_2M, 3 * SIZE_1G - SIZE_2M, SIZE_1G + 2 * SIZE_2M, 2,
			 2);
	/* Across an entry of the top table. */
	check_boundaries(4, 3, 0x8000000000 - SIZE_4K, 0, 2 * SIZE_4K, 1, 1);
}

/* The last page of the address space: address + bytes is 2^64. */
static void test_end_of_address_space(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, -SIZE_4K, phys(0x3000), SIZE_4K, RW));
	assert_maps(&paging, ~0ull, 0x3fff, RW, 1);
	assert_unmapped(&paging, -SIZE_4K - 1);
	assert_unmapped(&paging, 0);
	assert_true(paging_unmap(&paging, -SIZE_2M, SIZE_2M));
	assert_unmapped(&paging, ~0ull);
	tables_close(&tables);
}

static void test_five_levels(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 5, 3);
	assert_true(paging_map(&paging, 0, phys(0), SIZE_4K, RW));
	assert_maps(&paging, 0, 0, RW, 1);
	assert_unmapped(&paging, (uint64_t)1 << 48);
	assert_int_equal(paging_find(&paging, (uint64_t)1 << 48).level, 5);
	assert_int_equal(paging_find(&paging, (uint64_t)1 << 39).level, 4);
	tables_close(&tables);
}

/* A bit 7 in a table at level 4 or 5 doesn't make a leaf of it (it is reserved there). */
static void test_large_bit_only_below_level_4(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, 0, phys(0x9000), SIZE_4K, RW));
	tables_at(&tables, paging.top)[0] |= PTE_LARGE;
	assert_maps(&paging, 0, 0x9000, RW, 1);
	tables_close(&tables);
}

static void test_split_keeps_everything(void **state)
{
	uint64_t flags = PTE_PRESENT | PTE_WRITE | PTE_PCD | PTE_GLOBAL | PTE_NX | (1ull << 55);
	struct tables tables;
	struct paging paging;
	uint64_t offset;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, SIZE_1G, phys(7 * SIZE_1G), SIZE_1G, flags));
	assert_true(paging_split(&paging, SIZE_1G + 5 * SIZE_2M, 3));
	assert_int_equal(tables.taken, 2);
	assert_true(paging_split(&paging, SIZE_1G + 5 * SIZE_2M, 1));
	assert_int_equal(tables.taken, 4);
	assert_true(paging_split(&paging, SIZE_1G + 5 * SIZE_2M, 1));
	assert_int_equal(tables.taken, 4);
	for (offset = 0; offset < SIZE_1G; offset += SIZE_4K)
		assert_maps(&paging, SIZE_1G + offset, 7 * SIZE_1G + offset, flags,
			    offset / SIZE_2M == 5 ? 1 : 2);
	assert_true(paging_split(&paging, 5 * SIZE_1G, 1));
	assert_unmapped(&paging, 5 * SIZE_1G);
	assert_int_equal(tables.taken, 4);
	tables_close(&tables);
}

/* SDM: the PAT bit is bit 12 of a large leaf and bit 7 of a small one. */
static void test_split_moves_pat(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, 0, phys(SIZE_1G), SIZE_1G, RW | 1 << 7));
	assert_int_equal(tables.table[1][0], SIZE_1G | 1 << 12 | 0x83);
	assert_maps(&paging, 0x1234, SIZE_1G | 0x1234, RW | 1 << 7, 3);
	assert_true(paging_split(&paging, 0x1234, 2));
	assert_int_equal(tables.table[2][1], (SIZE_1G + SIZE_2M) | 1 << 12 | 0x83);
	assert_true(paging_split(&paging, 0x1234, 1));
	assert_int_equal(tables.table[3][1], (SIZE_1G + SIZE_4K) | 0x83);
	assert_maps(&paging, 0x1234, SIZE_1G | 0x1234, RW | 1 << 7, 1);
	tables_close(&tables);
}

static void test_map_over_table_uses_it(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, 3 * SIZE_2M, phys(0x9000), SIZE_4K, RW));
	assert_int_equal(tables.taken, 4);
	assert_true(paging_map(&paging, 0, phys(SIZE_1G), SIZE_1G, RO));
	assert_int_equal(tables.taken, 4);
	assert_maps(&paging, 0, SIZE_1G, RO, 2);
	assert_maps(&paging, 3 * SIZE_2M - 1, SIZE_1G + 3 * SIZE_2M - 1, RO, 2);
	assert_maps(&paging, 3 * SIZE_2M, SIZE_1G + 3 * SIZE_2M, RO, 1);
	assert_maps(&paging, 4 * SIZE_2M - 1, SIZE_1G + 4 * SIZE_2M - 1, RO, 1);
	assert_maps(&paging, 4 * SIZE_2M, SIZE_1G + 4 * SIZE_2M, RO, 2);
	tables_close(&tables);
}

static void test_map_replaces_a_leaf_as_a_whole(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, 0, phys(SIZE_1G), SIZE_1G, RW));
	assert_true(paging_map(&paging, 0, phys(2 * SIZE_1G), SIZE_1G, RO));
	assert_int_equal(tables.taken, 2);
	assert_maps(&paging, 77, 2 * SIZE_1G + 77, RO, 3);
	tables_close(&tables);
}

/* With n tables to give, for every n: false, nothing else changed, and what was mapped stays. */
static void test_out_of_tables(void **state)
{
	uint64_t start = SIZE_1G - SIZE_4K, bytes = SIZE_1G + SIZE_2M + 2 * SIZE_4K, offset;
	struct tables tables;
	struct paging paging;
	struct phys target;
	bool ended, done = false;
	unsigned n;

	(void)state;
	for (n = 0; !done; n++) {
		tables_open(&tables);
		paging = tables_paging(&tables, &paging_x86, 4, 2);
		tables.left = n;
		done = paging_map(&paging, start, phys(5 * SIZE_1G - SIZE_4K), bytes, RW);
		for (offset = 0, ended = false; offset < bytes; offset += SIZE_4K) {
			if (!paging_translate(&paging, start + offset, &target, NULL)) {
				ended = true;
				continue;
			}
			assert_false(ended);
			assert_int_equal(target.value, 5 * SIZE_1G - SIZE_4K + offset);
		}
		assert_int_equal(ended, !done);
		assert_unmapped(&paging, start - 1);
		assert_unmapped(&paging, start + bytes);
		tables_close(&tables);
	}
	/* PDPT, PD, PT below 1 GiB; PD for [1, 2) GiB; PD and PT for the rest. */
	assert_int_equal(n - 1, 6);
}

static void test_split_and_unmap_out_of_tables(void **state)
{
	struct tables tables;
	struct paging paging;
	uint64_t offset;
	unsigned n;

	(void)state;
	for (n = 0; n < 3; n++) {
		tables_open(&tables);
		paging = tables_paging(&tables, &paging_x86, 4, 3);
		assert_true(paging_map(&paging, 0, phys(SIZE_1G), SIZE_1G, RW));
		tables.left = n;
		assert_int_equal(paging_split(&paging, 0x5000, 1), n == 2);
		for (offset = 0; offset < SIZE_1G; offset += SIZE_4K)
			assert_maps(&paging, offset, SIZE_1G + offset, RW,
				    paging_find(&paging, offset).level);
		tables.left = 0;
		assert_int_equal(paging_unmap(&paging, 0x5000, SIZE_4K), n == 2);
		assert_int_equal(paging_find(&paging, 0x5000).present, n != 2);
		assert_maps(&paging, 0x4fff, SIZE_1G + 0x4fff, RW, 3 - n);
		assert_maps(&paging, 0x6000, SIZE_1G + 0x6000, RW, 3 - n);
		tables_close(&tables);
	}
}

static void test_unmap_inside_leaf(void **state)
{
	struct tables tables;
	struct paging paging;
	uint64_t start = 3 * SIZE_2M - SIZE_4K, bytes = SIZE_2M + 2 * SIZE_4K;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, 0, phys(SIZE_1G), SIZE_1G, RW));
	assert_true(paging_unmap(&paging, start, bytes));
	assert_maps(&paging, start - 1, SIZE_1G + start - 1, RW, 1);
	assert_unmapped(&paging, start);
	assert_unmapped(&paging, 3 * SIZE_2M);
	assert_int_equal(paging_find(&paging, 3 * SIZE_2M).level, 2);
	assert_unmapped(&paging, start + bytes - 1);
	assert_maps(&paging, start + bytes, SIZE_1G + start + bytes, RW, 1);
	assert_maps(&paging, SIZE_1G - 1, 2 * SIZE_1G - 1, RW, 2);
	tables_close(&tables);
}

/* The range begins inside a large hole, and must not be thought to begin where the hole does. */
static void test_unmap_from_inside_a_hole(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, SIZE_2M, phys(SIZE_2M), 2 * SIZE_2M, RW));
	assert_true(paging_unmap(&paging, SIZE_2M / 2, SIZE_2M));
	assert_unmapped(&paging, SIZE_2M);
	assert_unmapped(&paging, SIZE_2M + SIZE_2M / 2 - 1);
	assert_maps(&paging, SIZE_2M + SIZE_2M / 2, SIZE_2M + SIZE_2M / 2, RW, 1);
	assert_maps(&paging, 2 * SIZE_2M, 2 * SIZE_2M, RW, 2);
	tables_close(&tables);
}

/* Entries that are not present are nobody's business, whatever their other bits say. */
static void test_unmap_leaves_what_is_not_present(void **state)
{
	struct tables tables;
	struct paging paging;

	(void)state;
	tables_open(&tables);
	paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&paging, 0, phys(0), SIZE_4K, RW));
	tables.table[3][1] = 0x1234567890abcde0;
	assert_unmapped(&paging, 0x1000);
	assert_true(paging_unmap(&paging, 0, SIZE_2M));
	assert_unmapped(&paging, 0);
	assert_int_equal(tables.table[3][1], 0x1234567890abcde0);
	tables_close(&tables);
}

/* The model: what each page of a window translates to. */
#define WINDOW_PAGES ((uint64_t)(2 * SIZE_1G / SIZE_4K))
#define WINDOW	     (511 * SIZE_1G) /* across an entry of the top table */

struct page {
	uint64_t target, flags; /* flags 0: not mapped */
};

static void check_page(const struct paging *paging, const struct page *page, uint64_t number)
{
	struct phys target;
	uint64_t flags, address = WINDOW + number * SIZE_4K;

	if (!page[number].flags) {
		assert_unmapped(paging, address);
		return;
	}
	assert_true(paging_translate(paging, address + 0x123, &target, &flags));
	assert_int_equal(target.value, page[number].target + 0x123);
	assert_int_equal(flags, page[number].flags);
}

static void check_pages(const struct paging *paging, const struct page *page)
{
	uint64_t i;

	for (i = 0; i < WINDOW_PAGES; i++)
		check_page(paging, page, i);
}

static void random_operation(struct tables *tables, const struct paging *paging, struct page *page,
			     uint64_t *random)
{
	static const uint64_t grain[] = { 1, 1, 1, 512, 512, 512 * 512 };
	uint64_t unit = grain[random_below(random, 6)], target, flags, i;
	uint64_t first = random_below(random, WINDOW_PAGES / unit) * unit;
	uint64_t most = (WINDOW_PAGES - first) / unit;
	uint64_t pages = (1 + random_below(random, most > 600 ? 600 : most)) * unit;
	unsigned kind = (unsigned)random_below(random, 5);

	target = random_below(random, 1 << 20) * unit;
	flags = PTE_PRESENT | (random_next(random) & (PTE_WRITE | PTE_PCD | PTE_NX | PTE_GLOBAL));
	if (tables->taken + 1600 > TABLES_MAX)
		return;
	if (kind == 0) {
		assert_true(paging_split(paging, WINDOW + first * SIZE_4K,
					 (uint8_t)(1 + random_below(random, 3))));
	} else if (kind == 1) {
		assert_true(paging_unmap(paging, WINDOW + first * SIZE_4K, pages * SIZE_4K));
		memset(&page[first], 0, pages * sizeof(*page));
	} else {
		assert_true(paging_map(paging, WINDOW + first * SIZE_4K, phys(target * SIZE_4K),
				       pages * SIZE_4K, flags));
		for (i = 0; i < pages; i++)
			page[first + i] = (struct page){ (target + i) * SIZE_4K, flags };
	}
	for (i = first ? first - 1 : 0; i <= first + pages && i < WINDOW_PAGES;
	     i += i < first + 2 || i + 4 > first + pages ? 1
		  : pages > 8				 ? pages / 8
							 : 1)
		check_page(paging, page, i);
}

static void test_random_against_model(void **state)
{
	struct page *page = calloc(WINDOW_PAGES, sizeof(*page));
	struct tables tables;
	struct paging paging;
	uint64_t random;
	unsigned round, i;

	(void)state;
	assert_non_null(page);
	for (round = 0; round < 6; round++) {
		random = 0x1234 + round;
		memset(page, 0, WINDOW_PAGES * sizeof(*page));
		tables_open(&tables);
		paging = tables_paging(&tables, &paging_x86, round & 1 ? 5 : 4, 1 + round % 3);
		for (i = 0; i < 200; i++)
			random_operation(&tables, &paging, page, &random);
		check_pages(&paging, page);
		tables_close(&tables);
	}
	free(page);
}

/* A processor that walks meanwhile sees the same translation before, during and after a split. */
static struct {
	struct paging paging;
	bool stop;
	uint64_t reads, wrong;
} watched;

static void *watch(void *unused)
{
	struct phys target;
	uint64_t address = 0, flags;

	(void)unused;
	while (!__atomic_load_n(&watched.stop, __ATOMIC_ACQUIRE)) {
		address = (address + 77 * SIZE_4K) % SIZE_1G;
		if (!paging_translate(&watched.paging, address, &target, &flags) ||
		    target.value != SIZE_1G + address || flags != RW)
			watched.wrong++;
		__atomic_fetch_add(&watched.reads, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_walk_during_split(void **state)
{
	struct tables tables;
	pthread_t thread;
	unsigned round;
	uint64_t address;

	(void)state;
	tables_open(&tables);
	watched.paging = tables_paging(&tables, &paging_x86, 4, 3);
	assert_true(paging_map(&watched.paging, 0, phys(SIZE_1G), SIZE_1G, RW));
	assert_int_equal(pthread_create(&thread, NULL, watch, NULL), 0);
	while (!__atomic_load_n(&watched.reads, __ATOMIC_RELAXED))
		sched_yield();
	for (round = 0; round < 14; round++) {
		for (address = 0; address < SIZE_1G; address += SIZE_2M)
			assert_true(paging_split(&watched.paging, address, 1));
		/* Back to one leaf: of no interest but to begin again. Tables are not used again.
		 */
		__atomic_store_n(&tables.table[1][0], SIZE_1G | RW | PTE_LARGE, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&watched.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(watched.wrong, 0);
	tables_close(&tables);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_bytes),
		cmocka_unit_test(test_raw_bits),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_end_of_address_space),
		cmocka_unit_test(test_five_levels),
		cmocka_unit_test(test_large_bit_only_below_level_4),
		cmocka_unit_test(test_split_keeps_everything),
		cmocka_unit_test(test_split_moves_pat),
		cmocka_unit_test(test_map_over_table_uses_it),
		cmocka_unit_test(test_map_replaces_a_leaf_as_a_whole),
		cmocka_unit_test(test_out_of_tables),
		cmocka_unit_test(test_split_and_unmap_out_of_tables),
		cmocka_unit_test(test_unmap_inside_leaf),
		cmocka_unit_test(test_unmap_from_inside_a_hole),
		cmocka_unit_test(test_unmap_leaves_what_is_not_present),
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_walk_during_split),
	};

	return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
