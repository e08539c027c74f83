/* SPDX-License-Identifier: MIT */
/*
 * Instructions whose fault is expected, with the unwind data by which the kernel turns the fault
 * into a jump: RDMSR of an MSR that is not there, and the gate's VMCALL on a processor that is
 * native after all. They have no prologue, so that nothing is to be unwound.
 *
 * World: OS (assembler).
 */
#define EXECUTE_HANDLER 1
#define VMCALL_BYTES	3

	.text

/* bool fault_rdmsr(uint32_t msr, uint64_t *value): %ecx, %rdx */
	.globl	fault_rdmsr
	.balign	16
fault_rdmsr:
	mov	%rdx, %r8
rdmsr_here:
	rdmsr
rdmsr_done:
	mov	%eax, (%r8)
	mov	%edx, 4(%r8)
	mov	$1, %eax
	ret
rdmsr_failed:
	xor	%eax, %eax
	ret
fault_rdmsr_end:

/* What UNWIND_INFO and the handler's table look like: version 1, a handler, no prologue. */
	.macro	scope from, to, target
	.byte	0x09, 0, 0, 0
	.rva	__C_specific_handler
	.long	1
	.rva	\from, \to
	.long	EXECUTE_HANDLER
	.rva	\target
	.endm

	.section .xdata, "dr"
	.balign	4
rdmsr_unwind:
	scope	rdmsr_here, rdmsr_done, rdmsr_failed
vmcall_unwind:
	scope	gate_vmcall, gate_vmcall + VMCALL_BYTES, gate_vmcall_failed

	.section .pdata, "dr"
	.balign	4
	.rva	fault_rdmsr, fault_rdmsr_end, rdmsr_unwind
	.rva	gate_vmcall, gate_vmcall + VMCALL_BYTES, vmcall_unwind
