/* SPDX-License-Identifier: MIT */
/*
 * What the files of the NT lab's kernel know of each other. NT's own structures and functions come
 * from mingw-w64's driver kit, so that driver and kernel have them from two hands.
 *
 * The kernel is compiled by mingw: its calling convention is NT's, `long` has 32 bits. Names of NT
 * have NT's spelling; everything else is prefixed with its file's name, as everywhere.
 *
 * World: the lab's kernel.
 */
#ifndef NT_KERNEL_NT_H
#define NT_KERNEL_NT_H

#include <ntifs.h>
#include <ntimage.h>

#include <excpt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PAGE 4096u

/* What the kit's headers lack, or give to drivers only. */
enum {
	EventNotificationObject,
	EventSynchronizationObject,
	MutantObject,
	ProcessObject,
	ThreadObject = 6,
	DpcObject = 19,
};
PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T bytes, PHYSICAL_ADDRESS lowest,
					   PHYSICAL_ADDRESS highest, PHYSICAL_ADDRESS boundary,
					   ULONG protect, ULONG node);
const char *NTAPI PsGetProcessImageFileName(PEPROCESS process);
NTSTATUS NTAPI ZwQuerySystemInformation(int class, PVOID to, ULONG bytes, PULONG result);
int __cdecl _vsnprintf(char *to, size_t bytes, const char *format, va_list arguments);

/* The processor. */

#define PROCESSORS	    2u
#define PROCESSOR_PAGES	    16u
#define PROCESSOR_GDT_BYTES 0x58u

/* NT's selectors. */
#define SELECTOR_CODE	   0x10
#define SELECTOR_DATA	   0x18
#define SELECTOR_USER_DATA 0x2b
#define SELECTOR_USER_CODE 0x33
#define SELECTOR_TSS	   0x40
#define SELECTOR_TEB	   0x53

/* NT's vectors: the upper half byte is the IRQL. */
#define VECTOR_SYSCALL	0x2e
#define VECTOR_DISPATCH 0x2f
#define VECTOR_CLOCK	0xd1
#define VECTOR_SPURIOUS 0xff

struct task_state {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

/*
 * What a processor has of its own: the head is laid out as NT's KPCR, as far as inline functions of
 * the driver kit and debuggers look into it. The whole is mapped in user address spaces too.
 */
struct processor {
	void *gdt_base, *tss_base;
	uint64_t user_rsp;
	struct processor *self;
	void *prcb; /* of 0x180 */
	void *lock_array, *used_self;
	void *idt_base;
	uint8_t reserved0[0x180 - 0x40];
	uint32_t mxcsr;
	uint16_t number; /* 0x184 */
	uint16_t reserved1;
	PKTHREAD thread; /* 0x188 */
	PKTHREAD next_thread, idle_thread;
	uint8_t reserved2[0x200 - 0x1a0];

	/* Of the lab; entry.S knows these. */
	uint64_t kernel_cr3; /* of the process that runs */
	uint64_t user_cr3;
	uint64_t kernel_stack; /* of the thread that runs */
	uint64_t scratch[2];

	uint32_t apic_id;
	volatile uint32_t online;
	volatile uint32_t nmis;
	volatile uint32_t nmis_sent; /* by the lab, and not arrived yet */
	volatile uint64_t ticks;
	volatile uint32_t interrupted_user; /* clock interrupts that came in CPL 3 */
	volatile bool in_dpc;
	LIST_ENTRY dpcs;

