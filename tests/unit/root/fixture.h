/* SPDX-License-Identifier: MIT */
/*
 * What the tests of root's exit handlers share: a processor with its pages, set up before each test
 * as a 64-bit guest in CPL 0, the loop run for one exit, and what came of it.
 */
#ifndef ROOT_FIXTURE_H
#define ROOT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../base/msr.h"
#include "../../../root/root.h"

#define GATE_TEXT 0xffffffffc0100000ull
#define RIP	  0xffffffff81000100ull
#define PAGES	  128

extern struct cpu cpu;
extern struct gate_cpu gate;
extern struct gate_machine machine;
extern struct gate_ring ring;
#define FIXTURE_HISTORY 32
union fixture_trail {
	struct gate_trail trail;
	uint8_t room[GATE_PAGE + FIXTURE_HISTORY * sizeof(struct hp_exit)];
};
extern union fixture_trail trail;
extern bool retreat_goes_on; /* with its next stage; else the run ends as RETREATED */
/* The window begins at 0: physical addresses are pointers. */
extern uint8_t memory[PAGES][4096];
extern unsigned unblocked, below;    /* calls of nmi_unblock and vmcall_below */
extern struct gate_command *command; /* what machine.command points to */

/* A zeroed page. */
struct phys fixture_take(void);

/* For cmocka_unit_test_setup(). */
int fixture_setup(void **state);

/*
 * After that, for tests that reach the guest's memory: page tables of the guest, pages in them (PTE_
 * flags besides present; the tables above have the user's rights), and an EPT, which shows
 * `read_only` (NULL: none) as read-only.
 */
void fixture_guest_begin(void);
uint8_t *fixture_map(uint64_t address, uint64_t flags);
void fixture_guest_end(const uint8_t *read_only);

enum ending { ENTERED_AGAIN = 1, LEFT, FAULTED, RETREATED };

/* One exit, from the processor's exit to the next entry. The registers are those of cpu.gpr. */
enum ending run_exit(uint32_t reason);

/* The guest gets this exception, as a fault of the instruction at RIP. */
void expect_exception(enum vector vector, bool has_code, uint32_t code);

#endif
