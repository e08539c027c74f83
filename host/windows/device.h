/* SPDX-License-Identifier: MIT */
/*
 * The device \\.\HyperPlatform: requests, the log's text, and the notice that the system ends.
 * Administrators only.
 *
 * World: OS. IRQL: PASSIVE.
 */
#ifndef HOST_WINDOWS_DEVICE_H
#define HOST_WINDOWS_DEVICE_H

#include "nt.h"

/* OBJECT_NAME_COLLISION: HyperPlatform's driver is loaded already. */
NTSTATUS device_init(PDRIVER_OBJECT driver);
void device_end(void);

#endif
