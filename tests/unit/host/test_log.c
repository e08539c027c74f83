// SPDX-License-Identifier: MIT
/*
 * host/log.c and host/drain.c: the lines' form, readers that keep up and readers that don't,
 * records that were overwritten, processors that lag behind.
 */
#include "fake.h"

#include "base/record.h"
#include "host/drain.h"
#include "host/lifecycle.h"
#include "host/log.h"
#include "host/machine.h"

static char text[2 * LOG_BYTES];

static size_t read_all(uint64_t *position)
{
	size_t length = 0, more;

	while ((more = log_read(position, text + length, 4 * LOG_LINE)))
		length += more;
	text[length] = '\0';
	return length;
}

static void test_line(void **state)
{
	uint64_t position;

	(void)state;
	fake_open(1, 256);
	assert_true(log_init());
	position = log_oldest();
	assert_false(log_has(position));
	assert_int_equal(log_read(&position, text, LOG_LINE), 0);
	log_line(HP_INFO, "one is %u", 1u);
	assert_string_equal(fake.printed, "one is 1");
	assert_true(log_has(position));
	assert_true(fake.wakes > 0);
	read_all(&position);
	assert_string_equal(text,
			    "01:02:03.004\tINF\t#0\t    7\t    8\tunit           \tone is 1\n");
	assert_false(log_has(position));
	log_record(3, HP_WARN, 0, "root says");
	read_all(&position);
	assert_string_equal(text,
			    "00:00:00.000\tWRN\t#3\t    0\t    0\t-              \troot says\n");
	log_end();
	fake_close();
}

/* A message that is too long is cut, and its line still ends. */
static void test_long_line(void **state)
{
	static char message[4 * LOG_LINE];
	uint64_t position;
	size_t length;

	(void)state;
	fake_open(1, 256);
	assert_true(log_init());
	position = log_oldest();
	memset(message, 'x', sizeof(message) - 1);
	log_line(HP_ERR, "%s", message);
	log_record(0, HP_DEBUG, 0, message);
	length = read_all(&position);
	assert_true(length <= 2 * LOG_LINE);
	assert_int_equal(text[length - 1], '\n');
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + length - 1);
	log_end();
	fake_close();
}

/* A reader that is overtaken is told so, and goes on with a whole line. */
static void test_wrap(void **state)
{
	uint64_t slow, fresh;
	unsigned i;

	(void)state;
	fake_open(1, 256);
	assert_true(log_init());
	slow = log_oldest();
	for (i = 0; i < 5000; i++)
		log_line(HP_INFO, "line %u%.*s", i, (int)(i % 97),
			 "......................................................................"
			 "...........................");
	fresh = log_oldest();
	assert_true(fresh > 0);
	assert_true(log_read(&slow, text, LOG_LINE) > 0);
	assert_non_null(strstr(text, "\tWRN\t"));
	assert_non_null(strstr(text, "bytes of older lines were overwritten\n"));
	assert_int_equal(slow, fresh);
	read_all(&slow);
	assert_memory_equal(text, "01:02:03.004\tINF", 16);
	assert_true(strlen(text) <= LOG_BYTES && strlen(text) > LOG_BYTES - LOG_LINE);
	assert_non_null(strstr(text, "line 4999"));
	read_all(&fresh);
	assert_null(strstr(text, "overwritten"));
	log_end();
	fake_close();
}

/* However the end of a line meets the end of the ring: what is kept is whole lines. */
static void test_every_fill(void **state)
{
	uint64_t position, seed = 1;
	unsigned i;

	(void)state;
	fake_open(1, 256);
	assert_true(log_init());
	for (i = 0; i < 3000; i++) {
		log_line(HP_INFO, "%.*s", (int)random_below(&seed, 31),
			 "...............................");
		if (i < 500)
			continue;
		position = log_oldest();
		assert_true(log_read(&position, text, LOG_LINE) == LOG_LINE);
		assert_memory_equal(text, "01:02:03.004\tINF\t#0\t", 20);
	}
	log_end();
	fake_close();
}

static void start(uint32_t processors)
{
	struct hp_failure failure;

	fake_open(processors, 256);
	assert_true(log_init());
	assert_int_equal(fake_start(0, &failure), HP_ERROR_OK);
}

static void stop(void)
{
	struct hp_failure failure;

	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	log_end();
	fake_close();
}

static unsigned count(const char *what)
{
	const char *at = text;
	unsigned found = 0;

	while ((at = strstr(at, what))) {
		found++;
		at++;
	}
	return found;
}

static void test_drain(void **state)
{
	uint64_t position;

	(void)state;
	start(2);
	position = log_oldest();
	assert_true(drain_run());
	read_all(&position);
	assert_int_equal(
		count("#0\t    0\t    0\t-              \tprocessor 0 runs as a guest now\n"), 1);
	assert_int_equal(
		count("#1\t    0\t    0\t-              \tprocessor 1 runs as a guest now\n"), 1);
	assert_true(drain_run());
	assert_int_equal(read_all(&position), 0);
	fake_record(1, RECORD_TRIPLE_FAULT, HP_ERR, 0x1234);
	assert_true(drain_run());
	read_all(&position);
	assert_int_equal(count("\tERR\t#1"), 1);
	assert_int_equal(
		strncmp(fake.printed, "triple fault of the guest: RIP 0000000000001234", 47), 0);
	stop();
	assert_false(drain_run());
}

#define READABLE (GATE_RECORDS - GATE_RECORDS_AT_ONCE)

/* A record that root may be overwriting is not believed; what was lost is counted, and said once.
 */
