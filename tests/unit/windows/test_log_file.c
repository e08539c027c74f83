// SPDX-License-Identifier: MIT
/* The log's file: the original's format, and a start before there are file systems. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "host/log.h"
#include "host/windows/image.h"
#include "host/windows/log_file.h"

#define HEAD "01:02:03.004\tINF\t#1\t    4\t    8\tSystem         \t"

/* A list of images with none in it. */
static const uint64_t no_images[64];

static int setup(void **state)
{
	fake_setup(state);
	fake.modules = no_images;
	fake.modules_bytes = sizeof(no_images);
	assert_true(log_init());
	image_init();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_file_end();
	image_end();
	log_end();
	assert_false(fake.file_open);
	return 0;
}

static void expect_file(const char *text)
{
	fake.file[fake.file_bytes] = '\0';
	assert_string_equal(fake.file, text);
}

static void lines(void **state)
{
	(void)state;
	log_line(HP_INFO, "before");
	log_file_init();
	log_file_later(NULL);
	assert_null(fake.at_boot);
	log_file_write();
	expect_file(HEAD "before\r\n");
	log_line(HP_INFO, "one");
	log_line(HP_INFO, "RIP %016llx", 0xfffff80000001000ull);
	log_file_write();
	expect_file(HEAD "before\r\n" HEAD "one\r\n" HEAD "RIP fffff80000001000 [no image]\r\n");
	assert_int_equal(fake.writes, 2);
	log_file_write();
	assert_int_equal(fake.writes, 2);
}

/* Far more than one buffer of either kind: every line is there, whole and once. */
static void many(void **state)
{
	char wanted[128];
	const char *at;
	unsigned i;

	(void)state;
	log_file_init();
	log_file_later(NULL);
	for (i = 0; i < 300; i++)
		log_line(HP_INFO, "line %u %.*s", i, (int)(i % 40),
			 "........................................");
	log_file_write();
	fake.file[fake.file_bytes] = '\0';
	for (i = 0, at = fake.file; i < 300; i++) {
		snprintf(wanted, sizeof(wanted), HEAD "line %u %.*s\r\n", i, (int)(i % 40),
			 "........................................");
		assert_memory_equal(at, wanted, strlen(wanted));
		at += strlen(wanted);
	}
	assert_int_equal(*at, '\0');
}

static void at_boot(void **state)
{
	(void)state;
	fake.no_file_system = true;
	log_file_init();
	log_file_later(NULL);
	log_line(HP_INFO, "early");
	log_file_write();
	assert_int_equal(fake.file_bytes, 0);
	assert_non_null(fake.at_boot);
	fake.no_file_system = false;
	fake.wakes = 0;
	fake.at_boot(NULL, NULL, 1);
	assert_true(fake.wakes > 0);
	log_file_write();
	expect_file(HEAD "early\r\n");
	assert_null(fake.later);
}

static void later_than_boot(void **state)
{
	(void)state;
	fake.no_file_system = true;
	log_file_init();
	log_file_later(NULL);
	log_line(HP_INFO, "early");
	fake.at_boot(NULL, NULL, 1);
	assert_non_null(fake.later);
	fake.no_file_system = false;
	fake.later(NULL, NULL, 1);
	log_file_write();
	expect_file(HEAD "early\r\n");
}

static void never(void **state)
{
	char text[1024];
	uint64_t position = log_oldest();

	(void)state;
	fake.no_file_system = true;
	log_file_init();
	log_file_later(NULL);
	fake.at_boot(NULL, NULL, 1);
	fake.later(NULL, NULL, 1);
	log_file_write();
	assert_int_equal(fake.file_bytes, 0);
	text[log_read(&position, text, sizeof(text) - 1)] = '\0';
	assert_non_null(strstr(text, "HyperPlatform.log can't be opened: 0xc000003a"));
}

/* Lines that were overwritten while there was no file are counted. */
static void too_long(void **state)
{
	unsigned i;

	(void)state;
	fake.no_file_system = true;
	log_file_init();
	log_file_later(NULL);
	for (i = 0; i < 1000; i++)
		log_line(HP_INFO, "line %u", i);
	fake.no_file_system = false;
	fake.at_boot(NULL, NULL, 1);
	log_file_write();
	fake.file[fake.file_bytes] = '\0';
	assert_non_null(strstr(fake.file, "bytes of older lines were overwritten\r\n"));
	assert_non_null(strstr(fake.file, "line 999\r\n"));
	assert_null(strstr(fake.file, "line 1\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(at_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(later_than_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(never, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long, setup, teardown),
	};

	return cmocka_run_group_tests_name("host/windows/log_file", tests, NULL, NULL);
}
