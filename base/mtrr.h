/* SPDX-License-Identifier: MIT */
/*
 * Memory types from the memory-type range registers: given their values, the type of every byte of
 * physical memory. EPT's leaves take their types from here, so that the guest sees the same types
 * as it did on the bare processor.
 *
 * Source of the rules: SDM, Memory Type Range Registers (MTRRs); MTRR Precedences.
 * World: any (pure). Who reads the registers fills the structure.
 */
#ifndef BASE_MTRR_H
#define BASE_MTRR_H

#include "addr.h"

enum memory_type {
	MEMORY_UC = 0,
	MEMORY_WC = 1,
	MEMORY_WT = 4,
	MEMORY_WP = 5,
	MEMORY_WB = 6,
};

/* The registers' raw values. */
#define MTRR_VARIABLE_MAX 32
#define MTRR_FIXED	  11

struct mtrr {
	uint64_t cap;		    /* IA32_MTRRCAP: VCNT, FIX */
	uint64_t def_type;	    /* IA32_MTRR_DEF_TYPE: type, FE, E */
	uint64_t fixed[MTRR_FIXED]; /* in the order of mtrr_fixed_msr */
	struct {
		uint64_t base, mask;
	} variable[MTRR_VARIABLE_MAX];
	uint8_t physical_bits; /* MAXPHYADDR; 36 to 52 */
	bool present;	       /* CPUID.1:EDX.MTRR. Without MTRRs every byte is write-back. */
};

/* The MSR numbers of the fixed-range registers, lowest addresses first. */
extern const uint32_t mtrr_fixed_msr[MTRR_FIXED];

/* There are MTRRs, and all of them are off: every byte is uncacheable. */
bool mtrr_disabled(const struct mtrr *mtrr);

/* The number of variable ranges in use: VCNT, at most MTRR_VARIABLE_MAX. */
unsigned mtrr_variable_count(const struct mtrr *mtrr);

/* The type of the byte at `address`. UC where no memory can be, at or above 2^MAXPHYADDR. */
enum memory_type mtrr_type(const struct mtrr *mtrr, uint64_t address);

/*
 * The type of [start, start + bytes), if it is the same for all of it: returns true and sets
 * `type`. `bytes` > 0. A range that goes beyond MAXPHYADDR is judged by the part below it.
 */
bool mtrr_uniform(const struct mtrr *mtrr, uint64_t start, uint64_t bytes, enum memory_type *type);

/* A type that is as strict as that of each byte of [start, start + bytes): right for all of it. */
enum memory_type mtrr_strictest(const struct mtrr *mtrr, uint64_t start, uint64_t bytes);

#endif
