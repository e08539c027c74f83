// SPDX-License-Identifier: MIT
/*
 * The NT that is pretended.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "host/watch.h"
#include "host/windows/emergency.h"

struct fake fake;

int fake_setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.active = fake.maximum = 2;
	fake.in_group = 64;
	fake.mask = 3;
	fake.dpcs_high = true;
	return 0;
}

/* Processors. */

KAFFINITY KeQueryActiveProcessors(void)
{
	return fake.mask;
}

void KeSetSystemAffinityThread(KAFFINITY mask)
{
	fake.current = (uint32_t)__builtin_ctzll(mask);
}

void KeRevertToUserAffinityThread(void)
{
	fake.current = fake.home;
}

static ULONG newer_active(USHORT group)
{
	assert_int_equal(group, ALL_PROCESSOR_GROUPS);
	return fake.active;
}

static ULONG newer_maximum(USHORT group)
{
	assert_int_equal(group, ALL_PROCESSOR_GROUPS);
	return fake.maximum;
}

static NTSTATUS newer_number(ULONG index, PROCESSOR_NUMBER *number)
{
	number->Group = (USHORT)(index / fake.in_group);
	number->Number = (UCHAR)(index % fake.in_group);
	return STATUS_SUCCESS;
}

static ULONG newer_current(PROCESSOR_NUMBER *number)
{
	assert_null(number);
	return fake.current;
}

static void newer_go(GROUP_AFFINITY *to, GROUP_AFFINITY *from)
{
	from->Mask = fake.current;
	fake.current = to->Group * fake.in_group + (uint32_t)__builtin_ctzll(to->Mask);
}

static void newer_back(GROUP_AFFINITY *from)
{
	fake.current = (uint32_t)from->Mask;
}

static NTSTATUS newer_aim(PKDPC dpc, PROCESSOR_NUMBER *number)
{
	dpc->target = number->Group * fake.in_group + number->Number;
	return STATUS_SUCCESS;
}

void KeInitializeDpc(PKDPC dpc, KDEFERRED_ROUTINE *routine, PVOID context)
{
	*dpc = (KDPC){ .routine = routine, .context = context };
}

void KeSetImportanceDpc(PKDPC dpc, int importance)
{
	dpc->high = importance == HighImportance;
}

void KeSetTargetProcessorDpc(PKDPC dpc, CCHAR number)
{
	dpc->target = (uint32_t)number;
}

/* The other processor runs it at once. */
BOOLEAN KeInsertQueueDpc(PKDPC dpc, PVOID argument1, PVOID argument2)
{
	uint32_t here = fake.current;

	fake.current = dpc->target;
	fake.dpcs++;
	fake.dpcs_high &= dpc->high;
	dpc->routine(dpc, dpc->context, argument1, argument2);
	fake.current = here;
	return TRUE;
}

KIRQL KfRaiseIrql(KIRQL irql)
{
	KIRQL before = fake.irql;

	fake.irql = irql;
	return before;
}

void KeLowerIrql(KIRQL irql)
{
	fake.irql = irql;
}

void emergency_meet(uint32_t processor)
{
	assert_int_equal(processor, fake.current);
	fake.met = processor;
}

void watch_tick(void)
{
	fake.ticks[fake.current]++;
}

/* A thread runs to its end before its creator goes on. */
NTSTATUS PsCreateSystemThread(HANDLE *thread, ULONG access, PVOID attributes, HANDLE process,
			      PVOID client, PKSTART_ROUTINE routine, PVOID context)
{
	uint32_t here = fake.current;

	assert_int_equal(access, THREAD_ALL_ACCESS);
	assert_true(!attributes && !process && !client);
	fake.threads++;
	routine(context);
	assert_int_equal(fake.current, here);
	*thread = &fake.threads;
	return STATUS_SUCCESS;
}

NTSTATUS PsTerminateSystemThread(NTSTATUS status)
{
	return status;
}

NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ULONG access, PVOID type, int mode, PVOID *object,
				   PVOID information)
{
	static KEVENT ended = { true };

	assert_ptr_equal(handle, &fake.threads);
	assert_int_equal(access, THREAD_ALL_ACCESS);
	assert_int_equal(mode, KernelMode);
	assert_true(!type && !information);
	*object = &ended;
	return STATUS_SUCCESS;
}

void ObfDereferenceObject(PVOID object)
{
	assert_non_null(object);
	fake.threads--;
}

PEPROCESS IoGetCurrentProcess(void)
{
	return fake.process;
}

HANDLE PsGetCurrentProcessId(void)
{
	return (HANDLE)fake.process_id;
}

char *PsGetProcessImageFileName(PEPROCESS process)
{
	return (char *)process + fake.name_offset;
}

/* Waiting: what is waited for has happened, unless the waiter has an end of its own. */

void KeInitializeEvent(KEVENT *event, int type, BOOLEAN state)
{
	(void)type;
	event->signaled = state;
}

int32_t KeSetEvent(KEVENT *event, int increment, BOOLEAN wait)
{
	assert_int_equal(increment, 0);
	assert_false(wait);
	event->signaled = true;
	return 0;
}

NTSTATUS KeWaitForSingleObject(PVOID object, int reason, int mode, BOOLEAN alertable,
			       LARGE_INTEGER *timeout)
{
	(void)reason;
	(void)mode;
	assert_false(alertable);
	if (timeout && fake.waits++ < fake.timeouts)
		return STATUS_TIMEOUT;
	fake.waits = 0;
	assert_true(timeout || ((const KEVENT *)object)->signaled);
	return STATUS_SUCCESS;
}

void KeInitializeMutex(KMUTEX *mutex, ULONG level)
{
	assert_int_equal(level, 0);
	mutex->signaled = true;
}

int32_t KeReleaseMutex(KMUTEX *mutex, BOOLEAN wait)
{
	assert_false(wait);
	assert_true(mutex->signaled);
	return 0;
}

/* Memory, names, images. */

PVOID ExAllocatePoolWithTag(int type, SIZE_T bytes, ULONG tag)
{
	(void)type;
	(void)tag;
	fake.pool_blocks++;
	return malloc(bytes);
}

void ExFreePoolWithTag(PVOID address, ULONG tag)
{
	(void)tag;
	fake.pool_blocks--;
	free(address);
}

void RtlInitUnicodeString(UNICODE_STRING *string, PCWSTR text)
{
	size_t length = 0;

	while (text[length])
		length++;
	string->Length = (USHORT)(2 * length);
	string->MaximumLength = (USHORT)(2 * length + 2);
	string->Buffer = (wchar_t *)text;
}

static const struct {
	const char *name;
	void *function;
} newer[] = {
	{ "KeQueryActiveProcessorCountEx", newer_active },
	{ "KeQueryMaximumProcessorCountEx", newer_maximum },
	{ "KeGetProcessorNumberFromIndex", newer_number },
	{ "KeGetCurrentProcessorNumberEx", newer_current },
	{ "KeSetSystemGroupAffinityThread", newer_go },
	{ "KeRevertToUserGroupAffinityThread", newer_back },
	{ "KeSetTargetProcessorDpcEx", newer_aim },
};

PVOID MmGetSystemRoutineAddress(UNICODE_STRING *name)
{
	char narrow[64] = "";
	size_t i;

	for (i = 0; i < name->Length / 2u && i < sizeof(narrow) - 1; i++)
		narrow[i] = (char)name->Buffer[i];
	for (i = 0; fake.newer && i < sizeof(newer) / sizeof(newer[0]); i++) {
		if (strcmp(narrow, newer[i].name) == 0)
			return newer[i].function;
	}
	return NULL;
}

NTSTATUS PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE routine)
{
	fake.on_image = routine;
	return STATUS_SUCCESS;
}

NTSTATUS PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE routine)
{
	assert_ptr_equal(routine, fake.on_image);
	fake.on_image = NULL;
	return STATUS_SUCCESS;
}

