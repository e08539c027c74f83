// SPDX-License-Identifier: MIT
/*
 * Reports and histories: read from the trails while the hypervisor runs, copied when it ends with a
 * report. See report.h.
 *
 * A trail is the guest's to read only, but what lies in it was written by a root that had just
 * failed: nothing in it is used as an index or a size here.
 *
 * World: OS.
 */
#include <string.h>

#include "log.h"
#include "machine.h"
#include "report.h"

static const char *const kinds[] = {
#define KIND(name, number, text) [number] = text,
	HP_REPORT_KINDS(KIND)
#undef KIND
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Of a run that has ended: one trail a processor, those that there was memory for. */
static struct {
	uint32_t processors, history, pages;
	struct kept {
		struct gate_trail *trail; /* NULL: not known */
		uint64_t exits;
	} processor[HP_PROCESSORS_MAX];
} kept;

static uint32_t kind_of(const struct gate_trail *trail)
{
	return __atomic_load_n(&trail->report.kind, __ATOMIC_ACQUIRE);
}

static void say(uint32_t processor, const struct hp_report *report, uint32_t kind)
{
	const char *text = kind < KINDS ? kinds[kind] : "a report of an unknown kind";

	if (kind == HP_REPORT_FAULT || kind == HP_REPORT_STUCK)
		log_line(HP_ERR,
			 "processor %u stepped aside: %s: vector %u at root.elf+%#llx, exit reason "
			 "%u; hpctl report has the rest",
			 processor, text, report->vector, (unsigned long long)report->root_rip,
			 report->reason);
	else
		log_line(
			HP_ERR,
			"processor %u stepped aside: %s: exit reason %#x, VM-instruction error %u; "
			"hpctl report has the rest",
			processor, text, report->reason, report->instruction_error);
}

bool report_look(struct machine *machine)
{
	bool there = false;
	uint32_t i, kind;

	for (i = 0; i < machine->processors; i++) {
		struct processor *processor = &machine->processor[i];

		if (!processor->trail)
			continue;
		kind = kind_of(processor->trail);
		if (!kind)
			continue;
		there = true;
		if (!processor->reported)
			say(i, &processor->trail->report, kind);
		processor->reported = true;
	}
	return there;
}

void report_end(void)
{
	uint32_t i;

	for (i = 0; i < kept.processors; i++) {
		if (kept.processor[i].trail)
			host_free(kept.processor[i].trail, kept.pages);
	}
	memset(&kept, 0, sizeof(kept));
}

static void keep_one(uint32_t index, const struct processor *processor)
{
	struct kept *one = &kept.processor[index];
	struct phys unused;

	memset(one, 0, sizeof(*one));
	if (!processor->trail)
		return;
	one->trail = host_allocate(kept.pages, &unused);
	if (!one->trail) {
		log_line(HP_WARN, "no memory to keep the report of processor %u", index);
		return;
	}
	memcpy(one->trail, processor->trail, (size_t)kept.pages * HOST_PAGE);
	one->exits = processor->ring->exits_total;
}

void report_keep(const struct machine *machine)
{
	bool wanted = false;
	uint32_t i;

	for (i = 0; i < machine->processors; i++)
		wanted |= machine->processor[i].trail && kind_of(machine->processor[i].trail);
	if (!wanted)
		return;
	report_end();
	kept.processors = machine->processors;
	kept.history = machine->history;
	kept.pages = machine_trail_pages(machine);
	for (i = 0; i < kept.processors; i++)
		keep_one(i, &machine->processor[i]);
}

/* Where to read about one processor. */
struct source {
	const struct gate_trail *trail;
	uint32_t history;
	uint64_t exits;
};

static bool run_has_report(const struct machine *machine)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].reported)
			return true;
	}
	return false;
}

static enum hp_error find(const struct machine *machine, uint32_t processor, struct source *source)
{
	const struct processor *live = NULL;

	if (machine && processor < machine->processors)
		live = &machine->processor[processor];
	memset(source, 0, sizeof(*source));
	if (kept.processors && !(machine && run_has_report(machine))) {
		if (processor >= kept.processors)
			return HP_ERROR_OFFLINE;
		source->trail = kept.processor[processor].trail;
		source->history = kept.history;
		source->exits = kept.processor[processor].exits;
	} else if (live && live->trail) {
		source->trail = live->trail;
		source->history = machine->history;
		source->exits = live->ring->exits_total;
	} else if (!machine) {
		return processor < host_processors() ? HP_ERROR_OK : HP_ERROR_OFFLINE;
	}
	return source->trail ? HP_ERROR_OK : HP_ERROR_OFFLINE;
}

static void copy_build_id(struct hp_report *to)
{
	struct elf_image elf;

	if (root_image_parse(&elf) != HP_ERROR_OK)
		return;
	to->build_id_bytes = elf.build_id_bytes;
	memcpy(to->build_id, elf.build_id, sizeof(to->build_id));
}

enum hp_error report_copy(const struct machine *machine, uint32_t processor, struct hp_report *to)
{
	struct source source;
	enum hp_error error = find(machine, processor, &source);

	if (source.trail)
		memcpy(to, &source.trail->report, sizeof(*to));
	to->processor = processor;
	copy_build_id(to);
	return error;
}

enum hp_error report_history(const struct machine *machine, uint32_t processor, uint32_t from,
			     struct hp_history *to)
{
	struct source source;
	enum hp_error error = find(machine, processor, &source);
	uint64_t number;

	to->processor = processor;
	to->from = from;
	to->depth = source.history;
	to->total = source.exits;
	if (!source.trail)
		return error;
	for (; to->count < HP_HISTORY_PART; to->count++) {
		uint64_t back = (uint64_t)from + to->count;

		if (back >= source.history || back >= source.exits)
			break;
		number = source.exits - 1 - back;
		to->exit[to->count] = source.trail->exit[number & (source.history - 1)];
	}
	return HP_ERROR_OK;
}
