// SPDX-License-Identifier: MIT
/*
 * The machine of fake_os.h.
 */
#include "fake_os.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/remedy.h"
#include "tools/hpctl/cpu.h"

struct fake fake;
uint8_t fake_saved[1 << 20];
size_t fake_saved_bytes;

struct os_device {
	bool open;
};

static unsigned here; /* the processor that we pretend to run on */
static uint64_t tsc;

void fake_reset(void)
{
	unsigned i, id;

	memset(&fake, 0, sizeof(fake));
	fake.count = 2;
	fake.vmx = true;
	fake.long_mode = true;
	fake.version.abi = HP_ABI_VERSION;
	strcpy(fake.version.version, HP_VERSION);
	for (i = 0; i < 20; i++)
		fake.version.build_id[i] = (uint8_t)(0x10 + i);
	fake.version.build_id_bytes = 20;
	fake.failure.processor = HP_NO_PROCESSOR;
	fake.depth = HP_HISTORY_DEFAULT;
	fake_saved_bytes = 0;
	for (i = 0; i < FAKE_PROCESSORS; i++) {
		for (id = 0; id < HP_REQUIREMENT_COUNT; id++) {
			fake.check[i].requirement[id].verdict = HP_CHECK_OK;
			fake.check[i].requirement[id].found = 0xd810000000002bull + id;
		}
	}
	here = 0;
}

void fake_set_running(void)
{
	unsigned i;

	fake.loaded = true;
	fake.running = true;
	fake.status.processors = fake.count;
	for (i = 0; i < fake.count; i++) {
		fake.answers[i] = true;
		fake.status.processor[i].state = HP_PROCESSOR_GUEST;
		fake.status.processor[i].exits = 1000 + i;
		fake.ping[i].cpuid_signature = HP_SIGNATURE;
		fake.ping[i].cpuid_cycles = 1094 + i;
		fake.ping[i].gate_cycles = 900 + i;
		fake.ping[i].tsc_khz = 3000000;
	}
}

void fake_set_error(struct os_error *error, enum os_cause cause, const char *text,
		    const char *remedy)
{
	error->cause = cause;
	strcpy(error->text, text);
	strcpy(error->remedy, remedy);
}

static void trace(const char *event)
{
	assert(strlen(fake.trace) + strlen(event) + 2 < sizeof(fake.trace));
	strcat(fake.trace, " ");
	strcat(fake.trace, event);
}

void os_start(void)
{
}

struct os_device *os_open(struct os_error *error)
{
	struct os_device *device;

	if (!fake.loaded) {
		fake_set_error(error, OS_ABSENT, "there is no device", "hpctl load");
		return NULL;
	}
	if (fake.open_error.cause != OS_OK) {
		*error = fake.open_error;
		return NULL;
	}
	device = calloc(1, sizeof(*device));
	device->open = true;
	fake.open_now++;
	return device;
}

void os_close(struct os_device *device)
{
	assert(device->open);
	fake.open_now--;
	free(device);
}

static void give(void *buffer, const void *answer, size_t bytes, uint32_t out_bytes)
{
	assert(out_bytes == bytes);
	memcpy(buffer, answer, bytes);
}

/* The answer of a request about one processor. */
static enum hp_error about(void *buffer, const void *answer, size_t bytes, uint32_t in_bytes,
			   uint32_t out_bytes, unsigned processor)
{
	assert(in_bytes == sizeof(uint32_t) && processor < FAKE_PROCESSORS);
	if (fake.result_on[processor] != HP_ERROR_OK)
		return fake.result_on[processor];
	give(buffer, answer, bytes, out_bytes);
	memcpy(buffer, &processor, sizeof(processor));
	return HP_ERROR_OK;
}

static enum hp_error change_exits(void *buffer, enum hp_error result, uint32_t in_bytes,
				  uint32_t out_bytes)
{
	const struct hp_exits *in = buffer;

	assert(in_bytes == 8);
	if (result == HP_ERROR_OK && !fake.running)
		return HP_ERROR_NOT_RUNNING;
	if (result == HP_ERROR_OK)
		fake.exits.on = (fake.exits.on & ~in->clear) | in->set;
	give(buffer, &fake.exits, sizeof(fake.exits), out_bytes);
	return result;
}

static enum hp_error give_report(void *buffer, uint32_t in_bytes, uint32_t out_bytes,
				 uint32_t processor)
{
	assert(in_bytes == sizeof(uint32_t));
	if (processor >= fake.count || fake.offline[processor])
		return HP_ERROR_OFFLINE;
	if (fake.result_on[processor] != HP_ERROR_OK)
		return fake.result_on[processor];
	give(buffer, &fake.report[processor], sizeof(fake.report[0]), out_bytes);
	return HP_ERROR_OK;
}

