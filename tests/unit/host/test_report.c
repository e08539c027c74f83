// SPDX-License-Identifier: MIT
/*
 * host/report.c, by way of the requests: reports and histories of a run, of one that has ended, and
 * of trails that hold anything at all.
 */
#include "fake.h"

#include "host/lifecycle.h"
#include "host/machine.h"
#include "host/report.h"
#include "host/requests.h"

static struct hp_report report;
static struct hp_history history;

static void start_with(uint32_t depth)
{
	const struct hp_start how = { .history = depth };
	struct hp_failure failure;

	assert_int_equal(lifecycle_start(&how, &failure), HP_ERROR_OK);
}

static void start(void)
{
	start_with(HP_HISTORY_LEAST);
}

static void stop(void)
{
	struct hp_failure failure;

	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
}

static void end(void)
{
	report_end();
	fake_close();
}

static uint32_t ask(uint32_t processor)
{
	memset(&report, 0xa5, sizeof(report));
	return requests_handle(HP_REQUEST_REPORT, &processor, sizeof(processor), &report,
			       sizeof(report));
}

static uint32_t ask_history(uint32_t processor, uint32_t from)
{
	const uint32_t in[2] = { processor, from };

	memset(&history, 0xa5, sizeof(history));
	return requests_handle(HP_REQUEST_HISTORY, in, sizeof(in), &history, sizeof(history));
}

static struct processor *processor_of(uint32_t index)
{
	return &lifecycle_machine()->processor[index];
}

static bool look(void)
{
	bool there;

	host_lock();
	there = report_look(lifecycle_machine());
	host_unlock();
	return there;
}

/* Root writes a report; the kind comes last. */
static void write_report(uint32_t index, uint32_t kind, uint32_t vector)
{
	struct hp_report *to = &processor_of(index)->trail->report;

	to->vector = vector;
	to->reason = 10;
	to->root_rip = 0x1234;
	to->processor = 99; /* not believed */
	to->build_id_bytes = ~0u;
	to->kind = kind;
}

/* Root counts an exit and writes it down. */
static void exits(uint32_t index, unsigned count)
{
	struct processor *processor = processor_of(index);

	while (count--) {
		uint64_t number = processor->ring->exits_total++;
		struct hp_exit *to = &processor->trail->exit[number % lifecycle_machine()->history];

		*to = (struct hp_exit){ .rip = 0x1000 + number, .reason = 10 };
	}
}

/* The history from `from` on is the numbers down from `newest`, `count` of them. */
static void expect_history(uint32_t index, uint32_t from, uint64_t newest, uint32_t count)
{
	uint32_t i;

	assert_int_equal(ask_history(index, from), HP_ERROR_OK);
	assert_int_equal(history.processor, index);
	assert_int_equal(history.from, from);
	assert_int_equal(history.count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(history.exit[i].rip, 0x1000 + newest - i);
	for (; i < HP_HISTORY_PART; i++)
		assert_int_equal(history.exit[i].rip, 0);
}

static void test_nothing(void **state)
{
	(void)state;
	fake_open(2, 256);
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_NONE);
	assert_int_equal(report.build_id_bytes, 20);
	assert_int_equal(ask_history(1, 0), HP_ERROR_OK);
	assert_int_equal(history.count, 0);
	assert_int_equal(ask(2), HP_ERROR_OFFLINE);
	assert_int_equal(ask_history(~0u, ~0u), HP_ERROR_OFFLINE);

	start();
	assert_false(look());
	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_NONE);
	assert_int_equal(report.processor, 1);
	assert_int_equal(ask(2), HP_ERROR_OFFLINE);
	stop();
	assert_int_equal(fake.pages, 0); /* nothing is kept of a run in which nothing was wrong */
	fake_close();
}

