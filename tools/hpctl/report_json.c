// SPDX-License-Identifier: MIT
/*
 * Reports and histories for programs: all that there is in them. See report.h; hpctl(1) has the
 * keys.
 */
#include "report.h"

#include <string.h>
#include <time.h>

#include "base/vmcs.h"
#include "json.h"

/* {"offset": "0x1a2b", "name": "exit_cpuid+0x12"}; what lies outside of root has no offset. */
static cJSON *address(const struct symbols *symbols, uint64_t offset, bool is_return)
{
	cJSON *object = cJSON_CreateObject();
	char name[SYMBOLS_TEXT];

	symbols_text(name, symbols, offset, is_return);
	if (offset == ~0ull)
		cJSON_AddNullToObject(object, "offset");
	else
		json_hex(object, "offset", offset);
	if (offset == ~0ull || !strchr(name, '+'))
		cJSON_AddNullToObject(object, "name");
	else
		json_text(object, "name", name);
	return object;
}

static void add_registers(cJSON *object, const uint64_t gpr[16])
{
	unsigned i;

	for (i = 0; i < 16; i++)
		json_hex(object, words_gpr[i], gpr[i]);
}

static void add_root(cJSON *object, const struct hp_report *report, const struct symbols *symbols)
{
	cJSON *root = cJSON_AddObjectToObject(object, "root"), *frames;
	unsigned i;

	json_u64(root, "vector", report->vector);
	json_hex(root, "error_code", report->error_code);
	json_hex(root, "address", report->address);
	cJSON_AddItemToObject(root, "at", address(symbols, report->root_rip, false));
	frames = cJSON_AddArrayToObject(root, "called_by");
	for (i = 0; i < HP_REPORT_FRAMES && report->frame[i]; i++)
		cJSON_AddItemToArray(frames, address(symbols, report->frame[i], true));
	add_registers(root, report->root_gpr);
	json_hex(root, "RFLAGS", report->root_rflags);
	json_hex(root, "CR3", report->root_cr3);
}

/* The registers that the VMCS has are in `vmcs`; RSP is among them. */
static void add_guest(cJSON *object, const struct hp_report *report)
{
	static const struct {
		const char *name;
		uint32_t encoding;
	} fields[] = {
		{ "RIP", VMCS_GUEST_RIP }, { "RFLAGS", VMCS_GUEST_RFLAGS },
		{ "CR0", VMCS_GUEST_CR0 }, { "CR3", VMCS_GUEST_CR3 },
		{ "CR4", VMCS_GUEST_CR4 }, { "CS", VMCS_GUEST_CS },
		{ "SS", VMCS_GUEST_SS },
	};
	cJSON *guest = cJSON_AddObjectToObject(object, "guest");
	uint64_t gpr[16], value;
	unsigned i;

	memcpy(gpr, report->guest_gpr, sizeof(gpr));
	if (words_field(report, VMCS_GUEST_RSP, &value))
		gpr[4] = value;
	add_registers(guest, gpr);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (words_field(report, fields[i].encoding, &value))
			json_hex(guest, fields[i].name, value);
		else
			cJSON_AddNullToObject(guest, fields[i].name);
	}
}

static void add_vmcs(cJSON *object, const struct hp_report *report)
{
	cJSON *part = cJSON_AddObjectToObject(object, "vmcs");
	uint64_t value;
	unsigned i;

	for (i = 0; i < VMCS_FIELDS_COUNT; i++) {
		if (words_field(report, vmcs_fields[i].encoding, &value))
			json_hex(part, vmcs_fields[i].name, value);
	}
	part = cJSON_AddObjectToObject(object, "capabilities");
	for (i = 0; i < HP_REPORT_CAPABILITIES; i++)
		json_hex(part, words_capability[i], report->capability[i]);
	json_u64(part, "PHYSICAL_BITS", report->physical_bits);
	json_u64(part, "LINEAR_BITS", report->linear_bits);
}

/* More of them at a time come from a VMCS that has nothing right. */
#define RULES_MOST 32u

