/* SPDX-License-Identifier: MIT */
/*
 * The groups of VM exits as the command line names them: for the verbs exits, load and status.
 */
#ifndef HPCTL_EXITS_H
#define HPCTL_EXITS_H

#include "hpctl.h"

/* What is on becomes (on & ~clear) | set. */
struct exits_change {
	uint32_t clear, set;
	bool exact; /* it doesn't depend on what was on */
};

/*
 * Adds a list to `change`: words between commas, each "all", "none", a group, "+group", "-group".
 * False: one is none of these, which has been told.
 */
bool exits_parse(const char *verb, const char *list, struct exits_change *change);

/* "all", "none", or the groups between commas. Returns the length. */
size_t exits_text(char *text, size_t bytes, uint32_t on);

/* The manual's name of an enum hp_control. */
const char *exits_control(uint64_t control);

#endif
