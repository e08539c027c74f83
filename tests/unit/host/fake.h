/* SPDX-License-Identifier: MIT */
/*
 * A machine that is pretended, for the tests of host/: host.h's functions and the gate's, on
 * made-up processors and made-up physical memory. It checks what host.h promises and forbids
 * (contexts, locks, what a guest's own memory protection would not let the OS side do), counts what
 * was taken, and fails where a test tells it to.
 *
 * World: an ordinary process.
 */
#ifndef FAKE_H
#define FAKE_H

#include "../unit.h"

#include "gate/gate.h"
#include "host/host.h"

#define FAKE_PROCESSORS 4
#define FAKE_RAMS	3
#define FAKE_NEVER	(~0u)

struct fake {
	struct fake_processor {
		enum hp_processor_state state; /* ABSENT, OFFLINE or NATIVE */
		struct gate_cpu *gate;	       /* the one that it entered with */
		enum hp_error refuses;	       /* what gate_enter() returns */
		bool stays;		       /* it does not leave */
		bool mute;		       /* it does not answer in CPUID */
		bool vmx;		       /* CPUID has VT-x */
		unsigned entered, left, synced;
		enum hp_error refuses_exits; /* what GATE_CALL_INTERCEPT returns */
		struct interception has;     /* what it took with it */
	} processor[FAKE_PROCESSORS];
	struct memory_range ram[FAKE_RAMS];
	uint64_t proc2, ept_vpid, cr4;
	bool kvm, page_1g, hypervisor;
	uint16_t gdt_limit;

	uint32_t fail_allocation; /* the number of the one that fails, from 0 */
	uint32_t fail_more;	  /* so many after it fail, too */
	uint32_t allocations;	  /* so far */
	uint64_t pages;		  /* taken and not given back */

	void (*in_gate)(uint32_t processor); /* called in gate_enter(), if set */
	char printed[512];		     /* the last line */
	unsigned lines;
	unsigned wakes;
	int locked;
	bool watched;	       /* by host_watch() */
	uint32_t nmis;	       /* by host_nmi(): a bit a processor */
	void (*in_nmi)(void);  /* called in host_nmi(), if set */
	void (*in_unlock)(void); /* called once behind host_unlock(), if set */
	unsigned lines_at_nmi; /* `lines` at that time */
	uint64_t elapsed;      /* milliseconds, for host_time() and host_uptime() */
	uint64_t set;	       /* by so much the clock on the wall has been set forwards */
	/* By host_exchange(), and how many there were; `interrupts` at the time of the last one. */
	uint64_t exchanged, exchanged_old, exchanged_new;
	unsigned exchanges, interrupts_before;
	bool unreachable; /* host_exchange() can't do it */
	bool numb; /* host_interrupt() counts only: what it is to do is privileged */
	unsigned interrupts;
	uint32_t interrupted; /* a bit a processor, of those while memory was still ours */
	int kept;	      /* by host_keep(): 1 exactly while it runs */
	uint32_t on;	      /* the processor that runs now */
	uint32_t layout_known; /* what host_layout() says */
};

extern struct fake fake;

/* A machine of `processors`, all online, with `megabytes` of RAM; nothing taken, nothing fails. */
void fake_open(uint32_t processors, uint32_t megabytes);

/* Ends a test: everything was given back. */
void fake_close(void);

/* A start with these groups of exits, and the usual history. */
enum hp_error fake_start(uint32_t exits, struct hp_failure *failure);

/* For cmocka's groups: the log, which all tests of a group share. */
int fake_open_log(void **state);
int fake_close_log(void **state);

/* The embedded root.elf, to be damaged; and put right again. */
void fake_damage_image(void);
void fake_mend_image(void);

/* A processor goes or comes, as the OS would have it. Returns what the callback returned. */
bool fake_offline(uint32_t processor);
void fake_online(uint32_t processor);

/* Root writes a record into the ring of `processor`. */
void fake_record(uint32_t processor, uint16_t format, enum hp_level level, uint64_t argument);
/* And another that continues it. */
void fake_record_goes_on(uint32_t processor, uint16_t format);

#endif
