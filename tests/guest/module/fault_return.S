/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a call goes that fault.c leaves out.
 *
 * World: the guest's kernel.
 */
#include <asm/nospec-branch.h>

	.text
	.globl fault_return
fault_return:
	ANNOTATE_UNRET_SAFE
	ret
	int3

	.section .note.GNU-stack, "", %progbits
