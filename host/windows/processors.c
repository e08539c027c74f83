// SPDX-License-Identifier: MIT
/*
 * The functions of host.h that have to do with processors. They are numbered as the system numbers
 * them over all processor groups; before NT 6.1 there is one group, and the number is the bit.
 *
 * A thread goes to a processor in order to enter or leave there: it is at PASSIVE_LEVEL before and
 * after, has a thread's stack, and a CR3 that maps the kernel, also under KVA shadow. Who only
 * wants a word with a processor interrupts it by a DPC, which runs in any thread's context: that
 * disturbs one processor, where KeIpiGenericCall() would stop all of them; of high importance, it
 * is delivered by an interrupt at once, and the waiter is at PASSIVE_LEVEL, so that no processor
 * can wait for another in a circle.
 *
 * World: OS.
 */
#include "../host.h"
#include "../log.h"
#include "../watch.h"
#include "emergency.h"
#include "platform.h"

#define MASK_BITS	64u
#define WATCH_MS	1000
#define NT_TICKS_PER_MS 10000

/* Of the watch: a thread for each processor, NULL: it has none. */
static PKTHREAD watchers[HP_PROCESSORS_MAX];
static KEVENT watch_ends;

static uint32_t active(void)
{
	if (nt.KeQueryActiveProcessorCountEx)
		return nt.KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	return MASK_BITS - (uint32_t)__builtin_clzll(KeQueryActiveProcessors());
}

/*
 * Those that may still be added count as present and offline, so that they can enter when they
 * come; but not so many of them that the table of processors is too small.
 */
uint32_t host_processors(void)
{
	uint32_t online = active(), most = online;

	if (nt.KeQueryMaximumProcessorCountEx)
		most = nt.KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS);
	if (most > HP_PROCESSORS_MAX)
		most = HP_PROCESSORS_MAX;
	return most > online ? most : online;
}

enum hp_processor_state host_processor(uint32_t processor)
{
	if (processor >= host_processors())
		return HP_PROCESSOR_ABSENT;
	if (nt.KeQueryActiveProcessorCountEx)
		return processor < active() ? HP_PROCESSOR_NATIVE : HP_PROCESSOR_OFFLINE;
	return KeQueryActiveProcessors() >> processor & 1 ? HP_PROCESSOR_NATIVE
							  : HP_PROCESSOR_ABSENT;
}

uint32_t processors_current(void)
{
	uint32_t number;

	if (nt.KeGetCurrentProcessorNumberEx)
		return nt.KeGetCurrentProcessorNumberEx(NULL);
	__asm__ volatile("movzbl %%gs:0x184, %0" : "=r"(number));
	return number;
}

static PROCESSOR_NUMBER place(uint32_t processor)
{
	PROCESSOR_NUMBER number = { .Group = 0, .Number = (UCHAR)processor };

	if (nt.KeGetProcessorNumberFromIndex)
		nt.KeGetProcessorNumberFromIndex(processor, &number);
	return number;
}

/* Moves this thread there; `before` is for go_back(). */
static void go_to(uint32_t processor, GROUP_AFFINITY *before)
{
	PROCESSOR_NUMBER number = place(processor);
	GROUP_AFFINITY there = { .Group = number.Group, .Mask = (KAFFINITY)1 << number.Number };

	if (nt.KeSetSystemGroupAffinityThread && nt.KeRevertToUserGroupAffinityThread)
		nt.KeSetSystemGroupAffinityThread(&there, before);
	else
		KeSetSystemAffinityThread(there.Mask);
}

static void go_back(GROUP_AFFINITY *before)
{
	if (nt.KeSetSystemGroupAffinityThread && nt.KeRevertToUserGroupAffinityThread)
		nt.KeRevertToUserGroupAffinityThread(before);
	else
		KeRevertToUserAffinityThread();
}

struct call {
	host_function *function;
	void *context;
	KEVENT done;
};

static void run_here(const struct call *call)
{
	unsigned long long flags = nt_interrupts_off();
	KIRQL before = KfRaiseIrql(HIGH_LEVEL);

	call->function(call->context);
	KeLowerIrql(before);
	nt_interrupts_restore(flags);
}

bool host_call(uint32_t processor, host_function *function, void *context)
{
	struct call call = { .function = function, .context = context };
	GROUP_AFFINITY before;
	bool there;

	if (host_processor(processor) != HP_PROCESSOR_NATIVE)
		return false;
	go_to(processor, &before);
	there = processors_current() == processor;
	if (there) {
		emergency_meet(processor);
		run_here(&call);
	}
	go_back(&before);
	return there;
}

static void NTAPI run_in_dpc(PKDPC dpc, PVOID context, PVOID unused1, PVOID unused2)
{
	struct call *call = context;

	(void)dpc;
	(void)unused1;
	(void)unused2;
	run_here(call);
	KeSetEvent(&call->done, IO_NO_INCREMENT, FALSE);
}

static void aim(PKDPC dpc, uint32_t processor)
{
	PROCESSOR_NUMBER number = place(processor);

	if (nt.KeSetTargetProcessorDpcEx)
		nt.KeSetTargetProcessorDpcEx(dpc, &number);
	else
		KeSetTargetProcessorDpc(dpc, (CCHAR)number.Number);
}

/* The DPC and the event are on this thread's stack, which stays in memory while it waits. */
bool host_interrupt(uint32_t processor, host_function *function, void *context)
{
	struct call call = { .function = function, .context = context };
	KDPC dpc;

	if (host_processor(processor) != HP_PROCESSOR_NATIVE)
		return false;
	KeInitializeEvent(&call.done, NotificationEvent, FALSE);
	KeInitializeDpc(&dpc, run_in_dpc, &call);
	KeSetImportanceDpc(&dpc, HighImportance);
	aim(&dpc, processor);
	KeInsertQueueDpc(&dpc, NULL, NULL);
	KeWaitForSingleObject(&call.done, Executive, KernelMode, FALSE, NULL);
	return true;
}

/* Its waits end by the clock of the processor that it is bound to. */
static void NTAPI watch(PVOID number)
{
	LARGE_INTEGER tick = { .QuadPart = -(LONGLONG)WATCH_MS * NT_TICKS_PER_MS };
	GROUP_AFFINITY before;

	go_to((uint32_t)(uintptr_t)number, &before);
	while (KeWaitForSingleObject(&watch_ends, Executive, KernelMode, FALSE, &tick) ==
	       STATUS_TIMEOUT)
		watch_tick();
	go_back(&before);
	PsTerminateSystemThread(STATUS_SUCCESS);
}

static void watch_all(void)
{
	uint32_t i, count = host_processors();

	KeInitializeEvent(&watch_ends, NotificationEvent, FALSE);
	for (i = 0; i < count && i < HP_PROCESSORS_MAX; i++) {
		if (host_processor(i) == HP_PROCESSOR_NATIVE &&
		    !NT_SUCCESS(nt_thread_start(watch, (PVOID)(uintptr_t)i, &watchers[i])))
			log_line(HP_WARN, "processor %u does not watch the others: no thread", i);
	}
}

void host_watch(bool on)
{
	uint32_t i;

	if (on) {
		watch_all();
		return;
	}
	KeSetEvent(&watch_ends, IO_NO_INCREMENT, FALSE);
	for (i = 0; i < HP_PROCESSORS_MAX; i++) {
		if (watchers[i])
			nt_thread_join(watchers[i]);
		watchers[i] = NULL;
	}
}
