/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The code that the probes run: functions, called by trap_enter with the registers that the probe
 * chose, with interrupts off. What they change and does not come back by itself, they restore.
 *
 * World: the guest's kernel, under the interrupt table of our own.
 */
	.text

/* code NAME, "INSTRUCTIONS": no more than those. */
.macro code name, instruction
	.balign	16
	.globl	code_\name
code_\name:
	\instruction
	ret
	int3
.endm

/* stepped NAME, "INSTRUCTIONS": with TF set from in front of it to behind the NOP that follows. */
.macro stepped name, instruction
	.balign	16
	.globl	code_step_\name
code_step_\name:
	pushfq
	orq	$0x100, (%rsp)
	popfq
	\instruction
	nop
	pushfq
	andq	$~0x100, (%rsp)
	popfq
	ret
	int3
.endm

/* enabled NAME, "INSTRUCTIONS": right behind STI; interrupts are on until behind two NOPs. */
.macro enabled name, instruction
	.balign	16
	.globl	code_sti_\name
code_sti_\name:
	sti
	\instruction
	nop
	nop
	cli
	ret
	int3
.endm

	code	cpuid, "cpuid"
	code	rdmsr, "rdmsr"
	code	wrmsr, "wrmsr"
	code	vmcall, "vmcall"
	code	vmcall_prefixed, ".byte 0x66, 0x48, 0x0f, 0x01, 0xc1"
	code	vmlaunch, "vmlaunch"
	code	vmresume, "vmresume"
	code	vmxoff, "vmxoff"
	code	vmfunc, ".byte 0x0f, 0x01, 0xd4"
	code	vmxon, "vmxon (%rdi)"
	code	vmclear, "vmclear (%rdi)"
	code	vmptrld, "vmptrld (%rdi)"
	code	vmptrst, "vmptrst (%rdi)"
	code	vmread, "vmread %rax, %rdx"
	code	vmread_memory, "vmread %rax, (%rdi)"
	code	vmwrite, "vmwrite %rdx, %rax"
	code	invept, "invept (%rdi), %rax"
	code	invvpid, "invvpid (%rdi), %rax"
	code	getsec, ".byte 0x0f, 0x37"
	code	vmmcall, "vmmcall"
	code	vmrun, ".byte 0x0f, 0x01, 0xd8"
	code	rsm, "rsm"
	code	invd, "invd"
	code	wbinvd, "wbinvd"
	code	invlpg, "invlpg (%rsi)"
	code	invpcid, "invpcid (%rdi), %rax"
	code	rdtscp, "rdtscp"
	code	rdpid, ".byte 0xf3, 0x48, 0x0f, 0xc7, 0xf8"
	code	rdpmc, "rdpmc"
	code	pause, "pause"
	code	tpause, ".byte 0x66, 0x0f, 0xae, 0xf0"
	code	pconfig, ".byte 0x0f, 0x01, 0xc5"
	code	encls, ".byte 0x0f, 0x01, 0xcf"
	code	monitor, "monitor"
	code	swapgs_twice, "swapgs; swapgs"
	code	clac, "clac"
	code	stac, "stac; clac"
	code	sgdt, "sgdt (%rdi)"
	code	sidt, "sidt (%rdi)"
	code	sldt, "sldt %eax"
	code	str, "str %eax"
	code	smsw, "smsw %rax"
	code	lmsw, "lmsw %ax"
	code	ltr, "ltr %ax"
	code	lldt, "lldt %ax"
	code	xsaves, ".byte 0x48, 0x0f, 0xc7, 0x2f"
	code	in_pic, "in $0x21, %al"
	code	ud2, "ud2"
	code	int1, ".byte 0xf1"
	code	int3, "int3"
	code	int_n, "int $0xf3"
	code	divide, "xor %ecx, %ecx; div %ecx"
	code	read, "mov (%rsi), %rax"
	code	write, "mov %rax, (%rsi)"
	code	jump, "jmp *%rsi"
	code	cpuid_read, "cpuid; mov (%rsi), %rax"
	code	read_stack, "mov (%rbp), %rax"
	code	mov_ds, "mov %esi, %ds"
	code	mov_ss, "mov %esi, %ss"
	code	mov_cr1, ".byte 0x0f, 0x20, 0xc8"
	code	mov_cr5, ".byte 0x0f, 0x22, 0xe8"
	code	mov_to_cr0, "mov %rsi, %cr0"
	code	mov_to_cr3, "mov %rsi, %cr3"
	code	mov_to_cr4, "mov %rsi, %cr4"
	code	mov_to_cr8, "mov %rsi, %cr8"
	code	mov_to_dr6, "mov %rsi, %db6"
	code	mov_to_dr7, "mov %rsi, %db7"

	/* Rights and limit of the selector in %esi, and whether each of the four set ZF. */
	.balign	16
	.globl	code_lar_lsl
