/* SPDX-License-Identifier: MIT */
/*
 * base/ept_retype.c: memory types after writes of MTRRs, with the reserve of the pool. The code
 * under test is included here with its stores instrumented: after each single store of an entry,
 * one page out of many is looked up as a processor would that walks at that moment.
 */
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

static void assert_leaf(uint64_t address, unsigned at, enum memory_type type)
{
	unsigned level;
	uint64_t value = look(address, &level);

	assert_int_equal(level, at);
	assert_int_equal(value & ~PTE_ADDRESS,
			 EPT_RWX | EPT_TYPE(type) | (level > 1 ? EPT_LARGE : 0));
	assert_int_equal(value & PTE_ADDRESS, align_down(address, leaf_bytes(level)));
}

static void assert_reserve(unsigned unused, unsigned kept, unsigned unlinked)
{
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_FREE), unused);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_KEPT), kept);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_UNLINKED), unlinked);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_IN_USE), 0);
}

static void test_retype_in_place(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	set_page(0, 2 * SIZE_1G, 2 * SIZE_1G, EPT_READ);
	set_page(1, 2 * SIZE_1G + SIZE_4K, 0x5000, EPT_RWX);
	set_page(2, 0, 0, 0);
	assert_true(retype());
	assert_leaf(SOME_GIB, 3, MEMORY_WB);
	s.m.mtrr.def_type = MTRR_E | MEMORY_WT;
	assert_true(retype());
	assert_leaf(SOME_GIB, 3, MEMORY_WT);
	assert_leaf(SIZE_4K, 1, MEMORY_WT);
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	machine_check(&s.m, false);
	system_close();
}

/* A page of its own type inside of a leaf of 1 GiB: two tables, and no byte more has changed. */
static void test_split(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M - 1, 2, MEMORY_WB);
	assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_WT);
	assert_leaf(SOME_GIB + SIZE_2M + SIZE_4K, 1, MEMORY_WB);
	assert_leaf(SOME_GIB + 2 * SIZE_2M, 2, MEMORY_WB);
	assert_leaf(SOME_GIB + SIZE_1G - 1, 2, MEMORY_WB);
	assert_leaf(SOME_GIB - 1, 3, MEMORY_WB);
	assert_leaf(SOME_GIB + SIZE_1G, 3, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	assert_int_equal(in_state(EPT_POOL_DEVICES, EPT_POOL_FREE), DEVICE_TABLES);
	machine_check(&s.m, false);
	/* Once more: there is nothing to do. */
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	system_close();
}

/* The leaf is back; its tables come back when all processors have invalidated. */
static void test_merge(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	catch_up(0);
	catch_up(1);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	catch_up(2);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	machine_check(&s.m, false);
	system_close();
}

/* The lower table goes, the upper one is still needed; and a type other than before is no matter.
 */
static void test_merge_of_the_lower_table(void **state)
{
	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_2M, MEMORY_WP);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 2, MEMORY_WP);
	assert_leaf(SOME_GIB + 2 * SIZE_2M, 2, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 1, 1);
	machine_range(&s.m, 0, SOME_GIB, SIZE_1G, MEMORY_WC);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WC);
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	system_close();
}

/* A page that was set in a split leaf keeps the table, and so does a table that is not the pool's.
 */
static void test_set_pages_are_not_merged(void **state)
{
	uint64_t page = SOME_GIB + SIZE_2M + 5 * SIZE_4K, i;

	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	set_page(0, page, page, EPT_READ);
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_leaf(page + SIZE_4K, 1, MEMORY_WB);
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	/* As every other page again: it goes. */
	set_page(0, page, page, EPT_RWX);
	assert_true(retype());
	assert_leaf(page, 3, MEMORY_WB);
	all_catch_up();

	/* All pages of a table set alike are not a leaf. */
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	for (i = 0; i < PAGING_ENTRIES; i++)
		set_page(0, SOME_GIB + SIZE_2M + i * SIZE_4K, SOME_GIB + SIZE_2M + i * SIZE_4K,
			 EPT_READ | EPT_EXEC);
	s.m.mtrr.variable[0].mask = 0;
	s.set[0].used = false;
	s.set[0].page = 0;
	take_probes();
	assert_true(ept_retype(&s.m.ept, &s.pool, passed()));
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	for (i = 0; i < PAGING_ENTRIES; i++)
		set_page(0, SOME_GIB + SIZE_2M + i * SIZE_4K, SOME_GIB + SIZE_2M + i * SIZE_4K,
			 EPT_RWX);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 0, 2);
	all_catch_up();

	/* A table of the builder's below one of ours. */
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_2M, MEMORY_WT);
	assert_true(retype());
	set_page(0, page, page, 0);
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 1, 1, 0);
	assert_leaf(page + SIZE_4K, 1, MEMORY_WB);
	assert_leaf(SOME_GIB, 2, MEMORY_WB);
	system_close();
}

