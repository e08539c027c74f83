/* SPDX-License-Identifier: MIT */
/*
 * What the files of the probe program share. A probe is a rule of the architecture, seen from user
 * mode: it executes something and says what came of it in lines `name: result`, which are the same
 * on the bare processor and on the virtualized one, in the same boot.
 *
 * World: a user program in the guest.
 */
#ifndef TESTS_GUEST_PROBE_H
#define TESTS_GUEST_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probe {
	const char *name; /* the rule */
	void (*run)(void);
};

/* The probes of each file; a NULL name ends the list. */
extern const struct probe cpuid_probes[];
extern const struct probe compat_probes[];
extern const struct probe exception_probes[];
extern const struct probe instruction_probes[];
extern const struct probe step_probes[];
extern const struct probe trace_probes[];
extern const struct probe page_probes[];
extern const struct probe state_probes[];

/* A line of the running probe: `name: text`. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define FLAG_FIXED   0x2ull
#define FLAG_TF	     0x100ull
#define FLAG_IF	     0x200ull
#define FLAG_DF	     0x400ull
#define FLAG_NT	     0x4000ull
#define FLAG_RF	     0x10000ull
#define FLAG_AC	     0x40000ull
#define FLAG_ID	     0x200000ull
#define FLAG_STATUS  0x8d5ull /* CF PF AF ZF SF OF */
#define FLAGS_NORMAL (FLAG_FIXED | FLAG_IF)

/* Where the code under test lies: fixed, so that addresses can be printed. Writable and executable. */
#define CODE_BASE  0x10000000ull
#define CODE_BYTES 0x2000u
/* Memory that the code may use; %rdi points here when it starts. */
#define DATA_BASE  0x11000000ull
#define DATA_BYTES 0x1000u

/* By the encoding's numbers; RSP's place is unused. */
struct registers {
	uint64_t gpr[16];
	uint64_t flags;
};

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* What a signal told of an exception. */
struct caught {
	int signal; /* 0: none */
	int code;
	uint64_t trap, error, rip, flags, address;
};

/* The stops of single-stepped code: at CODE_BASE, and in `bytes` from `from`. */
#define STEPS_MAX 64
struct steps {
	uint64_t from, bytes;
	unsigned count;
	struct caught step[STEPS_MAX];
};

/* The state that code starts with: zeros, RDI at DATA_BASE. */
void code_registers(struct registers *registers);

/* Puts code at CODE_BASE with a RET behind it. */
void code_put(const void *code, size_t bytes);

/*
 * Calls the code at `entry`, which returns by RET, with these registers and flags; they come back as
 * the code left them. False: an exception ended it, and `caught` has it. R10 and R11 are lost.
 */
bool code_call(uint64_t entry, struct registers *registers, struct caught *caught);

/* The same with TF set; every trap inside the code is written to `steps`. */
bool code_step(uint64_t entry, struct registers *registers, struct steps *steps,
	       struct caught *caught);

/* code_put and code_call in one. */
bool code_run(const void *code, size_t bytes, struct registers *registers, struct caught *caught);

/* One line of what was caught, addresses relative to the code where they lie in it. */
const char *caught_text(const struct caught *caught);

/* The page of DATA_BASE, cleared. */
uint8_t *data_clear(void);

/* Calls `call(argument)`: true when it returned, false when a signal ended it. */
bool catch_run(void (*call)(void *), void *argument, struct caught *caught, struct steps *steps);

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4])
{
	asm volatile("cpuid"
		     : "=a"(result[0]), "=b"(result[1]), "=c"(result[2]), "=d"(result[3])
		     : "a"(leaf), "c"(subleaf));
}

#endif
