// SPDX-License-Identifier: MIT
/*
 * hpctl status, ping, stat and version: what they print, as text and as JSON.
 */
#include "run.h"

#include <string.h>

#include "base/vmcs.h"

static void deny(void)
{
	fake.loaded = true;
	fake_set_error(&fake.open_error, OS_DENIED, "this user may not open it", "run it as root");
}

static void test_status(void **state)
{
	(void)state;
	fake_set_running();
	fake.count = 4;
	fake.status.processors = 4;
	fake.status.processor[2].state = HP_PROCESSOR_OFFLINE;
	fake.status.processor[3].state = HP_PROCESSOR_NATIVE;
	fake.status.processor[3].error = HP_ERROR_ENTRY_FAILED;
	fake.status.memory[HP_MEMORY_IMAGE] = 36 * 1024;
	fake.status.memory[HP_MEMORY_EPT] = 1536;
	fake.status.memory[HP_MEMORY_RINGS] = 100;
	fake.status.records = 7;
	fake.status.records_lost = 2;
	fake.status.ept_pages[0] = 11;
	fake.status.ept_pages[1] = 22;
	fake.status.ept_pages[2] = 33;
	fake.status.ept_recycled = 44;
	assert_int_equal(run("status"), HPCTL_OK);
	run_expect(run_out, "HyperPlatform " HP_VERSION " is running on 2 of 3 online processors.\n"
			    "build id of root: 101112131415161718191a1b1c1d1e1f20212223\n");
	run_expect(run_out, "        0  guest                    1000\n");
	run_expect(run_out, "        2  offline                     0\n");
	run_expect(run_out, "        3  native                      0  VM entry failed\n");
	run_expect(run_out, "      36 KiB  root image\n");
	run_expect(run_out, "     1.5 KiB  extended page tables\n");
	run_expect(run_out, "   100 bytes  records and counters\n");
	run_expect(run_out, "     0 bytes  log text\n");
	run_expect(run_out, "    37.6 KiB  in total\n");
	run_expect(run_out, "records: 7 written, 2 lost\n");
	run_expect(run_out, "EPT pages: 11 of 4 KiB, 22 of 2 MiB, 33 of 1 GiB; device tables used "
			    "again: 44\n");
}

static void test_status_json(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	fake.count = 3;
	fake.status.processors = 3; /* the third: absent */
	fake.status.processor[1].error = HP_ERROR_ENTRY_FAILED;
	fake.status.processor[0].exits = 9007199254740993ull; /* no double */
	fake.status.memory[HP_MEMORY_IMAGE] = 36864;
	fake.status.memory[HP_MEMORY_LOG] = 5;
	root = run_json("status --json", HPCTL_OK);
	run_expect(run_out, "9007199254740993");
	assert_true(run_true(root, "loaded"));
	assert_true(run_true(root, "running"));
	assert_string_equal(run_string(root, "version"), HP_VERSION);
	assert_string_equal(run_string(root, "build_id"),
			    "101112131415161718191a1b1c1d1e1f20212223");
	assert_int_equal(cJSON_GetArraySize(run_at(root, "processors")), 2);
	assert_string_equal(run_string(root, "processors.0.state"), "guest");
	assert_true(run_null(root, "processors.0.error"));
	assert_string_equal(run_string(root, "processors.1.error"), "ENTRY_FAILED");
	assert_int_equal(run_number(root, "memory.IMAGE"), 36864);
	assert_int_equal(run_number(root, "memory.total"), 36869);
	assert_int_equal(run_number(root, "records.lost"), 0);
	assert_int_equal(run_number(root, "ept.pages_2m"), 0);
	cJSON_Delete(root);
}

static void test_status_no(void **state)
{
	cJSON *root;

	(void)state;
	assert_int_equal(run("status"), HPCTL_NO);
	assert_string_equal(run_out, "HyperPlatform is not running: its module is not loaded.\n");
	assert_string_equal(run_err, "");
	root = run_json("status --json", HPCTL_NO);
	assert_false(run_true(root, "loaded"));
	assert_false(run_true(root, "running"));
	cJSON_Delete(root);

	fake.loaded = true;
	fake.version.build_id_bytes = 0;
	assert_int_equal(run("status"), HPCTL_NO);
	run_expect(run_out, "is not running: its module is loaded, but not started.\n"
			    "build id of root: none\n");
	root = run_json("status --json", HPCTL_NO);
	assert_true(run_true(root, "loaded"));
	assert_false(run_true(root, "running"));
	cJSON_Delete(root);
}

