// SPDX-License-Identifier: MIT
/*
 * Images of the kernel. See image.h.
 *
 * NT tells when an image comes, but not when it goes: what lies where a new one is now has gone.
 *
 * World: OS.
 */
#include <stdio.h>

#include "../log.h"
#include "image.h"

#define IMAGES		     512u
#define SYSTEM_MODULES_CLASS 11
#define KERNEL_HALF	     0xffff800000000000ull
#define ADDRESS_DIGITS	     16u

/* One row of what the system answers; the paths are of bytes. */
struct system_module {
	void *reserved[2];
	void *base;
	ULONG bytes, flags;
	USHORT order[3], name_offset;
	char path[256];
};

struct system_modules {
	ULONG count;
	struct system_module module[1];
};

static struct image {
	uint64_t base, bytes;
	char name[IMAGE_NAME];
} images[IMAGES];
static unsigned count;
static struct nt_spin spin;

static void forget(uint64_t base, uint64_t bytes)
{
	unsigned i = 0;

	while (i < count) {
		if (images[i].base < base + bytes && base < images[i].base + images[i].bytes)
			images[i] = images[--count];
		else
			i++;
	}
}

/* When the table is full, what follows is "no image": hundreds of drivers fit. */
static void add(uint64_t base, uint64_t bytes, const char *name, unsigned length)
{
	unsigned long long flags = nt_lock(&spin);
	struct image *row;
	unsigned i;

	forget(base, bytes);
	if (count < IMAGES) {
		row = &images[count++];
		row->base = base;
		row->bytes = bytes;
		for (i = 0; i < length && i < IMAGE_NAME - 1; i++)
			row->name[i] = name[i];
		row->name[i] = '\0';
	}
	nt_unlock(&spin, flags);
}

/* What follows the last backslash, with every character in a byte. */
static void NTAPI on_load(PUNICODE_STRING path, HANDLE process, PIMAGE_INFO image)
{
	char name[IMAGE_NAME];
	unsigned length = 0, i;

	(void)process;
	if (!image->SystemModeImage)
		return;
	for (i = 0; path && i < path->Length / sizeof(WCHAR); i++) {
		if (path->Buffer[i] == '\\')
			length = 0;
		else if (length < IMAGE_NAME - 1)
			name[length++] = path->Buffer[i] < 0x7f ? (char)path->Buffer[i] : '?';
	}
	add((uintptr_t)image->ImageBase, image->ImageSize, name, length);
}

static void add_module(const struct system_module *module)
{
	const char *name = module->path + module->name_offset;
	unsigned length = 0;

	while (name + length < module->path + sizeof(module->path) && name[length])
		length++;
	add((uintptr_t)module->base, module->bytes, name, length);
}

/* NULL: the system doesn't tell. To be freed. */
static struct system_modules *ask_system(void)
{
	struct system_modules *modules;
	ULONG bytes = 0;

	ZwQuerySystemInformation(SYSTEM_MODULES_CLASS, NULL, 0, &bytes);
	bytes += 16 * sizeof(struct system_module); /* some may come meanwhile */
	modules = ExAllocatePoolWithTag(PagedPool, bytes, NT_POOL_TAG);
	if (!modules ||
	    NT_SUCCESS(ZwQuerySystemInformation(SYSTEM_MODULES_CLASS, modules, bytes, &bytes)))
		return modules;
	ExFreePoolWithTag(modules, NT_POOL_TAG);
	return NULL;
}

/* First the notifications: an image that loads in between is found twice, and not missed. */
void image_init(void)
{
	struct system_modules *modules;
	ULONG i;

	if (!NT_SUCCESS(PsSetLoadImageNotifyRoutine(on_load)))
		log_line(HP_WARN, "images that are loaded from now on will have no name here");
	modules = ask_system();
	if (!modules)
		return;
	for (i = 0; i < modules->count; i++)
		add_module(&modules->module[i]);
	ExFreePoolWithTag(modules, NT_POOL_TAG);
}

void image_end(void)
{
	PsRemoveLoadImageNotifyRoutine(on_load);
	count = 0;
}

static int describe(uint64_t address, char *text, size_t room)
{
	unsigned long long flags = nt_lock(&spin);
	int length = 0;
	unsigned i;

	for (i = 0; i < count && !length; i++) {
		if (address - images[i].base < images[i].bytes)
			length = snprintf(text, room, " [%s+%#llx]", images[i].name,
					  (unsigned long long)(address - images[i].base));
	}
	nt_unlock(&spin, flags);
	return length ? length : snprintf(text, room, " [no image]");
}

/* 0: these are no digits of an address of the kernel. */
static uint64_t parse(const char *digits)
{
	uint64_t address = 0;
	unsigned i;

	for (i = 0; i < ADDRESS_DIGITS; i++) {
		char c = digits[i];

		if (c >= '0' && c <= '9')
			address = address << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			address = address << 4 | (unsigned)(c - 'a' + 10);
		else
			return 0;
	}
	return address >= KERNEL_HALF ? address : 0;
}

size_t image_text(const char *line, size_t bytes, char *text, size_t room)
{
	char place[IMAGE_TEXT + 1];
	uint64_t address = 0;
	size_t at, length;

	for (at = 0; !address && at + 4 + ADDRESS_DIGITS <= bytes; at++) {
		if (line[at] == 'R' && line[at + 1] == 'I' && line[at + 2] == 'P' &&
		    line[at + 3] == ' ')
			address = parse(line + at + 4);
	}
	if (!address)
		return 0;
	length = (size_t)describe(address, place, sizeof(place));
	if (length > room)
		return 0;
	for (at = 0; at < length; at++)
		text[at] = place[at];
	return length;
}
