// SPDX-License-Identifier: MIT
/*
 * hpctl load: HyperPlatform goes under the running system, on every processor or on none. What this
 * verb brought in to do so, it takes out again when the start fails.
 */
#include "exits.h"

#include <inttypes.h>
#include <string.h>

static const char start_failed[] = "cannot start HyperPlatform";

static void print_success(struct os_device *device)
{
	struct hp_status status = { 0 };
	uint32_t i, guests = 0;

	if (device_request(device, HP_REQUEST_STATUS, &status) != HP_ERROR_OK) {
		puts("HyperPlatform is running.");
		return;
	}
	for (i = 0; i < status.processors && i < HP_PROCESSORS_MAX; i++)
		guests += status.processor[i].state == HP_PROCESSOR_GUEST;
	printf("HyperPlatform is running on %" PRIu32 " processor%s.\n", guests,
	       guests == 1 ? "" : "s");
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

static enum hpctl_exit start(struct os_device *device, uint32_t exits)
{
	union {
		struct hp_start in;
		struct hp_failure out;
	} buffer = { .out = { .processor = 0 } };
	enum hp_error result;

	buffer.in.exits = exits;
	buffer.in.history = HP_HISTORY_DEFAULT;
	result = device_request(device, HP_REQUEST_START, &buffer);

	if (result == HP_ERROR_OK) {
		print_success(device);
		return HPCTL_OK;
	}
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
					 uint32_t exits)
{
	enum hpctl_exit result;

	/* KVM must not suffer from a load that can't succeed. */
	if (is_running(device))
		return errors_hp(start_failed, HP_ERROR_ALREADY, HP_NO_PROCESSOR);
	result = unload_kvm(options);
	return result == HPCTL_OK ? start(device, exits) : result;
}

enum hpctl_exit load_run(const struct options *options)
{
	static const char exits[] = "exits=";
	struct exits_change change = { 0, 0, false };
	struct os_error error;
	struct os_device *device;
	enum hpctl_exit result;
	bool loaded = false;

	if (options->operands && strncmp(options->operand[0], exits, sizeof(exits) - 1) != 0)
		return errors_usage("load", "unexpected operand %s", options->operand[0]);
	if (options->operands &&
	    !exits_parse("load", options->operand[0] + sizeof(exits) - 1, &change))
		return HPCTL_USAGE;

	os_interrupt_catch(); /* all or nothing, for Ctrl-C too */
	device = os_open(&error);
	if (!device && error.cause == OS_ABSENT) {
		device = os_driver_load(options->module, &error);
		loaded = device != NULL;
	}
	if (!device)
		return errors_os("cannot load HyperPlatform", &error);

	result = prepare_and_start(device, options, change.set);
	/* Somebody else may have started it meanwhile: then the module is theirs. */
	loaded = loaded && !is_running(device);
	os_close(device);
	if (result != HPCTL_OK && loaded && !os_driver_unload(&error))
		errors_os("cannot remove the module again", &error);
	return result;
}
