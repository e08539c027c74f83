// SPDX-License-Identifier: MIT
/*
 * The last way out. The guest's address space may have neither the gate's text nor its page: then
 * an entry for both is planted in a free slot of its top-level table, and of root's, and the gate
 * runs at that alias. The OS side takes the entry out again (struct gate_cpu: planted).
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define TABLE_ENTRIES 512u

static unsigned levels(void)
{
	return vmread(VMCS_GUEST_CR4) & CR4_LA57 ? 5 : 4;
}

struct translation {
	struct phys target;
	bool user, writable, executable;
};

static bool translate(const struct cpu *cpu, uint64_t cr3, uint64_t address,
		      struct translation *translation)
{
	uint64_t entry = cr3 & PTE_ADDRESS, offset;
	unsigned level;

	*translation = (struct translation){ .user = true, .writable = true, .executable = true };
	for (level = levels(); level; level--) {
		unsigned shift = 12 + 9 * (level - 1);
		const uint64_t *table = phys_ptr(cpu->machine, phys(entry & PTE_ADDRESS));

		if (!load_safe(table + (address >> shift & (TABLE_ENTRIES - 1)), &entry) ||
		    !(entry & PTE_PRESENT))
			return false;
		translation->user &= (entry & PTE_USER) != 0;
		translation->writable &= (entry & PTE_WRITE) != 0;
		translation->executable &= !(entry & PTE_NX);
		if (level == 1 || (level < 4 && (entry & PTE_LARGE))) {
			offset = address & (BIT64(shift) - 1);
			translation->target =
				phys((entry & PTE_ADDRESS & ~(BIT64(shift) - 1)) | offset);
			return true;
		}
	}
	return false;
}

static bool is_same(const struct cpu *cpu, uint64_t cr3, uint64_t address,
		    struct translation *guest)
{
	struct translation root;

	return translate(cpu, cr3, address, guest) &&
	       translate(cpu, cpu->gate->root_cr3, address, &root) &&
	       guest->target.value == root.target.value && !guest->user;
}

bool escape_is_open(const struct cpu *cpu, uint64_t cr3)
{
	struct translation guest;

	return is_same(cpu, cr3, cpu->machine->gate_text, &guest) && guest.executable &&
	       is_same(cpu, cr3, (uintptr_t)cpu->gate, &guest) && guest.writable;
}

/* A slot of the upper half that is free in both; 0: there is none. */
static unsigned find_slot(const uint64_t *guest, const uint64_t *root)
{
	unsigned slot;
	uint64_t value;

	for (slot = TABLE_ENTRIES - 1; slot >= TABLE_ENTRIES / 2; slot--) {
		if (load_safe(guest + slot, &value) && !value && !root[slot])
			return slot;
	}
	return 0;
}

/* The pointers of the page to itself and to the gate's text. */
static void rebase(struct gate_cpu *gate, uint64_t text_distance, uint64_t page_distance)
{
	uint64_t handler = (gate->cross_idt[4] & 0xffff) | (gate->cross_idt[4] >> 32 & 0xffff0000) |
			   gate->cross_idt[5] << 32;

	handler += text_distance;
	gate->cross_idt[4] = (gate->cross_idt[4] & 0x0000ffffffff0000ull) | (handler & 0xffff) |
			     (handler & 0xffff0000ull) << 32;
	gate->cross_idt[5] = handler >> 32;
	gate->cross_idtr.base += page_distance;
	gate->copy_gdtr.base += page_distance;
}

static void plant(struct cpu *cpu) __attribute__((noreturn));
static void plant(struct cpu *cpu)
{
	const struct gate_machine *machine = cpu->machine;
	struct gate_cpu *gate = cpu->gate;
	uint64_t *guest = phys_ptr(machine, phys(gate->state.cr3 & PTE_ADDRESS));
	uint64_t *root = phys_ptr(machine, machine->root_top);
	unsigned slot = find_slot(guest, root);
	unsigned shift = gate->state.cr4 & CR4_LA57 ? 48 : 39;
	uint64_t base = ~0ull << (shift + 9) | (uint64_t)slot << shift;
	uint64_t text_distance = base - machine->gate_text;
	uint64_t page = base + GATE_ALIAS_CPU(gate->index);

	if (slot && exchange_safe(guest + slot, 0, machine->alias)) {
		gate->planted = phys((gate->state.cr3 & PTE_ADDRESS) + slot * sizeof(uint64_t));
		gate->planted_value = machine->alias;
		root[slot] = machine->alias;
		rebase(gate, text_distance, page - (uintptr_t)gate);
		leave_crossing((struct gate_cpu *)(uintptr_t)page,
			       machine->gate_leave + text_distance, cpu);
	}
	for (;;)
		asm volatile("hlt");
}

/* The event that the last entry was to deliver: no other entry will. An NMI is the crossing's. */
static void deliver_injection(struct cpu *cpu)
{
	const struct event event = {
		(uint32_t)vmread(VMCS_ENTRY_INTERRUPTION),
		(uint32_t)vmread(VMCS_ENTRY_ERROR_CODE),
		(uint32_t)vmread(VMCS_ENTRY_LENGTH),
	};

	/* Whatever comes of it: it is tried once. */
	vmwrite(VMCS_ENTRY_INTERRUPTION, 0);
	if (!(event.info & EVENT_VALID))
		return;
	if (EVENT_TYPE(event.info) == EVENT_NMI)
		cpu->nmis++;
	else
		deliver(cpu, &event);
}

void escape(struct cpu *cpu)
{
	bool is_open = true;

	nmi_unblock();
	report_end(cpu, HP_REPORT_ESCAPED);
	/* What failed may have been a page fault of ours. */
	write_cr2(cpu->cr2);
	if (cpu->in_vmx) {
		deliver_injection(cpu);
		is_open = escape_is_open(cpu, vmread(VMCS_GUEST_CR3));
	}
	leave_store(cpu);
	if (is_open)
		leave_crossing(cpu->gate, cpu->machine->gate_leave, cpu);
	plant(cpu);
}
