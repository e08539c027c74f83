// SPDX-License-Identifier: MIT
/*
 * Where NT keeps the current process: found in made-up structures, with words in them that look
 * alike; and unknown as soon as anything does not fit.
 */
#include "fake.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"
#include "host/log.h"
#include "host/windows/layout.h"

#define PAGE	  4096u
#define ID	  0x440u
#define PARENT	  0x448u
#define TOKEN	  0x4b8u
#define NAME	  0x5a8u
#define APC_STATE 0xb8u /* KTHREAD's pointers to its process */
#define OWNER	  0x220u
#define ALL	  (LAYOUT_CURRENT | LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS)

enum { SYSTEM, OURS, OTHER, PROCESSES };

static uint8_t process[PROCESSES][PAGE] __attribute__((aligned(4096)));
static uint8_t thread[2][PAGE] __attribute__((aligned(4096)));
static uint8_t processor[PAGE]; /* KPCR */
static uint8_t tokens[PROCESSES][32] __attribute__((aligned(16)));
static const uintptr_t ids[PROCESSES] = { 4, 0x1234, 0x10c };
static int references;
static const void *invalid; /* this page is not there */
static struct layout found;

static void put(void *structure, unsigned offset, uint64_t value)
{
	memcpy((uint8_t *)structure + offset, &value, sizeof(value));
}

static PKTHREAD current_thread(void)
{
	PKTHREAD here;

	memcpy(&here, processor + 0x188, sizeof(here));
	return here;
}

static PACCESS_TOKEN reference_token(PEPROCESS of)
{
	references++;
	return tokens[((uint8_t *)of - process[0]) / PAGE];
}

static void dereference_token(PACCESS_TOKEN token)
{
	assert_non_null(token);
	references--;
}

static NTSTATUS look_up(HANDLE id, PEPROCESS *to)
{
	unsigned i;

	for (i = 0; i < PROCESSES; i++) {
		if ((uintptr_t)id != ids[i])
			continue;
		*to = process[i];
		fake.threads++; /* references, here */
		return STATUS_SUCCESS;
	}
	return (NTSTATUS)0xc000000d;
}

static BOOLEAN is_valid(PVOID address)
{
	assert_int_equal((uintptr_t)address % 8, 0);
	return (void *)((uintptr_t)address & ~(uintptr_t)(PAGE - 1)) != invalid;
}

/* The processor runs this process now. */
static void run(unsigned which)
{
	fake.process = process[which];
	fake.process_id = ids[which];
	put(processor, 0x188, (uintptr_t)thread[which]);
	put(thread[which], APC_STATE, (uintptr_t)process[which]);
	put(thread[which], OWNER, (uintptr_t)process[which]);
}

static int setup(void **state)
{
	unsigned i;

	fake_setup(state);
	assert_true(log_init());
	memset(process, 0, sizeof(process));
	memset(thread, 0, sizeof(thread));
	memset(&found, 0, sizeof(found));
	fake.name_offset = NAME;
	invalid = NULL;
	for (i = 0; i < PROCESSES; i++) {
		put(process[i], ID, ids[i]);
		put(process[i], PARENT, 4);
		put(process[i], TOKEN, (uintptr_t)tokens[i] | (7 + i));
	}
	nt = (struct nt_newer){ .PsGetCurrentThread = current_thread,
				.PsReferencePrimaryToken = reference_token,
				.PsDereferencePrimaryToken = dereference_token,
				.PsLookupProcessByProcessId = look_up,
				.MmIsAddressValid = is_valid };
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, processor), 0);
	run(SYSTEM);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(references, 0);
	assert_int_equal(fake.threads, 0);
	log_end();
	return 0;
}

static void expect(uint32_t known)
{
	uint64_t position = log_oldest();
	char line[LOG_LINE];

	while (log_read(&position, line, sizeof(line)))
		;
	memset(&found, 0, sizeof(found));
	host_layout(&found);
	assert_int_equal(found.known, known);
	/* Which is said. */
	assert_int_equal(log_has(position), known != ALL);
}

