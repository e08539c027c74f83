/* SPDX-License-Identifier: MIT */
/*
 * What hpctl needs of the operating system: the device, the driver (on Linux: the module), the
 * processors, and being interrupted. os_linux.c fulfils it; on Windows os_windows.c does, with
 * service_windows.c and remedy_windows.c; the unit tests have one that pretends. Everything else in
 * this folder is the same on every system.
 */
#ifndef HPCTL_OS_H
#define HPCTL_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyperplatform/abi.h>

enum os_cause {
	OS_OK,
	OS_ABSENT, /* what was asked for is not there */
	OS_DENIED, /* this user, or anybody on this system, may not */
	OS_BUSY,   /* somebody else uses it */
	OS_FAILED, /* anything else; the text says what */
};

/* Why the operating system refused. */
struct os_error {
	enum os_cause cause;
	char text[512];	  /* a phrase for the user, no full stop; never empty */
	char remedy[256]; /* what to do about it; may be empty */
};

struct os_device;

/* To be called once, before anything else: streams and signals as hpctl wants them. */
void os_start(void);

/*
 * The device of a driver that is loaded, or NULL. OS_ABSENT: the driver is not loaded;
 * OS_DENIED: it is, and this user may not open it.
 */
struct os_device *os_open(struct os_error *error);
void os_close(struct os_device *device);

/*
 * Carries out a request: `in_bytes` at `buffer` go in, `out_bytes` come out to the same place.
 * Returns what came of it. What the system itself refuses is told by the error that fits.
 */
enum hp_error os_request(struct os_device *device, uint32_t code, void *buffer, uint32_t in_bytes,
			 uint32_t out_bytes);

/*
 * Reads the log's text as far as it is there now; waits up to `wait_ms` for some to come, less when
 * interrupted. `bytes` must hold a line, so at least 1024. Returns the bytes read; 0: there is
 * none; -1: the log has ended, the driver goes.
 */
int os_log_read(struct os_device *device, char *text, size_t bytes, unsigned wait_ms);

/*
 * Loads the driver from the file `path`, or, when that is NULL, from where drivers are installed,
 * and opens its device. NULL: it failed, and the driver is not loaded. It does not start the
 * hypervisor.
 */
struct os_device *os_driver_load(const char *path, struct os_error *error);

/* Removes the driver, which must have been stopped and closed. OS_ABSENT: it was not loaded. */
bool os_driver_unload(struct os_error *error);

/* KVM for Intel processors, which keeps VT-x for itself. OS_ABSENT: it was not loaded. */
bool os_kvm_loaded(void);
bool os_kvm_unload(struct os_error *error);

/* The remedy on this system; NULL: it is the one in abi.h. */
const char *os_remedy(enum hp_error error);

#define OS_PROCESSORS_MAX 1024u

struct os_processors {
	unsigned count; /* one more than the highest number in use */
	bool online[OS_PROCESSORS_MAX];
};

void os_processors(struct os_processors *processors);

/* Calls `call` on that processor, in this thread. False: it could not go there; not called. */
bool os_run_on(unsigned processor, void (*call)(void *argument), void *argument,
	       struct os_error *error);

/*
 * From os_interrupt_catch() on, a request to end (Ctrl-C, and what is like it) no longer ends the
 * program at once, but os_interrupted() says that there was one.
 */
void os_interrupt_catch(void);
bool os_interrupted(void);

#endif
