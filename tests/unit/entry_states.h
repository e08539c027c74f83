/* SPDX-License-Identifier: MIT */
/*
 * VMCS states that break no entry rule, one for each kind of guest and host that the rules tell
 * apart, and how to write down what is changed in one.
 *
 * World: an ordinary process.
 */
#ifndef ENTRY_STATES_H
#define ENTRY_STATES_H

#include "unit.h"

#include "base/entry_rules.h"

#define ALLOWED 0xffffffff00000000ull /* each control may be 0 or 1 */

#define CODE_64	 0xa09bu
#define CODE_32	 0xc09bu
#define DATA	 0xc093u
#define TSS	 0x8bu
#define LDT	 0x82u
#define UNUSABLE 0x10000u

static struct vmcs_snapshot vmcs;
static struct entry_capability capability;
static struct entry_memory memory;
static struct entry_msr msrs[2];

/* --- Valid states --- */

static void put(unsigned at, uint64_t value)
{
	vmcs.value[at] = value;
}
#define PUT(name, value) put(VMCS_AT_##name, value)

/* A processor that has everything, of 46 and 48 bits of address. */
static void full_capability(void)
{
	entry_capability_unknown(&capability);
	capability.basic = 0x12345678;
	capability.misc = 0x401c0;
	capability.cr0_fixed0 = CR0_PG | CR0_NE | CR0_PE;
	capability.cr0_fixed1 = 0xffffffff;
	capability.cr4_fixed0 = CR4_VMXE;
	capability.cr4_fixed1 = 0x1ffffff;
	capability.physical_bits = 46;
	capability.linear_bits = 48;
	capability.cpuid_71_eax = 0;
	capability.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	capability.debugctl = DEBUGCTL_LBR | DEBUGCTL_BTF;
	capability.perf_global = 0xff;
	capability.rtit_ctl = 0xffff;
	memory = (struct entry_memory){ true, true, 0x40, 0x12345678, msrs, 2 };
	memset(msrs, 0, sizeof(msrs));
	msrs[0].index = 0xc0000082u;
	capability.memory = &memory;
}

static void host_64(void)
{
	PUT(HOST_CR0, CR0_PG | CR0_NE | CR0_PE | CR0_WP);
	PUT(HOST_CR3, 0x1000);
	PUT(HOST_CR4, CR4_VMXE | CR4_PAE);
	PUT(HOST_EFER, EFER_LME | EFER_LMA);
	PUT(HOST_PAT, 0x0007040600070406ull);
	PUT(HOST_CS, 0x10);
	PUT(HOST_TR, 0x40);
	PUT(HOST_RIP, 0xffff800000001000ull);
}

static void segment(enum segment seg, uint16_t selector, uint64_t base, uint32_t limit,
		    uint32_t rights)
{
	put(VMCS_AT_GUEST_ES + seg, selector);
	put(VMCS_AT_GUEST_ES_BASE + seg, base);
	put(VMCS_AT_GUEST_ES_LIMIT + seg, limit);
	put(VMCS_AT_GUEST_ES_RIGHTS + seg, rights);
}

static void guest_64(void)
{
	PUT(GUEST_CR0, CR0_PG | CR0_NE | CR0_PE | CR0_WP);
	PUT(GUEST_CR3, 0x2000);
	PUT(GUEST_CR4, CR4_VMXE | CR4_PAE);
	PUT(GUEST_EFER, EFER_LME | EFER_LMA);
	PUT(GUEST_PAT, 0x0007040600070406ull);
	PUT(GUEST_RFLAGS, RFLAGS_ONE | RFLAGS_IF);
	PUT(GUEST_RIP, 0xffff800000002000ull);
	PUT(LINK_POINTER, ~0ull);
	segment(SEG_ES, 0x18, 0, 0xffffffff, DATA);
	segment(SEG_CS, 0x10, 0, 0xffffffff, CODE_64);
	segment(SEG_SS, 0x18, 0, 0xffffffff, DATA);
	segment(SEG_DS, 0x18, 0, 0xffffffff, DATA);
	segment(SEG_FS, 0x18, 0, 0xffffffff, DATA);
	segment(SEG_GS, 0x18, 0, 0xffffffff, DATA);
	segment(SEG_LDTR, 0x50, 0, 0xff, LDT);
	segment(SEG_TR, 0x40, 0, 0x67, TSS);
}

