// SPDX-License-Identifier: MIT
/*
 * base/record.c: every conversion, the cut at the end, unknown formats.
 */
#include "unit.h"

#include "base/record.h"

static struct hp_record make(uint16_t format, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return (struct hp_record){ .format = format, .argument = { a, b, c, d } };
}

static void assert_text(struct hp_record record, const char *expected)
{
	char text[200];

	assert_int_equal(record_text(&record, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void test_conversions(void **state)
{
	(void)state;
	assert_text(make(RECORD_ENTERED, 3, 0, 0, 0), "processor 3 runs as a guest now");
	assert_text(make(RECORD_LEFT, 0, ~0ull, 0, 0),
		    "processor 0 runs natively again after 18446744073709551615 exits");
	assert_text(make(RECORD_ENTRY_FAILED, 0x80000021, 0x1f, 7, 0),
		    "VM entry failed: reason 80000021, qualification 000000000000001f, "
		    "instruction error 7");
	assert_text(make(RECORD_HIDDEN_WRITE, 1, 0xffffffff81000000, ~0ull, 0),
		    "a write to hidden memory was dropped: address 0000000000000001, linear "
		    "ffffffff81000000, RIP ffffffffffffffff, CR3 0000000000000000");
}

/* Text is the guest's: it ends at a NUL or at its end, and can't break a line. */
static void test_strings(void **state)
{
	struct hp_record record = make(RECORD_WHO, 4, 0, 0, 0);

	(void)state;
	memcpy(&record.argument[1], "System", 6);
	assert_text(record, ", process 4 (System)");
	memcpy(&record.argument[1], "sixteen of these", 16);
	assert_text(record, ", process 4 (sixteen of these)");
	memcpy(&record.argument[1], "a\tb\n\x80\x1b\x7f~", 8);
	assert_text(record, ", process 4 (a?b????~of these)");
	record = make(RECORD_IMAGE, 0, 0, 0, 0);
	record.argument[4] = 0x1a0;
	memcpy(record.argument, "thirty-two bytes for this name:.", 32);
	assert_text(record, " [thirty-two bytes for this name:.+0x1a0]");
	memcpy(record.argument, "hptest", 7);
	assert_text(record, " [hptest+0x1a0]");
}

/* Whatever the room: never more than it, always ended, always the beginning of the whole. */
static void test_cut(void **state)
{
	struct hp_record record = make(RECORD_FAULT, 14, 2, 0x1000, 0);
	char whole[200], text[200];
	size_t length = record_text(&record, whole, sizeof(whole)), bytes;

	(void)state;
	for (bytes = 1; bytes < sizeof(text); bytes++) {
		char *exact = malloc(bytes);

		assert_non_null(exact);
		assert_int_equal(record_text(&record, exact, bytes),
				 length < bytes ? length : bytes - 1);
		assert_memory_equal(exact, whole, strlen(exact));
		free(exact);
	}
	text[0] = 'x';
	assert_int_equal(record_text(&record, text, 0), 0);
	assert_int_equal(text[0], 'x');
}

static void test_unknown(void **state)
{
	(void)state;
	assert_text(make(0, 1, 2, 3, 4), "record of unknown format 0: 1 2 3 4 0 0");
	assert_text(make(65535, 0xabc, 0, 0, 0), "record of unknown format 65535: abc 0 0 0 0 0");
}

/* Every format of the table makes a text, and takes no more arguments than a record has. */
static void test_all(void **state)
{
	static const char *const texts[] = {
#define RECORD_STRING(name, number, level, text) [number] = text,
		RECORD_FORMATS(RECORD_STRING)
#undef RECORD_STRING
	};
	char text[200];
	unsigned i, arguments;
	const char *at;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct hp_record record = make((uint16_t)i, 0, 0, 0, 0);

		if (!texts[i])
			continue;
		assert_true(record_text(&record, text, sizeof(text)) > 6);
		assert_null(strchr(text, '%'));
		arguments = 0;
		for (at = texts[i]; (at = strchr(at, '%')); at++)
			arguments += at[1] == 's' ? 2 : at[1] == 'S' ? 4 : 1;
		assert_true(arguments <= 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversions), cmocka_unit_test(test_strings),
		cmocka_unit_test(test_cut),	    cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
