// SPDX-License-Identifier: MIT
/*
 * Memory operands of instructions that exit. The exit comes after the checks of privilege and
 * before those of the memory operand: segment, canonical address, alignment and paging are left to
 * us.
 *
 * Source: SDM, Relative Priority of Faults and VM Exits; Information for VM Exits Due to
 * Instruction Execution; Interrupt 17 - Alignment Check Exception. World: root.
 */
#include "../base/operand.h"
#include "root.h"
#include "vmx.h"

#define PREFIX_OPERAND_SIZE 0x66
#define PREFIX_REX	    0x40
#define PREFIX_REX_W	    0x08
#define OPCODE_TWO_BYTES    0x0f

uint8_t guest_linear_bits(void)
{
	return vmread(VMCS_GUEST_CR4) & CR4_LA57 ? 57 : 48;
}

/* SDM: Interrupt 17 - Alignment Check Exception. */
static bool checks_alignment(void)
{
	return guest_cpl() == 3 && (vmread(VMCS_GUEST_CR0) & CR0_AM) &&
	       (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_AC);
}

bool guest_operand_linear(const struct cpu *cpu, enum segment which, uint64_t offset,
			  unsigned bytes, bool write, struct guest_virt *linear,
			  struct guest_fault *fault)
{
	const struct operand_segment segment = {
		.base = vmread(VMCS_GUEST_BASE(which)),
		.limit = (uint32_t)vmread(VMCS_GUEST_LIMIT(which)),
		.rights = (uint32_t)vmread(VMCS_GUEST_RIGHTS(which)),
		.is_64_bit = guest_is_64_bit(),
		.linear_bits = guest_linear_bits(),
		.checks_alignment = checks_alignment(),
	};

	(void)cpu;
	switch (operand_linear(&segment, which, offset, bytes, write, linear)) {
	case OPERAND_OK:
		return true;
	case OPERAND_GP:
		*fault = (struct guest_fault){ .vector = VECTOR_GP, .has_error_code = true };
		return false;
	case OPERAND_AC:
		*fault = (struct guest_fault){ .vector = VECTOR_AC, .has_error_code = true };
		return false;
	default:
		*fault = (struct guest_fault){ .vector = VECTOR_SS, .has_error_code = true };
		return false;
	}
}

/* The displacement is in the exit qualification, RIP-relative ones made absolute there. */
bool guest_operand_address(const struct cpu *cpu, const struct operand *operand, unsigned at,
			   unsigned bytes, bool write, struct guest_virt *linear,
			   struct guest_fault *fault)
{
	uint64_t offset = vmread(VMCS_EXIT_QUALIFICATION) + at;

	if (operand->has_base)
		offset += guest_register_read(cpu, operand->base);
	if (operand->has_index)
		offset += guest_register_read(cpu, operand->index) << operand->scale;
	if (operand->address_bytes < 8)
		offset &= BIT64(8 * operand->address_bytes) - 1;
	return guest_operand_linear(cpu, operand->segment, offset, bytes, write, linear, fault);
}

/*
 * SDM: Instruction Prefixes. Some instructions tell their operand size by their bytes alone. False:
 * they can't be read any more; the guest runs on, and meets what happened to them.
 */
bool guest_operand_size(struct cpu *cpu, unsigned *bytes)
{
	uint32_t rights = (uint32_t)vmread(VMCS_GUEST_CS_RIGHTS);
	bool is_64_bit = rights & RIGHTS_LONG, prefixed = false, wide = false;
	uint64_t rip = vmread(VMCS_GUEST_RIP);
	unsigned length = (unsigned)vmread(VMCS_EXIT_LENGTH), i;
	struct guest_fault fault;
	uint8_t code[15];

	if (length > sizeof(code))
		return false;
	if (!is_64_bit)
		rip = (uint32_t)(rip + vmread(VMCS_GUEST_CS_BASE));
	if (!guest_memory_fetch(cpu, guest_virt(rip), code, length, &fault))
		return false;
	for (i = 0; i < length && code[i] != OPCODE_TWO_BYTES; i++) {
		prefixed = prefixed || code[i] == PREFIX_OPERAND_SIZE;
		/* Of several, the REX prefix before the opcode counts. */
		wide = is_64_bit && (code[i] & 0xf0) == PREFIX_REX && (code[i] & PREFIX_REX_W);
	}
	if (wide)
		*bytes = 8;
	else
		*bytes = (is_64_bit || (rights & RIGHTS_BIG)) != prefixed ? 4 : 2;
	return true;
}
