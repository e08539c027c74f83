// SPDX-License-Identifier: MIT
/*
 * Requests to the driver's device, as a program's calls make them.
 *
 * They are judged as NT's verifier does: completed once, at an IRQL that allows it, with the status
 * that the dispatch routine returns, and with no more bytes than the caller has room for.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define IRP_TAG	   0x20707249
#define BUFFER_TAG 0x20206f49
#define REQUESTS   8

/* A request under way; it is found by its packet. */
struct request {
	IRP *irp;
	volatile bool completed;
	KEVENT done;
};
static struct request *requests[REQUESTS];
static struct lab_lock lock;

static IRP *new_irp(PDEVICE_OBJECT device, FILE_OBJECT *file, UCHAR major, IO_STACK_LOCATION **at)
{
	IRP *irp = pool_take(sizeof(*irp) + sizeof(IO_STACK_LOCATION), IRP_TAG, 0);
	IO_STACK_LOCATION *stack = (IO_STACK_LOCATION *)(irp + 1);

	memset(irp, 0, sizeof(*irp) + sizeof(*stack));
	irp->Type = IO_TYPE_IRP;
	irp->Size = sizeof(*irp) + sizeof(*stack);
	irp->StackCount = 1;
	irp->CurrentLocation = 1;
	irp->RequestorMode = UserMode;
	irp->Tail.Overlay.Thread = (PETHREAD)thread_this();
	irp->Tail.Overlay.CurrentStackLocation = stack;
	irp->Tail.Overlay.OriginalFileObject = file;
	irp->IoStatus.Status = STATUS_PENDING;
	stack->MajorFunction = major;
	stack->DeviceObject = device;
	stack->FileObject = file;
	*at = stack;
	return irp;
}

static void enter_request(struct request *request)
{
	uint64_t flags = lab_lock(&lock);
	unsigned i;

	for (i = 0; i < REQUESTS - 1 && requests[i]; i++)
		;
	requests[i] = request;
	lab_unlock(&lock, flags);
}

static struct request *find_request(const IRP *irp, bool leave)
{
	uint64_t flags = lab_lock(&lock);
	struct request *request = NULL;
	unsigned i;

	for (i = 0; i < REQUESTS; i++) {
		if (!requests[i] || requests[i]->irp != irp)
			continue;
		request = requests[i];
		if (leave)
			requests[i] = NULL;
	}
	lab_unlock(&lock, flags);
	return request;
}

VOID FASTCALL IofCompleteRequest(PIRP irp, CCHAR boost)
{
	struct request *request = find_request(irp, false);

	(void)boost;
	if (!request || request->completed) {
		export_violation("request", "completed twice, or no request");
		return;
	}
	if (irp->IoStatus.Status == STATUS_PENDING)
		export_violation("request", "completed as pending");
	request->completed = true;
	KeSetEvent(&request->done, 0, FALSE);
}

/* Sends it, waits for its end, and lets the caller have its status block. */
static IO_STATUS_BLOCK send(IRP *irp)
{
	IO_STACK_LOCATION *stack = irp->Tail.Overlay.CurrentStackLocation;
	struct request request = { .irp = irp };
	IO_STATUS_BLOCK result;
	struct guard guard;
	NTSTATUS status;

	KeInitializeEvent(&request.done, NotificationEvent, FALSE);
	enter_request(&request);
	guard_enter(&guard);
	status = driver_object()->MajorFunction[stack->MajorFunction](stack->DeviceObject, irp);
	guard_leave(&guard, "a dispatch routine");
	if (status == STATUS_PENDING)
		KeWaitForSingleObject(&request.done, Executive, KernelMode, FALSE, NULL);
	if (!request.completed)
		judge_violation("request", "function %u returned %lx without completing",
				stack->MajorFunction, status);
	result = irp->IoStatus;
	if (status != STATUS_PENDING && status != result.Status)
		judge_violation("request", "returned %lx, completed with %lx", status,
				result.Status);
	find_request(irp, true);
	return result;
}

/*
 * Opens \\.\NAME as a program with the token `own` does, which impersonates `client` if that is
 * not NULL. The file is the caller's until io_close().
 */
