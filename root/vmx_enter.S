/* SPDX-License-Identifier: MIT */
/*
 * Into the guest and back, called by vmx_enter() of vmx.h only. It returns to its caller, whether the
 * guest ran and left (VMX_EXITED), the entry was refused (VMX_FAILED), or an NMI came in at the last
 * moment (VMX_NMI_NEW). %rdi (the struct cpu) and %rbp come back as they were, nothing else does: what
 * the caller still needs, it keeps in memory.
 *
 * An NMI that arrives in root is counted by its handler, and must reach the guest at the next entry.
 * Between the check of the flag and VMRESUME there is no instruction that could act on it; so the
 * NMI handler (fault.S) moves an interrupted RIP in that window to vmx_enter_again. Nothing in the
 * window changes memory or RSP: it can be left at any instruction.
 *
 * World: root.
 */
#include "cpu.h"

#define VMCS_HOST_RSP 0x6c14

	.text
	.globl vmx_enter_guest, vmx_exit, vmx_enter_window, vmx_enter_window_end, vmx_enter_again
vmx_enter_guest:
	push	%rbp
	push	%rdi
	cmp	%rsp, CPU_HOST_RSP(%rdi)
	jne	3f
1:	load_guest_registers
vmx_enter_window:
	cmpl	$0, CPU_NMI_NEW(%rdi)
	jne	vmx_enter_again
	cmpl	$0, CPU_LAUNCHED(%rdi)
	mov	CPU_RDI(%rdi), %rdi
	je	2f
	vmresume
	jmp	vmx_enter_failed
2:	vmlaunch
vmx_enter_window_end:
	jmp	vmx_enter_failed

	/* The loop calls from one place: this happens once. */
3:	mov	%rsp, CPU_HOST_RSP(%rdi)
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	jmp	1b

vmx_enter_again:
	mov	$VMX_NMI_NEW, %eax
	jmp	4f
vmx_enter_failed:
	mov	$VMX_FAILED, %eax
	jmp	4f

	/* The processor comes here at a VM exit, with the stack of the entry. */
vmx_exit:
	store_guest_registers
	movl	$1, CPU_LAUNCHED(%rdi)
	xor	%eax, %eax		/* VMX_EXITED */
4:	pop	%rdi
	pop	%rbp
	ret
	int3

	.section .note.GNU-stack, "", %progbits
