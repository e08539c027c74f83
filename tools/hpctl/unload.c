// SPDX-License-Identifier: MIT
/*
 * hpctl unload: every processor runs natively again, and nothing of HyperPlatform stays but, in a
 * file, what there is to say of a failure.
 */
#include "report.h"

enum hpctl_exit unload_run(const struct options *options)
{
	struct hp_failure failure = { .processor = HP_NO_PROCESSOR };
	struct os_error error;
	struct os_device *device;
	enum hp_error result;
	bool saved = false;

	(void)options;
	os_interrupt_catch(); /* once begun, it is done to the end */
	device = os_open(&error);
	if (!device && error.cause == OS_ABSENT)
		return errors_hp("cannot unload HyperPlatform", HP_ERROR_NOT_RUNNING,
				 HP_NO_PROCESSOR);
	if (!device)
		return errors_os("cannot unload HyperPlatform", &error);
	result = device_request(device, HP_REQUEST_STOP, &failure);
	if (result == HP_ERROR_OK || result == HP_ERROR_NOT_RUNNING)
		saved = saved_keep(device);
	os_close(device);
	if (result != HP_ERROR_OK && result != HP_ERROR_NOT_RUNNING) {
		if (failure.error != (uint32_t)result)
			return errors_hp("cannot stop HyperPlatform", result, HP_NO_PROCESSOR);
		return errors_failure("cannot stop HyperPlatform", result, &failure);
	}

	if (!os_driver_unload(&error) && error.cause != OS_ABSENT)
		return errors_os("HyperPlatform is stopped, but its module is still loaded",
				 &error);
	puts(result == HP_ERROR_OK ? "HyperPlatform is unloaded."
				   : "HyperPlatform was not running; its module is removed.");
	if (saved)
		puts("Something had gone wrong: hpctl report tells what.");
	return HPCTL_OK;
}