code_lar_lsl:
	lar	%esi, %eax
	setz	%r8b
	lsl	%esi, %edx
	setz	%r9b
	verr	%si
	setz	%r12b
	verw	%si
	setz	%r13b
	ret
	int3

	stepped	cpuid, "cpuid"
	stepped	nop, "nop"
	stepped	prefixed, ".byte 0xf3, 0x66, 0x48, 0x0f, 0xa2"
	stepped	rdmsr, "rdmsr"
	stepped	wrmsr, "wrmsr"
	stepped	xsetbv, "xsetbv"
	stepped	invd, "invd"
	stepped	wbinvd, "wbinvd"
	stepped	vmcall, "vmcall"
	stepped	vmxoff, "vmxoff"
	stepped	mov_cr0, "mov %rsi, %cr0"
	stepped	mov_cr4, "mov %rsi, %cr4"
	stepped	mov_ss_nop, "mov %ss, %r8d; mov %r8d, %ss; nop"
	stepped	mov_ss_cpuid, "mov %ss, %r8d; mov %r8d, %ss; cpuid"
	stepped	mov_ss_rdmsr, "mov %ss, %r8d; mov %r8d, %ss; rdmsr"
	stepped	mov_ss_vmcall, "mov %ss, %r8d; mov %r8d, %ss; vmcall"
	stepped	two_cpuid, "cpuid; cpuid"
	stepped	read, "mov (%rsi), %rax"

	enabled	nop, "nop"
	enabled	cpuid, "cpuid"
	enabled	two_cpuid, "cpuid; cpuid"
	enabled	rdmsr, "rdmsr"
	enabled	wrmsr, "wrmsr"
	enabled	xsetbv, "xsetbv"
	enabled	invd, "invd"
	enabled	hlt, "hlt"
	enabled	vmcall, "vmcall"
	enabled	mov_ss_nop, "mov %r8d, %ss; nop"
	enabled	mov_ss_cpuid, "mov %r8d, %ss; cpuid"
	enabled	prefixed, ".byte 0xf2, 0x67, 0x0f, 0xa2"
	enabled	read, "mov (%rsi), %eax"

	/* Interrupts on by POPF, which holds nothing back. */
	.balign	16
	.globl	code_popf_cpuid
code_popf_cpuid:
	pushfq
	orq	$0x200, (%rsp)
	popfq
	cpuid
	nop
	cli
	ret
	int3

	/* A data breakpoint on the operand of MOV SS at (%rdi): the trap waits for one instruction. */
.macro watched name, instruction
	.balign	16
	.globl	code_watched_\name
code_watched_\name:
	mov	%ss, (%rdi)
	mov	%rdi, %db0
	mov	%r8, %db7
	mov	(%rdi), %ss
	\instruction
	nop
	nop
	xor	%eax, %eax
	mov	%rax, %db7
	ret
	int3
.endm
	watched	nop, "nop"
	watched	cpuid, "cpuid"
	watched	rdmsr, "rdmsr"
	watched	two_cpuid, "cpuid; cpuid"

	/* The same without MOV SS: the trap is behind the load, before CPUID. */
	.balign	16
	.globl	code_watch_cpuid
code_watch_cpuid:
	mov	%rdi, %db0
	mov	%r8, %db7
	mov	(%rdi), %r9d
	cpuid
	nop
	xor	%eax, %eax
	mov	%rax, %db7
	ret
	int3

	/* Instruction breakpoints: DR0 on CPUID, DR1 behind it, DR2 on the one after. DR7 in %r8. */
	.balign	16
	.globl	code_breakpoints
code_breakpoints:
	lea	1f(%rip), %rax
	mov	%rax, %db0
	lea	2f(%rip), %rax
	mov	%rax, %db1
	lea	3f(%rip), %rax
	mov	%rax, %db2
	mov	%r8, %db7
	xor	%eax, %eax
