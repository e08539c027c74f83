// SPDX-License-Identifier: MIT
/*
 * Subscriptions of the OS side. See subscribe.h. The state that they make together lies in the
 * command page all the time: a processor that enters later takes it from there.
 *
 * World: OS.
 */
#include <string.h>

#include "processor.h"
#include "subscribe.h"

static bool is_possible(const struct processor *processor, const struct interception *state,
			enum hp_control *missing)
{
	return interception_possible(state, processor->proc_allowed, processor->proc2_allowed,
				     missing);
}

/* The first checked processor that lacks a control; NULL: none does. */
static const struct processor *find_unable(const struct machine *machine,
					   const struct interception *state,
					   enum hp_control *missing)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		const struct processor *processor = &machine->processor[i];

		if (processor->checked && !processor->error &&
		    !is_possible(processor, state, missing))
			return processor;
	}
	return NULL;
}

static void fill_command(struct machine *machine)
{
	struct gate_command *command = machine->command;

	interception_union(&machine->subscriptions, &command->interception, command->msr_bitmap,
			   command->port_bitmap);
}

static bool set_groups(struct machine *machine, uint32_t groups)
{
	uint32_t gone = machine->exits & ~groups;

	interception_remove_groups(&machine->subscriptions, gone);
	if (!interception_add_groups(&machine->subscriptions, groups & ~machine->exits)) {
		interception_add_groups(&machine->subscriptions, gone);
		return false;
	}
	machine->exits = groups;
	fill_command(machine);
	return true;
}

/* The first guest that does not take the command; NULL: all have it. */
static struct processor *find_refusing(struct machine *machine, enum hp_error *error)
{
	uint32_t i;

	for (i = 0; i < machine->processors; i++) {
		struct processor *processor = &machine->processor[i];

		if (!processor_is_guest(processor))
			continue;
		*error = processor_intercept(processor);
		if (*error)
			return processor;
	}
	return NULL;
}

enum hp_error subscribe_begin(struct machine *machine, uint32_t groups, struct hp_failure *failure)
{
	const struct processor *unable;
	enum hp_control missing;

	if (!set_groups(machine, groups))
		return HP_ERROR_INTERNAL;
	unable = find_unable(machine, &machine->command->interception, &missing);
	if (!unable)
		return HP_ERROR_OK;
	failure->processor = unable->index;
	failure->requirement = HP_REQUIREMENT_COUNT;
	failure->detail[0] = missing;
	return HP_ERROR_CAPABILITY;
}

/* The groups that every processor can have. */
static uint32_t able(const struct machine *machine)
{
	static struct interception_set set; /* too large for a kernel's stack; the lock is held */
	struct interception state;
	enum hp_control missing;
	uint32_t result = 0, group;

	for (group = 1; group & HP_EXITS_ALL; group <<= 1) {
		set.count = 0;
		interception_add_groups(&set, group);
		interception_union(&set, &state, NULL, NULL);
		if (!find_unable(machine, &state, &missing))
			result |= group;
	}
	return result;
}

enum hp_error subscribe_groups(struct machine *machine, struct hp_exits *exits)
{
	uint32_t old = machine->exits;
	const struct processor *which;
	enum hp_control missing = HP_CONTROL_NONE;
	enum hp_error error = HP_ERROR_OK, ignored;

	if ((exits->clear || exits->set) && !set_groups(machine, (old & ~exits->clear) | exits->set)) {
		error = HP_ERROR_INTERNAL;
	} else if (exits->clear || exits->set) {
		which = find_unable(machine, &machine->command->interception, &missing);
		if (which)
			error = HP_ERROR_CAPABILITY;
		else
			which = find_refusing(machine, &error);
		if (error) {
			exits->missing = missing;
			exits->processor = which->index;
			set_groups(machine, old);
			find_refusing(machine, &ignored);
		}
	}
	exits->on = machine->exits;
	exits->able = able(machine);
	return error;
}

bool subscribe_possible(const struct machine *machine, const struct processor *processor)
{
	enum hp_control missing;

	return is_possible(processor, &machine->command->interception, &missing);
}
