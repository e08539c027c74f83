// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions and operands of random_kernel.c: a seed gives a few instructions, most of them
 * privileged, with odd operands.
 *
 * Nothing that a sequence can do survives it, or harms the system: pointers stay in registers that
 * no instruction writes, memory of ours lies between pages that are not there, interrupts stay
 * off, and values that only a reset takes back are not generated.
 *
 * World: the guest's kernel.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "generate.h"
#include "hptest.h"
#include "random_kernel.h"

#define SEED_SPREAD 0x100000003ull
#define CODE_BYTES  512
#define NO_PAGE	    0xfffff00000000000ull

/* Never IF, and not VM. */
#define FLAGS_RANDOM 0x3f7dd5u
#define FLAG_TF	     0x100u

/* random_code is two pages of text. */
asm("	.section .text\n"
    "	.balign 4096\n"
    "	.globl random_code\n"
    "random_code:\n"
    "	.fill 8192, 1, 0xcc\n"
    "	.previous\n");

/* --- Instructions --- */

/* Numbers may change; pointers don't, but that string instructions move them. */
static const u8 numbers[] = { RAX, RCX, RDX, RBX, R12, R13, R14, R15 };
static const u8 pointers[] = { RSI, RDI, RBP, R8, R9 };

static u8 a_number(struct generator *g)
{
	return numbers[generate_below(g, ARRAY_SIZE(numbers))];
}

static u8 a_pointer(struct generator *g)
{
	return pointers[generate_below(g, ARRAY_SIZE(pointers))];
}

#define PICK(g, array) ((array)[generate_below(g, ARRAY_SIZE(array))])

enum form {
	PLAIN,	/* no operand */
	MEMORY, /* ModRM, at a pointer */
	EITHER, /* ModRM, at a pointer or a number's register */
	NUMBER, /* ModRM, a number's register */
};

#define ANY 8 /* a number's register in the reg field */

struct row {
	u8 prefix, opcode[3], bytes, form, reg;
};

