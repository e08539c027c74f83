// SPDX-License-Identifier: MIT
/*
 * root/repair.c: after a failed entry the guest has a state that the processor takes (the entry
 * rules of base/ say so), and that the gate can load natively; and what was right has stayed.
 */
#include "fixture.h"

#include "../../../base/entry_rules.h"

#define GDT	     0xfffffe0000001000ull
#define KERNEL_CODE  0x00af9b000000ffffull
#define KERNEL_DATA  0x00cf93000000ffffull
#define USER_CODE_32 0x00cffb000000ffffull
#define USER_DATA    0x00cff3000000ffffull
#define USER_CODE    0x00affb000000ffffull
#define TSS_BASE     0xfffffe0000003000ull
#define PAT	     0x0007040600070406ull

static void set_segment(enum segment which, uint16_t selector, uint64_t base, uint32_t limit,
			uint32_t rights)
{
	fake.vmcs[VMCS_GUEST_SELECTOR(which)] = selector;
	fake.vmcs[VMCS_GUEST_BASE(which)] = base;
	fake.vmcs[VMCS_GUEST_LIMIT(which)] = limit;
	fake.vmcs[VMCS_GUEST_RIGHTS(which)] = rights;
}

/* A kernel in 64-bit code, with a GDT as Linux has it, on a processor without LAM or LA57. */
static int prepare(void **state, int (*setup)(void **state))
{
	static const uint64_t table[] = {
		0, 0, KERNEL_CODE, KERNEL_DATA, USER_CODE_32, USER_DATA, USER_CODE
	};
	static const uint32_t numbers[] = { IA32_FS_BASE,      IA32_GS_BASE,	  IA32_SYSENTER_CS,
					    IA32_SYSENTER_ESP, IA32_SYSENTER_EIP, IA32_PAT,
					    IA32_EFER,	       IA32_DEBUGCTL };
	uint8_t *gdt;
	unsigned i;

	setup(state);
	gdt = fixture_map(GDT, 0);
	fixture_guest_end(NULL);
	memcpy(gate.os_gdt, table, sizeof(table));
	/* SDM: TSS descriptor: limit 2067H, base. */
	gate.os_gdt[8] = 0x2067 | (TSS_BASE & 0xffffff) << 16 | 0x8bull << 40 |
			 (TSS_BASE >> 24 & 0xff) << 56;
	gate.os_gdt[9] = TSS_BASE >> 32;
	memcpy(gdt, gate.os_gdt, sizeof(gate.os_gdt));
	gate.state.selector[SEG_CS] = 0x10;
	gate.state.selector[SEG_SS] = 0x18;
	gate.state.selector[SEG_TR] = 0x40;
	gate.state.gdtr.base = GDT;
	gate.state.idtr.base = 0xfffffe0000000000;
	for (i = 0; i < GATE_MSRS_COUNT; i++)
		gate.state.msr[i].number = numbers[i];
	gate.state.msr[1].value = 0xffff888000001000;
	gate.state.msr[3].value = 0xfffffe0000004000;
	gate.state.msr[4].value = 0xffffffff81800000;
	gate.state.msr[5].value = PAT;
	for (i = 0; i < GATE_MSRS_COUNT; i++) {
		if (numbers[i] != IA32_EFER)
			fake.vmcs[msr_vmcs_field(numbers[i])] = gate.state.msr[i].value;
	}
	fake.msr[0] = (struct fake_msr){ IA32_DEBUGCTL, 0, true };
	fake.debugctl_reserved =
		~(DEBUGCTL_LBR | DEBUGCTL_BTF | DEBUGCTL_TR | DEBUGCTL_BTS | BIT64(14));
	set_segment(SEG_CS, 0x10, 0, 0xffffffff, 0xa09b);
	set_segment(SEG_SS, 0x18, 0, 0xffffffff, 0xc093);
	set_segment(SEG_ES, 0, 0, 0, RIGHTS_UNUSABLE);
	set_segment(SEG_DS, 0x2b, 0, 0xffffffff, 0xc0f3);
	set_segment(SEG_FS, 0, 0, 0, RIGHTS_UNUSABLE);
	set_segment(SEG_GS, 0, 0xffff888000001000, 0, RIGHTS_UNUSABLE);
	set_segment(SEG_LDTR, 0, 0, 0, RIGHTS_UNUSABLE);
	set_segment(SEG_TR, 0x40, TSS_BASE, 0x2067, 0x8b);
	fake.vmcs[VMCS_GUEST_GDTR_BASE] = GDT;
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x7f;
	fake.vmcs[VMCS_GUEST_IDTR_BASE] = 0xfffffe0000000000;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xfff;
	fake.vmcs[VMCS_GUEST_DR7] = DR7_FIXED;
	fake.vmcs[VMCS_CR4_SHADOW] = CR4_PAE;
	fake.cr4 = CR4_PAE | CR4_VMXE | (fake.vmcs[VMCS_GUEST_CR4] & CR4_LA57);
	cpu.capability.pin = cpu.capability.exit = cpu.capability.entry = 0xffffffff00000000ull;
	cpu.capability.proc = 0xffffffff00000000ull;
	cpu.capability.misc = 0x401c0;
	return 0;
}