static void test_look(void **state)
{
	unsigned lines;

	(void)state;
	fake_open(2, 256);
	start();
	write_report(1, HP_REPORT_FAULT, 14);
	lines = fake.lines;
	assert_true(look());
	assert_int_equal(fake.lines, lines + 1);
	assert_string_equal(fake.printed,
			    "processor 1 stepped aside: a fault in root: vector 14 at "
			    "root.elf+0x1234, exit reason 10; hpctl report has the rest");
	assert_true(look()); /* it is there still, and was said */
	assert_int_equal(fake.lines, lines + 1);

	write_report(0, HP_REPORT_ENTRY_FAILED, 0);
	processor_of(0)->trail->report.reason = 0x80000021;
	processor_of(0)->trail->report.instruction_error = 7;
	assert_true(look());
	assert_string_equal(fake.printed, "processor 0 stepped aside: VM entry failed: exit reason "
					  "0x80000021, VM-instruction error 7; hpctl report has "
					  "the rest");
	stop();
	end();
}

/* The end of a run says what no look had seen, and what is kept needs no run. */
static void test_keep(void **state)
{
	(void)state;
	fake_open(2, 256);
	start();
	exits(1, 5);
	write_report(1, HP_REPORT_UNEXPECTED_EXIT, 0);
	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_UNEXPECTED_EXIT);
	stop();
	assert_string_equal(fake.printed, "HyperPlatform has left every processor");

	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_UNEXPECTED_EXIT);
	assert_int_equal(report.processor, 1);
	assert_int_equal(report.root_rip, 0x1234);
	assert_int_equal(report.build_id_bytes, 20);
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_NONE);
	/* Leaving was an exit itself. */
	assert_int_equal(ask_history(1, 1), HP_ERROR_OK);
	assert_int_equal(history.count, 5);
	assert_int_equal(history.total, 6);
	assert_int_equal(history.depth, HP_HISTORY_LEAST);
	assert_int_equal(history.exit[0].rip, 0x1004);
	assert_int_equal(ask(2), HP_ERROR_OFFLINE);
	assert_int_equal(fake.pages * HOST_PAGE, report_memory());
	end();
}

/* A later run shows what is kept, until it has a report of its own. */
static void test_next_run(void **state)
{
	(void)state;
	fake_open(2, 256);
	start();
	write_report(1, HP_REPORT_FAULT, 13);
	stop();

	start_with(HP_HISTORY_MOST);
	exits(0, 3);
	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(report.vector, 13);
	assert_int_equal(ask_history(0, 0), HP_ERROR_OK);
	assert_int_equal(history.depth, HP_HISTORY_LEAST);
	write_report(0, HP_REPORT_FAULT, 14);
	assert_int_equal(ask(0), HP_ERROR_OK); /* at once, not only when it was looked at */
	assert_int_equal(report.vector, 14);
	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_NONE);
	expect_history(0, 0, 2, 3);
	stop();
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.vector, 14);
	assert_int_equal(ask_history(0, 0), HP_ERROR_OK);
	assert_int_equal(history.depth, HP_HISTORY_MOST);

	/* A run without one leaves it where it is. */
	start();
	stop();
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.vector, 14);
	end();
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_NONE);
}

static void test_history(void **state)
{
	(void)state;
	fake_open(1, 256);
	start_with(2 * HP_HISTORY_PART);
	expect_history(0, 0, 0, 0);
	exits(0, 1);
	expect_history(0, 0, 0, 1);
	expect_history(0, 1, 0, 0);
	exits(0, 2 * HP_HISTORY_PART - 1);
	expect_history(0, 0, 2 * HP_HISTORY_PART - 1, HP_HISTORY_PART);
	expect_history(0, 2 * HP_HISTORY_PART - 1, 0, 1);

	/* From here on the oldest are overwritten. */
	exits(0, 1000);
	expect_history(0, 0, 1000 + 2 * HP_HISTORY_PART - 1, HP_HISTORY_PART);
	assert_int_equal(history.total, 1000 + 2 * HP_HISTORY_PART);
	assert_int_equal(history.depth, 2 * HP_HISTORY_PART);
	expect_history(0, HP_HISTORY_PART, 1000 + HP_HISTORY_PART - 1, HP_HISTORY_PART);
	expect_history(0, 2 * HP_HISTORY_PART, 0, 0);
	expect_history(0, ~0u, 0, 0);
	stop();
	fake_close();
}

