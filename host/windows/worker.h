/* SPDX-License-Identifier: MIT */
/*
 * The worker: a thread of the system's that drains root's rings and writes the log file whenever
 * host_wake() asks for it, and at every tick while the hypervisor runs.
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_WORKER_H
#define HOST_WINDOWS_WORKER_H

#include "nt.h"

/* Starts the thread. IRQL: PASSIVE. */
NTSTATUS worker_init(void);

/* Has it write what there is, and waits for its end; from then on host_wake() does nothing. */
void worker_end(void);

#endif
