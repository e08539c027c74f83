// SPDX-License-Identifier: MIT
/*
 * What CPUID costs: RDTSC around it, the median of 1000, minus the same with nothing between. Prints
 * one number, of TSC ticks. In the emulator with one processor these are instructions.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 1000

static inline uint64_t tsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *ticks)
{
	qsort(ticks, ROUNDS, sizeof(*ticks), compare);
	return ticks[ROUNDS / 2];
}

int main(void)
{
	static uint64_t with[ROUNDS], without[ROUNDS];
	uint32_t a, b, c, d;
	cpu_set_t set;
	uint64_t start;
	unsigned i;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (i = 0; i < ROUNDS; i++) {
		start = tsc();
		without[i] = tsc() - start;
		a = 0;
		c = 0;
		start = tsc();
		asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
		with[i] = tsc() - start;
	}
	printf("%llu\n", (unsigned long long)(median(with) - median(without)));
	return 0;
}
