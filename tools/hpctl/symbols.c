// SPDX-License-Identifier: MIT
/*
 * The symbol file. See symbols.h. It may come from anywhere: what does not look like one is refused
 * as a whole, so that no wrong name is shown.
 */
#include "symbols.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char first[] = "build-id ";

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	for (; *text; text++) {
		if (!isgraph((unsigned char)*text))
			return false;
	}
	return length > 0 && length < SYMBOLS_TEXT - 24;
}

static bool parse_build_id(const char *line, struct symbols *symbols)
{
	const char *id = line + sizeof(first) - 1;

	if (strncmp(line, first, sizeof(first) - 1) != 0 ||
	    strlen(id) != sizeof(symbols->build_id) - 1 ||
	    strspn(id, "0123456789abcdef") != strlen(id))
		return false;
	strcpy(symbols->build_id, id);
	return true;
}

/* One function: it lies behind the one before. */
static bool parse_symbol(char *line, struct symbols *symbols)
{
	struct symbol *symbol = &symbols->list[symbols->count];
	char *end;

	if (!isxdigit((unsigned char)line[0]))
		return false;
	symbol->offset = strtoull(line, &end, 16);
	symbol->name = end + 1;
	if (*end != ' ' || !is_name(symbol->name) ||
	    (symbols->count && symbol->offset <= symbol[-1].offset))
		return false;
	symbols->count++;
	return true;
}

/* Returns the number of the first line that is wrong; 0: none is. */
static unsigned parse(struct symbols *symbols, size_t bytes)
{
	char *line = symbols->text, *end, *last = line + bytes;
	unsigned number = 1;

	for (; line < last; line = end + 1, number++) {
		end = strchr(line, '\n');
		if (!end)
			return number;
		*end = '\0';
		if (number == 1 ? !parse_build_id(line, symbols) : !parse_symbol(line, symbols))
			return number;
	}
	return symbols->count ? 0 : number;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	while ((text = strchr(text, '\n'))) {
		lines++;
		text++;
	}
	return lines;
}

static bool fail(struct os_error *error, const char *path, const char *problem)
{
	error->cause = OS_FAILED;
	snprintf(error->text, sizeof(error->text), "%.300s: %s", path, problem);
	snprintf(error->remedy, sizeof(error->remedy),
		 "use the root.sym of the build that was loaded");
	return false;
}

bool symbols_read(const char *path, struct symbols *symbols, struct os_error *error)
{
	struct os_contents contents;
	char problem[80];
	unsigned line;

	memset(symbols, 0, sizeof(*symbols));
	if (!os_file_read(OS_FILE_SYMBOLS, path, &contents, error))
		return false;
	strcpy(symbols->path, contents.path);
	symbols->text = (char *)contents.data;
	symbols->list = calloc(count_lines(symbols->text) + 1, sizeof(symbols->list[0]));
	line = symbols->list ? parse(symbols, contents.bytes) : 0;
	if (symbols->list && !line)
		return true;
	snprintf(problem, sizeof(problem), "line %u is not of a symbol file", line);
	fail(error, symbols->path, symbols->list ? problem : "out of memory");
	symbols_free(symbols);
	return false;
}

void symbols_free(struct symbols *symbols)
{
	free(symbols->list);
	free(symbols->text);
	memset(symbols, 0, sizeof(*symbols));
}

bool symbols_fit(const struct symbols *symbols, const struct hp_report *report)
{
	char build_id[2 * sizeof(report->build_id) + 1];

	if (report->build_id_bytes != sizeof(report->build_id))
		return false;
	format_hex(build_id, report->build_id, sizeof(report->build_id));
	return strcmp(build_id, symbols->build_id) == 0;
}

/* The last symbol at or below the offset, NULL: there is none. */
static const struct symbol *find(const struct symbols *symbols, uint64_t offset)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &symbols->list[low - 1] : NULL;
}

void symbols_text(char text[SYMBOLS_TEXT], const struct symbols *symbols, uint64_t offset,
		  bool is_return)
{
	const struct symbol *symbol = NULL;

	if (symbols && offset != ~0ull)
		symbol = find(symbols, offset - (is_return && offset));
	if (offset == ~0ull)
		snprintf(text, SYMBOLS_TEXT, "outside of root");
	else if (!symbol || strcmp(symbol->name, "-") == 0)
		snprintf(text, SYMBOLS_TEXT, "0x%" PRIx64, offset);
	else
		snprintf(text, SYMBOLS_TEXT, "%s+0x%" PRIx64, symbol->name,
			 offset - symbol->offset);
}