static void test_lost(void **state)
{
	uint64_t position;
	unsigned i;

	(void)state;
	start(1);
	drain_run();
	position = log_oldest();
	read_all(&position);
	for (i = 0; i < READABLE; i++)
		fake_record(0, RECORD_MICROCODE, HP_WARN, i);
	drain_run();
	read_all(&position);
	assert_int_equal(count("microcode"), READABLE);
	assert_int_equal(lifecycle_machine()->processor[0].lost, 0);

	/* Exactly full: root may have begun with the one that takes the oldest's place. */
	for (i = 0; i < GATE_RECORDS; i++)
		fake_record(0, RECORD_MICROCODE, HP_WARN, i);
	drain_run();
	read_all(&position);
	assert_int_equal(count("microcode"), READABLE);
	assert_int_equal(count("\t3 records were lost"), 1);

	for (i = 0; i < GATE_RECORDS + 9; i++)
		fake_record(0, RECORD_MICROCODE, HP_WARN, i);
	drain_run();
	read_all(&position);
	assert_int_equal(count("microcode"), READABLE);
	assert_int_equal(count("12 records were lost"), 1);
	assert_int_equal(count("RIP 000000000000000b"), 0);
	assert_int_equal(count("RIP 000000000000000c"), 1);
	assert_int_equal(lifecycle_machine()->processor[0].lost, 15);
	stop();
}

/* Records that continue another are in its line; without it they are lost. */
static void test_continued(void **state)
{
	uint64_t position;
	unsigned i;

	(void)state;
	start(1);
	drain_run();
	position = log_oldest();
	read_all(&position);
	fake_record(0, RECORD_MICROCODE, HP_WARN, 0x10);
	fake_record_goes_on(0, RECORD_WHO_UNKNOWN);
	fake_record_goes_on(0, RECORD_IMAGE_NONE);
	fake_record(0, RECORD_MICROCODE, HP_WARN, 0x20);
	drain_run();
	read_all(&position);
	assert_int_equal(count("RIP 0000000000000010, process unknown [no image]\n"), 1);
	assert_int_equal(count("RIP 0000000000000020\n"), 1);
	assert_int_equal(count("\tWRN\t"), 2);

	fake_record(0, RECORD_MICROCODE, HP_WARN, 0x30);
	fake_record_goes_on(0, RECORD_WHO_UNKNOWN);
	for (i = 0; i < READABLE - 1; i++)
		fake_record(0, RECORD_MICROCODE, HP_WARN, 0x40);
	drain_run();
	read_all(&position);
	assert_int_equal(count("process unknown"), 0);
	assert_int_equal(count("\t2 records were lost"), 1);
	assert_int_equal(count("RIP 0000000000000040\n"), READABLE - 1);
	stop();
}

/* What root wrote last is in the log after the stop, and after a start that failed. */
static void test_last_records(void **state)
{
	struct hp_failure failure;
	uint64_t position;

	(void)state;
	start(2);
	drain_run();
	position = log_oldest();
	read_all(&position);
	fake_record(1, RECORD_LEFT, HP_INFO, 1);
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	read_all(&position);
	assert_int_equal(count("processor 1 runs natively again"), 1);

	fake.processor[1].refuses = HP_ERROR_ENTRY_FAILED;
	assert_int_equal(fake_start(0, &failure), HP_ERROR_ENTRY_FAILED);
	read_all(&position);
	assert_int_equal(count("processor 0 runs as a guest now"), 1);
	assert_int_equal(count("not started: processor 1: VM entry failed"), 1);
	log_end();
	fake_close();
}

/* Only who is a guest, and behind, is made to exit. */
static void test_push(void **state)
{
	(void)state;
	start(3);
	fake_offline(2);
	drain_run();
	assert_int_equal(fake.processor[0].synced + fake.processor[1].synced, 0);
	lifecycle_machine()->gate->pool.generation = 3;
	lifecycle_machine()->gate->passed[1] = 3;
	drain_run();
	assert_int_equal(fake.processor[0].synced, 1);
	assert_int_equal(fake.processor[1].synced, 0);
	assert_int_equal(fake.processor[2].synced, 0);
	drain_run();
	assert_int_equal(fake.processor[0].synced, 1);
	stop();
}

/* A guest wrote to the ring: what the OS side reads there is no record, and comes to an end. */
static void test_overwritten_ring(void **state)
{
	static const uint64_t heads[] = { ~0ull, 1ull << 63, 0, 500, 0xa5a5a5a5a5a5a5a5 };
	struct gate_ring *ring, *true_ring;
	uint64_t position;
	unsigned i, j;

	(void)state;
	start(1);
	drain_run();
	position = log_oldest();
	read_all(&position);
	ring = lifecycle_machine()->processor[0].ring;
	true_ring = malloc(sizeof(*true_ring));
	assert_non_null(true_ring);
	memcpy(true_ring, ring, sizeof(*ring));
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		memset(ring, 0xa5, sizeof(*ring));
		ring->head = heads[i];
		/* Lines of their own, as far as that goes. */
		for (j = 0; j < GATE_RECORDS; j++)
			ring->record[j].continues = 0;
		drain_run();
		read_all(&position);
		assert_int_equal(count("unknown format"), 0);
		assert_true(count("\n") <= 1);
	}
	memcpy(ring, true_ring, sizeof(*ring));
	free(true_ring);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_every_fill),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_last_records),
		cmocka_unit_test(test_push),
		cmocka_unit_test(test_overwritten_ring),
		cmocka_unit_test(test_continued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
