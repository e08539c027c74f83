// SPDX-License-Identifier: MIT
/*
 * Failures of root. The system, which can write everywhere before the start, puts other code at the
 * entry of a handler of root's, which CPUID then reaches: on the processor of the tests in kernel
 * mode, or on the other one in user mode, whose CR3 maps nothing of the gate.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"
#include "../../../base/vmcs.h"

#define LEAVE_MS   6000 /* root that does not come back is called after 2 to 3 seconds */
#define LOG_MS	   300	/* until the worker has written it */
#define CODE_BYTES 32
#define TABLE_SIZE 512

#define HOST_CR0       0x6c00u
#define GUEST_ACTIVITY 0x4826u
#define NO_ACTIVITY    77

/* The order of hp_report's fields. */
enum {
#define PLACE(name, encoding, group) PLACE_##name,
	VMCS_FIELDS(PLACE)
#undef PLACE
};

struct code {
	uint8_t bytes[CODE_BYTES];
	size_t count;
};

/* A processor that fails, and what has to come of it. */
struct failure {
	const char *name;
	void (*fail)(struct code *code);  /* what the handler is */
	void (*again)(struct code *code); /* and vmx_setup_again(), which begins the minimal loop */
	bool user_mode;
	unsigned processor; /* that of a hang: not 0, which keeps the time, as in NT */
	enum hp_report_kind kind;
	enum hp_report_end end;
	const char *said;     /* in the log */
	const char *short_of; /* what fails once, for want of memory, while the driver cleans up */
	unsigned place; /* of an entry that failed: the field that is to blame, and its value */
	uint64_t value;
};

static struct fault_places places;
static struct code handler, again;
static unsigned patched;

static void undefined(struct code *code)
{
	*code = (struct code){ { 0x0f, 0x0b }, 2 };
}

static void endless(struct code *code)
{
	*code = (struct code){ { 0xeb, 0xfe }, 2 };
}

static void nothing(struct code *code)
{
	*code = (struct code){ { 0xc3 }, 1 };
}

static void put(struct code *code, uint64_t value, unsigned bytes)
{
	memcpy(code->bytes + code->count, &value, bytes);
	code->count += bytes;
}

/* VMWRITE of 0 to the host's CR0: no processor takes that. */
static void bad_host(struct code *code)
{
	code->count = 0;
	put(code, 0xb8, 1); /* mov $HOST_CR0, %eax */
	put(code, HOST_CR0, 4);
	put(code, 0xc931, 2);	/* xor %ecx, %ecx */
	put(code, 0xc1790f, 3); /* vmwrite %rcx, %rax */
	put(code, 0xc3, 1);
}

/* Guest state, as every handler writes it: by undo_vmwrite(). */
static void bad_guest(struct code *code)
{
	code->count = 0;
	put(code, 0xbf, 1); /* mov $GUEST_ACTIVITY, %edi */
	put(code, GUEST_ACTIVITY, 4);
	put(code, 0xbe, 1); /* mov $NO_ACTIVITY, %esi */
	put(code, NO_ACTIVITY, 4);
	put(code, 0xe9, 1); /* jmp undo_vmwrite */
	put(code, places.undo - (places.handler + code->count + 4), 4);
}

static void patch_block(void *address, uint64_t bytes)
{
	uint8_t *image = address;

	if (places.handler + CODE_BYTES > bytes || places.again + CODE_BYTES > bytes ||
	    memcmp(image + places.handler, &places.code, sizeof(places.code)))
		return;
	memcpy(image + places.handler, handler.bytes, handler.count);
	memcpy(image + places.again, again.bytes, again.count);
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
		guests = status->running;
		for (i = 0; i < PROCESSORS; i++)
			guests += status->processor[i].state == HP_PROCESSOR_GUEST;
	}
	return !guests;
}

static void start_to_fail(const struct failure *failure)
{
	uint32_t error;

	failure->fail(&handler);
	again.count = 0;
	if (failure->again)
		failure->again(&again);
	patched = 0;
	pool_hook = patch;
	error = client_start(0);
	pool_hook = NULL;
	judge_check(error == HP_ERROR_OK && patched, "start: %s, %u places changed",
		    client_error(error), patched);
}

