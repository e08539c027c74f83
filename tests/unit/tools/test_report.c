// SPDX-License-Identifier: MIT
/*
 * hpctl report: what it tells of which report, where it takes it from, and names.
 */
#include "reports.h"

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(run("report"), HPCTL_OK);
	assert_string_equal(run_out,
			    "Nothing has gone wrong.\n"
			    "The last VM exits of each processor: hpctl report --exits N\n");
	assert_string_equal(run_err, "");
	assert_int_equal(run("report --vmcs"), HPCTL_OK);
	assert_string_equal(run_out, "");
	fake.running = false;
	assert_int_equal(run("report"), HPCTL_OK);
	assert_string_equal(run_out, "Nothing has gone wrong.\n");
	fake.loaded = false;
	assert_int_equal(run("report"), HPCTL_OK);
	assert_string_equal(run_out, "Nothing has gone wrong.\n");
	assert_int_equal(run("report --exits 3"), HPCTL_OK);
	assert_string_equal(run_out, "Nothing has gone wrong.\n");
}

static void test_fault(void **state)
{
	(void)state;
	write_fault(1)->event = event_info(EVENT_EXTERNAL, 0x33, false);
	assert_int_equal(run("report"), HPCTL_NO);
	assert_string_equal(run_err, "");
	run_expect(run_out,
		   "processor 1: a fault in root: page fault (#PF, vector 14), error code 0x2, "
		   "writing 0xdead0, which is not mapped\n"
		   "  got away: it left through the gate\n"
		   "  an event was being delivered: external interrupt, vector 51\n"
		   "  the last exit: CPUID (10), qualification 0x5678\n"
		   "  in root:   exit_cpuid+0x12\n"
		   "  called by: loop_run+0x23\n"
		   "             loop_run+0x100\n"
		   "             outside of root\n"
		   "  root's registers\n"
		   "    RAX    1111000000000000    RCX    1111000000000001    RDX    "
		   "1111000000000002\n");
	run_expect(run_out, "    RFLAGS 0000000000010046    CR3    000000000007f000\n"
			    "  the guest's registers at its last exit\n"
			    "    RAX    2222000000000000 ");
	run_expect(run_out, "    RSP    ffffc90000123f00 "); /* not the one that root had there */
	run_expect(run_out, "    RIP    ffffffff81234567 ");
	run_expect(run_out, "    CR3    -  ");
	run_expect(run_out, "\nprocessor 0: the last 3 of 3 VM exits, the newest first (128 are "
			    "kept)\n");
	run_expect(run_out, "\nprocessor 1: the last 8 of 1000 VM exits, the newest first (128 are "
			    "kept)\n"
			    "        number  reason                       RIP                "
			    "qualification      detail\n"
			    "           999  CPUID                        0xffffffff810003e7 "
			    "0x40000001         0x0\n"
			    "           998  RDMSR                        0xffffffff810003e6 "
			    "0x1b               0x0\n");
	run_expect_no(run_out, "processor 0: a");
	run_expect_no(run_out, "no names");
}

static void test_faults_in_words(void **state)
{
	static const struct {
		uint32_t vector, code;
		const char *text;
	} faults[] = {
		{ 6, 9, "in root: invalid opcode (#UD, vector 6)\n" },
		{ 13, 0x50, "in root: general protection (#GP, vector 13), error code 0x50\n" },
		{ 14, 0, "error code 0, reading 0xdead0, which is not mapped\n" },
		{ 14, 0x11, "error code 0x11, executing 0xdead0, which its page does not allow\n" },
		{ 9, 0, "in root: vector 9\n" },
		{ 4000000000u, 0, "in root: vector 4000000000\n" },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct hp_report *report = write_fault(0);

		report->vector = faults[i].vector;
		report->error_code = faults[i].code;
		report->again = i;
		assert_int_equal(run("report"), HPCTL_NO);
		run_expect(run_out, faults[i].text);
		if (i == 1)
			run_expect(run_out, "through the gate, after 1 more fault\n");
	}
	run_expect(run_out, "through the gate, after 5 more faults\n");
}

