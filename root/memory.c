// SPDX-License-Identifier: MIT
/*
 * The machine's EPT as root changes it: the tree, its lock, its generation, and memory types after
 * a write of an MTRR.
 *
 * The tree, the pool and the MTRRs' copy belong to whoever has the try-lock. Who doesn't get it
 * lets the guest try again: root never waits.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

bool memory_lock(struct gate_machine *machine)
{
	return __atomic_exchange_n(&machine->ept_lock, 1, __ATOMIC_ACQUIRE) == 0;
}

void memory_unlock(struct gate_machine *machine)
{
	__atomic_store_n(&machine->ept_lock, 0, __ATOMIC_RELEASE);
}

static uint64_t *table_at(void *context, struct phys table)
{
	return phys_ptr(context, table);
}

/* Root takes no new table but from the pool: those for pages of ours are there since the load. */
static bool take_none(void *context, struct phys *table)
{
	(void)context;
	(void)table;
	return false;
}

void memory_tree_open(struct memory_tree *tree, struct gate_machine *machine)
{
	tree->memory = (struct table_memory){ table_at, take_none, machine };
	tree->ept = (struct ept){
		.paging = { &paging_ept, &tree->memory, machine->ept_top, EPT_LEVELS,
			    machine->ept_largest },
		.mtrr = &machine->mtrr,
	};
}

void memory_changed(struct gate_machine *machine)
{
	__atomic_store_n(&machine->pool.generation, machine->pool.generation + 1, __ATOMIC_RELEASE);
}

uint64_t memory_passed(const struct gate_machine *machine)
{
	uint64_t lowest = ~0ull;
	unsigned i;

	for (i = 0; i < machine->processors && i < HP_PROCESSORS_MAX; i++) {
		uint64_t passed = __atomic_load_n(&machine->passed[i], __ATOMIC_ACQUIRE);

		if (passed < lowest)
			lowest = passed;
	}
	return lowest;
}

bool memory_retype(struct cpu *cpu)
{
	struct memory_tree tree;
	bool exact;

	memory_tree_open(&tree, cpu->machine);
	exact = ept_retype(&tree.ept, &cpu->machine->pool, memory_passed(cpu->machine));
	memory_changed(cpu->machine);
	return exact;
}

bool memory_refine(struct cpu *cpu)
{
	struct gate_machine *machine = cpu->machine;
	bool helps;

	if (!memory_lock(machine))
		return false;
	helps = ept_retype_helps(&machine->pool, memory_passed(machine));
	if (helps)
		memory_retype(cpu);
	memory_unlock(machine);
	return helps;
}
