/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of hpctl share: the exit statuses, a verb's entry in the table, the options, how
 * failures are told, and how values are written.
 *
 * A verb prints its report on stdout and its failures on stderr, and returns the exit status;
 * hpctl_run() sees to it that the report really was written.
 */
#ifndef HPCTL_H
#define HPCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <hyperplatform/abi.h>

#include "os.h"

/* Exit statuses. The man page and the help promise them. */
enum hpctl_exit {
	HPCTL_OK = 0,
	HPCTL_NO = 1,	  /* the question was answered, and the answer is no */
	HPCTL_USAGE = 2,  /* the command line makes no sense */
	HPCTL_FAILED = 3, /* refused or failed */
	HPCTL_DENIED = 4, /* not permitted */
};

/* options.c: the options, each known to the verbs that name it. */
enum option_bit {
	OPTION_HELP = 1 << 0,
	OPTION_JSON = 1 << 1,
	OPTION_MODULE = 1 << 2,
	OPTION_UNLOAD_KVM = 1 << 3,
	OPTION_ALL = 1 << 4,
	OPTION_FOLLOW = 1 << 5,
	OPTION_RAW = 1 << 6,
	OPTION_EXITS = 1 << 8,
	OPTION_SYMBOLS = 1 << 9,
	OPTION_FILE = 1 << 10,
	OPTION_VMCS = 1 << 11,
};

struct options {
	unsigned given; /* of enum option_bit */
	/* The values of the options that have one; NULL: not given. */
	const char *module, *exits, *symbols, *file;
	char **operand; /* `operands` of them */
	unsigned operands;
};

struct verb {
	const char *name;
	const char *summary; /* one line of the list of verbs */
	const char *text;    /* what it does and what its exit status says, for its help */
	unsigned options;    /* that it takes, of enum option_bit */
	const char *operand; /* what the help calls its operands, or NULL: it has none */
	unsigned operands;   /* how many it may have */
	enum hpctl_exit (*run)(const struct options *options);
};

/*
 * Reads the arguments after the verb, argv[0]. False: they are wrong, which has been told.
 */
bool options_parse(const struct verb *verb, int argc, char **argv, struct options *options);
void options_print_synopsis(const struct verb *verb);
void options_print_help(const struct verb *verb);

/* hpctl.c: the table of verbs, and what main() does with it. */
extern const struct verb hpctl_verbs[];
extern const unsigned hpctl_verbs_count;
const struct verb *hpctl_find(const char *name);
int hpctl_run(int argc, char **argv);

/* One file for each. */
enum hpctl_exit check_run(const struct options *options);
enum hpctl_exit load_run(const struct options *options);
enum hpctl_exit unload_run(const struct options *options);
enum hpctl_exit status_run(const struct options *options);
enum hpctl_exit ping_run(const struct options *options);
enum hpctl_exit stat_run(const struct options *options);
enum hpctl_exit exits_run(const struct options *options);
enum hpctl_exit report_run(const struct options *options);
enum hpctl_exit log_run(const struct options *options);
enum hpctl_exit version_run(const struct options *options);
enum hpctl_exit help_run(const struct options *options);

/*
 * errors.c: each prints "hpctl: <what>: <cause>", and a line "remedy: ..." if there is one, on
 * stderr, and returns the exit status that fits.
 */
enum hpctl_exit errors_os(const char *what, const struct os_error *error);
enum hpctl_exit errors_hp(const char *what, enum hp_error error, uint32_t processor);
enum hpctl_exit errors_failure(const char *what, enum hp_error error,
			       const struct hp_failure *failure);
enum hpctl_exit errors_usage(const char *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The name in abi.h, the cause and the remedy of an error; of an unknown one, that it is unknown.
 */
const char *errors_name(enum hp_error error);
const char *errors_cause(enum hp_error error);
const char *errors_remedy(enum hp_error error);

/* SDM: VM-Instruction Error Numbers. In words, of those that an entry can end with. */
const char *errors_instruction(uint64_t number);

/* device.c: a request with the sizes that abi.h gives it. */
enum hp_error device_request(struct os_device *device, enum hp_request_code code, void *buffer);

/* format.c: values as text. */

/* "0-3, 6": the processors whose entry is set. */
void format_processors(char *text, size_t bytes, const bool *set, unsigned count);
/* "12 bytes", "1.5 KiB", "392 KiB", "2 MiB" */
void format_size(char *text, size_t bytes, uint64_t size);
/* "1094 cycles", "1094 cycles, 365 ns"; tsc_khz 0: the frequency is not known. */
void format_cycles(char *text, size_t bytes, uint64_t cycles, uint64_t tsc_khz);
/* The time in nanoseconds, rounded. */
uint64_t format_ns(uint64_t cycles, uint64_t tsc_khz);
/* Two digits for each byte; `bytes` has room for 2 * count + 1. */
void format_hex(char *text, const uint8_t *data, unsigned count);

#endif
