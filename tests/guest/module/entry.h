/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VM entries with broken rules, tried on the bare processor: what entry.c, which sees the kernel's
 * headers, and entry_inside.c, entry_known.c and entry_mutate.c, which see HyperPlatform's, have in
 * common.
 *
 * World: the guest's kernel.
 */
#ifndef TESTS_GUEST_ENTRY_H
#define TESTS_GUEST_ENTRY_H

#include <linux/types.h>

/* Pages that are ours. What an entry may write to, and what it reads, is here or read-only. */
enum entry_page {
	ENTRY_PAGE_VMXON,
	ENTRY_PAGE_VMCS,
	ENTRY_PAGE_LINK,   /* a VMCS */
	ENTRY_PAGE_SHADOW, /* a shadow VMCS */
	ENTRY_PAGE_WRONG,  /* none: another revision */
	ENTRY_PAGE_MSRS,
	ENTRY_PAGE_APIC, /* virtual-APIC page, APIC-access page */
	ENTRY_PAGE_BITMAPS,
	ENTRY_PAGE_INFORMATION, /* #VE, PML, EPTP list */
	ENTRY_PAGE_EPT,
	ENTRY_PAGE_EPT_LAST = ENTRY_PAGE_EPT + 5,
	ENTRY_PAGES
};

/* The processor as the kernel has it: the host of all entries. */
struct entry_machine {
	void *page[ENTRY_PAGES];
	__u64 physical[ENTRY_PAGES];
	__u64 cr0, cr3, cr4, efer, pat, fs_base, gs_base, tr_base, gdtr_base, idtr_base;
	__u64 sysenter_cs, sysenter_esp, sysenter_eip;
	__u16 cs, ss, tr;
	bool (*rdmsr)(__u32 msr, __u64 *value);
	void (*say)(const char *format, ...);
};

/* What came of the states. */
struct entry_tally {
	unsigned int states, controls, host, guest, msrs, entered; /* the same verdict */
	unsigned int explained, skipped, different;
};

/* Once, before anything else: what the processor is able to. */
void entry_inside_prepare(struct entry_machine *machine);

/* With interrupts off, and `machine` up to date. False: VMXON or VMPTRLD failed. */
bool entry_inside_begin(void);
void entry_inside_state(__u64 seed, bool tell, struct entry_tally *tally);
void entry_inside_end(void);

/* What was found apart from verdicts: explanations with their numbers, rules seen broken. */
void entry_inside_say(void);

#endif
