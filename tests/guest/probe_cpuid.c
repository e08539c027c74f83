// SPDX-License-Identifier: MIT
/*
 * CPUID: every leaf and subleaf says what the bare processor says, but for what is meant to differ
 * (`announce`, the one place where that is listed), and the instruction changes nothing else.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <stdio.h>
#include <string.h>

#define LEAF_HYPERVISORS      0x40000000u
#define LEAF_HYPERVISORS_LAST 0x400001ffu

/* What differs on purpose: no VMX, no SMX, and a hypervisor that says so. */
static void announce(uint32_t leaf, uint32_t result[4])
{
	if (leaf == 1)
		result[2] &= ~(1u << 5 | 1u << 6 | 1u << 31);
}

static void leaf_say(uint32_t leaf, uint32_t subleaf)
{
	uint32_t result[4];

	if (leaf >= LEAF_HYPERVISORS && leaf <= LEAF_HYPERVISORS_LAST)
		return;
	cpuid(leaf, subleaf, result);
	announce(leaf, result);
	say("%08x.%x %08x %08x %08x %08x", leaf, subleaf, result[0], result[1], result[2],
	    result[3]);
}

static unsigned subleaves(uint32_t leaf)
{
	uint32_t result[4];

	switch (leaf) {
	case 4:
	case 0xb:
	case 0x1f:
		return 8;
	case 7:
		cpuid(7, 0, result);
		return result[0] + 2;
	case 0xd:
		return 64;
	default:
		return 2;
	}
}

static void leaves(uint32_t first)
{
	uint32_t result[4], leaf;
	unsigned subleaf;

	cpuid(first, 0, result);
	if (result[0] < first || result[0] - first > 0x100)
		result[0] = first;
	for (leaf = first; leaf <= result[0]; leaf++) {
		for (subleaf = 0; subleaf < subleaves(leaf); subleaf++)
			leaf_say(leaf, subleaf);
	}
}

static void basic(void)
{
	leaves(0);
}

static void extended(void)
{
	leaves(0x80000000u);
}

static void beyond(void)
{
	static const uint32_t some[] = {
		0x3fffffffu, 0x40000200u, 0x7fffffffu, 0x80860000u, 0x8fffffffu, 0xbfffffffu,
		0xc0000000u, 0xc0000001u, 0xfffffffeu, 0xffffffffu, 0x00001000u, 0x20000000u,
	};
	uint32_t result[4];
	unsigned i;

	cpuid(0, 0, result);
	for (i = 1; i < 4; i++)
		leaf_say(result[0] + i, 0);
	cpuid(0x80000000u, 0, result);
	for (i = 1; i < 4; i++)
		leaf_say(result[0] + i, 0);
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		leaf_say(some[i], 0);
}

/* Another subleaf than those that exist, and garbage in the upper halves of the inputs. */
static void odd_inputs(void)
{
	static const uint8_t code[] = { 0x0f, 0xa2 };
	static const uint32_t some[] = { 0, 2, 7, 0xd, 0x80000001u };
	struct registers registers;
	struct caught caught;
	unsigned i;

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		leaf_say(some[i], 0x12345678);
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		code_registers(&registers);
		registers.gpr[RAX] = 0xfedcba9800000000ull | some[i];
		registers.gpr[RCX] = 0x8123456700000000ull;
		registers.gpr[RBX] = registers.gpr[RDX] = ~0ull;
		code_run(code, sizeof(code), &registers, &caught);
		say("%08x %016llx %016llx %016llx %016llx", some[i],
		    (unsigned long long)registers.gpr[RAX], (unsigned long long)registers.gpr[RBX],
		    (unsigned long long)registers.gpr[RCX], (unsigned long long)registers.gpr[RDX]);
	}
}

static void keeps_registers(void)
{
	static const uint8_t code[] = { 0x0f, 0xa2 };
	struct registers registers;
	struct caught caught;
	unsigned i;

	code_registers(&registers);
	for (i = RBP; i <= R15; i++)
		registers.gpr[i] = 0x0101010101010101ull * (i + 0x80);
	code_run(code, sizeof(code), &registers, &caught);
	for (i = RBP; i <= R15; i++) {
		if (i != R10 && i != R11)
			say("register %u %#llx", i, (unsigned long long)registers.gpr[i]);
	}
}

