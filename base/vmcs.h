/* SPDX-License-Identifier: MIT */
/*
 * The VMCS field table: each field's name, encoding and group, once. Setup, dumps, entry rules and
 * tests all work from it. The width is part of the encoding.
 *
 * Source: SDM, Field Encoding in VMCS.
 * World: any (pure).
 */
#ifndef BASE_VMCS_H
#define BASE_VMCS_H

#include <stdbool.h>
#include <stdint.h>

#include "x86.h"

/* X(NAME, encoding, group) */
#define VMCS_FIELDS(X)                                                                             \
	X(VPID, 0x0000, CONTROL)                                                                   \
	X(POSTED_VECTOR, 0x0002, CONTROL)                                                          \
	X(EPTP_INDEX, 0x0004, CONTROL)                                                             \
	X(HLAT_PREFIX_SIZE, 0x0006, CONTROL)                                                       \
	X(LAST_PID_INDEX, 0x0008, CONTROL)                                                         \
	X(GUEST_ES, 0x0800, GUEST)                                                                 \
	X(GUEST_CS, 0x0802, GUEST)                                                                 \
	X(GUEST_SS, 0x0804, GUEST)                                                                 \
	X(GUEST_DS, 0x0806, GUEST)                                                                 \
	X(GUEST_FS, 0x0808, GUEST)                                                                 \
	X(GUEST_GS, 0x080a, GUEST)                                                                 \
	X(GUEST_LDTR, 0x080c, GUEST)                                                               \
	X(GUEST_TR, 0x080e, GUEST)                                                                 \
	X(GUEST_INTERRUPT_STATUS, 0x0810, GUEST)                                                   \
	X(GUEST_PML_INDEX, 0x0812, GUEST)                                                          \
	X(GUEST_UINV, 0x0814, GUEST)                                                               \
	X(HOST_ES, 0x0c00, HOST)                                                                   \
	X(HOST_CS, 0x0c02, HOST)                                                                   \
	X(HOST_SS, 0x0c04, HOST)                                                                   \
	X(HOST_DS, 0x0c06, HOST)                                                                   \
	X(HOST_FS, 0x0c08, HOST)                                                                   \
	X(HOST_GS, 0x0c0a, HOST)                                                                   \
	X(HOST_TR, 0x0c0c, HOST)                                                                   \
	X(IO_BITMAP_A, 0x2000, CONTROL)                                                            \
	X(IO_BITMAP_B, 0x2002, CONTROL)                                                            \
	X(MSR_BITMAP, 0x2004, CONTROL)                                                             \
	X(EXIT_MSR_STORE, 0x2006, CONTROL)                                                         \
	X(EXIT_MSR_LOAD, 0x2008, CONTROL)                                                          \
	X(ENTRY_MSR_LOAD, 0x200a, CONTROL)                                                         \
	X(EXECUTIVE_VMCS, 0x200c, CONTROL)                                                         \
	X(PML_ADDRESS, 0x200e, CONTROL)                                                            \
	X(TSC_OFFSET, 0x2010, CONTROL)                                                             \
	X(VIRTUAL_APIC, 0x2012, CONTROL)                                                           \
	X(APIC_ACCESS, 0x2014, CONTROL)                                                            \
	X(POSTED_DESCRIPTOR, 0x2016, CONTROL)                                                      \
	X(VMFUNC_CONTROLS, 0x2018, CONTROL)                                                        \
	X(EPT_POINTER, 0x201a, CONTROL)                                                            \
	X(EOI_EXIT_0, 0x201c, CONTROL)                                                             \
	X(EOI_EXIT_1, 0x201e, CONTROL)                                                             \
	X(EOI_EXIT_2, 0x2020, CONTROL)                                                             \
	X(EOI_EXIT_3, 0x2022, CONTROL)                                                             \
	X(EPTP_LIST, 0x2024, CONTROL)                                                              \
	X(VMREAD_BITMAP, 0x2026, CONTROL)                                                          \
	X(VMWRITE_BITMAP, 0x2028, CONTROL)                                                         \
	X(VE_INFORMATION, 0x202a, CONTROL)                                                         \
	X(XSS_EXITING_BITMAP, 0x202c, CONTROL)                                                     \
	X(ENCLS_BITMAP, 0x202e, CONTROL)                                                           \
	X(SPP_POINTER, 0x2030, CONTROL)                                                            \
	X(TSC_MULTIPLIER, 0x2032, CONTROL)                                                         \
	X(PROC_CONTROLS3, 0x2034, CONTROL)                                                         \
	X(ENCLV_BITMAP, 0x2036, CONTROL)                                                           \
	X(LOW_PASID_DIRECTORY, 0x2038, CONTROL)                                                    \
	X(HIGH_PASID_DIRECTORY, 0x203a, CONTROL)                                                   \
	X(SHARED_EPT_POINTER, 0x203c, CONTROL)                                                     \
	X(PCONFIG_BITMAP, 0x203e, CONTROL)                                                         \
	X(HLAT_POINTER, 0x2040, CONTROL)                                                           \
	X(PID_TABLE, 0x2042, CONTROL)                                                              \
	X(EXIT_CONTROLS2, 0x2044, CONTROL)                                                         \
	X(SPEC_CTRL_MASK, 0x204a, CONTROL)                                                         \
	X(SPEC_CTRL_SHADOW, 0x204c, CONTROL)                                                       \
	X(GUEST_PHYSICAL_ADDRESS, 0x2400, EXIT)                                                    \
	X(LINK_POINTER, 0x2800, GUEST)                                                             \
	X(GUEST_DEBUGCTL, 0x2802, GUEST)                                                           \
	X(GUEST_PAT, 0x2804, GUEST)                                                                \
	X(GUEST_EFER, 0x2806, GUEST)                                                               \
	X(GUEST_PERF_GLOBAL, 0x2808, GUEST)                                                        \
	X(GUEST_PDPTE0, 0x280a, GUEST)                                                             \
	X(GUEST_PDPTE1, 0x280c, GUEST)                                                             \
	X(GUEST_PDPTE2, 0x280e, GUEST)                                                             \
	X(GUEST_PDPTE3, 0x2810, GUEST)                                                             \
	X(GUEST_BNDCFGS, 0x2812, GUEST)                                                            \
	X(GUEST_RTIT_CTL, 0x2814, GUEST)                                                           \
	X(GUEST_LBR_CTL, 0x2816, GUEST)                                                            \
	X(GUEST_PKRS, 0x2818, GUEST)                                                               \
	X(HOST_PAT, 0x2c00, HOST)                                                                  \
	X(HOST_EFER, 0x2c02, HOST)                                                                 \
	X(HOST_PERF_GLOBAL, 0x2c04, HOST)                                                          \
	X(HOST_PKRS, 0x2c06, HOST)                                                                 \
	X(PIN_CONTROLS, 0x4000, CONTROL)                                                           \
	X(PROC_CONTROLS, 0x4002, CONTROL)                                                          \
	X(EXCEPTION_BITMAP, 0x4004, CONTROL)                                                       \
	X(PF_ERROR_MASK, 0x4006, CONTROL)                                                          \
	X(PF_ERROR_MATCH, 0x4008, CONTROL)                                                         \
	X(CR3_TARGET_COUNT, 0x400a, CONTROL)                                                       \
	X(EXIT_CONTROLS, 0x400c, CONTROL)                                                          \
	X(EXIT_MSR_STORE_COUNT, 0x400e, CONTROL)                                                   \
	X(EXIT_MSR_LOAD_COUNT, 0x4010, CONTROL)                                                    \
	X(ENTRY_CONTROLS, 0x4012, CONTROL)                                                         \
	X(ENTRY_MSR_LOAD_COUNT, 0x4014, CONTROL)                                                   \
	X(ENTRY_INTERRUPTION, 0x4016, CONTROL)                                                     \
	X(ENTRY_ERROR_CODE, 0x4018, CONTROL)                                                       \
	X(ENTRY_LENGTH, 0x401a, CONTROL)                                                           \
	X(TPR_THRESHOLD, 0x401c, CONTROL)                                                          \
	X(PROC_CONTROLS2, 0x401e, CONTROL)                                                         \
	X(PLE_GAP, 0x4020, CONTROL)                                                                \
	X(PLE_WINDOW, 0x4022, CONTROL)                                                             \
	X(INSTRUCTION_TIMEOUT, 0x4024, CONTROL)                                                    \
	X(INSTRUCTION_ERROR, 0x4400, EXIT)                                                         \
	X(EXIT_REASON, 0x4402, EXIT)                                                               \
	X(EXIT_INTERRUPTION, 0x4404, EXIT)                                                         \
	X(EXIT_ERROR_CODE, 0x4406, EXIT)                                                           \
	X(IDT_VECTORING, 0x4408, EXIT)                                                             \
	X(IDT_VECTORING_ERROR, 0x440a, EXIT)                                                       \
	X(EXIT_LENGTH, 0x440c, EXIT)                                                               \
	X(EXIT_INSTRUCTION, 0x440e, EXIT)                                                          \
	X(GUEST_ES_LIMIT, 0x4800, GUEST)                                                           \
	X(GUEST_CS_LIMIT, 0x4802, GUEST)                                                           \
	X(GUEST_SS_LIMIT, 0x4804, GUEST)                                                           \
	X(GUEST_DS_LIMIT, 0x4806, GUEST)                                                           \
	X(GUEST_FS_LIMIT, 0x4808, GUEST)                                                           \
	X(GUEST_GS_LIMIT, 0x480a, GUEST)                                                           \
	X(GUEST_LDTR_LIMIT, 0x480c, GUEST)                                                         \
	X(GUEST_TR_LIMIT, 0x480e, GUEST)                                                           \
	X(GUEST_GDTR_LIMIT, 0x4810, GUEST)                                                         \
	X(GUEST_IDTR_LIMIT, 0x4812, GUEST)                                                         \
	X(GUEST_ES_RIGHTS, 0x4814, GUEST)                                                          \
	X(GUEST_CS_RIGHTS, 0x4816, GUEST)                                                          \
	X(GUEST_SS_RIGHTS, 0x4818, GUEST)                                                          \
	X(GUEST_DS_RIGHTS, 0x481a, GUEST)                                                          \
	X(GUEST_FS_RIGHTS, 0x481c, GUEST)                                                          \
	X(GUEST_GS_RIGHTS, 0x481e, GUEST)                                                          \
	X(GUEST_LDTR_RIGHTS, 0x4820, GUEST)                                                        \
	X(GUEST_TR_RIGHTS, 0x4822, GUEST)                                                          \
	X(GUEST_INTERRUPTIBILITY, 0x4824, GUEST)                                                   \
	X(GUEST_ACTIVITY, 0x4826, GUEST)                                                           \
	X(GUEST_SMBASE, 0x4828, GUEST)                                                             \
	X(GUEST_SYSENTER_CS, 0x482a, GUEST)                                                        \
	X(GUEST_PREEMPTION_TIMER, 0x482e, GUEST)                                                   \
	X(HOST_SYSENTER_CS, 0x4c00, HOST)                                                          \
	X(CR0_MASK, 0x6000, CONTROL)                                                               \
	X(CR4_MASK, 0x6002, CONTROL)                                                               \
	X(CR0_SHADOW, 0x6004, CONTROL)                                                             \
	X(CR4_SHADOW, 0x6006, CONTROL)                                                             \
	X(CR3_TARGET0, 0x6008, CONTROL)                                                            \
	X(CR3_TARGET1, 0x600a, CONTROL)                                                            \
	X(CR3_TARGET2, 0x600c, CONTROL)                                                            \
	X(CR3_TARGET3, 0x600e, CONTROL)                                                            \
	X(EXIT_QUALIFICATION, 0x6400, EXIT)                                                        \
	X(IO_RCX, 0x6402, EXIT)                                                                    \
	X(IO_RSI, 0x6404, EXIT)                                                                    \
	X(IO_RDI, 0x6406, EXIT)                                                                    \
	X(IO_RIP, 0x6408, EXIT)                                                                    \
	X(GUEST_LINEAR_ADDRESS, 0x640a, EXIT)                                                      \
	X(GUEST_CR0, 0x6800, GUEST)                                                                \
	X(GUEST_CR3, 0x6802, GUEST)                                                                \
	X(GUEST_CR4, 0x6804, GUEST)                                                                \
	X(GUEST_ES_BASE, 0x6806, GUEST)                                                            \
	X(GUEST_CS_BASE, 0x6808, GUEST)                                                            \
	X(GUEST_SS_BASE, 0x680a, GUEST)                                                            \
	X(GUEST_DS_BASE, 0x680c, GUEST)                                                            \
	X(GUEST_FS_BASE, 0x680e, GUEST)                                                            \
	X(GUEST_GS_BASE, 0x6810, GUEST)                                                            \
	X(GUEST_LDTR_BASE, 0x6812, GUEST)                                                          \
	X(GUEST_TR_BASE, 0x6814, GUEST)                                                            \
	X(GUEST_GDTR_BASE, 0x6816, GUEST)                                                          \
	X(GUEST_IDTR_BASE, 0x6818, GUEST)                                                          \
	X(GUEST_DR7, 0x681a, GUEST)                                                                \
	X(GUEST_RSP, 0x681c, GUEST)                                                                \
	X(GUEST_RIP, 0x681e, GUEST)                                                                \
	X(GUEST_RFLAGS, 0x6820, GUEST)                                                             \
	X(GUEST_PENDING_DEBUG, 0x6822, GUEST)                                                      \
	X(GUEST_SYSENTER_ESP, 0x6824, GUEST)                                                       \
	X(GUEST_SYSENTER_EIP, 0x6826, GUEST)                                                       \
	X(GUEST_S_CET, 0x6828, GUEST)                                                              \
	X(GUEST_SSP, 0x682a, GUEST)                                                                \
	X(GUEST_SSP_TABLE, 0x682c, GUEST)                                                          \
	X(HOST_CR0, 0x6c00, HOST)                                                                  \
	X(HOST_CR3, 0x6c02, HOST)                                                                  \
	X(HOST_CR4, 0x6c04, HOST)                                                                  \
	X(HOST_FS_BASE, 0x6c06, HOST)                                                              \
	X(HOST_GS_BASE, 0x6c08, HOST)                                                              \
	X(HOST_TR_BASE, 0x6c0a, HOST)                                                              \
	X(HOST_GDTR_BASE, 0x6c0c, HOST)                                                            \
	X(HOST_IDTR_BASE, 0x6c0e, HOST)                                                            \
	X(HOST_SYSENTER_ESP, 0x6c10, HOST)                                                         \
	X(HOST_SYSENTER_EIP, 0x6c12, HOST)                                                         \
	X(HOST_RSP, 0x6c14, HOST)                                                                  \
	X(HOST_RIP, 0x6c16, HOST)                                                                  \
	X(HOST_S_CET, 0x6c18, HOST)                                                                \
	X(HOST_SSP, 0x6c1a, HOST)                                                                  \
	X(HOST_SSP_TABLE, 0x6c1c, HOST)

