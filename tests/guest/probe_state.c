// SPDX-License-Identifier: MIT
/*
 * The state of a program that lives in the processor, over many exits and task switches: FS and GS
 * bases, the TLS, segment selectors, the x87 control word, MXCSR.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <asm/prctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 200

static __thread uint64_t thread_value;

static void bases(void)
{
	uint32_t result[4];
	unsigned i, wrong = 0;
	uint64_t base;
	pid_t other = fork();

	/* Somebody with another base on the same processor. */
	if (!other) {
		syscall(SYS_arch_prctl, ARCH_SET_GS, 0x5555aaaa5000ull);
		for (;;) {
			cpuid(0, 0, result);
			sched_yield();
		}
	}
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0x7abcdef01000ull);
	for (i = 0; i < ROUNDS; i++) {
		thread_value = i;
		cpuid(0, 0, result);
		sched_yield();
		cpuid(0, 0, result);
		syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
		wrong += base != 0x7abcdef01000ull || thread_value != i;
	}
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	say("%u rounds, %u wrong", i, wrong);
}

static void selectors(void)
{
	uint32_t result[4];
	uint16_t cs, ss, ds, es, fs, gs;

	cpuid(0, 0, result);
	asm volatile("mov %%cs, %0\n\tmov %%ss, %1\n\tmov %%ds, %2" : "=r"(cs), "=r"(ss), "=r"(ds));
	asm volatile("mov %%es, %0\n\tmov %%fs, %1\n\tmov %%gs, %2" : "=r"(es), "=r"(fs), "=r"(gs));
	say("CS %#x SS %#x DS %#x ES %#x FS %#x GS %#x", cs, ss, ds, es, fs, gs);
}

static void data_selectors(void)
{
	uint16_t ds, es;
	uint32_t result[4];

	asm volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(0x2b));
	cpuid(0, 0, result);
	sched_yield();
	cpuid(0, 0, result);
	asm volatile("mov %%ds, %0\n\tmov %%es, %1" : "=r"(ds), "=r"(es));
	say("DS %#x ES %#x", ds, es);
}

static void floating_point(void)
{
	uint32_t result[4], mxcsr = 0x1f80 | 0x6000, mxcsr_after;
	uint16_t control = 0x027f, control_after;
	unsigned i;

	asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
	for (i = 0; i < ROUNDS; i++) {
		cpuid(0, 0, result);
		sched_yield();
	}
	asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr_after), "=m"(control_after));
	say("MXCSR %#x control word %#x", mxcsr_after, control_after);
}

const struct probe state_probes[] = {
	{ "state: FS and GS bases", bases },
	{ "state: selectors", selectors },
	{ "state: data selectors", data_selectors },
	{ "state: MXCSR and control word", floating_point },
	{ NULL, NULL },
};
