// SPDX-License-Identifier: GPL-2.0
/*
 * VMCS states from seeds. Each begins as one that breaks no rule: a guest of one of several kinds,
 * with some of the controls that the processor has. Then fields are changed, mostly of one class,
 * so that the rules of the later classes get their turn.
 *
 * World: the guest's kernel; pure.
 */
#include "entry_inside.h"

#include <stddef.h>
#include <string.h>

#include "tree/base/msr.h"

#define CODE_64	 0xa09b
#define CODE_32	 0xc09b
#define DATA	 0xc093
#define UNUSABLE 0x10000
#define LDT	 0x82
#define TSS	 0x8b

uint64_t entry_random_next(struct entry_random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545f4914f6cdd1dull;
}

uint32_t entry_random_below(struct entry_random *random, uint32_t bound)
{
	return (uint32_t)(entry_random_next(random) >> 33) % bound;
}

/* What one state is made of. */
struct making {
	struct entry_random random;
	const struct entry_machine *machine;
	const struct entry_capability *capability;
	const struct entry_places *places;
	const bool *exists;
	struct entry_mutant *mutant;
};

static uint32_t below(struct making *m, uint32_t bound)
{
	return entry_random_below(&m->random, bound);
}

static void put(struct making *m, unsigned int at, uint64_t value)
{
	m->mutant->valid.value[at] = value;
}
#define PUT(m, name, value) put(m, VMCS_AT_##name, value)
#define GET(m, name)	    ((m)->mutant->valid.value[VMCS_AT_##name])

/* --- Valid states --- */

static uint32_t allowed(uint64_t capability, uint32_t wanted)
{
	return ((uint32_t)capability | wanted) & (uint32_t)(capability >> 32);
}

/* Controls that may be on in a valid state, half of the time each. */
static uint32_t some(struct making *m, uint64_t capability, uint32_t controls)
{
	return allowed(capability, controls & (uint32_t)entry_random_next(&m->random));
}

static void controls(struct making *m)
{
	const struct entry_capability *c = m->capability;
	uint32_t proc2;

	PUT(m, PIN_CONTROLS,
	    allowed(c->pin, PIN_EXTERNAL_INTERRUPT | PIN_PREEMPTION_TIMER) |
		    some(m, c->pin, PIN_NMI));
	if (GET(m, PIN_CONTROLS) & PIN_NMI)
		PUT(m, PIN_CONTROLS, GET(m, PIN_CONTROLS) | some(m, c->pin, PIN_VIRTUAL_NMIS));
	PUT(m, PROC_CONTROLS,
	    allowed(c->proc,
		    PROC_SECONDARY | PROC_HLT | PROC_IO_UNCONDITIONAL | PROC_MWAIT | PROC_MOV_DR) |
		    some(m, c->proc, PROC_IO_BITMAPS | PROC_MSR_BITMAPS | PROC_TPR_SHADOW));
	proc2 = allowed(c->proc2, PROC2_EPT) |
		some(m, c->proc2,
		     PROC2_APIC_ACCESSES | PROC2_VPID | PROC2_PML | PROC2_VE | PROC2_VMFUNC |
			     PROC2_SHADOWING | PROC2_TSC_SCALING | PROC2_UNRESTRICTED);
	if (GET(m, PROC_CONTROLS) & PROC_TPR_SHADOW)
		proc2 |= some(m, c->proc2, PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS);
	if (!(proc2 & PROC2_APIC_ACCESSES) && (GET(m, PROC_CONTROLS) & PROC_TPR_SHADOW))
		proc2 |= some(m, c->proc2, PROC2_X2APIC);
	PUT(m, PROC_CONTROLS2, proc2);
	PUT(m, EXIT_CONTROLS,
	    allowed(c->exit, EXIT_HOST_64 | EXIT_LOAD_EFER | EXIT_LOAD_PAT | EXIT_SAVE_DEBUG) |
		    some(m, c->exit, EXIT_SAVE_PAT | EXIT_SAVE_EFER | EXIT_LOAD_PERF_GLOBAL));
	PUT(m, ENTRY_CONTROLS,
	    allowed(c->entry, ENTRY_IA32E) |
		    some(m, c->entry,
			 ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER |
				 ENTRY_LOAD_PERF_GLOBAL));
	PUT(m, EXCEPTION_BITMAP, 0xffffffff);
	PUT(m, VPID, 1);
	PUT(m, TSC_MULTIPLIER, 1ull << 48);
}

