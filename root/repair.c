// SPDX-License-Identifier: MIT
/*
 * A state that the processor takes. After a failed entry some field of the guest's has a value that
 * is none: it gets the nearest one that is, so that the next entry succeeds, and so that the gate
 * can load it natively. There LTR, LLDT, MOV to CR and DR, loads of segments, WRMSR, LGDT, LIDT and
 * IRETQ would raise a fault, which nobody can handle.
 *
 * A field that is right stays as it is. Registers whose value is lost have what they had when the
 * guest began; of a segment whose state is lost, the selector is believed, and its descriptor.
 *
 * Source: SDM, Checks on Guest Control Registers, Debug Registers, and MSRs; Checks on Guest
 * Segment Registers; Checks on Guest Descriptor-Table Registers; Checks on Guest RIP, RFLAGS, and
 * SSP; Checks on Guest Non-Register State; and the instructions' own pages. World: root.
 */
#include "../base/msr.h"
#include "../base/operand.h"
#include "root.h"
#include "vmx.h"

#define PENDING_DEBUG_DEFINED (DR6_B | PENDING_DEBUG_ENABLED_BREAKPOINT | PENDING_DEBUG_BS)
#define RFLAGS_DEFINED                                                                             \
	(RFLAGS_ONE | RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF |      \
	 RFLAGS_IF | RFLAGS_DF | RFLAGS_OF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC |     \
	 BIT64(19) | BIT64(20) | BIT64(21))

#define RIGHTS_RESERVED	   0xfffe0f00u
#define RIGHTS_SYSTEM	   (RIGHTS_CODE_OR_DATA | RIGHTS_PRESENT | 0xfu) /* looked at as one */
#define RIGHTS_LDT	   (RIGHTS_PRESENT | 0x2u)
#define RIGHTS_TSS_BUSY	   (RIGHTS_PRESENT | 0xbu)
#define TYPE_LAST_WITH_DPL 11u	     /* conforming code is for every privilege level */
#define COPY_BYTES	   (32 * 8u) /* of the GDT from which the gate loads */

/* --- Segments --- */

static void get(enum segment which, struct segment_state *state)
{
	state->selector = (uint16_t)vmread(VMCS_GUEST_SELECTOR(which));
	state->base = vmread(VMCS_GUEST_BASE(which));
	state->limit = (uint32_t)vmread(VMCS_GUEST_LIMIT(which));
	state->rights = (uint32_t)vmread(VMCS_GUEST_RIGHTS(which));
}

static void put(enum segment which, const struct segment_state *state)
{
	vmwrite(VMCS_GUEST_SELECTOR(which), state->selector);
	vmwrite(VMCS_GUEST_BASE(which), state->base);
	vmwrite(VMCS_GUEST_LIMIT(which), state->limit);
	vmwrite(VMCS_GUEST_RIGHTS(which), state->rights);
}

static unsigned rpl_of(const struct segment_state *state)
{
	return state->selector & SELECTOR_RPL;
}

static unsigned dpl_of(const struct segment_state *state)
{
	return RIGHTS_DPL(state->rights);
}

static bool is_null(const struct segment_state *state)
{
	return !(state->selector & (SELECTOR_INDEX | SELECTOR_TI));
}

static bool is_unusable(const struct segment_state *state)
{
	return state->rights & RIGHTS_UNUSABLE;
}

static bool limit_fits(const struct segment_state *state)
{
	if (state->rights & RIGHTS_GRANULARITY)
		return (state->limit & 0xfff) == 0xfff;
	return !(state->limit & 0xfff00000u);
}

/* What holds for code and data alike. */
static bool is_segment(const struct segment_state *state)
{
	return !is_null(state) && !is_unusable(state) && (state->rights & RIGHTS_CODE_OR_DATA) &&
	       (state->rights & RIGHTS_PRESENT) && (state->rights & RIGHTS_ACCESSED) &&
	       !(state->rights & RIGHTS_RESERVED) && limit_fits(state);
}

static bool cs_valid(const struct segment_state *cs)
{
	bool conforming = RIGHTS_TYPE(cs->rights) > TYPE_LAST_WITH_DPL;

	return is_segment(cs) && (cs->rights & RIGHTS_CODE) && !(cs->base >> 32) &&
	       !((cs->rights & RIGHTS_LONG) && (cs->rights & RIGHTS_BIG)) &&
	       (conforming ? dpl_of(cs) <= rpl_of(cs) : dpl_of(cs) == rpl_of(cs));
}

