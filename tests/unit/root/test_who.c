// SPDX-License-Identifier: MIT
/*
 * Who did it: a current process in the guest's memory, laid out as each of the systems has it, and
 * all that can be missing of it; images of the kernel; the line that a write to hidden memory
 * makes.
 */
#include "fixture.h"

#include "../../../base/image_table.h"

#define PER_CPU	   0xffff888000100000ull /* two pages; the thread's pointer is in the second one */
#define THREAD	   0xffff888000200000ull
#define PROCESS	   0xffff888000300000ull
#define USER	   0x00007f0000010000ull
#define AT	   0x1188u
#define LINUX_ID   0x4d0u
#define NT_PROCESS 0xb8u
#define NAME	   0xff8u /* reaches into the next page */

static uint8_t *per_cpu, *thread, *process, *process_next;
static struct image_table *table;
static struct who_process who;

static void put(uint8_t *to, uint64_t value)
{
	memcpy(to, &value, sizeof(value));
}

static void put_msr(uint64_t value)
{
	fake.msr[0] = (struct fake_msr){ IA32_KERNEL_GS_BASE, value, false };
}

static int setup(void **state)
{
	unsigned i;

	fixture_setup(state);
	fixture_guest_begin();
	fixture_map(PER_CPU, PTE_WRITE);
	per_cpu = fixture_map(PER_CPU + 0x1000, PTE_WRITE);
	thread = fixture_map(THREAD, PTE_WRITE);
	process = fixture_map(PROCESS, PTE_WRITE);
	process_next = fixture_map(PROCESS + 0x1000, PTE_WRITE);
	for (i = 0; i < IMAGE_TABLE_PAGES; i++) {
		uint8_t *page = (uint8_t *)(uintptr_t)fixture_take().value;

		if (!i)
			table = (void *)page;
	}
	fixture_guest_end(NULL);
	put(per_cpu + AT % 0x1000, THREAD);
	fake.vmcs[VMCS_GUEST_GS_BASE] = PER_CPU;
	machine.images = phys((uintptr_t)table);
	table->complete = 1;
	table->count = 1;
	table->image[0] = (struct image){ .base = RIP - 0x100, .bytes = 0x1000, .name = "kernel" };
	return 0;
}

static void as_linux(void)
{
	machine.layout = (struct layout){
		.known = LAYOUT_CURRENT | LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS,
		.thread = AT,
		.process = LAYOUT_ITSELF,
		.id = LINUX_ID,
		.id_bytes = 4,
		.name = 0x700,
		.name_bytes = 16,
		.credentials = 0x6f0,
	};
	put(thread + LINUX_ID, 0xffffffff00000123ull);
	memcpy(thread + 0x700, "insmod\0garbage..", 16);
	put(thread + 0x6f0, 0xffff888000400000ull);
}

static void as_nt(void)
{
	machine.layout = (struct layout){
		.known = LAYOUT_CURRENT | LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS,
		.thread = AT,
		.process = NT_PROCESS,
		.id = 0x440,
		.id_bytes = 8,
		.name = NAME,
		.name_bytes = 15,
		.credentials = 0x4b8,
		.credentials_bits = 0xf,
	};
	put(thread + NT_PROCESS, PROCESS);
	put(process + 0x440, 0x444);
	memcpy(process + NAME, "notepad.", 8);
	memcpy(process_next, "exe", 4);
	put(process + 0x4b8, 0xffff888000400007ull);
}

static void expect(uint64_t id, const char *name)
{
	who_process(&cpu, &who);
	assert_int_equal(who.known, LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS);
	assert_int_equal(who.id, id);
	assert_string_equal(who.name, name);
	assert_int_equal(who.credentials, 0xffff888000400000ull);
}

static void expect_known(uint32_t known)
{
	who_process(&cpu, &who);
	assert_int_equal(who.known, known);
}

static void linux_has_one_structure(void **state)
{
	(void)state;
	as_linux();
	expect(0x123, "insmod");
	memcpy(thread + 0x700, "sixteen-of-these", 16);
	who_process(&cpu, &who);
	assert_memory_equal(who.name, "sixteen-of-these", 16);
}

static void nt_has_two(void **state)
{
	(void)state;
	as_nt();
	expect(0x444, "notepad.exe");
	/* Without the last byte of the field, which is not of the name. */
	memset(process_next, 'x', 16);
	expect(0x444, "notepad.xxxxxxx");
}

/* In user mode, and before SWAPGS has come. */
static void gs_is_put_away(void **state)
{
	(void)state;
	as_linux();
	fake.vmcs[VMCS_GUEST_GS_BASE] = USER;
	expect_known(0);
	put_msr(PER_CPU);
	expect(0x123, "insmod");
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
	expect(0x123, "insmod");
	/* A program may have any base. */
	fake.vmcs[VMCS_GUEST_GS_BASE] = PROCESS;
	expect(0x123, "insmod");
	put_msr(USER);
	expect_known(0);
}

static void what_is_not_known_is_not_read(void **state)
{
	uint32_t known;

	(void)state;
	as_nt();
	for (known = 0; known < 16; known++) {
		machine.layout.known = known;
		expect_known(known & LAYOUT_CURRENT ? known & ~LAYOUT_CURRENT : 0);
	}
}

