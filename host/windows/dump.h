/* SPDX-License-Identifier: MIT */
/*
 * What a crash dump has of us, however small it is: a piece of text with the last records of each
 * processor, as secondary data under DUMP_GUID.
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

/* IRQL: PASSIVE. */
void dump_init(void);
void dump_end(void);

#endif
