// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts and traps around instructions that exit: STI and MOV SS hold them back for exactly one
 * instruction, also when root carried that one out (P2); HLT wakes for a pending one.
 *
 * World: the guest's kernel.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/segment.h>

#include "hptest.h"

#define FEATURE_CONTROL 0x3a
#define PAT		0x277

extern const char code_sti_nop[], code_sti_cpuid[], code_sti_two_cpuid[], code_sti_rdmsr[],
	code_sti_wrmsr[], code_sti_xsetbv[], code_sti_invd[], code_sti_hlt[], code_sti_vmcall[],
	code_sti_mov_ss_nop[], code_sti_mov_ss_cpuid[], code_sti_prefixed[], code_sti_read[],
	code_popf_cpuid[], code_mwait[], code_cpuid[], code_int_n[];

/* Our interrupt is pending when the code starts. */
static void pending(const void *code)
{
	run_prepare(code);
	trap_run.gpr[R8] = __KERNEL_DS;
	local_irq_disable();
	asm volatile("mov %0, %%cr8" : : "r"((u64)TRAP_PRIORITY));
	apic_send_self(TRAP_VECTOR);
}

static void pending_say(const char *text, u32 show)
{
	run_say(text, show);
	/* Where a fault ended the run, the interrupt is still to come: it may do so now. */
	run_prepare(code_sti_nop);
	run();
	asm volatile("mov %0, %%cr8" : : "r"(0ull));
	local_irq_enable();
}

static void sti(void)
{
	static const struct {
		const char *text, *code;
	} list[] = {
		{ "sti; nop", code_sti_nop },
		{ "sti; cpuid", code_sti_cpuid },
		{ "sti; cpuid; cpuid", code_sti_two_cpuid },
		{ "sti; prefixed cpuid", code_sti_prefixed },
		{ "popf; cpuid", code_popf_cpuid },
		{ "sti; vmcall", code_sti_vmcall },
		{ "sti; hlt", code_sti_hlt },
		{ "sti; mov ss; nop", code_sti_mov_ss_nop },
		{ "sti; mov ss; cpuid", code_sti_mov_ss_cpuid },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		pending(list[i].code);
		pending_say(list[i].text, 0);
	}
}

static void sti_msr(void)
{
	u64 pat;

	pending(code_sti_rdmsr);
	trap_run.gpr[RCX] = FEATURE_CONTROL;
	pending_say("sti; rdmsr", 0);
	rdmsrl(PAT, pat);
	pending(code_sti_wrmsr);
	trap_run.gpr[RCX] = PAT;
	trap_run.gpr[RAX] = (u32)pat;
	trap_run.gpr[RDX] = pat >> 32;
	pending_say("sti; wrmsr", 0);
	/* One that exits whatever the bitmaps say. */
	pending(code_sti_wrmsr);
	trap_run.gpr[RCX] = 0x40000000;
	pending_say("sti; wrmsr of an MSR outside the bitmaps", 0);
}

static void sti_invd(void)
{
	pending(code_sti_invd);
	pending_say("sti; invd", 0);
}

static void sti_xsetbv(void)
{
	u32 low, high;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE)) {
		say("no XSAVE");
		return;
	}
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	pending(code_sti_xsetbv);
	trap_run.gpr[RAX] = low;
	trap_run.gpr[RDX] = high;
	pending_say("sti; xsetbv", 0);
}

static void software(void)
{
	run_prepare(code_int_n);
	run_say("int n", 0);
}

static void mwait(void)
{
	static u64 line[8] __aligned(64);

	if (!boot_cpu_has(X86_FEATURE_MWAIT)) {
		say("no MWAIT");
		return;
	}
	pending(code_mwait);
	trap_run.gpr[RDI] = (u64)line;
	pending_say("monitor; mwait", 0);
}

const struct probe interrupt_probes[] = {
	{ "interrupt: STI holds back for one instruction", sti },
	{ "interrupt: STI, then an MSR", sti_msr },
	{ "interrupt: STI, then INVD", sti_invd },
	{ "interrupt: STI, then XSETBV", sti_xsetbv },
	{ "interrupt: INT n", software },
	{ "interrupt: MWAIT ends for a pending one", mwait },
	{ NULL, NULL },
};
