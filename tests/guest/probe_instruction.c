// SPDX-License-Identifier: MIT
/*
 * Instructions that user mode may not, or need not, be able to execute: each ends in the same signal,
 * with the same details, as on the bare processor. What VMX non-root operation could make visible
 * is all here: instructions of VMX and SMX, privileged ones, those with a VMX control of their own,
 * every INT n.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "../../gate/gate.h"

struct instruction {
	const char *text;
	uint8_t bytes[12];
	uint8_t length;
	uint16_t show; /* registers whose values are part of the result, a bit each */
};

#define CODE(...) { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void try(const struct instruction *instruction, struct registers *registers)
{
	struct caught caught;
	char shown[200] = "";
	size_t used = 0;
	unsigned i;

	if (code_run(instruction->bytes, instruction->length, registers, &caught)) {
		for (i = 0; i < 16; i++) {
			if (instruction->show >> i & 1)
				used += (size_t)snprintf(shown + used, sizeof(shown) - used,
							 " %#llx",
							 (unsigned long long)registers->gpr[i]);
		}
		say("%s: completes%s", instruction->text, shown);
	} else {
		say("%s: %s", instruction->text, caught_text(&caught));
	}
}

static void try_all(const struct instruction *list, unsigned count)
{
	struct registers registers;
	unsigned i;

	for (i = 0; i < count; i++) {
		code_registers(&registers);
		try(&list[i], &registers);
	}
}
#define TRY_ALL(list) try_all(list, sizeof(list) / sizeof((list)[0]))

static void vmx(void)
{
	static const struct instruction list[] = {
		{ "vmcall", CODE(0x0f, 0x01, 0xc1), 0 },
		{ "vmlaunch", CODE(0x0f, 0x01, 0xc2), 0 },
		{ "vmresume", CODE(0x0f, 0x01, 0xc3), 0 },
		{ "vmxoff", CODE(0x0f, 0x01, 0xc4), 0 },
		{ "vmfunc", CODE(0x0f, 0x01, 0xd4), 0 },
		{ "vmxon (%rdi)", CODE(0xf3, 0x0f, 0xc7, 0x37), 0 },
		{ "vmclear (%rdi)", CODE(0x66, 0x0f, 0xc7, 0x37), 0 },
		{ "vmptrld (%rdi)", CODE(0x0f, 0xc7, 0x37), 0 },
		{ "vmptrst (%rdi)", CODE(0x0f, 0xc7, 0x3f), 0 },
		{ "vmread %rax, (%rdi)", CODE(0x0f, 0x78, 0x07), 0 },
		{ "vmread %rax, %rdx", CODE(0x0f, 0x78, 0xc2), 0 },
		{ "vmwrite (%rdi), %rax", CODE(0x0f, 0x79, 0x07), 0 },
		{ "vmwrite %rdx, %rax", CODE(0x0f, 0x79, 0xc2), 0 },
		{ "invept (%rdi), %rax", CODE(0x66, 0x0f, 0x38, 0x80, 0x07), 0 },
		{ "invvpid (%rdi), %rax", CODE(0x66, 0x0f, 0x38, 0x81, 0x07), 0 },
		{ "vmptrst to a wild address", CODE(0x48, 0x31, 0xff, 0x0f, 0xc7, 0x3f), 0 },
		{ "vmcall with prefixes", CODE(0x66, 0x48, 0x0f, 0x01, 0xc1), 0 },
		{ "vmmcall", CODE(0x0f, 0x01, 0xd9), 0 },
		{ "vmrun", CODE(0x0f, 0x01, 0xd8), 0 },
		{ "getsec", CODE(0x0f, 0x37), 0 },
		{ "rsm", CODE(0x0f, 0xaa), 0 },
	};

	TRY_ALL(list);
}

/* No VMCALL of user mode is ours, whatever it asks for. */
static void vmcall(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 9, 0x2f, ~0ull, HP_SIGNATURE, GATE_SIGNATURE, GATE_SIGNATURE + 1,
		(uint32_t)GATE_SIGNATURE, GATE_SIGNATURE >> 32, 0x40000000, 0x0001000000000008ull,
		0x4b4d564b, 0x564d5868,
	};
	static const struct instruction vmcall = { "vmcall", CODE(0x0f, 0x01, 0xc1), 0 };
	struct registers registers;
	struct caught caught;
	unsigned i;
	uint64_t code;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (code = 0; code <= 4; code++) {
			code_registers(&registers);
			registers.gpr[RAX] = values[i];
			registers.gpr[RCX] = code;
			code_run(vmcall.bytes, vmcall.length, &registers, &caught);
			say("RAX %#llx RCX %llu: %s", (unsigned long long)values[i],
			    (unsigned long long)code, caught_text(&caught));
		}
	}
}

