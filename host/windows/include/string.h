/* SPDX-License-Identifier: MIT */
/* What common code means by <string.h>, and the compiler by itself: text.c has them. World: OS. */
#ifndef HOST_WINDOWS_STRING_H
#define HOST_WINDOWS_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);

#endif
