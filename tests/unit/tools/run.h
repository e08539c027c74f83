/* SPDX-License-Identifier: MIT */
/*
 * What the tests of hpctl share: a command line is run in this process, on the machine of
 * fake_os.h, and what it printed is there as text or as parsed JSON.
 */
#ifndef RUN_H
#define RUN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>

#include "fake_os.h"
#include "tools/hpctl/hpctl.h"

/* What the last run printed. */
extern char run_out[262144], run_err[65536];

/* Runs "hpctl " and the words of `line`; returns the exit status. No device stays open. */
int run(const char *line);

/* The same with stdout going to the file `path`. */
int run_to(const char *path, const char *line);

/* A cmocka setup: the machine of fake_reset(). */
int run_setup(void **state);

/* Fails the test, showing what was printed, when the text is not in it (is in it). */
void run_expect(const char *printed, const char *text);
void run_expect_no(const char *printed, const char *text);

/* The number of times that `text` is in `printed`. */
unsigned run_count(const char *printed, const char *text);

/* Runs `line`, expects the exit status and nothing but one JSON object; the caller deletes it. */
cJSON *run_json(const char *line, int status);

/* Values at a path such as "processors.0.gate.cycles". */
const cJSON *run_at(const cJSON *root, const char *path);
double run_number(const cJSON *root, const char *path);
const char *run_string(const cJSON *root, const char *path);
bool run_true(const cJSON *root, const char *path);
bool run_null(const cJSON *root, const char *path);

#endif
