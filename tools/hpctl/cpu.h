/* SPDX-License-Identifier: MIT */
/*
 * The two instructions that hpctl executes itself, behind functions so that tests can pretend to be
 * another processor, and what follows from them: whether HyperPlatform answers, and the names.
 */
#ifndef HPCTL_CPU_H
#define HPCTL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/x86.h"

/* cpu.c: the instructions. */
struct cpuid_result cpu_cpuid(uint32_t leaf);
uint64_t cpu_tsc(void);

/* presence.c: what they tell of the processor that this runs on. */

/* HyperPlatform's leaf's EAX, if it answers here; else 0. */
uint32_t presence_signature(void);

/* The shortest of several round trips of HyperPlatform's leaf, in TSC cycles; 0: no answer. */
uint64_t presence_cycles(void);

/* The maker ("GenuineIntel") and the name that the processor gives itself ("" if none). */
void presence_maker(char maker[13]);
void presence_name(char name[49]);

#endif
