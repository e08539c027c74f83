// SPDX-License-Identifier: MIT
/*
 * hpctl report: what went wrong below the system, if anything did, and what each processor did
 * last.
 *
 * The module knows of the run that is going on and keeps what was left of one that failed. What was
 * saved when a module went is shown when there is nothing newer, and by --file.
 */
#include "report.h"

#include <stdlib.h>

#define EXITS_DEFAULT 8u

static const char what[] = "cannot get the report";

/* The source. */

static enum hpctl_exit from_file(const char *path, struct report_set *set)
{
	struct os_error error;

	if (saved_read(path, set, &error))
		return HPCTL_OK;
	/* That none was saved is no failure: then there is nothing to show. */
	if (!path && error.cause == OS_ABSENT)
		return HPCTL_OK;
	return errors_os(what, &error);
}

static enum hpctl_exit from_device(struct os_device *device, uint32_t exits, struct report_set *set)
{
	uint32_t processor;
	enum hp_error result = collect_reports(device, exits, set, &processor);

	return result == HP_ERROR_OK ? HPCTL_OK : errors_hp(what, result, processor);
}

/* Does the device's set answer the question, or should an older one be looked for? */
static bool suffices(const struct report_set *set, const struct options *options)
{
	return collect_any(set) || (set->running && (options->given & OPTION_EXITS));
}

/* The set to show. It is freed by the caller, unless this fails. */
static enum hpctl_exit find(const struct options *options, uint32_t exits, struct report_set *set)
{
	struct report_set older = { 0 };
	struct os_error error;
	struct os_device *device;
	enum hpctl_exit result;

	if (options->given & OPTION_FILE)
		return from_file(options->file, set);
	device = os_open(&error);
	if (!device && error.cause == OS_ABSENT)
		return from_file(NULL, set);
	if (!device)
		return errors_os(what, &error);
	result = from_device(device, exits, set);
	os_close(device);
	if (result != HPCTL_OK || suffices(set, options))
		return result;
	result = from_file(NULL, &older);
	if (result != HPCTL_OK || older.count) {
		older.running = set->running;
		collect_free(set);
		*set = older;
	}
	return result;
}

/* The names. */

const struct symbols *report_symbols(const struct report_view *view, const struct hp_report *report)
{
	return view->symbols && symbols_fit(view->symbols, report) ? view->symbols : NULL;
}

static const struct hp_report *first_report(const struct report_set *set)
{
	unsigned i;

	for (i = 0; i < set->count; i++) {
		if (set->of[i].report.kind != HP_REPORT_NONE)
			return &set->of[i].report;
	}
	return NULL;
}

/*
 * Names are a help, no more: that the installed ones are not there, or are of another build, is
 * said, and offsets are shown. A file that the user names must be a symbol file.
 */
static enum hpctl_exit find_names(const struct options *options, const struct report_set *set,
				  struct symbols *symbols, struct report_view *view)
{
	const struct hp_report *report = first_report(set);
	struct os_error error;

	if (!report)
		return HPCTL_OK;
	if (!symbols_read(options->symbols, symbols, &error)) {
		if (options->symbols)
			return errors_os("cannot read the symbols", &error);
		snprintf(view->no_names, sizeof(view->no_names), "%s", error.text);
		return HPCTL_OK;
	}
	view->symbols = symbols;
	if (!symbols_fit(symbols, report))
		snprintf(view->no_names, sizeof(view->no_names), "%s is of another build of root",
			 symbols->path);
	return HPCTL_OK;
}

/* Telling. */

static void print_nothing(const struct report_set *set, const struct options *options)
{
	puts("Nothing has gone wrong.");
	if (set->running && !(options->given & OPTION_EXITS))
		puts("The last VM exits of each processor: hpctl report --exits N");
}

static void tell(const struct report_set *set, const struct options *options,
		 struct report_view *view)
{
	if (options->given & OPTION_VMCS) {
		report_vmcs(set);
		return;
	}
	if (options->given & OPTION_JSON) {
		report_json(set, view);
		return;
	}
	if (!collect_any(set)) {
		print_nothing(set, options);
		if (!(options->given & OPTION_EXITS) || !view->exits || !set->count)
			return;
		putchar('\n');
	}
	report_text(set, view);
}

static bool parse_number(const char *what_for, const char *text, uint32_t most, uint32_t *number)
{
	unsigned long value;
	char *end;

	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || value > most) {
		errors_usage("report", "%s %s: a number from 0 to %u is needed", what_for, text,
			     (unsigned)most);
		return false;
	}
	*number = (uint32_t)value;
	return true;
}

static bool parse(const struct options *options, uint32_t *exits, uint32_t *processor)
{
	if ((options->given & OPTION_VMCS) && (options->given & OPTION_JSON)) {
		errors_usage("report", "--vmcs and --json exclude each other");
		return false;
	}
	*exits = EXITS_DEFAULT;
	*processor = HP_NO_PROCESSOR;
	if (options->exits && !parse_number("--exits", options->exits, HP_HISTORY_MOST, exits))
		return false;
	return !options->operands ||
	       parse_number("processor", options->operand[0], HP_PROCESSORS_MAX - 1, processor);
}

/* Leaves this processor alone in the set. False: it is not there. */
static bool keep_only(struct report_set *set, uint32_t processor)
{
	struct report_one one;
	unsigned i;

	for (i = 0; i < set->count && set->of[i].report.processor != processor; i++)
		;
	if (i == set->count)
		return false;
	one = set->of[i];
	set->of[i] = set->of[0];
	set->of[0] = one;
	for (i = 1; i < set->count; i++)
		free(set->of[i].exit);
	set->count = 1;
	return true;
}

enum hpctl_exit report_run(const struct options *options)
{
	struct report_view view = { .symbols = NULL };
	struct report_set set = { .running = false };
	struct symbols symbols = { .count = 0 };
	enum hpctl_exit result;
	uint32_t processor;

	if (!parse(options, &view.exits, &processor))
		return HPCTL_USAGE;
	result = find(options, view.exits, &set);
	if (result != HPCTL_OK)
		return result;
	if (set.count && processor != HP_NO_PROCESSOR && !keep_only(&set, processor))
		result = errors_hp(what, HP_ERROR_OFFLINE, processor);
	if (result == HPCTL_OK)
		result = find_names(options, &set, &symbols, &view);
	if (result == HPCTL_OK) {
		tell(&set, options, &view);
		result = collect_any(&set) ? HPCTL_NO : HPCTL_OK;
	}
	symbols_free(&symbols);
	collect_free(&set);
	return result;
}