/* Every control that needs no other is on, with what it needs; no unrestricted guest. */
static void all_controls(void)
{
	PUT(PIN_CONTROLS, PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMIS |
				  PIN_PREEMPTION_TIMER | PIN_POSTED_INTERRUPTS);
	PUT(PROC_CONTROLS, PROC_SECONDARY | PROC_TERTIARY | PROC_NMI_WINDOW | PROC_IO_BITMAPS |
				   PROC_MSR_BITMAPS | PROC_TPR_SHADOW);
	PUT(PROC_CONTROLS2, PROC2_APIC_ACCESSES | PROC2_EPT | PROC2_VPID | PROC2_APIC_REGISTERS |
				    PROC2_VIRTUAL_INTERRUPTS | PROC2_VMFUNC | PROC2_SHADOWING |
				    PROC2_PML | PROC2_VE | PROC2_PASID | PROC2_MODE_BASED_EXECUTE |
				    PROC2_SPP | PROC2_PT_GUEST_PHYSICAL | PROC2_TSC_SCALING);
	PUT(PROC_CONTROLS3, PROC3_HLAT | PROC3_PAGING_WRITE | PROC3_GUEST_PAGING | PROC3_IPI);
	PUT(VMFUNC_CONTROLS, VMFUNC_EPTP_SWITCHING);
	PUT(EXIT_CONTROLS, EXIT_HOST_64 | EXIT_LOAD_PERF_GLOBAL | EXIT_ACKNOWLEDGE | EXIT_LOAD_PAT |
				   EXIT_LOAD_EFER | EXIT_SAVE_TIMER | EXIT_CLEAR_RTIT_CTL |
				   EXIT_LOAD_CET | EXIT_LOAD_PKRS | EXIT_SECONDARY);
	PUT(ENTRY_CONTROLS, ENTRY_LOAD_DEBUG | ENTRY_IA32E | ENTRY_LOAD_PERF_GLOBAL |
				    ENTRY_LOAD_PAT | ENTRY_LOAD_EFER | ENTRY_LOAD_BNDCFGS |
				    ENTRY_LOAD_RTIT_CTL | ENTRY_LOAD_UINV | ENTRY_LOAD_CET |
				    ENTRY_LOAD_LBR_CTL | ENTRY_LOAD_PKRS);
	PUT(VPID, 1);
	PUT(EPT_POINTER, 0x5e | 0x3000);
	PUT(TSC_MULTIPLIER, 1);
	PUT(EXIT_MSR_STORE_COUNT, 1);
	PUT(EXIT_MSR_LOAD_COUNT, 1);
	PUT(ENTRY_MSR_LOAD_COUNT, 1);
	PUT(ENTRY_MSR_LOAD, 0x4000);
}

static void long_mode(void)
{
	memset(&vmcs, 0, sizeof(vmcs));
	memset(vmcs.present, true, sizeof(vmcs.present));
	full_capability();
	host_64();
	guest_64();
	all_controls();
}

static void compatibility(void)
{
	long_mode();
	PUT(GUEST_CS_RIGHTS, CODE_32);
	PUT(GUEST_RIP, 0x1000);
}

/* Protected mode with PAE paging. */
static void pae(void)
{
	compatibility();
	vmcs.value[VMCS_AT_ENTRY_CONTROLS] &= ~(uint64_t)ENTRY_IA32E;
	PUT(GUEST_EFER, 0);
	PUT(GUEST_PDPTE0, 0x5001);
	PUT(GUEST_PDPTE3, 0x8001);
}

static void virtual_8086(void)
{
	enum segment seg;

	pae();
	PUT(GUEST_RFLAGS, RFLAGS_ONE | RFLAGS_IF | RFLAGS_VM);
	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		segment(seg, 0x1234, 0x12340, 0xffff, 0xf3);
}

static void unrestricted(void)
{
	long_mode();
	vmcs.value[VMCS_AT_PROC_CONTROLS2] |= PROC2_UNRESTRICTED;
}

static void real_mode(void)
{
	pae();
	vmcs.value[VMCS_AT_PROC_CONTROLS2] |= PROC2_UNRESTRICTED;
	PUT(GUEST_CR0, CR0_NE);
	segment(SEG_CS, 0xf000, 0xffff0000, 0xffff, 0x93);
}

