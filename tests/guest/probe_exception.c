// SPDX-License-Identifier: MIT
/*
 * Exceptions that user mode can raise: vector, error code and address reach the program as on the
 * bare processor.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM 0x12000000ull /* no page here, but where a probe maps one */

static void try(const char *text, const void *code, size_t bytes, uint64_t rsi)
{
	struct registers registers;
	struct caught caught;

	code_registers(&registers);
	registers.gpr[RSI] = rsi;
	code_run(code, bytes, &registers, &caught);
	say("%s: %s", text, caught_text(&caught));
}

static const uint8_t read_rsi[] = { 0x8b, 0x06 };
static const uint8_t write_rsi[] = { 0x89, 0x06 };
static const uint8_t jump_rsi[] = { 0xff, 0xe6 };
static const uint8_t cpuid_read[] = { 0x0f, 0xa2, 0x8b, 0x06 };

static void page_faults(void)
{
	static const struct {
		const char *text;
		uint64_t address;
	} where[] = {
		{ "null", 0 },
		{ "unmapped", ROOM },
		{ "kernel text", 0xffffffff81000000ull },
		{ "direct map", 0xffff888000000000ull },
		{ "non-canonical", 0x8000000000000000ull },
		{ "beyond user space", 0x00007ffffffff000ull },
		{ "the last byte", ~0ull - 3 },
	};
	char text[64];
	unsigned i;

	for (i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		snprintf(text, sizeof(text), "read %s", where[i].text);
		try(text, read_rsi, sizeof(read_rsi), where[i].address);
		snprintf(text, sizeof(text), "write %s", where[i].text);
		try(text, write_rsi, sizeof(write_rsi), where[i].address);
		snprintf(text, sizeof(text), "jump to %s", where[i].text);
		try(text, jump_rsi, sizeof(jump_rsi), where[i].address);
		snprintf(text, sizeof(text), "cpuid, then read %s", where[i].text);
		try(text, cpuid_read, sizeof(cpuid_read), where[i].address);
	}
}

static void rights(void)
{
	static const int all[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				   PROT_READ | PROT_EXEC };
	void *room = (void *)(uintptr_t)ROOM;
	char text[64];
	unsigned i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (mmap(room, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			 -1, 0) != room)
			return;
		memset(room, 0xc3, 4096);
		mprotect(room, 4096, all[i]);
		snprintf(text, sizeof(text), "rights %d, read", all[i]);
		try(text, read_rsi, sizeof(read_rsi), ROOM);
		snprintf(text, sizeof(text), "rights %d, write", all[i]);
		try(text, write_rsi, sizeof(write_rsi), ROOM);
		snprintf(text, sizeof(text), "rights %d, execute", all[i]);
		try(text, jump_rsi, sizeof(jump_rsi), ROOM);
	}
	munmap(room, 4096);
}

static void arithmetic(void)
{
	static const uint8_t divide[] = { 0x31, 0xc9, 0xf7, 0xf1 };
	static const uint8_t overflow[] = { 0xba, 5, 0, 0, 0, 0xb9, 1, 0, 0, 0, 0xf7, 0xf1 };
	/* fldcw of a control word that unmasks all; fld1; fldz; fdivp; fwait */
	static const uint8_t x87[] = { 0xc7, 0x07, 0x00, 0x03, 0, 0, 0xdb, 0xe3, 0xd9, 0x2f, 0xd9,
				       0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b };
	static const uint8_t x87_cpuid[] = { 0xc7, 0x07, 0x00, 0x03, 0, 0, 0xdb, 0xe3, 0xd9, 0x2f,
					     0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x0f, 0xa2, 0x9b };
	/* ldmxcsr of one that unmasks all; xorps; pcmpeqd -> cvt; divps 0/0 */
	static const uint8_t sse[] = { 0xc7, 0x07, 0, 0, 0, 0, 0x0f, 0xae, 0x17, 0x0f, 0x57, 0xc0,
				       0x0f, 0x5e, 0xc0 };

	try("division by 0", divide, sizeof(divide), 0);
	try("division overflow", overflow, sizeof(overflow), 0);
	try("x87 division by 0", x87, sizeof(x87), 0);
	try("x87 division by 0, cpuid, wait", x87_cpuid, sizeof(x87_cpuid), 0);
	try("SSE 0/0", sse, sizeof(sse), 0);
	asm volatile("fninit");
}

static void alignment(void)
{
	static const uint8_t code[] = { 0x0f, 0xa2, 0x8b, 0x47, 0x01 };
	static const uint8_t movaps[] = { 0x0f, 0x28, 0x47, 0x01 };
	struct registers registers;
	struct caught caught;

	code_registers(&registers);
	registers.flags |= FLAG_AC;
	code_run(code, sizeof(code), &registers, &caught);
	say("AC, cpuid, read at 1: %s", caught_text(&caught));
	try("movaps at 1", movaps, sizeof(movaps), 0);
}

static void stack(void)
{
	/* mov $1, %rax; shl $63, %rax; xchg %rax, %rsp; push %rax */
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 1, 0, 0, 0, 0x48, 0xc1,
					0xe0, 0x3f, 0x48, 0x94, 0x50 };
	/* The same with cpuid before the push. */
	static const uint8_t exits[] = { 0x48, 0xc7, 0xc0, 1,	 0,    0,    0,	   0x48,
					 0xc1, 0xe0, 0x3f, 0x48, 0x94, 0x0f, 0xa2, 0x50 };

	try("push to a non-canonical address", code, sizeof(code), 0);
	try("cpuid, push to a non-canonical address", exits, sizeof(exits), 0);
}

const struct probe exception_probes[] = {
	{ "exception: page faults", page_faults },
	{ "exception: rights of a page", rights },
	{ "exception: arithmetic", arithmetic },
	{ "exception: alignment", alignment },
	{ "exception: stack", stack },
	{ NULL, NULL },
};
