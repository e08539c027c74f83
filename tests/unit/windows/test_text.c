// SPDX-License-Identifier: MIT
/* The C library's functions that the driver brings along, under other names. */
#include "fake.h"

#include <string.h>

void *text_memcpy(void *to, const void *from, size_t bytes);
void *text_memmove(void *to, const void *from, size_t bytes);
void *text_memset(void *to, int value, size_t bytes);
int text_memcmp(const void *a, const void *b, size_t bytes);
size_t text_strlen(const char *text);
int text_snprintf(char *text, size_t bytes, const char *format, ...);

static void memory(void **state)
{
	char text[] = "0123456789", copy[11] = "";

	(void)state;
	assert_ptr_equal(text_memcpy(copy, text, sizeof(text)), copy);
	assert_string_equal(copy, "0123456789");
	assert_ptr_equal(text_memmove(text + 2, text, 8), text + 2);
	assert_string_equal(text, "0101234567");
	assert_ptr_equal(text_memmove(text, text + 2, 8), text);
	assert_string_equal(text, "0123456767");
	assert_ptr_equal(text_memset(copy + 1, 'x', 3), copy + 1);
	assert_string_equal(copy, "0xxx456789");
	assert_int_equal(text_memcmp("abc", "abc", 3), 0);
	assert_true(text_memcmp("abd", "abc", 3) > 0);
	assert_true(text_memcmp("ab\x01", "ab\xff", 3) < 0);
	assert_int_equal(text_memcmp("a", "b", 0), 0);
	assert_int_equal(text_strlen(""), 0);
	assert_int_equal(text_strlen("four"), 4);
}

/* The kernel's function neither ends the text nor tells its length when it fits not, or just. */
static void print(void **state)
{
	char text[6];

	(void)state;
	assert_int_equal(text_snprintf(text, sizeof(text), "%u", 1234u), 4);
	assert_string_equal(text, "1234");
	assert_int_equal(text_snprintf(text, sizeof(text), "%s", "12345"), 5);
	assert_string_equal(text, "12345");
	assert_int_equal(text_snprintf(text, sizeof(text), "%s", "123456"), 6);
	assert_string_equal(text, "12345");
	assert_true(text_snprintf(text, sizeof(text), "%s", "1234567") >= 6);
	assert_string_equal(text, "12345");
	assert_int_equal(text_snprintf(text, 1, "%s", "1"), 1);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(memory, fake_setup),
		cmocka_unit_test_setup(print, fake_setup),
	};

	return cmocka_run_group_tests_name("host/windows/text", tests, NULL, NULL);
}
