// SPDX-License-Identifier: MIT
/*
 * Exceptions that exit and go on to the guest: what their delivery changes, and which two of them
 * make a double fault.
 */
#include "fixture.h"

/* An exception exit, as the processor shows it. */
static void caught(uint32_t info, uint32_t error_code, uint64_t qualification)
{
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = info;
	fake.vmcs[VMCS_EXIT_ERROR_CODE] = error_code;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = qualification;
	assert_int_equal(run_exit(EXIT_REASON_EXCEPTION_NMI), ENTERED_AGAIN);
}

static void an_exception_goes_on_with_its_error_code(void **state)
{
	(void)state;
	caught(event_info(EVENT_EXCEPTION, VECTOR_GP, true), 0x123, 0);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_GP, true));
	assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], 0x123);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	/* SDM: the frame of a fault has RF set. */
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE | RFLAGS_RF);
}

static void undefined_bits_of_the_information_are_not_passed_on(void **state)
{
	(void)state;
	caught(event_info(EVENT_EXCEPTION, VECTOR_UD, false) | EVENT_NMI_UNBLOCKED, 0, 0);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_UD, false));
}

static void a_page_fault_sets_cr2(void **state)
{
	(void)state;
	caught(event_info(EVENT_EXCEPTION, VECTOR_PF, true), PF_WRITE, 0xffff888000001234);
	assert_int_equal(fake.cr2, 0xffff888000001234);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], PF_WRITE);
}

/* SDM: Debug Status Register: B0-B3 of the last, BD and BS stay, RTM is active low. */
static void a_debug_exception_sets_dr6(void **state)
{
	(void)state;
	fake.dr[6] = 0xffff0ff0 | DR6_BD | 1;
	fake.vmcs[VMCS_GUEST_DR7] = DR7_FIXED | DR7_GD;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_LBR | DEBUGCTL_BTF;
	caught(event_info(EVENT_EXCEPTION, VECTOR_DB, false), 0, DR6_BS | 4);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE);
	assert_int_equal(fake.dr[6], 0xffff0ff0 | DR6_BD | DR6_BS | 4);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DR7], DR7_FIXED);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], DEBUGCTL_BTF);
	caught(event_info(EVENT_EXCEPTION, VECTOR_DB, false), 0, DR6_RTM);
	assert_int_equal(fake.dr[6], (0xffff0ff0 & ~DR6_RTM) | DR6_BD | DR6_BS);
}

static void int1_leaves_dr6_alone_and_keeps_its_length(void **state)
{
	(void)state;
	fake.dr[6] = 0xffff0ff0;
	fake.vmcs[VMCS_EXIT_LENGTH] = 1;
	caught(event_info(EVENT_PRIVILEGED_EXCEPTION, VECTOR_DB, false), 0, DR6_BS);
	assert_int_equal(fake.dr[6], 0xffff0ff0);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_LENGTH], 1);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_PRIVILEGED_EXCEPTION, VECTOR_DB, false));
}

static void int3_keeps_its_length(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_LENGTH] = 2;
	caught(event_info(EVENT_SOFTWARE_EXCEPTION, VECTOR_BP, false), 0, 0);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_LENGTH], 2);
}

/* SDM: Checks on Guest Non-Register State: TF and MOV SS blocking would want BS pending. */
static void an_injected_exception_ends_blocking(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_MOV_SS | BLOCKING_NMI;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	caught(event_info(EVENT_EXCEPTION, VECTOR_UD, false), 0, 0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
}

/* SDM: Conditions for Generating a Double Fault. */
static void two_exceptions_make_a_double_fault_or_not(void **state)
{
	static const struct {
		enum event_type type;
		uint8_t first, second, delivered;
	} cases[] = {
		{ EVENT_EXCEPTION, VECTOR_GP, VECTOR_NP, VECTOR_DF },
		{ EVENT_EXCEPTION, VECTOR_DE, VECTOR_GP, VECTOR_DF },
		{ EVENT_EXCEPTION, VECTOR_PF, VECTOR_GP, VECTOR_DF },
		{ EVENT_EXCEPTION, VECTOR_PF, VECTOR_PF, VECTOR_DF },
		{ EVENT_EXCEPTION, VECTOR_GP, VECTOR_PF, VECTOR_PF },
		{ EVENT_EXCEPTION, VECTOR_UD, VECTOR_PF, VECTOR_PF },
		{ EVENT_EXCEPTION, VECTOR_UD, VECTOR_GP, VECTOR_GP },
		{ EVENT_EXCEPTION, VECTOR_PF, VECTOR_UD, VECTOR_UD },
		{ EVENT_EXCEPTION, VECTOR_DF, VECTOR_UD, VECTOR_UD },
		{ EVENT_EXTERNAL, 0xec, VECTOR_PF, VECTOR_PF },
		/* INT 13 is no #GP. */
		{ EVENT_SOFTWARE_INTERRUPT, VECTOR_GP, VECTOR_GP, VECTOR_GP },
		{ EVENT_SOFTWARE_EXCEPTION, VECTOR_BP, VECTOR_NP, VECTOR_NP },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.vmcs[VMCS_IDT_VECTORING] = event_info(cases[i].type, cases[i].first, false);
		caught(event_info(EVENT_EXCEPTION, cases[i].second, cases[i].second != VECTOR_UD),
		       0x55, 0);
		assert_int_equal(EVENT_VECTOR(fake.vmcs[VMCS_ENTRY_INTERRUPTION]),
				 cases[i].delivered);
		if (cases[i].delivered == VECTOR_DF) {
			assert_true(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_ERROR_CODE);
			assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], 0);
		} else if (cases[i].delivered != VECTOR_UD) {
			assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], 0x55);
		}
	}
}

static void a_skipped_iteration_stays_at_the_instruction(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF | RFLAGS_RF;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI;
	skip_iteration(&cpu);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], 0);
	assert_true(fake.vmcs[VMCS_GUEST_RFLAGS] & RFLAGS_RF);
}

#define T(test) cmocka_unit_test_setup(test, fixture_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_exception_goes_on_with_its_error_code),
		T(undefined_bits_of_the_information_are_not_passed_on),
		T(a_page_fault_sets_cr2),
		T(a_debug_exception_sets_dr6),
		T(int1_leaves_dr6_alone_and_keeps_its_length),
		T(int3_keeps_its_length),
		T(an_injected_exception_ends_blocking),
		T(two_exceptions_make_a_double_fault_or_not),
		T(a_skipped_iteration_stays_at_the_instruction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
