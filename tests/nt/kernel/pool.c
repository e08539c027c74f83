// SPDX-License-Identifier: MIT
/*
 * The driver's memory: pool, contiguous memory, physical addresses. Each block of pool has pages of
 * its own that are not contiguous, ends at a page that is not mapped if it is small, and is
 * unmapped when it is freed. Nothing is zeroed. All is kept in one table, from which leaks are
 * told.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define BLOCKS	   1024
#define GARBAGE	   0xa5
#define POOL_ALIGN 16

enum kind { KIND_NONE, KIND_POOL, KIND_CONTIGUOUS };

static struct block {
	enum kind kind;
	uint64_t address, bytes, pages, base;
	ULONG tag;
	uint64_t caller;
} blocks[BLOCKS];
static struct lab_lock lock;
static unsigned in_use;
static int fail_countdown = -1;
static const char *failed;
static const char *fail_name;
void (*pool_hook)(void);

static struct block *find(uint64_t address, enum kind kind)
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].kind == kind && blocks[i].address == address)
			return &blocks[i];
	return NULL;
}

static void add(struct block block)
{
	uint64_t flags = lab_lock(&lock);
	unsigned i;

	for (i = 0; i < BLOCKS && blocks[i].kind; i++)
		;
	if (i == BLOCKS)
		judge_bug_check("the table of blocks is full", NULL);
	blocks[i] = block;
	in_use++;
	lab_unlock(&lock, flags);
}

void pool_fail(int n)
{
	fail_countdown = n;
	failed = NULL;
}

void pool_fail_at(const char *name)
{
	fail_name = name;
}

const char *pool_failed(void)
{
	return failed;
}

bool pool_fails(void)
{
	if (fail_name && !strcmp(fail_name, export_current())) {
		fail_name = NULL;
		return true;
	}
	if (fail_countdown < 0 || fail_countdown--)
		return false;
	failed = export_current();
	return true;
}

unsigned pool_in_use(void)
{
	return in_use;
}

void pool_tell_leaks(void)
{
	char where[64];
	unsigned i;

	for (i = 0; i < BLOCKS; i++) {
		if (blocks[i].kind)
			judge_violation("leak", "%s of %llu bytes, tag %.4s, from %s",
					blocks[i].kind == KIND_POOL ? "pool" : "contiguous memory",
					blocks[i].bytes, (const char *)&blocks[i].tag,
					loader_where(blocks[i].caller, where, sizeof(where)));
	}
}

/* The lab's own pool for the driver: buffers of requests. */
void *pool_take(size_t bytes, ULONG tag, uint64_t caller)
{
	uint64_t pages = (bytes + PAGE - 1) / PAGE, base = memory_reserve(pages), address = base;

	if (!memory_back(base, pages, MAP_WRITE))
		return NULL;
	memset((void *)base, GARBAGE, pages * PAGE);
	/* A page or more begins at a page, as the documentation says. */
	if (bytes < PAGE)
		address += PAGE - (bytes + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
	add((struct block){ KIND_POOL, address, bytes, pages, base, tag, caller });
	return (void *)address;
}

static void check_slack(const struct block *block)
{
	const uint8_t *at = (const uint8_t *)block->base, *end = at + block->pages * PAGE;

	for (; at < end; at++) {
		if (at == (const uint8_t *)block->address)
			at += block->bytes;
		if (at < end && *at != GARBAGE) {
			judge_violation("pool", "written outside a block of %llu bytes, tag %.4s",
					block->bytes, (const char *)&block->tag);
			return;
		}
	}
}

bool pool_give(void *address, ULONG tag)
{
	struct block *block = find((uintptr_t)address, KIND_POOL);
	uint64_t flags;

	if (!block || (tag && block->tag != tag))
		return false;
	check_slack(block);
	memory_release(block->base, block->pages);
	flags = lab_lock(&lock);
	block->kind = KIND_NONE;
	in_use--;
	lab_unlock(&lock, flags);
	return true;
}

static bool is_paged(POOL_TYPE type)
{
	return type & 1;
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag)
{
	if (is_paged(type) && processor_cr8() > APC_LEVEL)
		export_violation("IRQL", "paged pool at %llu", processor_cr8());
	if (!bytes || !tag)
		export_violation("argument", "%llu bytes, tag %lx", (uint64_t)bytes, tag);
	if (pool_fails())
		return NULL;
	return pool_take(bytes, tag, thread_this()->export_caller);
}

VOID NTAPI ExFreePoolWithTag(PVOID address, ULONG tag)
{
	if (!pool_give(address, tag))
		export_violation("pool", "%p with tag %.4s is no block", address,
				 (const char *)&tag);
}

void pool_each(void (*each)(void *address, uint64_t bytes))
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].kind == KIND_CONTIGUOUS)
			each((void *)blocks[i].address, blocks[i].bytes);
}