static void test_stuck(void **state)
{
	struct hp_report *report = write_fault(0);

	(void)state;
	report->kind = HP_REPORT_STUCK;
	report->end = HP_REPORT_RETREATED_LATER;
	report->event = event_info(EVENT_EXCEPTION, 14, true);
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "processor 0: root did not come back to the guest\n"
			    "  got away: it ran on in the minimal loop until the gate could be "
			    "reached\n"
			    "  an event was being delivered: page fault (#PF, vector 14)\n");
	run_expect(run_out, "  in root:   exit_cpuid+0x12\n");
}

static void test_unexpected_exit(void **state)
{
	struct hp_report *report = write_report(0, HP_REPORT_UNEXPECTED_EXIT);

	(void)state;
	report->reason = EXIT_REASON_TASK_SWITCH;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "processor 0: a VM exit without a handler: task switch (9), "
			    "qualification 0x5678\n");
	run_expect_no(run_out, "in root");
	report->reason = 71;
	run("report");
	run_expect(run_out, "a VM exit without a handler: reason 71 (71), ");
}

/* A processor that can do everything: in the order of hp_report.capability. */
static const uint64_t able[HP_REPORT_CAPABILITIES] = {
	1ull << 56,
	0x400401c0,
	0,
	~0ull,
	0,
	~0ull,
	0xffffffff00000000,
	0xffffffff00000000,
	0xffffffff00000000,
	0xffffffff00000000,
	0xffffffff00000000,
	~0ull,
};

/* The fields that the error speaks of, and no others. */
static void test_entry_failed(void **state)
{
	struct hp_report *report = write_report(0, HP_REPORT_ENTRY_FAILED);

	(void)state;
	memcpy(report->capability, able, sizeof(able));
	set_field(report, VMCS_PIN_CONTROLS, 0x29);
	set_field(report, VMCS_HOST_CR4, 0x2020);
	set_field(report, VMCS_ENTRY_CONTROLS, 0x200);
	report->instruction_error = 7;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "processor 0: VM entry failed: VM-instruction error 7 (invalid control "
			    "field)\n");
	run_expect(run_out, "  the VMCS breaks no rule of the manual that is known here\n");
	run_expect(run_out, "    PIN_CONTROLS             0000000000000029 ");
	run_expect(run_out, "    ENTRY_CONTROLS           0000000000000200\n");
	run_expect_no(run_out, "HOST_CR4");
	run_expect_no(run_out, "GUEST_CR0");

	report->instruction_error = 8;
	run("report");
	run_expect(run_out, "invalid host-state field");
	run_expect(run_out, "    HOST_CR4                 0000000000002020");
	run_expect_no(run_out, "PIN_CONTROLS");

	report->instruction_error = 26;
	run("report");
	run_expect(run_out, "error 26 (events blocked by MOV SS)");
	run_expect(run_out, "ENTRY_CONTROLS");
	run_expect_no(run_out, "HOST_CR4");

	report->reason = 0x80000021; /* then that error is of another instruction */
	run("report");
	run_expect(run_out, "VM entry failed: reason 0x80000021 (VM entry failed: guest state), "
			    "qualification 0x5678\n");
	run_expect(run_out, "GUEST_CR0                0000000080050033");
	run_expect_no(run_out, "HOST_CR4");
	run_expect_no(run_out, "GUEST_CR4 ");
	run_expect_no(run_out, "MOV SS");
}

static void test_broken_rules(void **state)
{
	struct hp_report *report = write_report(0, HP_REPORT_ENTRY_FAILED);
	cJSON *root;

	(void)state;
	memcpy(report->capability, able, sizeof(able));
	report->capability[6] = 0x0000007f00000016; /* of the pin-based controls */
	report->linear_bits = 0xffffffff;	    /* nonsense is unknown */
	report->physical_bits = 0;
	set_field(report, VMCS_PIN_CONTROLS, 0x29);
	report->instruction_error = 7;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out,
		   "  rules of the manual that the VMCS breaks (all its fields: hpctl report "
		   "--vmcs)\n    pin-controls\n      ");
	run_expect_no(run_out, "can come from");
	run_expect(run_out, "\n      PIN_CONTROLS 0x29, wrong bits 0x16\n");
	root = run_json("report --json", HPCTL_NO);
	assert_int_equal(cJSON_GetArraySize(run_at(root, "processors.0.report.broken_rules")), 1);
	assert_string_equal(run_string(root, "processors.0.report.broken_rules.0.id"),
			    "pin-controls");
	assert_string_equal(run_string(root, "processors.0.report.broken_rules.0.wrong_bits"),
			    "0x16");
	assert_string_equal(run_string(root, "processors.0.report.broken_rules.0.fields.0.value"),
			    "0x29");
	assert_string_equal(run_string(root, "processors.0.report.broken_rules.0.fields.0.name"),
			    "PIN_CONTROLS");
	cJSON_Delete(root);
}

