/* SPDX-License-Identifier: MIT */
/*
 * What host.h wants for the moment when root has failed: an NMI for a processor that does not come
 * out of it, and a change of one word in a table of the system's. What these need of NT is looked
 * up, so that the driver loads without.
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_EMERGENCY_H
#define HOST_WINDOWS_EMERGENCY_H

#include "nt.h"

/* IRQL: PASSIVE. */
void emergency_init(void);
void emergency_end(void);

/* Takes down how interrupts reach the processor that this runs on, which has this number. */
void emergency_meet(uint32_t processor);

#endif
