// SPDX-License-Identifier: MIT
/*
 * Does the lab notice? The driver is the probe, which breaks a rule at each request; and its file
 * is damaged here in ways that NT's loader refuses.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#include "../probe/probe.h"

#define LOAD_AT 0xfffff80770000000ull

static void ask(enum probe probe, const char *rule, const char *text)
{
	char name[80];

	say_to(name, sizeof(name), "the lab notices: %s", text);
	judge_begin(name);
	judge_expect(rule);
	io_control(client_file, PROBE_CODE(probe), NULL, 0, NULL, 0);
	judge_end();
}

/* So that the next request meets a thread as it should be. A mutex, it gives back itself. */
static void clean_up(void)
{
	thread_this()->system_affinity = false;
	thread_set_affinity(thread_this()->user_affinity);
}

static void leave(enum probe probe, const char *rule, const char *text)
{
	char name[80];

	say_to(name, sizeof(name), "the lab notices what is left: %s", text);
	judge_check(NT_SUCCESS(suite_load("the probe's load", false)) && client_open(), "%lx",
		    client_status);
	judge_end();
	io_control(client_file, PROBE_CODE(probe), NULL, 0, NULL, 0);
	client_close();
	suite_unload(name, rule);
}

/* The linker's file is right; with one byte changed it is not. */
static void damage(const char *name, size_t at, uint8_t value, bool sum, const char *wanted)
{
	size_t bytes;
	uint8_t *file = suite_driver_file(&bytes), old = file[at];
	IMAGE_NT_HEADERS *headers = loader_headers(file);
	ULONG old_sum = headers->OptionalHeader.CheckSum;
	const char *wrong;

	judge_begin(name);
	file[at] = value;
	if (sum)
		headers->OptionalHeader.CheckSum = loader_checksum(file, bytes);
	wrong = loader_load(file, bytes, LOAD_AT);
	judge_check(wrong && !strcmp(wrong, wanted), "%s", wrong ? wrong : "it is loaded");
	judge_check(!loader_driver.loaded, "it stays loaded");
	file[at] = old;
	headers->OptionalHeader.CheckSum = old_sum;
	judge_end();
}

static size_t offset_of(const void *in)
{
	size_t bytes;

	return (size_t)((const uint8_t *)in - suite_driver_file(&bytes));
}

static void damaged_files(void)
{
	size_t bytes;
	uint8_t *file = suite_driver_file(&bytes);
	IMAGE_NT_HEADERS *headers = loader_headers(file);
	IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
	const char *name = rtl_find((const char *)file, bytes, "KeFlushQueuedDpcs");

	damage("the loader refuses a wrong checksum", bytes - 1, file[bytes - 1] ^ 1, false,
	       "the checksum is wrong");
	damage("the loader refuses a section that is writable and executable",
	       offset_of(&section->Characteristics) + 3, 0xe0, true,
	       "a section is writable and executable");
	damage("the loader refuses an import that there is not", offset_of(name), 'X', true,
	       "imports what there is not");
	damage("the loader refuses another processor's image",
	       offset_of(&headers->FileHeader.Machine), 0x4c, true, "not for x64");
	damage("the loader refuses an image without relocations",
	       offset_of(&headers->FileHeader.Characteristics),
	       (uint8_t)(headers->FileHeader.Characteristics | IMAGE_FILE_RELOCS_STRIPPED), true,
	       "without relocations");
}

static void memory_is_gone(void)
{
	void *block = pool_take(100, 1, 0);

	judge_check(memory_translate(memory_top(), (uintptr_t)block + 112) == MEMORY_NONE,
		    "the page behind it is mapped");
	pool_give(block, 0);
	judge_check(memory_translate(memory_top(), (uintptr_t)block) == MEMORY_NONE,
		    "it is still mapped");
}

void probe_run(void)
{
	static const struct test tests[] = {
		{ "pool is not mapped behind a block, nor after its end", memory_is_gone },
		{ NULL, NULL },
	};

	damaged_files();
	suite_tests(tests);
	judge_check(NT_SUCCESS(suite_load("the probe's load", false)) && client_open(), "%lx",
		    client_status);
	judge_end();
#define ASK(name, rule, text)                                                                      \
	ask(PROBE_##name, rule, text);                                                             \
	clean_up();
	PROBE_DONE(ASK)
#undef ASK
	client_close();
	suite_unload("the probe's unload", NULL);
#define LEAVE(name, rule, text) leave(PROBE_##name, rule, text);
	PROBE_LEFT(LEAVE)
#undef LEAVE
}
