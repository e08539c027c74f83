// SPDX-License-Identifier: MIT
/*
 * hpctl load and unload: what is done in which order, and that nothing stays when it fails.
 */
#include "run.h"

#include <string.h>

static void test_load(void **state)
{
	(void)state;
	assert_int_equal(run("load"), HPCTL_OK);
	assert_string_equal(run_out, "HyperPlatform is running on 2 processors.\n");
	assert_string_equal(run_err, "");
	assert_string_equal(fake.trace, " load start");
	assert_true(fake.running && fake.interrupt_caught);
}

static void test_load_one_processor(void **state)
{
	(void)state;
	fake.count = 1;
	assert_int_equal(run("load --module /x/hyperplatform.ko"), HPCTL_OK);
	assert_string_equal(run_out, "HyperPlatform is running on 1 processor.\n");
	assert_string_equal(fake.trace, " load /x/hyperplatform.ko start");
}

static void test_load_history(void **state)
{
	static const char *const wrong[] = { "",    "0",   "31",   "48",  "8192",
					     "-32", "64x", "0x40", " 64", "18446744073709551680" };
	char line[64];
	unsigned i;

	(void)state;
	assert_int_equal(run("load"), HPCTL_OK);
	assert_int_equal(fake.how.history, HP_HISTORY_DEFAULT);
	assert_int_equal(run("unload"), HPCTL_OK);
	assert_int_equal(run("load history=4096 exits=cr"), HPCTL_OK);
	assert_int_equal(fake.how.history, 4096);
	assert_int_equal(fake.how.exits, HP_EXITS_CR);
	assert_int_equal(run("unload"), HPCTL_OK);
	assert_int_equal(run("load exits=cr history=32"), HPCTL_OK);
	assert_int_equal(fake.how.history, 32);
	assert_int_equal(fake.how.exits, HP_EXITS_CR);

	fake_reset();
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "load history=%s", wrong[i]);
		assert_int_equal(run(line), HPCTL_USAGE);
		run_expect(run_err, ": a power of two from 32 to 4096 is needed\n");
	}
	assert_int_equal(run("load history"), HPCTL_USAGE);
	run_expect(run_err, "unexpected operand history\n");
	assert_string_equal(fake.trace, "");
}

/* It had started, but something below the system failed at once. */
static void test_load_stepped_aside(void **state)
{
	(void)state;
	fake.stops_at_once = true;
	fake.report[0].kind = HP_REPORT_FAULT;
	assert_int_equal(run("load"), HPCTL_FAILED);
	assert_string_equal(run_err,
			    "hpctl: HyperPlatform started, and has stepped aside: something "
			    "went wrong below the system\nremedy: hpctl report says what\n");
	assert_string_equal(fake.trace, " load start save unload");
	assert_false(fake.loaded);
}

static void test_load_without_status(void **state)
{
	(void)state;
	fake.result[HP_REQUEST_STATUS] = HP_ERROR_BUSY;
	assert_int_equal(run("load"), HPCTL_OK);
	assert_string_equal(run_out, "HyperPlatform is running.\n");
}

/* The module is there already, from insmod: it is used, and it is not ours to remove. */
static void test_load_driver_there(void **state)
{
	(void)state;
	fake.loaded = true;
	assert_int_equal(run("load"), HPCTL_OK);
	assert_string_equal(fake.trace, " start");

	fake_reset();
	fake.loaded = true;
	fake.result[HP_REQUEST_START] = HP_ERROR_NO_EPT;
	assert_int_equal(run("load"), HPCTL_FAILED);
	assert_string_equal(fake.trace, " start");
}

static void test_load_already(void **state)
{
	(void)state;
	fake_set_running();
	fake.kvm_loaded = true;
	assert_int_equal(run("load --unload-kvm"), HPCTL_FAILED);
	assert_string_equal(fake.trace, ""); /* KVM was left alone */
	assert_string_equal(run_err, "hpctl: cannot start HyperPlatform: HyperPlatform is running "
				     "already\nremedy: hpctl unload first\n");
}

/* Every error has its cause and its remedy, and the module goes again. */
static void test_load_refused(void **state)
{
	static const struct {
		enum hp_error error;
		const char *cause, *remedy;
	} errors[] = {
#define ERROR(name, number, cause, remedy) { HP_ERROR_##name, cause, remedy },
		HP_ERRORS(ERROR)
#undef ERROR
	};
	const char *here;
	unsigned i;

	(void)state;
	for (i = 1; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake_reset();
		fake.result[HP_REQUEST_START] = errors[i].error;
		assert_int_equal(run("load"), errors[i].error == HP_ERROR_NOT_PRIVILEGED
						      ? HPCTL_DENIED
						      : HPCTL_FAILED);
		assert_string_equal(run_out, "");
		run_expect(run_err, "hpctl: cannot start HyperPlatform: ");
		run_expect(run_err, errors[i].cause);
		run_expect(run_err, "\nremedy: ");
		here = os_remedy(errors[i].error);
		run_expect(run_err, here ? here : errors[i].remedy);
		run_expect_no(run_err, "processor 0");
		assert_string_equal(fake.trace, " load start unload");
		assert_false(fake.loaded);
	}
}

