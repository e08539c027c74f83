// SPDX-License-Identifier: GPL-2.0
/*
 * One VMCS state after the other: what base/entry_rules says of it, what the processor says, and
 * whether that is the same. The processor is the lab's emulator, so a table holds what Bochs 2.7 is
 * known to do otherwise; a difference that it doesn't explain is a difference.
 *
 * An entry that succeeds executes nothing: the VMX-preemption timer has run out. And what is
 * between it and the first instruction can write no memory, since the EPT lets nobody write. States
 * after which nobody could go on (a host state that is valid and not ours) are not tried.
 *
 * World: the guest's kernel, root mode of VMX operation.
 */
#include "entry_inside.h"

#include <stddef.h>
#include <string.h>

#include "tree/base/msr.h"
#include "tree/root/vmx.h"

/* --- The entry itself --- */

/*
 * int entry_try(void): 0 after a VM exit or a failed entry that loaded the host state, 1 after
 * VMfailValid, 2 after VMfailInvalid. Only RSP is known behind an exit.
 */
asm(".pushsection .text\n"
    ".balign 16\n"
    "entry_try:\n"
    "	push	%rbp\n"
    "	push	%rbx\n"
    "	push	%r12\n"
    "	push	%r13\n"
    "	push	%r14\n"
    "	push	%r15\n"
    "	pushfq\n"
    "	mov	%rsp, entry_rsp(%rip)\n"
    "	vmlaunch\n"
    "	mov	$1, %eax\n"
    "	jnc	1f\n"
    "	mov	$2, %eax\n"
    "	jmp	1f\n"
    "entry_exit:\n"
    "	mov	entry_rsp(%rip), %rsp\n"
    "	xor	%eax, %eax\n"
    "1:	popfq\n"
    "	pop	%r15\n"
    "	pop	%r14\n"
    "	pop	%r13\n"
    "	pop	%r12\n"
    "	pop	%rbx\n"
    "	pop	%rbp\n"
    "	ret\n"
    "entry_guest:\n"
    "	vmcall\n"
    "	jmp	entry_guest\n"
    ".popsection\n");
int entry_try(void);
extern const char entry_exit[], entry_guest[];
uint64_t entry_rsp;

enum verdict {
	VERDICT_CONTROLS = ENTRY_CONTROLS,
	VERDICT_HOST = ENTRY_HOST,
	VERDICT_GUEST = ENTRY_GUEST,
	VERDICT_MSRS = ENTRY_MSRS,
	VERDICT_ENTERED,
	VERDICT_OTHER, /* nothing that an entry can end with */
};

static const char *const verdict_names[] = { "controls", "host",    "guest",
					     "msrs",	 "entered", "something else" };

static enum verdict verdict_of(int result)
{
	uint32_t reason;

	if (result == 2)
		return VERDICT_OTHER;
	if (result == 1) {
		switch (vmread(VMCS_INSTRUCTION_ERROR)) {
		case 7:
			return VERDICT_CONTROLS;
		case 8:
			return VERDICT_HOST;
		default:
			return VERDICT_OTHER;
		}
	}
	reason = (uint32_t)vmread(VMCS_EXIT_REASON);
	if (!(reason & EXIT_REASON_ENTRY_FAILED))
		return VERDICT_ENTERED;
	switch (reason & 0xffff) {
	case EXIT_REASON_ENTRY_GUEST_STATE:
		return VERDICT_GUEST;
	case EXIT_REASON_ENTRY_MSR_LOADING:
		return VERDICT_MSRS;
	default:
		return VERDICT_OTHER;
	}
}

/* --- What is known of the emulator --- */

static struct entry_machine *machine;
static struct entry_capability capability;
static struct entry_memory memory;
static struct entry_mutant mutant;
static struct vmcs_snapshot snapshot; /* what the VMCS really holds */
static bool exists[VMCS_FIELDS_COUNT];

#define NOW(name) (snapshot.value[VMCS_AT_##name])