/* Without a table the whole leaf is as strict as its strictest byte; with one, later, it is exact.
 */
static void test_exhaustion(void **state)
{
	enum memory_type expected;
	unsigned n;

	(void)state;
	for (n = 0; n < 6; n++) {
		system_open(3, n);
		machine_range(&s.m, 0, 5 * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WT);
		machine_range(&s.m, 1, 6 * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_UC);
		assert_int_equal(retype(), n >= 4);
		expected = n ? MEMORY_WB : MEMORY_WT;
		assert_leaf(5 * SIZE_1G, n ? 2 : 3, expected);
		assert_leaf(5 * SIZE_1G + SIZE_2M + SIZE_4K, n < 2 ? 3 - n : 1,
			    n < 2 ? MEMORY_WT : MEMORY_WB);
		assert_leaf(6 * SIZE_1G, n < 3 ? 3 : 2, n < 3 ? MEMORY_UC : MEMORY_WB);
		assert_leaf(7 * SIZE_1G, 3, MEMORY_WB);
		assert_false(ept_retype_helps(&s.pool, ~0ull));
		/* One reason less: its tables do for the other, as soon as they have come back. */
		s.m.mtrr.variable[0].mask = 0;
		retype();
		assert_leaf(5 * SIZE_1G, 3, MEMORY_WB);
		catch_up(0);
		catch_up(1);
		assert_int_equal(s.refined, 0);
		catch_up(2);
		assert_int_equal(s.refined, n == 1 || n == 2 || n == 3);
		assert_int_equal(s.exact, n >= 2);
		assert_leaf(6 * SIZE_1G + SIZE_2M + SIZE_4K, n < 2 ? 3 - n : 1,
			    n < 2 ? MEMORY_UC : MEMORY_WB);
		/* And as uniform as ever, without any table. */
		s.m.mtrr.variable[1].mask = 0;
		assert_true(retype());
		assert_leaf(6 * SIZE_1G, 3, MEMORY_WB);
		machine_check(&s.m, false);
		system_close();
	}
}

/* Neither takes what the other needs. */
static void test_devices_and_ram_have_their_own(void **state)
{
	unsigned i;

	(void)state;
	/* RAM takes all that it can get: devices have sixteen. */
	system_open(3, EPT_POOL_RESERVE);
	assert_int_equal(s.pool.tables, EPT_POOL_TABLES);
	for (i = 0; i < 9; i++)
		machine_range(&s.m, i, (i < 3 ? i : i + 1) * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WC);
	assert_false(retype());
	assert_reserve(0, EPT_POOL_RESERVE, 0);
	assert_int_equal(in_state(EPT_POOL_DEVICES, EPT_POOL_FREE), DEVICE_TABLES);
	assert_int_equal(touch(HOLE), EPT_DEVICE_MAPPED);
	/* Devices in use, age and recycling touch none of them. */
	stripes();
	for (i = 0; i < 60; i++) {
		touch(STRIPES + i * 7 % 60 * SIZE_2M);
		assert_reserve(0, EPT_POOL_RESERVE, 0);
		s.published[0] = s.published[1] = s.published[2] = s.pool.generation;
	}
	assert_true(s.pool.recycled > 40);
	system_close();

	/* Devices first, as many as there can be, without anybody who invalidates. */
	system_open(3, EPT_POOL_RESERVE);
	stripes();
	for (i = 0; i < 60; i++)
		touch(STRIPES + i * SIZE_2M);
	assert_int_equal(touch(STRIPES + SIZE_1G), EPT_DEVICE_RETRY);
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	for (i = 0; i < 4; i++)
		machine_range(&s.m, i, (5 + i) * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WC);
	assert_true(retype());
	assert_reserve(0, EPT_POOL_RESERVE, 0);
	system_close();
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

/* However many processors write, tables don't move but for what has changed in the end. */
static void test_disabled_in_between(void **state)
{
	unsigned i;

	(void)state;
	system_open(3, EPT_POOL_RESERVE);
	for (i = 0; i < PROCESSORS; i++) {
		write_by_the_book(i, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WC);
		assert_true(s.exact);
		assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
		assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_WC);
	}
	/* While they are off: uncacheable, in the tables that are there. */
	s.m.mtrr.def_type &= ~MTRR_E;
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_UC);
	assert_leaf(SOME_GIB + SIZE_1G, 3, MEMORY_UC);
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	s.m.mtrr.def_type |= MTRR_E;
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE - 2, 2, 0);
	/* And away with it. */
	for (i = 0; i < PROCESSORS; i++)
		write_by_the_book(i, 0, 0, 0, 0);
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WB);
	assert_int_equal(in_state(EPT_POOL_RAM, EPT_POOL_KEPT), 0);
	assert_true(retype());
	assert_reserve(EPT_POOL_RESERVE, 0, 0);
	system_close();
}

