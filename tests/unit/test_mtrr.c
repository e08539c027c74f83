/* SPDX-License-Identifier: MIT */
/*
 * base/mtrr.c against the manual's rules, told a second time and page by page.
 */
#include "unit.h"

#include <time.h>

#include "base/mtrr.h"

#define E	(1ull << 11)
#define FE	(1ull << 10)
#define FIX	(1ull << 8)
#define VALID	(1ull << 11)
#define BITS(n) ((1ull << (n)) - 1)
#define NO_TYPE 255

static struct mtrr machine(uint8_t bits, uint64_t def_type)
{
	struct mtrr mtrr = {
		.cap = 10, .def_type = def_type, .physical_bits = bits, .present = true
	};

	return mtrr;
}

static void set_range(struct mtrr *mtrr, unsigned i, uint64_t base, uint64_t bytes,
		      enum memory_type type)
{
	mtrr->variable[i].base = base | type;
	mtrr->variable[i].mask = (BITS(mtrr->physical_bits) & ~(bytes - 1)) | VALID;
}

/* The rule, as naively as it can be put. */
static enum memory_type naive_type(const struct mtrr *mtrr, uint64_t address)
{
	bool has[256] = { false };
	unsigned i, type, kinds = 0, last = NO_TYPE;
	uint64_t mask;
	uint8_t byte;

	if (!mtrr->present)
		return address >> mtrr->physical_bits ? MEMORY_UC : MEMORY_WB;
	if (!(mtrr->def_type & E) || address >> mtrr->physical_bits)
		return MEMORY_UC;
	if (address < 0x100000 && (mtrr->def_type & FE) && (mtrr->cap & FIX)) {
		if (address < 0x80000)
			i = address / 0x10000;
		else if (address < 0xc0000)
			i = 8 + (address - 0x80000) / 0x4000;
		else
			i = 24 + (address - 0xc0000) / 0x1000;
		memcpy(&byte, (const uint8_t *)mtrr->fixed + i, 1);
		return byte;
	}
	for (i = 0; i < (mtrr->cap & 255) && i < 32; i++) {
		if (!(mtrr->variable[i].mask >> 11 & 1))
			continue;
		mask = mtrr->variable[i].mask & BITS(mtrr->physical_bits) & ~0xfffull;
		if ((address & mask) == (mtrr->variable[i].base & mask))
			has[mtrr->variable[i].base & 255] = true;
	}
	for (type = 0; type < 256; type++) {
		if (has[type]) {
			kinds++;
			last = type;
		}
	}
	if (!kinds)
		return mtrr->def_type & 255;
	if (has[MEMORY_UC])
		return MEMORY_UC;
	if (kinds == 1)
		return last;
	if (kinds == 2 && has[MEMORY_WT] && has[MEMORY_WB])
		return MEMORY_WT;
	return MEMORY_UC;
}

static void test_off(void **state)
{
	struct mtrr mtrr = machine(36, E | MEMORY_WB);
	enum memory_type type;

	(void)state;
	set_range(&mtrr, 0, 0, SIZE_1G, MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_WB);
	assert_false(mtrr_disabled(&mtrr));
	/* E clear: UC everywhere, fixed ranges or not. */
	mtrr.def_type = FE | MEMORY_WB;
	assert_true(mtrr_disabled(&mtrr));
	mtrr.cap |= FIX;
	memset(mtrr.fixed, MEMORY_WB, sizeof(mtrr.fixed));
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_UC);
	assert_int_equal(mtrr_type(&mtrr, 2 * SIZE_1G), MEMORY_UC);
	assert_true(mtrr_uniform(&mtrr, 0, 1ull << 36, &type));
	assert_int_equal(type, MEMORY_UC);
	mtrr.present = false;
	assert_false(mtrr_disabled(&mtrr));
	assert_true(mtrr_uniform(&mtrr, 0, 1ull << 36, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 5), MEMORY_WB);
}

