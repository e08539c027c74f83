// SPDX-License-Identifier: MIT
/*
 * 32-bit and 16-bit code under a 64-bit kernel: CPUID's length and results there, RIP's wrap at the
 * end of the 4 GiB space, code segments with a base.
 *
 * The program is linked below 4 GiB, so that 32-bit code can lie in its text.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <asm/ldt.h>
#include <unistd.h>

#define USER_CS_32 0x23
#define USER_CS_64 0x33
#define LAST_PAGE  0xfffff000ull

struct far_pointer {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed));

/*
 * Goes to 32-bit code with EAX, EBX, ECX, EDX, ESI of `registers` (and its flags); the code comes
 * back by a far jump to compat_back. No stack is used meanwhile.
 */
asm("	.text\n"
    "compat_enter:\n" /* %rdi: struct registers, %rsi: far pointer */
    "	push %rbx\n"
    "	push %rbp\n"
    "	push %r12\n"
    "	push %r13\n"
    "	push %r14\n"
    "	push %r15\n"
    "	mov %rsp, compat_stack\n"
    "	mov %rdi, compat_registers\n"
    "	mov %rsi, %rbp\n"
    "	mov %rdi, %r10\n"
    "	mov 0x00(%r10), %rax\n"
    "	mov 0x08(%r10), %rcx\n"
    "	mov 0x10(%r10), %rdx\n"
    "	mov 0x18(%r10), %rbx\n"
    "	mov 0x30(%r10), %rsi\n"
    "	pushq 0x80(%r10)\n"
    "	popfq\n"
    "	ljmpl *(%rbp)\n"
    "compat_back:\n"
    "	mov compat_registers, %r10\n"
    "	mov compat_stack, %rsp\n"
    "	pushfq\n"
    "	push $0x202\n"
    "	popfq\n"
    "	popq 0x80(%r10)\n"
    "	mov %rax, 0x00(%r10)\n"
    "	mov %rcx, 0x08(%r10)\n"
    "	mov %rdx, 0x10(%r10)\n"
    "	mov %rbx, 0x18(%r10)\n"
    "	mov %rsi, 0x30(%r10)\n"
    "	pop %r15\n"
    "	pop %r14\n"
    "	pop %r13\n"
    "	pop %r12\n"
    "	pop %rbp\n"
    "	pop %rbx\n"
    "	ret\n"
    "	.code32\n"
    "compat_cpuid:\n"
    "	cpuid\n"
    "	ljmp $0x33, $compat_back\n"
    "compat_prefixed:\n"
    "	.byte 0x66, 0xf2, 0x0f, 0xa2\n"
    "	inc %esi\n" /* one byte here, a REX prefix in 64-bit code */
    "	ljmp $0x33, $compat_back\n"
    "compat_vmcall:\n"
    "	vmcall\n"
    "	ljmp $0x33, $compat_back\n"
    "compat_vmxoff:\n"
    "	vmxoff\n"
    "	ljmp $0x33, $compat_back\n"
    "compat_xsetbv:\n"
    "	xsetbv\n"
    "	ljmp $0x33, $compat_back\n"
    "compat_bound:\n"
    "	into\n"
    "	ljmp $0x33, $compat_back\n"
    "compat_end:\n"
    "	.code64\n"
    "	.bss\n"
    "	.balign 8\n"
    "compat_stack: .quad 0\n"
    "compat_registers: .quad 0\n"
    "	.text\n");
void compat_enter(struct registers *registers, const struct far_pointer *target);
extern char compat_back[], compat_cpuid[], compat_prefixed[], compat_vmcall[], compat_vmxoff[],
	compat_xsetbv[], compat_bound[], compat_end[];

struct call {
	struct registers *registers;
	struct far_pointer target;
};

static void enter(void *argument)
{
	struct call *call = argument;

	compat_enter(call->registers, &call->target);
}

static bool call_32(uint64_t address, uint16_t selector, struct registers *registers,
		    struct steps *steps, struct caught *caught)
{
	struct call call = { registers, { (uint32_t)address, selector } };

	return catch_run(enter, &call, caught, steps);
}

static uint64_t address_of(const char *label)
{
	return (uint64_t)(uintptr_t)label;
}

