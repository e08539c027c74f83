// SPDX-License-Identifier: MIT
/*
 * What the guest gets back when root fails: the event that it has not got yet, NMIs and debug traps
 * among them. test_repair.c: and after a failed entry a state that the processor takes.
 */
#include "fixture.h"

/* --- Events --- */

static void fail_with(uint32_t reason)
{
	retreat_goes_on = true;
	fixture_guest = fixture_stop_at_once;
	/* RDTSC and HLT write nothing before they are skipped; a NMI exit unblocks by none. */
	fake.failing_write = 1;
	assert_int_equal(run_exit(reason), ENTERED_AGAIN);
	assert_int_equal(fake.failing_write, 0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
}

static void an_interrupted_event_is_delivered_again(void **state)
{
	static const struct {
		uint32_t info, error_code, length;
	} cases[] = {
		{ 0x800000ec, 0, 0 }, /* external */
		{ 0x80000b0e, 0x1f, 0 },
		{ 0x80000480, 0, 2 }, /* INT n */
		{ 0x80000603, 0, 1 },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup_closed(state);
		fake.vmcs[VMCS_IDT_VECTORING] = cases[i].info | BIT64(12);
		fake.vmcs[VMCS_IDT_VECTORING_ERROR] = cases[i].error_code;
		fake.vmcs[VMCS_EXIT_LENGTH] = cases[i].length;
		fail_with(EXIT_REASON_HLT);
		assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], cases[i].info);
		assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], cases[i].error_code);
		assert_int_equal(fake.vmcs[VMCS_ENTRY_LENGTH], cases[i].length);
		assert_int_equal(trail.trail.report.event, cases[i].info);
	}
}

/* It is owed: not an event to be delivered by hand. */
static void an_interrupted_nmi_is_owed_again(void **state)
{
	(void)state;
	fake.vmcs[VMCS_IDT_VECTORING] = event_info(EVENT_NMI, VECTOR_NMI, false);
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	cpu.nmis = 0;
	fixture_map_to(GATE_TEXT, fixture_text, 0);
	fixture_map_to((uintptr_t)&gate, fixture_page, PTE_WRITE);
	retreat_goes_on = true;
	fake.failing_write = 1;
	assert_int_equal(run_exit(EXIT_REASON_HLT), LEFT);
	assert_int_equal(cpu.nmis, 1);
	assert_int_equal(gate.state.rip, RIP);
	/* And in the minimal loop, which has no NMI exits, it is injected. */
	fixture_setup_closed(state);
	fake.vmcs[VMCS_IDT_VECTORING] = event_info(EVENT_NMI, VECTOR_NMI, false);
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	fail_with(EXIT_REASON_HLT);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_NMI, VECTOR_NMI, false));
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] & BLOCKING_NMI, 0);
	assert_int_equal(cpu.nmis, 0);
}

/* It is counted, and the guest's handler for the one before goes on undisturbed. */
static void an_nmi_exit_that_is_undone_leaves_the_handler_alone(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_NMI, VECTOR_NMI, false);
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	fail_with(EXIT_REASON_EXCEPTION_NMI);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], 0x800000ec);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
	assert_int_equal(cpu.nmis, 1);
	fixture_setup_closed(state);
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_NMI, VECTOR_NMI, false);
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
	fixture_guest = fixture_stop_at_once;
	retreat_goes_on = true;
	fake.failing_write = 1; /* in nmi_arrange: behind the exit, which has counted it */
	assert_int_equal(run_exit(EXIT_REASON_EXCEPTION_NMI), ENTERED_AGAIN);
	assert_int_equal(cpu.nmis, 1);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
}

static void an_nmi_waits_for_the_end_of_its_blocking(void **state)
{
	(void)state;
	cpu.nmis = 2;
	cpu.nmi_new = 1;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_MOV_SS;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	/* The entry is made nonetheless. */
	assert_int_equal(cpu.nmi_new, 0);
	assert_int_equal(cpu.nmis, 2);
}

/* A #DB that exited: no instruction raises a trap again. */
static void a_debug_trap_of_an_undone_exit_comes_back(void **state)
{
	(void)state;
	fake.dr[6] = 0xffff0ff0;
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_EXCEPTION, VECTOR_DB, false);
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = DR6_BS | 2;
	fake.vmcs[VMCS_GUEST_DR7] = DR7_FIXED | DR7_GD | 4;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_LBR;
	fail_with(EXIT_REASON_EXCEPTION_NMI);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_DB, false));
	assert_int_equal(fake.dr[6], 0xffff0ff0 | DR6_BS | 2);
	/* SDM: Debug Control Register; LBR: what the delivery of a #DB clears. */
	assert_int_equal(fake.vmcs[VMCS_GUEST_DR7], DR7_FIXED | 4);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], 0);
}