/* Groups by what they are about, so that each gets its share. */
static const struct row system_rows[] = {
	{ 0, { 0x0f, 0x01, 0xc1 }, 3, PLAIN, 0 }, /* VMCALL, VMLAUNCH, VMRESUME, VMXOFF */
	{ 0, { 0x0f, 0x01, 0xc2 }, 3, PLAIN, 0 },
	{ 0, { 0x0f, 0x01, 0xc3 }, 3, PLAIN, 0 },
	{ 0, { 0x0f, 0x01, 0xc4 }, 3, PLAIN, 0 },
	{ 0, { 0x0f, 0x01, 0xd4 }, 3, PLAIN, 0 }, /* VMFUNC */
	{ 0, { 0x0f, 0x01, 0xc8 }, 3, PLAIN, 0 }, /* MONITOR */
	{ 0, { 0x0f, 0x01, 0xca }, 3, PLAIN, 0 }, /* CLAC */
	{ 0, { 0x0f, 0x01, 0xcb }, 3, PLAIN, 0 }, /* STAC */
	{ 0, { 0x0f, 0x01, 0xcb }, 3, PLAIN, 0 },
	{ 0, { 0x0f, 0x01, 0xd0 }, 3, PLAIN, 0 }, /* XGETBV */
	{ 0, { 0x0f, 0x01, 0xd1 }, 3, PLAIN, 0 }, /* XSETBV */
	{ 0, { 0x0f, 0x01, 0xf8 }, 3, PLAIN, 0 }, /* SWAPGS */
	{ 0, { 0x0f, 0x01 }, 2, MEMORY, 0 },	  /* SGDT */
	{ 0, { 0x0f, 0x01 }, 2, MEMORY, 0 },
	{ 0, { 0x0f, 0x01 }, 2, MEMORY, 1 }, /* SIDT */
	{ 0, { 0x0f, 0x01 }, 2, MEMORY, 1 },
	{ 0, { 0x0f, 0x01 }, 2, EITHER, 4 }, /* SMSW */
	{ 0, { 0x0f, 0x01 }, 2, EITHER, 6 }, /* LMSW */
	{ 0, { 0x0f, 0x01 }, 2, MEMORY, 7 }, /* INVLPG */
	{ 0, { 0x0f, 0x00 }, 2, EITHER, 0 }, /* SLDT, STR, LLDT, LTR, VERR, VERW */
	{ 0, { 0x0f, 0x00 }, 2, EITHER, 1 },
	{ 0, { 0x0f, 0x00 }, 2, EITHER, 2 },
	{ 0, { 0x0f, 0x00 }, 2, EITHER, 3 },
	{ 0, { 0x0f, 0x00 }, 2, EITHER, 4 },
	{ 0, { 0x0f, 0x00 }, 2, EITHER, 5 },
	{ 0, { 0x0f, 0x02 }, 2, EITHER, ANY },		/* LAR */
	{ 0, { 0x0f, 0x03 }, 2, EITHER, ANY },		/* LSL */
	{ 0, { 0x0f, 0x06 }, 2, PLAIN, 0 },		/* CLTS */
	{ 0, { 0x0f, 0x08 }, 2, PLAIN, 0 },		/* INVD */
	{ 0, { 0x0f, 0x09 }, 2, PLAIN, 0 },		/* WBINVD */
	{ 0, { 0x0f, 0x30 }, 2, PLAIN, 0 },		/* WRMSR: of a number, mostly #GP */
	{ 0, { 0x0f, 0x32 }, 2, PLAIN, 0 },		/* RDMSR */
	{ 0, { 0x0f, 0x37 }, 2, PLAIN, 0 },		/* GETSEC */
	{ 0, { 0x0f, 0xaa }, 2, PLAIN, 0 },		/* RSM */
	{ 0x66, { 0x0f, 0x38, 0x80 }, 3, MEMORY, ANY }, /* INVEPT, INVVPID, INVPCID */
	{ 0x66, { 0x0f, 0x38, 0x81 }, 3, MEMORY, ANY },
	{ 0x66, { 0x0f, 0x38, 0x82 }, 3, MEMORY, ANY },
	{ 0x66, { 0x0f, 0x38, 0x82 }, 3, MEMORY, ANY },
	{ 0xf3, { 0x0f, 0xae }, 2, NUMBER, 0 }, /* RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE */
	{ 0xf3, { 0x0f, 0xae }, 2, NUMBER, 1 },
	{ 0xf3, { 0x0f, 0xae }, 2, NUMBER, 2 },
	{ 0xf3, { 0x0f, 0xae }, 2, NUMBER, 3 },
	{ 0xf3, { 0x90 }, 1, PLAIN, 0 }, /* PAUSE */
	{ 0, { 0x8e }, 1, EITHER, 0 },	 /* MOV to ES, CS, SS, DS, FS, GS */
	{ 0, { 0x8e }, 1, EITHER, 1 },
	{ 0, { 0x8e }, 1, EITHER, 2 },
	{ 0, { 0x8e }, 1, EITHER, 3 },
	{ 0, { 0x8e }, 1, EITHER, 4 },
	{ 0, { 0x8e }, 1, EITHER, 5 },
	{ 0, { 0x8c }, 1, EITHER, 2 }, /* and from them */
	{ 0, { 0x8c }, 1, EITHER, 4 },
	{ 0, { 0x0f, 0x20, 0xc8 }, 3, PLAIN, 0 }, /* CR1, CR5 */
	{ 0, { 0x0f, 0x22, 0xe8 }, 3, PLAIN, 0 },
	{ 0, { 0xcc }, 1, PLAIN, 0 }, /* INT3 */
	{ 0, { 0xf1 }, 1, PLAIN, 0 }, /* INT1 */
	{ 0, { 0xce }, 1, PLAIN, 0 }, /* INTO */
};

