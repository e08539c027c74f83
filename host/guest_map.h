/* SPDX-License-Identifier: MIT */
/*
 * What the guest sees: the machine's EPT, an identity of all RAM with the memory types of the
 * MTRRs, in which our own pages are blank or read-only, and the pool of tables for device memory.
 *
 * World: OS. Callers hold the lifecycle's lock.
 */
#ifndef HOST_GUEST_MAP_H
#define HOST_GUEST_MAP_H

#include "machine.h"

/*
 * Builds the tree from machine->memory, which must have everything but EPT tables by now, and fills
 * the EPT's part of machine->gate. NO_MEMORY.
 */
enum hp_error guest_map_build(struct machine *machine);

#endif
