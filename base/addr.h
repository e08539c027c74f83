/* SPDX-License-Identifier: MIT */
/*
 * Typed addresses. The three kinds that a hypervisor must never mix up are structures with one
 * member, so that the compiler refuses the mix-up; they cost nothing at run time. A plain virtual
 * address of the world that the code runs in is a pointer, or a uintptr_t where it is computed.
 *
 * World: any (pure).
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A host-physical address: what EPT entries, CR3 of root and the VMCS's pointers hold. */
struct phys {
	uint64_t value;
};

/* A guest-physical address: what EPT translates. */
struct guest_phys {
	uint64_t value;
};

/* A linear address of the guest, in the sense of the guest's page tables. */
struct guest_virt {
	uint64_t value;
};

#define SIZE_4K ((uint64_t)1 << 12)
#define SIZE_2M ((uint64_t)1 << 21)
#define SIZE_1G ((uint64_t)1 << 30)

static inline struct phys phys(uint64_t value)
{
	return (struct phys){ value };
}

static inline struct guest_phys guest_phys(uint64_t value)
{
	return (struct guest_phys){ value };
}

static inline struct guest_virt guest_virt(uint64_t value)
{
	return (struct guest_virt){ value };
}

/* `size` is a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t size)
{
	return value & ~(size - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t size)
{
	return align_down(value + size - 1, size);
}

/* A range of physical memory: `bytes` from `start`. */
struct memory_range {
	uint64_t start;
	uint64_t bytes;
};

#endif
