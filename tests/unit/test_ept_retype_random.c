/* SPDX-License-Identifier: MIT */
/*
 * base/ept_retype.c: writes of MTRRs, set pages and touches of devices at random, against a model.
 */
#include "ept_retype_system.h"

static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT,
					  MEMORY_WP, MEMORY_WB, MEMORY_WB };

static enum memory_type some_type(void)
{
	return types[random_below(&s.random, 6)];
}

/* Ranges of few sizes around few places, so that leaves are split and merged over and over. */
static void random_range(unsigned pair)
{
	static const uint64_t sizes[] = { SIZE_4K, SIZE_4K * 16, SIZE_2M, SIZE_2M * 8, SIZE_1G };
	uint64_t bytes = sizes[random_below(&s.random, 5)];
	uint64_t base = random_below(&s.random, 14) * SIZE_1G +
			random_below(&s.random, 3) * (SIZE_2M + SIZE_4K * 16);

	machine_range(&s.m, pair, align_down(base, bytes), bytes, some_type());
}

static void random_write(void)
{
	unsigned pair = (unsigned)random_below(&s.random, PAIRS);

	switch (mtrr_disabled(&s.m.mtrr) ? random_below(&s.random, 3)
					 : random_below(&s.random, 9)) {
	case 0:
		s.m.mtrr.def_type ^= MTRR_E;
		break;
	case 1:
		s.m.mtrr.def_type = (s.m.mtrr.def_type & ~0xffull) |
				    (random_below(&s.random, 4) ? MEMORY_WB : some_type());
		break;
	case 2:
		s.m.mtrr.variable[pair].base ^= SIZE_2M;
		break;
	case 3:
	case 4:
		s.m.mtrr.variable[pair].mask ^= MTRR_VALID;
		break;
	case 5:
		write_by_the_book((unsigned)random_below(&s.random, PROCESSORS), pair,
				  random_below(&s.random, 13) * SIZE_1G, SIZE_4K, some_type());
		return;
	default:
		random_range(pair);
	}
	retype();
}

static void random_set(void)
{
	static const uint64_t legal[] = {
		EPT_RWX, EPT_READ, EPT_READ | EPT_WRITE, EPT_READ | EPT_EXEC, EPT_EXEC, EPT_RWX
	};
	unsigned i = (unsigned)random_below(&s.random, SET_PAGES);
	uint64_t page = s.set[i].page;
	uint64_t target = random_below(&s.random, 2) ? page : random_below(&s.random, 99) * SIZE_4K;

	set_page(i, page, target, legal[random_below(&s.random, 6)]);
}

static void random_touch(void)
{
	uint64_t address = HOLE + random_below(&s.random, SIZE_1G);

	switch (random_below(&s.random, 3)) {
	case 0:
		address = s.ram_end + random_below(&s.random, 40) * SIZE_2M;
		break;
	case 1:
		address = STRIPES + random_below(&s.random, 300) * SIZE_2M;
	}
	s.touches++;
	s.retries += touch(address) == EPT_DEVICE_RETRY;
}

static void simulate(unsigned reserve, uint8_t largest, uint64_t seed)
{
	unsigned step;

	system_open(largest, reserve);
	s.random = seed;
	stripes();
	for (step = 0; step < 2000; step++) {
		switch (random_below(&s.random, 8)) {
		case 0:
		case 1:
		case 2:
			random_write();
			break;
		case 3:
			random_set();
			break;
		case 4:
		case 5:
			random_touch();
			break;
		default:
			catch_up((unsigned)random_below(&s.random, PROCESSORS));
		}
		check_tables(passed());
		take_probes();
		check_pages();
	}
	/* All has settled: everything is exact, and no table is kept for nothing. */
	memset(s.m.mtrr.variable, 0, sizeof(s.m.mtrr.variable));
	s.m.mtrr.def_type = MTRR_E | MEMORY_WB;
	assert_true(retype());
	all_catch_up();
	assert_true(retype());
	machine_check(&s.m, false);
	print_message("  %u tables, leaves up to %u: %lu stores; %u retypes split, %u merged, %u "
		      "were coarse, %u helped later; %u of %u touches retried\n",
		      reserve, largest, (unsigned long)s.stores, s.splits, s.merges, s.coarse,
		      s.refined, s.retries, s.touches);
	assert_true(s.splits > 30 && s.merges > 30 && s.retries && s.pool.recycled > 50);
	assert_true(reserve == EPT_POOL_RESERVE || (s.coarse > 50 && s.refined > 20));
	system_close();
}

static void test_random_against_model(void **state)
{
	(void)state;
	simulate(EPT_POOL_RESERVE, 3, 0x1111);
	simulate(EPT_POOL_RESERVE, 2, 0x2222);
	simulate(4, 3, 0x3333);
	simulate(3, 3, 0x4444);
	simulate(2, 2, 0x5555);
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests_name("ept_retype at random", tests, NULL, NULL);
}