static void structures(struct making *m)
{
	const uint64_t *physical = m->machine->physical;

	PUT(m, IO_BITMAP_A, physical[ENTRY_PAGE_BITMAPS]);
	PUT(m, IO_BITMAP_B, physical[ENTRY_PAGE_BITMAPS]);
	PUT(m, MSR_BITMAP, physical[ENTRY_PAGE_BITMAPS]);
	PUT(m, VMREAD_BITMAP, physical[ENTRY_PAGE_BITMAPS]);
	PUT(m, VMWRITE_BITMAP, physical[ENTRY_PAGE_BITMAPS]);
	PUT(m, VIRTUAL_APIC, physical[ENTRY_PAGE_APIC]);
	PUT(m, APIC_ACCESS, physical[ENTRY_PAGE_APIC]);
	PUT(m, VE_INFORMATION, physical[ENTRY_PAGE_INFORMATION]);
	PUT(m, PML_ADDRESS, physical[ENTRY_PAGE_INFORMATION]);
	PUT(m, EPTP_LIST, physical[ENTRY_PAGE_INFORMATION]);
	PUT(m, GUEST_PML_INDEX, 511);
	PUT(m, ENTRY_MSR_LOAD, physical[ENTRY_PAGE_MSRS]);
	PUT(m, EXIT_MSR_LOAD, physical[ENTRY_PAGE_MSRS]);
	PUT(m, EXIT_MSR_STORE, physical[ENTRY_PAGE_MSRS]);
	PUT(m, EPT_POINTER, physical[ENTRY_PAGE_EPT] | 3 << 3 | 6);
	PUT(m, LINK_POINTER, ~0ull);
	if (!below(m, 4) && (GET(m, PROC_CONTROLS2) & PROC2_SHADOWING))
		PUT(m, LINK_POINTER, physical[ENTRY_PAGE_SHADOW]);
}

static void host(struct making *m)
{
	const struct entry_machine *machine = m->machine;

	PUT(m, HOST_CR0, machine->cr0);
	PUT(m, HOST_CR3, machine->cr3);
	PUT(m, HOST_CR4, machine->cr4);
	PUT(m, HOST_EFER, machine->efer);
	PUT(m, HOST_PAT, machine->pat);
	PUT(m, HOST_CS, machine->cs);
	PUT(m, HOST_SS, machine->ss);
	PUT(m, HOST_TR, machine->tr);
	PUT(m, HOST_FS_BASE, machine->fs_base);
	PUT(m, HOST_GS_BASE, machine->gs_base);
	PUT(m, HOST_TR_BASE, machine->tr_base);
	PUT(m, HOST_GDTR_BASE, machine->gdtr_base);
	PUT(m, HOST_IDTR_BASE, machine->idtr_base);
	PUT(m, HOST_SYSENTER_CS, machine->sysenter_cs);
	PUT(m, HOST_SYSENTER_ESP, machine->sysenter_esp);
	PUT(m, HOST_SYSENTER_EIP, machine->sysenter_eip);
	PUT(m, HOST_RIP, m->places->host_rip);
	PUT(m, HOST_RSP, m->places->host_rsp);
}

static void segment(struct making *m, enum segment seg, uint16_t selector, uint64_t base,
		    uint32_t limit, uint32_t rights)
{
	put(m, VMCS_AT_GUEST_ES + seg, selector);
	put(m, VMCS_AT_GUEST_ES_BASE + seg, base);
	put(m, VMCS_AT_GUEST_ES_LIMIT + seg, limit);
	put(m, VMCS_AT_GUEST_ES_RIGHTS + seg, rights);
}