static int prepare_closed(void **state)
{
	return prepare(state, fixture_setup_closed);
}

static int prepare_open(void **state)
{
	return prepare(state, fixture_setup_open);
}

static int prepare_wide(void **state)
{
	prepare(state, fixture_setup_wide);
	cpu.capability.leaf7.ecx = CPUID_7_ECX_LA57;
	cpu.capability.cr4_fixed1 |= CR4_LA57;
	return 0;
}

static void a_failed_entry_gets_legal_values(void **state)
{
	static const struct {
		uint32_t field;
		uint64_t value, legal;
	} cases[] = {
		{ VMCS_GUEST_RFLAGS, 0, RFLAGS_ONE },
		{ VMCS_GUEST_RFLAGS, ~0ull & ~RFLAGS_TF, 0x3d7ed7 & ~RFLAGS_TF },
		{ VMCS_GUEST_RFLAGS, RFLAGS_VM | 0x202, 0x202 },
		{ VMCS_GUEST_RFLAGS, 0x246, 0x246 },
		{ VMCS_GUEST_INTERRUPTIBILITY, ~0ull, BLOCKING_MOV_SS | BLOCKING_NMI },
		{ VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_STI, 0 }, /* with interrupts off */
		{ VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_NMI, BLOCKING_NMI },
		{ VMCS_GUEST_ACTIVITY, 3, 0 },
		{ VMCS_LINK_POINTER, 0x1000, ~0ull },
		{ VMCS_GUEST_CR0, 0, CR0_PE | CR0_NE | CR0_PG },
		{ VMCS_GUEST_CR0, ~0ull, 0xffffffff },
		{ VMCS_GUEST_CR4, CR4_VMXE, CR4_PAE | CR4_VMXE },
		{ VMCS_GUEST_CR4, CR4_PAE | CR4_LA57, CR4_PAE | CR4_VMXE },
		{ VMCS_CR4_SHADOW, 0, CR4_PAE },
		{ VMCS_CR4_SHADOW, CR4_PAE | CR4_PGE | CR4_LA57, CR4_PAE | CR4_PGE },
		{ VMCS_GUEST_CR4, ~0ull & ~CR4_LA57, 0x3727ff & ~CR4_LA57 },
		{ VMCS_GUEST_CR0, CR0_PE | CR0_PG | CR0_NE | CR0_NW, CR0_PE | CR0_NE | CR0_PG },
		{ VMCS_GUEST_CR0, CR0_PE | CR0_PG | CR0_NE | CR0_NW | CR0_CD,
		  CR0_PE | CR0_NE | CR0_PG | CR0_NW | CR0_CD },
		{ VMCS_CR0_SHADOW, CR0_NW, CR0_PE | CR0_PG },
		{ VMCS_GUEST_FS_BASE, BIT64(62), 0 },
		{ VMCS_GUEST_FS_BASE, 0x7fffdeadb000, 0x7fffdeadb000 },
		{ VMCS_GUEST_GS_BASE, BIT64(50), 0xffff888000001000 },
		{ VMCS_GUEST_SYSENTER_ESP, BIT64(47), 0xfffffe0000004000 },
		{ VMCS_GUEST_SYSENTER_EIP, BIT64(63), 0xffffffff81800000 },
		{ VMCS_GUEST_SYSENTER_EIP, 0x1000, 0x1000 },
		{ VMCS_GUEST_PAT, 2, PAT },
		{ VMCS_GUEST_PAT, 0x0606060606060606, 0x0606060606060606 },
		{ VMCS_GUEST_EFER, ~0ull, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE },
		{ VMCS_GUEST_EFER, 0, EFER_LME | EFER_LMA },
		{ VMCS_GUEST_DR7, ~0ull, 0xffffffff },
		{ VMCS_GUEST_DR7, 0x4ff, 0x4ff },
		{ VMCS_GUEST_DEBUGCTL, ~0ull, DEBUGCTL_LBR | DEBUGCTL_BTF },
		{ VMCS_GUEST_DEBUGCTL, BIT64(14) | DEBUGCTL_LBR, BIT64(14) | DEBUGCTL_LBR },
		{ VMCS_GUEST_DEBUGCTL, DEBUGCTL_BTF | DEBUGCTL_LBR, DEBUGCTL_BTF | DEBUGCTL_LBR },
		{ VMCS_GUEST_PENDING_DEBUG, BIT64(13) | BIT64(40), 0 },
		{ VMCS_GUEST_PENDING_DEBUG, 5, 5 },
		{ VMCS_GUEST_GDTR_BASE, BIT64(62), 0xfffffe0000001000 },
		{ VMCS_GUEST_GDTR_BASE, 0xfffffe0000005000, 0xfffffe0000005000 },
		{ VMCS_GUEST_IDTR_BASE, BIT64(62), 0xfffffe0000000000 },
		{ VMCS_GUEST_GDTR_LIMIT, 0x1007f, 0x7f },
		{ VMCS_GUEST_IDTR_LIMIT, 0xf0fff, 0xfff },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prepare_closed(state);
		/* The shadow counts where the mask has a bit. */
		fake.vmcs[VMCS_CR0_MASK] = cases[i].field == VMCS_CR0_SHADOW ? ~0ull : 0;
		fake.vmcs[VMCS_CR4_MASK] = cases[i].field == VMCS_CR4_SHADOW ? ~0ull : 0;
		fake.vmcs[cases[i].field] = cases[i].value;
		expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
		if (fake.vmcs[cases[i].field] != cases[i].legal)
			fail_msg("case %u: %#llx, not %#llx", i,
				 (unsigned long long)fake.vmcs[cases[i].field],
				 (unsigned long long)cases[i].legal);
	}
}

