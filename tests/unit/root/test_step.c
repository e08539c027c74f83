// SPDX-License-Identifier: MIT
/*
 * Stepping: what is set for one instruction, what of it shows afterwards, and what counts as one.
 * The tests play the guest: between an entry and an exit they change the state as the processor
 * would.
 */
#include "fixture.h"

#define NEXT (RIP + 3)
#define CODE 0x40000000ull

static uint64_t blocking(void)
{
	return fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY];
}

/* What the loop does before an entry. */
static void enter(void)
{
	if (cpu.stepping)
		step_look(&cpu);
	nmi_arrange(&cpu);
	if (cpu.stepping)
		step_arrange(&cpu);
}

static void begin(uint64_t instructions)
{
	assert_int_equal(step_begin(&cpu, instructions), HP_ERROR_OK);
	enter();
}

static void without_monitor_trap(void)
{
	cpu.capability.proc &= ~((uint64_t)PROC_MONITOR_TRAP << 32);
}

/* The guest's instruction is executed, and the window opens behind it. */
static void executed(uint64_t next)
{
	fake.vmcs[VMCS_GUEST_RIP] = next;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] &= ~(uint64_t)BLOCKING_MOV_SS;
	nmi_window(&cpu);
	enter();
}

/* Another exit, by which the instruction was not executed. */
static void not_executed(void)
{
	enter();
}

static void expect_recorded(unsigned count, uint64_t last)
{
	unsigned in_ring = 0, i;
	uint64_t n;

	for (n = 0; n < ring.head; n++) {
		for (i = 0; i < STEP_RIPS && ring.record[n].format == RECORD_STEP; i++)
			in_ring += ring.record[n].argument[i] != 0;
	}
	assert_int_equal(in_ring + cpu.step.recorded, count);
	if (cpu.step.recorded)
		assert_int_equal(cpu.step.rip[cpu.step.recorded - 1], last);
}

static void an_instruction_is_a_step(void **state)
{
	(void)state;
	begin(2);
	assert_true(cpu.stepping);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	expect_recorded(1, RIP);
	executed(NEXT);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	expect_recorded(2, NEXT);
	executed(NEXT + 1);
	assert_false(cpu.stepping);
	assert_int_equal(blocking(), 0);
	/* Where it ends is not an instruction of it. */
	expect_recorded(2, NEXT);
	assert_int_equal(cpu.step.recorded, 0);
}

static void a_control_makes_it_exit(void **state)
{
	(void)state;
	begin(1);
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_MONITOR_TRAP);
	executed(NEXT);
	assert_false(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_MONITOR_TRAP);
	without_monitor_trap();
	begin(1);
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
	assert_false(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_MONITOR_TRAP);
	executed(NEXT);
	assert_false(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
}

static void an_instruction_that_is_tried_again_is_one_step(void **state)
{
	(void)state;
	begin(2);
	not_executed();
	not_executed();
	assert_int_equal(cpu.step.left, 2);
	expect_recorded(1, RIP);
	executed(NEXT);
	assert_int_equal(cpu.step.left, 1);
	expect_recorded(2, NEXT);
}

/* A handler that carries out REP stays at the instruction; a jump to itself does, too. */
static void an_iteration_is_a_step_though_rip_stays(void **state)
{
	(void)state;
	begin(3);
	executed(RIP);
	assert_int_equal(cpu.step.left, 2);
	expect_recorded(2, RIP);
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = 0;
	skip_iteration(&cpu);
	enter();
	assert_int_equal(cpu.step.left, 1);
	expect_recorded(3, RIP);
}

static void an_instruction_that_root_carries_out_is_a_step(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 0;
	begin(2);
	assert_int_equal(run_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	assert_int_equal(cpu.step.left, 1);
	expect_recorded(2, RIP + 2);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
}

/* SDM: STI blocks for one instruction: that which is stepped, if it is executed. */
static void blocking_by_sti_comes_back_if_nothing_was_executed(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI;
	begin(2);
	/* SDM, Checks on Guest Non-Register State: not both. */
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	step_look(&cpu);
	assert_int_equal(blocking(), BLOCKING_STI);
	step_arrange(&cpu);
	executed(NEXT);
	step_look(&cpu);
	assert_int_equal(blocking(), 0);
}

/* The guest's own blocking by MOV SS is not the step's. */
static void blocking_by_mov_ss_stays_if_nothing_was_executed(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_MOV_SS;
	begin(2);
	step_look(&cpu);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	step_arrange(&cpu);
	executed(NEXT);
	step_look(&cpu);
	assert_int_equal(blocking(), 0);
}

static void without_monitor_trap_the_window_opens_in_an_nmi_handler(void **state)
{
	(void)state;
	without_monitor_trap();
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	begin(2);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	step_look(&cpu);
	assert_int_equal(blocking(), BLOCKING_NMI);
	step_arrange(&cpu);
	executed(NEXT);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	executed(NEXT + 1);
	/* It goes on in its handler, where NMIs are blocked. */
	assert_int_equal(blocking(), BLOCKING_NMI);
}

static void with_monitor_trap_blocking_by_nmi_stays(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	begin(1);
	assert_int_equal(blocking(), BLOCKING_NMI | BLOCKING_MOV_SS);
}

/* SDM: IRET unblocks NMIs, whatever prefixes it has; REX is one in 64-bit code only. */
static void an_iret_ends_the_handler(void **state)
{
	static const struct {
		uint8_t code[4];
		bool is_64_bit, unblocks;
	} cases[] = {
		{ { 0xcf }, true, true },
		{ { 0x48, 0xcf }, true, true },
		{ { 0x66, 0xf3, 0x48, 0xcf }, true, true },
		{ { 0x90, 0xcf }, true, false },
		{ { 0x66, 0xcf }, false, true },
		{ { 0x48, 0xcf }, false, false },
	};
	unsigned i;
	uint8_t *code;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup(state);
		fixture_guest_begin();
		code = fixture_map(CODE, 0);
		fixture_guest_end(NULL);
		memcpy(code + 0x100, cases[i].code, sizeof(cases[i].code));
		fake.vmcs[VMCS_GUEST_RIP] = CODE + 0x100;
		if (!cases[i].is_64_bit)
			fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xc09b;
		without_monitor_trap();
		fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
		begin(2);
		assert_int_equal(blocking(), BLOCKING_MOV_SS);
		executed(CODE + 0x102);
		step_look(&cpu);
		assert_int_equal(blocking(), cases[i].unblocks ? 0 : BLOCKING_NMI);
	}
}

