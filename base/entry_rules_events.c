// SPDX-License-Identifier: MIT
/*
 * The rules for what is not a register: activity and interruptibility, together with the event to
 * inject, pending debug exceptions, the VMCS link pointer, PDPTEs (exit reason 33), and for the
 * VM-entry MSR-load area as far as its contents are known (exit reason 34).
 *
 * Source: SDM, Checks on Guest Non-Register State; Checks on Guest Page-Directory-Pointer-Table
 * Entries; Loading MSRs.
 * World: any (pure).
 */
#include "entry_rules_part.h"

#include "msr.h"

#define STATE	"Checks on Guest Non-Register State"
#define PDPTES	"Checks on Guest Page-Directory-Pointer-Table Entries"
#define LOADING "Loading MSRs"

#define LINK_NONE     (~0ull)
#define LINK_ALIGNED  4096
#define SHADOW_VMCS   0x80000000u
#define REVISION_MASK 0x7fffffffu

#define PDPTE_PRESENT  BIT64(0)
#define PDPTE_RESERVED (0x1e0ull | 0x6ull) /* bits 8:5 and 2:1 */

/* Bits 63:17, 15, 13 and 10:4; bit 11 only where there is no bus-lock detection. */
#define PENDING_DEBUG_RESERVED (~0x1ffffull | BIT64(15) | BIT64(13) | 0x7f0ull)

/* CPUID.7.0. */
#define CPUID_7_EBX_SGX	     BIT64(2)

#define IA32_SMM_MONITOR_CTL 0x9b
#define IA32_X2APIC_LAST     0x8ff

/* --- Activity --- */

static uint32_t activity(const struct entry_state *s)
{
	return (uint32_t)FIELD(s, GUEST_ACTIVITY);
}

/* IA32_VMX_MISC bits 8:6 say of HLT, shutdown and wait-for-SIPI that they exist. */
static uint64_t activity_state(const struct entry_state *s, unsigned argument)
{
	uint32_t state = activity(s);

	(void)argument;
	if (state > ACTIVITY_WAIT_FOR_SIPI)
		return 1;
	return state != ACTIVITY_ACTIVE && !(s->capability->misc >> (5 + state) & 1);
}

static uint64_t activity_dpl(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return activity(s) == ACTIVITY_HLT && RIGHTS_DPL(FIELD(s, GUEST_SS_RIGHTS)) != 0;
}

static uint64_t activity_blocking(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return activity(s) != ACTIVITY_ACTIVE && (s->blocking & (BLOCKING_STI | BLOCKING_MOV_SS));
}

static bool injects(const struct entry_state *s, enum event_type type)
{
	return (s->event & EVENT_VALID) && EVENT_TYPE(s->event) == (unsigned)type;
}

static bool injects_exception(const struct entry_state *s, unsigned vector)
{
	return injects(s, EVENT_EXCEPTION) && EVENT_VECTOR(s->event) == vector;
}

static uint64_t activity_hlt_event(const struct entry_state *s, unsigned argument)
{
	bool monitor_trap = injects(s, EVENT_OTHER) && EVENT_VECTOR(s->event) == 0;

	(void)argument;
	return activity(s) == ACTIVITY_HLT && (s->event & EVENT_VALID) &&
	       !injects(s, EVENT_EXTERNAL) && !injects(s, EVENT_NMI) &&
	       !injects_exception(s, VECTOR_DB) && !injects_exception(s, VECTOR_MC) &&
	       !monitor_trap;
}

static uint64_t activity_shutdown_event(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return activity(s) == ACTIVITY_SHUTDOWN && (s->event & EVENT_VALID) &&
	       !injects(s, EVENT_NMI) && !injects_exception(s, VECTOR_MC);
}

static uint64_t activity_sipi_event(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return activity(s) == ACTIVITY_WAIT_FOR_SIPI && (s->event & EVENT_VALID);
}

static uint64_t activity_sipi_smm(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return activity(s) == ACTIVITY_WAIT_FOR_SIPI && (s->entry & ENTRY_SMM);
}

