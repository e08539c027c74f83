/* SPDX-License-Identifier: MIT */
/*
 * root.elf in memory: parsed where the host has embedded it, copied into pages of ours, relocated
 * to its address in root. The OS never executes those pages.
 *
 * World: OS.
 */
#ifndef HOST_ROOT_IMAGE_H
#define HOST_ROOT_IMAGE_H

#include "memory.h"
#include "../base/elf.h"

struct root_image {
	struct elf_image elf;
	void *memory;
	struct phys physical;
};

/* Looks at the embedded file. Returns IMAGE, and logs why, if it is damaged. */
enum hp_error root_image_parse(struct elf_image *elf);

/* Takes the pages for the image. NO_MEMORY, IMAGE. */
enum hp_error root_image_take(struct root_image *image, struct memory *memory);

/* Copies and relocates the file for `base`, the image's virtual address in root. IMAGE. */
enum hp_error root_image_load(struct root_image *image, uint64_t base);

#endif
