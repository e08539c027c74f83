// SPDX-License-Identifier: MIT
/*
 * The helpers around cJSON; see json.h.
 */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hpctl.h"

static void *allocate(size_t bytes)
{
	void *memory = malloc(bytes);

	if (!memory) {
		fputs("hpctl: cannot write JSON: out of memory\n", stderr);
		exit(HPCTL_FAILED);
	}
	return memory;
}

cJSON *json_object(void)
{
	cJSON_Hooks hooks = { .malloc_fn = allocate, .free_fn = free };

	cJSON_InitHooks(&hooks);
	return cJSON_CreateObject();
}

void json_u64(cJSON *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	cJSON_AddRawToObject(object, key, text);
}

void json_append_u64(cJSON *array, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	cJSON_AddItemToArray(array, cJSON_CreateRaw(text));
}

void json_hex(cJSON *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	cJSON_AddStringToObject(object, key, text);
}

/* The length of the UTF-8 sequence at `at`, or 0. RFC 3629: shortest forms, no surrogates. */
static unsigned utf8_length(const unsigned char *at)
{
	unsigned length, i;
	uint32_t code;

	if (at[0] < 0x80)
		return 1;
	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		length = 2;
	else if (at[0] >= 0xe0 && at[0] <= 0xef)
		length = 3;
	else if (at[0] >= 0xf0 && at[0] <= 0xf4)
		length = 4;
	else
		return 0;

	code = at[0] & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3fu);
	}
	if (length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
		return 0;
	if (length == 4 && (code < 0x10000 || code > 0x10ffff))
		return 0;
	return length;
}

void json_text(cJSON *object, const char *key, const char *text)
{
	char *clean = allocate(3 * strlen(text) + 1), *to = clean;

	while (*text) {
		unsigned length = utf8_length((const unsigned char *)text);

		if (length) {
			memcpy(to, text, length);
			to += length;
			text += length;
		} else {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			text++;
		}
	}
	*to = '\0';
	cJSON_AddStringToObject(object, key, clean);
	free(clean);
}

static void print_and_free(cJSON *object, char *text)
{
	puts(text);
	cJSON_free(text);
	cJSON_Delete(object);
}

void json_print(cJSON *object)
{
	print_and_free(object, cJSON_Print(object));
}

void json_print_line(cJSON *object)
{
	print_and_free(object, cJSON_PrintUnformatted(object));
}
