// SPDX-License-Identifier: MIT
/* Processors, in groups and before there were any. */
#include "fake.h"

#include "host/host.h"
#include "host/windows/platform.h"

static uint32_t ran_on;
static KIRQL ran_at;

static void function(void *context)
{
	++*(unsigned *)context;
	ran_on = fake.current;
	ran_at = fake.irql;
}

static int setup_newer(void **state)
{
	fake_setup(state);
	fake.newer = true;
	nt_init();
	return 0;
}

static int setup_older(void **state)
{
	fake_setup(state);
	nt_init();
	return 0;
}

/* Calls and interrupts `processor`. */
static void expect_there(uint32_t processor)
{
	unsigned runs = 0;
	uint32_t here = fake.current;

	assert_true(host_interrupt(processor, function, &runs));
	assert_int_equal(ran_on, processor);
	assert_int_equal(ran_at, HIGH_LEVEL);
	if (fake.newer) { /* the other way to know where we are is not for programs */
		assert_true(host_call(processor, function, &runs));
		assert_int_equal(ran_on, processor);
		assert_int_equal(ran_at, HIGH_LEVEL);
	}
	assert_int_equal(runs, fake.newer ? 2 : 1);
	assert_int_equal(fake.current, here);
	assert_int_equal(fake.irql, 0);
	assert_true(fake.dpcs_high);
}

static void expect_away(uint32_t processor)
{
	unsigned runs = 0;

	assert_false(host_call(processor, function, &runs));
	assert_false(host_interrupt(processor, function, &runs));
	assert_int_equal(runs, 0);
}

static void one_group(void **state)
{
	(void)state;
	assert_int_equal(host_processors(), 2);
	assert_int_equal(host_processor(1), HP_PROCESSOR_NATIVE);
	assert_int_equal(host_processor(2), HP_PROCESSOR_ABSENT);
	expect_there(0);
	expect_there(1);
	expect_away(2);
}

static void groups(void **state)
{
	(void)state;
	fake.active = fake.maximum = 200;
	fake.in_group = 50;
	assert_int_equal(host_processors(), 200);
	expect_there(49);
	expect_there(50);
	expect_there(199);
	fake.current = 120;
	expect_there(7);
	assert_int_equal(processors_current(), 120);
}

/* Those that may be added are offline, but the table is not too small because of them. */
static void may_be_added(void **state)
{
	(void)state;
	fake.active = 4;
	fake.maximum = 8;
	assert_int_equal(host_processors(), 8);
	assert_int_equal(host_processor(3), HP_PROCESSOR_NATIVE);
	assert_int_equal(host_processor(4), HP_PROCESSOR_OFFLINE);
	expect_away(4);
	fake.active = 5;
	expect_there(4);
	fake.maximum = 2048;
	assert_int_equal(host_processors(), HP_PROCESSORS_MAX);
	fake.active = 300;
	assert_int_equal(host_processors(), 300);
}

static void one_mask(void **state)
{
	(void)state;
	assert_int_equal(host_processors(), 2);
	expect_there(0);
	expect_there(1);
	fake.mask = 1ull << 63 | 5;
	assert_int_equal(host_processors(), 64);
	assert_int_equal(host_processor(1), HP_PROCESSOR_ABSENT);
	assert_int_equal(host_processor(2), HP_PROCESSOR_NATIVE);
	expect_away(1);
	expect_there(63);
}

/* Every processor that is online watches, by itself. */
static void watches(void **state)
{
	uint32_t i;

	(void)state;
	fake.active = 5;
	fake.maximum = 8;
	fake.in_group = 3;
	fake.timeouts = 2;
	host_watch(true);
	assert_int_equal(fake.threads, 5);
	for (i = 0; i < 8; i++)
		assert_int_equal(fake.ticks[i], i < 5 ? 2 : 0);
	host_watch(false);
	assert_int_equal(fake.threads, 0);
	host_watch(true);
	host_watch(false);
	assert_int_equal(fake.threads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_group, setup_newer),
		cmocka_unit_test_setup(groups, setup_newer),
		cmocka_unit_test_setup(may_be_added, setup_newer),
		cmocka_unit_test_setup(one_mask, setup_older),
		cmocka_unit_test_setup(watches, setup_newer),
	};

	return cmocka_run_group_tests_name("host/windows/processors", tests, NULL, NULL);
}
