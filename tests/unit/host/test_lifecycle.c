// SPDX-License-Identifier: MIT
/*
 * host/lifecycle.c: all or none, whatever fails and wherever; processors that come and go; sleep
 * and shutdown. fake.c watches that nothing is called where it may not be.
 */
#include "fake.h"

#include "host/lifecycle.h"
#include "host/log.h"
#include "host/machine.h"

static unsigned guests(void)
{
	unsigned i, count = 0;

	for (i = 0; i < FAKE_PROCESSORS; i++)
		count += fake.processor[i].gate != NULL;
	return count;
}

static void stop(void)
{
	struct hp_failure failure;

	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	assert_int_equal(guests(), 0);
	assert_null(lifecycle_machine());
	fake_close();
}

static void start(void)
{
	struct hp_failure failure;

	assert_int_equal(fake_start(0, &failure), HP_ERROR_OK);
	assert_non_null(lifecycle_machine());
}

static void refuse(enum hp_error error, uint32_t processor, const char *words)
{
	struct hp_failure failure;

	assert_int_equal(fake_start(0, &failure), error);
	assert_int_equal(failure.error, error);
	assert_int_equal(failure.processor, processor);
	assert_non_null(strstr(fake.printed, words));
	assert_int_equal(guests(), 0);
	assert_null(lifecycle_machine());
	assert_int_equal(fake.pages, 0);
}

static void test_start_and_stop(void **state)
{
	struct hp_failure failure;
	unsigned i;

	(void)state;
	fake_open(3, 256);
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_NOT_RUNNING);
	for (i = 0; i < 3; i++) {
		start();
		assert_int_equal(guests(), 3);
		assert_int_equal(fake_start(0, &failure), HP_ERROR_ALREADY);
		assert_int_equal(guests(), 3);
		stop();
	}
}

static void test_refusals(void **state)
{
	(void)state;
	fake_open(3, 256);
	fake.processor[1].vmx = false;
	refuse(HP_ERROR_NO_VMX, 1, "processor 1: the processor has no Intel VT-x; use a machine");
	fake_open(2, 256);
	fake.proc2 &= ~(BIT64(1) << 32);
	refuse(HP_ERROR_NO_EPT, 0, "extended page tables");
	fake_open(2, 256);
	fake.ept_vpid &= ~BIT64(20);
	refuse(HP_ERROR_CAPABILITY, 0, "INVEPT");
	fake_open(2, 256);
	fake.cr4 |= CR4_VMXE;
	refuse(HP_ERROR_VMX_IN_USE, 0, "another hypervisor");
	fake_open(2, 256);
	fake.kvm = true;
	refuse(HP_ERROR_KVM_LOADED, 0, "loaded; remove it as it is done here");
	fake_open(2, 256);
	fake.gdt_limit = 256;
	refuse(HP_ERROR_STATE, 0, "state can't be taken over: 0, 0x100;");
	fake_open(2, 256);
	fake_damage_image();
	refuse(HP_ERROR_IMAGE, HP_NO_PROCESSOR, "not started: the root image is damaged; build");
	fake_mend_image();
	start();
	stop();
}

/* Whichever allocation fails: nothing is entered, nothing stays, and the next start works. */
static void test_every_allocation(void **state)
{
	struct hp_failure failure;
	uint32_t total, i;

	(void)state;
	fake_open(2, 256);
	start();
	total = fake.allocations;
	stop();
	assert_true(total > 40);
	for (i = 0; i < total; i++) {
		fake_open(2, 256);
		fake.fail_allocation = i;
		assert_int_equal(fake_start(0, &failure), HP_ERROR_NO_MEMORY);
		assert_int_equal(failure.processor, HP_NO_PROCESSOR);
		assert_int_equal(fake.processor[0].entered, 0);
		fake_close();
	}
	fake.fail_allocation = FAKE_NEVER;
	start();
	stop();
}

/* Whichever processor fails: those before it have left again, those behind never entered. */
static void test_every_processor(void **state)
{
	uint32_t i, k;

	(void)state;
	for (k = 0; k < FAKE_PROCESSORS; k++) {
		fake_open(FAKE_PROCESSORS, 256);
		fake.processor[k].refuses = HP_ERROR_ENTRY_FAILED;
		refuse(HP_ERROR_ENTRY_FAILED, k, "VM entry failed: 0x681e");
		for (i = 0; i < FAKE_PROCESSORS; i++) {
			assert_int_equal(fake.processor[i].entered, i < k);
			assert_int_equal(fake.processor[i].left, i < k);
		}
		fake.processor[k].refuses = HP_ERROR_OK;
		start();
		stop();
	}
}

/* A guest wrote to the gate's page: the processor is a guest whatever the page says, and leaves. */
static void test_overwritten_gate(void **state)
{
	struct hp_failure failure;

	(void)state;
	fake_open(2, 256);
	assert_int_equal(fake_start(0, &failure), HP_ERROR_OK);
	fake.processor[1].gate->in_guest = 0;
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	assert_int_equal(fake.processor[1].left, 1);
	fake_close();
}

/* One that won't leave keeps the memory and the running state; a later stop gets it. */
static void test_one_stays(void **state)
{
	struct hp_failure failure;

	(void)state;
	fake_open(3, 256);
	start();
	fake.processor[1].stays = true;
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_NO_ANSWER);
	assert_int_equal(failure.processor, 1);
	assert_int_equal(guests(), 1);
	assert_non_null(lifecycle_machine());
	assert_true(fake.pages > 0);
	fake.processor[1].stays = false;
	stop();
}

