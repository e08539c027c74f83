// SPDX-License-Identifier: MIT
/*
 * The table of images: order, what takes the place of what, the end of the room, lists, and readers
 * that come while it changes.
 */
#include <string.h>

#include "fake.h"

#include "host/images.h"
#include "host/lifecycle.h"
#include "host/machine.h"

#define BASE 0xffffffffc0000000ull

static struct image_table table;
static struct image found;

static int setup(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	table.complete = 1;
	return 0;
}

static bool add(uint64_t base, uint32_t bytes, const char *name)
{
	return image_table_add(&table, base, bytes, name, strlen(name));
}

/* NULL: none; "?": unknown. */
static const char *at(uint64_t address)
{
	switch (image_table_find(&table, address, &found)) {
	case IMAGE_FOUND:
		return found.name;
	case IMAGE_NONE:
		return NULL;
	default:
		return "?";
	}
}

static void assert_order(void)
{
	uint32_t i;

	for (i = 1; i < table.count; i++)
		assert_true(table.image[i - 1].base + table.image[i - 1].bytes <=
			    table.image[i].base);
	assert_int_equal(table.sequence % 2, 0);
}

static void test_find(void **state)
{
	(void)state;
	assert_null(at(BASE));
	assert_true(add(BASE + 0x3000, 0x1000, "three"));
	assert_true(add(BASE, 0x1000, "zero"));
	assert_true(add(BASE + 0x2000, 0x1000, "two"));
	assert_order();
	assert_string_equal(at(BASE), "zero");
	assert_string_equal(at(BASE + 0xfff), "zero");
	assert_null(at(BASE + 0x1000));
	assert_null(at(BASE + 0x1fff));
	assert_string_equal(at(BASE + 0x2000), "two");
	assert_string_equal(at(BASE + 0x3fff), "three");
	assert_null(at(BASE + 0x4000));
	assert_null(at(0));
	assert_null(at(~0ull));
	image_table_remove(&table, BASE + 0x2000, 0x1000);
	assert_null(at(BASE + 0x2000));
	assert_int_equal(table.count, 2);
	table.complete = 0;
	assert_string_equal(at(BASE + 0x2000), "?");
	assert_string_equal(at(BASE), "zero");
}

/* What lies where another is now has gone, with all that it had. */
static void test_replaced(void **state)
{
	(void)state;
	add(BASE, 0x2000, "one");
	add(BASE + 0x2000, 0x2000, "two");
	add(BASE + 0x4000, 0x2000, "three");
	add(BASE + 0x1000, 0x2000, "new");
	assert_order();
	assert_int_equal(table.count, 2);
	assert_null(at(BASE));
	assert_string_equal(at(BASE + 0x2fff), "new");
	assert_null(at(BASE + 0x3000));
	assert_string_equal(at(BASE + 0x4000), "three");
	assert_true(add(BASE + 0x4000, 0, "nothing"));
	assert_true(add(~0ull - 10, 0x1000, "beyond the end"));
	assert_int_equal(table.count, 2);
}

static void test_names(void **state)
{
	(void)state;
	add(BASE, 1, "a name that is longer than there is room for");
	assert_string_equal(at(BASE), "a name that is longer than ther");
	image_table_add(&table, BASE, 1, "cut here", 3);
	assert_string_equal(at(BASE), "cut");
	/* Another's hand: no name without an end. */
	memset(table.image[0].name, 'x', IMAGE_NAME);
	assert_int_equal(strlen(at(BASE)), IMAGE_NAME - 1);
}

static void test_full(void **state)
{
	uint64_t i;

	(void)state;
	for (i = IMAGES_MOST; i-- > 0;)
		assert_true(add(BASE + 0x1000 * i, 0x1000, "many"));
	assert_order();
	assert_false(add(BASE - 0x1000, 0x1000, "more"));
	assert_int_equal(table.lost, 1);
	/* One that takes another's place has room. */
	assert_true(add(BASE, 0x1000, "instead"));
	assert_string_equal(at(BASE), "instead");
	assert_string_equal(at(BASE + 0x1000 * (IMAGES_MOST - 1)), "many");
}

