// SPDX-License-Identifier: MIT
/*
 * MOV to and from the debug registers. The exit comes before the checks of privilege, of CR4.DE and
 * of DR7.GD, so they are made here. DR0 to DR3 and DR6 are the guest's while root runs; DR7 is in
 * the VMCS.
 *
 * Source: SDM, Relative Priority of Faults and VM Exits; MOV - Move to/from Debug Registers; Debug
 * Registers; Exit Qualification for MOV DR.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define QUALIFICATION_FROM BIT64(4)
#define DR7_ZERO	   (BIT64(12) | BIT64(14) | BIT64(15)) /* reserved, read as 0 */

/* SDM: Debug Registers DR4 and DR5: aliases of DR6 and DR7, unless CR4.DE takes them away. */
static unsigned resolve_alias(unsigned number)
{
	return number == 4 || number == 5 ? number + 2 : number;
}

static uint64_t read_guest_dr(unsigned number)
{
	return number == 7 ? vmread(VMCS_GUEST_DR7) : read_dr(number);
}

/* False: a reserved bit of the upper half. */
static bool write_guest_dr(unsigned number, uint64_t value)
{
	if (number >= 6 && value >> 32)
		return false;
	if (number == 7)
		undo_vmwrite(VMCS_GUEST_DR7, (value & ~DR7_ZERO) | DR7_FIXED);
	else
		write_dr(number, value);
	return true;
}

enum outcome exit_dr(struct cpu *cpu)
{
	uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
	unsigned number = qualification & 7, gpr = qualification >> 8 & 0xf;

	if ((number == 4 || number == 5) && vmread(VMCS_GUEST_CR4) & CR4_DE)
		return inject_ud(cpu);
	if (guest_cpl() != 0)
		return inject_gp(cpu);
	if (vmread(VMCS_GUEST_DR7) & DR7_GD) {
		event_debug(DR6_BD);
		return inject_fault(cpu, &(struct guest_fault){ .vector = VECTOR_DB });
	}
	number = resolve_alias(number);
	if (qualification & QUALIFICATION_FROM) {
		guest_register_write(cpu, gpr, read_guest_dr(number), guest_operand_bytes());
		return OUTCOME_SKIP;
	}
	return write_guest_dr(number, guest_operand(cpu, gpr)) ? OUTCOME_SKIP : inject_gp(cpu);
}
