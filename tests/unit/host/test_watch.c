// SPDX-License-Identifier: MIT
/*
 * host/watch.c: who is called back, when, and who is not; and what follows from a report: everybody
 * leaves (lifecycle_step_aside), and what a processor planted on its way is taken out again.
 */
#include "fake.h"

#include "host/drain.h"
#include "host/lifecycle.h"
#include "host/machine.h"
#include "host/report.h"
#include "host/watch.h"

#define PATIENCE 2000u

static void start(uint32_t processors)
{
	struct hp_failure failure;

	fake_open(processors, 256);
	assert_int_equal(fake_start(0, &failure), HP_ERROR_OK);
}

static void stop(void)
{
	struct hp_failure failure;

	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	report_end();
	fake_close();
}

static struct processor *processor_of(uint32_t index)
{
	return &lifecycle_machine()->processor[index];
}

/* Its root begins with exit number `exits`, and has entered again `entered` times. */
static void at_work(uint32_t index, uint64_t exits, uint64_t entered)
{
	processor_of(index)->ring->exits_total = exits;
	processor_of(index)->ring->entered = entered;
}

static uint64_t stuck(void)
{
	return lifecycle_machine()->command->stuck[0];
}

/* Looks every `step` ms for `ms` ms, and returns how many NMIs there were. */
static unsigned look_for(uint32_t ms, uint32_t step)
{
	unsigned count = 0;

	for (; ms >= step; ms -= step) {
		fake.elapsed += step;
		fake.nmis = 0;
		watch_tick();
		count += fake.nmis != 0;
	}
	return count;
}

static void test_one_that_hangs(void **state)
{
	(void)state;
	start(3);
	assert_true(fake.watched);
	at_work(1, 7, 6);
	watch_tick();
	assert_int_equal(look_for(PATIENCE - 100, 100), 0);
	assert_int_equal(stuck(), 0);
	assert_int_equal(look_for(100, 100), 1);
	assert_int_equal(fake.nmis, 1u << 1);
	assert_int_equal(stuck(), 1u << 1);
	assert_non_null(strstr(fake.printed, "processor 1 does not come out of root"));
	/* Once for each time that its patience is at an end. */
	assert_int_equal(look_for(PATIENCE - 100, 100), 0);
	assert_int_equal(look_for(100, 100), 1);
	assert_int_equal(look_for(3 * PATIENCE, 100), 3);
	at_work(1, 7, 7);
	assert_int_equal(look_for(3 * PATIENCE, 100), 0);
	stop();
}

static void test_those_that_go_on(void **state)
{
	unsigned i;

	(void)state;
	start(3);
	/* Processor 0 is in its guest for long, 1 is in root whenever we look, 2 has never left. */
	at_work(0, 7, 7);
	for (i = 0; i < 50; i++) {
		at_work(1, 7 + i, 6 + i);
		assert_int_equal(look_for(PATIENCE / 2, PATIENCE / 2), 0);
	}
	/* From there on it hangs: its patience begins with the last exit. */
	assert_int_equal(look_for(PATIENCE - 1, PATIENCE - 1), 0);
	assert_int_equal(look_for(1, 1), 1);
	assert_int_equal(fake.nmis, 1u << 1);
	stop();
}

static void test_the_clock_on_the_wall_is_set(void **state)
{
	(void)state;
	start(2);
	at_work(1, 7, 6);
	watch_tick();
	fake.set = 3600000;
	assert_int_equal(look_for(PATIENCE - 1, PATIENCE - 1), 0);
	fake.set = 0;
	assert_int_equal(look_for(1, 1), 1);
	stop();
}

/* Who looks may have read the clock before the one who has looked meanwhile. */
static void test_a_look_that_comes_late(void **state)
{
	(void)state;
	start(2);
	fake.elapsed = 5 * PATIENCE;
	at_work(1, 7, 6);
	watch_tick();
	fake.elapsed--;
	fake.nmis = 0;
	watch_tick();
	assert_int_equal(fake.nmis, 0);
	assert_int_equal(look_for(PATIENCE, PATIENCE), 0);
	assert_int_equal(look_for(1, 1), 1);
	stop();
}

/* Out and in again, at the same exit by chance: it has not been there all the time. */
static void test_out_and_back(void **state)
{
	(void)state;
	start(2);
	at_work(1, 7, 6);
	watch_tick();
	assert_true(fake_offline(1));
	assert_int_equal(look_for(2 * PATIENCE, PATIENCE), 0);
	fake_online(1);
	at_work(1, 7, 6);
	assert_int_equal(look_for(100, 100), 0);
	assert_int_equal(look_for(PATIENCE, PATIENCE), 1);
	stop();
}

