// SPDX-License-Identifier: MIT
/*
 * hpctl help: the list of verbs, or one verb in full.
 */
#include "hpctl.h"

static void print_verb(const struct verb *verb)
{
	fputs("usage: ", stdout);
	options_print_synopsis(verb);
	printf("\n%s\n\n", verb->text);
	options_print_help(verb);
}

static void print_all(void)
{
	unsigned i;

	puts("usage: hpctl VERB [OPTION]...\n"
	     "       hpctl --help | --version\n\n"
	     "Loads, asks and unloads HyperPlatform, the hypervisor under the running system.\n");
	for (i = 0; i < hpctl_verbs_count; i++)
		printf("  %-8s %s\n", hpctl_verbs[i].name, hpctl_verbs[i].summary);
	puts("\nhpctl help VERB tells more of each.\n\n"
	     "exit status:\n"
	     "  0  done; the answer is yes\n"
	     "  1  the answer is no: the machine is not able, a processor did not answer,\n"
	     "     HyperPlatform is not running, something has gone wrong\n"
	     "  2  the command line makes no sense\n"
	     "  3  refused or failed; also: the output could not be written\n"
	     "  4  not permitted");
}

enum hpctl_exit help_run(const struct options *options)
{
	const struct verb *verb;

	if (!options->operands) {
		print_all();
		return HPCTL_OK;
	}
	verb = hpctl_find(options->operand[0]);
	if (!verb)
		return errors_usage(NULL, "there is no verb %s", options->operand[0]);
	print_verb(verb);
	return HPCTL_OK;
}
