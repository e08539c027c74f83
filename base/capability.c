// SPDX-License-Identifier: MIT
#include "capability.h"

#include <string.h>

#include "msr.h"
#include "vmcs.h"

/* IA32_VMX_BASIC. SDM: Basic VMX Information. */
#define BASIC_MEMORY_TYPE(basic) ((basic) >> 50 & 0xf)
#define BASIC_WRITE_BACK	 6
#define BASIC_TRUE_CONTROLS	 BIT64(55)

/* IA32_VMX_EPT_VPID_CAP. SDM: VPID and EPT Capabilities. */
#define EPT_CAP_WALK_4	      BIT64(6)
#define EPT_CAP_WRITE_BACK    BIT64(14)
#define EPT_CAP_2M	      BIT64(16)
#define EPT_CAP_1G	      BIT64(17)
#define EPT_CAP_INVEPT	      BIT64(20)
#define EPT_CAP_INVEPT_SINGLE BIT64(25)
#define EPT_CAP_INVEPT_ALL    BIT64(26)
#define EPT_CAP_INVVPID	      BIT64(32)
#define EPT_CAP_INVVPID_ALL   BIT64(42)

#define PIN_NEEDED   (PIN_NMI | PIN_VIRTUAL_NMIS)
#define PROC_NEEDED  (PROC_MSR_BITMAPS | PROC_SECONDARY)
#define PROC2_NEEDED (PROC2_EPT | PROC2_VPID)
#define EXIT_NEEDED                                                                                \
	(EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |         \
	 EXIT_LOAD_EFER)
#define ENTRY_NEEDED (ENTRY_LOAD_DEBUG | ENTRY_IA32E | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER)

/*
 * Instructions that are #UD in VMX non-root operation unless a secondary control enables them:
 * where CPUID announces one, the control is set, or, if the processor lacks it, the announcement
 * hidden.
 */
static const struct instruction {
	uint32_t leaf, subleaf;
	uint8_t reg; /* 0 EAX, 1 EBX, 2 ECX, 3 EDX */
	uint8_t bit;
	uint32_t control;
} instructions[] = {
	{ 0x80000001u, 0, 3, 27, PROC2_RDTSCP }, { 7, 0, 1, 10, PROC2_INVPCID },
	{ 7, 0, 2, 5, PROC2_USER_WAIT_PAUSE },	 { 7, 0, 3, 18, PROC2_PCONFIG },
	{ 0xd, 1, 0, 3, PROC2_XSAVES },
};
#define INSTRUCTIONS (sizeof(instructions) / sizeof(instructions[0]))

static uint32_t *reg_of(struct cpuid_result *result, uint8_t reg)
{
	uint32_t *const regs[] = { &result->eax, &result->ebx, &result->ecx, &result->edx };

	return regs[reg];
}

static struct cpuid_result *leaf_of(struct capability *capability, uint32_t leaf)
{
	switch (leaf) {
	case 7:
		return &capability->leaf7;
	case 0xd:
		return &capability->leafd1;
	default:
		return &capability->leaf81;
	}
}

static bool announced(const struct capability *capability, const struct instruction *instruction)
{
	struct cpuid_result leaf = *leaf_of((struct capability *)capability, instruction->leaf);

	return *reg_of(&leaf, instruction->reg) >> instruction->bit & 1;
}

static uint64_t read_or_zero(const struct capability_source *source, uint32_t msr)
{
	uint64_t value;

	return source->rdmsr(source->context, msr, &value) ? value : 0;
}

static bool can(uint64_t capability, uint32_t controls)
{
	return (capability >> 32 & controls) == controls;
}

static void read_leaves(struct capability *capability, const struct capability_source *source)
{
	struct cpuid_result leaf0, leaf80, leaf88;

	source->cpuid(source->context, 0, 0, &leaf0);
	source->cpuid(source->context, 1, 0, &capability->leaf1);
	if (leaf0.eax >= 7)
		source->cpuid(source->context, 7, 0, &capability->leaf7);
	if (leaf0.eax >= 0xd)
		source->cpuid(source->context, 0xd, 1, &capability->leafd1);
	source->cpuid(source->context, 0x80000000u, 0, &leaf80);
	if (leaf80.eax >= 0x80000001u)
		source->cpuid(source->context, 0x80000001u, 0, &capability->leaf81);
	capability->physical_bits = 36;
	if (leaf80.eax >= 0x80000008u) {
		source->cpuid(source->context, 0x80000008u, 0, &leaf88);
		capability->physical_bits = (uint8_t)leaf88.eax;
	}
}

