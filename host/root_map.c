// SPDX-License-Identifier: MIT
/*
 * Root's address space. See root_map.h.
 *
 * World: OS.
 */
#include "root_map.h"

#define SLOT_BYTES ((uint64_t)1 << 39)
#define UPPER_HALF                                                                                 \
	0xffff800000000000ull /* of 4-level paging; within 5-level paging's upper half             \
			       */
#define SLOTS 256u

/* Accessed and dirty from the start, so that the processor never writes to the tables. */
#define READ_ONLY  (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_NX)
#define READ_WRITE (READ_ONLY | PTE_WRITE)
#define READ_EXEC  (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY)

static bool in_slots(uint64_t address, uint64_t base, uint64_t slots)
{
	return address - base < slots * SLOT_BYTES;
}

/* Does the gate have a page in the `slots` from `base` on? */
static bool is_taken(const struct machine *machine, uint64_t base, uint64_t slots)
{
	const struct gate_cpu *gate;
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		gate = machine->processor[i].gate;
		if (gate && in_slots((uintptr_t)gate, base, slots))
			return true;
	}
	return in_slots((uintptr_t)gate_text, base, slots);
}

/* The first free slots from number `from` on; sets `base`. */
static bool find_slots(const struct machine *machine, uint64_t from, uint64_t slots, uint64_t *base)
{
	for (; from + slots <= SLOTS; from++) {
		*base = UPPER_HALF + from * SLOT_BYTES;
		if (!is_taken(machine, *base, slots))
			return true;
	}
	return false;
}

static bool keep_end(void *context, struct memory_range range)
{
	uint64_t *end = context;

	*end = range.start + range.bytes;
	return true;
}

enum hp_error root_map_layout(struct machine *machine)
{
	struct gate_machine *gate = machine->gate;
	uint64_t after_root;

	gate->window_bytes = 0;
	if (!host_memory(keep_end, &gate->window_bytes))
		return HP_ERROR_NO_MEMORY;
	if (!find_slots(machine, 0, 1, &gate->root_base))
		return HP_ERROR_INTERNAL;
	after_root = (gate->root_base - UPPER_HALF) / SLOT_BYTES + 1;
	if (!find_slots(machine, after_root, align_up(gate->window_bytes, SLOT_BYTES) / SLOT_BYTES,
			&gate->window_base))
		return HP_ERROR_INTERNAL;
	return HP_ERROR_OK;
}

static uint64_t segment_flags(const struct elf_segment *segment)
{
	if (segment->rights & ELF_EXEC)
		return READ_EXEC;
	return segment->rights & ELF_WRITE ? READ_WRITE : READ_ONLY;
}

struct window {
	const struct paging *paging;
	uint64_t base;
};

static bool map_range(void *context, struct memory_range range)
{
	const struct window *window = context;

	return paging_map(window->paging, window->base + range.start, phys(range.start),
			  range.bytes, READ_WRITE);
}

/* All RAM; then the gate's text is made read-only, and holes where root's own text and data are. */
static bool map_window(const struct machine *machine, const struct paging *paging)
{
	struct window window = { paging, machine->gate->window_base };
	const struct root_image *image = &machine->image;
	struct phys text = host_physical(gate_text);
	const struct elf_segment *segment;
	unsigned i;

	if (!host_memory(map_range, &window) ||
	    !paging_map(paging, window.base + text.value, text, SIZE_4K, READ_ONLY))
		return false;
	for (i = 0; i < image->elf.segments; i++) {
		segment = &image->elf.segment[i];
		if (segment->rights & ELF_WRITE)
			continue;
		if (!paging_unmap(paging, window.base + image->physical.value + segment->offset,
				  segment->bytes))
			return false;
	}
	return true;
}