/* With 5-level paging an address has 57 bits. */
static void a_wide_address_is_legal_with_5_levels(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RIP] = 0xff00000000001000;
	fake.vmcs[VMCS_GUEST_IDTR_BASE] = 0x0100000000000000;
	gate.state.idtr.base = 0x1000;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], 0xff00000000001000);
	assert_int_equal(fake.vmcs[VMCS_GUEST_IDTR_BASE], 0x1000);
}

/* SDM: Checks on Guest Non-Register State. */
static void a_trap_that_must_be_pending_is(void **state)
{
	static const struct {
		uint64_t flags, blocking, debugctl, pending, legal;
	} cases[] = {
		{ RFLAGS_TF, BLOCKING_MOV_SS, 0, 0, PENDING_DEBUG_BS },
		{ RFLAGS_TF | RFLAGS_IF, BLOCKING_STI, 0, 0, PENDING_DEBUG_BS },
		{ RFLAGS_TF, BLOCKING_MOV_SS, DEBUGCTL_BTF, PENDING_DEBUG_BS, 0 },
		{ 0, BLOCKING_MOV_SS, 0, PENDING_DEBUG_BS, 0 },
		{ 0, BLOCKING_MOV_SS, 0, 3, 3 },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prepare_closed(state);
		fake.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_ONE | cases[i].flags;
		fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = cases[i].blocking;
		fake.vmcs[VMCS_GUEST_DEBUGCTL] = cases[i].debugctl;
		fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = cases[i].pending;
		/* An NMI is not owed, and nothing else either. */
		expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
		if (fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID)
			continue;
		assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], cases[i].legal);
	}
}

