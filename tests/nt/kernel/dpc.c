// SPDX-License-Identifier: MIT
/*
 * Deferred procedure calls: a queue a processor, run at DISPATCH_LEVEL by the dispatch interrupt.
 * As in NT, one of less than high importance does not interrupt another processor: it waits for
 * that one's next tick.
 *
 * World: the lab's kernel; exported functions run on behalf of the driver.
 */
#include "nt.h"

#define TARGET 0x100u /* in KDPC.Number: + the processor. Without it: the current one */

static struct lab_lock lock;

void dpc_init_processor(struct processor *processor)
{
	InitializeListHead(&processor->dpcs);
}

static KDPC *take(struct processor *processor, KDPC *copy)
{
	uint64_t flags = lab_lock(&lock);
	KDPC *dpc = NULL;

	if (!IsListEmpty(&processor->dpcs)) {
		dpc = CONTAINING_RECORD(RemoveHeadList(&processor->dpcs), KDPC, DpcListEntry);
		*copy = *dpc;
		dpc->DpcData = NULL;
	}
	processor->in_dpc = dpc != NULL;
	lab_unlock(&lock, flags);
	return dpc;
}

void dpc_retire(struct processor *processor)
{
	struct guard guard;
	KDPC *dpc, copy;

	while ((dpc = take(processor, &copy))) {
		guard_enter(&guard);
		copy.DeferredRoutine(dpc, copy.DeferredContext, copy.SystemArgument1,
				     copy.SystemArgument2);
		guard_leave(&guard, "a DPC");
	}
}

unsigned dpc_queued(void)
{
	uint64_t flags = lab_lock(&lock);
	unsigned i, count = 0;
	LIST_ENTRY *at;

	for (i = 0; i < processor_count(); i++)
		for (at = processors[i].dpcs.Flink; at != &processors[i].dpcs; at = at->Flink)
			count++;
	lab_unlock(&lock, flags);
	return count;
}

VOID NTAPI KeInitializeDpc(PRKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context)
{
	memset(dpc, 0, sizeof(*dpc));
	dpc->Type = DpcObject;
	dpc->Importance = MediumImportance;
	dpc->DeferredRoutine = routine;
	dpc->DeferredContext = context;
}

VOID NTAPI KeSetImportanceDpc(PRKDPC dpc, KDPC_IMPORTANCE importance)
{
	dpc->Importance = (UCHAR)importance;
}

VOID NTAPI KeSetTargetProcessorDpc(PRKDPC dpc, CCHAR number)
{
	if (number < 0 || number >= (int)processor_count())
		export_violation("argument", "processor %d", number);
	dpc->Number = (USHORT)(TARGET + (unsigned)number);
}

NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC dpc, PPROCESSOR_NUMBER number)
{
	if (number->Group || number->Number >= processor_count() || number->Reserved)
		return STATUS_INVALID_PARAMETER;
	dpc->Number = (USHORT)(TARGET + number->Number);
	return STATUS_SUCCESS;
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC dpc, PVOID argument1, PVOID argument2)
{
	uint64_t flags = lab_lock(&lock);
	unsigned here = processor_this()->number;
	unsigned target = dpc->Number & TARGET ? dpc->Number & ~TARGET : here;
	bool high = dpc->Importance == HighImportance, queued = !dpc->DpcData;

	if (dpc->Type != DpcObject)
		export_violation("object", "no DPC: type %u", dpc->Type);
	if (queued) {
		dpc->DpcData = &processors[target].dpcs;
		dpc->SystemArgument1 = argument1;
		dpc->SystemArgument2 = argument2;
		if (high)
			InsertHeadList(&processors[target].dpcs, &dpc->DpcListEntry);
		else
			InsertTailList(&processors[target].dpcs, &dpc->DpcListEntry);
	}
	lab_unlock(&lock, flags);
	if (queued && (high || (target == here && dpc->Importance != LowImportance)))
		processor_send(target, VECTOR_DISPATCH);
	return queued;
}

VOID NTAPI KeFlushQueuedDpcs(VOID)
{
	unsigned i;

	for (i = 0; i < processor_count(); i++) {
		processor_send(i, VECTOR_DISPATCH);
		while (!IsListEmpty(&processors[i].dpcs) || processors[i].in_dpc)
			thread_sleep(1);
	}
}
