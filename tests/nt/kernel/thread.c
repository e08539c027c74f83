// SPDX-License-Identifier: MIT
/*
 * Threads on all processors: ready ones wait in one queue for a processor of their affinity; the
 * clock takes the processor away from a thread after one tick if another wants it. There are no
 * priorities.
 *
 * What always holds: the dispatcher's lock is held, with interrupts off, from the moment a thread
 * stops being the running one until the next one runs on its own stack; a switch happens below
 * DISPATCH_LEVEL only, or at the end of the dispatch interrupt, which came below it.
 *
 * World: the lab's kernel.
 */
#include "nt.h"

#define MSR_KERNEL_GS_BASE 0xc0000102
#define FX_BYTES	   512
#define FIRST_ID	   0x1c0
#define TICK_100NS	   10000
#define TEB_LOW		   0x00007ff5aaaa0000ull

struct process thread_system_process = { .id = 4, .parent = 4, .name = "System" };
struct process *thread_other_process;

static struct lab_lock lock;
static LIST_ENTRY all, ready, waiting, ended;
static struct _KTHREAD idle_thread[PROCESSORS];
static uint8_t fx_image[FX_BYTES] __attribute__((aligned(16)));
static uint64_t next_id = FIRST_ID;

void entry_switch(uint64_t *old_rsp, uint64_t new_rsp);
void entry_thread(void);

uint64_t thread_lock(void)
{
	return lab_lock(&lock);
}

void thread_unlock(uint64_t flags)
{
	lab_unlock(&lock, flags);
}

PKTHREAD thread_this(void)
{
	PKTHREAD thread;

	asm volatile("mov %%gs:0x188, %0" : "=r"(thread));
	return thread;
}

uint64_t thread_time(void)
{
	return processors[0].ticks * TICK_100NS;
}

/* What a thread of user mode has in GS there, to see that it is the same after a leave. */
static uint64_t teb_of(const struct _KTHREAD *thread)
{
	return TEB_LOW + thread->id * PAGE;
}

static bool is_idle(const struct processor *processor)
{
	return processor->thread == processor->idle_thread;
}

static PKTHREAD pick(const struct processor *processor)
{
	LIST_ENTRY *at;
	PKTHREAD thread;

	for (at = ready.Flink; at != &ready; at = at->Flink) {
		thread = CONTAINING_RECORD(at, struct _KTHREAD, ready);
		if (thread->affinity >> processor->number & 1) {
			RemoveEntryList(at);
			return thread;
		}
	}
	return processor->idle_thread;
}

/* With the lock; the old thread is where it belongs already. */
static void switch_to(PKTHREAD next)
{
	struct processor *processor = processor_this();
	PKTHREAD old = processor->thread;

	next->state = THREAD_RUNNING;
	next->processor = processor->number;
	if (next == old)
		return;
	processor->thread = next;
	processor->kernel_stack = next->stack + THREAD_STACK_PAGES * PAGE;
	if (next->process != old->process) {
		processor->kernel_cr3 = next->process->kernel_cr3;
		processor->user_cr3 = next->process->user_cr3;
		asm volatile("mov %0, %%cr3" : : "r"(next->process->kernel_cr3) : "memory");
	}
	if (old->user_mode && processor_rdmsr(MSR_KERNEL_GS_BASE) != teb_of(old))
		judge_violation("state", "the user's GS base has changed");
	if (next->user_mode)
		processor_wrmsr(MSR_KERNEL_GS_BASE, teb_of(next));
	entry_switch(&old->rsp, next->rsp);
}

static void make_ready(PKTHREAD thread)
{
	struct processor *processor, *wanted = NULL;
	unsigned i;

	thread->state = THREAD_READY;
	InsertTailList(&ready, &thread->ready);
	for (i = 0; i < processor_count(); i++) {
		processor = &processors[i];
		if (thread->affinity >> i & 1 && (!wanted || is_idle(processor)))
			wanted = processor;
	}
	/* A busy processor looks at the queue with its next tick. */
	if (wanted && is_idle(wanted))
		processor_send(wanted->number, VECTOR_DISPATCH);
}