static void test_status_fails(void **state)
{
	(void)state;
	deny();
	assert_int_equal(run("status"), HPCTL_DENIED);
	assert_string_equal(run_err, "hpctl: cannot get the status: this user may not open it\n"
				     "remedy: run it as root\n");
	fake_reset();
	fake_set_running();
	fake.result[HP_REQUEST_STATUS] = HP_ERROR_REQUEST;
	assert_int_equal(run("status"), HPCTL_FAILED);
	assert_string_equal(run_out, "");
	fake.result[HP_REQUEST_VERSION] = HP_ERROR_NOT_PRIVILEGED;
	assert_int_equal(run("status --json"), HPCTL_DENIED);
	assert_string_equal(run_out, "");
}

/* Whatever the module says, no memory beyond its structures is read. */
static void test_status_unbelievable(void **state)
{
	(void)state;
	fake_set_running();
	memset(fake.version.version, 'v', sizeof(fake.version.version));
	fake.version.build_id_bytes = 4000000000u;
	fake.status.processors = 4000000000u;
	fake.status.processor[1].state = 77;
	fake.status.processor[1].error = 4000000000u;
	assert_int_equal(run("status"), HPCTL_OK);
	run_expect(run_out, "HyperPlatform vvvvvvvvvvvvvvv is");
	run_expect(run_out, "unknown");
	run_expect(run_out, "an error that this hpctl does not know");
	assert_int_equal(run("status --json"), HPCTL_OK);
	assert_int_equal(run("version"), HPCTL_OK);
	run_expect(run_out, "vvvvvvvvvvvvvvv, ABI");
}

static void test_ping(void **state)
{
	(void)state;
	fake_set_running();
	assert_int_equal(run("ping"), HPCTL_OK);
	assert_string_equal(run_out, "processor  by CPUID                   by the gate\n"
				     "        0  1094 cycles, 365 ns        900 cycles, 300 ns\n"
				     "        1  1095 cycles, 365 ns        901 cycles, 300 ns\n"
				     "All 2 processors answer.\n");
	assert_string_equal(run_err, "");
}

static void test_ping_unknown_frequency(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	fake.count = 1;
	fake.ping[0].tsc_khz = 0;
	assert_int_equal(run("ping"), HPCTL_OK);
	run_expect(run_out, "        0  1094 cycles                900 cycles\n");
	run_expect_no(run_out, " ns");
	root = run_json("ping --json", HPCTL_OK);
	assert_true(run_null(root, "processors.0.cpuid.ns"));
	cJSON_Delete(root);
}

static void test_ping_nothing(void **state)
{
	(void)state;
	assert_int_equal(run("ping"), HPCTL_NO);
	assert_string_equal(run_out, "processor  by CPUID                   by the gate\n"
				     "        0  no answer                  not tried\n"
				     "        1  no answer                  not tried\n"
				     "The gate was not tried: there is no device.\n"
				     "Nothing answers on any processor.\n");
}

static void test_ping_loaded_not_running(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.result[HP_REQUEST_PING] = HP_ERROR_NOT_RUNNING;
	assert_int_equal(run("ping"), HPCTL_NO);
	run_expect(run_out, "        0  no answer                  no answer (HyperPlatform is not "
			    "running)\n");
	run_expect(run_out, "Nothing answers on any processor.\n");
}

/* One door that stays shut is enough. */
static void test_ping_some(void **state)
{
	(void)state;
	fake.count = 4;
	fake_set_running();
	fake.result_on[1] = HP_ERROR_NO_ANSWER;
	fake.ping[2].cpuid_signature = 0;
	fake.answers[3] = false; /* in user mode: what others see counts */
	assert_int_equal(run("ping"), HPCTL_NO);
	run_expect(run_out,
		   "        1  60 cycles                  no answer (the processor did not "
		   "answer)\n");
	run_expect(run_out, "        2  no answer                  902 cycles, 301 ns\n");
	run_expect(run_out, "        3  no answer                  903 cycles, 301 ns\n");
	run_expect(run_out, "1 of 4 processors answer.\n");
}

static void test_ping_unprivileged(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	deny();
	assert_int_equal(run("ping"), HPCTL_OK);
	run_expect(run_out, "        0  60 cycles                  not tried\n");
	run_expect(run_out, "The gate was not tried: this user may not open it.\n"
			    "All 2 processors answer.\n");
	root = run_json("ping --json", HPCTL_OK);
	assert_string_equal(run_string(root, "gate_untried"), "this user may not open it");
	assert_false(run_true(root, "processors.0.gate.tried"));
	assert_true(run_null(root, "processors.0.gate.cycles"));
	cJSON_Delete(root);
}

static void test_ping_above_another(void **state)
{
	(void)state;
	fake.above = true;
	assert_int_equal(run("ping"), HPCTL_NO);
	fake_set_running();
	assert_int_equal(run("ping"), HPCTL_OK);
}

