// SPDX-License-Identifier: MIT
/*
 * hpctl entry-rules: the text of a VMCS, right and wrong, what is said of it, and the list.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/entry_rules.h"

static char path[] = "/tmp/hpctl-rules-XXXXXX";

static int make_file(void **state)
{
	int file = mkstemp(path);

	(void)state;
	return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

/* Runs it on that text; returns the exit status. */
static int run_text(const char *text, const char *options)
{
	FILE *file = fopen(path, "w");
	char line[64];

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	snprintf(line, sizeof(line), "entry-rules %s %s", options, path);
	return run(line);
}

static void expect_wrong(const char *text, const char *cause, const char *remedy)
{
	assert_int_equal(run_text(text, ""), HPCTL_FAILED);
	assert_string_equal(run_out, "");
	run_expect(run_err, "hpctl: cannot read /tmp/hpctl-rules-");
	run_expect(run_err, cause);
	if (remedy)
		run_expect(run_err, remedy);
	else
		run_expect_no(run_err, "remedy");
}

static void a_rule_is_told_with_its_values(void **state)
{
	(void)state;
	assert_int_equal(run_text("# of a guest\n"
				  "\n"
				  "GUEST_RFLAGS 0x8028   # wrong\n"
				  "HOST_CS\t16\n",
				  ""),
			 HPCTL_NO);
	run_expect(run_out,
		   "guest-rflags-reserved\n"
		   "  Bits 63:22, 15, 5 and 3 of the guest's RFLAGS must be 0, and bit 1 must "
		   "be 1.\n"
		   "  SDM: Checks on Guest RIP, RFLAGS, and SSP\n"
		   "  GUEST_RFLAGS 0x8028, wrong bits 0x802a\n");
	run_expect(run_out,
		   "1 rule is broken. The entry ends as the first says: VM exit with reason "
		   "33 and bit 31 (invalid guest state).\n");
	run_expect(run_out, "rules were not looked at, for want of VPID, ");
	run_expect(run_out,
		   " more.\nNot known of the processor, so that anything is allowed: BASIC, ");
	assert_string_equal(run_err, "");
}

static void what_is_known_of_the_processor_counts(void **state)
{
	(void)state;
	assert_int_equal(run_text("PIN_CONTROLS 0x7f\n", ""), HPCTL_OK);
	run_expect(run_out, "No rule is broken.\n");
	assert_int_equal(run_text("PIN_CONTROLS 0x7f\ncap PIN 0x3f00000016\n", ""), HPCTL_NO);
	run_expect(run_out, "PIN_CONTROLS 0x7f, wrong bits 0x40\n");
	assert_int_equal(run_text("HOST_FS_BASE 0x800000000000\ncap LINEAR_BITS 57\n", ""),
			 HPCTL_OK);
	assert_int_equal(run_text("HOST_FS_BASE 0x800000000000\ncap LINEAR_BITS 48\n", ""),
			 HPCTL_NO);
	run_expect(run_out, "host-fs-base\n");
}

static void what_memory_holds_counts(void **state)
{
	static const char threshold[] = "PROC_CONTROLS 0x200000\n"
					"TPR_THRESHOLD 5\n";
	char text[128];

	(void)state;
	assert_int_equal(run_text(threshold, ""), HPCTL_OK);
	snprintf(text, sizeof(text), "%smem VTPR 0x40\n", threshold);
	assert_int_equal(run_text(text, ""), HPCTL_NO);
	run_expect(run_out, "tpr-threshold\n");
	assert_int_equal(run_text("ENTRY_MSR_LOAD_COUNT 2\nENTRY_MSR_LOAD 0\n"
				  "msr 0x174 0\nmsr 0xc0000100 1\n",
				  ""),
			 HPCTL_NO);
	run_expect(run_out, "load-msr-bases\n");
	assert_int_equal(run_text("LINK_POINTER 0x1000\nmem LINK_REVISION 2\ncap BASIC 3\n", ""),
			 HPCTL_NO);
	run_expect(run_out, "guest-link-revision\n");
}

