// SPDX-License-Identifier: MIT
/*
 * What a report holds, in words. See report.h.
 */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/vmcs.h"

const char *const words_gpr[16] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
				    "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15" };

const char *const words_capability[HP_REPORT_CAPABILITIES] = {
	"BASIC", "MISC", "CR0_FIXED0", "CR0_FIXED1", "CR4_FIXED0", "CR4_FIXED1",
	"PIN",	 "PROC", "PROC2",      "EXIT",	     "ENTRY",	   "EPT_VPID",
};

static const struct {
	const char *name, *text;
} kinds[] = {
#define KIND(name, number, text) [number] = { #name, text },
	HP_REPORT_KINDS(KIND)
#undef KIND
}, ends[] = {
#define END(name, number, text) [number] = { #name, text },
	HP_REPORT_ENDS(END)
#undef END
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define ENDS  (sizeof(ends) / sizeof(ends[0]))

/* SDM: Protected-Mode Exceptions and Interrupts. */
static const struct {
	const char *mnemonic, *text;
	bool error_code;
} exceptions[] = {
	[VECTOR_DE] = { "#DE", "divide error", false },
	[VECTOR_DB] = { "#DB", "debug exception", false },
	[VECTOR_NMI] = { "NMI", "non-maskable interrupt", false },
	[VECTOR_BP] = { "#BP", "breakpoint", false },
	[VECTOR_OF] = { "#OF", "overflow", false },
	[VECTOR_BR] = { "#BR", "BOUND range exceeded", false },
	[VECTOR_UD] = { "#UD", "invalid opcode", false },
	[VECTOR_NM] = { "#NM", "device not available", false },
	[VECTOR_DF] = { "#DF", "double fault", true },
	[VECTOR_TS] = { "#TS", "invalid TSS", true },
	[VECTOR_NP] = { "#NP", "segment not present", true },
	[VECTOR_SS] = { "#SS", "stack-segment fault", true },
	[VECTOR_GP] = { "#GP", "general protection", true },
	[VECTOR_PF] = { "#PF", "page fault", true },
	[VECTOR_MF] = { "#MF", "x87 floating-point error", false },
	[VECTOR_AC] = { "#AC", "alignment check", true },
	[VECTOR_MC] = { "#MC", "machine check", false },
	[VECTOR_XM] = { "#XM", "SIMD floating-point exception", false },
	[VECTOR_VE] = { "#VE", "virtualization exception", false },
	[VECTOR_CP] = { "#CP", "control protection", true },
};
#define EXCEPTIONS (sizeof(exceptions) / sizeof(exceptions[0]))

bool words_field(const struct hp_report *report, uint32_t encoding, uint64_t *value)
{
	unsigned at = vmcs_field_at(encoding);

	if (at == VMCS_FIELDS_COUNT)
		return false;
	*value = report->field[at];
	return report->present[at / 64] >> (at % 64) & 1;
}

/* Text that is made piece by piece. */
struct text {
	char *to;
	size_t used;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	if (text->used >= WORDS_TEXT)
		return;
	va_start(arguments, format);
	text->used += (size_t)vsnprintf(text->to + text->used, WORDS_TEXT - text->used, format,
					arguments);
	va_end(arguments);
}

static void add_vector(struct text *text, uint64_t vector)
{
	if (vector < EXCEPTIONS && exceptions[vector].text)
		add(text, "%s (%s, vector %" PRIu64 ")", exceptions[vector].text,
		    exceptions[vector].mnemonic, vector);
	else
		add(text, "vector %" PRIu64, vector);
}

static void add_fault(struct text *text, const struct hp_report *report)
{
	uint32_t code = report->error_code;
	const char *access = "reading";

	add_vector(text, report->vector);
	if (report->vector < EXCEPTIONS && exceptions[report->vector].error_code)
		add(text, ", error code %#" PRIx32, code);
	if (report->vector != VECTOR_PF)
		return;
	if (code & PF_FETCH)
		access = "executing";
	else if (code & PF_WRITE)
		access = "writing";
	add(text, ", %s 0x%" PRIx64 ", which %s", access, report->address,
	    code & PF_PRESENT ? "its page does not allow" : "is not mapped");
}

static void add_reason(struct text *text, uint32_t reason)
{
	const char *known = exit_reason_text(reason & 0xffff);

	if (known)
		add(text, "%s", known);
	else
		add(text, "reason %" PRIu32, reason & 0xffff);
}

static void add_qualification(struct text *text, const struct hp_report *report)
{
	uint64_t qualification;

	if (words_field(report, VMCS_EXIT_QUALIFICATION, &qualification))
		add(text, ", qualification 0x%" PRIx64, qualification);
}

void words_what(char to[WORDS_TEXT], const struct hp_report *report)
{
	struct text text = { to, 0 };

	if (report->kind >= KINDS) {
		add(&text, "something that this hpctl does not know (%" PRIu32 ")", report->kind);
		return;
	}
	add(&text, "%s", kinds[report->kind].text);
	switch (report->kind) {
	case HP_REPORT_FAULT:
		add(&text, ": ");
		add_fault(&text, report);
		break;
	case HP_REPORT_ENTRY_FAILED:
		if (!(report->reason & EXIT_REASON_ENTRY_FAILED)) {
			add(&text, ": VM-instruction error %" PRIu32 " (%s)",
			    report->instruction_error,
			    errors_instruction(report->instruction_error));
			break;
		}
		add(&text, ": reason %#" PRIx32 " (", report->reason);
		add_reason(&text, report->reason);
		add(&text, ")");
		add_qualification(&text, report);
		break;
	case HP_REPORT_UNEXPECTED_EXIT:
		add(&text, ": ");
		add_reason(&text, report->reason);
		add(&text, " (%" PRIu32 ")", report->reason);
		add_qualification(&text, report);
		break;
	default:
		break;
	}
}

void words_end(char to[WORDS_TEXT], const struct hp_report *report)
{
	struct text text = { to, 0 };

	add(&text, "%s", report->end < ENDS ? ends[report->end].text : "in an unknown way");
	if (report->again)
		add(&text, ", after %" PRIu32 " more fault%s", report->again,
		    report->again == 1 ? "" : "s");
}

void words_reason(char to[WORDS_TEXT], uint32_t reason)
{
	struct text text = { to, 0 };

	add_reason(&text, reason);
}

void words_event(char to[WORDS_TEXT], uint64_t information)
{
	static const char *const types[8] = {
		[EVENT_EXTERNAL] = "external interrupt",
		[1] = "event of an unknown type",
		[EVENT_SOFTWARE_INTERRUPT] = "software interrupt",
		[EVENT_OTHER] = "other event",
	};
	uint32_t type = EVENT_TYPE((uint32_t)information);
	struct text text = { to, 0 };

	if (types[type])
		add(&text, "%s, vector %" PRIu64, types[type], EVENT_VECTOR(information));
	else
		add_vector(&text, EVENT_VECTOR(information));
}

const char *words_kind(uint32_t kind)
{
	return kind < KINDS ? kinds[kind].name : "UNKNOWN";
}

const char *words_end_name(uint32_t end)
{
	return end < ENDS ? ends[end].name : "UNKNOWN";
}
