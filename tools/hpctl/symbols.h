/* SPDX-License-Identifier: MIT */
/*
 * root.sym: the names of root's functions by their offsets in root.elf. Text: a line "build-id
 * HEX", then a line "OFFSET NAME" for each function, in the order of their offsets; "-" is the name
 * of what is no function. It fits one build of root, and no other.
 */
#ifndef HPCTL_SYMBOLS_H
#define HPCTL_SYMBOLS_H

#include "hpctl.h"

struct symbol {
	uint64_t offset;
	const char *name;
};

struct symbols {
	char path[512];
	char build_id[41];
	struct symbol *list;
	size_t count;
	char *text; /* that the names are in */
};

/* Reads the file; NULL: the installed one. False: there is none, or it is damaged. */
bool symbols_read(const char *path, struct symbols *symbols, struct os_error *error);
void symbols_free(struct symbols *symbols);

/* Are they of the root that wrote this report? */
bool symbols_fit(const struct symbols *symbols, const struct hp_report *report);

#define SYMBOLS_TEXT 128u

/*
 * "exit_cpuid+0x12", or "0x1a2b" if the address has no name or `symbols` is NULL. A return address
 * belongs to the function of the call in front of it.
 */
void symbols_text(char text[SYMBOLS_TEXT], const struct symbols *symbols, uint64_t offset,
		  bool is_return);

#endif