static void wrong_files(void **state)
{
	(void)state;
	expect_wrong("GUEST_CR0 1\nGUEST_CRO 1\n", "line 2: there is no field GUEST_CRO\n",
		     "remedy: docs/entry-rules.md has the names\n");
	expect_wrong("GUEST_CR0\n", "line 1: not a name and a value\n", "remedy: a line is NAME");
	expect_wrong("GUEST_CR0 1 2\n", "line 1: \"GUEST_CR0\" is neither cap",
		     "remedy: a line is");
	expect_wrong("cap PIN 1 2\n", "line 1: not a name and a value\n", "remedy: ");
	expect_wrong("GUEST_CR0 x\n", "line 1: \"x\" is no number", "remedy: ");
	expect_wrong("GUEST_CR0 -1\n", "line 1: \"-1\" is no number", "remedy: ");
	expect_wrong("GUEST_CR0 0x10000000000000000\n", "is no number of 64 bits\n", "remedy: ");
	expect_wrong("HOST_CS 0x10000\n", "line 1: HOST_CS has 16 bits only\n", NULL);
	expect_wrong("GUEST_CR0 1\n#\nGUEST_CR0 1\n", "line 3: GUEST_CR0 was given before\n",
		     "remedy: leave one of the two\n");
	expect_wrong("cap PINS 1\n", "line 1: there is no capability PINS\n",
		     "remedy: docs/entry-rules.md has the names\n");
	expect_wrong("cap PIN 1\ncap PIN 1\n", "line 2: cap PIN was given before\n", "remedy: ");
	expect_wrong("cap PHYSICAL_BITS 64\n", "PHYSICAL_BITS is not from 32 to 52\n", NULL);
	expect_wrong("cap LINEAR_BITS 0\n", "LINEAR_BITS is neither 48 nor 57\n", NULL);
	expect_wrong("mem VPTR 1\n", "there is no mem VPTR\n", "remedy: there are VTPR and ");
	expect_wrong("msr x 1\n", "line 1: \"x\" is no number\n", "remedy: ");
	expect_wrong("", "it has no field of a VMCS\n", "remedy: ");
	expect_wrong("cap PIN 1\n", "it has no field of a VMCS\n", "remedy: ");
	assert_int_equal(run("entry-rules /nonexistent"), HPCTL_FAILED);
	assert_string_equal(run_err,
			    "hpctl: cannot read /nonexistent: No such file or directory\n");
}

static void lines_and_msrs_have_an_end(void **state)
{
	static char text[65536];
	unsigned i, used = 0;

	(void)state;
	memset(text, 'A', 600);
	text[600] = 0;
	expect_wrong(text, "line 1: longer than 510 characters\n", "remedy: ");
	for (i = 0; i < 513; i++)
		used += (unsigned)snprintf(text + used, sizeof(text) - used, "msr 1 1\n");
	expect_wrong(text, "line 513: more than 512 MSRs\n", NULL);
}

static void json(void **state)
{
	cJSON *root;
	char line[64];

	(void)state;
	run_text("GUEST_RFLAGS 0x8028\nHOST_CS 0\ncap PIN 1\n", "");
	snprintf(line, sizeof(line), "entry-rules --json %s", path);
	root = run_json(line, HPCTL_NO);
	assert_string_equal(run_string(root, "broken.0.id"), "host-cs-null");
	assert_string_equal(run_string(root, "broken.0.class"), "host");
	assert_true(run_null(root, "broken.0.wrong_bits"));
	assert_string_equal(run_string(root, "broken.1.id"), "guest-rflags-reserved");
	assert_string_equal(run_string(root, "broken.1.section"),
			    "Checks on Guest RIP, RFLAGS, and SSP");
	assert_string_equal(run_string(root, "broken.1.wrong_bits"), "0x802a");
	assert_string_equal(run_string(root, "broken.1.fields.0.name"), "GUEST_RFLAGS");
	assert_string_equal(run_string(root, "broken.1.fields.0.value"), "0x8028");
	assert_int_equal(run_number(root, "rules"), entry_rules_count());
	assert_string_equal(run_string(root, "missing_fields.0"), "VPID");
	assert_string_equal(run_string(root, "missing_capabilities.0"), "BASIC");
	assert_string_equal(run_string(root, "missing_capabilities.1"), "PROC");
	cJSON_Delete(root);
}

static void the_list_has_every_rule(void **state)
{
	cJSON *root;
	char line[64];
	unsigned i;

	(void)state;
	assert_int_equal(run("entry-rules --list"), HPCTL_OK);
	for (i = 0; i < entry_rules_count(); i++) {
		snprintf(line, sizeof(line), "- `%s`: ", entry_rules_get(i)->id);
		run_expect(run_out, line);
		run_expect(run_out, entry_rules_get(i)->text);
	}
	run_expect(run_out, "\n### Loading MSRs\n\nVM exit with reason 34 and bit 31");
	root = run_json("entry-rules --list --json", HPCTL_OK);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "rules")),
			 entry_rules_count());
	assert_string_equal(run_string(root, "rules.0.id"), "pin-controls");
	assert_string_equal(run_string(root, "rules.0.fields.0"), "PIN_CONTROLS");
	cJSON_Delete(root);
}

static void wrong_lines(void **state)
{
	(void)state;
	assert_int_equal(run("entry-rules"), HPCTL_USAGE);
	run_expect(run_err, "hpctl: entry-rules: a file is missing\nremedy: see hpctl help");
	assert_int_equal(run("entry-rules --list x"), HPCTL_USAGE);
	run_expect(run_err, "--list and a file exclude each other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_rule_is_told_with_its_values, run_setup),
		cmocka_unit_test_setup(what_is_known_of_the_processor_counts, run_setup),
		cmocka_unit_test_setup(what_memory_holds_counts, run_setup),
		cmocka_unit_test_setup(wrong_files, run_setup),
		cmocka_unit_test_setup(lines_and_msrs_have_an_end, run_setup),
		cmocka_unit_test_setup(json, run_setup),
		cmocka_unit_test_setup(the_list_has_every_rule, run_setup),
		cmocka_unit_test_setup(wrong_lines, run_setup),
	};

	return cmocka_run_group_tests_name("hpctl: entry-rules", tests, make_file, remove_file);
}
