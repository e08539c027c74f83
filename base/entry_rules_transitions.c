// SPDX-License-Identifier: MIT
/*
 * The rules for VM-exit and VM-entry controls, the event to inject among them. A broken one makes
 * VMLAUNCH fail with error 7, before anything is loaded.
 *
 * Source: SDM, VM-Exit Control Fields; VM-Entry Control Fields.
 * World: any (pure).
 */
#include "entry_rules_part.h"

#define EXIT  "VM-Exit Control Fields"
#define ENTRY "VM-Entry Control Fields"

/* IA32_VMX_MISC. SDM: Miscellaneous Data. */
#define MISC_LENGTH_0 BIT64(30)

/* IA32_VMX_BASIC. SDM: Basic VMX Information. */
#define BASIC_ANY_ERROR_CODE BIT64(56)

/* --- Reserved bits, and controls that need other controls --- */

static uint64_t exit_controls(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_allowed(FIELD(s, EXIT_CONTROLS), s->capability->exit);
}

static uint64_t exit_controls2(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->exit2 & ~s->capability->exit2;
}

static uint64_t entry_controls(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_allowed(FIELD(s, ENTRY_CONTROLS), s->capability->entry);
}

static uint64_t save_timer(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->exit & EXIT_SAVE_TIMER) && !(s->pin & PIN_PREEMPTION_TIMER);
}

static uint64_t smm_controls(const struct entry_state *s, unsigned control)
{
	return !s->capability->smm && (s->entry >> control & 1);
}

static uint64_t smm_both(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->capability->smm && (s->entry & ENTRY_SMM) && (s->entry & ENTRY_END_DUAL_MONITOR);
}

/* --- MSR areas --- */

enum area { EXIT_STORE, EXIT_LOAD, ENTRY_LOAD };

static uint64_t msr_area(const struct entry_state *s, unsigned area, uint64_t *count)
{
	switch (area) {
	case EXIT_STORE:
		*count = FIELD(s, EXIT_MSR_STORE_COUNT);
		return FIELD(s, EXIT_MSR_STORE);
	case EXIT_LOAD:
		*count = FIELD(s, EXIT_MSR_LOAD_COUNT);
		return FIELD(s, EXIT_MSR_LOAD);
	default:
		*count = FIELD(s, ENTRY_MSR_LOAD_COUNT);
		return FIELD(s, ENTRY_MSR_LOAD);
	}
}

static uint64_t msr_area_start(const struct entry_state *s, unsigned area)
{
	uint64_t count, start = msr_area(s, area, &count);

	return count ? entry_bad_address(s, start, sizeof(struct entry_msr)) : 0;
}

static uint64_t msr_area_end(const struct entry_state *s, unsigned area)
{
	uint64_t count, start = msr_area(s, area, &count);

	if (!count || entry_bad_address(s, start, sizeof(struct entry_msr)))
		return 0;
	return entry_bad_address(s, start + count * sizeof(struct entry_msr) - 1, 1);
}

/* --- The event to inject --- */

static bool event_is(const struct entry_state *s, enum event_type type)
{
	return (s->event & EVENT_VALID) && EVENT_TYPE(s->event) == (unsigned)type;
}

/* Type 1 is reserved; type 7 exists with the monitor trap flag only. */
static uint64_t event_type(const struct entry_state *s, unsigned argument)
{
	bool monitor_trap = s->capability->proc >> 32 & PROC_MONITOR_TRAP;

	(void)argument;
	return event_is(s, 1) || (event_is(s, EVENT_OTHER) && !monitor_trap);
}

static uint64_t event_vector(const struct entry_state *s, unsigned argument)
{
	unsigned vector = EVENT_VECTOR(s->event);

	(void)argument;
	return (event_is(s, EVENT_NMI) && vector != VECTOR_NMI) ||
	       (event_is(s, EVENT_EXCEPTION) && vector >= VECTORS_RESERVED) ||
	       (event_is(s, EVENT_OTHER) && vector != 0);
}

