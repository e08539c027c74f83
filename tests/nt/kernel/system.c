// SPDX-License-Identifier: MIT
/*
 * The system as a driver sees it: processors, threads, time, version, loaded modules.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define SHARED_DATA   0xfffff78000000000ull
#define SHARED_UPTIME 0x08
#define SHARED_TIME   0x14
#define SHARED_TICKS  0x320
#define TICK_100NS    10000
#define BOOT_TIME     133700000000000000ull /* September 2024, in 100 ns since 1601 */
#define LOCAL_BIAS    36000000000ll	    /* one hour east */
#define COUNTER_HZ    10000000		    /* as NT since 6.2 on most machines */
#define TSC_HZ	      100000000		    /* of the emulator: tests/nt/run */
#define MODULES_CLASS 11
#define ALL_GROUPS    0xffff

struct module {
	void *reserved[2];
	void *base;
	ULONG bytes, flags;
	USHORT order[3], name_offset;
	char path[256];
};

struct modules {
	ULONG count;
	struct module module[2];
};

extern IMAGE_DOS_HEADER __ImageBase;

uint64_t time_boot(void)
{
	return BOOT_TIME;
}

/* Each tick of the first processor. The driver's mapping of the page is read-only. */
void time_tick(void)
{
	uint8_t *page = memory_direct(memory_translate(memory_top(), SHARED_DATA));
	uint64_t now = BOOT_TIME + thread_time();

	uint64_t up = thread_time();

	memcpy(page + SHARED_UPTIME, &up, sizeof(up));
	__atomic_store_n((uint32_t *)(page + SHARED_UPTIME + 8), (uint32_t)(up >> 32),
			 __ATOMIC_RELAXED);
	__atomic_store_n((uint32_t *)(page + SHARED_TIME + 8), (uint32_t)(now >> 32),
			 __ATOMIC_RELAXED);
	memcpy(page + SHARED_TIME, &now, sizeof(now));
	__atomic_store_n((uint64_t *)(page + SHARED_TICKS), processors[0].ticks, __ATOMIC_RELAXED);
}

VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER system, PLARGE_INTEGER local)
{
	local->QuadPart = system->QuadPart + LOCAL_BIAS;
}

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER frequency)
{
	LARGE_INTEGER now;

	now.QuadPart = __builtin_ia32_rdtsc() / (TSC_HZ / COUNTER_HZ);
	if (frequency)
		frequency->QuadPart = COUNTER_HZ;
	return now;
}

/* Processors. */

KAFFINITY NTAPI KeQueryActiveProcessors(VOID)
{
	if (export_is_old() && processor_cr8() > APC_LEVEL)
		export_violation("IRQL", "at %llu, before NT 6.0", processor_cr8());
	return (1ull << processor_count()) - 1;
}

ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT group)
{
	return group && group != ALL_GROUPS ? 0 : processor_count();
}

ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT group)
{
	return group && group != ALL_GROUPS ? 0 : PROCESSORS;
}

NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG index, PPROCESSOR_NUMBER number)
{
	if (index >= PROCESSORS)
		return STATUS_INVALID_PARAMETER;
	memset(number, 0, sizeof(*number));
	number->Number = (UCHAR)index;
	return STATUS_SUCCESS;
}

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER number)
{
	if (number) {
		memset(number, 0, sizeof(*number));
		number->Number = (UCHAR)processor_this()->number;
	}
	return processor_this()->number;
}

static void change_affinity(KAFFINITY affinity)
{
	if (processor_cr8() >= DISPATCH_LEVEL)
		export_violation("lab", "a change of affinity at DISPATCH_LEVEL is not provided");
	else
		thread_set_affinity(affinity);
}

VOID NTAPI KeSetSystemAffinityThread(KAFFINITY affinity)
{
	if (!(affinity & KeQueryActiveProcessors())) {
		export_violation("argument", "no active processor in %llx", (uint64_t)affinity);
		return;
	}
	thread_this()->system_affinity = true;
	change_affinity(affinity & KeQueryActiveProcessors());
}

VOID NTAPI KeRevertToUserAffinityThread(VOID)
{
	if (!thread_this()->system_affinity)
		export_violation("affinity", "it is the user's already");
	thread_this()->system_affinity = false;
	change_affinity(thread_this()->user_affinity);
}

