// SPDX-License-Identifier: MIT
/*
 * The device and its requests, from before the start until it runs on one processor.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define MOST_BYTES    (sizeof(struct hp_request) + 8192)
#define RANDOM_ROUNDS 300

static uint8_t in_buffer[MOST_BYTES + 64], out_buffer[MOST_BYTES + 64];

static void open_by_others(void)
{
	static const struct {
		bool own, impersonates, client, may;
	} cases[] = {
		{ false, false, false, false },
		{ true, true, false, false },
		{ false, true, false, false },
		{ false, true, true, true },
	};
	struct token client;
	NTSTATUS status;
	FILE_OBJECT *file;
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client.administrator = cases[i].client;
		status = io_open(CLIENT_LINK, (struct token){ cases[i].own },
				 cases[i].impersonates ? &client : NULL, &file);
		judge_check(status == (cases[i].may ? STATUS_SUCCESS : STATUS_ACCESS_DENIED),
			    "case %u: %lx", i, status);
		if (NT_SUCCESS(status))
			io_close(file);
	}
}

static void open_by_administrator(void)
{
	judge_check(client_open(), "%lx", client_status);
	if (!client_file)
		judge_bug_check("the device can't be opened", NULL);
}

static void expect(uint32_t code, const void *in, uint32_t in_bytes, uint32_t out_bytes,
		   uint32_t error)
{
	static uint8_t out[8192];
	uint32_t result = client_request(code, in, in_bytes, out, out_bytes);

	judge_check(result == error, "request %u: %s, not %s", code, client_error(result),
		    client_error(error));
}

static void before_start(void)
{
	const uint32_t masks[2] = { 0, 0 }, processor = 0, no_processor = 77;
	struct hp_version version;
	const struct hp_status *status = client_get_status();

	judge_check(client_request(HP_REQUEST_VERSION, NULL, 0, &version, sizeof(version)) == 0,
		    "VERSION fails");
	judge_check(version.abi == HP_ABI_VERSION && !strcmp(version.version, HP_VERSION) &&
			    !version.running && version.build_id_bytes == sizeof(version.build_id),
		    "VERSION says %u %s", version.abi, version.version);
	judge_check(!status->running && status->processors == PROCESSORS, "STATUS: %u of %u",
		    status->running, status->processors);
	judge_check(status->processor[0].state == HP_PROCESSOR_NATIVE &&
			    status->processor[1].state == HP_PROCESSOR_OFFLINE,
		    "STATUS: processors are %u, %u", status->processor[0].state,
		    status->processor[1].state);
	expect(HP_REQUEST_CHECK, &processor, 4, sizeof(struct hp_check), HP_ERROR_OK);
	expect(HP_REQUEST_CHECK, &no_processor, 4, sizeof(struct hp_check), HP_ERROR_OFFLINE);
	expect(HP_REQUEST_STOP, NULL, 0, sizeof(struct hp_failure), HP_ERROR_NOT_RUNNING);
	expect(HP_REQUEST_PING, &processor, 4, sizeof(struct hp_ping), HP_ERROR_NOT_RUNNING);
	expect(HP_REQUEST_STAT, &processor, 4, sizeof(struct hp_stat), HP_ERROR_NOT_RUNNING);
	expect(HP_REQUEST_EXITS, masks, 8, sizeof(struct hp_exits), HP_ERROR_NOT_RUNNING);
}

static void start(void)
{
	const struct hp_status *status;
	uint32_t error;

	state_keep();
	judge_check(!state_is_guest(0), "there is a hypervisor before the start");
	error = client_start(0);
	judge_check(error == HP_ERROR_OK, "%s on processor %u, requirement %u, %llx %llx",
		    client_error(error), client_failure.processor, client_failure.requirement,
		    client_failure.detail[0], client_failure.detail[1]);
	judge_check(state_is_guest(0), "CPUID does not show it");
	state_compare("as a guest");
	status = client_get_status();
	judge_check(status->running && status->processor[0].state == HP_PROCESSOR_GUEST,
		    "STATUS: %u, processor %u", status->running, status->processor[0].state);
}

static void start_again(void)
{
	uint32_t error = client_start(0);

	judge_check(error == HP_ERROR_ALREADY, "%s", client_error(error));
}

static void unload_refused(void)
{
	judge_check(driver_object()->DriverUnload == NULL, "it could be unloaded");
	if (!judge_failed())
		judge_check(driver_unload() == STATUS_INVALID_DEVICE_REQUEST, "it was unloaded");
}

static void ping(void)
{
	struct hp_ping answer;
	uint32_t error = client_ping(0, &answer);

	judge_check(error == HP_ERROR_OK && answer.cpuid_signature == HP_SIGNATURE,
		    "processor 0: %s, signature %x", client_error(error), answer.cpuid_signature);
	error = client_ping(1, &answer);
	judge_check(error == HP_ERROR_OFFLINE, "processor 1: %s", client_error(error));
}

/* What the device makes of an envelope of our own. ~0: it was not taken at all. */
static uint32_t raw(uint32_t abi, uint32_t code, size_t in_bytes, size_t out_bytes, size_t says_in,
		    size_t says_out)
{
	struct hp_request *request = (struct hp_request *)in_buffer;
	IO_STATUS_BLOCK result;

	memset(in_buffer, 0, sizeof(in_buffer));
	request->abi = abi;
	request->code = code;
	request->in_bytes = (uint32_t)says_in;
	request->out_bytes = (uint32_t)says_out;
	result = io_control(client_file, HP_IOCTL_WINDOWS, in_buffer, in_bytes, out_buffer,
			    out_bytes);
	client_status = result.Status;
	if (!NT_SUCCESS(result.Status))
		return ~0u;
	return ((struct hp_request *)out_buffer)->result;
}

