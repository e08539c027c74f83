/* SPDX-License-Identifier: MIT */
/*
 * base/ept_device.c: device memory and its pool of tables. The last test simulates processors with
 * paging-structure caches that invalidate late, and asserts that none of them ever has a pointer to
 * a table that is used again.
 */
#include "unit.h"

#include "base/ept.h"
#include "ept_machine.h"

#define GAP ((uint64_t)1 << 39) /* devices so far apart share no table but the top one */

struct board {
	struct machine m;
	struct ept_pool pool;
};

/*
 * Every second page is write-combining, so that leaves are of 4 KiB, but for what lies in [0, GAP),
 * which is uncacheable as a whole. The builder has no table left: all come from the pool.
 */
static void board_open(struct board *b, unsigned tables)
{
	machine_open(&b->m, 46, 4, 3);
	b->m.mtrr.def_type = MTRR_E | MEMORY_UC;
	b->m.mtrr.variable[0].base = SIZE_4K | MEMORY_WC;
	b->m.mtrr.variable[0].mask = SIZE_4K | MTRR_VALID;
	machine_range(&b->m, 1, 0, GAP, MEMORY_UC);

	machine_pool(&b->m, &b->pool, tables, 0);
	b->m.tables.left = 0;
}

static void board_close(struct board *b)
{
	machine_close(&b->m);
}

static unsigned in_state(const struct board *b, enum ept_pool_state state)
{
	unsigned i, n = 0;

	for (i = 0; i < b->pool.tables; i++)
		n += b->pool.table[i].state == state;
	return n;
}

/* What ept_device.c says always holds. */
static void board_check(struct board *b)
{
	struct ept_pool_table *table;
	uint64_t *entry, walk;
	unsigned i, level;

	machine_check(&b->m, false);
	for (i = 0; i < b->pool.tables; i++) {
		table = &b->pool.table[i];
		assert_int_equal(b->m.links[(table->table.value - TABLES_BASE) / SIZE_4K],
				 table->state == EPT_POOL_IN_USE);
		if (table->state != EPT_POOL_IN_USE)
			continue;
		assert_true(table->level >= 1 && table->level < b->m.ept.paging.levels);
		walk = b->m.ept.paging.top.value;
		for (level = b->m.ept.paging.levels; level > table->level; level--) {
			entry = tables_at(&b->m.tables, phys(walk));
			walk = entry[table->address >> (12 + 9 * (level - 1)) & 511] & PTE_ADDRESS;
		}
		assert_int_equal(walk, table->table.value);
	}
}

static enum ept_device touch(struct board *b, uint64_t address, uint64_t passed)
{
	struct ept_pool before = b->pool;
	enum ept_device result;
	struct phys target;

	result = ept_map_device(&b->m.ept, &b->pool, guest_phys(address), passed);
	board_check(b);
	assert_true(b->pool.generation - before.generation == b->pool.recycled - before.recycled);
	if (result == EPT_DEVICE_MAPPED && paging_find(&b->m.ept.paging, address).present) {
		assert_true(paging_translate(&b->m.ept.paging, address, &target, NULL));
		assert_int_equal(target.value, address);
	} else if (result == EPT_DEVICE_RETRY) {
		assert_int_equal(*paging_find(&b->m.ept.paging, address).entry, 0);
	}
	return result;
}

static void assert_level(struct board *b, uint64_t address, unsigned level)
{
	struct paging_place place = paging_find(&b->m.ept.paging, address);

	assert_true(place.present);
	assert_int_equal(place.level, level);
}

static void test_outside(void **state)
{
	struct board b;

	(void)state;
	board_open(&b, 16);
	assert_int_equal(touch(&b, 1ull << 46, 0), EPT_DEVICE_OUTSIDE);
	assert_int_equal(touch(&b, ~0ull, 0), EPT_DEVICE_OUTSIDE);
	assert_int_equal(touch(&b, (1ull << 46) - 1, 0), EPT_DEVICE_MAPPED);
	assert_level(&b, (1ull << 46) - 1, 1);
	assert_int_equal(touch(&b, 0, 0), EPT_DEVICE_MAPPED);
	/* What 4 levels can't translate is outside too. */
	b.m.mtrr.physical_bits = 52;
	assert_int_equal(touch(&b, 1ull << 48, 0), EPT_DEVICE_OUTSIDE);
	assert_int_equal(touch(&b, (1ull << 48) - 1, 0), EPT_DEVICE_MAPPED);
	board_close(&b);
}

