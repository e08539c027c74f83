// SPDX-License-Identifier: MIT
#include "msr.h"

#include <string.h>

#include "vmcs.h"

const struct msr_rule msr_rules[] = {
	{ IA32_FEATURE_CONTROL, IA32_FEATURE_CONTROL, true, true, MSR_FEATURE,
	  "IA32_FEATURE_CONTROL" },
	{ IA32_BIOS_UPDT_TRIG, IA32_BIOS_UPDT_TRIG, false, true, MSR_IGNORE,
	  "IA32_BIOS_UPDT_TRIG" },
	{ IA32_MTRR_PHYSBASE0, IA32_MTRR_PHYSBASE0 + 63, false, true, MSR_MTRR,
	  "IA32_MTRR_PHYSBASE/MASK" },
	{ IA32_MTRR_FIX64K_00000, IA32_MTRR_FIX64K_00000, false, true, MSR_MTRR,
	  "IA32_MTRR_FIX64K" },
	{ IA32_MTRR_FIX16K_80000, IA32_MTRR_FIX16K_80000 + 1, false, true, MSR_MTRR,
	  "IA32_MTRR_FIX16K" },
	{ IA32_MTRR_FIX4K_C0000, IA32_MTRR_FIX4K_C0000 + 7, false, true, MSR_MTRR,
	  "IA32_MTRR_FIX4K" },
	{ IA32_MTRR_DEF_TYPE, IA32_MTRR_DEF_TYPE, false, true, MSR_MTRR, "IA32_MTRR_DEF_TYPE" },
	{ IA32_VMX_BASIC, IA32_VMX_EXIT_CTLS2, true, true, MSR_FAULT, "IA32_VMX capabilities" },
};
const unsigned msr_rules_count = sizeof(msr_rules) / sizeof(msr_rules[0]);

const struct msr_rule *msr_rule_find(uint32_t msr, bool write)
{
	unsigned i;

	for (i = 0; i < msr_rules_count; i++) {
		const struct msr_rule *rule = &msr_rules[i];

		if (msr >= rule->first && msr <= rule->last && (write ? rule->write : rule->read))
			return rule;
	}
	return NULL;
}

uint32_t msr_vmcs_field(uint32_t msr)
{
	static const struct {
		uint32_t msr, field;
	} lives[] = {
		{ IA32_SYSENTER_CS, VMCS_GUEST_SYSENTER_CS },
		{ IA32_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP },
		{ IA32_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP },
		{ IA32_DEBUGCTL, VMCS_GUEST_DEBUGCTL },
		{ IA32_PAT, VMCS_GUEST_PAT },
		{ IA32_EFER, VMCS_GUEST_EFER },
		{ IA32_FS_BASE, VMCS_GUEST_FS_BASE },
		{ IA32_GS_BASE, VMCS_GUEST_GS_BASE },
	};
	unsigned i;

	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		if (lives[i].msr == msr)
			return lives[i].field;
	}
	return 0;
}

static bool is_canonical(uint64_t address, uint8_t linear_bits)
{
	int64_t shifted = (int64_t)(address << (64 - linear_bits));

	return (uint64_t)(shifted >> (64 - linear_bits)) == address;
}

/* SDM: IA32_PAT MSR: memory types 0, 1, 4, 5, 6 and 7 (UC-). */
static bool is_pat(uint64_t value)
{
	unsigned i;

	for (i = 0; i < 8; i++, value >>= 8) {
		uint8_t type = (uint8_t)value;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

bool msr_value_valid(uint32_t msr, uint64_t value, const struct msr_limits *limits)
{
	switch (msr) {
	case IA32_FS_BASE:
	case IA32_GS_BASE:
	case IA32_SYSENTER_ESP:
	case IA32_SYSENTER_EIP:
		return is_canonical(value, limits->linear_bits);
	case IA32_PAT:
		return is_pat(value);
	case IA32_EFER:
		return !(value & ~limits->efer);
	default:
		return true;
	}
}

/* SDM: MSR-Bitmap Address: read low, read high, write low, write high, 1 KByte each. */
static bool msr_bit(uint32_t msr, bool write, uint32_t *bit)
{
	uint32_t area = write ? 2048 * 8 : 0;

	if (msr <= MSR_LOW_LAST)
		*bit = area + msr;
	else if (msr >= MSR_HIGH_FIRST && msr <= MSR_HIGH_LAST)
		*bit = area + 1024 * 8 + (msr - MSR_HIGH_FIRST);
	else
		return false;
	return true;
}

bool msr_bitmap_test(const uint8_t bitmap[4096], uint32_t msr, bool write)
{
	uint32_t bit;

	return !msr_bit(msr, write, &bit) || (bitmap[bit / 8] >> (bit % 8) & 1);
}

void msr_bitmap_set(uint8_t bitmap[4096], uint32_t msr, bool write, bool exits)
{
	uint32_t bit;
	uint8_t mask;

	if (!msr_bit(msr, write, &bit))
		return;
	mask = (uint8_t)(1u << (bit % 8));
	if (exits)
		bitmap[bit / 8] |= mask;
	else
		bitmap[bit / 8] &= (uint8_t)~mask;
}

void msr_bitmap_fill(uint8_t bitmap[4096])
{
	unsigned i;
	uint32_t msr;

	memset(bitmap, 0, 4096);
	for (i = 0; i < msr_rules_count; i++) {
		for (msr = msr_rules[i].first; msr <= msr_rules[i].last; msr++) {
			if (msr_rules[i].read)
				msr_bitmap_set(bitmap, msr, false, true);
			if (msr_rules[i].write)
				msr_bitmap_set(bitmap, msr, true, true);
		}
	}
}
