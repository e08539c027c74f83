// SPDX-License-Identifier: MIT
/*
 * A fault in root. The system, which can write everywhere before the start, makes an instruction of
 * root's undefined: that of a handler which CPUID then reaches.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define UD2	 0x0b0f
#define LEAVE_MS 3000
#define LOG_MS	 300 /* until the worker has written it */

static uint64_t where, code; /* an address in root.elf, and the 8 bytes that are there */
static unsigned patched;

static void patch_block(void *address, uint64_t bytes)
{
	uint64_t *at = (uint64_t *)((char *)address + where);

	if (where + sizeof(*at) > bytes || *at != code)
		return;
	*(uint16_t *)at = UD2;
	patched++;
}

static void patch(void)
{
	if (!patched)
		pool_each(patch_block);
}

/* Processors leave by and by: a worker of the driver's sees to it. */
static bool all_leave(void)
{
	const struct hp_status *status;
	unsigned waited, i, guests = 1;

	for (waited = 0; guests && waited < LEAVE_MS; waited += 10) {
		thread_sleep(10);
		status = client_get_status();
		guests = 0;
		for (i = 0; i < PROCESSORS; i++)
			guests += status->processor[i].state == HP_PROCESSOR_GUEST;
	}
	return !guests;
}

static void start_to_fail(void)
{
	uint32_t error;

	patched = 0;
	pool_hook = patch;
	error = client_start(0);
	pool_hook = NULL;
	judge_check(error == HP_ERROR_OK && patched, "start: %s, %u places changed",
		    client_error(error), patched);
}

static void check_report(uint32_t processor, enum hp_report_end end)
{
	static struct hp_report report;
	uint32_t error = client_request(HP_REQUEST_REPORT, &processor, sizeof(processor), &report,
					sizeof(report));

	judge_check(error == HP_ERROR_OK && report.kind == HP_REPORT_FAULT,
		    "the report of processor %u: %s, kind %u", processor, client_error(error),
		    report.kind);
	judge_check(report.end == end && report.root_rip == where, "it ended by %u, at %llx",
		    report.end, report.root_rip);
}

static void check_all_native(void)
{
	const char *text;
	size_t bytes;

	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor is still a guest");
	state_compare("after the retreat");
	thread_sleep(LOG_MS);
	text = file_content(&bytes);
	judge_check(rtl_find(text, bytes, "fault in root") != NULL, "the log does not tell");
}

/* CPUID in kernel mode, on the processor of the tests. */
static void in_kernel_mode(void)
{
	struct user *user = user_start("count.exe", 1, false);
	uint64_t count;

	start_to_fail();
	state_is_guest(0);
	count = user_count(user);
	judge_check(all_leave(), "a processor stays");
	judge_check(user_count(user) > count, "a program stands still");
	user_end(user);
	check_report(0, HP_REPORT_RETREATED);
	check_all_native();
}

/* CPUID in user mode, where the CR3 has nothing of the gate. */
static void in_user_mode(void)
{
	struct user *user = user_start("cpuid.exe", 1, false);
	uint64_t count;

	thread_set_user_affinity(1);
	start_to_fail();
	thread_sleep(2);
	user_use_cpuid(user);
	judge_check(all_leave(), "a processor stays");
	count = user_count(user);
	thread_sleep(5);
	judge_check(user_count(user) > count, "the program stands still");
	user_end(user);
	check_report(1, HP_REPORT_RETREATED_LATER);
	check_all_native();
	thread_set_user_affinity(3);
}

static void stop_after_it(void)
{
	uint32_t error = client_stop();

	judge_check(error == HP_ERROR_OK || error == HP_ERROR_NOT_RUNNING, "%s",
		    client_error(error));
	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor has not left");
	error = client_start(0);
	judge_check(error == HP_ERROR_OK, "a start after it: %s", client_error(error));
	error = client_stop();
	judge_check(error == HP_ERROR_OK, "a stop after it: %s", client_error(error));
	client_close();
}

void fault_run(uint64_t address, uint64_t bytes)
{
	static const struct test tests[] = {
		{ "fault in root, under kernel mode: every processor leaves", in_kernel_mode },
		{ "fault in root, under user mode: every processor leaves", in_user_mode },
		{ "fault in root: start and stop after it", stop_after_it },
		{ NULL, NULL },
	};

	where = address;
	code = bytes;
	file_remove();
	export_set_version(false);
	file_set_start_at_load(false, 0);
	judge_check(NT_SUCCESS(suite_load("fault in root: load", false)) && client_open(),
		    "the driver does not load: %lx", client_status);
	judge_end();
	state_keep();
	suite_tests(tests);
	suite_unload("fault in root: unload", NULL);
}