static void test_load_unknown_error(void **state)
{
	(void)state;
	fake.result[HP_REQUEST_START] = (enum hp_error)99;
	assert_int_equal(run("load"), HPCTL_FAILED);
	run_expect(run_err, "an error that this hpctl does not know (99)\n");
	run_expect(run_err, "remedy: use an hpctl of the same version");
}

static void fail_with(enum hp_error error, uint32_t processor, uint64_t first, uint64_t second)
{
	fake_reset();
	fake.result[HP_REQUEST_START] = error;
	fake.failure = (struct hp_failure){ .error = error,
					    .processor = processor,
					    .requirement = HP_REQUIREMENT_INVEPT,
					    .detail = { first, second } };
	assert_int_equal(run("load"), HPCTL_FAILED);
	assert_string_equal(fake.trace, " load start unload");
}

static void test_load_details(void **state)
{
	(void)state;
	fail_with(HP_ERROR_VMX_LOCKED_OFF, 1, 0, 0);
	run_expect(run_err, "HyperPlatform: processor 1: the firmware has locked VT-x off\n");
	fail_with(HP_ERROR_NO_MEMORY, HP_NO_PROCESSOR, 0, 0);
	run_expect(run_err, "HyperPlatform: the operating system gave no memory\n");
	fail_with(HP_ERROR_CAPABILITY, 0, 0, 0);
	run_expect(run_err, "processor 0: the processor lacks a VT-x capability that is needed: "
			    "INVEPT, single-context");
	fail_with(HP_ERROR_VMCS_FAILED, 3, 0x6800, 0x80050033);
	run_expect(run_err, "processor 3: an instruction on the VMCS failed: GUEST_CR0 (0x6800), "
			    "value 0x80050033\n");
	fail_with(HP_ERROR_VMCS_FAILED, 3, 0x7777, 1);
	run_expect(run_err, "unknown field (0x7777)");
	fail_with(HP_ERROR_ENTRY_FAILED, 0, 0x80000021, 2);
	run_expect(run_err, "VM entry failed: reason 0x80000021 (VM entry failed: guest state), "
			    "qualification 0x2\n");
	fail_with(HP_ERROR_ENTRY_FAILED, 0, 0, 7);
	run_expect(run_err, "VM entry failed: VM-instruction error 7 (invalid control field)\n");
	fail_with(HP_ERROR_ENTRY_FAILED, 0, 0x80000023, 2);
	run_expect(run_err, "(unknown)");
	fail_with(HP_ERROR_VMXON_FAILED, 0, 0, 0);
	run_expect(run_err, "processor 0: VMXON failed\n");
	fail_with(HP_ERROR_VMCS_FAILED, 1, 0, 0);
	run_expect(run_err, "processor 1: an instruction on the VMCS failed\n");
	fail_with(HP_ERROR_STATE, 0, 7, 8);
	run_expect(run_err, "taken over: 0x7, value 0x8\n");
}

/* A requirement that this hpctl does not know must not be looked up. */
static void test_load_unknown_requirement(void **state)
{
	(void)state;
	fake.result[HP_REQUEST_START] = HP_ERROR_CAPABILITY;
	fake.failure =
		(struct hp_failure){ .error = HP_ERROR_CAPABILITY, .requirement = 0xffffffff };
	assert_int_equal(run("load"), HPCTL_FAILED);
	run_expect(run_err, "that is needed\n");
}

static void test_load_module_stays(void **state)
{
	(void)state;
	fake.result[HP_REQUEST_START] = HP_ERROR_NO_MEMORY;
	fake_set_error(&fake.unload_error, OS_BUSY, "the module is in use", "end them");
	assert_int_equal(run("load"), HPCTL_FAILED);
	run_expect(run_err, "gave no memory\n");
	run_expect(run_err, "hpctl: cannot remove the module again: the module is in use\n"
			    "remedy: end them\n");
}

static void test_load_driver_fails(void **state)
{
	(void)state;
	fake_set_error(&fake.load_error, OS_FAILED, "built for another kernel", "build it");
	assert_int_equal(run("load"), HPCTL_FAILED);
	assert_string_equal(run_err, "hpctl: cannot load HyperPlatform: built for another kernel\n"
				     "remedy: build it\n");
	assert_string_equal(fake.trace, " load");

	fake_set_error(&fake.load_error, OS_DENIED, "not you", "");
	assert_int_equal(run("load"), HPCTL_DENIED);
	assert_string_equal(run_err, "hpctl: cannot load HyperPlatform: not you\n");
}

static void test_load_open_denied(void **state)
{
	(void)state;
	fake.loaded = true;
	fake_set_error(&fake.open_error, OS_DENIED, "this user may not", "run it as root");
	assert_int_equal(run("load"), HPCTL_DENIED);
	assert_string_equal(fake.trace, "");
	assert_int_equal(run("unload"), HPCTL_DENIED);
	assert_string_equal(fake.trace, "");
}

