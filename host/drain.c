// SPDX-License-Identifier: MIT
/*
 * The drain. See drain.h, and struct gate_ring for the protocol.
 *
 * World: OS.
 */
#include <string.h>

#include "drain.h"
#include "lifecycle.h"
#include "log.h"
#include "processor.h"
#include "report.h"
#include "../base/record.h"

static uint64_t ring_head(const struct gate_ring *ring)
{
	return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

/*
 * Copies record number `tail`. Returns how many records were overwritten, from it on, if it may be
 * among them: then the copy is worth nothing. Root may be writing the records that follow `head`.
 */
static uint64_t copy_record(const struct gate_ring *ring, uint64_t tail, struct hp_record *record)
{
	uint64_t head;

	memcpy(record, &ring->record[tail % GATE_RECORDS], sizeof(*record));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	head += GATE_RECORDS_AT_ONCE;
	return head - tail <= GATE_RECORDS ? 0 : head - tail - GATE_RECORDS;
}

/*
 * Is it the record that was to come? A guest that has written to a ring of ours reads there, from
 * then on, what it wrote: none of that may reach the log.
 */
static bool is_record(const struct hp_record *record, uint64_t number)
{
	return record->sequence == (uint32_t)number && record->level <= HP_ERR;
}

/* When the record was written, by the clock of the log. */
static uint64_t record_time(const struct hp_record *record)
{
	uint64_t khz = host_tsc_khz(), now = __builtin_ia32_rdtsc();

	if (!khz || record->tsc > now)
		return host_time();
	return host_time() - (now - record->tsc) / khz;
}

/* A line under way: a record, and those that continue it. */
struct line {
	struct hp_record first;
	char message[256];
	size_t used; /* 0: there is none */
};

static void end_line(uint32_t processor, struct line *line)
{
	if (!line->used)
		return;
	log_record(processor, line->first.level, record_time(&line->first), line->message);
	if (line->first.level >= HP_ERR)
		host_print(line->first.level, line->message);
	line->used = 0;
}

/* False: what the record continues was lost. */
static bool log_one(uint32_t processor, struct line *line, const struct hp_record *record)
{
	if (record->continues && !line->used)
		return false;
	if (!record->continues) {
		end_line(processor, line);
		line->first = *record;
	}
	line->used +=
		record_text(record, line->message + line->used, sizeof(line->message) - line->used);
	return true;
}

static void log_lost(uint32_t processor, uint64_t lost)
{
	struct hp_record record = { .tsc = __builtin_ia32_rdtsc(),
				    .format = RECORD_LOST,
				    .level = HP_WARN,
				    .argument = { lost } };
	struct line line = { .used = 0 };

	log_one(processor, &line, &record);
	end_line(processor, &line);
}

static void drain_ring(struct processor *processor)
{
	const struct gate_ring *ring = processor->ring;
	uint64_t head = ring_head(ring), lost = 0, missed;
	struct line line = { .used = 0 };
	struct hp_record record;
	uint32_t i;

	/* Bounded, whatever a head says that is no longer root's. */
	for (i = 0; i < 2 * GATE_RECORDS && processor->tail < head; i++) {
		missed = copy_record(ring, processor->tail, &record);
		if (missed) {
			end_line(processor->index, &line);
			lost += missed;
			processor->tail += missed;
			continue;
		}
		if (!is_record(&record, processor->tail) ||
		    !log_one(processor->index, &line, &record))
			lost++;
		processor->tail++;
	}
	end_line(processor->index, &line);
	processor->lost += lost;
	if (lost)
		log_lost(processor->index, lost);
}

void drain_records(struct machine *machine)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].gate)
			drain_ring(&machine->processor[i]);
	}
}

/*
 * A processor invalidates its translations at its next exit, which may be long in coming; only then
 * the tables that it may have cached can be used again.
 */
static void push_laggards(struct machine *machine)
{
	const struct gate_machine *gate = machine->gate;
	uint64_t generation = __atomic_load_n(&gate->pool.generation, __ATOMIC_ACQUIRE);
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		if (processor_is_guest(&machine->processor[i]) &&
		    __atomic_load_n(&gate->passed[i], __ATOMIC_ACQUIRE) < generation)
			processor_sync(&machine->processor[i]);
	}
}

bool drain_run(void)
{
	struct machine *machine;
	bool failed = false;

	host_lock();
	machine = lifecycle_machine();
	if (machine) {
		drain_records(machine);
		push_laggards(machine);
		failed = report_look(machine);
	}
	host_unlock();
	if (failed)
		lifecycle_step_aside();
	return machine != NULL;
}