enum vmcs_field {
#define VMCS_ENUM(name, encoding, group) VMCS_##name = encoding,
	VMCS_FIELDS(VMCS_ENUM)
#undef VMCS_ENUM
};

/* The place of each field in the table. */
enum vmcs_at {
#define VMCS_AT(name, encoding, group) VMCS_AT_##name,
	VMCS_FIELDS(VMCS_AT) VMCS_FIELDS_COUNT
#undef VMCS_AT
};

enum vmcs_group { VMCS_CONTROL, VMCS_GUEST, VMCS_HOST, VMCS_EXIT };

struct vmcs_field_info {
	const char *name;
	uint32_t encoding;
	enum vmcs_group group;
};

extern const struct vmcs_field_info vmcs_fields[];
extern const unsigned vmcs_fields_count;

/* What a VMCS holds, or as much of it as is known: by the places of the table. */
struct vmcs_snapshot {
	uint64_t value[VMCS_FIELDS_COUNT]; /* 0 where nothing is known */
	bool present[VMCS_FIELDS_COUNT];
};

/* The place of the field with that encoding, or VMCS_FIELDS_COUNT. */
unsigned vmcs_field_at(uint32_t encoding);

/* In bytes: 2, 4 or 8. SDM: Structure of VMCS Component Encoding, bits 14:13. */
static inline unsigned vmcs_field_bytes(uint32_t encoding)
{
	switch (encoding >> 13 & 3) {
	case 0:
		return 2;
	case 2:
		return 4;
	default:
		return 8;
	}
}