/* It may hold the lock of the log: first the call, then the words. */
static void test_the_call_comes_first(void **state)
{
	unsigned lines;

	(void)state;
	start(1);
	at_work(0, 7, 6);
	watch_tick();
	lines = fake.lines;
	assert_int_equal(look_for(PATIENCE, PATIENCE), 1);
	assert_int_equal(fake.lines_at_nmi, lines);
	assert_int_equal(fake.lines, lines + 1);
	stop();
}

static bool others_look;

/* The processor that looks hangs itself, here; the others go on with their ticks. */
static void look_on(void)
{
	fake.in_nmi = NULL;
	fake.nmis = 0;
	watch_tick();
	/* One look at a time, while nobody hangs. */
	assert_int_equal(fake.nmis, 0);
	assert_int_equal(look_for(PATIENCE, PATIENCE), 1);
	others_look = true;
}

static void test_who_looks_may_hang_himself(void **state)
{
	(void)state;
	start(2);
	at_work(1, 7, 6);
	watch_tick();
	others_look = false;
	fake.in_nmi = look_on;
	look_for(PATIENCE, PATIENCE);
	assert_true(others_look);
	/* And when it comes back, all is as before. */
	assert_int_equal(look_for(3 * PATIENCE, 100), 3);
	stop();
}

static void test_nobody_is_watched_without_a_run(void **state)
{
	(void)state;
	start(1);
	at_work(0, 7, 6);
	watch_tick();
	fake.elapsed += PATIENCE - 1;
	stop();
	assert_false(fake.watched);
	assert_int_equal(look_for(3 * PATIENCE, 100), 0);
	/* Nor is the next run measured by the last one. */
	start(1);
	at_work(0, 7, 6);
	fake.elapsed = 10 * PATIENCE;
	assert_int_equal(look_for(PATIENCE, PATIENCE), 0);
	stop();
}

/* --- Stepping aside --- */

static unsigned guests(void)
{
	unsigned i, count = 0;

	for (i = 0; i < FAKE_PROCESSORS; i++)
		count += fake.processor[i].gate != NULL;
	return count;
}

/* Root fails, writes it down, and leaves by itself. */
static void retreats(uint32_t index)
{
	struct hp_report *report = &processor_of(index)->trail->report;

	fake.processor[index].gate->in_guest = 0;
	fake.processor[index].gate = NULL;
	report->vector = 14;
	report->kind = HP_REPORT_FAULT;
}

static void expect_kept(uint32_t index, uint32_t kind)
{
	struct hp_report report;

	memset(&report, 0, sizeof(report));
	assert_int_equal(report_copy(NULL, index, &report), HP_ERROR_OK);
	assert_int_equal(report.kind, kind);
}

static void test_all_step_aside(void **state)
{
	(void)state;
	start(3);
	assert_true(drain_run());
	assert_int_equal(guests(), 3);
	retreats(1);
	drain_run();
	assert_int_equal(guests(), 0);
	assert_null(lifecycle_machine());
	assert_int_equal(fake.kept, 0);
	assert_false(fake.watched);
	assert_int_equal(fake.processor[0].left, 1);
	assert_int_equal(fake.processor[1].left, 0);
	assert_int_equal(fake.processor[2].left, 1);
	assert_non_null(strstr(fake.printed, "stepped aside; hpctl report says why"));
	expect_kept(1, HP_REPORT_FAULT);
	expect_kept(0, HP_REPORT_NONE);
	/* Nothing but the reports is kept, and there is nothing more to do. */
	assert_int_equal(fake.pages * HOST_PAGE, report_memory());
	assert_false(drain_run());
	report_end();
	fake_close();
}

static void stop_and_start(void)
{
	struct hp_failure failure;

	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	assert_int_equal(fake_start(0, &failure), HP_ERROR_OK);
}

/* The user is faster than the worker, which has seen a report: the new run has none. */
static void test_a_new_run_does_not_end_for_an_old_report(void **state)
{
	(void)state;
	start(3);
	retreats(1);
	fake.in_unlock = stop_and_start;
	assert_true(drain_run());
	assert_null(fake.in_unlock);
	assert_int_equal(guests(), 3);
	assert_non_null(lifecycle_machine());
	/* Its own is one. */
	retreats(2);
	drain_run();
	assert_int_equal(guests(), 0);
	report_end();
	fake_close();
}