static void guest_64(struct making *m)
{
	const struct entry_machine *machine = m->machine;
	enum segment seg;

	PUT(m, GUEST_CR0, machine->cr0);
	PUT(m, GUEST_CR3, machine->cr3);
	PUT(m, GUEST_CR4, machine->cr4);
	PUT(m, GUEST_EFER, machine->efer);
	PUT(m, GUEST_PAT, machine->pat);
	PUT(m, GUEST_DR7, DR7_FIXED);
	PUT(m, GUEST_RFLAGS, RFLAGS_ONE | (below(m, 2) ? RFLAGS_IF : 0));
	PUT(m, GUEST_RIP, m->places->guest);
	PUT(m, GUEST_RSP, m->places->host_rsp);
	PUT(m, GUEST_GDTR_BASE, machine->gdtr_base);
	PUT(m, GUEST_GDTR_LIMIT, 0x7f);
	PUT(m, GUEST_IDTR_BASE, machine->idtr_base);
	PUT(m, GUEST_IDTR_LIMIT, 0xfff);
	PUT(m, GUEST_SYSENTER_CS, machine->sysenter_cs);
	PUT(m, GUEST_SYSENTER_ESP, machine->sysenter_esp);
	PUT(m, GUEST_SYSENTER_EIP, machine->sysenter_eip);
	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		segment(m, seg, machine->ss, 0, 0xffffffff, below(m, 4) ? DATA : UNUSABLE);
	segment(m, SEG_CS, machine->cs, 0, 0xffffffff, CODE_64);
	if (!below(m, 4))
		PUT(m, GUEST_SS, 0);
	segment(m, SEG_TR, machine->tr, machine->tr_base, 0x67, TSS);
	segment(m, SEG_LDTR, 0, 0, 0xffff, below(m, 2) ? LDT : UNUSABLE);
}

static void user_64(struct making *m)
{
	enum segment seg;

	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		segment(m, seg, 0x2b, 0, 0xffffffff, DATA | 0x60);
	segment(m, SEG_CS, 0x33, 0, 0xffffffff, CODE_64 | 0x60);
}

static void compatibility(struct making *m)
{
	segment(m, SEG_CS, m->machine->cs, 0, 0xffffffff, CODE_32);
	PUT(m, GUEST_RIP, 0x1000);
}

static void protected_mode(struct making *m)
{
	compatibility(m);
	PUT(m, ENTRY_CONTROLS, GET(m, ENTRY_CONTROLS) & ~(uint64_t)ENTRY_IA32E);
	PUT(m, GUEST_EFER, 0);
	PUT(m, GUEST_CR4, GET(m, GUEST_CR4) & ~(CR4_PCIDE | (below(m, 3) ? 0 : CR4_PAE)));
	PUT(m, GUEST_CR3, 0x1000);
	PUT(m, GUEST_PDPTE0, 0x2001);
	PUT(m, GUEST_PDPTE2, 0x4001);
}

static void virtual_8086(struct making *m)
{
	enum segment seg;

	protected_mode(m);
	PUT(m, GUEST_RFLAGS, GET(m, GUEST_RFLAGS) | RFLAGS_VM);
	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		segment(m, seg, 0x123, 0x1230, 0xffff, 0xf3);
}

static void unrestricted(struct making *m)
{
	PUT(m, PROC_CONTROLS2,
	    GET(m, PROC_CONTROLS2) | allowed(m->capability->proc2, PROC2_UNRESTRICTED));
}

static void real_mode(struct making *m)
{
	protected_mode(m);
	unrestricted(m);
	PUT(m, GUEST_CR0, GET(m, GUEST_CR0) & ~(CR0_PE | CR0_PG));
	segment(m, SEG_CS, 0xf000, 0xf0000, 0xffff, 0x93);
}

