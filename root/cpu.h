/* SPDX-License-Identifier: MIT */
/*
 * One processor as root sees it. struct cpu lies at the start of the processor's block (gate.h), so
 * that any of its stack pointers, rounded down, is its address: root needs no segment base and no
 * look-up to know where it runs.
 *
 * World: root.
 */
#ifndef ROOT_CPU_H
#define ROOT_CPU_H

/* For the assembler; checked below. */
#define CPU_RAX		 0x00
#define CPU_RCX		 0x08
#define CPU_RDX		 0x10
#define CPU_RBX		 0x18
#define CPU_RBP		 0x28
#define CPU_RSI		 0x30
#define CPU_RDI		 0x38
#define CPU_R8		 0x40
#define CPU_R9		 0x48
#define CPU_R10		 0x50
#define CPU_R11		 0x58
#define CPU_R12		 0x60
#define CPU_R13		 0x68
#define CPU_R14		 0x70
#define CPU_R15		 0x78
#define CPU_HOST_RSP	 0x80
#define CPU_NMI_NEW	 0x88
#define CPU_LAUNCHED	 0x90
#define CPU_NMIS	 0x94
#define CPU_IDTR	 0xa0
#define CPU_TR		 0xaa
#define CPU_NMIS_IN_ROOT 0xb0
#define CPU_STUCK	 0xb8
#define CPU_STUCK_BIT	 0xac
#define CPU_STACK_TOP	 0x5000 /* pages 3 and 4 of the block */
#define CPU_BLOCK_MASK	 (-0x10000)

/* What vmx_enter returns. */
#define VMX_EXITED  0
#define VMX_FAILED  1 /* VMfail: no exit happened */
#define VMX_NMI_NEW 2 /* an NMI came in before the entry: arrange for it and try again */

#ifdef __ASSEMBLER__

/* The guest's registers from struct cpu at %rdi, but RDI itself (last, by the caller) and RSP. */
.macro load_guest_registers
	mov	CPU_RAX(%rdi), %rax
	mov	CPU_RCX(%rdi), %rcx
	mov	CPU_RDX(%rdi), %rdx
	mov	CPU_RBX(%rdi), %rbx
	mov	CPU_RBP(%rdi), %rbp
	mov	CPU_RSI(%rdi), %rsi
	mov	CPU_R8(%rdi), %r8
	mov	CPU_R9(%rdi), %r9
	mov	CPU_R10(%rdi), %r10
	mov	CPU_R11(%rdi), %r11
	mov	CPU_R12(%rdi), %r12
	mov	CPU_R13(%rdi), %r13
	mov	CPU_R14(%rdi), %r14
	mov	CPU_R15(%rdi), %r15
.endm

/* And back, with RDI, when the address of struct cpu is on top of the stack; %rdi is it then. */
.macro store_guest_registers
	push	%rdi
	mov	8(%rsp), %rdi
	pop	CPU_RDI(%rdi)
	mov	%rax, CPU_RAX(%rdi)
	mov	%rcx, CPU_RCX(%rdi)
	mov	%rdx, CPU_RDX(%rdi)
	mov	%rbx, CPU_RBX(%rdi)
	mov	%rbp, CPU_RBP(%rdi)
	mov	%rsi, CPU_RSI(%rdi)
	mov	%r8, CPU_R8(%rdi)
	mov	%r9, CPU_R9(%rdi)
	mov	%r10, CPU_R10(%rdi)
	mov	%r11, CPU_R11(%rdi)
	mov	%r12, CPU_R12(%rdi)
	mov	%r13, CPU_R13(%rdi)
	mov	%r14, CPU_R14(%rdi)
	mov	%r15, CPU_R15(%rdi)
.endm

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/capability.h"
#include "../base/vmcs.h"
#include "../gate/gate.h"

/* SDM: 64-Bit Task State Segment. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map;
} __attribute__((packed));

enum { IST_NMI = 1, IST_DOUBLE_FAULT = 2, IST_MACHINE_CHECK = 3 };

/* step.c: the instruction that is stepped. */
#define STEP_RIPS 6
struct step {
	uint64_t left;		    /* instructions */
	uint64_t at;		    /* its RIP */
	uint64_t blocking, pending; /* what the guest had: interruptibility, pending debug exceptions */
	bool armed;		    /* the entry was made for it */
	bool done;
	bool nmi_blocked; /* blocking by NMI is off for it */
	bool is_iret;	  /* looked at when nmi_blocked */
	unsigned recorded;
	uint64_t rip[STEP_RIPS]; /* the last ones, not in the ring yet */
};

