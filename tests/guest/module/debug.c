// SPDX-License-Identifier: GPL-2.0
/*
 * Single-stepping, breakpoints and the debug registers in CPL 0, as the processor delivers them: the
 * trap's RIP, DR6 and RFLAGS, exactly one for each instruction (P1), held back by MOV SS (P2).
 *
 * World: the guest's kernel.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>

#include "hptest.h"

#define STEPPED(X)                                                                             \
	X(cpuid) X(nop) X(prefixed) X(rdmsr) X(wrmsr) X(xsetbv) X(invd) X(wbinvd) X(vmcall)    \
	X(vmxoff) X(mov_cr0) X(mov_cr4) X(mov_ss_nop) X(mov_ss_cpuid) X(mov_ss_rdmsr)          \
	X(mov_ss_vmcall) X(two_cpuid) X(read)
#define STEPPED_EXTERN(name) extern const char code_step_##name[];
STEPPED(STEPPED_EXTERN)
extern const char code_watched_nop[], code_watched_cpuid[], code_watched_rdmsr[],
	code_watched_two_cpuid[], code_watch_cpuid[], code_breakpoints[], code_iret_resume[],
	code_debug_registers[], code_general_detect[], code_dr4[], code_mov_to_dr6[],
	code_mov_to_dr7[];

#define DR7_LOCAL(n)  (1ull << (2 * (n)))
#define DR7_DATA_4(n) (0xfull << (16 + 4 * (n)))
#define DR7_FIXED     0x400ull

static u32 watched __aligned(8);

static void step(const char *text, const void *code, u32 msr, u64 value)
{
	run_prepare(code);
	trap_run.gpr[RCX] = msr;
	trap_run.gpr[RSI] = value;
	trap_run.gpr[RAX] = (u32)value;
	trap_run.gpr[RDX] = value >> 32;
	run_say(text, 0);
}

static void steps(void)
{
	step("nop", code_step_nop, 0, 0);
	step("cpuid", code_step_cpuid, 0, 0);
	step("prefixed cpuid", code_step_prefixed, 0, 0);
	step("cpuid; cpuid", code_step_two_cpuid, 0, 0);
	step("invd", code_step_invd, 0, 0);
	step("wbinvd", code_step_wbinvd, 0, 0);
}

static void steps_registers(void)
{
	u64 cr0, pat;
	u32 low, high;

	step("rdmsr that exits", code_step_rdmsr, 0x3a, 0);
	step("rdmsr that doesn't", code_step_rdmsr, 0x277, 0);
	rdmsrl(0x277, pat);
	step("wrmsr", code_step_wrmsr, 0x277, pat);
	step("wrmsr that exits", code_step_wrmsr, 0x79, 0);
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	step("mov to cr0", code_step_mov_cr0, 0, cr0);
	step("mov to cr0 that exits", code_step_mov_cr0, 0, cr0 & ~X86_CR0_NE);
	if (boot_cpu_has(X86_FEATURE_OSXSAVE)) {
		asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		step("xsetbv", code_step_xsetbv, 0, (u64)high << 32 | low);
	}
}

/* A fault in stepped code: no trap for it, RF and TF in its frame. */
static void steps_faults(void)
{
	u64 cr4;

	step("vmcall", code_step_vmcall, 0, 0);
	step("vmxoff", code_step_vmxoff, 0, 0);
	step("wrmsr refused", code_step_wrmsr, 0xc0000082, 1ull << 63);
	step("wrmsr of a locked one", code_step_wrmsr, 0x3a, 0);
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	step("mov to cr4 refused", code_step_mov_cr4, 0, cr4 | 1ull << 31);
	step("xsetbv refused", code_step_xsetbv, 0, 0);
	step("read of null", code_step_read, 0, 0);
}

