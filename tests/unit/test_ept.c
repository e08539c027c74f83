/* SPDX-License-Identifier: MIT */
/*
 * base/ept.c: the identity map and single pages, with memory types that change, against a model of
 * every page of a small machine. The pool is in test_ept_device.c and test_ept_retype.c.
 */
#include "unit.h"

#include "base/ept.h"
#include "ept_machine.h"

static void assert_leaf(const struct ept *ept, uint64_t address, uint8_t level,
			enum memory_type type)
{
	struct paging_place place = paging_find(&ept->paging, address);
	struct phys target;
	uint64_t flags;

	assert_true(place.present);
	assert_int_equal(place.level, level);
	assert_true(paging_translate(&ept->paging, address, &target, &flags));
	assert_int_equal(target.value, address);
	assert_int_equal(flags & ~EPT_DEVICE, EPT_RWX | EPT_TYPE(type));
}

static void assert_nothing(const struct ept *ept, uint64_t address)
{
	assert_int_equal(*paging_find(&ept->paging, address).entry, 0);
}

static void test_pointer(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, 46, 4, 3);
	assert_int_equal(ept_pointer(&m.ept, MEMORY_WB), TABLES_BASE | 0x1e);
	assert_int_equal(ept_pointer(&m.ept, MEMORY_UC), TABLES_BASE | 0x18);
	machine_close(&m);
}

static void test_limit(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, 46, 4, 3);
	assert_int_equal(ept_limit(&m.ept), 1ull << 46);
	m.mtrr.physical_bits = 52;
	assert_int_equal(ept_limit(&m.ept), 1ull << 48);
	m.ept.paging.levels = 5;
	assert_int_equal(ept_limit(&m.ept), 1ull << 52);
	machine_close(&m);
}

/* A machine like most: WB, with a hole of UC below 4 GiB, and 640 KiB to 1 MiB of its own. */
static void pc(struct machine *m, uint8_t levels, uint8_t largest)
{
	machine_open(m, 39, levels, largest);
	m->mtrr.cap |= MTRR_FIX;
	m->mtrr.def_type = MTRR_E | MTRR_FE | MEMORY_WB;
	memset(m->mtrr.fixed, MEMORY_WB, sizeof(m->mtrr.fixed));
	memset(&m->mtrr.fixed[2], MEMORY_UC, sizeof(m->mtrr.fixed[2]));
	machine_range(m, 0, 0x80000000, 0x80000000, MEMORY_UC);
	machine_range(m, 1, 0x7fe00000, 0x200000, MEMORY_UC);
}

static void test_identity_of_a_pc(void **state)
{
	struct machine m;

	(void)state;
	pc(&m, 4, 3);
	assert_true(ept_map_identity(&m.ept, 0, 0x9fc00));
	assert_true(ept_map_identity(&m.ept, 0x100000, 0x7fe00000 - 0x100000));
	assert_true(ept_map_identity(&m.ept, 4 * SIZE_1G, 12 * SIZE_1G + SIZE_2M));

	assert_leaf(&m.ept, 0, 1, MEMORY_WB);
	assert_leaf(&m.ept, 0x9ffff, 1, MEMORY_WB);
	assert_nothing(&m.ept, 0xa0000);
	assert_nothing(&m.ept, 0xfffff);
	assert_leaf(&m.ept, 0x100000, 1, MEMORY_WB);
	assert_leaf(&m.ept, 0x1fffff, 1, MEMORY_WB);
	assert_leaf(&m.ept, 0x200000, 2, MEMORY_WB);
	assert_leaf(&m.ept, 0x3fffffff, 2, MEMORY_WB);
	assert_leaf(&m.ept, 0x40000000, 2, MEMORY_WB);
	assert_leaf(&m.ept, 0x7fdfffff, 2, MEMORY_WB);
	assert_nothing(&m.ept, 0x7fe00000);
	assert_nothing(&m.ept, 0x80000000);
	assert_nothing(&m.ept, 4 * SIZE_1G - 1);
	assert_leaf(&m.ept, 4 * SIZE_1G, 3, MEMORY_WB);
	/* The last leaf reaches beyond the range: the type stays, and nothing else is there. */
	assert_leaf(&m.ept, 17 * SIZE_1G - 1, 3, MEMORY_WB);
	assert_nothing(&m.ept, 17 * SIZE_1G);
	machine_check(&m, true);
	machine_close(&m);
}

static void test_identity_rounds_out(void **state)
{
	struct machine m;

	(void)state;
	pc(&m, 4, 1);
	assert_true(ept_map_identity(&m.ept, SIZE_2M + 0xfff, 2));
	assert_nothing(&m.ept, SIZE_2M - 1);
	assert_leaf(&m.ept, SIZE_2M, 1, MEMORY_WB);
	assert_leaf(&m.ept, SIZE_2M + 0x1fff, 1, MEMORY_WB);
	assert_nothing(&m.ept, SIZE_2M + 0x2000);
	assert_true(ept_map_identity(&m.ept, 8 * SIZE_1G, 0));
	assert_nothing(&m.ept, 8 * SIZE_1G);
	machine_close(&m);
}

