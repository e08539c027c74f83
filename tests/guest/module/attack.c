// SPDX-License-Identifier: GPL-2.0
/*
 * An attack on the hypervisor's memory by the kernel above it: every page that hyperplatform.ko
 * took for the run is mapped anew, since the system's own mapping may forbid what the tests want to
 * do, and read or written.
 *
 * World: the guest's kernel.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <asm/special_insns.h>

#include "hptest.h"
#include "inside.h"
#include "tree/host/linux/compat.h"

/* The instruction whose address the log has to name. */
extern const char attack_store_instruction[];

static noinline void attack_store(u64 *to, u64 value)
{
	asm volatile(".globl attack_store_instruction\n"
		     "attack_store_instruction: mov %0, (%1)"
		     :
		     : "r"(value), "r"(to)
		     : "memory");
}

static void *map(u64 physical)
{
	struct page *page = pfn_to_page(PHYS_PFN(physical));

	return vmap(&page, 1, VM_MAP, PAGE_KERNEL);
}

struct counts {
	unsigned int pages, blank, unlike;
};

static u8 ours[PAGE_SIZE], theirs[PAGE_SIZE];

/* Root may write a page while it is read: then once more. */
#define READS 8

static int read_page(u64 physical, struct counts *counts)
{
	void *page = map(physical);
	unsigned int i;

	if (!page)
		return -ENOMEM;
	for (i = 0; i < READS; i++) {
		memcpy(ours, page, PAGE_SIZE);
		if (copy_from_kernel_nofault(theirs, __va(physical), PAGE_SIZE))
			memset(theirs, 0, PAGE_SIZE);
		if (!memcmp(ours, theirs, PAGE_SIZE))
			break;
	}
	vunmap(page);
	counts->pages++;
	counts->unlike += i == READS;
	counts->blank += !memchr_inv(ours, 0, PAGE_SIZE);
	return 0;
}

/*
 * Blank pages that may be read are such as root has not used yet: there are only a few. The counts
 * come without what a load makes different.
 */
static int read_all(void *machine)
{
	struct counts hidden = { 0 }, readable = { 0 };
	struct inside_run run;
	unsigned int i, page;
	int error;

	for (i = 0; inside_run(machine, i, &run); i++) {
		for (page = 0; page < run.pages && run.view != INSIDE_OS; page++) {
			error = read_page(run.physical + page * PAGE_SIZE,
					  run.view == INSIDE_HIDDEN ? &hidden : &readable);
			if (error)
				return error;
		}
	}
	say_line("hidden %u blank %u unlike %u", hidden.pages, hidden.blank, hidden.unlike);
	say_line("readable %u used %u unlike %u", readable.pages, readable.pages - readable.blank,
		 readable.unlike);
	return 0;
}

/*
 * What is written is there for the writer, as designed: in the sink, or not at all. The first write
 * is that of the instruction above, or of the kernel's own text.
 */
static int write_page(u64 physical, u8 pattern, bool by_kernel)
{
	u64 *page = map(physical);

	if (!page)
		return -ENOMEM;
	if (by_kernel)
		clear_page(page);
	attack_store(page, 0x0101010101010101ull * pattern);
	memset(page, pattern, PAGE_SIZE);
	vunmap(page);
	say_line("%016llx", physical);
	return 0;
}

/* The rings of the hypervisor are small: give the drain time. */
#define WRITES_AT_ONCE 50

static int write_all(void *machine, enum inside_view view, u8 pattern)
{
	unsigned int i, page, written = 0;
	struct inside_run run;
	int error;

	say_line("RIP %016lx CR3 %016lx process %d %s at %#lx",
		 (unsigned long)attack_store_instruction, __read_cr3(), task_tgid_nr(current),
		 current->comm,
		 (unsigned long)attack_store_instruction - compat_module_text(THIS_MODULE).base);
	/* The list itself is the system's memory, and stays as it is. The first page is the
	 * kernel's. */
	for (i = 0; inside_run(machine, i, &run); i++) {
		for (page = 0; page < run.pages && run.view == view; page++) {
			error = write_page(run.physical + page * PAGE_SIZE, pattern, !written);
			if (error)
				return error;
			if (!(++written % WRITES_AT_ONCE))
				msleep(200);
		}
	}
	return 0;
}

int attack(void *machine, const char *what, unsigned int pattern)
{
	if (!machine)
		return -ENODEV;
	if (!strcmp(what, "read"))
		return read_all(machine);
	if (!strcmp(what, "hidden"))
		return write_all(machine, INSIDE_HIDDEN, (u8)pattern);
	if (!strcmp(what, "rings"))
		return write_all(machine, INSIDE_RINGS, (u8)pattern);
	if (!strcmp(what, "readable"))
		return write_all(machine, INSIDE_READABLE, (u8)pattern);
	return -EINVAL;
}
