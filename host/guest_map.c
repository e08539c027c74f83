// SPDX-License-Identifier: MIT
/*
 * The guest's view of memory. See guest_map.h.
 *
 * World: OS.
 */
#include "guest_map.h"
#include "../base/ept.h"
#include "../base/msr.h"

static uint64_t read_msr(uint32_t msr)
{
	uint64_t value;

	return host_rdmsr(msr, &value) ? value : 0;
}

/* SDM: MTRR Feature Identification. The registers are the same on all processors. */
static void read_mtrr(struct mtrr *mtrr)
{
	uint32_t leaf[4];
	unsigned i;

	host_cpuid(0x80000008, 0, leaf);
	mtrr->physical_bits = leaf[0] & 0xff;
	host_cpuid(1, 0, leaf);
	mtrr->present = leaf[3] & CPUID_1_EDX_MTRR;
	if (!mtrr->present)
		return;
	mtrr->cap = read_msr(IA32_MTRRCAP);
	mtrr->def_type = read_msr(IA32_MTRR_DEF_TYPE);
	for (i = 0; i < MTRR_FIXED; i++)
		mtrr->fixed[i] = read_msr(mtrr_fixed_msr[i]);
	for (i = 0; i < mtrr_variable_count(mtrr); i++) {
		mtrr->variable[i].base = read_msr(IA32_MTRR_PHYSBASE0 + 2 * i);
		mtrr->variable[i].mask = read_msr(IA32_MTRR_PHYSMASK0 + 2 * i);
	}
}

static bool fill_pool(struct machine *machine)
{
	struct ept_pool *pool = &machine->gate->pool;
	unsigned i;

	pool->generation = 1;
	pool->tables = EPT_POOL_TABLES;
	pool->reserve = EPT_POOL_RESERVE;
	for (i = 0; i < EPT_POOL_TABLES; i++) {
		if (!memory_take(&machine->memory, 1, HP_MEMORY_EPT, MEMORY_HIDDEN,
				 &pool->table[i].table))
			return false;
		pool->table[i].state = EPT_POOL_FREE;
	}
	return true;
}

static bool map_range(void *context, struct memory_range range)
{
	return ept_map_identity(context, range.start, range.bytes);
}

static bool protect_run(struct ept *ept, const struct memory_run *run, struct phys blank)
{
	uint64_t address = run->physical.value;
	uint32_t i;

	for (i = 0; i < run->pages; i++, address += SIZE_4K) {
		struct phys target = run->view == MEMORY_READ ? phys(address) : blank;

		if (!ept_set_page(ept, guest_phys(address), target, EPT_READ,
				  run->view == MEMORY_READ ? mtrr_type(ept->mtrr, address)
							   : MEMORY_WB))
			return false;
	}
	return true;
}

/* Protecting a page may take a table, which comes to the end of the ledger: until none came. */
static bool protect_all(struct machine *machine, struct ept *ept)
{
	struct phys text = host_physical(gate_text);
	const struct memory_run *run;
	uint32_t i;

	if (!ept_set_page(ept, guest_phys(text.value), text, EPT_READ | EPT_EXEC,
			  mtrr_type(ept->mtrr, text.value)))
		return false;
	for (i = 0; (run = memory_run(&machine->memory, i)); i++) {
		if (run->view != MEMORY_OS && !protect_run(ept, run, machine->gate->blank))
			return false;
	}
	return true;
}

static void count_leaves(const struct ept *ept, uint64_t pages[3])
{
	uint64_t end = paging_entry_bytes(EPT_LEVELS + 1), address;
	struct paging_place place;

	for (address = 0; address < end; address += paging_entry_bytes(place.level)) {
		place = paging_find(&ept->paging, address);
		if (place.present)
			pages[place.level - 1]++;
	}
}

enum hp_error guest_map_build(struct machine *machine)
{
	struct gate_machine *gate = machine->gate;
	struct memory_tables tables;
	struct ept ept = {
		.paging = {
			.format = &paging_ept,
			.memory = &tables.tables,
			.levels = EPT_LEVELS,
			.largest = machine->ept_largest,
		},
		.mtrr = &gate->mtrr,
	};

	read_mtrr(&gate->mtrr);
	memory_tables_init(&tables, &machine->memory, HP_MEMORY_EPT);
	if (!tables.tables.take(&tables, &ept.paging.top) || !fill_pool(machine) ||
	    !host_memory(map_range, &ept) || !protect_all(machine, &ept))
		return HP_ERROR_NO_MEMORY;
	gate->ept_top = ept.paging.top;
	gate->ept_largest = machine->ept_largest;
	count_leaves(&ept, machine->ept_pages);
	return HP_ERROR_OK;
}
