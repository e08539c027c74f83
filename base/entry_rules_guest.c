// SPDX-License-Identifier: MIT
/*
 * The rules for the guest's control registers, debug registers, MSRs, descriptor-table registers,
 * RIP, RFLAGS and SSP. A broken one makes the entry fail with exit reason 33: the host state is
 * loaded as by a VM exit.
 *
 * Source: SDM, Checks on Guest Control Registers, Debug Registers, and MSRs; Checks on Guest
 * Descriptor-Table Registers; Checks on Guest RIP, RFLAGS, and SSP.
 * World: any (pure).
 */
#include "entry_rules_part.h"

#define REGISTERS "Checks on Guest Control Registers, Debug Registers, and MSRs"
#define TABLES	  "Checks on Guest Descriptor-Table Registers"
#define FLAGS	  "Checks on Guest RIP, RFLAGS, and SSP"

#define HIGH_HALF (~0xffffffffull)

/* SDM: EFLAGS Register: bits 63:22, 15, 5 and 3 are 0. */
#define RFLAGS_RESERVED (~0x3fffffull | BIT64(15) | BIT64(5) | BIT64(3))

/* SDM: Bound Config Registers: bits 11:2. The rest is an address. */
#define BNDCFGS_RESERVED 0xffcull

/* SDM: Last Branch Records, IA32_LBR_CTL: bits 63:23 and 15:4. */
#define LBR_CTL_RESERVED (~0x7fffffull | 0xfff0ull)

/* --- Control registers --- */

static uint64_t cr0_fixed(const struct entry_state *s, unsigned argument)
{
	/* Never looked at, since an entry doesn't load them. */
	uint64_t not_loaded = CR0_NW | CR0_CD;

	(void)argument;
	if (s->unrestricted)
		not_loaded |= CR0_PE | CR0_PG;
	return entry_bits_not_fixed(s->cr0, s->capability->cr0_fixed0, s->capability->cr0_fixed1) &
	       ~not_loaded;
}

static uint64_t paging_needs_protection(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE);
}

static uint64_t cr4_fixed(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_fixed(FIELD(s, GUEST_CR4), s->capability->cr4_fixed0,
				    s->capability->cr4_fixed1);
}

static uint64_t cet_needs_wp(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (FIELD(s, GUEST_CR4) & CR4_CET) && !(s->cr0 & CR0_WP);
}

static uint64_t ia32e_paging(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->ia32e && !(s->cr0 & CR0_PG);
}

static uint64_t ia32e_pae(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->ia32e && !(FIELD(s, GUEST_CR4) & CR4_PAE);
}

static uint64_t legacy_pcid(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !s->ia32e && (FIELD(s, GUEST_CR4) & CR4_PCIDE);
}

static uint64_t cr3(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bad_cr3(s, FIELD(s, GUEST_CR3));
}

/* --- Debug registers and MSRs --- */

static bool loads(const struct entry_state *s, uint32_t control)
{
	return s->entry & control;
}

static uint64_t debugctl(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!loads(s, ENTRY_LOAD_DEBUG))
		return 0;
	return FIELD(s, GUEST_DEBUGCTL) & ~s->capability->debugctl;
}

static uint64_t dr7(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_DEBUG) ? FIELD(s, GUEST_DR7) & HIGH_HALF : 0;
}

static uint64_t canonical(const struct entry_state *s, unsigned at)
{
	return entry_not_canonical(s, s->value[at]);
}

static uint64_t perf_global(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!loads(s, ENTRY_LOAD_PERF_GLOBAL))
		return 0;
	return FIELD(s, GUEST_PERF_GLOBAL) & ~s->capability->perf_global;
}

static uint64_t pat(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_PAT) ? entry_bad_pat(FIELD(s, GUEST_PAT)) : 0;
}

static uint64_t efer_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_EFER) ? FIELD(s, GUEST_EFER) & ~s->capability->efer : 0;
}

static uint64_t efer_lma(const struct entry_state *s, unsigned argument)
{
	bool lma = FIELD(s, GUEST_EFER) & EFER_LMA;

	(void)argument;
	return loads(s, ENTRY_LOAD_EFER) && lma != s->ia32e;
}

static uint64_t efer_lme(const struct entry_state *s, unsigned argument)
{
	bool lma = FIELD(s, GUEST_EFER) & EFER_LMA, lme = FIELD(s, GUEST_EFER) & EFER_LME;

	(void)argument;
	return loads(s, ENTRY_LOAD_EFER) && (s->cr0 & CR0_PG) && lma != lme;
}