static void test_default(void **state)
{
	static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT, MEMORY_WP,
						  MEMORY_WB };
	struct mtrr mtrr;
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		mtrr = machine(39, E | types[i]);
		assert_int_equal(mtrr_type(&mtrr, 0x12345000), types[i]);
	}
	/* Values that are no type. */
	mtrr = machine(39, E | 3);
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_UC);
	mtrr = machine(39, E | 7);
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_UC);
}

static void test_variable_boundaries(void **state)
{
	struct mtrr mtrr = machine(46, E | MEMORY_UC);
	enum memory_type type;

	(void)state;
	set_range(&mtrr, 3, 0x80000000, 0x40000000, MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0x7fffffff), MEMORY_UC);
	assert_int_equal(mtrr_type(&mtrr, 0x80000000), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0xbfffffff), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0xc0000000), MEMORY_UC);
	assert_true(mtrr_uniform(&mtrr, 0x80000000, SIZE_1G, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_false(mtrr_uniform(&mtrr, 0x7fffffff, 2, &type));
	assert_true(mtrr_uniform(&mtrr, 0x7fffffff, 1, &type));
	assert_int_equal(type, MEMORY_UC);
	assert_false(mtrr_uniform(&mtrr, 0xbfffffff, 2, &type));
	assert_true(mtrr_uniform(&mtrr, 0xbfffffff, 1, &type));
	assert_int_equal(type, MEMORY_WB);

	mtrr.variable[3].mask &= ~VALID;
	assert_int_equal(mtrr_type(&mtrr, 0x80000000), MEMORY_UC);
	/* A range above VCNT is not there. */
	set_range(&mtrr, 10, 0x80000000, 0x40000000, MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0x80000000), MEMORY_UC);
	mtrr.cap = 11;
	assert_int_equal(mtrr_type(&mtrr, 0x80000000), MEMORY_WB);
}

static void test_variable_count(void **state)
{
	struct mtrr mtrr = machine(36, E);

	(void)state;
	mtrr.cap = 0xffffffffffffff08;
	assert_int_equal(mtrr_variable_count(&mtrr), 8);
	mtrr.cap = 32;
	assert_int_equal(mtrr_variable_count(&mtrr), 32);
	mtrr.cap = 255;
	assert_int_equal(mtrr_variable_count(&mtrr), 32);
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_UC);
}

/* SDM: MTRR Precedences, for each pair in each order. */
static void test_overlaps(void **state)
{
	static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT, MEMORY_WP,
						  MEMORY_WB };
	static const enum memory_type both[5][5] = {
		{ MEMORY_UC, MEMORY_UC, MEMORY_UC, MEMORY_UC, MEMORY_UC },
		{ MEMORY_UC, MEMORY_WC, MEMORY_UC, MEMORY_UC, MEMORY_UC },
		{ MEMORY_UC, MEMORY_UC, MEMORY_WT, MEMORY_UC, MEMORY_WT },
		{ MEMORY_UC, MEMORY_UC, MEMORY_UC, MEMORY_WP, MEMORY_UC },
		{ MEMORY_UC, MEMORY_UC, MEMORY_WT, MEMORY_UC, MEMORY_WB },
	};
	struct mtrr mtrr;
	unsigned i, j;

	(void)state;
	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			mtrr = machine(40, E | MEMORY_WC);
			set_range(&mtrr, 0, 0, SIZE_1G, types[i]);
			set_range(&mtrr, 1, SIZE_2M, SIZE_2M, types[j]);
			assert_int_equal(mtrr_type(&mtrr, SIZE_2M - 1), types[i]);
			assert_int_equal(mtrr_type(&mtrr, SIZE_2M), both[i][j]);
			assert_int_equal(mtrr_type(&mtrr, 2 * SIZE_2M - 1), both[i][j]);
			assert_int_equal(mtrr_type(&mtrr, 2 * SIZE_2M), types[i]);
			assert_int_equal(mtrr_type(&mtrr, SIZE_1G), MEMORY_WC);
		}
	}
	/* Three: WB, WT, WB in any order is WT. */
	mtrr = machine(40, E);
	set_range(&mtrr, 0, 0, SIZE_1G, MEMORY_WB);
	set_range(&mtrr, 1, 0, SIZE_1G, MEMORY_WT);
	set_range(&mtrr, 2, 0, SIZE_1G, MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_WT);
}

