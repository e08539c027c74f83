/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The handlers of the table of our own. Each writes down vector, error code, RIP, RFLAGS, DR6 and
 * CR2, then: a trap (#DB, #BP, #OF) or our interrupt returns to where it came from; a fault ends the
 * run. Nothing here uses a segment register or memory but trap_run and the stack: probes may change
 * the bases of FS and GS.
 *
 * World: the guest's kernel, interrupts off.
 */
#include "trap.h"

#define DR6_INITIAL 0xffff0ff0
#define FLAG_RF	    16
#define SELECTOR_DATA 0x18	/* __KERNEL_DS */

	.text
	.globl trap_enter
trap_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	lea	trap_run(%rip), %r11
	mov	%rsp, RUN_RSP(%r11)
	mov	0x00(%r11), %rax
	mov	0x08(%r11), %rcx
	mov	0x10(%r11), %rdx
	mov	0x18(%r11), %rbx
	mov	0x28(%r11), %rbp
	mov	0x30(%r11), %rsi
	mov	0x38(%r11), %rdi
	mov	0x40(%r11), %r8
	mov	0x48(%r11), %r9
	mov	0x60(%r11), %r12
	mov	0x68(%r11), %r13
	mov	0x70(%r11), %r14
	mov	0x78(%r11), %r15
	push	$2
	popfq
	call	*RUN_CODE(%r11)
	pushfq
	push	$2
	popfq
	lea	trap_run(%rip), %r11
	pop	RUN_FLAGS(%r11)
	mov	%rax, 0x00(%r11)
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ss
	mov	%rcx, 0x08(%r11)
	mov	%rdx, 0x10(%r11)
	mov	%rbx, 0x18(%r11)
	mov	%rbp, 0x28(%r11)
	mov	%rsi, 0x30(%r11)
	mov	%rdi, 0x38(%r11)
	mov	%r8, 0x40(%r11)
	mov	%r9, 0x48(%r11)
	mov	%r12, 0x60(%r11)
	mov	%r13, 0x68(%r11)
	mov	%r14, 0x70(%r11)
	mov	%r15, 0x78(%r11)
trap_out:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	int3

	/* One for each exception: the error code's place is filled where the processor does not. */
	.balign	TRAP_STUB_BYTES
	.globl trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	TRAP_STUBS
	.balign	TRAP_STUB_BYTES
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
		  vector == 29 || vector == 30)
	push	$0
	.endif
	push	$vector
	jmp	trap_exception
	.set	vector, vector + 1
	.endr
	.balign	TRAP_STUB_BYTES

/* On the stack from here: vector, error code, RIP, CS, RFLAGS, RSP, SS; above them, what is pushed. */
trap_write_down:	/* a function: %rbx, %rax, %rcx are lost */
	lea	trap_run(%rip), %rbx
	mov	RUN_COUNT(%rbx), %rcx
	cmp	$TRAP_EVENTS, %rcx
	jae	1f
	incq	RUN_COUNT(%rbx)
	shl	$6, %rcx
	lea	RUN_EVENTS(%rbx, %rcx), %rcx
	mov	0x20(%rsp), %rax
	mov	%rax, 0x00(%rcx)
	mov	0x28(%rsp), %rax
	mov	%rax, 0x08(%rcx)
	mov	0x30(%rsp), %rax
	mov	%rax, 0x10(%rcx)
	mov	0x38(%rsp), %rax
	mov	%rax, 0x18(%rcx)
	mov	0x40(%rsp), %rax
	mov	%rax, 0x20(%rcx)
	mov	%dr6, %rax
	mov	%rax, 0x28(%rcx)
	mov	%cr2, %rax
	mov	%rax, 0x30(%rcx)
	mov	$DR6_INITIAL, %eax
	mov	%rax, %dr6
1:	ret
	int3

trap_exception:
	push	%rax
	push	%rbx
	push	%rcx
	call	trap_write_down
	cmpq	$TRAP_EVENTS, RUN_COUNT(%rbx)
	jae	5f
	mov	0x18(%rsp), %rax
	cmp	$1, %rax
	je	2f
	cmp	$3, %rax
	je	4f
	cmp	$4, %rax
	je	4f
	jmp	5f
