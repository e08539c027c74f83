// SPDX-License-Identifier: MIT
/*
 * The file of reports: the structures of abi.h as they are, behind a header that says which they
 * are, and a sum over all of it.
 *
 *     struct header
 *     for each processor: struct hp_report, struct trail, `count` of struct hp_exit
 *
 * It is written when the driver goes, which kept them until then.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vmcs.h"

static const char magic[8] = "HPreport";

struct header {
	char magic[8];
	uint32_t abi;
	uint32_t header_bytes, report_bytes, exit_bytes; /* of the structures */
	uint32_t fields;				 /* of the VMCS that the table knows */
	uint32_t processors;
	uint64_t written; /* in seconds since 1970 */
	uint64_t bytes;	  /* of the file */
	uint64_t sum;	  /* of the file, with 0 here */
};

struct trail {
	uint32_t depth, count;
	uint64_t total;
};

/* FNV-1a: it finds damage; it does not keep anybody from making up a report. */
static uint64_t sum_of(const uint8_t *data, size_t bytes)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	while (bytes--)
		sum = (sum ^ *data++) * 0x100000001b3ull;
	return sum;
}

static struct header header_of(const struct report_set *set)
{
	struct header header = {
		.abi = HP_ABI_VERSION,
		.header_bytes = sizeof(struct header),
		.report_bytes = sizeof(struct hp_report),
		.exit_bytes = sizeof(struct hp_exit),
		.fields = VMCS_FIELDS_COUNT,
		.processors = set->count,
		.written = set->written,
	};

	memcpy(header.magic, magic, sizeof(magic));
	return header;
}

/* Writing. */

static uint8_t *put(uint8_t *to, const void *data, size_t bytes)
{
	memcpy(to, data, bytes);
	return to + bytes;
}

/* All of it in memory, NULL: there is not enough. */
static uint8_t *pack(const struct report_set *set, size_t *bytes)
{
	struct header header = header_of(set);
	uint8_t *data, *to;
	unsigned i;

	*bytes = sizeof(header);
	for (i = 0; i < set->count; i++)
		*bytes += sizeof(struct hp_report) + sizeof(struct trail) +
			  set->of[i].count * sizeof(struct hp_exit);
	data = malloc(*bytes);
	if (!data)
		return NULL;
	header.bytes = *bytes;
	to = put(data, &header, sizeof(header));
	for (i = 0; i < set->count; i++) {
		const struct report_one *one = &set->of[i];
		struct trail trail = { one->depth, one->count, one->total };

		to = put(to, &one->report, sizeof(one->report));
		to = put(to, &trail, sizeof(trail));
		to = put(to, one->exit, one->count * sizeof(one->exit[0]));
	}
	header.sum = sum_of(data, *bytes);
	put(data, &header, sizeof(header));
	return data;
}

bool saved_keep(struct os_device *device)
{
	static const char lost[] = "what the module knows of its failure is lost";
	struct report_set set;
	struct os_error error;
	uint32_t processor;
	enum hp_error result = collect_reports(device, HP_HISTORY_MOST, &set, &processor);
	uint8_t *data = NULL;
	bool saved = false;
	size_t bytes;

	/* A module of another version: it can't be understood, which the caller has found out, too.
	 */
	if (result == HP_ERROR_REQUEST)
		return false;
	if (result != HP_ERROR_OK) {
		errors_hp("cannot see whether something went wrong", result, processor);
		return false;
	}
	if (collect_any(&set)) {
		set.written = (uint64_t)time(NULL);
		data = pack(&set, &bytes);
		saved = data && os_file_save(data, bytes, &error);
		if (!data)
			errors_hp(lost, HP_ERROR_NO_MEMORY, HP_NO_PROCESSOR);
		else if (!saved)
			errors_os(lost, &error);
	}
	free(data);
	collect_free(&set);
	return saved;
}

/* Reading. */

/* What is left to be read. */
struct rest {
	const uint8_t *data;
	size_t bytes;
};

static bool get(struct rest *rest, void *to, size_t bytes)
{
	if (rest->bytes < bytes)
		return false;
	memcpy(to, rest->data, bytes);
	rest->data += bytes;
	rest->bytes -= bytes;
	return true;
}

static bool unpack_one(struct rest *rest, struct report_one *one)
{
	struct trail trail;

	if (!get(rest, &one->report, sizeof(one->report)) || !get(rest, &trail, sizeof(trail)) ||
	    trail.count > HP_HISTORY_MOST || trail.count > trail.total)
		return false;
	one->exit = calloc(trail.count ? trail.count : 1, sizeof(one->exit[0]));
	if (!one->exit || !get(rest, one->exit, trail.count * sizeof(one->exit[0])))
		return false;
	one->depth = trail.depth;
	one->count = trail.count;
	one->total = trail.total;
	return true;
}

static bool unpack(struct rest rest, struct report_set *set)
{
	struct header header;
	unsigned i;

	get(&rest, &header, sizeof(header));
	set->written = header.written;
	set->of = calloc(header.processors ? header.processors : 1, sizeof(set->of[0]));
	if (!set->of)
		return false;
	for (i = 0; i < header.processors; i++) {
		set->count++; /* for collect_free(), also of half a one */
		if (!unpack_one(&rest, &set->of[i]))
			return false;
	}
	return rest.bytes == 0;
}

/* What is wrong with the file, NULL: nothing that its header shows. Its sum is gone after this. */
static const char *problem_of(struct os_contents *contents)
{
	struct header header, ours = header_of(&(struct report_set){ 0 });
	uint64_t sum;

	if (contents->bytes < sizeof(magic) || memcmp(contents->data, magic, sizeof(magic)) != 0)
		return "this is no file of reports";
	if (contents->bytes < sizeof(header))
		return "the file is damaged";
	memcpy(&header, contents->data, sizeof(header));
	if (header.abi != ours.abi || header.header_bytes != ours.header_bytes ||
	    header.report_bytes != ours.report_bytes || header.exit_bytes != ours.exit_bytes ||
	    header.fields != ours.fields)
		return "another version of hpctl wrote it";
	sum = header.sum;
	header.sum = 0;
	memcpy(contents->data, &header, sizeof(header));
	if (header.bytes != contents->bytes || sum_of(contents->data, contents->bytes) != sum ||
	    header.processors > HP_PROCESSORS_MAX)
		return "the file is damaged";
	return NULL;
}

bool saved_read(const char *path, struct report_set *set, struct os_error *error)
{
	struct os_contents contents;
	const char *problem;

	memset(set, 0, sizeof(*set));
	if (!os_file_read(OS_FILE_REPORT, path, &contents, error))
		return false;
	strcpy(set->path, contents.path);
	problem = problem_of(&contents);
	if (!problem && !unpack((struct rest){ contents.data, contents.bytes }, set))
		problem = "the file is damaged";
	free(contents.data);
	if (!problem)
		return true;
	collect_free(set);
	error->cause = OS_FAILED;
	snprintf(error->text, sizeof(error->text), "%.300s: %s", set->path, problem);
	snprintf(error->remedy, sizeof(error->remedy),
		 "read it with the hpctl that wrote it, or remove it");
	return false;
}
