// SPDX-License-Identifier: MIT
/*
 * Undoing an exit that root could not deal with: the guest's state as it was when the guest left,
 * so that its instruction can be executed again, by the processor itself.
 *
 * What always holds: from an exit to the next one, every write of guest state goes through
 * undo_vmwrite(), but for that of RIP, whose value at the exit is kept anyway. What a handler changes
 * outside of the processor's registers (a port, an MSR) is not undone.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

void undo_vmwrite(uint32_t field, uint64_t value)
{
	struct cpu *cpu = cpu_here();
	struct undo *undo = &cpu->undo;

	if (undo->count < UNDO_ENTRIES) {
		undo->entry[undo->count].field = field;
		undo->entry[undo->count].value = vmread(field);
		undo->count++;
	}
	vmwrite(field, value);
}

void undo_roll_back(struct cpu *cpu)
{
	struct undo *undo = &cpu->undo;

	while (undo->count) {
		undo->count--;
		vmwrite(undo->entry[undo->count].field, undo->entry[undo->count].value);
	}
	vmwrite(VMCS_GUEST_RIP, cpu->exit->rip);
	guest_cr2_write(cpu, undo->cr2);
	/* Their upper halves mean nothing to it. */
	if (cpu->exit->reason == EXIT_REASON_CPUID) {
		cpu->gpr[RAX] = (uint32_t)cpu->exit->qualification;
		cpu->gpr[RCX] = cpu->exit->qualification >> 32;
	} else {
		__builtin_memcpy(cpu->gpr, undo->gpr, sizeof(cpu->gpr));
	}
}
