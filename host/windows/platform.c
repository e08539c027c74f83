// SPDX-License-Identifier: MIT
/*
 * The functions of host.h on Windows, but for those that have to do with other processors
 * (processors.c) and with the worker (worker.c).
 *
 * "Process" in host.h is PASSIVE_LEVEL here, "processor" is HIGH_LEVEL.
 *
 * World: OS.
 */
#include <string.h>

#include "../../base/remedy.h"
#include "../lifecycle.h"
#include "dump.h"
#include "platform.h"

#define ANY_NODE	0x80000000u	  /* MM_ANY_NODE_OK */
#define UNIX_EPOCH_MS	11644473600000ull /* 1970 on the clock of NT, which begins in 1601 */
#define NT_TICKS_PER_MS 10000u

/* The time-stamp counter's rate is taken over at least this many tenths of a millisecond. */
#define CLOCK_LEAST 1000u

bool fault_rdmsr(uint32_t msr, uint64_t *value);

static KMUTEX lifecycle_mutex;
static struct nt_spin log_lock;
static PDRIVER_OBJECT our_driver;
static PDRIVER_UNLOAD our_unload;
static struct {
	int64_t counter;
	uint64_t per_tenth; /* counts in a tenth of a millisecond */
	uint64_t tsc;
} clock_start;

/*
 * Contiguous memory of an older NT can be executed; nothing of ours ever is, where the system has
 * it mapped.
 */
void *host_allocate(uint32_t pages, struct phys *physical)
{
	PHYSICAL_ADDRESS lowest = { .QuadPart = 0 }, highest = { .QuadPart = -1 };
	SIZE_T bytes = (SIZE_T)pages * HOST_PAGE;
	void *address;

	if (nt.MmAllocateContiguousNodeMemory)
		address = nt.MmAllocateContiguousNodeMemory(bytes, lowest, highest, lowest,
							    PAGE_READWRITE, ANY_NODE);
	else
		address = MmAllocateContiguousMemorySpecifyCache(bytes, lowest, highest, lowest,
								 MmCached);
	if (!address)
		return NULL;
	memset(address, 0, bytes);
	*physical = host_physical(address);
	return address;
}

void host_free(void *address, uint32_t pages)
{
	(void)pages;
	MmFreeContiguousMemory(address);
}

struct phys host_physical(const void *address)
{
	return phys((uint64_t)MmGetPhysicalAddress((void *)address).QuadPart);
}

/* The kernel keeps them in order, but promises nothing. */
static void sort(PHYSICAL_MEMORY_RANGE *ranges, uint32_t count)
{
	PHYSICAL_MEMORY_RANGE range;
	uint32_t i, place;

	for (i = 1; i < count; i++) {
		range = ranges[i];
		for (place = i;
		     place && ranges[place - 1].BaseAddress.QuadPart > range.BaseAddress.QuadPart;
		     place--)
			ranges[place] = ranges[place - 1];
		ranges[place] = range;
	}
}

bool host_memory(bool (*each)(void *context, struct memory_range range), void *context)
{
	PHYSICAL_MEMORY_RANGE *ranges = MmGetPhysicalMemoryRanges();
	uint32_t count = 0, i;
	bool complete = ranges != NULL;

	while (ranges && ranges[count].NumberOfBytes.QuadPart)
		count++;
	sort(ranges, count);
	for (i = 0; i < count && complete; i++) {
		struct memory_range range = { (uint64_t)ranges[i].BaseAddress.QuadPart,
					      (uint64_t)ranges[i].NumberOfBytes.QuadPart };

		complete = each(context, range);
	}
	if (ranges)
		ExFreePoolWithTag(ranges, 0);
	return complete;
}

void host_registers(struct host_registers *registers)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr;

	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	__asm__ volatile("mov %%cr4, %0" : "=r"(registers->cr4));
	__asm__ volatile("mov %%cs, %0" : "=r"(registers->code_selector));
	registers->gdt_limit = gdtr.limit;
}

bool host_rdmsr(uint32_t msr, uint64_t *value)
{
	return fault_rdmsr(msr, value);
}

void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(result[0]), "=b"(result[1]), "=c"(result[2]), "=d"(result[3])
			 : "a"(leaf), "c"(subleaf));
}

