// SPDX-License-Identifier: MIT
/*
 * What a driver asks to be told of: power states, new processors, bug checks, loaded images. The
 * tests make these events happen.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define POWER_NAME L"\\Callback\\PowerState"

/* One of each kind is all that a driver under test registers. */
static void *power_object;
static struct {
	PCALLBACK_FUNCTION function;
	PVOID context;
} power;
static struct {
	PPROCESSOR_CALLBACK_FUNCTION function;
	PVOID context;
} processor;
static struct {
	PKBUGCHECK_REASON_CALLBACK_RECORD record;
	PKBUGCHECK_REASON_CALLBACK_ROUTINE routine;
	KBUGCHECK_CALLBACK_REASON reason;
} bug_check;
static PLOAD_IMAGE_NOTIFY_ROUTINE image;
static struct {
	PNMI_CALLBACK function;
	PVOID context;
} nmi;

void callback_tell_leaks(void)
{
	if (power.function)
		judge_violation("leak", "the power callback");
	if (processor.function)
		judge_violation("leak", "the processor callback");
	if (bug_check.record)
		judge_violation("leak", "the bug check callback");
	if (image)
		judge_violation("leak", "the image notification");
	if (nmi.function)
		judge_violation("leak", "the NMI callback");
	memset(&nmi, 0, sizeof(nmi));
	memset(&power, 0, sizeof(power));
	memset(&processor, 0, sizeof(processor));
	memset(&bug_check, 0, sizeof(bug_check));
	image = NULL;
}

/* The system is about to sleep (`awake` false), or is awake again. */
void callback_power(bool awake)
{
	struct guard guard;

	if (!power.function)
		return;
	guard_enter(&guard);
	/* First other states: a driver must look at the event. */
	power.function(power.context, (PVOID)PO_CB_AC_STATUS, (PVOID)1);
	power.function(power.context, (PVOID)PO_CB_SYSTEM_STATE_LOCK, (PVOID)(uintptr_t)awake);
	guard_leave(&guard, "the power callback");
}

static NTSTATUS tell_processor(KE_PROCESSOR_CHANGE_NOTIFY_STATE state, unsigned number)
{
	KE_PROCESSOR_CHANGE_NOTIFY_CONTEXT context = { .State = state,
						       .NtNumber = number,
						       .Status = STATUS_SUCCESS };
	NTSTATUS status = STATUS_SUCCESS;
	struct guard guard;

	context.ProcNumber.Number = (UCHAR)number;
	if (!processor.function)
		return STATUS_SUCCESS;
	guard_enter(&guard);
	processor.function(processor.context, &context, &status);
	guard_leave(&guard, "the processor callback");
	return status;
}

/* A processor is added while the system runs. false: the driver refused. */
bool callback_add_processor(void)
{
	unsigned number = processor_count();

	if (!NT_SUCCESS(tell_processor(KeProcessorAddStartNotify, number))) {
		tell_processor(KeProcessorAddFailureNotify, number);
		return false;
	}
	processor_start_next();
	tell_processor(KeProcessorAddCompleteNotify, number);
	return true;
}

/* As in a bug check: at HIGH_LEVEL, with interrupts off. The result is the driver's. */
const void *callback_bug_check(size_t room, size_t *bytes)
{
	KBUGCHECK_SECONDARY_DUMP_DATA data;
	static uint8_t in_buffer[PAGE];
	uint64_t level = processor_cr8();
	struct guard guard;

	memset(&data, 0, sizeof(data));
	data.InBuffer = in_buffer;
	data.InBufferLength = sizeof(in_buffer);
	data.MaximumAllowed = (ULONG)room;
	*bytes = 0;
	if (!bug_check.record || bug_check.reason != KbCallbackSecondaryDumpData)
		return NULL;
	processor_set_cr8(HIGH_LEVEL);
	asm volatile("cli");
	guard_enter(&guard);
	bug_check.routine(bug_check.reason, bug_check.record, &data, sizeof(data));
	guard_leave(&guard, "the bug check callback");
	asm volatile("sti");
	processor_set_cr8(level);
	*bytes = data.OutBufferLength;
	return data.OutBuffer;
}