/* A VMCS with nothing right: the first few are told. */
static void test_many_broken_rules(void **state)
{
	struct hp_report *report = write_report(0, HP_REPORT_ENTRY_FAILED);

	(void)state;
	memset(report->field, 0xff, sizeof(report->field));
	memset(report->present, 0xff, sizeof(report->present));
	assert_int_equal(run("report"), HPCTL_NO);
	assert_int_equal(run_count(run_out, "      SDM: "), 8);
	run_expect(run_out, " more\n");
	assert_int_equal(run("report --json"), HPCTL_NO);
	assert_int_equal(run_count(run_out, "\"wrong_bits\""), 32);
}

static void test_vmcs(void **state)
{
	(void)state;
	write_report(1, HP_REPORT_ENTRY_FAILED);
	assert_int_equal(run("report --vmcs"), HPCTL_NO);
	assert_string_equal(run_out, "# processor 1\n"
				     "GUEST_CS 0x10\n"
				     "EXIT_QUALIFICATION 0x5678\n"
				     "GUEST_CR0 0x80050033\n"
				     "GUEST_RSP 0xffffc90000123f00\n"
				     "GUEST_RIP 0xffffffff81234567\n"
				     "GUEST_RFLAGS 0x246\n"
				     "cap BASIC 0xca00\n"
				     "cap MISC 0xca01\n"
				     "cap CR0_FIXED0 0xca02\n"
				     "cap CR0_FIXED1 0xca03\n"
				     "cap CR4_FIXED0 0xca04\n"
				     "cap CR4_FIXED1 0xca05\n"
				     "cap PIN 0xca06\n"
				     "cap PROC 0xca07\n"
				     "cap PROC2 0xca08\n"
				     "cap EXIT 0xca09\n"
				     "cap ENTRY 0xca0a\n"
				     "cap EPT_VPID 0xca0b\n"
				     "cap PHYSICAL_BITS 40\n"
				     "cap LINEAR_BITS 48\n");

	/* Of several, the one that was written first, or the one that is named. */
	write_report(0, HP_REPORT_FAULT)->tsc++;
	assert_int_equal(run("report --vmcs"), HPCTL_NO);
	run_expect(run_out, "# processor 1\n");
	assert_int_equal(run_count(run_out, "GUEST_RIP "), 1);
	assert_int_equal(run("report --vmcs 0"), HPCTL_NO);
	run_expect(run_out, "# processor 0\n");
	assert_int_equal(run_count(run_out, "GUEST_RIP "), 1);
}

