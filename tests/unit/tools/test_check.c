// SPDX-License-Identifier: MIT
/*
 * hpctl check: the device's answer, the module loaded for the question, and what CPUID alone tells.
 */
#include "run.h"

#include <string.h>

static void set_missing(unsigned processor, enum hp_requirement_id id, enum hp_error error)
{
	fake.check[processor].requirement[id].verdict = HP_CHECK_MISSING;
	fake.check[processor].requirement[id].found = 0x1;
	fake.check[processor].error = error;
}

static void test_able(void **state)
{
	(void)state;
	fake.loaded = true;
	assert_int_equal(run("check"), HPCTL_OK);
	assert_string_equal(run_err, "");
	run_expect(run_out, "Pretended(R) CPU (GenuineIntel), 2 processors online\n");
	run_expect(run_out, "\nok       0xd810000000002c    Intel VT-x (CPUID.1:ECX[5])\n");
	run_expect(run_out, "\nThis machine can run HyperPlatform.\n");
	/* One line for all processors. */
	assert_int_equal(run_count(run_out, "\nok  "), HP_REQUIREMENT_COUNT);
	run_expect_no(run_out, "[processor");
	run_expect_no(run_out, "remedy");
	assert_string_equal(fake.trace, "");
}

static void test_running(void **state)
{
	(void)state;
	fake_set_running();
	assert_int_equal(run("check"), HPCTL_OK);
	run_expect(run_out, "HyperPlatform is running: this was found when it was loaded.");
}

static void test_missing_on_all(void **state)
{
	(void)state;
	fake.loaded = true;
	set_missing(0, HP_REQUIREMENT_FEATURE_CONTROL, HP_ERROR_VMX_LOCKED_OFF);
	set_missing(1, HP_REQUIREMENT_FEATURE_CONTROL, HP_ERROR_VMX_LOCKED_OFF);
	assert_int_equal(run("check"), HPCTL_NO);
	run_expect(run_out, "\nMISSING  0x1                 VT-x allowed by the firmware "
			    "(IA32_FEATURE_CONTROL bits 0 and 2)\n"
			    "         remedy: turn on Intel Virtualization Technology");
	run_expect(run_out, "can't run HyperPlatform: the firmware has locked VT-x off "
			    "(processor 0).\n");
	run_expect_no(run_out, "settles it");
	assert_int_equal(run_count(run_out, "remedy"), 1);
}

static void test_missing_on_some(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.count = 6;
	set_missing(1, HP_REQUIREMENT_INVEPT, HP_ERROR_CAPABILITY);
	set_missing(4, HP_REQUIREMENT_INVEPT, HP_ERROR_CAPABILITY);
	fake.check[2].requirement[HP_REQUIREMENT_INVEPT].found = 0x77;
	assert_int_equal(run("check"), HPCTL_NO);
	run_expect(run_out, "ok       0xd8100000000034    INVEPT, single-context and all-context "
			    "(bits 20, 25, 26)  [processor 0, 3, 5]\n"
			    "MISSING  0x1                 INVEPT, single-context and all-context "
			    "(bits 20, 25, 26)  [processor 1, 4]\n"
			    "ok       0x77                INVEPT, single-context and all-context "
			    "(bits 20, 25, 26)  [processor 2]\n"
			    "         remedy: use a newer Intel processor");
	run_expect(run_out, "capability that is needed (processor 1).\n");
}

static void test_optional(void **state)
{
	(void)state;
	fake.loaded = true;
	set_missing(0, HP_REQUIREMENT_EPT_1G, HP_ERROR_OK);
	set_missing(1, HP_REQUIREMENT_EPT_1G, HP_ERROR_OK);
	fake.check[0].requirement[HP_REQUIREMENT_NOT_IN_USE].verdict = HP_CHECK_UNKNOWN;
	fake.check[1].requirement[HP_REQUIREMENT_NOT_IN_USE].verdict = HP_CHECK_UNKNOWN;
	fake.check[1].requirement[HP_REQUIREMENT_NOT_IN_USE].found =
		fake.check[0].requirement[HP_REQUIREMENT_NOT_IN_USE].found;
	assert_int_equal(run("check"), HPCTL_OK);
	run_expect(run_out, "\nabsent   0x1                 1 GiB pages in EPT (bit 17)\n");
	run_expect(run_out, "\nunknown  -                   VT-x not in use");
	run_expect_no(run_out, "remedy");
}