static void test_load_kvm(void **state)
{
	(void)state;
	fake.kvm_loaded = true;
	assert_int_equal(run("load --unload-kvm"), HPCTL_OK);
	assert_string_equal(fake.trace, " load kvm start");
	assert_false(fake.kvm_loaded);

	/* Not loaded: as good. */
	fake_reset();
	assert_int_equal(run("load --unload-kvm"), HPCTL_OK);
	assert_string_equal(fake.trace, " load kvm start");

	/* Without the option, KVM is not touched. */
	fake_reset();
	fake.kvm_loaded = true;
	fake.result[HP_REQUEST_START] = HP_ERROR_KVM_LOADED;
	assert_int_equal(run("load"), HPCTL_FAILED);
	run_expect(run_err, "remedy: end its guests, then hpctl load --unload-kvm");
	assert_true(fake.kvm_loaded);
}

static void test_load_kvm_busy(void **state)
{
	(void)state;
	fake.kvm_loaded = true;
	fake_set_error(&fake.kvm_error, OS_BUSY, "guests still run", "end them");
	assert_int_equal(run("load --unload-kvm"), HPCTL_FAILED);
	assert_string_equal(run_err, "hpctl: cannot remove kvm_intel: guests still run\n"
				     "remedy: end them\n");
	assert_string_equal(fake.trace, " load kvm unload");
}

static void test_unload(void **state)
{
	(void)state;
	fake_set_running();
	assert_int_equal(run("unload"), HPCTL_OK);
	assert_string_equal(run_out, "HyperPlatform is unloaded.\n");
	assert_string_equal(fake.trace, " stop unload");
	assert_false(fake.loaded);
}

static void test_unload_absent(void **state)
{
	(void)state;
	assert_int_equal(run("unload"), HPCTL_FAILED);
	run_expect(run_err, "hpctl: cannot unload HyperPlatform: HyperPlatform is not running\n"
			    "remedy: hpctl load\n");
	assert_string_equal(fake.trace, "");
}

static void test_unload_not_running(void **state)
{
	(void)state;
	fake.loaded = true;
	fake.result[HP_REQUEST_STOP] = HP_ERROR_NOT_RUNNING;
	assert_int_equal(run("unload"), HPCTL_OK);
	run_expect(run_out, "was not running; its module is removed");
	assert_string_equal(fake.trace, " stop unload");
}

static void test_unload_refused(void **state)
{
	(void)state;
	fake_set_running();
	fake.result[HP_REQUEST_STOP] = HP_ERROR_BUSY;
	assert_int_equal(run("unload"), HPCTL_FAILED);
	assert_string_equal(run_err, "hpctl: cannot stop HyperPlatform: another load or unload is "
				     "under way\nremedy: try again when it is done\n");
	assert_string_equal(fake.trace, " stop"); /* the module that still works stays */

	fake_set_running();
	fake.result[HP_REQUEST_STOP] = HP_ERROR_NO_ANSWER;
	fake.failure.error = HP_ERROR_NO_ANSWER;
	fake.failure.processor = 1;
	assert_int_equal(run("unload"), HPCTL_FAILED);
	run_expect(run_err, "processor 1: the processor did not answer\n");
}

static void test_unload_module_stays(void **state)
{
	(void)state;
	fake_set_running();
	fake_set_error(&fake.unload_error, OS_BUSY, "the module is in use", "end them");
	assert_int_equal(run("unload"), HPCTL_FAILED);
	run_expect(run_err, "hpctl: HyperPlatform is stopped, but its module is still loaded: the "
			    "module is in use\nremedy: end them\n");

	/* Somebody else was faster: gone is gone. */
	fake_reset();
	fake_set_running();
	fake_set_error(&fake.unload_error, OS_ABSENT, "not loaded", "");
	assert_int_equal(run("unload"), HPCTL_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_load, run_setup),
		cmocka_unit_test_setup(test_load_one_processor, run_setup),
		cmocka_unit_test_setup(test_load_history, run_setup),
		cmocka_unit_test_setup(test_load_stepped_aside, run_setup),
		cmocka_unit_test_setup(test_load_without_status, run_setup),
		cmocka_unit_test_setup(test_load_driver_there, run_setup),
		cmocka_unit_test_setup(test_load_already, run_setup),
		cmocka_unit_test_setup(test_load_refused, run_setup),
		cmocka_unit_test_setup(test_load_unknown_error, run_setup),
		cmocka_unit_test_setup(test_load_details, run_setup),
		cmocka_unit_test_setup(test_load_unknown_requirement, run_setup),
		cmocka_unit_test_setup(test_load_module_stays, run_setup),
		cmocka_unit_test_setup(test_load_driver_fails, run_setup),
		cmocka_unit_test_setup(test_load_open_denied, run_setup),
		cmocka_unit_test_setup(test_load_kvm, run_setup),
		cmocka_unit_test_setup(test_load_kvm_busy, run_setup),
		cmocka_unit_test_setup(test_unload, run_setup),
		cmocka_unit_test_setup(test_unload_absent, run_setup),
		cmocka_unit_test_setup(test_unload_not_running, run_setup),
		cmocka_unit_test_setup(test_unload_refused, run_setup),
		cmocka_unit_test_setup(test_unload_module_stays, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: load, unload", tests, NULL, NULL);
}
