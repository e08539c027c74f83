// SPDX-License-Identifier: MIT
/*
 * The instructions that exit whatever the controls say, and whose handling is short: XSETBV, INVD,
 * and those of VMX and SMX, which the guest's processor does not have.
 *
 * Source: SDM, Instructions That Cause VM Exits Unconditionally; Changes to Instruction Behavior in
 * VMX Non-Root Operation.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* XCR0 is the guest's and root's alike: root uses no vector instruction. A bad value is #GP. */
enum outcome exit_xsetbv(struct cpu *cpu)
{
	uint64_t value = (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32;

	if (xsetbv_safe((uint32_t)cpu->gpr[RCX], value))
		return OUTCOME_SKIP;
	return inject_gp(cpu);
}

/* INVD would drop dirty lines of ours, too: write them back first, which INVD permits. */
enum outcome exit_invd(struct cpu *cpu)
{
	(void)cpu;
	wbinvd();
	return OUTCOME_SKIP;
}

enum outcome exit_vmx_instruction(struct cpu *cpu)
{
	return inject_ud(cpu);
}
