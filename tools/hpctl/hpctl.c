// SPDX-License-Identifier: MIT
/*
 * The verbs, in a table, and the way from the command line to one of them and back to an exit
 * status. That the report reached its reader is part of success.
 */
#include "hpctl.h"

#include <errno.h>
#include <string.h>

const struct verb hpctl_verbs[] = {
	{ .name = "check",
	  .summary = "tells whether this machine is able, and what to do if it is not",
	  .text = "Looks at each requirement on every processor: what was found, and the\n"
		  "remedy for what is missing. Loads the module for that moment if it is not\n"
		  "loaded. To users who may not load it, it tells what CPUID tells, and calls\n"
		  "the rest unknown.\n\n"
		  "Exit status: 0 able, 1 not able, 3 or 4 not known.",
	  .options = OPTION_MODULE | OPTION_JSON,
	  .run = check_run },
	{ .name = "load",
	  .summary = "puts HyperPlatform under the running system",
	  .text = "Loads the module, if it is not loaded, and starts HyperPlatform on every\n"
		  "processor; on none if one of them fails, and then removes the module again.\n"
		  "With exits=all, or groups of hpctl exits between commas, these exits are on\n"
		  "from the start. With history=N, the last N VM exits of each processor are\n"
		  "kept for hpctl report: a power of two from 32 to 4096, 128 if not given.\n\n"
		  "Exit status: 0 running, 3 refused or failed, 4 not permitted.",
	  .options = OPTION_UNLOAD_KVM | OPTION_MODULE,
	  .operand = "[exits=GROUP,...] [history=N]",
	  .operands = 2,
	  .run = load_run },
	{ .name = "unload",
	  .summary = "takes it away",
	  .text = "Stops HyperPlatform on every processor and removes the module. If something\n"
		  "had gone wrong, the reports are saved before, for hpctl report.\n\n"
		  "Exit status: 0 gone, 3 failed or not loaded, 4 not permitted.",
	  .run = unload_run },
	{ .name = "status",
	  .summary = "tells what runs where, and what memory it takes",
	  .text = "Tells the state of every processor, the memory taken by kind and in total,\n"
		  "the records written and lost, the version and the build id of root.\n\n"
		  "Exit status: 0 running, 1 not running, 3 failed, 4 not permitted.",
	  .options = OPTION_JSON,
	  .run = status_run },
	{ .name = "ping",
	  .summary = "knocks on every processor, and takes the time",
	  .text = "Knocks by CPUID, as anybody may, and by the gate, through the module.\n\n"
		  "Exit status: 0 every online processor answers, 1 not all of them.",
	  .options = OPTION_JSON,
	  .run = ping_run },
	{ .name = "stat",
	  .summary = "counts exits, by reason and processor",
	  .text = "A table of the exit reasons that occurred, for each processor and in total.\n\n"
		  "Exit status: 0 counted, 1 not running, 3 failed, 4 not permitted.",
	  .options = OPTION_ALL | OPTION_JSON,
	  .run = stat_run },
	{ .name = "exits",
	  .summary = "tells which groups of exits are on, and turns them on and off",
	  .text = "CHANGE is all, none, a list of groups between commas (these and no others),\n"
		  "or +GROUP and -GROUP. What exits is passed through: the system goes on as\n"
		  "before, only slower. Without CHANGE it lists the groups.\n\n"
		  "Exit status: 0 done, 1 not running, 2 no such group, 3 not possible here,\n"
		  "4 not permitted.",
	  .options = OPTION_JSON,
	  .operand = "[CHANGE]...",
	  .operands = 64,
	  .run = exits_run },
	{ .name = "report",
	  .summary = "tells what went wrong below the system, and what each processor did last",
	  .text = "If a processor had to step aside: why, where in root, the registers of root\n"
		  "and guest; and the last VM exits of every processor, 8 if N is not given.\n"
		  "With PROCESSOR, of that one only. --vmcs without it is of the first report.\n"
		  "Without a report of the loaded module, the one that hpctl unload saved.\n\n"
		  "Exit status: 0 nothing has gone wrong, 1 there is a report, 3 failed,\n"
		  "4 not permitted.",
	  .options = OPTION_EXITS | OPTION_VMCS | OPTION_SYMBOLS | OPTION_FILE | OPTION_JSON,
	  .operand = "[PROCESSOR]",
	  .operands = 1,
	  .run = report_run },
	{ .name = "log",
	  .summary = "prints what HyperPlatform reported",
	  .text = "Prints time, level, processor, process id, thread id, image and message of\n"
		  "each report. With --json, one object a line.\n\n"
		  "Exit status: 0 printed, or followed to the end, 1 not loaded, 3 failed,\n"
		  "4 not permitted.",
	  .options = OPTION_FOLLOW | OPTION_RAW | OPTION_JSON,
	  .run = log_run },
	{ .name = "version",
	  .summary = "tells the versions of hpctl and of the loaded module",
	  .text = "Exit status: 0.",
	  .options = OPTION_JSON,
	  .run = version_run },
	{ .name = "help",
	  .summary = "explains a verb",
	  .text = "Without VERB it lists all verbs and the exit statuses.",
	  .operand = "[VERB]",
	  .operands = 1,
	  .run = help_run },
};
const unsigned hpctl_verbs_count = sizeof(hpctl_verbs) / sizeof(hpctl_verbs[0]);

const struct verb *hpctl_find(const char *name)
{
	unsigned i;

	for (i = 0; i < hpctl_verbs_count; i++) {
		if (strcmp(hpctl_verbs[i].name, name) == 0)
			return &hpctl_verbs[i];
	}
	return NULL;
}

static enum hpctl_exit run_verb(int argc, char **argv)
{
	struct options options;
	const struct verb *verb = hpctl_find(argv[0]);

	if (!verb)
		return errors_usage(NULL, "there is no verb %s", argv[0]);
	if (!options_parse(verb, argc, argv, &options))
		return HPCTL_USAGE;
	if (options.given & OPTION_HELP) {
		options.operand = argv;
		options.operands = 1;
		return help_run(&options);
	}
	return verb->run(&options);
}

static enum hpctl_exit run(int argc, char **argv)
{
	static const struct options none;

	if (argc < 2)
		return errors_usage(NULL, "a verb is missing");
	if (argv[1][0] != '-')
		return run_verb(argc - 1, argv + 1);
	if (argc > 2)
		return errors_usage(NULL, "the verb comes first, then its options");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help_run(&none);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("hpctl " HP_VERSION);
		return HPCTL_OK;
	}
	return errors_usage(NULL, "unknown option %s", argv[1]);
}

int hpctl_run(int argc, char **argv)
{
	enum hpctl_exit result = run(argc, argv);
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) != 0 || failed) {
		fprintf(stderr, "hpctl: cannot write the output: %s\n",
			errno ? strerror(errno) : "write error");
		if (result == HPCTL_OK || result == HPCTL_NO)
			result = HPCTL_FAILED;
	}
	return result;
}
