// SPDX-License-Identifier: MIT
/*
 * Life with the hypervisor under both processors: everything exits, NMIs, programs in user mode
 * while processors leave and enter, want of memory, a processor that can't enter, two callers at
 * once, the system's end.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define NMIS	   50
#define CYCLES	   10
#define PAIRS	   6
#define LONG_LIMIT 0x107 /* more than a struct gate_cpu keeps of a GDT */
#define RUN_MS	   5

static void expect_start(uint32_t exits)
{
	uint32_t error = client_start(exits);

	judge_check(error == HP_ERROR_OK, "start: %s on processor %u, %llx %llx",
		    client_error(error), client_failure.processor, client_failure.detail[0],
		    client_failure.detail[1]);
}

static void expect_stop(void)
{
	uint32_t error = client_stop();

	judge_check(error == HP_ERROR_OK, "stop: %s on processor %u", client_error(error),
		    client_failure.processor);
}

static void expect_all(bool guest)
{
	unsigned i;

	for (i = 0; i < PROCESSORS; i++)
		judge_check(state_is_guest(i) == guest, "processor %u is %s", i,
			    guest ? "native" : "a guest");
}

static void stop(void)
{
	expect_stop();
	expect_all(false);
	state_keep();
	expect_start(0);
	state_compare("as guests");
	expect_stop();
	state_compare("after leaving");
	expect_start(0);
}

static void exits(void)
{
	uint32_t error = client_exits(0, HP_EXITS_ALL);
	struct hp_ping answer;

	judge_check(error == HP_ERROR_OK, "on: %s", client_error(error));
	state_compare("with all exits");
	thread_sleep(RUN_MS);
	judge_check(client_ping(1, &answer) == HP_ERROR_OK, "no answer to a ping");
	expect_stop();
	state_compare("after leaving");
	expect_start(HP_EXITS_ALL);
	thread_sleep(RUN_MS);
	error = client_exits(HP_EXITS_ALL, 0);
	judge_check(error == HP_ERROR_OK, "off: %s", client_error(error));
	expect_all(true);
}

/* One at a time: what is pending already is not sent again. */
static void send_nmis(unsigned processor)
{
	uint32_t before = processors[processor].nmis, i;
	uint64_t waited;

	for (i = 0; i < NMIS; i++) {
		processor_send_nmi(processor);
		for (waited = 0; processors[processor].nmis == before + i && waited < 1000000;
		     waited++)
			__builtin_ia32_pause();
	}
	judge_check(processors[processor].nmis == before + NMIS, "%u of %u came to processor %u",
		    processors[processor].nmis - before, NMIS, processor);
}

static void nmis(void)
{
	struct user *user = user_start("busy.exe", 1, true);

	thread_set_user_affinity(1);
	send_nmis(1);
	user_end(user);
	send_nmis(1);
	thread_set_user_affinity(2);
	send_nmis(0);
	thread_set_user_affinity(3);
}

static volatile bool sender_ends;
static volatile uint32_t sender_lost;

/* From the second processor to the first, without an end: each is waited for. */
static void NTAPI send_always(PVOID context)
{
	uint32_t before;
	uint64_t waited;

	(void)context;
	thread_set_user_affinity(2);
	while (!sender_ends) {
		before = processors[0].nmis;
		processor_send_nmi(0);
		for (waited = 0; processors[0].nmis == before && waited < 1000000; waited++)
			__builtin_ia32_pause();
		sender_lost += processors[0].nmis == before;
	}
}

static void nmis_in_crossing(void)
{
	uint32_t before = processors[0].nmis, round;
	PKTHREAD sender;

	thread_set_user_affinity(1);
	sender_ends = false;
	sender = thread_create(&thread_system_process, send_always, NULL);
	for (round = 0; round < CYCLES && !judge_failed(); round++) {
		expect_stop();
		expect_start(0);
	}
	sender_ends = true;
	KeWaitForSingleObject(sender, Executive, KernelMode, FALSE, NULL);
	object_release(sender);
	thread_set_user_affinity(3);
	judge_check(!sender_lost, "%u are lost", sender_lost);
	judge_check(processors[0].nmis - before > 100 * CYCLES, "only %u came",
		    processors[0].nmis - before);
}

static bool runs_on(struct user *const *users)
{
	uint64_t before[PROCESSORS];
	unsigned i;

	for (i = 0; i < PROCESSORS; i++)
		before[i] = user_count(users[i]);
	thread_sleep(2 * PROCESSORS);
	for (i = 0; i < PROCESSORS; i++)
		if (user_count(users[i]) == before[i])
			return false;
	return true;
}

/* Each is at CPL 3, with a CR3 that maps nothing of the driver, when it is interrupted to leave. */
static void user_mode(void)
{
	struct user *users[PROCESSORS];
	uint32_t in_user, round;
	unsigned i;

	for (i = 0; i < PROCESSORS; i++)
		users[i] = user_start("count.exe", i, i != 0);
	in_user = processors[0].interrupted_user + processors[1].interrupted_user;
	for (round = 0; round < PAIRS; round++) {
		expect_stop();
		judge_check(runs_on(users), "a program stands still without it");
		expect_start(round & 1 ? HP_EXITS_ALL : 0);
		judge_check(runs_on(users), "a program stands still with it");
	}
	client_exits(HP_EXITS_ALL, 0);
	in_user = processors[0].interrupted_user + processors[1].interrupted_user - in_user;
	judge_check(in_user > PAIRS, "only %u ticks came in user mode", in_user);
	for (i = 0; i < PROCESSORS; i++)
		user_end(users[i]);
	expect_all(true);
}

