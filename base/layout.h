/* SPDX-License-Identifier: MIT */
/*
 * Where the system keeps its current process: the numbers by which root finds process, id, name and
 * credentials in the guest's memory. The OS side finds them out (host_layout() in host/host.h), and
 * what it is not sure of stays unknown; all zeros is "nothing is known".
 *
 * The kernel's GS base + `thread` is the address of a pointer to the current thread. On a system
 * that tells threads from processes, the thread's structure has a pointer to its process' at
 * `process`. The rest is in the process' structure, or in the thread's where there is no other.
 *
 * World: any (pure).
 */
#ifndef BASE_LAYOUT_H
#define BASE_LAYOUT_H

#include <stdint.h>

/* Bits of `known`: each means something with LAYOUT_CURRENT only. */
#define LAYOUT_CURRENT	   (1u << 0) /* `thread`, and `process` if it is used */
#define LAYOUT_ID	   (1u << 1)
#define LAYOUT_NAME	   (1u << 2)
#define LAYOUT_CREDENTIALS (1u << 3)

#define LAYOUT_NAME_MOST 16u

/* Instead of an offset `process`: the thread's structure is it. */
#define LAYOUT_ITSELF 0xffffffffu

struct layout {
	uint64_t thread; /* may be negative: the sum wraps */
	uint32_t known;
	uint32_t process;
	uint32_t id, id_bytes;	   /* of 4 or 8 */
	uint32_t name, name_bytes; /* at most LAYOUT_NAME_MOST; ends at a NUL, if there is one */
	uint32_t credentials;	   /* a pointer */
	uint32_t credentials_bits; /* that are not the pointer's: a mask of its lowest bits */
};

#endif
