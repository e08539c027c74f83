/* SPDX-License-Identifier: MIT */
/*
 * What the files of the NT lab's tests know of each other. A test is a function of a row in a
 * table; a round loads the driver, runs the tests of such a table, and unloads it.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#ifndef NT_SUITE_SUITE_H
#define NT_SUITE_SUITE_H

#include "../kernel/nt.h"

#include <hyperplatform/abi.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Ends with a row without a name. */
extern const struct test tests_request[], tests_life[], tests_event[], tests_guest[], tests_who[];

/* Runs the tests of a table, each between judge_begin() and judge_end(). */
void suite_tests(const struct test *tests);

/* Loads the driver's file at a base of its own, and calls DriverEntry; a test by itself. */
NTSTATUS suite_load(const char *name, bool boot);
/* Calls DriverUnload and tells what it has left; a test by itself. For `expected` see
 * judge_expect(). */
void suite_unload(const char *name, const char *expected);
/* Of what suite_load() found before: a violation for each kind that is left. */
void suite_check_leaks(void);
uint8_t *suite_driver_file(size_t *bytes);

/* A program that has the device open (client.c). */

#define CLIENT_LINK L"\\DosDevices\\HyperPlatform"

extern NTSTATUS client_status;	 /* of the last thing done */
extern FILE_OBJECT *client_file; /* of all that follows */
bool client_open(void);
void client_close(void);
/* enum hp_error; ~0: the device did not take it. */
uint32_t client_request(uint32_t code, const void *in, uint32_t in_bytes, void *out,
			uint32_t out_bytes);
uint32_t client_start(uint32_t exits);
uint32_t client_stop(void);
/* Of the last start or stop that failed. */
extern struct hp_failure client_failure;
const struct hp_status *client_get_status(void);
uint32_t client_ping(uint32_t processor, struct hp_ping *ping);
uint32_t client_exits(uint32_t clear, uint32_t set);
const char *client_error(uint32_t error);

/* What processors are and have (state.c). */

/* Runs `function` on a processor, by a thread that goes there. */
void state_on(unsigned processor, void (*function)(void *context), void *context);
/* Is the hypervisor below, by CPUID? */
bool state_is_guest(unsigned processor);
/* Keeps all registers of every processor, and later compares: the test fails if one differs. */
void state_keep(void);
void state_compare(const char *when);

/* Failures of root (fault.c), and what the lab itself has to notice (probe.c). */
struct fault_places {
	uint64_t handler; /* of CPUID: this and the others are addresses in root.elf */
	uint64_t code;	  /* the 8 bytes that are there, by which root.elf is known in memory */
	uint64_t again;	  /* vmx_setup_again() */
	uint64_t undo;	  /* undo_vmwrite() */
};
/* All failures, or hangs only, of which another processor has to be told. */
void fault_run(const struct fault_places *places, bool hangs_only);
void probe_run(void);
/* Offsets of functions in the image (exception.c); it does not run. */
void exception_run(uint64_t fault_rdmsr, uint64_t gate_call);
/* A processor that can't (refused.c); enum hp_error. */
void refused_run(uint32_t error);

#endif
