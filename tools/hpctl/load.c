// SPDX-License-Identifier: MIT
/*
 * hpctl load: HyperPlatform goes under the running system, on every processor or on none. What this
 * verb brought in to do so, it takes out again when the start fails; what is known of the failure
 * stays, in a file.
 */
#include "exits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const char start_failed[] = "cannot start HyperPlatform";

/* It runs, unless it has run into something already and stepped aside. */
static enum hpctl_exit tell_success(struct os_device *device)
{
	static const struct os_error failed = { .cause = OS_FAILED,
						.text = "something went wrong below the system",
						.remedy = "hpctl report says what" };
	struct hp_status status = { 0 };
	uint32_t i, guests = 0;

	if (device_request(device, HP_REQUEST_STATUS, &status) != HP_ERROR_OK) {
		puts("HyperPlatform is running.");
		return HPCTL_OK;
	}
	for (i = 0; i < status.processors && i < HP_PROCESSORS_MAX; i++)
		guests += status.processor[i].state == HP_PROCESSOR_GUEST;
	if (!status.running || !guests)
		return errors_os("HyperPlatform started, and has stepped aside", &failed);
	printf("HyperPlatform is running on %" PRIu32 " processor%s.\n", guests,
	       guests == 1 ? "" : "s");
	return HPCTL_OK;
}

/* Frees VT-x of KVM, when the user wants that. That KVM is not there is as good. */
static enum hpctl_exit unload_kvm(const struct options *options)
{
	struct os_error error;

	if (!(options->given & OPTION_UNLOAD_KVM) || os_kvm_unload(&error) ||
	    error.cause == OS_ABSENT)
		return HPCTL_OK;
	return errors_os("cannot remove kvm_intel", &error);
}

static enum hpctl_exit start(struct os_device *device, const struct hp_start *how)
{
	union {
		struct hp_start in;
		struct hp_failure out;
	} buffer = { .out = { .processor = 0 } };
	enum hp_error result;

	buffer.in = *how;
	result = device_request(device, HP_REQUEST_START, &buffer);

	if (result == HP_ERROR_OK)
		return tell_success(device);
	/* Without a failure of its own, what lies there is still the input. */
	if (buffer.out.error != (uint32_t)result)
		return errors_hp(start_failed, result, HP_NO_PROCESSOR);
	return errors_failure(start_failed, result, &buffer.out);
}

static bool is_running(struct os_device *device)
{
	struct hp_version version = { 0 };

	return device_request(device, HP_REQUEST_VERSION, &version) == HP_ERROR_OK &&
	       version.running;
}

static enum hpctl_exit prepare_and_start(struct os_device *device, const struct options *options,
					 const struct hp_start *how)
{
	enum hpctl_exit result;

	/* KVM must not suffer from a load that can't succeed. */
	if (is_running(device))
		return errors_hp(start_failed, HP_ERROR_ALREADY, HP_NO_PROCESSOR);
	result = unload_kvm(options);
	return result == HPCTL_OK ? start(device, how) : result;
}

static bool parse_history(const char *text, uint32_t *history)
{
	unsigned long number;
	char *end;

	number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || number < HP_HISTORY_LEAST ||
	    number > HP_HISTORY_MOST || (number & (number - 1))) {
		errors_usage("load", "history=%s: a power of two from %u to %u is needed", text,
			     HP_HISTORY_LEAST, HP_HISTORY_MOST);
		return false;
	}
	*history = (uint32_t)number;
	return true;
}

/* What the operands say of how to start. False: one makes no sense, which has been told. */
static bool parse_operands(const struct options *options, struct hp_start *how)
{
	static const char exits[] = "exits=", history[] = "history=";
	struct exits_change change = { 0, 0, false };
	unsigned i;

	how->exits = 0;
	how->history = HP_HISTORY_DEFAULT;
	for (i = 0; i < options->operands; i++) {
		const char *operand = options->operand[i];

		if (strncmp(operand, exits, sizeof(exits) - 1) == 0) {
			if (!exits_parse("load", operand + sizeof(exits) - 1, &change))
				return false;
		} else if (strncmp(operand, history, sizeof(history) - 1) == 0) {
			if (!parse_history(operand + sizeof(history) - 1, &how->history))
				return false;
		} else {
			errors_usage("load", "unexpected operand %s", operand);
			return false;
		}
	}
	how->exits = change.set;
	return true;
}

enum hpctl_exit load_run(const struct options *options)
{
	struct os_error error;
	struct os_device *device;
	enum hpctl_exit result;
	struct hp_start how;
	bool loaded = false, saved = false;

	if (!parse_operands(options, &how))
		return HPCTL_USAGE;

	os_interrupt_catch(); /* all or nothing, for Ctrl-C too */
	device = os_open(&error);
	if (!device && error.cause == OS_ABSENT) {
		device = os_driver_load(options->module, &error);
		loaded = device != NULL;
	}
	if (!device)
		return errors_os("cannot load HyperPlatform", &error);

	result = prepare_and_start(device, options, &how);
	/* Somebody else may have started it meanwhile: then the module is theirs. */
	loaded = loaded && !is_running(device);
	if (result != HPCTL_OK && loaded)
		saved = saved_keep(device);
	os_close(device);
	if (result != HPCTL_OK && loaded && !os_driver_unload(&error))
		errors_os("cannot remove the module again", &error);
	if (saved)
		puts("What is known of the failure was saved for hpctl report.");
	return result;
}
