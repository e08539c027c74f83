// SPDX-License-Identifier: GPL-2.0
/*
 * Random instruction sequences in kernel mode, the counterpart of random.c: each seed gives a few
 * instructions, most of them privileged, with odd operands, under our own interrupt table, and a
 * digest of all that came of it: every event as it was delivered, the registers, control and debug
 * registers, MSRs, descriptor tables and memory. The digests are the same bare and virtualized.
 *
 * Nothing that a sequence can do survives it: random_code.c generates what can be taken back, and
 * here it is, with all of the memory.
 *
 * World: the guest's kernel. The caller stays on its processor, and lends its address space for a
 * page of the user's.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "generate.h"
#include "hptest.h"
#include "random_kernel.h"

#define CR3_ADDRESS 0x000ffffffffff000ull

struct random_memory random_memory;

static struct page *pages[4];	/* data, read_only, stack */
static u64 user[PAGE_SIZE / 8]; /* what RANDOM_USER has before, and then after it */

/* --- What came of it --- */

static const u32 seen_msrs[] = { 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000080, 0xc0000081,
				 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000103, 0x174,
				 0x175,	     0x176,	 0x1d9,	     0x1b,	 0x277 };

/* The state around a sequence. */
static struct state {
	u64 cr0, cr3, cr4, cr8, dr[4], xcr0;
	u64 msr[ARRAY_SIZE(seen_msrs)];
	u16 selector[6]; /* ES, DS, FS, GS, LDTR, TR */
	struct desc_ptr gdt, idt;
} before, after;

static u64 read_cr8_now(void)
{
	u64 value;

	asm volatile("mov %%cr8, %0" : "=r"(value));
	return value;
}

static void look(struct state *state)
{
	unsigned int i;

	asm volatile("mov %%cr0, %0" : "=r"(state->cr0));
	asm volatile("mov %%cr3, %0" : "=r"(state->cr3));
	asm volatile("mov %%cr4, %0" : "=r"(state->cr4));
	state->cr8 = read_cr8_now();
	asm volatile("mov %%db0, %0" : "=r"(state->dr[0]));
	asm volatile("mov %%db1, %0" : "=r"(state->dr[1]));
	asm volatile("mov %%db2, %0" : "=r"(state->dr[2]));
	asm volatile("mov %%db3, %0" : "=r"(state->dr[3]));
	for (i = 0; i < ARRAY_SIZE(seen_msrs); i++)
		state->msr[i] = __rdmsr(seen_msrs[i]);
	asm volatile("mov %%es, %0" : "=m"(state->selector[0]));
	asm volatile("mov %%ds, %0" : "=m"(state->selector[1]));
	asm volatile("mov %%fs, %0" : "=m"(state->selector[2]));
	asm volatile("mov %%gs, %0" : "=m"(state->selector[3]));
	asm volatile("sldt %0" : "=m"(state->selector[4]));
	asm volatile("str %0" : "=m"(state->selector[5]));
	asm volatile("sgdt %0" : "=m"(state->gdt));
	asm volatile("sidt %0" : "=m"(state->idt));
}

/* CR4 first, for XCR0; selectors before the bases that come with them. CR0 the caller puts back. */
static void put_back(void)
{
	const u64 zero = 0;
	unsigned int i;

	asm volatile("mov %0, %%cr4" : : "r"(before.cr4) : "memory");
	after.xcr0 = xgetbv(0);
	if (after.xcr0 != before.xcr0)
		xsetbv(0, before.xcr0);
	asm volatile("mov %0, %%es" : : "m"(before.selector[0]));
	asm volatile("mov %0, %%ds" : : "m"(before.selector[1]));
	asm volatile("mov %0, %%fs" : : "m"(before.selector[2]));
	asm volatile("mov %0, %%gs" : : "m"(before.selector[3]));
	asm volatile("lldt %0" : : "m"(before.selector[4]));
	for (i = 0; i < ARRAY_SIZE(seen_msrs); i++) {
		if (before.msr[i] != after.msr[i] || i < 3)
			native_wrmsr(seen_msrs[i], (u32)before.msr[i], (u32)(before.msr[i] >> 32));
	}
	asm volatile("mov %0, %%cr8" : : "r"(before.cr8));
	asm volatile("mov %0, %%db0" : : "r"(zero));
	asm volatile("mov %0, %%db1" : : "r"(zero));
	asm volatile("mov %0, %%db2" : : "r"(zero));
	asm volatile("mov %0, %%db3" : : "r"(zero));
}

static void observe(void)
{
	memset(&after, 0, sizeof(after));
	look(&after);
	put_back();
}

/*
 * The address space is another one in each process. What a sequence read of CR3 stays in a register
 * when the MOV to CR3 faults, and on the stack, where the handler of a single step had it.
 */
static void hide_cr3(u64 *words, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*words); i++) {
		if (((words[i] ^ before.cr3) & CR3_ADDRESS) == 0)
			words[i] &= ~(CR3_ADDRESS | 0xfff);
	}
}

