// SPDX-License-Identifier: MIT
/*
 * How failures are told: one line that says what failed and why, and one that says what to do. The
 * sentences of HyperPlatform's own errors are in abi.h, those of the system's in os_*.c.
 */
#include "exits.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/vmcs.h"

static const struct {
	const char *name, *cause, *remedy;
} errors[] = {
#define ERROR(name, number, cause, remedy) [number] = { #name, cause, remedy },
	HP_ERRORS(ERROR)
#undef ERROR
};

static const char *const requirements[] = {
#define REQUIREMENT(name, number, text, error) [number] = text,
	HP_REQUIREMENTS(REQUIREMENT)
#undef REQUIREMENT
};

static bool known(enum hp_error error)
{
	return error < sizeof(errors) / sizeof(errors[0]) && errors[error].name;
}

const char *errors_name(enum hp_error error)
{
	return known(error) ? errors[error].name : "UNKNOWN";
}

const char *errors_cause(enum hp_error error)
{
	return known(error) ? errors[error].cause : "an error that this hpctl does not know";
}

const char *errors_remedy(enum hp_error error)
{
	enum hp_error one = known(error) ? error : HP_ERROR_REQUEST;
	const char *here = os_remedy(one);

	return here ? here : errors[one].remedy;
}

/* What was printed so far comes first, also when both streams go to the same place. */
static void tell_what(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "hpctl: %s: ", what);
}

static void tell_remedy(const char *remedy)
{
	if (remedy[0])
		fprintf(stderr, "remedy: %s\n", remedy);
}

enum hpctl_exit errors_os(const char *what, const struct os_error *error)
{
	tell_what(what);
	fprintf(stderr, "%s\n", error->text);
	tell_remedy(error->remedy);
	return error->cause == OS_DENIED ? HPCTL_DENIED : HPCTL_FAILED;
}

static const char *field_name(uint64_t encoding)
{
	unsigned i;

	for (i = 0; i < vmcs_fields_count; i++) {
		if (vmcs_fields[i].encoding == encoding)
			return vmcs_fields[i].name;
	}
	return "unknown field";
}

const char *errors_instruction(uint64_t number)
{
	switch (number) {
	case 4:
		return "VMLAUNCH with a VMCS that is not clear";
	case 5:
		return "VMRESUME with a VMCS that was not launched";
	case 7:
		return "invalid control field";
	case 8:
		return "invalid host-state field";
	case 26:
		return "events blocked by MOV SS";
	default:
		return "see the manual";
	}
}

/* A reason of 0 is no exit: the entry ended with VMfail. */
static void tell_entry(uint64_t reason, uint64_t value)
{
	const char *text = exit_reason_text(reason & 0xffff);

	if (!reason)
		fprintf(stderr, ": VM-instruction error %" PRIu64 " (%s)", value,
			errors_instruction(value));
	else
		fprintf(stderr, ": reason %#" PRIx64 " (%s), qualification %#" PRIx64, reason,
			text ? text : "unknown", value);
}

/* What the failure knows beyond the error: which capability, which field, which reason. */
static void tell_detail(const struct hp_failure *failure)
{
	const uint64_t *detail = failure->detail;

	switch (failure->error) {
	case HP_ERROR_CAPABILITY:
		if (failure->requirement < HP_REQUIREMENT_COUNT)
			fprintf(stderr, ": %s", requirements[failure->requirement]);
		else if (detail[0])
			fprintf(stderr, ": %s", exits_control(detail[0]));
		break;
	case HP_ERROR_VMCS_FAILED:
		/* No field: VMCLEAR or VMPTRLD failed, before any. */
		if (detail[0])
			fprintf(stderr, ": %s (%#" PRIx64 "), value %#" PRIx64,
				field_name(detail[0]), detail[0], detail[1]);
		break;
	case HP_ERROR_ENTRY_FAILED:
		tell_entry(detail[0], detail[1]);
		break;
	case HP_ERROR_STATE:
		fprintf(stderr, ": %#" PRIx64 ", value %#" PRIx64, detail[0], detail[1]);
		break;
	default:
		break;
	}
}

enum hpctl_exit errors_failure(const char *what, enum hp_error error,
			       const struct hp_failure *failure)
{
	tell_what(what);
	if (failure->processor != HP_NO_PROCESSOR)
		fprintf(stderr, "processor %" PRIu32 ": ", failure->processor);
	fputs(errors_cause(error), stderr);
	if (!known(error))
		fprintf(stderr, " (%u)", (unsigned)error);
	tell_detail(failure);
	fputc('\n', stderr);
	tell_remedy(errors_remedy(error));
	return error == HP_ERROR_NOT_PRIVILEGED ? HPCTL_DENIED : HPCTL_FAILED;
}

enum hpctl_exit errors_hp(const char *what, enum hp_error error, uint32_t processor)
{
	struct hp_failure bare = { .processor = processor, .error = HP_ERROR_OK };

	return errors_failure(what, error, &bare);
}

enum hpctl_exit errors_usage(const char *verb, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, verb ? "hpctl: %s: " : "hpctl: ", verb);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, verb ? "\nremedy: see hpctl help %s\n" : "\nremedy: see hpctl help\n",
		verb);
	return HPCTL_USAGE;
}
