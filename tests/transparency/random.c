// SPDX-License-Identifier: MIT
/*
 * Random instruction sequences in user mode: `random [-v] FIRST COUNT` runs those of the seeds
 * FIRST, FIRST + 1, ..., and prints for each the seed, a digest of everything that came of it, and
 * the signal that ended it. In the digest are the signal's codes, the registers, the flags, the
 * addresses at which it trapped with TF set, the memory. The lines are the same on the bare
 * processor and on the virtualized one. -v prints what went into the digests.
 *
 * Every sequence ends with a signal, of UD2 if not sooner. It can't make system calls (they are
 * SIGSYS), and one that does not end within a twentieth of a second of its own time is ended: that
 * it did not is its result. A process runs many sequences; when one destroys it, that is the
 * result, and the next goes on behind it.
 *
 * World: a user program in the guest.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "generate.h"

#define CODE		  0x10000000ull /* two pages, execute */
#define DATA		  0x11000000ull /* two pages, then one read-only, then none */
#define STACK		  0x12000000ull /* two pages */
#define PAGE		  0x1000ull
#define TRAPS		  64
#define TIME_MICROSECONDS 50000
#define SEED_SPREAD	  0x100000001ull

#define FLAGS_USER 0x244dd5ull /* CF PF AF ZF SF TF DF OF NT AC ID */
#define FLAG_TF	   0x100ull
#define FLAGS_ON   0x202ull
/* RF is what the processor made of it; IOPL, VIF, VIP are not ours to see. */
#define FLAGS_SHOWN 0x254fd7ull

/* A sequence's outcome. */
static struct result {
	uint64_t signal, code, trap, error, address, flags;
	uint64_t gpr[16], rip;
	uint64_t traps, trapped[TRAPS];
	uint64_t memory; /* hash */
} result;

static sigjmp_buf back;
static unsigned long fs_base;
static bool verbose;

/* --- What is run --- */

