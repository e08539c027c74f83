// SPDX-License-Identifier: GPL-2.0
/*
 * NMIs: as many arrive as were sent, in the guest, in root and in the crossing between the worlds.
 * The processor merges NMIs that come while one is pending, so the sender waits for each. The target
 * executes CPUID all the time, in and outside of the handler, so that many NMIs meet root.
 *
 * World: the guest's kernel.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <asm/nmi.h>
#include <asm/processor.h>

#include "hptest.h"

#define WAIT_ROUNDS 1000000u

static u32 apic_ids[NR_CPUS];
static u64 counted[NR_CPUS];
static u64 sent[NR_CPUS];
static u64 lost[NR_CPUS];
static struct task_struct *senders[NR_CPUS], *loopers[NR_CPUS];
static bool measuring;

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!READ_ONCE(measuring))
		return NMI_DONE;
	WRITE_ONCE(counted[raw_smp_processor_id()], counted[raw_smp_processor_id()] + 1);
	/* An exit while NMIs are blocked: they must stay so. */
	cpuid_eax(0);
	return NMI_HANDLED;
}

/* One NMI, waited for. */
static void send(unsigned int target)
{
	u64 before = READ_ONCE(counted[target]);
	unsigned int i;

	sent[target]++;
	apic_send_nmi(apic_ids[target]);
	for (i = 0; i < WAIT_ROUNDS && READ_ONCE(counted[target]) == before; i++)
		cpu_relax();
	if (READ_ONCE(counted[target]) == before)
		lost[target]++;
}

static int loop(void *unused)
{
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 100; i++)
			cpuid_eax(0);
		cond_resched();
	}
	return 0;
}

static struct task_struct *start_on(unsigned int cpu, int (*function)(void *), void *data)
{
	struct task_struct *task = kthread_create_on_node(function, data, NUMA_NO_NODE,
							  "hptest/%u", cpu);

	if (IS_ERR(task))
		return NULL;
	kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

static void stop_one(struct task_struct **task)
{
	if (*task)
		kthread_stop(*task);
	*task = NULL;
}

static void clear(void)
{
	memset(counted, 0, sizeof(counted));
	memset(sent, 0, sizeof(sent));
	memset(lost, 0, sizeof(lost));
}

struct task {
	unsigned int target, count;
	bool done;
};

static int send_many(void *data)
{
	struct task *task = data;
	unsigned int i;

	for (i = 0; i < task->count; i++) {
		send(task->target);
		if (!(i % 16))
			cond_resched();
	}
	WRITE_ONCE(task->done, true);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Half of them from the target itself, the rest from the other processors. */
void nmi_test(unsigned int target, unsigned int count)
{
	struct task_struct *sender;
	unsigned int cpu, others = num_online_cpus() - 1;

	clear();
	WRITE_ONCE(measuring, true);
	loopers[target] = start_on(target, loop, NULL);
	for_each_online_cpu(cpu) {
		struct task task = { target, 0, false };

		if (cpu == target)
			task.count = others ? count / 2 : count;
		else
			task.count = (count - count / 2) / others;
		sender = start_on(cpu, send_many, &task);
		while (sender && !READ_ONCE(task.done))
			msleep(1);
		stop_one(&sender);
	}
	stop_one(&loopers[target]);
	msleep(10);
	WRITE_ONCE(measuring, false);
	say_line("nmi: processor %u: %llu sent, %llu counted, %llu in vain", target,
		 sent[target], counted[target], lost[target]);
}

/* Sends to the next processor, again and again. */
static int send_always(void *data)
{
	unsigned int target = (unsigned long)data;

	while (!kthread_should_stop()) {
		send(target);
		cond_resched();
	}
	return 0;
}

int nmi_start(void)
{
	unsigned int cpu, next;

	if (READ_ONCE(measuring))
		return -EBUSY;
	clear();
	WRITE_ONCE(measuring, true);
	for_each_online_cpu(cpu) {
		next = cpumask_next(cpu, cpu_online_mask);
		if (next >= nr_cpu_ids)
			next = cpumask_first(cpu_online_mask);
		loopers[cpu] = start_on(cpu, loop, NULL);
		senders[cpu] = start_on(cpu, send_always, (void *)(unsigned long)next);
	}
	return 0;
}

void nmi_say(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		say_line("nmi: processor %u: %llu sent, %llu counted, %llu in vain", cpu,
			 READ_ONCE(sent[cpu]), READ_ONCE(counted[cpu]), READ_ONCE(lost[cpu]));
}

void nmi_stop(void)
{
	unsigned int cpu;

	if (!READ_ONCE(measuring))
		return;
	for_each_possible_cpu(cpu)
		stop_one(&senders[cpu]);
	for_each_possible_cpu(cpu)
		stop_one(&loopers[cpu]);
	msleep(10);
	WRITE_ONCE(measuring, false);
	nmi_say();
}

static void learn_apic_id(void *unused)
{
	apic_ids[smp_processor_id()] = apic_id();
}

int nmi_begin(void)
{
	on_each_cpu(learn_apic_id, NULL, 1);
	return register_nmi_handler(NMI_LOCAL, on_nmi, 0, "hptest");
}

void nmi_end(void)
{
	unregister_nmi_handler(NMI_LOCAL, "hptest");
}
