// SPDX-License-Identifier: MIT
/*
 * The functions that not every NT has are looked up, and threads come and go. See nt.h.
 *
 * World: OS.
 */
#include "nt.h"

struct nt_newer nt;

/* Finds a function of the kernel's, or before NT 6.2 of HAL's. */
static void *find(PCWSTR name)
{
	UNICODE_STRING string;

	RtlInitUnicodeString(&string, name);
	return MmGetSystemRoutineAddress(&string);
}

void nt_init(void)
{
#define NT_FIND(result, name, arguments) nt.name = find(L"" #name);
	NT_NEWER(NT_FIND)
#undef NT_FIND
}

NTSTATUS nt_thread_start(PKSTART_ROUTINE routine, PVOID context, PKTHREAD *thread)
{
	HANDLE handle;
	NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL,
					       routine, context);

	if (!NT_SUCCESS(status))
		return status;
	/* The handle is ours and new: this can't fail. */
	ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, (PVOID *)thread,
				  NULL);
	ZwClose(handle);
	return status;
}

void nt_thread_join(PKTHREAD thread)
{
	KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
	ObfDereferenceObject(thread);
}