1:	cpuid
2:	nop
3:	nop
	xor	%eax, %eax
	mov	%rax, %db7
	ret
	int3

	/* The same, and CPUID is reached by IRET with RF set: only the later breakpoints hit. */
	.balign	16
	.globl	code_iret_resume
code_iret_resume:
	lea	1f(%rip), %rax
	mov	%rax, %db0
	lea	2f(%rip), %rax
	mov	%rax, %db1
	mov	%r8, %db7
	mov	%rsp, %rdx
	mov	%ss, %ecx
	push	%rcx
	push	%rdx
	pushfq
	btsq	$16, (%rsp)
	mov	%cs, %ecx
	push	%rcx
	lea	1f(%rip), %rax
	push	%rax
	xor	%eax, %eax
	iretq
1:	cpuid
2:	nop
	nop
	xor	%eax, %eax
	mov	%rax, %db7
	ret
	int3

	/* DR0 to DR3, DR6 and DR7 from %r8 ...; back in the same after a CPUID. */
	.balign	16
	.globl	code_debug_registers
code_debug_registers:
	mov	%r8, %db0
	mov	%r9, %db1
	mov	%r12, %db2
	mov	%r13, %db3
	mov	%r14, %db6
	mov	%r15, %db7
	cpuid
	mov	%db0, %r8
	mov	%db1, %r9
	mov	%db2, %r12
	mov	%db3, %r13
	mov	%db6, %r14
	mov	%db7, %r15
	xor	%eax, %eax
	mov	%rax, %db0
	mov	%rax, %db1
	mov	%rax, %db2
	mov	%rax, %db3
	mov	%rax, %db7
	mov	$0xffff0ff0, %eax
	mov	%rax, %db6
	ret
	int3

	/* DR7.GD: the access to DR0 traps, with GD off in the handler; then it is carried out. */
	.balign	16
	.globl	code_general_detect
code_general_detect:
	mov	%rsi, %db7
	cpuid
	mov	%db0, %rax
	mov	%db7, %r9
	xor	%eax, %eax
	mov	%rax, %db7
	ret
	int3

	/* DR4 is DR6 unless CR4.DE is set. CR4 in %rsi. */
	.balign	16
	.globl	code_dr4
code_dr4:
	mov	%cr4, %r8
	mov	%rsi, %cr4
	mov	%db4, %r9
	mov	%r8, %cr4
	ret
	int3

	/* MSR in %ecx, value in %rsi: write, exit, read into %r9; what was there before is restored. */
	.balign	16
	.globl	code_msr_round
code_msr_round:
	mov	%ecx, %r12d
	rdmsr
	mov	%eax, %r13d
	mov	%edx, %r14d
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
	wrmsr
	xor	%eax, %eax
	cpuid
	mov	%r12d, %ecx
	rdmsr
	mov	%eax, %r9d
	shl	$32, %rdx
	or	%rdx, %r9
	mov	%r13d, %eax
	mov	%r14d, %edx
	wrmsr
	ret
	int3

	/* CR0 in %rsi: write, exit, read into %r9 and by SMSW into %r12; restored. */
	.balign	16
	.globl	code_cr0_round
code_cr0_round:
	mov	%cr0, %r8
	mov	%rsi, %cr0
	xor	%eax, %eax
	cpuid
	mov	%cr0, %r9
	smsw	%r12
	mov	%r8, %cr0
	mov	%cr0, %r13
	ret
	int3

	/* CR4 in %rsi: %r9 CR4, %r12d CPUID.1:ECX, %r13d CPUID.7:ECX with it; restored. */
	.balign	16
	.globl	code_cr4_round
code_cr4_round:
	mov	%cr4, %r8
	mov	%rsi, %cr4
	mov	%cr4, %r9
	mov	$1, %eax
	cpuid
	mov	%ecx, %r12d
	mov	$7, %eax
	xor	%ecx, %ecx
	cpuid
	mov	%ecx, %r13d
	mov	%r8, %cr4
	mov	%cr4, %r14
	ret
	int3

	/* CR4.PCIDE off and on again, with a CR3 that permits it. */
	.balign	16
	.globl	code_pcide_round
