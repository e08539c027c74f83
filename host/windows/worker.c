// SPDX-License-Identifier: MIT
/*
 * The worker. See worker.h. Who wakes it may be at any IRQL, and events can't be set above
 * DISPATCH_LEVEL: so a DPC sets it.
 *
 * World: OS.
 */
#include "../drain.h"
#include "../host.h"
#include "image.h"
#include "log_file.h"
#include "worker.h"

#define NT_TICKS_PER_MS 10000

static PKTHREAD thread;
static KEVENT wanted;
static KDPC wake_dpc;
static bool open;

static void NTAPI run(PVOID context)
{
	LARGE_INTEGER tick = { .QuadPart = -(LONGLONG)DRAIN_TICK_MS * NT_TICKS_PER_MS };
	bool again = false;

	(void)context;
	while (__atomic_load_n(&open, __ATOMIC_ACQUIRE)) {
		KeWaitForSingleObject(&wanted, Executive, KernelMode, FALSE, again ? &tick : NULL);
		image_tick();
		again = drain_run();
		log_file_write();
	}
	log_file_write();
	PsTerminateSystemThread(STATUS_SUCCESS);
}

static void NTAPI set_wanted(PKDPC dpc, PVOID context, PVOID unused1, PVOID unused2)
{
	(void)dpc;
	(void)context;
	(void)unused1;
	(void)unused2;
	KeSetEvent(&wanted, IO_NO_INCREMENT, FALSE);
}

void host_wake(void)
{
	if (__atomic_load_n(&open, __ATOMIC_ACQUIRE))
		KeInsertQueueDpc(&wake_dpc, NULL, NULL);
}

NTSTATUS worker_init(void)
{
	NTSTATUS status;

	KeInitializeEvent(&wanted, SynchronizationEvent, TRUE);
	KeInitializeDpc(&wake_dpc, set_wanted, NULL);
	__atomic_store_n(&open, true, __ATOMIC_RELEASE);
	status = nt_thread_start(run, NULL, &thread);
	if (!NT_SUCCESS(status))
		__atomic_store_n(&open, false, __ATOMIC_RELEASE);
	return status;
}

/* A DPC that was queued before `open` was false still runs in our image: wait for it as well. */
void worker_end(void)
{
	__atomic_store_n(&open, false, __ATOMIC_RELEASE);
	KeSetEvent(&wanted, IO_NO_INCREMENT, FALSE);
	nt_thread_join(thread);
	KeFlushQueuedDpcs();
}
