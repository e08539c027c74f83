// SPDX-License-Identifier: MIT
/*
 * hpctl stat: how often each processor came out to root, and why.
 */
#include "hpctl.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/vmcs.h"
#include "json.h"

#define COLUMNS 6 /* processors in one table; more of them make more tables */

struct stats {
	unsigned count;
	struct hp_stat of[HP_PROCESSORS_MAX]; /* in the order of their numbers */
};

static void reason_name(char *text, size_t bytes, unsigned reason)
{
	const char *known = exit_reason_text(reason);

	if (known)
		snprintf(text, bytes, "%s", known);
	else
		snprintf(text, bytes, "reason %u", reason);
}

static uint64_t sum_of_reason(const struct stats *stats, unsigned reason)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < stats->count; i++)
		sum += stats->of[i].exits[reason];
	return sum;
}

static uint64_t sum_of_processor(const struct hp_stat *stat)
{
	uint64_t sum = 0;
	unsigned reason;

	for (reason = 0; reason < HP_EXIT_REASONS; reason++)
		sum += stat->exits[reason];
	return sum;
}

static bool wanted(const struct stats *stats, unsigned reason, bool all)
{
	return sum_of_reason(stats, reason) || (all && exit_reason_text(reason));
}

/* One line of a table: a number for each of its processors, and the sum over all processors. */
static void print_row(const char *name, const struct stats *stats, unsigned first,
		      uint64_t (*value)(const struct hp_stat *stat, unsigned reason),
		      unsigned reason)
{
	uint64_t sum = 0;
	unsigned i;

	printf("%-38s", name);
	for (i = 0; i < stats->count; i++) {
		uint64_t number = value(&stats->of[i], reason);

		sum += number;
		if (i >= first && i < first + COLUMNS)
			printf(" %12" PRIu64, number);
	}
	printf(" %14" PRIu64 "\n", sum);
}

static uint64_t exits_of(const struct hp_stat *stat, unsigned reason)
{
	return stat->exits[reason];
}

static uint64_t all_exits_of(const struct hp_stat *stat, unsigned reason)
{
	(void)reason;
	return sum_of_processor(stat);
}

static uint64_t nmis_of(const struct hp_stat *stat, unsigned reason)
{
	(void)reason;
	return stat->nmis_in_root;
}

static uint64_t reinjected_of(const struct hp_stat *stat, unsigned reason)
{
	(void)reason;
	return stat->events_reinjected;
}

static void print_table(const struct stats *stats, unsigned first, bool all)
{
	unsigned i, reason;
	char name[64];

	printf("%-38s", "exits");
	for (i = first; i < stats->count && i < first + COLUMNS; i++) {
		snprintf(name, sizeof(name), "CPU %" PRIu32, stats->of[i].processor);
		printf(" %12s", name);
	}
	printf(" %14s\n", "total");
	for (reason = 0; reason < HP_EXIT_REASONS; reason++) {
		if (!wanted(stats, reason, all))
			continue;
		reason_name(name, sizeof(name), reason);
		print_row(name, stats, first, exits_of, reason);
	}
	print_row("total", stats, first, all_exits_of, 0);
	puts("\nbeside these");
	print_row("NMIs that came while root ran", stats, first, nmis_of, 0);
	print_row("events that an exit had interrupted", stats, first, reinjected_of, 0);
}

static void print_text(const struct stats *stats, bool all)
{
	unsigned first;

	for (first = 0; first == 0 || first < stats->count; first += COLUMNS) {
		if (first)
			putchar('\n');
		print_table(stats, first, all);
	}
}

static void print_json(const struct stats *stats, bool all)
{
	cJSON *root = json_object(), *processors, *exits, *nmis, *reinjected;
	uint64_t total = 0;
	unsigned i, reason;

	processors = cJSON_AddArrayToObject(root, "processors");
	exits = cJSON_AddArrayToObject(root, "exits");
	for (i = 0; i < stats->count; i++)
		json_append_u64(processors, stats->of[i].processor);
	for (reason = 0; reason < HP_EXIT_REASONS; reason++) {
		cJSON *row, *counts;
		char name[64];

		if (!wanted(stats, reason, all))
			continue;
		row = cJSON_CreateObject();
		cJSON_AddItemToArray(exits, row);
		reason_name(name, sizeof(name), reason);
		json_u64(row, "reason", reason);
		json_text(row, "name", name);
		counts = cJSON_AddArrayToObject(row, "by_processor");
		for (i = 0; i < stats->count; i++)
			json_append_u64(counts, stats->of[i].exits[reason]);
		json_u64(row, "total", sum_of_reason(stats, reason));
		total += sum_of_reason(stats, reason);
	}
	json_u64(root, "total", total);
	nmis = cJSON_AddArrayToObject(root, "nmis_in_root");
	reinjected = cJSON_AddArrayToObject(root, "events_reinjected");
	for (i = 0; i < stats->count; i++) {
		json_append_u64(nmis, stats->of[i].nmis_in_root);
		json_append_u64(reinjected, stats->of[i].events_reinjected);
	}
	json_print(root);
}

/* Of every processor that has counts; which was offline all the time has none. */
static enum hp_error collect(struct os_device *device, struct stats *stats, uint32_t *processor)
{
	struct hp_status status = { 0 };
	enum hp_error result = device_request(device, HP_REQUEST_STATUS, &status);
	uint32_t i;

	*processor = HP_NO_PROCESSOR;
	if (result != HP_ERROR_OK)
		return result;
	if (!status.running)
		return HP_ERROR_NOT_RUNNING;
	for (i = 0; i < status.processors && i < HP_PROCESSORS_MAX; i++) {
		struct hp_stat *stat = &stats->of[stats->count];

		if (status.processor[i].state == HP_PROCESSOR_ABSENT)
			continue;
		stat->processor = i;
		result = device_request(device, HP_REQUEST_STAT, stat);
		if (result == HP_ERROR_OFFLINE)
			continue;
		*processor = i;
		if (result != HP_ERROR_OK)
			return result;
		stat->processor = i;
		stats->count++;
	}
	return HP_ERROR_OK;
}

enum hpctl_exit stat_run(const struct options *options)
{
	static const char what[] = "cannot get the counts of exits";
	struct os_error error;
	struct os_device *device = os_open(&error);
	struct stats *stats;
	enum hp_error result;
	uint32_t processor;

	if (!device && error.cause == OS_ABSENT) {
		errors_hp(what, HP_ERROR_NOT_RUNNING, HP_NO_PROCESSOR);
		return HPCTL_NO;
	}
	if (!device)
		return errors_os(what, &error);
	stats = calloc(1, sizeof(*stats));
	processor = HP_NO_PROCESSOR;
	result = stats ? collect(device, stats, &processor) : HP_ERROR_NO_MEMORY;
	os_close(device);

	if (result != HP_ERROR_OK) {
		enum hpctl_exit failed = errors_hp(what, result, processor);

		free(stats);
		return result == HP_ERROR_NOT_RUNNING ? HPCTL_NO : failed;
	}
	if (options->given & OPTION_JSON)
		print_json(stats, options->given & OPTION_ALL);
	else
		print_text(stats, options->given & OPTION_ALL);
	free(stats);
	return HPCTL_OK;
}
