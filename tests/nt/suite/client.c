// SPDX-License-Identifier: MIT
/*
 * A program that talks to the device, as hpctl.exe does.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define BYTES_MOST 8192
#define GARBAGE	   0x5a

NTSTATUS client_status;
FILE_OBJECT *client_file;
struct hp_failure client_failure;

static uint8_t in_buffer[BYTES_MOST], out_buffer[BYTES_MOST];

bool client_open(void)
{
	client_status = io_open(CLIENT_LINK, (struct token){ true }, NULL, &client_file);
	return NT_SUCCESS(client_status);
}

void client_close(void)
{
	if (client_file)
		io_close(client_file);
	client_file = NULL;
}

const char *client_error(uint32_t error)
{
	switch (error) {
#define NAME(name, number, cause, remedy)                                                          \
	case number:                                                                               \
		return #name;
		HP_ERRORS(NAME)
#undef NAME
	default:
		return "not carried out";
	}
}

uint32_t client_request(uint32_t code, const void *in, uint32_t in_bytes, void *out,
			uint32_t out_bytes)
{
	struct hp_request *request = (struct hp_request *)in_buffer;
	IO_STATUS_BLOCK result;

	memset(request, 0, sizeof(*request));
	request->abi = HP_ABI_VERSION;
	request->code = code;
	request->in_bytes = in_bytes;
	request->out_bytes = out_bytes;
	memcpy(request + 1, in, in_bytes);
	memset(out_buffer, GARBAGE, sizeof(out_buffer));
	result = io_control(client_file, HP_IOCTL_WINDOWS, request, sizeof(*request) + in_bytes,
			    out_buffer, sizeof(*request) + out_bytes);
	client_status = result.Status;
	if (!NT_SUCCESS(result.Status) || result.Information < sizeof(*request))
		return ~0u;
	request = (struct hp_request *)out_buffer;
	if (out_bytes && result.Information == sizeof(*request) + out_bytes)
		memcpy(out, request + 1, out_bytes);
	return request->result;
}

uint32_t client_start(uint32_t exits)
{
	struct hp_start start = { .exits = exits, .history = HP_HISTORY_DEFAULT };

	return client_request(HP_REQUEST_START, &start, sizeof(start), &client_failure,
			      sizeof(client_failure));
}

uint32_t client_stop(void)
{
	return client_request(HP_REQUEST_STOP, NULL, 0, &client_failure, sizeof(client_failure));
}

const struct hp_status *client_get_status(void)
{
	static struct hp_status status;

	memset(&status, 0, sizeof(status));
	client_request(HP_REQUEST_STATUS, NULL, 0, &status, sizeof(status));
	return &status;
}

uint32_t client_ping(uint32_t processor, struct hp_ping *ping)
{
	return client_request(HP_REQUEST_PING, &processor, sizeof(processor), ping, sizeof(*ping));
}

uint32_t client_exits(uint32_t clear, uint32_t set)
{
	const uint32_t masks[2] = { clear, set };
	struct hp_exits exits;

	return client_request(HP_REQUEST_EXITS, masks, sizeof(masks), &exits, sizeof(exits));
}
