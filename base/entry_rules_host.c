// SPDX-License-Identifier: MIT
/*
 * The rules for the host-state area. A broken one makes VMLAUNCH fail with error 8, before anything
 * is loaded.
 *
 * Source: SDM, Checks on Host Control Registers, MSRs, and SSP; Checks on Host Segment and
 * Descriptor-Table Registers; Checks Related to Address-Space Size.
 * World: any (pure).
 */
#include "entry_rules_part.h"

#define REGISTERS     "Checks on Host Control Registers, MSRs, and SSP"
#define SEGMENT_RULES "Checks on Host Segment and Descriptor-Table Registers"
#define ADDRESS_SIZE  "Checks Related to Address-Space Size"

/* --- Control registers, MSRs, SSP --- */

static uint64_t cr0(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_fixed(FIELD(s, HOST_CR0), s->capability->cr0_fixed0,
				    s->capability->cr0_fixed1);
}

static uint64_t cr4(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_fixed(FIELD(s, HOST_CR4), s->capability->cr4_fixed0,
				    s->capability->cr4_fixed1);
}

static uint64_t cet_needs_wp(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (FIELD(s, HOST_CR4) & CR4_CET) && !(FIELD(s, HOST_CR0) & CR0_WP);
}

static uint64_t cr3(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bad_cr3(s, FIELD(s, HOST_CR3));
}

/* The fields that hold a linear address, whatever the controls say. */
static uint64_t canonical(const struct entry_state *s, unsigned at)
{
	return entry_not_canonical(s, s->value[at]);
}

static uint64_t perf_global(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!(s->exit & EXIT_LOAD_PERF_GLOBAL))
		return 0;
	return FIELD(s, HOST_PERF_GLOBAL) & ~s->capability->perf_global;
}

static uint64_t pat(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->exit & EXIT_LOAD_PAT ? entry_bad_pat(FIELD(s, HOST_PAT)) : 0;
}

static uint64_t efer_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->exit & EXIT_LOAD_EFER ? FIELD(s, HOST_EFER) & ~s->capability->efer : 0;
}

static uint64_t efer_mode(const struct entry_state *s, unsigned argument)
{
	uint64_t mode = s->exit & EXIT_HOST_64 ? EFER_LME | EFER_LMA : 0;

	(void)argument;
	if (!(s->exit & EXIT_LOAD_EFER))
		return 0;
	return (FIELD(s, HOST_EFER) ^ mode) & (EFER_LME | EFER_LMA);
}

static bool loads_cet(const struct entry_state *s)
{
	return s->exit & EXIT_LOAD_CET;
}

static uint64_t s_cet_canonical(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads_cet(s) && entry_not_canonical(s, FIELD(s, HOST_S_CET));
}

static uint64_t s_cet_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads_cet(s) ? FIELD(s, HOST_S_CET) & S_CET_RESERVED : 0;
}

static uint64_t s_cet_tracker(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads_cet(s) && entry_bad_s_cet_tracker(FIELD(s, HOST_S_CET));
}

static uint64_t ssp_canonical(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads_cet(s) && entry_not_canonical(s, FIELD(s, HOST_SSP));
}

static uint64_t ssp_aligned(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads_cet(s) ? FIELD(s, HOST_SSP) & 3 : 0;
}

static uint64_t ssp_table(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads_cet(s) && entry_not_canonical(s, FIELD(s, HOST_SSP_TABLE));
}

static uint64_t pkrs(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->exit & EXIT_LOAD_PKRS ? FIELD(s, HOST_PKRS) & ~0xffffffffull : 0;
}

/* --- Segments and descriptor tables --- */

static uint64_t selector(const struct entry_state *s, unsigned at)
{
	return s->value[at] & (SELECTOR_RPL | SELECTOR_TI);
}

static uint64_t not_null(const struct entry_state *s, unsigned at)
{
	return !s->value[at];
}

static uint64_t ss_not_null(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !(s->exit & EXIT_HOST_64) && !FIELD(s, HOST_SS);
}

/* --- Address-space size --- */

/*
 * SDM: also, without "host address-space size", "IA-32e mode guest" must be 0. It follows: in
 * IA-32e mode the former must be 1, outside it the latter must be 0.
 */

static bool host_64(const struct entry_state *s)
{
	return s->exit & EXIT_HOST_64;
}

static uint64_t legacy_guest(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !s->capability->ia32e && s->ia32e;
}

static uint64_t legacy_host(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !s->capability->ia32e && host_64(s);
}

static uint64_t ia32e_host(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->capability->ia32e && !host_64(s);
}

static uint64_t pcid_of_32(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !host_64(s) && (FIELD(s, HOST_CR4) & CR4_PCIDE);
}

static uint64_t rip_of_32(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return host_64(s) ? 0 : FIELD(s, HOST_RIP) & ~0xffffffffull;
}

