// SPDX-License-Identifier: MIT
/*
 * The instructions whose handling is short. XSETBV, INVD, and those of VMX and SMX, which the
 * guest's processor does not have, exit whatever the controls say; time stamps, performance
 * counters, HLT, PAUSE and WBINVD when somebody watches them. Privilege was checked before the
 * exit.
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

static void store_edx_eax(struct cpu *cpu, uint64_t value)
{
	cpu->gpr[RAX] = (uint32_t)value;
	cpu->gpr[RDX] = value >> 32;
}

enum outcome exit_rdtsc(struct cpu *cpu)
{
	store_edx_eax(cpu, rdtsc());
	return OUTCOME_SKIP;
}

enum outcome exit_rdtscp(struct cpu *cpu)
{
	store_edx_eax(cpu, rdtsc());
	cpu->gpr[RCX] = read_tsc_aux();
	return OUTCOME_SKIP;
}

/* A counter that does not exist is #GP. */
enum outcome exit_rdpmc(struct cpu *cpu)
{
	uint64_t value;

	if (!rdpmc_safe((uint32_t)cpu->gpr[RCX], &value))
		return inject_gp(cpu);
	store_edx_eax(cpu, value);
	return OUTCOME_SKIP;
}

enum outcome exit_wbinvd(struct cpu *cpu)
{
	(void)cpu;
	wbinvd();
	return OUTCOME_SKIP;
}

/*
 * SDM: Activity State: the guest halts behind the instruction, and what would wake the bare
 * processor wakes it. Where the processor has no such state (IA32_VMX_MISC bit 6), it goes on as if
 * woken.
 */
enum outcome exit_hlt(struct cpu *cpu)
{
	if (cpu->capability.misc & MISC_ACTIVITY_HLT)
		undo_vmwrite(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
	return OUTCOME_SKIP;
}

enum outcome exit_pause(struct cpu *cpu)
{
	(void)cpu;
	return OUTCOME_SKIP;
}
