// SPDX-License-Identifier: MIT
/*
 * The watch. See watch.h.
 *
 * Root counts an exit when it begins with it, and says with the same number that it enters again
 * (struct gate_ring). Where both differ, and go on doing so with the same numbers, root hangs.
 *
 * World: OS.
 */
#include <stddef.h>

#include "log.h"
#include "processor.h"
#include "watch.h"

/* No exit takes a thousandth of that; a hypervisor below may keep a processor for a while. */
#define PATIENCE_MS 2000u

static struct machine *watched;
static uint64_t busy; /* since when somebody looks, by host_uptime(); 0: nobody does */

void watch_begin(struct machine *machine)
{
	__atomic_store_n(&watched, machine, __ATOMIC_RELEASE);
	host_watch(true);
}

void watch_end(void)
{
	host_watch(false);
	__atomic_store_n(&watched, NULL, __ATOMIC_RELEASE);
}

/* Another processor's clock may be ahead of ours. */
static bool is_long_ago(uint64_t since, uint64_t now)
{
	return (int64_t)(now - since) >= (int64_t)PATIENCE_MS;
}

static void call_back(struct machine *machine, struct processor *processor)
{
	__atomic_fetch_or(&machine->command->stuck[processor->index / 64],
			  (uint64_t)1 << processor->index % 64, __ATOMIC_SEQ_CST);
	host_nmi(processor->index);
	/* Last: what ran there may have the lock of the log. */
	log_line(HP_ERR, "processor %u does not come out of root: an NMI calls it back",
		 processor->index);
}

static void look(struct machine *machine, struct processor *processor, uint64_t now)
{
	const struct gate_ring *ring = processor->ring;
	uint64_t exits, entered;

	if (!processor_is_guest(processor)) {
		processor->watched_since = now;
		return;
	}
	entered = __atomic_load_n(&ring->entered, __ATOMIC_RELAXED);
	exits = __atomic_load_n(&ring->exits_total, __ATOMIC_RELAXED);
	if (exits == entered || exits != processor->watched_exits) {
		processor->watched_exits = exits;
		processor->watched_since = now;
	} else if (is_long_ago(processor->watched_since, now)) {
		processor->watched_since = now;
		call_back(machine, processor);
	}
}

void watch_tick(void)
{
	uint64_t now = host_uptime(), since = __atomic_load_n(&busy, __ATOMIC_SEQ_CST);
	struct machine *machine;
	uint32_t i;

	/* One look at a time is enough, unless it is the looker who hangs. */
	if ((since && !is_long_ago(since, now)) ||
	    !__atomic_compare_exchange_n(&busy, &since, now, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	machine = __atomic_load_n(&watched, __ATOMIC_SEQ_CST);
	for (i = 0; machine && i < machine->processors; i++)
		look(machine, &machine->processor[i], now);
	__atomic_store_n(&busy, 0, __ATOMIC_SEQ_CST);
}