	uint64_t gdt[32] __attribute__((aligned(PAGE)));
	struct task_state tss;
	uint8_t transition_stack[PAGE] __attribute__((aligned(PAGE)));
	uint8_t fault_stack[PAGE] __attribute__((aligned(PAGE)));
	uint8_t check_stack[PAGE];
	uint8_t nmi_stack[4 * PAGE];
	uint8_t pad[(PROCESSOR_PAGES - 9) * PAGE];
};
_Static_assert(sizeof(struct processor) == PROCESSOR_PAGES * PAGE, "entry.S, user spaces");
_Static_assert(offsetof(struct processor, number) == 0x184, "KPRCB.Number");
_Static_assert(offsetof(struct processor, thread) == 0x188, "KPRCB.CurrentThread");
_Static_assert(offsetof(struct processor, kernel_cr3) == 0x200, "entry.S");

extern struct processor processors[PROCESSORS];

void processor_init(bool x2apic); /* the first one */
void processor_start_next(void);  /* one more, and waits until it runs */
void processor_ap_main(void) __attribute__((noreturn));
void processor_send(unsigned processor, uint8_t vector);
void processor_send_nmi(unsigned processor);
void processor_end_of_interrupt(void);
unsigned processor_count(void);

static inline struct processor *processor_this(void)
{
	struct processor *self;

	asm volatile("mov %%gs:0x18, %0" : "=r"(self));
	return self;
}

static inline uint64_t processor_cr8(void)
{
	uint64_t level;

	asm volatile("mov %%cr8, %0" : "=r"(level) : : "memory");
	return level;
}

static inline void processor_set_cr8(uint64_t level)
{
	asm volatile("mov %0, %%cr8" : : "r"(level) : "memory");
}

static inline void processor_wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t processor_rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

/* A lock of the lab's own: interrupts off, whatever the IRQL. */
struct lab_lock {
	volatile uint32_t taken;
};

static inline uint64_t lab_lock(struct lab_lock *lock)
{
	uint64_t flags;

	asm volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	return flags;
}

static inline void lab_unlock(struct lab_lock *lock, uint64_t flags)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	asm volatile("push %0; popfq" : : "r"(flags) : "memory", "cc");
}

/* Traps (trap.c, entry.S, seh.c). */

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

extern uint64_t trap_table[512];
void trap_init(void); /* the table, once */
void trap_load(void); /* on each processor */
bool seh_dispatch(struct trap_frame *frame);

/* Memory (memory.c). */

#define MAP_WRITE   1u
#define MAP_EXECUTE 2u
#define MAP_USER    4u

#define MEMORY_NONE (~0ull)

struct multiboot;
void memory_init(const struct multiboot *boot);
void memory_load(void); /* on each processor */
uint64_t memory_top(void);
uint64_t memory_image_bytes(void);
/* `pages` of RAM, contiguous, below `limit`, aligned; zeroed. MEMORY_NONE: none. */
uint64_t memory_take(uint64_t pages, uint64_t limit, uint64_t align);
void memory_give(uint64_t physical, uint64_t pages);
uint64_t memory_free_pages(void);
void *memory_direct(uint64_t physical);
void memory_map(uint64_t top, uint64_t address, uint64_t physical, unsigned rights);
void memory_unmap(uint64_t top, uint64_t address);
/* The physical address, MEMORY_NONE if it is not mapped. */
uint64_t memory_translate(uint64_t top, uint64_t address);
/* Address space in the upper half that is never used again; a guard page is at each side. */
uint64_t memory_reserve(uint64_t pages);
/* Pages from here and there, mapped at `address`. */
bool memory_back(uint64_t address, uint64_t pages, unsigned rights);
void memory_release(uint64_t address, uint64_t pages);
/* Calls `each` with the ranges of RAM, ascending. */
void memory_ranges(void (*each)(uint64_t base, uint64_t bytes));
/* An address space whose upper half is the kernel's; `shadow`: only what entry.S needs of it. */
uint64_t memory_new_space(bool shadow);
void memory_end_space(uint64_t top, bool shadow);

/* Texts (say.c), strings (rtl.c). `long` and %l have 32 bits. */

int say_format(char *to, size_t size, const char *format, va_list arguments);
int say_to(char *to, size_t size, const char *format, ...) __attribute__((format(ms_printf, 3, 4)));
void say(const char *format, ...) __attribute__((format(ms_printf, 1, 2)));
void say_init(void);
void say_shutdown(void) __attribute__((noreturn));
const char *rtl_find(const char *text, size_t bytes, const char *word);

/* Judgements (judge.c). */

/* What a driver did against a rule: the test under way fails. */
void judge_violation(const char *rule, const char *format, ...)
	__attribute__((format(ms_printf, 2, 3)));
