/* SPDX-License-Identifier: MIT */
/*
 * The machine's EPT tree: building it, single pages of our own. Device memory, which is mapped at
 * its first touch, is in ept_device.c; memory types after a write of an MTRR in ept_retype.c.
 *
 * An entry is empty, and whoever wants may map there, if its value is 0. An entry without rights
 * that is not 0 is a page that nobody shall reach (EPT_SET): it stays.
 *
 * World: any (pure).
 */
#include "ept.h"
#include "paging_entry.h"

/* SDM: EPT Translation Mechanism. An entry is present if any of bits 2:0 is set. */
const struct paging_format paging_ept = {
	.present = EPT_RWX,
	.large = EPT_LARGE,
	.table = EPT_RWX,
};

uint64_t ept_limit(const struct ept *ept)
{
	uint64_t tree = paging_entry_bytes(ept->paging.levels + 1);
	uint64_t memory = (uint64_t)1 << ept->mtrr->physical_bits;

	return memory < tree ? memory : tree;
}

uint8_t ept_leaf_level(const struct ept *ept, uint64_t address, uint8_t level,
		       enum memory_type *type)
{
	uint64_t start, bytes;

	if (level > ept->paging.largest)
		level = ept->paging.largest;
	for (; level > 1; level--) {
		bytes = paging_entry_bytes(level);
		start = align_down(address, bytes);
		if (start + bytes <= ept_limit(ept) && mtrr_uniform(ept->mtrr, start, bytes, type))
			return level;
	}
	*type = mtrr_type(ept->mtrr, address);
	return 1;
}

/* SDM: Extended-Page-Table Pointer (EPTP). Bits 5:3 are the length of the walk less one. */
uint64_t ept_pointer(const struct ept *ept, enum memory_type type)
{
	return ept->paging.top.value | (uint64_t)(ept->paging.levels - 1) << 3 | (uint64_t)type;
}

/* Maps the leaf around `address`, which has nothing yet. */
static bool map_empty(struct ept *ept, uint64_t address, uint8_t level)
{
	enum memory_type type;
	uint64_t start, bytes;

	level = ept_leaf_level(ept, address, level, &type);
	bytes = paging_entry_bytes(level);
	start = align_down(address, bytes);
	return paging_map(&ept->paging, start, phys(start), bytes, EPT_RWX | EPT_TYPE(type));
}

bool ept_map_identity(struct ept *ept, uint64_t start, uint64_t bytes)
{
	struct paging_place place;
	uint64_t address, end, size;

	if (start >= ept_limit(ept))
		return true;
	end = bytes > ept_limit(ept) - start ? ept_limit(ept) : start + bytes;

	for (address = start; address < end;) {
		place = paging_find(&ept->paging, address);
		if (!entry_load(place.entry)) {
			if (!map_empty(ept, address, place.level))
				return false;
			continue;
		}
		size = paging_entry_bytes(place.level);
		address = align_down(address, size) + size;
	}
	return true;
}

bool ept_set_page(struct ept *ept, struct guest_phys page, struct phys target, uint64_t rights,
		  enum memory_type type)
{
	uint64_t flags = rights | EPT_TYPE(type);

	/* A page that is as every other page needs no protection, and may be recycled. */
	if (rights != EPT_RWX || target.value != page.value)
		flags |= EPT_SET;
	return paging_map(&ept->paging, page.value, target, SIZE_4K, flags);
}
