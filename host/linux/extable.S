/* SPDX-License-Identifier: MIT */
/*
 * The gate's row in the kernel's exception table: a hypercall on a processor that is native after
 * all is refused with an error, and is no oops.
 *
 * World: OS.
 */
#include <asm/asm.h>

	_ASM_EXTABLE(gate_vmcall, gate_vmcall_failed)

	.section .note.GNU-stack, "", @progbits
