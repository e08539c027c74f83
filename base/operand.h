/* SPDX-License-Identifier: MIT */
/*
 * Operands of instructions that exit: the VM-exit instruction-information field, and the linear
 * address of a memory operand with the checks of segmentation that the exit came before.
 *
 * Source: SDM, Information for VM Exits Due to Instruction Execution; Segment Limit Checking; Type
 * Checking; Canonical Addressing.
 * World: any (pure).
 */
#ifndef BASE_OPERAND_H
#define BASE_OPERAND_H

#include "addr.h"
#include "vmcs.h"

/*
 * The field, for LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT, STR and INVPCID; INS and OUTS use the
 * address size and the segment alone.
 */
struct operand {
	uint8_t scale;	       /* 0 to 3 */
	uint8_t reg1;	       /* of an operand that is a register */
	uint8_t reg2;	       /* INVPCID's type */
	uint8_t base, index;   /* registers, where they are valid */
	uint8_t address_bytes; /* 2, 4 or 8 */
	uint8_t identity;      /* which instruction of those that share the exit reason */
	uint8_t segment;       /* enum segment */
	bool is_register, has_base, has_index;
	bool is_32_bit; /* operand size, of LGDT and its like */
};
struct operand operand_decode(uint32_t instruction_information);

/* The segment as the VMCS has it, and the mode of the code. */
struct operand_segment {
	uint64_t base;
	uint32_t limit, rights;
	bool is_64_bit;	     /* 64-bit code: only FS and GS have a base, nothing has a limit */
	uint8_t linear_bits; /* 48 or 57 */
	bool checks_alignment;
};

enum operand_fault { OPERAND_OK, OPERAND_GP, OPERAND_SS, OPERAND_AC };

/*
 * The linear address of `bytes`, a power of two, at `offset` (of the address size already) in the
 * segment. GP, SS or AC: the exception, with error code 0, that the access raises. What begins in
 * the canonical half and ends outside is looked at for its alignment first: so does the lab's
 * processor.
 */
enum operand_fault operand_linear(const struct operand_segment *segment, enum segment which,
				  uint64_t offset, unsigned bytes, bool write,
				  struct guest_virt *linear);

bool operand_is_canonical(uint64_t address, uint8_t linear_bits);

#endif
