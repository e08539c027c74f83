// SPDX-License-Identifier: MIT
/*
 * RDMSR and WRMSR that exit: those of the MSR table, and those that no bitmap covers. Whatever the
 * guest asks for, a #GP that the access raises is the guest's own.
 *
 * World: root.
 */
#include "../base/msr.h"
#include "root.h"
#include "vmx.h"

/* Read as on a processor whose firmware has locked VMX off. */
static uint64_t feature_control(uint64_t value)
{
	return (value | FEATURE_CONTROL_LOCK) & ~(uint64_t)(FEATURE_CONTROL_OUTSIDE_SMX | 2);
}

enum outcome exit_rdmsr(struct cpu *cpu)
{
	uint32_t msr = (uint32_t)cpu->gpr[RCX];
	const struct msr_rule *rule = msr_rule_find(msr, false);
	uint32_t field = msr_vmcs_field(msr);
	uint64_t value;

	if (rule && rule->policy == MSR_FAULT)
		return inject_gp(cpu);
	if (field)
		value = vmread(field);
	else if (!rdmsr_safe(msr, &value))
		return inject_gp(cpu);
	if (rule && rule->policy == MSR_FEATURE)
		value = feature_control(value);
	cpu->gpr[RAX] = (uint32_t)value;
	cpu->gpr[RDX] = value >> 32;
	return OUTCOME_SKIP;
}

static uint64_t *mtrr_slot(struct mtrr *mtrr, uint32_t msr)
{
	unsigned i;

	if (msr == IA32_MTRR_DEF_TYPE)
		return &mtrr->def_type;
	if (msr >= IA32_MTRR_PHYSBASE0 && msr < IA32_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE_MAX) {
		i = (msr - IA32_MTRR_PHYSBASE0) / 2;
		return msr & 1 ? &mtrr->variable[i].mask : &mtrr->variable[i].base;
	}
	for (i = 0; i < MTRR_FIXED; i++) {
		if (mtrr_fixed_msr[i] == msr)
			return &mtrr->fixed[i];
	}
	return NULL;
}

static enum outcome write_mtrr(struct cpu *cpu, uint32_t msr, uint64_t value)
{
	uint64_t *slot = mtrr_slot(&cpu->machine->mtrr, msr);
	bool exact;

	/*
	 * The operating system writes the same value on every processor, one after the other; the
	 * map changes with the first of them. Who doesn't get the lock lets the guest try again.
	 */
	if (slot && *slot != value) {
		if (!memory_lock(cpu->machine))
			return OUTCOME_RESUME;
		if (!wrmsr_safe(msr, value)) {
			memory_unlock(cpu->machine);
			return inject_gp(cpu);
		}
		*slot = value;
		exact = memory_retype(cpu);
		memory_unlock(cpu->machine);
		RECORD(cpu, MTRR, HP_INFO, msr, value);
		if (!exact)
			RECORD(cpu, MTRR_COARSE, HP_WARN, msr);
		return OUTCOME_SKIP;
	}
	return wrmsr_safe(msr, value) ? OUTCOME_SKIP : inject_gp(cpu);
}

enum outcome exit_wrmsr(struct cpu *cpu)
{
	uint32_t msr = (uint32_t)cpu->gpr[RCX];
	uint64_t value = (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32;
	const struct msr_rule *rule = msr_rule_find(msr, true);

	switch (rule ? rule->policy : MSR_PASS) {
	case MSR_FEATURE:
	case MSR_FAULT:
		return inject_gp(cpu);
	case MSR_IGNORE:
		RECORD(cpu, MICROCODE, HP_WARN, vmread(VMCS_GUEST_RIP));
		return OUTCOME_SKIP;
	case MSR_MTRR:
		return write_mtrr(cpu, msr, value);
	case MSR_PASS:
		break;
	}
	return wrmsr_safe(msr, value) ? OUTCOME_SKIP : inject_gp(cpu);
}
