// SPDX-License-Identifier: MIT
/*
 * What a crash dump has. See dump.h.
 *
 * The text is composed while the system crashes: at HIGH_LEVEL, on one processor, with the others
 * stopped wherever they were. So no lock is taken and nothing is believed that could be half done,
 * except that the run's own structures are whole while `running` is set.
 *
 * World: OS.
 */
#include <stdio.h>
#include <string.h>

#include "../../base/record.h"
#include "../lifecycle.h"
#include "../machine.h"
#include "dump.h"

#define DUMP_BYTES   16384u
#define RECORDS_EACH 16u /* the last of each processor */
#define COMPONENT    "HyperPlatform"
#define LINE_BYTES   256u

/* A section of its own, since debuggers can't read the symbols that mingw-w64 makes. */
static struct dump_anchor anchor __attribute__((section(".dump"), used)) = {
	.signature = DUMP_SIGNATURE,
	.version = DUMP_VERSION,
	.processor_bytes = sizeof(struct processor),
	.processor_gate = offsetof(struct processor, gate),
	.processor_ring = offsetof(struct processor, ring),
	.gate_in_guest = offsetof(struct gate_cpu, in_guest),
	.ring_exits = offsetof(struct gate_ring, exits_total),
	.ring_record = offsetof(struct gate_ring, record),
	.records = GATE_RECORDS,
	.record_bytes = sizeof(struct hp_record),
	.processor_trail = offsetof(struct processor, trail),
	.trail_exit = offsetof(struct gate_trail, exit),
	.exit_bytes = sizeof(struct hp_exit),
};

static KBUGCHECK_REASON_CALLBACK_RECORD callback;
static char text[DUMP_BYTES];
static bool registered;

static size_t put(size_t used, size_t limit, const char *line)
{
	size_t bytes = strlen(line);

	if (used + bytes > limit)
		return used;
	memcpy(text + used, line, bytes);
	return used + bytes;
}

static size_t put_processor(size_t used, size_t limit, const struct processor *processor)
{
	const struct gate_ring *ring = processor->ring;
	uint64_t head = ring->head, n = head > RECORDS_EACH ? head - RECORDS_EACH : 0;
	char message[LINE_BYTES - 48], line[LINE_BYTES];

	snprintf(line, sizeof(line), "#%u %s, %llu exits, %llu records\n", processor->index,
		 processor->gate->in_guest ? "guest" : "native",
		 (unsigned long long)ring->exits_total, (unsigned long long)head);
	used = put(used, limit, line);
	for (; n < head; n++) {
		const struct hp_record *record = &ring->record[n % GATE_RECORDS];

		record_text(record, message, sizeof(message));
		if (record->continues)
			snprintf(line, sizeof(line), "        %s\n", message);
		else
			snprintf(line, sizeof(line), "#%u TSC %llx: %s\n", processor->index,
				 (unsigned long long)record->tsc, message);
		used = put(used, limit, line);
	}
	return used;
}

static size_t compose(size_t limit)
{
	const struct machine *machine = lifecycle_machine();
	size_t used = put(0, limit, "HyperPlatform " HP_VERSION "\n");
	uint32_t i;

	if (!machine)
		return put(used, limit, "not running\n");
	for (i = 0; i < machine->processors; i++) {
		if (machine->processor[i].gate)
			used = put_processor(used, limit, &machine->processor[i]);
	}
	return used;
}

static void NTAPI on_bug_check(KBUGCHECK_CALLBACK_REASON reason,
			       PKBUGCHECK_REASON_CALLBACK_RECORD record, PVOID data, ULONG bytes)
{
	static const GUID guid = DUMP_GUID;
	KBUGCHECK_SECONDARY_DUMP_DATA *dump = data;
	size_t limit = sizeof(text);

	(void)record;
	if (reason != KbCallbackSecondaryDumpData || bytes < sizeof(*dump))
		return;
	if (limit > dump->MaximumAllowed)
		limit = dump->MaximumAllowed;
	dump->Guid = guid;
	dump->OutBuffer = text;
	dump->OutBufferLength = (ULONG)compose(limit);
}

void dump_run(const struct machine *machine)
{
	anchor.processor = machine ? (uintptr_t)machine->processor : 0;
	anchor.processors = machine ? machine->processors : 0;
	anchor.exits = machine ? machine->history : 0;
}

void dump_init(void)
{
	callback.State = BufferEmpty;
	registered = KeRegisterBugCheckReasonCallback(
		&callback, on_bug_check, KbCallbackSecondaryDumpData, (PUCHAR)COMPONENT);
}

void dump_end(void)
{
	if (registered)
		KeDeregisterBugCheckReasonCallback(&callback);
}