static void test_fixed(void **state)
{
	struct mtrr mtrr = machine(36, E | FE | MEMORY_WB);
	uint8_t fixed[88];
	uint64_t address;
	enum memory_type type;
	unsigned i;

	(void)state;
	assert_int_equal(mtrr_fixed_msr[0], 0x250);
	assert_int_equal(mtrr_fixed_msr[1], 0x258);
	assert_int_equal(mtrr_fixed_msr[2], 0x259);
	for (i = 0; i < 8; i++)
		assert_int_equal(mtrr_fixed_msr[3 + i], 0x268 + i);

	for (i = 0; i < 88; i++)
		fixed[i] =
			(uint8_t[]){ MEMORY_WB, MEMORY_UC, MEMORY_WP, MEMORY_WC, MEMORY_WT }[i % 5];
	memcpy(mtrr.fixed, fixed, sizeof(fixed));
	set_range(&mtrr, 0, 0, SIZE_2M, MEMORY_UC);

	/* MTRRCAP.FIX, FE and E are needed, all three. */
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_UC);
	mtrr.cap |= FIX;
	mtrr.def_type = E | MEMORY_WB;
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_UC);
	mtrr.def_type |= FE;

	for (i = 0, address = 0; address < 0x100000; i++) {
		uint64_t bytes = i < 8 ? 0x10000 : i < 24 ? 0x4000 : 0x1000;

		assert_int_equal(mtrr_type(&mtrr, address), fixed[i]);
		assert_int_equal(mtrr_type(&mtrr, address + bytes - 1), fixed[i]);
		assert_true(mtrr_uniform(&mtrr, address, bytes, &type));
		assert_int_equal(type, fixed[i]);
		assert_false(mtrr_uniform(&mtrr, address, bytes + 1, &type));
		address += bytes;
	}
	assert_int_equal(i, 88);
	/* From 1 MiB on the variable range has its say. */
	assert_int_equal(mtrr_type(&mtrr, 0x100000), MEMORY_UC);
	assert_int_equal(mtrr_type(&mtrr, SIZE_2M), MEMORY_WB);

	/* Uniform across the end of the fixed ranges. */
	memset(mtrr.fixed, MEMORY_WB, sizeof(mtrr.fixed));
	mtrr.variable[0].mask = 0;
	assert_true(mtrr_uniform(&mtrr, 0, SIZE_1G, &type));
	assert_int_equal(type, MEMORY_WB);
	((uint8_t *)mtrr.fixed)[87] = MEMORY_WP;
	assert_false(mtrr_uniform(&mtrr, 0, SIZE_1G, &type));
}

/* SDM: Variable Range MTRRs: bits of the mask that are clear are not compared, wherever they are.
 */