static void all_is_found(void **state)
{
	(void)state;
	layout_init();
	run(OURS);
	expect(ALL);
	assert_int_equal(found.thread, 0x188);
	assert_int_equal(found.process, APC_STATE);
	assert_int_equal(found.id, ID);
	assert_int_equal(found.id_bytes, 8);
	assert_int_equal(found.name, NAME);
	assert_int_equal(found.name_bytes, 15);
	assert_int_equal(found.credentials, TOKEN);
	assert_int_equal(found.credentials_bits, 0xf);
	/* Again, as another process. */
	run(SYSTEM);
	expect(ALL);
}

/* At boot there is System alone, whose parent may be said to be itself. */
static void one_process_is_not_enough(void **state)
{
	(void)state;
	nt.PsLookupProcessByProcessId = NULL;
	layout_init();
	expect(ALL & ~LAYOUT_ID);
	put(process[SYSTEM], PARENT, 0);
	layout_init();
	expect(ALL);
}

/* Two words that fit everywhere: who knows which it is. */
static void two_are_not_known(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < PROCESSES; i++) {
		put(process[i], 0x100, ids[i]);
		put(process[i], 0x108, (uintptr_t)tokens[i] | 1);
	}
	layout_init();
	run(OURS);
	expect(LAYOUT_CURRENT | LAYOUT_NAME);
}

static void other_structures_do_not_fit(void **state)
{
	(void)state;
	layout_init();
	run(OURS);
	put(process[OURS], ID, 0);
	put(process[OTHER], TOKEN, 0);
	expect(LAYOUT_CURRENT | LAYOUT_NAME);
	put(process[OURS], ID, ids[OURS]);
	put(process[OTHER], TOKEN, (uintptr_t)tokens[OTHER]);
	expect(ALL);
	fake.name_offset = NAME + 8;
	expect(ALL & ~LAYOUT_NAME);
	fake.name_offset = NAME;
	put(thread[OURS], APC_STATE, 0);
	put(thread[OURS], OWNER, 0);
	expect(ALL & ~LAYOUT_CURRENT);
	run(OURS);
	put(thread[SYSTEM], 0x40, (uintptr_t)process[SYSTEM]);
	put(thread[OURS], 0x40, (uintptr_t)process[OURS]);
	layout_init();
	expect(ALL & ~LAYOUT_CURRENT); /* a third one */
	put(thread[OURS], 0x40, 0);
	expect(ALL);
	put(processor, 0x188, (uintptr_t)thread[SYSTEM]);
	expect(ALL & ~LAYOUT_CURRENT);
}

static void without_functions(void **state)
{
	(void)state;
	nt.PsReferencePrimaryToken = NULL;
	layout_init();
	run(OURS);
	expect(ALL & ~LAYOUT_CREDENTIALS);
	nt.PsGetCurrentThread = NULL;
	layout_init();
	expect(ALL & ~LAYOUT_CREDENTIALS & ~LAYOUT_CURRENT);
	nt.MmIsAddressValid = NULL;
	layout_init();
	expect(LAYOUT_NAME);
	nt = (struct nt_newer){ .PsGetCurrentThread = NULL };
	layout_init();
	expect(LAYOUT_NAME);
}

static void pages_that_are_not_there(void **state)
{
	(void)state;
	layout_init();
	run(OURS);
	invalid = process[OTHER];
	expect(LAYOUT_CURRENT | LAYOUT_NAME);
	invalid = NULL;
	expect(ALL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(all_is_found),      T(one_process_is_not_enough),
		T(two_are_not_known), T(other_structures_do_not_fit),
		T(without_functions), T(pages_that_are_not_there),
	};

	return cmocka_run_group_tests_name("host/windows/layout", tests, NULL, NULL);
}