static bool map_image(const struct machine *machine, const struct paging *paging)
{
	const struct root_image *image = &machine->image;
	uint64_t base = machine->gate->root_base + GATE_IMAGE_OFFSET;
	const struct elf_segment *segment;
	unsigned i;

	for (i = 0; i < image->elf.segments; i++) {
		segment = &image->elf.segment[i];
		if (!paging_map(paging, base + segment->offset,
				phys(image->physical.value + segment->offset), segment->bytes,
				segment_flags(segment)))
			return false;
	}
	return true;
}

/* The block's pages in memory follow each other; guards are left out between their addresses. */
static bool map_block(const struct paging *paging, uint64_t address, struct phys block)
{
	uint64_t next = block.value;
	unsigned page;

	for (page = 0; page < GATE_BLOCK_PAGES; page++) {
		if (!(GATE_BLOCK_MAPPED & 1u << page))
			continue;
		if (!paging_map(paging, address + page * SIZE_4K, phys(next), SIZE_4K, READ_WRITE))
			return false;
		next += SIZE_4K;
	}
	return true;
}

static bool map_processor(const struct machine *machine, const struct paging *paging,
			  const struct processor *processor)
{
	uint64_t root = machine->gate->root_base;

	return paging_map(paging, (uintptr_t)processor->gate, processor->gate_physical, SIZE_4K,
			  READ_WRITE) &&
	       paging_map(paging, root + GATE_RINGS_OFFSET + processor->index * GATE_RING_STRIDE,
			  processor->ring_physical, GATE_RING_STRIDE, READ_WRITE) &&
	       paging_map(paging, root + GATE_TRAILS_OFFSET + processor->index * GATE_TRAIL_STRIDE,
			  processor->trail_physical,
			  GATE_PAGE + align_up(machine->history * sizeof(struct hp_exit), SIZE_4K),
			  READ_WRITE) &&
	       map_block(paging, root + GATE_BLOCKS_OFFSET + processor->index * GATE_BLOCK_BYTES,
			 processor->block);
}

static bool map_processors(const struct machine *machine, const struct paging *paging)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].gate &&
		    !map_processor(machine, paging, &machine->processor[i]))
			return false;
	}
	return true;
}

/*
 * What a top-level entry of any address space can point to: the gate's text, and behind it the
 * gate_cpu pages. Root plants it where it has to leave and finds neither.
 */
static bool build_alias(struct machine *machine, const struct table_memory *memory)
{
	struct paging paging = {
		.format = &paging_x86,
		.memory = memory,
		.levels = machine->levels - 1,
		.largest = 1,
	};
	uint32_t i;

	if (!memory->take(memory->context, &paging.top) ||
	    !paging_map(&paging, 0, host_physical(gate_text), SIZE_4K, READ_EXEC))
		return false;
	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].gate &&
		    !paging_map(&paging, GATE_ALIAS_CPU(i), machine->processor[i].gate_physical,
				SIZE_4K, READ_WRITE))
			return false;
	}
	machine->gate->alias = paging.top.value | paging_x86.table;
	return true;
}

enum hp_error root_map_build(struct machine *machine)
{
	struct memory_tables tables;
	struct paging paging = {
		.format = &paging_x86,
		.memory = &tables.tables,
		.levels = machine->levels,
		.largest = machine->root_largest,
	};

	memory_tables_init(&tables, &machine->memory, HP_MEMORY_TABLES);
	if (!tables.tables.take(&tables, &paging.top))
		return HP_ERROR_NO_MEMORY;
	machine->root_top = machine->gate->root_top = paging.top;
	if (map_window(machine, &paging) && map_image(machine, &paging) &&
	    map_processors(machine, &paging) &&
	    paging_map(&paging, machine->gate->root_base + GATE_SHARED_OFFSET,
		       machine->gate_physical, SIZE_4K, READ_WRITE) &&
	    paging_map(&paging, (uintptr_t)gate_text, host_physical(gate_text), SIZE_4K,
		       READ_EXEC) &&
	    build_alias(machine, &tables.tables))
		return HP_ERROR_OK;
	return HP_ERROR_NO_MEMORY;
}
