/* SPDX-License-Identifier: MIT */
/*
 * A machine whose MTRRs are written, for the tests of base/ept_retype.c. The code under test is
 * included here with its stores instrumented: after each single store of an entry, one page out of
 * many is looked up as a processor would that walks at that moment.
 */
#ifndef EPT_RETYPE_SYSTEM_H
#define EPT_RETYPE_SYSTEM_H

#include "unit.h"

#include "base/ept.h"
#include "base/ept_pool.h"
#include "base/paging_entry.h"
#include "ept_machine.h"

static void observe(void);

static inline void observed_store(uint64_t *entry, uint64_t value)
{
	entry_store(entry, value);
	observe();
}

/* The instrumented copies have names of their own beside the linked ones. */
#define entry_store	     observed_store
#define ept_pool_count	     observed_pool_count
#define ept_pool_free_passed observed_pool_free_passed
#define ept_pool_take	     observed_pool_take
#define ept_pool_link	     observed_pool_link
#define ept_pool_unlink	     observed_pool_unlink
#define ept_retype	     observed_retype
#define ept_retype_helps     observed_retype_helps
#include "base/ept_pool.c"
#include "base/ept_retype.c"

#define DEVICE_TABLES 16
#define SOME_GIB      (5 * SIZE_1G)

/*
 * A machine of 64 GiB of addresses. RAM: [0, 3 GiB) and [4 GiB, 12 GiB + 6 MiB); with leaves of
 * 1 GiB the last one reaches up to 13 GiB.
 */
#define HOLE	   (3 * SIZE_1G)
#define HOLE_END   (4 * SIZE_1G)
#define PROBES	   64
#define SET_PAGES  20
#define PAIRS	   5		  /* of MTRRs that are written at random */
#define STRIPES	   (32 * SIZE_1G) /* above it, see stripes() */
#define PROCESSORS 3

struct set_page {
	uint64_t page, target, rights;
	enum memory_type type;
	bool used;
};

struct system {
	struct machine m;
	struct ept_pool pool;
	uint64_t published[PROCESSORS]; /* what each processor published */
	struct set_page set[SET_PAGES];
	uint64_t ram_end;
	bool exact;	   /* what the last retype said */
	bool split_coarse; /* a page was set in a leaf that is stricter than it need be */
	uint64_t random;

	/* What the probes showed before the retype that is under way. */
	bool observing;
	unsigned next;
	uint64_t stores;
	struct probe {
		uint64_t address, before;
	} probe[PROBES];

	/* The pool before the last step, and what unlinked tables said. */
	struct ept_pool old;
	uint64_t content[EPT_POOL_TABLES][PAGING_ENTRIES];

	/* So that the test knows that it tested. */
	unsigned splits, merges, coarse, refined, touches, retries;
};

static struct system s;

/* A walk of our own. Returns the leaf's value, or that of the entry where the walk ended. */
static uint64_t look(uint64_t address, unsigned *level)
{
	uint64_t value = s.m.ept.paging.top.value;

	for (*level = s.m.ept.paging.levels;; --*level) {
		value = tables_at(&s.m.tables,
				  phys(value & PTE_ADDRESS))[entry_index(address, (uint8_t)*level)];
		if (!(value & EPT_RWX) || *level == 1 || (value & EPT_LARGE))
			return value;
	}
}

static bool as_strict(unsigned type, enum memory_type exact)
{
	return type == exact || type == MEMORY_UC || (type == MEMORY_WT && exact == MEMORY_WB);
}

static const struct set_page *set_page_at(uint64_t address)
{
	unsigned i;

	for (i = 0; i < SET_PAGES; i++)
		if (s.set[i].used && s.set[i].page == align_down(address, SIZE_4K))
			return &s.set[i];
	return NULL;
}

static bool is_ram(uint64_t address)
{
	return address < HOLE || (address >= HOLE_END && address < s.ram_end);
}

static uint64_t leaf_bytes(unsigned level)
{
	return paging_entry_bytes((uint8_t)level);
}