/* The segment registers in the order of the manual's encodings: ES CS SS DS FS GS LDTR TR. */
enum segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEGMENTS };

#define VMCS_GUEST_SELECTOR(seg) (VMCS_GUEST_ES + 2 * (seg))
#define VMCS_GUEST_LIMIT(seg)	 (VMCS_GUEST_ES_LIMIT + 2 * (seg))
#define VMCS_GUEST_RIGHTS(seg)	 (VMCS_GUEST_ES_RIGHTS + 2 * (seg))
#define VMCS_GUEST_BASE(seg)	 (VMCS_GUEST_ES_BASE + 2 * (seg))

#define RIGHTS_TYPE(r)	    ((r)&0xfu)
#define RIGHTS_ACCESSED	    0x00001u
#define RIGHTS_WRITABLE	    0x00002u /* data */
#define RIGHTS_READABLE	    0x00002u /* code */
#define RIGHTS_EXPAND_DOWN  0x00004u /* data */
#define RIGHTS_CODE	    0x00008u
#define RIGHTS_CODE_OR_DATA 0x00010u /* S */
#define RIGHTS_PRESENT	    0x00080u
#define RIGHTS_BIG	    0x04000u
#define RIGHTS_GRANULARITY  0x08000u
#define RIGHTS_UNUSABLE	    0x10000u
#define RIGHTS_LONG	    0x02000u /* L: 64-bit code */
#define RIGHTS_DPL(r)	    ((r) >> 5 & 3u)