/* Without memory for everything, the reports come first; the end of the run is not kept from. */
static void test_no_memory(void **state)
{
	(void)state;
	fake_open(3, 256);
	start_with(HP_HISTORY_MOST);
	write_report(1, HP_REPORT_FAULT, 13);
	write_report(2, HP_REPORT_FAULT, 14);
	exits(1, 3);
	exits(2, 3);
	/* The whole of 1, and after its report alone all of 2, and 0. */
	fake.fail_allocation = fake.allocations;
	stop();
	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(report.vector, 13);
	assert_int_equal(ask_history(1, 0), HP_ERROR_OK);
	assert_int_equal(history.count, 0);
	assert_int_equal(history.depth, 0);
	assert_int_equal(ask(2), HP_ERROR_OK);
	assert_int_equal(report.vector, 14);
	assert_int_equal(ask_history(2, 1), HP_ERROR_OK);
	assert_int_equal(history.count, 3);

	start();
	write_report(1, HP_REPORT_FAULT, 6);
	fake.fail_allocation = fake.allocations;
	fake.fail_more = 100;
	stop();
	assert_int_equal(ask(1), HP_ERROR_OFFLINE);
	assert_int_equal(report.kind, HP_REPORT_NONE);
	assert_int_equal(ask_history(1, 0), HP_ERROR_OFFLINE);
	assert_int_equal(report_memory(), 0);
	end();
}

/* What a root that failed may have written does not lead anybody astray. */
static void test_junk(void **state)
{
	uint32_t i;

	(void)state;
	fake_open(2, 256);
	start();
	for (i = 0; i < 2; i++) {
		memset(processor_of(i)->trail, 0xff,
		       GATE_PAGE + HP_HISTORY_LEAST * sizeof(struct hp_exit));
		processor_of(i)->ring->exits_total = ~0ull;
	}
	assert_true(look());
	assert_non_null(strstr(fake.printed, "a report of an unknown kind"));
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.kind, ~0u);
	assert_int_equal(report.processor, 0);
	assert_int_equal(report.build_id_bytes, 20);
	assert_int_equal(ask_history(0, 0), HP_ERROR_OK);
	assert_int_equal(history.count, HP_HISTORY_LEAST);
	processor_of(0)->ring->exits_total = 0;
	processor_of(1)->ring->exits_total = 0;
	stop();
	assert_int_equal(ask(1), HP_ERROR_OK);
	assert_int_equal(ask_history(1, 0), HP_ERROR_OK);
	end();
}

/* A report whose kind is not there yet is not shown by half. */
static void test_half_written(void **state)
{
	(void)state;
	fake_open(1, 256);
	start();
	write_report(0, HP_REPORT_NONE, 14);
	assert_false(look());
	assert_int_equal(ask(0), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_NONE);
	assert_int_equal(report.vector, 0);
	assert_int_equal(report.root_rip, 0);
	stop();
	fake_close();
}

/* A processor that was not there at the start has no trail. */
static void test_absent(void **state)
{
	(void)state;
	fake_open(3, 256);
	fake.processor[1].state = HP_PROCESSOR_ABSENT;
	start();
	assert_false(look());
	assert_int_equal(ask(1), HP_ERROR_OFFLINE);
	assert_int_equal(ask_history(1, 0), HP_ERROR_OFFLINE);
	write_report(2, HP_REPORT_STUCK, 2);
	assert_true(look());
	stop();
	assert_int_equal(ask(1), HP_ERROR_OFFLINE);
	assert_int_equal(ask(2), HP_ERROR_OK);
	assert_int_equal(report.kind, HP_REPORT_STUCK);
	end();
}

/* The status counts what is kept. */
static void test_memory(void **state)
{
	static struct hp_status status;

	(void)state;
	fake_open(1, 256);
	start();
	write_report(0, HP_REPORT_FAULT, 14);
	stop();
	assert_int_equal(requests_handle(HP_REQUEST_STATUS, NULL, 0, &status, sizeof(status)),
			 HP_ERROR_OK);
	assert_int_equal(status.memory[HP_MEMORY_TRAIL], fake.pages * HOST_PAGE);
	assert_true(fake.pages > 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_look),
		cmocka_unit_test(test_keep),	cmocka_unit_test(test_next_run),
		cmocka_unit_test(test_history), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_junk),	cmocka_unit_test(test_half_written),
		cmocka_unit_test(test_absent),	cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, fake_open_log, fake_close_log);
}