/*
 * Is what a processor sees at `address` true? `coarse`: a leaf that is not of one type may be
 * stricter than each of its bytes. `before`: and this type is true, too (or 8 for none).
 */
static void check_address(uint64_t address, bool coarse, unsigned before)
{
	const struct set_page *set = set_page_at(address);
	enum memory_type exact = mtrr_type(&s.m.mtrr, address), whole;
	unsigned level, type;
	uint64_t value = look(address, &level), bytes = leaf_bytes(level), target;

	type = value >> 3 & 7;
	target = (value & PTE_ADDRESS & ~(bytes - 1)) | (address & (bytes - 1) & ~(SIZE_4K - 1));
	if (set) {
		assert_int_equal(level, 1);
		assert_int_equal(target, set->target);
		assert_int_equal(value & EPT_RWX, set->rights);
		if (set->target != set->page)
			exact = set->type;
		assert_true(type == exact || type == before);
		return;
	}
	if (!value && !is_ram(address))
		return;
	assert_int_equal(value & EPT_RWX, EPT_RWX);
	assert_int_equal(target, align_down(address, SIZE_4K));
	assert_int_equal(value & (EPT_DEVICE | EPT_SET), is_ram(address) ? 0 : EPT_DEVICE);
	if (type == exact || type == before)
		return;
	assert_true(coarse && is_ram(address));
	assert_true(as_strict(type, exact));
	if (!s.split_coarse)
		assert_false(mtrr_uniform(&s.m.mtrr, align_down(address, bytes), bytes, &whole));
}

static unsigned in_state(enum ept_pool_part part, enum ept_pool_state state)
{
	return ept_pool_count(&s.pool, part, state);
}

/* At any moment: the old type or the new one; a stricter one only if there is no table. */
static void observe(void)
{
	const struct probe *probe = &s.probe[s.next++ % PROBES];

	if (!s.observing)
		return;
	s.stores++;
	check_address(probe->address, in_state(EPT_POOL_RAM, EPT_POOL_FREE) == 0,
		      probe->before & EPT_RWX ? (unsigned)(probe->before >> 3 & 7) : 8);
}

/* Counts the links to each table from `table` on. */
static void count_links(struct phys table, unsigned level)
{
	const uint64_t *entry = tables_at(&s.m.tables, table);
	unsigned i;

	s.m.links[(table.value - TABLES_BASE) / SIZE_4K]++;
	for (i = 0; level > 1 && i < PAGING_ENTRIES; i++)
		if ((entry[i] & EPT_RWX) && !(entry[i] & EPT_LARGE))
			count_links(phys(entry[i] & PTE_ADDRESS), level - 1);
}

/* What one step may do with a table. */
static void check_history(const struct ept_pool_table *was, const struct ept_pool_table *is,
			  uint64_t *content, uint64_t passed)
{
	const uint64_t *entries = tables_at(&s.m.tables, is->table);

	assert_int_equal(is->table.value, was->table.value);
	if (was->state == EPT_POOL_UNLINKED && is->state != EPT_POOL_UNLINKED)
		assert_true(passed >= was->since);
	if (is->state != EPT_POOL_UNLINKED)
		return;
	if (was->state == EPT_POOL_UNLINKED && was->since == is->since) {
		assert_memory_equal(entries, content, SIZE_4K);
		return;
	}
	/* Not passed by anybody before it was unlinked. */
	assert_true(was->state == EPT_POOL_KEPT || was->state == EPT_POOL_IN_USE);
	assert_true(is->since > s.old.generation && is->since <= s.pool.generation);
	memcpy(content, entries, SIZE_4K);
}