static void add_rules(cJSON *object, const struct hp_report *report)
{
	struct entry_rule_broken broken[RULES_MOST];
	unsigned i, k, count = report_rules(report, broken, RULES_MOST);
	cJSON *list = cJSON_AddArrayToObject(object, "broken_rules"), *row, *fields, *field;

	for (i = 0; i < count && i < RULES_MOST; i++) {
		const struct entry_rule *rule = entry_rules_get(broken[i].rule);

		row = cJSON_CreateObject();
		cJSON_AddItemToArray(list, row);
		json_text(row, "id", rule->id);
		json_text(row, "text", rule->text);
		json_text(row, "section", rule->section);
		if (rule->bits)
			json_hex(row, "wrong_bits", broken[i].bits);
		else
			cJSON_AddNullToObject(row, "wrong_bits");
		fields = cJSON_AddArrayToObject(row, "fields");
		for (k = 0; k < rule->fields; k++) {
			field = cJSON_CreateObject();
			cJSON_AddItemToArray(fields, field);
			json_text(field, "name", vmcs_fields[rule->field[k]].name);
			json_hex(field, "value", broken[i].value[k]);
		}
	}
}

static cJSON *report_of(const struct hp_report *report, const struct symbols *symbols)
{
	unsigned bytes = report->build_id_bytes;
	cJSON *object = cJSON_CreateObject();
	char text[WORDS_TEXT];

	json_text(object, "kind", words_kind(report->kind));
	words_what(text, report);
	json_text(object, "text", text);
	json_text(object, "end", words_end_name(report->end));
	words_end(text, report);
	json_text(object, "end_text", text);
	json_u64(object, "again", report->again);
	json_u64(object, "tsc", report->tsc);
	json_hex(object, "event", report->event);
	json_hex(object, "reason", report->reason);
	words_reason(text, report->reason);
	json_text(object, "reason_name", text);
	json_u64(object, "instruction_error", report->instruction_error);
	if (report->kind == HP_REPORT_ENTRY_FAILED)
		add_rules(object, report);
	else
		cJSON_AddNullToObject(object, "broken_rules");
	if (report->kind == HP_REPORT_FAULT || report->kind == HP_REPORT_STUCK)
		add_root(object, report, symbols);
	else
		cJSON_AddNullToObject(object, "root");
	add_guest(object, report);
	add_vmcs(object, report);
	format_hex(text, report->build_id,
		   bytes < sizeof(report->build_id) ? bytes : sizeof(report->build_id));
	json_text(object, "build_id", text);
	return object;
}

static void add_history(cJSON *object, const struct report_one *one, uint32_t limit)
{
	cJSON *history = cJSON_AddObjectToObject(object, "history"), *list, *row;
	char reason[WORDS_TEXT];
	uint32_t i;

	json_u64(history, "depth", one->depth);
	json_u64(history, "total", one->total);
	list = cJSON_AddArrayToObject(history, "exits");
	for (i = 0; i < one->count && i < limit; i++) {
		row = cJSON_CreateObject();
		cJSON_AddItemToArray(list, row);
		json_u64(row, "number", one->total - 1 - i);
		json_u64(row, "reason", one->exit[i].reason);
		words_reason(reason, one->exit[i].reason);
		json_text(row, "name", reason);
		json_hex(row, "rip", one->exit[i].rip);
		json_hex(row, "qualification", one->exit[i].qualification);
		json_hex(row, "detail", one->exit[i].detail);
	}
}

static void add_origin(cJSON *root, const struct report_set *set)
{
	time_t written = (time_t)set->written;
	const struct tm *utc = gmtime(&written);
	char when[64];

	cJSON_AddBoolToObject(root, "running", set->running);
	if (!set->path[0]) {
		cJSON_AddNullToObject(root, "file");
		cJSON_AddNullToObject(root, "written");
		return;
	}
	json_text(root, "file", set->path);
	if (utc && strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", utc))
		json_text(root, "written", when);
	else
		cJSON_AddNullToObject(root, "written");
}

void report_json(const struct report_set *set, const struct report_view *view)
{
	cJSON *root = json_object(), *processors;
	unsigned i;

	add_origin(root, set);
	if (view->no_names[0])
		json_text(root, "no_names", view->no_names);
	else
		cJSON_AddNullToObject(root, "no_names");
	processors = cJSON_AddArrayToObject(root, "processors");
	for (i = 0; i < set->count; i++) {
		const struct hp_report *report = &set->of[i].report;
		cJSON *object = cJSON_CreateObject();

		cJSON_AddItemToArray(processors, object);
		json_u64(object, "processor", report->processor);
		if (report->kind == HP_REPORT_NONE)
			cJSON_AddNullToObject(object, "report");
		else
			cJSON_AddItemToObject(object, "report",
					      report_of(report, report_symbols(view, report)));
		add_history(object, &set->of[i], view->exits);
	}
	json_print(root);
}
