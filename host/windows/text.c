// SPDX-License-Identifier: MIT
/*
 * The functions of a C library that common code and the compiler use. The driver is linked with no
 * library; the kernel's own _vsnprintf() writes text, but neither ends what it cuts, nor tells how
 * long it would have been.
 *
 * World: OS. Any IRQL.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nt.h"

__declspec(dllimport) int _vsnprintf(char *text, size_t bytes, const char *format,
				     va_list arguments);

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uint8_t *last = (uint8_t *)to + bytes;
	const uint8_t *source = (const uint8_t *)from + bytes;

	if ((uintptr_t)to - (uintptr_t)from >= bytes)
		return memcpy(to, from, bytes);
	while (last != to)
		*--last = *--source;
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *left = a, *right = b;

	for (; bytes; bytes--, left++, right++) {
		if (*left != *right)
			return *left - *right;
	}
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

/* Cut text has a length of `bytes`: nobody here asks for more than "did not fit". */
int vsnprintf(char *text, size_t bytes, const char *format, va_list arguments)
{
	int length = _vsnprintf(text, bytes, format, arguments);

	if (length >= 0 && (size_t)length < bytes)
		return length;
	if (bytes)
		text[bytes - 1] = '\0';
	return (int)bytes;
}

int snprintf(char *text, size_t bytes, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, bytes, format, arguments);
	va_end(arguments);
	return length;
}
