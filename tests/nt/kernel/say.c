// SPDX-License-Identifier: MIT
/*
 * Text: formatting, for ourselves and for drivers (_vsnprintf, DbgPrintEx), the serial port, and
 * the way to end the emulator.
 *
 * World: the lab's kernel.
 */
#include "nt.h"

#define SERIAL_DATA   0x3f8
#define SERIAL_LINE   0x3fb
#define SERIAL_STATUS 0x3fd
#define LINE_8_BITS   0x03
#define LINE_DIVISOR  0x80
#define SERIAL_EMPTY  0x20
#define BOCHS_CONTROL 0x8900 /* the emulator ends when "Shutdown" is written there */

struct output {
	char *to;
	size_t size, length;
};

static void put(struct output *output, char c)
{
	if (output->length < output->size)
		output->to[output->length] = c;
	output->length++;
}

struct conversion {
	bool left, zero, alternate, upper, is_signed;
	int width, precision, length; /* bytes of the argument */
};

static void put_field(struct output *output, const struct conversion *how, const char *prefix,
		      const char *text, int bytes)
{
	int fill = how->width - bytes - (int)strlen(prefix);

	if (!how->left && !how->zero)
		for (; fill > 0; fill--)
			put(output, ' ');
	while (*prefix)
		put(output, *prefix++);
	if (!how->left)
		for (; fill > 0; fill--)
			put(output, '0');
	for (; bytes > 0; bytes--)
		put(output, *text++);
	for (; fill > 0; fill--)
		put(output, ' ');
}

static void put_number(struct output *output, const struct conversion *how, uint64_t value,
		       unsigned base)
{
	char text[24], *at = text + sizeof(text);
	const char *prefix = "";

	if (how->length < 8)
		value = how->is_signed ? (uint64_t)(int64_t)(int32_t)value : (uint32_t)value;
	if (how->is_signed && (int64_t)value < 0) {
		prefix = "-";
		value = -value;
	} else if (how->alternate && base == 16 && value) {
		prefix = "0x";
	}
	do
		*--at = (how->upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
	while (value /= base);
	while (text + sizeof(text) - at < how->precision && at > text)
		*--at = '0';
	put_field(output, how, prefix, at, (int)(text + sizeof(text) - at));
}

static void put_text(struct output *output, const struct conversion *how, const char *text)
{
	int bytes = 0;

	if (!text)
		text = "(null)";
	while ((how->precision < 0 || bytes < how->precision) && text[bytes])
		bytes++;
	put_field(output, how, "", text, bytes);
}

static void put_wide(struct output *output, const struct conversion *how,
		     const UNICODE_STRING *text)
{
	char narrow[128];
	int i;

	for (i = 0; i < text->Length / 2 && i < (int)sizeof(narrow); i++)
		narrow[i] = (char)text->Buffer[i];
	put_field(output, how, "", narrow, i);
}

static const char *parse(const char *format, struct conversion *how, va_list *arguments)
{
	memset(how, 0, sizeof(*how));
	how->precision = -1;
	how->length = 4;
	for (;; format++) {
		if (*format == '-')
			how->left = true;
		else if (*format == '0')
			how->zero = true;
		else if (*format == '#')
			how->alternate = true;
		else
			break;
	}
	if (*format == '*') {
		how->width = va_arg(*arguments, int);
		format++;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		how->width = how->width * 10 + *format - '0';
	if (*format == '.') {
		how->precision = 0;
		if (format[1] == '*') {
			how->precision = va_arg(*arguments, int);
			format += 2;
		} else {
			for (format++; *format >= '0' && *format <= '9'; format++)
				how->precision = how->precision * 10 + *format - '0';
		}
	}
	/* In NT's world `long` has 4 bytes. */
	if (format[0] == 'l' && format[1] == 'l') {
		how->length = 8;
		format += 2;
	} else if (format[0] == 'I' && format[1] == '6') {
		how->length = 8;
		format += 3;
	} else if (*format == 'l' || *format == 'h' || *format == 'w') {
		format++;
	} else if (*format == 'z') {
		how->length = 8;
		format++;
	}
	if (how->left)
		how->zero = false;
	return format;
}

static void convert(struct output *output, struct conversion *how, char what, va_list *arguments)
{
	char c;

	switch (what) {
	case 'd':
	case 'i':
		how->is_signed = true;
		put_number(output, how, va_arg(*arguments, uint64_t), 10);
		break;
	case 'u':
		put_number(output, how, va_arg(*arguments, uint64_t), 10);
		break;
	case 'X':
		how->upper = true;
		/* fall through */
	case 'x':
		put_number(output, how, va_arg(*arguments, uint64_t), 16);
		break;
	case 'p':
		how->length = 8;
		how->upper = true;
		how->zero = true;
		how->width = 16;
		put_number(output, how, va_arg(*arguments, uint64_t), 16);
		break;
	case 's':
		put_text(output, how, va_arg(*arguments, const char *));
		break;
	case 'Z':
		put_wide(output, how, va_arg(*arguments, const UNICODE_STRING *));
		break;
	case 'c':
		c = (char)va_arg(*arguments, int);
		put_field(output, how, "", &c, 1);
		break;
	default:
		put(output, what);
	}
}

/* Returns what the whole text needs; `to` ends with a zero if it has any room. */
int say_format(char *to, size_t size, const char *format, va_list arguments)
{
	struct output output = { to, size, 0 };
	struct conversion how;
	va_list rest;

	va_copy(rest, arguments);
	for (; *format; format++) {
		if (*format != '%') {
			put(&output, *format);
			continue;
		}
		format = parse(format + 1, &how, &rest);
		if (!*format)
			break;
		convert(&output, &how, *format, &rest);
	}
	va_end(rest);
	if (size)
		to[output.length < size ? output.length : size - 1] = 0;
	return (int)output.length;
}

int say_to(char *to, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = say_format(to, size, format, arguments);
	va_end(arguments);
	return length;
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void out(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

/* 115,200 baud, 8 bits, no parity. */
void say_init(void)
{
	out(SERIAL_LINE, LINE_DIVISOR | LINE_8_BITS);
	out(SERIAL_DATA, 1);
	out(SERIAL_DATA + 1, 0);
	out(SERIAL_LINE, LINE_8_BITS);
}

static void put_serial(char c)
{
	while (!(in(SERIAL_STATUS)&SERIAL_EMPTY))
		__builtin_ia32_pause();
	out(SERIAL_DATA, c);
}

void say(const char *format, ...)
{
	static struct lab_lock lock;
	char text[320], *at;
	va_list arguments;
	uint64_t flags;

	va_start(arguments, format);
	say_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	flags = lab_lock(&lock);
	for (at = text; *at; at++)
		put_serial(*at);
	put_serial('\n');
	lab_unlock(&lock, flags);
}

void say_shutdown(void)
{
	const char *word = "Shutdown";
	uint64_t start = __builtin_ia32_rdtsc();

	/* The last characters are still on the line. */
	while (__builtin_ia32_rdtsc() - start < 20000000)
		__builtin_ia32_pause();
	while (*word)
		out(BOCHS_CONTROL, *word++);
	for (;;)
		asm volatile("cli; hlt");
}