/* No table is lost or in two places; none that is not in use can be reached. */
static void check_tables(uint64_t passed)
{
	const struct ept_pool_table *table;
	unsigned i, links, of_pool[TABLES_MAX / 8] = { 0 };
	bool used;

	memset(s.m.links, 0, s.m.tables.taken * sizeof(s.m.links[0]));
	count_links(s.m.ept.paging.top, s.m.ept.paging.levels);
	for (i = 0; i < s.pool.tables; i++) {
		table = &s.pool.table[i];
		links = (unsigned)((table->table.value - TABLES_BASE) / SIZE_4K);
		of_pool[links] = 1;
		used = table->state == EPT_POOL_IN_USE || table->state == EPT_POOL_KEPT;
		assert_int_equal(s.m.links[links], used);
		if (used) {
			assert_int_equal(table->state == EPT_POOL_KEPT,
					 i >= s.pool.tables - s.pool.reserve);
			assert_non_null(ept_pool_link(&s.m.ept, table));
		}
		check_history(&s.old.table[i], table, s.content[i], passed);
	}
	for (i = 0; i < s.m.tables.taken; i++)
		assert_true(of_pool[i] || s.m.links[i] == 1);
	s.old = s.pool;
}

static uint64_t passed(void)
{
	uint64_t lowest = s.published[0];
	unsigned i;

	for (i = 1; i < PROCESSORS; i++)
		if (s.published[i] < lowest)
			lowest = s.published[i];
	return lowest;
}

/* Pages at both sides of where types may change, pages that are set, and any. */
static uint64_t some_page(void)
{
	unsigned i = (unsigned)random_below(&s.random, 8);
	uint64_t mask, address = s.m.mtrr.variable[i % PAIRS].base;

	if (i < PAIRS) {
		mask = s.m.mtrr.variable[i].mask & (ept_limit(&s.m.ept) - 1);
		if (random_below(&s.random, 2))
			address += ept_limit(&s.m.ept) - mask;
		if (random_below(&s.random, 2))
			address -= SIZE_4K;
	} else if (i < 7) {
		address = s.set[random_below(&s.random, SET_PAGES)].page +
			  SIZE_4K * (random_below(&s.random, 3) - 1);
	} else {
		address = random_below(&s.random, 16 * SIZE_1G);
	}
	return align_down(address, SIZE_4K) & (ept_limit(&s.m.ept) - 1);
}

static void take_probes(void)
{
	unsigned i, level;

	for (i = 0; i < PROBES; i++) {
		s.probe[i].address = some_page();
		s.probe[i].before = look(s.probe[i].address, &level);
	}
}

static void check_pages(void)
{
	unsigned i;

	for (i = 0; i < PROBES; i++)
		check_address(s.probe[i].address, !s.exact, 8);
	for (i = 0; i < SET_PAGES; i++)
		check_address(s.set[i].page, !s.exact, 8);
}

/* Where MTRRs are enabled, a table that is kept is needed. */
static void check_needed(void)
{
	const struct ept_pool_table *table;
	enum memory_type type;
	uint64_t start, bytes;
	bool needed;
	unsigned i, j;

	for (i = ept_pool_first(&s.pool, EPT_POOL_RAM); i < s.pool.tables; i++) {
		table = &s.pool.table[i];
		if (table->state != EPT_POOL_KEPT)
			continue;
		bytes = leaf_bytes(table->level);
		start = table->address;
		needed = !mtrr_uniform(&s.m.mtrr, start, PAGING_ENTRIES * bytes, &type);
		for (j = 0; j < PAGING_ENTRIES && !needed; j++)
			needed = tables_at(&s.m.tables, table->table)[j] !=
				 entry_leaf(&paging_ept, start + j * bytes,
					    EPT_RWX | EPT_TYPE(type), table->level);
		assert_true(needed);
	}
}

/* What root does after a write of an MTRR. */
static bool retype(void)
{
	unsigned kept = in_state(EPT_POOL_RAM, EPT_POOL_KEPT), now;

	take_probes();
	s.observing = true;
	s.exact = ept_retype(&s.m.ept, &s.pool, passed());
	s.observing = s.split_coarse = false;
	s.pool.generation++;
	assert_int_equal(s.exact, !s.pool.coarse);
	s.coarse += !s.exact;
	now = in_state(EPT_POOL_RAM, EPT_POOL_KEPT);
	s.splits += now > kept;
	s.merges += now < kept;
	if (!s.exact)
		assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_FREE), 0);
	check_tables(passed());
	check_pages();
	if (!mtrr_disabled(&s.m.mtrr))
		check_needed();
	return s.exact;
}

