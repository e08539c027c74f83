// SPDX-License-Identifier: MIT
/*
 * Runs a few bytes of code with chosen registers and flags, and catches what comes of it: signals as
 * the kernel makes them of exceptions, and the traps of single-stepping.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static struct caught *catching;
static struct steps *stepping;

/* A register's place in struct registers, for the assembler: 8 bytes each, flags behind R15. */
asm("	.text\n"
    "code_enter:\n" /* %rdi: struct registers, %rsi: entry */
    "	push %rbx\n"
    "	push %rbp\n"
    "	push %r12\n"
    "	push %r13\n"
    "	push %r14\n"
    "	push %r15\n"
    "	push %rdi\n"
    "	mov %rsi, %r11\n"
    "	mov %rdi, %r10\n"
    "	mov 0x00(%r10), %rax\n"
    "	mov 0x08(%r10), %rcx\n"
    "	mov 0x10(%r10), %rdx\n"
    "	mov 0x18(%r10), %rbx\n"
    "	mov 0x28(%r10), %rbp\n"
    "	mov 0x30(%r10), %rsi\n"
    "	mov 0x38(%r10), %rdi\n"
    "	mov 0x40(%r10), %r8\n"
    "	mov 0x48(%r10), %r9\n"
    "	mov 0x60(%r10), %r12\n"
    "	mov 0x68(%r10), %r13\n"
    "	mov 0x70(%r10), %r14\n"
    "	mov 0x78(%r10), %r15\n"
    "	pushq 0x80(%r10)\n"
    "	popfq\n"
    "	call *%r11\n"
    "	pushfq\n"
    "	push $0x202\n"
    "	popfq\n"
    "	mov 8(%rsp), %r10\n"
    "	popq 0x80(%r10)\n"
    "	mov %rax, 0x00(%r10)\n"
    "	mov %rcx, 0x08(%r10)\n"
    "	mov %rdx, 0x10(%r10)\n"
    "	mov %rbx, 0x18(%r10)\n"
    "	mov %rbp, 0x28(%r10)\n"
    "	mov %rsi, 0x30(%r10)\n"
    "	mov %rdi, 0x38(%r10)\n"
    "	mov %r8, 0x40(%r10)\n"
    "	mov %r9, 0x48(%r10)\n"
    "	mov %r12, 0x60(%r10)\n"
    "	mov %r13, 0x68(%r10)\n"
    "	mov %r14, 0x70(%r10)\n"
    "	mov %r15, 0x78(%r10)\n"
    "	pop %rdi\n"
    "	pop %r15\n"
    "	pop %r14\n"
    "	pop %r13\n"
    "	pop %r12\n"
    "	pop %rbp\n"
    "	pop %rbx\n"
    "	ret\n");
void code_enter(struct registers *registers, uint64_t entry);

static void fill(struct caught *caught, int signal, const siginfo_t *info, const ucontext_t *context)
{
	const greg_t *gregs = context->uc_mcontext.gregs;

	caught->signal = signal;
	caught->code = info->si_code;
	caught->trap = (uint64_t)gregs[REG_TRAPNO];
	caught->error = (uint64_t)gregs[REG_ERR];
	caught->rip = (uint64_t)gregs[REG_RIP];
	caught->flags = (uint64_t)gregs[REG_EFL];
	caught->address = (uint64_t)(uintptr_t)info->si_addr;
}

static bool in_code(uint64_t address)
{
	return address - CODE_BASE < CODE_BYTES;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	struct caught trap;

	/* The code may have set AC or NT, and the handler has the interrupted flags. */
	asm volatile("push $0x202\n\tpopfq" : : : "cc", "memory");
	fill(&trap, signal, info, context);
	if (signal == SIGTRAP && stepping && trap.trap == 1) {
		/* Steps of the caller's own code don't count. */
		if (!in_code(trap.rip) && trap.rip - stepping->from >= stepping->bytes)
			return;
		if (stepping->count < STEPS_MAX) {
			stepping->step[stepping->count++] = trap;
			return;
		}
	}
	if (!catching)
		_Exit(100 + signal);
	*catching = trap;
	siglongjmp(back, 1);
}

