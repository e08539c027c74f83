/* SPDX-License-Identifier: MIT */
/*
 * Root's interrupt entries. An NMI is only counted, and, if it came in the window before a VM entry,
 * the entry is abandoned (vmx_enter.S). Every other vector is a fault: fault.c repairs it by the
 * exception table, or gives the guest up.
 *
 * The processor's block is found from the stack pointer: each of its stacks lies in it.
 *
 * World: root.
 */
#include "cpu.h"

#define VECTOR_NMI_NUMBER 2
#define FRAME_RIP	  0x00	/* of the interrupt frame */

	.text
	.globl fault_stubs
	.balign 16
fault_entries:
	vector = 0
	.rept 32
	.balign 16
	.if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && \
	    vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
	push	$0		/* in the place of an error code */
	.endif
	.if vector == VECTOR_NMI_NUMBER
	add	$8, %rsp
	jmp	nmi_entry
	.else
	push	$vector
	jmp	fault_common
	.endif
	vector = vector + 1
	.endr

nmi_entry:
	push	%rax
	push	%rcx
	mov	%rsp, %rax
	and	$CPU_BLOCK_MASK, %rax
	incl	CPU_NMIS(%rax)
	incq	CPU_NMIS_IN_ROOT(%rax)
	movl	$1, CPU_NMI_NEW(%rax)
	mov	0x10 + FRAME_RIP(%rsp), %rax
	lea	vmx_enter_window(%rip), %rcx
	cmp	%rcx, %rax
	jb	1f
	lea	vmx_enter_window_end(%rip), %rcx
	cmp	%rcx, %rax
	jae	1f
	lea	vmx_enter_again(%rip), %rcx
	mov	%rcx, 0x10 + FRAME_RIP(%rsp)
1:	mov	%rsp, %rax
	and	$CPU_BLOCK_MASK, %rax
	mov	CPU_STUCK_BIT(%rax), %ecx
	mov	CPU_STUCK(%rax), %rax
	bt	%rcx, (%rax)
	jc	2f
	pop	%rcx
	pop	%rax
	iretq
	/* It was sent since root does not come to an end: it counts as a fault of that. */
2:	mov	%rsp, %rax
	and	$CPU_BLOCK_MASK, %rax
	decl	CPU_NMIS(%rax)
	pop	%rcx
	pop	%rax
	push	$0
	push	$VECTOR_NMI_NUMBER
	jmp	fault_common

/*
 * void nmi_unblock(void): an NMI exit leaves NMIs blocked, and only an IRET surely ends that: a VM
 * entry with virtual NMIs need not. It returns to our caller by one. An NMI that was latched meanwhile
 * comes at once, into nmi_entry.
 */
	.globl nmi_unblock
nmi_unblock:
	pop	%rax
	mov	%rsp, %rcx
	mov	%ss, %edx
	push	%rdx
	push	%rcx
	pushfq
	mov	%cs, %edx
	push	%rdx
	push	%rax
	iretq

fault_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rsi
	and	$CPU_BLOCK_MASK, %rsi
	cld
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	fault_handle
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

	.section .rodata
	.balign 4
	/* Distances from each of these words to its stub. */
fault_stubs:
	vector = 0
	.rept 32
	.long	fault_entries + vector * 16 - .
	vector = vector + 1
	.endr

	.section .note.GNU-stack, "", %progbits
