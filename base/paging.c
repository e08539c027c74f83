/* SPDX-License-Identifier: MIT */
/*
 * The walker and builder of page tables, for the ordinary format and for EPT.
 *
 * Each function goes down from the top for each leaf: that is at most five loads, and it keeps no
 * state that a change elsewhere could make stale.
 *
 * World: any (pure).
 */
#include "paging.h"
#include "paging_entry.h"

/*
 * SDM: 4-Level Paging and 5-Level Paging. No table has the user bit: what we build is for
 * supervisor mode only, whatever the leaf says. Accessed is set, so that the processor need not
 * write it.
 */
const struct paging_format paging_x86 = {
	.present = PTE_PRESENT,
	.large = PTE_LARGE,
	.table = PTE_PRESENT | PTE_WRITE | PTE_ACCESSED,
};

uint64_t paging_entry_bytes(uint8_t level)
{
	return SIZE_4K << (9 * (level - 1));
}

/* Returns the value of the entry that it found: a second load could see another one. */
static uint64_t walk(const struct paging *paging, uint64_t address, struct paging_place *place)
{
	struct phys table = paging->top;
	uint64_t value;

	for (place->level = paging->levels;; place->level--) {
		place->entry = entry_at(paging, table, address, place->level);
		value = entry_load(place->entry);
		place->present = entry_is_present(paging->format, value);
		if (!place->present || entry_is_leaf(paging->format, value, place->level))
			return value;
		table = entry_table(value);
	}
}

struct paging_place paging_find(const struct paging *paging, uint64_t address)
{
	struct paging_place place;

	walk(paging, address, &place);
	return place;
}

bool paging_translate(const struct paging *paging, uint64_t address, struct phys *target,
		      uint64_t *flags)
{
	struct paging_place place;
	uint64_t value = walk(paging, address, &place);

	if (!place.present)
		return false;
	*target = phys(entry_target(value, place.level) |
		       (address & (paging_entry_bytes(place.level) - 1)));
	if (flags)
		*flags = entry_flags(paging->format, value, place.level);
	return true;
}

/* Puts an empty table into an empty entry. */
static bool add_table(const struct paging *paging, uint64_t *entry)
{
	struct phys table;

	if (!paging->memory->take(paging->memory->context, &table))
		return false;
	entry_store(entry, table.value | paging->format->table);
	return true;
}

/* Replaces the leaf in `entry` at `level` by a table of 512 leaves that say the same. */
static bool split_leaf(const struct paging *paging, uint64_t *entry, uint8_t level)
{
	const struct paging_format *format = paging->format;
	uint64_t value = entry_load(entry);
	uint64_t target = entry_target(value, level);
	uint64_t flags = entry_flags(format, value, level);
	uint8_t below = level - 1;
	struct phys table;
	uint64_t *child;
	unsigned i;

	if (!paging->memory->take(paging->memory->context, &table))
		return false;
	child = paging->memory->at(paging->memory->context, table);
	for (i = 0; i < PAGING_ENTRIES; i++)
		entry_store(&child[i], entry_leaf(format, target + i * paging_entry_bytes(below),
						  flags, below));
	entry_store(entry, table.value | format->table);
	return true;
}

bool paging_split(const struct paging *paging, uint64_t address, uint8_t level)
{
	struct paging_place place = paging_find(paging, address);

	while (place.present && place.level > level) {
		if (!split_leaf(paging, place.entry, place.level))
			return false;
		place = paging_find(paging, address);
	}
	return true;
}

/*
 * The level of the largest leaf that alignment and `largest` allow at the start of
 * [address, address + bytes) -> target.
 */
static uint8_t largest_leaf(const struct paging *paging, uint64_t address, uint64_t target,
			    uint64_t bytes)
{
	uint8_t level = paging->largest;

	while (level > 1 && (bytes < paging_entry_bytes(level) ||
			     ((address | target) & (paging_entry_bytes(level) - 1))))
		level--;
	return level;
}

/* Writes the first leaf of a mapping, the largest that fits. Returns its bytes, 0 without a table.
 */
static uint64_t map_leaf(const struct paging *paging, uint64_t address, uint64_t target,
			 uint64_t bytes, uint64_t flags)
{
	const struct paging_format *format = paging->format;
	uint8_t largest = largest_leaf(paging, address, target, bytes);
	struct phys table = paging->top;
	uint8_t level = paging->levels;
	uint64_t *entry, value;
	bool present;

	for (;; level--) {
		entry = entry_at(paging, table, address, level);
		value = entry_load(entry);
		present = entry_is_present(format, value);
		if (!present || entry_is_leaf(format, value, level)) {
			if (level <= largest) {
				entry_store(entry, entry_leaf(format, target, flags, level));
				return paging_entry_bytes(level);
			}
			if (!(present ? split_leaf(paging, entry, level)
				      : add_table(paging, entry)))
				return 0;
			value = entry_load(entry);
		}
		table = entry_table(value);
	}
}

bool paging_map(const struct paging *paging, uint64_t address, struct phys target, uint64_t bytes,
		uint64_t flags)
{
	uint64_t done, step;

	for (done = 0; done < bytes; done += step) {
		step = map_leaf(paging, address + done, target.value + done, bytes - done, flags);
		if (!step)
			return false;
	}
	return true;
}

bool paging_unmap(const struct paging *paging, uint64_t address, uint64_t bytes)
{
	struct paging_place place;
	uint64_t done, step, size, inside;

	for (done = 0; done < bytes; done += step) {
		place = paging_find(paging, address + done);
		size = paging_entry_bytes(place.level);
		inside = (address + done) & (size - 1);
		step = size - inside;
		if (!place.present)
			continue;
		if (!inside && size <= bytes - done) {
			entry_store(place.entry, 0);
			continue;
		}
		if (!split_leaf(paging, place.entry, place.level))
			return false;
		step = 0;
	}
	return true;
}