code_pcide_round:
	mov	%cr3, %r14
	mov	%cr4, %r8
	mov	%r14, %rax
	and	$~0xfff, %rax
	mov	%rax, %cr3
	mov	%r8, %rax
	btr	$17, %rax
	mov	%rax, %cr4
	xor	%eax, %eax
	cpuid
	mov	%cr4, %r9
	mov	%r8, %cr4
	mov	%cr4, %r12
	mov	%r14, %cr3
	ret
	int3

	/* CR3 with bit 63, which is not kept. %r9: what it reads, xor what it was. */
	.balign	16
	.globl	code_cr3_keep
code_cr3_keep:
	mov	%cr3, %r8
	mov	%r8, %rax
	bts	$63, %rax
	mov	%rax, %cr3
	xor	%eax, %eax
	cpuid
	mov	%cr3, %r9
	mov	%r8, %cr3
	xor	%r8, %r9
	ret
	int3

	/* CR3 with the bit whose number is in %ecx inverted. */
	.balign	16
	.globl	code_cr3_bit
code_cr3_bit:
	mov	%cr3, %r8
	mov	%r8, %rax
	btc	%rcx, %rax
	mov	%rax, %cr3
	mov	%r8, %cr3
	ret
	int3

	/* CR8 and CR2 from %rsi; %r9: what they read behind an exit. */
	.balign	16
	.globl	code_cr8_round
code_cr8_round:
	mov	%cr8, %r8
	mov	%rsi, %cr8
	xor	%eax, %eax
	cpuid
	mov	%cr8, %r9
	mov	%r8, %cr8
	ret
	int3

	.balign	16
	.globl	code_cr2_round
code_cr2_round:
	mov	%rsi, %cr2
	xor	%eax, %eax
	cpuid
	mov	%cr2, %r9
	ret
	int3

	/* TS by MOV, CLTS, LMSW and back; each seen through an exit. */
	.balign	16
	.globl	code_task_switched
code_task_switched:
	mov	%cr0, %r8
	mov	%r8, %rax
	or	$8, %rax
	mov	%rax, %cr0
	xor	%eax, %eax
	cpuid
	mov	%cr0, %r9
	clts
	xor	%eax, %eax
	cpuid
	mov	%cr0, %r12
	smsw	%rax
	or	$8, %eax
	lmsw	%ax
	xor	%eax, %eax
	cpuid
	mov	%cr0, %r13
	mov	%r8, %cr0
	ret
	int3

	/* TS set, then an x87 instruction: #NM. The C side clears TS. */
	.balign	16
	.globl	code_no_math
code_no_math:
	mov	%cr0, %rax
	or	$8, %rax
	mov	%rax, %cr0
	xor	%eax, %eax
	cpuid
	fnop
	ret
	int3

	/* XSETBV of %rsi to XCR[%ecx], then XCR0 in %r9, CPUID.D's size in %r12; restored. */
	.balign	16
	.globl	code_xsetbv_round
code_xsetbv_round:
	mov	%ecx, %r14d
	xor	%ecx, %ecx
	xgetbv
	mov	%eax, %r8d
	mov	%edx, %r15d
	mov	%r14d, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
	xsetbv
	xor	%ecx, %ecx
	xgetbv
	mov	%eax, %r9d
	mov	$0xd, %eax
	xor	%ecx, %ecx
	cpuid
	mov	%ebx, %r12d
	mov	%r8d, %eax
	mov	%r15d, %edx
	xor	%ecx, %ecx
	xsetbv
	ret
	int3

	/* XSETBV while CR4.OSXSAVE is clear: #UD. The C side restores CR4. */
	.balign	16
	.globl	code_xsetbv_off
code_xsetbv_off:
	mov	%cr4, %rax
	btr	$18, %rax
	mov	%rax, %cr4
	xor	%ecx, %ecx
	mov	%esi, %eax
	xor	%edx, %edx
	xsetbv
	ret
	int3

	/* The bases of FS, GS and the other GS: what they are, unchanged by an exit. */
	.balign	16
	.globl	code_bases