/* --- Interruptibility --- */

static uint64_t blocking_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->blocking & ~0x1fu;
}

static uint64_t blocking_both(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->blocking & BLOCKING_STI) && (s->blocking & BLOCKING_MOV_SS);
}

static uint64_t blocking_sti_if(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->blocking & BLOCKING_STI) && !(FIELD(s, GUEST_RFLAGS) & RFLAGS_IF);
}

static uint64_t blocking_interrupt(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return injects(s, EVENT_EXTERNAL) ? s->blocking & (BLOCKING_STI | BLOCKING_MOV_SS) : 0;
}

static uint64_t blocking_nmi(const struct entry_state *s, unsigned bit)
{
	return injects(s, EVENT_NMI) && (s->blocking >> bit & 1);
}

static uint64_t blocking_virtual_nmi(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->pin & PIN_VIRTUAL_NMIS) && injects(s, EVENT_NMI) && (s->blocking & BLOCKING_NMI);
}

static uint64_t blocking_smi(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->blocking & BLOCKING_SMI) && !s->capability->smm;
}

static uint64_t blocking_to_smm(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->capability->smm && (s->entry & ENTRY_SMM) && !(s->blocking & BLOCKING_SMI);
}

static uint64_t enclave_mov_ss(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->blocking & BLOCKING_ENCLAVE) && (s->blocking & BLOCKING_MOV_SS);
}

static uint64_t enclave_sgx(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->blocking & BLOCKING_ENCLAVE) && !(s->capability->cpuid_7_ebx & CPUID_7_EBX_SGX);
}

/* --- Pending debug exceptions --- */

static uint64_t pending_reserved(const struct entry_state *s, unsigned argument)
{
	uint64_t reserved = PENDING_DEBUG_RESERVED;

	(void)argument;
	if (!(s->capability->cpuid_7_ecx & CPUID_7_ECX_BUS_LOCK))
		reserved |= PENDING_DEBUG_BUS_LOCK;
	return FIELD(s, GUEST_PENDING_DEBUG) & reserved;
}

/* A single-step trap can be pending only if it was held back, and then it must be. */
static bool single_step_is_looked_at(const struct entry_state *s)
{
	return (s->blocking & (BLOCKING_STI | BLOCKING_MOV_SS)) || activity(s) == ACTIVITY_HLT;
}

static bool single_steps(const struct entry_state *s)
{
	return (FIELD(s, GUEST_RFLAGS) & RFLAGS_TF) && !(FIELD(s, GUEST_DEBUGCTL) & DEBUGCTL_BTF);
}

