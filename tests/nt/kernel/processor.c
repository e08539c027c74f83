// SPDX-License-Identifier: MIT
/*
 * Processors: NT's descriptor table with NT's selectors, the task state with a stack each for
 * double fault, machine check and NMI, GS = the structure that begins like a KPCR, the local APIC,
 * the start of the others.
 *
 * World: the lab's kernel.
 */
#include "nt.h"

#define MSR_APIC_BASE	   0x1b
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_SYSCALL_MASK   0xc0000084
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define APIC_ID	      0x20
#define APIC_EOI      0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_COMMAND  0x300
#define APIC_TARGET   0x310
#define APIC_TIMER    0x320
#define APIC_INITIAL  0x380
#define APIC_DIVIDE   0x3e0
#define APIC_ENABLED  0x100
#define APIC_PERIODIC 0x20000
#define APIC_BY_1     0xb
#define APIC_NMI      0x400
#define APIC_INIT     0x4500
#define APIC_STARTUP  0x4600
#define APIC_SENDING  0x1000
#define APIC_X2APIC   0x400 /* of its base */
#define X2APIC_MSR    0x800

#define CR4_SMEP    (1ull << 20)
#define CR4_OSXSAVE (1ull << 18)

/* The emulator's bus runs at the rate of its instructions: 100 million a second (tests/nt/run). */
#define TICK_INSTRUCTIONS 100000

#define TRAMPOLINE     0x8000ull
#define AP_STACK_BYTES 0x6000

struct processor processors[PROCESSORS] __attribute__((aligned(PAGE)));

extern char boot_ap_start[], boot_ap_end[];
extern uint64_t boot_ap_stack;

static uint8_t ap_stacks[PROCESSORS + 1][AP_STACK_BYTES] __attribute__((aligned(16)));
static volatile uint32_t *apic; /* NULL: x2APIC mode, by MSRs */
static struct lab_lock send_lock;

static void fill_gdt(struct processor *processor)
{
	static const uint64_t descriptors[] = {
		[SELECTOR_CODE / 8] = 0x00209b0000000000,
		[SELECTOR_DATA / 8] = 0x00cf93000000ffff,
		[0x20 / 8] = 0x00cffb000000ffff, /* 32-bit code, CPL 3 */
		[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff,
		[SELECTOR_USER_CODE / 8] = 0x0020fb0000000000,
		[SELECTOR_TEB / 8] = 0x0040f30000003c00,
	};
	uint64_t base = (uintptr_t)&processor->tss;

	memcpy(processor->gdt, descriptors, sizeof(descriptors));
	processor->gdt[SELECTOR_TSS / 8] = (sizeof(processor->tss) - 1) | (base & 0xffffff) << 16 |
					   0x89ull << 40 | (base >> 24 & 0xff) << 56;
	processor->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
	processor->tss.rsp[0] = (uintptr_t)(processor->transition_stack + PAGE);
	processor->tss.ist[0] = (uintptr_t)(processor->fault_stack + PAGE);
	processor->tss.ist[1] = (uintptr_t)(processor->check_stack + PAGE);
	processor->tss.ist[2] = (uintptr_t)(processor->nmi_stack + sizeof(processor->nmi_stack));
	processor->tss.io_map = sizeof(processor->tss);
}

static void load_gdt(struct processor *processor)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = { PROCESSOR_GDT_BYTES - 1, (uintptr_t)processor->gdt };

	asm volatile("lgdt %0\n"
		     "push %1\n"
		     "lea 1f(%%rip), %%rax\n"
		     "push %%rax\n"
		     "lretq\n"
		     "1: mov %w2, %%ds\n"
		     "mov %w2, %%es\n"
		     "mov %w2, %%gs\n"
		     "mov %w3, %%fs\n"
		     "mov %w4, %%ss\n"
		     "ltr %w5\n"
		     "lldt %w6"
		     :
		     : "m"(gdtr), "i"(SELECTOR_CODE), "r"(SELECTOR_USER_DATA), "r"(SELECTOR_TEB),
		       "r"(SELECTOR_DATA), "r"(SELECTOR_TSS), "r"(0)
		     : "rax", "memory");
}

static void enable_features(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;
	uint64_t cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (ecx & 1u << 26)
		cr4 |= CR4_OSXSAVE;
	eax = 7;
	ecx = 0;
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (ebx & 1u << 7)
		cr4 |= CR4_SMEP;
	asm volatile("mov %0, %%cr4" : : "r"(cr4));
}

static void apic_write(unsigned at, uint32_t value)
{
	if (apic)
		apic[at / 4] = value;
	else
		processor_wrmsr(X2APIC_MSR + at / 16, value);
}