code_bases:
	mov	$0xc0000100, %ecx
	rdmsr
	mov	%eax, %r8d
	shl	$32, %rdx
	or	%rdx, %r8
	mov	$0xc0000101, %ecx
	rdmsr
	mov	%eax, %r9d
	shl	$32, %rdx
	or	%rdx, %r9
	xor	%eax, %eax
	cpuid
	mov	$0xc0000100, %ecx
	rdmsr
	mov	%eax, %eax
	shl	$32, %rdx
	or	%rdx, %rax
	xor	%rax, %r8
	mov	$0xc0000101, %ecx
	rdmsr
	mov	%eax, %eax
	shl	$32, %rdx
	or	%rdx, %rax
	xor	%rax, %r9
	ret
	int3

	/* PUSHFQ and POPFQ of the flags in %rsi around CPUID; seen in %r9. */
	.balign	16
	.globl	code_flags
code_flags:
	push	%rsi
	popfq
	cpuid
	pushfq
	pop	%r9
	ret
	int3

	/* All general-purpose registers but those of CPUID keep the values that the caller chose. */
	.balign	16
	.globl	code_registers
code_registers:
	xor	%eax, %eax
	cpuid
	ret
	int3

	/* MONITOR of (%rdi), then MWAIT that ends at once: an interrupt is pending, ECX bit 0. */
	.balign	16
	.globl	code_mwait
code_mwait:
	mov	%rdi, %rax
	xor	%ecx, %ecx
	xor	%edx, %edx
	monitor
	xor	%eax, %eax
	mov	$1, %ecx
	mwait
	sti
	nop
	nop
	cli
	ret
	int3

/*
 * bare NAME, "INSTRUCTIONS": with a stack at %rsi, where nothing is. What comes is written down by its
 * vector; code that nothing comes to says so.
 */
.macro bare name, instruction
	.balign	16
	.globl	code_bare_\name
code_bare_\name:
	mov	%rsi, %rsp
	\instruction
	cli
	jmp	trap_bare_nothing
	int3
.endm
	bare	interrupt, "sti; nop; nop; nop"
	bare	interrupt_cpuid, "sti; cpuid; nop; nop"
	bare	nmi, "mov %eax, (%rdi); .rept 200; nop; .endr"
	bare	nmi_cpuid, "xor %ebx, %ebx; mov %eax, (%rdi); cpuid; .rept 200; nop; .endr"
	bare	ud2, "ud2"
	bare	cpuid_ud2, "cpuid; ud2"
	bare	int1, ".byte 0xf1"
	bare	int3, "int3"
	bare	int_n, "int $0xf3"
	bare	divide, "xor %ecx, %ecx; div %ecx"
	bare	mov_ds, "mov %ecx, %ds"
	bare	read, "xor %edi, %edi; mov (%rdi), %eax"
	bare	vmcall, "vmcall"
	bare	wrmsr, "wrmsr"
	bare	watched, "mov %rdi, %db0; mov %r8, %db7; mov (%rdi), %eax; nop"

	/* TF takes effect behind the instruction that follows POPF: the stack is gone by then. */
	.balign	16
	.globl	code_bare_step
code_bare_step:
	pushfq
	orq	$0x100, (%rsp)
	popfq
	mov	%rsi, %rsp
	nop
	nop
	jmp	trap_bare_nothing
	int3

	/*
	 * void code_step_mix(void *data, u64 bytes): each kind of instruction that is stepped in a way of
	 * its own. Interrupts are off, and off again behind it.
	 */
	.balign	16
	.globl	code_step_mix
code_step_mix:
	push	%rbx
	push	%rdi
	mov	%rsi, %rcx
	mov	%ecx, %eax
	cld
	rep stosb			/* iterations */
	pop	%rdi
	xor	%ecx, %ecx
	rep stosb			/* none */
	mov	%rdi, %rsi
	movsq				/* a string instruction alone */
	mov	%ss, %eax
	mov	%eax, %ss		/* blocks for one instruction */
	.globl	code_step_shadow
code_step_shadow:
	nop
	pushfq
	popfq
	sti				/* and so does this */
	.globl	code_step_shadow_sti
code_step_shadow_sti:
	cli
	xor	%eax, %eax
	xor	%ecx, %ecx
	cpuid				/* exits */
	mov	$0xc0000080, %ecx
	rdmsr
	xor	%ecx, %ecx
	mov	$3, %ecx
1:	call	2f
	loop	1b
	jmp	3f
2:	ret
	int3
3:	lea	4f(%rip), %rax
	jmp	*%rax
	int3
4:	mov	%cr3, %rax
	mov	%db7, %rax
	rdtsc
	lock incl (%rdi)
	pop	%rbx
	ret
	int3

	.section .note.GNU-stack, "", %progbits
