// SPDX-License-Identifier: MIT
/*
 * Events of the system. See events.h.
 *
 * World: OS.
 */
#include "../host.h"
#include "../lifecycle.h"
#include "../log.h"
#include "dump.h"
#include "events.h"

static PCALLBACK_OBJECT power_object;
static PVOID power_registration, processor_registration;

/* Argument 1 is the number of the event, not a pointer; the same with argument 2, 0: it sleeps. */
static void NTAPI on_power(PVOID context, PVOID event, PVOID awake)
{
	(void)context;
	if ((uintptr_t)event != PO_CB_SYSTEM_STATE_LOCK)
		return;
	if (awake)
		lifecycle_resume();
	else
		lifecycle_suspend();
}

static void NTAPI on_processor(PVOID context, PKE_PROCESSOR_CHANGE_NOTIFY_CONTEXT change,
			       PNTSTATUS status)
{
	(void)context;
	(void)status;
	if (change->State != KeProcessorAddCompleteNotify)
		return;
	host_lock();
	lifecycle_processor_online(change->NtNumber);
	host_unlock();
}

static NTSTATUS watch_power(void)
{
	OBJECT_ATTRIBUTES attributes;
	UNICODE_STRING name;
	NTSTATUS status;

	RtlInitUnicodeString(&name, L"\\Callback\\PowerState");
	InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
	status = ExCreateCallback(&power_object, &attributes, FALSE, TRUE);
	if (!NT_SUCCESS(status))
		return status;
	power_registration = ExRegisterCallback(power_object, on_power, NULL);
	if (power_registration)
		return STATUS_SUCCESS;
	ObfDereferenceObject(power_object);
	return STATUS_INSUFFICIENT_RESOURCES;
}

/* A sleep that we are not told of would end with processors in VMX operation: so this is needed. */
NTSTATUS events_init(void)
{
	NTSTATUS status = watch_power();

	if (!NT_SUCCESS(status)) {
		log_line(HP_ERR, "the system does not tell when it sleeps: %#x", (unsigned)status);
		return status;
	}
	processor_registration = NULL;
	if (nt.KeRegisterProcessorChangeCallback && nt.KeDeregisterProcessorChangeCallback)
		processor_registration =
			nt.KeRegisterProcessorChangeCallback(on_processor, NULL, 0);
	dump_init();
	return STATUS_SUCCESS;
}

void events_end(void)
{
	dump_end();
	if (processor_registration)
		nt.KeDeregisterProcessorChangeCallback(processor_registration);
	ExUnregisterCallback(power_registration);
	ObfDereferenceObject(power_object);
}
