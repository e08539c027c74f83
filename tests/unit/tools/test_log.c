// SPDX-License-Identifier: MIT
/*
 * hpctl log: the columns, JSON, raw lines; lines in pieces; following, and how that ends.
 */
#include "run.h"

#include <string.h>

#define FIRST                                                                                      \
	"12:30:01.125\tINF\t#0\t    4\t   88\tSystem         \tprocessor 0 runs as a guest now\n"
#define SECOND "12:30:01.126\tWARN\t#11\t1234\t1235\tbash\ta\tmessage with tabs\n"

static void test_columns(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = FIRST SECOND;
	assert_int_equal(run("log"), HPCTL_OK);
	assert_string_equal(run_out,
			    "12:30:01.125  INF   #0        4     88  System           processor 0 "
			    "runs as a guest now\n"
			    "12:30:01.126  WARN  #11    1234   1235  bash             a message "
			    "with tabs\n");
	assert_string_equal(run_err, "");
}

static void test_pieces(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = "12:30:01\tINF\t#0\t4";
	fake.log[1] = "\t88\tSys";
	fake.log[2] = "tem\tone\n12:30:02\tINF\t#1\t4\t88\tSystem\ttwo";
	assert_int_equal(run("log"), HPCTL_OK);
	run_expect(run_out, "System           one\n");
	run_expect(run_out, "System           two\n");
	assert_int_equal(run_count(run_out, "\n"), 2);
}

static void test_not_running_but_loaded(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.log[0] = SECOND;
	assert_int_equal(run("log"), HPCTL_OK);
	run_expect(run_out, "bash");
	fake_reset();
	fake.loaded = true;
	assert_int_equal(run("log"), HPCTL_OK);
	assert_string_equal(run_out, "");
}

/* A process chooses its own name: it must not reach the terminal as a command. */
static void test_hostile(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	fake.log[0] = "1\tINF\t#0\t1\t2\te\033[2Jvil\tm\177e\n";
	assert_int_equal(run("log"), HPCTL_OK);
	run_expect(run_out, "e?[2Jvil         m?e\n");

	fake_reset();
	fake_set_running();
	fake.log[0] = "1\tINF\t#0\t1\t2\t\xff\xc0\x80\xc3\xa9\xed\xa0\x80\xf0\x9f\x98\x80\xe2\tm\n";
	root = run_json("log --json", HPCTL_OK);
	assert_string_equal(run_string(root, "image"),
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd"
			    "\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd");
	cJSON_Delete(root);
}

static void test_other_lines(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	fake.log[0] = "no\ttabs\033 enough\n\n";
	assert_int_equal(run("log"), HPCTL_OK);
	assert_string_equal(run_out, "no tabs? enough\n\n");
	fake_reset();
	fake_set_running();
	fake.log[0] = "free text\n";
	root = run_json("log --json", HPCTL_OK);
	assert_string_equal(run_string(root, "message"), "free text");
	assert_int_equal(cJSON_GetArraySize(root), 1);
	cJSON_Delete(root);
}

/* A line without an end is printed in pieces; none of it is lost. */
static void test_endless_line(void **state)
{
	static char piece[1000];
	unsigned i;

	(void)state;
	memset(piece, 'x', sizeof(piece) - 1);
	fake_set_running();
	for (i = 0; i < 8; i++)
		fake.log[i] = piece;
	fake.log[8] = "yyy";
	fake.log[9] = "end\n";
	assert_int_equal(run("log"), HPCTL_OK);
	assert_int_equal(run_count(run_out, "x"), 7992);
	run_expect(run_out, "x\nyyyend\n"); /* with room left for a read */
}

static void test_raw(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = FIRST SECOND;
	assert_int_equal(run("log --raw"), HPCTL_OK);
	assert_string_equal(run_out, FIRST SECOND);
}