/* SDM: the SYSCALL bit of leaf 80000001H is 0 outside 64-bit mode. */
static void leaves(void)
{
	static const uint32_t some[] = { 0, 1, 2, 4, 7, 0xb, 0xd, 0x80000000, 0x80000001, 0x80000008 };
	struct registers registers;
	struct caught caught;
	unsigned i;

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		code_registers(&registers);
		registers.gpr[RAX] = some[i];
		call_32(address_of(compat_cpuid), USER_CS_32, &registers, NULL, &caught);
		if (some[i] == 1) /* as in probe_cpuid.c */
			registers.gpr[RCX] &= ~(uint64_t)(1u << 5 | 1u << 6 | 1u << 31);
		say("%08x %08x %08x %08x %08x, %s", some[i], (uint32_t)registers.gpr[RAX],
		    (uint32_t)registers.gpr[RBX], (uint32_t)registers.gpr[RCX],
		    (uint32_t)registers.gpr[RDX], caught_text(&caught));
	}
}

static void prefixed(void)
{
	struct registers registers;
	struct caught caught;

	code_registers(&registers);
	registers.gpr[RSI] = 5;
	call_32(address_of(compat_prefixed), USER_CS_32, &registers, NULL, &caught);
	say("%s, ESI %u", caught_text(&caught), (uint32_t)registers.gpr[RSI]);
}

static void refused(void)
{
	const struct {
		const char *text, *label;
	} some[] = {
		{ "vmcall", compat_vmcall },
		{ "vmxoff", compat_vmxoff },
		{ "xsetbv", compat_xsetbv },
	};
	struct registers registers;
	struct caught caught;
	unsigned i;

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		code_registers(&registers);
		call_32(address_of(some[i].label), USER_CS_32, &registers, NULL, &caught);
		caught.rip -= address_of(some[i].label);
		caught.address -= caught.address ? address_of(some[i].label) : 0;
		say("%s: %s", some[i].text, caught_text(&caught));
	}
}

static void overflow(void)
{
	struct registers registers;
	struct caught caught;

	code_registers(&registers);
	registers.flags |= 0x800; /* OF */
	call_32(address_of(compat_bound), USER_CS_32, &registers, NULL, &caught);
	caught.rip -= address_of(compat_bound);
	caught.address = 0;
	say("into: %s", caught_text(&caught));
}

static void stepped(void)
{
	struct registers registers;
	struct steps steps = { .from = address_of(compat_cpuid),
			       .bytes = (uint64_t)(compat_end - compat_cpuid) };
	struct caught caught;
	unsigned i;

	code_registers(&registers);
	registers.flags |= FLAG_TF;
	call_32(address_of(compat_prefixed), USER_CS_32, &registers, &steps, &caught);
	say("%u traps, then %s", steps.count, caught_text(&caught));
	for (i = 0; i < steps.count; i++) {
		steps.step[i].rip -= address_of(compat_prefixed);
		steps.step[i].address -= address_of(compat_prefixed);
		say("%s", caught_text(&steps.step[i]));
	}
}

