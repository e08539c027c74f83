// SPDX-License-Identifier: MIT
/*
 * The functions that a driver can import, with the IRQLs at which their documentation allows them.
 * An import points to a stub of its own (entry.S), which comes here before the function runs.
 *
 * The table is host/windows/imports.txt's, no more: a driver that imports anything else is not
 * loaded, and the build of the lab fails if the two differ (tests/nt/run).
 *
 * World: the lab's kernel; any IRQL.
 */
#include "nt.h"

#define EXPORT_STUBS 512 /* entry.S */
#define STUB_BYTES   16

struct export
{
	const char *name;
	void *address;
	uint8_t highest; /* IRQL */
	bool looked_up;	 /* found at run time only */
	bool newer;	 /* than NT 5.2, which does not find it */
};

#define ANY		    HIGH_LEVEL
#define OLD(name, highest)  { #name, name, highest, false, false },
#define LATE(name, highest) { #name, name, highest, true, false },
#define NEW(name, highest)  { #name, name, highest, true, true },
static const struct export exports[] = {
#include "exports.h"
};
#undef OLD
#undef LATE
#undef NEW
#define EXPORTS (sizeof(exports) / sizeof(exports[0]))
_Static_assert(EXPORTS <= EXPORT_STUBS, "a stub for each");

extern char entry_import_stubs[];
/* Called by entry.S. */
void *export_check(uint64_t index, uint64_t return_address, uint64_t rsp);

static bool old_version;
static uint32_t calls[EXPORTS];

void export_set_version(bool old)
{
	old_version = old;
}

bool export_is_old(void)
{
	return old_version;
}

uint32_t export_calls(const char *name)
{
	unsigned i;

	for (i = 0; i < EXPORTS; i++)
		if (!strcmp(exports[i].name, name))
			return calls[i];
	return 0;
}

const char *export_current(void)
{
	return exports[thread_this()->export_index].name;
}

/* What an import of this name points to. NULL: this NT has no such function. */
void *export_find(const char *name, bool at_run_time)
{
	unsigned i;

	for (i = 0; i < EXPORTS; i++) {
		if (strcmp(exports[i].name, name))
			continue;
		if ((exports[i].newer && old_version) || (exports[i].looked_up && !at_run_time))
			return NULL;
		return entry_import_stubs + i * STUB_BYTES;
	}
	return NULL;
}

void export_violation(const char *rule, const char *format, ...)
{
	PKTHREAD thread = thread_this();
	char text[120], where[64];
	va_list arguments;

	va_start(arguments, format);
	say_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	judge_violation(rule, "%s called from %s: %s", export_current(),
			loader_where(thread->export_caller, where, sizeof(where)), text);
}

void *export_check(uint64_t index, uint64_t return_address, uint64_t rsp)
{
	PKTHREAD thread = thread_this();
	uint64_t level = processor_cr8();

	thread->export_index = (uint32_t)index;
	thread->export_caller = return_address;
	calls[index]++;
	if (level > exports[index].highest)
		export_violation("IRQL", "at %llu, allowed up to %u", level,
				 exports[index].highest);
	if (rsp % 16 != 8)
		export_violation("stack", "not aligned: %llx", rsp);
	return exports[index].address;
}

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING name)
{
	char narrow[64];
	unsigned i;

	for (i = 0; i < name->Length / 2u && i < sizeof(narrow) - 1; i++)
		narrow[i] = (char)name->Buffer[i];
	narrow[i] = 0;
	return export_find(narrow, true);
}
