/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of hptest.ko share: probes of the architecture that need CPL 0. A probe runs on one
 * processor, in a worker bound to it, and says what it found in lines `name: result`, which are the
 * same on the bare processor and on the virtualized one, in the same boot.
 *
 * World: the guest's kernel.
 */
#ifndef TESTS_GUEST_HPTEST_H
#define TESTS_GUEST_HPTEST_H

#include "trap.h"

struct probe {
	const char *name;
	void (*run)(void);
};

/* The probes of each file; a NULL name ends the list. */
extern const struct probe interrupt_probes[];
extern const struct probe instruction_probes[];
extern const struct probe msr_probes[];
extern const struct probe control_probes[];
extern const struct probe debug_probes[];
extern const struct probe state_probes[];
extern const struct probe memory_probes[];
extern const struct probe delivery_probes[];

/* A line of the running probe. */
void say(const char *format, ...) __printf(1, 2);

/* A line without a probe's name. */
void say_line(const char *format, ...) __printf(1, 2);

/*
 * Runs the code in trap_run, and says in one line how it went: the registers in `show` (a bit each,
 * by the encoding's numbers), or what ended it, and every trap and interrupt meanwhile.
 */
void run_say(const char *text, u32 show);

/* Registers zero; code at `code`. */
void run_prepare(const void *code);

/* Runs it. True: it came to its end. */
bool run(void);

/* The same; `observe` is called behind it, before what the code left behind is put back. */
bool run_observed(void (*observe)(void));

/* The same for code that leaves its stack nowhere: says the vector that ended it. */
void run_bare_say(const char *text);

/* The local APIC of this processor; apic_init before anything else here. */
int apic_init(void);
void apic_exit(void);
void apic_send_self(u8 vector);
void apic_send_nmi(u32 apic_id);
u32 apic_id(void);
/* The address of its command register, 0 with x2APIC. */
u64 apic_command_register(void);
/* Names the destination of the next command that is written there. False: x2APIC. */
bool apic_send_prepare(u32 destination);
/* Ends `vector` if it is still in service. */
void apic_end(u8 vector);
/* Of the interrupts that the highest task priorities let through, is `vector` alone pending? */
bool apic_only_pending(u8 vector);

/* nmi.c: commands. */
int nmi_begin(void);
void nmi_end(void);
void nmi_test(unsigned int target, unsigned int count);
int nmi_start(void);
void nmi_say(void);
void nmi_stop(void);

/* step.c: commands. The last two are for a program that steps itself. */
int step_init(void);
void step_exit(void);
int step_trace(unsigned int cpu, unsigned int rounds);
int step_run(unsigned int cpu, unsigned int rounds);
int step_user(unsigned int instructions, u64 low, u64 high);
int step_user_end(void);

/* code.S: an instruction of each kind that steps differently; fills `data`. */
void code_step_mix(void *data, u64 bytes);
extern const char code_step_shadow[], code_step_shadow_sti[]; /* those behind MOV SS and STI */

/* random_kernel.c: commands, on the caller's processor; verbose: all that went into the digests. */
int sequence_init(void);
void sequence_exit(void);
int sequence_run(u64 first, unsigned int count, bool verbose);

/* entry.c: command. VM entries with broken rules, of the seeds first and following. */
int entry_rules_run(unsigned int cpu, u64 first, unsigned int count, bool tell);

/* memory.c: commands. */
void memory_walk(void);
void memory_devices(unsigned int regions);

/* attack.c: a command, on the struct machine that runs. */
int attack(void *machine, const char *what, unsigned int pattern);

/* step.c: a name of hyperplatform.ko, which may be loaded behind us; NULL: it is not. */
void *step_symbol(const char *name);

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
#define SHOW(reg) (1u << (reg))

#endif