void thread_dispatch_interrupt(void)
{
	struct processor *processor = processor_this();
	PKTHREAD thread, next;
	uint64_t flags;

	asm volatile("sti");
	dpc_retire(processor);
	asm volatile("cli");
	flags = thread_lock();
	thread_signalled();
	thread = processor->thread;
	next = pick(processor);
	if (next != processor->idle_thread) {
		if (thread != processor->idle_thread) {
			thread->state = THREAD_READY;
			InsertTailList(&ready, &thread->ready);
		}
		switch_to(next);
	}
	thread_unlock(flags);
}

static bool is_due(void)
{
	uint64_t now = thread_time();
	LIST_ENTRY *at;

	for (at = waiting.Flink; at != &waiting; at = at->Flink)
		if (CONTAINING_RECORD(at, struct _KTHREAD, waiting)->deadline <= now)
			return true;
	return false;
}

void thread_clock(struct processor *processor)
{
	bool due = false;
	uint64_t flags;

	processor->ticks++;
	flags = thread_lock();
	if (!processor->number)
		due = is_due();
	if (due || !IsListEmpty(&ready) || !IsListEmpty(&processor->dpcs))
		processor_send(processor->number, VECTOR_DISPATCH);
	thread_unlock(flags);
	if (!processor->number)
		time_tick();
}

/* The stack's first words are what entry_switch() takes from it. */
static void prepare_stack(PKTHREAD thread)
{
	uint64_t *at = (uint64_t *)(thread->stack + THREAD_STACK_PAGES * PAGE);

	at -= 4; /* the space that a called function may use */
	*--at = (uintptr_t)entry_thread;
	at -= 8 + 520 / 8;
	memset(at, 0, 8 * 8 + 520);
	memcpy(at, fx_image, FX_BYTES);
	thread->rsp = (uintptr_t)at;
}

static void delete_thread(void *body)
{
	PKTHREAD thread = body;

	memory_release(thread->stack, THREAD_STACK_PAGES);
}

/* With a reference for the caller, and one for itself until it has ended. */
PKTHREAD thread_create(struct process *process, PKSTART_ROUTINE start, void *context)
{
	PKTHREAD thread;
	uint64_t flags;

	thread_reap();
	thread = object_create(OBJECT_THREAD, sizeof(*thread), delete_thread);
	if (!thread)
		return NULL;
	thread->stack = memory_reserve(THREAD_STACK_PAGES);
	if (!memory_back(thread->stack, THREAD_STACK_PAGES, MAP_WRITE)) {
		object_release(thread);
		return NULL;
	}
	thread->header.Type = ThreadObject;
	InitializeListHead(&thread->header.WaitListHead);
	thread->process = thread->owner = process;
	thread->start = start;
	thread->context = context;
	thread->affinity = thread->user_affinity = (1u << PROCESSORS) - 1;
	thread->of_driver = loader_inside((uintptr_t)start);
	prepare_stack(thread);
	object_keep(thread);
	flags = thread_lock();
	thread->id = next_id;
	next_id += 4;
	InsertTailList(&all, &thread->all);
	make_ready(thread);
	thread_unlock(flags);
	return thread;
}

/* Runs on its own stack, with the lock of who switched to it. */
void thread_begin(void)
{
	PKTHREAD thread = thread_this();

	processor_set_cr8(PASSIVE_LEVEL);
	thread_unlock(0x202);
	thread->start(thread->context);
	thread_end(STATUS_SUCCESS);
}