static void another_exception_of_an_undone_exit_comes_by_itself(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_EXCEPTION, VECTOR_GP, true);
	fail_with(EXIT_REASON_EXCEPTION_NMI);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	/* INT1 is an instruction, which is executed again. */
	fixture_setup_closed(state);
	fake.vmcs[VMCS_EXIT_INTERRUPTION] =
		event_info(EVENT_PRIVILEGED_EXCEPTION, VECTOR_DB, false);
	fail_with(EXIT_REASON_EXCEPTION_NMI);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	/* What this field has is not of this exit. */
	fixture_setup_closed(state);
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_EXCEPTION, VECTOR_DB, false);
	fail_with(EXIT_REASON_HLT);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
}

static void a_trap_behind_a_completed_instruction_comes(void **state)
{
	(void)state;
	fake.dr[6] = 0xffff0ff0;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = PENDING_DEBUG_BS;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_DB, false));
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], 0);
	assert_int_equal(fake.dr[6], 0xffff0ff0 | DR6_BS);
	fixture_setup_closed(state);
	fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = PENDING_DEBUG_ENABLED_BREAKPOINT | 8;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_DB, false));
	assert_int_equal(fake.dr[6] & 0xf, 8);
	/* A breakpoint that matched and is not enabled is none. */
	fixture_setup_closed(state);
	fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = 8;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
}

/*
 * SDM: Interrupt 1 - Debug Exception: MOV SS holds it back until behind the next instruction. And
 * Checks on Guest Non-Register State: as long, with TF, BS is pending.
 */
static void a_trap_that_mov_ss_holds_back_stays_pending(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_MOV_SS;
	fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = PENDING_DEBUG_BS;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_MOV_SS);
}

static void an_event_that_was_to_be_injected_is_not_lost(void **state)
{
	(void)state;
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0x80000b0e;
	fake.vmcs[VMCS_ENTRY_ERROR_CODE] = 6;
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec; /* of an exit that was dealt with */
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], 0x80000b0e);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], 6);
	assert_int_equal(trail.trail.report.event, 0x80000b0e);
}

/* It undoes the last exit, which raises its fault again; the event that it interrupted it does not.
 */
static void a_failed_entry_has_the_event_of_the_last_exit(void **state)
{
	(void)state;
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0x80000b0e;
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], 0x800000ec);
}

/* An NMI that root had counted, or the interrupted one: once. */
static void a_failed_entry_owes_its_nmi(void **state)
{
	static const struct {
		uint32_t injected, vectoring;
		unsigned owed;
	} cases[] = {
		{ 0x80000202, 0, 1 },
		{ 0x80000202, 0x80000202, 1 },
		{ 0, 0x80000202, 1 },
		{ 0x80000306, 0, 0 },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup_open(state);
		fake.vmcs[VMCS_ENTRY_INTERRUPTION] = cases[i].injected;
		fake.vmcs[VMCS_IDT_VECTORING] = cases[i].vectoring;
		assert_int_equal(run_failure(HP_REPORT_ENTRY_FAILED), LEFT);
		assert_int_equal(cpu.nmis, cases[i].owed);
	}
}

static int fails_behind_the_exit(unsigned entry)
{
	if (entry)
		fixture_stop();
	cpu.nmis = cpu.nmi_new = 1;
	fake.failing_write = fake.writes + 1;
	return VMX_NMI_NEW;
}

static int root_faults_before_the_entry(unsigned entry)
{
	if (entry)
		fixture_stop();
	fake.cr2 = FAKE_FAULT;
	retreat(&cpu, HP_REPORT_FAULT, NULL);
}

/* The guest is about to get a page fault when root has one. */
static void a_page_fault_that_is_injected_keeps_its_address(void **state)
{
	const uint64_t nothing = 0x7f0000010000;

	(void)state;
	retreat_goes_on = true;
	fixture_guest = root_faults_before_the_entry;
	fake.cr2 = 0x1234;
	/* SGDT with a displacement alone. */
	fake.vmcs[VMCS_EXIT_INSTRUCTION] = 2u << 7 | SEG_DS << 15 | 1u << 22 | 1u << 27;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = nothing;
	assert_int_equal(run_exit(EXIT_REASON_GDTR_IDTR), ENTERED_AGAIN);
	assert_int_equal(trail.trail.report.kind, HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_PF, true));
	assert_int_equal(fake.cr2, nothing);
}

