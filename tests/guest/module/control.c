// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers: what the guest writes it reads, though VMX operation wants some bits otherwise;
 * what the bare processor refuses is the guest's #GP; CPUID follows CR4; XCR0.
 *
 * World: the guest's kernel.
 */
#include <linux/kernel.h>

#include <asm/cpufeature.h>
#include <asm/processor-flags.h>

#include "hptest.h"

extern const char code_cr0_round[], code_cr4_round[], code_pcide_round[], code_cr3_keep[],
	code_cr3_bit[], code_cr8_round[], code_cr2_round[], code_task_switched[],
	code_xsetbv_round[], code_xsetbv_off[], code_mov_to_cr0[], code_mov_to_cr4[],
	code_mov_to_cr8[], code_mov_cr1[], code_mov_cr5[], code_lmsw[];

static u64 cr0(void)
{
	u64 value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static u64 cr4(void)
{
	u64 value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static void cr0_say(const char *text, u64 value)
{
	run_prepare(code_cr0_round);
	trap_run.gpr[RSI] = value;
	run_say(text, SHOW(R9) | SHOW(R12) | SHOW(R13));
}

static void cr0_bits(void)
{
	u64 now = cr0();

	cr0_say("as it is", now);
	cr0_say("NE off", now & ~X86_CR0_NE);
	cr0_say("NE and AM off", now & ~(X86_CR0_NE | X86_CR0_AM));
	cr0_say("AM off", now & ~X86_CR0_AM);
	cr0_say("WP off", now & ~X86_CR0_WP);
	cr0_say("TS on", now | X86_CR0_TS);
	cr0_say("EM on", now | X86_CR0_EM);
	cr0_say("MP off", now & ~X86_CR0_MP);
	cr0_say("ET off", now & ~X86_CR0_ET);
	cr0_say("CD on", now | X86_CR0_CD);
	cr0_say("CD and NW on", now | X86_CR0_CD | X86_CR0_NW);
	cr0_say("CD on, NE off", (now | X86_CR0_CD) & ~X86_CR0_NE);
	cr0_say("a reserved bit on", now | 1ull << 10);
}

static void cr0_refused(void)
{
	u64 now = cr0();

	cr0_say("NW without CD", now | X86_CR0_NW);
	cr0_say("NW without CD, NE off", (now | X86_CR0_NW) & ~X86_CR0_NE);
	cr0_say("PG off in 64-bit code", now & ~X86_CR0_PG);
	cr0_say("PE off", now & ~X86_CR0_PE);
	cr0_say("PE and NE off", now & ~(X86_CR0_PE | X86_CR0_NE));
	cr0_say("a high bit on", now | 1ull << 32);
	cr0_say("a high bit on, NE off", (now | 1ull << 32) & ~X86_CR0_NE);
}

static void task_switched(void)
{
	run_prepare(code_task_switched);
	run_say("mov, clts, lmsw", SHOW(R9) | SHOW(R12) | SHOW(R13));
	run_prepare(code_lmsw);
	trap_run.gpr[RAX] = (u16)cr0() & ~(X86_CR0_NE | X86_CR0_PE);
	run_say("lmsw clears neither PE nor NE", 0);
	say("CR0 %#llx", cr0());
}

/* VMXE apart, every bit inverted: accepted or refused, and what CPUID then says. */
static void cr4_bits(void)
{
	char text[16];
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		/* VMXE and SMXE have a probe of their own, PCIDE needs another CR3. */
		if (bit == 13 || bit == 14 || bit == 17)
			continue;
		run_prepare(code_cr4_round);
		trap_run.gpr[RSI] = cr4() ^ 1ull << bit;
		snprintf(text, sizeof(text), "bit %u", bit);
		run();
		if (trap_run.fault)
			say("%s: vector %#llx error %#llx", text, trap_run.event[0].vector,
			    trap_run.event[0].error);
		else
			say("%s: CR4 %#llx OSXSAVE %u OSPKE %u, then %#llx", text,
			    trap_run.gpr[R9], (u32)(trap_run.gpr[R12] >> 27 & 1),
			    (u32)(trap_run.gpr[R13] >> 4 & 1), trap_run.gpr[R14]);
	}
}

static void cr4_pcide(void)
{
	if (!boot_cpu_has(X86_FEATURE_PCID)) {
		say("no PCID");
		return;
	}
	run_prepare(code_pcide_round);
	run_say("off and on", SHOW(R9) | SHOW(R12));
}

static void cr4_vmxe(void)
{
	run_prepare(code_cr4_round);
	trap_run.gpr[RSI] = cr4() | 1ull << 13;
	run_say("on", SHOW(R9));
}

static void cr4_smxe(void)
{
	run_prepare(code_cr4_round);
	trap_run.gpr[RSI] = cr4() | 1ull << 14;
	run_say("on", SHOW(R9));
}

static void cr3(void)
{
	char text[16];
	unsigned int bit;

	if (boot_cpu_has(X86_FEATURE_PCID)) {
		run_prepare(code_cr3_keep);
		run_say("bit 63 is not kept", SHOW(R9));
	}
	for (bit = 52; bit < 63; bit++) {
		run_prepare(code_cr3_bit);
		trap_run.gpr[RCX] = bit;
		snprintf(text, sizeof(text), "bit %u", bit);
		run_say(text, 0);
	}
}

static void cr8(void)
{
	char text[16];
	u64 value;

	for (value = 0; value < 16; value += 5) {
		run_prepare(code_cr8_round);
		trap_run.gpr[RSI] = value;
		snprintf(text, sizeof(text), "%llu", value);
		run_say(text, SHOW(R9));
	}
	run_prepare(code_mov_to_cr8);
	trap_run.gpr[RSI] = 16;
	run_say("16", 0);
}

static void cr2(void)
{
	run_prepare(code_cr2_round);
	trap_run.gpr[RSI] = 0xfedcba9876543210ull;
	run_say("over an exit", SHOW(R9));
}

static void others(void)
{
	run_prepare(code_mov_cr1);
	run_say("mov from CR1", 0);
	run_prepare(code_mov_cr5);
	run_say("mov to CR5", 0);
}

static void xcr0(void)
{
	static const struct {
		u32 index;
		u64 value;
	} list[] = {
		{ 0, 1 }, { 0, 3 }, { 0, 7 }, { 0, 0 }, { 0, 2 }, { 0, 4 }, { 0, 5 }, { 0, 6 },
		{ 0, 0x1f }, { 0, 0xe7 }, { 0, 0x207 }, { 0, 1ull << 63 | 7 }, { 1, 1 }, { 1, 7 },
		{ 2, 0 }, { 0xffffffff, 1 },
	};
	char text[32];
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE)) {
		say("no XSAVE");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		run_prepare(code_xsetbv_round);
		trap_run.gpr[RCX] = list[i].index;
		trap_run.gpr[RSI] = list[i].value;
		snprintf(text, sizeof(text), "XCR%u <- %#llx", list[i].index, list[i].value);
		run_say(text, SHOW(R9) | SHOW(R12));
	}
	run_prepare(code_xsetbv_off);
	trap_run.gpr[RSI] = 7;
	run_say("without CR4.OSXSAVE", 0);
}

const struct probe control_probes[] = {
	{ "control: CR0 reads as it was written", cr0_bits },
	{ "control: CR0 values that are refused", cr0_refused },
	{ "control: CR0.TS by MOV, CLTS, LMSW", task_switched },
	{ "control: CR4 bit by bit, and CPUID with it", cr4_bits },
	{ "control: CR4.PCIDE", cr4_pcide },
	{ "control: CR4.VMXE", cr4_vmxe },
	{ "control: CR4.SMXE", cr4_smxe },
	{ "control: CR3", cr3 },
	{ "control: CR8", cr8 },
	{ "control: CR2", cr2 },
	{ "control: registers that don't exist", others },
	{ "control: XCR0", xcr0 },
	{ NULL, NULL },
};
