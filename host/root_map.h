/* SPDX-License-Identifier: MIT */
/*
 * Root's address space: where things are (gate.h says relative to what) and the page tables.
 *
 * What always holds: no page is both writable and executable, by any of its addresses; root's text
 * and read-only data have no writable address; no guard page is mapped; the low half is empty, but
 * for a gate page that the OS has there.
 *
 * World: OS. Callers hold the lifecycle's lock.
 */
#ifndef HOST_ROOT_MAP_H
#define HOST_ROOT_MAP_H

#include "machine.h"

/*
 * Chooses root_base and window_base, and sets window_bytes: in the upper half, whole entries of the
 * 512 GiB level that hold no page of the gate. INTERNAL: there is no room. NO_MEMORY.
 */
enum hp_error root_map_layout(struct machine *machine);

/* Builds the tables; sets machine->root_top. NO_MEMORY. */
enum hp_error root_map_build(struct machine *machine);

#endif
