/* SPDX-License-Identifier: MIT */
/*
 * Why does a VM entry fail? The processor says only of which kind the broken rule is. Here are the
 * manual's rules for controls, host state, guest state and the VM-entry MSR-load area, one by one,
 * as a pure function over what a VMCS holds: it names each rule that is broken.
 *
 * A rule is looked at only when all the fields that it concerns are known. What a rule needs of the
 * processor's abilities and is not known has to be the most permissive value
 * (entry_capability_unknown), so that nothing is called broken that may be right.
 *
 * Source: SDM, VM Entries. docs/entry-rules.md is made from this table, and says what is left out.
 * World: any (pure).
 */
#ifndef BASE_ENTRY_RULES_H
#define BASE_ENTRY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "capability.h"
#include "vmcs.h"

/* How an entry ends that breaks a rule, in the order in which the processor looks. */
enum entry_class {
	ENTRY_CONTROLS, /* VMfail, VM-instruction error 7 */
	ENTRY_HOST,	/* VMfail, VM-instruction error 8 */
	ENTRY_GUEST,	/* exit reason 33, with bit 31 */
	ENTRY_MSRS,	/* exit reason 34, with bit 31 */
	ENTRY_CLASSES
};

/* X(NAME, member, what is assumed when it is not known, where it is read) */
#define ENTRY_CAPABILITIES(X)                                                                      \
	X(BASIC, basic, BIT64(56), "IA32_VMX_BASIC (480H)")                                        \
	X(PIN, pin, ENTRY_ANY_CONTROLS, "IA32_VMX_TRUE_PINBASED_CTLS (48DH), else 481H")           \
	X(PROC, proc, ENTRY_ANY_CONTROLS, "IA32_VMX_TRUE_PROCBASED_CTLS (48EH), else 482H")        \
	X(PROC2, proc2, ENTRY_ANY_CONTROLS, "IA32_VMX_PROCBASED_CTLS2 (48BH)")                     \
	X(PROC3, proc3, ~0ull, "IA32_VMX_PROCBASED_CTLS3 (492H)")                                  \
	X(EXIT, exit, ENTRY_ANY_CONTROLS, "IA32_VMX_TRUE_EXIT_CTLS (48FH), else 483H")             \
	X(EXIT2, exit2, ~0ull, "IA32_VMX_EXIT_CTLS2 (493H)")                                       \
	X(ENTRY, entry, ENTRY_ANY_CONTROLS, "IA32_VMX_TRUE_ENTRY_CTLS (490H), else 484H")          \
	X(MISC, misc, 0x400401c0ull, "IA32_VMX_MISC (485H)")                                       \
	X(CR0_FIXED0, cr0_fixed0, 0, "IA32_VMX_CR0_FIXED0 (486H)")                                 \
	X(CR0_FIXED1, cr0_fixed1, ~0ull, "IA32_VMX_CR0_FIXED1 (487H)")                             \
	X(CR4_FIXED0, cr4_fixed0, 0, "IA32_VMX_CR4_FIXED0 (488H)")                                 \
	X(CR4_FIXED1, cr4_fixed1, ~0ull, "IA32_VMX_CR4_FIXED1 (489H)")                             \
	X(EPT_VPID, ept_vpid, ~0ull, "IA32_VMX_EPT_VPID_CAP (48CH)")                               \
	X(VMFUNC, vmfunc, ~0ull, "IA32_VMX_VMFUNC (491H)")                                         \
	X(PHYSICAL_BITS, physical_bits, 52, "CPUID.80000008H:EAX[7:0]")                            \
	X(LINEAR_BITS, linear_bits, 57, "57 with CPUID.7.0:ECX[16] (LA57), else 48")               \
	X(CPUID_7_EBX, cpuid_7_ebx, 0xffffffff, "CPUID.7.0:EBX")                                   \
	X(CPUID_7_ECX, cpuid_7_ecx, 0xffffffff, "CPUID.7.0:ECX")                                   \
	X(CPUID_71_EAX, cpuid_71_eax, 0xffffffff, "CPUID.7.1:EAX")                                 \
	X(EFER, efer, ~0ull, "the bits that exist in IA32_EFER")                                   \
	X(DEBUGCTL, debugctl, ~0ull, "the bits that exist in IA32_DEBUGCTL")                       \
	X(PERF_GLOBAL, perf_global, ~0ull, "the bits that exist in IA32_PERF_GLOBAL_CTRL")         \
	X(RTIT_CTL, rtit_ctl, ~0ull, "the bits that exist in IA32_RTIT_CTL")                       \
	X(IA32E, ia32e, 1, "1 if the entry is made in IA-32e mode, as by any 64-bit system")       \
	X(SMM, smm, 0, "1 if the entry is made in system-management mode")