/* Documented: zeros stand for the user's affinity, and for a call that did nothing. */
VOID NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY affinity, PGROUP_AFFINITY previous)
{
	PKTHREAD thread = thread_this();
	bool valid = !affinity->Group && affinity->Mask & KeQueryActiveProcessors();

	if (previous) {
		memset(previous, 0, sizeof(*previous));
		if (valid && thread->system_affinity)
			previous->Mask = thread->affinity;
	}
	if (affinity->Reserved[0] || affinity->Reserved[1] || affinity->Reserved[2])
		export_violation("argument", "reserved fields are not 0");
	if (!valid)
		return;
	thread->system_affinity = true;
	change_affinity(affinity->Mask & KeQueryActiveProcessors());
}

VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY previous)
{
	PKTHREAD thread = thread_this();

	thread->system_affinity = previous->Mask != 0;
	change_affinity(previous->Mask ? previous->Mask : thread->user_affinity);
}

/* Threads. */

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE handle, ULONG access, POBJECT_ATTRIBUTES attributes,
				    HANDLE process, PCLIENT_ID id, PKSTART_ROUTINE start,
				    PVOID context)
{
	bool kernel = attributes && attributes->Attributes & OBJ_KERNEL_HANDLE;
	PKTHREAD thread;

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	(void)access;
	if (process || id)
		export_violation("lab", "a process or a client's id is not provided");
	if (!kernel && thread_this()->process != &thread_system_process)
		export_violation("handle", "a handle of the driver's in a process' table");
	thread = thread_create(&thread_system_process, start, context);
	*handle = thread ? object_open(thread, kernel, true) : NULL;
	return *handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS status)
{
	thread_end(status);
	return STATUS_SUCCESS;
}

PEPROCESS NTAPI IoGetCurrentProcess(VOID)
{
	return (PEPROCESS)thread_this()->process;
}

HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
	return (HANDLE)thread_this()->process->id;
}

HANDLE NTAPI PsGetCurrentThreadId(VOID)
{
	return (HANDLE)thread_this()->id;
}

const char *NTAPI PsGetProcessImageFileName(PEPROCESS process)
{
	return ((struct process *)process)->name;
}

/* The system. */

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW version)
{
	bool old = export_is_old();

	if (version->dwOSVersionInfoSize != sizeof(RTL_OSVERSIONINFOW) &&
	    version->dwOSVersionInfoSize != sizeof(RTL_OSVERSIONINFOEXW))
		export_violation("argument", "%lu bytes", version->dwOSVersionInfoSize);
	version->dwMajorVersion = old ? 5 : 10;
	version->dwMinorVersion = old ? 2 : 0;
	version->dwBuildNumber = old ? 3790 : 19045;
	version->dwPlatformId = VER_PLATFORM_WIN32_NT;
	version->szCSDVersion[0] = 0;
	return STATUS_SUCCESS;
}

static void fill_module(struct module *module, uint64_t base, uint64_t bytes, const char *path)
{
	memset(module, 0, sizeof(*module));
	module->base = (void *)base;
	module->bytes = (ULONG)bytes;
	say_to(module->path, sizeof(module->path), "%s", path);
	module->name_offset = (USHORT)(strrchr(module->path, '\\') + 1 - module->path);
}

NTSTATUS NTAPI ZwQuerySystemInformation(int class, PVOID to, ULONG bytes, PULONG result)
{
	struct modules *modules = to;

	if (pool_fails())
		return STATUS_INSUFFICIENT_RESOURCES;
	if (class != MODULES_CLASS) {
		export_violation("lab", "class %d is not provided", class);
		return STATUS_INVALID_INFO_CLASS;
	}
	if (result)
		*result = sizeof(*modules);
	if (bytes < sizeof(*modules))
		return STATUS_INFO_LENGTH_MISMATCH;
	modules->count = 2;
	fill_module(&modules->module[0], (uintptr_t)&__ImageBase, memory_image_bytes(),
		    "\\SystemRoot\\system32\\ntoskrnl.exe");
	fill_module(&modules->module[1], loader_driver.base, loader_driver.bytes,
		    "\\SystemRoot\\system32\\drivers\\hyperplatform.sys");
	return STATUS_SUCCESS;
}

ULONG __cdecl DbgPrintEx(ULONG component, ULONG level, PCSTR format, ...)
{
	char text[256];
	va_list arguments;
	size_t bytes;

	(void)component, (void)level;
	va_start(arguments, format);
	say_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	bytes = strlen(text);
	if (bytes && text[bytes - 1] == '\n')
		text[bytes - 1] = 0;
	say("driver: %s", text);
	return STATUS_SUCCESS;
}
