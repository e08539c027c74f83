// SPDX-License-Identifier: MIT
/*
 * Dispatcher objects: events, mutexes, ends of threads; and the waits for them.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define NO_DEADLINE (~0ull)

static bool is_mutex(const DISPATCHER_HEADER *object)
{
	return object->Type == MutantObject;
}

static bool can_take(const DISPATCHER_HEADER *object, PKTHREAD thread)
{
	if (object->SignalState > 0)
		return true;
	return is_mutex(object) &&
	       CONTAINING_RECORD(object, KMUTANT, Header)->OwnerThread == thread;
}

static void take(DISPATCHER_HEADER *object, PKTHREAD thread)
{
	if (is_mutex(object)) {
		if (object->SignalState-- == 1)
			CONTAINING_RECORD(object, KMUTANT, Header)->OwnerThread = thread;
		thread->mutexes++;
	} else if (object->Type == EventSynchronizationObject) {
		object->SignalState = 0;
	}
}

/* With the dispatcher's lock. */
bool wait_over(PKTHREAD thread)
{
	DISPATCHER_HEADER *object = thread->wait_object;

	if (object && can_take(object, thread)) {
		take(object, thread);
		thread->wait_status = STATUS_SUCCESS;
		return true;
	}
	if (thread->deadline > thread_time())
		return false;
	thread->wait_status = object ? STATUS_TIMEOUT : STATUS_SUCCESS;
	return true;
}

/* Negative: relative; positive: a moment of system time. */
static uint64_t deadline_of(const LARGE_INTEGER *timeout)
{
	if (!timeout)
		return NO_DEADLINE;
	if (timeout->QuadPart <= 0)
		return thread_time() - timeout->QuadPart;
	return timeout->QuadPart - time_boot();
}

static NTSTATUS wait(DISPATCHER_HEADER *object, const LARGE_INTEGER *timeout)
{
	PKTHREAD thread = thread_this();
	bool poll = timeout && !timeout->QuadPart;
	uint64_t flags;

	if (processor_cr8() > APC_LEVEL && !poll)
		export_violation("IRQL", "a wait at %llu", processor_cr8());
	flags = thread_lock();
	if (!(flags & 0x200) && !poll)
		export_violation("interrupts", "a wait with interrupts off");
	thread->wait_object = object;
	thread->deadline = deadline_of(timeout);
	if (!wait_over(thread))
		thread_wait(thread);
	thread_unlock(flags);
	return thread->wait_status;
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode,
				     BOOLEAN alertable, PLARGE_INTEGER timeout)
{
	DISPATCHER_HEADER *header = object;

	(void)reason, (void)mode, (void)alertable;
	switch (header->Type) {
	case EventNotificationObject:
	case EventSynchronizationObject:
	case MutantObject:
	case ThreadObject:
	case ProcessObject:
		return wait(header, timeout);
	default:
		export_violation("object", "no dispatcher object: type %u", header->Type);
		return STATUS_OBJECT_TYPE_MISMATCH;
	}
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE mode, BOOLEAN alertable,
				      PLARGE_INTEGER interval)
{
	(void)mode, (void)alertable;
	return wait(NULL, interval);
}

static void init_header(DISPATCHER_HEADER *header, uint8_t type, size_t bytes, LONG state)
{
	header->Type = type;
	header->Size = (UCHAR)(bytes / sizeof(LONG));
	header->SignalState = state;
	InitializeListHead(&header->WaitListHead);
}

VOID NTAPI KeInitializeEvent(PRKEVENT event, EVENT_TYPE type, BOOLEAN state)
{
	init_header(&event->Header, (uint8_t)type, sizeof(*event), state);
}

LONG NTAPI KeSetEvent(PRKEVENT event, KPRIORITY increment, BOOLEAN wait_follows)
{
	uint64_t flags = thread_lock();
	LONG old = event->Header.SignalState;

	(void)increment;
	if (wait_follows)
		export_violation("lab", "KeSetEvent with Wait is not provided");
	if (event->Header.Type > EventSynchronizationObject)
		export_violation("object", "no event: type %u", event->Header.Type);
	event->Header.SignalState = 1;
	thread_signalled();
	thread_unlock(flags);
	return old;
}

VOID NTAPI KeInitializeMutex(PRKMUTEX mutex, ULONG level)
{
	(void)level;
	init_header(&mutex->Header, MutantObject, sizeof(*mutex), 1);
	mutex->OwnerThread = NULL;
	mutex->Abandoned = FALSE;
	mutex->ApcDisable = 1;
}

LONG NTAPI KeReleaseMutex(PRKMUTEX mutex, BOOLEAN wait_follows)
{
	uint64_t flags = thread_lock();
	LONG old = mutex->Header.SignalState;

	if (wait_follows)
		export_violation("lab", "KeReleaseMutex with Wait is not provided");
	if (mutex->OwnerThread != thread_this()) {
		thread_unlock(flags);
		export_violation("mutex", "released by a thread that has not got it");
		return old;
	}
	thread_this()->mutexes--;
	if (++mutex->Header.SignalState == 1)
		mutex->OwnerThread = NULL;
	thread_signalled();
	thread_unlock(flags);
	return old;
}
