// SPDX-License-Identifier: MIT
/*
 * Reports and histories for people. See report.h.
 */
#include "report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/vmcs.h"

/* A table of names and values. */
struct pair {
	const char *name;
	uint64_t value;
	bool known;
};

static void print_pairs(const char *title, const struct pair *pair, unsigned count, unsigned width,
			unsigned columns)
{
	unsigned i;
	char value[24];

	printf("  %s\n", title);
	for (i = 0; i < count; i++) {
		snprintf(value, sizeof(value), pair[i].known ? "%016" PRIx64 : "-", pair[i].value);
		if (i % columns == columns - 1 || i == count - 1)
			printf("    %-*s %s\n", (int)width, pair[i].name, value);
		else
			printf("    %-*s %-16s", (int)width, pair[i].name, value);
	}
}

/* A field of the VMCS under a name of its own. */
static struct pair field(const struct hp_report *report, const char *name, uint32_t encoding)
{
	struct pair pair = { .name = name };

	pair.known = words_field(report, encoding, &pair.value);
	return pair;
}

static void print_root_registers(const struct hp_report *report)
{
	struct pair pair[18];
	unsigned i;

	for (i = 0; i < 16; i++)
		pair[i] = (struct pair){ words_gpr[i], report->root_gpr[i], true };
	pair[16] = (struct pair){ "RFLAGS", report->root_rflags, true };
	pair[17] = (struct pair){ "CR3", report->root_cr3, true };
	print_pairs("root's registers", pair, 18, 6, 3);
}

static void print_guest_registers(const struct hp_report *report)
{
	struct pair pair[23];
	unsigned i;

	for (i = 0; i < 16; i++)
		pair[i] = (struct pair){ words_gpr[i], report->guest_gpr[i], true };
	pair[4] = field(report, "RSP", VMCS_GUEST_RSP);
	pair[16] = field(report, "RIP", VMCS_GUEST_RIP);
	pair[17] = field(report, "RFLAGS", VMCS_GUEST_RFLAGS);
	pair[18] = field(report, "CR0", VMCS_GUEST_CR0);
	pair[19] = field(report, "CR3", VMCS_GUEST_CR3);
	pair[20] = field(report, "CR4", VMCS_GUEST_CR4);
	pair[21] = field(report, "CS", VMCS_GUEST_CS);
	pair[22] = field(report, "SS", VMCS_GUEST_SS);
	print_pairs("the guest's registers at its last exit", pair, 23, 6, 3);
}

/* Where in root it was, and how it had come there. */
static void print_root(const struct hp_report *report, const struct symbols *symbols)
{
	char name[SYMBOLS_TEXT];
	unsigned i;

	symbols_text(name, symbols, report->root_rip, false);
	printf("  in root:   %s\n", name);
	for (i = 0; i < HP_REPORT_FRAMES && report->frame[i]; i++) {
		symbols_text(name, symbols, report->frame[i], true);
		printf("  %-10s %s\n", i ? "" : "called by:", name);
	}
	print_root_registers(report);
}

/* Of which part of the VMCS the broken rule is, by the error that the entry ended with. */
static bool matters(const struct hp_report *report, const struct vmcs_field_info *info)
{
	bool of_entry = strncmp(info->name, "ENTRY_", 6) == 0;

	if (report->reason & EXIT_REASON_ENTRY_FAILED)
		return info->group == VMCS_GUEST || of_entry;
	switch (report->instruction_error) {
	case 7:
		return info->group == VMCS_CONTROL;
	case 8:
		return info->group == VMCS_HOST || info->encoding == VMCS_EXIT_CONTROLS || of_entry;
	default:
		return info->encoding == VMCS_GUEST_INTERRUPTIBILITY || of_entry;
	}
}

static void print_entry_fields(const struct hp_report *report)
{
	struct pair pair[HP_REPORT_FIELDS];
	unsigned i, count = 0;

	for (i = 0; i < VMCS_FIELDS_COUNT; i++) {
		if (!matters(report, &vmcs_fields[i]))
			continue;
		pair[count] = field(report, vmcs_fields[i].name, vmcs_fields[i].encoding);
		count += pair[count].known;
	}
	print_pairs("the fields of the VMCS that this can come from (all: hpctl report --vmcs)",
		    pair, count, 24, 2);
}

#define RULES_MOST 8u

/* False: none is broken, as far as that is known. */
static bool print_rules(const struct hp_report *report)
{
	struct entry_rule_broken broken[RULES_MOST];
	unsigned i, k, count = report_rules(report, broken, RULES_MOST);

	puts(count ? "  rules of the manual that the VMCS breaks (all its fields: hpctl report "
		     "--vmcs)"
		   : "  the VMCS breaks no rule of the manual that is known here");
	for (i = 0; i < count && i < RULES_MOST; i++) {
		const struct entry_rule *rule = entry_rules_get(broken[i].rule);

		printf("    %s\n      %s\n      SDM: %s\n", rule->id, rule->text, rule->section);
		for (k = 0; k < rule->fields; k++) {
			printf("      %s 0x%" PRIx64, vmcs_fields[rule->field[k]].name,
			       broken[i].value[k]);
			if (k == 0 && rule->bits)
				printf(", wrong bits 0x%" PRIx64, broken[i].bits);
			putchar('\n');
		}
	}
	if (count > RULES_MOST)
		printf("    and %u more\n", count - RULES_MOST);
	return count > 0;
}