static bool secondary(uint32_t control)
{
	return (NOW(PROC_CONTROLS) & PROC_SECONDARY) && (NOW(PROC_CONTROLS2) & control);
}

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

#define BROKEN_MAX 32

struct judgement {
	unsigned int count;
	struct entry_rule_broken broken[BROKEN_MAX];
	enum verdict ours, expected;
	bool wild, either;
};

static struct judgement judgement;

static void judge(struct judgement *j)
{
	unsigned int i;

	j->count = entry_rules_check(&snapshot, &capability, j->broken, BROKEN_MAX);
	j->ours = j->count ? (enum verdict)entry_rules_get(j->broken[0].rule)->class
			   : VERDICT_ENTERED;
	j->expected = VERDICT_ENTERED;
	j->wild = j->either = false;
	for (i = 0; i < j->count && i < BROKEN_MAX; i++) {
		const struct known *other = known_find(&j->broken[i]);
		enum verdict now = (enum verdict)entry_rules_get(j->broken[i].rule)->class;

		if (other && other->effect == WILD)
			j->wild = true;
		if (other && other->effect == EITHER)
			j->either = true;
		if (other && other->effect != LATER)
			continue;
		if (other)
			now = VERDICT_GUEST;
		if (now < j->expected)
			j->expected = now;
	}
	for (i = 0; i < KNOWN; i++) {
		if (is_demanded(&known[i]) && j->expected > VERDICT_GUEST)
			j->expected = VERDICT_GUEST;
	}
}

/* --- What can't be tried --- */

static bool changed(unsigned int at)
{
	return snapshot.value[at] != mutant.valid.value[at];
}

static bool host_changed(void)
{
	unsigned int at;

	for (at = 0; at < VMCS_FIELDS_COUNT; at++) {
		if (vmcs_fields[at].group == VMCS_HOST && changed(at))
			return true;
	}
	return false;
}

/* The host state is loaded, as it is after a failed entry too. NULL: nothing is lost by that. */
static const char *host_is_lost(void)
{
	if (host_changed())
		return "the host state is another";
	if (!(NOW(EXIT_CONTROLS) & EXIT_LOAD_EFER))
		return "the guest's IA32_EFER stays";
	if (NOW(EXIT_MSR_LOAD_COUNT))
		return "exit MSRs are loaded";
	return NULL;
}

/* The addresses at which the processor writes, or from which it takes the guest's memory. */
static bool structures_changed(void)
{
	static const unsigned int at[] = { VMCS_AT_VIRTUAL_APIC,   VMCS_AT_APIC_ACCESS,
					   VMCS_AT_VE_INFORMATION, VMCS_AT_PML_ADDRESS,
					   VMCS_AT_EPT_POINTER,	   VMCS_AT_SPP_POINTER };
	unsigned int i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		if (changed(at[i]))
			return true;
	}
	return false;
}

static bool is_ours(uint64_t physical)
{
	return physical == machine->physical[ENTRY_PAGE_LINK] ||
	       physical == machine->physical[ENTRY_PAGE_SHADOW] ||
	       physical == machine->physical[ENTRY_PAGE_WRONG];
}

/* Entered, the state goes on to the timer's exit. NULL: it does. */
static const char *guest_is_wild(void)
{
	uint32_t activity = (uint32_t)NOW(GUEST_ACTIVITY);

	if (judgement.wild)
		return "the emulator accepts a state that can't be";
	if (!(NOW(PIN_CONTROLS) & PIN_PREEMPTION_TIMER) || NOW(GUEST_PREEMPTION_TIMER))
		return "no timer ends it";
	if (!secondary(PROC2_EPT) || structures_changed())
		return "it could write to memory";
	if (NOW(EXIT_CONTROLS) & EXIT_ACKNOWLEDGE)
		return "an interrupt would be lost";
	if (NOW(EXIT_MSR_STORE_COUNT))
		return "exit MSRs are stored";
	if (secondary(PROC2_VIRTUAL_INTERRUPTS) && NOW(GUEST_INTERRUPT_STATUS))
		return "a virtual interrupt is pending";
	if (activity == ACTIVITY_SHUTDOWN || activity == ACTIVITY_WAIT_FOR_SIPI)
		return "nothing ends the activity state";
	if (NOW(LINK_POINTER) != ~0ull && !is_ours(NOW(LINK_POINTER)))
		return "what the link pointer names is not known";
	return NULL;
}

