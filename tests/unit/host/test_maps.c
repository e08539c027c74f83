// SPDX-License-Identifier: MIT
/*
 * host/machine.c, root_map.c, guest_map.c: every byte of root's address space and of the guest's
 * view, for machines that differ in size, leaves and levels.
 */
#include "fake.h"

#include "host/log.h"
#include "host/machine.h"
#include "host/processor.h"

static struct machine machine;

static void prepare(void)
{
	uint32_t i;

	assert_int_equal(machine_begin(&machine), HP_ERROR_OK);
	machine.history = HP_HISTORY_DEFAULT;
	for (i = 0; i < machine.processors; i++) {
		if (host_processor(i) != HP_PROCESSOR_NATIVE)
			continue;
		assert_int_equal(processor_check(i, &machine.processor[i].check), HP_ERROR_OK);
		machine.processor[i].checked = true;
	}
	assert_int_equal(machine_prepare(&machine), HP_ERROR_OK);
}

static bool is_ram(uint64_t address)
{
	uint32_t i;

	for (i = 0; i < FAKE_RAMS; i++) {
		if (address - fake.ram[i].start < fake.ram[i].bytes)
			return true;
	}
	return false;
}

/* Text or read-only data of root, physically. */
static bool is_root_constant(uint64_t address)
{
	const struct elf_image *elf = &machine.image.elf;
	uint64_t offset = address - machine.image.physical.value;
	unsigned i;

	for (i = 0; i < elf->segments; i++) {
		if (!(elf->segment[i].rights & ELF_WRITE) &&
		    offset - elf->segment[i].offset < elf->segment[i].bytes)
			return true;
	}
	return false;
}

static struct paging root_paging(struct memory_tables *tables)
{
	memory_tables_init(tables, &machine.memory, HP_MEMORY_TABLES);
	return (struct paging){ .format = &paging_x86,
				.memory = &tables->tables,
				.top = machine.root_top,
				.levels = machine.levels,
				.largest = machine.root_largest };
}

static uint64_t root_translate(uint64_t address, uint64_t *flags)
{
	struct memory_tables tables;
	struct paging paging = root_paging(&tables);
	struct phys target;

	return paging_translate(&paging, address, &target, flags) ? target.value : ~0ull;
}

static bool is_executable_page(uint64_t physical)
{
	const struct elf_image *elf = &machine.image.elf;
	uint64_t offset = physical - machine.image.physical.value;
	unsigned i;

	if (align_down(physical, HOST_PAGE) == host_physical(gate_text).value)
		return true;
	for (i = 0; i < elf->segments; i++) {
		if ((elf->segment[i].rights & ELF_EXEC) &&
		    offset - elf->segment[i].offset < elf->segment[i].bytes)
			return true;
	}
	return false;
}