void judge_begin(const char *test);
/* The test under way fails unless `good`. */
void judge_check(bool good, const char *format, ...) __attribute__((format(ms_printf, 2, 3)));
bool judge_failed(void);
/* Violations of `rule` are what the test under way wants to see. */
void judge_expect(const char *rule);
void judge_end(void);
void judge_summary(void) __attribute__((noreturn));
/* The end of everything: registers, and the test under way fails. `frame` may be NULL. */
void judge_bug_check(const char *what, const struct trap_frame *frame) __attribute__((noreturn));
bool judge_stopped(void);

/* What a function of the driver must leave as it was (guard.c). */

struct guard {
	uint64_t level, flags;
	KAFFINITY affinity;
	unsigned mutexes;
};
void guard_enter(struct guard *guard);
void guard_leave(const struct guard *guard, const char *what);

/* Objects (object.c). */

enum object_kind {
	OBJECT_THREAD,
	OBJECT_FILE,
	OBJECT_KEY,
	OBJECT_CALLBACK,
	OBJECT_PROCESS,
	OBJECT_TOKEN,
};

void *object_create(enum object_kind kind, size_t bytes, void (*delete)(void *body));
enum object_kind object_kind(void *body);
void object_keep(void *body);
void object_release(void *body);
HANDLE object_open(void *body, bool kernel_handle, bool of_driver);
void *object_of(HANDLE handle);
/* What the driver has: handles that are open, references that it has to give back. */
unsigned object_driver_handles(void);
long object_driver_references(void);
void object_count_driver(long change);

/* Threads and waits (thread.c, wait.c). */

/* As opaque to a driver as NT's, with more than one word that could be the one that it looks for.
 */
struct process {
	DISPATCHER_HEADER header;
	uint64_t parent; /* of System: itself */
	uint64_t kernel_cr3, user_cr3;
	uint64_t id;
	char name[15];
	uint64_t token; /* NT's EX_FAST_REF: the pointer, and 0 to 15 references that nobody has yet
			 */
};

#define THREAD_STACK_PAGES 6u /* NT's 24 KiB */

struct _KTHREAD {
	DISPATCHER_HEADER header; /* signalled when it has ended */
	uint64_t rsp;		  /* while it does not run */
	uint64_t stack;
	LIST_ENTRY all, ready, waiting;
	enum { THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_ENDED } state;
	struct process *process;
	uint64_t id;
	KAFFINITY affinity, user_affinity;
	bool system_affinity;
	unsigned processor; /* where it runs, or ran last */
	bool of_driver, user_mode;
	unsigned mutexes; /* that it has */
	struct process *owner; /* as `process`, unless it is attached: never here */

	PKSTART_ROUTINE start;
	void *context;
	NTSTATUS exit_status;

	/* Of its last wait. */
	DISPATCHER_HEADER *wait_object; /* NULL: for time only */
	uint64_t deadline;
	NTSTATUS wait_status;

	/* Of the last call of an export. */
	uint32_t export_index;
	uint64_t export_caller;
};

extern struct process thread_system_process;
extern struct process *thread_other_process; /* without threads */

void thread_init(void);
void thread_init_processor(void);
void thread_idle(void) __attribute__((noreturn));
PKTHREAD thread_create(struct process *process, PKSTART_ROUTINE start, void *context);
void thread_begin(void);
void thread_end(NTSTATUS status) __attribute__((noreturn));
void thread_reap(void);
PKTHREAD thread_this(void);
unsigned thread_of_driver_count(void);
void thread_set_affinity(KAFFINITY affinity);
/* As a program does it: what a driver goes back to. */
void thread_set_user_affinity(KAFFINITY affinity);
/* With interrupts off: the thread goes to user mode now. */
void thread_enter_user(void);
void thread_dispatch_interrupt(void);
void thread_clock(struct processor *processor);
uint64_t thread_time(void); /* 100 ns since the start */
void thread_sleep(unsigned milliseconds);

/* The dispatcher's lock, and what is called with it. */
uint64_t thread_lock(void);
void thread_unlock(uint64_t flags);
void thread_signalled(void);
void thread_wait(PKTHREAD thread);
bool wait_over(PKTHREAD thread);

/* Processes with tokens (process.c). */
void process_init(void);

/* DPCs (dpc.c). */
void dpc_init_processor(struct processor *processor);
void dpc_retire(struct processor *processor);
unsigned dpc_queued(void);