static void keeps_flags(void)
{
	static const uint8_t code[] = { 0x0f, 0xa2 };
	static const uint64_t some[] = { 0, FLAG_STATUS, FLAG_DF, FLAG_NT, FLAG_AC, FLAG_ID,
					 FLAG_STATUS | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID };
	struct registers registers;
	struct caught caught;
	unsigned i;

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		code_registers(&registers);
		registers.flags |= some[i];
		code_run(code, sizeof(code), &registers, &caught);
		say("%#llx -> %#llx, %s", (unsigned long long)(some[i] | FLAGS_NORMAL),
		    (unsigned long long)registers.flags, caught_text(&caught));
	}
}

/* Everything that FXSAVE has: x87, MXCSR, XMM registers. */
static void keeps_vectors(void)
{
	static uint8_t put[512] __attribute__((aligned(64))), got[512] __attribute__((aligned(64)));
	unsigned i, round;

	asm volatile("fninit\n\tfldpi\n\tfld1\n\tfxsave %0" : "=m"(put));
	for (i = 160; i < 160 + 256; i++)
		put[i] = (uint8_t)(i * 7 + 1);
	for (round = 0; round < 20; round++) {
		asm volatile("fxrstor %1\n\t"
			     "xor %%eax, %%eax\n\t"
			     "cpuid\n\t"
			     "fxsave %0"
			     : "=m"(got)
			     : "m"(put)
			     : "eax", "ebx", "ecx", "edx", "memory");
		if (memcmp(put, got, 416))
			break;
	}
	say("%u rounds, %s", round, round == 20 ? "kept" : "changed");
	asm volatile("fninit");
}

static void keeps_ymm(void)
{
	static uint8_t put[32] __attribute__((aligned(32))), got[32] __attribute__((aligned(32)));
	uint32_t result[4];
	unsigned i;

	cpuid(1, 0, result);
	if ((result[2] & (1u << 27 | 1u << 28)) != (1u << 27 | 1u << 28)) {
		say("no AVX");
		return;
	}
	for (i = 0; i < 32; i++)
		put[i] = (uint8_t)(0xa0 + i);
	asm volatile("vmovdqa %1, %%ymm7\n\t"
		     "xor %%eax, %%eax\n\t"
		     "cpuid\n\t"
		     "vmovdqa %%ymm7, %0\n\t"
		     "vzeroupper"
		     : "=m"(got)
		     : "m"(put)
		     : "eax", "ebx", "ecx", "edx", "xmm7", "memory");
	say("%s", memcmp(put, got, 32) ? "changed" : "kept");
}

/* XCR0, and the sizes of the XSAVE area that CPUID derives from it. */
static void xcr0(void)
{
	uint32_t result[4], low, high;

	cpuid(1, 0, result);
	if (!(result[2] & 1u << 27)) {
		say("no OSXSAVE");
		return;
	}
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	cpuid(0xd, 0, result);
	say("XCR0 %08x%08x, area %u of %u", high, low, result[1], result[2]);
	cpuid(0xd, 1, result);
	say("XSAVE features %08x, compacted area %u, XSS %08x%08x", result[0], result[1],
	    result[3], result[2]);
}

const struct probe cpuid_probes[] = {
	{ "cpuid: basic leaves", basic },
	{ "cpuid: extended leaves", extended },
	{ "cpuid: leaves that don't exist", beyond },
	{ "cpuid: odd inputs, upper halves cleared", odd_inputs },
	{ "cpuid: keeps the other registers", keeps_registers },
	{ "cpuid: keeps RFLAGS", keeps_flags },
	{ "cpuid: keeps x87 and XMM state", keeps_vectors },
	{ "cpuid: keeps YMM state", keeps_ymm },
	{ "cpuid: XCR0 and the XSAVE area's size", xcr0 },
	{ NULL, NULL },
};