static uint64_t bndcfgs_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_BNDCFGS) ? FIELD(s, GUEST_BNDCFGS) & BNDCFGS_RESERVED : 0;
}

static uint64_t bndcfgs_canonical(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_BNDCFGS) && entry_not_canonical(s, FIELD(s, GUEST_BNDCFGS));
}

static uint64_t rtit_ctl(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!loads(s, ENTRY_LOAD_RTIT_CTL))
		return 0;
	return FIELD(s, GUEST_RTIT_CTL) & ~s->capability->rtit_ctl;
}

static uint64_t lbr_ctl(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_LBR_CTL) ? FIELD(s, GUEST_LBR_CTL) & LBR_CTL_RESERVED : 0;
}

static uint64_t uinv(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_UINV) ? FIELD(s, GUEST_UINV) & 0xff00 : 0;
}

static uint64_t pkrs(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_PKRS) ? FIELD(s, GUEST_PKRS) & HIGH_HALF : 0;
}

/* --- Control-flow enforcement --- */

static uint64_t s_cet_canonical(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_CET) && entry_not_canonical(s, FIELD(s, GUEST_S_CET));
}

static uint64_t s_cet_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_CET) ? FIELD(s, GUEST_S_CET) & S_CET_RESERVED : 0;
}

static uint64_t s_cet_tracker(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_CET) && entry_bad_s_cet_tracker(FIELD(s, GUEST_S_CET));
}

static uint64_t ssp_table(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_CET) && entry_not_canonical(s, FIELD(s, GUEST_SSP_TABLE));
}

static uint64_t ssp_aligned(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_CET) ? FIELD(s, GUEST_SSP) & 3 : 0;
}

static uint64_t ssp_width(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return loads(s, ENTRY_LOAD_CET) && entry_beyond_linear(s, FIELD(s, GUEST_SSP));
}

/* --- Descriptor tables, RIP, RFLAGS --- */

static uint64_t table_limit(const struct entry_state *s, unsigned at)
{
	return s->value[at] & 0xffff0000;
}

static uint64_t rip_high(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->code_64 ? 0 : FIELD(s, GUEST_RIP) & HIGH_HALF;
}

/* The address may be one that is not canonical: bit N - 1 is not looked at. */
static uint64_t rip_width(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->code_64 && entry_beyond_linear(s, FIELD(s, GUEST_RIP));
}

static uint64_t rflags_reserved(const struct entry_state *s, unsigned argument)
{
	uint64_t rflags = FIELD(s, GUEST_RFLAGS);

	(void)argument;
	return (rflags & RFLAGS_RESERVED) | (~rflags & RFLAGS_ONE);
}

static uint64_t rflags_vm(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->virtual_8086 && (s->ia32e || !(s->cr0 & CR0_PE));
}

static uint64_t rflags_if(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->event & EVENT_VALID) && EVENT_TYPE(s->event) == EVENT_EXTERNAL &&
	       !(FIELD(s, GUEST_RFLAGS) & RFLAGS_IF);
}

/* --- The table --- */

#define X(name, ...)  RULE("guest-" name, ENTRY_GUEST, REGISTERS, __VA_ARGS__)
#define XB(name, ...) BITS("guest-" name, ENTRY_GUEST, REGISTERS, __VA_ARGS__)
#define Y(name, ...)  RULE("guest-" name, ENTRY_GUEST, TABLES, __VA_ARGS__)
#define YB(name, ...) BITS("guest-" name, ENTRY_GUEST, TABLES, __VA_ARGS__)
#define Z(name, ...)  RULE("guest-" name, ENTRY_GUEST, FLAGS, __VA_ARGS__)
#define ZB(name, ...) BITS("guest-" name, ENTRY_GUEST, FLAGS, __VA_ARGS__)