static uint64_t event_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->event & EVENT_VALID ? s->event & 0x7ffff000 : 0;
}

/* Real-mode guests get no error codes. */
static bool may_have_error_code(const struct entry_state *s)
{
	return event_is(s, EVENT_EXCEPTION) && !(s->unrestricted && !(s->cr0 & CR0_PE));
}

static bool has_error_code(unsigned vector)
{
	return vector == VECTOR_DF || (vector >= VECTOR_TS && vector <= VECTOR_PF) ||
	       vector == VECTOR_AC;
}

static uint64_t event_no_error_code(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!(s->event & EVENT_VALID) || !(s->event & EVENT_ERROR_CODE))
		return 0;
	if (!may_have_error_code(s))
		return 1;
	return !(s->capability->basic & BASIC_ANY_ERROR_CODE) &&
	       !has_error_code(EVENT_VECTOR(s->event));
}

static uint64_t event_needs_error_code(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return may_have_error_code(s) && !(s->event & EVENT_ERROR_CODE) &&
	       !(s->capability->basic & BASIC_ANY_ERROR_CODE) &&
	       has_error_code(EVENT_VECTOR(s->event));
}

static uint64_t event_error_code(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!(s->event & EVENT_VALID) || !(s->event & EVENT_ERROR_CODE))
		return 0;
	return FIELD(s, ENTRY_ERROR_CODE) & 0xffff0000;
}

static uint64_t event_length(const struct entry_state *s, unsigned argument)
{
	uint64_t length = FIELD(s, ENTRY_LENGTH);

	(void)argument;
	if (!(s->event & EVENT_VALID) || !event_is_software(s->event))
		return 0;
	return length > 15 || (length == 0 && !(s->capability->misc & MISC_LENGTH_0));
}

/* --- The table --- */

#define X(name, ...)  RULE(name, ENTRY_CONTROLS, EXIT, __VA_ARGS__)
#define XB(name, ...) BITS(name, ENTRY_CONTROLS, EXIT, __VA_ARGS__)
#define Y(name, ...)  RULE(name, ENTRY_CONTROLS, ENTRY, __VA_ARGS__)
#define YB(name, ...) BITS(name, ENTRY_CONTROLS, ENTRY, __VA_ARGS__)

