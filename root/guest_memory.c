// SPDX-License-Identifier: MIT
/*
 * The guest's memory by its linear addresses: through its page tables with the rights that it has,
 * and through EPT, so that what the guest can't reach, root doesn't reach for it. A hidden page
 * reads as the blank page that the guest sees; a write where it may not write goes nowhere and is
 * reported.
 *
 * Root's window has RAM only. An operand elsewhere, in the registers of a device, reads as ones,
 * and a write to it is dropped; the log says so. (For an operand of SGDT or OUTS that is no loss.)
 *
 * Everything is translated before anything is read or written: a fault changes nothing.
 *
 * Source: SDM, Paging; The Extended Page Table Mechanism (EPT).
 * World: root.
 */
#include "../base/guest_walk.h"
#include "../base/msr.h"
#include "root.h"
#include "vmx.h"

/* One access: who makes it, and the maps. */
struct space {
	struct cpu *cpu;
	struct memory_tree tree;
	struct guest_paging paging;
	struct guest_tables tables;
};

/* NULL: EPT does not let the guest do that there. */
static void *resolve(struct space *space, struct guest_phys address, uint64_t rights)
{
	struct phys target;
	uint64_t flags;

	if (!paging_translate(&space->tree.ept.paging, address.value, &target, &flags) ||
	    (flags & rights) != rights)
		return NULL;
	return phys_ptr(space->cpu->machine, target);
}

static uint64_t load_entry(void *context, struct guest_phys entry)
{
	const uint64_t *at = resolve(context, entry, EPT_READ);
	uint64_t value;

	return at && load_safe(at, &value) ? value : 0;
}

/* Where EPT forbids the write, the processor's own flags would land on the sink: nobody reads them.
 */
static bool update_entry(void *context, struct guest_phys entry, uint64_t old, uint64_t value)
{
	uint64_t *at = resolve(context, entry, EPT_READ | EPT_WRITE);

	return !at || exchange_safe(at, old, value);
}

static void open_space(struct space *space, struct cpu *cpu)
{
	uint64_t cr4 = vmread(VMCS_GUEST_CR4), pkrs = 0;

	space->cpu = cpu;
	memory_tree_open(&space->tree, cpu->machine);
	space->tables = (struct guest_tables){ load_entry, update_entry, space };
	if (cr4 & CR4_PKS)
		rdmsr_safe(IA32_PKRS, &pkrs);
	space->paging = (struct guest_paging){
		.cr0 = vmread(VMCS_GUEST_CR0),
		.cr3 = vmread(VMCS_GUEST_CR3),
		.cr4 = cr4,
		.efer = vmread(VMCS_GUEST_EFER),
		.rflags = vmread(VMCS_GUEST_RFLAGS),
		.pkru = (cr4 & CR4_PKE) && (read_cr4() & CR4_PKE) ? read_pkru() : 0,
		.pkrs = (uint32_t)pkrs,
		.cpl = (uint8_t)guest_cpl(),
		.physical_bits = cpu->capability.physical_bits,
		.pages_1g = cpu->capability.leaf81.edx & CPUID_81_EDX_PAGE1GB,
	};
}

/* At most two pages. */
struct pieces {
	struct guest_phys address[2];
	unsigned bytes[2];
};

static bool translate(struct space *space, struct guest_virt address, unsigned bytes,
		      enum guest_access access, enum guest_as as, struct pieces *pieces,
		      struct guest_fault *fault)
{
	unsigned i, room = (unsigned)(SIZE_4K - (address.value & (SIZE_4K - 1)));

	pieces->bytes[0] = bytes < room ? bytes : room;
	pieces->bytes[1] = bytes - pieces->bytes[0];
	for (i = 0; i < 2 && pieces->bytes[i]; i++) {
		*fault = (struct guest_fault){ .vector = VECTOR_PF,
					       .has_error_code = true,
					       .address = address.value };
		if (!guest_walk(&space->paging, &space->tables, address, access,
				as == GUEST_AS_SUPERVISOR, &pieces->address[i], &fault->error_code))
			return false;
		address.value += room;
	}
	return true;
}

static void report_outside(struct space *space, struct guest_phys address)
{
	RECORD(space->cpu, OPERAND_OUTSIDE, HP_WARN, address.value, vmread(VMCS_GUEST_RIP));
}

static void read_piece(struct space *space, struct guest_phys from, void *to, unsigned bytes)
{
	const void *at = resolve(space, from, EPT_READ);

	if (at && copy_safe(to, at, bytes))
		return;
	__builtin_memset(to, 0xff, bytes);
	report_outside(space, from);
}

static void write_piece(struct space *space, struct guest_phys to, const void *from, unsigned bytes)
{
	void *at = resolve(space, to, EPT_READ | EPT_WRITE);

	if (at && copy_safe(at, from, bytes))
		return;
	report_outside(space, to);
}

static bool read_as(struct cpu *cpu, struct guest_virt from, void *to, unsigned bytes,
		    enum guest_access access, enum guest_as as, struct guest_fault *fault)
{
	struct pieces pieces;
	struct space space;

	open_space(&space, cpu);
	if (!translate(&space, from, bytes, access, as, &pieces, fault))
		return false;
	read_piece(&space, pieces.address[0], to, pieces.bytes[0]);
	if (pieces.bytes[1])
		read_piece(&space, pieces.address[1], (uint8_t *)to + pieces.bytes[0],
			   pieces.bytes[1]);
	return true;
}

bool guest_memory_read(struct cpu *cpu, struct guest_virt from, void *to, unsigned bytes,
		       enum guest_as as, struct guest_fault *fault)
{
	return read_as(cpu, from, to, bytes, GUEST_READ, as, fault);
}

bool guest_memory_fetch(struct cpu *cpu, struct guest_virt from, void *to, unsigned bytes,
			struct guest_fault *fault)
{
	return read_as(cpu, from, to, bytes, GUEST_FETCH, GUEST_AS_CPL, fault);
}

bool guest_memory_write(struct cpu *cpu, struct guest_virt to, const void *from, unsigned bytes,
			enum guest_as as, struct guest_fault *fault)
{
	struct pieces pieces;
	struct space space;

	open_space(&space, cpu);
	if (!translate(&space, to, bytes, GUEST_WRITE, as, &pieces, fault))
		return false;
	write_piece(&space, pieces.address[0], from, pieces.bytes[0]);
	if (pieces.bytes[1])
		write_piece(&space, pieces.address[1], (const uint8_t *)from + pieces.bytes[0],
			    pieces.bytes[1]);
	return true;
}

bool guest_memory_writable(struct cpu *cpu, struct guest_virt to, unsigned bytes, enum guest_as as,
			   struct guest_fault *fault)
{
	struct pieces pieces;
	struct space space;

	open_space(&space, cpu);
	return translate(&space, to, bytes, GUEST_WRITE, as, &pieces, fault);
}
