// SPDX-License-Identifier: GPL-2.0
/*
 * Events whose delivery meets an EPT violation (P4): the stack lies at an address where no device is
 * and which nobody has touched, so that the first push of the delivery exits. The event must come all
 * the same, once: an interrupt, a trap or an NMI that is dropped here does not come again.
 *
 * World: the guest's kernel.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

#include <asm/cpufeature.h>
#include <asm/segment.h>

#include "hptest.h"

#define REGION	     (1ull << 30)
#define DR7_WATCH    0xf0401ull /* DR0, reads and writes of 4 bytes */
#define ICR_NMI_SELF 0x4400u

#define CODES(X)                                                                             \
	X(interrupt) X(interrupt_cpuid) X(nmi) X(nmi_cpuid) X(ud2) X(cpuid_ud2) X(int1)      \
	X(int3) X(int_n) X(divide) X(mov_ds) X(read) X(vmcall) X(wrmsr) X(watched) X(step)
#define CODE_EXTERN(name) extern const char code_bare_##name[];
CODES(CODE_EXTERN)

static u32 watched __aligned(8);

/*
 * Each takes a new region, of the size of the largest page, in the second quarter of the address
 * space: more than one boot needs.
 */
static void __iomem *stack_take(void)
{
	static unsigned int number;
	u64 start = 1ull << (boot_cpu_data.x86_phys_bits - 2);

	return ioremap(start + number++ * REGION % start, PAGE_SIZE);
}

static void start(const void *code, void __iomem *stack)
{
	run_prepare(code);
	trap_run.gpr[RSI] = (u64)stack + PAGE_SIZE - 64;
	trap_run.gpr[RDI] = (u64)&watched;
	trap_run.gpr[RCX] = 0x40000000;
	trap_run.gpr[R8] = DR7_WATCH;
}

static void simple(const char *text, const void *code, u64 rcx, u64 rdx)
{
	void __iomem *stack = stack_take();

	if (!stack)
		return;
	start(code, stack);
	trap_run.gpr[RCX] = rcx;
	trap_run.gpr[RDX] = rdx;
	run_bare_say(text);
	iounmap(stack);
}

static void faults(void)
{
	simple("ud2", code_bare_ud2, 0, 0);
	simple("cpuid, ud2", code_bare_cpuid_ud2, 0, 0);
	simple("vmcall", code_bare_vmcall, 0, 0);
	simple("division by 0", code_bare_divide, 0, 0);
	simple("mov ds beyond the table", code_bare_mov_ds, 0xf8, 0);
	simple("read of null", code_bare_read, 0, 0);
	simple("wrmsr refused", code_bare_wrmsr, 0xc0000082, 1ull << 63 >> 32);
}

static void software(void)
{
	simple("int1", code_bare_int1, 0, 0);
	simple("int3", code_bare_int3, 0, 0);
	simple("int n", code_bare_int_n, 0, 0);
}

static void traps(void)
{
	simple("single step", code_bare_step, 0, 0);
	simple("watchpoint", code_bare_watched, 0, 0);
}

/* No other interrupt may find this stack: ours alone is pending, and of the highest class. */
static void interrupt(const char *text, const void *code)
{
	void __iomem *stack = stack_take();

	if (!stack)
		return;
	for (;;) {
		local_irq_disable();
		asm volatile("mov %0, %%cr8" : : "r"((u64)TRAP_PRIORITY));
		apic_send_self(TRAP_VECTOR);
		if (apic_only_pending(TRAP_VECTOR))
			break;
		/* Let the others have their turn, and ours go by. */
		asm volatile("mov %0, %%cr8" : : "r"(0ull));
		local_irq_enable();
		msleep(1);
	}
	start(code, stack);
	run_bare_say(text);
	/* One that was accepted and got lost would keep all others out. */
	apic_end(TRAP_VECTOR);
	asm volatile("mov %0, %%cr8" : : "r"(0ull));
	local_irq_enable();
	iounmap(stack);
}

static void interrupts(void)
{
	interrupt("interrupt", code_bare_interrupt);
	interrupt("interrupt behind cpuid", code_bare_interrupt_cpuid);
}

static void nmi(const char *text, const void *code)
{
	void __iomem *stack = stack_take();

	if (!stack)
		return;
	start(code, stack);
	trap_run.gpr[RDI] = apic_command_register();
	trap_run.gpr[RAX] = ICR_NMI_SELF;
	if (!apic_send_prepare(apic_id()))
		say("%s: not with x2APIC", text);
	else
		run_bare_say(text);
	iounmap(stack);
}

static void nmis(void)
{
	nmi("nmi", code_bare_nmi);
	nmi("nmi before cpuid", code_bare_nmi_cpuid);
	nmi("nmi again", code_bare_nmi);
}

const struct probe delivery_probes[] = {
	{ "delivery: faults", faults },
	{ "delivery: software interrupts", software },
	{ "delivery: traps", traps },
	{ "delivery: interrupts", interrupts },
	{ "delivery: NMIs", nmis },
	{ NULL, NULL },
};
