// SPDX-License-Identifier: MIT
/*
 * Where NT keeps the current process. See layout.h.
 *
 * EPROCESS and KTHREAD are different in each version, and described nowhere. But NT has functions
 * that say what is in them: so each place of such a structure that has the value which a function
 * gives is a candidate. The System process, the one that runs now and a few others are looked at,
 * and a place that does not fit each of them is none. If just one is left, it is known. Of a
 * thread's pointers to its process two are left, as both are right: the lower is the one that
 * PsGetCurrentProcess reads (KTHREAD.ApcState.Process), the other differs from it only while the
 * thread is attached to another process.
 *
 * Nothing but reads of aligned words of those structures, in pages that are there; what is not
 * found stays unknown.
 *
 * World: OS. PASSIVE_LEVEL.
 */
#include <string.h>

#include "../host.h"
#include "../log.h"
#include "layout.h"
#include "nt.h"

#define WORD	     8u
#define PAGE_BYTES   4096u
#define THREAD_AT    0x188u /* in KPCR: the driver kit's KeGetCurrentThread() is a read of it */
#define FAST_BITS    0xfu   /* of an EX_FAST_REF: a count of references below the pointer */
#define THREAD_MOST  0x300u /* how far into the structures we look */
#define PROCESS_MOST 0x600u
#define WORDS	     (PROCESS_MOST / WORD)

#define FIRST_ID    8u /* System has 4 */
#define LAST_ID	    0x4000u
#define ID_STEP	    4u
#define OTHERS_MOST 8u

#define NAME_BYTES 15u

/* Words of a structure that fit what was seen so far. */
struct places {
	bool fits[WORDS];
};

/* What is left of all. */
struct view {
	struct places process, id, token;
	int64_t name; /* the same in all; 0: none was seen yet */
	bool name_fits, thread_fits;
};

static struct view of_system, now;

static void begin(struct places *places, unsigned bytes)
{
	unsigned i;

	for (i = 0; i < WORDS; i++)
		places->fits[i] = i < bytes / WORD;
}

/* Leaves the words that are `value`, apart from the bits of `mask`. */
static void narrow(struct places *places, const void *structure, uint64_t value, uint64_t mask)
{
	const uint64_t *word = structure;
	bool valid = false;
	unsigned i;

	for (i = 0; i < WORDS; i++) {
		if (!i || !((uintptr_t)&word[i] % PAGE_BYTES))
			valid = nt.MmIsAddressValid && nt.MmIsAddressValid((PVOID)&word[i]);
		if (places->fits[i])
			places->fits[i] =
				valid && (*(volatile const uint64_t *)&word[i] & ~mask) == value;
	}
}

/* The number of places left; `offset` is that of the first one. */
static unsigned left(const struct places *places, uint32_t *offset)
{
	unsigned i, count = 0;

	for (i = 0; i < WORDS; i++) {
		if (places->fits[i] && !count++)
			*offset = i * WORD;
	}
	return count;
}

static void narrow_token(PEPROCESS process)
{
	PACCESS_TOKEN reference;

	if (!nt.PsReferencePrimaryToken || !nt.PsDereferencePrimaryToken) {
		begin(&now.token, 0);
		return;
	}
	reference = nt.PsReferencePrimaryToken(process);
	if (!reference) /* of a process that ends */
		return;
	narrow(&now.token, process, (uintptr_t)reference, FAST_BITS);
	nt.PsDereferencePrimaryToken(reference);
}

static void narrow_name(PEPROCESS process)
{
	int64_t offset =
		(int64_t)((uintptr_t)PsGetProcessImageFileName(process) - (uintptr_t)process);

	now.name_fits &= offset > 0 && offset < PAGE_BYTES && (!now.name || offset == now.name);
	now.name = offset;
}

static void look_at(PEPROCESS process, uint64_t its_id)
{
	narrow(&now.id, process, its_id, 0);
	narrow_token(process);
	narrow_name(process);
}

static void look_at_current(void)
{
	PEPROCESS process = IoGetCurrentProcess();
	PKTHREAD thread;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(thread) : "i"(THREAD_AT));
	now.thread_fits &= nt.PsGetCurrentThread && thread == nt.PsGetCurrentThread();
	if (now.thread_fits)
		narrow(&now.process, thread, (uintptr_t)process, 0);
	look_at(process, (uintptr_t)PsGetCurrentProcessId());
}

static void look_at_others(void)
{
	PEPROCESS process;
	unsigned others = 0;
	uintptr_t number;

	for (number = FIRST_ID; number < LAST_ID && others < OTHERS_MOST; number += ID_STEP) {
		if (!nt.PsLookupProcessByProcessId ||
		    !NT_SUCCESS(nt.PsLookupProcessByProcessId((HANDLE)number, &process)))
			continue;
		look_at(process, number);
		ObfDereferenceObject(process);
		others++;
	}
}

void layout_init(void)
{
	begin(&now.process, THREAD_MOST);
	begin(&now.id, PROCESS_MOST);
	begin(&now.token, PROCESS_MOST);
	now.name = 0;
	now.name_fits = now.thread_fits = true;
	look_at_current();
	of_system = now;
}

void host_layout(struct layout *layout)
{
	unsigned pointers;

	now = of_system;
	look_at_current();
	look_at_others();
	layout->thread = THREAD_AT;
	pointers = left(&now.process, &layout->process);
	if (now.thread_fits && (pointers == 1 || pointers == 2))
		layout->known |= LAYOUT_CURRENT;
	layout->id_bytes = sizeof(uint64_t);
	if (left(&now.id, &layout->id) == 1)
		layout->known |= LAYOUT_ID;
	layout->name = (uint32_t)now.name;
	layout->name_bytes = NAME_BYTES;
	if (now.name_fits)
		layout->known |= LAYOUT_NAME;
	layout->credentials_bits = FAST_BITS;
	if (left(&now.token, &layout->credentials) == 1)
		layout->known |= LAYOUT_CREDENTIALS;
	if (layout->known != (LAYOUT_CURRENT | LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS))
		log_line(HP_WARN, "where this system keeps it was not found:%s%s%s%s",
			 layout->known & LAYOUT_CURRENT ? "" : " current process",
			 layout->known & LAYOUT_ID ? "" : " process id",
			 layout->known & LAYOUT_NAME ? "" : " process name",
			 layout->known & LAYOUT_CREDENTIALS ? "" : " token");
}
