/* SPDX-License-Identifier: MIT */
/*
 * The gate: the only code that both worlds run. It is one page of the host's own image, mapped at
 * the same virtual address in both worlds, and holds the way into root (gate_enter), the way out
 * (gate_leave) and the hypercall (gate_call).
 *
 * What holds at every instruction of a crossing: an NMI finds a mapped IDT, a mapped stack, and a
 * GDT in which the OS's code and stack selectors are valid. Hence the order: first the stack and the
 * IDT of the gate, then the copy of the OS's GDT, then CR4 and CR3; and backwards on the way out.
 * The gate's NMI entry has no IST, so the task register does not matter in between.
 *
 * World: both. No relocation but relative ones, so that the page runs wherever it is mapped.
 */
#include "gate.h"

/* A host whose tools check every return and indirect branch says here that the next one is meant. */
#ifndef GATE_SAFE_BRANCH
#define GATE_SAFE_BRANCH
#endif

#define CR4_PGE_BIT   0x80
#define DR7_ALL_OFF   0x400
#define GDT_COPY_LAST 0xff
#define NOT_RUNNING   8 /* HP_ERROR_NOT_RUNNING */
#define BAD_STATE     15 /* HP_ERROR_STATE */

	.text
	.balign 4096, 0xcc
	.globl gate_text, gate_enter, gate_call, gate_vmcall, gate_vmcall_failed
	.globl gate_leave, gate_nmi, gate_text_end
gate_text:

/* uint32_t gate_enter(struct gate_cpu *cpu): %rdi */
gate_enter:
	endbr64
	/* What the C caller wants back: it resumes at gate_entered, as a guest or, refused, natively. */
	movq	$0, (%rdi)
	mov	%rbx, 0x18(%rdi)
	mov	%rsp, GATE_RSP(%rdi)
	mov	%rbp, GATE_RBP(%rdi)
	mov	%rdi, GATE_RDI(%rdi)
	mov	%r12, 0x60(%rdi)
	mov	%r13, 0x68(%rdi)
	mov	%r14, 0x70(%rdi)
	mov	%r15, 0x78(%rdi)
	lea	gate_entered(%rip), %rax
	mov	%rax, GATE_RIP(%rdi)
	pushfq
	pop	GATE_RFLAGS(%rdi)

	mov	%cr0, %rax
	mov	%rax, GATE_CR0(%rdi)
	mov	%cr3, %rax
	mov	%rax, GATE_CR3(%rdi)
	mov	%cr4, %rax
	mov	%rax, GATE_CR4(%rdi)
	mov	%dr7, %rax
	mov	%rax, GATE_DR7(%rdi)
	sgdt	GATE_GDTR(%rdi)
	sidt	GATE_IDTR(%rdi)
	movw	%es, GATE_SELECTORS + GATE_SELECTOR_ES(%rdi)
	movw	%cs, GATE_SELECTORS + GATE_SELECTOR_CS(%rdi)
	movw	%ss, GATE_SELECTORS + GATE_SELECTOR_SS(%rdi)
	movw	%ds, GATE_SELECTORS + GATE_SELECTOR_DS(%rdi)
	movw	%fs, GATE_SELECTORS + GATE_SELECTOR_FS(%rdi)
	movw	%gs, GATE_SELECTORS + GATE_SELECTOR_GS(%rdi)
	sldt	GATE_SELECTORS + GATE_SELECTOR_LDTR(%rdi)
	str	GATE_SELECTORS + GATE_SELECTOR_TR(%rdi)

	movzwl	GATE_GDTR(%rdi), %ecx
	mov	$BAD_STATE, %eax
	cmp	$GDT_COPY_LAST, %ecx
	ja	gate_entered
	inc	%ecx
	mov	GATE_GDTR + 2(%rdi), %rsi
	mov	%rdi, %rdx
	lea	GATE_OS_GDT(%rdi), %rdi
	rep movsb
	mov	%rdx, %rdi

	/* Nobody handles a #DB in the crossing. */
	mov	$DR7_ALL_OFF, %eax
	mov	%rax, %dr7

	lea	4096(%rdi), %rsp
	lidt	GATE_CROSS_IDTR(%rdi)
	lgdt	GATE_COPY_GDTR(%rdi)
	/* Without PGE and PCIDE: no translation of the OS world survives. */
	mov	GATE_ROOT_CR4(%rdi), %rax
	mov	%rax, %cr4
	mov	GATE_ROOT_CR3(%rdi), %rax
	mov	%rax, %cr3
	mov	GATE_ROOT_ENTRY(%rdi), %rax
	GATE_SAFE_BRANCH
	jmp	*%rax
	int3

