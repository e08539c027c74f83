/* SPDX-License-Identifier: MIT */
/*
 * Where NT keeps the current process (host_layout() in host.h).
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_LAYOUT_H
#define HOST_WINDOWS_LAYOUT_H

/* Looks at the System process: called in a thread of it, by DriverEntry. IRQL: PASSIVE. */
void layout_init(void);

#endif
