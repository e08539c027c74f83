// SPDX-License-Identifier: MIT
/*
 * hpctl exits: which groups of VM exits are on, and turning them on and off while the hypervisor
 * runs. Every group passes through what exits: the system goes on as before, only slower. So a
 * group that makes a problem come or go away says where to look.
 */
#include "exits.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

static const struct {
	const char *name, *text;
	uint32_t bit;
} groups[] = {
#define GROUP(id, number, name, text) { name, text, HP_EXITS_##id },
	HP_EXITS(GROUP)
#undef GROUP
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const char *const controls[] = {
#define CONTROL(name, number, text) [number] = text,
	HP_CONTROLS(CONTROL)
#undef CONTROL
};

const char *exits_control(uint64_t control)
{
	return control < sizeof(controls) / sizeof(controls[0]) ? controls[control]
								: "an unknown control";
}

static uint32_t find(const char *name, size_t length)
{
	unsigned i;

	for (i = 0; i < GROUPS; i++) {
		if (strlen(groups[i].name) == length && !strncmp(groups[i].name, name, length))
			return groups[i].bit;
	}
	return 0;
}

/* One word of a list. A name without a sign begins anew the first time: exactly those are meant. */
static bool parse_word(const char *word, size_t length, struct exits_change *change)
{
	bool add = length && *word == '+', remove = length && *word == '-';
	uint32_t bits;

	if (length == 3 && !strncmp(word, "all", length)) {
		*change = (struct exits_change){ 0, HP_EXITS_ALL, true };
		return true;
	}
	if (length == 4 && !strncmp(word, "none", length)) {
		*change = (struct exits_change){ HP_EXITS_ALL, 0, true };
		return true;
	}
	bits = find(word + (add || remove), length - (add || remove));
	if (!bits)
		return false;
	if (!add && !remove && !change->exact)
		*change = (struct exits_change){ HP_EXITS_ALL, 0, true };
	if (remove) {
		change->clear |= bits;
		change->set &= ~bits;
	} else {
		change->set |= bits;
		change->clear &= ~bits;
	}
	return true;
}

bool exits_parse(const char *verb, const char *list, struct exits_change *change)
{
	char names[128] = "";
	size_t length, used = 0;
	unsigned i;

	for (;; list += length + 1) {
		length = strcspn(list, ",");
		if (!parse_word(list, length, change))
			break;
		if (!list[length])
			return true;
	}
	for (i = 0; i < GROUPS; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, " %s", groups[i].name);
	errors_usage(verb, "\"%.*s\" is no group of exits; there are: all none%s", (int)length,
		     list, names);
	return false;
}

size_t exits_text(char *text, size_t bytes, uint32_t on)
{
	size_t used = 0;
	unsigned i;

	if (!on)
		return (size_t)snprintf(text, bytes, "none");
	if (on == HP_EXITS_ALL)
		return (size_t)snprintf(text, bytes, "all");
	for (i = 0; i < GROUPS && used < bytes; i++) {
		if (on & groups[i].bit)
			used += (size_t)snprintf(text + used, bytes - used, "%s%s", used ? "," : "",
						 groups[i].name);
	}
	return used;
}

static void print_text(const struct hp_exits *exits)
{
	unsigned i;

	for (i = 0; i < GROUPS; i++) {
		const char *state = exits->on & groups[i].bit ? "on" : "off";

		if (!(exits->able & groups[i].bit))
			state = "not possible";
		printf("%-11s %-12s  %s\n", groups[i].name, state, groups[i].text);
	}
}

static void print_json(const struct hp_exits *exits)
{
	cJSON *root = json_object(), *list = cJSON_AddArrayToObject(root, "exits");
	unsigned i;

	for (i = 0; i < GROUPS; i++) {
		cJSON *row = cJSON_CreateObject();

		cJSON_AddItemToArray(list, row);

		json_text(row, "name", groups[i].name);
		cJSON_AddBoolToObject(row, "on", (exits->on & groups[i].bit) != 0);
		cJSON_AddBoolToObject(row, "possible", (exits->able & groups[i].bit) != 0);
	}
	json_print(root);
}

static enum hpctl_exit fail(enum hp_error result, const struct hp_exits *exits)
{
	static const char what[] = "cannot change what exits";
	struct hp_failure failure = {
		.error = result,
		.processor = exits->processor,
		.requirement = HP_REQUIREMENT_COUNT,
		.detail = { exits->missing },
	};

	if (result == HP_ERROR_NOT_RUNNING) {
		errors_hp(what, result, HP_NO_PROCESSOR);
		return HPCTL_NO;
	}
	return errors_failure(what, result, &failure);
}

enum hpctl_exit exits_run(const struct options *options)
{
	struct exits_change change = { 0, 0, false };
	struct hp_exits exits = { 0 };
	struct os_device *device;
	struct os_error error;
	enum hp_error result;
	unsigned i;

	for (i = 0; i < options->operands; i++) {
		if (!exits_parse("exits", options->operand[i], &change))
			return HPCTL_USAGE;
	}
	device = os_open(&error);
	if (!device && error.cause == OS_ABSENT)
		return fail(HP_ERROR_NOT_RUNNING, &exits);
	if (!device)
		return errors_os("cannot change what exits", &error);
	exits.clear = change.clear;
	exits.set = change.set;
	result = device_request(device, HP_REQUEST_EXITS, &exits);
	os_close(device);
	if (result != HP_ERROR_OK)
		return fail(result, &exits);
	if (options->given & OPTION_JSON)
		print_json(&exits);
	else if (!options->operands)
		print_text(&exits);
	return HPCTL_OK;
}