static const struct row plain_rows[] = {
	{ 0, { 0x8b }, 1, EITHER, ANY },					/* MOV */
	{ 0, { 0x89 }, 1, EITHER, ANY },       { 0, { 0x01 }, 1, EITHER, ANY }, /* ADD */
	{ 0, { 0x39 }, 1, EITHER, ANY },					/* CMP */
	{ 0, { 0x87 }, 1, EITHER, ANY },					/* XCHG */
	{ 0, { 0x0f, 0xb1 }, 2, EITHER, ANY },					/* CMPXCHG */
	{ 0, { 0x0f, 0xc1 }, 2, EITHER, ANY },					/* XADD */
	{ 0, { 0xf7 }, 1, EITHER, 6 },						/* DIV */
	{ 0, { 0xf7 }, 1, EITHER, 7 },						/* IDIV */
	{ 0, { 0xff }, 1, EITHER, 6 },						/* PUSH */
	{ 0, { 0x9c }, 1, PLAIN, 0 },						/* PUSHF */
	{ 0, { 0x58 }, 1, PLAIN, 0 },						/* POP */
	{ 0, { 0xa5 }, 1, PLAIN, 0 }, /* MOVS, STOS, SCAS, LODS */
	{ 0, { 0xab }, 1, PLAIN, 0 },	       { 0, { 0xae }, 1, PLAIN, 0 },
	{ 0, { 0xad }, 1, PLAIN, 0 },	       { 0, { 0x0f, 0x28 }, 2, MEMORY, 0 }, /* MOVAPS */
	{ 0, { 0xdd }, 1, MEMORY, 0 },						    /* FLD */
	{ 0, { 0x9b }, 1, PLAIN, 0 },						    /* WAIT */
	{ 0, { 0x0f, 0x0b }, 2, PLAIN, 0 },					    /* UD2 */
};

static void a_row(struct generator *g, const struct row *row)
{
	static const u8 repeats[] = { 0xf0, 0xf2, 0xf3 };
	static const u8 displacements[] = { 0, 1, 2, 8, 0x38, 0x7f, 0x80, 0xf8 };
	u8 reg = row->reg == ANY ? a_number(g) : row->reg, rex = 0, rm;
	bool memory = row->form == MEMORY || (row->form == EITHER && generate_below(g, 2));
	unsigned int i;

	rm = memory ? a_pointer(g) : a_number(g);
	if (row->prefix) {
		generate_byte(g, row->prefix);
	} else {
		if (generate_below(g, 6) == 0)
			generate_byte(g, 0x66);
		if (generate_below(g, 10) == 0)
			generate_byte(g, PICK(g, repeats));
	}
	/*
	 * SDM: INVPCID: in 64-bit mode the type has 64 bits. The emulator takes 32 of them without
	 * REX.W.
	 */
	if (row->prefix == 0x66 || generate_below(g, 3) == 0)
		rex = 0x48;
	if (row->form != PLAIN)
		rex |= (reg >= 8 ? 0x44 : 0) | (rm >= 8 ? 0x41 : 0);
	if (rex)
		generate_byte(g, rex);
	for (i = 0; i < row->bytes; i++)
		generate_byte(g, row->opcode[i]);
	if (row->form == PLAIN)
		return;
	generate_byte(g, (memory ? 0x40 : 0xc0) | (reg & 7) << 3 | (rm & 7));
	if (memory)
		generate_byte(g, PICK(g, displacements));
}

static void bytes(struct generator *g, const char *string, unsigned int count)
{
	while (count--)
		generate_byte(g, (u8)*string++);
}
#define BYTES(g, string) bytes(g, string, sizeof(string) - 1)

static void load_eax(struct generator *g, u32 value)
{
	generate_byte(g, 0xb8);
	generate_bytes(g, value, 4);
}

static void load_ecx(struct generator *g, u32 value)
{
	generate_byte(g, 0xb9);
	generate_bytes(g, value, 4);
}

static void load_rax(struct generator *g, u64 value)
{
	BYTES(g, "\x48\xb8");
	generate_bytes(g, value, 8);
}

/* BTC of a bit of RAX. */
static void flip(struct generator *g, unsigned int bit)
{
	BYTES(g, "\x48\x0f\xba\xf8");
	generate_byte(g, bit);
}

