// SPDX-License-Identifier: MIT
/*
 * Physical pages and page tables. Where NT has things, roughly:
 *
 *	0xffffa00000000000	all of physical memory, for this kernel alone
 *	0xffffc00000000000	pool, stacks, contiguous memory: address space is never used twice,
 *and a page beside each block is not mapped, so that a stray access faults 0xfffff78000000000
 *KUSER_SHARED_DATA 0xfffff80000000000	this kernel's image, 1 MiB above, and the driver's
 *
 * What always holds: nothing is writable and executable; the top-level entries of the upper half
 * are made once, so that every address space shares what is below them.
 *
 * World: the lab's kernel.
 */
#include "nt.h"
#include "multiboot.h"

#define DIRECT	      0xffffa00000000000ull
#define DIRECT_BYTES  (4ull << 30)
#define RESERVE_START 0xffffc00000000000ull
#define SHARED_DATA   0xfffff78000000000ull
#define HIGH	      0xfffff80000000000ull

#define PAGES_MAX  (1ull << 18) /* 1 GiB: what boot.S maps */
#define LOW_END	   0x100000ull	/* firmware, trampoline, boot information */
#define RANGES_MAX 16

#define ENTRY_PRESENT 1ull
#define ENTRY_WRITE   2ull
#define ENTRY_USER    4ull
#define ENTRY_LARGE   0x80ull
#define ENTRY_NX      (1ull << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ull

extern IMAGE_DOS_HEADER __ImageBase;
extern char entry_shadow[];

static struct lab_lock lock;
static uint64_t top;
static uint64_t direct = HIGH;
static uint64_t used[PAGES_MAX / 64];
static uint64_t pages_total, pages_free;
static uint64_t reserved_to = RESERVE_START;
static struct {
	uint64_t base, bytes;
} ranges[RANGES_MAX];
static unsigned range_count;

void *memory_direct(uint64_t physical)
{
	return (void *)(direct + physical);
}

static bool page_used(uint64_t page)
{
	return used[page / 64] >> page % 64 & 1;
}

static void mark(uint64_t page, uint64_t pages, bool taken)
{
	for (; pages; pages--, page++) {
		if (taken == page_used(page))
			continue;
		used[page / 64] ^= 1ull << page % 64;
		pages_free += taken ? -1 : 1;
	}
}

/* From the top down: what NT gives is rarely below 16 MiB. */
static uint64_t find(uint64_t pages, uint64_t limit, uint64_t align)
{
	uint64_t page, i;

	if (pages > limit)
		return MEMORY_NONE;
	for (page = (limit - pages) / align * align; page; page -= align) {
		for (i = 0; i < pages && !page_used(page + i); i++)
			;
		if (i == pages)
			return page;
	}
	return MEMORY_NONE;
}

uint64_t memory_take(uint64_t pages, uint64_t limit, uint64_t align)
{
	uint64_t flags = lab_lock(&lock), page;

	limit = limit / PAGE < pages_total ? limit / PAGE : pages_total;
	page = find(pages, limit, align < PAGE ? 1 : align / PAGE);
	if (page != MEMORY_NONE)
		mark(page, pages, true);
	lab_unlock(&lock, flags);
	if (page == MEMORY_NONE)
		return page;
	memset(memory_direct(page * PAGE), 0, pages * PAGE);
	return page * PAGE;
}

void memory_give(uint64_t physical, uint64_t pages)
{
	uint64_t flags = lab_lock(&lock);

	mark(physical / PAGE, pages, false);
	lab_unlock(&lock, flags);
}

uint64_t memory_free_pages(void)
{
	return pages_free;
}

static uint64_t take_table(void)
{
	uint64_t table = memory_take(1, MEMORY_NONE, PAGE);

	if (table == MEMORY_NONE)
		judge_bug_check("no memory for page tables", NULL);
	return table;
}

/* The entry for `address` in the table of `level` (1: pages). NULL: a table is missing. */
static uint64_t *entry(uint64_t space, uint64_t address, unsigned level, bool make, uint64_t user)
{
	uint64_t table = space, *slot;
	unsigned at;

	for (at = 4;; at--) {
		slot = (uint64_t *)memory_direct(table) + (address >> (12 + 9 * (at - 1)) & 511);
		if (at == level)
			return slot;
		if (!(*slot & ENTRY_PRESENT)) {
			if (!make)
				return NULL;
			*slot = take_table() | ENTRY_PRESENT | ENTRY_WRITE | user;
		} else if (*slot & ENTRY_LARGE) {
			return slot;
		}
		table = *slot & ENTRY_ADDRESS;
	}
}

