/* SPDX-License-Identifier: MIT */
/*
 * A look at every guest from outside: root that does not come to an end on some processor is told
 * so by an NMI, and retreats. No lock is needed to look: whoever has the lifecycle's lock may be
 * waiting for that very processor.
 *
 * World: OS.
 */
#ifndef HOST_WATCH_H
#define HOST_WATCH_H

struct machine;

/* From here on, until watch_end() returns, watch_tick() looks at `machine`. Process. */
void watch_begin(struct machine *machine);
void watch_end(void);

/* A look, from some processor. Any context, without a lock. */
void watch_tick(void);

#endif
