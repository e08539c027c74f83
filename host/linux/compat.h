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

#endif