NTSTATUS ZwQuerySystemInformation(ULONG class, PVOID buffer, ULONG bytes, ULONG *needed)
{
	assert_int_equal(class, 11);
	*needed = (ULONG)fake.modules_bytes;
	if (bytes < fake.modules_bytes || !fake.modules)
		return (NTSTATUS)0xc0000004;
	memcpy(buffer, fake.modules, fake.modules_bytes);
	return STATUS_SUCCESS;
}

/* Files. */

NTSTATUS ZwCreateFile(HANDLE *file, ULONG access, OBJECT_ATTRIBUTES *attributes,
		      IO_STATUS_BLOCK *result, LARGE_INTEGER *size, ULONG file_attributes,
		      ULONG share, ULONG disposition, ULONG options, PVOID ea, ULONG ea_bytes)
{
	(void)result;
	(void)size;
	(void)file_attributes;
	(void)ea;
	(void)ea_bytes;
	assert_int_equal(access, FILE_APPEND_DATA | SYNCHRONIZE);
	assert_int_equal(disposition, FILE_OPEN_IF);
	assert_int_equal(share, FILE_SHARE_READ);
	assert_true(options & FILE_SYNCHRONOUS_IO_NONALERT);
	assert_true(attributes->attributes & OBJ_KERNEL_HANDLE);
	if (fake.no_file_system)
		return (NTSTATUS)0xc000003a;
	fake.file_open = true;
	*file = &fake.file;
	return STATUS_SUCCESS;
}

NTSTATUS ZwWriteFile(HANDLE file, HANDLE event, PVOID apc, PVOID apc_context,
		     IO_STATUS_BLOCK *result, PVOID buffer, ULONG bytes, LARGE_INTEGER *offset,
		     ULONG *key)
{
	(void)result;
	assert_ptr_equal(file, &fake.file);
	assert_true(!event && !apc && !apc_context && !offset && !key);
	assert_true(fake.file_bytes + bytes < sizeof(fake.file));
	memcpy(fake.file + fake.file_bytes, buffer, bytes);
	fake.file_bytes += bytes;
	fake.writes++;
	return STATUS_SUCCESS;
}

NTSTATUS ZwClose(HANDLE handle)
{
	if (handle == &fake.file)
		fake.file_open = false;
	else
		assert_ptr_equal(handle, &fake.threads);
	return STATUS_SUCCESS;
}

void IoRegisterBootDriverReinitialization(PDRIVER_OBJECT driver, DRIVER_REINITIALIZE *routine,
					  PVOID context)
{
	(void)driver;
	(void)context;
	fake.at_boot = routine;
}

void IoRegisterDriverReinitialization(PDRIVER_OBJECT driver, DRIVER_REINITIALIZE *routine,
				      PVOID context)
{
	(void)driver;
	(void)context;
	fake.later = routine;
}

/* As the kernel's: neither ends what it cuts, nor tells its length. */
int _vsnprintf(char *text, size_t bytes, const char *format, va_list arguments)
{
	char whole[4096];
	int length = vsnprintf(whole, sizeof(whole), format, arguments);

	memcpy(text, whole, (size_t)length < bytes ? (size_t)length + 1 : bytes);
	return (size_t)length <= bytes ? length : -1;
}

/* The functions of host.h that host/log.c needs, and those of files that are not under test. */

void *host_allocate(uint32_t pages, struct phys *physical)
{
	physical->value = 0;
	return calloc(pages, HOST_PAGE);
}

void host_free(void *address, uint32_t pages)
{
	(void)pages;
	free(address);
}

unsigned long host_log_lock(void)
{
	return 0;
}

void host_log_unlock(unsigned long flags)
{
	assert_int_equal(flags, 0);
}

void host_print(enum hp_level level, const char *line)
{
	(void)level;
	(void)line;
}

void host_wake(void)
{
	fake.wakes++;
}

void host_task(struct host_task *task)
{
	*task = (struct host_task){ .processor = 1, .pid = 4, .tid = 8, .image = "System" };
}

uint64_t host_uptime(void)
{
	return 3004;
}

uint64_t host_time(void)
{
	return 3723004 + fake.elapsed;
}
