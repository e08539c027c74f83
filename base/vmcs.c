// SPDX-License-Identifier: MIT
#include "vmcs.h"

#include <stddef.h>

const struct vmcs_field_info vmcs_fields[] = {
#define VMCS_INFO(name, encoding, group) { #name, encoding, VMCS_##group },
	VMCS_FIELDS(VMCS_INFO)
#undef VMCS_INFO
};
const unsigned vmcs_fields_count = sizeof(vmcs_fields) / sizeof(vmcs_fields[0]);

unsigned vmcs_field_at(uint32_t encoding)
{
	unsigned i;

	for (i = 0; i < VMCS_FIELDS_COUNT && vmcs_fields[i].encoding != encoding; i++)
		;
	return i;
}

const char *exit_reason_text(uint32_t basic)
{
	static const struct {
		uint32_t number;
		const char *text;
	} reasons[] = {
#define EXIT_TEXT(name, number, text) { number, text },
		EXIT_REASONS(EXIT_TEXT)
#undef EXIT_TEXT
	};
	unsigned i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].number == basic)
			return reasons[i].text;
	}
	return NULL;
}