static uint64_t s_cet_of_32(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return host_64(s) || !loads_cet(s) ? 0 : FIELD(s, HOST_S_CET) & ~0xffffffffull;
}

static uint64_t ssp_of_32(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return host_64(s) || !loads_cet(s) ? 0 : FIELD(s, HOST_SSP) & ~0xffffffffull;
}

static uint64_t pae_of_64(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return host_64(s) && !(FIELD(s, HOST_CR4) & CR4_PAE);
}

static uint64_t rip_of_64(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return host_64(s) && entry_not_canonical(s, FIELD(s, HOST_RIP));
}

/* --- The table --- */

#define X(name, ...)  RULE("host-" name, ENTRY_HOST, REGISTERS, __VA_ARGS__)
#define XB(name, ...) BITS("host-" name, ENTRY_HOST, REGISTERS, __VA_ARGS__)
#define Y(name, ...)  RULE("host-" name, ENTRY_HOST, SEGMENT_RULES, __VA_ARGS__)
#define Z(name, ...)  RULE("host-" name, ENTRY_HOST, ADDRESS_SIZE, __VA_ARGS__)
#define ZB(name, ...) BITS("host-" name, ENTRY_HOST, ADDRESS_SIZE, __VA_ARGS__)

#define CANONICAL(name, text, field)                                                               \
	RULE("host-" name, ENTRY_HOST, REGISTERS, canonical, VMCS_AT_##field,                      \
	     "The host's " text " must be a canonical address.", FIELDS1(field))
#define SELECTOR(name, text, field)                                                                \
	BITS("host-" name "-selector", ENTRY_HOST, SEGMENT_RULES, selector, VMCS_AT_##field,       \
	     "RPL (bits 1:0) and TI (bit 2) of the host's selector of " text " must be 0.",        \
	     FIELDS1(field))
#define BASE(name, text, field)                                                                    \
	RULE("host-" name "-base", ENTRY_HOST, SEGMENT_RULES, canonical, VMCS_AT_##field,          \
	     "The host's base of " text " must be a canonical address.", FIELDS1(field))