static const struct generate_row rows[] = {
	/* What exits, or may; CPUID is more frequent. */
	{ { 0x0f, 0xa2 }, 2, GENERATE_LEAF_0 },
	{ { 0x0f, 0xa2 }, 2, GENERATE_LEAF_0 },
	{ { 0x0f, 0x01, 0xc1 }, 3, GENERATE_NONE }, /* VMCALL */
	{ { 0x0f, 0x01, 0xc2 }, 3, GENERATE_NONE }, /* VMLAUNCH */
	{ { 0x0f, 0x01, 0xc3 }, 3, GENERATE_NONE }, /* VMRESUME */
	{ { 0x0f, 0x01, 0xc4 }, 3, GENERATE_NONE }, /* VMXOFF */
	{ { 0x0f, 0x01, 0xc8 }, 3, GENERATE_NONE }, /* MONITOR */
	{ { 0x0f, 0x01, 0xc9 }, 3, GENERATE_NONE }, /* MWAIT */
	{ { 0x0f, 0x01, 0xd0 }, 3, GENERATE_NONE }, /* XGETBV */
	{ { 0x0f, 0x01, 0xd1 }, 3, GENERATE_NONE }, /* XSETBV */
	{ { 0x0f, 0x01, 0xd4 }, 3, GENERATE_NONE }, /* VMFUNC */
	{ { 0x0f, 0x01, 0xf8 }, 3, GENERATE_NONE }, /* SWAPGS */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 0 },  /* SGDT */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 0 },
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 1 }, /* SIDT */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 1 },
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 2 }, /* LGDT */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 3 }, /* LIDT */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 4 }, /* SMSW */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 6 }, /* LMSW */
	{ { 0x0f, 0x01 }, 2, GENERATE_GROUP + 7 }, /* INVLPG */
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 0 }, /* SLDT */
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 0 },
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 1 }, /* STR */
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 1 },
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 2 },	    /* LLDT */
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 3 },	    /* LTR */
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 4 },	    /* VERR */
	{ { 0x0f, 0x00 }, 2, GENERATE_GROUP + 5 },	    /* VERW */
	{ { 0x0f, 0x02 }, 2, GENERATE_ANY },		    /* LAR */
	{ { 0x0f, 0x03 }, 2, GENERATE_ANY },		    /* LSL */
	{ { 0x0f, 0x06 }, 2, GENERATE_NONE },		    /* CLTS */
	{ { 0x0f, 0x08 }, 2, GENERATE_NONE },		    /* INVD */
	{ { 0x0f, 0x09 }, 2, GENERATE_NONE },		    /* WBINVD */
	{ { 0x0f, 0x20 }, 2, GENERATE_REGISTER },	    /* MOV from CR */
	{ { 0x0f, 0x21 }, 2, GENERATE_REGISTER },	    /* MOV from DR */
	{ { 0x0f, 0x22 }, 2, GENERATE_REGISTER },	    /* MOV to CR */
	{ { 0x0f, 0x23 }, 2, GENERATE_REGISTER },	    /* MOV to DR */
	{ { 0x0f, 0x30 }, 2, GENERATE_NONE },		    /* WRMSR */
	{ { 0x0f, 0x32 }, 2, GENERATE_NONE },		    /* RDMSR */
	{ { 0x0f, 0x33 }, 2, GENERATE_NONE },		    /* RDPMC */
	{ { 0x0f, 0x37 }, 2, GENERATE_NONE },		    /* GETSEC */
	{ { 0x0f, 0x78 }, 2, GENERATE_ANY },		    /* VMREAD */
	{ { 0x0f, 0x79 }, 2, GENERATE_ANY },		    /* VMWRITE */
	{ { 0x0f, 0xc7 }, 2, GENERATE_GROUP + 6 },	    /* VMPTRLD and its like */
	{ { 0x0f, 0xc7 }, 2, GENERATE_GROUP + 3 },	    /* XRSTORS */
	{ { 0x66, 0x0f, 0x38, 0x80 }, 4, GENERATE_MEMORY }, /* INVEPT */
	{ { 0x66, 0x0f, 0x38, 0x81 }, 4, GENERATE_MEMORY }, /* INVVPID */
	{ { 0x66, 0x0f, 0x38, 0x82 }, 4, GENERATE_MEMORY }, /* INVPCID */
	{ { 0xf3, 0x90 }, 2, GENERATE_NONE },		    /* PAUSE */
	{ { 0xf4 }, 1, GENERATE_NONE },			    /* HLT */
	{ { 0xe4 }, 1, GENERATE_IMM8 },			    /* IN */
	{ { 0xe5 }, 1, GENERATE_IMM8 },
	{ { 0xe6 }, 1, GENERATE_IMM8 }, /* OUT */
	{ { 0xec }, 1, GENERATE_NONE },
	{ { 0xef }, 1, GENERATE_NONE },
	{ { 0x6c }, 1, GENERATE_NONE }, /* INS */
	{ { 0x6f }, 1, GENERATE_NONE }, /* OUTS */
	{ { 0xfa }, 1, GENERATE_NONE }, /* CLI */
	{ { 0xfb }, 1, GENERATE_NONE }, /* STI */
	/* Events, and what changes how they are taken. */
	{ { 0xcc }, 1, GENERATE_NONE }, /* INT3 */
	{ { 0xf1 }, 1, GENERATE_NONE }, /* INT1 */
	{ { 0xcd }, 1, GENERATE_IMM8 }, /* INT n */
	{ { 0xcd }, 1, GENERATE_IMM8 },
	{ { 0x0f, 0x0b }, 2, GENERATE_NONE },	/* UD2 */
	{ { 0x0f, 0xff }, 2, GENERATE_ANY },	/* UD0 */
	{ { 0x9c }, 1, GENERATE_NONE },		/* PUSHF */
	{ { 0x9d }, 1, GENERATE_NONE },		/* POPF */
	{ { 0xcf }, 1, GENERATE_NONE },		/* IRET */
	{ { 0xcb }, 1, GENERATE_NONE },		/* RETF */
	{ { 0xff }, 1, GENERATE_GROUP + 3 },	/* far CALL */
	{ { 0xff }, 1, GENERATE_GROUP + 5 },	/* far JMP */
	{ { 0x8e }, 1, GENERATE_ANY },		/* MOV to a segment register */
	{ { 0x8c }, 1, GENERATE_ANY },		/* and from it */
	{ { 0x0f, 0xb4 }, 2, GENERATE_MEMORY }, /* LFS */
	/* The rest of a program's life. */
	{ { 0x8b }, 1, GENERATE_ANY }, /* MOV */
	{ { 0x89 }, 1, GENERATE_ANY },
	{ { 0x01 }, 1, GENERATE_ANY },		/* ADD */
	{ { 0xf7 }, 1, GENERATE_GROUP + 6 },	/* DIV */
	{ { 0xf7 }, 1, GENERATE_GROUP + 7 },	/* IDIV */
	{ { 0x87 }, 1, GENERATE_ANY },		/* XCHG */
	{ { 0x0f, 0xb1 }, 2, GENERATE_ANY },	/* CMPXCHG */
	{ { 0xa4 }, 1, GENERATE_NONE },		/* MOVS */
	{ { 0xab }, 1, GENERATE_NONE },		/* STOS */
	{ { 0xae }, 1, GENERATE_NONE },		/* SCAS */
	{ { 0x50 }, 1, GENERATE_NONE },		/* PUSH */
	{ { 0x5b }, 1, GENERATE_NONE },		/* POP */
	{ { 0x0f, 0xc8 }, 2, GENERATE_NONE },	/* BSWAP */
	{ { 0x0f, 0x28 }, 2, GENERATE_MEMORY }, /* MOVAPS: #GP when misaligned */
	{ { 0xdd }, 1, GENERATE_GROUP + 0 },	/* FLD */
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* A register's value: a pointer to somewhere odd, or a number at some edge. */
static uint64_t odd_value(struct generator *g)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		3,
		0x10,
		0x23,
		0x2b,
		0x33,
		0x63,
		0x7f,
		0x80,
		0x174,
		0x1d9,
		0x277,
		0x480,
		0xffff,
		0x10000,
		0x7fffffff,
		0x80000000,
		0xc0000080,
		0xc0000100,
		0xffffffff,
		0x100000000,
		0x7fffffffffff,
		0x800000000000,
		0xffff800000000000,
		0xffffffff81000000,
		0xfffffffffffff000,
		0xffffffffffffffff,
		0x8000000000000000,
		0x4850677465436c6c, /* our signature */
		0x50707948,
		CODE,
		CODE + 0x100,
		DATA,
		DATA + 1,
		DATA + PAGE - 1,
		DATA + PAGE - 5,
		DATA + 2 * PAGE - 1,
		DATA + 2 * PAGE - 6,
		DATA + 2 * PAGE + 8,
		DATA + 3 * PAGE - 4,
		DATA + 4 * PAGE,
		STACK + 0x800,
	};

	if (generate_below(g, 8) == 0)
		return generate_number(g);
	if (generate_below(g, 4) == 0)
		return DATA + generate_below(g, 2 * PAGE);
	return values[generate_below(g, sizeof(values) / sizeof(values[0]))];
}

