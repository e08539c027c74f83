// SPDX-License-Identifier: MIT
/*
 * EPT violations: device memory at its first touch, and writes to memory of ours, which end on the
 * sink page.
 *
 * Source: SDM, EPT Violations; Exit Qualification for EPT Violations.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

static void map_device(struct cpu *cpu, struct memory_tree *tree, struct guest_phys address)
{
	struct gate_machine *machine = cpu->machine;

	if (ept_map_device(&tree->ept, &machine->pool, address, memory_passed(machine)) ==
	    EPT_DEVICE_OUTSIDE)
		RECORD(cpu, DEVICE_OUTSIDE, HP_WARN, address.value, vmread(VMCS_GUEST_RIP));
}

/*
 * A write to a page that the guest may only read. A hidden page shows the blank page: from now on
 * it shows the sink, where the write may land. A page that the guest may read for real (rings, the
 * gate) is treated the same way: what the guest reads there afterwards is its own.
 */
static void sink_write(struct cpu *cpu, struct memory_tree *tree, struct guest_phys address)
{
	/* Needs no table: pages of ours have leaves of their own since the load. */
	ept_set_page(&tree->ept, guest_phys(align_down(address.value, SIZE_4K)), cpu->machine->sink,
		     EPT_READ | EPT_WRITE, MEMORY_WB);
	memory_changed(cpu->machine);
}

static void report_write_by(struct cpu *cpu, struct guest_phys address)
{
	const uint64_t arguments[] = {
		address.value,
		vmread(VMCS_GUEST_LINEAR_ADDRESS),
		vmread(VMCS_GUEST_RIP),
		vmread(VMCS_GUEST_CR3),
	};

	record_who(cpu, RECORD_HIDDEN_WRITE, HP_WARN, arguments, 4);
}

/* True: it was a write that goes to the sink page from now on. */
static bool resolve(struct cpu *cpu, struct guest_phys address, uint64_t qualification)
{
	struct paging_place place;
	struct memory_tree tree;

	memory_tree_open(&tree, cpu->machine);
	place = paging_find(&tree.ept.paging, address.value);
	if (!place.present) {
		map_device(cpu, &tree, address);
		return false;
	}
	if ((qualification & EPT_VIOLATION_WRITE) && !(*place.entry & EPT_WRITE)) {
		sink_write(cpu, &tree, address);
		return true;
	}
	/*
	 * Else another processor resolved it meanwhile: the guest tries again. A fetch from a
	 * hidden page never ends that way, so it becomes what a fetch from a page without execute
	 * rights is.
	 */
	if ((qualification & EPT_VIOLATION_FETCH) && !(*place.entry & EPT_EXEC))
		inject_ud(cpu);
	return false;
}

enum outcome exit_ept_violation(struct cpu *cpu)
{
	struct guest_phys address = guest_phys(vmread(VMCS_GUEST_PHYSICAL_ADDRESS));
	uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
	bool written;

	inject_interrupted_event(cpu);
	/* An IRET that unblocked NMIs and then met the violation will run again: block them again.
	 */
	if ((qualification & EPT_VIOLATION_NMI_UNBLOCKED) &&
	    !(vmread(VMCS_IDT_VECTORING) & EVENT_VALID))
		undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			     vmread(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_NMI);
	if (!memory_lock(cpu->machine))
		return OUTCOME_RESUME;
	written = resolve(cpu, address, qualification);
	memory_unlock(cpu->machine);
	if (written)
		report_write_by(cpu, address);
	return OUTCOME_RESUME;
}
