/* SPDX-License-Identifier: MIT */
/*
 * What the files of the entry rules share: the state that a rule looks at, the way to write a rule
 * down, and the questions that several rules ask. Each file has a table, in the manual's order:
 * entry_rules_controls.c, _transitions.c (VM-exit and VM-entry controls), _host.c, _guest.c
 * (registers), _segments.c, _events.c (non-register state, PDPTEs, MSR loading).
 *
 * World: any (pure).
 */
#ifndef BASE_ENTRY_RULES_PART_H
#define BASE_ENTRY_RULES_PART_H

#include "entry_rules.h"

/* A snapshot, with the controls that are not activated at 0, as the processor treats them. */
struct entry_state {
	const uint64_t *value; /* by enum vmcs_at */
	const struct entry_capability *capability;
	const struct entry_memory *memory; /* or NULL */
	uint32_t pin, proc, proc2, exit, entry, event, blocking;
	uint64_t proc3, exit2, vmfunc, cr0;
	bool unrestricted, ia32e, virtual_8086, code_64;
};

struct entry_part {
	const struct entry_rule *rule;
	unsigned rules;
};

extern const struct entry_part entry_rules_controls, entry_rules_transitions, entry_rules_host,
	entry_rules_guest, entry_rules_segments, entry_rules_events;

#define FIELD(s, name) ((s)->value[VMCS_AT_##name])

#define FIELDS1(a)	 .fields = 1, .field = { VMCS_AT_##a }
#define FIELDS2(a, b)	 .fields = 2, .field = { VMCS_AT_##a, VMCS_AT_##b }
#define FIELDS3(a, b, c) .fields = 3, .field = { VMCS_AT_##a, VMCS_AT_##b, VMCS_AT_##c }
#define FIELDS4(a, b, c, d)                                                                        \
	.fields = 4, .field = { VMCS_AT_##a, VMCS_AT_##b, VMCS_AT_##c, VMCS_AT_##d }
#define FIELDS5(a, b, c, d, e)                                                                     \
	.fields = 5, .field = { VMCS_AT_##a, VMCS_AT_##b, VMCS_AT_##c, VMCS_AT_##d, VMCS_AT_##e }

/*
 * A row of a table: the rule's id, class and section, the function that finds what is wrong and its
 * argument, the rule in words, FIELDSn(...). BITS: what is found are wrong bits of the first field.
 */
#define RULE(name, kind, title, function, value, sentence, ...)                                    \
	{                                                                                          \
		.id = name, .text = sentence, .section = title, .class = kind, .wrong = function,  \
		.argument = value, __VA_ARGS__                                                     \
	}
#define BITS(...) RULE(__VA_ARGS__, .bits = true)

/* The bits of `value` that a control's capability MSR does not allow as they are. */
static inline uint32_t entry_bits_not_allowed(uint64_t value, uint64_t capability)
{
	uint32_t must = (uint32_t)capability, may = (uint32_t)(capability >> 32);

	return (must & ~(uint32_t)value) | ((uint32_t)value & ~may);
}

/* SDM: VMX-Fixed Bits in CR0. Bits of FIXED0 must be 1, those that FIXED1 has not must be 0. */
static inline uint64_t entry_bits_not_fixed(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
	return (fixed0 & ~value) | (value & ~fixed1);
}

/* SDM: "canonical", for the linear addresses that the processor has. */
static inline uint64_t entry_not_canonical(const struct entry_state *s, uint64_t address)
{
	unsigned unused = 64 - (unsigned)s->capability->linear_bits;

	return (uint64_t)((int64_t)(address << unused) >> unused) != address;
}

/* SDM: Checks on Guest RIP, RFLAGS, and SSP: do bits 63:N differ, N being the linear-address width?
 */
static inline bool entry_beyond_linear(const struct entry_state *s, uint64_t address)
{
	uint64_t high = address >> s->capability->linear_bits;

	return high && high != ~0ull >> s->capability->linear_bits;
}

/* The bits above the physical-address width, in a field that the CPU's width limits. */
static inline uint64_t entry_beyond_width(const struct entry_state *s, uint64_t address)
{
	return address & ~(BIT64(s->capability->physical_bits) - 1);
}

/* SDM: Linear-Address Masking: LAM_U57 and LAM_U48 may be set in CR3 where the processor has them.
 */
static inline uint64_t entry_bad_cr3(const struct entry_state *s, uint64_t cr3)
{
	if (s->capability->cpuid_71_eax & CPUID_71_EAX_LAM)
		cr3 &= ~CR3_LAM;
	return entry_beyond_width(s, cr3);
}

/*
 * The bits that an address of a structure may not have: those of the alignment and those beyond the
 * width. SDM: Basic VMX Information, bit 48: such addresses may be limited to 32 bits.
 */
static inline uint64_t entry_bad_address(const struct entry_state *s, uint64_t address,
					 uint64_t alignment)
{
	uint64_t limit = BIT64(s->capability->physical_bits);

	if (s->capability->basic & BIT64(48))
		limit = BIT64(32);
	return address & (~(limit - 1) | (alignment - 1));
}

/* SDM: IA32_PAT MSR: memory types 0, 1, 4, 5, 6 and 7. Returns the bits of those that are not. */
static inline uint64_t entry_bad_pat(uint64_t pat)
{
	uint64_t wrong = 0;
	unsigned i;

	for (i = 0; i < 64; i += 8) {
		uint8_t type = (uint8_t)(pat >> i);

		if (type > 7 || type == 2 || type == 3)
			wrong |= (uint64_t)type << i;
	}
	return wrong;
}

/* SDM: Control-Flow Enforcement Technology: bits of IA32_S_CET. */
#define S_CET_RESERVED 0x3c0ull
#define S_CET_SUPPRESS BIT64(10)
#define S_CET_TRACKER  BIT64(11)

static inline bool entry_bad_s_cet_tracker(uint64_t s_cet)
{
	return (s_cet & S_CET_SUPPRESS) && (s_cet & S_CET_TRACKER);
}

#endif