/* --- Segments --- */

/* CPL 3 has its flags back with interrupts on, or it would keep the processor. */
static void user_mode_gets_its_interrupts_back(void **state)
{
	prepare_closed(state);
	set_segment(SEG_CS, 0x33, 0, 0xffffffff, 0xa0fb);
	set_segment(SEG_SS, 0x2b, 0, 0xffffffff, 0xc0f3);
	fake.vmcs[VMCS_GUEST_RFLAGS] = 0;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE | RFLAGS_IF);
	/* What may be the guest's own stays: with I/O privilege it may turn them off. */
	prepare_closed(state);
	set_segment(SEG_CS, 0x33, 0, 0xffffffff, 0xa0fb);
	set_segment(SEG_SS, 0x2b, 0, 0xffffffff, 0xc0f3);
	fake.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_ONE | RFLAGS_IOPL;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE | RFLAGS_IOPL);
}

static void whom_an_interrupt_reached_had_them_on(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] = 0;
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = event_info(EVENT_EXTERNAL, 0xec, false);
	cpu.undo.done = 0;
	fake.vmcs[VMCS_IDT_VECTORING] = event_info(EVENT_EXTERNAL, 0xec, false);
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE | RFLAGS_IF);
}

/* SDM: Linear-Address Masking. */
static void what_cr3_has_besides_an_address_stays_where_it_exists(void **state)
{
	const uint64_t cr3 = fake.vmcs[VMCS_GUEST_CR3];

	(void)state;
	fake.vmcs[VMCS_GUEST_CR3] = cr3 | BIT64(61) | BIT64(55);
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], cr3);
	prepare_closed(state);
	fake.cpuid.eax = CPUID_71_EAX_LAM;
	fake.vmcs[VMCS_GUEST_CR3] |= BIT64(62) | BIT64(55) | BIT64(63);
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], cr3 | BIT64(62));
}

static void debug_traces_stay_where_they_exist(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_TR | DEBUGCTL_BTS | DEBUGCTL_BTF;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], DEBUGCTL_BTF);
	prepare_closed(state);
	cpu.capability.leaf1.edx = CPUID_1_EDX_DS;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_TR | DEBUGCTL_BTS | DEBUGCTL_BTF;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], DEBUGCTL_TR | DEBUGCTL_BTS | DEBUGCTL_BTF);
	/* The register was asked, and is as before. */
	assert_int_equal(fake.msr[0].value, 0);
}

struct expected {
	enum segment which;
	uint16_t selector; /* the broken one */
	uint64_t base;
	uint32_t limit, rights;
	uint16_t good_selector; /* and what it becomes */
	uint32_t good_rights;
};

