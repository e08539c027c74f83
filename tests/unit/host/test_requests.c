// SPDX-License-Identifier: MIT
/*
 * host/requests.c: every request before, during and after a run, and wrong ones.
 */
#include "fake.h"

#include "host/lifecycle.h"
#include "host/log.h"
#include "host/machine.h"
#include "host/requests.h"

static union {
	struct hp_version version;
	struct hp_check check;
	struct hp_failure failure;
	struct hp_status status;
	struct hp_ping ping;
	struct hp_stat stat;
} out;

static uint32_t ask_version(void)
{
	return requests_handle(HP_REQUEST_VERSION, NULL, 0, &out, sizeof(out.version));
}

static uint32_t ask_status(void)
{
	return requests_handle(HP_REQUEST_STATUS, NULL, 0, &out, sizeof(out.status));
}

static uint32_t ask_start_with(uint32_t flags, uint32_t history)
{
	struct hp_start in = { .exits = flags, .history = history };

	return requests_handle(HP_REQUEST_START, &in, sizeof(in), &out, sizeof(out.failure));
}

static uint32_t ask_start(uint32_t flags)
{
	return ask_start_with(flags, HP_HISTORY_DEFAULT);
}

static uint32_t ask_stop(void)
{
	return requests_handle(HP_REQUEST_STOP, NULL, 0, &out, sizeof(out.failure));
}

static uint32_t ask_of(uint32_t code, uint32_t processor, uint32_t bytes)
{
	return requests_handle(code, &processor, sizeof(processor), &out, bytes);
}

static uint32_t ask_check(uint32_t processor)
{
	return ask_of(HP_REQUEST_CHECK, processor, sizeof(out.check));
}

static uint32_t ask_ping(uint32_t processor)
{
	return ask_of(HP_REQUEST_PING, processor, sizeof(out.ping));
}

static uint32_t ask_stat(uint32_t processor)
{
	return ask_of(HP_REQUEST_STAT, processor, sizeof(out.stat));
}

static void end(void)
{
	assert_int_equal(ask_stop(), HP_ERROR_OK);
	fake_close();
}

static void test_version(void **state)
{
	(void)state;
	fake_open(1, 256);
	assert_int_equal(ask_version(), HP_ERROR_OK);
	assert_int_equal(out.version.abi, HP_ABI_VERSION);
	assert_string_equal(out.version.version, HP_VERSION);
	assert_int_equal(out.version.running, 0);
	assert_int_equal(out.version.build_id_bytes, 20);
	assert_int_equal(ask_start(0), HP_ERROR_OK);
	assert_int_equal(ask_version(), HP_ERROR_OK);
	assert_int_equal(out.version.running, 1);
	end();
	fake_damage_image();
	assert_int_equal(ask_version(), HP_ERROR_IMAGE);
	assert_int_equal(out.version.build_id_bytes, 0);
	fake_mend_image();
}

static void test_start_and_stop(void **state)
{
	(void)state;
	fake_open(2, 256);
	assert_int_equal(ask_stop(), HP_ERROR_NOT_RUNNING);
	assert_int_equal(ask_start(HP_EXITS_ALL + 1), HP_ERROR_REQUEST);
	assert_null(lifecycle_machine());
	assert_int_equal(ask_start(0), HP_ERROR_OK);
	assert_int_equal(ask_start(0), HP_ERROR_ALREADY);
	assert_int_equal(out.failure.error, HP_ERROR_ALREADY);
	end();
}

/* A power of two, not too small, not too large. */
static void test_depth_of_history(void **state)
{
	static const uint32_t wrong[] = { 0,
					  1,
					  HP_HISTORY_LEAST / 2,
					  HP_HISTORY_LEAST + 1,
					  3 * HP_HISTORY_LEAST,
					  2 * HP_HISTORY_MOST,
					  ~0u };
	uint32_t i;

	(void)state;
	fake_open(1, 256);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(ask_start_with(0, wrong[i]), HP_ERROR_REQUEST);
	assert_null(lifecycle_machine());
	for (i = HP_HISTORY_LEAST; i <= HP_HISTORY_MOST; i *= 2) {
		assert_int_equal(ask_start_with(0, i), HP_ERROR_OK);
		assert_int_equal(lifecycle_machine()->gate->history, i);
		assert_int_equal(ask_stop(), HP_ERROR_OK);
	}
	fake_close();
}

