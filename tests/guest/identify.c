// SPDX-License-Identifier: MIT
/*
 * CPUID in user mode, and nothing else: no system call, no page fault, once it runs. Exit status 0
 * if the processor said the same all the time, but for whether a hypervisor is there, and no other
 * register changed.
 *
 *	identify COUNT
 *
 * World: a program in the guest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN	   0x0123456789abcdefull
#define HYPERVISOR 0x80000000u /* of leaf 1, ECX */
#define APIC_ID	   0xff000000u /* EBX: the program may be moved to another processor */

struct answer {
	uint32_t eax, ebx, ecx, edx;
	uint64_t kept;
};

static void ask(struct answer *answer)
{
	register uint64_t r8 asm("r8") = PATTERN, r15 asm("r15") = ~PATTERN;

	asm volatile("cpuid"
		     : "=a"(answer->eax), "=b"(answer->ebx), "=c"(answer->ecx), "=d"(answer->edx),
		       "+r"(r8), "+r"(r15)
		     : "0"(1), "2"(0));
	answer->ebx &= ~APIC_ID;
	answer->ecx &= ~HYPERVISOR;
	answer->kept = r8 ^ r15;
}

int main(int argc, char **argv)
{
	struct answer first = { 0 }, now = { 0 };
	long i, count;

	if (argc != 2) {
		fprintf(stderr, "usage: identify COUNT\n");
		return 2;
	}
	count = atol(argv[1]);
	ask(&first);
	for (i = 0; i < count; i++) {
		ask(&now);
		if (memcmp(&now, &first, sizeof(now)) || now.kept != ~0ull) {
			printf("round %ld: %x %x %x %x, registers %llx\n", i, now.eax, now.ebx,
			       now.ecx, now.edx, (unsigned long long)now.kept);
			return 1;
		}
	}
	return 0;
}