static void privileged(void)
{
	static const struct instruction list[] = {
		{ "hlt", CODE(0xf4), 0 },
		{ "cli", CODE(0xfa), 0 },
		{ "sti", CODE(0xfb), 0 },
		{ "clts", CODE(0x0f, 0x06), 0 },
		{ "invd", CODE(0x0f, 0x08), 0 },
		{ "wbinvd", CODE(0x0f, 0x09), 0 },
		{ "wbnoinvd", CODE(0xf3, 0x0f, 0x09), 0 },
		{ "rdmsr 0x10", CODE(0xb9, 0x10, 0, 0, 0, 0x0f, 0x32), 0 },
		{ "rdmsr 0x3a", CODE(0xb9, 0x3a, 0, 0, 0, 0x0f, 0x32), 0 },
		{ "rdmsr 0x480", CODE(0xb9, 0x80, 4, 0, 0, 0x0f, 0x32), 0 },
		{ "rdmsr 0x40000000", CODE(0xb9, 0, 0, 0, 0x40, 0x0f, 0x32), 0 },
		{ "rdmsr 0xc0000080", CODE(0xb9, 0x80, 0, 0, 0xc0, 0x0f, 0x32), 0 },
		{ "wrmsr 0x10", CODE(0xb9, 0x10, 0, 0, 0, 0x0f, 0x30), 0 },
		{ "wrmsr 0x3a", CODE(0xb9, 0x3a, 0, 0, 0, 0x0f, 0x30), 0 },
		{ "wrmsr 0x79", CODE(0xb9, 0x79, 0, 0, 0, 0x0f, 0x30), 0 },
		{ "wrmsr 0x40000000", CODE(0xb9, 0, 0, 0, 0x40, 0x0f, 0x30), 0 },
		{ "wrmsr 0xc0000082", CODE(0xb9, 0x82, 0, 0, 0xc0, 0x0f, 0x30), 0 },
		{ "mov %cr0, %rax", CODE(0x0f, 0x20, 0xc0), 0 },
		{ "mov %cr2, %rax", CODE(0x0f, 0x20, 0xd0), 0 },
		{ "mov %cr3, %rax", CODE(0x0f, 0x20, 0xd8), 0 },
		{ "mov %cr4, %rax", CODE(0x0f, 0x20, 0xe0), 0 },
		{ "mov %cr8, %rax", CODE(0x44, 0x0f, 0x20, 0xc0), 0 },
		{ "mov %rax, %cr0", CODE(0x0f, 0x22, 0xc0), 0 },
		{ "mov %rax, %cr3", CODE(0x0f, 0x22, 0xd8), 0 },
		{ "mov %rax, %cr4", CODE(0x0f, 0x22, 0xe0), 0 },
		{ "mov %cr1, %rax", CODE(0x0f, 0x20, 0xc8), 0 },
		{ "mov %db0, %rax", CODE(0x0f, 0x21, 0xc0), 0 },
		{ "mov %db4, %rax", CODE(0x0f, 0x21, 0xe0), 0 },
		{ "mov %db7, %rax", CODE(0x0f, 0x21, 0xf8), 0 },
		{ "mov %rax, %db7", CODE(0x0f, 0x23, 0xf8), 0 },
		{ "lgdt (%rdi)", CODE(0x0f, 0x01, 0x17), 0 },
		{ "lidt (%rdi)", CODE(0x0f, 0x01, 0x1f), 0 },
		{ "lldt %ax", CODE(0x0f, 0x00, 0xd0), 0 },
		{ "ltr %ax", CODE(0x0f, 0x00, 0xd8), 0 },
		{ "lmsw %ax", CODE(0x0f, 0x01, 0xf0), 0 },
		{ "invlpg (%rdi)", CODE(0x0f, 0x01, 0x3f), 0 },
		{ "invpcid (%rdi), %rax", CODE(0x66, 0x0f, 0x38, 0x82, 0x07), 0 },
		{ "swapgs", CODE(0x0f, 0x01, 0xf8), 0 },
		{ "sysexit", CODE(0x0f, 0x35), 0 },
		{ "sysret", CODE(0x0f, 0x07), 0 },
		{ "monitor", CODE(0x0f, 0x01, 0xc8), 0 },
		{ "mwait", CODE(0x0f, 0x01, 0xc9), 0 },
		{ "clac", CODE(0x0f, 0x01, 0xca), 0 },
		{ "stac", CODE(0x0f, 0x01, 0xcb), 0 },
		{ "encls", CODE(0x0f, 0x01, 0xcf), 0 },
		{ "pconfig", CODE(0x0f, 0x01, 0xc5), 0 },
		{ "xsaves (%rdi)", CODE(0x0f, 0xc7, 0x2f), 0 },
		{ "xrstors (%rdi)", CODE(0x0f, 0xc7, 0x1f), 0 },
		{ "in $0x80, %al", CODE(0xe4, 0x80), 0 },
		{ "in (%dx), %eax", CODE(0xed), 0 },
		{ "out %al, $0x80", CODE(0xe6, 0x80), 0 },
		{ "insb", CODE(0x6c), 0 },
		{ "rep outsb", CODE(0xf3, 0x6e), 0 },
		{ "rdpmc", CODE(0x0f, 0x33), 0 },
	};

	TRY_ALL(list);
}