static void make_valid(struct making *m)
{
	static const struct {
		const char *name;
		void (*make)(struct making *m);
		bool needs_unrestricted;
	} kinds[] = {
		{ "64-bit", NULL, false },
		{ "64-bit user", user_64, false },
		{ "compatibility", compatibility, false },
		{ "protected mode", protected_mode, false },
		{ "virtual 8086", virtual_8086, false },
		{ "64-bit unrestricted", unrestricted, true },
		{ "real mode", real_mode, true },
	};
	unsigned int at, kind = below(m, sizeof(kinds) / sizeof(kinds[0]));

	if (kinds[kind].needs_unrestricted && !(m->capability->proc2 >> 32 & PROC2_UNRESTRICTED))
		kind = 0;
	memset(&m->mutant->valid, 0, sizeof(m->mutant->valid));
	controls(m);
	structures(m);
	host(m);
	guest_64(m);
	if (kinds[kind].make)
		kinds[kind].make(m);
	m->mutant->kind = kinds[kind].name;
	for (at = 0; at < VMCS_FIELDS_COUNT; at++) {
		m->mutant->valid.present[at] = m->exists[at];
		if (!m->exists[at])
			put(m, at, 0);
	}
}

/* --- Changes --- */

static void change(struct making *m, unsigned int at, uint64_t value)
{
	unsigned int bytes = vmcs_field_bytes(vmcs_fields[at].encoding), i;
	struct entry_mutant *mutant = m->mutant;

	if (!m->exists[at])
		return;
	if (bytes < 8)
		value &= (1ull << 8 * bytes) - 1;
	for (i = 0; i < mutant->changes && mutant->change[i].at != at; i++)
		;
	if (i == ENTRY_CHANGES)
		return;
	mutant->change[i] = (struct entry_change){ at, value };
	if (i == mutant->changes)
		mutant->changes++;
}
#define CHANGE(m, name, value) change(m, VMCS_AT_##name, value)

static uint64_t edge(struct making *m)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		3,
		4,
		8,
		0x10,
		0x40,
		0xff,
		0x100,
		0x800,
		0xfff,
		0x1000,
		0xffff,
		0x10000,
		0xfffff,
		0x80000000,
		0xffffffff,
		0x100000000ull,
		~0ull,
		0x00007fffffffffffull,
		0x0000800000000000ull,
		0xffff7fffffffffffull,
		0xffff800000000000ull,
		0x0001000000000000ull,
		0x0100000000000000ull,
	};
	uint32_t count = sizeof(edges) / sizeof(edges[0]), number = below(m, count + 5);
	uint64_t width = 1ull << m->capability->physical_bits;

	if (number < count)
		return edges[number];
	switch (number - count) {
	case 0:
		return width;
	case 1:
		return width - 1;
	case 2:
		return width - 4096;
	case 3:
		return width >> 1;
	default:
		return m->machine->physical[below(m, ENTRY_PAGES)];
	}
}

/* What the field may become by itself. */
static uint64_t other_value(struct making *m, unsigned int at, enum vmcs_group group)
{
	uint64_t value = m->mutant->valid.value[at];
	unsigned int bits = 8 * vmcs_field_bytes(vmcs_fields[at].encoding), other;

	switch (below(m, 8)) {
	case 0:
	case 1:
	case 2:
		return value ^ 1ull << below(m, bits);
	case 3:
		return value ^ 1ull << below(m, bits < 18 ? bits : 18);
	case 4:
	case 5:
		return edge(m);
	case 6:
		do {
			other = below(m, VMCS_FIELDS_COUNT);
		} while (vmcs_fields[other].group != group);
		return m->mutant->valid.value[other];
	default:
		return entry_random_next(&m->random);
	}
}

static void change_any(struct making *m, enum vmcs_group group)
{
	unsigned int at;

	do {
		at = below(m, VMCS_FIELDS_COUNT);
	} while (vmcs_fields[at].group != group || !m->exists[at]);
	change(m, at, other_value(m, at, group));
}

/* A bit of a word of controls: most rules are about those. */
static void change_controls(struct making *m)
{
	static const unsigned int words[] = {
		VMCS_AT_PIN_CONTROLS,	VMCS_AT_PROC_CONTROLS, VMCS_AT_PROC_CONTROLS2,
		VMCS_AT_PROC_CONTROLS2, VMCS_AT_EXIT_CONTROLS, VMCS_AT_ENTRY_CONTROLS,
	};
	unsigned int at = words[below(m, sizeof(words) / sizeof(words[0]))];

	change(m, at, m->mutant->valid.value[at] ^ 1ull << below(m, 32));
}