static void test_mask_with_holes(void **state)
{
	struct mtrr mtrr = machine(36, E | MEMORY_UC);
	enum memory_type type;

	(void)state;
	mtrr.variable[0].base = MEMORY_WB;
	mtrr.variable[0].mask = 1ull << 13 | VALID;
	assert_int_equal(mtrr_type(&mtrr, 0x0000), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0x1fff), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0x2000), MEMORY_UC);
	assert_int_equal(mtrr_type(&mtrr, 0x3fff), MEMORY_UC);
	assert_int_equal(mtrr_type(&mtrr, 0x4000), MEMORY_WB);
	assert_false(mtrr_uniform(&mtrr, 0, SIZE_1G, &type));
	assert_true(mtrr_uniform(&mtrr, 0x4000, 0x2000, &type));

	/* Its complement, and the whole is uniform again. */
	mtrr.variable[1].base = MEMORY_WB | 1ull << 13;
	mtrr.variable[1].mask = 1ull << 13 | VALID;
	assert_true(mtrr_uniform(&mtrr, 0, SIZE_1G, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_int_equal(mtrr_strictest(&mtrr, 0, SIZE_1G), MEMORY_WB);

	/* Firmware of 36 address bits on a processor of 39: the range comes again above 64 GiB. */
	mtrr = machine(39, E | MEMORY_UC);
	mtrr.variable[0].base = MEMORY_WB | 0x40000000;
	mtrr.variable[0].mask = (BITS(36) & ~(SIZE_1G - 1)) | VALID;
	assert_int_equal(mtrr_type(&mtrr, 0x40000000), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0x1040000000), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 0x1080000000), MEMORY_UC);

	/* Bits at and above MAXPHYADDR count neither in mask nor in base. */
	mtrr = machine(36, E | MEMORY_UC);
	mtrr.variable[0].base = MEMORY_WB | 1ull << 40;
	mtrr.variable[0].mask = ~(SIZE_1G - 1) | VALID;
	assert_int_equal(mtrr_type(&mtrr, 0), MEMORY_WB);
}

