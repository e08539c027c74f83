// SPDX-License-Identifier: MIT
/*
 * The requests. See requests.h. One row and one function for each, named as in the table of abi.h.
 *
 * World: OS.
 */
#include <string.h>

#include "drain.h"
#include "images.h"
#include "lifecycle.h"
#include "log.h"
#include "processor.h"
#include "report.h"
#include "requests.h"
#include "subscribe.h"

static enum hp_error handle_VERSION(const void *in, void *out)
{
	struct hp_version *version = out;
	struct elf_image elf;

	(void)in;
	version->abi = HP_ABI_VERSION;
	memcpy(version->version, HP_VERSION, sizeof(HP_VERSION));
	_Static_assert(sizeof(HP_VERSION) <= sizeof(version->version), "the version fits");
	host_lock();
	version->running = lifecycle_machine() != NULL;
	host_unlock();
	if (root_image_parse(&elf) != HP_ERROR_OK)
		return HP_ERROR_IMAGE;
	version->build_id_bytes = elf.build_id_bytes;
	memcpy(version->build_id, elf.build_id, sizeof(version->build_id));
	return HP_ERROR_OK;
}

/* The check's own result is in the structure: the request succeeds when it could look. */
static enum hp_error handle_CHECK(const void *in, void *out)
{
	uint32_t number = *(const uint32_t *)in;
	enum hp_error error = HP_ERROR_OK;
	struct machine *machine;
	struct hp_check *check = out;

	check->processor = number;
	host_lock();
	machine = lifecycle_machine();
	if (!machine)
		error = processor_check(number, check);
	else if (number < machine->processors && machine->processor[number].checked)
		*check = machine->processor[number].check;
	else
		error = HP_ERROR_OFFLINE;
	host_unlock();
	return error == HP_ERROR_OFFLINE ? error : HP_ERROR_OK;
}

static enum hp_error handle_START(const void *in, void *out)
{
	return lifecycle_start(in, out);
}

static enum hp_error handle_STOP(const void *in, void *out)
{
	(void)in;
	return lifecycle_stop(out);
}

static void add_processor(struct hp_status *status, const struct processor *processor)
{
	uint32_t i = processor->index;

	if (processor_is_guest(processor))
		status->processor[i].state = HP_PROCESSOR_GUEST;
	status->processor[i].error = processor->error;
	if (!processor->gate)
		return;
	if (!processor->error)
		status->processor[i].error = processor->gate->error;
	status->processor[i].exits = processor->ring->exits_total;
	status->records += processor->ring->head;
	status->records_lost += processor->lost;
}

static void add_machine(struct hp_status *status, const struct machine *machine)
{
	uint32_t i;

	status->running = 1;
	memcpy(status->memory, machine->memory.bytes, sizeof(status->memory));
	memcpy(status->ept_pages, machine->ept_pages, sizeof(status->ept_pages));
	status->ept_recycled = machine->gate->pool.recycled;
	for (i = 0; i < machine->processors; i++)
		add_processor(status, &machine->processor[i]);
}

static enum hp_error handle_STATUS(const void *in, void *out)
{
	struct hp_status *status = out;
	uint32_t i;

	(void)in;
	host_lock();
	status->processors = host_processors();
	if (status->processors > HP_PROCESSORS_MAX)
		status->processors = HP_PROCESSORS_MAX;
	for (i = 0; i < status->processors; i++)
		status->processor[i].state = host_processor(i);
	if (lifecycle_machine())
		add_machine(status, lifecycle_machine());
	status->memory[HP_MEMORY_LOG] += log_memory();
	status->memory[HP_MEMORY_SHARED] += images_memory();
	status->memory[HP_MEMORY_TRAIL] += report_memory();
	host_unlock();
	return HP_ERROR_OK;
}

static enum hp_error handle_PING(const void *in, void *out)
{
	uint32_t number = *(const uint32_t *)in;
	struct hp_ping *ping = out;
	struct machine *machine;
	enum hp_error error;

	ping->processor = number;
	ping->tsc_khz = host_tsc_khz();
	host_lock();
	machine = lifecycle_machine();
	if (!machine)
		error = HP_ERROR_NOT_RUNNING;
	else if (number >= machine->processors)
		error = HP_ERROR_OFFLINE;
	else
		error = processor_ping(&machine->processor[number], ping);
	host_unlock();
	return error;
}

static enum hp_error handle_STAT(const void *in, void *out)
{
	uint32_t number = *(const uint32_t *)in;
	enum hp_error error = HP_ERROR_OK;
	struct hp_stat *stat = out;
	const struct gate_ring *ring;
	struct machine *machine;

	stat->processor = number;
	host_lock();
	machine = lifecycle_machine();
	if (!machine) {
		error = HP_ERROR_NOT_RUNNING;
	} else if (number >= machine->processors || !machine->processor[number].gate) {
		error = HP_ERROR_OFFLINE;
	} else {
		ring = machine->processor[number].ring;
		memcpy(stat->exits, ring->exits, sizeof(stat->exits));
		stat->nmis_in_root = ring->nmis_in_root;
		stat->events_reinjected = ring->events_reinjected;
	}
	host_unlock();
	return error;
}

static enum hp_error handle_EXITS(const void *in, void *out)
{
	const uint32_t *masks = in;
	struct hp_exits *exits = out;
	enum hp_error error = HP_ERROR_NOT_RUNNING;

	exits->clear = masks[0];
	exits->set = masks[1];
	if ((exits->clear | exits->set) & ~HP_EXITS_ALL)
		return HP_ERROR_REQUEST;
	host_lock();
	if (lifecycle_machine())
		error = subscribe_groups(lifecycle_machine(), exits);
	host_unlock();
	return error;
}

/* Of a processor without a report, too: then it says so. */
static enum hp_error handle_REPORT(const void *in, void *out)
{
	uint32_t number = *(const uint32_t *)in;
	enum hp_error error;

	host_lock();
	error = report_copy(lifecycle_machine(), number, out);
	host_unlock();
	return error;
}

static enum hp_error handle_HISTORY(const void *in, void *out)
{
	const uint32_t *which = in;
	enum hp_error error;

	host_lock();
	error = report_history(lifecycle_machine(), which[0], which[1], out);
	host_unlock();
	return error;
}

static const struct row {
	uint32_t code, in_bytes, out_bytes;
	enum hp_error (*handle)(const void *in, void *out);
} rows[] = {
#define ROW(name, number, in, out) { number, in, out, handle_##name },
	HP_REQUESTS(ROW)
#undef ROW
};

_Static_assert(sizeof(struct hp_status) <= REQUESTS_BYTES_MAX, "the largest structure");

uint32_t requests_handle(uint32_t code, const void *in, uint32_t in_bytes, void *out,
			 uint32_t out_bytes)
{
	const struct row *row;

	for (row = rows; row < rows + sizeof(rows) / sizeof(rows[0]); row++) {
		if (row->code != code)
			continue;
		if (row->in_bytes != in_bytes || row->out_bytes != out_bytes)
			break;
		memset(out, 0, out_bytes);
		return row->handle(in, out);
	}
	return HP_ERROR_REQUEST;
}