/* Pointers that lead nowhere, one after the other. */
static void what_is_not_there_is_unknown(void **state)
{
	static const uint64_t nowhere[] = {
		0,     USER,  0xffff888000500000ull, 0x8000000000000000ull,
		~0ull, ~7ull, 0xffff800000000000ull
	};
	unsigned i;

	(void)state;
	as_nt();
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		put(thread + NT_PROCESS, nowhere[i]);
		expect_known(0);
		put(thread + NT_PROCESS, PROCESS);
		put(per_cpu + AT % 0x1000, nowhere[i]);
		expect_known(0);
		put(per_cpu + AT % 0x1000, THREAD);
		fake.vmcs[VMCS_GUEST_GS_BASE] = nowhere[i];
		expect_known(0);
		fake.vmcs[VMCS_GUEST_GS_BASE] = PER_CPU;
	}
	expect(0x444, "notepad.exe");
	/* The structure's end is not mapped. */
	put(thread + NT_PROCESS, PROCESS + 0x1000);
	machine.layout.id = 0x10;
	expect_known(LAYOUT_ID | LAYOUT_CREDENTIALS);
	/* Under page-table isolation nothing is. */
	fake.vmcs[VMCS_GUEST_CR3] = fixture_take().value;
	expect_known(0);
}

static void sizes_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	as_nt();
	machine.layout.id_bytes = 9;
	machine.layout.name_bytes = 17;
	expect_known(LAYOUT_CREDENTIALS);
}

static void images(void **state)
{
	struct image image;

	(void)state;
	assert_int_equal(who_image(&cpu, RIP, &image), IMAGE_FOUND);
	assert_string_equal(image.name, "kernel");
	assert_int_equal(who_image(&cpu, RIP + 0x1000, &image), IMAGE_NONE);
	table->sequence = 1;
	assert_int_equal(who_image(&cpu, RIP, &image), IMAGE_UNKNOWN);
	machine.images = phys(0);
	assert_int_equal(who_image(&cpu, RIP, &image), IMAGE_UNKNOWN);
}

static void expect_record(unsigned number, enum record_format format)
{
	const struct hp_record *record = &ring.record[number % GATE_RECORDS];

	assert_int_equal(record->sequence, number);
	assert_int_equal(record->format, format);
	assert_int_equal(record->continues, format >= RECORD_WHO);
}

/* A write to a page that the guest may only read; the number of the record that it makes. */
static unsigned write_hidden(void)
{
	unsigned number = (unsigned)ring.head + 1; /* behind that of the entry */
	uint64_t page = (uintptr_t)memory[PAGES - 1];
	struct memory_tree tree;

	memory_tree_open(&tree, &machine);
	assert_true(ept_set_page(&tree.ept, guest_phys(page), phys(page), EPT_READ, MEMORY_WB));
	fake.vmcs[VMCS_GUEST_PHYSICAL_ADDRESS] = page + 8;
	fake.vmcs[VMCS_GUEST_LINEAR_ADDRESS] = 0x1234;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = EPT_VIOLATION_WRITE;
	assert_int_equal(run_exit(EXIT_REASON_EPT_VIOLATION), ENTERED_AGAIN);
	assert_int_equal(machine.ept_lock, 0);
	expect_record(number, RECORD_HIDDEN_WRITE);
	assert_int_equal(ring.record[number].argument[0], page + 8);
	assert_int_equal(ring.record[number].argument[2], fake.vmcs[VMCS_GUEST_RIP]);
	assert_int_equal(ring.record[number].level, HP_WARN);
	return number;
}

static void a_write_says_who_it_was(void **state)
{
	const uint64_t *argument;
	unsigned number;

	(void)state;
	as_nt();
	number = write_hidden();
	assert_int_equal(ring.head, number + 3);
	expect_record(number + 1, RECORD_WHO);
	argument = ring.record[number + 1].argument;
	assert_int_equal(argument[0], 0x444);
	assert_string_equal((const char *)&argument[1], "notepad.exe");
	expect_record(number + 2, RECORD_IMAGE);
	argument = ring.record[number + 2].argument;
	assert_string_equal((const char *)argument, "kernel");
	assert_int_equal(argument[4], 0x100);

	table->count = 0;
	machine.layout.known &= ~LAYOUT_ID;
	number = write_hidden();
	assert_int_equal(ring.head, number + 3);
	expect_record(number + 1, RECORD_WHO_NAME);
	argument = ring.record[number + 1].argument;
	assert_string_equal((const char *)argument, "notepad.exe");
	expect_record(number + 2, RECORD_IMAGE_NONE);

	machine.layout.known = 0;
	machine.images = phys(0);
	number = write_hidden();
	expect_record(number + 1, RECORD_WHO_UNKNOWN);
	expect_record(number + 2, RECORD_IMAGE_UNKNOWN);
	/* A program has no image of the kernel's. */
	fake.vmcs[VMCS_GUEST_RIP] = USER;
	number = write_hidden();
	assert_int_equal(ring.head, number + 2);
	expect_record(number + 1, RECORD_WHO_UNKNOWN);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		T(linux_has_one_structure),
		T(nt_has_two),
		T(gs_is_put_away),
		T(what_is_not_known_is_not_read),
		T(what_is_not_there_is_unknown),
		T(sizes_that_make_no_sense_are_refused),
		T(images),
		T(a_write_says_who_it_was),
	};

	return cmocka_run_group_tests_name("root: who", tests, NULL, NULL);
}
