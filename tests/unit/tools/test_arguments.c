// SPDX-License-Identifier: MIT
/*
 * Command lines, right and wrong; help; output that can't be written.
 */
#include "run.h"

#include <string.h>

static void expect_usage(const char *line, const char *problem)
{
	int status = run(line);

	if (status != HPCTL_USAGE)
		fail_msg("hpctl %s: exit status %d\n%s", line, status, run_err);
	assert_string_equal(run_out, "");
	assert_string_equal(fake.trace, ""); /* nothing was done */
	run_expect(run_err, "hpctl: ");
	run_expect(run_err, problem);
	run_expect(run_err, "\nremedy: see hpctl help");
	assert_int_equal(run_count(run_err, "\n"), 2);
}

static void test_wrong_lines(void **state)
{
	unsigned i;

	(void)state;
	expect_usage("", "a verb is missing");
	expect_usage("laod", "there is no verb laod");
	expect_usage("--nosuch", "unknown option --nosuch");
	expect_usage("-x", "unknown option -x");
	expect_usage("--json status", "the verb comes first");
	expect_usage("help nosuch", "there is no verb nosuch");
	expect_usage("help load unload", "unexpected operand unload");
	expect_usage("load --module", "--module needs a value");
	expect_usage("load --json", "--json is an unknown option");
	expect_usage("load --un=3", "--un=3 does not take a value");
	expect_usage("log -x", "unknown option -x");
	expect_usage("log --json -fx", "unknown option -x");
	expect_usage("log --follow=3", "--follow=3 does not take a value");
	expect_usage("report x", "processor x: a number from 0 to 255 is needed");
	expect_usage("report --vmcs --json", "exclude each other");
	expect_usage("report --exits", "--exits needs a value");
	expect_usage("report --exits=", "--exits : a number from 0 to 4096 is needed");
	expect_usage("report --exits 8x", "--exits 8x: a number");
	expect_usage("report --exits -1", "--exits -1: a number");
	expect_usage("report --exits 4097", "--exits 4097: a number");
	expect_usage("report --exits 99999999999999999999", "a number from 0 to 4096 is needed");
	expect_usage("log --raw --json", "exclude each other");
	expect_usage("status --all", "--all is an unknown option");
	expect_usage("stat -- --all", "unexpected operand --all");
	for (i = 0; i < hpctl_verbs_count; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s --nosuch", hpctl_verbs[i].name);
		expect_usage(line, "--nosuch is an unknown option");
		snprintf(line, sizeof(line), "%s -q", hpctl_verbs[i].name);
		expect_usage(line, "unknown option -q");
		snprintf(line, sizeof(line), "%s one two", hpctl_verbs[i].name);
		if (hpctl_verbs[i].operands > 2)
			expect_usage(line, "\"one\" is no group of exits");
		else
			expect_usage(line,
				     hpctl_verbs[i].operands == 1 ? "operand two" : "operand one");
	}
}

static void test_abbreviations(void **state)
{
	(void)state;
	assert_int_equal(run("load --unload --mod=/tmp/h.ko"), HPCTL_OK);
	assert_string_equal(fake.trace, " load /tmp/h.ko kvm start");
}

static void test_help(void **state)
{
	char all[sizeof(run_out)];
	unsigned i;

	(void)state;
	assert_int_equal(run("--help"), HPCTL_OK);
	memcpy(all, run_out, sizeof(all));
	run_expect(all, "usage: hpctl VERB");
	run_expect(all, "exit status:");
	assert_int_equal(run("help"), HPCTL_OK);
	assert_string_equal(run_out, all);
	assert_int_equal(run("-h"), HPCTL_OK);
	assert_string_equal(run_out, all);

	for (i = 0; i < hpctl_verbs_count; i++) {
		char line[64], one[sizeof(run_out)];

		run_expect(all, hpctl_verbs[i].summary);
		snprintf(line, sizeof(line), "help %s", hpctl_verbs[i].name);
		assert_int_equal(run(line), HPCTL_OK);
		memcpy(one, run_out, sizeof(one));
		snprintf(line, sizeof(line), "usage: hpctl %s", hpctl_verbs[i].name);
		run_expect(one, line);
		run_expect(one, "-h, --help");
		snprintf(line, sizeof(line), "%s --help", hpctl_verbs[i].name);
		assert_int_equal(run(line), HPCTL_OK);
		assert_string_equal(run_out, one);
		snprintf(line, sizeof(line), "%s -h and more", hpctl_verbs[i].name);
		assert_int_equal(run(line), HPCTL_OK);
		assert_string_equal(run_out, one);
	}
	assert_string_equal(fake.trace, "");
}

static void test_synopsis(void **state)
{
	(void)state;
	run("help log");
	run_expect(run_out, "usage: hpctl log [-f] [--raw] [--json]\n");
	run_expect(run_out, "  -f, --follow ");
	run("help load");
	run_expect(run_out, "usage: hpctl load [--unload-kvm] [--module PATH] [exits=GROUP,...] "
			    "[history=N]\n");
	run("help help");
	run_expect(run_out, "usage: hpctl help [VERB]\n");
}

static void test_version_option(void **state)
{
	(void)state;
	assert_int_equal(run("--version"), HPCTL_OK);
	assert_string_equal(run_out, "hpctl " HP_VERSION "\n");
	assert_int_equal(run("-V"), HPCTL_OK);
}

static void test_output_fails(void **state)
{
	static const char *const lines[] = { "--help",	    "help load", "--version",
					     "version",	    "check",	 "status",
					     "ping",	    "stat",	 "version --json",
					     "ping --json", "log" };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fake_reset();
		fake_set_running();
		fake.log[0] = "a line\n";
		assert_int_equal(run_to("/dev/full", lines[i]), HPCTL_FAILED);
		run_expect(run_err, "hpctl: cannot write the output: ");
	}
}

/* A report that says no, and that nobody could read, is a failure, not a no. */
static void test_no_and_output_fails(void **state)
{
	(void)state;
	assert_int_equal(run_to("/dev/full", "status"), HPCTL_FAILED);
	assert_int_equal(run_to("/dev/full", "nosuch"), HPCTL_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_wrong_lines, run_setup),
		cmocka_unit_test_setup(test_abbreviations, run_setup),
		cmocka_unit_test_setup(test_help, run_setup),
		cmocka_unit_test_setup(test_synopsis, run_setup),
		cmocka_unit_test_setup(test_version_option, run_setup),
		cmocka_unit_test_setup(test_output_fails, run_setup),
		cmocka_unit_test_setup(test_no_and_output_fails, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: arguments", tests, NULL, NULL);
}