/* Registers by the encoding's numbers, then flags and RIP: what enter() loads. */
static struct start {
	uint64_t gpr[16], flags, rip;
} start;

static unsigned generate(uint64_t seed)
{
	struct generator g = { seed * SEED_SPREAD, (uint8_t *)CODE, 0, 200 };
	unsigned i, count = 1 + generate_below(&g, 8);

	memset((void *)CODE, 0xcc, 2 * PAGE);
	/* Some end at the end of a page, or go over it. */
	if (generate_below(&g, 8) == 0)
		g.bytes += PAGE - generate_below(&g, 24);
	start.rip = (uintptr_t)g.bytes;
	for (i = 0; i < count; i++) {
		if (generate_below(&g, 24) == 0)
			generate_bytes(&g, generate_number(&g), 1 + generate_below(&g, 8));
		else
			generate_row(&g, &rows[generate_below(&g, ROWS)]);
	}
	generate_byte(&g, 0x0f);
	generate_byte(&g, 0x0b);
	for (i = 0; i < 16; i++)
		start.gpr[i] = odd_value(&g);
	if (generate_below(&g, 8))
		start.gpr[4] = STACK + PAGE + generate_below(&g, 2) * 0x7f8;
	start.flags = FLAGS_ON | (generate_number(&g) & FLAGS_USER & ~FLAG_TF & ~0x40000ull);
	if (generate_below(&g, 3) == 0)
		start.flags |= FLAG_TF;
	if (generate_below(&g, 8) == 0)
		start.flags |= 0x40000; /* AC */
	for (i = 0; i < 2 * PAGE; i += 8)
		*(uint64_t *)(DATA + i) = i & 0x40 ? generate_number(&g) : odd_value(&g);
	for (i = 0; i < 2 * PAGE; i += 8)
		*(uint64_t *)(STACK + i) =
			generate_below(&g, 4) ? CODE + generate_below(&g, 64) : odd_value(&g);
	return g.used;
}

/* --- Running it --- */

