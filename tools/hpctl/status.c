// SPDX-License-Identifier: MIT
/*
 * hpctl status: what runs where, and what it costs.
 */
#include "exits.h"

#include <inttypes.h>

#include "json.h"
#include "report.h"

static const struct {
	const char *name, *text;
} kinds[] = {
#define KIND(name, number, text) [number] = { #name, text },
	HP_MEMORY_KINDS(KIND)
#undef KIND
};

static const char *const states[] = {
	[HP_PROCESSOR_ABSENT] = "absent",
	[HP_PROCESSOR_OFFLINE] = "offline",
	[HP_PROCESSOR_NATIVE] = "native",
	[HP_PROCESSOR_GUEST] = "guest",
};

static const char *const page_sizes[] = { "4 KiB", "2 MiB", "1 GiB" };

static const char *state_text(uint32_t state)
{
	return state < sizeof(states) / sizeof(states[0]) ? states[state] : "unknown";
}

static uint64_t memory_total(const struct hp_status *status)
{
	uint64_t total = 0;
	unsigned kind;

	for (kind = 0; kind < HP_MEMORY_KINDS_COUNT; kind++)
		total += status->memory[kind];
	return total;
}

static unsigned in_state(const struct hp_status *status, enum hp_processor_state state)
{
	unsigned i, count = 0;

	for (i = 0; i < status->processors; i++)
		count += status->processor[i].state == state;
	return count;
}

static void print_processors(const struct hp_status *status)
{
	unsigned i;

	puts("\nprocessor  state                   exits");
	for (i = 0; i < status->processors; i++) {
		if (status->processor[i].state == HP_PROCESSOR_ABSENT)
			continue;
		printf("%9u  %-7s  %20" PRIu64, i, state_text(status->processor[i].state),
		       status->processor[i].exits);
		if (status->processor[i].error != HP_ERROR_OK)
			printf("  %s", errors_cause((enum hp_error)status->processor[i].error));
		putchar('\n');
	}
}

static void print_memory(const struct hp_status *status)
{
	char size[32];
	unsigned kind;

	puts("\nmemory taken");
	for (kind = 0; kind < HP_MEMORY_KINDS_COUNT; kind++) {
		format_size(size, sizeof(size), status->memory[kind]);
		printf("%12s  %s\n", size, kinds[kind].text);
	}
	format_size(size, sizeof(size), memory_total(status));
	printf("%12s  in total\n", size);
}

/* What the verb tells. */
struct facts {
	struct hp_version version;
	struct hp_status status;
	struct hp_exits exits;
	bool reported[HP_PROCESSORS_MAX]; /* something went wrong there: there is a report */
	bool any_report;
};

/* A run that has ended with a report has ended because of it. */
static void print_state(const struct facts *facts)
{
	const struct hp_status *status = &facts->status;
	const char *version = facts->version.version;
	unsigned guests = in_state(status, HP_PROCESSOR_GUEST);
	char where[256];

	format_processors(where, sizeof(where), facts->reported, HP_PROCESSORS_MAX);
	if (status->running)
		printf("HyperPlatform %s is running on %u of %u online processors.\n", version,
		       guests, guests + in_state(status, HP_PROCESSOR_NATIVE));
	else if (facts->any_report)
		printf("HyperPlatform %s is not running: it stepped aside on processor %s.\n"
		       "hpctl report says why.\n",
		       version, where);
	else
		printf("HyperPlatform %s is not running: its module is loaded, but not started.\n",
		       version);
	if (status->running && facts->any_report)
		printf("Something went wrong on processor %s, in this run or the one before: "
		       "hpctl report says what.\n",
		       where);
}

static void print_text(const struct facts *facts)
{
	const struct hp_version *version = &facts->version;
	const struct hp_status *status = &facts->status;
	char build_id[41], on[128];
	unsigned i;

	format_hex(build_id, version->build_id, version->build_id_bytes);
	print_state(facts);
	printf("build id of root: %s\n", build_id[0] ? build_id : "none");
	if (status->running) {
		exits_text(on, sizeof(on), facts->exits.on);
		printf("groups of exits that are on: %s\n", on);
	}
	print_processors(status);
	print_memory(status);
	printf("\nrecords: %" PRIu64 " written, %" PRIu64 " lost\n", status->records,
	       status->records_lost);
	printf("EPT pages:");
	for (i = 0; i < 3; i++)
		printf(" %" PRIu64 " of %s%s", status->ept_pages[i], page_sizes[i],
		       i < 2 ? "," : "");
	printf("; device tables used again: %" PRIu64 "\n", status->ept_recycled);
}