NTSTATUS io_open(const WCHAR *name, struct token own, struct token *client, FILE_OBJECT **file)
{
	IO_SECURITY_CONTEXT security;
	PDEVICE_OBJECT device = driver_find_device(name);
	IO_STACK_LOCATION *stack;
	ACCESS_STATE access;
	NTSTATUS status;
	IRP *irp;

	*file = NULL;
	if (!device)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (device->Flags & DO_DEVICE_INITIALIZING)
		return STATUS_NO_SUCH_DEVICE;

	memset(&security, 0, sizeof(security));
	memset(&access, 0, sizeof(access));
	access.SubjectSecurityContext.PrimaryToken = &own;
	access.SubjectSecurityContext.ClientToken = client;
	security.AccessState = &access;
	security.DesiredAccess = GENERIC_READ | GENERIC_WRITE;
	*file = pool_take(sizeof(**file), IRP_TAG, 0);
	memset(*file, 0, sizeof(**file));
	(*file)->Type = IO_TYPE_FILE;
	(*file)->Size = sizeof(**file);
	(*file)->DeviceObject = device;
	irp = new_irp(device, *file, IRP_MJ_CREATE, &stack);
	stack->Parameters.Create.SecurityContext = &security;
	status = send(irp).Status;
	pool_give(irp, 0);
	if (NT_SUCCESS(status)) {
		driver_count_files(device, 1);
	} else {
		pool_give(*file, 0);
		*file = NULL;
	}
	return status;
}

void io_close(FILE_OBJECT *file)
{
	static const UCHAR functions[] = { IRP_MJ_CLEANUP, IRP_MJ_CLOSE };
	IO_STACK_LOCATION *stack;
	unsigned i;
	IRP *irp;

	for (i = 0; i < sizeof(functions); i++) {
		irp = new_irp(file->DeviceObject, file, functions[i], &stack);
		send(irp);
		pool_give(irp, 0);
	}
	driver_count_files(file->DeviceObject, -1);
	pool_give(file, 0);
}

/* The end of a buffered request: what the driver says it wrote goes back to the caller. */
static IO_STATUS_BLOCK finish_buffered(IRP *irp, void *out, size_t out_bytes)
{
	IO_STATUS_BLOCK result = send(irp);

	if (!NT_ERROR(result.Status)) {
		if (result.Information > out_bytes)
			judge_violation("request", "%llu bytes of information, room for %llu",
					(uint64_t)result.Information, (uint64_t)out_bytes);
		else if (result.Information)
			memcpy(out, irp->AssociatedIrp.SystemBuffer, result.Information);
	}
	if (irp->AssociatedIrp.SystemBuffer)
		pool_give(irp->AssociatedIrp.SystemBuffer, BUFFER_TAG);
	pool_give(irp, 0);
	return result;
}

IO_STATUS_BLOCK io_control(FILE_OBJECT *file, ULONG code, const void *in, size_t in_bytes,
			   void *out, size_t out_bytes)
{
	size_t bytes = in_bytes > out_bytes ? in_bytes : out_bytes;
	IO_STACK_LOCATION *stack;
	IRP *irp = new_irp(file->DeviceObject, file, IRP_MJ_DEVICE_CONTROL, &stack);

	stack->Parameters.DeviceIoControl.IoControlCode = code;
	stack->Parameters.DeviceIoControl.InputBufferLength = (ULONG)in_bytes;
	stack->Parameters.DeviceIoControl.OutputBufferLength = (ULONG)out_bytes;
	if (bytes) {
		irp->AssociatedIrp.SystemBuffer = pool_take(bytes, BUFFER_TAG, 0);
		memcpy(irp->AssociatedIrp.SystemBuffer, in, in_bytes);
	}
	return finish_buffered(irp, out, out_bytes);
}

IO_STATUS_BLOCK io_read(FILE_OBJECT *file, void *out, size_t bytes)
{
	IO_STACK_LOCATION *stack;
	IRP *irp = new_irp(file->DeviceObject, file, IRP_MJ_READ, &stack);

	stack->Parameters.Read.Length = (ULONG)bytes;
	if (file->DeviceObject->Flags & DO_BUFFERED_IO && bytes)
		irp->AssociatedIrp.SystemBuffer = pool_take(bytes, BUFFER_TAG, 0);
	return finish_buffered(irp, out, bytes);
}

/* The system ends: every device that asked for it hears it. Returns how many did. */
unsigned io_shutdown(void)
{
	IO_STACK_LOCATION *stack;
	unsigned at = 0, count = 0;
	PDEVICE_OBJECT device;
	IRP *irp;

	while ((device = driver_next_at_shutdown(&at))) {
		irp = new_irp(device, NULL, IRP_MJ_SHUTDOWN, &stack);
		irp->RequestorMode = KernelMode;
		send(irp);
		pool_give(irp, 0);
		count++;
	}
	return count;
}

BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN token)
{
	return ((struct token *)token)->administrator;
}
