// SPDX-License-Identifier: MIT
/*
 * root/fault.c: which fault goes on behind the instruction, and what of the guest's comes back
 * then. What else it does is assembly (fault.S), and the end of the processor's life as a guest.
 */
#include "fixture.h"

/* The fixture has that, for all others. */
#define fault_fill_idt fault_fill_idt_here
#include "../../../root/fault.c"

const int32_t fault_stubs[VECTORS_RESERVED];

/* One entry; its places are never executed. */
extern const uint8_t may_fault[], goes_on[];
asm(".pushsection .rodata\n"
    ".balign 4\n"
    "exception_table:\n"
    "	.long	may_fault - ., goes_on - .\n"
    "exception_table_end:\n"
    "may_fault:	.byte 0\n"
    "goes_on:	.byte 0\n"
    ".popsection");

#define GUESTS 0x7ffe5000ull

static struct fault_frame frame;

static void fault(uint64_t vector)
{
	frame = (struct fault_frame){ .vector = vector, .rip = (uintptr_t)may_fault };
	cpu.cr2 = GUESTS;
	fake.cr2 = vector == VECTOR_PF ? FAKE_FAULT : GUESTS;
	fault_handle(&frame, &cpu);
	assert_ptr_equal(frame.rip, goes_on);
	assert_int_equal(fake.cr2, GUESTS);
}

static void an_expected_fault_leaves_cr2_alone(void **state)
{
	(void)state;
	fault(VECTOR_PF);
	fault(VECTOR_GP);
}

static void fail_elsewhere(void)
{
	frame = (struct fault_frame){ .vector = VECTOR_PF, .rip = (uintptr_t)may_fault - 1 };
	fault_handle(&frame, &cpu);
}

static void fail_otherwise(void)
{
	frame = (struct fault_frame){ .vector = VECTOR_UD, .rip = (uintptr_t)may_fault };
	fault_handle(&frame, &cpu);
}

static void any_other_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(fixture_run(fail_elsewhere), RETREATED);
	assert_int_equal(trail.trail.report.vector, VECTOR_PF);
	fixture_setup(state);
	assert_int_equal(fixture_run(fail_otherwise), RETREATED);
	assert_int_equal(trail.trail.report.vector, VECTOR_UD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_expected_fault_leaves_cr2_alone, fixture_setup),
		cmocka_unit_test_setup(any_other_is_the_end, fixture_setup),
	};

	return cmocka_run_group_tests_name("faults in root", tests, NULL, NULL);
}
