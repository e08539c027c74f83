// SPDX-License-Identifier: MIT
/*
 * The walk of the guest's page tables: each rule by its name, and random rights against a second
 * opinion that is written from the manual's tables, not from the code.
 */
#include "unit.h"

#include "base/guest_walk.h"
#include "base/x86.h"

#define TABLES	8
#define ADDRESS 0x00007f1234567abcull
#define TARGET	0x00000000abcde000ull

/* Tables at guest-physical 0x1000, 0x2000, ...: by level, from 5 down. */
static uint64_t tables[TABLES][512];
static unsigned updates;
static bool stubborn; /* updates fail: the entry has changed */

static uint64_t *entry_at(uint64_t address)
{
	assert_in_range(address, 0x1000, TABLES * 0x1000 - 8);
	return &tables[address / 0x1000][address % 0x1000 / 8];
}

static uint64_t load(void *context, struct guest_phys entry)
{
	(void)context;
	return *entry_at(entry.value);
}

static bool update(void *context, struct guest_phys entry, uint64_t old, uint64_t value)
{
	(void)context;
	updates++;
	if (stubborn || *entry_at(entry.value) != old)
		return false;
	*entry_at(entry.value) = value;
	return true;
}

static const struct guest_tables memory = { load, update, NULL };
static struct guest_paging paging;
static struct guest_phys target;
static uint32_t code;

static uint64_t *entry(unsigned level)
{
	return &tables[level][ADDRESS >> (12 + 9 * (level - 1)) & 511];
}

/* A user page, writable and executable at all levels, with its leaf at `leaf`. */
static void build(unsigned levels, unsigned leaf)
{
	unsigned level;

	memset(tables, 0, sizeof(tables));
	updates = 0;
	stubborn = false;
	paging = (struct guest_paging){ .cr0 = CR0_PE | CR0_PG | CR0_WP,
					.cr3 = levels * 0x1000,
					.cr4 = CR4_PAE | (levels == 5 ? CR4_LA57 : 0),
					.efer = EFER_LME | EFER_LMA | EFER_NXE,
					.physical_bits = 40,
					.pages_1g = true };
	for (level = levels; level > leaf; level--)
		*entry(level) = (level - 1) * 0x1000ull | PTE_PRESENT | PTE_WRITE | PTE_USER;
	*entry(leaf) = (TARGET & ~((SIZE_4K << 9 * (leaf - 1)) - 1)) | PTE_PRESENT | PTE_WRITE |
		       PTE_USER | (leaf > 1 ? PTE_LARGE : 0);
}

static bool walk(enum guest_access access, bool implicit)
{
	return guest_walk(&paging, &memory, guest_virt(ADDRESS), access, implicit, &target, &code);
}

static void translates_by_every_leaf(void **state)
{
	unsigned levels, leaf;

	(void)state;
	for (levels = 4; levels <= 5; levels++) {
		for (leaf = 1; leaf <= 3; leaf++) {
			uint64_t inside = (SIZE_4K << 9 * (leaf - 1)) - 1;

			build(levels, leaf);
			assert_true(walk(GUEST_READ, false));
			assert_int_equal(target.value, (TARGET & ~inside) | (ADDRESS & inside));
		}
	}
}

static void not_present_says_how_it_was_accessed(void **state)
{
	unsigned level;

	(void)state;
	for (level = 1; level <= 4; level++) {
		build(4, 1);
		*entry(level) &= ~PTE_PRESENT;
		paging.cpl = 3;
		assert_false(walk(GUEST_READ, false));
		assert_int_equal(code, PF_USER);
		assert_false(walk(GUEST_WRITE, false));
		assert_int_equal(code, PF_USER | PF_WRITE);
		assert_false(walk(GUEST_FETCH, false));
		assert_int_equal(code, PF_USER | PF_FETCH);
		/* SDM: an implicit access is a supervisor-mode one at any CPL. */
		assert_false(walk(GUEST_READ, true));
		assert_int_equal(code, 0);
		assert_int_equal(updates, 0);
	}
	paging.efer &= ~EFER_NXE;
	assert_false(walk(GUEST_FETCH, false));
	assert_int_equal(code, PF_USER);
	paging.cr4 |= CR4_SMEP;
	assert_false(walk(GUEST_FETCH, false));
	assert_int_equal(code, PF_USER | PF_FETCH);
}