static void test_json(void **state)
{
	cJSON *root;

	(void)state;
	write_fault(1);
	root = run_json("report --json", HPCTL_NO);
	run_expect(run_out, "9007199254740993");
	assert_true(run_true(root, "running"));
	assert_true(run_null(root, "file"));
	assert_true(run_null(root, "written"));
	assert_true(run_null(root, "no_names"));
	assert_true(run_null(root, "processors.0.report"));
	assert_int_equal(run_number(root, "processors.1.processor"), 1);
	assert_string_equal(run_string(root, "processors.1.report.kind"), "FAULT");
	assert_string_equal(run_string(root, "processors.1.report.end"), "RETREATED");
	assert_string_equal(run_string(root, "processors.1.report.reason_name"), "CPUID");
	assert_string_equal(run_string(root, "processors.1.report.root.at.offset"), "0x1012");
	assert_string_equal(run_string(root, "processors.1.report.root.at.name"),
			    "exit_cpuid+0x12");
	assert_string_equal(run_string(root, "processors.1.report.root.called_by.1.name"),
			    "loop_run+0x100");
	assert_true(run_null(root, "processors.1.report.root.called_by.2.offset"));
	assert_string_equal(run_string(root, "processors.1.report.root.RDI"), "0x1111000000000007");
	assert_string_equal(run_string(root, "processors.1.report.guest.RSP"),
			    "0xffffc90000123f00");
	assert_true(run_null(root, "processors.1.report.guest.CR3"));
	assert_string_equal(run_string(root, "processors.1.report.vmcs.GUEST_CR0"), "0x80050033");
	assert_string_equal(run_string(root, "processors.1.report.capabilities.PIN"), "0xca06");
	assert_string_equal(run_string(root, "processors.1.report.build_id"), BUILD_ID);
	assert_int_equal(run_number(root, "processors.1.history.total"), 1000);
	assert_int_equal(cJSON_GetArraySize(run_at(root, "processors.1.history.exits")), 8);
	assert_int_equal(run_number(root, "processors.1.history.exits.1.number"), 998);
	assert_string_equal(run_string(root, "processors.1.history.exits.1.name"), "RDMSR");
	cJSON_Delete(root);

	fake.report[1].kind = HP_REPORT_ENTRY_FAILED;
	root = run_json("report --json", HPCTL_NO);
	assert_true(run_null(root, "processors.1.report.root"));
	assert_true(cJSON_IsArray(run_at(root, "processors.1.report.broken_rules")));
	cJSON_Delete(root);
	fake.report[1].kind = HP_REPORT_NONE;
	root = run_json("report --json --exits 2", HPCTL_OK);
	assert_true(run_null(root, "processors.1.report"));
	assert_int_equal(cJSON_GetArraySize(run_at(root, "processors.1.history.exits")), 2);
	cJSON_Delete(root);
}

/* Names. */

static void test_no_symbols(void **state)
{
	cJSON *root;

	(void)state;
	write_fault(1);
	set_file(OS_FILE_SYMBOLS, NULL, 0);
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "Addresses in root have no names: there is no such file.\n\n");
	run_expect(run_out, "  in root:   0x1012\n  called by: 0x1123\n             0x1200\n"
			    "             outside of root\n");
	root = run_json("report --json", HPCTL_NO);
	assert_string_equal(run_string(root, "no_names"), "there is no such file");
	assert_true(run_null(root, "processors.1.report.root.at.name"));
	cJSON_Delete(root);
	/* The file that the user names has to be there. */
	assert_int_equal(run("report --symbols /x/root.sym"), HPCTL_FAILED);
	assert_string_equal(fake.file[OS_FILE_SYMBOLS].asked, "/x/root.sym");
	assert_string_equal(run_out, "");
	run_expect(run_err, "hpctl: cannot read the symbols: there is no such file\n");
}

static void test_symbols_of_another_build(void **state)
{
	(void)state;
	write_fault(1)->build_id[3] ^= 1;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "no names: /installed/root.sym is of another build of root.\n\n");
	run_expect(run_out, "  in root:   0x1012\n");
	assert_int_equal(run("report --symbols /x/root.sym"), HPCTL_NO);
	run_expect(run_out, "no names: /x/root.sym is of another build of root.\n\n");
	write_fault(1)->build_id_bytes = 8;
	run("report");
	run_expect(run_out, "another build");
	write_fault(1)->build_id_bytes = ~0u;
	run("report --json");
	run_expect(run_out, "another build");
	write_fault(1);
	run("report");
	run_expect_no(run_out, "no names");
}

static void test_symbols_edges(void **state)
{
	struct hp_report *report = write_fault(1);

	(void)state;
	report->root_rip = 0x1300; /* behind the last function */
	report->frame[0] = 0x1300; /* called at its very end */
	report->frame[1] = 1;	   /* in front of the first */
	report->frame[2] = 0x1000; /* a return address can't be a function's beginning */
	run("report");
	run_expect(run_out, "  in root:   0x1300\n"
			    "  called by: root_main+0x100\n"
			    "             0x1\n"
			    "             0x1000\n"
			    "  root's registers");
}

