/* SPDX-License-Identifier: MIT */
/*
 * The moments at which NT tells us that the system sleeps or wakes, that a processor was added, and
 * that it crashes.
 *
 * World: OS. IRQL: PASSIVE.
 */
#ifndef HOST_WINDOWS_EVENTS_H
#define HOST_WINDOWS_EVENTS_H

#include "nt.h"

NTSTATUS events_init(void);
void events_end(void);

#endif
