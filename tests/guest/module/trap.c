// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt table of our own: a copy of the kernel's in which our handlers take the exceptions
 * (but NMI, double fault and machine check) and one interrupt. It is in force only while a probe's
 * code runs, on one processor at a time.
 *
 * World: the guest's kernel.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/apic.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/trapnr.h>

#include "hptest.h"

#define GATES	       256
#define GATE_INTERRUPT 0x8e
#define APIC_PHYSICAL  0xfee00000ul
#define ICR_SELF       (1u << 18)
#define ICR_ASSERT     (1u << 14)
#define ICR_NMI	       (4u << 8)
#define ICR_BUSY       (1u << 12)

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
static_assert(sizeof(struct gate) == 16);

struct trap_run trap_run;
static_assert(offsetof(struct trap_run, code) == RUN_CODE);
static_assert(offsetof(struct trap_run, flags) == RUN_FLAGS);
static_assert(offsetof(struct trap_run, rsp) == RUN_RSP);
static_assert(offsetof(struct trap_run, fault) == RUN_FAULT);
static_assert(offsetof(struct trap_run, resume) == RUN_RESUME);
static_assert(offsetof(struct trap_run, eoi) == RUN_EOI);
static_assert(offsetof(struct trap_run, count) == RUN_COUNT);
static_assert(offsetof(struct trap_run, vector) == RUN_VECTOR);
static_assert(offsetof(struct trap_run, dr6) == RUN_DR6);
static_assert(offsetof(struct trap_run, event) == RUN_EVENTS);
static_assert(sizeof(struct trap_event) == TRAP_EVENT_BYTES);

static struct gate gates[GATES] __aligned(PAGE_SIZE);
static void __iomem *apic_registers;
static const void *code_start;

int apic_init(void)
{
	if (x2apic_enabled())
		return 0;
	apic_registers = ioremap(APIC_PHYSICAL, PAGE_SIZE);
	return apic_registers ? 0 : -ENOMEM;
}

void apic_exit(void)
{
	if (apic_registers)
		iounmap(apic_registers);
}

static void apic_command(u32 destination, u32 command)
{
	if (!apic_registers) {
		wrmsr(0x830, command, destination);
		return;
	}
	while (readl(apic_registers + APIC_ICR) & ICR_BUSY)
		cpu_relax();
	writel(destination << 24, apic_registers + APIC_ICR2);
	writel(command, apic_registers + APIC_ICR);
}

void apic_send_self(u8 vector)
{
	apic_command(0, ICR_SELF | ICR_ASSERT | vector);
}

void apic_send_nmi(u32 destination)
{
	unsigned long flags;

	local_irq_save(flags);
	apic_command(destination, ICR_ASSERT | ICR_NMI);
	local_irq_restore(flags);
}

u32 apic_id(void)
{
	u32 low, high;

	if (apic_registers)
		return readl(apic_registers + APIC_ID) >> 24;
	rdmsr(0x802, low, high);
	return low;
}

static void gate_set(unsigned int vector, const void *handler)
{
	u64 address = (u64)handler;

	gates[vector] = (struct gate){
		.offset_low = address,
		.selector = __KERNEL_CS,
		.type = GATE_INTERRUPT,
		.offset_middle = address >> 16,
		.offset_high = address >> 32,
	};
}

/* Handlers that need no stack take NMIs, too. */
static void gates_fill_bare(void)
{
	unsigned int i;

	for (i = 0; i < TRAP_STUBS; i++) {
		if (i != X86_TRAP_DF && i != X86_TRAP_MC)
			gate_set(i, trap_bare_stubs + i * TRAP_STUB_BYTES);
	}
	gate_set(TRAP_VECTOR, trap_bare_stubs + TRAP_STUBS * TRAP_STUB_BYTES);
}

static void gates_fill(const struct desc_ptr *kernel)
{
	unsigned int i;

	memset(gates, 0, sizeof(gates));
	memcpy(gates, (const void *)kernel->address,
	       min_t(size_t, sizeof(gates), kernel->size + 1));
	for (i = 0; i < TRAP_STUBS; i++) {
		if (i != X86_TRAP_NMI && i != X86_TRAP_DF && i != X86_TRAP_MC)
			gate_set(i, trap_stubs + i * TRAP_STUB_BYTES);
	}
	gate_set(TRAP_VECTOR, trap_interrupt);
}