void capability_read(struct capability *capability, const struct capability_source *source)
{
	memset(capability, 0, sizeof(*capability));
	read_leaves(capability, source);
	capability->cr4 = source->cr4(source->context);
	if (!(capability->leaf1.ecx & CPUID_1_ECX_VMX))
		return;
	capability->feature_control = read_or_zero(source, IA32_FEATURE_CONTROL);
	capability->basic = read_or_zero(source, IA32_VMX_BASIC);
	capability->misc = read_or_zero(source, IA32_VMX_MISC);
	capability->cr0_fixed0 = read_or_zero(source, IA32_VMX_CR0_FIXED0);
	capability->cr0_fixed1 = read_or_zero(source, IA32_VMX_CR0_FIXED1);
	capability->cr4_fixed0 = read_or_zero(source, IA32_VMX_CR4_FIXED0);
	capability->cr4_fixed1 = read_or_zero(source, IA32_VMX_CR4_FIXED1);
	if (!(capability->basic & BASIC_TRUE_CONTROLS))
		return;
	capability->pin = read_or_zero(source, IA32_VMX_TRUE_PINBASED);
	capability->proc = read_or_zero(source, IA32_VMX_TRUE_PROCBASED);
	capability->exit = read_or_zero(source, IA32_VMX_TRUE_EXIT);
	capability->entry = read_or_zero(source, IA32_VMX_TRUE_ENTRY);
	/* SDM: the MSR exists only if the secondary controls can be activated. */
	if (can(capability->proc, PROC_SECONDARY))
		capability->proc2 = read_or_zero(source, IA32_VMX_PROCBASED_CTLS2);
	if (can(capability->proc2, PROC2_EPT) || can(capability->proc2, PROC2_VPID))
		capability->ept_vpid = read_or_zero(source, IA32_VMX_EPT_VPID_CAP);
}

static const enum hp_error errors[HP_REQUIREMENT_COUNT] = {
#define REQUIREMENT_ERROR(name, number, text, error) [HP_REQUIREMENT_##name] = HP_ERROR_##error,
	HP_REQUIREMENTS(REQUIREMENT_ERROR)
#undef REQUIREMENT_ERROR
};

static void judge(struct hp_check *check, enum hp_requirement_id id, bool ok, uint64_t found)
{
	check->requirement[id].verdict = ok ? HP_CHECK_OK : HP_CHECK_MISSING;
	check->requirement[id].found = found;
	if (!ok && check->error == HP_ERROR_OK)
		check->error = errors[id];
}

static bool all(uint64_t value, uint64_t bits)
{
	return (value & bits) == bits;
}

static void judge_ept(const struct capability *c, struct hp_check *check)
{
	judge(check, HP_REQUIREMENT_EPT_WALK, all(c->ept_vpid, EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK),
	      c->ept_vpid);
	judge(check, HP_REQUIREMENT_INVEPT,
	      all(c->ept_vpid, EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL),
	      c->ept_vpid);
	judge(check, HP_REQUIREMENT_VPID,
	      can(c->proc2, PROC2_VPID) && all(c->ept_vpid, EPT_CAP_INVVPID | EPT_CAP_INVVPID_ALL),
	      c->ept_vpid);
	judge(check, HP_REQUIREMENT_EPT_2M, all(c->ept_vpid, EPT_CAP_2M), c->ept_vpid);
	judge(check, HP_REQUIREMENT_EPT_1G, all(c->ept_vpid, EPT_CAP_1G), c->ept_vpid);
}

