// SPDX-License-Identifier: MIT
/*
 * Images of the kernel. See image.h.
 *
 * NT tells when an image comes, but not when it goes: what lies where a new one is now has gone,
 * and of the rest the list of all images tells, which is asked for again from time to time.
 *
 * World: OS.
 */
#include <stdio.h>

#include "../host.h"
#include "../images.h"
#include "../log.h"
#include "image.h"

#define SYSTEM_MODULES_CLASS 11
#define KERNEL_HALF	     0xffff800000000000ull
#define ADDRESS_DIGITS	     16u
#define REFRESH_MS	     10000u

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

static struct nt_spin spin;
static bool notified; /* of images that come */
static uint64_t refreshed;

/* `unsigned long` has 32 bits here: enough for the flags. */
unsigned long host_images_lock(void)
{
	return (unsigned long)nt_lock(&spin);
}

void host_images_unlock(unsigned long flags)
{
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
	images_add((uintptr_t)image->ImageBase, image->ImageSize, name, length);
}

static void add_module(const struct system_module *module)
{
	const char *name = module->path + module->name_offset;
	unsigned length = 0;

	while (name + length < module->path + sizeof(module->path) && name[length])
		length++;
	images_add((uintptr_t)module->base, module->bytes, name, length);
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

/* An image that comes in between is found twice, and not missed. */
static void refresh(void)
{
	struct system_modules *modules;
	ULONG i;

	refreshed = host_time();
	images_list_begin();
	modules = ask_system();
	for (i = 0; modules && i < modules->count; i++)
		add_module(&modules->module[i]);
	images_list_end(modules && notified);
	if (modules)
		ExFreePoolWithTag(modules, NT_POOL_TAG);
}

void image_init(void)
{
	images_init();
	notified = NT_SUCCESS(PsSetLoadImageNotifyRoutine(on_load));
	if (!notified)
		log_line(HP_WARN, "images that are loaded from now on will have no name here");
	refresh();
}

void image_tick(void)
{
	if (host_time() - refreshed >= REFRESH_MS)
		refresh();
}

void image_end(void)
{
	PsRemoveLoadImageNotifyRoutine(on_load);
	images_end();
}

static int describe(uint64_t address, char *text, size_t room)
{
	struct image image;

	switch (images_find(address, &image)) {
	case IMAGE_FOUND:
		return snprintf(text, room, " [%s+0x%llx]", image.name,
				(unsigned long long)(address - image.base));
	case IMAGE_NONE:
		return snprintf(text, room, " [no image]");
	default:
		return snprintf(text, room, " [image unknown]");
	}
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

/* Lines in which root has named the image, as it was at that moment, end like this. */
static bool is_named(const char *line, size_t bytes)
{
	return bytes && line[bytes - 1] == ']';
}

size_t image_text(const char *line, size_t bytes, char *text, size_t room)
{
	char place[IMAGE_TEXT + 1];
	uint64_t address = 0;
	size_t at, length;

	if (is_named(line, bytes))
		return 0;
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
