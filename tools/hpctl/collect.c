// SPDX-License-Identifier: MIT
/*
 * Reports and histories from the device. See report.h.
 *
 * A history comes in parts. While the hypervisor runs it grows between them, so that a part repeats
 * what the one before had: exits are told apart by their numbers.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* Adds what is new in the part. False: it does not go on where the others ended. */
static bool add_part(struct report_one *one, const struct hp_history *part, uint32_t exits)
{
	uint64_t number;
	uint32_t i;

	for (i = 0; i < part->count && one->count < exits; i++) {
		if ((uint64_t)part->from + i >= part->total)
			return false;
		number = part->total - 1 - part->from - i;
		if (number >= one->total - one->count)
			continue;
		if (number + 1 != one->total - one->count)
			return false;
		one->exit[one->count++] = part->exit[i];
	}
	return true;
}

static enum hp_error collect_exits(struct os_device *device, struct report_one *one,
				   uint32_t processor, uint32_t exits)
{
	struct hp_history part = { .processor = processor };
	enum hp_error result = device_request(device, HP_REQUEST_HISTORY, &part);
	uint32_t from = 0;

	if (result != HP_ERROR_OK)
		return result;
	one->depth = part.depth;
	one->total = part.total;
	one->exit = calloc(exits ? exits : 1, sizeof(one->exit[0]));
	if (!one->exit)
		return HP_ERROR_NO_MEMORY;
	for (;;) {
		if (part.count > HP_HISTORY_PART || part.from != from ||
		    !add_part(one, &part, exits))
			return HP_ERROR_OK;
		from += part.count;
		if (part.count < HP_HISTORY_PART || one->count == exits || from >= HP_HISTORY_MOST)
			return HP_ERROR_OK;
		memset(&part, 0, sizeof(part));
		part.processor = processor;
		part.from = from;
		result = device_request(device, HP_REQUEST_HISTORY, &part);
		if (result != HP_ERROR_OK)
			return result == HP_ERROR_OFFLINE ? HP_ERROR_OK : result;
	}
}

enum hp_error collect_report(struct os_device *device, uint32_t processor, struct hp_report *report)
{
	enum hp_error result;

	memset(report, 0, sizeof(*report));
	memcpy(report, &processor, sizeof(processor)); /* the input lies at the head */
	result = device_request(device, HP_REQUEST_REPORT, report);
	if (result != HP_ERROR_OK)
		report->kind = HP_REPORT_NONE;
	report->processor = processor;
	return result;
}

/* OFFLINE: nothing is known of this one. */
static enum hp_error collect_one(struct os_device *device, struct report_one *one,
				 uint32_t processor, uint32_t exits)
{
	enum hp_error result = collect_report(device, processor, &one->report);

	return result == HP_ERROR_OK ? collect_exits(device, one, processor, exits) : result;
}

enum hp_error collect_reports(struct os_device *device, uint32_t exits, struct report_set *set,
			      uint32_t *processor)
{
	struct hp_version version = { 0 };
	enum hp_error result = device_request(device, HP_REQUEST_VERSION, &version);
	uint32_t i;

	memset(set, 0, sizeof(*set));
	*processor = HP_NO_PROCESSOR;
	if (result != HP_ERROR_OK)
		return result;
	set->running = version.running != 0;
	set->of = calloc(HP_PROCESSORS_MAX, sizeof(set->of[0]));
	if (!set->of)
		return HP_ERROR_NO_MEMORY;
	for (i = 0; i < HP_PROCESSORS_MAX; i++) {
		struct report_one *one = &set->of[set->count];

		result = collect_one(device, one, i, exits);
		if (result == HP_ERROR_OK) {
			set->count++;
			continue;
		}
		free(one->exit);
		memset(one, 0, sizeof(*one));
		if (result == HP_ERROR_OFFLINE)
			continue;
		*processor = i;
		collect_free(set);
		return result;
	}
	return HP_ERROR_OK;
}

bool collect_any(const struct report_set *set)
{
	unsigned i;

	for (i = 0; i < set->count; i++) {
		if (set->of[i].report.kind != HP_REPORT_NONE)
			return true;
	}
	return false;
}

void collect_free(struct report_set *set)
{
	unsigned i;

	for (i = 0; i < set->count; i++)
		free(set->of[i].exit);
	free(set->of);
	set->of = NULL;
	set->count = 0;
}