static void test_ping_offline_and_barred(void **state)
{
	(void)state;
	fake.count = 3;
	fake_set_running();
	fake.offline[0] = true;
	fake.answers[0] = false;
	fake.barred[1] = true; /* but the module may go there */
	assert_int_equal(run("ping"), HPCTL_OK);
	run_expect(run_out, "All 2 processors answer.\n");
	deny();
	assert_int_equal(run("ping"), HPCTL_NO);
	run_expect(run_out, "        1  not tried                  not tried (CPUID: barred)\n");
	run_expect(run_out, "1 of 2 processors answer.\n");
}

static void test_ping_json(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	fake.result_on[1] = HP_ERROR_NO_ANSWER;
	root = run_json("ping --json", HPCTL_NO);
	assert_false(run_true(root, "all_answer"));
	assert_int_equal(run_number(root, "online"), 2);
	assert_int_equal(run_number(root, "answering"), 1);
	assert_true(run_null(root, "gate_untried"));
	assert_true(run_true(root, "processors.0.answers"));
	assert_int_equal(run_number(root, "processors.0.cpuid.cycles"), 1094);
	assert_int_equal(run_number(root, "processors.0.cpuid.ns"), 365);
	assert_int_equal(run_number(root, "processors.0.gate.cycles"), 900);
	assert_true(run_null(root, "processors.0.gate.error"));
	assert_false(run_true(root, "processors.1.answers"));
	assert_true(run_true(root, "processors.1.gate.tried"));
	assert_false(run_true(root, "processors.1.gate.answers"));
	assert_string_equal(run_string(root, "processors.1.gate.error"), "NO_ANSWER");
	cJSON_Delete(root);
}

static void test_stat(void **state)
{
	(void)state;
	fake_set_running();
	fake.stat[0].exits[EXIT_REASON_CPUID] = 10;
	fake.stat[1].exits[EXIT_REASON_CPUID] = 5;
	fake.stat[1].exits[35] = 1; /* no reason of the manual's */
	fake.stat[1].nmis_in_root = 3;
	assert_int_equal(run("stat"), HPCTL_OK);
	assert_string_equal(
		run_out,
		"exits                                         CPU 0        CPU 1          total\n"
		"CPUID                                            10            5             15\n"
		"reason 35                                         0            1              1\n"
		"total                                            10            6             16\n"
		"\nbeside these\n"
		"NMIs that came while root ran                     0            3              3\n"
		"events that an exit had interrupted               0            0              "
		"0\n");
}

static void test_stat_all(void **state)
{
	(void)state;
	fake_set_running();
	assert_int_equal(run("stat"), HPCTL_OK);
	run_expect_no(run_out, "CPUID");
	assert_int_equal(run("stat --all"), HPCTL_OK);
	run_expect(run_out, "\nCPUID ");
	run_expect(run_out, "\nTDCALL ");
	run_expect(run_out, "\nENQCMDS PASID translation failure                 0            0");
	run_expect_no(run_out, "reason");
}

/* Many processors: several tables, each with the total of all. */
static void test_stat_many(void **state)
{
	unsigned i;

	(void)state;
	fake.count = 8;
	fake_set_running();
	for (i = 0; i < 8; i++)
		fake.stat[i].exits[EXIT_REASON_HLT] = 1 + i;
	fake.status.processor[1].state = HP_PROCESSOR_ABSENT;
	fake.result_on[2] = HP_ERROR_OFFLINE;
	assert_int_equal(run("stat"), HPCTL_OK);
	run_expect_no(run_out, "CPU 1");
	run_expect_no(run_out, "CPU 2");
	assert_int_equal(run_count(run_out, "CPU 7"), 1);
	assert_int_equal(run_count(run_out, "             31\n"), 2);
	fake.count = 9;
	fake_set_running();
	fake.status.processor[1].state = HP_PROCESSOR_ABSENT;
	assert_int_equal(run("stat"), HPCTL_OK);
	assert_int_equal(run_count(run_out, "\nexits"), 1);
	run_expect(run_out, "CPU 8");
}

static void test_stat_json(void **state)
{
	cJSON *root;

	(void)state;
	fake.count = 3;
	fake_set_running();
	fake.result_on[1] = HP_ERROR_OFFLINE;
	fake.stat[0].exits[EXIT_REASON_CPUID] = 10;
	fake.stat[2].exits[EXIT_REASON_CPUID] = 5;
	fake.stat[2].events_reinjected = 4;
	root = run_json("stat --json", HPCTL_OK);
	assert_int_equal(run_number(root, "processors.1"), 2);
	assert_int_equal(cJSON_GetArraySize(run_at(root, "exits")), 1);
	assert_int_equal(run_number(root, "exits.0.reason"), EXIT_REASON_CPUID);
	assert_string_equal(run_string(root, "exits.0.name"), "CPUID");
	assert_int_equal(run_number(root, "exits.0.by_processor.1"), 5);
	assert_int_equal(run_number(root, "exits.0.total"), 15);
	assert_int_equal(run_number(root, "total"), 15);
	assert_int_equal(run_number(root, "nmis_in_root.0"), 0);
	assert_int_equal(run_number(root, "events_reinjected.1"), 4);
	cJSON_Delete(root);
}