static void test_largest_leaf(void **state)
{
	struct board b;
	uint8_t level;

	(void)state;
	board_open(&b, 16);
	assert_int_equal(touch(&b, 5 * SIZE_1G + 12345, 0), EPT_DEVICE_MAPPED);
	assert_level(&b, 5 * SIZE_1G, 3);
	assert_level(&b, 6 * SIZE_1G - 1, 3);
	assert_int_equal(*paging_find(&b.m.ept.paging, 6 * SIZE_1G).entry, 0);
	assert_int_equal(in_state(&b, EPT_POOL_IN_USE), 1);
	/* A second one beside it needs no table; so does a third touch of the same. */
	assert_int_equal(touch(&b, 7 * SIZE_1G, 0), EPT_DEVICE_MAPPED);
	assert_int_equal(touch(&b, 7 * SIZE_1G + 1, 0), EPT_DEVICE_MAPPED);
	assert_int_equal(in_state(&b, EPT_POOL_IN_USE), 1);
	board_close(&b);

	for (level = 1; level <= 2; level++) {
		board_open(&b, 16);
		b.m.ept.paging.largest = level;
		assert_int_equal(touch(&b, 9 * SIZE_1G, 0), EPT_DEVICE_MAPPED);
		assert_level(&b, 9 * SIZE_1G, level);
		assert_int_equal(*paging_find(&b.m.ept.paging,
					      9 * SIZE_1G + (level == 1 ? SIZE_4K : SIZE_2M))
					  .entry,
				 0);
		assert_int_equal(in_state(&b, EPT_POOL_IN_USE), 4 - level);
		board_close(&b);
	}

	/* Where a table is already, the leaf fits into it, though the type would allow more. */
	board_open(&b, 16);
	b.m.tables.left = 10;
	assert_true(ept_set_page(&b.m.ept, guest_phys(SIZE_1G), phys(SIZE_1G), 0, MEMORY_UC));
	assert_int_equal(touch(&b, SIZE_1G + SIZE_4K, 0), EPT_DEVICE_MAPPED);
	assert_level(&b, SIZE_1G + SIZE_4K, 1);
	assert_int_equal(touch(&b, SIZE_1G + SIZE_2M, 0), EPT_DEVICE_MAPPED);
	assert_level(&b, SIZE_1G + SIZE_2M, 2);
	assert_int_equal(in_state(&b, EPT_POOL_FREE), 16);
	/* A page without rights has an entry. It stays as it is. */
	assert_int_equal(touch(&b, SIZE_1G, 0), EPT_DEVICE_MAPPED);
	assert_false(paging_find(&b.m.ept.paging, SIZE_1G).present);
	board_close(&b);
}

static void test_type(void **state)
{
	uint64_t flags;
	struct phys target;
	struct board b;

	(void)state;
	board_open(&b, 16);
	assert_int_equal(touch(&b, GAP, 0), EPT_DEVICE_MAPPED);
	assert_int_equal(touch(&b, GAP + SIZE_4K, 0), EPT_DEVICE_MAPPED);
	assert_true(paging_translate(&b.m.ept.paging, GAP, &target, &flags));
	assert_int_equal(flags, EPT_RWX | EPT_TYPE(MEMORY_UC) | EPT_DEVICE);
	assert_true(paging_translate(&b.m.ept.paging, GAP + SIZE_4K, &target, &flags));
	assert_int_equal(flags, EPT_RWX | EPT_TYPE(MEMORY_WC) | EPT_DEVICE);
	board_close(&b);
}

