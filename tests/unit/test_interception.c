// SPDX-License-Identifier: MIT
/*
 * Subscriptions and the state that they make together.
 */
#include "unit.h"

#include "base/interception.h"
#include "base/msr.h"
#include "base/vmcs.h"

static struct interception_set set;
static struct interception state_of;
static uint8_t msrs[INTERCEPTION_MSR_BYTES], ports[INTERCEPTION_PORT_BYTES];

static int setup(void **state)
{
	(void)state;
	memset(&set, 0, sizeof(set));
	return 0;
}

static bool add(uint8_t event, uint8_t access, uint64_t first, uint64_t last)
{
	return interception_add(&set, &(struct intercept){ event, access, first, last });
}

static bool take(uint8_t event, uint8_t access, uint64_t first, uint64_t last)
{
	return interception_remove(&set, &(struct intercept){ event, access, first, last });
}

static void unite(void)
{
	memset(msrs, 0x55, sizeof(msrs));
	memset(ports, 0x55, sizeof(ports));
	interception_union(&set, &state_of, msrs, ports);
}

static bool port(unsigned number)
{
	return ports[number / 8] >> number % 8 & 1;
}

static void nothing_wanted_is_nothing_on(void **state)
{
	uint8_t always[INTERCEPTION_MSR_BYTES];
	unsigned i;

	(void)state;
	unite();
	msr_bitmap_fill(always);
	assert_memory_equal(msrs, always, sizeof(always));
	for (i = 0; i < sizeof(ports); i++)
		assert_int_equal(ports[i], 0);
	assert_int_equal(state_of.proc | state_of.proc2 | state_of.exceptions, 0);
	assert_int_equal(state_of.cr0 | state_of.cr4, 0);
}

static void each_event_has_its_control(void **state)
{
	static const struct {
		uint8_t event, access;
		uint32_t proc, proc2;
	} cases[] = {
		{ INTERCEPT_CR3, INTERCEPT_READ, PROC_CR3_STORE, 0 },
		{ INTERCEPT_CR3, INTERCEPT_WRITE, PROC_CR3_LOAD, 0 },
		{ INTERCEPT_CR8, INTERCEPT_BOTH, PROC_CR8_LOAD | PROC_CR8_STORE, 0 },
		{ INTERCEPT_DR, INTERCEPT_READ, PROC_MOV_DR, 0 },
		{ INTERCEPT_DESCRIPTOR, INTERCEPT_BOTH, 0, PROC2_DESCRIPTOR_TABLE },
		{ INTERCEPT_TSC, INTERCEPT_READ, PROC_RDTSC, 0 },
		{ INTERCEPT_PMC, INTERCEPT_READ, PROC_RDPMC, 0 },
		{ INTERCEPT_CACHE, INTERCEPT_BOTH, 0, PROC2_WBINVD },
		{ INTERCEPT_TLB, INTERCEPT_BOTH, PROC_INVLPG, 0 },
		{ INTERCEPT_HLT, INTERCEPT_BOTH, PROC_HLT, 0 },
		{ INTERCEPT_PAUSE, INTERCEPT_BOTH, PROC_PAUSE, 0 },
		{ INTERCEPT_MWAIT, INTERCEPT_BOTH, PROC_MONITOR | PROC_MWAIT, 0 },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		assert_true(add(cases[i].event, cases[i].access, 0, 0));
		unite();
		assert_int_equal(state_of.proc, cases[i].proc);
		assert_int_equal(state_of.proc2, cases[i].proc2);
	}
}

static void ranges_become_bits(void **state)
{
	(void)state;
	assert_true(add(INTERCEPT_MSR, INTERCEPT_WRITE, 0x1ffe, 0xc0000001));
	assert_true(add(INTERCEPT_PORT, INTERCEPT_BOTH, 0x7fff, 0x8001));
	assert_true(add(INTERCEPT_EXCEPTION, INTERCEPT_BOTH, 1, 3));
	assert_true(add(INTERCEPT_EXCEPTION, INTERCEPT_BOTH, 31, 31));
	assert_true(add(INTERCEPT_CR4, INTERCEPT_WRITE, CR4_SMEP | CR4_SMAP, 0));
	unite();
	assert_true(msr_bitmap_test(msrs, 0x1ffe, true) && msr_bitmap_test(msrs, 0x1fff, true));
	assert_true(msr_bitmap_test(msrs, 0xc0000001, true));
	assert_false(msr_bitmap_test(msrs, 0x1ffd, true) || msr_bitmap_test(msrs, 0x1ffe, false) ||
		     msr_bitmap_test(msrs, 0xc0000002, true));
	assert_true(port(0x7fff) && port(0x8000) && port(0x8001));
	assert_false(port(0x7ffe) || port(0x8002));
	assert_int_equal(state_of.proc, PROC_IO_BITMAPS);
	/* NMIs are root's, not an exception's. */
	assert_int_equal(state_of.exceptions, 1u << 1 | 1u << 3 | 1u << 31);
	assert_int_equal(state_of.cr4, CR4_SMEP | CR4_SMAP);
}

