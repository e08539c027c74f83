// SPDX-License-Identifier: MIT
/*
 * The I/O manager: one driver object, its devices and their links, and the requests that a program
 * makes of them.
 *
 * A request is judged as NT's verifier does: completed once, at an IRQL that allows it, with the
 * status that the dispatch routine returns, and with no more bytes than the caller has room for.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define DEVICES	     4
#define NAME_CHARS   64
#define IRP_TAG	     0x20707249
#define BUFFER_TAG   0x20206f49
#define REINITIALIZE 4

struct name {
	WCHAR text[NAME_CHARS];
	USHORT bytes;
};

static struct device {
	PDEVICE_OBJECT object; /* NULL: the row is free */
	struct name name;
	unsigned open_files;
	bool wants_shutdown;
} devices[DEVICES];

static struct link {
	bool used;
	struct name name, target;
} links[DEVICES];

struct reinitialization {
	PDRIVER_REINITIALIZE routine;
	PVOID context;
};
static struct reinitialization at_boot[REINITIALIZE], later[REINITIALIZE];

static DRIVER_OBJECT *driver;
static DRIVER_EXTENSION *extension;

/* The request under way: the lab makes one at a time in each thread, and knows it by its packet. */
struct request {
	IRP *irp;
	volatile bool completed;
	KEVENT done;
};
#define REQUESTS 8
static struct request *requests[REQUESTS];
static struct lab_lock lock;

static bool same(const struct name *name, const UNICODE_STRING *text)
{
	return name->bytes == text->Length && !memcmp(name->text, text->Buffer, text->Length);
}

static void keep(struct name *name, const UNICODE_STRING *text)
{
	if (text->Length > sizeof(name->text))
		judge_bug_check("a name is too long for the lab", NULL);
	memcpy(name->text, text->Buffer, text->Length);
	name->bytes = text->Length;
}

static struct device *device_of(PDEVICE_OBJECT object)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		if (object && devices[i].object == object)
			return &devices[i];
	return NULL;
}

/* What a driver has that sets no routine of its own. */
static NTSTATUS NTAPI invalid_request(PDEVICE_OBJECT device, PIRP irp)
{
	(void)device;
	irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
	irp->IoStatus.Information = 0;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return STATUS_INVALID_DEVICE_REQUEST;
}

static void call_again(struct reinitialization *list)
{
	struct guard guard;
	unsigned i;

	for (i = 0; i < REINITIALIZE; i++) {
		if (!list[i].routine)
			continue;
		guard_enter(&guard);
		list[i].routine(driver, list[i].context, ++extension->Count);
		guard_leave(&guard, "a reinitialization routine");
		list[i].routine = NULL;
	}
}

static void end_driver(void)
{
	unsigned i;

	pool_give(extension, 0);
	pool_give(driver, 0);
	driver = NULL;
	for (i = 0; i < DEVICES; i++) {
		if (devices[i].object)
			judge_violation("leak", "a device");
		if (links[i].used)
			judge_violation("leak", "a symbolic link");
		links[i].used = false;
	}
	memset(at_boot, 0, sizeof(at_boot));
	memset(later, 0, sizeof(later));
}

/*
 * Runs DriverEntry. At boot there are no file systems yet, and the routines that wait for them run
 * afterwards; later, those for the boot are not called any more.
 */
NTSTATUS io_start_driver(bool boot)
{
	static WCHAR key[] = L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\HyperPlatform";
	UNICODE_STRING path;
	struct guard guard;
	NTSTATUS status;
	unsigned i;

	driver = pool_take(sizeof(*driver), IRP_TAG, 0);
	extension = pool_take(sizeof(*extension), IRP_TAG, 0);
	memset(driver, 0, sizeof(*driver));
	memset(extension, 0, sizeof(*extension));
	driver->Type = IO_TYPE_DRIVER;
	driver->Size = sizeof(*driver);
	driver->DriverStart = (void *)loader_driver.base;
	driver->DriverSize = (ULONG)loader_driver.bytes;
	driver->DriverInit = loader_driver.entry;
	driver->DriverExtension = extension;
	RtlInitUnicodeString(&driver->DriverName, L"\\Driver\\HyperPlatform");
	for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
		driver->MajorFunction[i] = invalid_request;
	RtlInitUnicodeString(&path, key);
	file_set_available(!boot);

	guard_enter(&guard);
	status = loader_driver.entry(driver, &path);
	guard_leave(&guard, "DriverEntry");
	for (i = 0; i < DEVICES; i++)
		if (devices[i].object)
			devices[i].object->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	if (!NT_SUCCESS(status)) {
		end_driver();
		return status;
	}
	loader_discard();
	file_set_available(true);
	if (boot)
		call_again(at_boot);
	call_again(later);
	return status;
}

/* STATUS_INVALID_DEVICE_REQUEST: the driver can't be unloaded now. */
NTSTATUS io_unload_driver(void)
{
	struct guard guard;

	if (!driver->DriverUnload)
		return STATUS_INVALID_DEVICE_REQUEST;
	guard_enter(&guard);
	driver->DriverUnload(driver);
	guard_leave(&guard, "DriverUnload");
	end_driver();
	return STATUS_SUCCESS;
}