static void a_broken_segment_becomes_one_that_can_be_loaded(void **state)
{
	static const struct expected cases[] = {
		/* Right ones. */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0xc0f3, 0x2b, 0xc0f3 },
		{ SEG_ES, 0x0f, 0, 0xfff, 0x40f3, 0x0f, 0x40f3 }, /* of an LDT */
		{ SEG_FS, 3, 0x7000, 0, RIGHTS_UNUSABLE, 3, RIGHTS_UNUSABLE },
		{ SEG_LDTR, 0x48, TSS_BASE, 0xff, 0x82, 0x48, 0x82 },
		{ SEG_SS, 0, 0, 0, RIGHTS_UNUSABLE, 0, RIGHTS_UNUSABLE },
		/* Data: none instead. */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0xc073, 0, RIGHTS_UNUSABLE }, /* not present */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0xc0f2, 0, RIGHTS_UNUSABLE }, /* not accessed */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0xc0e3, 0, RIGHTS_UNUSABLE }, /* S */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0xc093, 0, RIGHTS_UNUSABLE }, /* DPL */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0xc1f3, 0, RIGHTS_UNUSABLE }, /* reserved */
		{ SEG_DS, 0x2b, 0, 0xffffffff, 0x40f3, 0, RIGHTS_UNUSABLE }, /* G */
		{ SEG_DS, 0x2b, BIT64(40), 0xffffffff, 0xc0f3, 0, RIGHTS_UNUSABLE },
		{ SEG_ES, 0x33, 0, 0xffffffff, 0xa0f9, 0, RIGHTS_UNUSABLE },  /* not readable */
		{ SEG_GS, 0x103, 0, 0xffffffff, 0xc0f3, 0, RIGHTS_UNUSABLE }, /* not in the copy */
		{ SEG_FS, 0, 0, 0xffffffff, 0xc0f3, 0, RIGHTS_UNUSABLE },     /* null, but usable */
		{ SEG_FS, 0x63, 0, 0, RIGHTS_UNUSABLE, 0, RIGHTS_UNUSABLE },
		{ SEG_LDTR, 0x48, BIT64(62), 0xff, 0x82, 0, RIGHTS_UNUSABLE },
		{ SEG_LDTR, 0x4c, TSS_BASE, 0xff, 0x82, 0, RIGHTS_UNUSABLE },
		{ SEG_LDTR, 0x48, TSS_BASE, 0xff, 0x8b, 0, RIGHTS_UNUSABLE },
		{ SEG_LDTR, 0x48, 0, 0, RIGHTS_UNUSABLE, 0, RIGHTS_UNUSABLE },
		/* TR: that of the start. */
		{ SEG_TR, 0x40, TSS_BASE, 0x2067, 0x89, 0x40, 0x8b },
		{ SEG_TR, 0x40, TSS_BASE, 0x2067, 0x0b, 0x40, 0x8b },
		{ SEG_TR, 0, TSS_BASE, 0x2067, 0x8b, 0x40, 0x8b },
		{ SEG_TR, 0xf8, TSS_BASE, 0x2067, 0x8b, 0x40, 0x8b },
		{ SEG_TR, 0x40, BIT64(55), 0x2067, 0x8b, 0x40, 0x8b },
		{ SEG_TR, 0x40, TSS_BASE, 0x2067, RIGHTS_UNUSABLE, 0x40, 0x8b },
		/* CS and SS: what the guest's table says, or the kernel's. */
		{ SEG_CS, 0x10, 0, 0xffffffff, 0, 0x10, 0xa09b },
		{ SEG_CS, 0x10, 0, 0xffffffff, 0xe09b, 0x10, 0xa09b }, /* L and D */
		{ SEG_CS, 0x13, 0, 0xffffffff, 0xa09b, 0x10, 0xa09b },
		{ SEG_CS, 0, 0, 0xffffffff, 0xa09b, 0x10, 0xa09b },
		{ SEG_CS, 0x10, BIT64(32), 0xffffffff, 0xa09b, 0x10, 0xa09b },
		{ SEG_SS, 0x18, 0, 0xffffffff, 0xc091, 0x18, 0xc093 },
		{ SEG_SS, 0x18, 0, 0xffffffff, 0, 0x18, 0xc093 },
		{ SEG_SS, 0x1b, 0, 0xffffffff, 0xc0f3, 0, RIGHTS_UNUSABLE },
		{ SEG_SS, 0x10, 0, 0xffffffff, 0xa09b, 0, RIGHTS_UNUSABLE },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct expected *c = &cases[i];

		prepare_closed(state);
		set_segment(c->which, c->selector, c->base, c->limit, c->rights);
		expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
		if (fake.vmcs[VMCS_GUEST_SELECTOR(c->which)] != c->good_selector ||
		    fake.vmcs[VMCS_GUEST_RIGHTS(c->which)] != c->good_rights)
			fail_msg("case %u: %#llx %#llx", i,
				 (unsigned long long)fake.vmcs[VMCS_GUEST_SELECTOR(c->which)],
				 (unsigned long long)fake.vmcs[VMCS_GUEST_RIGHTS(c->which)]);
	}
}

