// SPDX-License-Identifier: MIT
/*
 * Memory that is not the driver's own, mapped for it: device memory, and RAM by a memory descriptor
 * list.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define MAPPINGS 8
#define MDL_TAG	 0x206c644d

static struct mapping {
	uint64_t address, pages;
	const MDL *mdl; /* NULL: device memory */
} mappings[MAPPINGS];
static uint64_t asked_page;
static bool is_ram;

void mapping_tell_leaks(void)
{
	unsigned i;

	for (i = 0; i < MAPPINGS; i++) {
		if (mappings[i].address)
			judge_violation("leak", "a mapping of %s",
					mappings[i].mdl ? "an MDL" : "device memory");
		mappings[i].address = 0;
	}
}

static void look(uint64_t base, uint64_t bytes)
{
	is_ram |= asked_page - base < bytes;
}

static bool page_is_ram(uint64_t physical)
{
	asked_page = physical;
	is_ram = false;
	memory_ranges(look);
	return is_ram;
}

static struct mapping *new_mapping(uint64_t pages, const MDL *mdl)
{
	unsigned i;

	for (i = 0; i < MAPPINGS && mappings[i].address; i++)
		;
	if (i == MAPPINGS)
		return NULL;
	mappings[i] = (struct mapping){ memory_reserve(pages), pages, mdl };
	return &mappings[i];
}

static void end_mapping(uint64_t address, const MDL *mdl)
{
	uint64_t page;
	unsigned i;

	for (i = 0; i < MAPPINGS; i++) {
		if (!address || mappings[i].address != address || mappings[i].mdl != mdl)
			continue;
		for (page = 0; page < mappings[i].pages; page++)
			memory_unmap(memory_top(), address + page * PAGE);
		mappings[i].address = 0;
		return;
	}
	export_violation("object", "%llx is not mapped so", address);
}

/* As in newer versions of NT, RAM is refused. */
PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS physical, SIZE_T bytes, MEMORY_CACHING_TYPE cache)
{
	uint64_t offset = physical.QuadPart % PAGE, page;
	struct mapping *mapping;

	if (pool_fails())
		return NULL;
	(void)cache;
	if (page_is_ram(physical.QuadPart - offset))
		return NULL;
	mapping = new_mapping((offset + bytes + PAGE - 1) / PAGE, NULL);
	if (!mapping)
		return NULL;
	for (page = 0; page < mapping->pages; page++)
		memory_map(memory_top(), mapping->address + page * PAGE,
			   physical.QuadPart - offset + page * PAGE, MAP_WRITE);
	return (PVOID)(mapping->address + offset);
}

VOID NTAPI MmUnmapIoSpace(PVOID address, SIZE_T bytes)
{
	(void)bytes;
	end_mapping((uintptr_t)address & -(uint64_t)PAGE, NULL);
}

PMDL NTAPI IoAllocateMdl(PVOID address, ULONG bytes, BOOLEAN secondary, BOOLEAN quota, PIRP irp)
{
	uint64_t offset = (uintptr_t)address % PAGE, pages = (offset + bytes + PAGE - 1) / PAGE;
	size_t size = sizeof(MDL) + pages * sizeof(PFN_NUMBER);
	PMDL mdl;

	if (pool_fails())
		return NULL;
	if (secondary || quota || irp)
		export_violation("lab", "an MDL of a request is not provided");
	mdl = pool_take(size, MDL_TAG, thread_this()->export_caller);
	if (!mdl)
		return NULL;
	memset(mdl, 0, sizeof(*mdl));
	mdl->Size = (CSHORT)size;
	mdl->StartVa = (PVOID)((uintptr_t)address - offset);
	mdl->ByteOffset = (ULONG)offset;
	mdl->ByteCount = bytes;
	return mdl;
}

VOID NTAPI IoFreeMdl(PMDL mdl)
{
	if (mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA))
		export_violation("object", "an MDL that is in use: flags %x", mdl->MdlFlags);
	if (!pool_give(mdl, MDL_TAG))
		export_violation("object", "no MDL");
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL mdl, KPROCESSOR_MODE mode, MEMORY_CACHING_TYPE cache,
					 PVOID at, ULONG bug_check, MM_PAGE_PRIORITY priority)
{
	const PFN_NUMBER *frames = MmGetMdlPfnArray(mdl);
	struct mapping *mapping;
	uint64_t page;

	if (pool_fails())
		return NULL;
	(void)at, (void)priority;
	if (mode != KernelMode || cache != MmCached || bug_check)
		export_violation("lab", "such a mapping is not provided");
	if (!(mdl->MdlFlags & MDL_PAGES_LOCKED))
		export_violation("object", "the MDL's pages are not locked");
	mapping = new_mapping((mdl->ByteOffset + mdl->ByteCount + PAGE - 1) / PAGE, mdl);
	if (!mapping)
		return NULL;
	for (page = 0; page < mapping->pages; page++) {
		if (!page_is_ram(frames[page] * PAGE))
			export_violation("argument", "page %llx is no RAM", (uint64_t)frames[page]);
		memory_map(memory_top(), mapping->address + page * PAGE, frames[page] * PAGE,
			   MAP_WRITE);
	}
	mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
	mdl->MappedSystemVa = (PVOID)(mapping->address + mdl->ByteOffset);
	return mdl->MappedSystemVa;
}

VOID NTAPI MmUnmapLockedPages(PVOID address, PMDL mdl)
{
	end_mapping((uintptr_t)address & -(uint64_t)PAGE, mdl);
	mdl->MdlFlags &= (CSHORT)~MDL_MAPPED_TO_SYSTEM_VA;
}
