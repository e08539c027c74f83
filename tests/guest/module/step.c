// SPDX-License-Identifier: GPL-2.0
/*
 * The addresses of the instructions that code executes, told by the processor (RFLAGS.TF, bare) and
 * by HyperPlatform's stepping: for code of the kernel, and for a user program that asks for it.
 *
 * Stepping keeps interrupts out of its processor, so another one empties the ring of records.
 *
 * World: the guest's kernel.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "hptest.h"
#include "inside.h"

#define TRACE_MAX  200000u
#define TEXT_BYTES 64
#define FIXED_SEED 0x1234567

static u64 *trace;
static unsigned int traced;
static u64 trace_low, trace_high; /* of these addresses */
static bool overflow;
static u64 behind; /* the most records that there were to collect */
static struct task_struct *collector;
static DECLARE_COMPLETION(collecting);
static void *ring;
static u64 tail;
static int traps_of = -1; /* the processor whose TF traps are written down */

static void trace_begin(u64 low, u64 high)
{
	trace_low = low;
	trace_high = high;
	traced = 0;
	behind = 0;
	overflow = false;
}

static void trace_add(u64 rip)
{
	if (rip < trace_low || rip >= trace_high)
		return;
	if (traced < TRACE_MAX)
		trace[traced++] = rip;
	else
		overflow = true;
}

/* --- The code --- */

static noinline void step_kernel(unsigned int rounds)
{
	static u8 data[TEXT_BYTES], copy[TEXT_BYTES];
	static char text[TEXT_BYTES];
	u32 crc = FIXED_SEED;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		code_step_mix(data, sizeof(data));
		crc = crc32_le(crc, data, sizeof(data));
		memcpy(copy, data, sizeof(copy));
		snprintf(text, sizeof(text), "%u: %08x %s", i, crc, "text");
	}
}

/* --- TF, bare --- */

static int on_debug(struct notifier_block *block, unsigned long event, void *data)
{
	const struct die_args *args = data;

	if (event != DIE_DEBUG || traps_of != raw_smp_processor_id())
		return NOTIFY_DONE;
	trace_add(args->regs->ip);
	return NOTIFY_STOP;
}

static struct notifier_block debug_notifier = { .notifier_call = on_debug, .priority = INT_MAX };

static int trace_kernel(void *data)
{
	unsigned int rounds = *(unsigned int *)data;
	unsigned long flags, tf;

	local_irq_save(flags);
	traps_of = raw_smp_processor_id();
	asm volatile("pushfq\n"
		     "pop %0\n"
		     "or $0x100, %0\n"
		     "push %0\n"
		     "popfq"
		     : "=&r"(tf)
		     :
		     : "cc", "memory");
	step_kernel(rounds);
	asm volatile("pushfq\n"
		     "pop %0\n"
		     "and $~0x100, %0\n"
		     "push %0\n"
		     "popfq"
		     : "=&r"(tf)
		     :
		     : "cc", "memory");
	traps_of = -1;
	local_irq_restore(flags);
	return 0;
}

/* --- Steps --- */

static void collect(void)
{
	u64 head = inside_head(ring), rip[6];
	unsigned int i, count;

	behind = max(behind, head - tail);
	if (behind >= INSIDE_RECORDS)
		overflow = true;
	for (; tail < head; tail++) {
		count = inside_steps(ring, tail, rip);
		for (i = 0; i < count; i++)
			trace_add(rip[i]);
	}
}

static int collect_always(void *unused)
{
	complete(&collecting);
	while (!kthread_should_stop()) {
		collect();
		cond_resched();
	}
	return 0;
}

void *step_symbol(const char *name)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	void *address;

	if (register_kprobe(&probe))
		return NULL;
	address = probe.addr;
	unregister_kprobe(&probe);
	return address;
}

static void *gate_call;

