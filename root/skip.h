/* SPDX-License-Identifier: MIT */
/*
 * Skipping an instruction that root carried out for the guest: everything that the completion of an
 * instruction changes. What nearly every exit needs is here, to be a part of the run loop; the rest
 * is skip.c's.
 *
 * World: root.
 */
#ifndef ROOT_SKIP_H
#define ROOT_SKIP_H

#include "root.h"
#include "vmx.h"

/* skip.c */
uint64_t skip_wrapped(uint64_t next);
void skip_end_blocking(uint64_t blocking);
void skip_end_flags(uint64_t flags);

/* Moves RIP behind the instruction, with everything that its completion changes. */
static inline void skip_instruction(struct cpu *cpu)
{
	uint64_t rip = cpu->exit->rip, next = rip + vmread(VMCS_EXIT_LENGTH);
	uint64_t blocking, flags;

	/* Outside 64-bit code the instruction pointer has 32 bits. */
	if (unlikely((rip ^ next) >> 32))
		next = skip_wrapped(next);
	vmwrite(VMCS_GUEST_RIP, next);
	/* SDM: Interruptibility State: blocking by STI and MOV SS lasts for one instruction. */
	blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);
	if (unlikely(blocking & (BLOCKING_STI | BLOCKING_MOV_SS)))
		skip_end_blocking(blocking);
	flags = vmread(VMCS_GUEST_RFLAGS);
	if (unlikely(flags & (RFLAGS_RF | RFLAGS_TF)))
		skip_end_flags(flags);
}

/*
 * skip.c: the end of an iteration of a repeated instruction that is not the last one: RIP stays.
 */
void skip_iteration(struct cpu *cpu);

#endif
