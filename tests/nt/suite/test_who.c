// SPDX-License-Identifier: MIT
/*
 * What the driver has found out of the system for root, and what root makes of it: who writes to
 * the hypervisor's memory, by the log's line.
 *
 * World: the lab's kernel, in the thread of the tests, which is System's.
 */
#include "../../../gate/gate.h"
#include "suite.h"

#define DRAIN_MS 300

static const struct gate_machine *machine;

static void look(void *address, uint64_t bytes)
{
	const struct gate_machine *candidate = address;

	if (bytes == PAGE && candidate->version == GATE_VERSION &&
	    candidate->processors == PROCESSORS && candidate->window_base && candidate->alias)
		machine = candidate;
}

static bool find_machine(void)
{
	machine = NULL;
	pool_each(look);
	judge_check(machine != NULL, "the machine's page is not there");
	return machine != NULL;
}

static void layout(void)
{
	const struct layout *found;

	if (!find_machine())
		return;
	found = &machine->layout;
	judge_check(found->known == (LAYOUT_CURRENT | LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS),
		    "known: %x", found->known);
	judge_check(found->thread == offsetof(struct processor, thread), "the thread: %llx",
		    found->thread);
	judge_check(found->process == offsetof(struct _KTHREAD, process), "the process: %x",
		    found->process);
	judge_check(found->id == offsetof(struct process, id) && found->id_bytes == 8, "id: %x",
		    found->id);
	judge_check(found->name == offsetof(struct process, name) && found->name_bytes == 15,
		    "name: %x", found->name);
	judge_check(found->credentials == offsetof(struct process, token) &&
			    found->credentials_bits == 0xf,
		    "token: %x", found->credentials);
}

static void images(void)
{
	const struct image_table *table;
	struct image image;

	if (!find_machine())
		return;
	table = memory_direct(machine->images.value);
	judge_check(image_table_find(table, (uintptr_t)layout, &image) == IMAGE_FOUND &&
			    !strcmp(image.name, "ntoskrnl.exe"),
		    "the kernel is not there");
	judge_check(image_table_find(table, loader_driver.base + 0x1000, &image) == IMAGE_FOUND &&
			    !strcmp(image.name, "hyperplatform.sys") &&
			    image.base == loader_driver.base,
		    "the driver is not there");
	judge_check(image_table_find(table, loader_driver.base + loader_driver.bytes, &image) ==
			    IMAGE_NONE,
		    "there is something behind the driver");
}

static void expect_line(const char *who)
{
	const char *text;
	size_t bytes;

	thread_sleep(DRAIN_MS);
	text = file_content(&bytes);
	judge_check(rtl_find(text, bytes, who) != NULL, "no line ends with \"%s\"", who);
}

/* Where there is no image: mov %cl, (%rdx); ret */
static void store_from_nowhere(void *to)
{
	static const uint8_t code[] = { 0x88, 0x0a, 0xc3 };
	uint64_t page = memory_reserve(1);
	void (*function)(uint64_t value, void *to) = (void (*)(uint64_t, void *))page;

	judge_check(memory_back(page, 1, MAP_WRITE | MAP_EXECUTE), "no memory");
	memcpy((void *)page, code, sizeof(code));
	function(0xa5, to);
	memory_release(page, 1);
}

/* A page once written shows the sink, and is not reported again: so each has one of its own. */
static void writes(void)
{
	if (!find_machine())
		return;
	*(volatile uint8_t *)memory_direct(machine->blank.value) = 0xa5;
	expect_line(", process 4 (System) [ntoskrnl.exe+0x");
	store_from_nowhere(memory_direct(machine->msr_bitmap.value));
	expect_line(", process 4 (System) [no image]\r\n");
	judge_check(state_is_guest(0) && state_is_guest(1), "a processor has left");
}

const struct test tests_who[] = {
	{ "who: where the current process is", layout },
	{ "who: images", images },
	{ "who: the log says who writes to hidden memory", writes },
	{ NULL, NULL },
};