static void steps_mov_ss(void)
{
	step("mov ss; nop", code_step_mov_ss_nop, 0, 0);
	step("mov ss; cpuid", code_step_mov_ss_cpuid, 0, 0);
	step("mov ss; rdmsr", code_step_mov_ss_rdmsr, 0x3a, 0);
	step("mov ss; vmcall", code_step_mov_ss_vmcall, 0, 0);
}

static void watch(const char *text, const void *code)
{
	run_prepare(code);
	trap_run.gpr[RDI] = (u64)&watched;
	trap_run.gpr[RCX] = 0x3a;
	trap_run.gpr[R8] = DR7_FIXED | DR7_LOCAL(0) | DR7_DATA_4(0);
	run_say(text, 0);
}

static void watches(void)
{
	watch("load, cpuid", code_watch_cpuid);
	watch("mov ss; nop", code_watched_nop);
	watch("mov ss; cpuid", code_watched_cpuid);
	watch("mov ss; rdmsr", code_watched_rdmsr);
	watch("mov ss; cpuid; cpuid", code_watched_two_cpuid);
}

static void breakpoints(void)
{
	static const u64 dr7[] = { DR7_LOCAL(0), DR7_LOCAL(1), DR7_LOCAL(0) | DR7_LOCAL(1),
				   DR7_LOCAL(0) | DR7_LOCAL(1) | DR7_LOCAL(2) };
	char text[32];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dr7); i++) {
		run_prepare(code_breakpoints);
		trap_run.gpr[R8] = DR7_FIXED | dr7[i];
		trap_run.resume = 1;
		snprintf(text, sizeof(text), "DR7 %#llx", dr7[i]);
		run_say(text, 0);
	}
	run_prepare(code_iret_resume);
	trap_run.gpr[R8] = DR7_FIXED | DR7_LOCAL(0) | DR7_LOCAL(1);
	trap_run.resume = 1;
	run_say("RF by IRET", 0);
}

static void registers(void)
{
	run_prepare(code_debug_registers);
	trap_run.gpr[R8] = 0x123456789abcull;
	trap_run.gpr[R9] = 0xffff800000000000ull;
	trap_run.gpr[R12] = 0xffffffffffffffffull;
	trap_run.gpr[R13] = 0;
	trap_run.gpr[R14] = 0xffff4ff5ull;
	trap_run.gpr[R15] = 0xffff0400ull;
	run_say("over an exit", SHOW(R8) | SHOW(R9) | SHOW(R12) | SHOW(R13) | SHOW(R14) | SHOW(R15));
	run_prepare(code_debug_registers);
	trap_run.gpr[R14] = 0;
	trap_run.gpr[R15] = 0x00000300ull;
	run_say("reserved bits", SHOW(R14) | SHOW(R15));
	run_prepare(code_mov_to_dr6);
	trap_run.gpr[RSI] = 1ull << 32;
	run_say("DR6, upper half", 0);
	run_prepare(code_mov_to_dr7);
	trap_run.gpr[RSI] = 1ull << 32;
	run_say("DR7, upper half", 0);
}

static void general_detect(void)
{
	run_prepare(code_general_detect);
	trap_run.gpr[RSI] = 0x2400;
	run_say("GD", SHOW(R9));
}

static void dr4(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	run_prepare(code_dr4);
	trap_run.gpr[RSI] = cr4 & ~X86_CR4_DE;
	run_say("DE off", SHOW(R9));
	run_prepare(code_dr4);
	trap_run.gpr[RSI] = cr4 | X86_CR4_DE;
	run_say("DE on", SHOW(R9));
}

const struct probe debug_probes[] = {
	{ "debug: one trap behind each instruction", steps },
	{ "debug: traps behind registers", steps_registers },
	{ "debug: a fault is no trap", steps_faults },
	{ "debug: MOV SS holds the trap back", steps_mov_ss },
	{ "debug: watchpoint on MOV SS", watches },
	{ "debug: breakpoints on and behind CPUID", breakpoints },
	{ "debug: registers", registers },
	{ "debug: general detect", general_detect },
	{ "debug: DR4", dr4 },
	{ NULL, NULL },
};
