/* SPDX-License-Identifier: MIT */
/*
 * The ledger of memory: every page that HyperPlatform takes from the OS for a run is written down
 * here, with what it is for and how the guest may see it. So all of it can be hidden, counted,
 * found by its physical address, and given back in one call whatever had been reached.
 *
 * World: OS. Callers hold the lifecycle's lock.
 */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include "host.h"
#include "../base/paging.h"

enum memory_view {
	MEMORY_OS,     /* the OS side's own: untouched by EPT */
	MEMORY_READ,   /* the guest may read it */
	MEMORY_HIDDEN, /* the guest sees a blank page */
};

/* One allocation. */
struct memory_run {
	void *address;
	struct phys physical;
	uint32_t pages;
	uint16_t kind; /* enum hp_memory_kind */
	uint16_t view; /* enum memory_view */
};

struct memory_ledger;

#define MEMORY_CACHE 64

struct memory {
	struct memory_ledger *first, *last;
	uint32_t runs;
	uint64_t bytes[HP_MEMORY_KINDS_COUNT];
	struct {
		uint64_t page;
		void *address; /* NULL: an empty slot */
	} cache[MEMORY_CACHE];
};

/* Takes zeroed, contiguous pages. Sets `physical` (NULL: not wanted). NULL: no memory. Process. */
void *memory_take(struct memory *memory, uint32_t pages, enum hp_memory_kind kind,
		  enum memory_view view, struct phys *physical);

/* Run number `index`, in the order of taking; NULL from memory->runs on. */
const struct memory_run *memory_run(const struct memory *memory, uint32_t index);

/* The OS's address of a page of ours; NULL if it isn't. */
void *memory_at(struct memory *memory, struct phys page);

/* Gives everything back and leaves an empty ledger. No processor uses any of it. Process. */
void memory_release(struct memory *memory);

/* Tables for base/paging, of one kind, hidden from the guest: the functions' context is this. */
struct memory_tables {
	struct memory *memory;
	enum hp_memory_kind kind;
	struct table_memory tables; /* set by memory_tables_init() */
};
void memory_tables_init(struct memory_tables *tables, struct memory *memory,
			enum hp_memory_kind kind);

#endif
