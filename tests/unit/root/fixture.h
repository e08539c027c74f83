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
#include "../../../base/paging.h"
#include "../../../root/skip.h"

#define GATE_TEXT 0xffffffffc0100000ull
#define RIP	  0xffffffff81000100ull
#define PAGES	  192

extern struct cpu cpu;
extern struct gate_cpu gate; /* on a page of its own */
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
 * What the guest does when it is entered again, behind the first exit: the test's, with the number
 * of the entry from 0. It returns what vmx_enter() does, or calls fixture_stop(); NULL: it does that.
 */
extern int (*fixture_guest)(unsigned entry);
void fixture_stop(void) __attribute__((noreturn)); /* ENTERED_AGAIN */
int fixture_stop_at_once(unsigned entry);

/* The last crossing back: by which page, and to which address. */
extern struct gate_cpu *left_by;
extern uint64_t left_to;

/*
 * After that, for tests that reach the guest's memory: page tables of the guest, pages in them (PTE_
 * flags besides present; the tables above have the user's rights), and an EPT, which shows
 * `read_only` (NULL: none) as read-only.
 */
void fixture_guest_begin(void);
uint8_t *fixture_map(uint64_t address, uint64_t flags);
void fixture_map_to(uint64_t address, struct phys page, uint64_t flags);
void fixture_guest_end(const uint8_t *read_only);
extern const struct table_memory fixture_tables; /* that give such pages */

/*
 * For cmocka_unit_test_setup(), too: with the gate in root's own tables, and in the guest's (open) or
 * not (closed); wide: closed, and both have 5 levels.
 */
int fixture_setup_closed(void **state);
int fixture_setup_open(void **state);
int fixture_setup_wide(void **state);
extern struct phys fixture_text, fixture_page; /* the gate's */

enum ending { ENTERED_AGAIN = 1, LEFT, FAULTED, RETREATED };

/* One exit, from the processor's exit to the next entry. The registers are those of cpu.gpr. */
enum ending run_exit(uint32_t reason);

/* Root fails, outside of any exit, and goes on with the stages of its retreat. */
enum ending run_failure(enum hp_report_kind kind);

/* The same, and the guest is entered again in the minimal loop, where the test can look at it. */
void expect_minimal_loop(enum hp_report_kind kind);

/* Runs `what`, which may end in any of these ways; FAULTED: it returned. */
enum ending fixture_run(void (*what)(void));

/* The guest gets this exception, as a fault of the instruction at RIP. */
void expect_exception(enum vector vector, bool has_code, uint32_t code);

#endif