/* NULL: it can be tried. */
static const char *why_not(const struct judgement *j)
{
	const char *why = NULL;

	if (j->expected != VERDICT_CONTROLS && j->either)
		return "the emulator may accept it";
	if (j->expected != VERDICT_CONTROLS && (NOW(PROC_CONTROLS) & PROC_TPR_SHADOW) &&
	    changed(VMCS_AT_VIRTUAL_APIC))
		return "VTPR is not known";
	if (j->expected >= VERDICT_GUEST)
		why = host_is_lost();
	if (why || j->expected < VERDICT_MSRS)
		return why;
	if (NOW(ENTRY_MSR_LOAD_COUNT) > 4 ||
	    (NOW(ENTRY_MSR_LOAD_COUNT) && changed(VMCS_AT_ENTRY_MSR_LOAD)))
		return "what the MSR-load area holds is not known";
	return guest_is_wild();
}

/* --- A state --- */

static uint8_t host_stack[4096] __attribute__((aligned(16)));

static struct phys phys_of(enum entry_page page)
{
	return phys(machine->physical[page]);
}

static bool write_valid(void)
{
	unsigned int at;

	if (!vmclear(phys_of(ENTRY_PAGE_VMCS)) || !vmptrld(phys_of(ENTRY_PAGE_VMCS)))
		return false;
	for (at = 0; at < VMCS_FIELDS_COUNT; at++) {
		if (exists[at])
			vmwrite(vmcs_fields[at].encoding, mutant.valid.value[at]);
	}
	return true;
}

/* What the processor doesn't keep of a value is not there: the VMCS is read back. */
static void write_changes(void)
{
	unsigned int i;

	snapshot = mutant.valid;
	for (i = 0; i < mutant.changes; i++) {
		unsigned int at = mutant.change[i].at;

		vmwrite(vmcs_fields[at].encoding, mutant.change[i].value);
		snapshot.value[at] = vmread(vmcs_fields[at].encoding);
	}
	memset(machine->page[ENTRY_PAGE_APIC], 0, 4096);
	memcpy(machine->page[ENTRY_PAGE_MSRS], mutant.msr, sizeof(mutant.msr));
	memory = (struct entry_memory){ .vtpr_known = true,
					.link_revision_known = is_ours(NOW(LINK_POINTER)),
					.msr = mutant.msr,
					.msrs = 4 };
	if (NOW(LINK_POINTER) == machine->physical[ENTRY_PAGE_LINK])
		memory.link_revision = *(uint32_t *)machine->page[ENTRY_PAGE_LINK];
	else if (NOW(LINK_POINTER) == machine->physical[ENTRY_PAGE_SHADOW])
		memory.link_revision = *(uint32_t *)machine->page[ENTRY_PAGE_SHADOW];
	else
		memory.link_revision = *(uint32_t *)machine->page[ENTRY_PAGE_WRONG];
}

static void tell(uint64_t seed, const struct judgement *j, const char *end)
{
	unsigned int i;

	machine->say("state %llu, %s guest: ours %s, expected %s, %s", seed, mutant.kind,
		     verdict_names[j->ours], verdict_names[j->expected], end);
	for (i = 0; i < mutant.changes; i++) {
		unsigned int at = mutant.change[i].at;

		machine->say("  %s %#llx -> %#llx", vmcs_fields[at].name, mutant.valid.value[at],
			     snapshot.value[at]);
	}
	for (i = 0; i < j->count && i < BROKEN_MAX; i++)
		machine->say("  breaks %s", entry_rules_get(j->broken[i].rule)->id);
}

