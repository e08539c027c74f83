/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers: their numbers, by the manual's names, and one table that says of each
 * one that needs care what we do with it: whether it exits always, and whether the guest's value
 * lives in the VMCS instead of in the register while root runs.
 *
 * Source: SDM, volume 4; VM-Exit and VM-Entry Controls (which values are switched).
 * World: any (pure).
 */
#ifndef BASE_MSR_H
#define BASE_MSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IA32_TSC		 0x010
#define IA32_APIC_BASE		 0x01b
#define IA32_FEATURE_CONTROL	 0x03a
#define IA32_BIOS_UPDT_TRIG	 0x079
#define IA32_BIOS_SIGN_ID	 0x08b
#define IA32_MTRRCAP		 0x0fe
#define IA32_SYSENTER_CS	 0x174
#define IA32_SYSENTER_ESP	 0x175
#define IA32_SYSENTER_EIP	 0x176
#define IA32_DEBUGCTL		 0x1d9
#define IA32_MTRR_PHYSBASE0	 0x200
#define IA32_MTRR_PHYSMASK0	 0x201
#define IA32_MTRR_FIX64K_00000	 0x250
#define IA32_MTRR_FIX16K_80000	 0x258
#define IA32_MTRR_FIX4K_C0000	 0x268
#define IA32_PAT		 0x277
#define IA32_MTRR_DEF_TYPE	 0x2ff
#define IA32_VMX_BASIC		 0x480
#define IA32_VMX_PINBASED_CTLS	 0x481
#define IA32_VMX_MISC		 0x485
#define IA32_VMX_CR0_FIXED0	 0x486
#define IA32_VMX_CR0_FIXED1	 0x487
#define IA32_VMX_CR4_FIXED0	 0x488
#define IA32_VMX_CR4_FIXED1	 0x489
#define IA32_VMX_PROCBASED_CTLS2 0x48b
#define IA32_VMX_EPT_VPID_CAP	 0x48c
#define IA32_VMX_TRUE_PINBASED	 0x48d
#define IA32_VMX_TRUE_PROCBASED	 0x48e
#define IA32_VMX_TRUE_EXIT	 0x48f
#define IA32_VMX_TRUE_ENTRY	 0x490
#define IA32_VMX_VMFUNC		 0x491
#define IA32_VMX_EXIT_CTLS2	 0x493
#define IA32_U_CET		 0x6a0
#define IA32_S_CET		 0x6a2
#define IA32_PKRS		 0x6e1
#define IA32_X2APIC_FIRST	 0x800
#define IA32_EFER		 0xc0000080u
#define IA32_FS_BASE		 0xc0000100u
#define IA32_GS_BASE		 0xc0000101u
#define IA32_KERNEL_GS_BASE	 0xc0000102u

#define FEATURE_CONTROL_LOCK	    0x1u
#define FEATURE_CONTROL_OUTSIDE_SMX 0x4u

/* What the bitmaps cover. SDM: MSR-Bitmap Address. An MSR outside both ranges exits always. */
#define MSR_LOW_LAST   0x1fffu
#define MSR_HIGH_FIRST 0xc0000000u
#define MSR_HIGH_LAST  0xc0001fffu

enum msr_policy {
	MSR_PASS,    /* executed for the guest; its #GP is the guest's */
	MSR_FAULT,   /* does not exist on a processor without VMX: #GP */
	MSR_FEATURE, /* IA32_FEATURE_CONTROL: reads as locked without VMX; writes are #GP, it's
			locked */
	MSR_MTRR,    /* write: executed, then the EPT's memory types follow */
	MSR_IGNORE,  /* write: checked and dropped */
};

/* One row: MSRs first..last exit on the accesses named, and are treated by `policy`. */
struct msr_rule {
	uint32_t first, last;
	bool read, write;
	enum msr_policy policy;
	const char *name;
};

extern const struct msr_rule msr_rules[];
extern const unsigned msr_rules_count;

/* The rule for an access to `msr`; NULL if there is none (then it passes). */
const struct msr_rule *msr_rule_find(uint32_t msr, bool write);

/*
 * The VMCS field that holds the guest's value of `msr` while root runs; 0 if the register itself
 * does. (0 is VIRTUAL_PROCESSOR_ID's encoding, which no MSR lives in.)
 */
uint32_t msr_vmcs_field(uint32_t msr);

/* What the validity of a value depends on. */
struct msr_limits {
	uint8_t linear_bits; /* 57 where the processor has 5-level paging, whether it is on or not;
				or 48 */
	uint64_t efer;	     /* the flags that exist */
};

/*
 * Would the processor take `value` for an MSR that lives in the VMCS? IA32_DEBUGCTL is not judged:
 * which of its bits exist only the register itself says.
 */
bool msr_value_valid(uint32_t msr, uint64_t value, const struct msr_limits *limits);

/* The 4-KByte bitmap page: all that `msr_rules` has, everything else clear. */
void msr_bitmap_fill(uint8_t bitmap[4096]);
bool msr_bitmap_test(const uint8_t bitmap[4096], uint32_t msr, bool write);
void msr_bitmap_set(uint8_t bitmap[4096], uint32_t msr, bool write, bool exits);

#endif