/* A range moves, and there are tables for one place only: exact when the last one has written. */
static void test_last_processor_is_exact(void **state)
{
	unsigned i;

	(void)state;
	system_open(3, 2);
	for (i = 0; i < PROCESSORS; i++)
		write_by_the_book(i, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WC);
	for (i = 0; i < PROCESSORS; i++) {
		assert_int_equal(s.refined, 0);
		write_by_the_book(i, 0, 7 * SIZE_1G + SIZE_2M, SIZE_4K, MEMORY_WC);
		assert_int_equal(s.exact, i == PROCESSORS - 1);
	}
	assert_leaf(SOME_GIB + SIZE_2M, 3, MEMORY_WB);
	assert_leaf(7 * SIZE_1G + SIZE_2M, 1, MEMORY_WC);
	assert_leaf(7 * SIZE_1G, 2, MEMORY_WB);
	assert_reserve(0, 2, 0);
	system_close();
}

static void test_largest_leaves(void **state)
{
	(void)state;
	system_open(2, EPT_POOL_RESERVE);
	machine_range(&s.m, 0, SOME_GIB + SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 1, MEMORY_WT);
	assert_reserve(EPT_POOL_RESERVE - 1, 1, 0);
	s.m.mtrr.variable[0].mask = 0;
	assert_true(retype());
	assert_leaf(SOME_GIB + SIZE_2M, 2, MEMORY_WB);
	system_close();

	/* Leaves of 4 KiB need nothing. */
	machine_open(&s.m, 36, 4, 1);
	assert_true(ept_map_identity(&s.m.ept, 0, 4 * SIZE_2M));
	machine_pool(&s.m, &s.pool, 1, 1);
	machine_range(&s.m, 0, SIZE_2M, SIZE_4K, MEMORY_WT);
	assert_true(ept_retype(&s.m.ept, &s.pool, 1));
	assert_int_equal(s.pool.table[0].state, EPT_POOL_FREE);
	machine_check(&s.m, true);
	system_close();
}

static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT,
					  MEMORY_WP, MEMORY_WB, MEMORY_WB };

static enum memory_type some_type(void)
{
	return types[random_below(&s.random, 6)];
}

/* Ranges of few sizes around few places, so that leaves are split and merged over and over. */
static void random_range(unsigned pair)
{
	static const uint64_t sizes[] = { SIZE_4K, SIZE_4K * 16, SIZE_2M, SIZE_2M * 8, SIZE_1G };
	uint64_t bytes = sizes[random_below(&s.random, 5)];
	uint64_t base = random_below(&s.random, 14) * SIZE_1G +
			random_below(&s.random, 3) * (SIZE_2M + SIZE_4K * 16);

	machine_range(&s.m, pair, align_down(base, bytes), bytes, some_type());
}

