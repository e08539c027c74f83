// SPDX-License-Identifier: MIT
/*
 * The addresses of the instructions of a piece of this program, one a line: `steps traced ROUNDS`
 * by PTRACE_SINGLESTEP, that is RFLAGS.TF; `steps stepped ROUNDS COUNT` by HyperPlatform, which
 * steps the next COUNT instructions of its processor.
 *
 * World: a user program in the guest. hptest.ko is loaded.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char piece_start[], piece_end[], piece_shadow[];
void piece(uint64_t rounds, void *data);

/* Between the two names lies all that is compared. */
asm(".text\n"
    ".globl piece, piece_start, piece_end\n"
    "piece_start:\n"
    "piece:\n"
    "	push	%rbx\n"
    "	push	%r12\n"
    "	mov	%rdi, %r12\n"
    "	mov	%rsi, %r8\n"
    "1:	mov	%r8, %rdi\n"
    "	mov	$16, %ecx\n"
    "	mov	%ecx, %eax\n"
    "	rep stosb\n"
    "	xor	%eax, %eax\n"
    "	xor	%ecx, %ecx\n"
    "	cpuid\n"
    "	pushfq\n"
    "	popfq\n"
    "	mov	$39, %eax\n" /* getpid */
    "	syscall\n"
    "	mov	%ds, %eax\n"
    "	mov	%eax, %ds\n"
    "	mov	%ss, %eax\n"
    "	mov	%eax, %ss\n"
    "piece_shadow:\n"
    "	nop\n"
    "	rdtsc\n"
    "	call	2f\n"
    "	xgetbv\n"
    "	lock incl (%r8)\n"
    "	dec	%r12\n"
    "	jnz	1b\n"
    "	pop	%r12\n"
    "	pop	%rbx\n"
    "	ret\n"
    "2:	mov	$5, %ecx\n"
    "3:	imul	%rcx, %rax\n"
    "	bswap	%rax\n"
    "	loop	3b\n"
    "	ret\n"
    "piece_end:\n");

static uint64_t data[64];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* Behind MOV SS no trap comes, but a step ends: that address is left out of both. */
static bool is_compared(unsigned long long rip)
{
	return rip != (uintptr_t)piece_shadow;
}

static int traced(unsigned rounds)
{
	struct user_regs_struct registers;
	pid_t child = fork();
	int status;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		piece(rounds, data);
		_exit(0);
	}
	waitpid(child, &status, 0);
	while (WIFSTOPPED(status)) {
		if (ptrace(PTRACE_GETREGS, child, 0, &registers))
			return fail("steps: registers");
		if (registers.rip >= (uintptr_t)piece_start &&
		    registers.rip < (uintptr_t)piece_end && is_compared(registers.rip))
			printf("%llx\n", registers.rip);
		if (ptrace(PTRACE_SINGLESTEP, child, 0, 0) || waitpid(child, &status, 0) != child)
			return fail("steps: step");
	}
	return 0;
}

static int stepped(unsigned rounds, unsigned count)
{
	static const char end[] = "step-user-end";
	char begin[64], line[64];
	int file = open("/proc/hptest", O_RDWR);
	FILE *result;

	if (file < 0)
		return fail("steps: /proc/hptest");
	snprintf(begin, sizeof(begin), "step-user %u %lx %lx", count, (unsigned long)piece_start,
		 (unsigned long)piece_end);
	piece(1, data); /* its pages are there */
	if (write(file, begin, strlen(begin)) < 0)
		return fail("steps: begin");
	piece(rounds, data);
	if (write(file, end, strlen(end)) < 0)
		return fail("steps: end");
	close(file);
	result = fopen("/proc/hptest", "r");
	if (!result)
		return fail("steps: result");
	while (fgets(line, sizeof(line), result)) {
		if (is_compared(strtoull(line, NULL, 16)))
			fputs(line, stdout);
	}
	return fclose(result) ? fail("steps: result") : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "traced"))
		return traced((unsigned)atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "stepped"))
		return stepped((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	fprintf(stderr, "usage: steps traced ROUNDS | stepped ROUNDS COUNT\n");
	return 2;
}
