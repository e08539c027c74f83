// SPDX-License-Identifier: MIT
/*
 * The probe program: `probe [-c CPU] [-l] [NAME]...` runs the probes, or those whose names begin
 * with a NAME, on one processor, and prints what each found. Every probe runs in a process of its
 * own, so that one that goes wrong costs no other.
 *
 * Address-space randomization is turned off first: addresses may be part of a result.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *running;

void say(const char *format, ...)
{
	va_list arguments;

	printf("%s: ", running);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static void run_in_child(const struct probe *probe)
{
	pid_t child;
	int status;

	running = probe->name;
	fflush(stdout);
	child = fork();
	if (child < 0) {
		say("fork: %s", strerror(errno));
		return;
	}
	if (!child) {
		/* A probe that hangs is a result, too. */
		alarm(600);
		probe->run();
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		say("ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		say("ended with status %d", WEXITSTATUS(status));
}

static bool selected(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++) {
		if (!strncmp(name, *names, strlen(*names)))
			return true;
	}
	return false;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("probe: sched_setaffinity");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct probe *const all[] = {
		cpuid_probes, instruction_probes, exception_probes, step_probes,
		trace_probes, compat_probes,	  page_probes,	    state_probes,
	};
	const struct probe *probe;
	bool list = false;
	unsigned i;
	int option;

	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
		perror("probe: exec");
		return 2;
	}
	while ((option = getopt(argc, argv, "c:l")) != -1) {
		switch (option) {
		case 'c':
			pin(atoi(optarg));
			break;
		case 'l':
			list = true;
			break;
		default:
			fprintf(stderr, "usage: probe [-c CPU] [-l] [NAME]...\n");
			return 2;
		}
	}
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (probe = all[i]; probe->name; probe++) {
			if (!selected(probe->name, argv + optind))
				continue;
			if (list)
				puts(probe->name);
			else
				run_in_child(probe);
		}
	}
	return 0;
}
