// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/hptest takes one command, and then reads as what that command said:
 *
 *	run CPU [PREFIX]	the probes whose names begin with PREFIX, on that processor
 *	nmi CPU COUNT		COUNT NMIs to that processor, from itself and from the others in turn
 *	nmi-start, nmi-stop	NMIs to every processor, all the time between the two
 *	nmi-count		how many of those there were until now
 *	step-trace CPU ROUNDS	the addresses of a piece of code, by RFLAGS.TF
 *	step CPU ROUNDS		the same by HyperPlatform's steps
 *	step-user COUNT LOW HIGH
 *				HyperPlatform steps the caller from now on
 *	step-user-end		no more; the addresses between the two (hexadecimal)
 *	random FIRST COUNT	random instruction sequences, on the caller's processor
 *	random-tell FIRST COUNT	the same, with all that came of them
 *	entry-rules FIRST COUNT	VM entries with broken rules, on processor 0, with nothing below
 *	entry-rules-tell FIRST COUNT	the same, with each state
 *	walk			reads every page of RAM
 *	devices COUNT		touches COUNT regions of device memory, on every processor at once
 *	attack read		reads every page of HyperPlatform's memory
 *	attack WHAT PATTERN	writes every page of it that is hidden, of rings, or readable else
 *	vmxe CPU 0|1		CR4.VMXE of that processor off or on, as another hypervisor would
 *
 * World: the guest's kernel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <asm/tlbflush.h>

#include "hptest.h"

#define OUTPUT_BYTES (1u << 20)

static DEFINE_MUTEX(command_mutex);
static char *output;
static size_t output_used;
static const char *running;
static const char *prefix;

static void output_add(const char *format, va_list arguments)
{
	output_used += vscnprintf(output + output_used, OUTPUT_BYTES - output_used, format,
				  arguments);
}

static void output_text(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	output_add(format, arguments);
	va_end(arguments);
}

void say(const char *format, ...)
{
	va_list arguments;

	output_text("%s: ", running);
	va_start(arguments, format);
	output_add(format, arguments);
	va_end(arguments);
	output_text("\n");
}

void say_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	output_add(format, arguments);
	va_end(arguments);
	output_text("\n");
}

static int run_probes(void *unused)
{
	static const struct probe *const all[] = {
		state_probes, interrupt_probes, instruction_probes, msr_probes, control_probes,
		debug_probes, memory_probes, delivery_probes,
	};
	const struct probe *probe;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (probe = all[i]; probe->name; probe++) {
			if (strncmp(probe->name, prefix, strlen(prefix)))
				continue;
			running = probe->name;
			probe->run();
		}
	}
	return 0;
}

static int set_vmxe(void *on)
{
	unsigned long flags;

	local_irq_save(flags);
	if (on)
		cr4_set_bits_irqsoff(X86_CR4_VMXE);
	else
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	local_irq_restore(flags);
	return 0;
}

static int command(char *line)
{
	char text[64] = "";
	void *(*machine)(void);
	unsigned int cpu, number = 0;
	u64 low, high;

	if (sscanf(line, "run %u %63[^\n]", &cpu, text) >= 1) {
		prefix = text;
		return smp_call_on_cpu(cpu, run_probes, NULL, false);
	}
	if (sscanf(line, "nmi %u %u", &cpu, &number) == 2) {
		if (cpu >= nr_cpu_ids || !cpu_online(cpu))
			return -ENXIO;
		nmi_test(cpu, number);
		return 0;
	}
	if (sscanf(line, "step-trace %u %u", &cpu, &number) == 2)
		return step_trace(cpu, number);
	if (sscanf(line, "step %u %u", &cpu, &number) == 2)
		return step_run(cpu, number);
	if (sscanf(line, "step-user %u %llx %llx", &number, &low, &high) == 3)
		return step_user(number, low, high);
	if (sscanf(line, "random %llu %u", &low, &number) == 2)
		return sequence_run(low, number, false);
	if (sscanf(line, "random-tell %llu %u", &low, &number) == 2)
		return sequence_run(low, number, true);
	if (sscanf(line, "entry-rules %llu %u", &low, &number) == 2)
		return entry_rules_run(0, low, number, false);
	if (sscanf(line, "entry-rules-tell %llu %u", &low, &number) == 2)
		return entry_rules_run(0, low, number, true);
	if (sscanf(line, "vmxe %u %u", &cpu, &number) == 2)
		return smp_call_on_cpu(cpu, set_vmxe, number ? &number : NULL, false);
	if (sscanf(line, "attack %63s %u", text, &number) >= 1) {
		machine = step_symbol("hyperplatform:lifecycle_machine");
		return attack(machine ? machine() : NULL, text, number);
	}
	if (sscanf(line, "devices %u", &number) == 1) {
		memory_devices(number);
		return 0;
	}
	line = strim(line);
	if (!strcmp(line, "nmi-start"))
		return nmi_start();
	if (!strcmp(line, "nmi-count")) {
		nmi_say();
		return 0;
	}
	if (!strcmp(line, "nmi-stop")) {
		nmi_stop();
		return 0;
	}
	if (!strcmp(line, "step-user-end"))
		return step_user_end();
	if (!strcmp(line, "walk")) {
		memory_walk();
		return 0;
	}
	return -EINVAL;
}

static ssize_t on_write(struct file *file, const char __user *user, size_t bytes, loff_t *position)
{
	char line[96];
	int error;

	if (bytes >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, user, bytes))
		return -EFAULT;
	line[bytes] = 0;
	mutex_lock(&command_mutex);
	output_used = 0;
	cpus_read_lock();
	error = command(line);
	cpus_read_unlock();
	mutex_unlock(&command_mutex);
	return error ? error : (ssize_t)bytes;
}

static ssize_t on_read(struct file *file, char __user *user, size_t bytes, loff_t *position)
{
	ssize_t read;

	mutex_lock(&command_mutex);
	read = simple_read_from_buffer(user, bytes, position, output, output_used);
	mutex_unlock(&command_mutex);
	return read;
}

static const struct proc_ops operations = {
	.proc_write = on_write,
	.proc_read = on_read,
	.proc_lseek = default_llseek,
};

static int __init hptest_init(void)
{
	int error;

	output = vzalloc(OUTPUT_BYTES);
	if (!output)
		return -ENOMEM;
	error = apic_init();
	if (error)
		goto no_apic;
	error = nmi_begin();
	if (error)
		goto no_nmi;
	error = step_init();
	if (error)
		goto no_step;
	error = sequence_init();
	if (error)
		goto no_random;
	if (!proc_create("hptest", 0600, NULL, &operations)) {
		error = -ENOMEM;
		goto no_file;
	}
	return 0;

no_file:
	sequence_exit();
no_random:
	step_exit();
no_step:
	nmi_end();
no_nmi:
	apic_exit();
no_apic:
	vfree(output);
	return error;
}

static void __exit hptest_exit(void)
{
	remove_proc_entry("hptest", NULL);
	nmi_stop();
	sequence_exit();
	step_exit();
	nmi_end();
	apic_exit();
	vfree(output);
}

module_init(hptest_init);
module_exit(hptest_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("probes of the architecture, for HyperPlatform's tests");
