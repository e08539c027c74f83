/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Random instruction sequences from a seed: a few instructions, most of them such that a hypervisor
 * may get wrong, with odd operands, prefixes and registers. The user program and the kernel module
 * of the transparency tests both include this; the same seed gives the same bytes in both worlds.
 *
 * World: any; no library.
 */
#ifndef TESTS_TRANSPARENCY_GENERATE_H
#define TESTS_TRANSPARENCY_GENERATE_H

/* splitmix64: every seed is a good one. */
struct generator {
	unsigned long long state;
	unsigned char *bytes;
	unsigned used, room;
};

static inline unsigned long long generate_number(struct generator *g)
{
	unsigned long long z = g->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline unsigned generate_below(struct generator *g, unsigned limit)
{
	return (unsigned)(generate_number(g) >> 33) % limit;
}

static inline void generate_byte(struct generator *g, unsigned byte)
{
	if (g->used < g->room)
		g->bytes[g->used++] = (unsigned char)byte;
}

static inline void generate_bytes(struct generator *g, unsigned long long value, unsigned count)
{
	while (count--) {
		generate_byte(g, value & 0xff);
		value >>= 8;
	}
}

/* What follows an opcode. */
enum generate_operand {
	GENERATE_NONE,
	GENERATE_ANY,	   /* ModRM with a register or memory, any reg field */
	GENERATE_MEMORY,   /* ModRM with memory, any reg field */
	GENERATE_REGISTER, /* ModRM with a register */
	GENERATE_IMM8,
	GENERATE_LEAF_0,     /* CPUID: RAX is cleared in front of it */
	GENERATE_GROUP = 16, /* + n: ModRM of memory or register with reg field n */
};

struct generate_row {
	unsigned char opcode[4], bytes;
	unsigned char operand; /* enum generate_operand */
};

/* mod, rm, SIB and displacement of a memory operand, or a register. */
static inline void generate_modrm(struct generator *g, unsigned reg, int memory, int reg_only)
{
	unsigned mod = memory ? generate_below(g, 3) : generate_below(g, 4);
	unsigned rm = generate_below(g, 8);

	if (reg_only)
		mod = 3;
	generate_byte(g, mod << 6 | reg << 3 | rm);
	if (mod == 3)
		return;
	if (rm == 4) {
		unsigned sib = generate_below(g, 256);

		generate_byte(g, sib);
		if (mod == 0 && (sib & 7) == 5)
			generate_bytes(g, generate_number(g) & 0xff, 4);
	}
	if (mod == 0 && rm == 5)
		generate_bytes(g, generate_below(g, 64), 4);
	else if (mod == 1)
		generate_byte(g, generate_below(g, 256));
	else if (mod == 2)
		generate_bytes(g, generate_below(g, 16) * 0xfff, 4);
}

static inline void generate_prefixes(struct generator *g)
{
	static const unsigned char prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36,
						  0x3e, 0x26, 0x64, 0x65, 0xf0 };

	while (generate_below(g, 5) == 0)
		generate_byte(g, prefixes[generate_below(g, sizeof(prefixes))]);
	if (generate_below(g, 4) == 0)
		generate_byte(g, 0x40 | generate_below(g, 16));
}

static inline void generate_row(struct generator *g, const struct generate_row *row)
{
	unsigned i, reg = generate_below(g, 8);

	if (row->operand == GENERATE_LEAF_0)
		generate_bytes(g, 0xc031, 2);
	generate_prefixes(g);
	for (i = 0; i < row->bytes; i++)
		generate_byte(g, row->opcode[i]);
	switch (row->operand) {
	case GENERATE_NONE:
	case GENERATE_LEAF_0:
		break;
	case GENERATE_IMM8:
		generate_byte(g, generate_below(g, 256));
		break;
	case GENERATE_ANY:
		generate_modrm(g, reg, 0, 0);
		break;
	case GENERATE_MEMORY:
		generate_modrm(g, reg, 1, 0);
		break;
	case GENERATE_REGISTER:
		generate_modrm(g, reg, 0, 1);
		break;
	default:
		generate_modrm(g, row->operand - GENERATE_GROUP, 0, 0);
	}
}

/* FNV-1a, of what came of a sequence. */
#define GENERATE_HASH 0xcbf29ce484222325ull
static inline unsigned long long generate_hash(unsigned long long hash, const void *data,
					       unsigned long bytes)
{
	const unsigned char *byte = data;

	while (bytes--)
		hash = (hash ^ *byte++) * 0x100000001b3ull;
	return hash;
}

#endif
