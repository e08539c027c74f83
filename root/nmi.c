// SPDX-License-Identifier: MIT
/*
 * NMIs keep their order: one that arrives while root runs is counted by its handler (fault.S), one
 * that arrives while the guest runs is an exit, and both reach the guest at the next entry at which
 * it can take them. The processor itself keeps one NMI in service and one latched, so more than two
 * are never owed.
 *
 * The counters are changed by single instructions: the handler runs on this processor only.
 *
 * Source: SDM, Nonmaskable Interrupts in VMX; Interruptibility State; Event Injection.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define NMIS_OWED_MAX 2

static void set_window(struct cpu *cpu, bool on)
{
	uint32_t controls =
		on ? cpu->controls.proc | PROC_NMI_WINDOW : cpu->controls.proc & ~PROC_NMI_WINDOW;

	if (controls == cpu->controls.proc)
		return;
	cpu->controls.proc = controls;
	vmwrite(VMCS_PROC_CONTROLS, controls);
}

/* Before an entry: injects an NMI that is owed, or asks for an exit as soon as it can be taken. */
void nmi_arrange(struct cpu *cpu)
{
	cpu->nmi_new = 0;
	cpu->ring->nmis_in_root = cpu->nmis_in_root;
	if (cpu->nmis > NMIS_OWED_MAX)
		cpu->nmis = NMIS_OWED_MAX;
	if (cpu->nmis && !(vmread(VMCS_ENTRY_INTERRUPTION) & EVENT_VALID) &&
	    !(vmread(VMCS_GUEST_INTERRUPTIBILITY) &
	      (BLOCKING_STI | BLOCKING_MOV_SS | BLOCKING_NMI))) {
		vmwrite(VMCS_ENTRY_INTERRUPTION, event_info(EVENT_NMI, VECTOR_NMI, false));
		asm volatile("decl %0" : "+m"(cpu->nmis) : : "cc");
	}
	set_window(cpu, cpu->nmis != 0);
}

/* An NMI that arrived in the guest. */
enum outcome nmi_exit(struct cpu *cpu)
{
	uint64_t bit = BIT64(cpu->stuck_bit);

	/* The OS side's own, for a processor that has come out of root meanwhile. */
	if (unlikely(*cpu->stuck & bit))
		__atomic_fetch_and(cpu->stuck, ~bit, __ATOMIC_RELAXED);
	else
		asm volatile("incl %0" : "+m"(cpu->nmis) : : "cc");
	cpu->nmi_new = 1;
	inject_interrupted_event(cpu);
	nmi_unblock();
	return OUTCOME_RESUME;
}

/* For an NMI that is owed, or for a step. */
enum outcome nmi_window(struct cpu *cpu)
{
	cpu->nmi_new = 1;
	return cpu->stepping ? step_exit(cpu) : OUTCOME_RESUME;
}
