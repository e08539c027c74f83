/* SPDX-License-Identifier: MIT */
/*
 * Reports of what went wrong below the system, with the last VM exits of every processor: from the
 * device or from the file that an unload saved, and how they are told. What they hold was written
 * by a root that had failed, or comes from a file: no number of theirs is believed.
 */
#ifndef HPCTL_REPORT_H
#define HPCTL_REPORT_H

#include "base/entry_rules.h"
#include "hpctl.h"
#include "symbols.h"

struct report_one {
	struct hp_report report; /* kind NONE: nothing was wrong on this processor */
	uint32_t depth;		 /* exits that are kept of it */
	uint32_t count;		 /* of them, here: the newest first, which is number total - 1 */
	uint64_t total;
	struct hp_exit *exit;
};

struct report_set {
	bool running;	  /* HyperPlatform, when this was asked for */
	char path[512];	  /* of the file that it comes from; "": it comes from the device */
	uint64_t written; /* when the file was, in seconds since 1970 */
	unsigned count;
	struct report_one *of; /* in the order of the processors' numbers */
};

/* collect.c */

/* Of one processor. OFFLINE: nothing is known of it. */
enum hp_error collect_report(struct os_device *device, uint32_t processor,
			     struct hp_report *report);

/*
 * Asks for the reports, and at most `exits` VM exits of each processor. A processor's request that
 * fails is named by `processor`.
 */
enum hp_error collect_reports(struct os_device *device, uint32_t exits, struct report_set *set,
			      uint32_t *processor);
bool collect_any(const struct report_set *set); /* is there a report in it? */
void collect_free(struct report_set *set);

/* saved.c */

/* Before the driver goes: saves its reports, if it has any. True: it did. Failures are told. */
bool saved_keep(struct os_device *device);

/* Reads the file; NULL: the one that was saved. OS_ABSENT: there is none. */
bool saved_read(const char *path, struct report_set *set, struct os_error *error);

/* words.c */

/* A field of the VMCS. False: the processor has no such field. */
bool words_field(const struct hp_report *report, uint32_t encoding, uint64_t *value);

#define WORDS_TEXT 256u

/* "a fault in root: page fault (#PF, vector 14), error code 0x0, reading 0x8, which is not mapped"
 */
void words_what(char text[WORDS_TEXT], const struct hp_report *report);
/* "it left through the gate, after 2 more faults" */
void words_end(char text[WORDS_TEXT], const struct hp_report *report);
/* "CPUID", "reason 99" */
void words_reason(char text[WORDS_TEXT], uint32_t reason);
/* An event by its interruption information: "general protection (#GP, vector 13)" */
void words_event(char text[WORDS_TEXT], uint64_t information);
/* The names in abi.h; "UNKNOWN" */
const char *words_kind(uint32_t kind);
const char *words_end_name(uint32_t end);

/* By their number in the instruction encoding: "RAX" ... */
extern const char *const words_gpr[16];
/* What hp_report.capability holds, by the names of the dump. */
extern const char *const words_capability[HP_REPORT_CAPABILITIES];

/* report_rules.c */

/*
 * Of an entry that failed: the manual's rules that the VMCS of the report breaks; the first `max`
 * of them. Returns how many there are.
 */
unsigned report_rules(const struct hp_report *report, struct entry_rule_broken *broken,
		      unsigned max);

/* How it is told. */

struct report_view {
	const struct symbols *symbols; /* NULL: there are no names, and `no_names` says why */
	char no_names[640];
	uint32_t exits; /* of each processor */
};

/* The symbols, if they fit this report; else NULL. */
const struct symbols *report_symbols(const struct report_view *view,
				     const struct hp_report *report);

void report_text(const struct report_set *set, const struct report_view *view);
void report_json(const struct report_set *set, const struct report_view *view);
/* The VMCS of the earliest report, field by field, as hpctl entry-rules reads it. */
void report_vmcs(const struct report_set *set);

#endif
