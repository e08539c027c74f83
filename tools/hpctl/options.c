// SPDX-License-Identifier: MIT
/*
 * The options: one table for all verbs, from which the command line is read and the help is made.
 * A verb's entry says which of them it takes.
 */
#include "hpctl.h"

#include <getopt.h>
#include <string.h>

static const struct {
	const char *name;
	char letter;	   /* or 0 */
	const char *value; /* what the help calls it, or NULL */
	enum option_bit bit;
	const char *help;
} table[] = {
	{ "follow", 'f', NULL, OPTION_FOLLOW, "go on with what comes, until Ctrl-C or the unload" },
	{ "raw", 0, NULL, OPTION_RAW, "print the lines as they are, fields separated by tabs" },
	{ "all", 0, NULL, OPTION_ALL, "print the exit reasons that never occurred, too" },
	{ "unload-kvm", 0, NULL, OPTION_UNLOAD_KVM, "remove kvm_intel first, if it is loaded" },
	{ "exits", 0, "N", OPTION_EXITS, "print the last N VM exits of each processor, not 8" },
	{ "vmcs", 0, NULL, OPTION_VMCS, "print the fields of the VMCS, and nothing else" },
	{ "symbols", 0, "FILE", OPTION_SYMBOLS,
	  "take names from this file, not the installed one" },
	{ "file", 0, "FILE", OPTION_FILE, "read the report that was saved in this file" },
	{ "module", 0, "PATH", OPTION_MODULE, "load this module file, not the installed one" },
	{ "json", 0, NULL, OPTION_JSON, "print JSON" },
	{ "help", 'h', NULL, OPTION_HELP, "print this text" },
};

#define OPTIONS (sizeof(table) / sizeof(table[0]))

/* What getopt_long() returns for table[i] when it has no letter. */
#define LONG_ONLY(i) (256 + (int)(i))

static int value_of(unsigned i)
{
	return table[i].letter ? table[i].letter : LONG_ONLY(i);
}

/*
 * Tells what is wrong with the option that getopt_long() stopped at, as the user wrote it. `optopt`
 * is the letter of an unknown short option; else a long one is meant, and that argument has been
 * passed by: unknown if `optopt` is 0.
 */
static void tell_wrong(const struct verb *verb, char **argv, const char *letters, int found)
{
	const char *problem = "does not take a value";

	if (optopt && optopt < 256 && !strchr(letters, optopt)) {
		errors_usage(verb->name, "unknown option -%c", optopt);
		return;
	}
	if (found == ':')
		problem = "needs a value";
	else if (!optopt)
		problem = "is an unknown option, or the beginning of several";
	errors_usage(verb->name, "%s %s", argv[optind - 1], problem);
}

/*
 * Operands such as -msr would be options to getopt_long(): they go to the end, out of its sight.
 * Returns the number of arguments before them.
 */
static int put_signed_words_last(int argc, char **argv)
{
	char *word;
	int i, left;

	for (i = 1, left = argc - 1; left > 0; left--) {
		word = argv[i];
		if (strcmp(word, "--") == 0)
			break;
		if (word[0] != '-' || word[1] == '-' || !word[1] || !word[2]) {
			i++;
			continue;
		}
		memmove(&argv[i], &argv[i + 1], (size_t)(argc - i - 1) * sizeof(*argv));
		argv[argc - 1] = word;
	}
	return i + left;
}

static void keep_value(struct options *options, enum option_bit bit, const char *value)
{
	switch (bit) {
	case OPTION_MODULE:
		options->module = value;
		break;
	case OPTION_EXITS:
		options->exits = value;
		break;
	case OPTION_SYMBOLS:
		options->symbols = value;
		break;
	case OPTION_FILE:
		options->file = value;
		break;
	default:
		break;
	}
}

bool options_parse(const struct verb *verb, int argc, char **argv, struct options *options)
{
	struct option longs[OPTIONS + 1] = { { 0 } };
	char letters[OPTIONS + 2] = ":"; /* of those that take a value there is no short one */
	unsigned i, used = 0, lettered = 1;
	int found, seen;

	memset(options, 0, sizeof(*options));
	for (i = 0; i < OPTIONS; i++) {
		if (!((verb->options | OPTION_HELP) & table[i].bit))
			continue;
		longs[used].name = table[i].name;
		longs[used].has_arg = table[i].value ? required_argument : no_argument;
		longs[used++].val = value_of(i);
		if (table[i].letter)
			letters[lettered++] = table[i].letter;
	}

	seen = verb->operands > 1 ? put_signed_words_last(argc, argv) : argc;
	opterr = 0;
	optind = 0; /* start anew: hpctl_run() has read its own options already */
	while ((found = getopt_long(seen, argv, letters, longs, NULL)) != -1) {
		if (found == '?' || found == ':') {
			tell_wrong(verb, argv, letters, found);
			return false;
		}
		for (i = 0; i < OPTIONS && value_of(i) != found; i++)
			;
		options->given |= table[i].bit;
		keep_value(options, table[i].bit, optarg);
	}

	if (options->given & OPTION_HELP)
		return true;
	options->operand = argv + optind;
	options->operands = (unsigned)(argc - optind);
	if (options->operands > verb->operands) {
		errors_usage(verb->name, "unexpected operand %s",
			     argv[optind + (int)verb->operands]);
		return false;
	}
	return true;
}

void options_print_synopsis(const struct verb *verb)
{
	unsigned i;

	printf("hpctl %s", verb->name);
	for (i = 0; i < OPTIONS; i++) {
		if (!(verb->options & table[i].bit))
			continue;
		if (table[i].letter)
			printf(" [-%c]", table[i].letter);
		else
			printf(table[i].value ? " [--%s %s]" : " [--%s]", table[i].name,
			       table[i].value);
	}
	if (verb->operand)
		printf(" %s", verb->operand);
	putchar('\n');
}

void options_print_help(const struct verb *verb)
{
	unsigned i;

	for (i = 0; i < OPTIONS; i++) {
		char name[32];

		if (!((verb->options | OPTION_HELP) & table[i].bit))
			continue;
		snprintf(name, sizeof(name), table[i].value ? "--%s %s" : "--%s", table[i].name,
			 table[i].value);
		if (table[i].letter)
			printf("  -%c, %-14s  %s\n", table[i].letter, name, table[i].help);
		else
			printf("      %-14s  %s\n", name, table[i].help);
	}
}