static uint64_t pending_step(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return single_step_is_looked_at(s) && single_steps(s) &&
	       !(FIELD(s, GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS);
}

static uint64_t pending_no_step(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return single_step_is_looked_at(s) && !single_steps(s) &&
	       (FIELD(s, GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS);
}

static bool pending_rtm(const struct entry_state *s)
{
	return FIELD(s, GUEST_PENDING_DEBUG) & PENDING_DEBUG_RTM;
}

static uint64_t rtm_exists(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return pending_rtm(s) && !(s->capability->cpuid_7_ebx & CPUID_7_EBX_RTM);
}

/* With RTM, bit 12 alone. What is reserved in any case pending_reserved tells. */
static uint64_t rtm_bits(const struct entry_state *s, unsigned argument)
{
	uint64_t pending = FIELD(s, GUEST_PENDING_DEBUG);

	(void)argument;
	if (!pending_rtm(s))
		return 0;
	return (pending & (DR6_B | PENDING_DEBUG_BUS_LOCK | PENDING_DEBUG_BS)) |
	       (~pending & PENDING_DEBUG_ENABLED_BREAKPOINT);
}

static uint64_t rtm_mov_ss(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return pending_rtm(s) && (s->blocking & BLOCKING_MOV_SS);
}

/* --- The VMCS link pointer --- */

static uint64_t link_address(const struct entry_state *s, unsigned argument)
{
	uint64_t link = FIELD(s, LINK_POINTER);

	(void)argument;
	return link == LINK_NONE ? 0 : entry_bad_address(s, link, LINK_ALIGNED);
}

static bool link_is_read(const struct entry_state *s)
{
	return s->memory && s->memory->link_revision_known && FIELD(s, LINK_POINTER) != LINK_NONE &&
	       !link_address(s, 0);
}

static uint64_t link_revision(const struct entry_state *s, unsigned argument)
{
	uint32_t revision = (uint32_t)s->capability->basic & REVISION_MASK;

	(void)argument;
	return link_is_read(s) && (s->memory->link_revision & REVISION_MASK) != revision;
}

static uint64_t link_shadow(const struct entry_state *s, unsigned argument)
{
	bool shadowing = s->proc2 & PROC2_SHADOWING;

	(void)argument;
	return link_is_read(s) && shadowing != !!(s->memory->link_revision & SHADOW_VMCS);
}

/* --- PDPTEs --- */

/* Without EPT the processor reads them from memory. */
static uint64_t pdpte(const struct entry_state *s, unsigned number)
{
	uint64_t entry = s->value[VMCS_AT_GUEST_PDPTE0 + number];

	if (s->ia32e || !(s->cr0 & CR0_PG) || !(FIELD(s, GUEST_CR4) & CR4_PAE) ||
	    !(s->proc2 & PROC2_EPT) || !(entry & PDPTE_PRESENT))
		return 0;
	return (entry & PDPTE_RESERVED) | entry_beyond_width(s, entry);
}

/* --- The VM-entry MSR-load area --- */

enum msr_rule_kind { MSR_RESERVED, MSR_BASES, MSR_X2APIC, MSR_SMM };

static bool may_not_load(const struct entry_state *s, const struct entry_msr *msr,
			 enum msr_rule_kind kind)
{
	uint32_t index = (uint32_t)msr->index;

	switch (kind) {
	case MSR_RESERVED:
		return msr->index >> 32;
	case MSR_BASES:
		return index == IA32_FS_BASE || index == IA32_GS_BASE;
	case MSR_X2APIC:
		return index >= IA32_X2APIC_FIRST && index <= IA32_X2APIC_LAST;
	default:
		return index == IA32_SMM_MONITOR_CTL && !s->capability->smm;
	}
}

/* Returns the number of the first entry that breaks the rule, from 1, as the exit qualification. */
static uint64_t loads_msr(const struct entry_state *s, unsigned kind)
{
	uint64_t i, count = FIELD(s, ENTRY_MSR_LOAD_COUNT);

	if (!s->memory || !s->memory->msr)
		return 0;
	for (i = 0; i < count && i < s->memory->msrs; i++) {
		if (may_not_load(s, &s->memory->msr[i], kind))
			return i + 1;
	}
	return 0;
}

/* --- The table --- */

#define X(name, ...)  RULE("guest-" name, ENTRY_GUEST, STATE, __VA_ARGS__)
#define XB(name, ...) BITS("guest-" name, ENTRY_GUEST, STATE, __VA_ARGS__)
#define PDPTE(number)                                                                              \
	BITS("guest-pdpte" #number, ENTRY_GUEST, PDPTES, pdpte, number,                            \
	     "With \"enable EPT\" and a guest with PAE paging, a present PDPTE" #number            \
	     " may have no bits 2:1, 8:5 and none beyond the physical-address width.",             \
	     FIELDS5(GUEST_PDPTE##number, GUEST_CR0, GUEST_CR4, ENTRY_CONTROLS, PROC_CONTROLS2))
#define LOAD(name, kind, text)                                                                     \
	RULE("load-" name, ENTRY_MSRS, LOADING, loads_msr, kind,                                   \
	     "In the VM-entry MSR-load area, " text,                                               \
	     FIELDS2(ENTRY_MSR_LOAD_COUNT, ENTRY_MSR_LOAD))

static const struct entry_rule rules[] = {
	X("activity-state", activity_state, 0,
	  "The guest's activity state must be 0 (active), or 1 (HLT), 2 (shutdown) or 3 "
	  "(wait-for-SIPI) if IA32_VMX_MISC bit 6, 7 or 8 says that it exists.",
	  FIELDS1(GUEST_ACTIVITY)),
	X("activity-dpl", activity_dpl, 0,
	  "In activity state HLT, the guest's DPL of SS must be 0.",
	  FIELDS2(GUEST_ACTIVITY, GUEST_SS_RIGHTS)),
	X("activity-blocking", activity_blocking, 0,
	  "With blocking by STI or by MOV SS, the guest's activity state must be 0 (active).",
	  FIELDS2(GUEST_ACTIVITY, GUEST_INTERRUPTIBILITY)),
	X("activity-hlt-event", activity_hlt_event, 0,
	  "In activity state HLT, the event to inject must be an external interrupt, an NMI, #DB, "
	  "#MC or a pending MTF VM exit.",
	  FIELDS2(GUEST_ACTIVITY, ENTRY_INTERRUPTION)),
	X("activity-shutdown-event", activity_shutdown_event, 0,
	  "In activity state shutdown, the event to inject must be an NMI or #MC.",
	  FIELDS2(GUEST_ACTIVITY, ENTRY_INTERRUPTION)),
	X("activity-sipi-event", activity_sipi_event, 0,
	  "In activity state wait-for-SIPI, no event can be injected.",
	  FIELDS2(GUEST_ACTIVITY, ENTRY_INTERRUPTION)),
	X("activity-sipi-smm", activity_sipi_smm, 0,
	  "With \"entry to SMM\", the activity state must not be wait-for-SIPI.",
	  FIELDS2(GUEST_ACTIVITY, ENTRY_CONTROLS)),

	XB("blocking-reserved", blocking_reserved, 0,
	   "Bits 31:5 of the guest's interruptibility state must be 0.",
	   FIELDS1(GUEST_INTERRUPTIBILITY)),
	X("blocking-both", blocking_both, 0,
	  "There cannot be blocking by STI and blocking by MOV SS (bits 0 and 1) at once.",
	  FIELDS1(GUEST_INTERRUPTIBILITY)),
	X("blocking-sti", blocking_sti_if, 0,
	  "With RFLAGS.IF = 0, the guest's blocking by STI (bit 0) must be 0.",
	  FIELDS2(GUEST_INTERRUPTIBILITY, GUEST_RFLAGS)),
	XB("blocking-interrupt", blocking_interrupt, 0,
	   "With an external interrupt to inject, blocking by STI and by MOV SS (bits 0 "
	   "and 1) must be 0.",
	   FIELDS2(GUEST_INTERRUPTIBILITY, ENTRY_INTERRUPTION)),
	X("blocking-mov-ss-nmi", blocking_nmi, 1,
	  "With an NMI to inject, blocking by MOV SS (bit 1) must be 0.",
	  FIELDS2(GUEST_INTERRUPTIBILITY, ENTRY_INTERRUPTION)),
	X("blocking-sti-nmi", blocking_nmi, 0,
	  "With an NMI to inject, blocking by STI (bit 0) must be 0. (Some processors do "
	  "not demand it.)",
	  FIELDS2(GUEST_INTERRUPTIBILITY, ENTRY_INTERRUPTION)),
	X("blocking-smi", blocking_smi, 0,
	  "Outside system-management mode, blocking by SMI (bit 2) must be 0.",
	  FIELDS1(GUEST_INTERRUPTIBILITY)),
	X("blocking-to-smm", blocking_to_smm, 0,
	  "With \"entry to SMM\", blocking by SMI (bit 2) must be 1.",
	  FIELDS2(GUEST_INTERRUPTIBILITY, ENTRY_CONTROLS)),
	X("blocking-virtual-nmi", blocking_virtual_nmi, 0,
	  "With \"virtual NMIs\" and an NMI to inject, blocking by NMI (bit 3) must be 0.",
	  FIELDS3(GUEST_INTERRUPTIBILITY, ENTRY_INTERRUPTION, PIN_CONTROLS)),
	X("enclave-mov-ss", enclave_mov_ss, 0,
	  "With enclave interruption (bit 4), blocking by MOV SS (bit 1) must be 0.",
	  FIELDS1(GUEST_INTERRUPTIBILITY)),
	X("enclave-sgx", enclave_sgx, 0,
	  "Enclave interruption (bit 4) must be 0 on a processor without SGX.",
	  FIELDS1(GUEST_INTERRUPTIBILITY)),

	XB("pending-reserved", pending_reserved, 0,
	   "Bits 63:17, 15, 13 and 11:4 of the guest's pending debug exceptions must be 0 (bit 11 "
	   "may be 1 with bus-lock detection).",
	   FIELDS1(GUEST_PENDING_DEBUG)),
	X("pending-step", pending_step, 0,
	  "With blocking by STI or MOV SS, or in activity state HLT, BS (bit 14) of the "
	  "pending debug exceptions must be 1 if RFLAGS.TF is 1 and IA32_DEBUGCTL.BTF is "
	  "0.",
	  FIELDS5(GUEST_PENDING_DEBUG, GUEST_RFLAGS, GUEST_DEBUGCTL, GUEST_INTERRUPTIBILITY,
		  GUEST_ACTIVITY)),
	X("pending-no-step", pending_no_step, 0,
	  "With blocking by STI or MOV SS, or in activity state HLT, BS (bit 14) of the "
	  "pending debug exceptions must be 0 if RFLAGS.TF is 0 or IA32_DEBUGCTL.BTF is "
	  "1.",
	  FIELDS5(GUEST_PENDING_DEBUG, GUEST_RFLAGS, GUEST_DEBUGCTL, GUEST_INTERRUPTIBILITY,
		  GUEST_ACTIVITY)),
	X("pending-rtm", rtm_exists, 0,
	  "Bit 16 (RTM) of the pending debug exceptions must be 0 on a processor without RTM.",
	  FIELDS1(GUEST_PENDING_DEBUG)),
	XB("pending-rtm-bits", rtm_bits, 0,
	   "With bit 16 (RTM) of the pending debug exceptions, bit 12 must be 1 and all others 0.",
	   FIELDS1(GUEST_PENDING_DEBUG)),
	X("pending-rtm-mov-ss", rtm_mov_ss, 0,
	  "With bit 16 (RTM) of the pending debug exceptions, blocking by MOV SS must be 0.",
	  FIELDS2(GUEST_PENDING_DEBUG, GUEST_INTERRUPTIBILITY)),

	XB("link-pointer", link_address, 0,
	   "The VMCS link pointer must be all ones, or aligned to 4 KBytes and within the "
	   "physical-address width.",
	   FIELDS1(LINK_POINTER)),
	X("link-revision", link_revision, 0,
	  "The VMCS that the link pointer names must have the revision identifier of "
	  "IA32_VMX_BASIC.",
	  FIELDS1(LINK_POINTER)),
	X("link-shadow", link_shadow, 0,
	  "The VMCS that the link pointer names must be a shadow VMCS (bit 31 of its "
	  "first word) with \"VMCS shadowing\", and must not be one without.",
	  FIELDS3(LINK_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),

	PDPTE(0),
	PDPTE(1),
	PDPTE(2),
	PDPTE(3),

	LOAD("msr-reserved", MSR_RESERVED, "bits 63:32 of an entry must be 0."),
	LOAD("msr-bases", MSR_BASES,
	     "there may be no IA32_FS_BASE (C0000100H) and no IA32_GS_BASE (C0000101H)."),
	LOAD("msr-x2apic", MSR_X2APIC, "there may be no x2APIC MSR (800H to 8FFH)."),
	LOAD("msr-smm", MSR_SMM,
	     "outside system-management mode, there may be no IA32_SMM_MONITOR_CTL (9BH)."),
};

const struct entry_part entry_rules_events = { rules, sizeof(rules) / sizeof(rules[0]) };
