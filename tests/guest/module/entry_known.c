// SPDX-License-Identifier: GPL-2.0
/*
 * The verdict of base/entry_rules on a state, and the one to be expected of the lab's processor,
 * which is an emulator: a table holds what Bochs 2.7 is known to do otherwise than the manual says.
 * A difference that the table doesn't explain is a difference.
 *
 * World: the guest's kernel.
 */
#include "entry_inside.h"

#include <stddef.h>
#include <string.h>

#include "tree/root/vmx.h"

static const struct vmcs_snapshot *now; /* the state that is judged */

#define NOW(name) (now->value[VMCS_AT_##name])

static bool event_is(enum event_type type)
{
	uint32_t event = (uint32_t)NOW(ENTRY_INTERRUPTION);

	return (event & EVENT_VALID) && EVENT_TYPE(event) == type;
}

static bool with_type_7(const struct entry_rule_broken *broken)
{
	(void)broken;
	return event_is(EVENT_OTHER);
}

/* The first field is the count. */
static bool with_4_gib(const struct entry_rule_broken *broken)
{
	return broken->value[0] * sizeof(struct entry_msr) >> 32;
}

static bool with_null_ss(const struct entry_rule_broken *broken)
{
	(void)broken;
	return (NOW(ENTRY_CONTROLS) & ENTRY_IA32E) && (NOW(GUEST_CS_RIGHTS) & RIGHTS_LONG) &&
	       !(NOW(GUEST_SS) & ~(uint64_t)SELECTOR_RPL);
}

static bool with_code_in_cs(const struct entry_rule_broken *broken)
{
	(void)broken;
	return NOW(GUEST_CS_RIGHTS) & RIGHTS_CODE;
}

/* The first field is the rights. */
static bool with_type_11(const struct entry_rule_broken *broken)
{
	return RIGHTS_TYPE(broken->value[0]) == 11;
}

static bool with_other_rpl(const struct entry_rule_broken *broken)
{
	uint32_t rights = (uint32_t)NOW(GUEST_CS_RIGHTS), rpl = NOW(GUEST_CS) & SELECTOR_RPL;
	bool conforming = rights & 4;

	(void)broken;
	if ((NOW(GUEST_RFLAGS) & RFLAGS_VM) || !(rights & RIGHTS_CODE))
		return false;
	return conforming ? rpl < RIGHTS_DPL(rights) : rpl != RIGHTS_DPL(rights);
}

static bool with_vector_18(const struct entry_rule_broken *broken)
{
	(void)broken;
	return EVENT_VECTOR(NOW(ENTRY_INTERRUPTION)) == VECTOR_MC;
}

static bool in_real_mode(const struct entry_rule_broken *broken)
{
	(void)broken;
	return !(NOW(ENTRY_CONTROLS) & ENTRY_IA32E);
}

static bool above_bit_31(const struct entry_rule_broken *broken)
{
	return !(broken->bits & 0xffffffff);
}

static bool without_x2apic(const struct entry_rule_broken *broken)
{
	struct cpuid_result leaf;

	(void)broken;
	cpuid(1, 0, &leaf);
	return !(leaf.ecx & BIT64(21));
}

enum effect {
	NOT_CHECKED, /* the entry goes on */
	LATER,	     /* the guest state is refused instead */
	WILD,	     /* the entry goes on, with a state that can't be */
	EITHER,	     /* the entry may go on: not tried, if that counts */
	DEMANDED,    /* no rule of the manual's: refused as a guest state */
};

