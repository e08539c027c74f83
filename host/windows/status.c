// SPDX-License-Identifier: MIT
/*
 * Errors as NTSTATUS. See status.h.
 *
 * World: OS.
 */
#include "status.h"

/* "A hypervisor feature is not available to the user"; not in every header. */
#define HV_FEATURE_UNAVAILABLE ((NTSTATUS)0xc035001e)

static const struct {
	enum hp_error error;
	NTSTATUS status;
} table[] = {
	{ HP_ERROR_OK, STATUS_SUCCESS },
	{ HP_ERROR_NO_VMX, HV_FEATURE_UNAVAILABLE },
	{ HP_ERROR_VMX_LOCKED_OFF, HV_FEATURE_UNAVAILABLE },
	{ HP_ERROR_NO_EPT, HV_FEATURE_UNAVAILABLE },
	{ HP_ERROR_CAPABILITY, HV_FEATURE_UNAVAILABLE },
	{ HP_ERROR_VMX_IN_USE, STATUS_DEVICE_BUSY },
	{ HP_ERROR_BUSY, STATUS_DEVICE_BUSY },
	{ HP_ERROR_ALREADY, STATUS_ALREADY_REGISTERED },
	{ HP_ERROR_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES },
	{ HP_ERROR_PROCESSORS, STATUS_NOT_SUPPORTED },
	{ HP_ERROR_IMAGE, STATUS_INVALID_IMAGE_FORMAT },
};

NTSTATUS status_of(enum hp_error error)
{
	unsigned i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].error == error)
			return table[i].status;
	}
	return STATUS_UNSUCCESSFUL;
}