/* uint64_t gate_call(struct gate_cpu *cpu, uint64_t code, uint64_t argument): %rdi, %rsi, %rdx */
gate_call:
	endbr64
	mov	%rsi, %rcx
	movabs	$GATE_SIGNATURE, %rax
gate_vmcall:
	vmcall
gate_entered:
	GATE_SAFE_BRANCH
	ret
	int3

gate_vmcall_failed:
	mov	$NOT_RUNNING, %eax
	GATE_SAFE_BRANCH
	ret
	int3

/*
 * An NMI in the crossing: counted in the page that the stack is in, delivered when the crossing is
 * done.
 */
gate_nmi:
	endbr64				/* until CR4 is root's, CET may be on */
	push	%rax
	mov	%rsp, %rax
	and	$-4096, %rax
	incl	GATE_NMIS(%rax)
	pop	%rax
	iretq

/*
 * From root, not in VMX operation any more, on the gate's stack and IDT already: %rdi is the struct
 * gate_cpu, whose state is restored, and whose copy of the GDT has the descriptors to load.
 */
gate_leave:
	endbr64
	lgdt	GATE_COPY_GDTR(%rdi)
	ltr	GATE_SELECTORS + GATE_SELECTOR_TR(%rdi)
	lldt	GATE_SELECTORS + GATE_SELECTOR_LDTR(%rdi)

	/* SDM: CR4.PCIDE can be set only while CR3[11:0] is 0. */
	mov	GATE_CR3(%rdi), %rax
	mov	%rax, %rcx
	and	$-4096, %rcx
	mov	%rcx, %cr3
	mov	GATE_CR4(%rdi), %rdx
	mov	%rdx, %cr4
	mov	%rax, %cr3
	/* A change of PGE drops every translation, global ones and all PCIDs' included. */
	mov	%rdx, %rcx
	xor	$CR4_PGE_BIT, %rcx
	mov	%rcx, %cr4
	mov	%rdx, %cr4
	mov	GATE_CR0(%rdi), %rax
	mov	%rax, %cr0

	movw	GATE_SELECTORS + GATE_SELECTOR_ES(%rdi), %es
	movw	GATE_SELECTORS + GATE_SELECTOR_DS(%rdi), %ds
	movw	GATE_SELECTORS + GATE_SELECTOR_FS(%rdi), %fs
	movw	GATE_SELECTORS + GATE_SELECTOR_GS(%rdi), %gs
	/* After the selectors: loading those of FS and GS changed the bases. */
	lea	GATE_MSRS(%rdi), %rsi
	mov	$GATE_MSRS_COUNT, %ebx
3:	mov	(%rsi), %ecx
	test	%ecx, %ecx
	jz	4f
	mov	8(%rsi), %eax
	mov	12(%rsi), %edx
	wrmsr
	add	$16, %rsi
	dec	%ebx
	jnz	3b
4:
	lgdt	GATE_GDTR(%rdi)
	lidt	GATE_IDTR(%rdi)
	/* Those that arrived on the way, now that the OS's handler can be reached. */
5:	cmpl	$0, GATE_NMIS(%rdi)
	je	6f
	int	$2
	decl	GATE_NMIS(%rdi)
	jmp	5b
6:	mov	GATE_DR7(%rdi), %rax
	mov	%rax, %dr7

	movzwl	GATE_SELECTORS + GATE_SELECTOR_SS(%rdi), %eax
	push	%rax
	push	GATE_RSP(%rdi)
	push	GATE_RFLAGS(%rdi)
	movzwl	GATE_SELECTORS + GATE_SELECTOR_CS(%rdi), %eax
	push	%rax
	push	GATE_RIP(%rdi)

	mov	0x00(%rdi), %rax
	mov	0x08(%rdi), %rcx
	mov	0x10(%rdi), %rdx
	mov	0x18(%rdi), %rbx
	mov	GATE_RBP(%rdi), %rbp
	mov	GATE_RSI(%rdi), %rsi
	mov	0x40(%rdi), %r8
	mov	0x48(%rdi), %r9
	mov	0x50(%rdi), %r10
	mov	0x58(%rdi), %r11
	mov	0x60(%rdi), %r12
	mov	0x68(%rdi), %r13
	mov	0x70(%rdi), %r14
	mov	0x78(%rdi), %r15
	mov	GATE_RDI(%rdi), %rdi
	iretq

	.balign 4096, 0xcc
gate_text_end:
#ifdef __ELF__
	.section .note.GNU-stack, "", %progbits
#endif
