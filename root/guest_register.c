// SPDX-License-Identifier: MIT
/*
 * The guest's general-purpose registers by their numbers, as operands have them, and the mode that
 * its code is in; CR0 and CR4 as it reads them. RSP is in the VMCS, all others in struct cpu.
 *
 * Source: SDM, General-Purpose Registers in 64-Bit Mode; Guest Register State.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

uint64_t guest_register_read(const struct cpu *cpu, unsigned number)
{
	return number == RSP ? vmread(VMCS_GUEST_RSP) : cpu->gpr[number];
}

void guest_register_write(struct cpu *cpu, unsigned number, uint64_t value, unsigned bytes)
{
	/* 4 bytes: the upper half becomes 0; fewer: the rest stays. */
	if (bytes == 4)
		value = (uint32_t)value;
	else if (bytes < 4)
		value = (guest_register_read(cpu, number) & ~(BIT64(8 * bytes) - 1)) |
			(value & (BIT64(8 * bytes) - 1));
	if (number == RSP)
		undo_vmwrite(VMCS_GUEST_RSP, value);
	else
		cpu->gpr[number] = value;
}

unsigned guest_operand_bytes(void)
{
	return guest_is_64_bit() ? 8 : 4;
}

uint64_t guest_operand(const struct cpu *cpu, unsigned number)
{
	uint64_t value = guest_register_read(cpu, number);

	return guest_is_64_bit() ? value : (uint32_t)value;
}

bool guest_is_64_bit(void)
{
	return vmread(VMCS_GUEST_CS_RIGHTS) & RIGHTS_LONG;
}

void guest_cr2_write(struct cpu *cpu, uint64_t value)
{
	cpu->cr2 = value;
	write_cr2(value);
}

unsigned guest_cpl(void)
{
	return RIGHTS_DPL((uint32_t)vmread(VMCS_GUEST_SS_RIGHTS));
}

static uint64_t visible(uint32_t reg, uint32_t mask, uint32_t shadow)
{
	uint64_t owned = vmread(mask);

	return (vmread(reg) & ~owned) | (vmread(shadow) & owned);
}

uint64_t guest_cr0(void)
{
	return visible(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW);
}

uint64_t guest_cr4(void)
{
	return visible(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW);
}