/* Any control may be 0 or 1: what a capability MSR would say that says nothing. */
#define ENTRY_ANY_CONTROLS 0xffffffff00000000ull

/* An entry of the VM-entry MSR-load area. */
struct entry_msr {
	uint64_t index; /* bits 63:32 are reserved */
	uint64_t value;
};

/* What lies in memory that the VMCS points to, as far as it is known. */
struct entry_memory {
	bool vtpr_known, link_revision_known;
	uint8_t vtpr;		     /* byte 80H of the virtual-APIC page */
	uint32_t link_revision;	     /* of the VMCS that the link pointer names */
	const struct entry_msr *msr; /* the VM-entry MSR-load area, or NULL */
	unsigned msrs;
};

/* What the processor is able to, the state in which it makes the entry, and what memory holds. */
struct entry_capability {
#define ENTRY_MEMBER(name, member, unknown, where) uint64_t member;
	ENTRY_CAPABILITIES(ENTRY_MEMBER)
#undef ENTRY_MEMBER
	const struct entry_memory *memory; /* NULL: nothing is known */
};

/* Nothing is known: no rule that depends on the processor is broken. */
void entry_capability_unknown(struct entry_capability *capability);

/* What `known` has, and the rest unknown. */
void entry_capability_of(struct entry_capability *capability, const struct capability *known);

#define ENTRY_RULE_FIELDS 5

struct entry_state;

struct entry_rule {
	const char *id;	     /* stable; lower case and hyphens */
	const char *text;    /* the rule, in a sentence */
	const char *section; /* of the SDM: its title */
	enum entry_class class;
	bool bits; /* what is wrong is a set of bits of the first field */
	uint8_t argument, fields;
	uint8_t field[ENTRY_RULE_FIELDS]; /* enum vmcs_at; the first is the one in question */
	uint64_t (*wrong)(const struct entry_state *state, unsigned argument); /* 0: kept */
};

/* All rules, in the order in which the processor looks; by number. */
unsigned entry_rules_count(void);
const struct entry_rule *entry_rules_get(unsigned number);

struct entry_rule_broken {
	uint16_t rule; /* its number */
	uint64_t bits; /* the wrong bits of the first field; 0 if the rule is not about bits */
	uint64_t value[ENTRY_RULE_FIELDS]; /* of the rule's fields */
};

/*
 * Finds the rules that are broken and writes the first `max` of them to `out`. Returns how many
 * there are, which may be more than `max`.
 */
unsigned entry_rules_check(const struct vmcs_snapshot *snapshot,
			   const struct entry_capability *capability, struct entry_rule_broken *out,
			   unsigned max);

/* Could the rule be looked at? If not, `*field` is the first of its fields that is missing. */
bool entry_rules_known(const struct vmcs_snapshot *snapshot, const struct entry_rule *rule,
		       unsigned *field);

/* The class in words: "VMfail with VM-instruction error 7 (invalid control field)". */
const char *entry_rules_class_text(enum entry_class class);

#endif