/* Pin-based VM-execution controls. */
#define PIN_EXTERNAL_INTERRUPT 0x01u
#define PIN_NMI		       0x08u
#define PIN_VIRTUAL_NMIS       0x20u
#define PIN_PREEMPTION_TIMER   0x40u
#define PIN_POSTED_INTERRUPTS  0x80u

/* Primary processor-based VM-execution controls. */
#define PROC_INTERRUPT_WINDOW 0x00000004u
#define PROC_TSC_OFFSETTING   0x00000008u
#define PROC_HLT	      0x00000080u
#define PROC_INVLPG	      0x00000200u
#define PROC_MWAIT	      0x00000400u
#define PROC_RDPMC	      0x00000800u
#define PROC_RDTSC	      0x00001000u
#define PROC_CR3_LOAD	      0x00008000u
#define PROC_CR3_STORE	      0x00010000u
#define PROC_TERTIARY	      0x00020000u
#define PROC_CR8_LOAD	      0x00080000u
#define PROC_CR8_STORE	      0x00100000u
#define PROC_TPR_SHADOW	      0x00200000u
#define PROC_NMI_WINDOW	      0x00400000u
#define PROC_MOV_DR	      0x00800000u
#define PROC_IO_UNCONDITIONAL 0x01000000u
#define PROC_IO_BITMAPS	      0x02000000u
#define PROC_MONITOR_TRAP     0x08000000u
#define PROC_MSR_BITMAPS      0x10000000u
#define PROC_MONITOR	      0x20000000u
#define PROC_PAUSE	      0x40000000u
#define PROC_SECONDARY	      0x80000000u

