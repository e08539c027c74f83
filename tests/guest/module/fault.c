// SPDX-License-Identifier: GPL-2.0
/*
 * hpfault.ko makes one thing go wrong in hyperplatform.ko, which is loaded already, as long as this
 * module is: insmod hpfault.ko fault=NAME [number=N]
 *
 *	locked		IA32_FEATURE_CONTROL reads as locked, with VMX off, on every processor
 *	allocation	the N-th allocation from now on fails (1 is the first)
 *	check		processor N is taken for able, whatever its check says
 *	vmxon, vmcs	processor N gets an unusable VMXON region or VMCS, just before it enters
 *	version		root is told another version of the contract
 *	ept		the EPT pointer has bits that no processor takes: VM entry fails
 *	patch		root's image has other code (hexadecimal, code=) from the byte offset= on
 *
 * World: the guest's kernel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

#include "fault.h"

#define FEATURE_CONTROL 0x3a

static char *fault = "";
module_param(fault, charp, 0444);
static unsigned int number = 1;
module_param(number, uint, 0444);

static unsigned long offset;
module_param(offset, ulong, 0444);
static char *code = "";
module_param(code, charp, 0444);

static u8 patch[64];
static u32 patch_bytes;

static atomic_t allocations;

/* Where a call goes that is left out. */
static notrace noinline void fault_return(void)
{
	asm volatile("");
}

/* What a return probe remembers of the call. */
struct call {
	unsigned long first, second;
};

static int on_call(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct call *call = (struct call *)instance->data;

	call->first = regs->di;
	call->second = regs->si;
	return 0;
}

static int on_rdmsr(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct call *call = (const struct call *)instance->data;

	if ((u32)call->first == FEATURE_CONTROL)
		*(u64 *)call->second = 1;
	return 0;
}

static int on_check(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct call *call = (const struct call *)instance->data;

	if (fault_processor((void *)call->first) == number)
		regs->ax = fault_check((void *)call->first);
	return 0;
}

static int on_version(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct call *call = (const struct call *)instance->data;

	fault_version((void *)call->first);
	return 0;
}

static int on_ept(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct call *call = (const struct call *)instance->data;

	fault_ept((void *)call->first);
	return 0;
}

static int on_patch(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct call *call = (const struct call *)instance->data;

	if (!regs->ax && !fault_patch((void *)call->first, offset, patch, patch_bytes))
		pr_err("root's image has no byte %#lx\n", offset);
	return 0;
}

/* The function is not called: NULL is its result. */
static int on_allocate(struct kprobe *probe, struct pt_regs *regs)
{
	if (atomic_inc_return(&allocations) != number)
		return 0;
	regs->ax = 0;
	regs->ip = (unsigned long)fault_return;
	return 1;
}

/* On the processor that is about to enter, before it does: its page can still be written. */
static int on_enter_vmxon(struct kprobe *probe, struct pt_regs *regs)
{
	if (fault_processor((void *)regs->di) == number)
		fault_vmxon((void *)regs->di);
	return 0;
}

static int on_enter_vmcs(struct kprobe *probe, struct pt_regs *regs)
{
	if (fault_processor((void *)regs->di) == number)
		fault_vmcs((void *)regs->di);
	return 0;
}

/* With a handler behind, a probe may change RIP. */
static void on_behind(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static const struct {
	const char *name, *symbol;
	kretprobe_handler_t returns;
	kprobe_pre_handler_t calls;
} faults[] = {
	{ "locked", "hyperplatform:host_rdmsr", .returns = on_rdmsr },
	{ "allocation", "hyperplatform:host_allocate", .calls = on_allocate },
	{ "check", "hyperplatform:processor_examine", .returns = on_check },
	{ "vmxon", "hyperplatform:enter", .calls = on_enter_vmxon },
	{ "vmcs", "hyperplatform:enter", .calls = on_enter_vmcs },
	{ "version", "hyperplatform:machine_prepare", .returns = on_version },
	{ "ept", "hyperplatform:machine_prepare", .returns = on_ept },
	{ "patch", "hyperplatform:machine_prepare", .returns = on_patch },
};

static struct kprobe probe = { .post_handler = on_behind };
static struct kretprobe return_probe = {
	.entry_handler = on_call,
	.data_size = sizeof(struct call),
	.maxactive = 64,
};

static int __init hpfault_init(void)
{
	unsigned int i;

	patch_bytes = strlen(code) / 2;
	if (patch_bytes > sizeof(patch) || hex2bin(patch, code, patch_bytes))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (strcmp(fault, faults[i].name))
			continue;
		if (faults[i].calls) {
			probe.symbol_name = faults[i].symbol;
			probe.pre_handler = faults[i].calls;
			return register_kprobe(&probe);
		}
		return_probe.kp.symbol_name = faults[i].symbol;
		return_probe.handler = faults[i].returns;
		return register_kretprobe(&return_probe);
	}
	pr_err("there is no fault %s\n", fault);
	return -EINVAL;
}

static void __exit hpfault_exit(void)
{
	if (probe.symbol_name)
		unregister_kprobe(&probe);
	else
		unregister_kretprobe(&return_probe);
}

module_init(hpfault_init);
module_exit(hpfault_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("faults in hyperplatform.ko, for HyperPlatform's tests");