#define RULES_MAX 512
static bool seen[RULES_MAX], alone[RULES_MAX];

static void count(const struct judgement *j, struct entry_tally *tally)
{
	unsigned int *const by_verdict[] = { &tally->controls, &tally->host, &tally->guest,
					     &tally->msrs, &tally->entered };
	unsigned int i;

	for (i = 0; i < j->count && i < BROKEN_MAX; i++) {
		const struct known *other = known_find(&j->broken[i]);

		if (other && j->ours != j->expected)
			explained_by[other - known]++;
		/* Only what decided the verdict has been seen. */
		if (!other && j->count == 1)
			alone[j->broken[i].rule] = true;
		if (!other &&
		    (enum verdict)entry_rules_get(j->broken[i].rule)->class == j->expected)
			seen[j->broken[i].rule] = true;
	}
	if (j->ours == j->expected) {
		++*by_verdict[j->ours];
		return;
	}
	tally->explained++;
	for (i = 0; i < KNOWN; i++)
		explained_by[i] += is_demanded(&known[i]);
}

void entry_inside_state(uint64_t seed, bool tell_all, struct entry_tally *tally)
{
	const struct entry_places places = { (uintptr_t)entry_guest, (uintptr_t)entry_exit,
					     (uintptr_t)host_stack + sizeof(host_stack) };
	struct judgement *j = &judgement;
	enum verdict got;
	const char *why;

	tally->states++;
	entry_mutate(seed, machine, &capability, &places, exists, &mutant);
	if (!write_valid()) {
		tally->different++;
		machine->say("state %llu: the VMCS can't be loaded", seed);
		return;
	}
	write_changes();
	judge(j);
	why = why_not(j);
	if (why) {
		tally->skipped++;
		if (tell_all)
			tell(seed, j, why);
		return;
	}
	got = verdict_of(entry_try());
	if (tell_all || got != j->expected)
		tell(seed, j, verdict_names[got]);
	if (got == j->expected) {
		count(j, tally);
		return;
	}
	tally->different++;
	machine->say("different: reason %#llx qualification %#llx error %llu",
		     vmread(VMCS_EXIT_REASON), vmread(VMCS_EXIT_QUALIFICATION),
		     vmread(VMCS_INSTRUCTION_ERROR));
}

/* --- Around them --- */

static uint64_t read_msr(uint32_t msr)
{
	uint64_t value;

	return machine->rdmsr(msr, &value) ? value : 0;
}

/* SDM: Algorithms for Determining VMX Capabilities: the TRUE ones, where there are any. */
static void read_capability(void)
{
	uint32_t flexible;
	struct cpuid_result leaf;

	entry_capability_unknown(&capability);
	capability.basic = read_msr(IA32_VMX_BASIC);
	flexible =
		capability.basic & BIT64(55) ? IA32_VMX_TRUE_PINBASED - IA32_VMX_PINBASED_CTLS : 0;
	capability.pin = read_msr(IA32_VMX_PINBASED_CTLS + flexible);
	capability.proc = read_msr(IA32_VMX_PINBASED_CTLS + 1 + flexible);
	capability.exit = read_msr(IA32_VMX_PINBASED_CTLS + 2 + flexible);
	capability.entry = read_msr(IA32_VMX_PINBASED_CTLS + 3 + flexible);
	capability.proc2 = read_msr(IA32_VMX_PROCBASED_CTLS2);
	capability.misc = read_msr(IA32_VMX_MISC);
	capability.cr0_fixed0 = read_msr(IA32_VMX_CR0_FIXED0);
	capability.cr0_fixed1 = read_msr(IA32_VMX_CR0_FIXED1);
	capability.cr4_fixed0 = read_msr(IA32_VMX_CR4_FIXED0);
	capability.cr4_fixed1 = read_msr(IA32_VMX_CR4_FIXED1);
	capability.ept_vpid = read_msr(IA32_VMX_EPT_VPID_CAP);
	capability.vmfunc = read_msr(IA32_VMX_VMFUNC);
	cpuid(0x80000008u, 0, &leaf);
	capability.physical_bits = leaf.eax & 0xff;
	cpuid(7, 0, &leaf);
	capability.cpuid_7_ebx = leaf.ebx;
	capability.cpuid_7_ecx = leaf.ecx;
	capability.cpuid_71_eax = 0;
	capability.linear_bits = leaf.ecx & CPUID_7_ECX_LA57 ? 57 : 48;
	capability.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	/* SDM, volume 4: IA32_DEBUGCTL: LBR, BTF, and bits 15:6. */
	capability.debugctl = 0xffc3;
	/* SDM: CPUID, leaf 0AH: counters; without the leaf there are none. */
	cpuid(0xa, 0, &leaf);
	capability.perf_global =
		((1ull << (leaf.eax >> 8 & 0xff)) - 1) | ((1ull << (leaf.edx & 0x1f)) - 1) << 32;
	capability.memory = &memory;
}

