// SPDX-License-Identifier: GPL-2.0
/*
 * RDMSR and WRMSR of MSRs in and out of the bitmaps' ranges: values that live in the VMCS, those
 * that root answers for, and what must be the guest's own #GP.
 *
 * World: the guest's kernel.
 */
#include <linux/kernel.h>

#include <asm/cpufeature.h>

#include "hptest.h"

extern const char code_rdmsr[], code_wrmsr[], code_msr_round[], code_bases[];

static void read_say(u32 msr)
{
	char text[16];

	run_prepare(code_rdmsr);
	trap_run.gpr[RCX] = msr;
	snprintf(text, sizeof(text), "%#x", msr);
	run_say(text, SHOW(RAX) | SHOW(RDX));
}

static void write_say(u32 msr, u64 value)
{
	char text[48];

	run_prepare(code_wrmsr);
	trap_run.gpr[RCX] = msr;
	trap_run.gpr[RAX] = (u32)value;
	trap_run.gpr[RDX] = value >> 32;
	snprintf(text, sizeof(text), "%#x <- %#llx", msr, value);
	run_say(text, 0);
}

static void round_say(u32 msr, u64 value)
{
	char text[48];

	run_prepare(code_msr_round);
	trap_run.gpr[RCX] = msr;
	trap_run.gpr[RSI] = value;
	snprintf(text, sizeof(text), "%#x <- %#llx", msr, value);
	run_say(text, SHOW(R9));
}

static void feature_control(void)
{
	read_say(0x3a);
}

static void feature_control_write(void)
{
	write_say(0x3a, 5);
	write_say(0x3a, 0);
}

static void vmx_capability(void)
{
	u32 msr;

	for (msr = 0x480; msr <= 0x493; msr++)
		read_say(msr);
}

static void vmx_capability_write(void)
{
	write_say(0x480, 0);
	write_say(0x48b, ~0ull);
}

static void known(void)
{
	static const u32 list[] = {
		0x17, 0x1b, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x1a0, 0x1d9,
		0x200, 0x201, 0x202, 0x203, 0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268,
		0x269, 0x26f, 0x277, 0x2ff, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083,
		0xc0000084, 0xc0000100, 0xc0000101, 0xc0000103,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		read_say(list[i]);
}

/* The edges of the bitmaps' ranges, and what lies beyond. */
static void unknown(void)
{
	static const u32 list[] = {
		0x494,	    0x7ff,	0x1234,	    0x1fff,	0x2000,	    0xffff,
		0x10000,    0x40000000, 0x40000001, 0x400000f0, 0x4b564d00, 0x7fffffff,
		0x80000000, 0xbfffffff, 0xc0000000, 0xc0000085, 0xc0001fff, 0xc0002000,
		0xc0010015, 0xc0011029, 0xffffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		read_say(list[i]);
		write_say(list[i], 0);
	}
}

/* MSRs that exist and refuse the value: the #GP is the guest's. */
static void refused(void)
{
	static const u64 bad = 0x8000000000000000ull;

	write_say(0xc0000082, bad);	 /* LSTAR */
	write_say(0xc0000083, bad);	 /* CSTAR */
	write_say(0xc0000100, bad);	 /* FS.base */
	write_say(0xc0000101, bad);	 /* GS.base */
	write_say(0xc0000102, bad);	 /* KERNEL_GS_BASE */
	write_say(0x175, bad);		 /* SYSENTER_ESP */
	write_say(0x176, bad);		 /* SYSENTER_EIP */
	write_say(0xc0000080, ~0ull);	 /* EFER */
	write_say(0xc0000080, 1);	 /* EFER without LME, while paging is on */
	write_say(0x277, 2);		 /* PAT: a type that doesn't exist */
	write_say(0x277, bad);
	write_say(0x2ff, 2);		 /* MTRR_DEF_TYPE, likewise */
	write_say(0x200, 2);		 /* MTRR_PHYSBASE0 */
	write_say(0x201, bad);		 /* MTRR_PHYSMASK0 */
	write_say(0x250, 0x0202020202020202ull);
	write_say(0x1b, ~0ull);		 /* APIC_BASE */
	write_say(0xfe, 0);		 /* MTRRCAP is read-only */
	write_say(0xda0, ~0ull);	 /* XSS */
}

/* Values that live in the VMCS, or in the processor over exits: written, read behind an exit. */
static void rounds(void)
{
	round_say(0xc0000100, 0x00007f0123456789ull);
	round_say(0xc0000100, 0xffff8abcdef01234ull);
	round_say(0xc0000101, 0x0000123456789abcull);
	round_say(0xc0000102, 0x00000fedcba98765ull);
	round_say(0xc0000081, 0x0023001000000000ull);
	round_say(0xc0000082, 0xffffffff81000000ull);
	round_say(0xc0000083, 0xffffffff81000001ull);
	round_say(0xc0000084, 0x47700);
	round_say(0xc0000103, 5);
	round_say(0x174, 0x10);
	round_say(0x174, 0xffffffff12345678ull);
	round_say(0x175, 0xffff888012345678ull);
	round_say(0x176, 0xffffffff81234567ull);
	round_say(0x277, 0x0007040600070406ull);
	round_say(0x277, 0x0606060606060606ull);
	round_say(0x1d9, 0);
	round_say(0x1d9, 1);
	round_say(0xc0000080, 0xd01);
}

/* MTRRs: what the guest writes, it reads. A variable range that is off has no effect. */
static void mtrr(void)
{
	round_say(0x20e, 0x00000000c0000006ull);
	round_say(0x20f, 0x0000000ffff00000ull);
	round_say(0x20e, 0x0000000080000000ull);
}

static void bases(void)
{
	run_prepare(code_bases);
	run_say("changed by an exit", SHOW(R8) | SHOW(R9));
}

static void microcode(void)
{
	read_say(0x8b);
	write_say(0x79, 0);
	read_say(0x8b);
}

const struct probe msr_probes[] = {
	{ "msr: IA32_FEATURE_CONTROL", feature_control },
	{ "msr: IA32_FEATURE_CONTROL is locked", feature_control_write },
	{ "msr: VMX capabilities", vmx_capability },
	{ "msr: VMX capabilities are read-only", vmx_capability_write },
	{ "msr: known ones", known },
	{ "msr: unknown and out of range", unknown },
	{ "msr: values that are refused", refused },
	{ "msr: what is written is read behind an exit", rounds },
	{ "msr: MTRRs", mtrr },
	{ "msr: FS and GS bases over an exit", bases },
	{ "msr: microcode update", microcode },
	{ NULL, NULL },
};
