/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a call goes that fault.c leaves out.
 *
 * World: the guest's kernel.
 */
	.text
	.globl fault_return
fault_return:
	ret
	int3

	.section .note.GNU-stack, "", %progbits
