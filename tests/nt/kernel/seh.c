// SPDX-License-Identifier: MIT
/*
 * Exceptions of a driver, found by the image's unwind data, as far as a function without anything
 * to unwind goes: the handler of the function that faulted, with the stack pointer that it had.
 *
 * World: the lab's kernel, on behalf of the driver.
 */
#include "nt.h"

#define VECTOR_DE 0
#define VECTOR_UD 6
#define VECTOR_PF 14

#define UNWIND_HAS_HANDLER 1
#define FILTER_EXECUTE	   1

struct unwind {
	uint8_t version : 3, flags : 5;
	uint8_t prologue_bytes, codes;
	uint8_t frame_register : 4, frame_offset : 4;
	uint16_t code[];
};

struct function {
	uint32_t begin, end, unwind;
};

struct scopes {
	uint32_t count;
	struct {
		uint32_t begin, end, filter, target;
	} scope[];
};

/* NT's DISPATCHER_CONTEXT, then what RtlUnwindEx would have been told. */
struct dispatch {
	uint64_t control_pc, image_base;
	const struct function *function;
	uint64_t establisher, target_ip;
	CONTEXT *context;
	void *handler;
	const struct scopes *scopes;
	void *history;
	uint32_t scope_index, reserved;
	uint64_t go_on;
};

typedef EXCEPTION_DISPOSITION exception_handler(EXCEPTION_RECORD *record, void *frame,
						CONTEXT *context, struct dispatch *dispatch);

EXCEPTION_DISPOSITION __C_specific_handler(EXCEPTION_RECORD *record, void *frame, CONTEXT *context,
					   struct _DISPATCHER_CONTEXT *dispatcher)
{
	struct dispatch *dispatch = (struct dispatch *)dispatcher;
	uint64_t at = dispatch->control_pc - dispatch->image_base;
	uint32_t i;

	(void)record, (void)frame, (void)context;
	for (i = dispatch->scope_index; i < dispatch->scopes->count; i++) {
		if (at < dispatch->scopes->scope[i].begin || at >= dispatch->scopes->scope[i].end)
			continue;
		if (dispatch->scopes->scope[i].filter != FILTER_EXECUTE)
			judge_violation("handler", "a filter function: the lab knows 1 only");
		else
			dispatch->go_on = dispatch->image_base + dispatch->scopes->scope[i].target;
		break;
	}
	return ExceptionContinueSearch;
}

/* By halves, as NT does: a table that is not in order is of no use. */
static const struct function *find_function(uint64_t base, uint32_t at)
{
	IMAGE_DATA_DIRECTORY *directory =
		&loader_headers((void *)base)
			 ->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXCEPTION];
	const struct function *functions = (const void *)(base + directory->VirtualAddress);
	uint32_t first = 0, end = directory->Size / sizeof(*functions), middle;

	while (first < end) {
		middle = (first + end) / 2;
		if (at < functions[middle].begin)
			end = middle;
		else if (at >= functions[middle].end)
			first = middle + 1;
		else
			return &functions[middle];
	}
	return NULL;
}

static NTSTATUS code_of(uint64_t vector)
{
	switch (vector) {
	case VECTOR_DE:
		return STATUS_INTEGER_DIVIDE_BY_ZERO;
	case VECTOR_UD:
		return STATUS_ILLEGAL_INSTRUCTION;
	default:
		return STATUS_ACCESS_VIOLATION;
	}
}

/* Goes on where a handler of the driver wants it to; false: nobody handles it. */
bool seh_dispatch(struct trap_frame *frame)
{
	uint64_t base = loader_driver.base;
	const struct function *function;
	const struct unwind *unwind;
	const uint32_t *handler;
	EXCEPTION_RECORD record;
	struct dispatch dispatch;
	CONTEXT context;

	if (!loader_driver.loaded || frame->rip - base >= loader_driver.bytes)
		return false;
	/* NT: an access at an address that is not mapped is a bug check above APC_LEVEL. */
	if (frame->vector == VECTOR_PF && processor_cr8() > APC_LEVEL)
		return false;
	function = find_function(base, (uint32_t)(frame->rip - base));
	if (!function)
		return false;
	unwind = (const void *)(base + function->unwind);
	if (!(unwind->flags & UNWIND_HAS_HANDLER) || unwind->frame_register ||
	    frame->rip - base - function->begin < unwind->prologue_bytes)
		return false;

	handler = (const uint32_t *)&unwind->code[(unwind->codes + 1) & ~1u];
	memset(&record, 0, sizeof(record));
	memset(&context, 0, sizeof(context));
	memset(&dispatch, 0, sizeof(dispatch));
	record.ExceptionCode = code_of(frame->vector);
	record.ExceptionAddress = (void *)frame->rip;
	context.Rip = frame->rip;
	context.Rsp = frame->rsp;
	dispatch.control_pc = frame->rip;
	dispatch.image_base = base;
	dispatch.function = function;
	dispatch.establisher = frame->rsp;
	dispatch.context = &context;
	dispatch.scopes = (const void *)(handler + 1);
	((exception_handler *)(base + *handler))(&record, (void *)frame->rsp, &context, &dispatch);
	if (!dispatch.go_on)
		return false;
	frame->rip = dispatch.go_on;
	frame->rax = (uint32_t)record.ExceptionCode;
	return true;
}
