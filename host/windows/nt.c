// SPDX-License-Identifier: MIT
/*
 * Looks up the functions that not every NT has. See nt.h.
 *
 * World: OS.
 */
#include "nt.h"

struct nt_newer nt;

/* Finds a function of the kernel's, or before NT 6.2 of HAL's. */
static void *find(PCWSTR name)
{
	UNICODE_STRING string;

	RtlInitUnicodeString(&string, name);
	return MmGetSystemRoutineAddress(&string);
}

void nt_init(void)
{
#define NT_FIND(result, name, arguments) nt.name = find(L"" #name);
	NT_NEWER(NT_FIND)
#undef NT_FIND
}
