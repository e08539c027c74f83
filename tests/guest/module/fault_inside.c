// SPDX-License-Identifier: GPL-2.0
/*
 * The damage that fault.c asks for, in HyperPlatform's own structures.
 *
 * World: the guest's kernel.
 */
#include "fault.h"
#include "tree/host/machine.h"

#define BEYOND_ADDRESSES (1ull << 51)

uint32_t fault_processor(const void *processor)
{
	return ((const struct processor *)processor)->index;
}

void fault_vmxon(void *processor)
{
	((struct processor *)processor)->gate->vmxon.value |= 8;
}

void fault_vmcs(void *processor)
{
	((struct processor *)processor)->gate->vmcs.value |= 8;
}

uint32_t fault_check(void *processor)
{
	((struct processor *)processor)->check.error = HP_ERROR_OK;
	return HP_ERROR_OK;
}

void fault_version(void *machine)
{
	((struct machine *)machine)->gate->version = GATE_VERSION + 1;
}

bool fault_patch(void *machine, u64 offset, const u8 *code, u32 bytes)
{
	struct root_image *image = &((struct machine *)machine)->image;

	if (!image->memory || offset + bytes > image->elf.bytes)
		return false;
	__builtin_memcpy((u8 *)image->memory + offset, code, bytes);
	return true;
}

void fault_ept(void *machine)
{
	((struct machine *)machine)->gate->ept_top.value |= BEYOND_ADDRESSES;
}
