// SPDX-License-Identifier: MIT
/*
 * RDTSC in user mode, and nothing else: no system call, no page fault, once it runs. Exit status 0
 * if time never went back and no register but EDX and EAX changed.
 *
 *	clock COUNT
 *
 * World: a program in the guest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PATTERN 0x0123456789abcdefull

static uint64_t read_clock(uint64_t *kept)
{
	register uint64_t r8 asm("r8") = PATTERN, r15 asm("r15") = ~PATTERN;
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high), "+r"(r8), "+r"(r15));
	*kept = r8 ^ r15;
	return (uint64_t)high << 32 | low;
}

int main(int argc, char **argv)
{
	uint64_t last = 0, now, kept;
	long i, count;

	if (argc != 2) {
		fprintf(stderr, "usage: clock COUNT\n");
		return 2;
	}
	count = atol(argv[1]);
	for (i = 0; i < count; i++) {
		now = read_clock(&kept);
		if (now < last || kept != ~0ull) {
			printf("round %ld: %llx after %llx, registers %llx\n", i,
			       (unsigned long long)now, (unsigned long long)last,
			       (unsigned long long)kept);
			return 1;
		}
		last = now;
	}
	return 0;
}
