// SPDX-License-Identifier: MIT
/*
 * Accesses to the control registers. Some bits of CR0 and CR4 exit always, since VMX operation
 * wants them fixed (CR0.NE, and PE, PG without unrestricted guest; CR4.VMXE, CR4.SMXE); all others,
 * CR3, CR8, CLTS and LMSW exit when somebody watches them. The guest reads what it asked for; what
 * the bare processor would refuse is #GP.
 *
 * Invariant: where the mask has a bit, the shadow has what the guest reads; where it has not, the
 * register has.
 *
 * Source: SDM, Exit Qualification for Control-Register Accesses; MOV - Move to/from Control
 * Registers; LMSW; CLTS; Operations that Invalidate TLBs and Paging-Structure Caches.
 * World: root.
 */
#include "root.h"
#include "vmx.h"

enum access { ACCESS_MOV_TO = 0, ACCESS_MOV_FROM = 1, ACCESS_CLTS = 2, ACCESS_LMSW = 3 };

#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
#define CR0_LMSW (CR0_PE | CR0_MP | CR0_EM | CR0_TS)

/* SDM: Unrestricted Guests: CR0.PE and CR0.PG are free then. */
static uint64_t cr0_fixed(const struct cpu *cpu)
{
	uint64_t fixed = cpu->capability.cr0_fixed0;

	return cpu->controls.proc2 & PROC2_UNRESTRICTED ? fixed & ~(CR0_PE | CR0_PG) : fixed;
}

/* What the guest can't set, as on a processor without VMX and SMX. An OS that uses SMX keeps it. */
static uint64_t cr4_fixed(const struct cpu *cpu)
{
	return cpu->gate->state.cr4 & CR4_SMXE ? CR4_VMXE : CR4_VMXE | CR4_SMXE;
}

void cr_own(struct cpu *cpu, uint64_t cr0, uint64_t cr4)
{
	uint64_t visible0 = guest_cr0(), visible4 = guest_cr4();

	undo_vmwrite(VMCS_CR0_SHADOW, visible0);
	undo_vmwrite(VMCS_CR4_SHADOW, visible4);
	undo_vmwrite(VMCS_CR0_MASK, cr0 | cr0_fixed(cpu));
	undo_vmwrite(VMCS_CR4_MASK, cr4 | cr4_fixed(cpu));
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
	uint64_t old = guest_cr0();

	if (!cr0_valid(value, guest_cr4()))
		return inject_gp(cpu);
	/* Reserved bits of the lower half are ignored. */
	value = (value & CR0_DEFINED) | CR0_ET;
	/* Leaving paging or protected mode: only a 64-bit guest is emulated here. */
	if ((old ^ value) & (CR0_PE | CR0_PG)) {
		if (in_long_mode() && (guest_is_64_bit() || vmread(VMCS_GUEST_CR4) & CR4_PCIDE))
			return inject_gp(cpu);
		return OUTCOME_LEAVE;
	}
	set_caching(value);
	undo_vmwrite(VMCS_CR0_SHADOW, value);
	undo_vmwrite(VMCS_GUEST_CR0, value | cr0_fixed(cpu));
	return OUTCOME_SKIP;
}

/* SDM: Linear-Address Masking: CR3[62:61] are not reserved where CPUID has it. */
uint64_t cr3_reserved(const struct cpu *cpu, uint64_t value)
{
	uint64_t reserved = ~(uint64_t)0 << cpu->capability.physical_bits;
	struct cpuid_result leaf;

	if (value & CR3_LAM) {
		cpuid(7, 1, &leaf);
		if (leaf.eax & CPUID_71_EAX_LAM)
			reserved &= ~CR3_LAM;
	}
	return value & reserved;
}

static enum outcome write_guest_cr3(struct cpu *cpu, uint64_t value)
{
	bool pcids = vmread(VMCS_GUEST_CR4) & CR4_PCIDE;
	bool keep = pcids && (value & CR3_KEEP_TLB);

	if (pcids)
		value &= ~CR3_KEEP_TLB;
	if (cr3_reserved(cpu, value))
		return inject_gp(cpu);
	undo_vmwrite(VMCS_GUEST_CR3, value);
	if (!keep)
		invalidate_guest(cpu, INVALIDATE_NOT_GLOBAL);
	return OUTCOME_SKIP;
}

static bool cr4_valid(const struct cpu *cpu, uint64_t value, uint64_t old)
{
	/* What the processor does not support is reserved. */
	if (value & (cr4_fixed(cpu) | ~cpu->capability.cr4_fixed1))
		return false;
	if ((old & ~value & CR4_PAE) && in_long_mode())
		return false;
	if (((old ^ value) & CR4_LA57) && in_long_mode())
		return false;
	if ((~old & value & CR4_PCIDE) && (!in_long_mode() || vmread(VMCS_GUEST_CR3) & 0xfff))
		return false;
	if ((value & CR4_CET) && !(guest_cr0() & CR0_WP))
		return false;
	return true;
}

static enum outcome write_guest_cr4(struct cpu *cpu, uint64_t value)
{
	uint64_t old = guest_cr4();

	if (!cr4_valid(cpu, value, old))
		return inject_gp(cpu);
	undo_vmwrite(VMCS_CR4_SHADOW, value);
	undo_vmwrite(VMCS_GUEST_CR4, value | CR4_VMXE);
	/* Not every change invalidates; too much does no harm. */
	if (old != value)
		invalidate_guest(cpu, INVALIDATE_GUEST);
	return OUTCOME_SKIP;
}

/* SDM: Task Priority in IA-32e Mode: CR8 is the task priority of the local APIC, which is the
 * guest's. */
static enum outcome write_guest_cr8(struct cpu *cpu, uint64_t value)
{
	if (value >> 4)
		return inject_gp(cpu);
	write_cr8(value);
	return OUTCOME_SKIP;
}

static enum outcome move_to(struct cpu *cpu, unsigned number, uint64_t value)
{
	switch (number) {
	case 0:
		return write_guest_cr0(cpu, value);
	case 3:
		return write_guest_cr3(cpu, value);
	case 4:
		return write_guest_cr4(cpu, value);
	default:
		return write_guest_cr8(cpu, value);
	}
}

enum outcome exit_cr(struct cpu *cpu)
{
	uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
	unsigned number = qualification & 0xf, gpr = qualification >> 8 & 0xf;
	uint64_t cr0;

	switch ((enum access)(qualification >> 4 & 3)) {
	case ACCESS_MOV_TO:
		return move_to(cpu, number, guest_operand(cpu, gpr));
	case ACCESS_MOV_FROM: /* CR0 and CR4 are read without an exit */
		guest_register_write(cpu, gpr, number == 8 ? read_cr8() : vmread(VMCS_GUEST_CR3),
				     guest_operand_bytes());
		return OUTCOME_SKIP;
	case ACCESS_CLTS:
		return write_guest_cr0(cpu, guest_cr0() & ~CR0_TS);
	default: /* LMSW sets PE, and never clears it */
		cr0 = guest_cr0();
		return write_guest_cr0(cpu, (cr0 & (~CR0_LMSW | CR0_PE)) |
						    (qualification >> 16 & CR0_LMSW));
	}
}
