// SPDX-License-Identifier: MIT
/*
 * A workload that notices when something goes wrong under it: `workload SECONDS` runs processes on
 * every processor that fork, execute, trace each other, write through pipes, fault pages in, take
 * signals and calculate, each checking what comes of it. 0 seconds: until SIGTERM. Exit status 1:
 * something was wrong.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSORS_MAX 64
#define PAGES	       64

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void wrong(int cpu, const char *what)
{
	printf("workload: processor %d: %s (%s)\n", cpu, what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

/* Waits for the child to end as expected. */
static void reap(int cpu, pid_t child, int expected, const char *what)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			wrong(cpu, "a child is gone");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
		wrong(cpu, what);
}

static void forks(int cpu, unsigned round)
{
	int expected = (int)(round % 200);
	pid_t child = fork();

	if (child < 0)
		wrong(cpu, "fork failed");
	if (!child)
		_exit(expected);
	reap(cpu, child, expected, "a child ended differently");
}

static void executes(int cpu, unsigned round)
{
	char number[8];
	pid_t child = vfork();

	if (child < 0)
		wrong(cpu, "vfork failed");
	if (!child) {
		snprintf(number, sizeof(number), "%u", round % 100);
		execl("/proc/self/exe", "workload", "exit", number, (char *)NULL);
		_exit(255);
	}
	reap(cpu, child, (int)(round % 100), "a program ended differently");
}

/* Steps a child over instructions that each add one to RAX. */
static void traces(int cpu, unsigned round)
{
	struct user_regs_struct registers;
	unsigned long long before;
	pid_t child = fork();
	int status, i;

	if (child < 0)
		wrong(cpu, "fork failed");
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		asm volatile("int3\n"
			     ".rept 8\n"
			     "inc %%rax\n"
			     ".endr"
			     :
			     : "a"((unsigned long)round)
			     : "cc");
		_exit(7);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_GETREGS, child, 0, &registers))
		wrong(cpu, "a traced child did not stop");
	before = registers.rax;
	for (i = 0; i < 8; i++) {
		if (ptrace(PTRACE_SINGLESTEP, child, 0, 0) || waitpid(child, &status, 0) != child ||
		    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
			wrong(cpu, "a step went wrong");
	}
	if (ptrace(PTRACE_GETREGS, child, 0, &registers) || before != round ||
	    registers.rax != before + 8)
		wrong(cpu, "eight steps were not eight instructions");
	ptrace(PTRACE_CONT, child, 0, 0);
	reap(cpu, child, 7, "a traced child ended differently");
}

static void pipes(int cpu, unsigned round)
{
	uint64_t sent[64], got[64];
	int ends[2];
	unsigned i;

	if (pipe(ends))
		wrong(cpu, "pipe failed");
	for (i = 0; i < 64; i++)
		sent[i] = (uint64_t)round * 0x9e3779b97f4a7c15ull + i;
	if (write(ends[1], sent, sizeof(sent)) != sizeof(sent) ||
	    read(ends[0], got, sizeof(got)) != sizeof(got) || memcmp(sent, got, sizeof(sent)))
		wrong(cpu, "a pipe gave something else");
	close(ends[0]);
	close(ends[1]);
}

static void pages(int cpu, unsigned round)
{
	uint64_t *room = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned i;

	if (room == MAP_FAILED)
		wrong(cpu, "mmap failed");
	for (i = 0; i < PAGES; i++) {
		if (room[i * 512])
			wrong(cpu, "a new page is not empty");
		room[i * 512] = (uint64_t)round << 32 | i;
	}
	for (i = 0; i < PAGES; i++) {
		if (room[i * 512] != ((uint64_t)round << 32 | i))
			wrong(cpu, "a page changed");
	}
	munmap(room, PAGES * 4096);
}

static void calculate(int cpu, unsigned round)
{
	volatile double x = 1.0 + round, y = 0;
	unsigned i;

	for (i = 0; i < 200; i++)
		y += x / (i + 1) - x / (i + 1);
	if (y != 0)
		wrong(cpu, "floating point went wrong");
}

/* SIGTERM is blocked: it ends a worker between two rounds, and no wait within one. */
static bool told_to_end(void)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, SIGTERM) == 1;
}

static void work(int cpu, int result)
{
	unsigned round;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		wrong(cpu, "cannot go there");
	signal(SIGUSR1, on_signal);
	for (round = 0; !told_to_end(); round++) {
		forks(cpu, round);
		executes(cpu, round);
		traces(cpu, round);
		pipes(cpu, round);
		pages(cpu, round);
		calculate(cpu, round);
		signals = 0;
		raise(SIGUSR1);
		if (signals != 1)
			wrong(cpu, "a signal was lost");
	}
	if (write(result, &round, sizeof(round)) != sizeof(round))
		wrong(cpu, "the parent is gone");
	_exit(0);
}

int main(int argc, char **argv)
{
	static pid_t workers[PROCESSORS_MAX];
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 0, rounds, total = 0;
	int ends[2], status, cpu, bad = 0, count = 0;
	sigset_t ending;
	cpu_set_t set;

	if (argc == 3 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGALRM);
	sigaddset(&ending, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	sched_getaffinity(0, sizeof(set), &set);
	if (pipe2(ends, O_NONBLOCK))
		return 2;
	for (cpu = 0; cpu < PROCESSORS_MAX; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		workers[cpu] = fork();
		if (!workers[cpu])
			work(cpu, ends[1]);
		count++;
	}
	alarm(seconds);
	/* A worker that ends now has found something: don't wait for the others' time then. The
	 * wait itself ends when the system sleeps.
	 */
	while (sigwaitinfo(&ending, NULL) < 0 && errno == EINTR)
		;
	for (cpu = 0; cpu < PROCESSORS_MAX; cpu++) {
		if (workers[cpu])
			kill(workers[cpu], SIGTERM);
	}
	while (waitpid(-1, &status, 0) > 0) {
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			bad++;
	}
	/* What they wrote is there; a child of a worker that failed may still hold the other end.
	 */
	while (read(ends[0], &rounds, sizeof(rounds)) == sizeof(rounds))
		total += rounds;
	printf("workload: %d processors, %u rounds, %d wrong\n", count, total, bad);
	return bad ? 1 : 0;
}
