// SPDX-License-Identifier: GPL-2.0
/*
 * Memory through the EPT: device registers read as bare, addresses where nothing is read as nothing,
 * any number of device regions may be touched, on all processors at once, and every page of RAM can
 * be read.
 *
 * World: the guest's kernel.
 */
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include <asm/cpufeature.h>

#include "hptest.h"

#define REGION (2ull << 20)

/* 64 GiB with 40 bits of physical addresses. */
static u64 above_ram(void)
{
	return 1ull << (boot_cpu_data.x86_phys_bits - 4);
}

static void read_say(const char *text, u64 address, unsigned int count)
{
	void __iomem *device = ioremap(address, PAGE_SIZE);
	u32 sum = 0;
	unsigned int i;

	if (!device) {
		say("%s: cannot be mapped", text);
		return;
	}
	for (i = 0; i < count; i++)
		sum = sum * 31 + readl(device + 4 * i);
	say("%s: %#x, sum %#x", text, readl(device), sum);
	iounmap(device);
}

static void apic_say(void)
{
	void __iomem *apic = ioremap(0xfee00000, PAGE_SIZE);

	if (!apic)
		return;
	say("local APIC: id %#x version %#x LVT0 %#x", readl(apic + 0x20), readl(apic + 0x30),
	    readl(apic + 0x350));
	iounmap(apic);
}

static void io_apic_say(void)
{
	void __iomem *io_apic = ioremap(0xfec00000, PAGE_SIZE);
	unsigned long flags;
	u32 id, version;

	if (!io_apic)
		return;
	local_irq_save(flags);
	writel(0, io_apic);
	id = readl(io_apic + 0x10);
	writel(1, io_apic);
	version = readl(io_apic + 0x10);
	local_irq_restore(flags);
	say("I/O APIC: id %#x version %#x", id, version);
	iounmap(io_apic);
}

static void devices(void)
{
	apic_say();
	io_apic_say();
	read_say("HPET", 0xfed00000, 2);
	read_say("VGA", 0xa0000, 1);
	read_say("video ROM", 0xc0000, 256);
	read_say("BIOS", 0xf0000, 1024);
	read_say("BIOS at 4 GiB", 0xfffff000, 1024);
}

static void nothing(void)
{
	u64 end = 1ull << boot_cpu_data.x86_phys_bits;

	read_say("between RAM and devices", 0xd0000000, 4);
	read_say("above 4 GiB", 1ull << 35, 4);
	read_say("above RAM", above_ram(), 4);
	read_say("in the middle", end / 2, 4);
	read_say("the last page", end - PAGE_SIZE, 4);
}

/* Writes to nowhere are lost. */
static void writes(void)
{
	void __iomem *device = ioremap(above_ram() + 5 * REGION, PAGE_SIZE);

	if (!device)
		return;
	writel(0x12345678, device + 8);
	say("%#x", readl(device + 8));
	iounmap(device);
}

const struct probe memory_probes[] = {
	{ "memory: devices", devices },
	{ "memory: nothing there", nothing },
	{ "memory: writes to nowhere", writes },
	{ NULL, NULL },
};

/* Every page of RAM, by the direct map. Pages that Linux itself has unmapped don't count. */
void memory_walk(void)
{
	unsigned long pfn, end = 0, pages = 0, unmapped = 0;
	struct sysinfo information;
	u64 value;

	si_meminfo(&information);
	/* There are holes: twice the size is more than the end on any small machine. */
	end = max(2 * information.totalram, 0x100000ul);
	for (pfn = 0; pfn < end; pfn++) {
		if (!pfn_valid(pfn) || !page_is_ram(pfn) || !pfn_to_online_page(pfn))
			continue;
		pages++;
		if (get_kernel_nofault(value, (u64 *)__va(PFN_PHYS(pfn))))
			unmapped++;
		if (!(pfn % 4096))
			cond_resched();
	}
	say_line("memory: every page of RAM: %lu pages, %lu not mapped", pages, unmapped);
}

struct toucher {
	struct task_struct *task;
	unsigned int regions, wrong;
};

/* Regions all over the address space: near ones, and far ones whose tables differ at every level. */
static u64 region_at(unsigned int number)
{
	u64 room = (1ull << boot_cpu_data.x86_phys_bits) - above_ram();

	return above_ram() + (number & 1 ? number * REGION : number * 379ull * REGION) % room;
}

static int touch(void *data)
{
	struct toucher *toucher = data;
	void __iomem *device;
	unsigned int i;

	for (i = 0; i < toucher->regions; i++) {
		device = ioremap(region_at(i), PAGE_SIZE);
		if (!device) {
			toucher->wrong++;
			continue;
		}
		if (readl(device) != 0xffffffff || readl(device + 0xffc) != 0xffffffff)
			toucher->wrong++;
		iounmap(device);
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

void memory_devices(unsigned int regions)
{
	static struct toucher touchers[NR_CPUS];
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct toucher *toucher = &touchers[cpu];

		*toucher = (struct toucher){ .regions = regions };
		toucher->task = kthread_create_on_node(touch, toucher, NUMA_NO_NODE, "hptest/%u",
						       cpu);
		if (IS_ERR(toucher->task)) {
			toucher->task = NULL;
			continue;
		}
		kthread_bind(toucher->task, cpu);
	}
	for_each_online_cpu(cpu) {
		if (touchers[cpu].task)
			wake_up_process(touchers[cpu].task);
	}
	for_each_online_cpu(cpu) {
		if (touchers[cpu].task)
			kthread_stop(touchers[cpu].task);
		say_line("memory: device regions: processor %u: %u touched, %u wrong", cpu, regions,
			 touchers[cpu].wrong);
	}
}