static uint32_t apic_id(void)
{
	return apic ? apic[APIC_ID / 4] >> 24
		    : (uint32_t)processor_rdmsr(X2APIC_MSR + APIC_ID / 16);
}

static void load(unsigned number)
{
	struct processor *processor = &processors[number];

	fill_gdt(processor);
	load_gdt(processor);
	processor_wrmsr(MSR_GS_BASE, (uintptr_t)processor);
	processor_wrmsr(MSR_KERNEL_GS_BASE, 0);
	/* Nobody here uses SYSCALL; that it comes back after a leave is seen by its values. */
	processor_wrmsr(MSR_STAR, 0x0023001000000000 + ((uint64_t)number << 1));
	processor_wrmsr(MSR_LSTAR, (uintptr_t)trap_table);
	processor_wrmsr(MSR_SYSCALL_MASK, 0x4700);
	processor->gdt_base = processor->gdt;
	processor->tss_base = &processor->tss;
	processor->self = processor;
	processor->prcb = &processor->mxcsr;
	processor->idt_base = trap_table;
	processor->number = number;
	processor->kernel_cr3 = memory_top();
	enable_features();
	trap_load();
	dpc_init_processor(processor);

	processor_set_cr8(0);
	if (!apic)
		processor_wrmsr(MSR_APIC_BASE, processor_rdmsr(MSR_APIC_BASE) | APIC_X2APIC);
	processor->apic_id = apic_id();
	apic_write(APIC_SPURIOUS, APIC_ENABLED | VECTOR_SPURIOUS);
	apic_write(APIC_DIVIDE, APIC_BY_1);
	apic_write(APIC_TIMER, APIC_PERIODIC | VECTOR_CLOCK);
	apic_write(APIC_INITIAL, TICK_INSTRUCTIONS);
}

void processor_init(bool x2apic)
{
	uint64_t base = processor_rdmsr(MSR_APIC_BASE);

	apic = x2apic ? NULL : memory_direct(base & ~0xfffull);
	/* Interrupts of the old controllers would come at vectors of exceptions. */
	asm volatile("outb %0, $0x21; outb %0, $0xa1" : : "a"((uint8_t)0xff));
	load(0);
	processors[0].online = 1;
}

void processor_ap_main(void)
{
	uint32_t number = processor_count();

	memory_load();
	load(number);
	thread_init_processor();
	__atomic_store_n(&processors[number].online, 1, __ATOMIC_RELEASE);
	thread_idle();
}

static void send(uint32_t to, uint32_t command)
{
	uint64_t flags;

	if (!apic) {
		processor_wrmsr(X2APIC_MSR + APIC_COMMAND / 16, (uint64_t)to << 32 | command);
		return;
	}
	flags = lab_lock(&send_lock);
	apic_write(APIC_TARGET, to << 24);
	apic_write(APIC_COMMAND, command);
	while (apic[APIC_COMMAND / 4] & APIC_SENDING)
		__builtin_ia32_pause();
	lab_unlock(&send_lock, flags);
}

static void spin(uint64_t instructions)
{
	uint64_t start = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - start < instructions)
		__builtin_ia32_pause();
}

/* The APIC ids are the emulator's: from 0 on. */
void processor_start_next(void)
{
	unsigned number = processor_count(), waited;

	memcpy(memory_direct(TRAMPOLINE), boot_ap_start, boot_ap_end - boot_ap_start);
	/* In the image, which boot.S's tables map at the same address. */
	boot_ap_stack = (uintptr_t)ap_stacks[number + 1]; /* its end */
	send(number, APIC_INIT);
	spin(10 * TICK_INSTRUCTIONS);
	send(number, APIC_STARTUP | TRAMPOLINE >> 12);
	for (waited = 0; waited < 100 && !processors[number].online; waited++)
		spin(TICK_INSTRUCTIONS);
	if (!processors[number].online)
		judge_bug_check("a processor did not start", NULL);
}

unsigned processor_count(void)
{
	unsigned count = 0;

	while (count < PROCESSORS && processors[count].online)
		count++;
	return count;
}

void processor_send(unsigned processor, uint8_t vector)
{
	send(processors[processor].apic_id, vector);
}

void processor_send_nmi(unsigned processor)
{
	__atomic_add_fetch(&processors[processor].nmis_sent, 1, __ATOMIC_RELAXED);
	send(processors[processor].apic_id, APIC_NMI);
}

void processor_end_of_interrupt(void)
{
	apic_write(APIC_EOI, 0);
}
