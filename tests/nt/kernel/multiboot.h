/* SPDX-License-Identifier: MIT */
/*
 * What a multiboot loader tells of the machine, as far as this kernel asks. Addresses are physical.
 *
 * World: the lab's kernel.
 */
#ifndef NT_KERNEL_MULTIBOOT_H
#define NT_KERNEL_MULTIBOOT_H

#include <stdint.h>

struct multiboot {
	uint32_t flags, memory_low, memory_high, boot_device;
	uint32_t command_line;
	uint32_t module_count, modules;
	uint32_t symbols[4];
	uint32_t map_bytes, map;
};

struct multiboot_module {
	uint32_t start, end, command_line, reserved;
};

#define MULTIBOOT_MEMORY_RAM 1

/* `bytes` counts what follows it. */
struct multiboot_memory {
	uint32_t bytes;
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

#endif
