// SPDX-License-Identifier: MIT
/*
 * The functions of host.h on Linux.
 *
 * The lifecycle's lock is the kernel's lock against hot-plug, and a mutex inside it. Callbacks of
 * hot-plug take neither: while one runs, nobody has the outer lock.
 *
 * World: OS.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/time.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>

#include "../../base/remedy.h"
#include "../drain.h"
#include "../host.h"
#include "../watch.h"
#include "compat.h"
#include "platform.h"

DECLARE_WAIT_QUEUE_HEAD(platform_log_readers);

static DEFINE_MUTEX(lifecycle_mutex);
static DEFINE_RAW_SPINLOCK(log_lock);
static struct workqueue_struct *queue;
static bool queue_open;

/* The module's memory functions are kept out of line, so that a test can make them fail. */
noinline void *host_allocate(uint32_t pages, struct phys *physical)
{
	void *address =
		alloc_pages_exact(pages * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);

	if (address)
		physical->value = virt_to_phys(address);
	return address;
}

void host_free(void *address, uint32_t pages)
{
	free_pages_exact(address, pages * PAGE_SIZE);
}

struct phys host_physical(const void *address)
{
	return phys(page_to_phys(vmalloc_to_page(address)) + offset_in_page(address));
}

uint32_t host_processors(void)
{
	return cpumask_last(cpu_present_mask) + 1;
}

enum hp_processor_state host_processor(uint32_t processor)
{
	if (processor >= nr_cpu_ids || !cpu_present(processor))
		return HP_PROCESSOR_ABSENT;
	return cpu_online(processor) ? HP_PROCESSOR_NATIVE : HP_PROCESSOR_OFFLINE;
}

struct call {
	host_function *function;
	void *context;
};

static void run_here(void *data)
{
	struct call *call = data;
	unsigned long flags;

	local_irq_save(flags);
	call->function(call->context);
	local_irq_restore(flags);
}

static int run_in_worker(void *data)
{
	run_here(data);
	return 0;
}

/*
 * A worker bound to the processor is a kernel thread: its segment registers are null. So are those
 * of the hot-plug thread, which is on the processor already.
 */
noinline bool host_call(uint32_t processor, host_function *function, void *context)
{
	struct call call = { function, context };

	if (processor >= nr_cpu_ids)
		return false;
	if (is_percpu_thread() && processor == raw_smp_processor_id()) {
		run_here(&call);
		return true;
	}
	return smp_call_on_cpu(processor, run_in_worker, &call, false) == 0;
}

bool host_interrupt(uint32_t processor, host_function *function, void *context)
{
	struct call call = { function, context };

	return processor < nr_cpu_ids &&
	       smp_call_function_single(processor, run_here, &call, 1) == 0;
}

/* One on each processor: the timer of a work runs where it was armed. */
static DEFINE_PER_CPU(struct delayed_work, watch_work);

static void watch(struct work_struct *work)
{
	watch_tick();
	schedule_delayed_work_on(raw_smp_processor_id(), to_delayed_work(work), HZ);
}

void host_watch(bool on)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (!on) {
			cancel_delayed_work_sync(per_cpu_ptr(&watch_work, cpu));
		} else {
			INIT_DELAYED_WORK(per_cpu_ptr(&watch_work, cpu), watch);
			if (cpu_online(cpu))
				schedule_delayed_work_on(cpu, per_cpu_ptr(&watch_work, cpu), HZ);
		}
	}
}

void host_nmi(uint32_t processor)
{
	apic->send_IPI(processor, NMI_VECTOR);
}

bool host_exchange(struct phys address, uint64_t old, uint64_t value)
{
	/* RAM that has gone since has nothing that leads anywhere. */
	if (pfn_valid(PHYS_PFN(address.value)))
		cmpxchg64((uint64_t *)phys_to_virt(address.value), old, value);
	return true;
}

struct memory_walk {
	bool (*each)(void *context, struct memory_range range);
	void *context;
};

