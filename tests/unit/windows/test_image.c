// SPDX-License-Identifier: MIT
/* Names of images for the addresses in lines of the log. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "host/windows/image.h"

#define KERNEL 0xfffff80000000000ull
#define DRIVER 0xfffff80100000000ull

/* SystemModuleInformation, as documented by everybody but its maker: rows of 296 bytes. */
struct row {
	uint64_t reserved[2];
	uint64_t base;
	uint32_t bytes, flags;
	uint16_t order[3], name_offset;
	char path[256];
};

static struct {
	uint64_t count;
	struct row row[2];
} modules;

_Static_assert(sizeof(struct row) == 296, "the system's row");

static int setup(void **state)
{
	fake_setup(state);
	modules.count = 2;
	modules.row[0] = (struct row){ .base = KERNEL,
				       .bytes = 0x1000000,
				       .name_offset = 21,
				       .path = "\\SystemRoot\\system32\\ntoskrnl.exe" };
	modules.row[1] = (struct row){ .base = DRIVER,
				       .bytes = 0x5000,
				       .name_offset = 29,
				       .path = "\\SystemRoot\\System32\\drivers\\disk.sys" };
	fake.modules = &modules;
	fake.modules_bytes = sizeof(modules);
	image_init();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	image_end();
	assert_null(fake.on_image);
	assert_int_equal(fake.pool_blocks, 0);
	return 0;
}

static const char *text_of(const char *line)
{
	static char text[IMAGE_TEXT + 1];

	text[image_text(line, strlen(line), text, IMAGE_TEXT)] = '\0';
	return text;
}

static const char *text_at(uint64_t address)
{
	char line[64];

	snprintf(line, sizeof(line), "RIP %016llx", (unsigned long long)address);
	return text_of(line);
}

static void load(PCWSTR path, uint64_t base, uint64_t bytes)
{
	UNICODE_STRING name;
	__typeof__(*(PIMAGE_INFO)NULL) image = { 1, (PVOID)base, bytes };

	RtlInitUnicodeString(&name, path);
	fake.on_image(path ? &name : NULL, NULL, &image);
}

static void loaded_before_us(void **state)
{
	(void)state;
	assert_string_equal(text_at(KERNEL), " [ntoskrnl.exe+0x0]");
	assert_string_equal(text_at(KERNEL + 0xffffff), " [ntoskrnl.exe+0xffffff]");
	assert_string_equal(text_at(KERNEL + 0x1000000), " [no image]");
	assert_string_equal(text_at(DRIVER + 0x1234), " [disk.sys+0x1234]");
}

static void loaded_later(void **state)
{
	(void)state;
	load(L"\\Device\\HarddiskVolume1\\later.sys", DRIVER + 0x10000, 0x1000);
	assert_string_equal(text_at(DRIVER + 0x10010), " [later.sys+0x10]");
}

/* What lay there has gone: the system does not tell. */
static void replaced(void **state)
{
	(void)state;
	load(L"\\??\\C:\\other.sys", DRIVER + 0x1000, 0x8000);
	assert_string_equal(text_at(DRIVER + 0x1000), " [other.sys+0x0]");
	assert_string_equal(text_at(DRIVER), " [no image]");
	assert_string_equal(text_at(KERNEL + 1), " [ntoskrnl.exe+0x1]");
}

static void a_long_name_is_cut(void **state)
{
	(void)state;
	load(L"\\a-name-that-is-longer-than-the-table-holds.sys", DRIVER + 0x20000, 0x1000);
	assert_string_equal(text_at(DRIVER + 0x20fff), " [a-name-that-is-longer-than-the-+0xfff]");
}

static void a_program_is_none(void **state)
{
	__typeof__(*(PIMAGE_INFO)NULL) image = { 0, (PVOID)(KERNEL + 0x10), 0x1000 };

	(void)state;
	fake.on_image(NULL, NULL, &image);
	assert_string_equal(text_at(KERNEL + 0x10), " [ntoskrnl.exe+0x10]");
}

static void many(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++)
		load(L"\\many.sys", DRIVER + 0x100000 + 0x1000 * i, 0x1000);
	assert_string_equal(text_at(DRIVER + 0x100000), " [many.sys+0x0]");
	assert_string_equal(text_at(DRIVER + 0x100000 + 999 * 0x1000), " [image unknown]");
	assert_string_equal(text_at(KERNEL), " [ntoskrnl.exe+0x0]");
}

/* The list is read again after some time: what is not in it has gone, what came stays. */
static void unloaded(void **state)
{
	(void)state;
	load(L"\\later.sys", DRIVER + 0x10000, 0x1000);
	modules.count = 1;
	image_tick();
	assert_string_equal(text_at(DRIVER), " [disk.sys+0x0]");
	fake.elapsed = 10000;
	image_tick();
	assert_string_equal(text_at(DRIVER), " [no image]");
	assert_string_equal(text_at(DRIVER + 0x10000), " [no image]");
	assert_string_equal(text_at(KERNEL), " [ntoskrnl.exe+0x0]");
	/* Not if the system does not answer: then what is not found may be there. */
	fake.elapsed = 20000;
	fake.modules = NULL;
	image_tick();
	assert_string_equal(text_at(KERNEL), " [ntoskrnl.exe+0x0]");
	assert_string_equal(text_at(DRIVER), " [image unknown]");
}

static void lines(void **state)
{
	char text[IMAGE_TEXT];
	const char *line = "RIP fffff80000000010";

	(void)state;
	assert_string_equal(text_of("unexpected exit: reason 2, RIP fffff80000000010, CR3 1"),
			    " [ntoskrnl.exe+0x10]");
	assert_string_equal(text_of("RIP 00007ff712345678"), "");
	assert_string_equal(text_of("RIP fffff8000000001"), "");
	assert_string_equal(text_of("RIP FFFFF80000000010"), "");
	assert_string_equal(text_of("address fffff80000000010"), "");
	assert_string_equal(text_of(""), "");
	/* Root has said it. */
	assert_string_equal(text_of("RIP fffff80000000010, process 4 (System) [no image]"), "");
	assert_int_equal(image_text(line, strlen(line) - 1, text, sizeof(text)), 0);
	assert_int_equal(image_text(line, strlen(line), text, 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loaded_before_us, setup, teardown),
		cmocka_unit_test_setup_teardown(loaded_later, setup, teardown),
		cmocka_unit_test_setup_teardown(replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_name_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(a_program_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(unloaded, setup, teardown),
		cmocka_unit_test_setup_teardown(lines, setup, teardown),
	};

	return cmocka_run_group_tests_name("host/windows/image", tests, NULL, NULL);
}