static void test_roll_back_that_fails(void **state)
{
	struct hp_failure failure;

	(void)state;
	fake_open(3, 256);
	fake.processor[0].stays = true;
	fake.processor[2].refuses = HP_ERROR_VMXON_FAILED;
	assert_int_equal(fake_start(0, &failure), HP_ERROR_VMXON_FAILED);
	assert_int_equal(failure.processor, 2);
	assert_int_equal(guests(), 1);
	assert_non_null(lifecycle_machine());
	fake.processor[0].stays = false;
	stop();
}

static enum hp_error nested_start, nested_stop;

static void change_again(uint32_t processor)
{
	struct hp_failure failure;

	(void)processor;
	nested_start = fake_start(0, &failure);
	nested_stop = lifecycle_stop(&failure);
}

/* While one is under way, another is turned away and does not wait. */
static void test_busy(void **state)
{
	(void)state;
	fake_open(1, 256);
	fake.in_gate = change_again;
	start();
	assert_int_equal(nested_start, HP_ERROR_BUSY);
	assert_int_equal(nested_stop, HP_ERROR_BUSY);
	fake.in_gate = NULL;
	stop();
}

static void test_hot_plug(void **state)
{
	(void)state;
	fake_open(3, 256);
	fake_offline(2);
	start();
	assert_int_equal(guests(), 2);
	fake_online(2);
	assert_int_equal(guests(), 3);
	assert_true(fake_offline(1));
	assert_int_equal(guests(), 2);
	fake.processor[1].refuses = HP_ERROR_VMXON_FAILED;
	fake_online(1);
	assert_int_equal(guests(), 2);
	assert_int_equal(lifecycle_machine()->processor[1].error, HP_ERROR_VMXON_FAILED);
	assert_non_null(strstr(fake.printed, "processor 1: VMXON failed"));
	fake_offline(1);
	fake.processor[1].refuses = HP_ERROR_OK;
	fake_online(1);
	assert_int_equal(guests(), 3);
	assert_int_equal(lifecycle_machine()->processor[1].error, HP_ERROR_OK);
	fake.processor[1].stays = true;
	assert_false(fake_offline(1));
	fake.processor[1].stays = false;
	stop();
	assert_true(fake_offline(1));
	fake_online(1);
}

/* It has no pages: it runs natively, and the rest goes on. */
static void test_new_processors(void **state)
{
	(void)state;
	fake_open(4, 256);
	fake.processor[1].state = HP_PROCESSOR_ABSENT;
	fake.processor[3].state = HP_PROCESSOR_ABSENT;
	start();
	fake_online(1);
	assert_int_equal(lifecycle_machine()->processor[1].error, HP_ERROR_NO_MEMORY);
	fake_online(3);
	assert_int_equal(guests(), 2);
	assert_true(fake_offline(1));
	assert_true(fake_offline(3));
	stop();
}

/* One that could not use the leaves of the common tree stays out. */
static void test_less_able_processor(void **state)
{
	(void)state;
	fake_open(2, 256);
	fake_offline(1);
	start();
	fake.ept_vpid &= ~BIT64(16);
	fake_online(1);
	assert_int_equal(guests(), 1);
	assert_int_equal(lifecycle_machine()->processor[1].error, HP_ERROR_CAPABILITY);
	stop();
}

static void test_sleep(void **state)
{
	struct hp_failure failure;

	(void)state;
	fake_open(3, 256);
	assert_true(lifecycle_suspend());
	lifecycle_resume();
	start();
	assert_true(lifecycle_suspend());
	assert_int_equal(guests(), 0);
	assert_int_equal(fake_start(0, &failure), HP_ERROR_ALREADY);
	fake_offline(1);
	fake_online(1);
	assert_int_equal(guests(), 0);
	fake_offline(2);
	lifecycle_resume();
	assert_int_equal(guests(), 2);
	fake_online(2);
	assert_int_equal(guests(), 3);

	fake.processor[1].stays = true;
	assert_false(lifecycle_suspend());
	fake.processor[1].stays = false;
	lifecycle_resume();
	assert_int_equal(guests(), 3);
	assert_true(lifecycle_suspend());
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	assert_int_equal(fake_start(0, &failure), HP_ERROR_BUSY);
	lifecycle_resume();
	start();
	stop();
}

/* The last test: there is no way back. */
static void test_shutdown(void **state)
{
	struct hp_failure failure;

	(void)state;
	fake_open(2, 256);
	start();
	fake.processor[1].stays = true;
	assert_false(lifecycle_shutdown());
	fake.processor[1].stays = false;
	assert_true(lifecycle_shutdown());
	fake_close();
	assert_true(lifecycle_shutdown());
	assert_int_equal(fake_start(0, &failure), HP_ERROR_BUSY);
	fake_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_every_allocation),
		cmocka_unit_test(test_every_processor),
		cmocka_unit_test(test_one_stays),
		cmocka_unit_test(test_overwritten_gate),
		cmocka_unit_test(test_roll_back_that_fails),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_hot_plug),
		cmocka_unit_test(test_new_processors),
		cmocka_unit_test(test_less_able_processor),
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_shutdown),
	};

	return cmocka_run_group_tests(tests, fake_open_log, fake_close_log);
}