static void test_one_that_does_not_leave_is_tried_again(void **state)
{
	unsigned i, lines;

	(void)state;
	start(3);
	fake.processor[2].stays = true;
	retreats(0);
	assert_true(drain_run());
	assert_int_equal(guests(), 1);
	assert_non_null(lifecycle_machine());
	/* That is said once, not with every tick. */
	lines = fake.lines;
	for (i = 0; i < 5; i++)
		assert_true(drain_run());
	assert_int_equal(fake.lines, lines);
	assert_int_equal(guests(), 1);
	fake.processor[2].stays = false;
	drain_run();
	assert_int_equal(guests(), 0);
	assert_null(lifecycle_machine());
	expect_kept(0, HP_REPORT_FAULT);
	report_end();
	fake_close();
}

/* Between its report and the end of the run: its page of the gate may be as it planted it. */
static void test_nobody_joins_a_run_that_has_failed(void **state)
{
	(void)state;
	start(3);
	retreats(1);
	assert_true(fake_offline(1));
	fake_online(1);
	assert_int_equal(fake.processor[1].entered, 1);
	assert_true(lifecycle_suspend());
	lifecycle_resume();
	assert_int_equal(guests(), 0);
	drain_run();
	assert_null(lifecycle_machine());
	report_end();
	fake_close();
}

/*
 * Who has left by itself says so before it is through the gate: its page goes only when it has
 * taken an interrupt.
 */
static void test_nobody_is_left_in_the_gate(void **state)
{
	(void)state;
	start(3);
	retreats(1);
	fake.interrupted = 0;
	drain_run();
	assert_null(lifecycle_machine());
	assert_true(fake.interrupted >> 1 & 1);
	report_end();
	fake_close();
}

/* What it planted is exchanged for nothing, when it is out of there; then nobody has it cached. */
static void test_what_was_planted_is_taken_out(void **state)
{
	struct hp_failure failure;

	(void)state;
	start(3);
	fake.processor[2].gate->planted = phys(0x123456ff0);
	fake.processor[2].gate->planted_value = 0x7654003;
	retreats(2);
	fake.numb = true;
	fake.interrupts = fake.interrupted = 0;
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	assert_int_equal(fake.exchanges, 1);
	assert_int_equal(fake.exchanged, 0x123456ff0);
	assert_int_equal(fake.exchanged_old, 0x7654003);
	assert_int_equal(fake.exchanged_new, 0);
	assert_true(fake.interrupted >> 2 & 1);
	assert_in_range(fake.interrupts_before, 1, fake.interrupts - 1);
	report_end();
	fake_close();
	/* Where nothing was planted, nothing is exchanged. */
	start(2);
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	assert_int_equal(fake.exchanges, 0);
	report_end();
	fake_close();
}

/* While it can't be, nothing that it leads to goes: neither memory nor the image. */
static void test_what_was_planted_is_tried_again(void **state)
{
	struct hp_failure failure;

	(void)state;
	start(3);
	fake.processor[1].gate->planted = phys(0x123456ff0);
	fake.processor[1].gate->planted_value = 0x7654003;
	retreats(1);
	fake.numb = true;
	fake.unreachable = true;
	assert_true(drain_run());
	assert_int_equal(guests(), 0);
	assert_non_null(lifecycle_machine());
	assert_int_equal(fake.kept, 1);
	assert_int_equal(fake.exchanges, 1);
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_NO_MEMORY);
	assert_int_equal(failure.processor, 1);
	assert_int_equal(fake.exchanges, 2);
	fake.unreachable = false;
	drain_run();
	assert_null(lifecycle_machine());
	assert_int_equal(fake.exchanges, 3);
	assert_int_equal(fake.exchanged, 0x123456ff0);
	report_end();
	fake_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_hangs),
		cmocka_unit_test(test_those_that_go_on),
		cmocka_unit_test(test_the_clock_on_the_wall_is_set),
		cmocka_unit_test(test_a_look_that_comes_late),
		cmocka_unit_test(test_out_and_back),
		cmocka_unit_test(test_the_call_comes_first),
		cmocka_unit_test(test_who_looks_may_hang_himself),
		cmocka_unit_test(test_nobody_is_watched_without_a_run),
		cmocka_unit_test(test_all_step_aside),
		cmocka_unit_test(test_a_new_run_does_not_end_for_an_old_report),
		cmocka_unit_test(test_one_that_does_not_leave_is_tried_again),
		cmocka_unit_test(test_nobody_joins_a_run_that_has_failed),
		cmocka_unit_test(test_nobody_is_left_in_the_gate),
		cmocka_unit_test(test_what_was_planted_is_taken_out),
		cmocka_unit_test(test_what_was_planted_is_tried_again),
	};

	return cmocka_run_group_tests_name("watch, step aside", tests, fake_open_log,
					   fake_close_log);
}
