// SPDX-License-Identifier: MIT
/*
 * hpctl exits, and exits= of hpctl load.
 */
#include "run.h"

#define CR	  HP_EXITS_CR
#define MSR	  HP_EXITS_MSR
#define EXCEPTION HP_EXITS_EXCEPTION

static void changed(const char *line, uint32_t from, uint32_t to)
{
	fake_set_running();
	fake.exits.on = from;
	assert_int_equal(run(line), HPCTL_OK);
	assert_int_equal(fake.exits.on, to);
	assert_string_equal(run_out, "");
}

static void test_changes(void **state)
{
	(void)state;
	changed("exits all", CR, HP_EXITS_ALL);
	changed("exits none", CR | MSR, 0);
	changed("exits +msr", CR, CR | MSR);
	changed("exits -msr", CR | MSR, CR);
	changed("exits -msr +exception", CR | MSR, CR | EXCEPTION);
	changed("exits +exception,-cr", CR | MSR, MSR | EXCEPTION);
	changed("exits cr,msr", EXCEPTION, CR | MSR);
	changed("exits cr msr", EXCEPTION, CR | MSR);
	changed("exits all -cr", 0, HP_EXITS_ALL & ~CR);
	changed("exits -cr all", 0, HP_EXITS_ALL & ~CR);
	changed("exits -- -cr", CR | MSR, MSR);
}

static void test_wrong_words(void **state)
{
	(void)state;
	fake_set_running();
	fake.exits.on = CR;
	assert_int_equal(run("exits cr,foo"), HPCTL_USAGE);
	run_expect(run_err, "\"foo\" is no group of exits; there are: all none cr dr msr io");
	assert_int_equal(run("exits +"), HPCTL_USAGE);
	assert_int_equal(run("exits -all"), HPCTL_USAGE);
	assert_int_equal(run("exits cr,,msr"), HPCTL_USAGE);
	assert_int_equal(run("load exits"), HPCTL_USAGE);
	assert_int_equal(run("load exits=foo"), HPCTL_USAGE);
	assert_int_equal(fake.exits.on, CR);
}

static void test_list(void **state)
{
	cJSON *root;

	(void)state;
	fake_set_running();
	fake.exits.on = MSR;
	fake.exits.able = HP_EXITS_ALL & ~CR;
	assert_int_equal(run("exits"), HPCTL_OK);
	run_expect(run_out, "cr          not possible  MOV to and from");
	run_expect(run_out, "msr         on            RDMSR, WRMSR");
	run_expect(run_out, "dr          off           MOV to");
	root = run_json("exits --json", HPCTL_OK);
	assert_string_equal(run_string(root, "exits.2.name"), "msr");
	cJSON_Delete(root);
}

static void test_refusal(void **state)
{
	(void)state;
	fake_set_running();
	fake.result[HP_REQUEST_EXITS] = HP_ERROR_CAPABILITY;
	fake.exits.missing = HP_CONTROL_WBINVD;
	fake.exits.processor = 3;
	assert_int_equal(run("exits +cache"), HPCTL_FAILED);
	run_expect(run_err, "processor 3: the processor lacks a VT-x capability");
	run_expect(run_err, "WBINVD exiting (secondary control 6)");
}

static void test_not_running(void **state)
{
	(void)state;
	assert_int_equal(run("exits all"), HPCTL_NO);
	run_expect(run_err, "HyperPlatform is not running");
	fake.loaded = true;
	assert_int_equal(run("exits"), HPCTL_NO);
}

static void test_load(void **state)
{
	(void)state;
	assert_int_equal(run("load exits=all"), HPCTL_OK);
	assert_int_equal(fake.exits.on, HP_EXITS_ALL);
	assert_int_equal(run("status"), HPCTL_OK);
	run_expect(run_out, "groups of exits that are on: all\n");
	fake_reset();
	assert_int_equal(run("load exits=cr,msr"), HPCTL_OK);
	assert_int_equal(fake.exits.on, CR | MSR);
	run("status");
	run_expect(run_out, "groups of exits that are on: cr,msr\n");
	fake_reset();
	assert_int_equal(run("load"), HPCTL_OK);
	assert_int_equal(fake.exits.on, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_changes, run_setup),
		cmocka_unit_test_setup(test_wrong_words, run_setup),
		cmocka_unit_test_setup(test_list, run_setup),
		cmocka_unit_test_setup(test_refusal, run_setup),
		cmocka_unit_test_setup(test_not_running, run_setup),
		cmocka_unit_test_setup(test_load, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: exits", tests, NULL, NULL);
}
