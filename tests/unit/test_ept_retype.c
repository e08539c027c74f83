/* SPDX-License-Identifier: MIT */
/*
 * base/ept_retype.c: memory types after writes of MTRRs, with the reserve of the pool.
 */
#include "ept_retype_system.h"

static void assert_leaf(uint64_t address, unsigned at, enum memory_type type)
{
	unsigned level;
	uint64_t value = look(address, &level);

	assert_int_equal(level, at);
	assert_int_equal(value & ~PTE_ADDRESS,
			 EPT_RWX | EPT_TYPE(type) | (level > 1 ? EPT_LARGE : 0));
	assert_int_equal(value & PTE_ADDRESS, align_down(address, leaf_bytes(level)));
}

static void assert_reserve(unsigned unused, unsigned kept, unsigned unlinked)
{
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_FREE), unused);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_KEPT), kept);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_UNLINKED), unlinked);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_IN_USE), 0);
}

static void test_retype_in_place(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	set_page(0, 2 * SIZE_1G, 2 * SIZE_1G, EPT_READ);
	set_page(1, 2 * SIZE_1G + SIZE_4K, 0x5000, EPT_RWX);
	set_page(2, 0, 0, 0);
	assert_true(retype());
	assert_leaf(SOME_GIB, 3, MEMORY_WB);
	s.m.mtrr.def_type = MTRR_E | MEMORY_WT;
	assert_true(retype());
	assert_leaf(SOME_GIB, 3, MEMORY_WT);
	assert_leaf(SIZE_4K, 1, MEMORY_WT);
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	machine_check(&s.m, false);
	system_close();
}

/* A page of its own type inside of a leaf of 1 GiB: two tables, and no byte more has changed. */
static void test_split(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M - 1, 2, MEMORY_WB);
	assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_WT);
	assert_leaf(SOME_GIB + SIZE_2M + SIZE_4K, 1, MEMORY_WB);
	assert_leaf(SOME_GIB + 2 * SIZE_2M, 2, MEMORY_WB);
	assert_leaf(SOME_GIB + SIZE_1G - 1, 2, MEMORY_WB);
	assert_leaf(SOME_GIB - 1, 3, MEMORY_WB);
	assert_leaf(SOME_GIB + SIZE_1G, 3, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	assert_int_equal(in_state(EPT_POOL_DEVICES, EPT_POOL_FREE), DEVICE_TABLES);
	machine_check(&s.m, false);
	/* Once more: there is nothing to do. */
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	system_close();
}

/* The leaf is back; its tables come back when all processors have invalidated. */
static void test_merge(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	catch_up(0);
	catch_up(1);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	catch_up(2);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	machine_check(&s.m, false);
	system_close();
}

/* The lower table goes, the upper one is still needed; and a type other than before is no matter.
 */
static void test_merge_of_the_lower_table(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_2M, MEMORY_WP);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 2, MEMORY_WP);
	assert_leaf(SOME_GIB + 2 * SIZE_2M, 2, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 1, 1);
	machine_range(&s.m, 0, SOME_GIB, SIZE_1G, MEMORY_WC);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WC);
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	system_close();
}

/* A page that was set in a split leaf keeps the table, and so does a table that is not the pool's.
 */
static void test_set_pages_are_not_merged(void **state)
{
	uint64_t page = SOME_GIB + SIZE_2M + 5 * SIZE_4K, i;

	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	set_page(0, page, page, EPT_READ);
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_leaf(page + SIZE_4K, 1, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	/* As every other page again: it goes. */
	set_page(0, page, page, EPT_RWX);
	assert_true(retype());
	assert_leaf(page, 3, MEMORY_WB);
	all_catch_up();

	/* All pages of a table set alike are not a leaf. */
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	for (i = 0; i < PAGING_ENTRIES; i++)
		set_page(0, SOME_GIB + SIZE_2M + i * SIZE_4K, SOME_GIB + SIZE_2M + i * SIZE_4K,
			 EPT_READ | EPT_EXEC);
	s.m.mtrr.variable[0].mask = 0;
	s.set[0].used = false;
	s.set[0].page = 0;
	take_probes();
	assert_true(ept_retype(&s.m.ept, &s.pool, passed()));
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	for (i = 0; i < PAGING_ENTRIES; i++)
		set_page(0, SOME_GIB + SIZE_2M + i * SIZE_4K, SOME_GIB + SIZE_2M + i * SIZE_4K,
			 EPT_RWX);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	all_catch_up();

	/* A table of the builder's below one of ours. */
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_2M, MEMORY_WT);
	assert_true(retype());
	set_page(0, page, page, 0);
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 1, 1, 0);
	assert_leaf(page + SIZE_4K, 1, MEMORY_WB);
	assert_leaf(SOME_GIB, 2, MEMORY_WB);
	system_close();
}

/* Without a table the whole leaf is as strict as its strictest byte; with one, later, it is exact.
 */
