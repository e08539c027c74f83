// SPDX-License-Identifier: MIT
/*
 * hpctl entry-rules: which of the manual's rules for VM entries does a VMCS break, that somebody
 * has written down as text; and the list of rules. It asks nothing of this machine.
 */
#include "json.h"
#include "vmcs_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "hpctl.h"

static const char *const class_names[ENTRY_CLASSES] = {
	[ENTRY_CONTROLS] = "controls",
	[ENTRY_HOST] = "host",
	[ENTRY_GUEST] = "guest",
	[ENTRY_MSRS] = "msrs",
};

/* --- The list --- */

static void list_text(void)
{
	const char *section = "", *name, *where;
	unsigned number, i;

	for (number = 0; number < entry_rules_count(); number++) {
		const struct entry_rule *rule = entry_rules_get(number);

		if (strcmp(section, rule->section) != 0) {
			section = rule->section;
			printf("### %s\n\n%s.\n\n", section, entry_rules_class_text(rule->class));
		}
		printf("- `%s`: %s (", rule->id, rule->text);
		for (i = 0; i < rule->fields; i++)
			printf("%s%s", i ? ", " : "", vmcs_fields[rule->field[i]].name);
		puts(")");
		if (number + 1 == entry_rules_count() ||
		    strcmp(entry_rules_get(number + 1)->section, section) != 0)
			putchar('\n');
	}
	puts("### Names behind `cap`\n");
	for (i = 0; (name = vmcs_file_capability(i, &where)); i++)
		printf("- `%s`: %s\n", name, where);
	puts("\n### Names of fields\n");
	for (i = 0; i < vmcs_fields_count; i++)
		printf("- `%s` %04XH\n", vmcs_fields[i].name, vmcs_fields[i].encoding);
}

static void json_rule(cJSON *object, const struct entry_rule *rule)
{
	json_text(object, "id", rule->id);
	json_text(object, "text", rule->text);
	json_text(object, "section", rule->section);
	json_text(object, "class", class_names[rule->class]);
}

static void list_json(void)
{
	cJSON *root = json_object(), *list = cJSON_AddArrayToObject(root, "rules");
	unsigned number, i;

	for (number = 0; number < entry_rules_count(); number++) {
		const struct entry_rule *rule = entry_rules_get(number);
		cJSON *row = cJSON_CreateObject(), *fields;

		cJSON_AddItemToArray(list, row);
		json_rule(row, rule);
		fields = cJSON_AddArrayToObject(row, "fields");
		for (i = 0; i < rule->fields; i++)
			cJSON_AddItemToArray(fields,
					     cJSON_CreateString(vmcs_fields[rule->field[i]].name));
	}
	json_print(root);
}

/* --- A VMCS --- */

#define BROKEN_MAX 512

struct result {
	const struct vmcs_file *file;
	struct entry_rule_broken broken[BROKEN_MAX];
	unsigned count, not_looked_at;
	bool wanted[VMCS_FIELDS_COUNT]; /* fields for want of which rules were not looked at */
};

static void check(const struct vmcs_file *file, struct result *result)
{
	unsigned number, field;

	memset(result, 0, sizeof(*result));
	result->file = file;
	result->count =
		entry_rules_check(&file->vmcs, &file->capability, result->broken, BROKEN_MAX);
	for (number = 0; number < entry_rules_count(); number++) {
		if (entry_rules_known(&file->vmcs, entry_rules_get(number), &field))
			continue;
		result->not_looked_at++;
		result->wanted[field] = true;
	}
}

static void print_broken(const struct entry_rule_broken *broken)
{
	const struct entry_rule *rule = entry_rules_get(broken->rule);
	unsigned i;

	printf("%s\n  %s\n  SDM: %s\n", rule->id, rule->text, rule->section);
	for (i = 0; i < rule->fields; i++) {
		printf("  %s %#" PRIx64, vmcs_fields[rule->field[i]].name, broken->value[i]);
		if (i == 0 && rule->bits)
			printf(", wrong bits %#" PRIx64, broken->bits);
		putchar('\n');
	}
	putchar('\n');
}

/* A list in one line: "A, B, C and 4 more." */
#define NAMES_MAX 12

struct names {
	const char *before;
	unsigned count;
};

static void print_name(const char *name, struct names *names)
{
	if (names->count++ >= NAMES_MAX)
		return;
	printf("%s%s", names->before, name);
	names->before = ", ";
}

static void print_names_end(const struct names *names)
{
	if (names->count > NAMES_MAX)
		printf(" and %u more", names->count - NAMES_MAX);
	if (names->count)
		puts(".");
}