/* Secondary processor-based VM-execution controls. */
#define PROC2_APIC_ACCESSES	 0x00000001u
#define PROC2_EPT		 0x00000002u
#define PROC2_DESCRIPTOR_TABLE	 0x00000004u
#define PROC2_RDTSCP		 0x00000008u
#define PROC2_X2APIC		 0x00000010u
#define PROC2_VPID		 0x00000020u
#define PROC2_WBINVD		 0x00000040u
#define PROC2_UNRESTRICTED	 0x00000080u
#define PROC2_APIC_REGISTERS	 0x00000100u
#define PROC2_VIRTUAL_INTERRUPTS 0x00000200u
#define PROC2_INVPCID		 0x00001000u
#define PROC2_VMFUNC		 0x00002000u
#define PROC2_SHADOWING		 0x00004000u
#define PROC2_PML		 0x00020000u
#define PROC2_VE		 0x00040000u
#define PROC2_CONCEAL_PT	 0x00080000u
#define PROC2_XSAVES		 0x00100000u
#define PROC2_PASID		 0x00200000u
#define PROC2_MODE_BASED_EXECUTE 0x00400000u
#define PROC2_SPP		 0x00800000u
#define PROC2_PT_GUEST_PHYSICAL	 0x01000000u
#define PROC2_TSC_SCALING	 0x02000000u
#define PROC2_USER_WAIT_PAUSE	 0x04000000u
#define PROC2_PCONFIG		 0x08000000u