void run_prepare(const void *code)
{
	memset(&trap_run, 0, sizeof(trap_run));
	code_start = code;
	trap_run.code = (u64)code;
	trap_run.eoi = apic_registers ? (u64)apic_registers + APIC_EOI : 0;
}

static bool run_with(bool bare, void (*observe)(void))
{
	const struct desc_ptr own = { sizeof(gates) - 1, (unsigned long)gates };
	struct desc_ptr kernel;
	unsigned long flags, cr0, cr4, dr7;

	local_irq_save(flags);
	asm volatile("sidt %0" : "=m"(kernel));
	gates_fill(&kernel);
	if (bare)
		gates_fill_bare();
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %%db7, %0" : "=r"(dr7));
	asm volatile("mov %0, %%db7" : : "r"(0x400ul));
	asm volatile("mov %0, %%db6" : : "r"(0xffff0ff0ul));
	asm volatile("lidt %0" : : "m"(own));
	trap_enter();
	if (observe)
		observe();
	/* What a fault in the middle left behind. */
	asm volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
	asm volatile("lidt %0" : : "m"(kernel));
	asm volatile("mov %0, %%db7" : : "r"(dr7));
	local_irq_restore(flags);
	return !trap_run.fault;
}

bool run(void)
{
	return run_with(false, NULL);
}

bool run_observed(void (*observe)(void))
{
	return run_with(false, observe);
}

void run_bare_say(const char *text)
{
	run_with(true, NULL);
	if (trap_run.vector == TRAP_NOTHING)
		say("%s: nothing came", text);
	else if (trap_run.vector == X86_TRAP_DB)
		say("%s: vector %#llx DR6 %#llx", text, trap_run.vector, trap_run.dr6);
	else
		say("%s: vector %#llx", text, trap_run.vector);
}

bool apic_send_prepare(u32 destination)
{
	if (apic_registers)
		writel(destination << 24, apic_registers + APIC_ICR2);
	return apic_registers;
}

u64 apic_command_register(void)
{
	return apic_registers ? (u64)apic_registers + APIC_ICR : 0;
}

void apic_end(u8 vector)
{
	u32 offset = APIC_ISR + 0x10 * (vector / 32);

	if (apic_registers && readl(apic_registers + offset) >> vector % 32 & 1)
		writel(0, apic_registers + APIC_EOI);
}

bool apic_only_pending(u8 vector)
{
	u32 pending;
	unsigned int i;

	for (i = 0; i < 8 && apic_registers; i++) {
		pending = readl(apic_registers + APIC_IRR + 0x10 * i);
		if (i == vector / 32)
			pending &= ~(1u << vector % 32);
		/* Lower classes are kept out by the task priority. */
		if (i == 7 && pending >> 16)
			return false;
	}
	return true;
}

/* Addresses in the code are relative to it, so that the text is short and the same in every boot. */
static int place_text(char *text, size_t bytes, u64 address)
{
	if (address - (u64)code_start < 4096)
		return scnprintf(text, bytes, "+%#llx", address - (u64)code_start);
	if (address - (u64)trap_enter < 512)
		return scnprintf(text, bytes, "the caller");
	return scnprintf(text, bytes, "%#llx", address);
}

static int event_text(char *text, size_t bytes, const struct trap_event *event)
{
	int used = scnprintf(text, bytes, "; vector %#llx", event->vector);

	if (event->error)
		used += scnprintf(text + used, bytes - used, " error %#llx", event->error);
	used += scnprintf(text + used, bytes - used, " at ");
	used += place_text(text + used, bytes - used, event->rip);
	if (event->vector == X86_TRAP_DB)
		used += scnprintf(text + used, bytes - used, " DR6 %#llx", event->dr6);
	if (event->vector == X86_TRAP_PF)
		used += scnprintf(text + used, bytes - used, " CR2 %#llx", event->cr2);
	used += scnprintf(text + used, bytes - used, " flags %#llx", event->flags);
	return used;
}

void run_say(const char *text, u32 show)
{
	static char line[4096];
	int used = 0;
	u64 i;

	run();
	line[0] = 0;
	for (i = 0; i < 16 && !trap_run.fault; i++) {
		if (show >> i & 1)
			used += scnprintf(line + used, sizeof(line) - used, " r%llu %#llx", i,
					  trap_run.gpr[i]);
	}
	for (i = 0; i < trap_run.count; i++)
		used += event_text(line + used, sizeof(line) - used, &trap_run.event[i]);
	say("%s: %s%s", text, trap_run.fault ? "ends" : "completes", line);
}
