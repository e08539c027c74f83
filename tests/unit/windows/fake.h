/* SPDX-License-Identifier: MIT */
/*
 * An NT that is pretended: what the tests set up, and what the files under test did to it.
 */
#ifndef TESTS_WINDOWS_FAKE_H
#define TESTS_WINDOWS_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/windows/nt.h"

struct fake {
	/* Processors: as groups of `in_group` (a newer NT), or the one mask of an older. */
	bool newer;
	uint32_t active, maximum, in_group;
	KAFFINITY mask;
	uint32_t current; /* where this thread is */
	uint32_t home;	  /* where it goes back to */
	uint32_t dpcs;	  /* that ran */
	bool dpcs_high;	  /* all of them were of high importance */
	KIRQL irql;
	unsigned timeouts; /* of each wait with an end, before what it waits for happens */
	unsigned waits;	   /* that ended by their time, since the last one that did not */
	int threads;
	uint32_t ticks[256]; /* of the watch, by the processor that it was on */
	uint32_t met;	     /* the processor whose APIC was last asked for */

	/* What SystemModuleInformation answers, and who wants to know of images. */
	const void *modules;
	size_t modules_bytes;
	PLOAD_IMAGE_NOTIFY_ROUTINE on_image;
	int pool_blocks;

	/* Who runs, and where processes of this NT have their name. */
	PEPROCESS process;
	uintptr_t process_id;
	size_t name_offset;
	uint64_t elapsed; /* milliseconds, for host_time() */

	/* Files. */
	bool no_file_system;
	char file[65536];
	size_t file_bytes;
	unsigned writes;
	bool file_open;
	DRIVER_REINITIALIZE *at_boot, *later;
	unsigned wakes;
};
extern struct fake fake;

/* For each test: everything as it is at first. */
int fake_setup(void **state);

#endif