/* Tertiary processor-based VM-execution controls. */
#define PROC3_HLAT	   BIT64(1)
#define PROC3_PAGING_WRITE BIT64(2)
#define PROC3_GUEST_PAGING BIT64(3)
#define PROC3_IPI	   BIT64(4)

/* VM functions. */
#define VMFUNC_EPTP_SWITCHING BIT64(0)

/* VM-exit controls. */
#define EXIT_SAVE_DEBUG	      0x00000004u
#define EXIT_HOST_64	      0x00000200u
#define EXIT_LOAD_PERF_GLOBAL 0x00001000u
#define EXIT_ACKNOWLEDGE      0x00008000u
#define EXIT_SAVE_PAT	      0x00040000u
#define EXIT_LOAD_PAT	      0x00080000u
#define EXIT_SAVE_EFER	      0x00100000u
#define EXIT_LOAD_EFER	      0x00200000u
#define EXIT_SAVE_TIMER	      0x00400000u
#define EXIT_CONCEAL_PT	      0x01000000u
#define EXIT_CLEAR_RTIT_CTL   0x02000000u
#define EXIT_LOAD_CET	      0x10000000u
#define EXIT_LOAD_PKRS	      0x20000000u
#define EXIT_SECONDARY	      0x80000000u

/* VM-entry controls. */
#define ENTRY_LOAD_DEBUG       0x00000004u
#define ENTRY_IA32E	       0x00000200u
#define ENTRY_SMM	       0x00000400u
#define ENTRY_END_DUAL_MONITOR 0x00000800u
#define ENTRY_LOAD_PERF_GLOBAL 0x00002000u
#define ENTRY_LOAD_PAT	       0x00004000u
#define ENTRY_LOAD_EFER	       0x00008000u
#define ENTRY_LOAD_BNDCFGS     0x00010000u
#define ENTRY_CONCEAL_PT       0x00020000u
#define ENTRY_LOAD_RTIT_CTL    0x00040000u
#define ENTRY_LOAD_UINV	       0x00080000u
#define ENTRY_LOAD_CET	       0x00100000u
#define ENTRY_LOAD_LBR_CTL     0x00200000u
#define ENTRY_LOAD_PKRS	       0x00400000u

/* Guest activity state, and where IA32_VMX_MISC says that it exists. */
#define ACTIVITY_ACTIVE	       0u
#define ACTIVITY_HLT	       1u
#define ACTIVITY_SHUTDOWN      2u
#define ACTIVITY_WAIT_FOR_SIPI 3u
#define MISC_ACTIVITY_HLT      BIT64(6)

/* Guest interruptibility state. */
#define BLOCKING_STI	 0x1u
#define BLOCKING_MOV_SS	 0x2u
#define BLOCKING_SMI	 0x4u
#define BLOCKING_NMI	 0x8u
#define BLOCKING_ENCLAVE 0x10u /* enclave interruption */