void callback_image(const WCHAR *path, uint64_t base, uint64_t bytes, bool of_kernel)
{
	UNICODE_STRING name;
	struct guard guard;
	IMAGE_INFO info;

	if (!image)
		return;
	memset(&info, 0, sizeof(info));
	RtlInitUnicodeString(&name, path);
	info.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
	info.SystemModeImage = of_kernel;
	info.ImageBase = (PVOID)base;
	info.ImageSize = bytes;
	guard_enter(&guard);
	image(path ? &name : NULL, of_kernel ? NULL : (HANDLE)0x444, &info);
	guard_leave(&guard, "the image notification");
}

bool callback_nmi(bool handled)
{
	uint64_t level = processor_cr8();

	if (!nmi.function)
		return handled;
	processor_set_cr8(HIGH_LEVEL);
	handled = nmi.function(nmi.context, handled);
	processor_set_cr8(level);
	return handled;
}

/* Exports. */

NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT *object, POBJECT_ATTRIBUTES attributes,
				BOOLEAN create, BOOLEAN multiple)
{
	static const WCHAR known[] = POWER_NAME;
	const UNICODE_STRING *name = attributes->ObjectName;

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	(void)create, (void)multiple;
	if (!name || name->Length != sizeof(known) - sizeof(WCHAR) ||
	    memcmp(name->Buffer, known, name->Length))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (!power_object)
		power_object = object_create(OBJECT_CALLBACK, 1, NULL);
	object_keep(power_object);
	object_count_driver(1);
	*object = power_object;
	return STATUS_SUCCESS;
}

PVOID NTAPI ExRegisterCallback(PCALLBACK_OBJECT object, PCALLBACK_FUNCTION function, PVOID context)
{
	if (pool_fails())
		return NULL;
	if ((void *)object != power_object)
		export_violation("object", "no callback object");
	if (power.function)
		return NULL;
	power.function = function;
	power.context = context;
	return &power;
}

VOID NTAPI ExUnregisterCallback(PVOID registration)
{
	if (registration != &power || !power.function)
		export_violation("object", "no registration");
	power.function = NULL;
}

PVOID NTAPI KeRegisterProcessorChangeCallback(PPROCESSOR_CALLBACK_FUNCTION function, PVOID context,
					      ULONG flags)
{
	if (pool_fails())
		return NULL;
	if (flags)
		export_violation("lab", "flags %lx are not provided", flags);
	if (processor.function)
		return NULL;
	processor.function = function;
	processor.context = context;
	return &processor;
}

VOID NTAPI KeDeregisterProcessorChangeCallback(PVOID registration)
{
	if (registration != &processor || !processor.function)
		export_violation("object", "no registration");
	processor.function = NULL;
}

BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD record,
					       PKBUGCHECK_REASON_CALLBACK_ROUTINE routine,
					       KBUGCHECK_CALLBACK_REASON reason, PUCHAR component)
{
	if (pool_fails())
		return FALSE;
	if (record->State != BufferEmpty)
		export_violation("argument", "the record is not initialized");
	if (bug_check.record)
		return FALSE;
	record->CallbackRoutine = routine;
	record->Component = component;
	record->Reason = reason;
	record->State = BufferInserted;
	bug_check.record = record;
	bug_check.routine = routine;
	bug_check.reason = reason;
	return TRUE;
}

BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD record)
{
	if (!record || bug_check.record != record)
		return FALSE;
	record->State = BufferEmpty;
	bug_check.record = NULL;
	return TRUE;
}

NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE routine)
{
	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	if (image)
		return STATUS_INSUFFICIENT_RESOURCES;
	image = routine;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE routine)
{
	if (image != routine)
		return STATUS_PROCEDURE_NOT_FOUND;
	image = NULL;
	return STATUS_SUCCESS;
}

PVOID NTAPI KeRegisterNmiCallback(PNMI_CALLBACK function, PVOID context)
{
	if (pool_fails())
		return NULL;
	if (nmi.function)
		return NULL;
	nmi.context = context;
	nmi.function = function;
	return &nmi;
}

NTSTATUS NTAPI KeDeregisterNmiCallback(PVOID registration)
{
	if (registration != &nmi || !nmi.function) {
		export_violation("object", "no registration");
		return STATUS_INVALID_HANDLE;
	}
	nmi.function = NULL;
	return STATUS_SUCCESS;
}
