// SPDX-License-Identifier: MIT
/*
 * The registry key of the driver's service and the file that it writes. The file stays in memory,
 * where the tests read it.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define FILE_BYTES   0x40000
#define PATH_CHARS   80
#define SERVICE_PATH L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\HyperPlatform"

static char content[FILE_BYTES];
static size_t content_bytes;
static WCHAR path[PATH_CHARS];
static USHORT path_bytes;
static bool available, opened;
static struct {
	bool there;
	ULONG value;
} start_at_load;

/* There are no file systems while the system boots. */
void file_set_available(bool yes)
{
	available = yes;
}

void file_set_start_at_load(bool there, ULONG value)
{
	start_at_load.there = there;
	start_at_load.value = value;
}

const char *file_content(size_t *bytes)
{
	*bytes = content_bytes;
	return content;
}

void file_remove(void)
{
	content_bytes = 0;
	path_bytes = 0;
}

static void close_file(void *body)
{
	(void)body;
	opened = false;
}

static bool is_kernel(const OBJECT_ATTRIBUTES *attributes)
{
	return attributes && attributes->Attributes & OBJ_KERNEL_HANDLE;
}

static NTSTATUS give_handle(void *body, const OBJECT_ATTRIBUTES *attributes, HANDLE *handle)
{
	/* Else any program of that process could use it. */
	if (!is_kernel(attributes) && thread_this()->process != &thread_system_process)
		export_violation("handle", "a handle of the driver's in a process' table");
	*handle = body ? object_open(body, is_kernel(attributes), true) : NULL;
	return *handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI ZwCreateFile(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
			    PIO_STATUS_BLOCK result, PLARGE_INTEGER allocation,
			    ULONG file_attributes, ULONG share, ULONG disposition, ULONG options,
			    PVOID extended, ULONG extended_bytes)
{
	const UNICODE_STRING *name = attributes->ObjectName;
	bool exists = path_bytes == name->Length && !memcmp(path, name->Buffer, path_bytes);

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	(void)allocation, (void)file_attributes, (void)share, (void)extended, (void)extended_bytes;
	if (!available)
		return STATUS_OBJECT_PATH_NOT_FOUND;
	if (opened)
		return STATUS_SHARING_VIOLATION;
	if (name->Length > sizeof(path) ||
	    (disposition != FILE_OPEN_IF && disposition != FILE_OVERWRITE_IF)) {
		export_violation("lab", "disposition %lu is not provided", disposition);
		return STATUS_INVALID_PARAMETER;
	}
	/* Documented: a synchronous file needs SYNCHRONIZE, and ZwWriteFile no offset with it. */
	if (!(options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) ||
	    !(access & SYNCHRONIZE))
		export_violation("argument", "not synchronous: access %lx options %lx", access,
				 options);
	if (!exists || disposition == FILE_OVERWRITE_IF)
		content_bytes = 0;
	memcpy(path, name->Buffer, name->Length);
	path_bytes = name->Length;
	opened = true;
	result->Status = STATUS_SUCCESS;
	result->Information = exists ? FILE_OPENED : FILE_CREATED;
	return give_handle(object_create(OBJECT_FILE, 1, close_file), attributes, handle);
}

NTSTATUS NTAPI ZwWriteFile(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc, PVOID context,
			   PIO_STATUS_BLOCK result, PVOID buffer, ULONG bytes,
			   PLARGE_INTEGER offset, PULONG key)
{
	void *body = object_of(handle);

	(void)event, (void)apc, (void)context, (void)key;
	if (!body || object_kind(body) != OBJECT_FILE)
		return STATUS_INVALID_HANDLE;
	if (offset)
		export_violation("lab", "an offset is not provided");
	if (content_bytes + bytes > FILE_BYTES)
		return STATUS_DISK_FULL;
	memcpy(content + content_bytes, buffer, bytes);
	content_bytes += bytes;
	result->Status = STATUS_SUCCESS;
	result->Information = bytes;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwOpenKey(PHANDLE key, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes)
{
	const UNICODE_STRING *name = attributes->ObjectName;

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	(void)access;
	if (name->Length != sizeof(SERVICE_PATH) - sizeof(WCHAR) ||
	    memcmp(name->Buffer, SERVICE_PATH, name->Length))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	return give_handle(object_create(OBJECT_KEY, 1, NULL), attributes, key);
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE key, PUNICODE_STRING name, KEY_VALUE_INFORMATION_CLASS class,
			       PVOID to, ULONG bytes, PULONG result)
{
	static const WCHAR known[] = L"StartAtLoad";
	KEY_VALUE_PARTIAL_INFORMATION *information = to;
	void *body = object_of(key);

	if (!body || object_kind(body) != OBJECT_KEY)
		return STATUS_INVALID_HANDLE;
	if (class != KeyValuePartialInformation) {
		export_violation("lab", "class %u is not provided", class);
		return STATUS_INVALID_PARAMETER;
	}
	if (!start_at_load.there || name->Length != sizeof(known) - sizeof(WCHAR) ||
	    memcmp(name->Buffer, known, name->Length))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	*result = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + sizeof(ULONG);
	if (bytes < *result)
		return bytes < FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data)
			       ? STATUS_BUFFER_TOO_SMALL
			       : STATUS_BUFFER_OVERFLOW;
	information->TitleIndex = 0;
	information->Type = REG_DWORD;
	information->DataLength = sizeof(ULONG);
	memcpy(information->Data, &start_at_load.value, sizeof(ULONG));
	return STATUS_SUCCESS;
}
