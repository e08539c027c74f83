// SPDX-License-Identifier: MIT
/*
 * Invalidation by generation. Who changes the EPT counts its generation up; every processor
 * compares before each entry, invalidates when it is behind, and publishes how far it got. Nobody
 * waits for anybody.
 *
 * Source: SDM, Guidelines for Use of the INVEPT Instruction.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

/* IA32_VMX_EPT_VPID_CAP. */
#define INVVPID_CAP_SINGLE     BIT64(41)
#define INVVPID_CAP_NOT_GLOBAL BIT64(43)

static void catch_up(struct cpu *cpu)
{
	struct gate_machine *machine = cpu->machine;
	uint64_t generation = __atomic_load_n(&machine->pool.generation, __ATOMIC_ACQUIRE);

	invept(INVEPT_SINGLE, cpu->ept_pointer);
	cpu->ept_generation = generation;
	__atomic_store_n(&machine->passed[cpu->index], generation, __ATOMIC_RELEASE);
}

/* Whoever is the last to pass a generation frees the tables that a split may have been short of. */
void invalidate_catch_up(struct cpu *cpu)
{
	catch_up(cpu);
	if (unlikely(cpu->machine->pool.coarse) && memory_refine(cpu))
		catch_up(cpu);
}

/*
 * SDM: INVVPID - Invalidate Translations Based on VPID. Where the processor has no narrower type, a
 * wider one: more than must be dropped never shows.
 */
void invalidate_guest(const struct cpu *cpu, enum invalidate what)
{
	uint16_t vpid = (uint16_t)(cpu->index + 1);

	if (what == INVALIDATE_NOT_GLOBAL && (cpu->capability.ept_vpid & INVVPID_CAP_NOT_GLOBAL))
		invvpid(INVVPID_NOT_GLOBAL, vpid);
	else if (cpu->capability.ept_vpid & INVVPID_CAP_SINGLE)
		invvpid(INVVPID_SINGLE, vpid);
	else
		invvpid(INVVPID_ALL, 0);
}