2:	/* #DB: a breakpoint's fault would come again without RF. */
	cmpl	$0, RUN_RESUME(%rbx)
	je	4f
	testb	$0xf, 0x28(%rcx)
	jz	4f
	btsq	$FLAG_RF, 0x38(%rsp)
4:	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq
5:	/* The end of the run, with the registers as they were in front of the fault. */
	movl	$1, RUN_FAULT(%rbx)
	mov	0x10(%rsp), %rax
	mov	%rax, 0x00(%rbx)
	mov	0x08(%rsp), %rax
	mov	%rax, 0x18(%rbx)
	mov	(%rsp), %rax
	mov	%rax, 0x08(%rbx)
	mov	0x40(%rsp), %rax
	mov	%rax, 0x20(%rbx)
	mov	%rdx, 0x10(%rbx)
	mov	%rbp, 0x28(%rbx)
	mov	%rsi, 0x30(%rbx)
	mov	%rdi, 0x38(%rbx)
	mov	%r8, 0x40(%rbx)
	mov	%r9, 0x48(%rbx)
	mov	%r12, 0x60(%rbx)
	mov	%r13, 0x68(%rbx)
	mov	%r14, 0x70(%rbx)
	mov	%r15, 0x78(%rbx)
	mov	RUN_RSP(%rbx), %rsp
	xor	%eax, %eax
	mov	%rax, %dr7
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ss
	push	$2
	popfq
	jmp	trap_out

	.globl trap_interrupt
trap_interrupt:
	push	$0
	push	$TRAP_VECTOR
	push	%rax
	push	%rbx
	push	%rcx
	call	trap_write_down
	mov	RUN_EOI(%rbx), %rax
	test	%rax, %rax
	jz	6f
	movl	$0, (%rax)
	jmp	7f
6:	push	%rdx
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
7:	cmpq	$TRAP_EVENTS, RUN_COUNT(%rbx)
	jae	5b
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

/*
 * The same for code whose stack is nowhere: what the processor pushes is lost. The vector is all that
 * these handlers write down; then the run is over. One for each exception, and our interrupt's last.
 */
	.balign	TRAP_STUB_BYTES
	.globl trap_bare_stubs
trap_bare_stubs:
	.set	vector, 0
	.rept	TRAP_STUBS + 1
	.balign	TRAP_STUB_BYTES
	.if	vector == TRAP_STUBS
	movl	$TRAP_VECTOR, trap_run + RUN_VECTOR(%rip)
	.else
	movl	$vector, trap_run + RUN_VECTOR(%rip)
	.endif
	jmp	trap_bare
	.set	vector, vector + 1
	.endr
	.balign	TRAP_STUB_BYTES

	/* Where that code goes when nothing came. */
	.globl	trap_bare_nothing
trap_bare_nothing:
	movl	$TRAP_NOTHING, trap_run + RUN_VECTOR(%rip)
trap_bare:
	lea	trap_run(%rip), %rbx
	mov	RUN_RSP(%rbx), %rsp
	mov	%dr6, %rax
	mov	%rax, RUN_DR6(%rbx)
	mov	$DR6_INITIAL, %eax
	mov	%rax, %dr6
	xor	%eax, %eax
	mov	%rax, %dr7
	cmpl	$TRAP_VECTOR, RUN_VECTOR(%rbx)
	jne	9f
	mov	RUN_EOI(%rbx), %rax
	test	%rax, %rax
	jz	8f
	movl	$0, (%rax)
	jmp	9f
8:	mov	$0x80b, %ecx
	xor	%edx, %edx
	wrmsr
9:	/* By IRET, which ends the blocking of NMIs. */
	mov	%rsp, %rax
	push	$SELECTOR_DATA
	push	%rax
	push	$2
	mov	%cs, %eax
	push	%rax
	lea	trap_out(%rip), %rax
	push	%rax
	movl	$1, RUN_FAULT(%rbx)
	iretq

	.section .note.GNU-stack, "", %progbits