static void the_last_of_two_turns_it_off(void **state)
{
	(void)state;
	add(INTERCEPT_PORT, INTERCEPT_BOTH, 0x60, 0x64);
	add(INTERCEPT_PORT, INTERCEPT_BOTH, 0x60, 0x64);
	add(INTERCEPT_PORT, INTERCEPT_BOTH, 0x64, 0x70);
	assert_true(take(INTERCEPT_PORT, INTERCEPT_BOTH, 0x60, 0x64));
	unite();
	assert_true(port(0x60) && port(0x70));
	assert_true(take(INTERCEPT_PORT, INTERCEPT_BOTH, 0x60, 0x64));
	assert_false(take(INTERCEPT_PORT, INTERCEPT_BOTH, 0x60, 0x64));
	unite();
	assert_false(port(0x60));
	assert_true(port(0x64) && port(0x70));
	assert_true(take(INTERCEPT_PORT, INTERCEPT_BOTH, 0x64, 0x70));
	unite();
	assert_int_equal(state_of.proc, 0);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	assert_false(add(INTERCEPT_PORT, INTERCEPT_BOTH, 2, 1));
	assert_false(add(INTERCEPT_PORT, INTERCEPT_BOTH, 0, 0x10000));
	assert_false(add(INTERCEPT_EXCEPTION, INTERCEPT_BOTH, 0, 32));
	assert_false(add(INTERCEPT_MSR, INTERCEPT_BOTH, 0, 0x100000000));
	assert_false(add(INTERCEPT_MSR, 0, 1, 1));
	assert_false(add(INTERCEPT_MSR, 4, 1, 1));
	assert_false(add(INTERCEPT_CR0, INTERCEPT_WRITE, 0, 0));
	assert_false(add(INTERCEPT_EVENTS, INTERCEPT_BOTH, 0, 0));
	assert_int_equal(set.count, 0);
}

static void a_full_set_changes_nothing(void **state)
{
	(void)state;
	while (add(INTERCEPT_HLT, INTERCEPT_BOTH, 0, 0))
		;
	assert_int_equal(set.count, INTERCEPTION_MAX);
	take(INTERCEPT_HLT, INTERCEPT_BOTH, 0, 0);
	assert_false(interception_add_groups(&set, HP_EXITS_CR));
	assert_int_equal(set.count, INTERCEPTION_MAX - 1);
}

static void groups_add_up_to_every_bit(void **state)
{
	unsigned i;

	(void)state;
	assert_true(interception_add_groups(&set, HP_EXITS_ALL));
	unite();
	assert_int_equal(state_of.proc, interception_every.proc);
	assert_int_equal(state_of.proc2, interception_every.proc2);
	assert_int_equal(state_of.exceptions, interception_every.exceptions);
	assert_true(state_of.cr0 == interception_every.cr0 && state_of.cr4 == ~0ull);
	for (i = 0; i < sizeof(ports); i++)
		assert_int_equal(ports[i], 0xff);
	for (i = 0; i < sizeof(msrs); i++)
		assert_int_equal(msrs[i], 0xff);
	interception_remove_groups(&set, HP_EXITS_ALL);
	assert_int_equal(set.count, 0);
}

static void a_lack_has_its_name(void **state)
{
	enum hp_control missing;

	(void)state;
	interception_add_groups(&set, HP_EXITS_ALL);
	unite();
	assert_true(interception_possible(&state_of, ~0u, ~0u, &missing));
	assert_false(interception_possible(&state_of, ~PROC_CR3_LOAD, ~0u, &missing));
	assert_int_equal(missing, HP_CONTROL_CR3_LOAD);
	assert_false(interception_possible(&state_of, ~0u, ~PROC2_WBINVD, &missing));
	assert_int_equal(missing, HP_CONTROL_WBINVD);
}

#define T(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_wanted_is_nothing_on), T(each_event_has_its_control),
		T(ranges_become_bits),		 T(the_last_of_two_turns_it_off),
		T(nonsense_is_refused),		 T(a_full_set_changes_nothing),
		T(groups_add_up_to_every_bit),	 T(a_lack_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
