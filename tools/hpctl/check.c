// SPDX-License-Identifier: MIT
/*
 * hpctl check: can this machine run HyperPlatform? Each requirement, what was found, the remedy.
 *
 * The device knows best. Without it, CPUID is asked first, as anybody may: when that says no, the
 * answer is complete. Else the module is loaded for the moment of the question, since most of the
 * answer is in registers that only the kernel can read. When that can't be done either, what is
 * unknown is called unknown, and the exit status says that there is no answer.
 */
#include "hpctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "json.h"

static const char what[] = "cannot look at every requirement";

static const struct {
	const char *name, *text;
	enum hp_error error; /* HP_ERROR_OK: not required */
} requirements[] = {
#define REQUIREMENT(name, number, text, error) [number] = { #name, text, HP_ERROR_##error },
	HP_REQUIREMENTS(REQUIREMENT)
#undef REQUIREMENT
};

struct findings {
	bool *online, *looked; /* looked: `of` has something for this processor */
	struct hp_check *of;
	unsigned count;
	bool by_cpuid; /* not by the device: most is unknown */
	bool complete; /* the device answered for every processor */
	bool running;
	bool left_behind; /* the module that was loaded for the question */
	char maker[13], name[49];
};

/* Finding out. */

static void found(struct hp_check *check, enum hp_requirement_id id, bool fulfilled, uint64_t value)
{
	check->requirement[id].verdict = fulfilled ? HP_CHECK_OK : HP_CHECK_MISSING;
	check->requirement[id].found = value;
	if (!fulfilled && check->error == HP_ERROR_OK)
		check->error = requirements[id].error;
}

/* Runs on the processor. */
static void look_by_cpuid(void *argument)
{
	struct hp_check *check = argument;
	uint64_t wanted = CPUID_81_EDX_LM | CPUID_81_EDX_NX;
	uint32_t features = cpu_cpuid(1).ecx, extended = 0;

	if (cpu_cpuid(0x80000000).eax >= 0x80000001)
		extended = cpu_cpuid(0x80000001).edx;
	found(check, HP_REQUIREMENT_LONG_MODE, (extended & wanted) == wanted, extended);

	/* While HyperPlatform runs it hides VT-x: then the bit says nothing. */
	if (!presence_signature())
		found(check, HP_REQUIREMENT_VMX, features & CPUID_1_ECX_VMX, features);
	found(check, HP_REQUIREMENT_KVM, !os_kvm_loaded(), os_kvm_loaded());
}

static enum hpctl_exit look_at_all(struct findings *findings)
{
	unsigned i;

	findings->by_cpuid = true;
	for (i = 0; i < findings->count; i++) {
		struct os_error error;

		if (!findings->online[i])
			continue;
		findings->of[i].processor = i;
		if (!os_run_on(i, look_by_cpuid, &findings->of[i], &error)) {
			char where[64];

			snprintf(where, sizeof(where), "cannot look at processor %u", i);
			return errors_os(where, &error);
		}
		findings->looked[i] = true;
	}
	return HPCTL_OK;
}

static enum hpctl_exit ask_device(struct os_device *device, struct findings *findings)
{
	struct hp_version version = { 0 };
	enum hp_error result = device_request(device, HP_REQUEST_VERSION, &version);
	unsigned i;

	if (result != HP_ERROR_OK)
		return errors_hp(what, result, HP_NO_PROCESSOR);
	findings->running = version.running != 0;
	findings->by_cpuid = false;
	for (i = 0; i < findings->count; i++) {
		struct hp_check *check = &findings->of[i];

		findings->looked[i] = false;
		if (!findings->online[i])
			continue;
		memset(check, 0, sizeof(*check));
		check->processor = i;
		result = device_request(device, HP_REQUEST_CHECK, check);
		if (result == HP_ERROR_OFFLINE)
			continue; /* it went since we looked */
		if (result != HP_ERROR_OK)
			return errors_hp(what, result, i);
		findings->looked[i] = true;
	}
	findings->complete = true;
	return HPCTL_OK;
}

/* The verdict on the machine: UNKNOWN only when nothing is missing. */
static enum hp_verdict_of_check verdict_of(const struct findings *findings)
{
	unsigned i;

	for (i = 0; i < findings->count; i++) {
		if (findings->looked[i] && findings->of[i].error != HP_ERROR_OK)
			return HP_CHECK_MISSING;
	}
	return findings->complete ? HP_CHECK_OK : HP_CHECK_UNKNOWN;
}