/* Pending debug exceptions. */
#define PENDING_DEBUG_BUS_LOCK		 BIT64(11)
#define PENDING_DEBUG_ENABLED_BREAKPOINT BIT64(12)
#define PENDING_DEBUG_BS		 BIT64(14)
#define PENDING_DEBUG_RTM		 BIT64(16)

/* Interruption information, of entries, exits and IDT vectoring. */
#define EVENT_VALID	    0x80000000u
#define EVENT_ERROR_CODE    0x00000800u
#define EVENT_NMI_UNBLOCKED 0x00001000u /* exits: NMI unblocking due to IRET */
#define EVENT_VECTOR(info)  ((info)&0xffu)
#define EVENT_TYPE(info)    ((info) >> 8 & 7u)

enum event_type {
	EVENT_EXTERNAL = 0,
	EVENT_NMI = 2,
	EVENT_EXCEPTION = 3, /* hardware exception */
	EVENT_SOFTWARE_INTERRUPT = 4,
	EVENT_PRIVILEGED_EXCEPTION = 5, /* INT1 */
	EVENT_SOFTWARE_EXCEPTION = 6,	/* INT3, INTO */
	EVENT_OTHER = 7,
};

/* Of these types the length of the instruction belongs to the event. */
static inline bool event_is_software(uint32_t info)
{
	enum event_type type = EVENT_TYPE(info);

	return type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION ||
	       type == EVENT_PRIVILEGED_EXCEPTION;
}

static inline uint32_t event_info(enum event_type type, unsigned vector, bool error_code)
{
	return EVENT_VALID | (uint32_t)type << 8 | (error_code ? EVENT_ERROR_CODE : 0) | vector;
}

/* EPT violations. SDM: Exit Qualification for EPT Violations. */
#define EPT_VIOLATION_READ	    BIT64(0)
#define EPT_VIOLATION_WRITE	    BIT64(1)
#define EPT_VIOLATION_FETCH	    BIT64(2)
#define EPT_VIOLATION_PRESENT	    (BIT64(3) | BIT64(4) | BIT64(5))
#define EPT_VIOLATION_LINEAR	    BIT64(7)
#define EPT_VIOLATION_NMI_UNBLOCKED BIT64(12)