/* What Bochs 2.7 does otherwise than the manual says. */
static const struct known {
	const char *rule;
	bool (*when)(const struct entry_rule_broken *broken); /* NULL: always */
	enum effect effect;
} known[] = {
	/* VM-Entry Control Fields: "entry to SMM" outside SMM is an invalid control. Bochs looks at
	 * the guest's blocking by SMI only, which has to be 1 for it and can't be 1. */
	{ "entry-to-smm", NULL, LATER },
	/* VM-Entry Control Fields: without the monitor trap flag type 7 is reserved. Bochs accepts
	 * it, with any vector, and panics as it injects. */
	{ "event-type", with_type_7, WILD },
	{ "event-vector", with_type_7, WILD },
	/* VM-Exit Control Fields, VM-Entry Control Fields: where an MSR area ends. Bochs takes 32
	 * bits of its length. */
	{ "exit-msr-store-end", with_4_gib, EITHER },
	{ "exit-msr-load-end", with_4_gib, EITHER },
	{ "entry-msr-load-end", with_4_gib, EITHER },
	/* Checks on Host Control Registers, MSRs, and SSP; Checks on Guest Control Registers, Debug
	 * Registers, and MSRs: reserved bits of IA32_PERF_GLOBAL_CTRL and IA32_DEBUGCTL. Bochs has
	 * neither register. */
	{ "host-perf-global", NULL, NOT_CHECKED },
	{ "guest-perf-global", NULL, NOT_CHECKED },
	{ "guest-debugctl", NULL, NOT_CHECKED },
	/* The same: an IA-32e mode guest has paging on. Bochs looks at CR4.PAE only. */
	{ "guest-ia32e-paging", NULL, WILD },
	/* Checks on Guest RIP, RFLAGS, and SSP: bits 63:N of RIP are the same. */
	{ "guest-rip-width", NULL, NOT_CHECKED },
	/* The same: no RFLAGS.VM with CR0.PE = 0. Bochs refuses it in IA-32e mode only. */
	{ "guest-rflags-vm", in_real_mode, WILD },
	/* Checks on Guest Segment Registers: the DPL of CS has to fit that of SS. Bochs demands
	 * that it fits the RPL of CS, which is the same but in an unrestricted guest. */
	{ "guest-cs-dpl", with_code_in_cs, NOT_CHECKED },
	{ "(rpl-of-cs)", with_other_rpl, DEMANDED },
	/* The same: DPL and RPL of data segments are compared up to type 11. Bochs: up to type 10.
	 */
	{ "guest-es-dpl", with_type_11, NOT_CHECKED },
	{ "guest-ds-dpl", with_type_11, NOT_CHECKED },
	{ "guest-fs-dpl", with_type_11, NOT_CHECKED },
	{ "guest-gs-dpl", with_type_11, NOT_CHECKED },
	/* The same: SS is looked at if it is usable. In 64-bit mode, Bochs looks at nothing of SS
	 * if its selector is null. */
	{ "guest-ss-base-high", with_null_ss, NOT_CHECKED },
	{ "guest-ss-type", with_null_ss, NOT_CHECKED },
	{ "guest-ss-s", with_null_ss, NOT_CHECKED },
	{ "guest-ss-present", with_null_ss, NOT_CHECKED },
	{ "guest-ss-reserved", with_null_ss, NOT_CHECKED },
	{ "guest-ss-granularity", with_null_ss, NOT_CHECKED },
	/* Checks on Guest Non-Register State: what may be injected in HLT; in shutdown, Bochs
	 * accepts any event of vector 18. */
	{ "guest-activity-hlt-event", NULL, NOT_CHECKED },
	{ "guest-activity-shutdown-event", with_vector_18, NOT_CHECKED },
	/* The same: no NMI while NMIs are blocked, with virtual NMIs. */
	{ "guest-blocking-virtual-nmi", NULL, NOT_CHECKED },
	/* The same: pending debug exceptions. Bochs looks at bits 31:0, and not at BS. */
	{ "guest-pending-reserved", above_bit_31, NOT_CHECKED },
	{ "guest-pending-step", NULL, NOT_CHECKED },
	{ "guest-pending-no-step", NULL, NOT_CHECKED },
	/* Loading MSRs: the lab ignores MSRs that the emulator doesn't know. */
	{ "load-msr-smm", NULL, NOT_CHECKED },
	{ "load-msr-x2apic", without_x2apic, NOT_CHECKED },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

static unsigned int explained_by[KNOWN];

static const struct known *known_find(const struct entry_rule_broken *broken)
{
	const char *id = entry_rules_get(broken->rule)->id;
	unsigned int i;

	for (i = 0; i < KNOWN; i++) {
		if (!strcmp(known[i].rule, id) && (!known[i].when || known[i].when(broken)))
			return &known[i];
	}
	return NULL;
}

static bool is_demanded(const struct known *other)
{
	return other->effect == DEMANDED && other->when(NULL);
}

/* --- Verdicts --- */

void entry_known_judge(const struct vmcs_snapshot *snapshot,
		       const struct entry_capability *capability, struct entry_judgement *j)
{
	unsigned int i;

	now = snapshot;
	j->count = entry_rules_check(snapshot, capability, j->broken, ENTRY_BROKEN_MAX);
	j->ours = j->count ? (enum verdict)entry_rules_get(j->broken[0].rule)->class
			   : VERDICT_ENTERED;
	j->expected = VERDICT_ENTERED;
	j->wild = j->either = false;
	for (i = 0; i < j->count && i < ENTRY_BROKEN_MAX; i++) {
		const struct known *other = known_find(&j->broken[i]);
		enum verdict verdict = (enum verdict)entry_rules_get(j->broken[i].rule)->class;

		if (other && other->effect == WILD)
			j->wild = true;
		if (other && other->effect == EITHER)
			j->either = true;
		if (other && other->effect != LATER)
			continue;
		if (other)
			verdict = VERDICT_GUEST;
		if (verdict < j->expected)
			j->expected = verdict;
	}
	for (i = 0; i < KNOWN; i++) {
		if (is_demanded(&known[i]) && j->expected > VERDICT_GUEST)
			j->expected = VERDICT_GUEST;
	}
}

void entry_known_count(const struct entry_judgement *j)
{
	unsigned int i;

	for (i = 0; i < j->count && i < ENTRY_BROKEN_MAX; i++) {
		const struct known *other = known_find(&j->broken[i]);

		if (other)
			explained_by[other - known]++;
	}
	for (i = 0; i < KNOWN; i++)
		explained_by[i] += is_demanded(&known[i]);
}

/* Of all states since the last time. */
void entry_known_say(void (*say)(const char *format, ...))
{
	unsigned int i;

	for (i = 0; i < KNOWN; i++) {
		if (explained_by[i])
			say("explained: %s, %u", known[i].rule, explained_by[i]);
	}
	memset(explained_by, 0, sizeof(explained_by));
}
