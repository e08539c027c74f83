// SPDX-License-Identifier: MIT
/*
 * CPUID under a debugger: hardware breakpoints on it and behind it, watchpoints before it, stepping
 * over it. Each stop is at the right place, once, with the right DR6, and the debug registers
 * survive the exits. RF lets exactly one instruction pass a breakpoint.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOPS_MAX 40

#define DR7_EXEC(n)	   (1ull << (2 * (n)))
#define DR7_WRITE_4(n)	   (1ull << (2 * (n)) | 0xdull << (16 + 4 * (n)))
#define DR7_READ_WRITE(n)  (1ull << (2 * (n)) | 0xfull << (16 + 4 * (n)))

struct debugging {
	const char *text;
	const uint8_t *code;
	size_t bytes;
	uint64_t dr[4];
	uint64_t dr7;
	bool step;
};

static void child_run(const struct debugging *debugging)
{
	struct registers registers;
	struct caught caught;

	code_registers(&registers);
	code_put(debugging->code, debugging->bytes);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	/* In the tracer's hands: no handler of ours. */
	code_call(CODE_BASE, &registers, &caught);
	_exit(0);
}

static void debug_register_set(pid_t child, unsigned number, uint64_t value)
{
	if (ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[number]), value))
		say("DR%u refused: %s", number, strerror(errno));
}

static uint64_t debug_register(pid_t child, unsigned number)
{
	return (uint64_t)ptrace(PTRACE_PEEKUSER, child,
				offsetof(struct user, u_debugreg[number]), NULL);
}

static void debug(const struct debugging *debugging)
{
	struct user_regs_struct regs;
	unsigned i, stops = 0;
	uint64_t dr6;
	pid_t child = fork();
	int status;

	if (!child)
		child_run(debugging);
	waitpid(child, &status, 0);
	for (i = 0; i < 4; i++)
		debug_register_set(child, i, debugging->dr[i]);
	debug_register_set(child, 7, debugging->dr7);
	for (i = 0; i < 100000 && stops < STOPS_MAX; i++) {
		ptrace(debugging->step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL, NULL);
		if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		ptrace(PTRACE_GETREGS, child, NULL, &regs);
		/* Stepping goes through the caller's code, too. */
		if (regs.rip - CODE_BASE >= CODE_BYTES)
			continue;
		dr6 = debug_register(child, 6);
		stops++;
		say("%s: signal %d at code+%#llx DR6 %#llx flags %#llx", debugging->text,
		    WSTOPSIG(status), regs.rip - CODE_BASE, (unsigned long long)dr6, regs.eflags);
		debug_register_set(child, 6, 0);
		if (WSTOPSIG(status) != SIGTRAP) {
			ptrace(PTRACE_KILL, child, NULL, NULL);
			waitpid(child, &status, 0);
			break;
		}
	}
	say("%s: %u stops, DR7 %#llx, %s", debugging->text, stops,
	    (unsigned long long)debugging->dr7,
	    WIFEXITED(status) ? "completed" : "did not complete");
	if (!WIFEXITED(status) && !WIFSIGNALED(status)) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
}

static const uint8_t nop_cpuid_nops[] = { 0x90, 0x0f, 0xa2, 0x90, 0x90, 0x90 };

static void behind(void)
{
	debug(&(const struct debugging){ "behind", nop_cpuid_nops, sizeof(nop_cpuid_nops),
					 { CODE_BASE + 3 }, DR7_EXEC(0), false });
	debug(&(const struct debugging){ "behind, stepping", nop_cpuid_nops,
					 sizeof(nop_cpuid_nops), { CODE_BASE + 3 }, DR7_EXEC(0),
					 true });
}

static void on(void)
{
	debug(&(const struct debugging){ "on", nop_cpuid_nops, sizeof(nop_cpuid_nops),
					 { CODE_BASE + 1 }, DR7_EXEC(0), false });
	debug(&(const struct debugging){ "on, stepping", nop_cpuid_nops, sizeof(nop_cpuid_nops),
					 { CODE_BASE + 1 }, DR7_EXEC(0), true });
}