/* Permitted in user mode; each has a VMX control without which it is #UD, or is announced by CPUID. */
static void permitted(void)
{
	static const struct instruction list[] = {
		{ "rdtsc", CODE(0x0f, 0x31), 0 },
		{ "rdtscp", CODE(0x0f, 0x01, 0xf9), 1 << RCX },
		{ "rdpid %rax", CODE(0xf3, 0x0f, 0xc7, 0xf8), 1 << RAX },
		{ "pause", CODE(0xf3, 0x90), 0 },
		{ "rdrand %rax", CODE(0x48, 0x0f, 0xc7, 0xf0), 0 },
		{ "rdseed %rax", CODE(0x48, 0x0f, 0xc7, 0xf8), 0 },
		{ "rdfsbase %rax", CODE(0xf3, 0x48, 0x0f, 0xae, 0xc0), 0 },
		{ "rdgsbase %rax", CODE(0xf3, 0x48, 0x0f, 0xae, 0xc8), 1 << RAX },
		{ "tpause %eax", CODE(0x66, 0x0f, 0xae, 0xf0), 0 },
		{ "umonitor %rdi", CODE(0xf3, 0x0f, 0xae, 0xf7), 0 },
		{ "umwait %eax", CODE(0xf2, 0x0f, 0xae, 0xf0), 0 },
		{ "xgetbv 0", CODE(0x0f, 0x01, 0xd0), 1 << RAX | 1 << RDX },
		{ "xgetbv 1", CODE(0xb9, 1, 0, 0, 0, 0x0f, 0x01, 0xd0), 1 << RAX | 1 << RDX },
		{ "xgetbv 2", CODE(0xb9, 2, 0, 0, 0, 0x0f, 0x01, 0xd0), 1 << RAX | 1 << RDX },
		{ "xtest", CODE(0x0f, 0x01, 0xd6), 0 },
		{ "xbegin +0", CODE(0xc7, 0xf8, 0, 0, 0, 0), 0 },
		{ "serialize", CODE(0x0f, 0x01, 0xe8), 0 },
		{ "enclu", CODE(0x0f, 0x01, 0xd7), 0 },
		{ "rdpkru", CODE(0x0f, 0x01, 0xee), 1 << RAX },
		{ "enqcmd (%rdi), %rdi", CODE(0xf2, 0x0f, 0x38, 0xf8, 0x3f), 0 },
		{ "movdir64b (%rdi), %rdi", CODE(0x66, 0x0f, 0x38, 0xf8, 0x3f), 0 },
		{ "clflush (%rdi)", CODE(0x0f, 0xae, 0x3f), 0 },
		{ "cldemote (%rdi)", CODE(0x0f, 0x1c, 0x07), 0 },
		{ "lar of the code segment", CODE(0xb8, 0x33, 0, 0, 0, 0x0f, 0x02, 0xd0),
		  1 << RDX },
		{ "lsl of the CPU number's segment", CODE(0xb8, 0x7b, 0, 0, 0, 0x0f, 0x03, 0xd0),
		  1 << RDX },
		{ "verw of a null selector", CODE(0x0f, 0x00, 0xe8), 0 },
	};

	TRY_ALL(list);
}

static void descriptor_tables(void)
{
	static const struct instruction list[] = {
		{ "str %eax", CODE(0x0f, 0x00, 0xc8), 1 << RAX },
		{ "sldt %eax", CODE(0x0f, 0x00, 0xc0), 1 << RAX },
		{ "smsw %rax", CODE(0x48, 0x0f, 0x01, 0xe0), 1 << RAX },
		{ "sgdt to an unmapped address", CODE(0x31, 0xff, 0x0f, 0x01, 0x07), 0 },
		{ "sidt to a kernel address",
		  CODE(0x48, 0xc7, 0xc7, 0, 0, 0, 0x81, 0x0f, 0x01, 0x0f), 0 },
		{ "sidt to a non-canonical address",
		  CODE(0x48, 0xc1, 0xe7, 0x18, 0x0f, 0x01, 0x0f), 0 },
		{ "str to an unmapped address", CODE(0x31, 0xff, 0x0f, 0x00, 0x0f), 0 },
	};
	static const uint8_t sgdt[] = { 0x0f, 0x01, 0x07 }, sidt[] = { 0x0f, 0x01, 0x0f };
	const uint8_t *data = (const uint8_t *)(uintptr_t)DATA_BASE;
	struct registers registers;
	struct caught caught;
	uint64_t first[2];
	uint16_t limit;
	unsigned i;

	for (i = 0; i < 2; i++) {
		code_registers(&registers);
		code_run(i ? sidt : sgdt, 3, &registers, &caught);
		memcpy(&limit, data, 2);
		memcpy(&first[i], data + 2, 8);
		say("%s: %s, limit %#x base %#llx", i ? "sidt" : "sgdt", caught_text(&caught), limit,
		    (unsigned long long)first[i]);
	}
	TRY_ALL(list);
}

