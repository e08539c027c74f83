// SPDX-License-Identifier: MIT
/*
 * Who runs: the process by the guest's memory, as the OS side's layout says where it is, and the
 * image of a kernel's address by the OS side's table. Each read goes the guest's own way and may
 * fail; nothing that is found is used as an address but for another such read.
 *
 * World: root.
 */
#include <string.h>

#include "../base/msr.h"
#include "../base/operand.h"
#include "root.h"
#include "vmx.h"

#define UPPER_HALF (1ull << 63)

bool who_is_kernel(uint64_t address)
{
	return address & UPPER_HALF;
}

/* The walk wants canonical addresses, and what the guest's memory says may be none. */
static bool is_reachable(uint64_t address, unsigned bytes)
{
	return who_is_kernel(address) && address + bytes > address &&
	       operand_is_canonical(address, guest_linear_bits());
}

static bool read(struct cpu *cpu, uint64_t address, void *to, unsigned bytes)
{
	struct guest_fault fault;

	return is_reachable(address, bytes) &&
	       guest_memory_read(cpu, guest_virt(address), to, bytes, GUEST_AS_SUPERVISOR, &fault);
}

/*
 * The kernel's GS base: in user mode, and in the kernel's first and last instructions around it,
 * SWAPGS has put it away.
 */
static bool kernel_gs(uint64_t *base)
{
	*base = vmread(VMCS_GUEST_GS_BASE);
	if (guest_cpl() == 0 && who_is_kernel(*base))
		return true;
	return rdmsr_safe(IA32_KERNEL_GS_BASE, base);
}

/* The structure that has the rest. */
static bool find_process(struct cpu *cpu, const struct layout *layout, uint64_t *process)
{
	uint64_t gs, thread;

	if (!(layout->known & LAYOUT_CURRENT) || !kernel_gs(&gs) ||
	    !read(cpu, gs + layout->thread, &thread, sizeof(thread)))
		return false;
	*process = thread;
	return layout->process == LAYOUT_ITSELF ||
	       read(cpu, thread + layout->process, process, sizeof(*process));
}

static bool read_id(struct cpu *cpu, const struct layout *layout, uint64_t process, uint64_t *id)
{
	*id = 0;
	return layout->id_bytes <= sizeof(*id) &&
	       read(cpu, process + layout->id, id, layout->id_bytes);
}

static bool read_name(struct cpu *cpu, const struct layout *layout, uint64_t process,
		      char name[LAYOUT_NAME_MOST])
{
	unsigned i;

	if (layout->name_bytes > LAYOUT_NAME_MOST ||
	    !read(cpu, process + layout->name, name, layout->name_bytes))
		return false;
	for (i = 0; i < layout->name_bytes && name[i]; i++)
		;
	memset(name + i, 0, LAYOUT_NAME_MOST - i);
	return true;
}

void who_process(struct cpu *cpu, struct who_process *who)
{
	const struct layout *layout = &cpu->machine->layout;
	uint64_t process;

	memset(who, 0, sizeof(*who));
	if (!find_process(cpu, layout, &process))
		return;
	if ((layout->known & LAYOUT_ID) && read_id(cpu, layout, process, &who->id))
		who->known |= LAYOUT_ID;
	if ((layout->known & LAYOUT_NAME) && read_name(cpu, layout, process, who->name))
		who->known |= LAYOUT_NAME;
	if ((layout->known & LAYOUT_CREDENTIALS) &&
	    read(cpu, process + layout->credentials, &who->credentials, sizeof(who->credentials))) {
		who->credentials &= ~(uint64_t)layout->credentials_bits;
		who->known |= LAYOUT_CREDENTIALS;
	}
}

enum image_answer who_image(const struct cpu *cpu, uint64_t address, struct image *image)
{
	struct phys table = cpu->machine->images;

	if (!table.value)
		return IMAGE_UNKNOWN;
	return image_table_find(phys_ptr(cpu->machine, table), address, image);
}