/* RF, set to pass the breakpoint on CPUID, is gone behind it: the next breakpoint hits. */
static void resume_flag(void)
{
	static const uint8_t two[] = { 0x0f, 0xa2, 0x0f, 0xa2, 0x90, 0x90 };

	debug(&(const struct debugging){
		"on and behind", nop_cpuid_nops, sizeof(nop_cpuid_nops),
		{ CODE_BASE + 1, CODE_BASE + 3, CODE_BASE + 4 },
		DR7_EXEC(0) | DR7_EXEC(1) | DR7_EXEC(2), false });
	debug(&(const struct debugging){ "on two in a row", two, sizeof(two),
					 { CODE_BASE, CODE_BASE + 2, CODE_BASE + 4 },
					 DR7_EXEC(0) | DR7_EXEC(1) | DR7_EXEC(2), false });
	debug(&(const struct debugging){ "on two in a row, stepping", two, sizeof(two),
					 { CODE_BASE, CODE_BASE + 2, CODE_BASE + 4 },
					 DR7_EXEC(0) | DR7_EXEC(1) | DR7_EXEC(2), true });
}

static void stepping(void)
{
	static const uint8_t faulting[] = { 0x0f, 0xa2, 0x0f, 0x01, 0xc1 };
	static const uint8_t prefixed[] = { 0xf2, 0x66, 0x0f, 0xa2, 0x90 };

	debug(&(const struct debugging){ "nop, cpuid, nops", nop_cpuid_nops,
					 sizeof(nop_cpuid_nops), { 0 }, 0, true });
	debug(&(const struct debugging){ "cpuid, vmcall", faulting, sizeof(faulting), { 0 }, 0,
					 true });
	debug(&(const struct debugging){ "prefixed cpuid", prefixed, sizeof(prefixed), { 0 }, 0,
					 true });
}

/* A data breakpoint is a trap behind its instruction; CPUID before or behind changes nothing. */
static void watch(void)
{
	/* mov %eax, (%rdi); cpuid; mov (%rdi), %eax; cpuid; nop */
	static const uint8_t code[] = { 0x89, 0x07, 0x0f, 0xa2, 0x8b, 0x07, 0x0f, 0xa2, 0x90 };
	/* mov %ss, (%rdi); mov (%rdi), %ss; cpuid; nop; nop: the trap waits until behind CPUID */
	static const uint8_t mov_ss[] = { 0x8c, 0x17, 0x8e, 0x17, 0x0f, 0xa2, 0x90, 0x90 };
	static const uint8_t mov_ss_nop[] = { 0x8c, 0x17, 0x8e, 0x17, 0x90, 0x90 };

	debug(&(const struct debugging){ "watch writes", code, sizeof(code), { DATA_BASE },
					 DR7_WRITE_4(0), false });
	debug(&(const struct debugging){ "watch reads and writes in DR3", code, sizeof(code),
					 { 0, 0, 0, DATA_BASE }, DR7_READ_WRITE(3), false });
	debug(&(const struct debugging){ "watch, stepping", code, sizeof(code), { DATA_BASE },
					 DR7_READ_WRITE(0), true });
	debug(&(const struct debugging){ "watched mov ss, nop", mov_ss_nop, sizeof(mov_ss_nop),
					 { DATA_BASE }, DR7_READ_WRITE(0), false });
	debug(&(const struct debugging){ "watched mov ss, cpuid", mov_ss, sizeof(mov_ss),
					 { DATA_BASE }, DR7_READ_WRITE(0), false });
	debug(&(const struct debugging){ "watched mov ss, cpuid, stepping", mov_ss, sizeof(mov_ss),
					 { DATA_BASE }, DR7_READ_WRITE(0), true });
}

const struct probe trace_probes[] = {
	{ "debugger: breakpoint behind CPUID", behind },
	{ "debugger: breakpoint on CPUID", on },
	{ "debugger: RF passes one instruction", resume_flag },
	{ "debugger: steps over CPUID", stepping },
	{ "debugger: watchpoints around CPUID", watch },
	{ NULL, NULL },
};
