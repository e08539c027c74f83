/* SPDX-License-Identifier: MIT */
/*
 * Where the processor comes into the kernel: traps and interrupts, from kernel mode and from user
 * mode with its other CR3; the switch of threads; the stubs that a driver's imports point to.
 *
 * The section .shadow is all that user address spaces map of the kernel's text, as NT does it with
 * KVA shadow: there a trap changes GS and CR3 before it touches anything else.
 *
 * World: the lab's kernel.
 */

/* Of struct processor (nt.h). */
#define SELF		0x18
#define KERNEL_CR3	0x200
#define USER_CR3	0x208
#define KERNEL_STACK	0x210
#define SCRATCH0	0x218
#define SCRATCH1	0x220
#define TRANSITION_END	0x3000

#define MSR_GS_BASE 0xc0000101
#define SHADOW_SPACE 32 /* the callee's, in NT's calling convention */
#define IMPORT_STUBS 512 /* EXPORT_STUBS of export.c */

	.macro	push_registers
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
	.endm

	.macro	pop_registers
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
	.endm

/* Calls a C function with the frame that %rsp points to, and the vector registers kept. */
	.macro	call_with_frame function
	mov	%rsp, %rcx
	sub	$512 + SHADOW_SPACE, %rsp
	fxsave64 SHADOW_SPACE(%rsp)
	cld
	call	\function
	fxrstor64 SHADOW_SPACE(%rsp)
	add	$512 + SHADOW_SPACE, %rsp
	.endm

	.section .shadow, "ax"
	.globl	entry_stubs, entry_shadow
	.balign	4096
entry_shadow:
entry_stubs:	/* 16 bytes each */
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector == 2
	jmp	entry_nmi
	.else
	.if	vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
	.else
	push	$0
	.endif
	push	$vector
	jmp	entry_trap
	.endif
	.set	vector, vector + 1
	.endr

	.balign	16
entry_trap:
	testb	$3, 24(%rsp)
	jz	entry_saved
	swapgs
	mov	%rax, %gs:SCRATCH0
	mov	%rcx, %gs:SCRATCH1
	mov	%gs:KERNEL_CR3, %rax
	mov	%rax, %cr3
	mov	%rsp, %rcx
	mov	%gs:KERNEL_STACK, %rsp
	push	48(%rcx)
	push	40(%rcx)
	push	32(%rcx)
	push	24(%rcx)
	push	16(%rcx)
	push	8(%rcx)
	push	(%rcx)
	mov	%gs:SCRATCH0, %rax
	mov	%gs:SCRATCH1, %rcx
	jmp	entry_saved

/* The frame for IRET is on the thread's stack, which the user's CR3 does not map. */
entry_to_user:
	mov	%rax, %gs:SCRATCH0
	mov	%rcx, %gs:SCRATCH1
	mov	%rsp, %rcx
	mov	%gs:SELF, %rsp
	add	$TRANSITION_END, %rsp
	push	32(%rcx)
	push	24(%rcx)
	push	16(%rcx)
	push	8(%rcx)
	push	(%rcx)
	mov	%gs:USER_CR3, %rax
	mov	%rax, %cr3
	mov	%gs:SCRATCH0, %rax
	mov	%gs:SCRATCH1, %rcx
	swapgs
	iretq

/*
 * An NMI can come between any two instructions of the above. So it looks at GS and CR3 themselves,
 * and gives back what it found.
 */
entry_nmi:
	push	$0
	push	$2
	push_registers
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	xor	%ebx, %ebx
	test	%edx, %edx
	js	1f
	swapgs
	inc	%ebx
1:	mov	%cr3, %r12
	mov	%gs:KERNEL_CR3, %rax
	mov	%rax, %cr3
	call_with_frame trap_nmi
	mov	%r12, %cr3
	test	%ebx, %ebx
	jz	2f
	swapgs
2:	pop_registers
	add	$16, %rsp
	iretq

	.text
entry_saved:
	push_registers
	call_with_frame trap_handle
	pop_registers
	add	$16, %rsp
	testb	$3, 8(%rsp)
	jnz	entry_to_user
	iretq

/* void entry_switch(uint64_t *old_rsp, uint64_t new_rsp): returns on the other thread's stack. */
	.globl	entry_switch
entry_switch:
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$520, %rsp
	fxsave64 (%rsp)
	mov	%rsp, (%rcx)
	mov	%rdx, %rsp
	fxrstor64 (%rsp)
	add	$520, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	ret

/* Where a new thread's first switch returns to. */
	.globl	entry_thread
entry_thread:
	call	thread_begin
	int3

/* void entry_user(uint64_t rip, uint64_t rsp, uint64_t argument): into CPL 3, %rdi = argument. */
	.globl	entry_user
entry_user:
	cli
	push	$0x2b
	push	%rdx
	push	$0x202
	push	$0x33
	push	%rcx
	mov	%r8, %rdi
	jmp	entry_to_user

/* Import number n of the table calls export_check, which tells where to go on. */
	.globl	entry_import_stubs
	.balign	16
entry_import_stubs:
	.set	import, 0
	.rept	IMPORT_STUBS
	.balign	16
	push	$import
	jmp	entry_import
	.set	import, import + 1
	.endr

	.balign	16
entry_import:
	push	%rcx
	push	%rdx
	push	%r8
	push	%r9
	mov	32(%rsp), %rcx
	mov	40(%rsp), %rdx
	lea	40(%rsp), %r8
	sub	$SHADOW_SPACE, %rsp
	call	export_check
	add	$SHADOW_SPACE, %rsp
	pop	%r9
	pop	%r8
	pop	%rdx
	pop	%rcx
	add	$8, %rsp
	jmp	*%rax

/*
 * What runs in user mode, copied into a page there. %rdi: { counter, end, cpuid }. It counts, with
 * CPUID if that is asked for, until the end is set.
 */
	.globl	entry_user_code, entry_user_code_end
entry_user_code:
1:	lock incq (%rdi)
	cmpq	$0, 16(%rdi)
	je	2f
	mov	$1, %eax
	cpuid
2:	cmpq	$0, 8(%rdi)
	je	1b
	xor	%eax, %eax
	int	$0x2e
	ud2
entry_user_code_end:
