// SPDX-License-Identifier: GPL-2.0
/*
 * The processor's state between instructions of ours: what a load of the hypervisor takes over and
 * an unload must give back exactly.
 *
 * World: the guest's kernel.
 */
#include <linux/crc32.h>
#include <linux/kernel.h>

#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr.h>

#include "hptest.h"

static void tables(void)
{
	struct desc_ptr gdt, idt;
	u16 tr, ldt;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("str %0" : "=m"(tr));
	asm volatile("sldt %0" : "=m"(ldt));
	say("GDT %#lx limit %#x, IDT %#lx limit %#x, TR %#x, LDTR %#x", gdt.address, gdt.size,
	    idt.address, idt.size, tr, ldt);
	say("IDT's contents %#x", crc32_le(~0, (const u8 *)idt.address, idt.size + 1));
}

static void gdt_contents(void)
{
	struct desc_ptr gdt;
	const u64 *entry;
	unsigned int i;

	asm volatile("sgdt %0" : "=m"(gdt));
	entry = (const u64 *)gdt.address;
	for (i = 0; i < (gdt.size + 1) / 8; i++) {
		/* Thread-local segments are the current task's. */
		if (i < GDT_ENTRY_TLS_MIN || i > GDT_ENTRY_TLS_MAX)
			say("entry %u %#llx", i, entry[i]);
	}
}

static void selectors(void)
{
	u16 es, cs, ss, ds, fs, gs;

	asm volatile("mov %%es, %0" : "=r"(es));
	asm volatile("mov %%cs, %0" : "=r"(cs));
	asm volatile("mov %%ss, %0" : "=r"(ss));
	asm volatile("mov %%ds, %0" : "=r"(ds));
	asm volatile("mov %%fs, %0" : "=r"(fs));
	asm volatile("mov %%gs, %0" : "=r"(gs));
	say("ES %#x CS %#x SS %#x DS %#x FS %#x GS %#x", es, cs, ss, ds, fs, gs);
}

static void registers(void)
{
	unsigned long cr0, cr4, dr7;
	u32 low = 0, high = 0;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %%db7, %0" : "=r"(dr7));
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	say("CR0 %#lx CR4 %#lx DR7 %#lx XCR0 %#x%08x", cr0, cr4, dr7, high, low);
}

static void msrs(void)
{
	static const u32 list[] = {
		0x1b, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x277, 0x2ff,
		0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
		0xc0000100, 0xc0000101, 0xc0000103,
	};
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		if (rdmsrl_safe(list[i], &value))
			say("%#x: refused", list[i]);
		else
			say("%#x: %#llx", list[i], value);
	}
}

const struct probe state_probes[] = {
	{ "state: descriptor tables", tables },
	{ "state: contents of the GDT", gdt_contents },
	{ "state: kernel's selectors", selectors },
	{ "state: control registers", registers },
	{ "state: MSRs", msrs },
	{ NULL, NULL },
};
