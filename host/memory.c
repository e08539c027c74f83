// SPDX-License-Identifier: MIT
/*
 * The ledger is a list of pages, each full of runs. It is the OS side's own and stays readable and
 * writable for it while everything else of ours is hidden.
 *
 * World: OS.
 */
#include <string.h>

#include "memory.h"

#define LEDGER_RUNS ((HOST_PAGE - 16) / sizeof(struct memory_run))

struct memory_ledger {
	struct memory_ledger *next;
	uint32_t count;
	struct memory_run run[LEDGER_RUNS];
};
_Static_assert(sizeof(struct memory_ledger) <= HOST_PAGE, "a ledger is one page");

/* Where the next run is written down. */
static struct memory_run *next_run(struct memory *memory)
{
	struct memory_ledger *ledger = memory->last;
	struct phys physical;

	if (!ledger || ledger->count == LEDGER_RUNS) {
		ledger = host_allocate(1, &physical);
		if (!ledger)
			return NULL;
		if (memory->last)
			memory->last->next = ledger;
		else
			memory->first = ledger;
		memory->last = ledger;
		memory->bytes[HP_MEMORY_SHARED] += HOST_PAGE;
	}
	return &ledger->run[ledger->count];
}

void *memory_take(struct memory *memory, uint32_t pages, enum hp_memory_kind kind,
		  enum memory_view view, struct phys *physical)
{
	struct memory_run *run = next_run(memory);

	if (!run)
		return NULL;
	run->address = host_allocate(pages, &run->physical);
	if (!run->address)
		return NULL;
	run->pages = pages;
	run->kind = kind;
	run->view = view;
	memory->last->count++;
	memory->runs++;
	memory->bytes[kind] += (uint64_t)pages * HOST_PAGE;
	if (physical)
		*physical = run->physical;
	return run->address;
}

const struct memory_run *memory_run(const struct memory *memory, uint32_t index)
{
	const struct memory_ledger *ledger;

	for (ledger = memory->first; ledger; ledger = ledger->next) {
		if (index < ledger->count)
			return &ledger->run[index];
		index -= ledger->count;
	}
	return NULL;
}

static void *search(const struct memory *memory, uint64_t page)
{
	const struct memory_ledger *ledger;
	const struct memory_run *run;
	uint32_t i;

	for (ledger = memory->first; ledger; ledger = ledger->next) {
		for (i = 0; i < ledger->count; i++) {
			run = &ledger->run[i];
			if (page - run->physical.value < (uint64_t)run->pages * HOST_PAGE)
				return (uint8_t *)run->address + (page - run->physical.value);
		}
	}
	return NULL;
}

/* A walk goes through the same few tables again and again: hence the cache. */
void *memory_at(struct memory *memory, struct phys page)
{
	uint32_t slot = (uint32_t)(page.value / HOST_PAGE) % MEMORY_CACHE;

	if (!memory->cache[slot].address || memory->cache[slot].page != page.value) {
		memory->cache[slot].page = page.value;
		memory->cache[slot].address = search(memory, page.value);
	}
	return memory->cache[slot].address;
}

void memory_release(struct memory *memory)
{
	struct memory_ledger *ledger, *next;
	uint32_t i;

	for (ledger = memory->first; ledger; ledger = next) {
		next = ledger->next;
		for (i = 0; i < ledger->count; i++)
			host_free(ledger->run[i].address, ledger->run[i].pages);
		host_free(ledger, 1);
	}
	memset(memory, 0, sizeof(*memory));
}

static uint64_t *tables_at(void *context, struct phys table)
{
	struct memory_tables *tables = context;

	return memory_at(tables->memory, table);
}

static bool tables_take(void *context, struct phys *table)
{
	struct memory_tables *tables = context;

	return memory_take(tables->memory, 1, tables->kind, MEMORY_HIDDEN, table);
}

void memory_tables_init(struct memory_tables *tables, struct memory *memory,
			enum hp_memory_kind kind)
{
	tables->memory = memory;
	tables->kind = kind;
	tables->tables.at = tables_at;
	tables->tables.take = tables_take;
	tables->tables.context = tables;
}