static const struct entry_rule rules[] = {
	XB("cr0", cr0_fixed, 0,
	   "The guest's CR0 must have the bits that are 1 in IA32_VMX_CR0_FIXED0, and none that is "
	   "0 in IA32_VMX_CR0_FIXED1. NW and CD are not looked at, and with \"unrestricted guest\" "
	   "PE and PG neither.",
	   FIELDS2(GUEST_CR0, PROC_CONTROLS2)),
	X("cr0-paging", paging_needs_protection, 0, "With CR0.PG, the guest's CR0.PE must be 1.",
	  FIELDS1(GUEST_CR0)),
	XB("cr4", cr4_fixed, 0,
	   "The guest's CR4 must have the bits that are 1 in IA32_VMX_CR4_FIXED0, and none that is "
	   "0 in IA32_VMX_CR4_FIXED1.",
	   FIELDS1(GUEST_CR4)),
	X("cet-wp", cet_needs_wp, 0, "With CR4.CET, the guest's CR0.WP must be 1.",
	  FIELDS2(GUEST_CR4, GUEST_CR0)),
	XB("debugctl", debugctl, 0,
	   "With \"load debug controls\", reserved bits of the guest's IA32_DEBUGCTL must be 0.",
	   FIELDS2(GUEST_DEBUGCTL, ENTRY_CONTROLS)),
	X("ia32e-paging", ia32e_paging, 0,
	  "With \"IA-32e mode guest\", the guest's CR0.PG must be 1.",
	  FIELDS2(GUEST_CR0, ENTRY_CONTROLS)),
	X("ia32e-pae", ia32e_pae, 0, "With \"IA-32e mode guest\", the guest's CR4.PAE must be 1.",
	  FIELDS2(GUEST_CR4, ENTRY_CONTROLS)),
	X("legacy-pcid", legacy_pcid, 0,
	  "Without \"IA-32e mode guest\", the guest's CR4.PCIDE must be 0.",
	  FIELDS2(GUEST_CR4, ENTRY_CONTROLS)),
	XB("cr3", cr3, 0,
	   "Bits of the guest's CR3 beyond the physical-address width must be 0, but for the LAM "
	   "controls, bits 62:61, where the processor has them.",
	   FIELDS1(GUEST_CR3)),
	XB("dr7", dr7, 0, "With \"load debug controls\", bits 63:32 of the guest's DR7 must be 0.",
	   FIELDS2(GUEST_DR7, ENTRY_CONTROLS)),
	X("sysenter-esp", canonical, VMCS_AT_GUEST_SYSENTER_ESP,
	  "The guest's IA32_SYSENTER_ESP must be a canonical address.",
	  FIELDS1(GUEST_SYSENTER_ESP)),
	X("sysenter-eip", canonical, VMCS_AT_GUEST_SYSENTER_EIP,
	  "The guest's IA32_SYSENTER_EIP must be a canonical address.",
	  FIELDS1(GUEST_SYSENTER_EIP)),
	X("s-cet-canonical", s_cet_canonical, 0,
	  "With \"load CET state\" of the VM-entry controls, the guest's IA32_S_CET must be "
	  "canonical.",
	  FIELDS2(GUEST_S_CET, ENTRY_CONTROLS)),
	XB("s-cet-reserved", s_cet_reserved, 0,
	   "With \"load CET state\" of the VM-entry controls, bits 9:6 of the guest's IA32_S_CET "
	   "must be 0.",
	   FIELDS2(GUEST_S_CET, ENTRY_CONTROLS)),
	X("s-cet-tracker", s_cet_tracker, 0,
	  "With \"load CET state\" of the VM-entry controls, SUPPRESS and TRACKER (bits 10 and 11) "
	  "of the guest's IA32_S_CET cannot both be 1.",
	  FIELDS2(GUEST_S_CET, ENTRY_CONTROLS)),
	X("ssp-table", ssp_table, 0,
	  "With \"load CET state\" of the VM-entry controls, the guest's "
	  "IA32_INTERRUPT_SSP_TABLE_ADDR must be canonical.",
	  FIELDS2(GUEST_SSP_TABLE, ENTRY_CONTROLS)),
	XB("perf-global", perf_global, 0,
	   "With \"load IA32_PERF_GLOBAL_CTRL\" of the VM-entry controls, reserved bits of the "
	   "guest's value must be 0.",
	   FIELDS2(GUEST_PERF_GLOBAL, ENTRY_CONTROLS)),
	XB("pat", pat, 0,
	   "With \"load IA32_PAT\" of the VM-entry controls, each byte of the guest's value must "
	   "be a memory type: 0, 1, 4, 5, 6 or 7.",
	   FIELDS2(GUEST_PAT, ENTRY_CONTROLS)),
	XB("efer-reserved", efer_reserved, 0,
	   "With \"load IA32_EFER\" of the VM-entry controls, reserved bits of the guest's value "
	   "must be 0.",
	   FIELDS2(GUEST_EFER, ENTRY_CONTROLS)),
	X("efer-lma", efer_lma, 0,
	  "With \"load IA32_EFER\" of the VM-entry controls, LMA (bit 10) of the guest's "
	  "value must be what \"IA-32e mode guest\" is.",
	  FIELDS2(GUEST_EFER, ENTRY_CONTROLS)),
	X("efer-lme", efer_lme, 0,
	  "With \"load IA32_EFER\" of the VM-entry controls and CR0.PG, LMA and LME "
	  "(bits 10 and 8) of the guest's value must be the same.",
	  FIELDS3(GUEST_EFER, GUEST_CR0, ENTRY_CONTROLS)),
	XB("bndcfgs-reserved", bndcfgs_reserved, 0,
	   "With \"load IA32_BNDCFGS\", bits 11:2 of the guest's value must be 0.",
	   FIELDS2(GUEST_BNDCFGS, ENTRY_CONTROLS)),
	X("bndcfgs-canonical", bndcfgs_canonical, 0,
	  "With \"load IA32_BNDCFGS\", the address in the guest's value must be canonical.",
	  FIELDS2(GUEST_BNDCFGS, ENTRY_CONTROLS)),
	XB("rtit-ctl", rtit_ctl, 0,
	   "With \"load IA32_RTIT_CTL\", reserved bits of the guest's value must be 0.",
	   FIELDS2(GUEST_RTIT_CTL, ENTRY_CONTROLS)),
	XB("lbr-ctl", lbr_ctl, 0,
	   "With \"load guest IA32_LBR_CTL\", bits 63:23 and 15:4 of the value must be 0.",
	   FIELDS2(GUEST_LBR_CTL, ENTRY_CONTROLS)),
	XB("pkrs", pkrs, 0,
	   "With \"load PKRS\" of the VM-entry controls, bits 63:32 of the guest's "
	   "IA32_PKRS must be 0.",
	   FIELDS2(GUEST_PKRS, ENTRY_CONTROLS)),
	XB("uinv", uinv, 0, "With \"load UINV\", bits 15:8 of the guest's UINV must be 0.",
	   FIELDS2(GUEST_UINV, ENTRY_CONTROLS)),

	Y("gdtr-base", canonical, VMCS_AT_GUEST_GDTR_BASE,
	  "The guest's base of GDTR must be a canonical address.", FIELDS1(GUEST_GDTR_BASE)),
	YB("gdtr-limit", table_limit, VMCS_AT_GUEST_GDTR_LIMIT,
	   "Bits 31:16 of the guest's limit of GDTR must be 0.", FIELDS1(GUEST_GDTR_LIMIT)),
	Y("idtr-base", canonical, VMCS_AT_GUEST_IDTR_BASE,
	  "The guest's base of IDTR must be a canonical address.", FIELDS1(GUEST_IDTR_BASE)),
	YB("idtr-limit", table_limit, VMCS_AT_GUEST_IDTR_LIMIT,
	   "Bits 31:16 of the guest's limit of IDTR must be 0.", FIELDS1(GUEST_IDTR_LIMIT)),

	ZB("rip-high", rip_high, 0,
	   "Without \"IA-32e mode guest\", or with CS.L = 0, bits 63:32 of the guest's "
	   "RIP must be 0.",
	   FIELDS3(GUEST_RIP, ENTRY_CONTROLS, GUEST_CS_RIGHTS)),
	Z("rip-width", rip_width, 0,
	  "With \"IA-32e mode guest\" and CS.L = 1, bits of the guest's RIP beyond the "
	  "linear-address width must be the same.",
	  FIELDS3(GUEST_RIP, ENTRY_CONTROLS, GUEST_CS_RIGHTS)),
	ZB("rflags-reserved", rflags_reserved, 0,
	   "Bits 63:22, 15, 5 and 3 of the guest's RFLAGS must be 0, and bit 1 must be 1.",
	   FIELDS1(GUEST_RFLAGS)),
	Z("rflags-vm", rflags_vm, 0,
	  "With \"IA-32e mode guest\", or with CR0.PE = 0, the guest's RFLAGS.VM must be 0.",
	  FIELDS3(GUEST_RFLAGS, ENTRY_CONTROLS, GUEST_CR0)),
	Z("rflags-if", rflags_if, 0,
	  "With an external interrupt to inject, the guest's RFLAGS.IF must be 1.",
	  FIELDS2(GUEST_RFLAGS, ENTRY_INTERRUPTION)),
	ZB("ssp-aligned", ssp_aligned, 0,
	   "With \"load CET state\" of the VM-entry controls, bits 1:0 of the guest's SSP "
	   "must be 0.",
	   FIELDS2(GUEST_SSP, ENTRY_CONTROLS)),
	Z("ssp-width", ssp_width, 0,
	  "With \"load CET state\" of the VM-entry controls, bits of the guest's SSP beyond the "
	  "linear-address width must be the same.",
	  FIELDS2(GUEST_SSP, ENTRY_CONTROLS)),
};

const struct entry_part entry_rules_guest = { rules, sizeof(rules) / sizeof(rules[0]) };