/* While it runs the answer is of the start: CPUID has no VT-x any more. */
static void test_check(void **state)
{
	(void)state;
	fake_open(3, 256);
	fake.processor[2].state = HP_PROCESSOR_OFFLINE;
	assert_int_equal(ask_check(0), HP_ERROR_OK);
	assert_int_equal(out.check.error, HP_ERROR_OK);
	assert_int_equal(ask_check(2), HP_ERROR_OFFLINE);
	assert_int_equal(ask_check(77), HP_ERROR_OFFLINE);
	fake.processor[1].vmx = false;
	assert_int_equal(ask_check(1), HP_ERROR_OK);
	assert_int_equal(out.check.error, HP_ERROR_NO_VMX);
	assert_int_equal(out.check.processor, 1);
	assert_int_equal(out.check.requirement[HP_REQUIREMENT_VMX].verdict, HP_CHECK_MISSING);
	fake.processor[1].vmx = true;

	assert_int_equal(ask_start(0), HP_ERROR_OK);
	fake.processor[1].vmx = false;
	assert_int_equal(ask_check(1), HP_ERROR_OK);
	assert_int_equal(out.check.error, HP_ERROR_OK);
	assert_int_equal(out.check.requirement[HP_REQUIREMENT_VMX].verdict, HP_CHECK_OK);
	assert_int_equal(ask_check(2), HP_ERROR_OFFLINE);
	assert_int_equal(ask_check(~0u), HP_ERROR_OFFLINE);
	end();
}

static void test_status(void **state)
{
	uint64_t sum = 0;
	uint32_t i;

	(void)state;
	fake_open(3, 256);
	fake.processor[1].state = HP_PROCESSOR_ABSENT;
	assert_int_equal(ask_status(), HP_ERROR_OK);
	assert_int_equal(out.status.running, 0);
	assert_int_equal(out.status.processors, 3);
	assert_int_equal(out.status.processor[0].state, HP_PROCESSOR_NATIVE);
	assert_int_equal(out.status.processor[1].state, HP_PROCESSOR_ABSENT);
	assert_int_equal(out.status.memory[HP_MEMORY_LOG], LOG_BYTES);
	assert_int_equal(out.status.memory[HP_MEMORY_EPT], 0);

	assert_int_equal(ask_start(0), HP_ERROR_OK);
	fake.processor[2].refuses = HP_ERROR_VMXON_FAILED;
	fake_offline(2);
	fake_online(2);
	assert_int_equal(ask_status(), HP_ERROR_OK);
	assert_int_equal(out.status.running, 1);
	assert_int_equal(out.status.processor[0].state, HP_PROCESSOR_GUEST);
	assert_int_equal(out.status.processor[2].state, HP_PROCESSOR_NATIVE);
	assert_int_equal(out.status.processor[2].error, HP_ERROR_VMXON_FAILED);
	assert_int_equal(out.status.processor[2].exits, 1);
	assert_int_equal(out.status.records, 2);
	assert_true(out.status.ept_pages[0] > 0 && out.status.ept_pages[1] > 0);
	for (i = 0; i < HP_MEMORY_KINDS_COUNT; i++)
		sum += out.status.memory[i];
	assert_int_equal(sum, fake.pages * HOST_PAGE + LOG_BYTES);
	fake_offline(2);
	assert_int_equal(ask_status(), HP_ERROR_OK);
	assert_int_equal(out.status.processor[2].state, HP_PROCESSOR_OFFLINE);
	end();
}