/* The processor itself is not able: nothing that the module could find would change that. */
static bool hopeless(const struct findings *findings)
{
	unsigned i;

	for (i = 0; i < findings->count; i++) {
		const struct hp_check *check = &findings->of[i];

		if (check->requirement[HP_REQUIREMENT_LONG_MODE].verdict == HP_CHECK_MISSING ||
		    check->requirement[HP_REQUIREMENT_VMX].verdict == HP_CHECK_MISSING)
			return true;
	}
	return false;
}

/* By the module, loaded for this question. */
static enum hpctl_exit ask_module(const struct options *options, struct findings *findings)
{
	struct os_error error;
	struct os_device *device = os_driver_load(options->module, &error);
	enum hpctl_exit result;

	if (!device)
		return errors_os(what, &error);
	result = ask_device(device, findings);
	os_close(device);
	if (os_driver_unload(&error))
		return result;
	findings->left_behind = true;
	return errors_os("cannot remove the module again", &error);
}

/*
 * Fills in the findings. The exit status tells of what kept it from looking everywhere; what was
 * found by then is there nevertheless.
 */
static enum hpctl_exit find_out(const struct options *options, struct findings *findings)
{
	struct os_error error;
	struct os_device *device = os_open(&error);
	enum hpctl_exit result;

	if (device) {
		result = ask_device(device, findings);
		os_close(device);
		return result;
	}
	result = look_at_all(findings);
	if (result != HPCTL_OK || hopeless(findings))
		return result;
	if (error.cause != OS_ABSENT)
		return errors_os(what, &error);
	return ask_module(options, findings);
}

/* Telling. */

static const char *label(unsigned id, uint32_t verdict)
{
	switch (verdict) {
	case HP_CHECK_OK:
		return "ok";
	case HP_CHECK_MISSING:
		return requirements[id].error == HP_ERROR_OK ? "absent" : "MISSING";
	default:
		return "unknown";
	}
}

/* In `hpctl check` itself "hpctl check names it" would be no help. */
static const char *remedy(enum hp_error error)
{
	if (error == HP_ERROR_CAPABILITY)
		return "use a newer Intel processor; in a virtual machine, let the hypervisor "
		       "below offer it";
	return errors_remedy(error);
}

static bool same(const struct findings *findings, unsigned id, unsigned a, unsigned b)
{
	const struct hp_check *of = findings->of;

	return of[a].requirement[id].verdict == of[b].requirement[id].verdict &&
	       of[a].requirement[id].found == of[b].requirement[id].found;
}

/* The processors that found what processor `like` did; true: these are all. */
static bool group(const struct findings *findings, unsigned id, unsigned like, bool *members)
{
	bool all = true;
	unsigned i;

	for (i = 0; i < findings->count; i++) {
		members[i] = findings->looked[i] && same(findings, id, like, i);
		all &= members[i] || !findings->looked[i];
	}
	return all;
}

/* One line where all processors agree; else one for each group of them that does. */
static void print_requirement(const struct findings *findings, unsigned id)
{
	bool members[OS_PROCESSORS_MAX], told[OS_PROCESSORS_MAX] = { false };
	bool missing = false;
	unsigned i, k;

	for (i = 0; i < findings->count; i++) {
		char list[256], value[24] = "-";
		uint32_t verdict = findings->of[i].requirement[id].verdict;

		if (!findings->looked[i] || told[i])
			continue;
		if (verdict != HP_CHECK_UNKNOWN)
			snprintf(value, sizeof(value), "0x%" PRIx64,
				 findings->of[i].requirement[id].found);
		printf("%-7s  %-18s  %s", label(id, verdict), value, requirements[id].text);
		if (!group(findings, id, i, members)) {
			format_processors(list, sizeof(list), members, findings->count);
			printf("  [processor %s]", list);
		}
		putchar('\n');
		for (k = 0; k < findings->count; k++)
			told[k] |= members[k];
		missing |= verdict == HP_CHECK_MISSING;
	}
	if (missing && requirements[id].error != HP_ERROR_OK)
		printf("         remedy: %s\n", remedy(requirements[id].error));
}

static unsigned count_of(const bool *set, unsigned count)
{
	unsigned i, sum = 0;

	for (i = 0; i < count; i++)
		sum += set[i];
	return sum;
}

/* The first thing that is missing: what a load would fail with. */
static enum hp_error first_error(const struct findings *findings, unsigned *processor)
{
	for (*processor = 0; *processor < findings->count; ++*processor) {
		if (findings->looked[*processor] && findings->of[*processor].error != HP_ERROR_OK)
			return (enum hp_error)findings->of[*processor].error;
	}
	return HP_ERROR_OK;
}