asm("	.text\n"
    "enter:\n" /* never returns: the sequence ends with a signal */
    "	lea start(%rip), %rsp\n"
    "	pop %rax\n"
    "	pop %rcx\n"
    "	pop %rdx\n"
    "	pop %rbx\n"
    "	add $8, %rsp\n"
    "	pop %rbp\n"
    "	pop %rsi\n"
    "	pop %rdi\n"
    "	pop %r8\n"
    "	pop %r9\n"
    "	pop %r10\n"
    "	pop %r11\n"
    "	pop %r12\n"
    "	pop %r13\n"
    "	pop %r14\n"
    "	pop %r15\n"
    "	popfq\n"
    "	mov start + 0x20(%rip), %rsp\n"
    "	jmp *start + 0x88(%rip)\n"
    "enter_end:\n");
void enter(void) __attribute__((noreturn));
extern const char enter_end[];

static void fill(int signal, const siginfo_t *info, const ucontext_t *context)
{
	static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
				       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
				       REG_R12, REG_R13, REG_R14, REG_R15 };
	const greg_t *gregs = context->uc_mcontext.gregs;
	unsigned i;

	result.signal = (uint64_t)signal;
	/* Where an endless sequence was, nobody can say. */
	if (signal == SIGVTALRM)
		return;
	result.code = (uint64_t)info->si_code;
	result.trap = (uint64_t)gregs[REG_TRAPNO];
	result.error = (uint64_t)gregs[REG_ERR];
	result.address = signal == SIGSYS ? 0 : (uintptr_t)info->si_addr;
	result.flags = (uint64_t)gregs[REG_EFL] & FLAGS_SHOWN;
	result.rip = (uint64_t)gregs[REG_RIP];
	for (i = 0; i < 16; i++)
		result.gpr[i] = (uint64_t)gregs[order[i]];
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t rip = (uint64_t)gregs[REG_RIP];

	asm volatile("push $0x202\n\tpopfq" : : : "cc", "memory");
	syscall(SYS_arch_prctl, ARCH_SET_FS, fs_base);
	/* TF, from enter() on: up to the first instruction of the sequence it is ours. */
	if (signal == SIGTRAP && gregs[REG_TRAPNO] == 1 && info->si_code == TRAP_TRACE) {
		if (rip >= (uintptr_t)enter && rip < (uintptr_t)enter_end)
			return;
		if (result.traps < TRAPS) {
			result.trapped[result.traps++] = rip;
			return;
		}
	}
	fill(signal, info, context);
	siglongjmp(back, 1);
}

/* Is RAX cleared in front of the prefixes of the instruction at `at`? */
static bool is_leaf_0(const uint8_t *at)
{
	static const uint8_t prefixes[] = "\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3";
	const uint8_t *code = (const uint8_t *)start.rip;

	while (at > code &&
	       ((at[-1] & 0xf0) == 0x40 || memchr(prefixes, at[-1], sizeof(prefixes) - 1)))
		at--;
	return at - code >= 2 && at[-2] == 0x31 && at[-1] == 0xc0;
}

/*
 * What came of these says nothing: numbers that differ each time, and what follows from them;
 * CPUID's other leaves, which differ on purpose in a few bits (docs/caveats.md) and have probes of
 * their own; and MOV DR with REX.R, which is #UD, but which the emulator lets exit as another
 * register's.
 */
static bool is_masked(unsigned used)
{
	const uint8_t *code = (const uint8_t *)start.rip;
	unsigned i;

	for (i = 0; i + 2 < used; i++) {
		if ((code[i] & 0xf4) == 0x44 && code[i + 1] == 0x0f && (code[i + 2] & 0xfd) == 0x21)
			return true;
		if (code[i] != 0x0f)
			continue;
		if (code[i + 1] == 0xa2 && !is_leaf_0(code + i))
			return true;
		/* RDTSC; RDTSCP; RDRAND, RDSEED and RDPID */
		if (code[i + 1] == 0x31 || (code[i + 1] == 0x01 && code[i + 2] == 0xf9) ||
		    (code[i + 1] == 0xc7 && code[i + 2] >= 0xf0))
			return true;
	}
	return false;
}