/* The call that ends the steps is stepped itself: what was set for it must not stay. */
static void the_end_within_a_step_leaves_nothing(void **state)
{
	(void)state;
	without_monitor_trap();
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	begin(2);
	assert_int_equal(blocking(), BLOCKING_MOV_SS);
	step_begin(&cpu, 0);
	enter();
	assert_int_equal(blocking(), BLOCKING_NMI);
}

/*
 * SDM, Checks on Guest Non-Register State: with blocking by MOV SS and RFLAGS.TF, BS is pending if
 * and only if DEBUGCTL.BTF is clear.
 */
static void a_debugger_in_the_guest_has_its_trap(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	begin(1);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
	/* Not executed: nothing is pending yet. */
	step_look(&cpu);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], 0);
	step_arrange(&cpu);
	/* Executed: the trap of this instruction is. */
	executed(NEXT);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
	assert_false(cpu.stepping);
}

static void with_btf_no_trap_is_pending(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_BTF;
	begin(1);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], 0);
}

/* An entry that delivers a trap or an event executes no instruction of the code at RIP. */
static void a_delivery_comes_before_the_next_instruction(void **state)
{
	(void)state;
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = event_info(EVENT_EXTERNAL, 0x30, false);
	begin(1);
	expect_recorded(0, 0);
	assert_int_equal(blocking(), 0);
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_MONITOR_TRAP);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	fake.vmcs[VMCS_GUEST_RIP] = NEXT; /* the handler */
	nmi_window(&cpu);
	enter();
	assert_int_equal(cpu.step.left, 1);
	expect_recorded(1, NEXT);
	executed(NEXT + 1);
	assert_false(cpu.stepping);
}

static void an_nmi_that_is_owed_comes_first(void **state)
{
	(void)state;
	without_monitor_trap();
	begin(1);
	cpu.nmis = 1;
	not_executed();
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_NMI, VECTOR_NMI, false));
	assert_int_equal(blocking(), 0);
	assert_int_equal(cpu.step.left, 1);
}

/* The window is wanted for two reasons. */
static void the_window_stays_for_an_nmi(void **state)
{
	(void)state;
	without_monitor_trap();
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	begin(1);
	cpu.nmis = 1;
	executed(NEXT);
	assert_false(cpu.stepping);
	assert_int_equal(blocking(), BLOCKING_NMI);
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
}

static void who_steps_over_hlt_wakes_it(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_ACTIVITY] = ACTIVITY_HLT;
	begin(1);
	assert_int_equal(fake.vmcs[VMCS_GUEST_ACTIVITY], 0);
}

static void addresses_reach_the_log_in_order(void **state)
{
	unsigned i;

	(void)state;
	begin(STEP_RIPS + 2);
	for (i = 1; i <= STEP_RIPS + 2; i++)
		executed(RIP + i);
	assert_int_equal(ring.head, 2);
	for (i = 0; i < STEP_RIPS; i++)
		assert_int_equal(ring.record[0].argument[i], RIP + i);
	assert_int_equal(ring.record[1].argument[0], RIP + STEP_RIPS);
	assert_int_equal(ring.record[1].argument[1], RIP + STEP_RIPS + 1);
	assert_int_equal(ring.record[1].argument[2], 0);
}

static void zero_ends_it_and_too_many_are_refused(void **state)
{
	(void)state;
	assert_int_equal(step_begin(&cpu, 1000001), HP_ERROR_REQUEST);
	assert_false(cpu.stepping);
	begin(1000000);
	assert_true(cpu.stepping);
	assert_int_equal(step_begin(&cpu, 0), HP_ERROR_OK);
	enter();
	assert_false(cpu.stepping);
	assert_false(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_MONITOR_TRAP);
	expect_recorded(1, RIP);
}

#define T(test) cmocka_unit_test_setup(test, fixture_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_instruction_is_a_step),
		T(a_control_makes_it_exit),
		T(an_instruction_that_is_tried_again_is_one_step),
		T(an_iteration_is_a_step_though_rip_stays),
		T(an_instruction_that_root_carries_out_is_a_step),
		T(blocking_by_sti_comes_back_if_nothing_was_executed),
		T(blocking_by_mov_ss_stays_if_nothing_was_executed),
		T(without_monitor_trap_the_window_opens_in_an_nmi_handler),
		T(with_monitor_trap_blocking_by_nmi_stays),
		T(an_iret_ends_the_handler),
		T(the_end_within_a_step_leaves_nothing),
		T(a_debugger_in_the_guest_has_its_trap),
		T(with_btf_no_trap_is_pending),
		T(a_delivery_comes_before_the_next_instruction),
		T(an_nmi_that_is_owed_comes_first),
		T(the_window_stays_for_an_nmi),
		T(who_steps_over_hlt_wakes_it),
		T(addresses_reach_the_log_in_order),
		T(zero_ends_it_and_too_many_are_refused),
	};

	return cmocka_run_group_tests_name("stepping", tests, NULL, NULL);
}