static enum hp_error give_history(struct hp_history *history, uint32_t in_bytes, uint32_t out_bytes,
				  uint32_t processor)
{
	uint32_t from = history->from;
	uint64_t total;

	assert(in_bytes == 2 * sizeof(uint32_t) && out_bytes == sizeof(*history));
	if (processor >= fake.count || fake.offline[processor])
		return HP_ERROR_OFFLINE;
	total = fake.exits_total[processor];
	memset(history, 0, sizeof(*history));
	history->processor = processor;
	history->from = from;
	history->depth = fake.depth;
	history->total = total;
	for (; history->count < HP_HISTORY_PART; history->count++) {
		uint64_t back = (uint64_t)from + history->count;

		if (back >= total || back >= fake.depth)
			break;
		history->exit[history->count] = (struct hp_exit){
			.rip = FAKE_RIP + total - 1 - back,
			.reason = back == 1 ? 31 : 10,
			.qualification = back == 1 ? 0x1b : 0x40000001,
		};
	}
	if (fake.history_lies) {
		history->count = 0xffffffff;
		history->from = 77;
	}
	fake.exits_total[processor] += fake.exits_between;
	return HP_ERROR_OK;
}

enum hp_error os_request(struct os_device *device, uint32_t code, void *buffer, uint32_t in_bytes,
			 uint32_t out_bytes)
{
	enum hp_error result;
	uint32_t processor;

	assert(device->open && code < FAKE_REQUESTS);
	result = fake.result[code];
	memcpy(&processor, buffer, sizeof(processor));
	if (code == HP_REQUEST_EXITS)
		return change_exits(buffer, result, in_bytes, out_bytes);
	if (code == HP_REQUEST_START || code == HP_REQUEST_STOP) {
		if (code == HP_REQUEST_START) {
			fake.how = *(const struct hp_start *)buffer;
			fake.exits.on = fake.how.exits;
		}
		trace(code == HP_REQUEST_START ? "start" : "stop");
		if (result == HP_ERROR_OK && code == HP_REQUEST_START)
			fake_set_running();
		else if (result == HP_ERROR_OK)
			fake.running = false;
		fake.running &= !fake.stops_at_once;
		if (fake.failure.error != HP_ERROR_OK)
			give(buffer, &fake.failure, sizeof(fake.failure), out_bytes);
		return result;
	}
	if (result != HP_ERROR_OK)
		return result;
	switch (code) {
	case HP_REQUEST_VERSION:
		fake.version.running = fake.running;
		give(buffer, &fake.version, sizeof(fake.version), out_bytes);
		return HP_ERROR_OK;
	case HP_REQUEST_STATUS:
		fake.status.running = fake.running;
		give(buffer, &fake.status, sizeof(fake.status), out_bytes);
		return HP_ERROR_OK;
	case HP_REQUEST_CHECK:
		return about(buffer, &fake.check[processor], sizeof(fake.check[0]), in_bytes,
			     out_bytes, processor);
	case HP_REQUEST_PING:
		return about(buffer, &fake.ping[processor], sizeof(fake.ping[0]), in_bytes,
			     out_bytes, processor);
	case HP_REQUEST_STAT:
		return about(buffer, &fake.stat[processor], sizeof(fake.stat[0]), in_bytes,
			     out_bytes, processor);
	case HP_REQUEST_REPORT:
		return give_report(buffer, in_bytes, out_bytes, processor);
	case HP_REQUEST_HISTORY:
		return give_history(buffer, in_bytes, out_bytes, processor);
	default:
		return HP_ERROR_REQUEST;
	}
}

bool os_file_read(enum os_file which, const char *path, struct os_contents *contents,
		  struct os_error *error)
{
	struct fake_file *file = &fake.file[which];

	memset(contents, 0, sizeof(*contents));
	snprintf(file->asked, sizeof(file->asked), "%s", path ? path : "");
	snprintf(contents->path, sizeof(contents->path), "%s",
		 path			   ? path
		 : which == OS_FILE_REPORT ? "/saved/report"
					   : "/installed/root.sym");
	if (!file->data) {
		fake_set_error(error, OS_ABSENT, "there is no such file", "");
		return false;
	}
	contents->data = malloc(file->bytes + 1);
	memcpy(contents->data, file->data, file->bytes);
	contents->data[file->bytes] = 0;
	contents->bytes = file->bytes;
	return true;
}

