// SPDX-License-Identifier: MIT
#include "entry_rules.h"

#include <stddef.h>

#include "entry_rules_part.h"

/* In the order in which the processor looks: controls, host, guest, MSRs. */
static const struct entry_part *const parts[] = {
	&entry_rules_controls, &entry_rules_transitions, &entry_rules_host,
	&entry_rules_guest,    &entry_rules_segments,	 &entry_rules_events,
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void entry_capability_unknown(struct entry_capability *capability)
{
	*capability = (struct entry_capability){
#define ENTRY_UNKNOWN(name, member, unknown, where) .member = unknown,
		ENTRY_CAPABILITIES(ENTRY_UNKNOWN)
#undef ENTRY_UNKNOWN
	};
}

void entry_capability_of(struct entry_capability *capability, const struct capability *known)
{
	entry_capability_unknown(capability);
	capability->basic = known->basic;
	capability->misc = known->misc;
	capability->cr0_fixed0 = known->cr0_fixed0;
	capability->cr0_fixed1 = known->cr0_fixed1;
	capability->cr4_fixed0 = known->cr4_fixed0;
	capability->cr4_fixed1 = known->cr4_fixed1;
	capability->pin = known->pin;
	capability->proc = known->proc;
	capability->proc2 = known->proc2;
	capability->exit = known->exit;
	capability->entry = known->entry;
	capability->ept_vpid = known->ept_vpid;
	capability->physical_bits = known->physical_bits;
	capability->linear_bits = capability_linear_bits(known);
	capability->cpuid_7_ebx = known->leaf7.ebx;
	capability->cpuid_7_ecx = known->leaf7.ecx;
}

unsigned entry_rules_count(void)
{
	unsigned i, count = 0;

	for (i = 0; i < PARTS; i++)
		count += parts[i]->rules;
	return count;
}

const struct entry_rule *entry_rules_get(unsigned number)
{
	unsigned i;

	for (i = 0; i < PARTS; i++) {
		if (number < parts[i]->rules)
			return &parts[i]->rule[number];
		number -= parts[i]->rules;
	}
	return NULL;
}

/* SDM: If a set of controls is not activated, the processor acts as if they were all 0. */
static void prepare(struct entry_state *s, const struct vmcs_snapshot *snapshot,
		    const struct entry_capability *capability)
{
	s->value = snapshot->value;
	s->capability = capability;
	s->memory = capability->memory;
	s->pin = (uint32_t)FIELD(s, PIN_CONTROLS);
	s->proc = (uint32_t)FIELD(s, PROC_CONTROLS);
	s->proc2 = s->proc & PROC_SECONDARY ? (uint32_t)FIELD(s, PROC_CONTROLS2) : 0;
	s->proc3 = s->proc & PROC_TERTIARY ? FIELD(s, PROC_CONTROLS3) : 0;
	s->vmfunc = s->proc2 & PROC2_VMFUNC ? FIELD(s, VMFUNC_CONTROLS) : 0;
	s->exit = (uint32_t)FIELD(s, EXIT_CONTROLS);
	s->exit2 = s->exit & EXIT_SECONDARY ? FIELD(s, EXIT_CONTROLS2) : 0;
	s->entry = (uint32_t)FIELD(s, ENTRY_CONTROLS);
	s->event = (uint32_t)FIELD(s, ENTRY_INTERRUPTION);
	s->blocking = (uint32_t)FIELD(s, GUEST_INTERRUPTIBILITY);
	s->cr0 = FIELD(s, GUEST_CR0);
	s->unrestricted = s->proc2 & PROC2_UNRESTRICTED;
	s->ia32e = s->entry & ENTRY_IA32E;
	s->virtual_8086 = FIELD(s, GUEST_RFLAGS) & RFLAGS_VM;
	s->code_64 = s->ia32e && (FIELD(s, GUEST_CS_RIGHTS) & RIGHTS_LONG);
}

/* Controls that a processor may lack altogether are known to be 0 where nothing activates them. */
static bool is_known(const struct vmcs_snapshot *snapshot, unsigned at)
{
	const uint64_t *value = snapshot->value;

	if (snapshot->present[at])
		return true;
	switch (at) {
	case VMCS_AT_PROC_CONTROLS2:
		return snapshot->present[VMCS_AT_PROC_CONTROLS] &&
		       !(value[VMCS_AT_PROC_CONTROLS] & PROC_SECONDARY);
	case VMCS_AT_PROC_CONTROLS3:
		return snapshot->present[VMCS_AT_PROC_CONTROLS] &&
		       !(value[VMCS_AT_PROC_CONTROLS] & PROC_TERTIARY);
	case VMCS_AT_EXIT_CONTROLS2:
		return snapshot->present[VMCS_AT_EXIT_CONTROLS] &&
		       !(value[VMCS_AT_EXIT_CONTROLS] & EXIT_SECONDARY);
	default:
		return false;
	}
}

bool entry_rules_known(const struct vmcs_snapshot *snapshot, const struct entry_rule *rule,
		       unsigned *field)
{
	unsigned i;

	for (i = 0; i < rule->fields; i++) {
		if (!is_known(snapshot, rule->field[i])) {
			*field = rule->field[i];
			return false;
		}
	}
	return true;
}

unsigned entry_rules_check(const struct vmcs_snapshot *snapshot,
			   const struct entry_capability *capability, struct entry_rule_broken *out,
			   unsigned max)
{
	unsigned count = entry_rules_count(), number, field, i, broken = 0;
	struct entry_state state;

	prepare(&state, snapshot, capability);
	for (number = 0; number < count; number++) {
		const struct entry_rule *rule = entry_rules_get(number);
		uint64_t wrong;

		if (!entry_rules_known(snapshot, rule, &field))
			continue;
		wrong = rule->wrong(&state, rule->argument);
		if (!wrong || broken++ >= max)
			continue;
		out->rule = (uint16_t)number;
		out->bits = rule->bits ? wrong : 0;
		for (i = 0; i < ENTRY_RULE_FIELDS; i++)
			out->value[i] = i < rule->fields ? snapshot->value[rule->field[i]] : 0;
		out++;
	}
	return broken;
}

const char *entry_rules_class_text(enum entry_class class)
{
	static const char *const texts[ENTRY_CLASSES] = {
		[ENTRY_CONTROLS] = "VMfail with VM-instruction error 7 (invalid control field)",
		[ENTRY_HOST] = "VMfail with VM-instruction error 8 (invalid host-state field)",
		[ENTRY_GUEST] = "VM exit with reason 33 and bit 31 (invalid guest state)",
		[ENTRY_MSRS] = "VM exit with reason 34 and bit 31 (MSR loading)",
	};

	return texts[class];
}