static void malformed(void)
{
	const size_t head = sizeof(struct hp_request), out = head + sizeof(struct hp_version);
	const size_t says = sizeof(struct hp_version);
	IO_STATUS_BLOCK result;

	result = io_control(client_file, 0x0022e008, in_buffer, head, out_buffer, out);
	judge_check(result.Status == STATUS_INVALID_DEVICE_REQUEST, "another code: %lx",
		    result.Status);
	judge_check(raw(HP_ABI_VERSION, 1, 0, 0, 0, 0) == ~0u, "no buffers are taken");
	judge_check(raw(HP_ABI_VERSION, 1, head - 1, out, 0, says) == ~0u, "a short input");
	judge_check(raw(HP_ABI_VERSION, 1, head, head - 1, 0, says) == ~0u, "a short output");
	judge_check(raw(HP_ABI_VERSION, 1, MOST_BYTES + 1, out, 0, says) == ~0u, "a long input");
	judge_check(raw(HP_ABI_VERSION, 1, head, MOST_BYTES + 1, 0, says) == ~0u, "a long output");
	judge_check(raw(HP_ABI_VERSION + 1, 1, head, out, 0, says) == HP_ERROR_REQUEST,
		    "another version is taken");
	judge_check(raw(HP_ABI_VERSION, 0, head, out, 0, says) == HP_ERROR_REQUEST,
		    "request 0 is taken");
	judge_check(raw(HP_ABI_VERSION, 1, head, out, 4, says) == HP_ERROR_REQUEST,
		    "an input that is not there is taken");
	judge_check(raw(HP_ABI_VERSION, 1, head, out, 0, says + 8) == HP_ERROR_REQUEST,
		    "an output that does not fit is taken");
	judge_check(raw(HP_ABI_VERSION, 1, head + 4, out, 4, says) == HP_ERROR_REQUEST,
		    "an input that VERSION has not got is taken");
	judge_check(raw(HP_ABI_VERSION, 1, head, out, 0, says) == HP_ERROR_OK,
		    "a right one is not");
}

/* Numbers without order, but the same in every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Nothing comes of it but an answer. START and STOP are left out, EXITS turns on what it likes. */
static void random_requests(void)
{
	uint32_t seed = 20261125, i, code, in, out;
	bool honest;

	for (i = 0; i < RANDOM_ROUNDS && !judge_failed(); i++) {
		code = next_random(&seed) % 12;
		if (code == HP_REQUEST_START || code == HP_REQUEST_STOP)
			continue;
		in = next_random(&seed) % 200;
		out = next_random(&seed) % 6000;
		honest = next_random(&seed) % 2;
		raw(next_random(&seed) % 8 ? HP_ABI_VERSION : seed, code, in, out,
		    honest ? in - sizeof(struct hp_request) : next_random(&seed),
		    honest ? out - sizeof(struct hp_request) : next_random(&seed));
	}
	client_exits(HP_EXITS_ALL, 0);
	judge_check(state_is_guest(0), "it does not run any more");
}

const struct test tests_request[] = {
	{ "device: only administrators may open it", open_by_others },
	{ "device: an administrator opens it", open_by_administrator },
	{ "requests: before the start", before_start },
	{ "start: one processor", start },
	{ "start: not twice", start_again },
	{ "unload: refused while it runs", unload_refused },
	{ "ping: a processor that is there, and one that is not", ping },
	{ "requests: malformed", malformed },
	{ "requests: random", random_requests },
	{ NULL, NULL },
};