/* Never the kernel's rights for the code of a user. */
static void a_user_keeps_his_level(void **state)
{
	(void)state;
	set_segment(SEG_CS, 0x33, 0, 0xffffffff, 0);
	set_segment(SEG_SS, 0x2b, 0, 0xffffffff, 0);
	fake.vmcs[VMCS_GUEST_RIP] = 0x401000;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SELECTOR(SEG_CS)], 0x33);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIGHTS(SEG_CS)], 0xa0fb);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SELECTOR(SEG_SS)], 0x2b);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIGHTS(SEG_SS)], 0xc0f3);
	prepare_closed(state);
	set_segment(SEG_CS, 0x7b, 0, 0xffffffff, 0);
	set_segment(SEG_SS, 0x2b, 0, 0xffffffff, 0xc0f3);
	fake.vmcs[VMCS_GUEST_RIP] = 0x401000;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SELECTOR(SEG_CS)], 0x7b);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIGHTS(SEG_CS)], 0);
}

/* --- Whatever it was --- */

static const struct entry_rule *broken_rule(void)
{
	static struct vmcs_snapshot snapshot;
	struct entry_capability capability;
	struct entry_rule_broken broken[8];
	unsigned i, count;

	for (i = 0; i < vmcs_fields_count; i++) {
		snapshot.value[i] = fake.vmcs[vmcs_fields[i].encoding];
		snapshot.present[i] = true;
	}
	entry_capability_of(&capability, &cpu.capability);
	capability.cpuid_71_eax = fake.cpuid.eax;
	capability.debugctl = ~fake.debugctl_reserved;
	count = entry_rules_check(&snapshot, &capability, broken, 8);
	for (i = 0; i < count && i < 8; i++) {
		if (entry_rules_get(broken[i].rule)->class == ENTRY_GUEST)
			return entry_rules_get(broken[i].rule);
	}
	return NULL;
}

static const uint64_t junk[] = {
	0,
	~0ull,
	BIT64(62),
	BIT64(47),
	0xffff,
	0x5555555555555555,
	0xaaaaaaaaaaaaaaaa,
	0x10000,
	7,
	0x8000008000000080,
};
#define JUNK (sizeof(junk) / sizeof(junk[0]))

/*
 * But CR3, whose tables the fake processor would look for in this process, and RIP, which a failed
 * entry finds where the last exit was.
 */
static bool is_state(unsigned at)
{
	uint32_t field = vmcs_fields[at].encoding;

	return vmcs_fields[at].group == VMCS_GUEST && field != VMCS_GUEST_CR3 &&
	       field != VMCS_GUEST_RIP;
}

static void no_field_breaks_the_next_entry(void **state)
{
	const struct entry_rule *rule;
	unsigned at, i;

	prepare_closed(state);
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	rule = broken_rule();
	if (rule)
		fail_msg("nothing was broken: %s", rule->id);
	for (at = 0; at < vmcs_fields_count; at++) {
		for (i = 0; is_state(at) && i < JUNK; i++) {
			prepare_closed(state);
			fake.vmcs[vmcs_fields[at].encoding] = junk[i];
			expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
			rule = broken_rule();
			if (rule)
				fail_msg("%s %#llx: %s", vmcs_fields[at].name,
					 (unsigned long long)junk[i], rule->id);
		}
	}
}

/* What is right is not touched: all that the gate loads is as it was in the VMCS. */
static void what_is_right_stays(void **state)
{
	static uint64_t before[FAKE_FIELDS];
	unsigned at;

	(void)state;
	memcpy(before, fake.vmcs, sizeof(before));
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	for (at = 0; at < vmcs_fields_count; at++) {
		uint32_t field = vmcs_fields[at].encoding;

		if (is_state(at) && field != VMCS_LINK_POINTER && fake.vmcs[field] != before[field])
			fail_msg("%s: %#llx, not %#llx", vmcs_fields[at].name,
				 (unsigned long long)fake.vmcs[field],
				 (unsigned long long)before[field]);
	}
}

