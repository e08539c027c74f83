/* SPDX-License-Identifier: MIT */
/*
 * What a crash dump has of us. In every dump, however small: a piece of text with the last records
 * of each processor, as secondary data under DUMP_GUID. In those with the kernel's memory: all of
 * the rings, reports and VM exits, to which the anchor leads, at the start of the section .dump of
 * our image. The script hyperplatform.js prints them (docs/windows.md).
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_DUMP_H
#define HOST_WINDOWS_DUMP_H

#include <stddef.h>

#include "nt.h"

/* {48707950-6465-6d70-a1b2-525431445550}; docs/windows.md says how it is read. */
#define DUMP_GUID                                                                                  \
	{                                                                                          \
		0x48707950, 0x6465, 0x6d70,                                                        \
		{                                                                                  \
			0xa1, 0xb2, 0x52, 0x54, 0x31, 0x44, 0x55, 0x50                             \
		}                                                                                  \
	}

/*
 * Where a run's rings and trails are. A change of layout changes DUMP_VERSION, and hyperplatform.js
 * with it. Offsets and sizes are in bytes.
 */
#define DUMP_SIGNATURE "HypDump"
#define DUMP_VERSION   1u

struct dump_anchor {
	char signature[8];
	uint32_t version;
	uint32_t processors; /* 0: not running */
	/* The table of struct processor, the size of one, and where two pointers are in it. */
	uint64_t processor;
	uint32_t processor_bytes, processor_gate, processor_ring;
	/* In struct gate_cpu, 32 bits. */
	uint32_t gate_in_guest;
	/* In struct gate_ring, 64 bits; the ring's first member is its head. */
	uint32_t ring_exits;
	/* The records in struct gate_ring. */
	uint32_t ring_record, records, record_bytes;
	/* A third pointer in struct processor; in struct gate_trail, whose first member is the
	   report, the exits, how many there are, the size of one. */
	uint32_t processor_trail, trail_exit, exits, exit_bytes;
};

/* IRQL: PASSIVE. */
void dump_init(void);
void dump_end(void);

struct machine;

/* A run begins, or NULL: it has ended. Any IRQL. */
void dump_run(const struct machine *machine);

#endif