static int walk_range(struct resource *resource, void *data)
{
	struct memory_walk *walk = data;
	uint64_t start = PAGE_ALIGN(resource->start);
	uint64_t end = (resource->end + 1) & PAGE_MASK;
	struct memory_range range = { start, end - start };

	return start >= end || walk->each(walk->context, range) ? 0 : -ENOMEM;
}

bool host_memory(bool (*each)(void *context, struct memory_range range), void *context)
{
	struct memory_walk walk = { each, context };

	return walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0,
				   ULONG_MAX, &walk, walk_range) == 0;
}

void host_registers(struct host_registers *registers)
{
	struct desc_ptr gdt;

	native_store_gdt(&gdt);
	registers->cr4 = __read_cr4();
	registers->gdt_limit = gdt.size;
	registers->code_selector = __KERNEL_CS;
}

noinline bool host_rdmsr(uint32_t msr, uint64_t *value)
{
	return compat_rdmsr_safe(msr, value) == 0;
}

void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4])
{
	cpuid_count(leaf, subleaf, &result[0], &result[1], &result[2], &result[3]);
}

const char *host_remedy(enum hp_error error)
{
	return remedy_on_linux(error);
}

/* The set of modules is asked itself: /sys need not be mounted where our caller lives. */
noinline bool host_kvm_loaded(void)
{
	struct kobject *kvm = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "kvm_intel");

	kobject_put(kvm);
	return kvm;
}

void host_lock(void)
{
	cpus_read_lock();
	mutex_lock(&lifecycle_mutex);
}

void host_unlock(void)
{
	mutex_unlock(&lifecycle_mutex);
	cpus_read_unlock();
}

unsigned long host_log_lock(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&log_lock, flags);
	return flags;
}

void host_log_unlock(unsigned long flags)
{
	raw_spin_unlock_irqrestore(&log_lock, flags);
}

void host_keep(bool keep)
{
	if (keep)
		__module_get(THIS_MODULE);
	else
		module_put(THIS_MODULE);
}

void host_print(enum hp_level level, const char *line)
{
	switch (level) {
	case HP_DEBUG:
		pr_debug("%s\n", line);
		break;
	case HP_INFO:
		pr_info("%s\n", line);
		break;
	case HP_WARN:
		pr_warn("%s\n", line);
		break;
	case HP_ERR:
		pr_err("%s\n", line);
		break;
	}
}

void host_task(struct host_task *task)
{
	task->processor = raw_smp_processor_id();
	task->pid = task_tgid_nr(current);
	task->tid = task_pid_nr(current);
	strscpy(task->image, current->comm, sizeof(task->image));
}

uint64_t host_time(void)
{
	return ktime_get_real_fast_ns() / NSEC_PER_MSEC -
	       (s64)sys_tz.tz_minuteswest * 60 * MSEC_PER_SEC;
}

/* Another one waits for the processor that updates the clock, which may hang in root just then. */
uint64_t host_uptime(void)
{
	return ktime_get_mono_fast_ns() / NSEC_PER_MSEC;
}

uint64_t host_tsc_khz(void)
{
	return tsc_khz;
}

static void work(struct work_struct *work)
{
	bool again = drain_run();

	wake_up_interruptible(&platform_log_readers);
	if (again && READ_ONCE(queue_open))
		queue_delayed_work(queue, to_delayed_work(work), msecs_to_jiffies(DRAIN_TICK_MS));
}

static DECLARE_DELAYED_WORK(drain_work, work);

void host_wake(void)
{
	if (READ_ONCE(queue_open))
		mod_delayed_work(queue, &drain_work, 0);
}

int platform_init(void)
{
	queue = alloc_workqueue("hyperplatform", WQ_UNBOUND | WQ_FREEZABLE, 1);
	if (!queue)
		return -ENOMEM;
	WRITE_ONCE(queue_open, true);
	return 0;
}

void platform_exit(void)
{
	WRITE_ONCE(queue_open, false);
	cancel_delayed_work_sync(&drain_work);
	destroy_workqueue(queue);
}