static void catch_begin(struct caught *caught, struct steps *steps)
{
	static const int signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS };
	static uint8_t *stack;
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t alternate;
	unsigned i;

	if (!stack)
		stack = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	alternate = (stack_t){ .ss_sp = stack, .ss_size = 0x10000 };
	sigaltstack(&alternate, NULL);
	action.sa_sigaction = on_signal;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	memset(caught, 0, sizeof(*caught));
	if (steps)
		steps->count = 0;
	catching = caught;
	stepping = steps;
}

static void catch_end(void)
{
	catching = NULL;
	stepping = NULL;
}

bool catch_run(void (*call)(void *), void *argument, struct caught *caught, struct steps *steps)
{
	catch_begin(caught, steps);
	if (!sigsetjmp(back, 1))
		call(argument);
	catch_end();
	return caught->signal == 0;
}

static void map(uint64_t address, size_t bytes)
{
	void *wanted = (void *)(uintptr_t)address;

	if (mmap(wanted, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != wanted) {
		perror("probe: mmap");
		exit(2);
	}
}

uint8_t *data_clear(void)
{
	static bool mapped;

	if (!mapped)
		map(DATA_BASE, DATA_BYTES);
	mapped = true;
	memset((void *)(uintptr_t)DATA_BASE, 0, DATA_BYTES);
	return (uint8_t *)(uintptr_t)DATA_BASE;
}

void code_registers(struct registers *registers)
{
	data_clear();
	memset(registers, 0, sizeof(*registers));
	registers->gpr[RDI] = DATA_BASE;
	registers->flags = FLAGS_NORMAL;
}

void code_put(const void *code, size_t bytes)
{
	static bool mapped;
	uint8_t *place = (uint8_t *)(uintptr_t)CODE_BASE;

	if (!mapped)
		map(CODE_BASE, CODE_BYTES);
	mapped = true;
	memset(place, 0xcc, CODE_BYTES);
	memcpy(place, code, bytes);
	place[bytes] = 0xc3;
}

struct call {
	uint64_t entry;
	struct registers *registers;
};

static void enter(void *argument)
{
	struct call *call = argument;

	code_enter(call->registers, call->entry);
}

bool code_call(uint64_t entry, struct registers *registers, struct caught *caught)
{
	struct call call = { entry, registers };

	return catch_run(enter, &call, caught, NULL);
}

bool code_step(uint64_t entry, struct registers *registers, struct steps *steps,
	       struct caught *caught)
{
	struct call call = { entry, registers };

	registers->flags |= FLAG_TF;
	return catch_run(enter, &call, caught, steps);
}

bool code_run(const void *code, size_t bytes, struct registers *registers, struct caught *caught)
{
	code_put(code, bytes);
	return code_call(CODE_BASE, registers, caught);
}

static const char *place(char *text, size_t bytes, uint64_t address)
{
	if (in_code(address))
		snprintf(text, bytes, "code+%#llx", (unsigned long long)(address - CODE_BASE));
	else
		snprintf(text, bytes, "%#llx", (unsigned long long)address);
	return text;
}

const char *caught_text(const struct caught *caught)
{
	static char text[200];
	char rip[32], address[32];

	if (!caught->signal)
		return "nothing";
	snprintf(text, sizeof(text), "SIG%s code %d trap %llu error %#llx at %s address %s flags %#llx",
		 sigabbrev_np(caught->signal), caught->code, (unsigned long long)caught->trap,
		 (unsigned long long)caught->error, place(rip, sizeof(rip), caught->rip),
		 place(address, sizeof(address), caught->address),
		 (unsigned long long)caught->flags);
	return text;
}