static void reserved_bits_are_faults(void **state)
{
	static const struct {
		unsigned level, leaf;
		uint64_t bit;
	} cases[] = {
		{ 4, 1, BIT64(40) }, { 3, 1, BIT64(51) }, { 1, 1, BIT64(45) }, { 4, 1, PTE_LARGE },
		{ 2, 2, BIT64(13) }, { 2, 2, BIT64(20) }, { 3, 3, BIT64(13) }, { 3, 3, BIT64(29) },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build(4, cases[i].leaf);
		*entry(cases[i].level) |= cases[i].bit;
		assert_false(walk(GUEST_WRITE, false));
		assert_int_equal(code, PF_PRESENT | PF_RESERVED | PF_WRITE);
	}
	build(4, 1);
	*entry(2) |= PTE_NX;
	paging.efer &= ~EFER_NXE;
	assert_false(walk(GUEST_READ, false));
	assert_int_equal(code, PF_PRESENT | PF_RESERVED);
	build(4, 3);
	paging.pages_1g = false;
	assert_false(walk(GUEST_READ, false));
	assert_int_equal(code, PF_PRESENT | PF_RESERVED);
	/* The memory type's bit is none. */
	build(4, 2);
	*entry(2) |= BIT64(12);
	assert_true(walk(GUEST_READ, false));
}

static void smap_and_its_override(void **state)
{
	(void)state;
	build(4, 1);
	paging.cr4 |= CR4_SMAP;
	assert_false(walk(GUEST_READ, false));
	assert_int_equal(code, PF_PRESENT);
	paging.rflags = RFLAGS_AC;
	assert_true(walk(GUEST_READ, false));
	assert_true(walk(GUEST_WRITE, false));
	/* SDM: EFLAGS.AC does not matter to implicit accesses. */
	assert_false(walk(GUEST_READ, true));
	assert_int_equal(code, PF_PRESENT);
	paging.cpl = 3;
	assert_true(walk(GUEST_READ, false));
	assert_false(walk(GUEST_READ, true));
}

static void protection_keys(void **state)
{
	(void)state;
	build(4, 1);
	*entry(1) |= 5ull << 59;
	paging.cr4 |= CR4_PKE;
	paging.pkru = 1u << 10; /* access disabled, key 5 */
	assert_false(walk(GUEST_READ, false));
	assert_int_equal(code, PF_PRESENT | PF_KEY);
	assert_true(walk(GUEST_FETCH, false));
	paging.pkru = 2u << 10; /* write disabled */
	assert_true(walk(GUEST_READ, false));
	assert_false(walk(GUEST_WRITE, false));
	assert_int_equal(code, PF_PRESENT | PF_KEY | PF_WRITE);
	paging.cr0 &= ~CR0_WP;
	assert_true(walk(GUEST_WRITE, false));
	paging.cpl = 3;
	assert_false(walk(GUEST_WRITE, false));
	/* Supervisor pages have keys of their own. */
	build(4, 1);
	*entry(1) = (*entry(1) & ~PTE_USER) | 5ull << 59;
	paging.cr4 |= CR4_PKE;
	paging.pkru = ~0u;
	paging.pkrs = 1u << 10;
	assert_true(walk(GUEST_READ, false));
	paging.cr4 |= CR4_PKS;
	assert_false(walk(GUEST_READ, false));
	assert_int_equal(code, PF_PRESENT | PF_KEY);
}

