// SPDX-License-Identifier: MIT
/*
 * host/subscribe.c: what exits is the same on every processor, before the request returns; and what
 * one of them can't have changes nothing on any.
 */
#include "fake.h"

#include "base/vmcs.h"
#include "host/lifecycle.h"
#include "host/log.h"
#include "host/machine.h"
#include "host/subscribe.h"

#define PROCESSORS 3

/* What the groups come to. */
static struct interception expected(uint32_t groups)
{
	static struct interception_set set;
	struct interception state;

	set.count = 0;
	assert_true(interception_add_groups(&set, groups));
	interception_union(&set, &state, NULL, NULL);
	return state;
}

static void assert_has(uint32_t processor, uint32_t groups)
{
	const struct interception state = expected(groups);

	assert_memory_equal(&fake.processor[processor].has, &state, sizeof(state));
}

static void assert_all_have(uint32_t groups)
{
	uint32_t i;

	for (i = 0; i < PROCESSORS; i++)
		assert_has(i, groups);
	assert_int_equal(lifecycle_machine()->exits, groups);
}

static void start(uint32_t groups)
{
	const struct interception state = expected(groups);
	struct hp_failure failure;

	fake_open(PROCESSORS, 256);
	assert_int_equal(fake_start(groups, &failure), HP_ERROR_OK);
	assert_memory_equal(&lifecycle_machine()->command->interception, &state, sizeof(state));
	assert_int_equal(lifecycle_machine()->exits, groups);
}

static void stop(void)
{
	struct hp_failure failure;

	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	fake_close();
}

static struct hp_exits change(enum hp_error error, uint32_t clear, uint32_t set)
{
	struct hp_exits exits = { .clear = clear, .set = set };

	assert_int_equal(subscribe_groups(lifecycle_machine(), &exits), error);
	return exits;
}

static void the_command_page_has_what_a_start_asks_for(void **state)
{
	(void)state;
	start(0);
	stop();
	start(HP_EXITS_MSR | HP_EXITS_TLB);
	stop();
	start(HP_EXITS_ALL);
	stop();
}

static void groups_come_and_go_on_every_processor(void **state)
{
	struct hp_exits exits;

	(void)state;
	start(HP_EXITS_CR);
	exits = change(HP_ERROR_OK, 0, HP_EXITS_MSR | HP_EXITS_DR);
	assert_int_equal(exits.on, HP_EXITS_CR | HP_EXITS_MSR | HP_EXITS_DR);
	assert_int_equal(exits.able, HP_EXITS_ALL);
	assert_all_have(HP_EXITS_CR | HP_EXITS_MSR | HP_EXITS_DR);
	exits = change(HP_ERROR_OK, HP_EXITS_MSR, 0);
	assert_all_have(HP_EXITS_CR | HP_EXITS_DR);
	/* What is in both is on. */
	exits = change(HP_ERROR_OK, HP_EXITS_ALL, HP_EXITS_IO);
	assert_int_equal(exits.on, HP_EXITS_IO);
	assert_all_have(HP_EXITS_IO);
	exits = change(HP_ERROR_OK, HP_EXITS_ALL, 0);
	assert_all_have(0);
	stop();
}

static void what_is_on_already_is_not_on_twice(void **state)
{
	(void)state;
	start(HP_EXITS_MSR);
	change(HP_ERROR_OK, 0, HP_EXITS_MSR);
	change(HP_ERROR_OK, HP_EXITS_MSR, 0);
	assert_all_have(0);
	stop();
}

static void a_question_changes_nothing(void **state)
{
	struct hp_exits exits;

	(void)state;
	start(HP_EXITS_CR);
	memset(&fake.processor[1].has, 0xaa, sizeof(fake.processor[1].has));
	exits = change(HP_ERROR_OK, 0, 0);
	assert_int_equal(exits.on, HP_EXITS_CR);
	assert_int_equal(((uint8_t *)&fake.processor[1].has)[0], 0xaa);
	stop();
}