static const struct entry_rule rules[] = {
	XB("cr0", cr0, 0,
	   "The host's CR0 must have the bits that are 1 in IA32_VMX_CR0_FIXED0, and none "
	   "that is 0 in IA32_VMX_CR0_FIXED1.",
	   FIELDS1(HOST_CR0)),
	XB("cr4", cr4, 0,
	   "The host's CR4 must have the bits that are 1 in IA32_VMX_CR4_FIXED0, and none "
	   "that is 0 in IA32_VMX_CR4_FIXED1.",
	   FIELDS1(HOST_CR4)),
	X("cet-wp", cet_needs_wp, 0, "With CR4.CET, the host's CR0.WP must be 1.",
	  FIELDS2(HOST_CR4, HOST_CR0)),
	XB("cr3", cr3, 0,
	   "Bits of the host's CR3 beyond the physical-address width must be 0, but for the LAM "
	   "controls, bits 62:61, where the processor has them.",
	   FIELDS1(HOST_CR3)),
	CANONICAL("sysenter-esp", "IA32_SYSENTER_ESP", HOST_SYSENTER_ESP),
	CANONICAL("sysenter-eip", "IA32_SYSENTER_EIP", HOST_SYSENTER_EIP),
	XB("perf-global", perf_global, 0,
	   "With \"load IA32_PERF_GLOBAL_CTRL\" of the VM-exit controls, reserved bits of the "
	   "host's value must be 0.",
	   FIELDS2(HOST_PERF_GLOBAL, EXIT_CONTROLS)),
	XB("pat", pat, 0,
	   "With \"load IA32_PAT\" of the VM-exit controls, each byte of the host's value must be "
	   "a memory type: 0, 1, 4, 5, 6 or 7.",
	   FIELDS2(HOST_PAT, EXIT_CONTROLS)),
	XB("efer-reserved", efer_reserved, 0,
	   "With \"load IA32_EFER\" of the VM-exit controls, reserved bits of the host's value "
	   "must be 0.",
	   FIELDS2(HOST_EFER, EXIT_CONTROLS)),
	XB("efer-mode", efer_mode, 0,
	   "With \"load IA32_EFER\" of the VM-exit controls, LMA and LME (bits 10 and 8) of the "
	   "host's value must both be what \"host address-space size\" is.",
	   FIELDS2(HOST_EFER, EXIT_CONTROLS)),
	X("s-cet-canonical", s_cet_canonical, 0,
	  "With \"load CET state\" of the VM-exit controls, the host's IA32_S_CET must be "
	  "canonical.",
	  FIELDS2(HOST_S_CET, EXIT_CONTROLS)),
	XB("s-cet-reserved", s_cet_reserved, 0,
	   "With \"load CET state\" of the VM-exit controls, bits 9:6 of the host's "
	   "IA32_S_CET must be 0.",
	   FIELDS2(HOST_S_CET, EXIT_CONTROLS)),
	X("s-cet-tracker", s_cet_tracker, 0,
	  "With \"load CET state\" of the VM-exit controls, SUPPRESS and TRACKER (bits 10 and 11) "
	  "of the host's IA32_S_CET cannot both be 1.",
	  FIELDS2(HOST_S_CET, EXIT_CONTROLS)),
	X("ssp-canonical", ssp_canonical, 0,
	  "With \"load CET state\" of the VM-exit controls, the host's SSP must be canonical.",
	  FIELDS2(HOST_SSP, EXIT_CONTROLS)),
	XB("ssp-aligned", ssp_aligned, 0,
	   "With \"load CET state\" of the VM-exit controls, bits 1:0 of the host's SSP must be 0.",
	   FIELDS2(HOST_SSP, EXIT_CONTROLS)),
	X("ssp-table", ssp_table, 0,
	  "With \"load CET state\" of the VM-exit controls, the host's "
	  "IA32_INTERRUPT_SSP_TABLE_ADDR must be canonical.",
	  FIELDS2(HOST_SSP_TABLE, EXIT_CONTROLS)),
	XB("pkrs", pkrs, 0,
	   "With \"load PKRS\" of the VM-exit controls, bits 63:32 of the host's "
	   "IA32_PKRS must be 0.",
	   FIELDS2(HOST_PKRS, EXIT_CONTROLS)),

	SELECTOR("es", "ES", HOST_ES),
	SELECTOR("cs", "CS", HOST_CS),
	SELECTOR("ss", "SS", HOST_SS),
	SELECTOR("ds", "DS", HOST_DS),
	SELECTOR("fs", "FS", HOST_FS),
	SELECTOR("gs", "GS", HOST_GS),
	SELECTOR("tr", "TR", HOST_TR),
	Y("cs-null", not_null, VMCS_AT_HOST_CS, "The host's selector of CS must not be 0.",
	  FIELDS1(HOST_CS)),
	Y("tr-null", not_null, VMCS_AT_HOST_TR, "The host's selector of TR must not be 0.",
	  FIELDS1(HOST_TR)),
	Y("ss-null", ss_not_null, 0,
	  "Without \"host address-space size\", the host's selector of SS must not be 0.",
	  FIELDS2(HOST_SS, EXIT_CONTROLS)),
	BASE("fs", "FS", HOST_FS_BASE),
	BASE("gs", "GS", HOST_GS_BASE),
	BASE("tr", "TR", HOST_TR_BASE),
	BASE("gdtr", "GDTR", HOST_GDTR_BASE),
	BASE("idtr", "IDTR", HOST_IDTR_BASE),

	Z("legacy-guest", legacy_guest, 0, "Outside IA-32e mode, \"IA-32e mode guest\" must be 0.",
	  FIELDS1(ENTRY_CONTROLS)),
	Z("legacy-size", legacy_host, 0,
	  "Outside IA-32e mode, \"host address-space size\" must be 0.", FIELDS1(EXIT_CONTROLS)),
	Z("ia32e-size", ia32e_host, 0, "In IA-32e mode, \"host address-space size\" must be 1.",
	  FIELDS1(EXIT_CONTROLS)),
	Z("32-pcid", pcid_of_32, 0,
	  "Without \"host address-space size\", the host's CR4.PCIDE must be 0.",
	  FIELDS2(HOST_CR4, EXIT_CONTROLS)),
	ZB("32-rip", rip_of_32, 0,
	   "Without \"host address-space size\", bits 63:32 of the host's RIP must be 0.",
	   FIELDS2(HOST_RIP, EXIT_CONTROLS)),
	ZB("32-s-cet", s_cet_of_32, 0,
	   "With \"load CET state\" of the VM-exit controls and without \"host address-space "
	   "size\", bits 63:32 of the host's IA32_S_CET must be 0.",
	   FIELDS2(HOST_S_CET, EXIT_CONTROLS)),
	ZB("32-ssp", ssp_of_32, 0,
	   "With \"load CET state\" of the VM-exit controls and without \"host address-space "
	   "size\", bits 63:32 of the host's SSP must be 0.",
	   FIELDS2(HOST_SSP, EXIT_CONTROLS)),
	Z("64-pae", pae_of_64, 0, "With \"host address-space size\", the host's CR4.PAE must be 1.",
	  FIELDS2(HOST_CR4, EXIT_CONTROLS)),
	Z("64-rip", rip_of_64, 0,
	  "With \"host address-space size\", the host's RIP must be a canonical address.",
	  FIELDS2(HOST_RIP, EXIT_CONTROLS)),
};

const struct entry_part entry_rules_host = { rules, sizeof(rules) / sizeof(rules[0]) };