static void test_identity_at_the_limit(void **state)
{
	uint64_t limit = 1ull << 39;
	struct machine m;

	(void)state;
	pc(&m, 4, 3);
	assert_true(ept_map_identity(&m.ept, limit - SIZE_4K, ~0ull));
	assert_leaf(&m.ept, limit - 1, 3, MEMORY_WB);
	assert_true(ept_map_identity(&m.ept, limit, SIZE_1G));
	assert_nothing(&m.ept, limit);
	machine_check(&m, true);
	machine_close(&m);

	/* A leaf that would reach above MAXPHYADDR is not made. */
	machine_open(&m, 36, 4, 3);
	m.mtrr.physical_bits = 29;
	assert_true(ept_map_identity(&m.ept, 0, ~0ull));
	assert_leaf(&m.ept, (1 << 29) - 1, 2, MEMORY_WB);
	assert_nothing(&m.ept, 1 << 29);
	machine_close(&m);
}

static void test_identity_keeps_what_is_there(void **state)
{
	struct machine m;
	struct phys target;

	(void)state;
	pc(&m, 4, 3);
	assert_true(ept_set_page(&m.ept, guest_phys(0), phys(0), 0, MEMORY_UC));
	assert_true(ept_set_page(&m.ept, guest_phys(0x5000), phys(0x77000), EPT_READ, MEMORY_WB));
	assert_true(ept_map_identity(&m.ept, 0, SIZE_1G));
	/* The page without rights at 0, to 0, UC is not an empty entry. */
	assert_false(paging_translate(&m.ept.paging, 0, &target, NULL));
	assert_false(paging_find(&m.ept.paging, 0).present);
	assert_true(paging_translate(&m.ept.paging, 0x5fff, &target, NULL));
	assert_int_equal(target.value, 0x77fff);
	assert_leaf(&m.ept, 0x1000, 1, MEMORY_WB);
	assert_leaf(&m.ept, 0x6000, 1, MEMORY_WB);
	assert_leaf(&m.ept, SIZE_1G - 1, 2, MEMORY_WB);
	machine_check(&m, false);
	machine_close(&m);
}

static void test_set_page_splits(void **state)
{
	uint64_t page = 5 * SIZE_1G + 3 * SIZE_2M + 7 * SIZE_4K, flags;
	struct phys target;
	struct machine m;

	(void)state;
	pc(&m, 4, 3);
	assert_true(ept_map_identity(&m.ept, 5 * SIZE_1G, SIZE_1G));
	assert_true(
		ept_set_page(&m.ept, guest_phys(page), phys(page), EPT_READ | EPT_EXEC, MEMORY_WB));
	assert_true(paging_translate(&m.ept.paging, page, &target, &flags));
	assert_int_equal(target.value, page);
	assert_int_equal(flags, EPT_READ | EPT_EXEC | EPT_TYPE(MEMORY_WB) | EPT_SET);
	assert_leaf(&m.ept, page - 1, 1, MEMORY_WB);
	assert_leaf(&m.ept, page + SIZE_4K, 1, MEMORY_WB);
	assert_leaf(&m.ept, 5 * SIZE_1G, 2, MEMORY_WB);
	assert_leaf(&m.ept, 6 * SIZE_1G - 1, 2, MEMORY_WB);
	assert_int_equal(m.tables.taken, 4);
	/* And back: as if nothing had been. */
	assert_true(ept_set_page(&m.ept, guest_phys(page), phys(page), EPT_RWX, MEMORY_WB));
	assert_leaf(&m.ept, page, 1, MEMORY_WB);
	machine_check(&m, false);
	machine_close(&m);
}

static void test_out_of_tables(void **state)
{
	struct machine m;
	unsigned n;
	bool done = false;

	(void)state;
	for (n = 0; !done; n++) {
		pc(&m, 4, 3);
		m.tables.left = n;
		done = ept_map_identity(&m.ept, 0, 4 * SIZE_1G);
		machine_check(&m, done);
		machine_close(&m);
	}
	/* PDPT; PD and PT for the first MiB; PD for the GiB that ends in UC. */
	assert_int_equal(n - 1, 4);
	for (n = 0, done = false; !done; n++) {
		pc(&m, 4, 3);
		assert_true(ept_map_identity(&m.ept, 5 * SIZE_1G, SIZE_1G));
		m.tables.left = n;
		done = ept_set_page(&m.ept, guest_phys(5 * SIZE_1G), phys(0), 0, MEMORY_UC);
		assert_leaf(&m.ept, 5 * SIZE_1G + SIZE_4K, 3 - n, MEMORY_WB);
		if (!done)
			assert_leaf(&m.ept, 5 * SIZE_1G, 3 - n, MEMORY_WB);
		machine_check(&m, false);
		machine_close(&m);
	}
	assert_int_equal(n - 1, 2);
}

/* A machine of 16 MiB with every page in a model. */
#define PAGES 4096