/* Reads a control register into RAX, changes a bit or two, and writes it. */
static void a_control_register(struct generator *g)
{
	/* PCIDE can't be set again while the PCID is not 0; VMXE and SMXE differ on purpose. */
	static const u8 cr0_bits[] = { 0, 1, 2, 3, 4, 5, 6, 16, 16, 18, 28, 29, 30, 31, 32, 63 },
			cr4_bits[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
				       12, 15, 16, 18, 20, 21, 22, 23, 24, 25, 32, 63 },
			/* Below 52 it would be another address. */
		cr3_bits[] = { 52, 55, 59, 61, 62, 63, 63, 63 };

	switch (generate_below(g, 6)) {
	case 0:
		BYTES(g, "\x0f\x20\xc0"); /* CR0 */
		flip(g, PICK(g, cr0_bits));
		if (generate_below(g, 3) == 0)
			flip(g, PICK(g, cr0_bits));
		BYTES(g, "\x0f\x22\xc0");
		break;
	case 1:
		BYTES(g, "\x0f\x20\xd8"); /* CR3 */
		flip(g, PICK(g, cr3_bits));
		/* What differs from process to process is gone, or in RAX of a fault. */
		BYTES(g, "\x0f\x22\xd8\x31\xc0");
		break;
	case 2:
	case 3:
		BYTES(g, "\x0f\x20\xe0"); /* CR4 */
		flip(g, PICK(g, cr4_bits));
		if (generate_below(g, 3) == 0)
			flip(g, PICK(g, cr4_bits));
		BYTES(g, "\x0f\x22\xe0");
		break;
	case 4:
		load_eax(g, generate_below(g, 18)); /* CR8 */
		BYTES(g, "\x44\x0f\x22\xc0");
		BYTES(g, "\x44\x0f\x20\xc3");
		break;
	default:
		BYTES(g, "\x0f\x22\xd0"); /* CR2 */
		break;
	}
}

static u64 an_address(struct generator *g);

static void a_debug_register(struct generator *g)
{
	switch (generate_below(g, 4)) {
	case 0:
		load_rax(g, generate_below(g, 2) ? an_address(g)
						 : (u64)random_code + generate_below(g, 64));
		BYTES(g, "\x0f\x23"); /* DR0 to DR3 */
		generate_byte(g, 0xc0 | generate_below(g, 4) << 3);
		break;
	case 1:
		/* DR7: its reserved bits rarely, GD now and then. */
		load_rax(g, (generate_number(g) & 0xffff00ff) | 0x400 |
				    (generate_below(g, 4) ? 0 : 0x2000) |
				    (generate_below(g, 8) ? 0 : generate_number(g)));
		BYTES(g, "\x0f\x23\xf8");
		break;
	default:
		/* Any, from or to a number. */
		generate_byte(g, 0x0f);
		generate_byte(g, 0x21 + 2 * generate_below(g, 2));
		generate_byte(g, 0xc0 | generate_below(g, 8) << 3 | generate_below(g, 4));
	}
}

/* Those that may have any value while a sequence runs: it is put back. */
static const u32 written_msrs[] = { 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000081,
				    0xc0000082, 0xc0000083, 0xc0000084, 0xc0000103,
				    0x174,	0x175,	    0x176,	0x1d9 };
/* EFER without NXE would find reserved bits in the page tables; the TSC is a clock. */
static const u32 other_msrs[] = { 0x1b,	      0xfe,	  0x179,      0x1a0,	  0x200,
				  0x250,      0x277,	  0x2ff,      0x4,	  0x1fff,
				  0x2000,     0x40000000, 0xbfffffff, 0xc0001fff, 0xc0002000,
				  0xffffffff, 0xc0000085 };

static u64 odd_number(struct generator *g);

static void an_msr(struct generator *g)
{
	static const u8 efer_bits[] = { 0, 0, 1, 8, 10, 12, 15, 16 };
	u64 value;

	switch (generate_below(g, 4)) {
	case 0:
		load_ecx(g, generate_below(g, 2) ? PICK(g, other_msrs) : PICK(g, written_msrs));
		BYTES(g, "\x0f\x32");
		break;
	case 1:
		load_ecx(g, PICK(g, other_msrs)); /* what it is already */
		BYTES(g, "\x0f\x32\x0f\x30");
		break;
	case 2:
		load_ecx(g, 0xc0000080); /* EFER */
		BYTES(g, "\x0f\x32");
		flip(g, PICK(g, efer_bits));
		BYTES(g, "\x0f\x30");
		break;
	default:
		value = generate_below(g, 2) ? an_address(g) : odd_number(g);
		load_ecx(g, PICK(g, written_msrs));
		load_eax(g, (u32)value);
		generate_byte(g, 0xba); /* EDX */
		generate_bytes(g, value >> 32, 4);
		BYTES(g, "\x0f\x30");
	}
}

