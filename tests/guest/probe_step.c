// SPDX-License-Identifier: MIT
/*
 * Single-stepping by TF: one trap behind each instruction, at the right RIP, also when root carried
 * the instruction out; and a fault in stepped code is the fault, not a trap.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <stdio.h>

static void step_say(const char *text, const void *code, size_t bytes)
{
	struct registers registers;
	struct steps steps = { 0 };
	struct caught caught;
	bool completed;
	unsigned i;

	code_registers(&registers);
	code_put(code, bytes);
	completed = code_step(CODE_BASE, &registers, &steps, &caught);
	say("%s: %u traps, then %s", text, steps.count,
	    completed ? "the end" : caught_text(&caught));
	for (i = 0; i < steps.count; i++)
		say("%s: %s", text, caught_text(&steps.step[i]));
}

static void cpuid_once(void)
{
	static const uint8_t code[] = { 0x90, 0x0f, 0xa2, 0x90, 0x90 };

	step_say("nop, cpuid, nop, nop", code, sizeof(code));
}

static void cpuid_many(void)
{
	static const uint8_t code[] = { 0x0f, 0xa2, 0x0f, 0xa2, 0x0f, 0xa2, 0x90 };
	/* mov $5, %esi; 1: cpuid; dec %esi; jnz 1b */
	static const uint8_t loop[] = { 0xbe, 5, 0, 0, 0, 0x0f, 0xa2, 0xff, 0xce, 0x75, 0xfa };

	step_say("three cpuid", code, sizeof(code));
	step_say("a loop over cpuid", loop, sizeof(loop));
}

static void cpuid_prefixed(void)
{
	static const uint8_t code[] = { 0xf3, 0x0f, 0xa2, 0x66, 0xf2, 0x48, 0x0f, 0xa2, 0x90 };

	step_say("prefixed cpuid", code, sizeof(code));
}

/* pushfq; orq $0x100, (%rsp); popfq; cpuid; pushfq; andq $~0x100, (%rsp); popfq; nop */
static void cpuid_behind_popf(void)
{
	static const uint8_t code[] = { 0x9c, 0x48, 0x81, 0x0c, 0x24, 0x00, 0x01, 0, 0, 0x9d, 0x0f,
					0xa2, 0x9c, 0x48, 0x81, 0x24, 0x24, 0xff, 0xfe, 0xff, 0xff,
					0x9d, 0x90 };
	struct registers registers;
	struct steps steps = { 0 };
	struct caught caught;
	unsigned i;

	code_registers(&registers);
	code_put(code, sizeof(code));
	/* The code itself sets TF, so the caller's is taken out again: the first step does that. */
	step_say("popfq sets TF before cpuid", code, sizeof(code));
	code_step(CODE_BASE, &registers, &steps, &caught);
	for (i = 0; i < steps.count; i++)
		say("again: %s", caught_text(&steps.step[i]));
}

/* The flags that an instruction behind CPUID sees have TF, and no RF. */
static void flags_seen(void)
{
	/* cpuid; pushfq; pop %rsi */
	static const uint8_t code[] = { 0x0f, 0xa2, 0x9c, 0x5e };
	struct registers registers;
	struct steps steps = { 0 };
	struct caught caught;

	code_registers(&registers);
	code_put(code, sizeof(code));
	code_step(CODE_BASE, &registers, &steps, &caught);
	say("%u traps, RFLAGS behind cpuid %#llx", steps.count,
	    (unsigned long long)registers.gpr[RSI]);
}

static void faults(void)
{
	static const uint8_t vmcall[] = { 0x90, 0x0f, 0x01, 0xc1 };
	static const uint8_t vmxon[] = { 0x0f, 0xa2, 0xf3, 0x0f, 0xc7, 0x37 };
	static const uint8_t ud2[] = { 0x0f, 0xa2, 0x0f, 0x0b };
	static const uint8_t rdmsr[] = { 0x0f, 0xa2, 0x0f, 0x32 };
	static const uint8_t xsetbv[] = { 0x31, 0xc9, 0x0f, 0x01, 0xd1 };
	static const uint8_t load[] = { 0x0f, 0xa2, 0x31, 0xc0, 0x8b, 0x00 };

	step_say("nop, vmcall", vmcall, sizeof(vmcall));
	step_say("cpuid, vmxon", vmxon, sizeof(vmxon));
	step_say("cpuid, ud2", ud2, sizeof(ud2));
	step_say("cpuid, rdmsr", rdmsr, sizeof(rdmsr));
	step_say("xor, xsetbv", xsetbv, sizeof(xsetbv));
	step_say("cpuid, load from 0", load, sizeof(load));
}

/* Selectors in user mode: MOV SS holds the trap back for one instruction, CPUID included. */
static void mov_ss(void)
{
	static const uint8_t nop[] = { 0x8c, 0xd0, 0x8e, 0xd0, 0x90, 0x90 };
	static const uint8_t cpuid[] = { 0x8c, 0xd6, 0x8e, 0xd6, 0x0f, 0xa2, 0x90, 0x90 };
	static const uint8_t twice[] = { 0x8c, 0xd6, 0x8e, 0xd6, 0x8e, 0xd6, 0x0f, 0xa2, 0x90 };
	static const uint8_t vmcall[] = { 0x8c, 0xd6, 0x8e, 0xd6, 0x0f, 0x01, 0xc1 };

	step_say("mov ss, nop", nop, sizeof(nop));
	step_say("mov ss, cpuid", cpuid, sizeof(cpuid));
	step_say("mov ss, mov ss, cpuid", twice, sizeof(twice));
	step_say("mov ss, vmcall", vmcall, sizeof(vmcall));
}

static void others(void)
{
	static const uint8_t rdtsc[] = { 0x0f, 0x31, 0x90, 0xf3, 0x90, 0x90 };
	/* mov $3, %ecx; mov %rdi, %rsi; rep movsb; nop */
	static const uint8_t rep[] = { 0xb9, 3, 0, 0, 0, 0x48, 0x89, 0xfe, 0xf3, 0xa4, 0x90 };
	static const uint8_t int3[] = { 0x0f, 0xa2, 0xcc };
	static const uint8_t icebp[] = { 0x0f, 0xa2, 0xf1, 0x90 };

	step_say("rdtsc, nop, pause, nop", rdtsc, sizeof(rdtsc));
	step_say("rep movsb of 3", rep, sizeof(rep));
	step_say("cpuid, int3", int3, sizeof(int3));
	step_say("cpuid, icebp", icebp, sizeof(icebp));
}

const struct probe step_probes[] = {
	{ "step: one trap behind CPUID", cpuid_once },
	{ "step: CPUID in a row and in a loop", cpuid_many },
	{ "step: prefixed CPUID", cpuid_prefixed },
	{ "step: TF set by POPF before CPUID", cpuid_behind_popf },
	{ "step: RFLAGS seen behind CPUID", flags_seen },
	{ "step: a fault is no trap", faults },
	{ "step: MOV SS, then CPUID", mov_ss },
	{ "step: other instructions", others },
	{ NULL, NULL },
};