/* A file that is not what it should be gives no name at all. */
static void test_symbols_damaged(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} files[] = {
		{ "", 1 },
		{ "\n", 1 },
		{ "build-id 1234\n1000 f\n", 1 },
		{ "build-id " BUILD_ID "0\n1000 f\n", 1 },
		{ "build-id " BUILD_ID "\n", 2 },
		{ "build-id " BUILD_ID "\n1000 f", 2 },
		{ "build-id " BUILD_ID "\n1000 f\n1000 g\n", 3 },
		{ "build-id " BUILD_ID "\n1000 f\nfff g\n", 3 },
		{ "build-id " BUILD_ID "\n1000 f\n\n", 3 },
		{ "build-id " BUILD_ID "\n1000  f\n", 2 },
		{ "build-id " BUILD_ID "\n1000\n", 2 },
		{ "build-id " BUILD_ID "\n1000 \n", 2 },
		{ "build-id " BUILD_ID "\n-1000 f\n", 2 },
		{ "build-id " BUILD_ID "\n1000 f\033[2J\n", 2 },
		{ "build-id " BUILD_ID "\n1000 f g\n", 2 },
	};
	static const char zero[] = "build-id " BUILD_ID "\n1000 f\n\0 what";
	char line[64];
	unsigned i;

	(void)state;
	write_fault(1);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		set_file(OS_FILE_SYMBOLS, files[i].text, strlen(files[i].text));
		snprintf(line, sizeof(line), "line %u is not of a symbol file", files[i].line);
		assert_int_equal(run("report"), HPCTL_NO);
		run_expect(run_out, line);
		run_expect(run_out, "  in root:   0x1012\n");
		assert_int_equal(run("report --symbols x"), HPCTL_FAILED);
		run_expect(run_err, line);
	}
	set_file(OS_FILE_SYMBOLS, zero, sizeof(zero) - 1);
	assert_int_equal(run("report --symbols x"), HPCTL_FAILED);
}

/* Histories. */

/* The processor's exits are shown from the newest down, without a gap. */
static void expect_exits(uint64_t newest, unsigned count)
{
	char text[64];
	unsigned i;

	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), " 0x%016llx ",
			 (unsigned long long)(FAKE_RIP + newest - i));
		if (run_count(run_out, text) != 1)
			fail_msg("exit %u of %u is there %u times", i, count,
				 run_count(run_out, text));
	}
	assert_int_equal(run_count(run_out, " 0xffffffff81"), count);
}

static void test_history(void **state)
{
	(void)state;
	fake.count = 1;
	fake.depth = 4096;
	fake.exits_total[0] = 5000;
	assert_int_equal(run("report --exits 100"), HPCTL_OK);
	run_expect(run_out,
		   "Nothing has gone wrong.\n\nprocessor 0: the last 100 of 5000 VM exits, "
		   "the newest first (4096 are kept)\n");
	expect_exits(4999, 100);
	assert_int_equal(run("report --exits 64"), HPCTL_OK);
	expect_exits(4999, 64);
	assert_int_equal(run("report --exits 0"), HPCTL_OK);
	assert_string_equal(run_out, "Nothing has gone wrong.\n");
	fake.depth = 128;
	assert_int_equal(run("report --exits 4096"), HPCTL_OK);
	run_expect(run_out, "the last 128 of 5000 VM exits, ");
	expect_exits(4999, 128);
	fake.exits_total[0] = 0;
	assert_int_equal(run("report --exits 1"), HPCTL_OK);
	run_expect(run_out, "the last 0 of 0 VM exits, the newest first (128 are kept)\n");
}

/* It runs on while it is asked: nothing twice, nothing left out. */
static void test_history_moves(void **state)
{
	(void)state;
	fake.count = 1;
	fake.depth = 1024;
	fake.exits_total[0] = 5000;
	fake.exits_between = 10;
	assert_int_equal(run("report --exits 200"), HPCTL_OK);
	expect_exits(4999, 200);
	fake.exits_total[0] = 5000;
	fake.exits_between = 64; /* each part is what the one before was */
	assert_int_equal(run("report --exits 200"), HPCTL_OK);
	expect_exits(4999, 64);
	fake.exits_total[0] = 5000;
	fake.exits_between = 0;
	fake.history_lies = true;
	assert_int_equal(run("report --exits 200"), HPCTL_OK);
	run_expect(run_out, "the last 0 of 5000 ");
}