/* A processor invalidates before it enters the guest; and it may refine, as root does. */
static void catch_up(unsigned processor)
{
	s.published[processor] = s.pool.generation;
	if (ept_retype_helps(&s.pool, passed())) {
		retype();
		s.refined++;
		s.published[processor] = s.pool.generation;
	}
}

static void all_catch_up(void)
{
	unsigned i;

	for (i = 0; i < PROCESSORS; i++)
		catch_up(i);
}

static void set_page(unsigned i, uint64_t page, uint64_t target, uint64_t rights)
{
	enum memory_type type = target == page ? mtrr_type(&s.m.mtrr, page) : MEMORY_WB;

	s.set[i] = (struct set_page){ page, target, rights, type,
				      target != page || rights != EPT_RWX };
	s.split_coarse |= !s.exact;
	assert_true(ept_set_page(&s.m.ept, guest_phys(page), phys(target), rights, type));
}

static enum ept_device touch(uint64_t address)
{
	enum ept_device result = ept_map_device(&s.m.ept, &s.pool, guest_phys(address), passed());
	unsigned level;

	assert_true(result != EPT_DEVICE_OUTSIDE);
	assert_int_equal(look(address, &level) != 0, result == EPT_DEVICE_MAPPED);
	check_tables(passed());
	check_address(address, !s.exact, 8);
	return result;
}

static void system_open(uint8_t largest, unsigned reserve)
{
	unsigned i;

	memset(&s, 0, sizeof(s));
	s.random = 0x9e3779b9;
	s.exact = true;
	s.ram_end = largest == 3 ? 13 * SIZE_1G : 12 * SIZE_1G + 3 * SIZE_2M;
	machine_open(&s.m, 36, 4, largest);
	s.m.mtrr.cap = 11;
	machine_range(&s.m, 9, HOLE, SIZE_1G, MEMORY_UC);
	assert_true(ept_map_identity(&s.m.ept, 0, HOLE));
	assert_true(ept_map_identity(&s.m.ept, HOLE_END, 8 * SIZE_1G + 3 * SIZE_2M));
	machine_pool(&s.m, &s.pool, DEVICE_TABLES + reserve, reserve);
	s.old = s.pool;
	for (i = 0; i < PROCESSORS; i++)
		s.published[i] = 1;
	/* Where pages may be set; they are as all others until then. */
	for (i = 0; i < SET_PAGES; i++)
		s.set[i].page = i * SIZE_4K * 123 + (i & 1 ? 6 * SIZE_1G : SIZE_2M);
}

/* From STRIPES on every second page is write-combining: devices there need a table for each 2 MiB.
 */
static void stripes(void)
{
	s.m.mtrr.variable[10].base = STRIPES | SIZE_4K | MEMORY_WC;
	s.m.mtrr.variable[10].mask = STRIPES | SIZE_4K | MTRR_VALID;
}

static void system_close(void)
{
	machine_close(&s.m);
}

/* What Linux does on each processor: all off, the pair, on again. Others wait in the guest. */
static void write_by_the_book(unsigned processor, unsigned pair, uint64_t base, uint64_t bytes,
			      enum memory_type type)
{
	uint64_t def_type = s.m.mtrr.def_type;

	s.m.mtrr.def_type = 0;
	assert_true(retype());
	catch_up(processor);
	if (bytes)
		machine_range(&s.m, pair, base, bytes, type);
	else
		s.m.mtrr.variable[pair].mask = 0;
	assert_true(retype());
	catch_up(processor);
	s.m.mtrr.def_type = def_type;
	retype();
	catch_up(processor);
}
#endif
