/* SPDX-License-Identifier: MIT */
/*
 * Memory types from the values of the memory-type range registers.
 *
 * Everything is built on run(): from an address on, a piece of memory that surely has one type. The
 * pieces end where a register's range begins or ends, so even a whole GiB is a handful of them.
 *
 * Types are ordered by how strict they are: UC above everything, WT above WB. join() is the least
 * type that is as strict as both; it is associative and idempotent, so registers may come in any
 * order, and a register that adds nothing to what others already say may be left out.
 *
 * World: any (pure).
 */
#include "mtrr.h"

#define CAP_VCNT	0xffu
#define CAP_FIX		((uint64_t)1 << 8)
#define DEF_TYPE_FE	((uint64_t)1 << 10)
#define DEF_TYPE_E	((uint64_t)1 << 11)
#define MASK_VALID	((uint64_t)1 << 11)
#define FIXED_END	0x100000u
#define FIXED_16K_START 0x80000u
#define FIXED_4K_START	0xc0000u

const uint32_t mtrr_fixed_msr[MTRR_FIXED] = {
	0x250,							/* IA32_MTRR_FIX64K_00000 */
	0x258, 0x259,						/* IA32_MTRR_FIX16K_80000, A0000 */
	0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, /* IA32_MTRR_FIX4K_C0000 to F8000 */
};

/* SDM: IA32_MTRR_DEF_TYPE MSR. */
bool mtrr_disabled(const struct mtrr *mtrr)
{
	return mtrr->present && !(mtrr->def_type & DEF_TYPE_E);
}

unsigned mtrr_variable_count(const struct mtrr *mtrr)
{
	unsigned count = mtrr->cap & CAP_VCNT;

	return count < MTRR_VARIABLE_MAX ? count : MTRR_VARIABLE_MAX;
}

/* A type field. WRMSR refuses the values that are no type, so one of them says nothing: UC. */
static enum memory_type field_type(uint64_t field)
{
	switch (field & 0xff) {
	case MEMORY_WC:
	case MEMORY_WT:
	case MEMORY_WP:
	case MEMORY_WB:
		return (enum memory_type)(field & 0xff);
	default:
		return MEMORY_UC;
	}
}

/*
 * SDM: MTRR Precedences. Equal types give that type; UC wins; of WT and WB, WT wins. The manual
 * leaves all other mixtures undefined: UC then, under which every access is correct.
 */
static enum memory_type join(enum memory_type a, enum memory_type b)
{
	if (a == b)
		return a;
	if ((a == MEMORY_WT && b == MEMORY_WB) || (a == MEMORY_WB && b == MEMORY_WT))
		return MEMORY_WT;
	return MEMORY_UC;
}

static uint64_t limit(const struct mtrr *mtrr)
{
	return (uint64_t)1 << mtrr->physical_bits;
}

/* SDM: Fixed Range MTRRs: 8 of 64 KiB, 16 of 16 KiB, 64 of 4 KiB. Returns the end of its range. */
static uint64_t fixed_run(const struct mtrr *mtrr, uint64_t start, enum memory_type *type)
{
	unsigned reg, shift;

	if (start < FIXED_16K_START) {
		reg = 0;
		shift = 16;
	} else if (start < FIXED_4K_START) {
		reg = 1 + (unsigned)((start - FIXED_16K_START) >> 17);
		shift = 14;
	} else {
		reg = 3 + (unsigned)((start - FIXED_4K_START) >> 15);
		shift = 12;
	}
	*type = field_type(mtrr->fixed[reg] >> (8 * (start >> shift & 7)));
	return ((start >> shift) + 1) << shift;
}

/*
 * The block of `bytes` (a power of two, at a multiple of it): if it surely has one type by the
 * variable ranges and the default type, returns true and the type. True of every block of 4 KiB.
 *
 * SDM: Variable Range MTRRs: an address is in a range if (address & mask) == (base & mask). A mask
 * need not be contiguous, so a range may have a part of the block in many pieces.
 */
static bool block_type(const struct mtrr *mtrr, uint64_t start, uint64_t bytes,
		       enum memory_type *type)
{
	uint64_t address_bits = (limit(mtrr) - 1) & ~(SIZE_4K - 1);
	enum memory_type whole = MEMORY_UC, all = MEMORY_UC, mine;
	bool some_whole = false, some = false;
	uint64_t base, mask;
	unsigned i;

	for (i = 0; i < mtrr_variable_count(mtrr); i++) {
		if (!(mtrr->variable[i].mask & MASK_VALID))
			continue;
		base = mtrr->variable[i].base;
		mask = mtrr->variable[i].mask & address_bits;
		if ((start ^ base) & mask & ~(bytes - 1))
			continue;
		mine = field_type(base);
		all = some ? join(all, mine) : mine;
		some = true;
		if (mask & (bytes - 1))
			continue;
		whole = some_whole ? join(whole, mine) : mine;
		some_whole = true;
	}
	*type = some_whole ? whole : field_type(mtrr->def_type);
	return some == some_whole && (!some || all == whole);
}

/* The type at `start`, and up to where it surely stays so, at most `end`. Both in whole pages. */
static uint64_t run(const struct mtrr *mtrr, uint64_t start, uint64_t end, enum memory_type *type)
{
	uint64_t bytes = SIZE_4K;

	if (!mtrr->present || mtrr_disabled(mtrr)) {
		*type = mtrr->present ? MEMORY_UC : MEMORY_WB;
		return end;
	}
	if (start < FIXED_END && (mtrr->cap & CAP_FIX) && (mtrr->def_type & DEF_TYPE_FE))
		return fixed_run(mtrr, start, type);

	while (!(start & bytes) && 2 * bytes <= end - start)
		bytes *= 2;
	while (!block_type(mtrr, start, bytes, type))
		bytes /= 2;
	return start + bytes;
}

/*
 * Rounds [start, start + bytes) to whole pages below MAXPHYADDR. Returns false if nothing of it is
 * left: there is no memory up there, and UC is the type of what doesn't exist.
 */
static bool clip(const struct mtrr *mtrr, uint64_t *start, uint64_t bytes, uint64_t *end)
{
	if (*start >= limit(mtrr))
		return false;
	*end = bytes > limit(mtrr) - *start ? limit(mtrr) : align_up(*start + bytes, SIZE_4K);
	*start = align_down(*start, SIZE_4K);
	return true;
}

enum memory_type mtrr_type(const struct mtrr *mtrr, uint64_t address)
{
	enum memory_type type = MEMORY_UC;
	uint64_t end;

	if (clip(mtrr, &address, 1, &end))
		run(mtrr, address, end, &type);
	return type;
}

bool mtrr_uniform(const struct mtrr *mtrr, uint64_t start, uint64_t bytes, enum memory_type *type)
{
	enum memory_type next;
	uint64_t end;

	*type = MEMORY_UC;
	if (!clip(mtrr, &start, bytes, &end))
		return true;
	start = run(mtrr, start, end, type);
	while (start < end) {
		start = run(mtrr, start, end, &next);
		if (next != *type)
			return false;
	}
	return true;
}

enum memory_type mtrr_strictest(const struct mtrr *mtrr, uint64_t start, uint64_t bytes)
{
	enum memory_type type = MEMORY_UC, next;
	uint64_t end;

	if (!clip(mtrr, &start, bytes, &end))
		return MEMORY_UC;
	start = run(mtrr, start, end, &type);
	while (start < end && type != MEMORY_UC) {
		start = run(mtrr, start, end, &next);
		type = join(type, next);
	}
	return type;
}