/* SDM, IRET: a null selector is for 64-bit code below CPL 3 only. */
static bool ss_valid(const struct segment_state *ss, const struct segment_state *cs)
{
	if (rpl_of(ss) != rpl_of(cs) || dpl_of(ss) != rpl_of(ss))
		return false;
	if (is_unusable(ss))
		return is_null(ss) && rpl_of(ss) != 3 && (cs->rights & RIGHTS_LONG);
	return is_segment(ss) && !(ss->rights & RIGHTS_CODE) && (ss->rights & RIGHTS_WRITABLE) &&
	       !(ss->base >> 32);
}

/* From the copy in the gate's page, which has no more. Those of the LDT are loaded from there. */
static bool is_in_copy(const struct segment_state *state, unsigned bytes)
{
	return (state->selector & SELECTOR_TI) ||
	       (state->selector & SELECTOR_INDEX) + bytes <= COPY_BYTES;
}

/* Of FS and GS the bases are looked at as MSRs. */
static bool data_valid(enum segment which, const struct segment_state *state)
{
	if (is_unusable(state))
		return is_null(state);
	return is_segment(state) && is_in_copy(state, 8) &&
	       (!(state->rights & RIGHTS_CODE) || (state->rights & RIGHTS_READABLE)) &&
	       (RIGHTS_TYPE(state->rights) > TYPE_LAST_WITH_DPL ||
		dpl_of(state) >= rpl_of(state)) &&
	       (which == SEG_FS || which == SEG_GS || !(state->base >> 32));
}

static bool system_valid(const struct cpu *cpu, const struct segment_state *state, uint32_t rights)
{
	return !is_null(state) && !is_unusable(state) && !(state->selector & SELECTOR_TI) &&
	       is_in_copy(state, 16) && (state->rights & RIGHTS_SYSTEM) == rights &&
	       !(state->rights & RIGHTS_RESERVED) && limit_fits(state) &&
	       operand_is_canonical(state->base, capability_linear_bits(&cpu->capability));
}

/* As the processor loads it, from the guest's own GDT. */
static bool reload(struct cpu *cpu, struct segment_state *state)
{
	unsigned offset = state->selector & SELECTOR_INDEX;
	struct guest_fault fault;
	uint64_t entry;

	if (is_null(state) || (state->selector & SELECTOR_TI) ||
	    offset + 7 > vmread(VMCS_GUEST_GDTR_LIMIT) ||
	    !guest_memory_read(cpu, guest_virt(vmread(VMCS_GUEST_GDTR_BASE) + offset), &entry,
			       sizeof(entry), GUEST_AS_SUPERVISOR, &fault))
		return false;
	segment_decode(&entry, false, state);
	state->rights |= RIGHTS_ACCESSED;
	return true;
}

/*
 * What runs there, and with which rights, nothing else says: if the descriptor doesn't, then only
 * the kernel's code is still known, from when the guest began.
 */
static void repair_cs(struct cpu *cpu, struct segment_state *cs)
{
	struct segment_state other = *cs;

	if (cs_valid(cs))
		return;
	if (!reload(cpu, &other) || !cs_valid(&other)) {
		if (guest_cpl() != 0 || !(vmread(VMCS_GUEST_RIP) >> 63) ||
		    !segment_load(cpu->gate, SEG_CS, &other) || !cs_valid(&other))
			return;
	}
	put(SEG_CS, &other);
	*cs = other;
}

static void repair_ss(struct cpu *cpu, const struct segment_state *cs)
{
	struct segment_state ss;

	get(SEG_SS, &ss);
	if (ss_valid(&ss, cs))
		return;
	if (!reload(cpu, &ss) || !ss_valid(&ss, cs))
		ss = (struct segment_state){ .selector = (uint16_t)rpl_of(cs),
					     .rights = RIGHTS_UNUSABLE | rpl_of(cs) << 5 };
	if (ss_valid(&ss, cs))
		put(SEG_SS, &ss);
}

