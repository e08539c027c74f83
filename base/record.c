// SPDX-License-Identifier: MIT
/*
 * The text of records. See record.h. The numbers are written by hand: every argument has 64 bits,
 * which the C library's %u has not, and nothing but memory is needed.
 *
 * World: any (pure).
 */
#include "record.h"

/* What is written so far; `used` < `bytes` always, so that the NUL has room. */
struct text {
	char *start;
	size_t bytes, used;
};

static void put(struct text *text, char c)
{
	if (text->used + 1 < text->bytes)
		text->start[text->used++] = c;
}

static void put_string(struct text *text, const char *string)
{
	while (*string)
		put(text, *string++);
}

static void put_number(struct text *text, uint64_t value, unsigned base, unsigned digits)
{
	char reversed[20];
	unsigned count = 0;

	do {
		reversed[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || count < digits);
	while (count)
		put(text, reversed[--count]);
}

/* The arguments' bytes, the lowest first: they may be the guest's. */
static void put_bytes(struct text *text, const uint64_t *arguments, unsigned count)
{
	unsigned i;
	char c;

	for (i = 0; i < 8 * count; i++) {
		c = (char)(arguments[i / 8] >> 8 * (i % 8));
		if (!c)
			return;
		put(text, c >= ' ' && c <= '~' ? c : '?');
	}
}

/* Of the conversion at `format`: how many arguments it takes, if it is one of text. */
static unsigned text_arguments(const char *format)
{
	if (*format == 's')
		return 2;
	return *format == 'S' ? 4 : 0;
}

/* Writes `value` by the conversion at `format`. Returns what follows the conversion. */
static const char *put_argument(struct text *text, const char *format, uint64_t value)
{
	switch (*format) {
	case 'u':
		put_number(text, value, 10, 1);
		return format + 1;
	case 'd':
		if ((int64_t)value < 0) {
			put(text, '-');
			value = -value;
		}
		put_number(text, value, 10, 1);
		return format + 1;
	case 'x':
		put_number(text, value, 16, 1);
		return format + 1;
	default: /* llx */
		put_number(text, value, 16, 16);
		return format + 3;
	}
}

static const char *find_format(unsigned number)
{
	switch (number) {
#define RECORD_CASE(name, number, level, text)                                                     \
	case number:                                                                               \
		return text;
		RECORD_FORMATS(RECORD_CASE)
#undef RECORD_CASE
	default:
		return NULL;
	}
}

static void put_unknown(struct text *text, const struct hp_record *record)
{
	unsigned i;

	put_string(text, "record of unknown format ");
	put_number(text, record->format, 10, 1);
	put(text, ':');
	for (i = 0; i < 6; i++) {
		put(text, ' ');
		put_number(text, record->argument[i], 16, 1);
	}
}

size_t record_text(const struct hp_record *record, char *text, size_t bytes)
{
	struct text to = { text, bytes, 0 };
	const char *format = find_format(record->format);
	unsigned argument = 0, count;

	if (!bytes)
		return 0;
	if (!format)
		put_unknown(&to, record);
	while (format && *format) {
		if (*format != '%') {
			put(&to, *format++);
			continue;
		}
		count = text_arguments(++format);
		if (count && argument + count <= 6) {
			put_bytes(&to, &record->argument[argument], count);
			argument += count;
			format++;
		} else {
			format = put_argument(&to, format, record->argument[argument++ % 6]);
		}
	}
	text[to.used] = '\0';
	return to.used;
}
