// SPDX-License-Identifier: MIT
/*
 * The registers of processors: what the driver's hypervisor must give back as it was, and what
 * shows that it is there.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define X_REGISTERS(X)                                                                             \
	X(cr0)                                                                                     \
	X(cr4)                                                                                     \
	X(dr7)                                                                                     \
	X(efer)                                                                                    \
	X(star)                                                                                    \
	X(lstar)                                                                                   \
	X(syscall_mask)                                                                            \
	X(fs_base)                                                                                 \
	X(gs_base)                                                                                 \
	X(sysenter_cs)                                                                             \
	X(pat)                                                                                     \
	X(apic_base)                                                                               \
	X(gdt_base)                                                                                \
	X(gdt_limit)                                                                               \
	X(idt_base)                                                                                \
	X(idt_limit)                                                                               \
	X(selectors)                                                                               \
	X(tr_descriptor)                                                                           \
	X(tr_limit)                                                                                \
	X(flags)

struct registers {
#define MEMBER(name) uint64_t name;
	X_REGISTERS(MEMBER)
#undef MEMBER
};

static struct registers kept[PROCESSORS];

void state_on(unsigned processor, void (*function)(void *context), void *context)
{
	KAFFINITY before = thread_this()->user_affinity;

	thread_set_user_affinity(1ull << processor);
	function(context);
	thread_set_user_affinity(before);
}

static uint64_t selectors(void)
{
	uint16_t cs, ss, ds, es, fs, gs, tr, ldt;

	asm volatile("mov %%cs, %0; mov %%ss, %1; mov %%ds, %2; mov %%es, %3"
		     : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(es));
	asm volatile("mov %%fs, %0; mov %%gs, %1; str %2; sldt %3"
		     : "=r"(fs), "=r"(gs), "=r"(tr), "=r"(ldt));
	/* Null, after an interrupt of user mode, until something loads it: as in NT. */
	if (!ss)
		ss = SELECTOR_DATA;
	/* NT's selectors have 7 bits. */
	return cs | ss << 7 | (uint64_t)ds << 14 | (uint64_t)es << 21 | (uint64_t)fs << 28 |
	       (uint64_t)gs << 35 | (uint64_t)tr << 42 | (uint64_t)ldt << 49;
}

static void read_registers(void *context)
{
	struct registers *registers = context;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) table;
	uint32_t limit;

	asm volatile("mov %%cr0, %0" : "=r"(registers->cr0));
	asm volatile("mov %%cr4, %0" : "=r"(registers->cr4));
	asm volatile("mov %%dr7, %0" : "=r"(registers->dr7));
	asm volatile("pushfq; pop %0" : "=r"(registers->flags));
	registers->flags &= ~0x8d5ull; /* what arithmetic leaves */
	registers->efer = processor_rdmsr(0xc0000080);
	registers->star = processor_rdmsr(0xc0000081);
	registers->lstar = processor_rdmsr(0xc0000082);
	registers->syscall_mask = processor_rdmsr(0xc0000084);
	registers->fs_base = processor_rdmsr(0xc0000100);
	registers->gs_base = processor_rdmsr(0xc0000101);
	registers->sysenter_cs = processor_rdmsr(0x174);
	registers->pat = processor_rdmsr(0x277);
	registers->apic_base = processor_rdmsr(0x1b);
	asm volatile("sgdt %0" : "=m"(table));
	registers->gdt_base = table.base;
	registers->gdt_limit = table.limit;
	registers->tr_descriptor = *(uint64_t *)(table.base + SELECTOR_TSS);
	asm volatile("sidt %0" : "=m"(table));
	registers->idt_base = table.base;
	registers->idt_limit = table.limit;
	asm volatile("lsl %1, %0" : "=r"(limit) : "r"(SELECTOR_TSS));
	registers->tr_limit = limit;
	registers->selectors = selectors();
}

void state_keep(void)
{
	unsigned i;

	for (i = 0; i < processor_count(); i++)
		state_on(i, read_registers, &kept[i]);
}

void state_compare(const char *when)
{
	struct registers now;
	unsigned i;

	for (i = 0; i < processor_count(); i++) {
		state_on(i, read_registers, &now);
#define COMPARE(name)                                                                              \
	judge_check(now.name == kept[i].name, "%s, processor %u, " #name ": was %llx, is %llx",    \
		    when, i, kept[i].name, now.name);
		X_REGISTERS(COMPARE)
#undef COMPARE
	}
}

static void ask(void *context)
{
	uint32_t eax = HP_CPUID_BASE + HP_CPUID_SIGNATURE, ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	*(bool *)context = eax == HP_SIGNATURE;
}

bool state_is_guest(unsigned processor)
{
	bool guest = false;

	state_on(processor, ask, &guest);
	return guest;
}