bool os_file_save(const void *data, size_t bytes, struct os_error *error)
{
	trace("save");
	if (fake.save_error.cause != OS_OK) {
		*error = fake.save_error;
		return false;
	}
	assert(bytes <= sizeof(fake_saved));
	memcpy(fake_saved, data, bytes);
	fake_saved_bytes = bytes;
	fake.file[OS_FILE_REPORT].data = fake_saved;
	fake.file[OS_FILE_REPORT].bytes = bytes;
	return true;
}

int os_log_read(struct os_device *device, char *text, size_t bytes, unsigned wait_ms)
{
	const char *piece;

	assert(device->open && bytes >= 1024);
	(void)wait_ms;
	fake.reads++;
	if (fake.stop_after && fake.reads >= fake.stop_after)
		fake.running = false;
	piece = fake.reads <= 16 ? fake.log[fake.reads - 1] : NULL;
	if (!piece)
		return fake.log_ends ? -1 : 0;
	assert(strlen(piece) <= bytes);
	memcpy(text, piece, strlen(piece));
	return (int)strlen(piece);
}

struct os_device *os_driver_load(const char *path, struct os_error *error)
{
	trace("load");
	if (path)
		trace(path);
	if (fake.load_error.cause != OS_OK) {
		*error = fake.load_error;
		return NULL;
	}
	fake.loaded = true;
	return os_open(error);
}

bool os_driver_unload(struct os_error *error)
{
	trace("unload");
	assert(fake.open_now == 0);
	if (fake.unload_error.cause != OS_OK) {
		*error = fake.unload_error;
		return false;
	}
	fake.loaded = false;
	return true;
}

bool os_kvm_loaded(void)
{
	return fake.kvm_loaded;
}

const char *os_remedy(enum hp_error error)
{
	return remedy_on_linux(error);
}

bool os_kvm_unload(struct os_error *error)
{
	trace("kvm");
	if (fake.kvm_error.cause != OS_OK) {
		*error = fake.kvm_error;
		return false;
	}
	if (!fake.kvm_loaded) {
		fake_set_error(error, OS_ABSENT, "kvm_intel is not loaded", "");
		return false;
	}
	fake.kvm_loaded = false;
	return true;
}

void os_processors(struct os_processors *processors)
{
	unsigned i;

	memset(processors, 0, sizeof(*processors));
	processors->count = fake.count;
	for (i = 0; i < fake.count; i++)
		processors->online[i] = !fake.offline[i];
}

bool os_run_on(unsigned processor, void (*call)(void *argument), void *argument,
	       struct os_error *error)
{
	assert(processor < fake.count);
	if (fake.barred[processor]) {
		fake_set_error(error, OS_FAILED, "barred", "");
		return false;
	}
	here = processor;
	call(argument);
	here = 0;
	return true;
}

void os_interrupt_catch(void)
{
	fake.interrupt_caught = true;
}

bool os_interrupted(void)
{
	assert(fake.interrupt_caught);
	return fake.interrupt_after && fake.reads >= fake.interrupt_after;
}

struct cpuid_result cpu_cpuid(uint32_t leaf)
{
	struct cpuid_result result = { 0 };
	uint32_t base = fake.above ? HP_CPUID_BASE_ABOVE : HP_CPUID_BASE;
	char name[48] = "     Pretended(R) CPU";

	tsc += 50;
	switch (leaf) {
	case 0:
		memcpy(&result.ebx, "GenuineIntel", 4);
		memcpy(&result.edx, "GenuineIntel" + 4, 4);
		memcpy(&result.ecx, "GenuineIntel" + 8, 4);
		break;
	case 1:
		result.ecx = fake.vmx && !fake.answers[here] ? (uint32_t)CPUID_1_ECX_VMX : 0;
		if (fake.answers[here] || fake.above)
			result.ecx |= (uint32_t)CPUID_1_ECX_HYPERVISOR;
		break;
	case 0x80000000:
		result.eax = 0x80000008;
		break;
	case 0x80000001:
		if (fake.long_mode)
			result.edx = (uint32_t)(CPUID_81_EDX_LM | CPUID_81_EDX_NX);
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		memcpy(&result, name + 16 * (leaf - 0x80000002), 16);
		break;
	default:
		if (leaf == base + HP_CPUID_SIGNATURE && fake.answers[here])
			result.eax = HP_SIGNATURE;
		break;
	}
	return result;
}

uint64_t cpu_tsc(void)
{
	return tsc += 10;
}
