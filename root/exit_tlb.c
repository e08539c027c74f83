// SPDX-License-Identifier: MIT
/*
 * INVLPG and INVPCID, when somebody watches them. What they ask for is done by INVVPID, on
 * everything of this guest: translations of the address, and what is cached of paging structures,
 * which INVLPG drops for all addresses. More than must be dropped never shows.
 *
 * Source: SDM, INVLPG; INVPCID; Operations that Invalidate TLBs and Paging-Structure Caches.
 * World: root.
 */
#include "../base/operand.h"
#include "root.h"
#include "vmx.h"

enum invpcid { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL, INVPCID_NOT_GLOBAL };

/* A non-canonical address is no fault: nothing is cached for it. */
enum outcome exit_invlpg(struct cpu *cpu)
{
	invalidate_guest(cpu, INVALIDATE_GUEST);
	return OUTCOME_SKIP;
}

static bool is_valid(uint64_t type, const uint64_t descriptor[2])
{
	uint64_t pcid = descriptor[0] & 0xfff;

	if (type > INVPCID_NOT_GLOBAL || descriptor[0] >> 12)
		return false;
	if (type >= INVPCID_ALL)
		return true;
	if (pcid && !(vmread(VMCS_GUEST_CR4) & CR4_PCIDE))
		return false;
	return type != INVPCID_ADDRESS || operand_is_canonical(descriptor[1], guest_linear_bits());
}

enum outcome exit_invpcid(struct cpu *cpu)
{
	const struct operand operand = operand_decode((uint32_t)vmread(VMCS_EXIT_INSTRUCTION));
	uint64_t type = guest_operand(cpu, operand.reg2), descriptor[2];
	struct guest_virt linear;
	struct guest_fault fault;

	/* The manual puts this check before the exit; an emulator was seen to do it after. */
	if (guest_cpl() != 0)
		return inject_gp(cpu);
	if (!guest_operand_address(cpu, &operand, 0, sizeof(descriptor), false, &linear, &fault) ||
	    !guest_memory_read(cpu, linear, descriptor, sizeof(descriptor), GUEST_AS_CPL, &fault))
		return inject_fault(cpu, &fault);
	if (!is_valid(type, descriptor))
		return inject_gp(cpu);
	invalidate_guest(cpu,
			 type == INVPCID_NOT_GLOBAL ? INVALIDATE_NOT_GLOBAL : INVALIDATE_GUEST);
	return OUTCOME_SKIP;
}