static void check_report(const struct failure *failure)
{
	static struct hp_report report;
	uint32_t processor = failure->processor;
	uint32_t error = client_request(HP_REQUEST_REPORT, &processor, sizeof(processor), &report,
					sizeof(report));

	judge_check(error == HP_ERROR_OK && report.kind == failure->kind,
		    "the report of processor %u: %s, kind %u", processor, client_error(error),
		    report.kind);
	judge_check(report.end == failure->end, "it ended by %u", report.end);
	if (failure->kind != HP_REPORT_ENTRY_FAILED) {
		judge_check(report.root_rip == places.handler, "it was at %llx", report.root_rip);
		judge_check(report.vector ==
				    (failure->kind == HP_REPORT_STUCK ? VECTOR_NMI : VECTOR_UD),
			    "vector %u", report.vector);
	} else {
		judge_check(report.field[failure->place] == failure->value,
			    "the field that is to blame: %llx", report.field[failure->place]);
	}
	processor = !processor;
	error = client_request(HP_REQUEST_REPORT, &processor, sizeof(processor), &report,
			       sizeof(report));
	judge_check(error == HP_ERROR_OK && report.kind == HP_REPORT_NONE,
		    "the report of processor %u, which was well: %s, kind %u", processor,
		    client_error(error), report.kind);
}

/* The system is as before the start, and a new start does what it should. */
static void check_after(void)
{
	struct hp_ping answer;
	uint32_t error, i;

	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor is still a guest");
	state_compare("after it");
	error = client_start(0);
	judge_check(error == HP_ERROR_OK, "a start after it: %s", client_error(error));
	for (i = 0; i < PROCESSORS; i++) {
		error = client_ping(i, &answer);
		judge_check(error == HP_ERROR_OK, "ping processor %u after it: %s", i,
			    client_error(error));
	}
	error = client_stop();
	judge_check(error == HP_ERROR_OK, "a stop after it: %s", client_error(error));
	judge_check(!state_is_guest(0) && !state_is_guest(1), "a processor has not left");
}

static void check_log(const struct failure *failure, size_t from)
{
	const char *text;
	size_t bytes;

	thread_sleep(LOG_MS);
	text = file_content(&bytes);
	judge_check(rtl_find(text + from, bytes - from, failure->said) != NULL,
		    "the log does not say \"%s\"", failure->said);
	judge_check(failure->kind != HP_REPORT_STUCK ||
			    rtl_find(text + from, bytes - from, "an NMI calls it back") != NULL,
		    "nobody called it back");
}

/* Its processor may be busy with the driver's lines for a while. */
static bool goes_on(const struct user *user)
{
	uint64_t count = user_count(user);
	unsigned waited;

	for (waited = 0; user_count(user) == count && waited < LOG_MS; waited++)
		thread_sleep(1);
	return user_count(user) > count;
}

/* CPUID of the tests' own thread, while a program counts on the other processor. */
static void in_kernel_mode(const struct failure *failure)
{
	struct user *user = user_start("count.exe", !failure->processor, false);

	thread_set_user_affinity(1 << failure->processor);
	start_to_fail(failure);
	state_is_guest(failure->processor);
	judge_check(all_leave(), "a processor stays");
	judge_check(goes_on(user), "a program stands still");
	user_end(user);
}

/* What an alias of the gate's needs is in the program's page table no more. */
static void in_user_mode(const struct failure *failure)
{
	struct user *user = user_start("cpuid.exe", failure->processor, false);
	static uint64_t before[TABLE_SIZE];
	uint32_t mapped = export_calls("MmMapLockedPagesSpecifyCache");
	uint32_t tried = failure->short_of ? export_calls(failure->short_of) : 0;

	thread_set_user_affinity(1 << !failure->processor);
	memcpy(before, user_top(user), sizeof(before));
	start_to_fail(failure);
	pool_fail_at(failure->short_of);
	thread_sleep(2);
	user_use_cpuid(user);
	judge_check(all_leave(), "a processor stays");
	judge_check(goes_on(user), "the program stands still");
	judge_check(!memcmp(before, user_top(user), sizeof(before)), "its page table is another");
	if (failure->short_of)
		tried = export_calls(failure->short_of) - tried;
	judge_check(!failure->short_of || tried == 2, "%s was called %u times", failure->short_of,
		    tried);
	mapped = export_calls("MmMapLockedPagesSpecifyCache") - mapped;
	judge_check((mapped != 0) == (failure->end == HP_REPORT_ESCAPED),
		    "a page was mapped %u times", mapped);
	user_end(user);
}