void memory_map(uint64_t space, uint64_t address, uint64_t physical, unsigned rights)
{
	uint64_t user = rights & MAP_USER ? ENTRY_USER : 0;
	uint64_t *slot = entry(space, address, 1, true, user);

	*slot = physical | ENTRY_PRESENT | user | (rights & MAP_WRITE ? ENTRY_WRITE : 0) |
		(rights & MAP_EXECUTE ? 0 : ENTRY_NX);
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

void memory_unmap(uint64_t space, uint64_t address)
{
	uint64_t *slot = entry(space, address, 1, false, 0);

	if (slot)
		*slot = 0;
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

uint64_t memory_translate(uint64_t space, uint64_t address)
{
	uint64_t *slot = entry(space, address, 1, false, 0);
	uint64_t offset;

	if (!slot || !(*slot & ENTRY_PRESENT))
		return MEMORY_NONE;
	offset = address & (*slot & ENTRY_LARGE ? 0x1fffff : PAGE - 1);
	return (*slot & ENTRY_ADDRESS & ~(*slot & ENTRY_LARGE ? 0x1fffffull : 0)) + offset;
}

uint64_t memory_reserve(uint64_t pages)
{
	return __atomic_fetch_add(&reserved_to, (pages + 1) * PAGE, __ATOMIC_RELAXED) + PAGE;
}

bool memory_back(uint64_t address, uint64_t pages, unsigned rights)
{
	uint64_t i, physical;

	for (i = 0; i < pages; i++) {
		physical = memory_take(1, MEMORY_NONE, PAGE);
		if (physical == MEMORY_NONE) {
			memory_release(address, i);
			return false;
		}
		memory_map(top, address + i * PAGE, physical, rights);
	}
	return true;
}

void memory_release(uint64_t address, uint64_t pages)
{
	uint64_t i, physical;

	for (i = 0; i < pages; i++) {
		physical = memory_translate(top, address + i * PAGE);
		memory_unmap(top, address + i * PAGE);
		if (physical != MEMORY_NONE)
			memory_give(physical, 1);
	}
}

void memory_ranges(void (*each)(uint64_t base, uint64_t bytes))
{
	unsigned i;

	for (i = 0; i < range_count; i++)
		each(ranges[i].base, ranges[i].bytes);
}

static void add_range(uint64_t base, uint64_t end)
{
	/* Page 0 is never reported; NT keeps it. */
	base = base ? (base + PAGE - 1) & -(uint64_t)PAGE : PAGE;
	end &= -(uint64_t)PAGE;
	if (base >= end || range_count == RANGES_MAX)
		return;
	ranges[range_count].base = base;
	ranges[range_count++].bytes = end - base;
	if (end > PAGES_MAX * PAGE)
		end = PAGES_MAX * PAGE;
	if (base < LOW_END)
		base = LOW_END;
	if (base < end) {
		mark(base / PAGE, (end - base) / PAGE, false);
		pages_total = end / PAGE;
	}
}

static void read_map(const struct multiboot *boot)
{
	const struct multiboot_memory *memory;
	const struct multiboot_module *module = memory_direct(boot->modules);
	uint64_t at, image = (uintptr_t)&__ImageBase - HIGH;

	memset(used, 0xff, sizeof(used));
	for (at = boot->map; at < boot->map + boot->map_bytes; at += memory->bytes + 4) {
		memory = memory_direct(at);
		if (memory->type == MULTIBOOT_MEMORY_RAM)
			add_range(memory->base, memory->base + memory->length);
	}
	mark(image / PAGE, (memory_image_bytes() + PAGE - 1) / PAGE, true);
	for (at = 0; at < boot->module_count; at++)
		mark(module[at].start / PAGE,
		     (module[at].end + PAGE - 1) / PAGE - module[at].start / PAGE, true);
}

/* As for any other image: each section with its rights. */
static void map_image(void)
{
	IMAGE_NT_HEADERS *headers = loader_headers(&__ImageBase);
	const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
	uint64_t base = (uintptr_t)&__ImageBase, at;
	unsigned i;

	memory_map(top, base, base - HIGH, 0);
	for (i = 0; i < headers->FileHeader.NumberOfSections; i++, section++) {
		for (at = 0; at < section->SizeOfRawData; at += PAGE)
			memory_map(
				top, base + section->VirtualAddress + at,
				base - HIGH + section->VirtualAddress + at,
				(section->Characteristics & IMAGE_SCN_MEM_WRITE ? MAP_WRITE : 0) |
					(section->Characteristics & IMAGE_SCN_MEM_EXECUTE
						 ? MAP_EXECUTE
						 : 0));
	}
}

void memory_init(const struct multiboot *boot)
{
	uint64_t at;

	read_map(boot);
	top = take_table();
	map_image();
	for (at = 0; at < DIRECT_BYTES; at += 2 << 20)
		*entry(top, DIRECT + at, 2, true, 0) =
			at | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_LARGE | ENTRY_NX;
	memory_map(top, SHARED_DATA, take_table(), 0);
	entry(top, RESERVE_START, 3, true, 0);
	memory_load();
	direct = DIRECT;
}

void memory_load(void)
{
	asm volatile("mov %0, %%cr3" : : "r"(top) : "memory");
}

uint64_t memory_image_bytes(void)
{
	return loader_headers(&__ImageBase)->OptionalHeader.SizeOfImage;
}

uint64_t memory_top(void)
{
	return top;
}

uint64_t memory_new_space(bool shadow)
{
	uint64_t space = take_table(), at, i;

	if (!shadow) {
		memcpy((uint64_t *)memory_direct(space) + 256, (uint64_t *)memory_direct(top) + 256,
		       PAGE / 2);
		return space;
	}
	for (i = 0; i < 2; i++) {
		at = (uintptr_t)entry_shadow + i * PAGE;
		memory_map(space, at, at - HIGH, MAP_EXECUTE);
	}
	for (i = 0; i < PROCESSORS * PROCESSOR_PAGES; i++) {
		at = (uintptr_t)processors + i * PAGE;
		memory_map(space, at, at - HIGH, MAP_WRITE);
	}
	at = (uintptr_t)trap_table;
	memory_map(space, at, at - HIGH, 0);
	return space;
}

static void end_table(uint64_t table, unsigned level, unsigned first, unsigned last)
{
	uint64_t *entries = memory_direct(table);
	unsigned i;

	for (i = first; level > 1 && i <= last; i++)
		if (entries[i] & ENTRY_PRESENT && !(entries[i] & ENTRY_LARGE))
			end_table(entries[i] & ENTRY_ADDRESS, level - 1, 0, 511);
	memory_give(table, 1);
}

/* The tables only: pages belong to who mapped them. A shadow has an upper half of its own. */
void memory_end_space(uint64_t space, bool shadow)
{
	end_table(space, 4, 0, shadow ? 511 : 255);
}