static void xsetbv(void)
{
	static const struct instruction xsetbv = { "xsetbv", CODE(0x0f, 0x01, 0xd1), 0 };
	static const uint64_t values[] = { 0, 1, 2, 3, 4, 7, 0xe7, ~0ull };
	struct registers registers;
	struct caught caught;
	unsigned i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		code_registers(&registers);
		registers.gpr[RAX] = (uint32_t)values[i];
		registers.gpr[RDX] = values[i] >> 32;
		registers.gpr[RCX] = i & 1;
		code_run(xsetbv.bytes, xsetbv.length, &registers, &caught);
		say("XCR%u <- %#llx: %s", i & 1, (unsigned long long)values[i],
		    caught_text(&caught));
	}
}

/* INT 80H is the 32-bit system call; all others are #GP, or the kernel's breakpoint and overflow. */
static void int_n(void)
{
	struct instruction instruction = { "", CODE(0xcd, 0), 0 };
	struct registers registers;
	char text[16];
	unsigned i;

	for (i = 0; i < 256; i++) {
		if (i == 0x80)
			continue;
		code_registers(&registers);
		snprintf(text, sizeof(text), "int %#x", i);
		instruction.text = text;
		instruction.bytes[1] = (uint8_t)i;
		try(&instruction, &registers);
	}
}

static void software_exceptions(void)
{
	static const struct instruction list[] = {
		{ "int3", CODE(0xcc), 0 },
		{ "icebp", CODE(0xf1), 0 },
		{ "into", CODE(0xce), 0 },
		{ "ud0", CODE(0x0f, 0xff, 0xc0), 0 },
		{ "ud1", CODE(0x0f, 0xb9, 0xc0), 0 },
		{ "ud2", CODE(0x0f, 0x0b), 0 },
		{ "iretq to a null selector",
		  CODE(0x6a, 0, 0x6a, 0, 0x6a, 2, 0x6a, 0, 0x6a, 0, 0x48, 0xcf), 0 },
		{ "lcall (%rdi)", CODE(0xff, 0x1f), 0 },
		{ "mov $8, %ss", CODE(0xb8, 8, 0, 0, 0, 0x8e, 0xd0), 0 },
		{ "mov $0xf8, %ds", CODE(0xb8, 0xf8, 0, 0, 0, 0x8e, 0xd8), 0 },
		{ "mov %cs", CODE(0x8e, 0xc8), 0 },
	};

	TRY_ALL(list);
}

/* The length of CPUID is its prefixes' too; 15 bytes is the most; LOCK is refused. */
static void prefixed_cpuid(void)
{
	static const uint8_t prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x65,
					    0x40, 0x48, 0x4f, 0xf0 };
	struct registers registers;
	struct caught caught;
	uint8_t code[24];
	unsigned i, count;

	for (i = 0; i < sizeof(prefixes); i++) {
		for (count = 1; count <= 14; count += count == 2 ? 11 : 1) {
			memset(code, prefixes[i], count);
			code[count] = 0x0f;
			code[count + 1] = 0xa2;
			/* Behind it, what shows whether RIP is right: inc %esi. */
			code[count + 2] = 0xff;
			code[count + 3] = 0xc6;
			code_registers(&registers);
			registers.gpr[RSI] = 0;
			code_run(code, count + 4, &registers, &caught);
			say("%u times %02x: %s, EAX %#llx, %llu behind it", count, prefixes[i],
			    caught_text(&caught), (unsigned long long)registers.gpr[RAX],
			    (unsigned long long)registers.gpr[RSI]);
		}
	}
}

const struct probe instruction_probes[] = {
	{ "user: VMX and SMX instructions", vmx },
	{ "user: VMCALL with any RAX", vmcall },
	{ "user: privileged instructions", privileged },
	{ "user: instructions with a control of their own", permitted },
	{ "user: SGDT, SIDT, SLDT, STR, SMSW", descriptor_tables },
	{ "user: XSETBV", xsetbv },
	{ "user: INT n", int_n },
	{ "user: software exceptions", software_exceptions },
	{ "cpuid: with prefixes", prefixed_cpuid },
	{ NULL, NULL },
};
