// SPDX-License-Identifier: MIT
/*
 * MONITOR and MWAIT, when somebody watches them. MONITOR is checked and arms nothing; MWAIT then
 * ends at once, which it may for any reason. The system goes round its idle loop instead of
 * sleeping in it.
 *
 * Source: SDM, MONITOR; MWAIT.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define MWAIT_BREAK_ON_INTERRUPT 1u

/*
 * The address is read as a byte in DS; which segment and address size the prefixes choose, an exit
 * does not tell. In 64-bit code the first matters for FS and GS only.
 */
enum outcome exit_monitor(struct cpu *cpu)
{
	struct guest_virt linear;
	struct guest_fault fault;
	uint64_t offset = guest_operand(cpu, RAX);
	uint8_t byte;

	if (guest_operand(cpu, RCX))
		return inject_gp(cpu);
	if (!guest_operand_linear(cpu, SEG_DS, offset, 1, false, &linear, &fault) ||
	    !guest_memory_read(cpu, linear, &byte, 1, GUEST_AS_CPL, &fault))
		return inject_fault(cpu, &fault);
	return OUTCOME_SKIP;
}

/* SDM, CPUID leaf 5: ECX[0] enumerates extensions, ECX[1] the one that there is. */
enum outcome exit_mwait(struct cpu *cpu)
{
	uint64_t extensions = guest_operand(cpu, RCX);
	struct cpuid_result leaf;

	cpuid(5, 0, &leaf);
	if ((extensions & ~MWAIT_BREAK_ON_INTERRUPT) || (extensions && (leaf.ecx & 3) != 3))
		return inject_gp(cpu);
	return OUTCOME_SKIP;
}
