// SPDX-License-Identifier: MIT
/*
 * hpctl version: of this program, and of the module if it is loaded.
 */
#include "hpctl.h"

#include <inttypes.h>

#include "json.h"

static void print_json(const struct hp_version *module, const char *unknown)
{
	cJSON *root = json_object(), *part;
	char build_id[41];

	json_text(root, "version", HP_VERSION);
	json_u64(root, "abi", HP_ABI_VERSION);
	if (unknown) {
		cJSON_AddNullToObject(root, "module");
		json_text(root, "module_unknown", unknown);
	} else {
		part = cJSON_AddObjectToObject(root, "module");
		format_hex(build_id, module->build_id, module->build_id_bytes);
		json_text(part, "version", module->version);
		json_u64(part, "abi", module->abi);
		json_text(part, "build_id", build_id);
		cJSON_AddBoolToObject(part, "running", module->running != 0);
	}
	json_print(root);
}

static void print_text(const struct hp_version *module, const char *unknown)
{
	char build_id[41];

	printf("hpctl   %s, ABI %u\n", HP_VERSION, HP_ABI_VERSION);
	if (unknown) {
		printf("module  unknown: %s\n", unknown);
		return;
	}
	format_hex(build_id, module->build_id, module->build_id_bytes);
	printf("module  %s, ABI %" PRIu32 ", build id of root %s, %s\n", module->version,
	       module->abi, build_id[0] ? build_id : "none",
	       module->running ? "running" : "not running");
}

enum hpctl_exit version_run(const struct options *options)
{
	struct hp_version module = { 0 };
	struct os_error error;
	struct os_device *device = os_open(&error);
	const char *unknown = error.text;

	if (device) {
		enum hp_error result = device_request(device, HP_REQUEST_VERSION, &module);

		unknown = result == HP_ERROR_OK ? NULL : errors_cause(result);
		os_close(device);
		module.version[sizeof(module.version) - 1] = '\0';
		if (module.build_id_bytes > sizeof(module.build_id))
			module.build_id_bytes = sizeof(module.build_id);
	}
	if (options->given & OPTION_JSON)
		print_json(&module, unknown);
	else
		print_text(&module, unknown);
	return HPCTL_OK;
}
