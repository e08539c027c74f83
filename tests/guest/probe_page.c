// SPDX-License-Identifier: MIT
/*
 * Instructions that exit, at the boundary of a page: the fetch of their second half faults before
 * they exit, the fetch of the next instruction faults after they completed.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <string.h>
#include <sys/mman.h>

static uint8_t *second_page(void)
{
	return (uint8_t *)(uintptr_t)(CODE_BASE + 0x1000);
}

/* Puts code so that `behind` of its bytes are on the second page, and takes that page's rights. */
static uint64_t place(const uint8_t *code, size_t bytes, size_t behind, int rights)
{
	static const uint8_t nothing[1];

	mprotect(second_page(), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	code_put(nothing, 0);
	memcpy(second_page() - (bytes - behind), code, bytes);
	second_page()[behind] = 0xc3;
	mprotect(second_page(), 4096, rights);
	return CODE_BASE + 0x1000 - (bytes - behind);
}

static void try(const char *text, const uint8_t *code, size_t bytes, size_t behind, int rights)
{
	uint64_t entry = place(code, bytes, behind, rights);
	struct steps steps = { 0 };
	struct registers registers;
	struct caught caught;

	code_registers(&registers);
	code_call(entry, &registers, &caught);
	say("%s: %s, EAX %#llx", text, caught_text(&caught),
	    (unsigned long long)registers.gpr[RAX]);
	code_registers(&registers);
	code_step(entry, &registers, &steps, &caught);
	say("%s, stepped: %u traps, then %s", text, steps.count, caught_text(&caught));
	mprotect(second_page(), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static const uint8_t cpuid_code[] = { 0x0f, 0xa2 };

static void split(void)
{
	try("no access", cpuid_code, 2, 1, PROT_NONE);
	try("not executable", cpuid_code, 2, 1, PROT_READ);
	try("executable", cpuid_code, 2, 1, PROT_READ | PROT_EXEC);
}

static void ends(void)
{
	try("no access", cpuid_code, 2, 0, PROT_NONE);
	try("not executable", cpuid_code, 2, 0, PROT_READ);
	try("executable", cpuid_code, 2, 0, PROT_READ | PROT_EXEC);
}

static void prefixes(void)
{
	static const uint8_t code[] = { 0x66, 0x66, 0xf3, 0x48, 0x0f, 0xa2 };

	try("split in the prefixes, no access", code, sizeof(code), 4, PROT_NONE);
	try("split in the prefixes", code, sizeof(code), 4, PROT_READ | PROT_EXEC);
	try("ends", code, sizeof(code), 0, PROT_NONE);
}

static void vmcall(void)
{
	static const uint8_t code[] = { 0x0f, 0x01, 0xc1 };

	try("split, no access", code, sizeof(code), 1, PROT_NONE);
	try("split", code, sizeof(code), 1, PROT_READ | PROT_EXEC);
	try("ends", code, sizeof(code), 0, PROT_NONE);
}

const struct probe page_probes[] = {
	{ "page: CPUID split over two pages", split },
	{ "page: CPUID at the end of a page", ends },
	{ "page: prefixed CPUID", prefixes },
	{ "page: VMCALL", vmcall },
	{ NULL, NULL },
};