/* The first 4 GiB, one to one, to be read and executed. */
static void make_ept(void)
{
	uint64_t *top = machine->page[ENTRY_PAGE_EPT], *second = machine->page[ENTRY_PAGE_EPT + 1];
	unsigned int i, k;

	top[0] = machine->physical[ENTRY_PAGE_EPT + 1] | 7;
	for (i = 0; i < 4; i++) {
		uint64_t *third = machine->page[ENTRY_PAGE_EPT + 2 + i];

		second[i] = machine->physical[ENTRY_PAGE_EPT + 2 + i] | 7;
		for (k = 0; k < 512; k++)
			third[k] = ((uint64_t)i << 30 | (uint64_t)k << 21) | 0xb5;
	}
}

void entry_inside_prepare(struct entry_machine *lent)
{
	uint32_t revision;

	machine = lent;
	read_capability();
	make_ept();
	revision = (uint32_t)capability.basic & 0x7fffffff;
	*(uint32_t *)machine->page[ENTRY_PAGE_VMXON] = revision;
	*(uint32_t *)machine->page[ENTRY_PAGE_VMCS] = revision;
	*(uint32_t *)machine->page[ENTRY_PAGE_LINK] = revision;
	*(uint32_t *)machine->page[ENTRY_PAGE_SHADOW] = revision | 0x80000000;
	*(uint32_t *)machine->page[ENTRY_PAGE_WRONG] = revision + 1;
	memset(explained_by, 0, sizeof(explained_by));
	memset(seen, 0, sizeof(seen));
	memset(alone, 0, sizeof(alone));
}

bool entry_inside_begin(void)
{
	unsigned int at;

	if (!vmxon(phys_of(ENTRY_PAGE_VMXON)))
		return false;
	if (!vmclear(phys_of(ENTRY_PAGE_VMCS)) || !vmptrld(phys_of(ENTRY_PAGE_VMCS))) {
		vmxoff();
		return false;
	}
	for (at = 0; at < VMCS_FIELDS_COUNT; at++)
		exists[at] = vmcs_fields[at].group != VMCS_EXIT &&
			     vmwrite_checked(vmcs_fields[at].encoding, 0);
	return true;
}

void entry_inside_end(void)
{
	vmclear(phys_of(ENTRY_PAGE_VMCS));
	vmxoff();
}

void entry_inside_say(void)
{
	unsigned int i, number, seen_count = 0, alone_count = 0;

	for (i = 0; i < KNOWN; i++) {
		if (explained_by[i])
			machine->say("explained: %s, %u", known[i].rule, explained_by[i]);
	}
	for (number = 0; number < entry_rules_count(); number++) {
		seen_count += seen[number];
		alone_count += alone[number];
		if (!seen[number])
			machine->say("not broken: %s", entry_rules_get(number)->id);
	}
	machine->say("rules: %u of %u decided a verdict, %u alone", seen_count, entry_rules_count(),
		     alone_count);
}