static void print_text(const struct findings *findings)
{
	unsigned id, processor, online = count_of(findings->online, findings->count);
	enum hp_error error = first_error(findings, &processor);

	printf("%s (%s), %u processor%s online\n", findings->name[0] ? findings->name : "processor",
	       findings->maker, online, online == 1 ? "" : "s");
	if (findings->running)
		puts("HyperPlatform is running: this was found when it was loaded.");
	if (count_of(findings->looked, findings->count))
		puts("\nverdict  found               requirement");
	for (id = 0; id < HP_REQUIREMENT_COUNT; id++)
		print_requirement(findings, id);
	putchar('\n');

	switch (verdict_of(findings)) {
	case HP_CHECK_OK:
		puts("This machine can run HyperPlatform.");
		break;
	case HP_CHECK_MISSING:
		if (findings->by_cpuid)
			puts("What is unknown was not looked at. What is missing settles it:");
		printf("This machine can't run HyperPlatform: %s (processor %u).\n",
		       errors_cause(error), processor);
		break;
	case HP_CHECK_UNKNOWN:
		puts("Whether this machine can run HyperPlatform is not known.");
		break;
	}
}

static const char *verdict_name(uint32_t verdict)
{
	switch (verdict) {
	case HP_CHECK_OK:
		return "ok";
	case HP_CHECK_MISSING:
		return "missing";
	default:
		return "unknown";
	}
}

static void add_requirement(cJSON *list, const struct findings *findings, unsigned id)
{
	enum hp_error error = requirements[id].error;
	cJSON *object = cJSON_CreateObject(), *processors;
	unsigned i;

	cJSON_AddItemToArray(list, object);
	json_text(object, "name", requirements[id].name);
	json_text(object, "text", requirements[id].text);
	cJSON_AddBoolToObject(object, "required", error != HP_ERROR_OK);
	if (error == HP_ERROR_OK) {
		cJSON_AddNullToObject(object, "error");
		cJSON_AddNullToObject(object, "remedy");
	} else {
		json_text(object, "error", errors_name(error));
		json_text(object, "remedy", remedy(error));
	}
	processors = cJSON_AddArrayToObject(object, "processors");
	for (i = 0; i < findings->count; i++) {
		uint32_t verdict = findings->of[i].requirement[id].verdict;
		cJSON *processor;

		if (!findings->looked[i])
			continue;
		processor = cJSON_CreateObject();
		cJSON_AddItemToArray(processors, processor);
		json_u64(processor, "processor", i);
		json_text(processor, "verdict", verdict_name(verdict));
		if (verdict == HP_CHECK_UNKNOWN)
			cJSON_AddNullToObject(processor, "found");
		else
			json_hex(processor, "found", findings->of[i].requirement[id].found);
	}
}

static void print_json(const struct findings *findings)
{
	enum hp_verdict_of_check verdict = verdict_of(findings);
	cJSON *root = json_object(), *list;
	unsigned id, processor;
	enum hp_error error = first_error(findings, &processor);

	if (verdict == HP_CHECK_UNKNOWN)
		cJSON_AddNullToObject(root, "able");
	else
		cJSON_AddBoolToObject(root, "able", verdict == HP_CHECK_OK);
	if (error == HP_ERROR_OK)
		cJSON_AddNullToObject(root, "error");
	else
		json_text(root, "error", errors_name(error));
	cJSON_AddBoolToObject(root, "by_cpuid_only", findings->by_cpuid);
	cJSON_AddBoolToObject(root, "running", findings->running);
	json_text(root, "maker", findings->maker);
	json_text(root, "name", findings->name);
	json_u64(root, "online", count_of(findings->online, findings->count));
	list = cJSON_AddArrayToObject(root, "requirements");
	for (id = 0; id < HP_REQUIREMENT_COUNT; id++)
		add_requirement(list, findings, id);
	json_print(root);
}

enum hpctl_exit check_run(const struct options *options)
{
	struct os_processors processors;
	bool looked[OS_PROCESSORS_MAX] = { false };
	struct findings findings = { .online = processors.online, .looked = looked };
	enum hpctl_exit result;

	os_interrupt_catch(); /* a module that was loaded for the question goes again */
	os_processors(&processors);
	findings.count = processors.count;
	findings.of = calloc(processors.count, sizeof(findings.of[0]));
	if (!findings.of)
		return errors_hp(what, HP_ERROR_NO_MEMORY, HP_NO_PROCESSOR);
	presence_maker(findings.maker);
	presence_name(findings.name);

	result = find_out(options, &findings);
	if (options->given & OPTION_JSON)
		print_json(&findings);
	else
		print_text(&findings);
	if (verdict_of(&findings) == HP_CHECK_MISSING && !findings.left_behind)
		result = HPCTL_NO; /* for certain, whatever else could not be looked at */
	free(findings.of);
	return result;
}