/* A structure's address, or what else only counts with its control on. */
static void change_used(struct making *m)
{
	static const struct {
		unsigned int at, control;
		uint32_t bit;
	} used[] = {
		{ VMCS_AT_IO_BITMAP_A, VMCS_AT_PROC_CONTROLS, PROC_IO_BITMAPS },
		{ VMCS_AT_IO_BITMAP_B, VMCS_AT_PROC_CONTROLS, PROC_IO_BITMAPS },
		{ VMCS_AT_MSR_BITMAP, VMCS_AT_PROC_CONTROLS, PROC_MSR_BITMAPS },
		{ VMCS_AT_VIRTUAL_APIC, VMCS_AT_PROC_CONTROLS, PROC_TPR_SHADOW },
		{ VMCS_AT_TPR_THRESHOLD, VMCS_AT_PROC_CONTROLS, PROC_TPR_SHADOW },
		{ VMCS_AT_APIC_ACCESS, VMCS_AT_PROC_CONTROLS2, PROC2_APIC_ACCESSES },
		{ VMCS_AT_EPT_POINTER, VMCS_AT_PROC_CONTROLS2, PROC2_EPT },
		{ VMCS_AT_EPT_POINTER, VMCS_AT_PROC_CONTROLS2, PROC2_EPT },
		{ VMCS_AT_VPID, VMCS_AT_PROC_CONTROLS2, PROC2_VPID },
		{ VMCS_AT_PML_ADDRESS, VMCS_AT_PROC_CONTROLS2, PROC2_PML },
		{ VMCS_AT_VE_INFORMATION, VMCS_AT_PROC_CONTROLS2, PROC2_VE },
		{ VMCS_AT_VMFUNC_CONTROLS, VMCS_AT_PROC_CONTROLS2, PROC2_VMFUNC },
		{ VMCS_AT_VMREAD_BITMAP, VMCS_AT_PROC_CONTROLS2, PROC2_SHADOWING },
		{ VMCS_AT_VMWRITE_BITMAP, VMCS_AT_PROC_CONTROLS2, PROC2_SHADOWING },
		{ VMCS_AT_TSC_MULTIPLIER, VMCS_AT_PROC_CONTROLS2, PROC2_TSC_SCALING },
		{ VMCS_AT_HOST_PAT, VMCS_AT_EXIT_CONTROLS, EXIT_LOAD_PAT },
		{ VMCS_AT_HOST_PERF_GLOBAL, VMCS_AT_EXIT_CONTROLS, EXIT_LOAD_PERF_GLOBAL },
		{ VMCS_AT_HOST_EFER, VMCS_AT_EXIT_CONTROLS, EXIT_LOAD_EFER },
		{ VMCS_AT_GUEST_DR7, VMCS_AT_ENTRY_CONTROLS, ENTRY_LOAD_DEBUG },
		{ VMCS_AT_GUEST_DEBUGCTL, VMCS_AT_ENTRY_CONTROLS, ENTRY_LOAD_DEBUG },
		{ VMCS_AT_GUEST_PAT, VMCS_AT_ENTRY_CONTROLS, ENTRY_LOAD_PAT },
		{ VMCS_AT_GUEST_PERF_GLOBAL, VMCS_AT_ENTRY_CONTROLS, ENTRY_LOAD_PERF_GLOBAL },
		{ VMCS_AT_GUEST_EFER, VMCS_AT_ENTRY_CONTROLS, ENTRY_LOAD_EFER },
		{ VMCS_AT_GUEST_EFER, VMCS_AT_ENTRY_CONTROLS, ENTRY_LOAD_EFER },
	};
	unsigned int number = below(m, sizeof(used) / sizeof(used[0])), at = used[number].at;
	unsigned int control = used[number].control;

	if (below(m, 8))
		change(m, control, m->mutant->valid.value[control] | used[number].bit);
	change(m, at, other_value(m, at, vmcs_fields[at].group));
}

