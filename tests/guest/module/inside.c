// SPDX-License-Identifier: GPL-2.0
/*
 * HyperPlatform's own structures, for the tests that look into them.
 *
 * World: the guest's kernel.
 */
#include "inside.h"
#include "tree/base/record.h"
#include "tree/host/machine.h"

_Static_assert(INSIDE_RECORDS == GATE_RECORDS, "the ring");

void *inside_gate(void *machine, unsigned int processor)
{
	return ((struct machine *)machine)->processor[processor].gate;
}

void *inside_ring(void *machine, unsigned int processor)
{
	return ((struct machine *)machine)->processor[processor].ring;
}

uint64_t inside_head(void *ring)
{
	return __atomic_load_n(&((struct gate_ring *)ring)->head, __ATOMIC_ACQUIRE);
}

unsigned int inside_steps(void *ring, uint64_t tail, uint64_t rip[6])
{
	const struct hp_record *record = &((struct gate_ring *)ring)->record[tail % GATE_RECORDS];
	unsigned int i, count = 0;

	for (i = 0; i < 6 && record->format == RECORD_STEP; i++) {
		if (record->argument[i])
			rip[count++] = record->argument[i];
	}
	return count;
}

/* As in host/memory.c, whose functions this module can't call. */
struct memory_ledger {
	struct memory_ledger *next;
	uint32_t count;
	struct memory_run run[];
};

bool inside_run(void *machine, unsigned int index, struct inside_run *run)
{
	const struct memory_ledger *ledger = ((struct machine *)machine)->memory.first;
	const struct memory_run *found;

	while (ledger && index >= ledger->count) {
		index -= ledger->count;
		ledger = ledger->next;
	}
	if (!ledger)
		return false;
	found = &ledger->run[index];
	run->physical = found->physical.value;
	run->pages = found->pages;
	if (found->view == MEMORY_OS)
		run->view = INSIDE_OS;
	else if (found->view == MEMORY_HIDDEN)
		run->view = INSIDE_HIDDEN;
	else
		run->view = found->kind == HP_MEMORY_RINGS ? INSIDE_RINGS : INSIDE_READABLE;
	return true;
}

uint64_t inside_step(void *gate_call, void *gate, uint64_t instructions)
{
	uint64_t GATE_ABI (*call)(struct gate_cpu *, uint64_t, uint64_t) = gate_call;

	return call(gate, GATE_CALL_STEP, instructions);
}
