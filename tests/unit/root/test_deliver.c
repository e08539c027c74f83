// SPDX-License-Identifier: MIT
/*
 * An event delivered by hand: what the processor would have pushed and loaded, and that nothing has
 * changed where the guest's tables do not let it be delivered.
 */
#include "fixture.h"

#define IDT	0xfffffe0000000000ull
#define GDT	0xfffffe0000001000ull
#define TSS	0xfffffe0000003000ull
#define STACK	0xffffc90000000000ull /* of two pages */
#define OLD_RSP (STACK + 0x1238)
#define RSP0	(STACK + 0xff8)
#define IST3	(STACK + 0x800)
#define HANDLER 0xffffffff81a00456ull
#define CODE	0x00af9b000000ffffull
#define CODE_3	0x00affb000000ffffull

enum gate_type { INTERRUPT = 0xe, TRAP = 0xf };

static uint8_t *idt, *gdt, *tss, *stack, *stack2;

static void put_gate(unsigned vector, uint16_t selector, unsigned ist, unsigned type, bool present)
{
	uint64_t entry[2] = { (HANDLER & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 |
				      (uint64_t)type << 40 | (uint64_t)present << 47 |
				      (HANDLER >> 16 & 0xffff) << 48,
			      HANDLER >> 32 };

	memcpy(idt + 16 * vector, entry, sizeof(entry));
}

static void put_code(uint16_t selector, uint64_t descriptor)
{
	memcpy(gdt + selector, &descriptor, 8);
}

static int prepare(void **state)
{
	const uint64_t rsp0 = RSP0, ist3 = IST3;

	fixture_setup(state);
	fixture_guest_begin();
	idt = fixture_map(IDT, 0);
	gdt = fixture_map(GDT, 0);
	tss = fixture_map(TSS, 0);
	stack = fixture_map(STACK, PTE_WRITE);
	stack2 = fixture_map(STACK + 0x1000, PTE_WRITE);
	fixture_guest_end(NULL);
	memset(stack, 0x55, 0x1000);
	memset(stack2, 0x55, 0x1000);
	memcpy(tss + 4, &rsp0, 8);
	memcpy(tss + 36 + 8 * 2, &ist3, 8);
	put_code(0x10, CODE);
	put_gate(0xec, 0x10, 0, INTERRUPT, true);
	fake.vmcs[VMCS_GUEST_IDTR_BASE] = IDT;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xfff;
	fake.vmcs[VMCS_GUEST_GDTR_BASE] = GDT;
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x7f;
	fake.vmcs[VMCS_GUEST_TR_BASE] = TSS;
	fake.vmcs[VMCS_GUEST_CS] = 0x10;
	fake.vmcs[VMCS_GUEST_SS] = 0x18;
	fake.vmcs[VMCS_GUEST_RSP] = OLD_RSP;
	fake.vmcs[VMCS_GUEST_RFLAGS] =
		RFLAGS_ONE | RFLAGS_IF | RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_ZF;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI | BLOCKING_NMI;
	return 0;
}

static void become_user(void)
{
	fake.vmcs[VMCS_GUEST_CS] = 0x33;
	fake.vmcs[VMCS_GUEST_SS] = 0x2b;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xa0fb;
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
	fake.vmcs[VMCS_GUEST_RSP] = 0x7ffe00001001;
}

/* The pages of the stack follow each other for the guest, not in memory. */
static uint64_t pushed(uint64_t address)
{
	uint64_t value;

	assert_in_range(address, STACK, STACK + 0x1ff8);
	memcpy(&value, (address < STACK + 0x1000 ? stack : stack2) + (address & 0xfff), 8);
	return value;
}

static void expect_frame(const uint64_t *frame, unsigned count, uint64_t top)
{
	unsigned i;

	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], top - 8 * count);
	for (i = 0; i < count; i++)
		assert_int_equal(pushed(top - 8 * (count - i)), frame[i]);
	/* And not a byte more. */
	assert_int_equal(pushed(top - 8 * count - 8), 0x5555555555555555);
	assert_int_equal(pushed(top), 0x5555555555555555);
}

static bool give(uint32_t info, uint32_t error_code, uint32_t length)
{
	return deliver(&cpu, &(struct event){ info, error_code, length });
}

static void nothing_is_delivered_at_once(void **state)
{
	(void)state;
	assert_true(give(0, 0, 0));
	assert_int_equal(fake.writes, 0);
}

static void at_the_same_privilege(void **state)
{
	const uint64_t flags = fake.vmcs[VMCS_GUEST_RFLAGS];
	const uint64_t frame[] = { RIP, 0x10, flags, OLD_RSP, 0x18 };

	(void)state;
	assert_true(give(0x800000ec, 0, 0));
	/* SDM: 64-Bit Mode Stack Frame: aligned to 16 bytes before anything is pushed. */
	expect_frame(frame, 5, OLD_RSP & ~15ull);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], HANDLER);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CS], 0x10);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CS_RIGHTS], 0xa09b);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS], 0x18);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS_RIGHTS], 0xc093);
	/* Through an interrupt gate: IF, TF, NT, RF are off; the others stay. */
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE | RFLAGS_AC | RFLAGS_ZF);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
}

