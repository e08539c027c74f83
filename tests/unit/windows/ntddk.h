/* SPDX-License-Identifier: MIT */
/*
 * Of the driver kit's header what the files under test need, with the kit's names and values, for a
 * compiler that makes ordinary programs.
 */
#ifndef TESTS_NTDDK_H
#define TESTS_NTDDK_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

/* A program may not turn interrupts off: the assembler makes nothing of the instruction. */
__asm__(".macro cli\n.endm");

#define NTAPI
#define NTKERNELAPI
#define NTSYSAPI
#define VOID void
#define __declspec(x)

typedef int32_t NTSTATUS;
typedef void *PVOID, *HANDLE, *PEPROCESS, *PACCESS_TOKEN, *PKTHREAD, *PIRP, *PMDL;
typedef uint8_t UCHAR, BOOLEAN, KIRQL;
typedef char CCHAR;
typedef uint16_t USHORT;
typedef uint32_t ULONG;
typedef size_t SIZE_T;
typedef int64_t LONGLONG;
typedef uint64_t KAFFINITY, ULONG_PTR;
typedef wchar_t WCHAR;
typedef const wchar_t *PCWSTR;

typedef union {
	int64_t QuadPart;
} LARGE_INTEGER, PHYSICAL_ADDRESS;

typedef struct {
	USHORT Length, MaximumLength;
	wchar_t *Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

#define FALSE	       0
#define TRUE	       1
#define NT_SUCCESS(s)  ((NTSTATUS)(s) >= 0)
#define STATUS_SUCCESS 0
#define STATUS_TIMEOUT 0x102
#define HIGH_LEVEL     15

/* Processors. */
typedef struct {
	USHORT Group;
	UCHAR Number, Reserved;
} PROCESSOR_NUMBER;

typedef struct {
	KAFFINITY Mask;
	USHORT Group, Reserved[3];
} GROUP_AFFINITY;

#define ALL_PROCESSOR_GROUPS 0xffff

typedef struct KDPC KDPC, *PKDPC;
typedef void KDEFERRED_ROUTINE(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2);
struct KDPC {
	KDEFERRED_ROUTINE *routine;
	void *context;
	uint32_t target;
	bool high;
};

typedef void (*PPROCESSOR_CALLBACK_FUNCTION)(void);

enum { HighImportance = 2 };

KAFFINITY KeQueryActiveProcessors(void);
void KeSetSystemAffinityThread(KAFFINITY mask);
void KeRevertToUserAffinityThread(void);
void KeInitializeDpc(PKDPC dpc, KDEFERRED_ROUTINE *routine, PVOID context);
void KeSetImportanceDpc(PKDPC dpc, int importance);
void KeSetTargetProcessorDpc(PKDPC dpc, CCHAR number);
BOOLEAN KeInsertQueueDpc(PKDPC dpc, PVOID argument1, PVOID argument2);
KIRQL KfRaiseIrql(KIRQL irql);
void KeLowerIrql(KIRQL irql);

/* Waiting. */
typedef struct {
	bool signaled;
} KEVENT, KMUTEX;

enum { NotificationEvent, SynchronizationEvent };
enum { Executive };
enum { KernelMode };
#define IO_NO_INCREMENT 0

void KeInitializeEvent(KEVENT *event, int type, BOOLEAN state);
int32_t KeSetEvent(KEVENT *event, int increment, BOOLEAN wait);
NTSTATUS KeWaitForSingleObject(PVOID object, int reason, int mode, BOOLEAN alertable,
			       LARGE_INTEGER *timeout);
void KeInitializeMutex(KMUTEX *mutex, ULONG level);
int32_t KeReleaseMutex(KMUTEX *mutex, BOOLEAN wait);

/* Threads. */
typedef void (*PKSTART_ROUTINE)(PVOID context);

#define THREAD_ALL_ACCESS 0x1fffff

NTSTATUS PsCreateSystemThread(HANDLE *thread, ULONG access, PVOID attributes, HANDLE process,
			      PVOID client, PKSTART_ROUTINE routine, PVOID context);
NTSTATUS PsTerminateSystemThread(NTSTATUS status);
NTSTATUS ObReferenceObjectByHandle(HANDLE handle, ULONG access, PVOID type, int mode, PVOID *object,
				   PVOID information);
void ObfDereferenceObject(PVOID object);

PEPROCESS IoGetCurrentProcess(void);
HANDLE PsGetCurrentProcessId(void);

/* What nt.h says of functions that only an emergency needs. */
typedef BOOLEAN (*PNMI_CALLBACK)(PVOID context, BOOLEAN handled);
typedef int MEMORY_CACHING_TYPE;
typedef CCHAR KPROCESSOR_MODE;

/* Memory, names, images. */
enum { PagedPool = 1 };

PVOID ExAllocatePoolWithTag(int type, SIZE_T bytes, ULONG tag);
void ExFreePoolWithTag(PVOID address, ULONG tag);
void RtlInitUnicodeString(UNICODE_STRING *string, PCWSTR text);
PVOID MmGetSystemRoutineAddress(UNICODE_STRING *name);

typedef struct {
	ULONG SystemModeImage;
	PVOID ImageBase;
	SIZE_T ImageSize;
} * PIMAGE_INFO;
typedef void (*PLOAD_IMAGE_NOTIFY_ROUTINE)(PUNICODE_STRING path, HANDLE process, PIMAGE_INFO image);

NTSTATUS PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE routine);
NTSTATUS PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE routine);

/* Files. */
typedef struct DRIVER_OBJECT *PDRIVER_OBJECT;
typedef void DRIVER_REINITIALIZE(PDRIVER_OBJECT driver, PVOID context, ULONG count);

typedef struct {
	UNICODE_STRING *name;
	ULONG attributes;
} OBJECT_ATTRIBUTES;

typedef struct {
	ULONG_PTR Information;
} IO_STATUS_BLOCK;

#define InitializeObjectAttributes(object, path, flags, root, security)                            \
	((object)->name = (path), (object)->attributes = (flags))
#define OBJ_CASE_INSENSITIVE	     0x40
#define OBJ_KERNEL_HANDLE	     0x200
#define FILE_APPEND_DATA	     0x4
#define SYNCHRONIZE		     0x100000
#define FILE_ATTRIBUTE_NORMAL	     0x80
#define FILE_SHARE_READ		     1
#define FILE_OPEN_IF		     3
#define FILE_WRITE_THROUGH	     0x2
#define FILE_SYNCHRONOUS_IO_NONALERT 0x20
#define FILE_NON_DIRECTORY_FILE	     0x40

NTSTATUS ZwCreateFile(HANDLE *file, ULONG access, OBJECT_ATTRIBUTES *attributes,
		      IO_STATUS_BLOCK *result, LARGE_INTEGER *size, ULONG file_attributes,
		      ULONG share, ULONG disposition, ULONG options, PVOID ea, ULONG ea_bytes);
NTSTATUS ZwWriteFile(HANDLE file, HANDLE event, PVOID apc, PVOID apc_context,
		     IO_STATUS_BLOCK *result, PVOID buffer, ULONG bytes, LARGE_INTEGER *offset,
		     ULONG *key);
NTSTATUS ZwClose(HANDLE handle);
void IoRegisterBootDriverReinitialization(PDRIVER_OBJECT driver, DRIVER_REINITIALIZE *routine,
					  PVOID context);
void IoRegisterDriverReinitialization(PDRIVER_OBJECT driver, DRIVER_REINITIALIZE *routine,
				      PVOID context);

#endif
