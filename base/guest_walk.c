// SPDX-License-Identifier: MIT
/*
 * The walk of the guest's page tables. See guest_walk.h.
 *
 * World: any (pure).
 */
#include "guest_walk.h"

#include "paging.h"
#include "x86.h"

#define LEVELS_MAX 5
#define ATTEMPTS   16

/* What was found on the way down. */
struct path {
	struct guest_phys entry[LEVELS_MAX + 1]; /* by level */
	uint64_t value[LEVELS_MAX + 1];
	uint8_t top, leaf;		 /* levels */
	bool user, writable, executable; /* by all levels together */
};

static uint64_t bits(unsigned high, unsigned low)
{
	return (((uint64_t)2 << (high - low)) - 1) << low;
}

/* Bits that must be 0 in an entry that is present. */
static uint64_t reserved(const struct guest_paging *paging, uint64_t value, uint8_t level)
{
	uint64_t mask = paging->efer & EFER_NXE ? 0 : PTE_NX;

	if (paging->physical_bits < 52)
		mask |= bits(51, paging->physical_bits);
	if (level >= 4 || (level == 3 && !paging->pages_1g))
		mask |= PTE_LARGE;
	else if (level == 3 && (value & PTE_LARGE))
		mask |= bits(29, 13);
	else if (level == 2 && (value & PTE_LARGE))
		mask |= bits(20, 13);
	return mask;
}

/* Returns the error code's bits that the tables alone decide: 0: a leaf was reached. */
static bool descend(const struct guest_paging *paging, const struct guest_tables *tables,
		    uint64_t address, struct path *path, uint32_t *error_code)
{
	uint64_t table = paging->cr3 & PTE_ADDRESS;
	uint8_t level;
	uint64_t value;

	path->top = level = paging->cr4 & CR4_LA57 ? 5 : 4;
	path->user = path->writable = path->executable = true;
	for (;; level--) {
		path->entry[level] =
			guest_phys(table + (address >> (12 + 9 * (level - 1)) & 511) * 8);
		path->value[level] = value = tables->load(tables->context, path->entry[level]);
		if (!(value & PTE_PRESENT)) {
			*error_code = 0;
			return false;
		}
		if (value & reserved(paging, value, level)) {
			*error_code = PF_PRESENT | PF_RESERVED;
			return false;
		}
		path->user = path->user && (value & PTE_USER);
		path->writable = path->writable && (value & PTE_WRITE);
		path->executable = path->executable && !(value & PTE_NX);
		if (level == 1 || (value & PTE_LARGE))
			break;
		table = value & PTE_ADDRESS;
	}
	path->leaf = level;
	return true;
}

/* SDM: Protection Keys. Of a data access; for writes by supervisors only with CR0.WP. */
static bool key_forbids(const struct guest_paging *paging, const struct path *path,
			enum guest_access access, bool user)
{
	unsigned key = path->value[path->leaf] >> 59 & 15;
	uint32_t rights = 0;

	if (path->user && (paging->cr4 & CR4_PKE))
		rights = paging->pkru >> (2 * key);
	else if (!path->user && (paging->cr4 & CR4_PKS))
		rights = paging->pkrs >> (2 * key);
	if (access == GUEST_FETCH)
		return false;
	if (rights & 1)
		return true;
	return access == GUEST_WRITE && (rights & 2) && (user || (paging->cr0 & CR0_WP));
}

/* SDM: Determination of Access Rights, but for protection keys. */
static bool is_permitted(const struct guest_paging *paging, const struct path *path,
			 enum guest_access access, bool user, bool implicit)
{
	if (access == GUEST_FETCH && !path->executable)
		return false;
	if (user)
		return path->user && (access != GUEST_WRITE || path->writable);
	if (path->user && access == GUEST_FETCH && (paging->cr4 & CR4_SMEP))
		return false;
	if (path->user && access != GUEST_FETCH && (paging->cr4 & CR4_SMAP) &&
	    (implicit || !(paging->rflags & RFLAGS_AC)))
		return false;
	return access != GUEST_WRITE || path->writable || !(paging->cr0 & CR0_WP);
}

/* From the top down, as the processor does. False: an entry is not what it was. */
static bool set_flags(const struct guest_tables *tables, const struct path *path,
		      enum guest_access access)
{
	uint64_t flags, value;
	uint8_t level;

	for (level = path->top; level >= path->leaf; level--) {
		value = path->value[level];
		flags = PTE_ACCESSED;
		if (level == path->leaf && access == GUEST_WRITE)
			flags |= PTE_DIRTY;
		if ((value & flags) != flags &&
		    !tables->update(tables->context, path->entry[level], value, value | flags))
			return false;
	}
	return true;
}

bool guest_walk(const struct guest_paging *paging, const struct guest_tables *tables,
		struct guest_virt address, enum guest_access access, bool implicit,
		struct guest_phys *target, uint32_t *error_code)
{
	bool user = paging->cpl == 3 && !implicit;
	uint32_t how = (access == GUEST_WRITE ? PF_WRITE : 0) | (user ? PF_USER : 0);
	struct path path;
	unsigned attempt;
	uint64_t inside;

	if (access == GUEST_FETCH && ((paging->efer & EFER_NXE) || (paging->cr4 & CR4_SMEP)))
		how |= PF_FETCH;
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		bool forbidden;

		if (!descend(paging, tables, address.value, &path, error_code)) {
			*error_code |= how;
			return false;
		}
		forbidden = key_forbids(paging, &path, access, user);
		if (forbidden || !is_permitted(paging, &path, access, user, implicit)) {
			*error_code = how | PF_PRESENT | (forbidden ? PF_KEY : 0);
			return false;
		}
		if (!set_flags(tables, &path, access))
			continue;
		inside = paging_entry_bytes(path.leaf) - 1;
		*target = guest_phys((path.value[path.leaf] & PTE_ADDRESS & ~inside) |
				     (address.value & inside));
		return true;
	}
	*error_code = how;
	return false;
}