static void test_json(void **state)
{
	cJSON *root;
	char *end;

	(void)state;
	fake_set_running();
	fake.log[0] = FIRST SECOND;
	assert_int_equal(run("log --json"), HPCTL_OK);
	assert_int_equal(run_count(run_out, "\n"), 2);
	end = strchr(run_out, '\n');
	root = cJSON_ParseWithOpts(end + 1, NULL, 1);
	assert_non_null(root);
	assert_string_equal(run_string(root, "message"), "a\tmessage with tabs");
	assert_int_equal(run_number(root, "processor"), 11);
	cJSON_Delete(root);
	*end = '\0';
	root = cJSON_ParseWithOpts(run_out, NULL, 1);
	assert_non_null(root);
	assert_string_equal(run_string(root, "time"), "12:30:01.125");
	assert_string_equal(run_string(root, "level"), "INF");
	assert_int_equal(run_number(root, "processor"), 0);
	assert_int_equal(run_number(root, "pid"), 4);
	assert_int_equal(run_number(root, "tid"), 88);
	assert_string_equal(run_string(root, "image"), "System");
	cJSON_Delete(root);

	fake_reset();
	fake_set_running();
	fake.log[0] = "t\tINF\t#?\t-\t\ti\tm\n";
	root = run_json("log --json", HPCTL_OK);
	assert_string_equal(run_string(root, "processor"), "?");
	assert_string_equal(run_string(root, "pid"), "-");
	assert_string_equal(run_string(root, "tid"), "");
	cJSON_Delete(root);
}

static void test_follow_until_interrupt(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = FIRST;
	fake.log[1] = "";
	fake.log[2] = SECOND;
	fake.interrupt_after = 6;
	assert_int_equal(run("log -f"), HPCTL_OK);
	assert_int_equal(run_count(run_out, "\n"), 2);
	assert_string_equal(run_err, "");
	assert_true(fake.reads >= 6);
}

static void test_follow_until_stop(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = FIRST;
	fake.stop_after = 4;
	fake.log[1] = "";
	fake.log[2] = "";
	fake.log[3] = "";
	fake.log[4] = SECOND; /* came between the look and the end */
	assert_int_equal(run("log --follow"), HPCTL_OK);
	assert_int_equal(run_count(run_out, "\n"), 2);
}

static void test_follow_until_driver_goes(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = FIRST;
	fake.log_ends = true;
	assert_int_equal(run("log -f --json"), HPCTL_OK);
	assert_int_equal(run_count(run_out, "\n"), 1);
}

/* Not running yet: wait for it; only a stop ends it. */
static void test_follow_before_start(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.interrupt_after = 3;
	assert_int_equal(run("log -f"), HPCTL_OK);
	assert_int_equal(fake.reads, 4);
}

static void test_follow_output_fails(void **state)
{
	(void)state;
	fake_set_running();
	fake.log[0] = FIRST;
	fake.log[1] = SECOND;
	assert_int_equal(run_to("/dev/full", "log -f"), HPCTL_FAILED);
	assert_int_equal(fake.reads, 1);
	run_expect(run_err, "hpctl: cannot write the output: ");
}

static void test_fails(void **state)
{
	(void)state;
	assert_int_equal(run("log"), HPCTL_NO);
	assert_string_equal(run_err, "hpctl: cannot read the log: HyperPlatform is not running\n"
				     "remedy: hpctl load\n");
	fake.loaded = true;
	fake_set_error(&fake.open_error, OS_DENIED, "this user may not", "run it as root");
	assert_int_equal(run("log -f"), HPCTL_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_columns, run_setup),
		cmocka_unit_test_setup(test_pieces, run_setup),
		cmocka_unit_test_setup(test_not_running_but_loaded, run_setup),
		cmocka_unit_test_setup(test_hostile, run_setup),
		cmocka_unit_test_setup(test_other_lines, run_setup),
		cmocka_unit_test_setup(test_endless_line, run_setup),
		cmocka_unit_test_setup(test_raw, run_setup),
		cmocka_unit_test_setup(test_json, run_setup),
		cmocka_unit_test_setup(test_follow_until_interrupt, run_setup),
		cmocka_unit_test_setup(test_follow_until_stop, run_setup),
		cmocka_unit_test_setup(test_follow_until_driver_goes, run_setup),
		cmocka_unit_test_setup(test_follow_before_start, run_setup),
		cmocka_unit_test_setup(test_follow_output_fails, run_setup),
		cmocka_unit_test_setup(test_fails, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: log", tests, NULL, NULL);
}