static void a_table(struct generator *g)
{
	u8 what = 2 + generate_below(g, 2); /* LGDT, LIDT */

	if (generate_below(g, 2)) {
		/* What it is already, by the operand of R8 and a displacement. */
		BYTES(g, "\x41\x0f\x01");
		generate_byte(g, 0x40 | (what - 2) << 3);
		generate_byte(g, 0x10);
		BYTES(g, "\x41\x0f\x01");
		generate_byte(g, 0x40 | what << 3);
		generate_byte(g, 0x10);
		return;
	}
	load_rax(g,
		 generate_below(g, 2) ? (u64)random_memory.read_only + RANDOM_BAD_TABLE : NO_PAGE);
	BYTES(g, "\x0f\x01");
	generate_byte(g, what << 3);
}

static u32 some_flags(struct generator *g)
{
	return (generate_number(g) & FLAGS_RANDOM & (generate_below(g, 2) ? ~FLAG_TF : ~0u)) | 2;
}

static void an_event(struct generator *g)
{
	/* Those of our own table; an error code is not pushed, but both worlds write the same. */
	static const u8 vectors[] = { 0,  1,  3,  4,  5,  6,  7,  9,  10,	  11,
				      12, 13, 14, 16, 17, 19, 20, 21, TRAP_VECTOR };
	static const u8 stack_selectors[] = { 0x18, 0x18, 0x18, 0x00, 0x10, 0x2b, 0x1b },
			code_selectors[] = { 0x10, 0x10, 0x10, 0x10, 0x00, 0x18, 0x33, 0x40 };

	switch (generate_below(g, 4)) {
	case 0:
		generate_byte(g, 0xcd);
		generate_byte(g, PICK(g, vectors));
		break;
	case 1:
		generate_byte(g, 0x68); /* POPF */
		generate_bytes(g, some_flags(g), 4);
		if (generate_below(g, 4) == 0)
			generate_byte(g, 0x66);
		generate_byte(g, 0x9d);
		break;
	case 2:
		BYTES(g, "\x48\x89\xe3\x6a"); /* IRET to the next one, on the same stack */
		generate_byte(g, PICK(g, stack_selectors));
		BYTES(g, "\x53\x68");
		generate_bytes(g, some_flags(g), 4);
		generate_byte(g, 0x6a);
		generate_byte(g, PICK(g, code_selectors));
		BYTES(g, "\x48\x8d\x1d\x03\x00\x00\x00\x53\x48\xcf");
		break;
	default:
		generate_byte(g, 0x6a); /* far RET to the next one */
		generate_byte(g, PICK(g, code_selectors));
		BYTES(g, "\x48\x8d\x1d\x03\x00\x00\x00\x53\x48\xcb");
	}
}

static void a_port(struct generator *g)
{
	static const u8 instructions[] = { 0xec, 0xed, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f };

	BYTES(g, "\xba"); /* EDX */
	generate_bytes(g, RANDOM_PORT, 4);
	load_ecx(g, generate_below(g, 9));
	if (generate_below(g, 2))
		generate_byte(g, 0xf3);
	if (generate_below(g, 4) == 0)
		generate_byte(g, 0x66);
	generate_byte(g, PICK(g, instructions));
}

/* What differs each time is gone before anything else can happen. */
static void a_counter(struct generator *g)
{
	switch (generate_below(g, 4)) {
	case 0:
		BYTES(g, "\x0f\x31\x31\xc0\x31\xd2"); /* RDTSC */
		break;
	case 1:
		BYTES(g, "\x0f\x01\xf9\x31\xc0\x31\xd2"); /* RDTSCP */
		break;
	case 2:
		BYTES(g, "\x0f\x33\x31\xc0\x31\xd2"); /* RDPMC */
		break;
	default:
		BYTES(g, "\x31\xc0\x0f\xa2"); /* CPUID, leaf 0: others have tests of their own */
	}
}