static void judge_controls(const struct capability *c, struct hp_check *check)
{
	unsigned i;
	bool ok = true;

	judge(check, HP_REQUIREMENT_NMI, can(c->pin, PIN_NEEDED), c->pin);
	judge(check, HP_REQUIREMENT_MSR_BITMAPS, can(c->proc, PROC_MSR_BITMAPS), c->proc);
	judge(check, HP_REQUIREMENT_SWITCH_EFER_PAT,
	      can(c->exit, EXIT_NEEDED) && can(c->entry, ENTRY_NEEDED), c->exit);
	judge(check, HP_REQUIREMENT_UNRESTRICTED, can(c->proc2, PROC2_UNRESTRICTED), c->proc2);
	for (i = 0; i < INSTRUCTIONS; i++) {
		if (announced(c, &instructions[i]) && !can(c->proc2, instructions[i].control))
			ok = false;
	}
	judge(check, HP_REQUIREMENT_INSTRUCTIONS, ok, c->proc2);
}

void capability_check(const struct capability *c, struct hp_check *check)
{
	bool vmx = c->leaf1.ecx & CPUID_1_ECX_VMX;
	bool locked_off = (c->feature_control & FEATURE_CONTROL_LOCK) &&
			  !(c->feature_control & FEATURE_CONTROL_OUTSIDE_SMX);
	bool ept = can(c->proc2, PROC2_EPT);

	memset(check->requirement, 0, sizeof(check->requirement));
	check->error = HP_ERROR_OK;
	judge(check, HP_REQUIREMENT_LONG_MODE,
	      all(c->leaf81.edx, CPUID_81_EDX_LM | CPUID_81_EDX_NX), c->leaf81.edx);
	judge(check, HP_REQUIREMENT_VMX, vmx, c->leaf1.ecx);
	if (!vmx)
		return;
	judge(check, HP_REQUIREMENT_FEATURE_CONTROL, !locked_off, c->feature_control);
	judge(check, HP_REQUIREMENT_KVM, !c->kvm_loaded, c->kvm_loaded);
	judge(check, HP_REQUIREMENT_NOT_IN_USE, !(c->cr4 & CR4_VMXE), c->cr4);
	judge(check, HP_REQUIREMENT_WRITE_BACK, BASIC_MEMORY_TYPE(c->basic) == BASIC_WRITE_BACK,
	      c->basic);
	/* The lack that a user knows by its name comes before that of the finer capabilities. */
	if (c->basic & BASIC_TRUE_CONTROLS)
		judge(check, HP_REQUIREMENT_EPT, ept, c->proc2);
	else
		judge(check, HP_REQUIREMENT_EPT, false, 0);
	judge(check, HP_REQUIREMENT_TRUE_CONTROLS, all(c->basic, BASIC_TRUE_CONTROLS), c->basic);
	if (!(c->basic & BASIC_TRUE_CONTROLS))
		return;
	if (ept)
		judge_ept(c, check);
	judge_controls(c, check);
}

/* SDM: Algorithms for Determining VMX Capabilities: low half: must be 1; high half: may be 1. */
static uint32_t control(uint64_t capability, uint32_t wanted)
{
	return (wanted | (uint32_t)capability) & (uint32_t)(capability >> 32);
}

void capability_controls(const struct capability *c, struct vmx_controls *controls)
{
	uint32_t proc2 = PROC2_NEEDED | PROC2_UNRESTRICTED | PROC2_CONCEAL_PT;
	unsigned i;

	for (i = 0; i < INSTRUCTIONS; i++) {
		if (announced(c, &instructions[i]))
			proc2 |= instructions[i].control;
	}
	controls->pin = control(c->pin, PIN_NEEDED);
	controls->proc = control(c->proc, PROC_NEEDED);
	controls->proc2 = control(c->proc2, proc2);
	controls->exit = control(c->exit, EXIT_NEEDED | EXIT_CONCEAL_PT);
	controls->entry = control(c->entry, ENTRY_NEEDED | ENTRY_CONCEAL_PT);
}

void capability_mask_cpuid(uint32_t proc2, uint32_t leaf, uint32_t subleaf,
			   struct cpuid_result *result)
{
	unsigned i;

	if (leaf == 1)
		result->ecx &= ~(uint32_t)(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX);
	for (i = 0; i < INSTRUCTIONS; i++) {
		const struct instruction *instruction = &instructions[i];
		/* Leaf 80000001H has no subleaves. */
		bool here = leaf == instruction->leaf &&
			    (subleaf == instruction->subleaf || leaf == 0x80000001u);

		if (here && !(proc2 & instruction->control))
			*reg_of(result, instruction->reg) &= ~(1u << instruction->bit);
	}
}