/* An MSR area, whose count is 0 else. */
static void change_area(struct making *m)
{
	static const struct {
		unsigned int start, count;
	} areas[] = {
		{ VMCS_AT_EXIT_MSR_STORE, VMCS_AT_EXIT_MSR_STORE_COUNT },
		{ VMCS_AT_EXIT_MSR_LOAD, VMCS_AT_EXIT_MSR_LOAD_COUNT },
		{ VMCS_AT_ENTRY_MSR_LOAD, VMCS_AT_ENTRY_MSR_LOAD_COUNT },
	};
	unsigned int number = below(m, 3);
	uint64_t last = (1ull << m->capability->physical_bits) - sizeof(struct entry_msr);

	change(m, areas[number].count, below(m, 2) ? 1 + below(m, 3) : edge(m));
	change(m, areas[number].start, below(m, 2) ? last - 16 * below(m, 3) : edge(m));
}

/* A control without the one that it needs. */
static void change_pair(struct making *m)
{
	const uint64_t *value = m->mutant->valid.value;

	switch (below(m, 3)) {
	case 0:
		CHANGE(m, EXIT_CONTROLS, value[VMCS_AT_EXIT_CONTROLS] | EXIT_SAVE_TIMER);
		CHANGE(m, PIN_CONTROLS,
		       value[VMCS_AT_PIN_CONTROLS] & ~(uint64_t)PIN_PREEMPTION_TIMER);
		break;
	case 1:
		CHANGE(m, VMFUNC_CONTROLS, VMFUNC_EPTP_SWITCHING);
		CHANGE(m, EPTP_LIST, below(m, 2) ? value[VMCS_AT_EPTP_LIST] : edge(m));
		CHANGE(m, PROC_CONTROLS2,
		       (value[VMCS_AT_PROC_CONTROLS2] | PROC2_VMFUNC) &
			       ~(uint64_t)(below(m, 2) ? PROC2_EPT | PROC2_PML | PROC2_UNRESTRICTED
						       : 0));
		break;
	default:
		CHANGE(m, PROC_CONTROLS2,
		       (value[VMCS_AT_PROC_CONTROLS2] & ~(uint64_t)PROC2_EPT) | 1u << below(m, 32));
		break;
	}
}

/* An event to inject that is nearly right. */
static void change_event(struct making *m)
{
	static const uint8_t vectors[] = {
		0, 1, 2, 3, 6, 8, 13, 14, 17, 18, 21, 31, 32, 0x80, 0xff
	};
	uint32_t event = EVENT_VALID | below(m, 8) << 8 | vectors[below(m, sizeof(vectors))];

	if (!below(m, 3))
		event |= EVENT_ERROR_CODE;
	if (!below(m, 12))
		event ^= 1u << below(m, 32);
	CHANGE(m, ENTRY_INTERRUPTION, event);
	CHANGE(m, ENTRY_LENGTH, below(m, 4) ? 1 + below(m, 15) : below(m, 40));
	if (!below(m, 4))
		CHANGE(m, ENTRY_ERROR_CODE, entry_random_next(&m->random) >> below(m, 32));
}

/* Activity, blocking, flags, pending exceptions and an event, which have to go together. */
static void change_activity(struct making *m)
{
	uint64_t rflags = GET(m, GUEST_RFLAGS);

	if (below(m, 2))
		CHANGE(m, GUEST_INTERRUPTIBILITY, below(m, 8) ? below(m, 16) : below(m, 64));
	if (!below(m, 2))
		CHANGE(m, GUEST_ACTIVITY, below(m, 5));
	if (below(m, 2))
		CHANGE(m, GUEST_RFLAGS, rflags ^ (below(m, 2) ? RFLAGS_IF : RFLAGS_TF));
	if (!below(m, 3))
		CHANGE(m, GUEST_PENDING_DEBUG, below(m, 3) ? PENDING_DEBUG_BS : edge(m));
	if (!below(m, 3))
		CHANGE(m, GUEST_DEBUGCTL, DEBUGCTL_BTF);
	if (below(m, 2))
		CHANGE(m, ENTRY_INTERRUPTION,
		       below(m, 2) ? event_info(EVENT_NMI, VECTOR_NMI, false)
				   : event_info(below(m, 2) ? EVENT_EXTERNAL : EVENT_EXCEPTION,
						below(m, 3) ? VECTOR_MC : below(m, 20), false));
}