/* A processor outside IA-32e mode, and so the host. */
static void legacy_host(void)
{
	pae();
	capability.ia32e = 0;
	vmcs.value[VMCS_AT_EXIT_CONTROLS] &= ~(uint64_t)EXIT_HOST_64;
	PUT(HOST_EFER, 0);
	PUT(HOST_RIP, 0x1000);
	PUT(HOST_SS, 0x18);
}

/* With a TPR threshold, which virtual-interrupt delivery has no use for. */
static void threshold(void)
{
	long_mode();
	vmcs.value[VMCS_AT_PIN_CONTROLS] &= ~(uint64_t)PIN_POSTED_INTERRUPTS;
	vmcs.value[VMCS_AT_PROC_CONTROLS2] &=
		~(uint64_t)(PROC2_VIRTUAL_INTERRUPTS | PROC2_APIC_ACCESSES);
	PUT(TPR_THRESHOLD, 4);
}

/* With neither EPT nor what needs it. */
static void no_ept(void)
{
	long_mode();
	vmcs.value[VMCS_AT_PROC_CONTROLS2] &=
		~(uint64_t)(PROC2_EPT | PROC2_PML | PROC2_MODE_BASED_EXECUTE | PROC2_SPP |
			    PROC2_PT_GUEST_PHYSICAL | PROC2_VMFUNC);
	PUT(PROC_CONTROLS3, PROC3_IPI);
}

/* Without the TPR shadow and what needs it. */
static void no_tpr_shadow(void)
{
	threshold();
	vmcs.value[VMCS_AT_PROC_CONTROLS] &= ~(uint64_t)PROC_TPR_SHADOW;
	vmcs.value[VMCS_AT_PROC_CONTROLS2] &= ~(uint64_t)PROC2_APIC_REGISTERS;
	vmcs.value[VMCS_AT_PROC_CONTROLS3] &= ~PROC3_IPI;
}

static void no_memory(void)
{
	threshold();
	capability.memory = NULL;
}

/* --- Changes --- */

enum kind { NOTHING, FIELD_SET, FIELD_OR, FIELD_CLEAR, CAP_SET, MSR_SET, VTPR_SET, LINK_SET };

struct change {
	enum kind kind;
	uint64_t where, value;
};

#define SET(name, v)                                                                               \
	{                                                                                          \
		FIELD_SET, VMCS_AT_##name, v                                                       \
	}
#define OR(name, v)                                                                                \
	{                                                                                          \
		FIELD_OR, VMCS_AT_##name, v                                                        \
	}
#define CLEAR(name, v)                                                                             \
	{                                                                                          \
		FIELD_CLEAR, VMCS_AT_##name, v                                                     \
	}
#define CAP(member, v)                                                                             \
	{                                                                                          \
		CAP_SET, offsetof(struct entry_capability, member), v                              \
	}
#define MSR(number, v)                                                                             \
	{                                                                                          \
		MSR_SET, number, v                                                                 \
	}
#define VTPR(v)                                                                                    \
	{                                                                                          \
		VTPR_SET, 0, v                                                                     \
	}
#define LINK(v)                                                                                    \
	{                                                                                          \
		LINK_SET, 0, v                                                                     \
	}

#define EVENT(type, vector) (EVENT_VALID | (type) << 8 | (vector))
#define WIDE		    (1ull << 46)
#define NOT_CANONICAL	    0x0000800000000000ull
#define TOO_WIDE	    0x0001000000000000ull

static void apply(const struct change *change)
{
	switch (change->kind) {
	case NOTHING:
		break;
	case FIELD_SET:
		vmcs.value[change->where] = change->value;
		break;
	case FIELD_OR:
		vmcs.value[change->where] |= change->value;
		break;
	case FIELD_CLEAR:
		vmcs.value[change->where] &= ~change->value;
		break;
	case CAP_SET:
		memcpy((char *)&capability + change->where, &change->value, sizeof(change->value));
		break;
	case MSR_SET:
		msrs[change->where].index = change->value;
		break;
	case VTPR_SET:
		memory.vtpr = (uint8_t)change->value;
		break;
	case LINK_SET:
		memory.link_revision = (uint32_t)change->value;
		break;
	}
}

#endif
