// SPDX-License-Identifier: MIT
/*
 * A run's preparation: everything that can fail for want of memory or because of a damaged image
 * happens here, before any processor is touched.
 *
 * World: OS.
 */
#include <string.h>

#include "guest_map.h"
#include "images.h"
#include "machine.h"
#include "processor.h"
#include "root_map.h"

#define BLOCK_PAGES ((uint32_t)__builtin_popcount(GATE_BLOCK_MAPPED))

static void read_facts(struct machine *machine)
{
	struct host_registers registers;
	uint32_t leaf[4];

	host_registers(&registers);
	machine->levels = registers.cr4 & CR4_LA57 ? 5 : 4;
	host_cpuid(0x80000001, 0, leaf);
	machine->root_largest = leaf[3] & CPUID_81_EDX_PAGE1GB ? 3 : 2;
}

enum hp_error machine_begin(struct machine *machine)
{
	uint32_t count = host_processors(), i;
	uint64_t bytes = align_up((uint64_t)count * sizeof(struct processor), HOST_PAGE);

	memset(machine, 0, sizeof(*machine));
	if (count > HP_PROCESSORS_MAX)
		return HP_ERROR_PROCESSORS;
	machine->processor = memory_take(&machine->memory, (uint32_t)(bytes / HOST_PAGE),
					 HP_MEMORY_PROCESSOR, MEMORY_OS, NULL);
	if (!machine->processor)
		return HP_ERROR_NO_MEMORY;
	machine->processors = count;
	for (i = 0; i < count; i++)
		machine->processor[i].index = i;
	read_facts(machine);
	return HP_ERROR_OK;
}

void machine_end(struct machine *machine)
{
	memory_release(&machine->memory);
	memset(machine, 0, sizeof(*machine));
}

uint32_t machine_trail_pages(const struct machine *machine)
{
	return 1 + (uint32_t)(align_up(machine->history * sizeof(struct hp_exit), HOST_PAGE) /
			      HOST_PAGE);
}

static bool take_processor(struct machine *machine, struct processor *processor)
{
	struct memory *memory = &machine->memory;
	struct phys vmxon, vmcs;

	processor->ring = memory_take(memory, GATE_RING_STRIDE / HOST_PAGE, HP_MEMORY_RINGS,
				      MEMORY_READ, &processor->ring_physical);
	processor->trail = memory_take(memory, machine_trail_pages(machine), HP_MEMORY_TRAIL,
				       MEMORY_READ, &processor->trail_physical);
	if (!processor->ring || !processor->trail ||
	    !memory_take(memory, BLOCK_PAGES, HP_MEMORY_PROCESSOR, MEMORY_HIDDEN,
			 &processor->block) ||
	    !memory_take(memory, 1, HP_MEMORY_PROCESSOR, MEMORY_HIDDEN, &vmxon) ||
	    !memory_take(memory, 1, HP_MEMORY_PROCESSOR, MEMORY_HIDDEN, &vmcs))
		return false;
	processor->gate =
		memory_take(memory, 1, HP_MEMORY_PROCESSOR, MEMORY_READ, &processor->gate_physical);
	if (!processor->gate)
		return false;
	processor->gate->vmxon = vmxon;
	processor->gate->vmcs = vmcs;
	return true;
}

/* Every processor that is present gets its pages, offline ones too: they may come online later. */
static bool take_processors(struct machine *machine)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (host_processor(i) != HP_PROCESSOR_ABSENT &&
		    !take_processor(machine, &machine->processor[i]))
			return false;
	}
	return true;
}

static bool take_shared(struct machine *machine)
{
	struct memory *memory = &machine->memory;
	struct phys blank, sink, msrs, ports, command;

	if (!memory_take(memory, 1, HP_MEMORY_SHARED, MEMORY_HIDDEN, &msrs) ||
	    !memory_take(memory, 2, HP_MEMORY_SHARED, MEMORY_HIDDEN, &ports) ||
	    !memory_take(memory, 1, HP_MEMORY_SHARED, MEMORY_HIDDEN, &blank) ||
	    !memory_take(memory, 1, HP_MEMORY_SHARED, MEMORY_HIDDEN, &sink))
		return false;
	machine->command =
		memory_take(memory, GATE_COMMAND_PAGES, HP_MEMORY_SHARED, MEMORY_OS, &command);
	machine->gate =
		memory_take(memory, 1, HP_MEMORY_SHARED, MEMORY_READ, &machine->gate_physical);
	if (!machine->command || !machine->gate)
		return false;
	machine->gate->msr_bitmap = msrs;
	machine->gate->port_bitmap = ports;
	machine->gate->command = command;
	machine->gate->blank = blank;
	machine->gate->sink = sink;
	return true;
}

/* What EPT leaves all processors that were checked can use. */
static uint8_t ept_largest(const struct machine *machine)
{
	uint8_t largest = 3;
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].checked &&
		    processor_ept_largest(&machine->processor[i]) < largest)
			largest = processor_ept_largest(&machine->processor[i]);
	}
	return largest;
}

static void fill_gate(struct machine *machine)
{
	struct gate_machine *gate = machine->gate;
	uint32_t leaf[4];

	host_cpuid(1, 0, leaf);
	gate->hypervisor_below = (leaf[2] & CPUID_1_ECX_HYPERVISOR) != 0;
	gate->cpuid_base = gate->hypervisor_below ? HP_CPUID_BASE_ABOVE : HP_CPUID_BASE;
	gate->processors = machine->processors;
	gate->history = machine->history;
	gate->gate_text = (uintptr_t)gate_text;
	gate->gate_leave = (uintptr_t)gate_leave;
	gate->image = machine->image.physical;
	gate->image_bytes = machine->image.elf.bytes;
	gate->images = images_physical();
	host_layout(&gate->layout);
	memset(gate->passed, 0xff, sizeof(gate->passed));
	gate->version = GATE_VERSION;
}

enum hp_error machine_prepare(struct machine *machine)
{
	enum hp_error error = root_image_take(&machine->image, &machine->memory);
	uint32_t i;

	if (error)
		return error;
	if (!take_shared(machine) || !take_processors(machine))
		return HP_ERROR_NO_MEMORY;
	machine->ept_largest = ept_largest(machine);
	fill_gate(machine);

	error = root_map_layout(machine);
	if (error)
		return error;
	error = root_image_load(&machine->image, machine->gate->root_base + GATE_IMAGE_OFFSET);
	if (error)
		return error;
	error = root_map_build(machine);
	if (error)
		return error;
	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].gate)
			processor_fill(machine, &machine->processor[i]);
	}
	return guest_map_build(machine);
}