/* Programs in user mode (user.c). */
struct user *user_start(const char *name, unsigned processor, bool with_cpuid);
uint64_t user_count(const struct user *user);
void user_use_cpuid(struct user *user);
/* The table at the top of the address space that it has in user mode. */
const uint64_t *user_top(const struct user *user);
void user_end(struct user *user);

/* Exports (export.c). */

/* Before NT 6.0: without the functions that came later. */
void export_set_version(bool old);
bool export_is_old(void);
void *export_find(const char *name, bool at_run_time);
uint32_t export_calls(const char *name);
/* The export that this thread called last. */
const char *export_current(void);
/* In an export: its caller broke a rule. */
void export_violation(const char *rule, const char *format, ...)
	__attribute__((format(ms_printf, 2, 3)));

/* The driver's image (loader.c). */

struct loader_image {
	uint64_t base, bytes;
	PDRIVER_INITIALIZE entry;
	bool loaded;
};
extern struct loader_image loader_driver;

/* NULL: it is loaded. Else what is wrong with it. */
const char *loader_load(const void *file, size_t bytes, uint64_t base);
uint32_t loader_checksum(const uint8_t *file, size_t bytes);
void loader_discard(void);
void loader_unload(void);
bool loader_inside(uint64_t address);
IMAGE_NT_HEADERS *loader_headers(const void *file);
/* "driver+0x123" for an address in it. */
const char *loader_where(uint64_t address, char *to, size_t size);

/* The driver's memory (pool.c). */

void *pool_take(size_t bytes, ULONG tag, uint64_t caller);
bool pool_give(void *address, ULONG tag);
unsigned pool_in_use(void);
void pool_tell_leaks(void);
/*
 * The n-th call from now on of a function that takes something of the system fails, for want of
 * memory; -1: none. Such a function asks pool_fails().
 */
void pool_fail(int n);
/* The next call of the function with this name fails so; NULL: it need not any more. */
void pool_fail_at(const char *name);
/* The function that has failed; NULL: none yet. */
const char *pool_failed(void);
bool pool_fails(void);
/* Called before each allocation of contiguous memory; may be NULL. */
extern void (*pool_hook)(void);
/* Each block of contiguous memory that the driver has. */
void pool_each(void (*each)(void *address, uint64_t bytes));

/* The driver and its devices (driver.c), requests to them (io.c). */

NTSTATUS driver_start(bool boot);
/* STATUS_INVALID_DEVICE_REQUEST: it can't be unloaded now. */
NTSTATUS driver_unload(void);
DRIVER_OBJECT *driver_object(void);
PDEVICE_OBJECT driver_find_device(const WCHAR *name);
PDEVICE_OBJECT driver_next_at_shutdown(unsigned *at);
void driver_count_files(PDEVICE_OBJECT object, int change);

struct token {
	bool administrator;
};

NTSTATUS io_open(const WCHAR *name, struct token own, struct token *client, FILE_OBJECT **file);
void io_close(FILE_OBJECT *file);
IO_STATUS_BLOCK io_control(FILE_OBJECT *file, ULONG code, const void *in, size_t in_bytes,
			   void *out, size_t out_bytes);
IO_STATUS_BLOCK io_read(FILE_OBJECT *file, void *out, size_t bytes);
unsigned io_shutdown(void);

/* Memory that is mapped for the driver (mapping.c). */
void mapping_tell_leaks(void);

/* Its registry and file (file.c), what it is told (callback.c), time (system.c). */

void file_set_available(bool yes);
void file_set_start_at_load(bool there, ULONG value);
const char *file_content(size_t *bytes);
void file_remove(void);

void callback_tell_leaks(void);
void callback_power(bool awake);
bool callback_add_processor(void);
const void *callback_bug_check(size_t room, size_t *bytes);
/* In an NMI. Does the driver say that it was its own? */
bool callback_nmi(bool handled);
void callback_image(const WCHAR *path, uint64_t base, uint64_t bytes, bool of_kernel);

uint64_t time_boot(void); /* of system time, in 100 ns */
void time_tick(void);

/* The tests (suite/). */

struct suite_arguments {
	uint64_t driver_at, driver_bytes; /* physical */
	char command_line[256];
};
void NTAPI suite_run(PVOID arguments) __attribute__((noreturn));

#endif