static void run(const struct failure *failure)
{
	size_t logged;

	judge_begin(failure->name);
	file_content(&logged);
	if (failure->user_mode)
		in_user_mode(failure);
	else
		in_kernel_mode(failure);
	check_report(failure);
	check_log(failure, logged);
	check_after();
	thread_set_user_affinity(3);
	judge_end();
}

#define SAID_FAULT "stepped aside: a fault in root: vector 6 at root.elf+"
#define SAID_HOST  "stepped aside: VM entry failed: exit reason 0xa, VM-instruction error 8;"
#define SAID_GUEST "stepped aside: VM entry failed: exit reason 0x80000021,"
#define SAID_STUCK "stepped aside: root did not come back to the guest: vector 2 at root.elf+"

static const struct failure failures[] = {
	{ .name = "fault in root, under kernel mode",
	  .fail = undefined,
	  .kind = HP_REPORT_FAULT,
	  .end = HP_REPORT_RETREATED,
	  .said = SAID_FAULT },
	{ .name = "fault in root, under user mode",
	  .fail = undefined,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_FAULT,
	  .end = HP_REPORT_RETREATED_LATER,
	  .said = SAID_FAULT },
	{ .name = "fault in root, under user mode; the minimal loop faults as well",
	  .fail = undefined,
	  .again = undefined,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_FAULT,
	  .end = HP_REPORT_ESCAPED,
	  .said = SAID_FAULT },
	{ .name = "VM entry fails by the host's state, under kernel mode",
	  .fail = bad_host,
	  .kind = HP_REPORT_ENTRY_FAILED,
	  .end = HP_REPORT_RETREATED,
	  .said = SAID_HOST,
	  .place = PLACE_HOST_CR0 },
	{ .name = "VM entry fails by the host's state, under user mode",
	  .fail = bad_host,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_ENTRY_FAILED,
	  .end = HP_REPORT_RETREATED_LATER,
	  .said = SAID_HOST,
	  .place = PLACE_HOST_CR0 },
	{ .name = "VM entry fails by the host's state, under user mode; the minimal loop's as well",
	  .fail = bad_host,
	  .again = nothing,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_ENTRY_FAILED,
	  .end = HP_REPORT_ESCAPED,
	  .said = SAID_HOST,
	  .short_of = "IoAllocateMdl",
	  .place = PLACE_HOST_CR0 },
	{ .name = "VM entry fails by the guest's state, under kernel mode",
	  .fail = bad_guest,
	  .kind = HP_REPORT_ENTRY_FAILED,
	  .end = HP_REPORT_RETREATED,
	  .said = SAID_GUEST,
	  .place = PLACE_GUEST_ACTIVITY,
	  .value = NO_ACTIVITY },
	{ .name = "VM entry fails by the guest's state, under user mode",
	  .fail = bad_guest,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_ENTRY_FAILED,
	  .end = HP_REPORT_RETREATED_LATER,
	  .said = SAID_GUEST,
	  .place = PLACE_GUEST_ACTIVITY,
	  .value = NO_ACTIVITY },
	{ .name = "root hangs, under kernel mode",
	  .fail = endless,
	  .processor = 1,
	  .kind = HP_REPORT_STUCK,
	  .end = HP_REPORT_RETREATED,
	  .said = SAID_STUCK },
	{ .name = "root hangs, under user mode",
	  .fail = endless,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_STUCK,
	  .end = HP_REPORT_RETREATED_LATER,
	  .said = SAID_STUCK },
	{ .name = "root hangs, under user mode; the minimal loop faults",
	  .fail = endless,
	  .again = undefined,
	  .user_mode = true,
	  .processor = 1,
	  .kind = HP_REPORT_STUCK,
	  .end = HP_REPORT_ESCAPED,
	  .said = SAID_STUCK,
	  .short_of = "MmMapLockedPagesSpecifyCache" },
};

void fault_run(const struct fault_places *given, bool hangs_only)
{
	size_t i;

	places = *given;
	export_set_version(false);
	file_set_available(true);
	file_set_start_at_load(false, 0);
	judge_check(NT_SUCCESS(suite_load("failures of root: load", false)) && client_open(),
		    "the driver does not load: %lx", client_status);
	judge_end();
	state_keep();
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (!hangs_only || failures[i].kind == HP_REPORT_STUCK)
			run(&failures[i]);
	}
	client_close();
	suite_unload("failures of root: unload", NULL);
}