static void print_last_exit(const struct hp_report *report)
{
	struct pair qualification = field(report, "", VMCS_EXIT_QUALIFICATION);
	char reason[WORDS_TEXT];

	words_reason(reason, report->reason);
	printf("  the last exit: %s (%" PRIu32 ")", reason, report->reason);
	if (qualification.known)
		printf(", qualification 0x%" PRIx64, qualification.value);
	putchar('\n');
}

static void print_report(const struct hp_report *report, const struct symbols *symbols)
{
	bool in_root = report->kind == HP_REPORT_FAULT || report->kind == HP_REPORT_STUCK;
	char text[WORDS_TEXT];

	words_what(text, report);
	printf("processor %" PRIu32 ": %s\n", report->processor, text);
	words_end(text, report);
	printf("  got away: %s\n", text);
	if (report->event) {
		words_event(text, report->event);
		printf("  an event was being delivered: %s\n", text);
	}
	if (report->kind == HP_REPORT_ENTRY_FAILED) {
		if (!print_rules(report))
			print_entry_fields(report);
	} else if (report->kind != HP_REPORT_UNEXPECTED_EXIT) {
		print_last_exit(report);
	}
	if (in_root)
		print_root(report, symbols);
	print_guest_registers(report);
	putchar('\n');
}

static void print_history(const struct report_one *one, uint32_t exits)
{
	uint32_t i, count = one->count < exits ? one->count : exits;
	char reason[WORDS_TEXT];

	printf("processor %" PRIu32 ": the last %" PRIu32 " of %" PRIu64
	       " VM exits, the newest first (%" PRIu32 " are kept)\n",
	       one->report.processor, count, one->total, one->depth);
	if (count)
		printf("  %12s  %-28s %-18s %-18s %s\n", "number", "reason", "RIP", "qualification",
		       "detail");
	for (i = 0; i < count; i++) {
		const struct hp_exit *exit = &one->exit[i];

		words_reason(reason, exit->reason);
		printf("  %12" PRIu64 "  %-28s 0x%016" PRIx64 " 0x%-16" PRIx64 " 0x%" PRIx64 "\n",
		       one->total - 1 - i, reason, exit->rip, exit->qualification, exit->detail);
	}
	putchar('\n');
}

static void print_origin(const struct report_set *set)
{
	time_t written = (time_t)set->written;
	const struct tm *local = localtime(&written);
	char when[64];

	if (!local || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", local))
		snprintf(when, sizeof(when), "an unknown time");
	printf("This is of an earlier run. It was saved at %s in\n%s.\n\n", when, set->path);
}

void report_text(const struct report_set *set, const struct report_view *view)
{
	unsigned i;

	if (set->path[0])
		print_origin(set);
	if (view->no_names[0])
		printf("Addresses in root have no names: %s.\n\n", view->no_names);
	for (i = 0; i < set->count; i++) {
		const struct hp_report *report = &set->of[i].report;

		if (report->kind != HP_REPORT_NONE)
			print_report(report, report_symbols(view, report));
	}
	for (i = 0; i < set->count && view->exits; i++)
		print_history(&set->of[i], view->exits);
}

/* Of several reports the first one has the cause; the others may have come of it. */
static const struct hp_report *earliest(const struct report_set *set)
{
	const struct hp_report *report, *first = NULL;
	unsigned i;

	for (i = 0; i < set->count; i++) {
		report = &set->of[i].report;
		if (report->kind != HP_REPORT_NONE && (!first || report->tsc < first->tsc))
			first = report;
	}
	return first;
}

void report_vmcs(const struct report_set *set)
{
	const struct hp_report *report = earliest(set);
	unsigned i;

	if (!report)
		return;
	printf("# processor %" PRIu32 "\n", report->processor);
	for (i = 0; i < VMCS_FIELDS_COUNT; i++) {
		if (report->present[i / 64] >> (i % 64) & 1)
			printf("%s 0x%" PRIx64 "\n", vmcs_fields[i].name, report->field[i]);
	}
	for (i = 0; i < HP_REPORT_CAPABILITIES; i++)
		printf("cap %s 0x%" PRIx64 "\n", words_capability[i], report->capability[i]);
	printf("cap PHYSICAL_BITS %" PRIu32 "\ncap LINEAR_BITS %" PRIu32 "\n",
	       report->physical_bits, report->linear_bits);
}