static void print_json(const struct facts *facts)
{
	const struct hp_version *version = &facts->version;
	const struct hp_status *status = &facts->status;
	cJSON *root = json_object(), *processors, *reports, *memory, *records, *ept;
	char build_id[41], on[128];
	unsigned i;

	format_hex(build_id, version->build_id, version->build_id_bytes);
	cJSON_AddBoolToObject(root, "loaded", true);
	cJSON_AddBoolToObject(root, "running", status->running != 0);
	json_text(root, "version", version->version);
	json_u64(root, "abi", version->abi);
	json_text(root, "build_id", build_id);
	exits_text(on, sizeof(on), facts->exits.on);
	json_text(root, "exits", on);
	reports = cJSON_AddArrayToObject(root, "reports");
	for (i = 0; i < HP_PROCESSORS_MAX; i++) {
		if (facts->reported[i])
			json_append_u64(reports, i);
	}

	processors = cJSON_AddArrayToObject(root, "processors");
	for (i = 0; i < status->processors; i++) {
		enum hp_error error = (enum hp_error)status->processor[i].error;
		cJSON *processor;

		if (status->processor[i].state == HP_PROCESSOR_ABSENT)
			continue;
		processor = cJSON_CreateObject();
		cJSON_AddItemToArray(processors, processor);
		json_u64(processor, "processor", i);
		json_text(processor, "state", state_text(status->processor[i].state));
		json_u64(processor, "exits", status->processor[i].exits);
		if (error == HP_ERROR_OK)
			cJSON_AddNullToObject(processor, "error");
		else
			json_text(processor, "error", errors_name(error));
	}

	memory = cJSON_AddObjectToObject(root, "memory");
	for (i = 0; i < HP_MEMORY_KINDS_COUNT; i++)
		json_u64(memory, kinds[i].name, status->memory[i]);
	json_u64(memory, "total", memory_total(status));

	records = cJSON_AddObjectToObject(root, "records");
	json_u64(records, "written", status->records);
	json_u64(records, "lost", status->records_lost);

	ept = cJSON_AddObjectToObject(root, "ept");
	json_u64(ept, "pages_4k", status->ept_pages[0]);
	json_u64(ept, "pages_2m", status->ept_pages[1]);
	json_u64(ept, "pages_1g", status->ept_pages[2]);
	json_u64(ept, "recycled", status->ept_recycled);
	json_print(root);
}

/* The module is not there: that is an answer, too. */
static enum hpctl_exit print_absent(bool json)
{
	if (json) {
		cJSON *root = json_object();

		cJSON_AddBoolToObject(root, "loaded", false);
		cJSON_AddBoolToObject(root, "running", false);
		json_print(root);
	} else {
		puts("HyperPlatform is not running: its module is not loaded.");
	}
	return HPCTL_NO;
}

/* Makes what came from the device safe to print: ends strings, bounds counts. */
static void bound(struct hp_version *version, struct hp_status *status)
{
	version->version[sizeof(version->version) - 1] = '\0';
	if (version->build_id_bytes > sizeof(version->build_id))
		version->build_id_bytes = sizeof(version->build_id);
	if (status->processors > HP_PROCESSORS_MAX)
		status->processors = HP_PROCESSORS_MAX;
}

/* The exits that are on and the reports are of less importance: without an answer there are none.
 */
static enum hp_error collect(struct os_device *device, struct facts *facts)
{
	enum hp_error result = device_request(device, HP_REQUEST_VERSION, &facts->version);
	uint32_t i;

	if (result == HP_ERROR_OK)
		result = device_request(device, HP_REQUEST_STATUS, &facts->status);
	if (result != HP_ERROR_OK)
		return result;
	bound(&facts->version, &facts->status);
	if (facts->status.running)
		device_request(device, HP_REQUEST_EXITS, &facts->exits);
	for (i = 0; i < facts->status.processors; i++) {
		struct hp_report report;

		collect_report(device, i, &report);
		facts->reported[i] = report.kind != HP_REPORT_NONE;
		facts->any_report |= facts->reported[i];
	}
	return HP_ERROR_OK;
}

enum hpctl_exit status_run(const struct options *options)
{
	static const char what[] = "cannot get the status";
	struct facts facts = { .any_report = false };
	struct os_error error;
	struct os_device *device = os_open(&error);
	bool json = options->given & OPTION_JSON;
	enum hp_error result;

	if (!device && error.cause == OS_ABSENT)
		return print_absent(json);
	if (!device)
		return errors_os(what, &error);
	result = collect(device, &facts);
	os_close(device);
	if (result != HP_ERROR_OK)
		return errors_hp(what, result, HP_NO_PROCESSOR);

	if (json)
		print_json(&facts);
	else
		print_text(&facts);
	return facts.status.running ? HPCTL_OK : HPCTL_NO;
}
