// SPDX-License-Identifier: MIT
/*
 * Descriptors of the GDT to the segment registers of the VMCS and back. Both work on the copy of
 * the OS's GDT in the gate's page: the OS's own one may be read-only and is never written.
 *
 * Source: SDM, Segment Descriptors; System Segment and Gate Descriptors in IA-32e mode; Guest
 * Register State (access rights).
 * World: root.
 */
#include "root.h"

#define GDT_BYTES      (32 * 8)
#define DESCRIPTOR_G   0x8000u
#define TYPE_TSS_BUSY  0xbu
#define TYPE_TSS_READY 0x9u

static bool is_system(enum segment which)
{
	return which == SEG_LDTR || which == SEG_TR;
}

void segment_decode(const uint64_t *entry, bool is_system, struct segment_state *state)
{
	uint64_t low = entry[0];

	state->base = (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24;
	state->limit = (uint32_t)(low & 0xffff) | (uint32_t)(low >> 48 & 0xf) << 16;
	state->rights = (uint32_t)(low >> 40 & 0xff) | (uint32_t)(low >> 52 & 0xf) << 12;
	if (state->rights & DESCRIPTOR_G)
		state->limit = state->limit << 12 | 0xfff;
	if (is_system)
		state->base |= entry[1] << 32;
}

/* False: the selector is one of the LDT, or beyond the copy. */
bool segment_load(const struct gate_cpu *gate, enum segment which, struct segment_state *state)
{
	uint16_t selector = gate->state.selector[which];

	*state = (struct segment_state){ .selector = selector, .rights = RIGHTS_UNUSABLE };
	if (!(selector & (SELECTOR_INDEX | SELECTOR_TI)))
		return true;
	if ((selector & SELECTOR_TI) ||
	    (selector & SELECTOR_INDEX) + (is_system(which) ? 16u : 8u) > GDT_BYTES)
		return false;
	segment_decode(&gate->os_gdt[selector / 8], is_system(which), state);
	return true;
}

/* LTR refuses a busy TSS, so TR's descriptor in the copy is always an available one. */
void segment_store(struct gate_cpu *gate, enum segment which, const struct segment_state *state)
{
	uint64_t limit = state->limit, rights = state->rights & 0xf0ff;
	uint64_t *entry;

	gate->state.selector[which] = state->selector;
	if (!(state->selector & SELECTOR_INDEX) || (state->selector & SELECTOR_TI) ||
	    (state->rights & RIGHTS_UNUSABLE) ||
	    (state->selector & SELECTOR_INDEX) + (is_system(which) ? 16u : 8u) > GDT_BYTES)
		return;
	entry = &gate->os_gdt[state->selector / 8];
	if (which == SEG_TR && (rights & 0xf) == TYPE_TSS_BUSY)
		rights = (rights & ~(uint64_t)0xf) | TYPE_TSS_READY;
	if (rights & DESCRIPTOR_G)
		limit >>= 12;
	entry[0] = (limit & 0xffff) | (state->base & 0xffffff) << 16 | (rights & 0xff) << 40 |
		   (limit >> 16 & 0xf) << 48 | (rights >> 12 & 0xf) << 52 |
		   (state->base >> 24 & 0xff) << 56;
	if (is_system(which))
		entry[1] = state->base >> 32;
}
