// SPDX-License-Identifier: MIT
#include "vmcs_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 512

static const struct {
	const char *name, *where;
	size_t offset;
} capabilities[] = {
#define CAPABILITY(name, member, unknown, where)                                                   \
	{ #name, where, offsetof(struct entry_capability, member) },
	ENTRY_CAPABILITIES(CAPABILITY)
#undef CAPABILITY
};
#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

_Static_assert(CAPABILITIES <= VMCS_FILE_CAPABILITIES, "room for each");

static const char names_remedy[] = "docs/entry-rules.md has the names";
static const char form_remedy[] = "a line is NAME VALUE, cap NAME VALUE, mem NAME VALUE, "
				  "msr INDEX VALUE, or # and a comment";

const char *vmcs_file_capability(unsigned number, const char **where)
{
	if (number >= CAPABILITIES)
		return NULL;
	*where = capabilities[number].where;
	return capabilities[number].name;
}

static bool fail(struct vmcs_file_error *error, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fail(struct vmcs_file_error *error, const char *remedy, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->cause, sizeof(error->cause), format, arguments);
	va_end(arguments);
	error->remedy = remedy;
	return false;
}

/* Decimal, or hexadecimal with 0x. */
static bool number(const char *word, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	*value = strtoull(word, &end, word[0] == '0' && tolower(word[1]) == 'x' ? 16 : 10);
	return !*end && !errno;
}

static bool put_field(struct vmcs_file *file, const char *name, uint64_t value,
		      struct vmcs_file_error *error)
{
	unsigned at, bits;

	for (at = 0; at < VMCS_FIELDS_COUNT && strcmp(vmcs_fields[at].name, name) != 0; at++)
		;
	if (at == VMCS_FIELDS_COUNT)
		return fail(error, names_remedy, "there is no field %.64s", name);
	if (file->vmcs.present[at])
		return fail(error, "leave one of the two", "%s was given before", name);
	bits = 8 * vmcs_field_bytes(vmcs_fields[at].encoding);
	if (bits < 64 && value >> bits)
		return fail(error, "", "%s has %u bits only", name, bits);
	file->vmcs.value[at] = value;
	file->vmcs.present[at] = true;
	return true;
}

static bool put_capability(struct vmcs_file *file, const char *name, uint64_t value,
			   struct vmcs_file_error *error)
{
	unsigned i;

	for (i = 0; i < CAPABILITIES && strcmp(capabilities[i].name, name) != 0; i++)
		;
	if (i == CAPABILITIES)
		return fail(error, names_remedy, "there is no capability %.64s", name);
	if (file->capability_present[i])
		return fail(error, "leave one of the two", "cap %s was given before", name);
	/* Nothing could be shifted by these. */
	if (capabilities[i].offset == offsetof(struct entry_capability, physical_bits) &&
	    (value < 32 || value > 52))
		return fail(error, "", "PHYSICAL_BITS is not from 32 to 52");
	if (capabilities[i].offset == offsetof(struct entry_capability, linear_bits) &&
	    value != 48 && value != 57)
		return fail(error, "", "LINEAR_BITS is neither 48 nor 57");
	memcpy((char *)&file->capability + capabilities[i].offset, &value, sizeof(value));
	file->capability_present[i] = true;
	return true;
}

static bool put_memory(struct vmcs_file *file, const char *name, uint64_t value,
		       struct vmcs_file_error *error)
{
	if (strcmp(name, "VTPR") == 0) {
		file->memory.vtpr = (uint8_t)value;
		file->memory.vtpr_known = true;
		return true;
	}
	if (strcmp(name, "LINK_REVISION") == 0) {
		file->memory.link_revision = (uint32_t)value;
		file->memory.link_revision_known = true;
		return true;
	}
	return fail(error, "there are VTPR and LINK_REVISION", "there is no mem %.64s", name);
}

static bool put_msr(struct vmcs_file *file, const char *word, uint64_t value,
		    struct vmcs_file_error *error)
{
	uint64_t index;

	if (!number(word, &index))
		return fail(error, form_remedy, "\"%.64s\" is no number", word);
	if (file->memory.msrs == VMCS_FILE_MSRS)
		return fail(error, "", "more than %u MSRs", VMCS_FILE_MSRS);
	file->msr[file->memory.msrs++] = (struct entry_msr){ index, value };
	file->memory.msr = file->msr;
	return true;
}

static bool put_line(struct vmcs_file *file, char *line, struct vmcs_file_error *error)
{
	static const char space[] = " \t\r\n";
	char *words[4], *save;
	unsigned count = 0;
	uint64_t value;

	line[strcspn(line, "#")] = '\0';
	for (words[0] = strtok_r(line, space, &save); count < 3 && words[count];)
		words[++count] = strtok_r(NULL, space, &save);
	if (!count)
		return true;
	if (count < 2 || words[count])
		return fail(error, form_remedy, "not a name and a value");
	if (!number(words[count - 1], &value))
		return fail(error, form_remedy, "\"%.64s\" is no number of 64 bits",
			    words[count - 1]);
	if (count == 2)
		return put_field(file, words[0], value, error);
	if (strcmp(words[0], "cap") == 0)
		return put_capability(file, words[1], value, error);
	if (strcmp(words[0], "mem") == 0)
		return put_memory(file, words[1], value, error);
	if (strcmp(words[0], "msr") == 0)
		return put_msr(file, words[1], value, error);
	return fail(error, form_remedy, "\"%.64s\" is neither cap nor mem nor msr", words[0]);
}

bool vmcs_file_read(FILE *from, struct vmcs_file *file, struct vmcs_file_error *error)
{
	char line[LINE_BYTES];
	bool any = false;
	unsigned at;

	memset(file, 0, sizeof(*file));
	entry_capability_unknown(&file->capability);
	file->capability.memory = &file->memory;
	error->line = 0;
	while (fgets(line, sizeof(line), from)) {
		error->line++;
		if (!strchr(line, '\n') && !feof(from))
			return fail(error, form_remedy, "longer than %u characters",
				    LINE_BYTES - 2);
		if (!put_line(file, line, error))
			return false;
	}
	error->line = 0;
	if (ferror(from))
		return fail(error, "", "%s", strerror(errno));
	for (at = 0; at < VMCS_FIELDS_COUNT; at++)
		any |= file->vmcs.present[at];
	return any || fail(error, form_remedy, "it has no field of a VMCS");
}
