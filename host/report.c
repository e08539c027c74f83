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
	uint32_t processors;
	struct kept {
		struct gate_trail *trail; /* NULL: not known */
		uint32_t pages;
		uint32_t history; /* exits that it has; 0: there was memory for the report only */
		uint64_t exits;
	} processor[HP_PROCESSORS_MAX];
} kept;

/* Root writes the kind last: what else is in the report is there when the kind is. */
static uint32_t kind_of(const struct gate_trail *trail)
{
	return trail ? __atomic_load_n(&trail->report.kind, __ATOMIC_ACQUIRE) : HP_REPORT_NONE;
}

static uint64_t exits_of(const struct processor *processor)
{
	return __atomic_load_n(&processor->ring->exits_total, __ATOMIC_RELAXED);
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
	else if (kind == HP_REPORT_ENTRY_FAILED)
		log_line(HP_ERR,
			 "processor %u stepped aside: %s: exit reason %#x, VM-instruction error "
			 "%u; hpctl report has the rest",
			 processor, text, report->reason, report->instruction_error);
	else
		log_line(HP_ERR,
			 "processor %u stepped aside: %s: exit reason %u; hpctl report has the "
			 "rest",
			 processor, text, report->reason);
}

bool report_look(struct machine *machine)
{
	bool there = false;
	uint32_t i, kind;

	for (i = 0; i < machine->processors; i++) {
		struct processor *processor = &machine->processor[i];

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
			host_free(kept.processor[i].trail, kept.processor[i].pages);
	}
	memset(&kept, 0, sizeof(kept));
}

static bool keep_pages(struct kept *one, const struct processor *processor, uint32_t pages)
{
	struct phys unused;

	one->trail = host_allocate(pages, &unused);
	if (!one->trail)
		return false;
	one->pages = pages;
	one->exits = exits_of(processor);
	memcpy(one->trail, processor->trail, (size_t)pages * HOST_PAGE);
	return true;
}

/* Memory may be short, and in small pieces: a report without its history is better than nothing. */
static void keep_one(struct kept *one, const struct machine *machine,
		     const struct processor *processor)
{
	if (keep_pages(one, processor, machine_trail_pages(machine))) {
		one->history = machine->history;
		return;
	}
	if (kind_of(processor->trail) && keep_pages(one, processor, 1))
		log_line(HP_WARN, "no memory to keep the VM-exit history of processor %u",
			 processor->index);
	else
		log_line(HP_WARN, "no memory to keep what is known of processor %u",
			 processor->index);
}

static bool run_has_report(const struct machine *machine)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (kind_of(machine->processor[i].trail))
			return true;
	}
	return false;
}

void report_keep(const struct machine *machine)
{
	const struct processor *processor;
	uint32_t i, pass;
	bool first;

	if (!run_has_report(machine))
		return;
	report_end();
	kept.processors = machine->processors;
	/* Those with a report come first, in case that there is not enough for all. */
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < kept.processors; i++) {
			processor = &machine->processor[i];
			first = kind_of(processor->trail) != HP_REPORT_NONE;
			if (processor->trail && first == (pass == 0))
				keep_one(&kept.processor[i], machine, processor);
		}
	}
}

uint64_t report_memory(void)
{
	uint64_t pages = 0;
	uint32_t i;

	for (i = 0; i < kept.processors; i++)
		pages += kept.processor[i].pages;
	return pages * HOST_PAGE;
}

/* Where to read about one processor. */
struct source {
	const struct gate_trail *trail;
	uint32_t history;
	uint64_t exits;
};

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
		source->history = kept.processor[processor].history;
		source->exits = kept.processor[processor].exits;
	} else if (live && live->trail) {
		source->trail = live->trail;
		source->history = machine->history;
		source->exits = exits_of(live);
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
	uint32_t kind = kind_of(source.trail);

	/* One that root has just begun to write is none yet. */
	if (kind)
		memcpy(to, &source.trail->report, sizeof(*to));
	to->kind = kind;
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
