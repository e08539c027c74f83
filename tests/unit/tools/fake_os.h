/* SPDX-License-Identifier: MIT */
/*
 * A machine that exists only in memory: tools/hpctl/os.h and cpu.h for the tests of the verbs. A
 * test describes it in `fake`, runs a verb, and looks at what was printed and at `fake.trace`.
 */
#ifndef FAKE_OS_H
#define FAKE_OS_H

#include "tools/hpctl/os.h"

#define FAKE_PROCESSORS 12
#define FAKE_REQUESTS	16
#define FAKE_RIP	0xffffffff81000000ull

struct fake {
	/* The machine. By default two processors, Intel, with VT-x. */
	unsigned count;
	bool offline[FAKE_PROCESSORS];
	bool barred[FAKE_PROCESSORS];  /* os_run_on() fails there */
	bool answers[FAKE_PROCESSORS]; /* our CPUID leaf */
	bool above;		       /* it is above another hypervisor's */
	bool vmx, long_mode, kvm_loaded;

	/* The driver. */
	bool loaded, running;
	struct os_error open_error; /* of a driver that is loaded; cause OS_OK: it opens */
	struct os_error load_error, unload_error, kvm_error;

	/* The device: what each request gives. */
	enum hp_error result[FAKE_REQUESTS];	  /* by code, for every processor */
	enum hp_error result_on[FAKE_PROCESSORS]; /* by processor, for CHECK, PING, STAT */
	struct hp_failure failure;
	struct hp_version version;
	struct hp_check check[FAKE_PROCESSORS];
	struct hp_status status;
	struct hp_ping ping[FAKE_PROCESSORS];
	struct hp_stat stat[FAKE_PROCESSORS];
	struct hp_exits exits; /* what is on, and can be; missing and processor of a refusal */
	struct hp_start how;   /* of the last start */
	bool stops_at_once;    /* what starts has ended again before anybody looks */

	/* Reports and histories. Exit number n is made up: its RIP is FAKE_RIP + n. */
	struct hp_report report[FAKE_PROCESSORS];
	uint32_t depth;
	uint64_t exits_total[FAKE_PROCESSORS];
	unsigned exits_between; /* exits that happen between two requests for a part */
	bool history_lies;	/* each part says that it is full, and has numbers of its own */

	/* Files, by enum os_file. */
	struct fake_file {
		const void *data; /* NULL: there is none */
		size_t bytes;
		char asked[64]; /* the path, "" if none was given */
	} file[2];
	struct os_error save_error;

	/* The log: what each read gives; "" is "nothing now", and after the last: `log_end`. */
	const char *log[16];
	bool log_ends;		  /* the driver goes; else there is nothing more */
	unsigned interrupt_after; /* reads; 0: never */
	unsigned stop_after;	  /* reads, until the hypervisor does not run any more */

	/* What happened. */
	char trace[512]; /* " load start unload", and so on */
	unsigned open_now, reads;
	bool interrupt_caught;
};

extern struct fake fake;

/* A machine that is able, with the driver not loaded. */
void fake_reset(void);

/* The driver is loaded and the hypervisor runs on every processor. */
void fake_set_running(void);

/* What was saved last, as that file. */
extern uint8_t fake_saved[1 << 20];
extern size_t fake_saved_bytes;

void fake_set_error(struct os_error *error, enum os_cause cause, const char *text,
		    const char *remedy);

#endif