static int begin(unsigned int cpu)
{
	void *(*machine)(void) = step_symbol("hyperplatform:lifecycle_machine");
	unsigned int other = cpumask_any_but(cpu_online_mask, cpu);

	gate_call = step_symbol("hyperplatform:gate_call");
	if (!machine || !gate_call || !machine() || other >= nr_cpu_ids)
		return -ENODEV;
	ring = inside_ring(machine(), cpu);
	tail = inside_head(ring);
	collector = kthread_create_on_node(collect_always, NULL, NUMA_NO_NODE, "hptest/steps");
	if (IS_ERR(collector)) {
		collector = NULL;
		return -ENOMEM;
	}
	kthread_bind(collector, other);
	/* The ring is small: nothing else runs there meanwhile. */
	sched_set_fifo(collector);
	reinit_completion(&collecting);
	wake_up_process(collector);
	wait_for_completion(&collecting);
	return 0;
}

static void *gate_of(unsigned int cpu)
{
	void *(*machine)(void) = step_symbol("hyperplatform:lifecycle_machine");

	return inside_gate(machine(), cpu);
}

static void end(void)
{
	if (collector)
		kthread_stop(collector);
	collector = NULL;
	if (ring)
		collect();
	ring = NULL;
}

struct steps {
	unsigned int rounds, cpu;
	void *gate;
};

static int run_stepped(void *data)
{
	const struct steps *steps = data;
	unsigned long flags;

	local_irq_save(flags);
	inside_step(gate_call, steps->gate, 1000000);
	step_kernel(steps->rounds);
	inside_step(gate_call, steps->gate, 0);
	local_irq_restore(flags);
	return 0;
}

/* --- Commands --- */

/*
 * From the first instruction of step_kernel to its end. Two addresses are left out. SDM: Masking
 * Exceptions and Interrupts When Switching Stacks: MOV SS holds back the trap behind it, which TF
 * then does not make; a step, which holds back everything itself, ends there. Changes to NMI-Window
 * Exiting: STI may hold the window closed for one instruction, so that a step does not end behind
 * it.
 */
static void say_kernel(void)
{
	u64 first = (u64)step_kernel;
	unsigned int i;

	for (i = 0; i < traced && trace[i] != first; i++)
		;
	for (;
	     i < traced && !(trace[i] > (u64)trace_kernel && trace[i] < (u64)trace_kernel + 512) &&
	     !(trace[i] > (u64)run_stepped && trace[i] < (u64)run_stepped + 512);
	     i++) {
		if (trace[i] != (u64)code_step_shadow && trace[i] != (u64)code_step_shadow_sti)
			say_line("%llx", trace[i]);
	}
	if (overflow)
		say_line("too many: %u, %llu records behind", traced, behind);
}

int step_trace(unsigned int cpu, unsigned int rounds)
{
	int error;

	trace_begin(0, ULLONG_MAX);
	register_die_notifier(&debug_notifier);
	error = smp_call_on_cpu(cpu, trace_kernel, &rounds, false);
	unregister_die_notifier(&debug_notifier);
	say_kernel();
	return error;
}

int step_run(unsigned int cpu, unsigned int rounds)
{
	struct steps steps = { rounds, cpu, NULL };
	int error;

	trace_begin(0, ULLONG_MAX);
	error = begin(cpu);
	if (error)
		return error;
	steps.gate = gate_of(cpu);
	error = smp_call_on_cpu(cpu, run_stepped, &steps, false);
	end();
	say_kernel();
	return error;
}

static void *user_gate;

/* The caller itself, which stays on its processor, from here on: its addresses from low to high. */
int step_user(unsigned int instructions, u64 low, u64 high)
{
	unsigned int cpu = raw_smp_processor_id();
	int error;

	trace_begin(low, high);
	error = begin(cpu);
	if (error)
		return error;
	user_gate = gate_of(cpu);
	return inside_step(gate_call, user_gate, instructions) ? -EINVAL : 0;
}

int step_user_end(void)
{
	unsigned int i;

	inside_step(gate_call, user_gate, 0);
	end();
	for (i = 0; i < traced; i++)
		say_line("%llx", trace[i]);
	if (overflow)
		say_line("too many: %u, %llu records behind", traced, behind);
	return 0;
}

int step_init(void)
{
	trace = vmalloc(TRACE_MAX * sizeof(*trace));
	return trace ? 0 : -ENOMEM;
}

void step_exit(void)
{
	end();
	vfree(trace);
}