static void random_write(void)
{
	unsigned pair = (unsigned)random_below(&s.random, PAIRS);

	switch (mtrr_disabled(&s.m.mtrr) ? random_below(&s.random, 3)
					 : random_below(&s.random, 9)) {
	case 0:
		s.m.mtrr.def_type ^= MTRR_E;
		break;
	case 1:
		s.m.mtrr.def_type = (s.m.mtrr.def_type & ~0xffull) |
				    (random_below(&s.random, 4) ? MEMORY_WB : some_type());
		break;
	case 2:
		s.m.mtrr.variable[pair].base ^= SIZE_2M;
		break;
	case 3:
	case 4:
		s.m.mtrr.variable[pair].mask ^= MTRR_VALID;
		break;
	case 5:
		write_by_the_book((unsigned)random_below(&s.random, PROCESSORS), pair,
				  random_below(&s.random, 13) * SIZE_1G, SIZE_4K, some_type());
		return;
	default:
		random_range(pair);
	}
	retype();
}

static void random_set(void)
{
	static const uint64_t legal[] = {
		EPT_RWX, EPT_READ, EPT_READ | EPT_WRITE, EPT_READ | EPT_EXEC, EPT_EXEC, EPT_RWX
	};
	unsigned i = (unsigned)random_below(&s.random, SET_PAGES);
	uint64_t page = s.set[i].page;
	uint64_t target = random_below(&s.random, 2) ? page : random_below(&s.random, 99) * SIZE_4K;

	set_page(i, page, target, legal[random_below(&s.random, 6)]);
}

static void random_touch(void)
{
	uint64_t address = HOLE + random_below(&s.random, SIZE_1G);

	switch (random_below(&s.random, 3)) {
	case 0:
		address = s.ram_end + random_below(&s.random, 40) * SIZE_2M;
		break;
	case 1:
		address = STRIPES + random_below(&s.random, 300) * SIZE_2M;
	}
	s.touches++;
	s.retries += touch(address) == EPT_DEVICE_RETRY;
}

static void simulate(unsigned reserve, uint8_t largest, uint64_t seed)
{
	unsigned step;

	system_open(largest, reserve);
	s.random = seed;
	stripes();
	for (step = 0; step < 2000; step++) {
		switch (random_below(&s.random, 8)) {
		case 0:
		case 1:
		case 2:
			random_write();
			break;
		case 3:
			random_set();
			break;
		case 4:
		case 5:
			random_touch();
			break;
		default:
			catch_up((unsigned)random_below(&s.random, PROCESSORS));
		}
		check_tables(passed());
		take_probes();
		check_pages();
	}
	/* All has settled: everything is exact, and no table is kept for nothing. */
	memset(s.m.mtrr.variable, 0, sizeof(s.m.mtrr.variable));
	s.m.mtrr.def_type = MTRR_E | MEMORY_WB;
	assert_true(retype());
	all_catch_up();
	assert_true(retype());
	machine_check(&s.m, false);
	print_message("  %u tables, leaves up to %u: %lu stores; %u retypes split, %u merged, %u "
		      "were coarse, %u helped later; %u of %u touches retried\n",
		      reserve, largest, (unsigned long)s.stores, s.splits, s.merges, s.coarse,
		      s.refined, s.retries, s.touches);
	assert_true(s.splits > 30 && s.merges > 30 && s.retries && s.pool.recycled > 50);
	assert_true(reserve == EPT_POOL_RESERVE || (s.coarse > 50 && s.refined > 20));
	system_close();
}

static void test_random_against_model(void **state)
{
	(void)state;
	simulate(EPT_POOL_RESERVE, 3, 0x1111);
	simulate(EPT_POOL_RESERVE, 2, 0x2222);
	simulate(4, 3, 0x3333);
	simulate(3, 3, 0x4444);
	simulate(2, 2, 0x5555);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retype_in_place),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_of_the_lower_table),
		cmocka_unit_test(test_set_pages_are_not_merged),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_devices_and_ram_have_their_own),
		cmocka_unit_test(test_disabled_in_between),
		cmocka_unit_test(test_last_processor_is_exact),
		cmocka_unit_test(test_largest_leaves),
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests_name("ept_retype", tests, NULL, NULL);
}