static void test_offline(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.count = 4;
	fake.offline[1] = true;		      /* for us */
	fake.result_on[2] = HP_ERROR_OFFLINE; /* since we looked */
	set_missing(1, HP_REQUIREMENT_EPT, HP_ERROR_NO_EPT);
	set_missing(2, HP_REQUIREMENT_EPT, HP_ERROR_NO_EPT);
	assert_int_equal(run("check"), HPCTL_OK);
	run_expect_no(run_out, "[processor");
}

static void test_device_fails(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.result_on[1] = HP_ERROR_NO_ANSWER;
	assert_int_equal(run("check"), HPCTL_FAILED);
	run_expect(run_err, "hpctl: cannot look at every requirement: processor 1: the processor "
			    "did not answer\nremedy: see the log\n");
	run_expect(run_out, "is not known.\n");
	run_expect_no(run_out, "This machine can run");

	fake_reset();
	fake.loaded = true;
	fake.result[HP_REQUEST_VERSION] = HP_ERROR_REQUEST;
	assert_int_equal(run("check"), HPCTL_FAILED);
	run_expect(run_err, "remedy: use an hpctl of the same version as the module\n");
}

/* The module comes for the question and goes. */
static void test_module_for_the_question(void **state)
{
	(void)state;
	assert_int_equal(run("check"), HPCTL_OK);
	assert_string_equal(fake.trace, " load unload");
	assert_false(fake.loaded);
	run_expect(run_out, "\nThis machine can run HyperPlatform.\n");
	assert_true(fake.interrupt_caught);

	fake_reset();
	set_missing(1, HP_REQUIREMENT_EPT, HP_ERROR_NO_EPT);
	assert_int_equal(run("check --module /x.ko"), HPCTL_NO);
	assert_string_equal(fake.trace, " load /x.ko unload");
}

static void test_module_stays(void **state)
{
	(void)state;
	fake_set_error(&fake.unload_error, OS_BUSY, "the module is in use", "end them");
	assert_int_equal(run("check"), HPCTL_FAILED);
	run_expect(run_err, "hpctl: cannot remove the module again: the module is in use\n");
	run_expect(run_out, "\nThis machine can run HyperPlatform.\n");

	/* That the answer is no is less urgent than what was left behind. */
	fake_reset();
	set_missing(1, HP_REQUIREMENT_EPT, HP_ERROR_NO_EPT);
	fake_set_error(&fake.unload_error, OS_DENIED, "not permitted", "");
	assert_int_equal(run("check"), HPCTL_DENIED);
}

/* Without VT-x there is no need to load anything. */
static void test_no_vmx(void **state)
{
	(void)state;
	fake.vmx = false;
	assert_int_equal(run("check"), HPCTL_NO);
	assert_string_equal(fake.trace, "");
	assert_string_equal(run_err, "");
	run_expect(run_out, "\nMISSING  0x0                 Intel VT-x (CPUID.1:ECX[5])\n"
			    "         remedy: use a machine with an Intel processor");
	run_expect(run_out, "What is unknown was not looked at. What is missing settles it:\n");
	run_expect(run_out, "the processor has no Intel VT-x (processor 0).\n");
}

static void test_no_long_mode(void **state)
{
	(void)state;
	fake.long_mode = false;
	assert_int_equal(run("check"), HPCTL_NO);
	assert_string_equal(fake.trace, "");
	run_expect(run_out, "\nMISSING  0x0                 64-bit processor");
}

/* An ordinary user learns what CPUID tells, and that there is no answer. */
static void test_denied(void **state)
{
	(void)state;
	fake_set_error(&fake.load_error, OS_DENIED, "only root may load a module",
		       "run it as root");
	assert_int_equal(run("check"), HPCTL_DENIED);
	run_expect(run_out, "\nok       0x20                Intel VT-x");
	run_expect(run_out, "\nok       0x0                 kvm_intel not loaded\n");
	assert_int_equal(run_count(run_out, "\nunknown  - "), HP_REQUIREMENT_COUNT - 3);
	run_expect(run_out, "is not known.\n");
	run_expect(run_err, "hpctl: cannot look at every requirement: only root may load a module\n"
			    "remedy: run it as root\n");
}

/* The hypervisor hides VT-x from its guest: to take that for "no VT-x" would be wrong. */
static void test_denied_while_running(void **state)
{
	(void)state;
	fake_set_running();
	fake_set_error(&fake.open_error, OS_DENIED, "this user may not", "run it as root");
	assert_int_equal(run("check"), HPCTL_DENIED);
	run_expect(run_out, "\nunknown  -                   Intel VT-x");
	run_expect(run_out, "is not known.\n");
}

