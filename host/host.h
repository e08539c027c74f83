/* SPDX-License-Identifier: MIT */
/*
 * What an operating system must give to HyperPlatform: host/<os>/platform.c implements it, and the
 * unit tests have an implementation of their own. Nothing else of an OS is visible in host/.
 *
 * Contexts: "process" may sleep and take its time; "processor" is a callback of host_call() or
 * host_interrupt(), on one processor with interrupts off; "any" is either of them.
 *
 * There is no physical-to-virtual look-up: who allocates memory keeps both addresses.
 *
 * World: OS.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <hyperplatform/abi.h>

#include "../base/addr.h"
#include "../base/layout.h"

#define HOST_PAGE 4096u

/*
 * Allocates `pages` zeroed pages of RAM, physically contiguous and mapped read-write. Sets
 * `physical` to the first page's address. Returns the OS's address, NULL: no memory. Process.
 */
void *host_allocate(uint32_t pages, struct phys *physical);

/* Gives back what host_allocate() returned; `pages` as then. Process. */
void host_free(void *address, uint32_t pages);

/* The physical address of a byte of our own image (the gate's text). Process. */
struct phys host_physical(const void *address);

/* One more than the highest number of a processor that is present, online or not. Any. */
uint32_t host_processors(void);

/* HP_PROCESSOR_ABSENT, _OFFLINE, or _NATIVE for one that is online. Any. */
enum hp_processor_state host_processor(uint32_t processor);

typedef void host_function(void *context);

/*
 * Runs `function` once on `processor`, with interrupts off, in a context that gate.h allows for
 * gate_enter(): CPL 0, no segment register with a selector of an LDT, a CR3 that maps the OS. Waits
 * for its end. Returns false, and did not run it, if the processor is offline. Process.
 */
bool host_call(uint32_t processor, host_function *function, void *context);

/*
 * Interrupts `processor`, whatever it runs, to run `function` there with interrupts off; waits for
 * its end. Not for gate_enter() and not for leaving. Returns false if it is offline. Process.
 */
bool host_interrupt(uint32_t processor, host_function *function, void *context);

/*
 * While on, calls watch_tick() on each processor that is online, about once a second, in any
 * context, and on none of them by way of another: one may never answer. Off: returns when the last
 * call has. Process, with host_lock().
 */
void host_watch(bool on);

/* Sends an NMI to `processor`, and does not wait for it. Any. */
void host_nmi(uint32_t processor);

/*
 * Makes the aligned 8 bytes of RAM at `address`, which need not be ours, `value`, atomically, if
 * they are `old`. Returns false if they can't be reached now, for want of memory. Process.
 */
bool host_exchange(struct phys address, uint64_t old, uint64_t value);

/*
 * Calls `each` for each range of RAM, in ascending order, whole pages, no overlap, until it returns
 * false. Returns false if it did, or if there was no memory to find them out. Process.
 */
bool host_memory(bool (*each)(void *context, struct memory_range range), void *context);

/* Registers of this processor that have no other way into common code. Processor. */
struct host_registers {
	uint64_t cr4;
	uint16_t gdt_limit;
	uint16_t code_selector;
};
void host_registers(struct host_registers *registers);

/* Reads an MSR of this processor. Returns false if it raised #GP. Any. */
bool host_rdmsr(uint32_t msr, uint64_t *value);

/* CPUID on this processor: EAX, EBX, ECX, EDX. Any. */
void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4]);

/* What to do about an error on this system; NULL: what abi.h says with the error. Any. */
const char *host_remedy(enum hp_error error);

/* Is another user of VT-x loaded, KVM's module for Intel processors? Process. */
bool host_kvm_loaded(void);

/*
 * The lock of the lifecycle. While it is held, no processor comes or goes (a host that cannot hold
 * them off waits until one has come or gone). Its holders may sleep. Process.
 */
void host_lock(void);
void host_unlock(void);

/* The lock of the log's text: held for microseconds, by any context. */
unsigned long host_log_lock(void);
void host_log_unlock(unsigned long flags);

/*
 * The lock of the table of images, the same way. The host fills that table: it calls images_init()
 * before anything can start, the other functions of images.h as images come and go, and
 * images_end().
 */
unsigned long host_images_lock(void);
void host_images_unlock(unsigned long flags);

/*
 * Says where the system keeps its current process, for root. `layout` comes zeroed; what can't be
 * made sure of, on the process that calls, stays unknown, and a line of the log says so. Called at
 * each start. Process, with host_lock().
 */
void host_layout(struct layout *layout);

/* Prints one line, without a newline, where the OS's kernel prints. Any. */
void host_print(enum hp_level level, const char *line);

/*
 * While kept, the OS does not let go of our image, whoever asks it to: guests run through the gate.
 * Process.
 */
void host_keep(bool keep);

/* Runs drain_run() soon, in a worker of its own, and then wakes readers of the log. Any. */
void host_wake(void);

/* Who runs on this processor now, for a line of the log. Any. */
struct host_task {
	uint32_t processor, pid, tid;
	char image[16];
};
void host_task(struct host_task *task);

/* Local time in milliseconds since 1970. Any. */
uint64_t host_time(void);

/*
 * Milliseconds since some time before, whatever the clock on the wall is set to. Two processors may
 * differ by a few. Any: it waits for no other processor.
 */
uint64_t host_uptime(void);

/* The rate of the time-stamp counter in kHz; 0: unknown. Any. */
uint64_t host_tsc_khz(void);

/* The bytes of root.elf, embedded in the host's image. */
extern const uint8_t host_root_elf[], host_root_elf_end[];

#endif
