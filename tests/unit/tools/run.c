// SPDX-License-Identifier: MIT
/*
 * The helpers of run.h.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char run_out[262144], run_err[65536];

static void read_back(FILE *file, char *text, size_t bytes)
{
	rewind(file);
	text[fread(text, 1, bytes - 1, file)] = '\0';
	fclose(file);
}

static int run_with(FILE *out, const char *line)
{
	FILE *err = tmpfile();
	int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO), status;
	char *words[16] = { "hpctl" }, *copy = strdup(line), *rest = copy;
	int count = 1;

	while (count < 15 && (words[count] = strtok_r(rest, " ", &rest)))
		count++;
	fflush(stdout);
	fflush(stderr);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	status = hpctl_run(count, words);
	fflush(stdout);
	clearerr(stdout);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	free(copy);
	read_back(err, run_err, sizeof(run_err));
	assert_int_equal(fake.open_now, 0);
	return status;
}

int run(const char *line)
{
	FILE *out = tmpfile();
	int status = run_with(out, line);

	read_back(out, run_out, sizeof(run_out));
	return status;
}

int run_to(const char *path, const char *line)
{
	FILE *out = fopen(path, "w");
	int status;

	assert_non_null(out);
	status = run_with(out, line);
	fclose(out);
	return status;
}

int run_setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

void run_expect(const char *printed, const char *text)
{
	if (!strstr(printed, text))
		fail_msg("missing: \"%s\" in:\n%s", text, printed);
}

void run_expect_no(const char *printed, const char *text)
{
	if (strstr(printed, text))
		fail_msg("not expected: \"%s\" in:\n%s", text, printed);
}

unsigned run_count(const char *printed, const char *text)
{
	unsigned count = 0;

	while ((printed = strstr(printed, text))) {
		count++;
		printed += strlen(text);
	}
	return count;
}

cJSON *run_json(const char *line, int status)
{
	cJSON *root;
	int got = run(line);

	if (got != status)
		fail_msg("%s: exit status %d, not %d\n%s%s", line, got, status, run_out, run_err);
	root = cJSON_ParseWithOpts(run_out, NULL, 1);
	if (!root)
		fail_msg("no JSON:\n%s", run_out);
	return root;
}

const cJSON *run_at(const cJSON *root, const char *path)
{
	char copy[128], *rest = copy, *key;

	snprintf(copy, sizeof(copy), "%s", path);
	while (root && (key = strtok_r(rest, ".", &rest))) {
		if (cJSON_IsArray(root))
			root = cJSON_GetArrayItem(root, atoi(key));
		else
			root = cJSON_GetObjectItemCaseSensitive(root, key);
	}
	if (!root)
		fail_msg("no %s in:\n%s", path, run_out);
	return root;
}

double run_number(const cJSON *root, const char *path)
{
	const cJSON *item = run_at(root, path);

	assert_true(cJSON_IsNumber(item));
	return item->valuedouble;
}

const char *run_string(const cJSON *root, const char *path)
{
	const cJSON *item = run_at(root, path);

	assert_true(cJSON_IsString(item));
	return item->valuestring;
}

bool run_true(const cJSON *root, const char *path)
{
	const cJSON *item = run_at(root, path);

	assert_true(cJSON_IsBool(item));
	return cJSON_IsTrue(item);
}

bool run_null(const cJSON *root, const char *path)
{
	return cJSON_IsNull(run_at(root, path));
}
