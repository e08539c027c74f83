/* SPDX-License-Identifier: MIT */
/*
 * Loading root.elf: a position-independent ELF64 image with no undefined symbol and only relative
 * relocations. Bounds are checked before anything is read, so that a damaged file is refused and
 * never harms.
 *
 * World: OS (pure: unit tests feed it files).
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "addr.h"

#define ELF_SEGMENTS_MAX 8
#define ELF_BUILD_ID_MAX 20

enum elf_right { ELF_READ = 1, ELF_WRITE = 2, ELF_EXEC = 4 };

struct elf_image {
	uint64_t bytes; /* of memory, from address 0 of the file's view to its end, whole pages */
	uint64_t entry; /* offset of the entry point */
	unsigned segments;
	struct elf_segment {
		uint64_t offset; /* in memory, whole pages */
		uint64_t bytes;	 /* whole pages */
		unsigned rights; /* enum elf_right; never ELF_WRITE and ELF_EXEC together */
	} segment[ELF_SEGMENTS_MAX];
	uint8_t build_id[ELF_BUILD_ID_MAX]; /* NT_GNU_BUILD_ID */
	unsigned build_id_bytes;
};

/* Why a file was refused; NULL if it was not. A sentence for a person. */
const char *elf_parse(const void *file, size_t file_bytes, struct elf_image *image);

/*
 * Copies the segments to `memory` (image->bytes long, zeroed) and applies the relocations for an
 * image that will run at the virtual address `base`. Returns NULL, or why it can't.
 */
const char *elf_load(const void *file, size_t file_bytes, const struct elf_image *image,
		     void *memory, uint64_t base);

#endif