void thread_end(NTSTATUS status)
{
	PKTHREAD thread = thread_this();

	if (processor_cr8() != PASSIVE_LEVEL)
		judge_violation("IRQL", "a thread ends at %llu", processor_cr8());
	if (thread->mutexes)
		judge_violation("mutex", "a thread ends with one");
	processor_set_cr8(DISPATCH_LEVEL);
	thread_lock();
	thread->state = THREAD_ENDED;
	thread->exit_status = status;
	thread->header.SignalState = 1;
	RemoveEntryList(&thread->all);
	InsertTailList(&ended, &thread->all);
	thread_signalled();
	switch_to(pick(processor_this()));
	__builtin_unreachable();
}

/* Lets go of threads that have ended: their stacks are in use no more. */
void thread_reap(void)
{
	PKTHREAD thread;
	uint64_t flags;

	for (;;) {
		flags = thread_lock();
		thread = IsListEmpty(&ended)
				 ? NULL
				 : CONTAINING_RECORD(RemoveHeadList(&ended), struct _KTHREAD, all);
		thread_unlock(flags);
		if (!thread)
			return;
		object_release(thread);
	}
}

unsigned thread_of_driver_count(void)
{
	uint64_t flags = thread_lock();
	unsigned count = 0;
	LIST_ENTRY *at;

	for (at = all.Flink; at != &all; at = at->Flink)
		count += CONTAINING_RECORD(at, struct _KTHREAD, all)->of_driver;
	thread_unlock(flags);
	return count;
}

/* With the lock: the running thread waits, or goes to another processor, and comes back here. */
static void give_way(void)
{
	uint64_t level = processor_cr8();

	processor_set_cr8(DISPATCH_LEVEL);
	switch_to(pick(processor_this()));
	processor_set_cr8(level);
}

void thread_set_affinity(KAFFINITY affinity)
{
	PKTHREAD thread = thread_this();
	uint64_t flags = thread_lock();

	thread->affinity = affinity;
	if (!(affinity >> thread->processor & 1)) {
		make_ready(thread);
		give_way();
	}
	thread_unlock(flags);
}

void thread_set_user_affinity(KAFFINITY affinity)
{
	thread_this()->user_affinity = affinity;
	thread_set_affinity(affinity);
}

/* With the lock: the running thread waits until wait.c's thread_signalled() takes it out. */
void thread_wait(PKTHREAD thread)
{
	thread->state = THREAD_WAITING;
	InsertTailList(&waiting, &thread->waiting);
	give_way();
}

/* With the lock: all whose wait is over become ready, first come, first served. */
void thread_signalled(void)
{
	LIST_ENTRY *at, *next;
	PKTHREAD thread;

	for (at = waiting.Flink; at != &waiting; at = next) {
		next = at->Flink;
		thread = CONTAINING_RECORD(at, struct _KTHREAD, waiting);
		if (!wait_over(thread))
			continue;
		RemoveEntryList(at);
		make_ready(thread);
	}
}

void thread_enter_user(void)
{
	thread_this()->user_mode = true;
	processor_wrmsr(MSR_KERNEL_GS_BASE, teb_of(thread_this()));
}

void thread_sleep(unsigned milliseconds)
{
	LARGE_INTEGER interval;

	interval.QuadPart = -(int64_t)milliseconds * 10000;
	KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

void thread_idle(void)
{
	for (;;)
		asm volatile("sti; hlt");
}

void thread_init(void)
{
	InitializeListHead(&all);
	InitializeListHead(&ready);
	InitializeListHead(&waiting);
	InitializeListHead(&ended);
	asm volatile("fninit; fxsave64 %0" : "=m"(fx_image));
	thread_system_process.header.Type = ProcessObject;
	thread_system_process.kernel_cr3 = memory_top();
	thread_init_processor();
}

/* Who runs now is the idle thread of this processor. */
void thread_init_processor(void)
{
	struct processor *processor = processor_this();
	PKTHREAD thread = &idle_thread[processor->number];

	thread->process = &thread_system_process;
	thread->state = THREAD_RUNNING;
	thread->processor = processor->number;
	thread->affinity = 1ull << processor->number;
	processor->thread = processor->idle_thread = thread;
}