static void test_list(void **state)
{
	(void)state;
	add(BASE, 0x1000, "gone");
	add(BASE + 0x1000, 0x1000, "stays");
	image_table_mark(&table);
	add(BASE + 0x2000, 0x1000, "comes");
	add(BASE + 0x1000, 0x1000, "stays");
	image_table_sweep(&table);
	assert_order();
	assert_null(at(BASE));
	assert_string_equal(at(BASE + 0x1000), "stays");
	assert_string_equal(at(BASE + 0x2000), "comes");
}

/* A reader never waits, and believes no table that changes or makes no sense. */
static void test_reader(void **state)
{
	uint32_t i;

	(void)state;
	add(BASE, 0x1000, "zero");
	table.sequence++;
	assert_string_equal(at(BASE), "?");
	table.sequence++;
	assert_string_equal(at(BASE), "zero");
	table.count = IMAGES_MOST + 1;
	assert_string_equal(at(BASE), "?");
	table.count = ~0u;
	assert_string_equal(at(BASE), "?");
	memset(&table, 0xff, sizeof(table));
	table.sequence = 0;
	table.count = IMAGES_MOST;
	for (i = 0; i < 64; i++)
		at(1ull << i);
}

static void test_ours(void **state)
{
	(void)state;
	fake_open(1, 256);
	fake.fail_allocation = 0;
	images_init();
	assert_int_equal(images_physical().value, 0);
	images_add(BASE, 0x1000, "nowhere", 7);
	images_list_begin();
	images_list_end(true);
	images_remove(BASE, 0x1000);
	assert_int_equal(images_find(BASE, &found), IMAGE_UNKNOWN);
	assert_int_equal(images_memory(), 0);
	images_end();

	fake.fail_allocation = FAKE_NEVER;
	images_init();
	assert_int_not_equal(images_physical().value, 0);
	assert_int_equal(images_memory(), 6 * HOST_PAGE);
	images_add(BASE, 0x1000, "early", 5);
	assert_int_equal(images_find(BASE, &found), IMAGE_FOUND);
	assert_int_equal(images_find(BASE + 0x1000, &found), IMAGE_UNKNOWN);
	images_list_begin();
	images_add(BASE + 0x1000, 0x1000, "listed", 6);
	images_list_end(false);
	assert_int_equal(images_find(BASE, &found), IMAGE_FOUND);
	assert_int_equal(images_find(BASE + 0x2000, &found), IMAGE_UNKNOWN);
	images_list_begin();
	images_add(BASE + 0x1000, 0x1000, "listed", 6);
	images_list_end(true);
	assert_int_equal(images_find(BASE, &found), IMAGE_NONE);
	assert_int_equal(images_find(BASE + 0x1fff, &found), IMAGE_FOUND);
	/* One that is too large to be written down. */
	images_add(BASE + 0x10000, 1ull << 32, "huge", 4);
	assert_int_equal(images_find(BASE, &found), IMAGE_UNKNOWN);
	images_end();
	fake_close();
}

/* A run lends it to root, with the layout. */
static void test_run(void **state)
{
	const struct gate_machine *gate;
	struct hp_failure failure;

	(void)state;
	fake_open(1, 256);
	fake.layout_known = LAYOUT_CURRENT;
	images_init();
	assert_int_equal(fake_start(0, &failure), HP_ERROR_OK);
	gate = lifecycle_machine()->gate;
	assert_int_equal(gate->images.value, images_physical().value);
	assert_int_equal(gate->layout.known, LAYOUT_CURRENT);
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	images_end();
	fake_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_find, setup),
		cmocka_unit_test_setup(test_replaced, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_full, setup),
		cmocka_unit_test_setup(test_list, setup),
		cmocka_unit_test_setup(test_reader, setup),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests_name("host/images", tests, fake_open_log, fake_close_log);
}