static void test_offline(void **state)
{
	(void)state;
	fake.count = 3;
	fake.offline[1] = true;
	write_fault(2);
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "processor 0: the last");
	run_expect_no(run_out, "processor 1: the last");
	run_expect(run_out, "processor 2: the last");
}

static void test_one_processor(void **state)
{
	(void)state;
	write_fault(0);
	write_fault(1);
	assert_int_equal(run("report 1"), HPCTL_NO);
	run_expect(run_out, "processor 1: a fault");
	run_expect(run_out, "processor 1: the last 8");
	run_expect_no(run_out, "processor 0: ");
	fake.report[0].kind = HP_REPORT_NONE;
	assert_int_equal(run("report 0"), HPCTL_OK);
	assert_int_equal(run("report --exits 2 0"), HPCTL_OK);
	run_expect(run_out, "Nothing has gone wrong.\n\nprocessor 0: the last 2 of 3");
	run_expect_no(run_out, "processor 1: ");
	assert_int_equal(run("report 7"), HPCTL_FAILED);
	assert_string_equal(run_out, "");
	run_expect(run_err, "hpctl: cannot get the report: processor 7: the processor is offline");
}

/* Failures. */

static void test_fails(void **state)
{
	(void)state;
	fake.result[HP_REQUEST_REPORT] = HP_ERROR_REQUEST;
	assert_int_equal(run("report"), HPCTL_FAILED);
	assert_string_equal(run_out, "");
	run_expect(run_err, "hpctl: cannot get the report: processor 0: unknown request");
	fake.result[HP_REQUEST_REPORT] = HP_ERROR_OK;
	fake.result[HP_REQUEST_HISTORY] = HP_ERROR_NOT_PRIVILEGED;
	assert_int_equal(run("report --json"), HPCTL_DENIED);
	assert_string_equal(run_out, "");
	fake_set_error(&fake.open_error, OS_DENIED, "this user may not", "run it as root");
	assert_int_equal(run("report"), HPCTL_DENIED);
	run_expect(run_err, "hpctl: cannot get the report: this user may not\n");
}

/* Whatever a report says, nothing beyond it is read, and it ends. */
static void test_junk(void **state)
{
	(void)state;
	memset(&fake.report[0], 0xff, sizeof(fake.report[0]));
	memset(&fake.report[1], 0xa5, sizeof(fake.report[1]));
	fake.exits_total[1] = ~0ull;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "processor 0: something that this hpctl does not know (4294967295)\n"
			    "  got away: in an unknown way, after 4294967295 more faults\n");
	assert_int_equal(run("report --json"), HPCTL_NO);
	run_expect(run_out, "\"UNKNOWN\"");
	assert_int_equal(run("report --vmcs"), HPCTL_NO);
	fake.report[0].kind = HP_REPORT_FAULT;
	fake.report[1].kind = HP_REPORT_ENTRY_FAILED;
	assert_int_equal(run("report"), HPCTL_NO);
	run_expect(run_out, "in root:   outside of root\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_fault, setup),
		cmocka_unit_test_setup(test_faults_in_words, setup),
		cmocka_unit_test_setup(test_stuck, setup),
		cmocka_unit_test_setup(test_unexpected_exit, setup),
		cmocka_unit_test_setup(test_entry_failed, setup),
		cmocka_unit_test_setup(test_broken_rules, setup),
		cmocka_unit_test_setup(test_many_broken_rules, setup),
		cmocka_unit_test_setup(test_vmcs, setup),
		cmocka_unit_test_setup(test_json, setup),
		cmocka_unit_test_setup(test_no_symbols, setup),
		cmocka_unit_test_setup(test_symbols_of_another_build, setup),
		cmocka_unit_test_setup(test_symbols_edges, setup),
		cmocka_unit_test_setup(test_symbols_damaged, setup),
		cmocka_unit_test_setup(test_history, setup),
		cmocka_unit_test_setup(test_history_moves, setup),
		cmocka_unit_test_setup(test_offline, setup),
		cmocka_unit_test_setup(test_one_processor, setup),
		cmocka_unit_test_setup(test_fails, setup),
		cmocka_unit_test_setup(test_junk, setup),
	};

	return cmocka_run_group_tests_name("hpctl: report", tests, NULL, NULL);
}