static bool map_last_page(uint8_t **page)
{
	*page = mmap((void *)(uintptr_t)LAST_PAGE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (*page == (uint8_t *)(uintptr_t)LAST_PAGE)
		return true;
	say("no page at the end: %s", strerror(errno));
	return false;
}

/*
 * Outside 64-bit code the instruction pointer has 32 bits; Bochs writes a 33rd into the frame that it
 * pushes when it wraps, which is not looked at.
 */
static uint64_t instruction_pointer(struct caught *caught)
{
	caught->rip = (uint32_t)caught->rip;
	return caught->rip;
}

/* P3: CPUID in the last two bytes of the 4 GiB space; the next instruction is at 0. */
static void wraps(void)
{
	struct steps steps = { .from = 0, .bytes = 0x100001000ull };
	unsigned i;
	struct registers registers;
	struct caught caught;
	uint8_t *page;

	if (!map_last_page(&page))
		return;
	page[4094] = 0x0f;
	page[4095] = 0xa2;
	code_registers(&registers);
	call_32(LAST_PAGE + 4094, USER_CS_32, &registers, NULL, &caught);
	instruction_pointer(&caught);
	say("nothing at 0: %s", caught_text(&caught));
	code_registers(&registers);
	registers.flags |= FLAG_TF;
	call_32(LAST_PAGE + 4094, USER_CS_32, &registers, &steps, &caught);
	for (i = 0; i < steps.count; i++) {
		/* The steps of the way there lie in the program's text. */
		if (instruction_pointer(&steps.step[i]) < 0x1000 ||
		    steps.step[i].rip >= LAST_PAGE)
			say("stepped: a trap at %#llx", (unsigned long long)steps.step[i].rip);
	}
	instruction_pointer(&caught);
	say("stepped: then %s", caught_text(&caught));
}

/* The same with code at 0: it is executed. */
static void wraps_into_code(void)
{
	struct registers registers;
	struct caught caught;
	uint8_t *page, *zero;
	uint32_t back = (uint32_t)(uintptr_t)compat_back;

	if (!map_last_page(&page))
		return;
	zero = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (zero) {
		say("no page at 0: %s", strerror(errno));
		return;
	}
	page[4093] = 0x0f;
	page[4094] = 0xa2;
	page[4095] = 0x46; /* inc %esi */
	/* At 0: inc %esi; ljmp $0x33, $compat_back. Built byte by byte: the compiler must not see 0. */
	asm volatile("movb $0x46, (%0)\n\t"
		     "movb $0xea, 1(%0)\n\t"
		     "movl %1, 2(%0)\n\t"
		     "movw $0x33, 6(%0)"
		     :
		     : "r"(zero), "r"(back)
		     : "memory");
	code_registers(&registers);
	registers.gpr[RSI] = 1;
	call_32(LAST_PAGE + 4093, USER_CS_32, &registers, NULL, &caught);
	say("%s, ESI %u", caught_text(&caught), (uint32_t)registers.gpr[RSI]);
}

/* A segment of the LDT; false: the kernel has none. */
static bool ldt_segment(unsigned entry, uint32_t base, bool wide, uint16_t *selector)
{
	struct user_desc segment = {
		.entry_number = entry,
		.base_addr = base,
		.limit = wide ? 0xfffff : 0xffff,
		.seg_32bit = wide,
		.contents = 2, /* code */
		.limit_in_pages = wide,
	};

	int error;

	*selector = (uint16_t)(entry << 3 | 7);
	/* The system call's result is an int, and libc takes it for success. */
	error = (int)syscall(SYS_modify_ldt, 1, &segment, sizeof(segment));
	if (!error)
		return true;
	say("%s: the kernel permits none (%d)", wide ? "32-bit" : "16-bit", error);
	return false;
}

/* CS.base is not 0: RIP and the linear address differ. */
static void segment_with_base(void)
{
	static uint8_t code[16];
	struct registers registers;
	struct caught caught;
	uint16_t selector;
	uint32_t back = (uint32_t)(uintptr_t)compat_back;

	if (!ldt_segment(0, (uint32_t)CODE_BASE - 0x1000, true, &selector))
		return;
	/* cpuid; inc %esi; ljmp */
	memcpy(code, "\x0f\xa2\x46\xea", 4);
	memcpy(code + 4, &back, 4);
	memcpy(code + 8, "\x33", 2);
	code_put(code, sizeof(code));
	code_registers(&registers);
	call_32(0x1000, selector, &registers, NULL, &caught);
	say("32-bit: %s, ESI %u, EAX %#x", caught_text(&caught), (uint32_t)registers.gpr[RSI],
	    (uint32_t)registers.gpr[RAX]);
	if (!ldt_segment(1, (uint32_t)CODE_BASE - 0x100, false, &selector))
		return;
	/* 16-bit: cpuid; inc %si; ljmpl */
	memcpy(code, "\x0f\xa2\x46\x66\xea", 5);
	memcpy(code + 5, &back, 4);
	memcpy(code + 9, "\x33", 2);
	code_put(code, sizeof(code));
	code_registers(&registers);
	call_32(0x100, selector, &registers, NULL, &caught);
	say("16-bit: %s, ESI %u, EAX %#x", caught_text(&caught), (uint32_t)registers.gpr[RSI],
	    (uint32_t)registers.gpr[RAX]);
}

const struct probe compat_probes[] = {
	{ "compat: CPUID's leaves in 32-bit code", leaves },
	{ "compat: prefixed CPUID", prefixed },
	{ "compat: VMX instructions and XSETBV", refused },
	{ "compat: INTO", overflow },
	{ "compat: single steps", stepped },
	{ "compat: RIP wraps at 4 GiB to an unmapped page", wraps },
	{ "compat: RIP wraps at 4 GiB into code", wraps_into_code },
	{ "compat: code segments with a base", segment_with_base },
	{ NULL, NULL },
};