static void test_ping(void **state)
{
	(void)state;
	fake_open(2, 256);
	assert_int_equal(ask_ping(0), HP_ERROR_NOT_RUNNING);
	assert_int_equal(ask_start(0), HP_ERROR_OK);
	assert_int_equal(ask_ping(1), HP_ERROR_OK);
	assert_int_equal(out.ping.processor, 1);
	assert_int_equal(out.ping.cpuid_signature, HP_SIGNATURE);
	assert_int_equal(out.ping.tsc_khz, 2000000);
	assert_true(out.ping.cpuid_cycles > 0 && out.ping.cpuid_cycles < ~0ull);
	assert_true(out.ping.gate_cycles > 0 && out.ping.gate_cycles < ~0ull);
	fake.processor[1].mute = true;
	assert_int_equal(ask_ping(1), HP_ERROR_NO_ANSWER);
	fake.processor[1].mute = false;
	assert_int_equal(ask_ping(2), HP_ERROR_OFFLINE);
	fake_offline(1);
	assert_int_equal(ask_ping(1), HP_ERROR_OFFLINE);
	fake.processor[1].refuses = HP_ERROR_VMXON_FAILED;
	fake_online(1);
	assert_int_equal(ask_ping(1), HP_ERROR_NOT_RUNNING);
	end();
}

static void test_stat(void **state)
{
	(void)state;
	fake_open(2, 256);
	assert_int_equal(ask_stat(0), HP_ERROR_NOT_RUNNING);
	assert_int_equal(ask_start(0), HP_ERROR_OK);
	lifecycle_machine()->processor[1].ring->exits[10] = 1234;
	lifecycle_machine()->processor[1].ring->nmis_in_root = 5;
	lifecycle_machine()->processor[1].ring->events_reinjected = 6;
	assert_int_equal(ask_stat(1), HP_ERROR_OK);
	assert_int_equal(out.stat.processor, 1);
	assert_int_equal(out.stat.exits[10], 1234);
	assert_int_equal(out.stat.nmis_in_root, 5);
	assert_int_equal(out.stat.events_reinjected, 6);
	assert_int_equal(ask_stat(2), HP_ERROR_OFFLINE);
	end();
}

static uint8_t buffer[REQUESTS_BYTES_MAX], in[REQUESTS_BYTES_MAX];

/* Each size that is odd, and the right one, but not both right ones together. */
static void ask_wrongly(uint32_t code, uint32_t in_bytes, uint32_t out_bytes)
{
	const uint32_t ins[] = { 0, 1, 3, 5, 4096, REQUESTS_BYTES_MAX, in_bytes };
	const uint32_t outs[] = { 0, 1, 3, 5, 4096, REQUESTS_BYTES_MAX, out_bytes };
	uint32_t i, o;

	for (i = 0; i < sizeof(ins) / sizeof(ins[0]); i++) {
		for (o = 0; o < sizeof(outs) / sizeof(outs[0]); o++) {
			if (ins[i] == in_bytes && outs[o] == out_bytes)
				continue;
			assert_int_equal(requests_handle(code, in, ins[i], buffer, outs[o]),
					 HP_ERROR_REQUEST);
		}
	}
}

/* No size but the right one, no number but the table's; nothing is written then. */
static void test_wrong_requests(void **state)
{
	static const struct {
		uint32_t in, out;
	} sizes[] = {
#define SIZES(name, number, in, out) [number] = { in, out },
		HP_REQUESTS(SIZES)
#undef SIZES
	};
	const uint32_t count = sizeof(sizes) / sizeof(sizes[0]);
	uint32_t i;

	(void)state;
	fake_open(1, 256);
	memset(buffer, 0xa5, sizeof(buffer));
	for (i = 1; i < count; i++)
		ask_wrongly(i, sizes[i].in, sizes[i].out);
	assert_int_equal(requests_handle(0, in, 0, buffer, 0), HP_ERROR_REQUEST);
	for (i = count; i < count + 40; i++)
		assert_int_equal(requests_handle(i, in, 4, buffer, sizeof(struct hp_failure)),
				 HP_ERROR_REQUEST);
	for (i = 0; i < sizeof(buffer); i++)
		assert_int_equal(buffer[i], 0xa5);
	assert_null(lifecycle_machine());
	fake_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),	       cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_check),	       cmocka_unit_test(test_status),
		cmocka_unit_test(test_ping),	       cmocka_unit_test(test_stat),
		cmocka_unit_test(test_wrong_requests), cmocka_unit_test(test_depth_of_history),
	};

	return cmocka_run_group_tests(tests, fake_open_log, fake_close_log);
}