static void test_stat_fails(void **state)
{
	(void)state;
	assert_int_equal(run("stat"), HPCTL_NO);
	assert_string_equal(run_err, "hpctl: cannot get the counts of exits: HyperPlatform is not "
				     "running\nremedy: hpctl load\n");
	fake.loaded = true;
	assert_int_equal(run("stat"), HPCTL_NO);
	deny();
	assert_int_equal(run("stat"), HPCTL_DENIED);

	fake_reset();
	fake_set_running();
	fake.result_on[1] = HP_ERROR_NO_ANSWER;
	assert_int_equal(run("stat"), HPCTL_FAILED);
	run_expect(run_err, "processor 1: the processor did not answer\n");
	assert_string_equal(run_out, "");
	fake.result[HP_REQUEST_STATUS] = HP_ERROR_REQUEST;
	assert_int_equal(run("stat --json"), HPCTL_FAILED);
	assert_string_equal(run_out, "");
}

static void test_version(void **state)
{
	cJSON *root;

	(void)state;
	assert_int_equal(run("version"), HPCTL_OK);
	run_expect(run_out, "hpctl   " HP_VERSION ", ABI 3\nmodule  unknown: there is no device\n");
	root = run_json("version --json", HPCTL_OK);
	assert_string_equal(run_string(root, "version"), HP_VERSION);
	assert_true(run_null(root, "module"));
	assert_string_equal(run_string(root, "module_unknown"), "there is no device");
	cJSON_Delete(root);

	fake_set_running();
	assert_int_equal(run("version"), HPCTL_OK);
	run_expect(run_out, "module  " HP_VERSION ", ABI 3, build id of root "
			    "101112131415161718191a1b1c1d1e1f20212223, running\n");
	root = run_json("version --json", HPCTL_OK);
	assert_int_equal(run_number(root, "module.abi"), HP_ABI_VERSION);
	assert_true(run_true(root, "module.running"));
	cJSON_Delete(root);

	fake.result[HP_REQUEST_VERSION] = HP_ERROR_REQUEST;
	assert_int_equal(run("version"), HPCTL_OK);
	run_expect(run_out, "module  unknown: unknown request, or sizes");
}

static void test_formats(void **state)
{
	bool set[10] = { true, false, true, true, true, false, false, true, true, false };
	char text[64];

	(void)state;
	format_processors(text, sizeof(text), set, 10);
	assert_string_equal(text, "0, 2-4, 7-8");
	format_processors(text, 6, set, 10); /* cut, but ended */
	assert_string_equal(text, "0, 2-");
	format_processors(text, sizeof(text), set + 9, 1);
	assert_string_equal(text, "");
	format_size(text, sizeof(text), 1023);
	assert_string_equal(text, "1023 bytes");
	format_size(text, sizeof(text), 2ull << 20);
	assert_string_equal(text, "2 MiB");
	format_size(text, sizeof(text), 1025ull << 30);
	assert_string_equal(text, "1025 GiB");
	assert_int_equal(format_ns(UINT64_C(3000000000000), 3000000), 1000000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_status, run_setup),
		cmocka_unit_test_setup(test_status_json, run_setup),
		cmocka_unit_test_setup(test_status_no, run_setup),
		cmocka_unit_test_setup(test_status_fails, run_setup),
		cmocka_unit_test_setup(test_status_unbelievable, run_setup),
		cmocka_unit_test_setup(test_ping, run_setup),
		cmocka_unit_test_setup(test_ping_unknown_frequency, run_setup),
		cmocka_unit_test_setup(test_ping_nothing, run_setup),
		cmocka_unit_test_setup(test_ping_loaded_not_running, run_setup),
		cmocka_unit_test_setup(test_ping_some, run_setup),
		cmocka_unit_test_setup(test_ping_unprivileged, run_setup),
		cmocka_unit_test_setup(test_ping_above_another, run_setup),
		cmocka_unit_test_setup(test_ping_offline_and_barred, run_setup),
		cmocka_unit_test_setup(test_ping_json, run_setup),
		cmocka_unit_test_setup(test_stat, run_setup),
		cmocka_unit_test_setup(test_stat_all, run_setup),
		cmocka_unit_test_setup(test_stat_many, run_setup),
		cmocka_unit_test_setup(test_stat_json, run_setup),
		cmocka_unit_test_setup(test_stat_fails, run_setup),
		cmocka_unit_test_setup(test_version, run_setup),
		cmocka_unit_test_setup(test_formats, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: reports", tests, NULL, NULL);
}
