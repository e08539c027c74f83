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
	mov	%rax, %rdi
	call	root_main
	ud2

/* void retreat_afresh(struct cpu *) */
	.globl retreat_afresh
retreat_afresh:
	lea	CPU_STACK_TOP(%rdi), %rsp
	xor	%ebp, %ebp
	call	retreat_stage
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
	load_guest_registers
	mov	CPU_RDI(%rdi), %rdi
	vmcall
	store_guest_registers
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