static void what_was_dealt_with_is_not_undone(void **state)
{
	(void)state;
	retreat_goes_on = true;
	fixture_guest = fails_behind_the_exit;
	fake.cpuid.eax = 0x1234;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_RF;
	cpu.gpr[RAX] = 2;
	assert_int_equal(run_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	assert_int_equal(fake.failing_write, 0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE);
	assert_int_equal(cpu.gpr[RAX], 0x1234);
}

/* SDM: Checks on Guest Non-Register State: no external interrupt while STI or MOV SS block. */
static void an_injection_ends_blocking(void **state)
{
	(void)state;
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI;
	expect_minimal_loop(HP_REPORT_ENTRY_FAILED);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], 0x800000ec);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], 0);
}

/* No handler for it, as the guest's IDT is empty: it can't leave with it, so the entry delivers it.
 */
static void who_cannot_be_given_his_event_by_hand_is_entered(void **state)
{
	(void)state;
	fixture_guest_end(NULL);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0x800000ec;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], 0x800000ec);
}

/* Another failure than that of an entry says nothing against the guest's state. */
static void what_was_not_refused_stays(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = BIT64(14);
	fake.vmcs[VMCS_GUEST_ACTIVITY] = ACTIVITY_HLT;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], BIT64(14));
	assert_int_equal(fake.vmcs[VMCS_GUEST_ACTIVITY], ACTIVITY_HLT);
}

/* SDM: Basic VM-Exit Information: NMI exits, which are always on, may come in an enclave. */
static void an_exit_in_an_enclave_is_no_failure(void **state)
{
	(void)state;
	assert_int_equal(run_exit(EXIT_REASON_EXCEPTION_NMI | EXIT_REASON_ENCLAVE), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_NMI, VECTOR_NMI, false));
	assert_int_equal(ring.exits[EXIT_REASON_EXCEPTION_NMI], 1);
	assert_int_equal(trail.trail.report.kind, HP_REPORT_NONE);
	/* A basic reason that we don't know is one. */
	assert_int_equal(run_exit(HP_EXIT_REASONS | EXIT_REASON_ENCLAVE), FAULTED);
}

/* The OS side's NMI for a processor that has come out of root meanwhile. */
static void a_call_back_that_comes_too_late_is_swallowed_once(void **state)
{
	(void)state;
	*cpu.stuck = ~0ull;
	cpu.stuck_bit = 5;
	assert_int_equal(run_exit(EXIT_REASON_EXCEPTION_NMI), ENTERED_AGAIN);
	assert_int_equal(*cpu.stuck, ~BIT64(5));
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	assert_int_equal(cpu.nmis, 0);
	assert_int_equal(unblocked, 1);
	assert_int_equal(run_exit(EXIT_REASON_EXCEPTION_NMI), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_NMI, VECTOR_NMI, false));
}

/* It was for the run before: the first NMI of this one is the guest's. */
static void a_call_back_ends_with_the_next_entry(void **state)
{
	static uint8_t block[GATE_BLOCK_BYTES] __attribute__((aligned(GATE_BLOCK_BYTES)));

	(void)state;
	gate.index = 67;
	gate.machine = (uintptr_t)&machine;
	machine.root_base = (uintptr_t)block - GATE_BLOCKS_OFFSET - 67ull * GATE_BLOCK_BYTES;
	command->stuck[0] = command->stuck[1] = ~0ull;
	assert_ptr_equal(root_prepare(&gate), block);
	assert_int_equal(command->stuck[1], ~BIT64(3));
	assert_int_equal(command->stuck[0], ~0ull);
}

#define T(test)	     cmocka_unit_test_setup(test, fixture_setup_closed)
#define T_OPEN(test) cmocka_unit_test_setup(test, fixture_setup_open)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_interrupted_event_is_delivered_again),
		T(an_interrupted_nmi_is_owed_again),
		T(an_nmi_exit_that_is_undone_leaves_the_handler_alone),
		T(an_nmi_waits_for_the_end_of_its_blocking),
		T(a_debug_trap_of_an_undone_exit_comes_back),
		T(another_exception_of_an_undone_exit_comes_by_itself),
		T(a_trap_behind_a_completed_instruction_comes),
		T(a_trap_that_mov_ss_holds_back_stays_pending),
		T(an_event_that_was_to_be_injected_is_not_lost),
		T(a_failed_entry_has_the_event_of_the_last_exit),
		T(a_failed_entry_owes_its_nmi),
		T(a_page_fault_that_is_injected_keeps_its_address),
		T(what_was_dealt_with_is_not_undone),
		T(an_injection_ends_blocking),
		T_OPEN(who_cannot_be_given_his_event_by_hand_is_entered),
		T(what_was_not_refused_stays),
		T(an_exit_in_an_enclave_is_no_failure),
		T(a_call_back_that_comes_too_late_is_swallowed_once),
		T(a_call_back_ends_with_the_next_entry),
	};

	return cmocka_run_group_tests_name("what the guest gets back", tests, NULL, NULL);
}
