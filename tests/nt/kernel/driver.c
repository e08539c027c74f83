// SPDX-License-Identifier: MIT
/*
 * The driver as the I/O manager knows it: one driver object, its devices and their links, from
 * DriverEntry to DriverUnload.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define DEVICES	     4
#define NAME_CHARS   64
#define DRIVER_TAG   0x76697244
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

DRIVER_OBJECT *driver_object(void)
{
	return driver;
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
		devices[i].object = NULL;
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
NTSTATUS driver_start(bool boot)
{
	static WCHAR key[] = L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\HyperPlatform";
	UNICODE_STRING path;
	struct guard guard;
	NTSTATUS status;
	unsigned i;

	driver = pool_take(sizeof(*driver), DRIVER_TAG, 0);
	extension = pool_take(sizeof(*extension), DRIVER_TAG, 0);
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
NTSTATUS driver_unload(void)
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

/* The device that a link of this name leads to; NULL: there is none. */
PDEVICE_OBJECT driver_find_device(const WCHAR *name)
{
	UNICODE_STRING text;
	unsigned i, j;

	RtlInitUnicodeString(&text, name);
	for (i = 0; i < DEVICES; i++) {
		if (!links[i].used || !same(&links[i].name, &text))
			continue;
		for (j = 0; j < DEVICES; j++) {
			if (devices[j].object && devices[j].name.bytes == links[i].target.bytes &&
			    !memcmp(devices[j].name.text, links[i].target.text,
				    devices[j].name.bytes))
				return devices[j].object;
		}
	}
	return NULL;
}

/* The next device, from `*at` on, that wants to hear of the system's end; NULL: no more. */
PDEVICE_OBJECT driver_next_at_shutdown(unsigned *at)
{
	while (*at < DEVICES) {
		struct device *device = &devices[(*at)++];

		if (device->object && device->wants_shutdown)
			return device->object;
	}
	return NULL;
}

void driver_count_files(PDEVICE_OBJECT object, int change)
{
	struct device *device = device_of(object);

	if (device)
		device->open_files += change;
}

/* Exports. */

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT owner, ULONG extension_bytes, PUNICODE_STRING name,
			      DEVICE_TYPE type, ULONG characteristics, BOOLEAN exclusive,
			      PDEVICE_OBJECT *result)
{
	PDEVICE_OBJECT object;
	unsigned i, row = DEVICES;

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
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

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
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

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
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
