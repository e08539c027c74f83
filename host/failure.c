// SPDX-License-Identifier: MIT
/*
 * Failures in words. See failure.h.
 *
 * World: OS.
 */
#include <stdio.h>

#include "failure.h"
#include "host.h"
#include "log.h"

static const struct {
	const char *cause, *remedy;
} sentences[] = {
#define SENTENCE(name, number, cause, remedy) [number] = { cause, remedy },
	HP_ERRORS(SENTENCE)
#undef SENTENCE
};

static const struct {
	const char *text;
	enum hp_error error;
} requirements[] = {
#define REQUIREMENT(name, number, text, error) [number] = { text, HP_ERROR_##error },
	HP_REQUIREMENTS(REQUIREMENT)
#undef REQUIREMENT
};

uint32_t failure_requirement(const struct hp_check *check)
{
	uint32_t i;

	for (i = 0; i < HP_REQUIREMENT_COUNT; i++) {
		if (check->requirement[i].verdict == HP_CHECK_MISSING &&
		    requirements[i].error != HP_ERROR_OK)
			break;
	}
	return i;
}

static const char *const controls[] = {
#define CONTROL(name, number, text) [number] = text,
	HP_CONTROLS(CONTROL)
#undef CONTROL
};

/* What belongs to this error alone: the requirement, the control, or the field and its value. */
static void describe(const struct hp_failure *failure, char *text, size_t bytes)
{
	text[0] = '\0';
	if (failure->error == HP_ERROR_CAPABILITY && failure->requirement < HP_REQUIREMENT_COUNT)
		snprintf(text, bytes, ": %s", requirements[failure->requirement].text);
	else if (failure->error == HP_ERROR_CAPABILITY &&
		 failure->detail[0] < sizeof(controls) / sizeof(controls[0]))
		snprintf(text, bytes, ": %s", controls[failure->detail[0]]);
	else if (failure->detail[0] || failure->detail[1])
		snprintf(text, bytes, ": %#llx, %#llx", (unsigned long long)failure->detail[0],
			 (unsigned long long)failure->detail[1]);
}

void failure_log(const char *what, const struct hp_failure *failure)
{
	uint32_t error = failure->error < sizeof(sentences) / sizeof(sentences[0])
				 ? failure->error
				 : HP_ERROR_INTERNAL;
	const char *here = host_remedy((enum hp_error)error);
	char where[32] = "", details[112];

	if (failure->processor != HP_NO_PROCESSOR)
		snprintf(where, sizeof(where), "processor %u: ", failure->processor);
	describe(failure, details, sizeof(details));
	log_line(HP_ERR, "%s: %s%s%s; %s", what, where, sentences[error].cause, details,
		 here ? here : sentences[error].remedy);
}