/* One round of a table: in use, unlinked, not free before its generation is passed, free. */
static void test_life_of_a_table(void **state)
{
	struct board b;

	(void)state;
	board_open(&b, 4);
	assert_int_equal(touch(&b, 1 * GAP, 1), EPT_DEVICE_MAPPED);
	/* One free of four is a quarter. */
	assert_int_equal(b.pool.generation, 1);
	assert_int_equal(touch(&b, 1 * GAP + SIZE_2M, 1), EPT_DEVICE_MAPPED);
	/* None free: the oldest page table went ahead of need. */
	assert_int_equal(b.pool.generation, 2);
	assert_int_equal(b.pool.recycled, 1);
	assert_int_equal(*paging_find(&b.m.ept.paging, GAP).entry, 0);
	assert_level(&b, GAP + SIZE_2M, 1);

	/* Nobody passed 2: try again, and no second table is unlinked for it, however often. */
	assert_int_equal(touch(&b, GAP + 2 * SIZE_2M, 1), EPT_DEVICE_RETRY);
	assert_int_equal(touch(&b, GAP + 2 * SIZE_2M, 1), EPT_DEVICE_RETRY);
	assert_int_equal(b.pool.generation, 2);
	/* All passed it. */
	assert_int_equal(touch(&b, GAP + 2 * SIZE_2M, 2), EPT_DEVICE_MAPPED);
	assert_int_equal(b.pool.generation, 3);
	assert_int_equal(*paging_find(&b.m.ept.paging, GAP + SIZE_2M).entry, 0);

	/* Three tables at once: all go, from below, but the way to the address. */
	assert_int_equal(touch(&b, 2 * GAP, 3), EPT_DEVICE_RETRY);
	assert_int_equal(in_state(&b, EPT_POOL_FREE), 1);
	assert_int_equal(in_state(&b, EPT_POOL_UNLINKED), 2);
	assert_int_equal(b.pool.generation, 5);
	assert_int_equal(touch(&b, 2 * GAP, 4), EPT_DEVICE_RETRY);
	assert_int_equal(touch(&b, 2 * GAP, 5), EPT_DEVICE_MAPPED);
	board_close(&b);
}