static void repair_segments(struct cpu *cpu)
{
	static const enum segment data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct segment_state state, cs;
	unsigned i;

	get(SEG_CS, &cs);
	repair_cs(cpu, &cs);
	repair_ss(cpu, &cs);
	for (i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		get(data[i], &state);
		if (data_valid(data[i], &state))
			continue;
		/* The base of FS or GS is none of the descriptor's. */
		vmwrite(VMCS_GUEST_SELECTOR(data[i]), 0);
		vmwrite(VMCS_GUEST_RIGHTS(data[i]), RIGHTS_UNUSABLE);
	}
	get(SEG_LDTR, &state);
	if (is_unusable(&state) ? !is_null(&state) : !system_valid(cpu, &state, RIGHTS_LDT)) {
		vmwrite(VMCS_GUEST_SELECTOR(SEG_LDTR), 0);
		vmwrite(VMCS_GUEST_RIGHTS(SEG_LDTR), RIGHTS_UNUSABLE);
	}
	get(SEG_TR, &state);
	if (!system_valid(cpu, &state, RIGHTS_TSS_BUSY) &&
	    segment_load(cpu->gate, SEG_TR, &state)) {
		state.rights |= RIGHTS_TSS_BUSY;
		put(SEG_TR, &state);
	}
}

/* --- Control registers and MSRs --- */

static uint64_t valid_cr0(const struct cpu *cpu, uint64_t value, uint64_t cr4)
{
	value = (value | CR0_PE | CR0_PG) & cpu->capability.cr0_fixed1;
	if (cr4 & CR4_CET)
		value |= CR0_WP;
	return value & CR0_CD ? value : value & ~CR0_NW;
}

/* SDM, MOV to CR: in IA-32e mode PAE and the depth of the tables stay as they are. */
static uint64_t valid_cr4(const struct cpu *cpu, uint64_t value)
{
	value = (value | CR4_PAE) & cpu->capability.cr4_fixed1 & ~CR4_LA57;
	return value | (read_cr4() & CR4_LA57);
}

static void repair_control_registers(struct cpu *cpu)
{
	const struct capability *capability = &cpu->capability;
	uint64_t cr4 = valid_cr4(cpu, vmread(VMCS_GUEST_CR4));
	uint64_t shadow = valid_cr4(cpu, vmread(VMCS_CR4_SHADOW));
	uint64_t cr3 = vmread(VMCS_GUEST_CR3);

	vmwrite(VMCS_GUEST_CR4, cr4 | capability->cr4_fixed0);
	vmwrite(VMCS_CR4_SHADOW, shadow);
	vmwrite(VMCS_GUEST_CR0,
		valid_cr0(cpu, vmread(VMCS_GUEST_CR0), cr4) | capability->cr0_fixed0);
	vmwrite(VMCS_CR0_SHADOW, valid_cr0(cpu, vmread(VMCS_CR0_SHADOW), guest_cr4()));
	vmwrite(VMCS_GUEST_CR3, cr3 & ~cr3_reserved(cpu, cr3));
}

/* SDM: IA32_DEBUGCTL MSR. The register itself is asked which bits exist; CPUID about those that
 * would do something at once. LBR and BTF exist everywhere. */
static void repair_debugctl(struct cpu *cpu)
{
	uint64_t value = vmread(VMCS_GUEST_DEBUGCTL);
	uint64_t trace = DEBUGCTL_TR | DEBUGCTL_BTS | DEBUGCTL_BTINT;

	if (!value)
		return;
	if (!(cpu->capability.leaf1.edx & CPUID_1_EDX_DS))
		value &= ~trace;
	if (wrmsr_safe(IA32_DEBUGCTL, value & ~trace))
		wrmsr_safe(IA32_DEBUGCTL, 0);
	else
		value &= DEBUGCTL_LBR | DEBUGCTL_BTF;
	vmwrite(VMCS_GUEST_DEBUGCTL, value);
}

/* Those that WRMSR checks; the gate's page has what they were at the start. */
static void repair_msrs(struct cpu *cpu)
{
	const struct gate_state *state = &cpu->gate->state;
	const struct msr_limits limits = {
		.linear_bits = capability_linear_bits(&cpu->capability),
		.efer = ~0ull,
	};
	unsigned i;

	vmwrite(VMCS_GUEST_EFER,
		(vmread(VMCS_GUEST_EFER) & (EFER_SCE | EFER_NXE)) | EFER_LME | EFER_LMA);
	repair_debugctl(cpu);
	for (i = 0; i < GATE_MSRS_COUNT && state->msr[i].number; i++) {
		uint32_t msr = (uint32_t)state->msr[i].number, field = msr_vmcs_field(msr);

		if (!msr_value_valid(msr, vmread(field), &limits))
			vmwrite(field, state->msr[i].value);
	}
}

