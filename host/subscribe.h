/* SPDX-License-Identifier: MIT */
/*
 * What exits, on every processor: subscriptions come and go here while the hypervisor runs. All or
 * none: a change that one processor can't have changes nothing.
 *
 * World: OS. Callers hold the lifecycle's lock. Process context.
 */
#ifndef HOST_SUBSCRIBE_H
#define HOST_SUBSCRIBE_H

#include "machine.h"

/*
 * Fills the command page for a machine on which nothing runs yet, with these groups of exits:
 * processors take it as they enter. CAPABILITY: `failure` says which control which processor lacks.
 */
enum hp_error subscribe_begin(struct machine *machine, uint32_t groups, struct hp_failure *failure);

/*
 * The groups that are on become (on & ~exits->clear) | exits->set, on every processor before this
 * returns. Fills the rest of `exits`, whatever comes of it. CAPABILITY, NO_ANSWER: as before.
 */
enum hp_error subscribe_groups(struct machine *machine, struct hp_exits *exits);

/* Can a processor that comes online have what is on? */
bool subscribe_possible(const struct machine *machine, const struct processor *processor);

#endif
