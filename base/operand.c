// SPDX-License-Identifier: MIT
/*
 * Operands of instructions that exit. See operand.h.
 *
 * World: any (pure).
 */
#include "operand.h"

#define FIELD(value, low, bits) ((value) >> (low) & ((1u << (bits)) - 1))

struct operand operand_decode(uint32_t information)
{
	return (struct operand){
		.scale = (uint8_t)FIELD(information, 0, 2),
		.reg1 = (uint8_t)FIELD(information, 3, 4),
		.address_bytes = (uint8_t)(2u << FIELD(information, 7, 3)),
		.is_register = FIELD(information, 10, 1),
		.is_32_bit = FIELD(information, 11, 1),
		.segment = (uint8_t)FIELD(information, 15, 3),
		.index = (uint8_t)FIELD(information, 18, 4),
		.has_index = !FIELD(information, 22, 1),
		.base = (uint8_t)FIELD(information, 23, 4),
		.has_base = !FIELD(information, 27, 1),
		.identity = (uint8_t)FIELD(information, 28, 2),
		.reg2 = (uint8_t)FIELD(information, 28, 4),
	};
}

bool operand_is_canonical(uint64_t address, uint8_t linear_bits)
{
	unsigned shift = 64u - linear_bits;

	return (uint64_t)((int64_t)(address << shift) >> shift) == address;
}

/* SDM: Segment Descriptors; Type Checking: data may be read, code may if it says so. */
static bool type_permits(uint32_t rights, bool write)
{
	if (rights & RIGHTS_CODE)
		return !write && (rights & RIGHTS_READABLE);
	return !write || (rights & RIGHTS_WRITABLE);
}

/* SDM: Limit Checking. An expand-down segment has what lies above its limit. */
static bool limit_permits(const struct operand_segment *segment, uint32_t offset, unsigned bytes)
{
	uint64_t last = (uint64_t)offset + bytes - 1;

	if (!(segment->rights & RIGHTS_CODE) && (segment->rights & RIGHTS_EXPAND_DOWN))
		return offset > segment->limit &&
		       last <= (segment->rights & RIGHTS_BIG ? 0xffffffffu : 0xffffu);
	return last <= segment->limit;
}

enum operand_fault operand_linear(const struct operand_segment *segment, enum segment which,
				  uint64_t offset, unsigned bytes, bool write,
				  struct guest_virt *linear)
{
	enum operand_fault fault = which == SEG_SS ? OPERAND_SS : OPERAND_GP;
	uint64_t base = segment->base;

	if (segment->is_64_bit) {
		if (which != SEG_FS && which != SEG_GS)
			base = 0;
		*linear = guest_virt(base + offset);
		if (!operand_is_canonical(linear->value, segment->linear_bits))
			return fault;
		if (segment->checks_alignment && (linear->value & (bytes - 1)))
			return OPERAND_AC;
		return operand_is_canonical(linear->value + bytes - 1, segment->linear_bits)
			       ? OPERAND_OK
			       : fault;
	}
	*linear = guest_virt((uint32_t)(base + offset));
	if ((segment->rights & RIGHTS_UNUSABLE) || !type_permits(segment->rights, write))
		return OPERAND_GP;
	if (!limit_permits(segment, (uint32_t)offset, bytes))
		return fault;
	if (segment->checks_alignment && (linear->value & (bytes - 1)))
		return OPERAND_AC;
	return OPERAND_OK;
}