/* Basic exit reasons. X(NAME, number, text). SDM: Basic VM-Exit Reasons. */
#define EXIT_REASONS(X)                                                                            \
	X(EXCEPTION_NMI, 0, "exception or NMI")                                                    \
	X(EXTERNAL_INTERRUPT, 1, "external interrupt")                                             \
	X(TRIPLE_FAULT, 2, "triple fault")                                                         \
	X(INIT, 3, "INIT signal")                                                                  \
	X(SIPI, 4, "start-up IPI")                                                                 \
	X(IO_SMI, 5, "I/O SMI")                                                                    \
	X(OTHER_SMI, 6, "other SMI")                                                               \
	X(INTERRUPT_WINDOW, 7, "interrupt window")                                                 \
	X(NMI_WINDOW, 8, "NMI window")                                                             \
	X(TASK_SWITCH, 9, "task switch")                                                           \
	X(CPUID, 10, "CPUID")                                                                      \
	X(GETSEC, 11, "GETSEC")                                                                    \
	X(HLT, 12, "HLT")                                                                          \
	X(INVD, 13, "INVD")                                                                        \
	X(INVLPG, 14, "INVLPG")                                                                    \
	X(RDPMC, 15, "RDPMC")                                                                      \
	X(RDTSC, 16, "RDTSC")                                                                      \
	X(RSM, 17, "RSM")                                                                          \
	X(VMCALL, 18, "VMCALL")                                                                    \
	X(VMCLEAR, 19, "VMCLEAR")                                                                  \
	X(VMLAUNCH, 20, "VMLAUNCH")                                                                \
	X(VMPTRLD, 21, "VMPTRLD")                                                                  \
	X(VMPTRST, 22, "VMPTRST")                                                                  \
	X(VMREAD, 23, "VMREAD")                                                                    \
	X(VMRESUME, 24, "VMRESUME")                                                                \
	X(VMWRITE, 25, "VMWRITE")                                                                  \
	X(VMXOFF, 26, "VMXOFF")                                                                    \
	X(VMXON, 27, "VMXON")                                                                      \
	X(CR_ACCESS, 28, "control-register access")                                                \
	X(MOV_DR, 29, "MOV DR")                                                                    \
	X(IO, 30, "I/O instruction")                                                               \
	X(RDMSR, 31, "RDMSR")                                                                      \
	X(WRMSR, 32, "WRMSR")                                                                      \
	X(ENTRY_GUEST_STATE, 33, "VM entry failed: guest state")                                   \
	X(ENTRY_MSR_LOADING, 34, "VM entry failed: MSR loading")                                   \
	X(MWAIT, 36, "MWAIT")                                                                      \
	X(MONITOR_TRAP, 37, "monitor trap flag")                                                   \
	X(MONITOR, 39, "MONITOR")                                                                  \
	X(PAUSE, 40, "PAUSE")                                                                      \
	X(ENTRY_MACHINE_CHECK, 41, "VM entry failed: machine check")                               \
	X(TPR_BELOW_THRESHOLD, 43, "TPR below threshold")                                          \
	X(APIC_ACCESS, 44, "APIC access")                                                          \
	X(VIRTUALIZED_EOI, 45, "virtualized EOI")                                                  \
	X(GDTR_IDTR, 46, "access to GDTR or IDTR")                                                 \
	X(LDTR_TR, 47, "access to LDTR or TR")                                                     \
	X(EPT_VIOLATION, 48, "EPT violation")                                                      \
	X(EPT_MISCONFIG, 49, "EPT misconfiguration")                                               \
	X(INVEPT, 50, "INVEPT")                                                                    \
	X(RDTSCP, 51, "RDTSCP")                                                                    \
	X(PREEMPTION_TIMER, 52, "VMX-preemption timer")                                            \
	X(INVVPID, 53, "INVVPID")                                                                  \
	X(WBINVD, 54, "WBINVD")                                                                    \
	X(XSETBV, 55, "XSETBV")                                                                    \
	X(APIC_WRITE, 56, "APIC write")                                                            \
	X(RDRAND, 57, "RDRAND")                                                                    \
	X(INVPCID, 58, "INVPCID")                                                                  \
	X(VMFUNC, 59, "VMFUNC")                                                                    \
	X(ENCLS, 60, "ENCLS")                                                                      \
	X(RDSEED, 61, "RDSEED")                                                                    \
	X(PML_FULL, 62, "page-modification log full")                                              \
	X(XSAVES, 63, "XSAVES")                                                                    \
	X(XRSTORS, 64, "XRSTORS")                                                                  \
	X(PCONFIG, 65, "PCONFIG")                                                                  \
	X(SPP, 66, "SPP-related event")                                                            \
	X(UMWAIT, 67, "UMWAIT")                                                                    \
	X(TPAUSE, 68, "TPAUSE")                                                                    \
	X(LOADIWKEY, 69, "LOADIWKEY")                                                              \
	X(ENCLV, 70, "ENCLV")                                                                      \
	X(ENQCMD_PASID, 72, "ENQCMD PASID translation failure")                                    \
	X(ENQCMDS_PASID, 73, "ENQCMDS PASID translation failure")                                  \
	X(BUS_LOCK, 74, "bus lock")                                                                \
	X(NOTIFY, 75, "notify window")                                                             \
	X(SEAMCALL, 76, "SEAMCALL")                                                                \
	X(TDCALL, 77, "TDCALL")

enum exit_reason {
#define EXIT_ENUM(name, number, text) EXIT_REASON_##name = number,
	EXIT_REASONS(EXIT_ENUM)
#undef EXIT_ENUM
};

/* SDM: Basic VM-Exit Information: what the exit reason says besides the basic one. */
#define EXIT_REASON_ENCLAVE	 0x08000000u /* bit 27: the exit came in an enclave (SGX) */
#define EXIT_REASON_ENTRY_FAILED 0x80000000u /* bit 31 */

/* The text for a basic exit reason; NULL for a number that the manual does not define. */
const char *exit_reason_text(uint32_t basic);

#endif