/* Until the signal that ends it. */
static __attribute__((noinline)) void run_once(void)
{
	static const uint32_t mxcsr = 0x1f80;
	struct itimerval time = { .it_value = { .tv_usec = TIME_MICROSECONDS } },
			 none = { { 0, 0 }, { 0, 0 } };

	memset(&result, 0, sizeof(result));
	if (!sigsetjmp(back, 1)) {
		setitimer(ITIMER_VIRTUAL, &time, NULL);
		/* What the sequence before this one left behind. */
		asm volatile("mov %0, %%ds\n\t"
			     "mov %0, %%es\n\t"
			     "mov %0, %%gs\n\t"
			     "fninit\n\t"
			     "ldmxcsr %1"
			     :
			     : "r"(0), "m"(mxcsr));
		/* What lies at FS is the C library's: not for a sequence. */
		syscall(SYS_arch_prctl, ARCH_SET_FS, DATA);
		enter();
	}
	setitimer(ITIMER_VIRTUAL, &none, NULL);
}

/* What is run may destroy the process: it is told before. */
static void tell_start(unsigned used)
{
	unsigned i;

	printf("  at %llx:", (unsigned long long)start.rip);
	for (i = 0; i < used; i++)
		printf(" %02x", ((const uint8_t *)start.rip)[i]);
	printf("\n  flags %llx", (unsigned long long)start.flags);
	for (i = 0; i < 16; i++)
		printf(" r%u %llx", i, (unsigned long long)start.gpr[i]);
	printf("\n");
	fflush(stdout);
}

static void tell_result(void)
{
	unsigned i;

	printf("  signal %llu code %lld trap %llu error %llx address %llx flags %llx rip %llx\n ",
	       (unsigned long long)result.signal, (long long)result.code,
	       (unsigned long long)result.trap, (unsigned long long)result.error,
	       (unsigned long long)result.address, (unsigned long long)result.flags,
	       (unsigned long long)result.rip);
	for (i = 0; i < 16; i++)
		printf(" r%u %llx", i, (unsigned long long)result.gpr[i]);
	printf("\n  memory %llx, traps", (unsigned long long)result.memory);
	for (i = 0; i < result.traps; i++)
		printf(" %llx", (unsigned long long)result.trapped[i]);
	printf("\n");
}

static void run(uint64_t seed)
{
	unsigned used = generate(seed);
	bool masked = is_masked(used);
	uint64_t digest = GENERATE_HASH;

	if (verbose)
		tell_start(used);
	run_once();
	if (masked)
		memset(&result, 0, sizeof(result));
	else if (result.signal != SIGVTALRM)
		result.memory = generate_hash(generate_hash(digest, (void *)DATA, 2 * PAGE),
					      (void *)STACK, 2 * PAGE);
	digest = generate_hash(digest, &result, sizeof(result));
	if (verbose)
		tell_result();
	printf("%llu %016llx signal %llu\n", (unsigned long long)seed, (unsigned long long)digest,
	       (unsigned long long)result.signal);
}

/* --- The process around it --- */

static void map(uint64_t address, uint64_t bytes, int rights)
{
	if (mmap((void *)address, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    (void *)address) {
		perror("random: mmap");
		exit(2);
	}
}

/* Nothing that a sequence does makes a system call: only our own text may. */
static void no_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)CODE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	/* Our own text is linked below CODE. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("random: seccomp");
		exit(2);
	}
}

static void prepare(void)
{
	static const int signals[] = {
		SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS, SIGVTALRM
	};
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	static uint8_t stack[0x10000];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	unsigned i;

	map(CODE, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, 2 * PAGE, PROT_READ | PROT_WRITE);
	map(DATA + 2 * PAGE, PAGE, PROT_READ);
	map(STACK, 2 * PAGE, PROT_READ | PROT_WRITE);
	sigaltstack(&alternate, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base);
	no_calls();
}

int main(int argc, char **argv)
{
	volatile uint64_t *at;
	uint64_t first, count, last;
	pid_t child;
	int status;

	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
		return 2;
	}
	verbose = argc > 1 && !strcmp(argv[1], "-v");
	if (argc != 3 + verbose) {
		fprintf(stderr, "usage: random [-v] FIRST COUNT\n");
		return 2;
	}
	first = strtoull(argv[1 + verbose], NULL, 0);
	count = strtoull(argv[2 + verbose], NULL, 0);
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (last = first + count; first < last; first = *at + 1) {
		fflush(stdout);
		child = fork();
		if (!child) {
			prepare();
			for (*at = first; *at < last; ++*at) {
				run(*at);
				fflush(stdout);
			}
			_exit(0);
		}
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status) || WEXITSTATUS(status)) {
			printf("%llu ended the process: status %d\n", (unsigned long long)*at,
			       status);
			continue;
		}
		break;
	}
	return 0;
}