/* Whoever is needed by the very access must not go, although everything else is newer. */
static void test_own_path_stays(void **state)
{
	struct board b;

	(void)state;
	board_open(&b, 3);
	assert_int_equal(touch(&b, GAP, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(in_state(&b, EPT_POOL_IN_USE), 3);
	/* No table can go but those of this path. */
	assert_int_equal(touch(&b, GAP + 2 * SIZE_4K, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(b.pool.generation, 1);
	assert_level(&b, GAP, 1);
	/* Another 2 MiB: the page table of the first goes, the tables above stay. */
	assert_int_equal(touch(&b, GAP + SIZE_2M, 1), EPT_DEVICE_RETRY);
	assert_int_equal(b.pool.generation, 2);
	assert_int_equal(touch(&b, GAP + SIZE_2M, 2), EPT_DEVICE_MAPPED);
	assert_level(&b, GAP + SIZE_2M, 1);
	assert_int_equal(b.pool.generation, 2);
	board_close(&b);
}

/* The order is of use, not of making. */
static void test_oldest_goes(void **state)
{
	struct board b;
	unsigned i;

	(void)state;
	board_open(&b, 16);
	for (i = 0; i < 10; i++)
		assert_int_equal(touch(&b, GAP + i * SIZE_2M, 1), EPT_DEVICE_MAPPED);
	/* 12 in use, 4 free: a quarter. Use the first again, in another page of its table. */
	assert_int_equal(b.pool.recycled, 0);
	assert_int_equal(touch(&b, GAP + SIZE_4K, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(touch(&b, GAP + 10 * SIZE_2M, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(b.pool.recycled, 1);
	assert_level(&b, GAP, 1);
	assert_int_equal(*paging_find(&b.m.ept.paging, GAP + SIZE_2M).entry, 0);
	assert_level(&b, GAP + 2 * SIZE_2M, 1);
	board_close(&b);
}

/* A page set by hand and a table that is not the pool's are never lost with a table of the pool. */
static void test_what_may_not_go(void **state)
{
	uint64_t set = GAP + 4 * SIZE_4K, split = SIZE_1G + 8 * SIZE_4K, flags, i;
	struct phys target;
	struct board b;

	(void)state;
	board_open(&b, 16);
	assert_int_equal(touch(&b, set, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(touch(&b, split, 1), EPT_DEVICE_MAPPED);
	b.m.tables.left = 2;
	assert_true(ept_set_page(&b.m.ept, guest_phys(set), phys(set), EPT_READ, MEMORY_UC));
	assert_true(ept_set_page(&b.m.ept, guest_phys(split), phys(split), 0, MEMORY_UC));
	assert_int_equal(b.m.tables.left, 0);
	for (i = 0; i < 500; i++) {
		touch(&b, GAP + (i * 7 % 40) * SIZE_2M, b.pool.generation);
		assert_true(paging_translate(&b.m.ept.paging, set, &target, &flags));
		assert_int_equal(flags & 7, EPT_READ);
		assert_true(*paging_find(&b.m.ept.paging, split).entry & EPT_SET);
		assert_false(paging_find(&b.m.ept.paging, split).present);
	}
	assert_true(b.pool.recycled > 100);
	board_close(&b);
}

/* When all tables hold pages set by hand, there is only "try again": no harm, no loss. */
static void test_nothing_may_go(void **state)
{
	struct board b;
	unsigned i;

	(void)state;
	board_open(&b, 4);
	assert_int_equal(touch(&b, GAP, 1), EPT_DEVICE_MAPPED);
	assert_true(ept_set_page(&b.m.ept, guest_phys(GAP), phys(GAP), 0, MEMORY_UC));
	assert_int_equal(touch(&b, GAP + SIZE_2M, 1), EPT_DEVICE_MAPPED);
	assert_true(ept_set_page(&b.m.ept, guest_phys(GAP + SIZE_2M), phys(GAP), 1, MEMORY_UC));
	for (i = 0; i < 10; i++)
		assert_int_equal(touch(&b, 2 * GAP, b.pool.generation), EPT_DEVICE_RETRY);
	assert_int_equal(b.pool.generation, 1);
	/* Given back, it may. */
	assert_true(ept_set_page(&b.m.ept, guest_phys(GAP), phys(GAP), EPT_RWX, MEMORY_UC));
	assert_int_equal(touch(&b, GAP + 2 * SIZE_2M, 1), EPT_DEVICE_RETRY);
	assert_int_equal(touch(&b, GAP + 2 * SIZE_2M, 2), EPT_DEVICE_MAPPED);
	board_close(&b);
}

/* What somebody else took out of the tree, or put in its place, is not the pool's to unlink. */
static void test_not_found_not_unlinked(void **state)
{
	uint64_t *link;
	struct board b;
	unsigned i;

	(void)state;
	board_open(&b, 4);
	assert_int_equal(touch(&b, GAP, 1), EPT_DEVICE_MAPPED);
	link = tables_at(&b.m.tables, b.m.ept.paging.top) + 1;
	*link = 0;
	for (i = 0; i < 5; i++)
		assert_int_equal(ept_map_device(&b.m.ept, &b.pool, guest_phys(2 * GAP), 9),
				 EPT_DEVICE_RETRY);
	assert_int_equal(b.pool.generation, 1);
	b.m.tables.left = 3;
	assert_true(ept_set_page(&b.m.ept, guest_phys(GAP), phys(GAP), EPT_RWX, MEMORY_UC));
	for (i = 0; i < 5; i++)
		assert_int_equal(ept_map_device(&b.m.ept, &b.pool, guest_phys(2 * GAP), 9),
				 EPT_DEVICE_RETRY);
	assert_true(paging_find(&b.m.ept.paging, GAP).present);
	board_close(&b);
}

/* An MTRR is written: leaves of the touch that are not uniform any more go, and come back smaller.
 */
static void test_retype(void **state)
{
	struct board b;

	(void)state;
	board_open(&b, 16);
	assert_int_equal(touch(&b, 3 * SIZE_1G, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(touch(&b, 4 * SIZE_1G, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(touch(&b, GAP, 1), EPT_DEVICE_MAPPED);
	machine_range(&b.m, 1, 0, 4 * SIZE_1G, MEMORY_UC);
	machine_range(&b.m, 2, GAP, GAP, MEMORY_UC);
	assert_true(ept_retype(&b.m.ept, &b.pool, 1));
	board_check(&b);
	assert_level(&b, 3 * SIZE_1G, 3);
	assert_int_equal(*paging_find(&b.m.ept.paging, 4 * SIZE_1G).entry, 0);
	assert_level(&b, GAP, 1);
	assert_int_equal(touch(&b, 4 * SIZE_1G, 1), EPT_DEVICE_MAPPED);
	assert_level(&b, 4 * SIZE_1G, 1);
	board_close(&b);
}

static void test_five_levels(void **state)
{
	struct board b;

	(void)state;
	board_open(&b, 16);
	b.m.ept.paging.levels = 5;
	b.m.mtrr.physical_bits = 52;
	assert_int_equal(touch(&b, (1ull << 51) + GAP, 1), EPT_DEVICE_MAPPED);
	assert_int_equal(in_state(&b, EPT_POOL_IN_USE), 4);
	assert_level(&b, (1ull << 51) + GAP, 1);
	board_close(&b);
}

/*
 * The simulation. A processor walks the tree for its guest, and may keep any pointer to a table
 * that it met, for as long as it likes, until it invalidates; it may begin a later walk at such a
 * pointer. It invalidates when it enters the guest and the generation changed, and publishes late.
 */
#define PROCESSORS 5
#define CACHED	   24

struct processor {
	struct cached {
		uint64_t address;
		unsigned level;
		struct phys table;
	} cached[CACHED];
	unsigned n;
	uint64_t seen;	    /* the generation at the last invalidation */
	uint64_t published; /* seen, or what it was some time ago */
	uint64_t home;	    /* near what it accesses */
};

struct system {
	struct board board;
	struct processor processor[PROCESSORS];
	uint64_t random;
	uint64_t walks, stale, retries, reused; /* so that the test knows that it tested */
};

static void remember(struct system *s, struct processor *p, uint64_t address, unsigned level,
		     struct phys table)
{
	struct cached *to;

	if (random_below(&s->random, 4) == 0)
		return;
	to = &p->cached[p->n < CACHED ? p->n++ : random_below(&s->random, CACHED)];
	*to = (struct cached){ align_down(address, 1ull << (12 + 9 * level)), level, table };
}

/* Walks as a processor may. Returns whether there is a translation; if so, it must be true. */
static bool processor_walk(struct system *s, struct processor *p, uint64_t address)
{
	struct cached from = { 0, 4, s->board.m.ept.paging.top };
	const struct cached *candidate;
	uint64_t value, bytes;
	unsigned i;

	for (i = 0; i < p->n; i++) {
		candidate = &p->cached[i];
		if (candidate->address ==
			    align_down(address, 1ull << (12 + 9 * candidate->level)) &&
		    random_below(&s->random, 2))
			from = *candidate;
	}
	s->walks++;
	for (i = 0; i < s->board.pool.tables; i++)
		if (s->board.pool.table[i].state == EPT_POOL_UNLINKED &&
		    s->board.pool.table[i].table.value == from.table.value)
			s->stale++;
	for (;; from.level--) {
		value = tables_at(&s->board.m.tables,
				  from.table)[address >> (12 + 9 * (from.level - 1)) & 511];
		if (!(value & EPT_RWX))
			return false;
		if (from.level == 1 || value & EPT_LARGE)
			break;
		from.table = phys(value & PTE_ADDRESS);
		remember(s, p, address, from.level - 1, from.table);
	}
	bytes = 1ull << (12 + 9 * (from.level - 1));
	assert_int_equal(value & PTE_ADDRESS, align_down(address, bytes));
	assert_int_equal(value >> 3 & 7, mtrr_type(&s->board.m.mtrr, address));
	return true;
}

static void processor_enter(struct system *s, struct processor *p)
{
	if (p->seen != s->board.pool.generation) {
		p->seen = s->board.pool.generation;
		p->n = 0;
	}
}

static uint64_t lowest_published(const struct system *s)
{
	uint64_t lowest = s->processor[0].published;
	unsigned i;

	for (i = 1; i < PROCESSORS; i++)
		if (s->processor[i].published < lowest)
			lowest = s->processor[i].published;
	return lowest;
}

/* No processor has a pointer to a table that came into use since `before`. */
static void check_reuse(struct system *s, const struct ept_pool *before)
{
	const struct ept_pool_table *was, *is;
	unsigned i, j, k;

	for (i = 0; i < s->board.pool.tables; i++) {
		was = &before->table[i];
		is = &s->board.pool.table[i];
		if (is->state != EPT_POOL_IN_USE ||
		    (was->state == EPT_POOL_IN_USE && was->address == is->address &&
		     was->level == is->level))
			continue;
		s->reused++;
		for (j = 0; j < PROCESSORS; j++)
			for (k = 0; k < s->processor[j].n; k++)
				assert_true(s->processor[j].cached[k].table.value !=
					    is->table.value);
	}
}

static enum ept_device processor_map(struct system *s, uint64_t address)
{
	struct ept_pool before = s->board.pool;
	enum ept_device result = touch(&s->board, address, lowest_published(s));

	check_reuse(s, &before);
	assert_true(result != EPT_DEVICE_OUTSIDE);
	return result;
}

/* What the worker does: every processor exits and enters. After it, a try must succeed. */
static void all_catch_up(struct system *s)
{
	unsigned i;

	for (i = 0; i < PROCESSORS; i++) {
		processor_enter(s, &s->processor[i]);
		s->processor[i].published = s->processor[i].seen;
	}
}

/* Mostly where the processor was before, so that it goes through what it has cached. */
static uint64_t some_address(struct system *s, struct processor *p)
{
	if (random_below(&s->random, 16) == 0)
		p->home = random_below(&s->random, 3) * GAP +
			  random_below(&s->random, 3) * SIZE_1G +
			  random_below(&s->random, 4) * SIZE_2M;
	return p->home + random_below(&s->random, 6) * SIZE_4K + 8;
}

static void processor_step(struct system *s, struct processor *p)
{
	uint64_t address = some_address(s, p);

	if (random_below(&s->random, 3) == 0)
		p->published = p->seen;
	switch (random_below(&s->random, 8)) {
	case 0:
		processor_enter(s, p);
		break;
	case 1:
		/* In the guest for long: nothing that we would know of. */
		break;
	default:
		if (processor_walk(s, p, address))
			break;
		if (processor_map(s, address) == EPT_DEVICE_RETRY) {
			s->retries++;
			if (random_below(&s->random, 4) == 0) {
				all_catch_up(s);
				assert_int_equal(processor_map(s, address), EPT_DEVICE_MAPPED);
			}
		}
		processor_enter(s, p);
	}
}

static void simulate(unsigned tables, uint64_t seed)
{
	static struct system s;
	unsigned i;

	memset(&s, 0, sizeof(s));
	s.random = seed;
	board_open(&s.board, tables);
	for (i = 0; i < PROCESSORS; i++)
		s.processor[i].seen = s.processor[i].published = 1;
	for (i = 0; i < 20000; i++)
		processor_step(&s, &s.processor[random_below(&s.random, PROCESSORS)]);
	assert_int_equal(s.board.m.tables.left, 0);
	print_message(
		"  %u tables: %u recycled, %lu walks, %lu of them from stale tables, %lu retries\n",
		tables, s.board.pool.recycled, (unsigned long)s.walks, (unsigned long)s.stale,
		(unsigned long)s.retries);
	assert_true(s.board.pool.recycled > 50 && s.reused > 50 && s.stale > 50);
	board_close(&s.board);
}

static void test_late_processors(void **state)
{
	(void)state;
	simulate(16, 0x1111);
	simulate(16, 0x2222);
	simulate(9, 0x3333);
	simulate(5, 0x4444);
	simulate(3, 0x5555);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_largest_leaf),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_life_of_a_table),
		cmocka_unit_test(test_own_path_stays),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_what_may_not_go),
		cmocka_unit_test(test_nothing_may_go),
		cmocka_unit_test(test_not_found_not_unlinked),
		cmocka_unit_test(test_retype),
		cmocka_unit_test(test_five_levels),
		cmocka_unit_test(test_late_processors),
	};

	return cmocka_run_group_tests_name("ept_device", tests, NULL, NULL);
}
