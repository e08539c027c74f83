/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader, or from SIPI, to 64-bit C code in the upper half.
 *
 * The kernel is a PE file whose sections lie in the file as they lie in memory, so the file itself
 * is what multiboot loads, at 1 MiB: an address in the image is its physical address + HIGH. The
 * tables here map the first GiB twice, at 0 and at HIGH. They serve until memory_init() has made
 * real ones, and again while a processor starts.
 *
 * World: the lab's kernel. Nothing here is relocated: addresses are differences within the section.
 */
#define HIGH	   0xfffff80000000000
#define LOADED_AT  0x100000
#define PHYS(x)	   ((x) - boot_header + LOADED_AT + 0x1000)
#define TRAMPOLINE 0x8000 /* PROCESSOR_TRAMPOLINE */

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x10003 /* modules at pages, memory map, addresses as given here */

#define PRESENT_WRITE  3
#define PRESENT_LARGE  0x83
#define CR0_BITS       0x80010033 /* PG WP NE ET MP PE */
#define CR4_BITS       0x6a0	  /* OSXMMEXCPT OSFXSR PGE PAE */
#define MSR_EFER       0xc0000080
#define EFER_BITS      0x901 /* NXE LME SCE */
#define SELECTOR_CODE  0x10
#define SELECTOR_DATA  0x18

/* Behind it, a jump to 64-bit code. */
	.macro	long_mode
	mov	$CR4_BITS, %eax
	mov	%eax, %cr4
	mov	$PHYS(boot_top), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	$EFER_BITS, %eax
	xor	%edx, %edx
	wrmsr
	mov	$CR0_BITS, %eax
	mov	%eax, %cr0
	.endm

	.section .boot, "ax"
	.code32
boot_header:
	.long	MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
	.long	PHYS(boot_header), LOADED_AT, 0, 0, PHYS(start)

	.balign	8
boot_gdt:
	.quad	0, 0
	.quad	0x00209b0000000000	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
boot_gdtr:
	.word	boot_gdtr - boot_gdt - 1
	.long	PHYS(boot_gdt)

start:	cli
	mov	%ebx, %edi
	lgdt	PHYS(boot_gdtr)
	long_mode
	ljmp	$SELECTOR_CODE, $PHYS(start_long)

	.code64
start_long:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	movabs	$HIGH, %rdx
	mov	%edi, %ecx
	lea	boot_stack_end(%rip), %rsp
	add	%rdx, %rsp
	lea	kernel_main(%rip), %rax
	jmp	enter_high

/* %rax: a function that does not return, at its physical address; %rdx: HIGH; %rsp is set. */
enter_high:
	add	%rdx, %rax
	sub	$32, %rsp
	xor	%ebp, %ebp
	call	*%rax
	int3

/* A processor starts here, copied to TRAMPOLINE, and takes its stack from boot_ap_stack. */
	.globl	boot_ap_start, boot_ap_end
	.code16
boot_ap_start:
	cli
	lgdtl	%cs:(ap_gdtr - boot_ap_start)
	long_mode
	ljmpl	$SELECTOR_CODE, $PHYS(ap_long)
ap_gdtr:
	.word	boot_gdtr - boot_gdt - 1
	.long	PHYS(boot_gdt)
boot_ap_end:

	.code64
ap_long:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	movabs	$HIGH, %rdx
	mov	boot_ap_stack(%rip), %rsp
	lea	processor_ap_main(%rip), %rax
	jmp	enter_high

	.balign	4096
boot_top:
	.quad	PHYS(boot_directory_pointers) + PRESENT_WRITE
	.fill	495, 8, 0
	.quad	PHYS(boot_directory_pointers) + PRESENT_WRITE	/* HIGH */
	.fill	15, 8, 0
boot_directory_pointers:
	.quad	PHYS(boot_directory) + PRESENT_WRITE
	.fill	511, 8, 0
boot_directory:
	.set	large_page, 0
	.rept	512
	.quad	large_page + PRESENT_LARGE
	.set	large_page, large_page + 0x200000
	.endr

	.section .data, "aw"
	.globl	boot_ap_stack
	.balign	8
boot_ap_stack:
	.quad	0

	.bss
	.globl	boot_stack_end
	.balign	16
	.space	0x6000
boot_stack_end:
