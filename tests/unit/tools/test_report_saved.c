// SPDX-License-Identifier: MIT
/*
 * hpctl report: what load and unload save, and what is told of that.
 */
#include "reports.h"

static void test_unload_saves(void **state)
{
	(void)state;
	fake.depth = 4096;
	fake.exits_total[1] = 5000;
	write_fault(1);
	assert_int_equal(run("unload"), HPCTL_OK);
	assert_string_equal(run_err, "");
	assert_string_equal(run_out, "HyperPlatform is unloaded.\n"
				     "Something had gone wrong: hpctl report tells what.\n");
	assert_string_equal(fake.trace, " stop save unload");

	/* Without the module, and with one that knows of nothing. */
	memset(fake.report, 0, sizeof(fake.report));
	assert_int_equal(run("report --exits 4096"), HPCTL_NO);
	assert_string_equal(fake.file[OS_FILE_REPORT].asked, "");
	run_expect(run_out, "This is of an earlier run. It was saved at 20");
	run_expect(run_out, " in\n/saved/report.\n\nprocessor 1: a fault in root: page fault");
	run_expect(run_out, "  in root:   exit_cpuid+0x12\n");
	run_expect(run_out, "processor 0: the last 3 of 3 VM exits, ");
	run_expect(run_out, "processor 1: the last 4096 of 5000 VM exits, ");
	fake_set_running();
	fake.exits_total[1] = 77;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "This is of an earlier run.");
	run_expect(run_out, "of 5000 VM exits");

	/* Of the run that is going on when that is what is asked for, or when it has a report. */
	assert_int_equal(run("report --exits 2"), HPCTL_OK);
	run_expect(run_out, "Nothing has gone wrong.\n\n");
	run_expect(run_out, "of 77 VM exits");
	assert_int_equal(run("report --exits 2 --file /saved/report"), HPCTL_NO);
	run_expect(run_out, "of 5000 VM exits");
	write_report(0, HP_REPORT_UNEXPECTED_EXIT);
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect_no(run_out, "earlier");
	run_expect(run_out, "processor 0: a VM exit without a handler");
}

static void test_saved_json(void **state)
{
	cJSON *root;

	(void)state;
	write_fault(1);
	assert_int_equal(run("unload"), HPCTL_OK);
	root = run_json("report --json --file /x/report", HPCTL_NO);
	assert_string_equal(fake.file[OS_FILE_REPORT].asked, "/x/report");
	assert_false(run_true(root, "running"));
	assert_string_equal(run_string(root, "file"), "/x/report");
	assert_int_equal(strlen(run_string(root, "written")), strlen("2026-11-25T10:00:00Z"));
	assert_string_equal(run_string(root, "processors.1.report.root.at.name"),
			    "exit_cpuid+0x12");
	assert_int_equal(run_number(root, "processors.1.history.exits.0.number"), 999);
	cJSON_Delete(root);
}

/* Nothing is written when nothing was wrong, and an older report stays. */
static void test_unload_saves_nothing(void **state)
{
	(void)state;
	assert_int_equal(run("unload"), HPCTL_OK);
	assert_string_equal(fake.trace, " stop unload");
	assert_string_equal(run_out, "HyperPlatform is unloaded.\n");
}

static void test_unload_cannot_save(void **state)
{
	(void)state;
	write_fault(1);
	fake_set_error(&fake.save_error, OS_FAILED, "/saved/report: No space left", "");
	assert_int_equal(run("unload"), HPCTL_OK);
	assert_string_equal(run_out, "HyperPlatform is unloaded.\n");
	assert_string_equal(run_err, "hpctl: what the module knows of its failure is lost: "
				     "/saved/report: No space left\n");
	assert_false(fake.loaded);

	setup(state);
	write_fault(1);
	fake.result[HP_REQUEST_HISTORY] = HP_ERROR_NO_MEMORY;
	assert_int_equal(run("unload"), HPCTL_OK);
	run_expect(run_err, "cannot see whether something went wrong: processor 0: ");
	assert_false(fake.loaded);
}

/* A start that failed below leaves a report, too, which would go with the module. */
static void test_load_saves(void **state)
{
	(void)state;
	fake_reset();
	write_report(1, HP_REPORT_ENTRY_FAILED);
	fake.result[HP_REQUEST_START] = HP_ERROR_ENTRY_FAILED;
	assert_int_equal(run("load"), HPCTL_FAILED);
	assert_string_equal(fake.trace, " load start save unload");
	assert_string_equal(run_out, "What is known of the failure was saved for hpctl report.\n");
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "processor 1: VM entry failed");
}

static void test_damaged_file(void **state)
{
	static uint8_t copy[sizeof(fake_saved)];
	size_t bytes, i;

	(void)state;
	write_fault(1);
	assert_int_equal(run("unload"), HPCTL_OK);
	bytes = fake_saved_bytes;
	memcpy(copy, fake_saved, bytes);
	/* Each byte of the header, and every so often one of the rest. */
	for (i = 0; i < bytes; i += i < 80 ? 1 : 37) {
		copy[i] ^= 0x10;
		set_file(OS_FILE_REPORT, copy, bytes);
		assert_int_equal(run("report"), HPCTL_FAILED);
		assert_string_equal(run_out, "");
		run_expect(run_err, "hpctl: cannot get the report: /saved/report: ");
		run_expect(run_err, "remedy: read it with the hpctl that wrote it, or remove it\n");
		copy[i] ^= 0x10;
	}
	for (i = 0; i < bytes; i += i < 80 ? 1 : 371) {
		set_file(OS_FILE_REPORT, copy, i);
		assert_int_equal(run("report --file x"), HPCTL_FAILED);
	}
	set_file(OS_FILE_REPORT, copy, bytes + 1);
	assert_int_equal(run("report"), HPCTL_FAILED);
	run_expect(run_err, "the file is damaged\n");
	set_file(OS_FILE_REPORT, "text", 4);
	assert_int_equal(run("report"), HPCTL_FAILED);
	run_expect(run_err, "this is no file of reports\n");
	copy[8] ^= 1; /* the ABI's version */
	set_file(OS_FILE_REPORT, copy, bytes);
	assert_int_equal(run("report"), HPCTL_FAILED);
	run_expect(run_err, "another version of hpctl wrote it\n");

	/* One that is named has to be there. */
	set_file(OS_FILE_REPORT, NULL, 0);
	assert_int_equal(run("report --file x"), HPCTL_FAILED);
	assert_int_equal(run("report"), HPCTL_OK);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_unload_saves, setup),
		cmocka_unit_test_setup(test_saved_json, setup),
		cmocka_unit_test_setup(test_unload_saves_nothing, setup),
		cmocka_unit_test_setup(test_unload_cannot_save, setup),
		cmocka_unit_test_setup(test_load_saves, setup),
		cmocka_unit_test_setup(test_damaged_file, setup),
	};

	return cmocka_run_group_tests_name("hpctl: report, saved", tests, NULL, NULL);
}