static void print_unknown(const struct result *result)
{
	struct names fields = { "", 0 };
	struct names processor = { "Not known of the processor, so that anything is allowed: ", 0 };
	const char *name, *where;
	unsigned i;

	if (result->not_looked_at)
		printf("%u of %u rules were not looked at, for want of ", result->not_looked_at,
		       entry_rules_count());
	for (i = 0; i < VMCS_FIELDS_COUNT; i++) {
		if (result->wanted[i])
			print_name(vmcs_fields[i].name, &fields);
	}
	print_names_end(&fields);
	for (i = 0; (name = vmcs_file_capability(i, &where)); i++) {
		if (!result->file->capability_present[i])
			print_name(name, &processor);
	}
	print_names_end(&processor);
}

static void print_text(const struct result *result)
{
	unsigned i;

	for (i = 0; i < result->count && i < BROKEN_MAX; i++)
		print_broken(&result->broken[i]);
	if (result->count)
		printf("%u %s broken. The entry ends as the first says: %s.\n", result->count,
		       result->count == 1 ? "rule is" : "rules are",
		       entry_rules_class_text(entry_rules_get(result->broken[0].rule)->class));
	else
		puts("No rule is broken.");
	print_unknown(result);
}

static void json_broken(cJSON *row, const struct entry_rule_broken *broken)
{
	const struct entry_rule *rule = entry_rules_get(broken->rule);
	cJSON *fields;
	unsigned i;

	json_rule(row, rule);
	if (rule->bits)
		json_hex(row, "wrong_bits", broken->bits);
	else
		cJSON_AddNullToObject(row, "wrong_bits");
	fields = cJSON_AddArrayToObject(row, "fields");
	for (i = 0; i < rule->fields; i++) {
		cJSON *field = cJSON_CreateObject();

		cJSON_AddItemToArray(fields, field);
		json_text(field, "name", vmcs_fields[rule->field[i]].name);
		json_hex(field, "value", broken->value[i]);
	}
}

static void print_json(const struct result *result)
{
	cJSON *root = json_object(), *list = cJSON_AddArrayToObject(root, "broken"), *names;
	const char *name, *where;
	unsigned i;

	for (i = 0; i < result->count && i < BROKEN_MAX; i++) {
		cJSON *row = cJSON_CreateObject();

		cJSON_AddItemToArray(list, row);
		json_broken(row, &result->broken[i]);
	}
	json_u64(root, "rules", entry_rules_count());
	json_u64(root, "not_looked_at", result->not_looked_at);
	names = cJSON_AddArrayToObject(root, "missing_fields");
	for (i = 0; i < VMCS_FIELDS_COUNT; i++) {
		if (result->wanted[i])
			cJSON_AddItemToArray(names, cJSON_CreateString(vmcs_fields[i].name));
	}
	names = cJSON_AddArrayToObject(root, "missing_capabilities");
	for (i = 0; (name = vmcs_file_capability(i, &where)); i++) {
		if (!result->file->capability_present[i])
			cJSON_AddItemToArray(names, cJSON_CreateString(name));
	}
	json_print(root);
}

static enum hpctl_exit tell_file(const char *path, const struct vmcs_file_error *error)
{
	fflush(stdout);
	fprintf(stderr, "hpctl: cannot read %s: ", path);
	if (error->line)
		fprintf(stderr, "line %u: ", error->line);
	fprintf(stderr, "%s\n", error->cause);
	if (error->remedy[0])
		fprintf(stderr, "remedy: %s\n", error->remedy);
	return HPCTL_FAILED;
}

static bool read_file(const char *path, struct vmcs_file *file, struct vmcs_file_error *error)
{
	bool from_stdin = strcmp(path, "-") == 0, read;
	FILE *from = from_stdin ? stdin : fopen(path, "r");

	if (!from) {
		*error = (struct vmcs_file_error){ .remedy = "" };
		snprintf(error->cause, sizeof(error->cause), "%s", strerror(errno));
		return false;
	}
	read = vmcs_file_read(from, file, error);
	if (!from_stdin)
		fclose(from);
	return read;
}

enum hpctl_exit entry_rules_run(const struct options *options)
{
	static struct vmcs_file file;
	static struct result result;
	struct vmcs_file_error error;
	bool list = options->given & OPTION_LIST, json = options->given & OPTION_JSON;

	if (list && options->operands)
		return errors_usage("entry-rules", "--list and a file exclude each other");
	if (!list && !options->operands)
		return errors_usage("entry-rules", "a file is missing");
	if (list) {
		json ? list_json() : list_text();
		return HPCTL_OK;
	}
	if (!read_file(options->operand[0], &file, &error))
		return tell_file(options->operand[0], &error);
	check(&file, &result);
	json ? print_json(&result) : print_text(&result);
	return result.count ? HPCTL_NO : HPCTL_OK;
}
