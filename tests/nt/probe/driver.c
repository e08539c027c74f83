// SPDX-License-Identifier: MIT
/*
 * A driver that breaks rules, one at each request: the lab must notice. It uses the same device
 * name as HyperPlatform's driver.
 *
 * World: OS, in the NT lab only.
 */
#include <ntifs.h>

#include "probe.h"

#define TAG 0x626f7250

DRIVER_INITIALIZE DriverEntry;

static PDEVICE_OBJECT device;
static BOOLEAN leave_device;
static KMUTEX mutex;
static KEVENT event;
static KDPC dpc;
static UNICODE_STRING name, link;
static PVOID registration;

/* Calls a function with the stack 8 bytes off. */
static void call_misaligned(void *function)
{
	__asm__ volatile("sub $40, %%rsp\n"
			 "call *%0\n"
			 "add $40, %%rsp"
			 : "+a"(function)
			 :
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
}

static void interrupts(BOOLEAN on)
{
	if (on)
		__asm__ volatile("sti");
	else
		__asm__ volatile("cli");
}

static void NTAPI lower(PKDPC this, PVOID context, PVOID unused1, PVOID unused2)
{
	(void)this;
	(void)context;
	(void)unused1;
	(void)unused2;
	KeLowerIrql(PASSIVE_LEVEL);
}

static void NTAPI end_at_once(PVOID context)
{
	(void)context;
	PsTerminateSystemThread(STATUS_SUCCESS);
}

static void wait(PVOID object)
{
	KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static void at_irql(enum probe probe)
{
	KIRQL before;

	KeRaiseIrql(probe == PROBE_SET_EVENT_HIGH ? HIGH_LEVEL : DISPATCH_LEVEL, &before);
	switch (probe) {
	case PROBE_RANGES_AT_DISPATCH:
		ExFreePoolWithTag(MmGetPhysicalMemoryRanges(), 0);
		break;
	case PROBE_PAGED_AT_DISPATCH:
		ExFreePoolWithTag(ExAllocatePoolWithTag(PagedPool, 16, TAG), TAG);
		break;
	case PROBE_WAIT_AT_DISPATCH:
		wait(&event);
		break;
	default:
		KeSetEvent(&event, 0, FALSE);
	}
	if (probe != PROBE_RETURNS_RAISED)
		KeLowerIrql(before);
}

static void with_pool(enum probe probe)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);

	if (probe == PROBE_WRONG_TAG)
		ExFreePoolWithTag(block, TAG + 1);
	if (probe == PROBE_UNDERRUN)
		block[-1] = 0;
	ExFreePoolWithTag(block, TAG);
	if (probe == PROBE_FREES_TWICE)
		ExFreePoolWithTag(block, TAG);
}

static void leave_thread(enum probe probe)
{
	PVOID thread;
	HANDLE handle;

	PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, end_at_once, NULL);
	ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
	wait(thread);
	if (probe != PROBE_LEAVES_REFERENCE)
		ObfDereferenceObject(thread);
	if (probe != PROBE_LEAVES_HANDLE)
		ZwClose(handle);
}

static void leave_memory(enum probe probe)
{
	PHYSICAL_ADDRESS lowest, highest;

	lowest.QuadPart = 0;
	highest.QuadPart = -1;
	if (probe == PROBE_LEAVES_POOL)
		ExAllocatePoolWithTag(NonPagedPool, 5000, TAG);
	else
		MmAllocateContiguousMemorySpecifyCache(8192, lowest, highest, lowest, MmCached);
}

static void NTAPI on_power(PVOID context, PVOID argument1, PVOID argument2)
{
	(void)context;
	(void)argument1;
	(void)argument2;
}

static void leave_callback(void)
{
	OBJECT_ATTRIBUTES attributes;
	PCALLBACK_OBJECT object;
	UNICODE_STRING path;

	RtlInitUnicodeString(&path, L"\\Callback\\PowerState");
	InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, NULL, NULL);
	ExCreateCallback(&object, &attributes, FALSE, TRUE);
	registration = ExRegisterCallback(object, on_power, NULL);
	ObfDereferenceObject(object);
}