static void change_segment(struct making *m)
{
	static const uint32_t rights[] = { CODE_64, CODE_32, DATA,   LDT,   TSS,  UNUSABLE,
					   0x83,    0x93,    0xf3,   0x9f,  0xff, 0xc0f3,
					   0xa0fb,  0xc099,  0xc091, 0xc09b };
	enum segment seg = below(m, SEGMENTS);
	unsigned int at = VMCS_AT_GUEST_ES_RIGHTS + seg;
	uint32_t value = (uint32_t)m->mutant->valid.value[at];

	switch (below(m, 5)) {
	case 0:
		change(m, at, rights[below(m, sizeof(rights) / sizeof(rights[0]))]);
		break;
	case 1:
	case 2:
		change(m, at, value ^ 1u << below(m, 17));
		break;
	case 3:
		change(m, VMCS_AT_GUEST_ES + seg,
		       m->mutant->valid.value[VMCS_AT_GUEST_ES + seg] ^ (1u + below(m, 7)));
		break;
	default:
		at = (below(m, 2) ? VMCS_AT_GUEST_ES_LIMIT : VMCS_AT_GUEST_ES_BASE) + seg;
		change(m, at, edge(m));
		break;
	}
}

static void change_msrs(struct making *m)
{
	static const uint64_t indices[] = { 0x174, 0x174, 0x174, 0xc0000100, 0xc0000101,
					    0x800, 0x83f, 0x8ff, 0x9b,	     0x100000174ull };
	unsigned int i;

	for (i = 0; i < 4; i++)
		m->mutant->msr[i].index = indices[below(m, sizeof(indices) / sizeof(indices[0]))];
	CHANGE(m, ENTRY_MSR_LOAD_COUNT, 1 + below(m, 3));
	if (!below(m, 4))
		CHANGE(m, ENTRY_MSR_LOAD, edge(m));
}

static void change_link(struct making *m)
{
	static const enum entry_page pages[] = { ENTRY_PAGE_LINK, ENTRY_PAGE_SHADOW,
						 ENTRY_PAGE_WRONG };

	CHANGE(m, LINK_POINTER, m->machine->physical[pages[below(m, 3)]]);
}

static void change_control_class(struct making *m)
{
	switch (below(m, 10)) {
	case 0:
	case 1:
	case 2:
		change_controls(m);
		break;
	case 3:
	case 4:
		change_used(m);
		break;
	case 5:
	case 6:
		change_event(m);
		break;
	case 7:
		change_area(m);
		break;
	case 8:
		change_pair(m);
		break;
	default:
		change_any(m, VMCS_CONTROL);
		break;
	}
}

static void change_guest_class(struct making *m)
{
	switch (below(m, 12)) {
	case 0:
	case 1:
	case 2:
		change_segment(m);
		break;
	case 3:
	case 4:
		change_activity(m);
		break;
	case 5:
		change_used(m);
		break;
	case 6:
		if (!below(m, 2))
			change_msrs(m);
		else
			change_link(m);
		break;
	default:
		change_any(m, VMCS_GUEST);
		break;
	}
}

void entry_mutate(uint64_t seed, const struct entry_machine *machine,
		  const struct entry_capability *capability, const struct entry_places *places,
		  const bool *exists, struct entry_mutant *mutant)
{
	struct making making = {
		{ 0x9e3779b97f4a7c15ull * (seed + 1) }, machine, capability, places, exists, mutant
	};
	struct making *m = &making;
	unsigned int i, class, count;

	for (i = 0; i < 4; i++)
		entry_random_next(&m->random);
	memset(mutant, 0, sizeof(*mutant));
	for (i = 0; i < 4; i++)
		mutant->msr[i] = (struct entry_msr){ IA32_SYSENTER_CS, machine->sysenter_cs };
	make_valid(m);
	count = below(m, 16) ? 1 + below(m, 3) : 0;
	class = below(m, 8);
	for (i = 0; i < count; i++) {
		/* One in eight states has changes of several classes. */
		unsigned int now = class == 7 ? below(m, 7) : class;

		if (now < 2)
			change_control_class(m);
		else if (now == 2)
			change_any(m, VMCS_HOST);
		else
			change_guest_class(m);
	}
}
