// SPDX-License-Identifier: MIT
/*
 * The device. See device.h.
 *
 * An open file is a reader of the log; where it has read to is kept in the file object itself.
 * Reading never waits: a reader that wants to follow the log asks again.
 *
 * World: OS.
 */
#include <string.h>

#include "../lifecycle.h"
#include "../log.h"
#include "../requests.h"
#include "device.h"
#include "log_file.h"

#define DEVICE_NAME L"\\Device\\HyperPlatform"
#define LINK_NAME   L"\\DosDevices\\HyperPlatform"

_Static_assert(HP_IOCTL_WINDOWS == CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED,
					    FILE_READ_DATA | FILE_WRITE_DATA),
	       "the code says how buffers come");

static PDEVICE_OBJECT device;

static NTSTATUS complete(PIRP irp, NTSTATUS status, size_t bytes)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = bytes;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

/* Whoever opens it, or is impersonated; a handle that is given away afterwards was given by an
 * administrator. */
static NTSTATUS NTAPI on_create(PDEVICE_OBJECT object, PIRP irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	SECURITY_SUBJECT_CONTEXT *subject =
		&stack->Parameters.Create.SecurityContext->AccessState->SubjectSecurityContext;

	(void)object;
	if (!SeTokenIsAdmin(subject->ClientToken ? subject->ClientToken : subject->PrimaryToken))
		return complete(irp, STATUS_ACCESS_DENIED, 0);
	stack->FileObject->FsContext = (void *)(uintptr_t)log_oldest();
	return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI on_close(PDEVICE_OBJECT object, PIRP irp)
{
	(void)object;
	return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI on_read(PDEVICE_OBJECT object, PIRP irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	uint64_t position = (uintptr_t)stack->FileObject->FsContext;
	size_t bytes;

	(void)object;
	if (stack->Parameters.Read.Length < LOG_LINE)
		return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
	bytes = log_read(&position, irp->AssociatedIrp.SystemBuffer, stack->Parameters.Read.Length);
	stack->FileObject->FsContext = (void *)(uintptr_t)position;
	return complete(irp, STATUS_SUCCESS, bytes);
}

/* The buffer holds the input, and room for the output: `room` bytes after the envelope. */
static uint32_t carry_out(const struct hp_request *request, void *buffer, size_t in_bytes,
			  size_t room)
{
	uint32_t result;
	void *in;

	if (request->abi != HP_ABI_VERSION || request->in_bytes != in_bytes ||
	    request->out_bytes != room)
		return HP_ERROR_REQUEST;
	in = ExAllocatePoolWithTag(PagedPool, in_bytes + 1, NT_POOL_TAG);
	if (!in)
		return HP_ERROR_NO_MEMORY;
	memcpy(in, buffer, in_bytes);
	memset(buffer, 0, room);
	result = requests_handle(request->code, in, request->in_bytes, buffer, request->out_bytes);
	ExFreePoolWithTag(in, NT_POOL_TAG);
	return result;
}

static NTSTATUS NTAPI on_control(PDEVICE_OBJECT object, PIRP irp)
{
	IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	size_t in = stack->Parameters.DeviceIoControl.InputBufferLength;
	size_t out = stack->Parameters.DeviceIoControl.OutputBufferLength;
	struct hp_request *request = irp->AssociatedIrp.SystemBuffer;

	(void)object;
	if (stack->Parameters.DeviceIoControl.IoControlCode != HP_IOCTL_WINDOWS)
		return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	if (in < sizeof(*request) || out < sizeof(*request) ||
	    in > sizeof(*request) + REQUESTS_BYTES_MAX ||
	    out > sizeof(*request) + REQUESTS_BYTES_MAX)
		return complete(irp, STATUS_INVALID_PARAMETER, 0);
	request->result =
		carry_out(request, request + 1, in - sizeof(*request), out - sizeof(*request));
	if (request->result == HP_ERROR_REQUEST)
		out = sizeof(*request);
	return complete(irp, STATUS_SUCCESS, out);
}

/* The file systems are still there. */
static NTSTATUS NTAPI on_shutdown(PDEVICE_OBJECT object, PIRP irp)
{
	(void)object;
	lifecycle_shutdown();
	log_file_write();
	return complete(irp, STATUS_SUCCESS, 0);
}

static void remove_link(void)
{
	UNICODE_STRING link;

	RtlInitUnicodeString(&link, LINK_NAME);
	IoDeleteSymbolicLink(&link);
}

/* All of it, or nothing. */
static NTSTATUS create(PDRIVER_OBJECT driver)
{
	UNICODE_STRING name, link;
	NTSTATUS status;

	RtlInitUnicodeString(&name, DEVICE_NAME);
	RtlInitUnicodeString(&link, LINK_NAME);
	status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
				FALSE, &device);
	if (!NT_SUCCESS(status))
		return status;
	status = IoCreateSymbolicLink(&link, &name);
	if (!NT_SUCCESS(status))
		goto no_link;
	status = IoRegisterShutdownNotification(device);
	if (NT_SUCCESS(status))
		return status;
	remove_link();
no_link:
	IoDeleteDevice(device);
	return status;
}

NTSTATUS device_init(PDRIVER_OBJECT driver)
{
	NTSTATUS status = create(driver);

	if (!NT_SUCCESS(status)) {
		log_line(HP_ERR, "no device: status %#x%s", (unsigned)status,
			 status == STATUS_OBJECT_NAME_COLLISION
				 ? ": HyperPlatform's driver is loaded already"
				 : "");
		return status;
	}
	driver->MajorFunction[IRP_MJ_CREATE] = on_create;
	driver->MajorFunction[IRP_MJ_CLOSE] = on_close;
	driver->MajorFunction[IRP_MJ_READ] = on_read;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = on_control;
	driver->MajorFunction[IRP_MJ_SHUTDOWN] = on_shutdown;
	device->Flags |= DO_BUFFERED_IO;
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	return STATUS_SUCCESS;
}

void device_end(void)
{
	IoUnregisterShutdownNotification(device);
	remove_link();
	IoDeleteDevice(device);
}