/* A leaf of `bytes`, whose pages are looked at one by one where ours may be among them. */
static void check_leaf(uint64_t address, uint64_t target, uint64_t bytes, uint64_t flags)
{
	bool writable = flags & PTE_WRITE, executable = !(flags & PTE_NX);
	uint64_t i;

	assert_int_equal(flags & (PTE_USER | PTE_GLOBAL | PTE_PCD | PTE_PWT), 0);
	assert_int_equal(flags & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
	assert_false(writable && executable);
	if (executable)
		assert_int_equal(bytes, HOST_PAGE);
	if (executable)
		assert_true(is_executable_page(target));
	for (i = 0; writable && i < bytes; i += HOST_PAGE) {
		if (is_executable_page(target + i) || is_root_constant(target + i))
			fail_msg("%#lx is a writable address of %#lx", (unsigned long)address,
				 (unsigned long)(target + i));
	}
}

/* Every leaf of root's tables; returns how many bytes are mapped. */
static uint64_t check_all_leaves(void)
{
	struct memory_tables tables;
	struct paging paging = root_paging(&tables);
	uint64_t span = (uint64_t)1 << (12 + 9 * paging.levels), at, bytes, sum = 0;
	uint64_t address, value;
	struct paging_place place;

	for (at = 0; at < span; at += bytes) {
		address = at >= span / 2 ? at - span : at;
		place = paging_find(&paging, address);
		bytes = paging_entry_bytes(place.level);
		if (!place.present)
			continue;
		value = *place.entry;
		check_leaf(address, align_down(value & PTE_ADDRESS, bytes), bytes,
			   value & ~PTE_ADDRESS);
		sum += bytes;
	}
	return sum;
}

static void check_processor_in_root(const struct processor *processor)
{
	uint64_t root = machine.gate->root_base, flags, page, address, mapped = 0;

	assert_int_equal(root_translate((uintptr_t)processor->gate, &flags),
			 processor->gate_physical.value);
	assert_true(flags & PTE_WRITE);
	assert_int_equal(root_translate(processor->gate->machine, &flags),
			 machine.gate_physical.value);
	for (page = 0; page < 4; page++) {
		address = root + GATE_RINGS_OFFSET + processor->index * GATE_RING_STRIDE;
		assert_int_equal(root_translate(address + page * HOST_PAGE, &flags),
				 processor->ring_physical.value + page * HOST_PAGE);
	}
	for (page = 0; page < machine_trail_pages(&machine); page++) {
		address = root + GATE_TRAILS_OFFSET + processor->index * GATE_TRAIL_STRIDE;
		assert_int_equal(root_translate(address + page * HOST_PAGE, &flags),
				 processor->trail_physical.value + page * HOST_PAGE);
	}
	for (page = 0; page < GATE_BLOCK_PAGES; page++) {
		address = root + GATE_BLOCKS_OFFSET + processor->index * GATE_BLOCK_BYTES;
		if (GATE_BLOCK_MAPPED & 1u << page)
			assert_int_equal(root_translate(address + page * HOST_PAGE, &flags),
					 processor->block.value + mapped++ * HOST_PAGE);
		else
			assert_int_equal(root_translate(address + page * HOST_PAGE, &flags), ~0ull);
	}
	assert_int_equal(processor->gate->root_cr3, machine.root_top.value);
	assert_int_equal(processor->gate->root_entry, root + machine.image.elf.entry);
	assert_true(root_translate(processor->gate->root_entry, &flags) != ~0ull);
	assert_false(flags & PTE_NX);
}

/* Below an entry of any top-level table the gate's text and every gate_cpu, and nothing else. */
static void check_alias(void)
{
	struct memory_tables tables;
	struct paging paging = root_paging(&tables);
	uint64_t flags, pages = 1, page, found = 0;
	struct phys target;
	uint32_t i;

	assert_int_equal(machine.gate->alias & ~PTE_ADDRESS, paging_x86.table);
	paging.top = phys(machine.gate->alias & PTE_ADDRESS);
	paging.levels--;
	assert_true(paging_translate(&paging, 0, &target, &flags));
	assert_int_equal(target.value, host_physical(gate_text).value);
	assert_int_equal(flags & (PTE_NX | PTE_WRITE | PTE_USER), 0);
	for (i = 0; i < machine.processors; i++) {
		if (!machine.processor[i].gate)
			continue;
		pages++;
		assert_true(paging_translate(&paging, GATE_ALIAS_CPU(i), &target, &flags));
		assert_int_equal(target.value, machine.processor[i].gate_physical.value);
		assert_int_equal(flags & (PTE_NX | PTE_WRITE | PTE_USER), PTE_NX | PTE_WRITE);
	}
	for (page = 0; page < HP_PROCESSORS_MAX + 2; page++)
		found += paging_translate(&paging, page * HOST_PAGE, &target, &flags);
	assert_int_equal(found, pages);
}

static void check_root(void)
{
	const struct gate_machine *gate = machine.gate;
	uint64_t address, flags, found, ram = 0, holes = 0, other;
	uint32_t i;

	assert_int_equal(gate->root_base % ((uint64_t)1 << 39), 0);
	assert_int_equal(gate->window_base % ((uint64_t)1 << 39), 0);
	assert_true(gate->root_base >> 47 == 0x1ffff && gate->window_base >> 47 == 0x1ffff);
	assert_true(gate->root_base != gate->window_base);

	for (address = 0; address < gate->window_bytes; address += HOST_PAGE) {
		found = root_translate(gate->window_base + address, &flags);
		ram += is_ram(address) ? HOST_PAGE : 0;
		holes += is_root_constant(address) ? HOST_PAGE : 0;
		if (!is_ram(address) || is_root_constant(address)) {
			assert_int_equal(found, ~0ull);
			continue;
		}
		assert_int_equal(found, address);
		assert_true(flags & PTE_NX);
		assert_int_equal(!!(flags & PTE_WRITE), address != host_physical(gate_text).value);
	}
	assert_true(holes > 0);

	/* Nothing else is mapped than what is looked at here. */
	other = HOST_PAGE + HOST_PAGE; /* gate text, machine */
	for (i = 0; i < machine.image.elf.segments; i++)
		other += machine.image.elf.segment[i].bytes;
	for (i = 0; i < machine.processors; i++) {
		if (!machine.processor[i].gate)
			continue;
		check_processor_in_root(&machine.processor[i]);
		other += HOST_PAGE + GATE_RING_STRIDE + 7 * HOST_PAGE +
			 machine_trail_pages(&machine) * HOST_PAGE;
	}
	assert_int_equal(check_all_leaves(), ram - holes + other);
	assert_int_equal(root_translate((uintptr_t)gate_text, &flags),
			 host_physical(gate_text).value);
	assert_int_equal(flags & (PTE_NX | PTE_WRITE), 0);
	check_alias();
}

static uint64_t guest_translate(uint64_t address, uint64_t *flags)
{
	struct memory_tables tables;
	struct paging paging = { .format = &paging_ept,
				 .memory = &tables.tables,
				 .top = machine.gate->ept_top,
				 .levels = 4,
				 .largest = machine.ept_largest };
	struct phys target;

	memory_tables_init(&tables, &machine.memory, HP_MEMORY_EPT);
	return paging_translate(&paging, address, &target, flags) ? target.value : ~0ull;
}

/* The run of ours that the page is in; NULL: it's the OS's. */
static const struct memory_run *run_of(uint64_t page)
{
	const struct memory_run *run;
	uint32_t i;

	for (i = 0; (run = memory_run(&machine.memory, i)); i++) {
		if (page - run->physical.value < (uint64_t)run->pages * HOST_PAGE)
			return run;
	}
	return NULL;
}

static void check_guest_page(uint64_t page)
{
	const struct memory_run *run = run_of(page);
	uint64_t flags, found = guest_translate(page, &flags);
	uint64_t rights = flags & EPT_RWX, type = flags >> 3 & 7;

	assert_int_equal(type, MEMORY_WB);
	if (page == host_physical(gate_text).value) {
		assert_int_equal(found, page);
		assert_int_equal(rights, EPT_READ | EPT_EXEC);
	} else if (!run || run->view == MEMORY_OS) {
		assert_int_equal(found, page);
		assert_int_equal(rights, EPT_RWX);
	} else if (run->view == MEMORY_READ) {
		assert_int_equal(found, page);
		assert_int_equal(rights, EPT_READ);
	} else {
		assert_int_equal(found, machine.gate->blank.value);
		assert_int_equal(rights, EPT_READ);
	}
}

/* What must be readable is, and all else of the kinds that root alone uses is not. */
static void check_views(void)
{
	const struct memory_run *run;
	uint32_t i;

	for (i = 0; (run = memory_run(&machine.memory, i)); i++) {
		if (run->kind == HP_MEMORY_RINGS || run->kind == HP_MEMORY_TRAIL ||
		    run->address == machine.gate)
			assert_int_equal(run->view, MEMORY_READ);
		else if (run->address == machine.processor || run->address == machine.command)
			assert_int_equal(run->view, MEMORY_OS);
		else if (run->kind != HP_MEMORY_PROCESSOR)
			assert_int_equal(run->view, MEMORY_HIDDEN);
	}
	for (i = 0; i < machine.processors; i++) {
		if (!machine.processor[i].gate)
			continue;
		assert_int_equal(run_of(machine.processor[i].block.value)->view, MEMORY_HIDDEN);
		assert_int_equal(run_of(machine.processor[i].gate->vmcs.value)->view,
				 MEMORY_HIDDEN);
		assert_int_equal(run_of(machine.processor[i].gate->vmxon.value)->view,
				 MEMORY_HIDDEN);
	}
}

static void check_guest(void)
{
	uint64_t page, flags;
	uint32_t i, r;

	for (r = 0; r < FAKE_RAMS; r++) {
		for (page = 0; page < fake.ram[r].bytes; page += HOST_PAGE)
			check_guest_page(fake.ram[r].start + page);
	}
	check_views();
	assert_int_equal(guest_translate(0xfee00000, &flags), ~0ull);
	assert_int_equal(machine.gate->pool.tables, EPT_POOL_TABLES);
	assert_int_equal(machine.gate->pool.reserve, EPT_POOL_RESERVE);
	assert_int_equal(machine.gate->pool.generation, 1);
	for (i = 0; i < EPT_POOL_TABLES; i++) {
		assert_int_equal(machine.gate->pool.table[i].state, EPT_POOL_FREE);
		assert_non_null(run_of(machine.gate->pool.table[i].table.value));
	}
	for (i = 0; i < HP_PROCESSORS_MAX; i++)
		assert_int_equal(machine.gate->passed[i], ~0ull);
}

static uint64_t check_budget(void)
{
	uint64_t sum = log_memory();
	uint32_t i;

	for (i = 0; i < HP_MEMORY_KINDS_COUNT; i++)
		sum += machine.memory.bytes[i];
	assert_int_equal(sum, fake.pages * HOST_PAGE + log_memory());
	return sum;
}

static void print_budget(void)
{
	static const char *const kinds[] = {
#define KIND(name, number, text) text,
		HP_MEMORY_KINDS(KIND)
#undef KIND
	};
	uint32_t i;

	for (i = 0; i < HP_MEMORY_KINDS_COUNT; i++)
		printf("%-36s %4u KiB\n", kinds[i], (unsigned)(machine.memory.bytes[i] / 1024));
	printf("%-36s %4u KiB\n", "log text", (unsigned)(log_memory() / 1024));
	printf("%-36s %4u KiB\n", "sum", (unsigned)(check_budget() / 1024));
}

static void check_all(void)
{
	prepare();
	check_root();
	check_guest();
	machine_end(&machine);
	fake_close();
}

/* The promise of the project: two processors and 512 MiB. */
static void test_budget(void **state)
{
	(void)state;
	fake_open(2, 512);
	prepare();
	print_budget();
	assert_true(check_budget() < 512 * 1024);
	assert_int_equal(machine.root_largest, 2);
	assert_int_equal(machine.ept_largest, 2);
	machine_end(&machine);
	fake_close();
}

static void test_512_mib(void **state)
{
	(void)state;
	fake_open(2, 512);
	check_all();
}

static void test_one_processor(void **state)
{
	(void)state;
	fake_open(1, 256);
	check_all();
}

static void test_1g_leaves(void **state)
{
	(void)state;
	fake_open(3, 512);
	fake.ram[1].bytes = 0xc0000000 - 0x100000;
	fake.ram[2] = (struct memory_range){ 0x100000000, 0x40000000 };
	fake.page_1g = true;
	fake.ept_vpid |= BIT64(17);
	check_all();
}

static void test_4k_leaves(void **state)
{
	(void)state;
	fake_open(2, 256);
	fake.ept_vpid &= ~BIT64(16);
	check_all();
}

static void test_5_levels(void **state)
{
	(void)state;
	fake_open(2, 256);
	fake.cr4 |= CR4_LA57;
	check_all();
}

/* A processor that is offline has its pages; a number without a processor has none. */
static void test_offline_and_absent(void **state)
{
	(void)state;
	fake_open(4, 256);
	fake.processor[1].state = HP_PROCESSOR_ABSENT;
	fake.processor[2].state = HP_PROCESSOR_OFFLINE;
	prepare();
	assert_null(machine.processor[1].gate);
	assert_non_null(machine.processor[2].gate);
	check_root();
	check_guest();
	machine_end(&machine);
	fake_close();
}

static void test_hypervisor_below(void **state)
{
	(void)state;
	fake_open(1, 256);
	prepare();
	assert_int_equal(machine.gate->hypervisor_below, 0);
	assert_int_equal(machine.gate->cpuid_base, HP_CPUID_BASE);
	machine_end(&machine);
	fake.hypervisor = true;
	prepare();
	assert_int_equal(machine.gate->hypervisor_below, 1);
	assert_int_equal(machine.gate->cpuid_base, HP_CPUID_BASE_ABOVE);
	machine_end(&machine);
	fake_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_512_mib),
		cmocka_unit_test(test_one_processor),
		cmocka_unit_test(test_1g_leaves),
		cmocka_unit_test(test_4k_leaves),
		cmocka_unit_test(test_5_levels),
		cmocka_unit_test(test_offline_and_absent),
		cmocka_unit_test(test_hypervisor_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
