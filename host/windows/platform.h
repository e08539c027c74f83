/* SPDX-License-Identifier: MIT */
/*
 * What the driver needs of platform.c and processors.c beyond host.h.
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_PLATFORM_H
#define HOST_WINDOWS_PLATFORM_H

#include "nt.h"

/* Makes the lifecycle's lock and starts the clock; `driver` is what host_keep() keeps. */
void platform_init(PDRIVER_OBJECT driver);

/* The number of the processor that this runs on, as host.h counts them. Any IRQL. */
uint32_t processors_current(void);

#endif
