// SPDX-License-Identifier: MIT
/*
 * Requests by their code alone: the sizes come from the table in abi.h.
 */
#include "hpctl.h"

enum hp_error device_request(struct os_device *device, enum hp_request_code code, void *buffer)
{
	switch (code) {
#define REQUEST(name, number, in, out)                                                             \
	case HP_REQUEST_##name:                                                                    \
		return os_request(device, code, buffer, in, out);
		HP_REQUESTS(REQUEST)
#undef REQUEST
	}
	return HP_ERROR_REQUEST;
}
