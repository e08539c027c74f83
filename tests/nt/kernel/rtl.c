// SPDX-License-Identifier: MIT
/*
 * Strings and memory, for this kernel and for drivers.
 *
 * World: the lab's kernel; any IRQL.
 */
#include "nt.h"

/* The compiler calls these by itself; their loops must not become calls of themselves. */
void *memcpy(void *to, const void *from, size_t bytes)
{
	void *start = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	return start;
}

void *memset(void *to, int value, size_t bytes)
{
	void *start = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	size_t bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

char *strrchr(const char *text, int c)
{
	const char *found = NULL;

	for (; *text; text++)
		if (*text == c)
			found = text;
	return (char *)found;
}

/* `word` in `bytes` of text; NULL: it is not there. */
const char *rtl_find(const char *text, size_t bytes, const char *word)
{
	size_t length = strlen(word), at;

	for (at = 0; at + length <= bytes; at++)
		if (!memcmp(text + at, word, length))
			return text + at;
	return NULL;
}

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING to, PCWSTR text)
{
	size_t length = 0;

	while (text && text[length])
		length++;
	to->Length = (USHORT)(length * sizeof(WCHAR));
	to->MaximumLength = (USHORT)(text ? to->Length + sizeof(WCHAR) : 0);
	to->Buffer = (PWSTR)text;
}

/* Microsoft's: no zero and -1 when the text is longer, no zero when it just fits. */
int __cdecl _vsnprintf(char *to, size_t bytes, const char *format, va_list arguments)
{
	char text[512];
	int length = say_format(text, sizeof(text), format, arguments);

	if (length >= (int)sizeof(text))
		export_violation("lab", "a text of %d bytes", length);
	memcpy(to, text, (size_t)length < bytes ? (size_t)length + 1 : bytes);
	return (size_t)length > bytes ? -1 : length;
}