static void a_trap_gate_leaves_interrupts_on(void **state)
{
	(void)state;
	put_gate(0xec, 0x10, 0, TRAP, true);
	assert_true(give(0x800000ec, 0, 0));
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS],
			 RFLAGS_ONE | RFLAGS_AC | RFLAGS_ZF | RFLAGS_IF);
}

/* SDM: Stack Switching in IA-32e Mode: RSP0, and a null SS. */
static void from_user_mode(void **state)
{
	const uint64_t frame[] = { RIP, 0x33, fake.vmcs[VMCS_GUEST_RFLAGS], 0x7ffe00001001, 0x2b };

	(void)state;
	become_user();
	assert_true(give(0x800000ec, 0, 0));
	expect_frame(frame, 5, RSP0 & ~15ull);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CS], 0x10);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS], 0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS_RIGHTS], RIGHTS_UNUSABLE);
	assert_int_equal(guest_cpl(), 0);
}

static void by_an_interrupt_stack(void **state)
{
	const uint64_t frame[] = { RIP, 0x10, fake.vmcs[VMCS_GUEST_RFLAGS], OLD_RSP, 0x18 };

	(void)state;
	put_gate(0xec, 0x10, 3, INTERRUPT, true);
	assert_true(give(0x800000ec, 0, 0));
	expect_frame(frame, 5, IST3);
	/* No change of privilege: SS stays. */
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS], 0x18);
	prepare(state);
	become_user();
	put_gate(0xec, 0x10, 3, INTERRUPT, true);
	assert_true(give(0x800000ec, 0, 0));
	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], IST3 - 40);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS], 0);
}

static void with_an_error_code(void **state)
{
	const uint64_t frame[] = { 0x1f, RIP, 0x10, fake.vmcs[VMCS_GUEST_RFLAGS], OLD_RSP, 0x18 };

	(void)state;
	put_gate(VECTOR_PF, 0x10, 0, INTERRUPT, true);
	assert_true(give(event_info(EVENT_EXCEPTION, VECTOR_PF, true), 0x1f, 3));
	expect_frame(frame, 6, OLD_RSP & ~15ull);
}

/* A software interrupt returns behind its instruction, everything else to RIP. */
static void behind_a_software_interrupt(void **state)
{
	static const struct {
		enum event_type type;
		uint64_t rip;
	} cases[] = {
		{ EVENT_SOFTWARE_INTERRUPT, RIP + 2 },
		{ EVENT_SOFTWARE_EXCEPTION, RIP + 2 },
		{ EVENT_PRIVILEGED_EXCEPTION, RIP + 2 },
		{ EVENT_EXCEPTION, RIP },
		{ EVENT_EXTERNAL, RIP },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prepare(state);
		assert_true(give(event_info(cases[i].type, 0xec, false), 0, 2));
		assert_int_equal(pushed(fake.vmcs[VMCS_GUEST_RSP]), cases[i].rip);
	}
}

/* SDM: Protection of Exception- and Interrupt-Handler Procedures: conforming code keeps the CPL. */
static void conforming_code_keeps_the_privilege(void **state)
{
	(void)state;
	/* The stack is the user's own then. */
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
	put_code(0x10, CODE | BIT64(42));
	assert_true(give(0x800000ec, 0, 0));
	assert_int_equal(fake.vmcs[VMCS_GUEST_CS], 0x13);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], (OLD_RSP & ~15ull) - 40);
	assert_int_equal(fake.vmcs[VMCS_GUEST_SS], 0x18);
}

static void a_frame_may_cross_pages(void **state)
{
	const uint64_t frame[] = { RIP, 0x10, fake.vmcs[VMCS_GUEST_RFLAGS], STACK + 0x1010, 0x18 };

	(void)state;
	fake.vmcs[VMCS_GUEST_RSP] = STACK + 0x1010;
	assert_true(give(0x800000ec, 0, 0));
	expect_frame(frame, 5, STACK + 0x1010);
}

static void no_handler(void)
{
	memset(idt + 16 * 0xec, 0, 16);
}

static void an_absent_handler(void)
{
	put_gate(0xec, 0x10, 0, INTERRUPT, false);
}

static void a_handler_of_32_bits(void)
{
	put_gate(0xec, 0x10, 0, 0x6, true);
}

static void a_task_gate(void)
{
	put_gate(0xec, 0x10, 0, 0x5, true);
}

static void an_idt_that_ends_before(void)
{
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xec * 16 + 14;
}

static void an_idt_that_is_not_there(void)
{
	fake.vmcs[VMCS_GUEST_IDTR_BASE] = IDT + 0x10000;
}

static void a_null_selector(void)
{
	put_gate(0xec, 0x3, 0, INTERRUPT, true);
}

static void a_selector_of_the_ldt(void)
{
	put_gate(0xec, 0x14, 0, INTERRUPT, true);
}

static void a_gdt_that_ends_before(void)
{
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x16;
}

static void a_gdt_that_is_not_there(void)
{
	fake.vmcs[VMCS_GUEST_GDTR_BASE] = GDT + 0x10000;
}

