// SPDX-License-Identifier: MIT
/*
 * What CPUID tells anybody of the processor that this runs on: whether HyperPlatform answers there,
 * how fast, and the processor's names. Callers choose the processor by os_run_on().
 */
#include "cpu.h"

#include <string.h>

#include <hyperplatform/abi.h>

#define TRIES 16 /* as many as the driver takes */

/* The leaf that has our signature, or 0. Leaves of a hypervisor mean nothing without the bit. */
static uint32_t signature_leaf(void)
{
	static const uint32_t bases[] = { HP_CPUID_BASE, HP_CPUID_BASE_ABOVE };
	unsigned i;

	if (!(cpu_cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR))
		return 0;
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (cpu_cpuid(bases[i] + HP_CPUID_SIGNATURE).eax == HP_SIGNATURE)
			return bases[i] + HP_CPUID_SIGNATURE;
	}
	return 0;
}

uint32_t presence_signature(void)
{
	return signature_leaf() ? HP_SIGNATURE : 0;
}

uint64_t presence_cycles(void)
{
	uint32_t leaf = signature_leaf();
	uint64_t least = UINT64_MAX;
	unsigned i;

	if (!leaf)
		return 0;
	for (i = 0; i < TRIES; i++) {
		uint64_t start = cpu_tsc(), cycles;

		cpu_cpuid(leaf);
		cycles = cpu_tsc() - start;
		if (cycles < least)
			least = cycles;
	}
	return least;
}

void presence_maker(char maker[13])
{
	struct cpuid_result leaf = cpu_cpuid(0);

	memcpy(maker, &leaf.ebx, 4);
	memcpy(maker + 4, &leaf.edx, 4);
	memcpy(maker + 8, &leaf.ecx, 4);
	maker[12] = '\0';
}

void presence_name(char name[49])
{
	size_t blanks;
	unsigned i;

	name[0] = '\0';
	if (cpu_cpuid(0x80000000).eax < 0x80000004)
		return;
	for (i = 0; i < 3; i++) {
		struct cpuid_result leaf = cpu_cpuid(0x80000002 + i);

		memcpy(name + 16 * i, &leaf, 16);
	}
	name[48] = '\0';

	/* Intel pads on the left, AMD on the right. */
	blanks = strspn(name, " ");
	memmove(name, name + blanks, strlen(name + blanks) + 1);
	for (i = (unsigned)strlen(name); i && name[i - 1] == ' '; i--)
		name[i - 1] = '\0';
}
