// SPDX-License-Identifier: MIT
/*
 * CPUID: the processor's own answer (loop.c), but for what depends on the control registers (which
 * are root's while root executes it), for VMX, which the guest does not have, and for our own
 * leaves.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

static void show_ourselves(const struct cpu *cpu, uint32_t leaf, struct cpuid_result *result)
{
	static const char vendor[12] = HP_VENDOR;
	uint32_t base = cpu->machine->cpuid_base;

	if (leaf == base) {
		result->eax = base + HP_CPUID_SIGNATURE;
		__builtin_memcpy(&result->ebx, vendor, 4);
		__builtin_memcpy(&result->ecx, vendor + 4, 4);
		__builtin_memcpy(&result->edx, vendor + 8, 4);
	} else if (leaf == base + HP_CPUID_SIGNATURE) {
		result->eax = HP_SIGNATURE;
		result->ebx = HP_ABI_VERSION;
		result->ecx = cpu->index;
		result->edx = 0;
	}
}

/* SDM, CPUID: OSXSAVE and OSPKE reflect CR4. */
static uint32_t mirror(uint32_t reg, uint64_t bit, uint64_t cr4_bit)
{
	return vmread(VMCS_GUEST_CR4) & cr4_bit ? reg | (uint32_t)bit : reg & ~(uint32_t)bit;
}

/* What the processor said, in the guest's registers already, as the guest has to see it. */
void exit_cpuid_amend(struct cpu *cpu, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_result result = { (uint32_t)cpu->gpr[RAX], (uint32_t)cpu->gpr[RBX],
				       (uint32_t)cpu->gpr[RCX], (uint32_t)cpu->gpr[RDX] };

	if (leaf == 1) {
		result.ecx = mirror(result.ecx, CPUID_1_ECX_OSXSAVE, CR4_OSXSAVE);
		result.ecx |= (uint32_t)CPUID_1_ECX_HYPERVISOR;
	} else if (leaf == 7 && subleaf == 0) {
		result.ecx = mirror(result.ecx, CPUID_7_ECX_OSPKE, CR4_PKE);
	} else if (leaf == 0x80000001u) {
		/* SYSCALL is enumerated as 0 outside 64-bit mode, which root is in. */
		if (!(vmread(VMCS_GUEST_CS_RIGHTS) & RIGHTS_LONG))
			result.edx &= ~(uint32_t)CPUID_81_EDX_SYSCALL;
	} else if (leaf >= HP_CPUID_BASE) {
		show_ourselves(cpu, leaf, &result);
	}
	capability_mask_cpuid(cpu->controls.proc2, leaf, subleaf, &result);
	cpu->gpr[RAX] = result.eax;
	cpu->gpr[RBX] = result.ebx;
	cpu->gpr[RCX] = result.ecx;
	cpu->gpr[RDX] = result.edx;
}
