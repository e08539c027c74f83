// SPDX-License-Identifier: MIT
/*
 * os.h on Windows: the device \\.\HyperPlatform, the processors in their groups, and being
 * interrupted. The driver is a service: service_windows.c loads and unloads it. What to do about an
 * error that is another thing here than on Linux is in remedy_windows.c.
 */
#include "os_windows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The driver never lets a reader of the log wait: a waiting one asks this often. */
#define LOG_STEP_MS 25u

struct os_device {
	HANDLE handle;
};

static volatile LONG interrupted;

void os_windows_error(struct os_error *error, enum os_cause cause, const char *remedy,
		      const char *format, ...)
{
	va_list arguments;

	error->cause = cause;
	snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
}

const char *os_windows_words(DWORD number)
{
	static char text[256];
	DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
				      NULL, number, 0, text, sizeof(text), NULL);

	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r' ||
			  text[length - 1] == '.' || text[length - 1] == ' '))
		length--;
	text[length] = '\0';
	if (!length)
		snprintf(text, sizeof(text), "error %lu of Windows", number);
	return text;
}

void os_start(void)
{
	/* A missing driver or disk is an error code, not a window that waits for a click. */
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX);
}

/* Device. */

struct os_device *os_open(struct os_error *error)
{
	struct os_device *device;
	HANDLE handle =
		CreateFileA(HP_DEVICE_WINDOWS, GENERIC_READ | GENERIC_WRITE,
			    FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);

	if (handle == INVALID_HANDLE_VALUE) {
		DWORD number = GetLastError();

		switch (number) {
		case ERROR_FILE_NOT_FOUND:
		case ERROR_PATH_NOT_FOUND:
		case ERROR_BAD_PATHNAME:
			os_windows_error(error, OS_ABSENT, "hpctl load",
					 "there is no " HP_DEVICE_WINDOWS
					 ": the driver is not loaded");
			break;
		case ERROR_ACCESS_DENIED:
			os_windows_error(error, OS_DENIED, OS_WINDOWS_ELEVATE,
					 "this user may not open " HP_DEVICE_WINDOWS);
			break;
		default:
			os_windows_error(error, OS_FAILED, "", HP_DEVICE_WINDOWS ": %s",
					 os_windows_words(number));
			break;
		}
		return NULL;
	}

	device = malloc(sizeof(*device));
	if (!device) {
		os_windows_error(error, OS_FAILED, "free some memory, then try again",
				 "out of memory");
		CloseHandle(handle);
		return NULL;
	}
	device->handle = handle;
	return device;
}

void os_close(struct os_device *device)
{
	CloseHandle(device->handle);
	free(device);
}

static enum hp_error error_of(DWORD number)
{
	switch (number) {
	case ERROR_ACCESS_DENIED:
		return HP_ERROR_NOT_PRIVILEGED;
	case ERROR_INVALID_FUNCTION:
	case ERROR_INVALID_PARAMETER:
		return HP_ERROR_REQUEST;
	case ERROR_FILE_NOT_FOUND:
	case ERROR_GEN_FAILURE:
		return HP_ERROR_NOT_RUNNING;
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_NO_SYSTEM_RESOURCES:
		return HP_ERROR_NO_MEMORY;
	case ERROR_BUSY:
		return HP_ERROR_BUSY;
	default:
		return HP_ERROR_INTERNAL;
	}
}

enum hp_error os_request(struct os_device *device, uint32_t code, void *buffer, uint32_t in_bytes,
			 uint32_t out_bytes)
{
	uint32_t room = in_bytes > out_bytes ? in_bytes : out_bytes;
	struct hp_request *request = calloc(1, sizeof(*request) + room);
	enum hp_error result;
	DWORD got;

	if (!request)
		return HP_ERROR_NO_MEMORY;
	request->abi = HP_ABI_VERSION;
	request->code = code;
	request->in_bytes = in_bytes;
	request->out_bytes = out_bytes;
	memcpy(request + 1, buffer, in_bytes);
	if (!DeviceIoControl(device->handle, HP_IOCTL_WINDOWS, request, sizeof(*request) + in_bytes,
			     request, sizeof(*request) + out_bytes, &got, NULL)) {
		result = error_of(GetLastError());
	} else {
		result = (enum hp_error)request->result;
		if (got == sizeof(*request) + out_bytes)
			memcpy(buffer, request + 1, out_bytes);
	}
	free(request);
	return result;
}

/* As os_log_read() without waiting. */
static int read_now(struct os_device *device, char *text, size_t bytes)
{
	DWORD got;

	return ReadFile(device->handle, text, (DWORD)bytes, &got, NULL) ? (int)got : -1;
}

int os_log_read(struct os_device *device, char *text, size_t bytes, unsigned wait_ms)
{
	unsigned waited = 0;
	int got = read_now(device, text, bytes);

	while (got == 0 && waited < wait_ms && !interrupted) {
		Sleep(LOG_STEP_MS);
		waited += LOG_STEP_MS;
		got = read_now(device, text, bytes);
	}
	return got;
}

/* There is no KVM here. */

bool os_kvm_loaded(void)
{
	return false;
}

bool os_kvm_unload(struct os_error *error)
{
	os_windows_error(error, OS_ABSENT, "", "there is no KVM on Windows");
	return false;
}

/* Processors: numbered through all groups, as the driver does. */

void os_processors(struct os_processors *processors)
{
	DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS), i;

	memset(processors, 0, sizeof(*processors));
	processors->count = count < OS_PROCESSORS_MAX ? count : OS_PROCESSORS_MAX;
	for (i = 0; i < processors->count; i++)
		processors->online[i] = true;
}

bool os_run_on(unsigned processor, void (*call)(void *argument), void *argument,
	       struct os_error *error)
{
	GROUP_AFFINITY there = { .Group = 0 }, before;
	WORD groups = GetActiveProcessorGroupCount();

	while (there.Group < groups && processor >= GetActiveProcessorCount(there.Group))
		processor -= GetActiveProcessorCount(there.Group++);
	there.Mask = (KAFFINITY)1 << processor;
	if (there.Group == groups || !SetThreadGroupAffinity(GetCurrentThread(), &there, &before)) {
		os_windows_error(error, OS_FAILED, "", "%s",
				 there.Group == groups ? "it is offline"
						       : os_windows_words(GetLastError()));
		return false;
	}
	call(argument);
	SetThreadGroupAffinity(GetCurrentThread(), &before, NULL);
	return true;
}

/* Interruption. */

static BOOL WINAPI on_interrupt(DWORD event)
{
	(void)event;
	InterlockedExchange(&interrupted, 1);
	return TRUE;
}

void os_interrupt_catch(void)
{
	SetConsoleCtrlHandler(on_interrupt, TRUE);
}

bool os_interrupted(void)
{
	return interrupted != 0;
}