/* Who keeps VT-x for itself, hpctl finds out: there may be many settings to turn off. */
const char *host_remedy(enum hp_error error)
{
	if (error == HP_ERROR_NO_VMX)
		return "hpctl check says what to do about it";
	return remedy_on_windows(error);
}

bool host_kvm_loaded(void)
{
	return false;
}

/* A mutex, since its owner stays at PASSIVE_LEVEL and can't be suspended. */
void host_lock(void)
{
	KeWaitForSingleObject(&lifecycle_mutex, Executive, KernelMode, FALSE, NULL);
}

void host_unlock(void)
{
	KeReleaseMutex(&lifecycle_mutex, FALSE);
}

/* `unsigned long` has 32 bits here: enough for the flags. */
unsigned long host_log_lock(void)
{
	return (unsigned long)nt_lock(&log_lock);
}

void host_log_unlock(unsigned long flags)
{
	nt_unlock(&log_lock, flags);
}

/*
 * We are above DISPATCH_LEVEL only with interrupts off. The debugger's transport must not be used
 * there; what is not printed is in the log.
 */
void host_print(enum hp_level level, const char *line)
{
	static const ULONG levels[] = { DPFLTR_INFO_LEVEL, DPFLTR_INFO_LEVEL, DPFLTR_WARNING_LEVEL,
					DPFLTR_ERROR_LEVEL };

	if (nt_interrupts_on())
		DbgPrintEx(DPFLTR_IHVDRIVER_ID, levels[level & 3], "HyperPlatform: %s\n", line);
}

/*
 * Without an unload routine, the system refuses to unload us, and says so at once; with a reference
 * instead, the unload would be pending, and the device could not be opened any more to stop.
 */
void host_keep(bool keep)
{
	our_driver->DriverUnload = keep ? NULL : our_unload;
	dump_run(keep ? lifecycle_machine() : NULL);
}

void host_task(struct host_task *task)
{
	const char *name = PsGetProcessImageFileName(IoGetCurrentProcess());
	unsigned i;

	task->processor = processors_current();
	task->pid = (uint32_t)(uintptr_t)PsGetCurrentProcessId();
	task->tid = (uint32_t)(uintptr_t)PsGetCurrentThreadId();
	for (i = 0; i < sizeof(task->image) - 1 && name[i]; i++)
		task->image[i] = name[i];
	task->image[i] = '\0';
}

uint64_t host_time(void)
{
	LARGE_INTEGER universal, local;

	KeQuerySystemTime(&universal);
	ExSystemTimeToLocalTime(&universal, &local);
	return (uint64_t)local.QuadPart / NT_TICKS_PER_MS - UNIX_EPOCH_MS;
}

/*
 * The interrupt time, which stands still while the processor that counts it hangs, is for systems
 * without the counter.
 */
uint64_t host_uptime(void)
{
	if (!nt.KeQueryPerformanceCounter)
		return KeQueryInterruptTime() / NT_TICKS_PER_MS;
	return (uint64_t)nt.KeQueryPerformanceCounter(NULL).QuadPart / clock_start.per_tenth / 10;
}

/* By comparison with the performance counter, ever better the longer we are loaded. */
uint64_t host_tsc_khz(void)
{
	uint64_t tenths, cycles;

	if (!nt.KeQueryPerformanceCounter)
		return 0;
	tenths = (uint64_t)(nt.KeQueryPerformanceCounter(NULL).QuadPart - clock_start.counter) /
		 clock_start.per_tenth;
	cycles = __builtin_ia32_rdtsc() - clock_start.tsc;
	return tenths < CLOCK_LEAST ? 0 : cycles * 10 / tenths;
}

void platform_init(PDRIVER_OBJECT driver)
{
	LARGE_INTEGER frequency = { .QuadPart = 0 };

	our_driver = driver;
	our_unload = driver->DriverUnload;
	KeInitializeMutex(&lifecycle_mutex, 0);
	if (nt.KeQueryPerformanceCounter)
		clock_start.counter = nt.KeQueryPerformanceCounter(&frequency).QuadPart;
	clock_start.per_tenth = (uint64_t)frequency.QuadPart / 10000 + 1;
	clock_start.tsc = __builtin_ia32_rdtsc();
}
