// SPDX-License-Identifier: MIT
/*
 * The rules that a failed VM entry has broken: base/entry_rules over what the report has of the
 * VMCS and of the processor. See report.h.
 */
#include "report.h"

_Static_assert((unsigned)VMCS_FIELDS_COUNT <= HP_REPORT_FIELDS,
	       "a report has room for every field");

static void take_fields(struct vmcs_snapshot *snapshot, const struct hp_report *report)
{
	unsigned i;

	for (i = 0; i < VMCS_FIELDS_COUNT; i++) {
		snapshot->present[i] = report->present[i / 64] >> (i % 64) & 1;
		snapshot->value[i] = snapshot->present[i] ? report->field[i] : 0;
	}
}

/* In the order of hp_report.capability. Widths that no processor has are taken for unknown. */
static void take_capabilities(struct entry_capability *capability, const struct hp_report *report)
{
	uint64_t *const members[HP_REPORT_CAPABILITIES] = {
		&capability->basic,	 &capability->misc,	  &capability->cr0_fixed0,
		&capability->cr0_fixed1, &capability->cr4_fixed0, &capability->cr4_fixed1,
		&capability->pin,	 &capability->proc,	  &capability->proc2,
		&capability->exit,	 &capability->entry,	  &capability->ept_vpid,
	};
	unsigned i;

	entry_capability_unknown(capability);
	for (i = 0; i < HP_REPORT_CAPABILITIES; i++)
		*members[i] = report->capability[i];
	if (report->physical_bits >= 32 && report->physical_bits <= 52)
		capability->physical_bits = report->physical_bits;
	if (report->linear_bits == 48 || report->linear_bits == 57)
		capability->linear_bits = report->linear_bits;
}

unsigned report_rules(const struct hp_report *report, struct entry_rule_broken *broken,
		      unsigned max)
{
	struct entry_capability capability;
	struct vmcs_snapshot snapshot;

	take_fields(&snapshot, report);
	take_capabilities(&capability, report);
	return entry_rules_check(&snapshot, &capability, broken, max);
}
