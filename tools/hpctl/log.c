// SPDX-License-Identifier: MIT
/*
 * hpctl log: what HyperPlatform and its monitors reported. The device gives lines of fields that
 * tabs separate, in the format of the original's log file: time, level, #processor, process id,
 * thread id, image, message. They are printed in columns, as JSON (one object a line), or raw.
 *
 * An image's name is chosen by whoever starts a process: in columns, control characters are "?".
 */
#include "hpctl.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

#define WAIT_MS	   250u
#define READ_LEAST 1024u /* bytes to offer for a read: the driver gives lines, not bits of them */

enum field { TIME, LEVEL, PROCESSOR, PROCESS, THREAD, IMAGE, MESSAGE, FIELDS };

/* A line may come in pieces; one longer than this is printed in pieces, too. */
struct lines {
	char text[8192];
	size_t used;
	unsigned options;
};

/* Cuts the blanks off both ends, which the original's columns have. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " ");
	length = strlen(text);
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\r'))
		text[--length] = '\0';
	return text;
}

/* False: the line has other columns, `fields` is not set. The message may have tabs of its own. */
static bool split(char *line, char *fields[FIELDS])
{
	unsigned i, tabs = 0;
	char *at;

	for (at = line; *at; at++)
		tabs += *at == '\t';
	if (tabs < FIELDS - 1)
		return false;
	for (i = 0; i < FIELDS; i++) {
		at = i < FIELDS - 1 ? strchr(line, '\t') : NULL;
		if (at)
			*at = '\0';
		fields[i] = trim(line);
		line = at ? at + 1 : line;
	}
	return true;
}

static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = *text == '\t' ? ' ' : '?';
	}
}

static void print_columns(char *line)
{
	char *fields[FIELDS];
	unsigned i;

	if (!split(line, fields)) {
		make_printable(line);
		puts(line);
		return;
	}
	for (i = 0; i < FIELDS; i++)
		make_printable(fields[i]);
	printf("%s  %-5s %-4s %6s %6s  %-15s  %s\n", fields[TIME], fields[LEVEL], fields[PROCESSOR],
	       fields[PROCESS], fields[THREAD], fields[IMAGE], fields[MESSAGE]);
}

/* A number when it is one; a system without such a number may write something else. */
static void add_number(cJSON *object, const char *key, const char *text)
{
	if (*text == '#')
		text++;
	if (*text && strlen(text) < 20 && strspn(text, "0123456789") == strlen(text))
		json_u64(object, key, strtoull(text, NULL, 10));
	else
		json_text(object, key, text);
}

static void print_json(char *line)
{
	cJSON *object = json_object();
	char *fields[FIELDS];

	if (split(line, fields)) {
		json_text(object, "time", fields[TIME]);
		json_text(object, "level", fields[LEVEL]);
		add_number(object, "processor", fields[PROCESSOR]);
		add_number(object, "pid", fields[PROCESS]);
		add_number(object, "tid", fields[THREAD]);
		json_text(object, "image", fields[IMAGE]);
		json_text(object, "message", fields[MESSAGE]);
	} else {
		json_text(object, "message", line);
	}
	json_print_line(object);
}

static void print_line(char *line, unsigned options)
{
	if (options & OPTION_RAW)
		puts(line);
	else if (options & OPTION_JSON)
		print_json(line);
	else
		print_columns(line);
}

/* Prints the lines that are whole, or with `rest` all that is there. */
static void print_lines(struct lines *lines, bool rest)
{
	char *at = lines->text, *end;

	lines->text[lines->used] = '\0';
	while ((end = memchr(at, '\n', lines->used - (size_t)(at - lines->text)))) {
		*end = '\0';
		print_line(at, lines->options);
		at = end + 1;
	}
	lines->used -= (size_t)(at - lines->text);
	memmove(lines->text, at, lines->used + 1);
	if (lines->used && (rest || lines->used + READ_LEAST >= sizeof(lines->text))) {
		print_line(lines->text, lines->options);
		lines->used = 0;
	}
	fflush(stdout);
}

/* One read and what comes of it; as os_log_read(). */
static int read_some(struct os_device *device, struct lines *lines, unsigned wait_ms)
{
	int got = os_log_read(device, lines->text + lines->used,
			      sizeof(lines->text) - 1 - lines->used, wait_ms);

	if (got > 0) {
		lines->used += (size_t)got;
		print_lines(lines, false);
	}
	return got;
}

static bool running(struct os_device *device)
{
	struct hp_version version = { 0 };

	return device_request(device, HP_REQUEST_VERSION, &version) == HP_ERROR_OK &&
	       version.running;
}

/*
 * Ends with the user's wish, the reader's end of the pipe, the log's end, or a stop: as long as we
 * have the device open the module can't be removed, so we must let go of it.
 */
static void follow(struct os_device *device, struct lines *lines)
{
	bool ran = running(device);

	while (!os_interrupted() && !ferror(stdout)) {
		int got = read_some(device, lines, WAIT_MS);
		bool runs;

		if (got < 0)
			return;
		if (got > 0)
			continue;
		runs = running(device);
		if (ran && !runs)
			break;
		ran = runs;
	}
	while (!ferror(stdout) && read_some(device, lines, 0) > 0)
		;
}

enum hpctl_exit log_run(const struct options *options)
{
	static const char what[] = "cannot read the log";
	struct os_error error;
	struct os_device *device;
	struct lines *lines;

	if ((options->given & OPTION_RAW) && (options->given & OPTION_JSON))
		return errors_usage("log", "--raw and --json exclude each other");
	device = os_open(&error);
	if (!device && error.cause == OS_ABSENT) {
		errors_hp(what, HP_ERROR_NOT_RUNNING, HP_NO_PROCESSOR);
		return HPCTL_NO;
	}
	if (!device)
		return errors_os(what, &error);
	lines = calloc(1, sizeof(*lines));
	if (!lines) {
		os_close(device);
		return errors_hp(what, HP_ERROR_NO_MEMORY, HP_NO_PROCESSOR);
	}

	lines->options = options->given;
	if (options->given & OPTION_FOLLOW) {
		os_interrupt_catch();
		follow(device, lines);
	} else {
		while (!ferror(stdout) && read_some(device, lines, 0) > 0)
			;
	}
	print_lines(lines, true);
	os_close(device);
	free(lines);
	return HPCTL_OK;
}