static void flags_are_set_when_the_access_is_permitted(void **state)
{
	unsigned level;

	(void)state;
	build(5, 2);
	assert_true(walk(GUEST_READ, false));
	for (level = 5; level >= 2; level--)
		assert_int_equal(*entry(level) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED);
	assert_int_equal(updates, 4);
	assert_true(walk(GUEST_WRITE, false));
	assert_int_equal(*entry(2) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
	assert_int_equal(*entry(3) & PTE_DIRTY, 0);
	assert_int_equal(updates, 5);
	build(4, 1);
	*entry(1) &= ~PTE_WRITE;
	assert_false(walk(GUEST_WRITE, false));
	assert_int_equal(updates, 0);
}

static void entries_that_always_change_end_as_a_spurious_fault(void **state)
{
	(void)state;
	build(4, 1);
	stubborn = true;
	assert_false(walk(GUEST_WRITE, false));
	assert_int_equal(code, PF_WRITE);
	assert_in_range(updates, 2, 100);
}

/* SDM: Determination of Access Rights, clause by clause. */
static bool permitted(bool user_page, bool writable, bool nx, enum guest_access access,
		      bool implicit)
{
	bool wp = paging.cr0 & CR0_WP, smap = paging.cr4 & CR4_SMAP, smep = paging.cr4 & CR4_SMEP;
	bool ac = paging.rflags & RFLAGS_AC, user = paging.cpl == 3 && !implicit;

	if (user) {
		switch (access) {
		case GUEST_READ:
			return user_page;
		case GUEST_WRITE:
			return user_page && writable;
		default:
			return user_page && !nx;
		}
	}
	switch (access) {
	case GUEST_READ:
		return !user_page || !smap || (!implicit && ac);
	case GUEST_WRITE:
		if (!user_page)
			return !wp || writable;
		if (!smap || (!implicit && ac))
			return !wp || writable;
		return false;
	default:
		return (!user_page || !smep) && !nx;
	}
}

static void random_rights(void **state)
{
	uint64_t random = 42;
	unsigned i, level, accesses[2] = { 0, 0 };

	(void)state;
	for (i = 0; i < 20000; i++) {
		bool user_page = true, writable = true, nx = false, implicit, expected;
		enum guest_access access = random_below(&random, 3);

		build(4 + (unsigned)random_below(&random, 2),
		      1 + (unsigned)random_below(&random, 3));
		implicit = random_below(&random, 2);
		paging.cpl = random_below(&random, 2) ? 3 : 0;
		paging.rflags = random_below(&random, 2) ? RFLAGS_AC : 0;
		if (random_below(&random, 2))
			paging.cr0 &= ~CR0_WP;
		if (random_below(&random, 2))
			paging.cr4 |= CR4_SMAP;
		if (random_below(&random, 2))
			paging.cr4 |= CR4_SMEP;
		for (level = 1; level <= 5; level++) {
			bool used = *entry(level) & PTE_PRESENT;

			if (random_below(&random, 6) == 0) {
				*entry(level) &= ~PTE_USER;
				user_page = user_page && !used;
			}
			if (random_below(&random, 6) == 0) {
				*entry(level) &= ~PTE_WRITE;
				writable = writable && !used;
			}
			if (used && random_below(&random, 6) == 0) {
				*entry(level) |= PTE_NX;
				nx = true;
			}
		}
		expected = permitted(user_page, writable, nx, access, implicit);
		assert_int_equal(walk(access, implicit), expected);
		accesses[expected]++;
		if (!expected)
			assert_int_equal(code & (PF_PRESENT | PF_WRITE | PF_USER),
					 PF_PRESENT | (access == GUEST_WRITE ? PF_WRITE : 0) |
						 (paging.cpl == 3 && !implicit ? PF_USER : 0));
	}
	/* Both verdicts were tried often. */
	assert_in_range(accesses[0], 2000, 18000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translates_by_every_leaf),
		cmocka_unit_test(not_present_says_how_it_was_accessed),
		cmocka_unit_test(reserved_bits_are_faults),
		cmocka_unit_test(smap_and_its_override),
		cmocka_unit_test(protection_keys),
		cmocka_unit_test(flags_are_set_when_the_access_is_permitted),
		cmocka_unit_test(entries_that_always_change_end_as_a_spurious_fault),
		cmocka_unit_test(random_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
