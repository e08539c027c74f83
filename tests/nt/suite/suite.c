// SPDX-License-Identifier: MIT
/*
 * The rounds of tests. Words of the command line:
 *
 *	probe		the driver is probe/driver.c, which breaks rules: does the lab notice?
 *	fault_rdmsr=, gate_call=OFFSET	of these functions in the driver's image
 *	x2apic		the local APICs are in x2APIC mode; with fault=, root hangs only
 *	fault=, code=, again=, undo=	root fails: see struct fault_places
 *	refused=ERROR	this processor can't run the hypervisor, for that reason (a number of abi.h,
 *			hexadecimal as all of them)
 *
 * World: the lab's kernel, in a thread of its own.
 */
#include "suite.h"

#define FIRST_BASE 0xfffff80340000000ull
#define BASE_STEP  0x000000061f0d0000ull

static const struct suite_arguments *given;
static uint64_t next_base = FIRST_BASE;
static struct {
	unsigned blocks, handles;
	long references;
	uint64_t pages;
} before;

void suite_tests(const struct test *tests)
{
	for (; tests->name; tests++) {
		judge_begin(tests->name);
		tests->run();
		judge_end();
	}
}

uint8_t *suite_driver_file(size_t *bytes)
{
	*bytes = given->driver_bytes;
	return memory_direct(given->driver_at);
}

static void read_driver(uint64_t base)
{
	size_t bytes;
	const uint8_t *file = suite_driver_file(&bytes);
	const char *wrong = loader_load(file, bytes, base);

	if (wrong) {
		judge_check(false, "%s", wrong);
		judge_end();
		judge_summary();
	}
}

/* At another base each time. */
static void load_image(void)
{
	before.blocks = pool_in_use();
	before.handles = object_driver_handles();
	before.references = object_driver_references();
	before.pages = memory_free_pages();
	read_driver(next_base);
	next_base += BASE_STEP;
}

NTSTATUS suite_load(const char *name, bool boot)
{
	NTSTATUS status;

	judge_begin(name);
	load_image();
	status = driver_start(boot);
	if (!NT_SUCCESS(status))
		loader_unload();
	return status;
}

/* The tables that map memory stay; they are few, and counted by nobody. */
#define TABLES_MOST 64

void suite_check_leaks(void)
{
	if (pool_in_use() != before.blocks)
		pool_tell_leaks();
	if (object_driver_handles() != before.handles)
		judge_violation("leak", "%u handles", object_driver_handles() - before.handles);
	if (object_driver_references() != before.references)
		judge_violation("leak", "%ld references",
				object_driver_references() - before.references);
	if (thread_of_driver_count())
		judge_violation("leak", "%u threads", thread_of_driver_count());
	if (dpc_queued())
		judge_violation("leak", "%u DPCs", dpc_queued());
	callback_tell_leaks();
	mapping_tell_leaks();
}

void suite_unload(const char *name, const char *expected)
{
	NTSTATUS status;

	judge_begin(name);
	judge_expect(expected);
	status = driver_unload();
	judge_check(NT_SUCCESS(status), "%lx", status);
	suite_check_leaks();
	loader_unload();
	thread_reap();
	judge_check(memory_free_pages() + TABLES_MOST > before.pages, "%llu pages are left",
		    before.pages - memory_free_pages());
	judge_end();
}

static void check_loaded(NTSTATUS status)
{
	judge_check(NT_SUCCESS(status), "DriverEntry: %lx", status);
	if (judge_failed()) {
		judge_end();
		judge_summary();
	}
	judge_end();
}

/* Everything that a load asks the system for fails once: it is refused, or goes on without, and
 * nothing is left. */
static void round_no_memory(void)
{
	NTSTATUS status;
	int n;

	export_set_version(false);
	file_set_start_at_load(false, 0);
	judge_begin("memory: everything that a load asks for fails once");
	for (n = 0; !judge_failed(); n++) {
		load_image();
		pool_fail(n);
		status = driver_start(false);
		judge_check(NT_SUCCESS(status) || status == STATUS_INSUFFICIENT_RESOURCES,
			    "%s fails: %lx", pool_failed() ? pool_failed() : "nothing", status);
		if (NT_SUCCESS(status))
			status = driver_unload();
		suite_check_leaks();
		loader_unload();
		if (!pool_failed())
			break;
	}
	pool_fail(-1);
	judge_check(n > 10, "%d of them", n);
	judge_end();
}

static bool given_word(const char *word)
{
	return rtl_find(given->command_line, strlen(given->command_line), word) != NULL;
}

/* The number behind `word` on the command line; 0: it is not there. */
static uint64_t argument(const char *word)
{
	const char *at = rtl_find(given->command_line, strlen(given->command_line), word);
	uint64_t value = 0;

	for (at = at ? at + strlen(word) : ""; *at && *at != ' '; at++) {
		if (*at >= '0' && *at <= '9')
			value = value << 4 | (uint64_t)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			value = value << 4 | (uint64_t)(*at - 'a' + 10);
	}
	return value;
}

/* A new NT with one processor; the second one comes while the hypervisor runs. */
static void round_new(void)
{
	export_set_version(false);
	file_set_start_at_load(false, 0);
	check_loaded(suite_load("new NT: load", false));
	suite_tests(tests_request);
	suite_tests(tests_event);
	suite_tests(tests_who);
	suite_tests(tests_guest);
	client_close();
	suite_unload("new NT: unload", NULL);
}

/* NT 5.2, where the functions that came later are not found; the driver starts with the boot. */
static void round_old(void)
{
	export_set_version(true);
	file_set_start_at_load(true, 1);
	file_remove();
	check_loaded(suite_load("old NT: load at boot", true));
	suite_tests(tests_who);
	suite_tests(tests_life);
	if (argument("fault_rdmsr="))
		exception_run(argument("fault_rdmsr="), argument("gate_call="));
	client_close();
	suite_unload("old NT: unload", NULL);
}

static void set_vmxe(void *on)
{
	uint64_t cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 = on ? cr4 | 1 << 13 : cr4 & ~(1ull << 13);
	asm volatile("mov %0, %%cr4" : : "r"(cr4));
}

/* Somebody else uses VT-x on one processor: a driver that is to start at load does not load. */
static void round_refused(void)
{
	const char *text;
	NTSTATUS status;
	size_t bytes;

	export_set_version(false);
	file_set_start_at_load(true, 1);
	state_on(1, set_vmxe, (void *)1);
	status = suite_load("VT-x in use: the load is refused", false);
	judge_check(status == STATUS_DEVICE_BUSY, "%lx", status);
	suite_check_leaks();
	text = file_content(&bytes);
	judge_check(rtl_find(text, bytes, "end what uses it: the virtual machines") != NULL,
		    "the log does not say what to do on Windows");
	state_on(1, set_vmxe, NULL);
	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor has entered");
	judge_end();
}

void NTAPI suite_run(PVOID arguments)
{
	given = arguments;
	if (given_word("probe")) {
		processor_start_next();
		probe_run();
		judge_summary();
	}
	if (argument("refused=")) {
		processor_start_next();
		refused_run((uint32_t)argument("refused="));
		judge_summary();
	}
	if (argument("fault=")) {
		const struct fault_places places = {
			argument("fault="),
			argument("code="),
			argument("again="),
			argument("undo="),
		};

		processor_start_next();
		fault_run(&places, given_word("x2apic"));
		judge_summary();
	}
	round_new();
	round_old();
	round_refused();
	round_no_memory();
	judge_summary();
}
