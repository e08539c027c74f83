// SPDX-License-Identifier: MIT
/*
 * Processes and their tokens, as a driver can ask for them: System, and another one without
 * threads. Programs (user.c) are in no table.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define OTHER_ID  0x10c
#define FAST_BITS 0xfull

static void give_token(struct process *process)
{
	process->token = (uintptr_t)object_create(OBJECT_TOKEN, sizeof(struct token), NULL) | 7;
}

void process_init(void)
{
	thread_other_process = object_create(OBJECT_PROCESS, sizeof(struct process), NULL);
	thread_other_process->header.Type = ProcessObject;
	thread_other_process->id = OTHER_ID;
	thread_other_process->parent = thread_system_process.id;
	memcpy(thread_other_process->name, "smss.exe", 9);
	give_token(&thread_system_process);
	give_token(thread_other_process);
}

/* For the driver kit's header, which has a body that can't be called, by another name. */
PKTHREAD NTAPI process_current_thread(VOID) asm("PsGetCurrentThread");

PKTHREAD NTAPI process_current_thread(VOID)
{
	return thread_this();
}

/* The count in the pointer changes with each reference, and comes back when it is used up. */
PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS object)
{
	struct process *process = (struct process *)object;
	uint64_t token = process->token;

	if (!(token & ~FAST_BITS))
		return NULL;
	process->token = token & FAST_BITS ? token - 1 : token | FAST_BITS;
	token &= ~FAST_BITS;
	object_keep((void *)token);
	object_count_driver(1);
	return (PACCESS_TOKEN)token;
}

VOID NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN token)
{
	if (object_kind(token) != OBJECT_TOKEN)
		export_violation("object", "no token");
	object_count_driver(-1);
	object_release(token);
}

NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE id, PEPROCESS *process)
{
	if ((uintptr_t)id != OTHER_ID)
		return STATUS_INVALID_PARAMETER;
	object_keep(thread_other_process);
	object_count_driver(1);
	*process = (PEPROCESS)thread_other_process;
	return STATUS_SUCCESS;
}

BOOLEAN NTAPI MmIsAddressValid(PVOID address)
{
	return memory_translate(memory_top(), (uintptr_t)address) != MEMORY_NONE;
}
