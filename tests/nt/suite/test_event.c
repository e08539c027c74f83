// SPDX-License-Identifier: MIT
/*
 * Events of the system while the hypervisor runs: a processor more, sleep, images, a bug check; and
 * what the driver writes of them.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define TEXT_BYTES 4096

static void add_processor(void)
{
	const struct hp_status *status;
	struct hp_ping answer;
	uint32_t error, i;

	judge_check(callback_add_processor(), "the driver refuses it");
	judge_check(processor_count() == PROCESSORS, "it does not run");
	status = client_get_status();
	for (i = 0; i < PROCESSORS; i++) {
		judge_check(status->processor[i].state == HP_PROCESSOR_GUEST,
			    "processor %u: state %u, error %s", i, status->processor[i].state,
			    client_error(status->processor[i].error));
		judge_check(state_is_guest(i), "processor %u: CPUID does not show it", i);
		error = client_ping(i, &answer);
		judge_check(error == HP_ERROR_OK && answer.cpuid_signature == HP_SIGNATURE,
			    "ping processor %u: %s", i, client_error(error));
		judge_check(answer.cpuid_cycles && answer.gate_cycles && answer.tsc_khz,
			    "ping processor %u: %llu cycles, %llu kHz", i, answer.cpuid_cycles,
			    answer.tsc_khz);
	}
}

static void sleep_and_wake(void)
{
	uint32_t error, round, i;

	for (round = 0; round < 3; round++) {
		callback_power(false);
		for (i = 0; i < PROCESSORS; i++)
			judge_check(!state_is_guest(i), "asleep, processor %u has not left", i);
		error = client_start(0);
		judge_check(error == HP_ERROR_ALREADY || error == HP_ERROR_BUSY,
			    "asleep, a start gives %s", client_error(error));
		callback_power(true);
		for (i = 0; i < PROCESSORS; i++)
			judge_check(state_is_guest(i), "awake, processor %u is not back", i);
	}
}

/* Stopped while it sleeps; asked to start while it sleeps. */
static void stop_asleep(void)
{
	uint32_t error;

	callback_power(false);
	error = client_stop();
	judge_check(error == HP_ERROR_OK, "asleep, a stop gives %s", client_error(error));
	error = client_start(0);
	judge_check(error == HP_ERROR_BUSY, "asleep, a start gives %s", client_error(error));
	callback_power(true);
	judge_check(!state_is_guest(0), "it has started by itself");
	error = client_start(0);
	judge_check(error == HP_ERROR_OK, "awake, a start gives %s", client_error(error));
}

static void images(void)
{
	callback_image(L"\\SystemRoot\\System32\\drivers\\other.sys", 0xfffff80712340000, 0x8000,
		       true);
	callback_image(NULL, 0xfffff80712380000, 0x8000, true);
	callback_image(L"\\SystemRoot\\System32\\drivers\\a_name_that_is_longer_than_it_should_be_"
		       L"by_a_good_deal_and_then_some_more.sys",
		       0xfffff80712340000, 0x10000, true);
	callback_image(L"\\Device\\HarddiskVolume1\\Windows\\notepad.exe", 0x7ff700000000, 0x30000,
		       false);
}

static void bug_check(void)
{
	const char *text;
	size_t bytes;

	text = callback_bug_check(TEXT_BYTES, &bytes);
	judge_check(text && bytes && bytes <= TEXT_BYTES, "%llu bytes", (uint64_t)bytes);
	if (judge_failed())
		return;
	judge_check(rtl_find(text, bytes, "HyperPlatform " HP_VERSION) != NULL, "no version");
	judge_check(rtl_find(text, bytes, "#1") != NULL, "nothing of processor 1");
	text = callback_bug_check(20, &bytes);
	judge_check(bytes <= 20, "%llu bytes, where 20 are allowed", (uint64_t)bytes);
}

/* Every line ends with CR LF and has a time first: 14:05:09.123<tab>... */
static void check_lines(const char *text, size_t bytes)
{
	size_t at, start = 0;
	unsigned lines = 0;

	for (at = 0; at < bytes; at++) {
		if (text[at] != '\n')
			continue;
		judge_check(at > start + 12 && text[at - 1] == '\r' && text[start + 2] == ':' &&
				    text[start + 12] == '\t',
			    "line %u is none", lines);
		start = at + 1;
		lines++;
	}
	judge_check(start == bytes && lines, "%u lines, %llu bytes after them", lines,
		    (uint64_t)(bytes - start));
}

static void log_file(void)
{
	const char *text;
	size_t bytes;

	/* The worker writes it, a tick later. */
	thread_sleep(300);
	text = file_content(&bytes);
	check_lines(text, bytes);
	judge_check(rtl_find(text, bytes, "runs under 1 processors") != NULL, "no start");
	judge_check(rtl_find(text, bytes, "runs under 2 processors") != NULL, "no second start");
}

static void log_read(void)
{
	static char text[TEXT_BYTES];
	IO_STATUS_BLOCK result = io_read(client_file, text, 16);
	size_t all = 0;

	judge_check(!NT_SUCCESS(result.Status), "a buffer that is too small: %lx", result.Status);
	do {
		result = io_read(client_file, text, sizeof(text));
		judge_check(NT_SUCCESS(result.Status), "%lx", result.Status);
		if (!all)
			judge_check(rtl_find(text, result.Information, "Windows 10.0.19045") !=
					    NULL,
				    "the oldest line does not come first");
		all += result.Information;
	} while (NT_SUCCESS(result.Status) && result.Information && all < 0x10000);
	judge_check(all && !result.Information, "%llu bytes", (uint64_t)all);
}

const struct test tests_event[] = {
	{ "hot-add: a second processor enters; ping both", add_processor },
	{ "power: three times asleep and awake", sleep_and_wake },
	{ "power: stop and start while it sleeps", stop_asleep },
	{ "images: notifications", images },
	{ "bug check: the driver's text", bug_check },
	{ "log: the file", log_file },
	{ "log: read from the device", log_read },
	{ NULL, NULL },
};
