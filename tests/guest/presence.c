// SPDX-License-Identifier: MIT
/*
 * Who is there, as CPUID shows it to everybody: on every processor that this program may run on, is
 * the hypervisor bit set, and does our leaf have our signature? Exit status: 0 on all of them, 1 on
 * none, 2 on some, or the two signs contradict each other.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>

#include <hyperplatform/abi.h>

static void cpuid(uint32_t leaf, uint32_t r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

int main(void)
{
	unsigned present = 0, absent = 0, odd = 0;
	uint32_t one[4], ours[4];
	cpu_set_t all, set;
	int cpu;

	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set)) {
			odd++;
			continue;
		}
		cpuid(1, one);
		cpuid(HP_CPUID_BASE + HP_CPUID_SIGNATURE, ours);
		if ((one[2] >> 31 & 1) != (ours[0] == HP_SIGNATURE))
			odd++;
		else if (ours[0] == HP_SIGNATURE)
			present++;
		else
			absent++;
		printf("processor %d: hypervisor bit %u, leaf %08x %08x %08x %08x\n", cpu,
		       one[2] >> 31, ours[0], ours[1], ours[2], ours[3]);
	}
	if (odd || (present && absent))
		return 2;
	return present ? 0 : 1;
}
