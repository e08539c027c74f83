// SPDX-License-Identifier: GPL-2.0
/*
 * Does the processor agree with base/entry_rules? Thousands of VMCS states, each valid but for what
 * a seed changes in it, are entered on the bare processor, and its verdict compared. This file
 * lends a processor for that, in slices with interrupts off, and gives it back as it was.
 *
 * World: the guest's kernel, with nothing below.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "entry.h"
#include "hptest.h"

#define SLICE 16 /* states with interrupts off */

static struct entry_machine machine;

static bool read_msr(u32 msr, u64 *value)
{
	return !rdmsrl_safe(msr, value);
}

/* The host's state is loaded from these by every exit; they belong to the running thread. */
static void take(void)
{
	struct desc_ptr table;

	machine.cr0 = read_cr0();
	machine.cr3 = __read_cr3();
	machine.cr4 = __read_cr4();
	rdmsrl(MSR_EFER, machine.efer);
	rdmsrl(MSR_IA32_CR_PAT, machine.pat);
	rdmsrl(MSR_FS_BASE, machine.fs_base);
	rdmsrl(MSR_GS_BASE, machine.gs_base);
	rdmsrl(MSR_IA32_SYSENTER_CS, machine.sysenter_cs);
	rdmsrl(MSR_IA32_SYSENTER_ESP, machine.sysenter_esp);
	rdmsrl(MSR_IA32_SYSENTER_EIP, machine.sysenter_eip);
	native_store_gdt(&table);
	machine.gdtr_base = table.address;
	store_idt(&table);
	machine.idtr_base = table.address;
	machine.tr_base = (u64)&get_cpu_entry_area(raw_smp_processor_id())->tss.x86_tss;
	machine.cs = __KERNEL_CS;
	machine.ss = __KERNEL_DS;
	machine.tr = GDT_ENTRY_TSS * 8;
}

static bool has_user_segments(void)
{
	unsigned int ds, es, fs, gs, ldt;

	asm volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3; sldt %4"
		     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs), "=r"(ldt));
	return (ds | es | fs | gs | ldt) & 0xffff;
}

/* SDM: Loading Host Segment and Descriptor-Table Registers: limits are not the kernel's behind it.
 */
static void give_back(const struct desc_ptr *gdt, const struct desc_ptr *idt)
{
	load_gdt(gdt);
	load_idt(idt);
	force_reload_TR();
	wrmsrl(MSR_IA32_CR_PAT, machine.pat);
	wrmsrl(MSR_IA32_SYSENTER_CS, machine.sysenter_cs);
	wrmsrl(MSR_IA32_SYSENTER_ESP, machine.sysenter_esp);
	wrmsrl(MSR_IA32_SYSENTER_EIP, machine.sysenter_eip);
}

static int slice(u64 first, unsigned int count, bool tell, struct entry_tally *tally)
{
	struct desc_ptr gdt, idt;
	unsigned long flags;
	unsigned int i;
	int error = 0;

	local_irq_save(flags);
	if (has_user_segments() || __read_cr4() & X86_CR4_VMXE) {
		local_irq_restore(flags);
		return -EBUSY;
	}
	native_store_gdt(&gdt);
	store_idt(&idt);
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	take();
	if (entry_inside_begin()) {
		for (i = 0; i < count; i++)
			entry_inside_state(first + i, tell, tally);
		entry_inside_end();
		give_back(&gdt, &idt);
	} else {
		error = -EIO;
	}
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	local_irq_restore(flags);
	return error;
}

static int pages_get(void)
{
	unsigned int i;

	for (i = 0; i < ENTRY_PAGES; i++) {
		machine.page[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!machine.page[i])
			return -ENOMEM;
		machine.physical[i] = virt_to_phys(machine.page[i]);
	}
	return 0;
}

static void pages_put(void)
{
	unsigned int i;

	for (i = 0; i < ENTRY_PAGES; i++) {
		free_page((unsigned long)machine.page[i]);
		machine.page[i] = NULL;
	}
}

struct entries {
	u64 first;
	unsigned int count;
	bool tell;
};

static int run_entries(void *data)
{
	const struct entries *entries = data;
	struct entry_tally tally = {};
	unsigned int done, now;
	int error = pages_get();

	machine.rdmsr = read_msr;
	machine.say = say_line;
	if (!error)
		entry_inside_prepare(&machine);
	for (done = 0; done < entries->count && !error; done += now) {
		now = min(entries->count - done, (unsigned int)SLICE);
		error = slice(entries->first + done, now, entries->tell, &tally);
		cond_resched();
	}
	pages_put();
	if (error)
		return error;
	entry_inside_say();
	say_line("total: states %u controls %u host %u guest %u msrs %u entered %u explained %u "
		 "skipped %u different %u",
		 tally.states, tally.controls, tally.host, tally.guest, tally.msrs, tally.entered,
		 tally.explained, tally.skipped, tally.different);
	return 0;
}

int entry_rules_run(unsigned int cpu, u64 first, unsigned int count, bool tell)
{
	struct entries entries = { first, count, tell };

	return smp_call_on_cpu(cpu, run_entries, &entries, false);
}