static void cycles(void)
{
	uint64_t pages;
	unsigned i, blocks;

	expect_stop();
	blocks = pool_in_use();
	pages = memory_free_pages();
	for (i = 0; i < CYCLES && !judge_failed(); i++) {
		expect_start(0);
		expect_all(true);
		expect_stop();
		expect_all(false);
	}
	judge_check(pool_in_use() == blocks, "%u blocks of memory are left",
		    pool_in_use() - blocks);
	judge_check(memory_free_pages() + CYCLES > pages, "%llu pages are left",
		    pages - memory_free_pages());
}

/*
 * Everything that a start takes of the system fails once. Without memory there is no start; without
 * a thread of the watch's there is.
 */
static void no_memory(void)
{
	unsigned blocks = pool_in_use();
	const char *failed = "";
	uint32_t error, wanted;
	int n;

	for (n = 0; failed && !judge_failed(); n++) {
		pool_fail(n);
		error = client_start(0);
		failed = pool_failed();
		pool_fail(-1);
		wanted = !failed || !strcmp(failed, "PsCreateSystemThread") ? HP_ERROR_OK
									    : HP_ERROR_NO_MEMORY;
		judge_check(error == wanted, "%d, %s, fails: %s", n, failed ? failed : "nothing",
			    client_error(error));
		expect_all(error == HP_ERROR_OK);
		if (error == HP_ERROR_OK)
			expect_stop();
		judge_check(pool_in_use() == blocks, "%d fails: %u blocks are left", n,
			    pool_in_use() - blocks);
	}
	judge_check(n > 20, "only %d", n);
}

static void set_gdt_limit(void *limit)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed))
	gdtr = { (uint16_t)(uintptr_t)limit, (uintptr_t)processor_this()->gdt };

	asm volatile("lgdt %0" : : "m"(gdtr));
}

/* The second processor's GDT can't be taken over: the first one, which has entered, leaves again.
 */
static void all_or_none(void)
{
	unsigned blocks = pool_in_use();
	uint32_t error;

	state_on(1, set_gdt_limit, (void *)LONG_LIMIT);
	error = client_start(0);
	state_on(1, set_gdt_limit, (void *)(PROCESSOR_GDT_BYTES - 1));
	judge_check(error == HP_ERROR_STATE && client_failure.processor == 1 &&
			    client_failure.detail[1] == LONG_LIMIT,
		    "%s on processor %u, %llx", client_error(error), client_failure.processor,
		    client_failure.detail[1]);
	expect_all(false);
	state_compare("after a failed start");
	judge_check(pool_in_use() == blocks, "%u blocks of memory are left",
		    pool_in_use() - blocks);
}

static volatile uint32_t other_failures;

/* Another program, which starts and stops as it likes. */
static void NTAPI other_caller(PVOID context)
{
	static uint8_t in[256], out[256];
	struct hp_request *request = (struct hp_request *)in;
	FILE_OBJECT *file = context;
	unsigned i;

	for (i = 0; i < 2 * PAIRS; i++) {
		memset(in, 0, sizeof(in));
		request->abi = HP_ABI_VERSION;
		request->code = i & 1 ? HP_REQUEST_STOP : HP_REQUEST_START;
		((struct hp_start *)(request + 1))->history = HP_HISTORY_DEFAULT;
		request->in_bytes = i & 1 ? 0 : sizeof(struct hp_start);
		request->out_bytes = sizeof(struct hp_failure);
		io_control(file, HP_IOCTL_WINDOWS, in, sizeof(*request) + request->in_bytes, out,
			   sizeof(*request) + request->out_bytes);
		switch (((struct hp_request *)out)->result) {
		case HP_ERROR_OK:
		case HP_ERROR_ALREADY:
		case HP_ERROR_NOT_RUNNING:
		case HP_ERROR_BUSY:
			break;
		default:
			other_failures++;
		}
	}
}

static void two_callers(void)
{
	FILE_OBJECT *file;
	PKTHREAD thread;
	uint32_t error;
	unsigned i;

	io_open(CLIENT_LINK, (struct token){ true }, NULL, &file);
	thread = thread_create(&thread_system_process, other_caller, file);
	for (i = 0; i < 2 * PAIRS; i++) {
		error = i & 1 ? client_stop() : client_start(0);
		judge_check(error == HP_ERROR_OK || error == HP_ERROR_BUSY ||
				    error == HP_ERROR_ALREADY || error == HP_ERROR_NOT_RUNNING,
			    "%s", client_error(error));
	}
	KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
	object_release(thread);
	io_close(file);
	judge_check(!other_failures, "%u failures of the other", other_failures);
	client_stop();
	expect_all(false);
}

static void shutdown(void)
{
	uint32_t error;

	expect_start(0);
	judge_check(io_shutdown() == 1, "the driver did not ask to be told");
	expect_all(false);
	error = client_start(0);
	judge_check(error == HP_ERROR_BUSY, "a start gives %s", client_error(error));
}

const struct test tests_guest[] = {
	{ "stop: registers are as before", stop },
	{ "exits: all on, all off", exits },
	{ "NMIs: none is lost", nmis },
	{ "NMIs: none is lost while processors leave and enter", nmis_in_crossing },
	{ "user mode: stop and start under running programs", user_mode },
	{ "cycles: start and stop", cycles },
	{ "memory: everything that a start asks for fails once", no_memory },
	{ "start: all or none", all_or_none },
	{ "start and stop: two callers at once", two_callers },
	{ "shutdown: every processor leaves", shutdown },
	{ NULL, NULL },
};
