// SPDX-License-Identifier: GPL-2.0
/*
 * One VMCS state after the other: what base/entry_rules says of it, what the processor says, and
 * whether that is the same, but for what entry_known.c explains.
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
 * int entry_try(bool resume), by VMLAUNCH or VMRESUME: 0 after a VM exit or a failed entry that
 * loaded the host state, 1 after VMfailValid, 2 after VMfailInvalid. Only RSP is known behind an
 * exit.
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
    "	test	%dil, %dil\n"
    "	jnz	2f\n"
    "	vmlaunch\n"
    "	jmp	3f\n"
    "2:	vmresume\n"
    "3:	mov	$1, %eax\n"
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
int entry_try(bool resume);
extern const char entry_exit[], entry_guest[];
uint64_t entry_rsp;

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

static struct entry_machine *machine;
static struct entry_capability capability;
static struct entry_memory memory;
static struct entry_mutant mutant;
static struct vmcs_snapshot snapshot; /* what the VMCS really holds */
static bool exists[VMCS_FIELDS_COUNT];
static struct entry_judgement judgement;

#define NOW(name) (snapshot.value[VMCS_AT_##name])

static bool secondary(uint32_t control)
{
	return (NOW(PROC_CONTROLS) & PROC_SECONDARY) && (NOW(PROC_CONTROLS2) & control);
}

/* --- What can't be tried --- */

static bool changed(unsigned int at)
{
	return snapshot.value[at] != mutant.valid.value[at];
}

/* What entry.c puts back, and a register that the emulator has not. */
static bool is_put_back(unsigned int at)
{
	return at == VMCS_AT_HOST_PAT || at == VMCS_AT_HOST_SYSENTER_CS ||
	       at == VMCS_AT_HOST_SYSENTER_ESP || at == VMCS_AT_HOST_SYSENTER_EIP ||
	       at == VMCS_AT_HOST_PERF_GLOBAL;
}

static bool host_changed(void)
{
	unsigned int at;

	for (at = 0; at < VMCS_FIELDS_COUNT; at++) {
		if (vmcs_fields[at].group == VMCS_HOST && changed(at) && !is_put_back(at))
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
	/* An event that is injected ends it. */
	if (!(NOW(ENTRY_INTERRUPTION) & EVENT_VALID) &&
	    (activity == ACTIVITY_SHUTDOWN || activity == ACTIVITY_WAIT_FOR_SIPI))
		return "nothing ends the activity state";
	if (NOW(LINK_POINTER) != ~0ull && !is_ours(NOW(LINK_POINTER)))
		return "what the link pointer names is not known";
	return NULL;
}

/* NULL: it can be tried. */
static const char *why_not(const struct entry_judgement *j)
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

static void write_valid(void)
{
	unsigned int at;

	for (at = 0; at < VMCS_FIELDS_COUNT; at++) {
		if (exists[at])
			vmwrite(vmcs_fields[at].encoding, mutant.valid.value[at]);
	}
}

/* With `resume`, the valid state has been entered once. */
static bool prepare(bool resume)
{
	if (!vmclear(phys_of(ENTRY_PAGE_VMCS)) || !vmptrld(phys_of(ENTRY_PAGE_VMCS)))
		return false;
	write_valid();
	if (!resume)
		return true;
	if (verdict_of(entry_try(false)) != VERDICT_ENTERED)
		return false;
	write_valid();
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

static void tell(uint64_t seed, const struct entry_judgement *j, const char *end)
{
	unsigned int i;

	machine->say("state %llu, %s guest: ours %s, expected %s, %s", seed, mutant.kind,
		     verdict_names[j->ours], verdict_names[j->expected], end);
	for (i = 0; i < mutant.changes; i++) {
		unsigned int at = mutant.change[i].at;

		machine->say("  %s %#llx -> %#llx", vmcs_fields[at].name, mutant.valid.value[at],
			     snapshot.value[at]);
	}
	for (i = 0; i < j->count && i < ENTRY_BROKEN_MAX; i++)
		machine->say("  breaks %s", entry_rules_get(j->broken[i].rule)->id);
}

#define RULES_MAX 512
static bool seen[RULES_MAX], alone[RULES_MAX];

static void count(const struct entry_judgement *j, struct entry_tally *tally)
{
	unsigned int *const by_verdict[] = { &tally->controls, &tally->host, &tally->guest,
					     &tally->msrs, &tally->entered };
	unsigned int i;

	if (j->ours != j->expected) {
		tally->explained++;
		entry_known_count(j);
		return;
	}
	++*by_verdict[j->ours];
	for (i = 0; i < j->count && i < ENTRY_BROKEN_MAX; i++) {
		unsigned int rule = j->broken[i].rule;

		if ((enum verdict)entry_rules_get(rule)->class != j->ours)
			continue;
		seen[rule] = true;
		if (j->count == 1)
			alone[rule] = true;
	}
}

void entry_inside_state(uint64_t seed, bool tell_all, struct entry_tally *tally)
{
	const struct entry_places places = { (uintptr_t)entry_guest, (uintptr_t)entry_exit,
					     (uintptr_t)host_stack + sizeof(host_stack) };
	struct entry_judgement *j = &judgement;
	bool resume = seed % 4 == 0;
	enum verdict got;
	const char *why;

	tally->states++;
	entry_mutate(seed, machine, &capability, &places, exists, &mutant);
	if (!prepare(resume)) {
		tally->different++;
		machine->say("state %llu, %s guest: not even the valid state is entered", seed,
			     mutant.kind);
		return;
	}
	write_changes();
	entry_known_judge(&snapshot, &capability, j);
	why = why_not(j);
	if (why) {
		tally->skipped++;
		if (tell_all)
			tell(seed, j, why);
		return;
	}
	got = verdict_of(entry_try(resume));
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
	unsigned int number, seen_count = 0, alone_count = 0;

	entry_known_say(machine->say);
	for (number = 0; number < entry_rules_count(); number++) {
		seen_count += seen[number];
		alone_count += alone[number];
		if (!seen[number])
			machine->say("not broken: %s", entry_rules_get(number)->id);
	}
	machine->say("rules: %u of %u broken, %u of them alone", seen_count, entry_rules_count(),
		     alone_count);
}
