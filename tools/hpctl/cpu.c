// SPDX-License-Identifier: MIT
/*
 * The instructions of cpu.h. No logic is here: tests replace this file.
 */
#include "cpu.h"

#include <cpuid.h>
#include <x86intrin.h>

struct cpuid_result cpu_cpuid(uint32_t leaf)
{
	struct cpuid_result result;

	__cpuid_count(leaf, 0, result.eax, result.ebx, result.ecx, result.edx);
	return result;
}

uint64_t cpu_tsc(void)
{
	return __rdtsc();
}