static void test_not_installed(void **state)
{
	(void)state;
	fake_set_error(&fake.load_error, OS_ABSENT, "the module is not installed", "install it");
	assert_int_equal(run("check"), HPCTL_FAILED);
	run_expect(run_err, "the module is not installed\nremedy: install it\n");
	run_expect(run_out, "is not known.\n");

	/* What is known to be missing is known, all the same. */
	fake.kvm_loaded = true;
	assert_int_equal(run("check"), HPCTL_NO);
	run_expect(run_err, "the module is not installed\n");
	run_expect(run_out, "\nMISSING  0x1                 kvm_intel not loaded\n"
			    "         remedy: end its guests");
}

static void test_barred(void **state)
{
	(void)state;
	fake.barred[1] = true;
	assert_int_equal(run("check"), HPCTL_FAILED);
	run_expect(run_err, "hpctl: cannot look at processor 1: barred\n");
}

static void test_json(void **state)
{
	cJSON *root;

	(void)state;
	fake.loaded = true;
	fake.check[1].requirement[HP_REQUIREMENT_INSTRUCTIONS].verdict = HP_CHECK_UNKNOWN;
	root = run_json("check --json", HPCTL_OK);
	assert_true(run_true(root, "able"));
	assert_true(run_null(root, "error"));
	assert_false(run_true(root, "by_cpuid_only"));
	assert_false(run_true(root, "running"));
	assert_string_equal(run_string(root, "maker"), "GenuineIntel");
	assert_string_equal(run_string(root, "name"), "Pretended(R) CPU");
	assert_int_equal(run_number(root, "online"), 2);
	assert_int_equal(cJSON_GetArraySize(run_at(root, "requirements")), HP_REQUIREMENT_COUNT);
	assert_string_equal(run_string(root, "requirements.1.name"), "VMX");
	assert_string_equal(run_string(root, "requirements.1.error"), "NO_VMX");
	assert_true(run_true(root, "requirements.1.required"));
	assert_false(run_true(root, "requirements.17.required"));
	assert_true(run_null(root, "requirements.17.error"));
	assert_int_equal(run_number(root, "requirements.1.processors.1.processor"), 1);
	assert_string_equal(run_string(root, "requirements.1.processors.1.verdict"), "ok");
	assert_string_equal(run_string(root, "requirements.1.processors.1.found"),
			    "0xd810000000002c");
	assert_string_equal(run_string(root, "requirements.17.processors.1.verdict"), "unknown");
	assert_true(run_null(root, "requirements.17.processors.1.found"));
	cJSON_Delete(root);
}

static void test_json_not_able(void **state)
{
	cJSON *root;

	(void)state;
	fake.vmx = false;
	root = run_json("check --json", HPCTL_NO);
	assert_false(run_true(root, "able"));
	assert_string_equal(run_string(root, "error"), "NO_VMX");
	assert_true(run_true(root, "by_cpuid_only"));
	assert_string_equal(run_string(root, "requirements.1.processors.0.verdict"), "missing");
	run_expect(run_string(root, "requirements.1.remedy"), "Intel processor");
	cJSON_Delete(root);

	fake_reset();
	fake_set_error(&fake.load_error, OS_DENIED, "only root may", "");
	root = run_json("check --json", HPCTL_DENIED);
	assert_true(run_null(root, "able"));
	cJSON_Delete(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_able, run_setup),
		cmocka_unit_test_setup(test_running, run_setup),
		cmocka_unit_test_setup(test_missing_on_all, run_setup),
		cmocka_unit_test_setup(test_missing_on_some, run_setup),
		cmocka_unit_test_setup(test_optional, run_setup),
		cmocka_unit_test_setup(test_offline, run_setup),
		cmocka_unit_test_setup(test_device_fails, run_setup),
		cmocka_unit_test_setup(test_module_for_the_question, run_setup),
		cmocka_unit_test_setup(test_module_stays, run_setup),
		cmocka_unit_test_setup(test_no_vmx, run_setup),
		cmocka_unit_test_setup(test_no_long_mode, run_setup),
		cmocka_unit_test_setup(test_denied, run_setup),
		cmocka_unit_test_setup(test_denied_while_running, run_setup),
		cmocka_unit_test_setup(test_not_installed, run_setup),
		cmocka_unit_test_setup(test_barred, run_setup),
		cmocka_unit_test_setup(test_json, run_setup),
		cmocka_unit_test_setup(test_json_not_able, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: check", tests, NULL, NULL);
}
