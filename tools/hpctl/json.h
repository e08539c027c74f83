/* SPDX-License-Identifier: MIT */
/*
 * What cJSON lacks for us: 64-bit integers without loss, hexadecimal, text that may hold any bytes,
 * and an end with a message when memory runs out, so that callers need not look at every result.
 */
#ifndef HPCTL_JSON_H
#define HPCTL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

/* A new object. The first call prepares cJSON. */
cJSON *json_object(void);

void json_u64(cJSON *object, const char *key, uint64_t value);
void json_append_u64(cJSON *array, uint64_t value);
void json_hex(cJSON *object, const char *key, uint64_t value); /* the string "0x1f" */

/* Bytes that are no UTF-8 become U+FFFD, so that the output always is JSON. */
void json_text(cJSON *object, const char *key, const char *text);

/* Prints it, indented or in one line, and frees it. */
void json_print(cJSON *object);
void json_print_line(cJSON *object);

#endif
