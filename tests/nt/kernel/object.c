// SPDX-License-Identifier: MIT
/*
 * Objects with references, and handles to them. What a driver takes of either is counted, so that
 * what it has not given back can be named.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define HANDLES	      64
#define KERNEL_HANDLE 0xffffffff80000000ull
#define MAGIC	      0x4f424a54

struct header {
	uint32_t magic;
	enum object_kind kind;
	long references;
	uint32_t pages;
	void (*delete)(void *body);
	uint8_t pad[40]; /* bodies are aligned as pool is */
};

static struct slot {
	void *body;
	struct process *process; /* NULL: a kernel handle */
	bool of_driver;
} slots[HANDLES];
static struct lab_lock lock;
static long driver_references;

static struct header *header_of(void *body)
{
	struct header *header = (struct header *)body - 1;

	if (header->magic != MAGIC)
		judge_bug_check("what is taken for an object is none", NULL);
	return header;
}

/* Each has pages of its own, so that a use after its end faults. */
void *object_create(enum object_kind kind, size_t bytes, void (*delete)(void *body))
{
	uint32_t pages = (uint32_t)((sizeof(struct header) + bytes + PAGE - 1) / PAGE);
	uint64_t address = memory_reserve(pages);
	struct header *header = (struct header *)address;

	if (!memory_back(address, pages, MAP_WRITE))
		return NULL;
	header->magic = MAGIC;
	header->kind = kind;
	header->references = 1;
	header->pages = pages;
	header->delete = delete;
	return header + 1;
}

enum object_kind object_kind(void *body)
{
	return header_of(body)->kind;
}

void object_keep(void *body)
{
	__atomic_add_fetch(&header_of(body)->references, 1, __ATOMIC_RELAXED);
}

void object_release(void *body)
{
	struct header *header = header_of(body);

	if (__atomic_sub_fetch(&header->references, 1, __ATOMIC_ACQ_REL))
		return;
	if (header->delete)
		header->delete (body);
	memory_release((uintptr_t)header, header->pages);
}

void object_count_driver(long change)
{
	__atomic_add_fetch(&driver_references, change, __ATOMIC_RELAXED);
}

/* Takes over the caller's reference. NULL: no handle left. */
HANDLE object_open(void *body, bool kernel_handle, bool of_driver)
{
	uint64_t flags = lab_lock(&lock);
	unsigned i;

	for (i = 0; i < HANDLES && slots[i].body; i++)
		;
	if (i < HANDLES) {
		slots[i].body = body;
		slots[i].process = kernel_handle ? NULL : thread_this()->process;
		slots[i].of_driver = of_driver;
	}
	lab_unlock(&lock, flags);
	if (i == HANDLES)
		return NULL;
	return (HANDLE)((i + 1) * 4 + (kernel_handle ? KERNEL_HANDLE : 0));
}

static struct slot *find(HANDLE handle)
{
	uint64_t value = (uintptr_t)handle;
	bool kernel_handle = (value & KERNEL_HANDLE) == KERNEL_HANDLE;
	uint64_t number = (kernel_handle ? value - KERNEL_HANDLE : value) / 4 - 1;

	if (number >= HANDLES || !slots[number].body || kernel_handle != !slots[number].process ||
	    (!kernel_handle && slots[number].process != thread_this()->process)) {
		export_violation("handle", "%llx is none, here", value);
		return NULL;
	}
	return &slots[number];
}

/* The object, without a reference; NULL: no such handle. */
void *object_of(HANDLE handle)
{
	struct slot *slot = find(handle);

	return slot ? slot->body : NULL;
}

unsigned object_driver_handles(void)
{
	unsigned i, count = 0;

	for (i = 0; i < HANDLES; i++)
		count += slots[i].body && slots[i].of_driver;
	return count;
}

long object_driver_references(void)
{
	return driver_references;
}

NTSTATUS NTAPI ZwClose(HANDLE handle)
{
	struct slot *slot = find(handle);
	void *body;

	if (!slot)
		return STATUS_INVALID_HANDLE;
	body = slot->body;
	slot->body = NULL;
	object_release(body);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE handle, ACCESS_MASK access, POBJECT_TYPE type,
					 KPROCESSOR_MODE mode, PVOID *object,
					 POBJECT_HANDLE_INFORMATION information)
{
	struct slot *slot = find(handle);

	(void)access, (void)type, (void)mode;
	if (information)
		memset(information, 0, sizeof(*information));
	*object = NULL;
	if (!slot)
		return STATUS_INVALID_HANDLE;
	object_keep(slot->body);
	object_count_driver(1);
	*object = slot->body;
	return STATUS_SUCCESS;
}

LONG_PTR FASTCALL ObfDereferenceObject(PVOID object)
{
	LONG_PTR left = header_of(object)->references - 1;

	object_count_driver(-1);
	object_release(object);
	return left;
}