static u64 digest(void)
{
	u64 hash = GENERATE_HASH;
	unsigned int i;

	after.cr3 ^= before.cr3;
	hide_cr3(trap_run.gpr, sizeof(trap_run.gpr));
	hide_cr3((u64 *)random_memory.data, 2 * PAGE_SIZE);
	hide_cr3((u64 *)random_memory.stack, PAGE_SIZE);
	hide_cr3(user, sizeof(user));
	hash = generate_hash(hash, trap_run.gpr, sizeof(trap_run.gpr));
	for (i = 0; i < trap_run.count; i++) {
		if (trap_run.event[i].vector != X86_TRAP_PF)
			trap_run.event[i].cr2 = 0;
		/*
		 * SDM: Debug Status Register (DR6): what software writes into BT stays. The
		 * emulator clears it when it delivers a #DB, but not where root carried out the
		 * MOV to DR6.
		 */
		trap_run.event[i].dr6 &= ~(u64)DR_SWITCH;
		hash = generate_hash(hash, &trap_run.event[i], sizeof(trap_run.event[i]));
	}
	hash = generate_hash(hash, &trap_run.count, sizeof(trap_run.count));
	hash = generate_hash(hash, &after, sizeof(after));
	hash = generate_hash(hash, random_memory.data, 2 * PAGE_SIZE);
	hash = generate_hash(hash, random_memory.stack, PAGE_SIZE);
	hash = generate_hash(hash, random_memory.read_only, PAGE_SIZE);
	hash = generate_hash(hash, user, sizeof(user));
	return hash;
}

static void tell(unsigned int used)
{
	const u8 *start = random_memory.code + (trap_run.code - (u64)random_code);
	const struct trap_event *event = trap_run.event;
	unsigned int i;

	say_line("  at %#llx, data %px, read-only %px: %*ph", trap_run.code, random_memory.data,
		 random_memory.read_only, (int)min(used, 64u), start);
	if (used > 64)
		say_line("    %*ph", (int)min(used - 64, 64u), start + 64);
	for (i = 0; i < trap_run.count; i++, event++)
		say_line("  vector %llu error %llx rip %llx cs %llx flags %llx dr6 %llx cr2 %llx",
			 event->vector, event->error, event->rip, event->cs, event->flags,
			 event->dr6, event->cr2);
	for (i = 0; i < 16; i += 4)
		say_line("  r%u %llx %llx %llx %llx", i, trap_run.gpr[i], trap_run.gpr[i + 1],
			 trap_run.gpr[i + 2], trap_run.gpr[i + 3]);
	say_line("  cr0 %llx cr3 ^%llx cr4 %llx cr8 %llx xcr0 %llx dr %llx %llx %llx %llx",
		 after.cr0, after.cr3, after.cr4, after.cr8, after.xcr0, after.dr[0], after.dr[1],
		 after.dr[2], after.dr[3]);
	for (i = 0; i < ARRAY_SIZE(seen_msrs); i++)
		say_line("  msr %x %llx", seen_msrs[i], after.msr[i]);
	say_line("  selectors %*ph gdt %*ph idt %*ph", (int)sizeof(after.selector), after.selector,
		 (int)sizeof(after.gdt), &after.gdt, (int)sizeof(after.idt), &after.idt);
}

/* Without CR0.WP the one before may have written there. */
static void fill_read_only(void)
{
	static const u64 bad_base = 0x8000000000000000;
	u8 *fill = page_address(pages[2]);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE; i++)
		fill[i] = i * 3;
	memcpy(fill + RANDOM_BAD_TABLE + 2, &bad_base, sizeof(bad_base));
}

static int run_one(u64 seed, bool verbose)
{
	unsigned int used = random_generate(seed);

	fill_read_only();
	memcpy(user, random_memory.data, sizeof(user));
	if (copy_to_user((void __user *)RANDOM_USER, user, sizeof(user)))
		return -EFAULT;
	/* The processor's registers are ours from here on: preemption is off. */
	kernel_fpu_begin();
	look(&before);
	before.xcr0 = xgetbv(0);
	/* The bases of the caller's own. */
	native_wrmsr(MSR_FS_BASE, 0, 0);
	native_wrmsr(MSR_KERNEL_GS_BASE, 0, 0);
	outb(RANDOM_CLOCK_BYTE, RANDOM_PORT_INDEX);
	outb(0, RANDOM_PORT);
	asm volatile("mov %0, %%cr2" : : "r"(0ul));
	asm volatile("fninit");
	run_observed(observe);
	kernel_fpu_end();
	if (copy_from_user(user, (void __user *)RANDOM_USER, sizeof(user)))
		return -EFAULT;
	say_line("%llu %016llx", seed, digest());
	if (verbose)
		tell(used);
	return 0;
}

int sequence_run(u64 first, unsigned int count, bool verbose)
{
	unsigned long at = vm_mmap(NULL, RANDOM_USER, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, 0);
	int error = 0;
	u64 seed;

	if (at != RANDOM_USER)
		return IS_ERR_VALUE(at) ? (int)at : -EBUSY;
	for (seed = first; seed < first + count && !error; seed++) {
		error = run_one(seed, verbose);
		cond_resched();
	}
	vm_munmap(RANDOM_USER, PAGE_SIZE);
	return error;
}

int sequence_init(void)
{
	struct page *text[2] = { vmalloc_to_page(random_code),
				 vmalloc_to_page(random_code + PAGE_SIZE) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i])
			goto no_memory;
	}
	random_memory.code = vmap(text, 2, VM_MAP, PAGE_KERNEL);
	random_memory.data = vmap(pages, 2, VM_MAP, PAGE_KERNEL);
	random_memory.read_only = vmap(pages + 2, 1, VM_MAP, PAGE_KERNEL_RO);
	random_memory.stack = vmap(pages + 3, 1, VM_MAP, PAGE_KERNEL);
	if (random_memory.code && random_memory.data && random_memory.read_only &&
	    random_memory.stack)
		return 0;
no_memory:
	sequence_exit();
	return -ENOMEM;
}

void sequence_exit(void)
{
	unsigned int i;

	vunmap(random_memory.code);
	vunmap(random_memory.data);
	vunmap(random_memory.read_only);
	vunmap(random_memory.stack);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i])
			__free_page(pages[i]);
	}
}