static void test_exhaustion(void **state)
{
	enum memory_type expected;
	unsigned n;

	(void)state;
	for (n = 0; n < 6; n++) {
		system_open(3, n);
		machine_range(&s.m, 0, 5 * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WT);
		machine_range(&s.m, 1, 6 * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_UC);
		assert_int_equal(retype(), n >= 4);
		expected = n ? MEMORY_WB : MEMORY_WT;
		assert_leaf(5 * SIZE_1G, n ? 2 : 3, expected);
		assert_leaf(5 * SIZE_1G + SIZE_2M + SIZE_4K, n < 2 ? 3 - n : 1,
			    n < 2 ? MEMORY_WT : MEMORY_WB);
		assert_leaf(6 * SIZE_1G, n < 3 ? 3 : 2, n < 3 ? MEMORY_UC : MEMORY_WB);
		assert_leaf(7 * SIZE_1G, 3, MEMORY_WB);
		assert_false(ept_retype_helps(&s.pool, ~0ull));
		/* One reason less: its tables do for the other, as soon as they have come back. */
		s.m.mtrr.variable[0].mask = 0;
		retype();
		assert_leaf(5 * SIZE_1G, 3, MEMORY_WB);
		catch_up(0);
		catch_up(1);
		assert_int_equal(s.refined, 0);
		catch_up(2);
		assert_int_equal(s.refined, n == 1 || n == 2 || n == 3);
		assert_int_equal(s.exact, n >= 2);
		assert_leaf(6 * SIZE_1G + SIZE_2M + SIZE_4K, n < 2 ? 3 - n : 1,
			    n < 2 ? MEMORY_UC : MEMORY_WB);
		/* And as uniform as ever, without any table. */
		s.m.mtrr.variable[1].mask = 0;
		assert_true(retype());
		assert_leaf(6 * SIZE_1G, 3, MEMORY_WB);
		machine_check(&s.m, false);
		system_close();
	}
}

/* Neither takes what the other needs. */
static void test_devices_and_ram_have_their_own(void **state)
{
	unsigned i;

	(void)state;
	/* RAM takes all that it can get: devices have sixteen. */
	system_open(3, EPT_POOL_RESERVE);
	assert_int_equal(s.pool.tables, EPT_POOL_TABLES);
	for (i = 0; i < 9; i++)
		machine_range(&s.m, i, (i < 3 ? i : i + 1) * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WC);
	assert_false(retype());
	assert_reserve(0, EPT_POOL_RESERVE, 0);
	assert_int_equal(in_state(EPT_POOL_DEVICES, EPT_POOL_FREE), DEVICE_TABLES);
	assert_int_equal(touch(HOLE), EPT_DEVICE_MAPPED);
	/* Devices in use, age and recycling touch none of them. */
	stripes();
	for (i = 0; i < 60; i++) {
		touch(STRIPES + i * 7 % 60 * SIZE_2M);
		assert_reserve(0, EPT_POOL_RESERVE, 0);
		s.published[0] = s.published[1] = s.published[2] = s.pool.generation;
	}
	assert_true(s.pool.recycled > 40);
	system_close();

	/* Devices first, as many as there can be, without anybody who invalidates. */
	system_open(3, EPT_POOL_RESERVE);
	stripes();
	for (i = 0; i < 60; i++)
		touch(STRIPES + i * SIZE_2M);
	assert_int_equal(touch(STRIPES + SIZE_1G), EPT_DEVICE_RETRY);
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	for (i = 0; i < 4; i++)
		machine_range(&s.m, i, (5 + i) * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WC);
	assert_true(retype());
	assert_reserve(0, EPT_POOL_RESERVE, 0);
	system_close();
}

/* However many processors write, tables don't move but for what has changed in the end. */
static void test_disabled_in_between(void **state)
{
	unsigned i;

	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	for (i = 0; i < PROCESSORS; i++) {
		write_by_the_book(i, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WC);
		assert_true(s.exact);
		assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
		assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_WC);
	}
	/* While they are off: uncacheable, in the tables that are there. */
	s.m.mtrr.def_type &= ~MTRR_E;
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_UC);
	assert_leaf(SOME_GIB + SIZE_1G, 3, MEMORY_UC);
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	s.m.mtrr.def_type |= MTRR_E;
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	/* And away with it. */
	for (i = 0; i < PROCESSORS; i++)
		write_by_the_book(i, 0, 0, 0, 0);
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WB);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_KEPT), 0);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	system_close();
}

/* A range moves, and there are tables for one place only: exact when the last one has written. */
static void test_last_processor_is_exact(void **state)
{
	unsigned i;

	(void)state;
	system_open(3, 2);
	for (i = 0; i < PROCESSORS; i++)
		write_by_the_book(i, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WC);
	for (i = 0; i < PROCESSORS; i++) {
		assert_int_equal(s.refined, 0);
		write_by_the_book(i, 0, 7 * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WC);
		assert_int_equal(s.exact, i == PROCESSORS - 1);
	}
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WB);
	assert_leaf(7 * SIZE_1G + SIZE_2M, 1, MEMORY_WC);
	assert_leaf(7 * SIZE_1G, 2, MEMORY_WB);
	assert_reserve(0, 2, 0);
	system_close();
}

static void test_largest_leaves(void **state)
{
	(void)state;
	system_open(2, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_WT);
	assert_reserve(EPT_POOL_RESERVE - 1, 1, 0);
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 2, MEMORY_WB);
	system_close();

	/* Leaves of 4 KiB need nothing. */
	machine_open(&s.m, 36, 4, 1);
	assert_true(ept_map_identity(&s.m.ept, 0, 4 * SIZE_2M));
	machine_pool(&s.m, &s.pool, 1, 1);
	machine_range(&s.m, 0, SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(ept_retype(&s.m.ept, &s.pool, 1));
	assert_int_equal(s.pool.table[0].state, EPT_POOL_FREE);
	machine_check(&s.m, true);
	system_close();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retype_in_place),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_of_the_lower_table),
		cmocka_unit_test(test_set_pages_are_not_merged),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_devices_and_ram_have_their_own),
		cmocka_unit_test(test_disabled_in_between),
		cmocka_unit_test(test_last_processor_is_exact),
		cmocka_unit_test(test_largest_leaves),
	};

	return cmocka_run_group_tests_name("ept_retype", tests, NULL, NULL);
}
