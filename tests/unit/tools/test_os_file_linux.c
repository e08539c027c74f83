// SPDX-License-Identifier: MIT
/*
 * os_file_linux.c, in a folder of this test's own: OS_FILE_FOLDER is "lib/hyperplatform" below it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/hpctl/os.h"

static char folder[64];
static struct os_contents contents;
static struct os_error error;

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/hpctl-XXXXXX", tmp ? tmp : "/tmp");
	umask(022);
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return chdir("/") || system(command);
}

static void expect_saved(const char *text)
{
	assert_true(os_file_read(OS_FILE_REPORT, NULL, &contents, &error));
	assert_string_equal(contents.path, "lib/hyperplatform/report");
	assert_int_equal(contents.bytes, strlen(text));
	assert_string_equal((char *)contents.data, text);
	free(contents.data);
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void test_save(void **state)
{
	(void)state;
	assert_false(os_file_read(OS_FILE_REPORT, NULL, &contents, &error));
	assert_int_equal(error.cause, OS_ABSENT);
	assert_true(os_file_save("first", 5, &error));
	assert_int_equal(mode_of("lib"), 0755);
	assert_int_equal(mode_of("lib/hyperplatform"), 0700);
	assert_int_equal(mode_of("lib/hyperplatform/report"), 0600);
	expect_saved("first");
	assert_true(os_file_save("2nd", 3, &error));
	expect_saved("2nd");
	assert_int_equal(access("lib/hyperplatform/report.new", F_OK), -1);
}

/* What an hpctl that was killed left is no obstacle, and nobody's link is followed. */
static void test_left_behind(void **state)
{
	(void)state;
	assert_int_equal(mkdir("lib", 0755), 0);
	assert_int_equal(mkdir("lib/hyperplatform", 0700), 0);
	assert_int_equal(symlink("../../elsewhere", "lib/hyperplatform/report.new"), 0);
	assert_true(os_file_save("whole", 5, &error));
	assert_int_equal(access("elsewhere", F_OK), -1);
	expect_saved("whole");
}

/* A report that can't be replaced stays. */
static void test_save_fails(void **state)
{
	(void)state;
	assert_int_equal(mkdir("lib", 0755), 0);
	assert_int_equal(close(open("lib/hyperplatform", O_CREAT | O_WRONLY, 0600)), 0);
	assert_false(os_file_save("x", 1, &error));
	assert_non_null(strstr(error.text, "lib/hyperplatform"));
	assert_int_equal(unlink("lib/hyperplatform"), 0);

	assert_int_equal(mkdir("lib/hyperplatform", 0700), 0);
	assert_int_equal(mkdir("lib/hyperplatform/report", 0700), 0);
	assert_int_equal(mkdir("lib/hyperplatform/report/full", 0700), 0);
	assert_false(os_file_save("x", 1, &error));
	assert_int_equal(error.cause, OS_FAILED);
	assert_non_null(strstr(error.text, "lib/hyperplatform/report: "));
	assert_int_equal(access("lib/hyperplatform/report.new", F_OK), -1);
}

static void test_read(void **state)
{
	static uint8_t large[300000];
	unsigned i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 7 + i / 256);
	fd = open("large", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, large, sizeof(large)), sizeof(large));
	assert_int_equal(close(fd), 0);
	assert_true(os_file_read(OS_FILE_SYMBOLS, "large", &contents, &error));
	assert_string_equal(contents.path, "large");
	assert_int_equal(contents.bytes, sizeof(large));
	assert_memory_equal(contents.data, large, sizeof(large));
	assert_int_equal(contents.data[sizeof(large)], 0);
	free(contents.data);

	assert_true(os_file_read(OS_FILE_REPORT, "/dev/null", &contents, &error));
	assert_int_equal(contents.bytes, 0);
	free(contents.data);
	assert_false(os_file_read(OS_FILE_REPORT, "/dev/zero", &contents, &error));
	assert_non_null(strstr(error.text, "/dev/zero: File too large"));
	assert_false(os_file_read(OS_FILE_REPORT, "/", &contents, &error));
	assert_int_equal(error.cause, OS_FAILED);
	assert_null(contents.data);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_true(os_file_read(OS_FILE_REPORT, "fifo", &contents, &error)); /* nobody writes */
	assert_int_equal(contents.bytes, 0);
	free(contents.data);
}

/* Without a path: beside the program, or where it would be installed. */
static void test_symbols(void **state)
{
	(void)state;
	assert_false(os_file_read(OS_FILE_SYMBOLS, NULL, &contents, &error));
	assert_int_equal(error.cause, OS_ABSENT);
	assert_non_null(strstr(contents.path, "/lib/hyperplatform/root.sym"));
	assert_null(strstr(contents.path, "/tools/lib"));
	assert_non_null(strstr(error.text, contents.path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_save, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_save_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_symbols, setup, teardown),
	};

	return cmocka_run_group_tests_name("os_file_linux.c", tests, NULL, NULL);
}
