/* SPDX-License-Identifier: MIT */
/*
 * root.elf, as a blob in the driver's read-only data: it is data to the kernel, and never executed
 * where it lies.
 *
 * World: OS.
 */
	.section .rdata, "dr"
	.balign 16
	.globl host_root_elf, host_root_elf_end
host_root_elf:
	.incbin "root.elf"
host_root_elf_end:
	.byte 0