struct page {
	bool mapped, set; /* set: by ept_set_page and not as other pages */
	uint64_t target, rights;
	enum memory_type type;
};

static void assert_page(const struct machine *m, const struct page *page, uint64_t i)
{
	struct paging_place place = paging_find(&m->ept.paging, i * SIZE_4K);
	struct phys target;
	uint64_t flags;

	assert_int_equal(*place.entry != 0, page->mapped);
	if (!page->mapped)
		return;
	if (!page->rights) {
		assert_false(place.present);
		assert_true(page->set);
		return;
	}
	assert_true(paging_translate(&m->ept.paging, i * SIZE_4K + 5, &target, &flags));
	assert_int_equal(target.value, page->target + 5);
	assert_int_equal(flags, page->rights | EPT_TYPE(page->type) | (page->set ? EPT_SET : 0));
}

static void random_mtrr(struct machine *m, uint64_t *random)
{
	static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT,
						  MEMORY_WP, MEMORY_WB, MEMORY_WB };
	uint64_t bytes;
	unsigned i;

	memset(m->mtrr.variable, 0, sizeof(m->mtrr.variable));
	m->mtrr.def_type = MTRR_E | types[random_below(random, 6)];
	for (i = 0; i < random_below(random, 5); i++) {
		bytes = SIZE_4K << random_below(random, 12);
		machine_range(m, i, random_below(random, PAGES * SIZE_4K) & ~(bytes - 1), bytes,
			      types[random_below(random, 6)]);
	}
}

static void model_set(struct machine *m, struct page *page, uint64_t *random)
{
	uint64_t i = random_below(random, PAGES);
	uint64_t target = random_below(random, 2) ? i : random_below(random, PAGES);
	static const uint64_t legal[] = {
		0, EPT_READ, EPT_READ | EPT_WRITE, EPT_READ | EPT_EXEC, EPT_EXEC, EPT_RWX
	};
	uint64_t rights = legal[random_below(random, 6)];
	enum memory_type type = target == i ? mtrr_type(&m->mtrr, i * SIZE_4K) : MEMORY_WB;

	assert_true(ept_set_page(&m->ept, guest_phys(i * SIZE_4K), phys(target * SIZE_4K), rights,
				 type));
	page[i] = (struct page){ true, target != i || rights != EPT_RWX, target * SIZE_4K, rights,
				 type };
}

static void model_identity(struct machine *m, struct page *page, uint64_t *random)
{
	uint64_t first = random_below(random, PAGES), i;
	uint64_t pages = 1 + random_below(random, random_below(random, 2) ? PAGES : 8);

	assert_true(ept_map_identity(&m->ept, first * SIZE_4K, pages * SIZE_4K));
	for (i = 0; i < PAGES; i++) {
		/* Leaves may reach beyond the range, over what was empty. */
		if (page[i].mapped || ((i < first || i >= first + pages) &&
				       !*paging_find(&m->ept.paging, i * SIZE_4K).entry))
			continue;
		page[i] = (struct page){ true, false, i * SIZE_4K, EPT_RWX,
					 mtrr_type(&m->mtrr, i * SIZE_4K) };
	}
}

static void model_retype(struct machine *m, struct ept_pool *pool, struct page *page,
			 uint64_t *random)
{
	uint64_t i;

	random_mtrr(m, random);
	assert_true(ept_retype(&m->ept, pool, ~0ull));
	for (i = 0; i < PAGES; i++)
		if (page[i].mapped && page[i].target == i * SIZE_4K)
			page[i].type = mtrr_type(&m->mtrr, i * SIZE_4K);
}

static void test_random_against_model(void **state)
{
	static struct page page[PAGES];
	struct ept_pool pool;
	struct machine m;
	uint64_t random, i;
	unsigned round, step, kind;

	(void)state;
	for (round = 0; round < 30; round++) {
		random = 0xabcdef + round;
		memset(page, 0, sizeof(page));
		machine_open(&m, 36, round & 1 ? 5 : 4, 1 + round % 3);
		m.mtrr.physical_bits = 24;
		random_mtrr(&m, &random);
		/* As many tables as 16 MiB can need. */
		machine_pool(&m, &pool, 8, 8);
		for (step = 0; step < 40; step++) {
			kind = (unsigned)random_below(&random, 5);
			if (kind == 0)
				model_identity(&m, page, &random);
			else if (kind == 1)
				model_retype(&m, &pool, page, &random);
			else
				model_set(&m, page, &random);
			for (i = 0; i < PAGES; i++)
				assert_page(&m, &page[i], i);
		}
		machine_check(&m, false);
		machine_close(&m);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pointer),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_identity_of_a_pc),
		cmocka_unit_test(test_identity_rounds_out),
		cmocka_unit_test(test_identity_at_the_limit),
		cmocka_unit_test(test_identity_keeps_what_is_there),
		cmocka_unit_test(test_set_page_splits),
		cmocka_unit_test(test_out_of_tables),
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests_name("ept", tests, NULL, NULL);
}
