/* SPDX-License-Identifier: MIT */
/*
 * One processor: is it able, its page of the gate, and taking it in and out of VMX operation.
 *
 * World: OS. Callers hold the lifecycle's lock, or are on that processor while it comes or goes.
 * Process context unless the line says otherwise.
 */
#ifndef HOST_PROCESSOR_H
#define HOST_PROCESSOR_H

#include "machine.h"

/* Reads and judges `processor`, there. OFFLINE, or what the check found (check->error). */
enum hp_error processor_check(uint32_t processor, struct hp_check *check);

/* The same for one of the machine's: keeps what was found. */
enum hp_error processor_examine(struct processor *processor);

/* The level of the largest EPT leaf of a checked processor. */
uint8_t processor_ept_largest(const struct processor *processor);

/* Fills what does not depend on the processor's registers. The machine's maps are built. */
void processor_fill(const struct machine *machine, struct processor *processor);

/*
 * Does it run as a guest now? The gate's page says so, which root writes; nothing else is believed.
 * Any context.
 */
bool processor_is_guest(const struct processor *processor);

/*
 * Enters. It is online and native. On failure it is native still, and processor->error and
 * processor->gate->detail say why. Any context that host_call() allows.
 */
enum hp_error processor_enter(struct processor *processor);

/* Leaves, if it is a guest. NO_ANSWER: it still is one. Any context that host_call() allows. */
enum hp_error processor_leave(struct processor *processor);

/* Makes it take what the command page has. It is a guest. CAPABILITY, NO_ANSWER. */
enum hp_error processor_intercept(struct processor *processor);

/* Interrupts it, and drops every translation that it has cached. */
void processor_flush(const struct processor *processor);

/* Makes it exit once, if it is a guest. */
void processor_sync(struct processor *processor);

/* Knocks by CPUID and the gate; fills `ping` but its rate. OFFLINE, NOT_RUNNING, NO_ANSWER. */
enum hp_error processor_ping(struct processor *processor, uint32_t cpuid_base,
			     struct hp_ping *ping);

#endif
