// SPDX-License-Identifier: MIT
/*
 * What the guest's writes of MTRRs and its touches of device memory make of the EPT.
 */
#include "fixture.h"

static void mtrr_writes_change_the_types(void **state)
{
	(void)state;
	fake.msr[0] = (struct fake_msr){ IA32_MTRR_DEF_TYPE, 0, true };
	cpu.gpr[RCX] = IA32_MTRR_DEF_TYPE;
	cpu.gpr[RAX] = 0x806;
	run_exit(EXIT_REASON_WRMSR);
	assert_int_equal(fake.msr[0].value, 0x806);
	assert_int_equal(machine.mtrr.def_type, 0x806);
	assert_int_equal(machine.pool.generation, 2);
	assert_int_equal(machine.passed[0], 2);
	/* The next processor writes the same: nothing changes any more. */
	run_exit(EXIT_REASON_WRMSR);
	assert_int_equal(machine.pool.generation, 2);
	/* A value that the processor refuses is not noted. */
	fake.msr[0].writable = false;
	cpu.gpr[RAX] = 0x8ff;
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	run_exit(EXIT_REASON_WRMSR);
	expect_exception(VECTOR_GP, true, 0);
	assert_int_equal(machine.mtrr.def_type, 0x806);
	assert_int_equal(machine.ept_lock, 0);
}

static bool take_page(void *context, struct phys *table)
{
	(void)context;
	*table = fixture_take();
	return true;
}

/* A machine with 1 GiB of RAM at 1 GiB, all of it write-back. */
static void map_ram(struct memory_tree *tree)
{
	machine.mtrr.present = true;
	machine.mtrr.cap = 8;
	machine.mtrr.def_type = 0x806;
	memory_tree_open(tree, &machine);
	tree->memory.take = take_page;
	assert_true(ept_map_identity(&tree->ept, SIZE_1G, SIZE_1G));
}

static void write_mtrr(unsigned i, uint32_t msr, uint64_t value)
{
	fake.msr[i] = (struct fake_msr){ msr, 0, true };
	cpu.gpr[RCX] = msr;
	cpu.gpr[RAX] = (uint32_t)value;
	cpu.gpr[RDX] = value >> 32;
	assert_int_equal(run_exit(EXIT_REASON_WRMSR), ENTERED_AGAIN);
	assert_int_equal(fake.msr[i].value, value);
	assert_int_equal(machine.ept_lock, 0);
}

/* The page at `address` write-combining, with all MTRRs off meanwhile. */
static void write_range(uint64_t address)
{
	write_mtrr(0, IA32_MTRR_DEF_TYPE, 0);
	write_mtrr(1, IA32_MTRR_PHYSBASE0, address | MEMORY_WC);
	write_mtrr(2, IA32_MTRR_PHYSBASE0 + 1, 0xfffffff800);
	write_mtrr(0, IA32_MTRR_DEF_TYPE, 0x806);
}

static void expect_type(const struct memory_tree *tree, uint64_t address, unsigned level,
			enum memory_type type)
{
	struct paging_place place = paging_find(&tree->ept.paging, address);

	assert_int_equal(place.level, level);
	assert_int_equal(*place.entry & EPT_TYPE(7), EPT_TYPE(type));
}

static unsigned kept(void)
{
	unsigned i, n = 0;

	for (i = 0; i < machine.pool.tables; i++)
		n += machine.pool.table[i].state == EPT_POOL_KEPT;
	return n;
}

static bool recorded(enum record_format format)
{
	uint64_t i;

	for (i = 0; i < ring.head; i++)
		if (ring.record[i].format == format)
			return true;
	return false;
}

static void mtrr_writes_split_and_merge(void **state)
{
	struct memory_tree tree;

	(void)state;
	map_ram(&tree);
	expect_type(&tree, SIZE_1G, 3, MEMORY_WB);
	write_range(SIZE_1G + SIZE_2M);
	expect_type(&tree, SIZE_1G + SIZE_2M, 1, MEMORY_WC);
	expect_type(&tree, SIZE_1G + SIZE_2M + SIZE_4K, 1, MEMORY_WB);
	expect_type(&tree, SIZE_1G, 2, MEMORY_WB);
	assert_int_equal(kept(), 2);
	write_mtrr(2, IA32_MTRR_PHYSBASE0 + 1, 0);
	expect_type(&tree, SIZE_1G + SIZE_2M, 3, MEMORY_WB);
	assert_int_equal(kept(), 0);
	assert_false(recorded(RECORD_MTRR_COARSE));
}

/* Tables for one place only, and the range moves: exact as soon as all have invalidated. */
static void types_are_refined_when_tables_come_back(void **state)
{
	struct memory_tree tree;

	(void)state;
	map_ram(&tree);
	machine.pool.reserve = 1;
	write_range(SIZE_1G + SIZE_2M);
	assert_true(recorded(RECORD_MTRR_COARSE));
	expect_type(&tree, SIZE_1G + SIZE_2M + SIZE_4K, 2, MEMORY_UC);
	expect_type(&tree, SIZE_1G, 2, MEMORY_WB);
	assert_true(machine.pool.coarse);

	machine.pool.reserve = 2;
	machine.processors = 2;
	machine.passed[1] = machine.pool.generation;
	write_range(SIZE_1G + SIZE_2M);
	expect_type(&tree, SIZE_1G + SIZE_2M + SIZE_4K, 1, MEMORY_WB);
	write_range(SIZE_1G + 2 * SIZE_2M);
	expect_type(&tree, SIZE_1G + SIZE_2M, 2, MEMORY_WB);
	expect_type(&tree, SIZE_1G + 2 * SIZE_2M + SIZE_4K, 2, MEMORY_UC);
	/* The other processor invalidates; this one finds it at its next reason to. */
	machine.passed[1] = machine.pool.generation;
	machine.pool.generation++;
	machine.ept_lock = 1;
	run_exit(EXIT_REASON_CPUID);
	assert_true(machine.pool.coarse);
	machine.ept_lock = 0;
	machine.pool.generation++;
	run_exit(EXIT_REASON_CPUID);
	expect_type(&tree, SIZE_1G + 2 * SIZE_2M + SIZE_4K, 1, MEMORY_WB);
	expect_type(&tree, SIZE_1G + 2 * SIZE_2M, 1, MEMORY_WC);
	assert_false(machine.pool.coarse);
	assert_int_equal(machine.ept_lock, 0);
}

static void device_memory_is_mapped_at_first_touch(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_PHYSICAL_ADDRESS] = 0xfee00020;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = EPT_VIOLATION_READ;
	run_exit(EXIT_REASON_EPT_VIOLATION);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	assert_int_equal(machine.pool.table[0].state, EPT_POOL_IN_USE);
	assert_int_equal(machine.ept_lock, 0);
}

static void who_misses_the_lock_tries_again(void **state)
{
	(void)state;
	machine.ept_lock = 1;
	fake.vmcs[VMCS_GUEST_PHYSICAL_ADDRESS] = 0xfee00020;
	assert_int_equal(run_exit(EXIT_REASON_EPT_VIOLATION), ENTERED_AGAIN);
	assert_int_equal(machine.pool.table[0].state, EPT_POOL_FREE);
	assert_int_equal(machine.ept_lock, 1);
}
#define T(test) cmocka_unit_test_setup(test, fixture_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mtrr_writes_change_the_types),
		T(mtrr_writes_split_and_merge),
		T(types_are_refined_when_tables_come_back),
		T(device_memory_is_mapped_at_first_touch),
		T(who_misses_the_lock_tries_again),
	};

	return cmocka_run_group_tests_name("root: memory", tests, NULL, NULL);
}
