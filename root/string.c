// SPDX-License-Identifier: MIT
/*
 * The functions that the compiler may call for copies and comparisons of structures, whatever it is
 * told; base/ calls them by name, too.
 *
 * World: root.
 */
#include <stddef.h>
#include <stdint.h>

#include <string.h>

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *end = to;

	asm volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(bytes) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	void *end = to;

	asm volatile("rep stosb" : "+D"(end), "+c"(bytes) : "a"(value) : "memory");
	return to;
}

int memcmp(const void *one, const void *other, size_t bytes)
{
	const uint8_t *a = one, *b = other;

	for (; bytes; bytes--, a++, b++) {
		if (*a != *b)
			return *a - *b;
	}
	return 0;
}