static void an_xcr(struct generator *g)
{
	BYTES(g, "\x31\xc9\x31\xd2");
	load_eax(g, generate_below(g, 9));
	BYTES(g, "\x0f\x01\xd1");
}

static void a_jump(struct generator *g)
{
	load_rax(g, an_address(g));
	BYTES(g, "\xff\xe0");
}

static void an_instruction(struct generator *g)
{
	switch (generate_below(g, 20)) {
	case 0:
	case 1:
	case 2:
		a_control_register(g);
		break;
	case 3:
	case 4:
		a_debug_register(g);
		break;
	case 5:
	case 6:
		an_msr(g);
		break;
	case 7:
		a_table(g);
		break;
	case 8:
	case 9:
		an_event(g);
		break;
	case 10:
		a_port(g);
		break;
	case 11:
		a_counter(g);
		break;
	case 12:
		if (generate_below(g, 3))
			an_xcr(g);
		else
			a_jump(g);
		break;
	case 13:
	case 14:
	case 15:
	case 16:
		a_row(g, &PICK(g, plain_rows));
		break;
	default:
		a_row(g, &PICK(g, system_rows));
	}
}

/* --- Operands --- */

/* Not 0x10: the TSC's number, for a WRMSR of some number. */
static u64 odd_number(struct generator *g)
{
	static const u64 values[] = {
		0,	    1,
		2,	    3,
		0x18,	    0x20,
		0x2b,	    0x40,
		0x80,	    0xffff,
		0x10000,    0x7fffffff,
		0x80000000, 0xffffffff,
		1ull << 32, 0x7fffffffffff,
		1ull << 47, 0xffff800000000000,
		1ull << 63, 0xffffffffffffffff,
	};

	return generate_below(g, 6) == 0 ? generate_number(g) : PICK(g, values);
}

/* Where something lies, or nothing: around the ends of the pages, too. */
static u64 an_address(struct generator *g)
{
	switch (generate_below(g, 8)) {
	case 0:
		return (u64)random_memory.data + 2 * PAGE_SIZE - generate_below(g, 24);
	case 1:
		return (u64)random_memory.read_only + generate_below(g, 64);
	case 2:
		return RANDOM_USER + generate_below(g, 64);
	case 3:
		return generate_below(g, 2) ? NO_PAGE : 0x0000800000000000ull - 4;
	case 4:
		return 0xffff7ffffffffff8ull + generate_below(g, 16);
	default:
		return (u64)random_memory.data + 256 + generate_below(g, 2 * PAGE_SIZE - 512);
	}
}

unsigned int random_generate(u64 seed)
{
	struct generator g = { seed * SEED_SPREAD, random_memory.code, 0, CODE_BYTES };
	unsigned int i, count = 1 + generate_below(&g, 8);
	u64 word;

	memset(random_memory.code, 0xcc, 2 * PAGE_SIZE);
	/* Some go over the end of a page. */
	if (generate_below(&g, 8) == 0)
		g.bytes += PAGE_SIZE - generate_below(&g, 40);
	run_prepare(random_code + (g.bytes - random_memory.code));
	trap_run.resume = generate_below(&g, 2);
	BYTES(&g, "\x48\xbc"); /* RSP */
	generate_bytes(&g, (u64)random_memory.stack + PAGE_SIZE / 2, 8);
	generate_byte(&g, 0x68); /* the flags */
	generate_bytes(&g, some_flags(&g), 4);
	generate_byte(&g, 0x9d);
	for (i = 0; i < count; i++)
		an_instruction(&g);
	BYTES(&g, "\x0f\x0b");
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		trap_run.gpr[numbers[i]] = odd_number(&g);
	for (i = 0; i < ARRAY_SIZE(pointers); i++)
		trap_run.gpr[pointers[i]] = an_address(&g);
	memset(random_memory.stack, 0, PAGE_SIZE);
	for (i = 0; i < 2 * PAGE_SIZE; i += 8) {
		word = odd_number(&g);
		memcpy(random_memory.data + i, &word, 8);
	}
	return g.used;
}
