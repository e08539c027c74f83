// SPDX-License-Identifier: MIT
/*
 * The root image. See root_image.h.
 *
 * World: OS.
 */
#include "root_image.h"
#include "log.h"
#include "../gate/gate.h"

static size_t file_bytes(void)
{
	return (size_t)(host_root_elf_end - host_root_elf);
}

static enum hp_error refused(const char *why)
{
	log_line(HP_ERR, "root.elf: %s", why);
	return HP_ERROR_IMAGE;
}

enum hp_error root_image_parse(struct elf_image *elf)
{
	const char *why = elf_parse(host_root_elf, file_bytes(), elf);

	if (why)
		return refused(why);
	if (elf->bytes > GATE_SHARED_OFFSET - GATE_IMAGE_OFFSET)
		return refused("larger than its place in root's address space");
	return HP_ERROR_OK;
}

enum hp_error root_image_take(struct root_image *image, struct memory *memory)
{
	enum hp_error error = root_image_parse(&image->elf);

	if (error)
		return error;
	image->memory = memory_take(memory, (uint32_t)(image->elf.bytes / HOST_PAGE),
				    HP_MEMORY_IMAGE, MEMORY_HIDDEN, &image->physical);
	return image->memory ? HP_ERROR_OK : HP_ERROR_NO_MEMORY;
}

enum hp_error root_image_load(struct root_image *image, uint64_t base)
{
	const char *why = elf_load(host_root_elf, file_bytes(), &image->elf, image->memory, base);

	return why ? refused(why) : HP_ERROR_OK;
}
