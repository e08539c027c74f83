/* SPDX-License-Identifier: MIT */
/*
 * Root's first and last instructions: from the gate into root's own GDT, TSS, IDT and stack, and
 * back to the gate's.
 *
 * World: root.
 */
#include "../gate/gate.h"
#include "cpu.h"

	.text
/* From gate_enter, on the gate's stack and IDT: %rdi is the struct gate_cpu. */
	.globl root_entry
root_entry:
	endbr64
	push	%rdi
	call	root_prepare		/* returns struct cpu */
	pop	%rdi
	lgdt	GATE_ROOT_GDTR(%rdi)
	ltr	CPU_TR(%rax)
	lidt	CPU_IDTR(%rax)
	lea	CPU_STACK_TOP(%rax), %rsp
	xor	%ebp, %ebp
	call	root_main
	ud2

/* void leave_crossing(struct gate_cpu *, uint64_t gate_leave, struct cpu *): %rdi, %rsi, %rdx */
	.globl leave_crossing
leave_crossing:
	lea	4096(%rdi), %rsp
	lidt	GATE_CROSS_IDTR(%rdi)
	/* From here on NMIs are counted in the gate's page: hand over those that root counted. */
	mov	CPU_NMIS(%rdx), %eax
	add	%eax, GATE_NMIS(%rdi)
	jmp	*%rsi

/*
 * void vmcall_below(struct cpu *): VMCALL with the guest's general-purpose registers, and what it
 * returns in them back to the guest. RSP stays root's: no hypercall interface passes anything in it.
 */
	.globl vmcall_below
vmcall_below:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
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
	mov	CPU_RDI(%rdi), %rdi
	vmcall
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
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	int3

	.section .note.GNU-stack, "", %progbits
