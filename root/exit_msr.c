// SPDX-License-Identifier: MIT
/*
 * RDMSR and WRMSR that exit: those of the MSR table, those that no bitmap covers, and those that
 * are watched. Whatever the guest asks for, a #GP that the access raises is the guest's own. A
 * value that lives in the VMCS while root runs is read and written there.
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

/*
 * SDM: IA32_DEBUGCTL MSR. The register itself is asked which bits exist; it is 0 while root runs,
 * and is again afterwards. Branch trace messages and stores (TR, BTS, BTINT) would be made at once,
 * with addresses of the guest: whether they exist, CPUID says. BTF does nothing without TF: where
 * even that is not kept, there is no such register (in an emulator), and nothing is.
 */
static bool take_debugctl(struct cpu *cpu, uint64_t value)
{
	uint64_t trace = DEBUGCTL_TR | DEBUGCTL_BTS | DEBUGCTL_BTINT, kept;

	if ((value & trace) && !(cpu->capability.leaf1.edx & CPUID_1_EDX_DS))
		return false;
	if (!wrmsr_safe(IA32_DEBUGCTL, (value & ~trace) | DEBUGCTL_BTF))
		return false;
	if (!rdmsr_safe(IA32_DEBUGCTL, &kept))
		kept = 0;
	wrmsr_safe(IA32_DEBUGCTL, 0);
	undo_vmwrite(VMCS_GUEST_DEBUGCTL, kept & DEBUGCTL_BTF ? (kept | trace) & value : 0);
	return true;
}

/* SDM: IA32_EFER MSR: LMA is read-only, LME can't change while paging is on. */
static bool take_efer(uint64_t value)
{
	uint64_t old = vmread(VMCS_GUEST_EFER);

	if (((old ^ value) & EFER_LME) && (vmread(VMCS_GUEST_CR0) & CR0_PG))
		return false;
	undo_vmwrite(VMCS_GUEST_EFER, (value & ~EFER_LMA) | (old & EFER_LMA));
	return true;
}

static bool take_field(struct cpu *cpu, uint32_t msr, uint32_t field, uint64_t value)
{
	const struct capability *capability = &cpu->capability;
	const struct msr_limits limits = {
		.linear_bits = capability_linear_bits(capability),
		.efer = EFER_LME | EFER_LMA |
			(capability->leaf81.edx & CPUID_81_EDX_SYSCALL ? EFER_SCE : 0) |
			(capability->leaf81.edx & CPUID_81_EDX_NX ? EFER_NXE : 0),
	};

	if (!msr_value_valid(msr, value, &limits))
		return false;
	if (msr == IA32_DEBUGCTL)
		return take_debugctl(cpu, value);
	if (msr == IA32_EFER)
		return take_efer(value);
	/* IA32_SYSENTER_CS has 32 bits there. */
	undo_vmwrite(field, msr == IA32_SYSENTER_CS ? (uint32_t)value : value);
	return true;
}

enum outcome exit_wrmsr(struct cpu *cpu)
{
	uint32_t msr = (uint32_t)cpu->gpr[RCX];
	uint64_t value = (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32;
	const struct msr_rule *rule = msr_rule_find(msr, true);
	uint32_t field = msr_vmcs_field(msr);

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
	if (field)
		return take_field(cpu, msr, field, value) ? OUTCOME_SKIP : inject_gp(cpu);
	return wrmsr_safe(msr, value) ? OUTCOME_SKIP : inject_gp(cpu);
}