/* --- Descriptor tables, RIP, RFLAGS, and what is no register --- */

static void repair_tables(struct cpu *cpu)
{
	const struct gate_state *state = &cpu->gate->state;
	uint8_t bits = capability_linear_bits(&cpu->capability);

	if (!operand_is_canonical(vmread(VMCS_GUEST_GDTR_BASE), bits))
		vmwrite(VMCS_GUEST_GDTR_BASE, state->gdtr.base);
	if (!operand_is_canonical(vmread(VMCS_GUEST_IDTR_BASE), bits))
		vmwrite(VMCS_GUEST_IDTR_BASE, state->idtr.base);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, (uint16_t)vmread(VMCS_GUEST_GDTR_LIMIT));
	vmwrite(VMCS_GUEST_IDTR_LIMIT, (uint16_t)vmread(VMCS_GUEST_IDTR_LIMIT));
}

/* IRETQ takes what the paging mode has. */
static void repair_rip(struct cpu *cpu)
{
	uint64_t rip = vmread(VMCS_GUEST_RIP);

	if (!operand_is_canonical(rip, guest_linear_bits()))
		rip = cpu->exit->rip;
	vmwrite(VMCS_GUEST_RIP, guest_is_64_bit() ? rip : (uint32_t)rip);
}

/* SDM: Checks on Guest Non-Register State: a trap that is due while it is held back is pending. */
static void repair_pending(const struct cpu *cpu, uint64_t flags, uint64_t blocking)
{
	uint64_t found = vmread(VMCS_GUEST_PENDING_DEBUG);
	uint64_t pending = found & PENDING_DEBUG_DEFINED;

	if (cpu->capability.leaf7.ecx & CPUID_7_ECX_BUS_LOCK)
		pending |= found & PENDING_DEBUG_BUS_LOCK;
	/* One of a transaction's is alone, and not held back. */
	if (found == (PENDING_DEBUG_RTM | PENDING_DEBUG_ENABLED_BREAKPOINT) &&
	    (cpu->capability.leaf7.ebx & CPUID_7_EBX_RTM) && !blocking)
		pending = found;
	if ((flags & RFLAGS_TF) && !(vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF)) {
		if (blocking & (BLOCKING_STI | BLOCKING_MOV_SS))
			pending |= PENDING_DEBUG_BS;
	} else {
		pending &= ~PENDING_DEBUG_BS;
	}
	vmwrite(VMCS_GUEST_PENDING_DEBUG, pending);
}

/*
 * Flags that can't be the guest's are lost. User mode runs with interrupts on; and so did whom an
 * external interrupt has reached.
 */
static void repair_flags(const struct cpu *cpu, const struct event *event)
{
	uint64_t found = vmread(VMCS_GUEST_RFLAGS), flags = (found & RFLAGS_DEFINED) | RFLAGS_ONE;
	uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY) &
			    (BLOCKING_STI | BLOCKING_MOV_SS | BLOCKING_NMI);

	if ((flags != found && guest_cpl() == 3) ||
	    ((event->info & EVENT_VALID) && EVENT_TYPE(event->info) == EVENT_EXTERNAL))
		flags |= RFLAGS_IF;
	if (!(flags & RFLAGS_IF) || (blocking & BLOCKING_MOV_SS))
		blocking &= ~(uint64_t)BLOCKING_STI;
	vmwrite(VMCS_GUEST_RFLAGS, flags);
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocking);
	repair_pending(cpu, flags, blocking);
}

void repair_guest_state(struct cpu *cpu, const struct event *event)
{
	/* First what memory is reached by. */
	repair_control_registers(cpu);
	repair_msrs(cpu);
	repair_tables(cpu);
	repair_segments(cpu);
	vmwrite(VMCS_GUEST_DR7, (uint32_t)vmread(VMCS_GUEST_DR7) | DR7_FIXED);
	vmwrite(VMCS_GUEST_ACTIVITY, 0);
	vmwrite(VMCS_LINK_POINTER, ~0ull);
	repair_rip(cpu);
	repair_flags(cpu, event);
}