/* By the rules of the instructions of gate_leave, as the gate has the state. */
static const char *unloadable(void)
{
	static const struct msr_limits limits = {
		.linear_bits = 48, .efer = EFER_SCE | EFER_NXE | EFER_LME | EFER_LMA
	};
	const struct gate_state *s = &gate.state;
	const enum segment data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	unsigned i, index;

	index = s->selector[SEG_TR] / 8;
	if (!index || index > 30 || (gate.os_gdt[index] >> 40 & 0x9f) != 0x89)
		return "LTR";
	index = s->selector[SEG_LDTR] / 8;
	if (s->selector[SEG_LDTR] && (index > 30 || (gate.os_gdt[index] >> 40 & 0x9f) != 0x82))
		return "LLDT";
	for (i = 0; i < 4; i++) {
		uint16_t selector = s->selector[data[i]];
		uint64_t entry = gate.os_gdt[selector / 8 & 31];

		if (!(selector & ~SELECTOR_RPL) || (selector & SELECTOR_TI))
			continue;
		if (selector > 0xff || (entry >> 40 & 0x90) != 0x90 ||
		    (entry >> 45 & 3) < (selector & 3u))
			return "a segment";
	}
	if ((s->cr3 & ~0xffffffffffffull) || (s->cr4 & ~cpu.capability.cr4_fixed1) ||
	    !(s->cr4 & CR4_PAE) || ((s->cr4 ^ fake.cr4) & CR4_LA57))
		return "CR3, CR4";
	if (s->cr0 >> 32 || (s->cr0 & (CR0_PE | CR0_PG)) != (CR0_PE | CR0_PG) ||
	    ((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD)) || ((s->cr4 & CR4_CET) && !(s->cr0 & CR0_WP)))
		return "CR0";
	for (i = 0; i < GATE_MSRS_COUNT && s->msr[i].number; i++) {
		if (!msr_value_valid((uint32_t)s->msr[i].number, s->msr[i].value, &limits))
			return "WRMSR";
		if (s->msr[i].number == IA32_DEBUGCTL && (s->msr[i].value & fake.debugctl_reserved))
			return "WRMSR of IA32_DEBUGCTL";
	}
	if ((uint64_t)((int64_t)(s->gdtr.base << 16) >> 16) != s->gdtr.base ||
	    (uint64_t)((int64_t)(s->idtr.base << 16) >> 16) != s->idtr.base)
		return "LGDT, LIDT";
	if (s->dr7 >> 32)
		return "MOV to DR7";
	if ((uint64_t)((int64_t)(s->rip << 16) >> 16) != s->rip || !(s->selector[SEG_CS] / 8) ||
	    ((s->selector[SEG_CS] ^ s->selector[SEG_SS]) & SELECTOR_RPL))
		return "IRETQ";
	return NULL;
}

static void no_field_faults_in_the_gate(void **state)
{
	const uint32_t shadows[] = { VMCS_CR0_SHADOW, VMCS_CR4_SHADOW };
	unsigned at, i;

	for (at = 0; at < vmcs_fields_count + 2; at++) {
		uint32_t field = at < vmcs_fields_count ? vmcs_fields[at].encoding
							: shadows[at - vmcs_fields_count];

		if (at < vmcs_fields_count && !is_state(at))
			continue;
		for (i = 0; i < JUNK; i++) {
			prepare_open(state);
			fake.vmcs[field] = junk[i];
			/* A debug trap that is due has no handler here: it does not leave with it.
			 */
			if (run_failure(HP_REPORT_ENTRY_FAILED) != LEFT)
				assert_int_equal(field, VMCS_GUEST_PENDING_DEBUG);
			else if (unloadable())
				fail_msg("%#x %#llx: %s", field, (unsigned long long)junk[i],
					 unloadable());
		}
	}
}

#define T(test)	     cmocka_unit_test_setup(test, prepare_closed)
#define T_WIDE(test) cmocka_unit_test_setup(test, prepare_wide)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_failed_entry_gets_legal_values),
		T_WIDE(a_wide_address_is_legal_with_5_levels),
		T(a_trap_that_must_be_pending_is),
		T(user_mode_gets_its_interrupts_back),
		T(whom_an_interrupt_reached_had_them_on),
		T(what_cr3_has_besides_an_address_stays_where_it_exists),
		T(debug_traces_stay_where_they_exist),
		T(a_broken_segment_becomes_one_that_can_be_loaded),
		T(a_user_keeps_his_level),
		T(no_field_breaks_the_next_entry),
		T(what_is_right_stays),
		T(no_field_faults_in_the_gate),
	};

	return cmocka_run_group_tests_name("a state that the processor takes", tests, NULL, NULL);
}
