// SPDX-License-Identifier: MIT
/*
 * On NT 5.2, without any of the newer functions: the driver has started with the boot.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

static void runs(void)
{
	const struct hp_status *status;
	struct hp_ping answer;
	uint32_t error, i;

	judge_check(client_open(), "%lx", client_status);
	status = client_get_status();
	judge_check(status->running, "it does not run");
	for (i = 0; i < PROCESSORS; i++) {
		judge_check(status->processor[i].state == HP_PROCESSOR_GUEST, "processor %u: %u", i,
			    status->processor[i].state);
		error = client_ping(i, &answer);
		judge_check(error == HP_ERROR_OK, "ping processor %u: %s", i, client_error(error));
	}
	judge_check(export_calls("KeSetSystemAffinityThread") > 0, "not by the old functions");
}

static void log_of_boot(void)
{
	const char *text;
	size_t bytes;

	thread_sleep(300);
	text = file_content(&bytes);
	judge_check(rtl_find(text, bytes, "Windows 5.2.3790") != NULL,
		    "the first line is not there");
	judge_check(rtl_find(text, bytes, "runs under 2 processors") != NULL, "no start");
}

static void exits(void)
{
	uint32_t error = client_exits(0, HP_EXITS_ALL);

	judge_check(error == HP_ERROR_OK, "on: %s", client_error(error));
	error = client_exits(HP_EXITS_ALL, 0);
	judge_check(error == HP_ERROR_OK, "off: %s", client_error(error));
}

static void power(void)
{
	callback_power(false);
	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor has not left");
	callback_power(true);
	judge_check(state_is_guest(0) && state_is_guest(1), "a processor is not back");
}

static void stop(void)
{
	uint32_t error = client_stop();

	judge_check(error == HP_ERROR_OK, "%s", client_error(error));
	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor has not left");
	error = client_start(0);
	judge_check(error == HP_ERROR_OK, "again: %s", client_error(error));
	error = client_stop();
	judge_check(error == HP_ERROR_OK, "again: %s", client_error(error));
}

const struct test tests_life[] = {
	{ "old NT: it runs from the load on; ping both processors", runs },
	{ "old NT: the log file is opened when there are file systems", log_of_boot },
	{ "old NT: exits, by DPCs to a processor", exits },
	{ "old NT: asleep and awake", power },
	{ "old NT: stop, start, stop", stop },
	{ NULL, NULL },
};
