// SPDX-License-Identifier: MIT
/*
 * Loads a driver's file as NT does: checksum, sections with their rights, relocations, imports by
 * name. What NT would take but what newer ones with memory integrity would not (a section that is
 * writable and executable, sections that share a page) is refused too.
 *
 * World: the lab's kernel.
 */
#include "nt.h"

/* Not in the driver kit. */
#define SUBSYSTEM_NATIVE    1
#define RELOCATION_ABSOLUTE 0
#define RELOCATION_DIR64    10

struct loader_image loader_driver;

static uint8_t *mapped(uint32_t at)
{
	return (uint8_t *)loader_driver.base + at;
}

IMAGE_NT_HEADERS *loader_headers(const void *file)
{
	return (IMAGE_NT_HEADERS *)((const char *)file +
				    ((const IMAGE_DOS_HEADER *)file)->e_lfanew);
}

/* The sum of 16-bit words with the carry, without the field itself, plus the length. */
uint32_t loader_checksum(const uint8_t *file, size_t bytes)
{
	size_t field = (const uint8_t *)&loader_headers(file)->OptionalHeader.CheckSum - file;
	uint32_t sum = 0;
	size_t at;

	for (at = 0; at < bytes; at += 2) {
		if (at == field || at == field + 2)
			continue;
		sum += file[at] | (at + 1 < bytes ? file[at + 1] << 8 : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum + (uint32_t)bytes;
}

static const char *check_headers(const uint8_t *file, size_t bytes)
{
	const IMAGE_NT_HEADERS *headers = loader_headers(file);
	const IMAGE_OPTIONAL_HEADER64 *optional = &headers->OptionalHeader;

	if (bytes < PAGE || file[0] != 'M' || file[1] != 'Z' ||
	    ((const IMAGE_DOS_HEADER *)file)->e_lfanew > (LONG)(PAGE - sizeof(*headers)) ||
	    headers->Signature != IMAGE_NT_SIGNATURE)
		return "no PE file";
	if (headers->FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64 ||
	    optional->Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC)
		return "not for x64";
	if (!(headers->FileHeader.Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE) ||
	    optional->Subsystem != SUBSYSTEM_NATIVE)
		return "no native image";
	if (headers->FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED)
		return "without relocations";
	if (optional->SectionAlignment < PAGE || optional->SizeOfImage % PAGE)
		return "sections are not on pages of their own";
	if (optional->CheckSum != loader_checksum(file, bytes))
		return "the checksum is wrong";
	return NULL;
}

static unsigned rights_of(const IMAGE_SECTION_HEADER *section)
{
	return (section->Characteristics & IMAGE_SCN_MEM_WRITE ? MAP_WRITE : 0) |
	       (section->Characteristics & IMAGE_SCN_MEM_EXECUTE ? MAP_EXECUTE : 0);
}

static const char *copy_sections(const uint8_t *file, size_t bytes)
{
	const IMAGE_NT_HEADERS *headers = loader_headers(file);
	const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
	unsigned i;

	memcpy(mapped(0), file, headers->OptionalHeader.SizeOfHeaders);
	for (i = 0; i < headers->FileHeader.NumberOfSections; i++, section++) {
		uint64_t end = (uint64_t)section->PointerToRawData + section->SizeOfRawData;
		uint32_t size = section->SizeOfRawData;

		if (section->VirtualAddress % PAGE ||
		    section->VirtualAddress + (uint64_t)section->Misc.VirtualSize >
			    loader_driver.bytes ||
		    (size && end > bytes))
			return "a section lies outside";
		if (rights_of(section) == (MAP_WRITE | MAP_EXECUTE))
			return "a section is writable and executable";
		if (section->Misc.VirtualSize && size > section->Misc.VirtualSize)
			size = section->Misc.VirtualSize;
		memcpy(mapped(section->VirtualAddress), file + section->PointerToRawData, size);
	}
	return NULL;
}

static const char *relocate(uint64_t by)
{
	const IMAGE_DATA_DIRECTORY *directory =
		&loader_headers(mapped(0))
			 ->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC];
	uint32_t at, i;

	for (at = 0; at < directory->Size;) {
		const IMAGE_BASE_RELOCATION *block =
			(const void *)mapped(directory->VirtualAddress + at);
		const uint16_t *entry = (const void *)(block + 1);

		if (block->SizeOfBlock < sizeof(*block))
			return "a block of relocations is damaged";
		for (i = 0; i < (block->SizeOfBlock - sizeof(*block)) / 2; i++) {
			uint32_t where = block->VirtualAddress + (entry[i] & 0xfff);

			if (entry[i] >> 12 == RELOCATION_ABSOLUTE)
				continue;
			if (entry[i] >> 12 != RELOCATION_DIR64)
				return "a relocation of an unknown kind";
			*(uint64_t *)mapped(where) += by;
		}
		at += block->SizeOfBlock;
	}
	return NULL;
}

static const char *import_from(const IMAGE_IMPORT_DESCRIPTOR *module)
{
	const uint64_t *names = (const void *)mapped(module->OriginalFirstThunk);
	uint64_t *addresses = (void *)mapped(module->FirstThunk);
	const char *name = (const char *)mapped(module->Name);

	if (strcmp(name, "ntoskrnl.exe"))
		return "imports from another image than ntoskrnl.exe";
	for (; *names; names++, addresses++) {
		if (*names & IMAGE_ORDINAL_FLAG64)
			return "imports by number";
		name = (const char *)mapped((uint32_t)*names) + 2;
		*addresses = (uintptr_t)export_find(name, false);
		if (!*addresses) {
			say("no export is called %s", name);
			return "imports what there is not";
		}
	}
	return NULL;
}

static const char *import_all(void)
{
	const IMAGE_DATA_DIRECTORY *directory =
		&loader_headers(mapped(0))
			 ->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
	const IMAGE_IMPORT_DESCRIPTOR *module = (const void *)mapped(directory->VirtualAddress);
	const char *wrong = NULL;

	for (; directory->Size && module->Name && !wrong; module++)
		wrong = import_from(module);
	return wrong;
}

static void set_rights(uint32_t start, uint64_t bytes, unsigned rights)
{
	uint64_t at = loader_driver.base + start, end = at + bytes;

	for (; at < end; at += PAGE)
		memory_map(memory_top(), at, memory_translate(memory_top(), at), rights);
}

static void protect(void)
{
	IMAGE_NT_HEADERS *headers = loader_headers(mapped(0));
	const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
	unsigned i;

	for (i = 0; i < headers->FileHeader.NumberOfSections; i++, section++)
		set_rights(section->VirtualAddress, section->Misc.VirtualSize, rights_of(section));
	set_rights(0, PAGE, 0);
}

const char *loader_load(const void *file, size_t bytes, uint64_t base)
{
	const char *wrong = check_headers(file, bytes);
	const IMAGE_OPTIONAL_HEADER64 *optional;

	if (wrong)
		return wrong;
	optional = &loader_headers(file)->OptionalHeader;
	loader_driver.base = base;
	loader_driver.bytes = optional->SizeOfImage;
	loader_driver.entry = (PDRIVER_INITIALIZE)(base + optional->AddressOfEntryPoint);
	if (!memory_back(base, loader_driver.bytes / PAGE, MAP_WRITE))
		return "no memory";
	loader_driver.loaded = true;
	wrong = copy_sections(file, bytes);
	if (!wrong)
		wrong = relocate(base - optional->ImageBase);
	if (!wrong)
		wrong = import_all();
	if (!wrong)
		protect();
	else
		loader_unload();
	return wrong;
}

/* What is there for DriverEntry only. */
void loader_discard(void)
{
	IMAGE_NT_HEADERS *headers = loader_headers(mapped(0));
	const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
	unsigned i;

	for (i = 0; i < headers->FileHeader.NumberOfSections; i++, section++) {
		if (section->Characteristics & IMAGE_SCN_MEM_DISCARDABLE)
			memory_release((uintptr_t)mapped(section->VirtualAddress),
				       (section->Misc.VirtualSize + PAGE - 1) / PAGE);
	}
}

void loader_unload(void)
{
	if (loader_driver.loaded)
		memory_release(loader_driver.base, loader_driver.bytes / PAGE);
	loader_driver.loaded = false;
}

bool loader_inside(uint64_t address)
{
	return loader_driver.loaded && address - loader_driver.base < loader_driver.bytes;
}

const char *loader_where(uint64_t address, char *to, size_t size)
{
	if (address - loader_driver.base < loader_driver.bytes)
		say_to(to, size, "driver+0x%llx", address - loader_driver.base);
	else
		say_to(to, size, "0x%llx", address);
	return to;
}
