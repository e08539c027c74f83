/* SPDX-License-Identifier: MIT */
/*
 * From root's rings to the log's text, and the push for processors that lag behind.
 *
 * World: OS, process context.
 */
#ifndef HOST_DRAIN_H
#define HOST_DRAIN_H

#include <stdbool.h>

struct machine;

/* The tick of the worker while the hypervisor runs. */
#define DRAIN_TICK_MS 50u

/*
 * The worker's work: drains, pushes, and ends a run in which root has failed. Returns true
 * while the hypervisor runs: call again after a tick.
 */
bool drain_run(void);

/* Copies every new record to the log. The caller holds the lifecycle's lock. */
void drain_records(struct machine *machine);

#endif
