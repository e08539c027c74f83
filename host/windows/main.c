// SPDX-License-Identifier: MIT
/*
 * The driver's life. Loading it does not start the hypervisor: a request does, or the value
 * StartAtLoad (REG_DWORD, not 0) of the service's registry key. When that start is refused, so is
 * the load.
 *
 * World: OS.
 */
#include <stdio.h>
#include <string.h>

#include "../../base/x86.h"
#include "../lifecycle.h"
#include "../log.h"
#include "../report.h"
#include "device.h"
#include "emergency.h"
#include "events.h"
#include "image.h"
#include "layout.h"
#include "log_file.h"
#include "platform.h"
#include "status.h"
#include "worker.h"

#define RETRY_MS	1000
#define NT_TICKS_PER_MS 10000

DRIVER_INITIALIZE DriverEntry;

/* What parts of the driver are up; they go in the reverse order. */
enum stage { STAGE_NOTHING, STAGE_LOG, STAGE_WORKER, STAGE_DEVICE, STAGE_EVENTS };

/* Guests run through our image: as long as one is left, it has to stay. */
static void leave(void)
{
	LARGE_INTEGER pause = { .QuadPart = -(LONGLONG)RETRY_MS * NT_TICKS_PER_MS };

	while (!lifecycle_shutdown())
		KeDelayExecutionThread(KernelMode, FALSE, &pause);
}

static void take_down(enum stage stage)
{
	if (stage >= STAGE_EVENTS) {
		leave();
		events_end();
	}
	if (stage >= STAGE_DEVICE) {
		device_end();
		emergency_end();
	}
	if (stage >= STAGE_WORKER) {
		worker_end();
		log_file_end();
		image_end();
		report_end();
	}
	if (stage >= STAGE_LOG)
		log_end();
}

/* The system calls this only while host_keep() lets it. */
static void NTAPI unload(PDRIVER_OBJECT driver)
{
	(void)driver;
	leave();
	log_line(HP_INFO, "the driver is unloaded");
	take_down(STAGE_EVENTS);
}

/* Does a HyperPlatform, this one's or another build's, run under this system? */
static bool is_below(void)
{
	static const uint32_t bases[] = { HP_CPUID_BASE, HP_CPUID_BASE_ABOVE };
	uint32_t leaf[4], i;

	host_cpuid(1, 0, leaf);
	if (!(leaf[2] & CPUID_1_ECX_HYPERVISOR))
		return false;
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		host_cpuid(bases[i] + HP_CPUID_SIGNATURE, 0, leaf);
		if (leaf[0] == HP_SIGNATURE)
			return true;
	}
	return false;
}

/* What a report of a problem should begin with; a hypervisor below that keeps VT-x is named. */
static void log_system(void)
{
	RTL_OSVERSIONINFOW version = { .dwOSVersionInfoSize = sizeof(version) };
	uint32_t features[4], vendor[4];
	char below[64] = "on the bare machine";

	RtlGetVersion(&version);
	host_cpuid(1, 0, features);
	if (features[2] & CPUID_1_ECX_HYPERVISOR) {
		host_cpuid(HP_CPUID_BASE, 0, vendor);
		snprintf(below, sizeof(below), "under %.12s, which %s VT-x",
			 (const char *)&vendor[1],
			 features[2] & CPUID_1_ECX_VMX ? "offers" : "does not offer");
	}
	log_line(features[2] & CPUID_1_ECX_VMX ? HP_INFO : HP_WARN, "Windows %u.%u.%u %s",
		 (unsigned)version.dwMajorVersion, (unsigned)version.dwMinorVersion,
		 (unsigned)version.dwBuildNumber, below);
}

/* Is the value there, and not 0? */
static bool wants_start(PUNICODE_STRING key_path)
{
	union {
		KEY_VALUE_PARTIAL_INFORMATION information;
		uint8_t bytes[FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + sizeof(ULONG)];
	} value;
	OBJECT_ATTRIBUTES attributes;
	UNICODE_STRING name;
	NTSTATUS status;
	HANDLE key;
	ULONG bytes;

	memset(&value, 0, sizeof(value));
	RtlInitUnicodeString(&name, L"StartAtLoad");
	InitializeObjectAttributes(&attributes, key_path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
				   NULL, NULL);
	if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes)))
		return false;
	status = ZwQueryValueKey(key, &name, KeyValuePartialInformation, &value, sizeof(value),
				 &bytes);
	ZwClose(key);
	return NT_SUCCESS(status) && value.information.Type == REG_DWORD &&
	       *(const ULONG *)value.information.Data != 0;
}

static NTSTATUS start(void)
{
	static const struct hp_start how = { .history = HP_HISTORY_DEFAULT };
	struct hp_failure failure;

	return status_of(lifecycle_start(&how, &failure));
}

/* Brings up what it can; `stage` says how far it came. */
static NTSTATUS bring_up(PDRIVER_OBJECT driver, PUNICODE_STRING key_path, enum stage *stage)
{
	NTSTATUS status;

	if (!log_init()) {
		host_print(HP_ERR, "the driver does not load: no memory for its log");
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	*stage = STAGE_LOG;
	image_init();
	layout_init();
	log_file_init();
	status = worker_init();
	if (!NT_SUCCESS(status)) {
		log_file_end();
		image_end();
		return status;
	}
	*stage = STAGE_WORKER;
	log_system();
	if (is_below()) {
		log_line(HP_ERR, "HyperPlatform runs under this system already");
		return status_of(HP_ERROR_ALREADY);
	}
	status = device_init(driver);
	if (!NT_SUCCESS(status))
		return status;
	emergency_init();
	*stage = STAGE_DEVICE;
	status = events_init();
	if (!NT_SUCCESS(status))
		return status;
	*stage = STAGE_EVENTS;
	log_line(HP_INFO, "HyperPlatform " HP_VERSION " is loaded and waits for hpctl load");
	return wants_start(key_path) ? start() : STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING key_path)
{
	enum stage stage = STAGE_NOTHING;
	NTSTATUS status;

	driver->DriverUnload = unload;
	nt_init();
	platform_init(driver);
	status = bring_up(driver, key_path, &stage);
	if (NT_SUCCESS(status)) {
		log_file_later(driver);
		return status;
	}
	if (stage >= STAGE_LOG)
		log_line(HP_ERR, "the driver does not load: status %#x", (unsigned)status);
	take_down(stage);
	return status;
}