/*
 * What root changes of the guest's state in the VMCS is written down with what it was, from an exit
 * to the next one: so it comes back if the exit's handler fails, or if the processor does not take
 * what it has left. RIP, and the operands of CPUID, are in the history.
 */
#define UNDO_ENTRIES 16u
struct undo {
	union {
		struct {
			uint32_t count;
			uint32_t done; /* the exit is dealt with: to be undone by a failed entry only */
		};
		uint64_t begin; /* both at once */
	};
	struct {
		uint32_t field;
		uint64_t value;
	} entry[UNDO_ENTRIES];
	uint64_t gpr[16]; /* at the exit, unless it is CPUID's */
	uint64_t cr2;	  /* as well */
};

struct cpu {
	/* The guest's general-purpose registers while root runs, by the encoding's numbers. RSP's
	   place is unused: the guest's is in the VMCS. */
	uint64_t gpr[16];
	uint64_t host_rsp; /* the value that the VMCS has */
	/* Something is to be arranged before the next entry. */
	union {
		struct {
			uint32_t nmi_new; /* set by the NMI handler, cleared by nmi_arrange */
			uint32_t stepping;
		};
		uint64_t attention;
	};
	uint32_t launched; /* the VMCS is: VMRESUME, not VMLAUNCH */
	uint32_t nmis;	   /* pending for the guest: at most 2, as the processor itself keeps one in
			      service and one latched */
	uint32_t index;
	uint32_t reserved;
	struct table_register idtr;
	uint16_t tr_selector;
	uint32_t stuck_bit; /* in *stuck */
	uint64_t nmis_in_root; /* counted by the NMI handler since the launch */
	uint64_t *stuck; /* in struct gate_command, the word with this processor's bit */

	struct gate_cpu *gate;
	struct gate_machine *machine;
	struct gate_ring *ring;
	struct gate_trail *trail;
	uint64_t history_mask;
	struct hp_exit *exit; /* the last one, in the trail */

	uint64_t ept_pointer;
	uint64_t ept_generation; /* of the last invalidation here */
	struct vmx_controls controls;
	struct capability capability;
	uint32_t in_vmx; /* between VMXON and VMXOFF */
	uint32_t away;	 /* how often root has failed: retreat.c */
	uint64_t cr2;  /* the guest's: a page fault of root's own overwrites the register */
	struct undo undo;
	struct step step;

	struct tss tss;
	uint64_t idt[VECTORS_RESERVED][2];
};

#define CPU_CHECK(offset, member)                                                                  \
	_Static_assert(offset == offsetof(struct cpu, member), #member " is elsewhere")
CPU_CHECK(CPU_RDI, gpr[7]);
CPU_CHECK(CPU_R15, gpr[15]);
CPU_CHECK(CPU_HOST_RSP, host_rsp);
CPU_CHECK(CPU_LAUNCHED, launched);
CPU_CHECK(CPU_NMI_NEW, nmi_new);
CPU_CHECK(CPU_NMIS, nmis);
CPU_CHECK(CPU_IDTR, idtr);
CPU_CHECK(CPU_TR, tr_selector);
CPU_CHECK(CPU_NMIS_IN_ROOT, nmis_in_root);
CPU_CHECK(CPU_STUCK, stuck);
CPU_CHECK(CPU_STUCK_BIT, stuck_bit);
_Static_assert(sizeof(struct cpu) <= 2 * GATE_PAGE, "struct cpu has two pages of the block");
_Static_assert(CPU_BLOCK_MASK == -(int)GATE_BLOCK_BYTES, "the block's size");

enum register_number {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
};

/* RAM at a physical address; not for root's own text and read-only data. */
static inline void *phys_ptr(const struct gate_machine *machine, struct phys address)
{
	return (void *)(uintptr_t)(machine->window_base + address.value);
}

#endif /* __ASSEMBLER__ */

#endif