static const struct entry_rule rules[] = {
	XB("exit-controls", exit_controls, 0,
	   "Primary VM-exit controls must have the bits that IA32_VMX_TRUE_EXIT_CTLS (or "
	   "IA32_VMX_EXIT_CTLS) demands, and none that it does not allow.",
	   FIELDS1(EXIT_CONTROLS)),
	XB("exit-controls2", exit_controls2, 0,
	   "With \"activate secondary controls\" of the VM-exit controls, secondary VM-exit "
	   "controls may have no bit that IA32_VMX_EXIT_CTLS2 does not allow.",
	   FIELDS2(EXIT_CONTROLS2, EXIT_CONTROLS)),
	X("save-timer", save_timer, 0,
	  "Without \"activate VMX-preemption timer\", \"save VMX-preemption timer value\" "
	  "must be 0.",
	  FIELDS2(EXIT_CONTROLS, PIN_CONTROLS)),
	XB("exit-msr-store", msr_area_start, EXIT_STORE,
	   "If its count is not 0, the VM-exit MSR-store area must be aligned to 16 bytes and "
	   "within the physical-address width.",
	   FIELDS2(EXIT_MSR_STORE, EXIT_MSR_STORE_COUNT)),
	X("exit-msr-store-end", msr_area_end, EXIT_STORE,
	  "If its count is not 0, the VM-exit MSR-store area must end within the "
	  "physical-address width.",
	  FIELDS2(EXIT_MSR_STORE_COUNT, EXIT_MSR_STORE)),
	XB("exit-msr-load", msr_area_start, EXIT_LOAD,
	   "If its count is not 0, the VM-exit MSR-load area must be aligned to 16 bytes and "
	   "within the physical-address width.",
	   FIELDS2(EXIT_MSR_LOAD, EXIT_MSR_LOAD_COUNT)),
	X("exit-msr-load-end", msr_area_end, EXIT_LOAD,
	  "If its count is not 0, the VM-exit MSR-load area must end within the "
	  "physical-address width.",
	  FIELDS2(EXIT_MSR_LOAD_COUNT, EXIT_MSR_LOAD)),

	YB("entry-controls", entry_controls, 0,
	   "VM-entry controls must have the bits that IA32_VMX_TRUE_ENTRY_CTLS (or "
	   "IA32_VMX_ENTRY_CTLS) demands, and none that it does not allow.",
	   FIELDS1(ENTRY_CONTROLS)),
	Y("entry-to-smm", smm_controls, 10,
	  "Outside system-management mode, \"entry to SMM\" must be 0.", FIELDS1(ENTRY_CONTROLS)),
	Y("deactivate-dual-monitor", smm_controls, 11,
	  "Outside system-management mode, \"deactivate dual-monitor treatment\" must be 0.",
	  FIELDS1(ENTRY_CONTROLS)),
	Y("smm-or-deactivate", smm_both, 0,
	  "\"Entry to SMM\" and \"deactivate dual-monitor treatment\" cannot both be 1.",
	  FIELDS1(ENTRY_CONTROLS)),
	YB("entry-msr-load", msr_area_start, ENTRY_LOAD,
	   "If its count is not 0, the VM-entry MSR-load area must be aligned to 16 bytes and "
	   "within the physical-address width.",
	   FIELDS2(ENTRY_MSR_LOAD, ENTRY_MSR_LOAD_COUNT)),
	Y("entry-msr-load-end", msr_area_end, ENTRY_LOAD,
	  "If its count is not 0, the VM-entry MSR-load area must end within the "
	  "physical-address width.",
	  FIELDS2(ENTRY_MSR_LOAD_COUNT, ENTRY_MSR_LOAD)),
	Y("event-type", event_type, 0,
	  "The type of the event to inject must not be 1, and 7 (other event) only where the "
	  "processor has the monitor trap flag.",
	  FIELDS1(ENTRY_INTERRUPTION)),
	Y("event-vector", event_vector, 0,
	  "The vector of the event to inject must fit its type: 2 for an NMI, at most 31 for a "
	  "hardware exception, 0 for another event.",
	  FIELDS1(ENTRY_INTERRUPTION)),
	YB("event-reserved", event_reserved, 0,
	   "With an event to inject, bits 30:12 of the interruption information must be 0.",
	   FIELDS1(ENTRY_INTERRUPTION)),
	Y("event-no-error-code", event_no_error_code, 0,
	  "An event is injected with an error code only if it is a hardware exception, of a "
	  "vector that has one (unless IA32_VMX_BASIC bit 56 is 1), and not in an unrestricted "
	  "guest with CR0.PE = 0.",
	  FIELDS3(ENTRY_INTERRUPTION, GUEST_CR0, PROC_CONTROLS2)),
	Y("event-needs-error-code", event_needs_error_code, 0,
	  "A hardware exception that has an error code (8, 10 to 14, 17) is injected with one, "
	  "unless IA32_VMX_BASIC bit 56 is 1, or the guest is unrestricted with CR0.PE = 0.",
	  FIELDS3(ENTRY_INTERRUPTION, GUEST_CR0, PROC_CONTROLS2)),
	YB("event-error-code", event_error_code, 0,
	   "Bits 31:16 of an error code to inject must be 0.",
	   FIELDS2(ENTRY_ERROR_CODE, ENTRY_INTERRUPTION)),
	Y("event-length", event_length, 0,
	  "With a software interrupt or a software exception to inject, the instruction length "
	  "must be at most 15, and not 0 where IA32_VMX_MISC bit 30 is 0.",
	  FIELDS2(ENTRY_LENGTH, ENTRY_INTERRUPTION)),
};

const struct entry_part entry_rules_transitions = { rules, sizeof(rules) / sizeof(rules[0]) };
