// SPDX-License-Identifier: MIT
/*
 * hpctl ping: knocks on every online processor, on two doors. CPUID is open to everybody, so this
 * program knocks there itself and need not believe the module; the gate opens from the kernel only,
 * so there the module knocks. A processor answers when every door that could be tried was answered.
 */
#include "hpctl.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cpu.h"
#include "json.h"

enum door { UNTRIED, SILENT, ANSWERS };

struct knock {
	bool online;
	enum door cpuid, gate;
	uint64_t cpuid_cycles, gate_cycles, tsc_khz;
	enum hp_error gate_error;    /* why it is silent */
	struct os_error unreachable; /* why CPUID was not tried */
};

struct round {
	unsigned count, online, answering;
	const char *gate_untried; /* why, or NULL */
	struct knock knocks[OS_PROCESSORS_MAX];
};

/* Runs on the processor. */
static void knock_by_cpuid(void *argument)
{
	struct knock *knock = argument;

	knock->cpuid_cycles = presence_cycles();
	knock->cpuid = knock->cpuid_cycles ? ANSWERS : SILENT;
}

/* The module reads CPUID as well; its round trip is the better one, with interrupts off. */
static void knock_by_gate(struct os_device *device, unsigned processor, struct knock *knock)
{
	struct hp_ping ping = { .processor = processor };
	enum hp_error result = device_request(device, HP_REQUEST_PING, &ping);

	if (result != HP_ERROR_OK) {
		knock->gate = SILENT;
		knock->gate_error = result;
		return;
	}
	knock->gate = ANSWERS;
	knock->gate_cycles = ping.gate_cycles;
	knock->tsc_khz = ping.tsc_khz;
	if (ping.cpuid_signature != HP_SIGNATURE) {
		knock->cpuid = SILENT;
	} else if (knock->cpuid != SILENT) {
		knock->cpuid = ANSWERS;
		knock->cpuid_cycles = ping.cpuid_cycles;
	}
}

static bool answers(const struct knock *knock)
{
	return knock->cpuid == ANSWERS && knock->gate != SILENT;
}

static void go_round(struct round *round, struct os_device *device)
{
	struct os_processors processors;
	unsigned i;

	os_processors(&processors);
	round->count = processors.count;
	for (i = 0; i < round->count; i++) {
		struct knock *knock = &round->knocks[i];

		knock->online = processors.online[i];
		if (!knock->online)
			continue;
		os_run_on(i, knock_by_cpuid, knock, &knock->unreachable);
		if (device)
			knock_by_gate(device, i, knock);
		round->online++;
		round->answering += answers(knock);
	}
}

static void describe(char *text, size_t bytes, enum door door, uint64_t cycles, uint64_t tsc_khz)
{
	if (door == ANSWERS)
		format_cycles(text, bytes, cycles, tsc_khz);
	else
		snprintf(text, bytes, "%s", door == SILENT ? "no answer" : "not tried");
}

static void print_text(const struct round *round)
{
	unsigned i;

	puts("processor  by CPUID                   by the gate");
	for (i = 0; i < round->count; i++) {
		const struct knock *knock = &round->knocks[i];
		char cpuid[64], gate[64];

		if (!knock->online)
			continue;
		describe(cpuid, sizeof(cpuid), knock->cpuid, knock->cpuid_cycles, knock->tsc_khz);
		describe(gate, sizeof(gate), knock->gate, knock->gate_cycles, knock->tsc_khz);
		printf("%9u  %-25s  %s", i, cpuid, gate);
		if (knock->cpuid == UNTRIED)
			printf(" (CPUID: %s)", knock->unreachable.text);
		if (knock->gate_error != HP_ERROR_OK)
			printf(" (%s)", errors_cause(knock->gate_error));
		putchar('\n');
	}
	if (round->gate_untried)
		printf("The gate was not tried: %s.\n", round->gate_untried);

	if (round->answering == 0)
		puts("Nothing answers on any processor.");
	else if (round->answering < round->online)
		printf("%u of %u processors answer.\n", round->answering, round->online);
	else
		printf("All %u processors answer.\n", round->online);
}

static cJSON *add_door(cJSON *object, const char *key, enum door door, uint64_t cycles,
		       uint64_t tsc_khz)
{
	cJSON *part = cJSON_AddObjectToObject(object, key);

	cJSON_AddBoolToObject(part, "tried", door != UNTRIED);
	cJSON_AddBoolToObject(part, "answers", door == ANSWERS);
	if (door == ANSWERS)
		json_u64(part, "cycles", cycles);
	else
		cJSON_AddNullToObject(part, "cycles");
	if (door == ANSWERS && tsc_khz)
		json_u64(part, "ns", format_ns(cycles, tsc_khz));
	else
		cJSON_AddNullToObject(part, "ns");
	return part;
}

static void print_json(const struct round *round)
{
	cJSON *root = json_object(), *processors;
	unsigned i;

	cJSON_AddBoolToObject(root, "all_answer", round->answering == round->online);
	json_u64(root, "online", round->online);
	json_u64(root, "answering", round->answering);
	if (round->gate_untried)
		json_text(root, "gate_untried", round->gate_untried);
	else
		cJSON_AddNullToObject(root, "gate_untried");
	processors = cJSON_AddArrayToObject(root, "processors");
	for (i = 0; i < round->count; i++) {
		const struct knock *knock = &round->knocks[i];
		cJSON *processor, *gate;

		if (!knock->online)
			continue;
		processor = cJSON_CreateObject();
		cJSON_AddItemToArray(processors, processor);
		json_u64(processor, "processor", i);
		cJSON_AddBoolToObject(processor, "answers", answers(knock));
		add_door(processor, "cpuid", knock->cpuid, knock->cpuid_cycles, knock->tsc_khz);
		gate = add_door(processor, "gate", knock->gate, knock->gate_cycles, knock->tsc_khz);
		if (knock->gate_error == HP_ERROR_OK)
			cJSON_AddNullToObject(gate, "error");
		else
			json_text(gate, "error", errors_name(knock->gate_error));
	}
	json_print(root);
}

enum hpctl_exit ping_run(const struct options *options)
{
	struct round *round = calloc(1, sizeof(*round));
	struct os_error error;
	struct os_device *device;
	bool all;

	if (!round)
		return errors_hp("cannot ping", HP_ERROR_NO_MEMORY, HP_NO_PROCESSOR);
	device = os_open(&error);
	if (!device)
		round->gate_untried = error.text;
	go_round(round, device);
	if (device)
		os_close(device);

	if (options->given & OPTION_JSON)
		print_json(round);
	else
		print_text(round);
	all = round->answering == round->online;
	free(round);
	return all ? HPCTL_OK : HPCTL_NO;
}