static void *take_contiguous(SIZE_T bytes, uint64_t lowest, uint64_t highest, uint64_t boundary,
			     unsigned rights)
{
	uint64_t pages = (bytes + PAGE - 1) / PAGE, physical, base, i;

	if (!bytes || boundary)
		export_violation("argument", "%llu bytes, boundary %llx", (uint64_t)bytes,
				 boundary);
	if (pool_hook)
		pool_hook();
	if (pool_fails())
		return NULL;
	physical = memory_take(pages, highest == ~0ull ? highest : highest + 1, PAGE);
	if (physical == MEMORY_NONE)
		return NULL;
	if (physical < lowest) {
		memory_give(physical, pages);
		return NULL;
	}
	memset(memory_direct(physical), GARBAGE, pages * PAGE);
	base = memory_reserve(pages);
	for (i = 0; i < pages; i++)
		memory_map(memory_top(), base + i * PAGE, physical + i * PAGE, rights);
	add((struct block){ KIND_CONTIGUOUS, base, bytes, pages, base, 0x746e6f43,
			    thread_this()->export_caller });
	return (void *)base;
}

/* Documented: what this one gives is always executable. */
PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T bytes, PHYSICAL_ADDRESS lowest,
						   PHYSICAL_ADDRESS highest,
						   PHYSICAL_ADDRESS boundary,
						   MEMORY_CACHING_TYPE cache)
{
	if (cache != MmCached)
		export_violation("argument", "cache type %u", cache);
	return take_contiguous(bytes, lowest.QuadPart, highest.QuadPart, boundary.QuadPart,
			       MAP_WRITE | MAP_EXECUTE);
}

PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T bytes, PHYSICAL_ADDRESS lowest,
					   PHYSICAL_ADDRESS highest, PHYSICAL_ADDRESS boundary,
					   ULONG protect, ULONG node)
{
	if (protect != PAGE_READWRITE && protect != PAGE_EXECUTE_READWRITE)
		export_violation("argument", "protection %lx", protect);
	if (node != MM_ANY_NODE_OK && node)
		export_violation("argument", "node %lx", node);
	return take_contiguous(bytes, lowest.QuadPart, highest.QuadPart, boundary.QuadPart,
			       protect == PAGE_READWRITE ? MAP_WRITE : MAP_WRITE | MAP_EXECUTE);
}

VOID NTAPI MmFreeContiguousMemory(PVOID address)
{
	struct block *block = find((uintptr_t)address, KIND_CONTIGUOUS);
	uint64_t flags;

	if (!block) {
		export_violation("pool", "%p is no contiguous memory", address);
		return;
	}
	memory_release(block->base, block->pages);
	flags = lab_lock(&lock);
	block->kind = KIND_NONE;
	in_use--;
	lab_unlock(&lock, flags);
}

PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID address)
{
	uint64_t physical = memory_translate(memory_top(), (uintptr_t)address);
	PHYSICAL_ADDRESS result;

	if (physical == MEMORY_NONE)
		export_violation("argument", "%p is not mapped", address);
	result.QuadPart = physical == MEMORY_NONE ? 0 : physical;
	return result;
}

static PHYSICAL_MEMORY_RANGE *next_range;

static void add_range(uint64_t base, uint64_t bytes)
{
	next_range->BaseAddress.QuadPart = base;
	next_range++->NumberOfBytes.QuadPart = bytes;
}

static unsigned range_count;

static void count_range(uint64_t base, uint64_t bytes)
{
	(void)base, (void)bytes;
	range_count++;
}

/* Ends with a range of nothing; the caller frees it. */
PPHYSICAL_MEMORY_RANGE NTAPI MmGetPhysicalMemoryRanges(VOID)
{
	PHYSICAL_MEMORY_RANGE *ranges;

	if (pool_fails())
		return NULL;
	range_count = 0;
	memory_ranges(count_range);
	ranges = pool_take((range_count + 1) * sizeof(*ranges), 0x6d506d4d,
			   thread_this()->export_caller);
	if (!ranges)
		return NULL;
	next_range = ranges;
	memory_ranges(add_range);
	add_range(0, 0);
	return ranges;
}