static void test_above_maxphyaddr(void **state)
{
	struct mtrr mtrr = machine(36, E | MEMORY_WB);
	enum memory_type type = MEMORY_WP;

	(void)state;
	assert_int_equal(mtrr_type(&mtrr, BITS(36)), MEMORY_WB);
	assert_int_equal(mtrr_type(&mtrr, 1ull << 36), MEMORY_UC);
	assert_int_equal(mtrr_type(&mtrr, ~0ull), MEMORY_UC);
	assert_true(mtrr_uniform(&mtrr, BITS(36), ~0ull, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_true(mtrr_uniform(&mtrr, 0, ~0ull, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_true(mtrr_uniform(&mtrr, 1ull << 36, ~0ull, &type));
	assert_int_equal(type, MEMORY_UC);
	assert_int_equal(mtrr_strictest(&mtrr, 1ull << 36, 1), MEMORY_UC);
}

static void test_strictest(void **state)
{
	struct mtrr mtrr = machine(36, E | MEMORY_WB);

	(void)state;
	assert_int_equal(mtrr_strictest(&mtrr, 0, SIZE_1G), MEMORY_WB);
	set_range(&mtrr, 0, SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_int_equal(mtrr_strictest(&mtrr, 0, SIZE_1G), MEMORY_WT);
	assert_int_equal(mtrr_strictest(&mtrr, 0, SIZE_2M), MEMORY_WB);
	set_range(&mtrr, 1, 2 * SIZE_2M, SIZE_4K, MEMORY_WC);
	assert_int_equal(mtrr_strictest(&mtrr, 0, SIZE_1G), MEMORY_UC);
	assert_int_equal(mtrr_strictest(&mtrr, 2 * SIZE_2M, 1), MEMORY_WC);
	assert_int_equal(mtrr_strictest(&mtrr, SIZE_1G - 1, 1), MEMORY_WB);
}

static enum memory_type random_type(uint64_t *random)
{
	return (uint8_t[]){ MEMORY_UC, MEMORY_WC, MEMORY_WT, MEMORY_WP,
			    MEMORY_WB, MEMORY_WB, MEMORY_WB, MEMORY_WT }[random_below(random, 8)];
}

static void random_machine(struct mtrr *mtrr, uint64_t *random)
{
	uint64_t bytes;
	unsigned i;

	*mtrr = machine(22 + (uint8_t)random_below(random, 3), E | random_type(random));
	mtrr->cap = random_below(random, 7);
	if (random_below(random, 2)) {
		mtrr->cap |= FIX;
		mtrr->def_type |= FE;
	}
	for (i = 0; i < 88; i++)
		((uint8_t *)mtrr->fixed)[i] = i && random_below(random, 4)
						      ? ((uint8_t *)mtrr->fixed)[i - 1]
						      : random_type(random);
	for (i = 0; i < 10; i++) {
		bytes = SIZE_4K << random_below(random, mtrr->physical_bits - 11);
		set_range(mtrr, i, random_next(random) & BITS(mtrr->physical_bits) & ~(bytes - 1),
			  bytes, random_type(random));
		if (!random_below(random, 4))
			mtrr->variable[i].mask &= random_next(random) | VALID;
		if (!random_below(random, 8))
			mtrr->variable[i].mask &= ~VALID;
	}
}

static void check_ranges(const struct mtrr *mtrr, const uint8_t *types, uint64_t *random)
{
	uint64_t size = BITS(mtrr->physical_bits) + 1, start, bytes, page, end;
	enum memory_type type;
	unsigned i;
	bool same;

	for (i = 0; i < 120; i++) {
		if (i & 1) {
			bytes = SIZE_4K << random_below(random, mtrr->physical_bits - 11);
			start = random_below(random, size / bytes) * bytes;
		} else {
			start = random_below(random, size);
			bytes = 1 + random_below(random, size - start + SIZE_2M) /
					    (1 << random_below(random, 10));
		}
		end = start + bytes < size ? start + bytes : size;
		same = true;
		for (page = start / SIZE_4K; page * SIZE_4K < end; page++)
			same = same && types[page] == types[start / SIZE_4K];
		assert_int_equal(mtrr_uniform(mtrr, start, bytes, &type), same);
		if (same) {
			assert_int_equal(type, types[start / SIZE_4K]);
			assert_int_equal(mtrr_strictest(mtrr, start, bytes), type);
		}
	}
}

static void test_random_against_model(void **state)
{
	static uint8_t types[1 << 12];
	uint64_t random = 0xfeed, page;
	struct mtrr mtrr;
	unsigned round;

	(void)state;
	for (round = 0; round < 400; round++) {
		random_machine(&mtrr, &random);
		for (page = 0; page < 1ull << (mtrr.physical_bits - 12); page++) {
			types[page] = naive_type(&mtrr, page * SIZE_4K);
			assert_int_equal(mtrr_type(&mtrr, page * SIZE_4K), types[page]);
			assert_int_equal(mtrr_type(&mtrr, page * SIZE_4K + 0xfff), types[page]);
		}
		check_ranges(&mtrr, types, &random);
	}
}

/* A machine like most: 1 GiB blocks of 4 TiB in a moment. By pages it would take minutes. */
static void test_speed(void **state)
{
	struct mtrr mtrr = machine(42, E | FE | MEMORY_WB);
	clock_t start = clock();
	enum memory_type type;
	uint64_t address;
	unsigned uniform = 0, round;

	(void)state;
	mtrr.cap |= FIX;
	memset(mtrr.fixed, MEMORY_WB, sizeof(mtrr.fixed));
	set_range(&mtrr, 0, 0x80000000, 0x80000000, MEMORY_UC);
	set_range(&mtrr, 1, 0x7f800000, 0x800000, MEMORY_UC);
	set_range(&mtrr, 2, 1ull << 41, 1ull << 41, MEMORY_UC);
	set_range(&mtrr, 3, (1ull << 41) - SIZE_4K, SIZE_4K, MEMORY_WP);
	for (round = 0; round < 20; round++)
		for (address = 0; address < 1ull << 42; address += SIZE_1G)
			uniform += mtrr_uniform(&mtrr, address, SIZE_1G, &type);
	assert_int_equal(uniform, 20 * (4096 - 2));
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_variable_boundaries),
		cmocka_unit_test(test_variable_count),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_mask_with_holes),
		cmocka_unit_test(test_above_maxphyaddr),
		cmocka_unit_test(test_strictest),
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests_name("mtrr", tests, NULL, NULL);
}