static void a_start_names_what_a_processor_lacks(void **state)
{
	struct hp_failure failure;

	(void)state;
	fake_open(PROCESSORS, 256);
	fake.proc2 &= ~((uint64_t)PROC2_DESCRIPTOR_TABLE << 32);
	assert_int_equal(fake_start(HP_EXITS_ALL, &failure), HP_ERROR_CAPABILITY);
	assert_int_equal(failure.detail[0], HP_CONTROL_DESCRIPTOR_TABLE);
	assert_int_equal(failure.processor, 0);
	assert_null(lifecycle_machine());
	assert_non_null(strstr(fake.printed, "escriptor-table exiting"));
	/* Without that group it starts. */
	assert_int_equal(fake_start(HP_EXITS_ALL & ~HP_EXITS_DESCRIPTOR, &failure),
			 HP_ERROR_OK);
	assert_int_equal(change(HP_ERROR_OK, 0, 0).able, HP_EXITS_ALL & ~HP_EXITS_DESCRIPTOR);
	stop();
}

static void one_that_lacks_a_control_keeps_all_as_they_were(void **state)
{
	struct hp_exits exits;

	(void)state;
	start(0);
	change(HP_ERROR_OK, 0, HP_EXITS_MSR);
	lifecycle_machine()->processor[1].proc_allowed &= ~PROC_MOV_DR;
	exits = change(HP_ERROR_CAPABILITY, HP_EXITS_MSR, HP_EXITS_CR | HP_EXITS_DR);
	assert_int_equal(exits.processor, 1);
	assert_int_equal(exits.missing, HP_CONTROL_MOV_DR);
	assert_int_equal(exits.on, HP_EXITS_MSR);
	assert_int_equal(exits.able, HP_EXITS_ALL & ~HP_EXITS_DR);
	assert_all_have(HP_EXITS_MSR);
	stop();
}

/* The first has the new state by then, and gets the old one again. */
static void one_that_refuses_keeps_all_as_they_were(void **state)
{
	struct hp_exits exits;

	(void)state;
	start(0);
	change(HP_ERROR_OK, 0, HP_EXITS_MSR);
	fake.processor[1].refuses_exits = HP_ERROR_CAPABILITY;
	exits = change(HP_ERROR_CAPABILITY, 0, HP_EXITS_IO);
	fake.processor[1].refuses_exits = HP_ERROR_OK;
	assert_int_equal(exits.processor, 1);
	assert_int_equal(exits.on, HP_EXITS_MSR);
	assert_all_have(HP_EXITS_MSR);
	/* It can be asked again. */
	change(HP_ERROR_OK, 0, HP_EXITS_IO);
	assert_all_have(HP_EXITS_MSR | HP_EXITS_IO);
	stop();
}

/* Others may have filled the set. */
static void a_full_set_keeps_all_as_they_were(void **state)
{
	const struct intercept one = { INTERCEPT_HLT, INTERCEPT_BOTH, 0, 0 };
	struct machine *machine;
	struct hp_exits exits;

	(void)state;
	start(0);
	machine = lifecycle_machine();
	change(HP_ERROR_OK, 0, HP_EXITS_MSR);
	while (interception_add(&machine->subscriptions, &one))
		;
	exits = change(HP_ERROR_INTERNAL, HP_EXITS_MSR, HP_EXITS_ALL & ~HP_EXITS_MSR);
	assert_int_equal(exits.on, HP_EXITS_MSR);
	assert_int_equal(exits.able, HP_EXITS_ALL);
	assert_all_have(HP_EXITS_MSR);
	assert_false(interception_add(&machine->subscriptions, &one));
	stop();
}

static void a_processor_that_comes_later_must_be_able(void **state)
{
	struct machine *machine;

	(void)state;
	start(HP_EXITS_DESCRIPTOR);
	machine = lifecycle_machine();
	assert_true(subscribe_possible(machine, &machine->processor[2]));
	machine->processor[2].proc2_allowed &= ~PROC2_DESCRIPTOR_TABLE;
	assert_false(subscribe_possible(machine, &machine->processor[2]));
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_page_has_what_a_start_asks_for),
		cmocka_unit_test(groups_come_and_go_on_every_processor),
		cmocka_unit_test(what_is_on_already_is_not_on_twice),
		cmocka_unit_test(a_question_changes_nothing),
		cmocka_unit_test(a_start_names_what_a_processor_lacks),
		cmocka_unit_test(one_that_lacks_a_control_keeps_all_as_they_were),
		cmocka_unit_test(one_that_refuses_keeps_all_as_they_were),
		cmocka_unit_test(a_full_set_keeps_all_as_they_were),
		cmocka_unit_test(a_processor_that_comes_later_must_be_able),
	};

	return cmocka_run_group_tests_name("subscriptions", tests, fake_open_log, fake_close_log);
}
