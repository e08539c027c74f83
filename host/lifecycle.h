/* SPDX-License-Identifier: MIT */
/*
 * Start and stop, on all processors or none, and what happens in between: processors come and go,
 * the system sleeps, wakes, and shuts down.
 *
 * World: OS.
 */
#ifndef HOST_LIFECYCLE_H
#define HOST_LIFECYCLE_H

#include "host.h"

struct machine;

/*
 * Starts on every online processor, as `how` wants it. On failure nothing has changed, nothing
 * stays allocated, and `failure` says why and where. REQUEST: `how` has a value that does not
 * exist. BUSY while another start or stop is under way. Process.
 */
enum hp_error lifecycle_start(const struct hp_start *how, struct hp_failure *failure);

/*
 * Stops on every processor and gives all memory back. NO_ANSWER: a processor did not leave; then
 * the rest has left, the memory stays, and stop may be called again. Process.
 */
enum hp_error lifecycle_stop(struct hp_failure *failure);

/*
 * Root has failed on a processor, which has left or will do so: all others leave, too. Called again
 * and again until they have. Process.
 */
void lifecycle_step_aside(void);

/* The run, NULL when there is none. The caller holds host_lock(). */
struct machine *lifecycle_machine(void);

/*
 * A processor has come online, or is about to go: called on that processor, in process context, by
 * the host, which lets no host_lock() holder run meanwhile. Coming never fails because of us: what
 * can't enter runs natively, and the status says why. Going returns false if it could not leave.
 */
void lifecycle_processor_online(uint32_t processor);
bool lifecycle_processor_offline(uint32_t processor);

/*
 * The system is about to sleep: leaves on all processors, and lets none enter until it is awake
 * again. Returns false if one did not leave: it must not sleep then. Resume is due after either.
 * Process.
 */
bool lifecycle_suspend(void);
void lifecycle_resume(void);

/*
 * The end, of the system (reboot, power off, another kernel) or of the module: stops, and lets none
 * start any more. Returns false if a processor did not leave: call again. Process.
 */
bool lifecycle_shutdown(void);

#endif
