/* SPDX-License-Identifier: MIT */
/*
 * The processor's registers by the names of the manual: bits of control registers, RFLAGS, DR6 and
 * DR7, exception vectors, descriptors, the CPUID leaves we look at. The MSRs are in msr.h.
 *
 * World: any (pure).
 */
#ifndef BASE_X86_H
#define BASE_X86_H

#include <stdint.h>

#define BIT64(n) ((uint64_t)1 << (n))

#define CR0_PE BIT64(0)
#define CR0_MP BIT64(1)
#define CR0_EM BIT64(2)
#define CR0_TS BIT64(3)
#define CR0_ET BIT64(4)
#define CR0_NE BIT64(5)
#define CR0_WP BIT64(16)
#define CR0_AM BIT64(18)
#define CR0_NW BIT64(29)
#define CR0_CD BIT64(30)
#define CR0_PG BIT64(31)

#define CR3_LAM	     (BIT64(61) | BIT64(62)) /* SDM: Linear-Address Masking */
#define CR3_KEEP_TLB BIT64(63) /* of the source operand of MOV to CR3, when CR4.PCIDE = 1 */

#define CR4_DE	       BIT64(3)
#define CR4_PAE	       BIT64(5)
#define CR4_MCE	       BIT64(6)
#define CR4_PGE	       BIT64(7)
#define CR4_OSFXSR     BIT64(9)
#define CR4_OSXMMEXCPT BIT64(10)
#define CR4_UMIP       BIT64(11)
#define CR4_LA57       BIT64(12)
#define CR4_VMXE       BIT64(13)
#define CR4_SMXE       BIT64(14)
#define CR4_FSGSBASE   BIT64(16)
#define CR4_PCIDE      BIT64(17)
#define CR4_OSXSAVE    BIT64(18)
#define CR4_SMEP       BIT64(20)
#define CR4_SMAP       BIT64(21)
#define CR4_PKE	       BIT64(22)
#define CR4_CET	       BIT64(23)
#define CR4_PKS	       BIT64(24)

#define EFER_SCE BIT64(0)
#define EFER_LME BIT64(8)
#define EFER_LMA BIT64(10)
#define EFER_NXE BIT64(11)

#define RFLAGS_CF   BIT64(0)
#define RFLAGS_ONE  BIT64(1) /* reads as 1 always */
#define RFLAGS_PF   BIT64(2)
#define RFLAGS_AF   BIT64(4)
#define RFLAGS_ZF   BIT64(6)
#define RFLAGS_SF   BIT64(7)
#define RFLAGS_TF   BIT64(8)
#define RFLAGS_IF   BIT64(9)
#define RFLAGS_DF   BIT64(10)
#define RFLAGS_OF   BIT64(11)
#define RFLAGS_IOPL (BIT64(12) | BIT64(13))
#define RFLAGS_NT   BIT64(14)
#define RFLAGS_RF   BIT64(16)
#define RFLAGS_VM   BIT64(17)
#define RFLAGS_AC   BIT64(18)

#define DR6_B	(BIT64(0) | BIT64(1) | BIT64(2) | BIT64(3)) /* breakpoints 0 to 3 */
#define DR6_BLD BIT64(11)				    /* bus lock: active low */
#define DR6_BD	BIT64(13)
#define DR6_BS	BIT64(14)
#define DR6_RTM BIT64(16) /* active low */

#define DR7_FIXED BIT64(10) /* reads as 1; all breakpoints off */
#define DR7_GD	  BIT64(13)

/* Of IA32_U_CET and IA32_S_CET. */
#define CET_SH_STK_EN BIT64(0)

#define DEBUGCTL_LBR   BIT64(0)
#define DEBUGCTL_BTF   BIT64(1)
#define DEBUGCTL_TR    BIT64(6)
#define DEBUGCTL_BTS   BIT64(7)
#define DEBUGCTL_BTINT BIT64(8)

enum vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_BP = 3,
	VECTOR_OF = 4,
	VECTOR_BR = 5,
	VECTOR_UD = 6,
	VECTOR_NM = 7,
	VECTOR_DF = 8,
	VECTOR_TS = 10,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_MF = 16,
	VECTOR_AC = 17,
	VECTOR_MC = 18,
	VECTOR_XM = 19,
	VECTOR_VE = 20,
	VECTOR_CP = 21,
	VECTORS_RESERVED = 32, /* 0..31 are the architecture's */
};

/* A segment selector: index, table indicator, requested privilege level. */
#define SELECTOR_RPL   0x3u
#define SELECTOR_TI    0x4u
#define SELECTOR_INDEX 0xfff8u

/* What LGDT, LIDT, SGDT and SIDT use in 64-bit mode. */
struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* SDM: Page-Fault Exception, error code. */
#define PF_PRESENT  BIT64(0)
#define PF_WRITE    BIT64(1)
#define PF_USER	    BIT64(2)
#define PF_RESERVED BIT64(3)
#define PF_FETCH    BIT64(4)
#define PF_KEY	    BIT64(5)

/* CPUID leaves and bits. */
#define CPUID_1_ECX_MONITOR    BIT64(3)
#define CPUID_1_ECX_VMX	       BIT64(5)
#define CPUID_1_ECX_SMX	       BIT64(6)
#define CPUID_1_ECX_PCID       BIT64(17)
#define CPUID_1_ECX_XSAVE      BIT64(26)
#define CPUID_1_ECX_OSXSAVE    BIT64(27)
#define CPUID_1_ECX_HYPERVISOR BIT64(31)
#define CPUID_1_EDX_MSR	       BIT64(5)
#define CPUID_1_EDX_MTRR       BIT64(12)
#define CPUID_1_EDX_DS	       BIT64(21)
#define CPUID_7_EBX_INVPCID    BIT64(10)
#define CPUID_7_EBX_RTM	       BIT64(11)
#define CPUID_7_ECX_WAITPKG    BIT64(5)
#define CPUID_7_ECX_OSPKE      BIT64(4)
#define CPUID_7_ECX_PKU	       BIT64(3)
#define CPUID_7_EDX_PCONFIG    BIT64(18)
#define CPUID_81_EDX_SYSCALL   BIT64(11)
#define CPUID_81_EDX_NX	       BIT64(20)
#define CPUID_81_EDX_PAGE1GB   BIT64(26)
#define CPUID_81_EDX_RDTSCP    BIT64(27)
#define CPUID_81_EDX_LM	       BIT64(29)

#define CPUID_7_ECX_LA57     BIT64(16)
#define CPUID_7_ECX_BUS_LOCK BIT64(24)
#define CPUID_71_EAX_LAM     BIT64(26)

struct cpuid_result {
	uint32_t eax, ebx, ecx, edx;
};

#endif
