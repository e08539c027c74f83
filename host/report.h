/* SPDX-License-Identifier: MIT */
/*
 * What root left behind when something went wrong on a processor (struct gate_trail): read while
 * the hypervisor runs, kept when it has gone, until a later run has a report of its own.
 *
 * World: OS, process context. Callers hold the lifecycle's lock.
 */
#ifndef HOST_REPORT_H
#define HOST_REPORT_H

#include "host.h"

struct machine;

/*
 * Looks for reports that were not there before, and says each in the log. True: one is there, old
 * or new, so that this run had better end.
 */
bool report_look(struct machine *machine);

/* At the end of a run: keeps its trails, if it has a report. No processor is a guest any more. */
void report_keep(const struct machine *machine);

/* Bytes of memory that what is kept takes. */
uint64_t report_memory(void);

/*
 * Of the run that is going on (NULL: there is none) if it has a report, else of the one that is
 * kept; without either, the run's own trail. OFFLINE: no such processor.
 */
enum hp_error report_copy(const struct machine *machine, uint32_t processor, struct hp_report *to);
enum hp_error report_history(const struct machine *machine, uint32_t processor, uint32_t from,
			     struct hp_history *to);

/* The module ends: gives back what is kept. */
void report_end(void);

#endif