static void absent_code(void)
{
	put_code(0x10, CODE & ~BIT64(47));
}

static void data_for_code(void)
{
	put_code(0x10, CODE & ~BIT64(43));
}

static void a_system_segment(void)
{
	put_code(0x10, CODE & ~BIT64(44));
}

static void code_of_32_bits(void)
{
	put_code(0x10, (CODE & ~BIT64(53)) | BIT64(54));
}

/* SDM: a handler is never less privileged than what it interrupts. */
static void code_of_the_user(void)
{
	put_code(0x10, CODE_3);
}

static void a_stack_that_is_not_there(void)
{
	fake.vmcs[VMCS_GUEST_RSP] = STACK + 0x4000;
}

static void a_stack_that_begins_too_late(void)
{
	fake.vmcs[VMCS_GUEST_RSP] = STACK + 0x20;
}

static void a_stack_of_code(void)
{
	fake.vmcs[VMCS_GUEST_RSP] = GDT + 0x800;
}

static void no_task_segment(void)
{
	become_user();
	fake.vmcs[VMCS_GUEST_TR_BASE] = TSS + 0x10000;
}

static void no_interrupt_stack(void)
{
	put_gate(0xec, 0x10, 4, INTERRUPT, true);
}

static void what_can_not_be_delivered_changes_nothing(void **state)
{
	static const struct {
		const char *what;
		void (*with)(void);
	} cases[] = {
#define WITH(what) { #what, what }
		WITH(no_handler),
		WITH(an_absent_handler),
		WITH(a_handler_of_32_bits),
		WITH(a_task_gate),
		WITH(an_idt_that_ends_before),
		WITH(an_idt_that_is_not_there),
		WITH(a_null_selector),
		WITH(a_selector_of_the_ldt),
		WITH(a_gdt_that_ends_before),
		WITH(a_gdt_that_is_not_there),
		WITH(absent_code),
		WITH(data_for_code),
		WITH(a_system_segment),
		WITH(code_of_32_bits),
		WITH(code_of_the_user),
		WITH(a_stack_that_is_not_there),
		WITH(a_stack_that_begins_too_late),
		WITH(a_stack_of_code),
		WITH(no_task_segment),
		WITH(no_interrupt_stack),
#undef WITH
	};
	static uint64_t before[FAKE_FIELDS];
	unsigned i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prepare(state);
		cases[i].with();
		memcpy(before, fake.vmcs, sizeof(before));
		if (give(0x800000ec, 0, 0))
			fail_msg("delivered, with %s", cases[i].what);
		assert_memory_equal(before, fake.vmcs, sizeof(before));
		for (k = 0; k < 0x1000; k++) {
			assert_int_equal(stack[k], 0x55);
			assert_int_equal(stack2[k], 0x55);
		}
	}
}

static void the_limits_are_the_last_bytes(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xec * 16 + 15;
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x17;
	assert_true(give(0x800000ec, 0, 0));
}

#define T(test) cmocka_unit_test_setup(test, prepare)

/* The processor would push to the shadow stack, and write IA32_PL3_SSP when user mode has one. */
static void not_where_there_is_a_shadow_stack(void **state)
{
	static const struct {
		bool user;
		uint64_t cr4;
		uint32_t msr;
		uint64_t value;
		bool delivered;
	} cases[] = {
		{ false, CR4_CET, IA32_S_CET, 1, false },
		{ true, CR4_CET, IA32_S_CET, 1, false },
		{ true, CR4_CET, IA32_U_CET, 1, false },
		{ false, CR4_CET, IA32_U_CET, 1, true },
		{ true, 0, IA32_U_CET, 1, true },
		{ false, 0, IA32_S_CET, 1, true },
		{ true, CR4_CET, IA32_U_CET, BIT64(2), true }, /* ENDBR_EN */
		{ false, CR4_CET, IA32_S_CET, BIT64(2), true },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prepare(state);
		if (cases[i].user)
			become_user();
		put_code(0x10, CODE);
		put_gate(0xec, 0x10, 3, INTERRUPT, true);
		fake.vmcs[VMCS_GUEST_CR4] |= cases[i].cr4;
		fake.msr[0] = (struct fake_msr){ cases[i].msr, cases[i].value, true };
		fake.writes = 0;
		if (give(0x800000ec, 0, 0) != cases[i].delivered)
			fail_msg("case %u", i);
		if (!cases[i].delivered)
			assert_int_equal(fake.writes, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_delivered_at_once),
		T(at_the_same_privilege),
		T(a_trap_gate_leaves_interrupts_on),
		T(from_user_mode),
		T(by_an_interrupt_stack),
		T(with_an_error_code),
		T(behind_a_software_interrupt),
		T(conforming_code_keeps_the_privilege),
		T(a_frame_may_cross_pages),
		T(what_can_not_be_delivered_changes_nothing),
		T(the_limits_are_the_last_bytes),
		T(not_where_there_is_a_shadow_stack),
	};

	return cmocka_run_group_tests_name("delivery by hand", tests, NULL, NULL);
}
