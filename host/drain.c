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
 * among them: then the copy is worth nothing. Root may be writing the record that follows `head`.
 */
static uint64_t copy_record(const struct gate_ring *ring, uint64_t tail, struct hp_record *record)
{
	uint64_t head;

	memcpy(record, &ring->record[tail % GATE_RECORDS], sizeof(*record));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	return head - tail < GATE_RECORDS ? 0 : head - tail - GATE_RECORDS + 1;
}

/* When the record was written, by the clock of the log. */
static uint64_t record_time(const struct hp_record *record)
{
	uint64_t khz = host_tsc_khz(), now = __builtin_ia32_rdtsc();

	if (!khz || record->tsc > now)
		return host_time();
	return host_time() - (now - record->tsc) / khz;
}

static void log_one(uint32_t processor, const struct hp_record *record)
{
	char message[200];

	record_text(record, message, sizeof(message));
	log_record(processor, record->level, record_time(record), message);
	if (record->level >= HP_ERR)
		host_print(record->level, message);
}

static void log_lost(uint32_t processor, uint64_t lost)
{
	struct hp_record record = { .tsc = __builtin_ia32_rdtsc(),
				    .format = RECORD_LOST,
				    .level = HP_WARN,
				    .argument = { lost } };

	log_one(processor, &record);
}

static void drain_ring(struct processor *processor)
{
	const struct gate_ring *ring = processor->ring;
	uint64_t head = ring_head(ring), lost = 0, missed;
	struct hp_record record;

	while (processor->tail < head) {
		missed = copy_record(ring, processor->tail, &record);
		if (missed) {
			lost += missed;
			processor->tail += missed;
			continue;
		}
		log_one(processor->index, &record);
		processor->tail++;
	}
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
