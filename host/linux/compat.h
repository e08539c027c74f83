/* SPDX-License-Identifier: MIT */
/*
 * Everything that differs between the kernels that we build for, 5.15 to the newest. No other file
 * looks at the kernel's version.
 *
 * World: OS.
 */
#ifndef HOST_LINUX_COMPAT_H
#define HOST_LINUX_COMPAT_H

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/version.h>

#include <asm/msr.h>

/* 6.16: MSR functions are named after the operand's size, quad word. */
static inline int compat_rdmsr_safe(unsigned int msr, u64 *value)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	return rdmsrq_safe(msr, value);
#else
	unsigned long long read;
	int error = rdmsrl_safe(msr, &read);

	*value = read;
	return error;
#endif
}

/* 6.12: no_llseek is gone, since a file without the operation can't seek. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define COMPAT_NO_LLSEEK NULL
#else
#define COMPAT_NO_LLSEEK no_llseek
#endif

/* 6.4: a module's memory is an array of ranges. Without any text, `bytes` is 0. */
struct compat_text {
	unsigned long base;
	unsigned int bytes;
};

static inline struct compat_text compat_module_text(const struct module *module)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	const struct module_memory *memory = &module->mem[MOD_TEXT];

	return (struct compat_text){ (unsigned long)memory->base, memory->size };
#else
	const struct module_layout *layout = &module->core_layout;

	return (struct compat_text){ (unsigned long)layout->base, layout->text_size };
#endif
}

static inline struct compat_text compat_module_init_text(const struct module *module)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	const struct module_memory *memory = &module->mem[MOD_INIT_TEXT];

	return (struct compat_text){ (unsigned long)memory->base, memory->size };
#else
	const struct module_layout *layout = &module->init_layout;

	return (struct compat_text){ (unsigned long)layout->base, layout->text_size };
#endif
}

/* 6.2 to 6.14: the pointer to the current task is in a structure of what is used most. Not
 * preempted. */
static inline struct task_struct **compat_current_pointer(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return this_cpu_ptr(&pcpu_hot.current_task);
#else
	return this_cpu_ptr(&current_task);
#endif
}

#endif