static void misbehave(enum probe probe)
{
	switch (probe) {
	case PROBE_RANGES_AT_DISPATCH:
	case PROBE_PAGED_AT_DISPATCH:
	case PROBE_WAIT_AT_DISPATCH:
	case PROBE_SET_EVENT_HIGH:
	case PROBE_RETURNS_RAISED:
		at_irql(probe);
		break;
	case PROBE_WAIT_INTERRUPTS_OFF:
		interrupts(FALSE);
		wait(&event);
		interrupts(TRUE);
		break;
	case PROBE_RETURNS_INTERRUPTS_OFF:
		interrupts(FALSE);
		break;
	case PROBE_DPC_LOWERS:
		KeInsertQueueDpc(&dpc, NULL, NULL);
		KeFlushQueuedDpcs();
		break;
	case PROBE_KEEPS_MUTEX:
		wait(&mutex);
		break;
	case PROBE_RELEASES_FREE_MUTEX:
		KeReleaseMutex(&mutex, FALSE);
		KeReleaseMutex(&mutex, FALSE);
		break;
	case PROBE_KEEPS_AFFINITY:
		KeSetSystemAffinityThread(1);
		break;
	case PROBE_STACK:
		call_misaligned(PsGetCurrentProcessId);
		break;
	case PROBE_WRONG_TAG:
	case PROBE_FREES_TWICE:
	case PROBE_UNDERRUN:
		with_pool(probe);
		break;
	case PROBE_BAD_HANDLE:
		ZwClose((HANDLE)0x123450);
		break;
	case PROBE_BAD_OBJECT:
		wait(&dpc);
		break;
	case PROBE_LEAVES_POOL:
	case PROBE_LEAVES_CONTIGUOUS:
		leave_memory(probe);
		break;
	case PROBE_LEAVES_HANDLE:
	case PROBE_LEAVES_REFERENCE:
		leave_thread(probe);
		break;
	case PROBE_LEAVES_CALLBACK:
		leave_callback();
		break;
	case PROBE_LEAVES_DEVICE:
		leave_device = TRUE;
		break;
	default:
		break;
	}
}

static NTSTATUS NTAPI on_request(PDEVICE_OBJECT object, PIRP irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	ULONG code = stack->Parameters.DeviceIoControl.IoControlCode, probe = ~0u;

	(void)object;
	if (stack->MajorFunction == IRP_MJ_DEVICE_CONTROL)
		probe = (code >> 2 & 0xfff) - 0x900;
	if (probe != ~0u)
		misbehave(probe);
	irp->IoStatus.Status = probe == PROBE_OTHER_STATUS ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
	irp->IoStatus.Information = probe == PROBE_TOO_MUCH ? 1000 : 0;
	if (probe != PROBE_COMPLETES_NEVER)
		IofCompleteRequest(irp, IO_NO_INCREMENT);
	if (probe == PROBE_COMPLETES_TWICE)
		IofCompleteRequest(irp, IO_NO_INCREMENT);
	return STATUS_SUCCESS;
}

static void NTAPI unload(PDRIVER_OBJECT driver)
{
	(void)driver;
	if (leave_device)
		return;
	IoDeleteSymbolicLink(&link);
	IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING key_path)
{
	(void)key_path;
	KeInitializeMutex(&mutex, 0);
	KeInitializeEvent(&event, NotificationEvent, TRUE);
	KeInitializeDpc(&dpc, lower, NULL);
	RtlInitUnicodeString(&name, L"\\Device\\HyperPlatform");
	RtlInitUnicodeString(&link, L"\\DosDevices\\HyperPlatform");
	IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
	IoCreateSymbolicLink(&link, &name);
	driver->MajorFunction[IRP_MJ_CREATE] = on_request;
	driver->MajorFunction[IRP_MJ_CLEANUP] = on_request;
	driver->MajorFunction[IRP_MJ_CLOSE] = on_request;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = on_request;
	driver->DriverUnload = unload;
	return STATUS_SUCCESS;
}
