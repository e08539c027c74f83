// SPDX-License-Identifier: MIT
/*
 * Writes of CR0 and CR4 that touch a bit which VMX operation wants fixed: CR0.NE (and PE, PG
 * without unrestricted guest), CR4.VMXE, CR4.SMXE. The guest sees what it asked for; the bits
 * themselves stay. What the bare processor would refuse is #GP.
 *
 * Source: SDM, Exit Qualification for Control-Register Accesses; MOV - Move to/from Control
 * Registers; VM Entry: Loading Guest Control Registers.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

enum access { ACCESS_MOV_TO = 0, ACCESS_MOV_FROM = 1, ACCESS_CLTS = 2, ACCESS_LMSW = 3 };

static uint64_t guest_register(const struct cpu *cpu, unsigned number)
{
	return number == RSP ? vmread(VMCS_GUEST_RSP) : cpu->gpr[number];
}

static bool in_long_mode(void)
{
	return vmread(VMCS_GUEST_EFER) & EFER_LMA;
}

static bool cr0_valid(uint64_t value, uint64_t cr4)
{
	if (value >> 32)
		return false;
	if ((value & CR0_PG) && !(value & CR0_PE))
		return false;
	if ((value & CR0_NW) && !(value & CR0_CD))
		return false;
	if (!(value & CR0_WP) && (cr4 & CR4_CET))
		return false;
	return true;
}

/* Neither entry nor exit changes CD and NW: they are set here, for both. */
static void set_caching(uint64_t value)
{
	uint64_t cr0 = read_cr0();

	if ((cr0 ^ value) & (CR0_CD | CR0_NW))
		write_cr0((cr0 & ~(CR0_CD | CR0_NW)) | (value & (CR0_CD | CR0_NW)));
}

static enum outcome write_guest_cr0(struct cpu *cpu, uint64_t value)
{
	uint64_t old = vmread(VMCS_GUEST_CR0);

	value |= CR0_ET;
	if (!cr0_valid(value, vmread(VMCS_GUEST_CR4)))
		return inject_gp(cpu);
	/* Leaving paging or protected mode: only a 64-bit guest is emulated here. */
	if ((old ^ value) & (CR0_PE | CR0_PG)) {
		if (in_long_mode() && (vmread(VMCS_GUEST_CS_RIGHTS) & RIGHTS_LONG))
			return inject_gp(cpu);
		return OUTCOME_LEAVE;
	}
	set_caching(value);
	vmwrite(VMCS_CR0_SHADOW, value);
	vmwrite(VMCS_GUEST_CR0, value | (vmread(VMCS_CR0_MASK) & cpu->capability.cr0_fixed0));
	return OUTCOME_SKIP;
}

static bool cr4_valid(const struct cpu *cpu, uint64_t value, uint64_t old)
{
	/* As on a processor without VMX and SMX; what is not supported at all is reserved. */
	if (value & vmread(VMCS_CR4_MASK))
		return false;
	if (value & ~cpu->capability.cr4_fixed1)
		return false;
	if ((old & ~value & CR4_PAE) && in_long_mode())
		return false;
	if (((old ^ value) & CR4_LA57) && in_long_mode())
		return false;
	if ((~old & value & CR4_PCIDE) && (!in_long_mode() || vmread(VMCS_GUEST_CR3) & 0xfff))
		return false;
	if ((value & CR4_CET) && !(vmread(VMCS_GUEST_CR0) & CR0_WP))
		return false;
	return true;
}

static enum outcome write_guest_cr4(struct cpu *cpu, uint64_t value)
{
	uint64_t old = vmread(VMCS_GUEST_CR4);

	if (!cr4_valid(cpu, value, old))
		return inject_gp(cpu);
	vmwrite(VMCS_CR4_SHADOW, value);
	vmwrite(VMCS_GUEST_CR4, value | CR4_VMXE);
	/* SDM: Operations that Invalidate TLBs and Paging-Structure Caches; too much does no harm.
	 */
	if (old != (value | CR4_VMXE))
		invvpid(INVVPID_ALL);
	return OUTCOME_SKIP;
}

enum outcome exit_cr(struct cpu *cpu)
{
	uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
	unsigned number = qualification & 0xf;
	enum access access = qualification >> 4 & 3;
	uint64_t cr0 = vmread(VMCS_GUEST_CR0);

	if (access == ACCESS_MOV_TO && number == 0)
		return write_guest_cr0(cpu, guest_register(cpu, qualification >> 8 & 0xf));
	if (access == ACCESS_MOV_TO && number == 4)
		return write_guest_cr4(cpu, guest_register(cpu, qualification >> 8 & 0xf));
	/* LMSW changes PE (from 0 to 1 only), MP, EM and TS. */
	if (access == ACCESS_LMSW)
		return write_guest_cr0(cpu, (cr0 & ~(uint64_t)0xe) | (qualification >> 16 & 0xf));
	return OUTCOME_LEAVE;
}