/* Requests. */

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
	status = driver->MajorFunction[stack->MajorFunction](stack->DeviceObject, irp);
	guard_leave(&guard, "a dispatch routine");
	if (status == STATUS_PENDING)
		KeWaitForSingleObject(&request.done, Executive, KernelMode, FALSE, NULL);
	if (!request.completed)
		judge_violation("request", "function %u returned %lx without completing",
				stack->MajorFunction, status);
	result = irp->IoStatus;
	if (status != STATUS_PENDING && status != result.Status)
		judge_violation("request", "returned %lx, completed with %lx", status, result.Status);
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
	struct device *device = NULL;
	IO_STACK_LOCATION *stack;
	ACCESS_STATE access;
	UNICODE_STRING link;
	NTSTATUS status;
	unsigned i, j;
	IRP *irp;

	*file = NULL;
	RtlInitUnicodeString(&link, name);
	for (i = 0; i < DEVICES; i++)
		for (j = 0; links[i].used && same(&links[i].name, &link) && j < DEVICES; j++)
			if (devices[j].object &&
			    devices[j].name.bytes == links[i].target.bytes &&
			    !memcmp(devices[j].name.text, links[i].target.text,
				    devices[j].name.bytes))
				device = &devices[j];
	if (!device)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (device->object->Flags & DO_DEVICE_INITIALIZING)
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
	(*file)->DeviceObject = device->object;
	irp = new_irp(device->object, *file, IRP_MJ_CREATE, &stack);
	stack->Parameters.Create.SecurityContext = &security;
	status = send(irp).Status;
	pool_give(irp, 0);
	if (NT_SUCCESS(status)) {
		device->open_files++;
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
	device_of(file->DeviceObject)->open_files--;
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
	unsigned i, count = 0;
	IRP *irp;

	for (i = 0; i < DEVICES; i++) {
		if (!devices[i].object || !devices[i].wants_shutdown)
			continue;
		irp = new_irp(devices[i].object, NULL, IRP_MJ_SHUTDOWN, &stack);
		irp->RequestorMode = KernelMode;
		send(irp);
		pool_give(irp, 0);
		count++;
	}
	return count;
}

/* Exports. */

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT owner, ULONG extension_bytes, PUNICODE_STRING name,
			      DEVICE_TYPE type, ULONG characteristics, BOOLEAN exclusive,
			      PDEVICE_OBJECT *result)
{
	PDEVICE_OBJECT object;
	unsigned i, row = DEVICES;

	for (i = DEVICES; i--;) {
		if (!devices[i].object)
			row = i;
		else if (name && same(&devices[i].name, name))
			return STATUS_OBJECT_NAME_COLLISION;
	}
	if (row == DEVICES)
		return STATUS_INSUFFICIENT_RESOURCES;
	object = pool_take(sizeof(*object) + extension_bytes, 0x69766544, 0);
	memset(object, 0, sizeof(*object) + extension_bytes);
	object->Type = IO_TYPE_DEVICE;
	object->Size = (USHORT)(sizeof(*object) + extension_bytes);
	object->DriverObject = owner;
	object->NextDevice = owner->DeviceObject;
	owner->DeviceObject = object;
	object->DeviceType = type;
	object->Characteristics = characteristics;
	object->Flags = DO_DEVICE_INITIALIZING | (exclusive ? DO_EXCLUSIVE : 0);
	object->StackSize = 1;
	object->DeviceExtension = extension_bytes ? object + 1 : NULL;
	devices[row].object = object;
	devices[row].wants_shutdown = false;
	devices[row].open_files = 0;
	devices[row].name.bytes = 0;
	if (name)
		keep(&devices[row].name, name);
	*result = object;
	return STATUS_SUCCESS;
}

VOID NTAPI IoDeleteDevice(PDEVICE_OBJECT object)
{
	struct device *device = device_of(object);
	PDEVICE_OBJECT *at;

	if (!device) {
		export_violation("object", "no device");
		return;
	}
	if (device->wants_shutdown)
		export_violation("device", "it still waits for the shutdown");
	if (device->open_files)
		export_violation("device", "%u files are open", device->open_files);
	for (at = &object->DriverObject->DeviceObject; *at; at = &(*at)->NextDevice) {
		if (*at == object) {
			*at = object->NextDevice;
			break;
		}
	}
	device->object = NULL;
	pool_give(object, 0);
}

NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING name, PUNICODE_STRING target)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		if (links[i].used && same(&links[i].name, name))
			return STATUS_OBJECT_NAME_COLLISION;
	for (i = 0; i < DEVICES && links[i].used; i++)
		;
	if (i == DEVICES)
		return STATUS_INSUFFICIENT_RESOURCES;
	links[i].used = true;
	keep(&links[i].name, name);
	keep(&links[i].target, target);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING name)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++) {
		if (links[i].used && same(&links[i].name, name)) {
			links[i].used = false;
			return STATUS_SUCCESS;
		}
	}
	export_violation("object", "no such link");
	return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT object)
{
	struct device *device = device_of(object);

	if (!device || device->wants_shutdown)
		export_violation("device", "none, or registered already");
	else
		device->wants_shutdown = true;
	return STATUS_SUCCESS;
}

VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT object)
{
	struct device *device = device_of(object);

	if (!device || !device->wants_shutdown)
		export_violation("device", "none, or not registered");
	else
		device->wants_shutdown = false;
}

static void add_reinitialization(struct reinitialization *list, PDRIVER_REINITIALIZE routine,
				 PVOID context)
{
	unsigned i;

	for (i = 0; i < REINITIALIZE && list[i].routine; i++)
		;
	if (i == REINITIALIZE) {
		export_violation("lab", "too many routines");
		return;
	}
	list[i] = (struct reinitialization){ routine, context };
}

VOID NTAPI IoRegisterBootDriverReinitialization(PDRIVER_OBJECT owner, PDRIVER_REINITIALIZE routine,
						PVOID context)
{
	(void)owner;
	add_reinitialization(at_boot, routine, context);
}

VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT owner, PDRIVER_REINITIALIZE routine,
					    PVOID context)
{
	(void)owner;
	add_reinitialization(later, routine, context);
}

BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN token)
{
	return ((struct token *)token)->administrator;
}
