/* SPDX-License-Identifier: MIT */
/*
 * Reports that the machine that is pretended has, for the tests of hpctl report.
 */
#ifndef TOOLS_REPORTS_H
#define TOOLS_REPORTS_H

#include "run.h"

#include <string.h>

#include "base/vmcs.h"

/* The build id of fake_reset()'s module. */
#define BUILD_ID "101112131415161718191a1b1c1d1e1f20212223"

static const char symbols[] = "build-id " BUILD_ID "\n"
			      "0000000000001000 exit_cpuid\n"
			      "0000000000001100 loop_run\n"
			      "0000000000001200 root_main\n"
			      "1300 -\n";

static void set_file(enum os_file which, const void *data, size_t bytes)
{
	fake.file[which].data = data;
	fake.file[which].bytes = bytes;
}

static void set_field(struct hp_report *report, uint32_t encoding, uint64_t value)
{
	unsigned i;

	for (i = 0; vmcs_fields[i].encoding != encoding; i++)
		;
	report->field[i] = value;
	report->present[i / 64] |= 1ull << (i % 64);
}

/* A report of the processor, with values that tell where they come from. */
static struct hp_report *write_report(unsigned processor, enum hp_report_kind kind)
{
	struct hp_report *report = &fake.report[processor];
	unsigned i;

	report->kind = kind;
	report->end = HP_REPORT_RETREATED;
	report->processor = 99; /* not believed */
	report->tsc = 9007199254740993ull;
	report->reason = EXIT_REASON_CPUID;
	for (i = 0; i < 16; i++) {
		report->root_gpr[i] = 0x1111000000000000 + i;
		report->guest_gpr[i] = 0x2222000000000000 + i;
	}
	set_field(report, VMCS_GUEST_RIP, 0xffffffff81234567);
	set_field(report, VMCS_GUEST_RSP, 0xffffc90000123f00);
	set_field(report, VMCS_GUEST_RFLAGS, 0x246);
	set_field(report, VMCS_GUEST_CR0, 0x80050033);
	set_field(report, VMCS_GUEST_CS, 0x10);
	set_field(report, VMCS_EXIT_QUALIFICATION, 0x5678);
	for (i = 0; i < HP_REPORT_CAPABILITIES; i++)
		report->capability[i] = 0xca00 + i;
	report->physical_bits = 40;
	report->linear_bits = 48;
	report->build_id_bytes = 20;
	memcpy(report->build_id, fake.version.build_id, 20);
	return report;
}

static struct hp_report *write_fault(unsigned processor)
{
	struct hp_report *report = write_report(processor, HP_REPORT_FAULT);

	report->vector = 14;
	report->error_code = 2;
	report->address = 0xdead0;
	report->root_rip = 0x1012;
	report->root_rflags = 0x10046;
	report->root_cr3 = 0x7f000;
	report->frame[0] = 0x1123;
	report->frame[1] = 0x1200; /* behind a call that does not return, in loop_run */
	report->frame[2] = ~0ull;
	return report;
}

static int setup(void **state)
{
	run_setup(state);
	fake_set_running();
	fake.exits_total[0] = 3;
	fake.exits_total[1] = 1000;
	set_file(OS_FILE_SYMBOLS, symbols, sizeof(symbols) - 1);
	return 0;
}

#endif
