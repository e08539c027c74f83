/* SPDX-License-Identifier: MIT */
/*
 * The contract between HyperPlatform and programs: the requests that the device takes, the records
 * that root writes, the errors and their sentences, the CPUID leaves by which anybody can see that
 * the hypervisor is there. The same on every operating system.
 *
 * A request is a number, an input structure and an output structure of fixed sizes (either may be
 * empty); the device checks both sizes. On Linux it is ioctl(HP_IOCTL) of a struct hp_request on
 * /dev/hyperplatform; on Windows a buffered DeviceIoControl on \\.\HyperPlatform.
 *
 * Every structure has the same layout in 32-bit and 64-bit programs. Addresses and sizes are in
 * bytes, times in the unit that the name says.
 */
#ifndef HYPERPLATFORM_ABI_H
#define HYPERPLATFORM_ABI_H

#include <stdint.h>

#define HP_VERSION     "0.1.0"
#define HP_ABI_VERSION 3u

#define HP_DEVICE_LINUX	  "/dev/hyperplatform"
#define HP_DEVICE_WINDOWS "\\\\.\\HyperPlatform"

/*
 * Presence, for everybody (any privilege level): CPUID.1:ECX[31] is set, and leaf
 * HP_CPUID_SIGNATURE has EAX = HP_SIGNATURE, EBX = the version of this file, ECX = processor index,
 * EDX = 0. The leaf before it has the highest leaf and our name, as the convention for hypervisors
 * wants it. When another hypervisor runs below us its leaves stay, and ours begin at
 * HP_CPUID_BASE_ABOVE.
 */
#define HP_CPUID_BASE	    0x40000000u
#define HP_CPUID_BASE_ABOVE 0x40000100u
#define HP_CPUID_SIGNATURE  1u		/* added to the base */
#define HP_SIGNATURE	    0x50707948u /* "HypP" */
#define HP_VENDOR	    "HyperPlatfrm"

#define HP_PROCESSORS_MAX 256u

/*
 * X(NAME, number, cause, remedy). Remedies that name what only one system has are in the lists
 * below, which come before these.
 */
#define HP_ERRORS(X)                                                                               \
	X(OK, 0, "success", "")                                                                    \
	X(NO_VMX, 1, "the processor has no Intel VT-x",                                            \
	  "use a machine with an Intel processor; in a virtual machine, turn nested "              \
	  "virtualization on")                                                                     \
	X(VMX_LOCKED_OFF, 2, "the firmware has locked VT-x off",                                   \
	  "turn on Intel Virtualization Technology in the firmware setup, then power the machine " \
	  "off and on")                                                                            \
	X(VMX_IN_USE, 3, "another hypervisor uses VT-x on this processor", "stop it")              \
	X(KVM_LOADED, 4, "the module kvm_intel is loaded", "end its guests, and remove it")        \
	X(NO_EPT, 5, "the processor has VT-x without extended page tables (EPT)",                  \
	  "use a processor with EPT (Intel, 2008 or later); in a virtual machine, let the "        \
	  "hypervisor below offer EPT")                                                            \
	X(CAPABILITY, 6, "the processor lacks a VT-x capability that is needed",                   \
	  "hpctl check names it")                                                                  \
	X(ALREADY, 7, "HyperPlatform is running already", "hpctl unload first")                    \
	X(NOT_RUNNING, 8, "HyperPlatform is not running", "hpctl load")                            \
	X(NO_MEMORY, 9, "the operating system gave no memory", "free some memory, then try again") \
	X(PROCESSORS, 10, "more processors than this build supports", "report it with the number") \
	X(PROCESSOR_FAILED, 11, "a processor did not enter", "see the log for the reason")         \
	X(VMXON_FAILED, 12, "VMXON failed", "hpctl check; report it with the log")                 \
	X(VMCS_FAILED, 13, "an instruction on the VMCS failed", "report it with the log")          \
	X(ENTRY_FAILED, 14, "VM entry failed", "report it with the log, which names the reason")   \
	X(STATE, 15, "the processor's state can't be taken over",                                  \
	  "report it with the log, which names the register")                                      \
	X(IMAGE, 16, "the root image is damaged", "build and install it again")                    \
	X(REQUEST, 17, "unknown request, or sizes that do not fit it",                             \
	  "use an hpctl of the same version")                                                      \
	X(NO_ANSWER, 18, "the processor did not answer", "see the log")                            \
	X(BUSY, 19, "another load or unload is under way", "try again when it is done")            \
	X(OFFLINE, 20, "the processor is offline", "bring it online")                              \
	X(NOT_PRIVILEGED, 21, "not permitted", "run it as an administrator")                       \
	X(INTERNAL, 22, "an invariant did not hold", "report it with the log")

enum hp_error {
#define HP_ERROR_ENUM(name, number, cause, remedy) HP_ERROR_##name = number,
	HP_ERRORS(HP_ERROR_ENUM)
#undef HP_ERROR_ENUM
};

/* What to do about an error on one system: X(NAME, remedy). */
#define HP_REMEDIES_LINUX(X)                                                                       \
	X(VMX_IN_USE, "stop it (for KVM: end its guests, then hpctl load --unload-kvm)")           \
	X(KVM_LOADED, "end its guests, then hpctl load --unload-kvm, or rmmod kvm_intel")          \
	X(IMAGE, "build and install the module again")                                             \
	X(REQUEST, "use an hpctl of the same version as the module")                               \
	X(NOT_PRIVILEGED, "run it as root")

#define HP_REMEDIES_WINDOWS(X)                                                                     \
	X(VMX_IN_USE, "end what uses it: the virtual machines of VMware or VirtualBox, an "        \
		      "emulator of phones, a driver of an anti-cheat or security product")         \
	X(IMAGE, "build and install the driver again")                                             \
	X(REQUEST, "use an hpctl of the same version as the driver")                               \
	X(NOT_PRIVILEGED, "run it from a command prompt that was started as administrator")

/*
 * What a machine must have, in the order in which it is looked at: X(NAME, number, text, error).
 * `error` is the one that a load fails with; OK: it is no requirement, and its lack costs
 * something.
 */
#define HP_REQUIREMENTS(X)                                                                         \
	X(LONG_MODE, 0, "64-bit processor with execute-disable (CPUID.80000001H:EDX[29,20])",      \
	  CAPABILITY)                                                                              \
	X(VMX, 1, "Intel VT-x (CPUID.1:ECX[5])", NO_VMX)                                           \
	X(FEATURE_CONTROL, 2, "VT-x allowed by the firmware (IA32_FEATURE_CONTROL bits 0 and 2)",  \
	  VMX_LOCKED_OFF)                                                                          \
	X(NOT_IN_USE, 3, "VT-x not in use by another (CR4.VMXE = 0)", VMX_IN_USE)                  \
	X(KVM, 4, "kvm_intel not loaded", KVM_LOADED)                                              \
	X(TRUE_CONTROLS, 5, "flexible controls (IA32_VMX_BASIC bit 55)", CAPABILITY)               \
	X(WRITE_BACK, 6, "VMCS in write-back memory (IA32_VMX_BASIC bits 53:50)", CAPABILITY)      \
	X(EPT, 7, "extended page tables (secondary control 1)", NO_EPT)                            \
	X(EPT_WALK, 8, "EPT: 4 levels, write-back tables (IA32_VMX_EPT_VPID_CAP bits 6, 14)",      \
	  CAPABILITY)                                                                              \
	X(INVEPT, 9, "INVEPT, single-context and all-context (bits 20, 25, 26)", CAPABILITY)       \
	X(VPID, 10, "VPID and INVVPID, all-context (secondary control 5; bits 32, 42)",            \
	  CAPABILITY)                                                                              \
	X(NMI, 11, "NMI exiting and virtual NMIs (pin-based controls 3, 5)", CAPABILITY)           \
	X(MSR_BITMAPS, 12, "MSR bitmaps (primary control 28)", CAPABILITY)                         \
	X(SWITCH_EFER_PAT, 13, "EFER and PAT switched at entry and exit", CAPABILITY)              \
	X(EPT_2M, 14, "2 MiB pages in EPT (bit 16)", OK)                                           \
	X(EPT_1G, 15, "1 GiB pages in EPT (bit 17)", OK)                                           \
	X(UNRESTRICTED, 16, "unrestricted guest (secondary control 7)", OK)                        \
	X(INSTRUCTIONS, 17, "every instruction that CPUID announces has its control", OK)

enum hp_requirement_id {
#define HP_REQUIREMENT_ENUM(name, number, text, error) HP_REQUIREMENT_##name = number,
	HP_REQUIREMENTS(HP_REQUIREMENT_ENUM)
#undef HP_REQUIREMENT_ENUM
		HP_REQUIREMENT_COUNT
};

enum hp_verdict_of_check { HP_CHECK_UNKNOWN, HP_CHECK_OK, HP_CHECK_MISSING };

/* HP_REQUEST_CHECK: in: processor. Works before a load; while we run it shows what was found then.
 */
struct hp_check {
	uint32_t processor;
	uint32_t error; /* the first requirement's that is missing; HP_ERROR_OK: able */
	struct {
		uint32_t verdict; /* enum hp_verdict_of_check; UNKNOWN: could not be looked at */
		uint32_t reserved;
		uint64_t found; /* the register or leaf that decided, raw */
	} requirement[HP_REQUIREMENT_COUNT];
};

/* X(NAME, number, text): what memory is taken for. */
#define HP_MEMORY_KINDS(X)                                                                         \
	X(IMAGE, 0, "root image")                                                                  \
	X(TABLES, 1, "root's page tables")                                                         \
	X(EPT, 2, "extended page tables")                                                          \
	X(PROCESSOR, 3, "processors (state, stacks, VMCS)")                                        \
	X(RINGS, 4, "records and counters")                                                        \
	X(SHARED, 5, "shared pages, bitmaps")                                                      \
	X(LOG, 6, "log text")                                                                      \
	X(TRAIL, 7, "reports and VM-exit history")

enum hp_memory_kind {
#define HP_MEMORY_ENUM(name, number, text) HP_MEMORY_##name = number,
	HP_MEMORY_KINDS(HP_MEMORY_ENUM)
#undef HP_MEMORY_ENUM
		HP_MEMORY_KINDS_COUNT
};

/* HP_REQUEST_VERSION */
struct hp_version {
	uint32_t abi; /* HP_ABI_VERSION of the module */
	uint32_t running;
	char version[16];
	uint8_t build_id[20]; /* of root.elf */
	uint32_t build_id_bytes;
};

enum hp_processor_state {
	HP_PROCESSOR_ABSENT,  /* no such number */
	HP_PROCESSOR_OFFLINE, /* known to the OS, not running */
	HP_PROCESSOR_NATIVE,  /* runs without us */
	HP_PROCESSOR_GUEST,   /* runs as our guest */
};

/* HP_REQUEST_STATUS */
struct hp_status {
	uint32_t running;
	uint32_t processors;			/* entries in use below */
	uint64_t memory[HP_MEMORY_KINDS_COUNT]; /* bytes taken from the OS now */
	uint64_t records;			/* written by root since the load */
	uint64_t records_lost;			/* because a ring was full */
	uint64_t ept_pages[3];			/* leaves of 4 KiB, 2 MiB, 1 GiB made at the load */
	uint64_t ept_recycled;			/* device tables taken back and used again */
	struct {
		uint32_t state; /* enum hp_processor_state */
		uint32_t error; /* why it is native though we run; enum hp_error */
		uint64_t exits; /* since the load */
	} processor[HP_PROCESSORS_MAX];
};

/* HP_REQUEST_PING: in: processor. Fails with OFFLINE, NOT_RUNNING or NO_ANSWER. */
struct hp_ping {
	uint32_t processor;
	uint32_t cpuid_signature; /* EAX of our leaf, read on that processor */
	uint64_t cpuid_cycles;	  /* round trip by CPUID, in TSC cycles: the least of 16 */
	uint64_t gate_cycles;	  /* round trip by VMCALL through the gate, likewise */
	uint64_t tsc_khz;	  /* to turn cycles into time; 0: unknown */
};

/* HP_REQUEST_STAT: in: processor. */
#define HP_EXIT_REASONS 80u

struct hp_stat {
	uint32_t processor;
	uint32_t reserved;
	uint64_t exits[HP_EXIT_REASONS]; /* by basic exit reason */
	uint64_t nmis_in_root;		 /* NMIs that arrived while root ran */
	uint64_t events_reinjected;	 /* events whose delivery an exit had interrupted */
};

/*
 * Groups of VM exits that can be turned on and passed through, to exercise every handler or to find
 * the one that a problem comes from: X(NAME, bit, name, text).
 */
#define HP_EXITS(X)                                                                                \
	X(CR, 0, "cr", "MOV to and from CR0, CR3, CR4, CR8; CLTS, LMSW")                           \
	X(DR, 1, "dr", "MOV to and from debug registers")                                          \
	X(MSR, 2, "msr", "RDMSR, WRMSR")                                                           \
	X(IO, 3, "io", "IN, OUT, INS, OUTS")                                                       \
	X(DESCRIPTOR, 4, "descriptor", "LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT, STR")             \
	X(EXCEPTION, 5, "exception", "exceptions")                                                 \
	X(TSC, 6, "tsc", "RDTSC, RDTSCP")                                                          \
	X(PMC, 7, "pmc", "RDPMC")                                                                  \
	X(CACHE, 8, "cache", "WBINVD")                                                             \
	X(TLB, 9, "tlb", "INVLPG, INVPCID")                                                        \
	X(HLT, 10, "hlt", "HLT")                                                                   \
	X(PAUSE, 11, "pause", "PAUSE")                                                             \
	X(MWAIT, 12, "mwait", "MONITOR, MWAIT")

enum hp_exits_group {
#define HP_EXITS_ENUM(name, bit, word, text) HP_EXITS_##name = 1u << (bit),
	HP_EXITS(HP_EXITS_ENUM)
#undef HP_EXITS_ENUM
};
#define HP_EXITS_ALL 0x1fffu

/* The VM-execution controls that a subscription can need, by the manual's names: X(NAME, number,
 * text). */
#define HP_CONTROLS(X)                                                                             \
	X(NONE, 0, "none")                                                                         \
	X(HLT, 1, "HLT exiting (primary control 7)")                                               \
	X(INVLPG, 2, "INVLPG exiting (primary control 9)")                                         \
	X(MWAIT, 3, "MWAIT exiting (primary control 10)")                                          \
	X(RDPMC, 4, "RDPMC exiting (primary control 11)")                                          \
	X(RDTSC, 5, "RDTSC exiting (primary control 12)")                                          \
	X(CR3_LOAD, 6, "CR3-load exiting (primary control 15)")                                    \
	X(CR3_STORE, 7, "CR3-store exiting (primary control 16)")                                  \
	X(CR8_LOAD, 8, "CR8-load exiting (primary control 19)")                                    \
	X(CR8_STORE, 9, "CR8-store exiting (primary control 20)")                                  \
	X(MOV_DR, 10, "MOV-DR exiting (primary control 23)")                                       \
	X(IO_BITMAPS, 11, "I/O bitmaps (primary control 25)")                                      \
	X(MONITOR, 12, "MONITOR exiting (primary control 29)")                                     \
	X(PAUSE, 13, "PAUSE exiting (primary control 30)")                                         \
	X(DESCRIPTOR_TABLE, 14, "descriptor-table exiting (secondary control 2)")                  \
	X(WBINVD, 15, "WBINVD exiting (secondary control 6)")

enum hp_control {
#define HP_CONTROL_ENUM(name, number, text) HP_CONTROL_##name = number,
	HP_CONTROLS(HP_CONTROL_ENUM)
#undef HP_CONTROL_ENUM
};

/*
 * HP_REQUEST_EXITS: in: `clear` and `set`; the groups that are on become (on & ~clear) | set, on
 * every processor before it returns, or stay as they were when it fails. 0 and 0 only asks.
 * CAPABILITY: a processor lacks `missing`. NOT_RUNNING.
 */
struct hp_exits {
	uint32_t clear, set; /* bits of enum hp_exits_group */
	uint32_t on;	     /* now */
	uint32_t able;	     /* those that every processor can have */
	uint32_t missing;    /* enum hp_control: the first that a processor lacks */
	uint32_t processor;  /* that one */
};

/*
 * One VM exit of the history. `qualification` is the exit qualification; of CPUID leaf (low half)
 * and subleaf, of RDMSR and WRMSR the MSR's number. `detail` is the guest-physical address of an
 * EPT violation, the interruption information of an exception or NMI, else 0.
 */
struct hp_exit {
	uint64_t rip; /* the guest's, in front of the instruction */
	uint64_t qualification, detail;
	uint32_t reason; /* basic exit reason */
	uint32_t reserved;
};

/* How many exits of each processor are kept: a power of two. */
#define HP_HISTORY_LEAST   32u
#define HP_HISTORY_MOST	   4096u
#define HP_HISTORY_DEFAULT 128u

/* What went wrong below the system: X(NAME, number, text). */
#define HP_REPORT_KINDS(X)                                                                         \
	X(NONE, 0, "nothing")                                                                      \
	X(FAULT, 1, "a fault in root")                                                             \
	X(ENTRY_FAILED, 2, "VM entry failed")                                                      \
	X(UNEXPECTED_EXIT, 3, "a VM exit without a handler")                                       \
	X(STUCK, 4, "root did not come back to the guest")

enum hp_report_kind {
#define HP_REPORT_KIND_ENUM(name, number, text) HP_REPORT_##name = number,
	HP_REPORT_KINDS(HP_REPORT_KIND_ENUM)
#undef HP_REPORT_KIND_ENUM
};

/* How the processor got away from it: X(NAME, number, text). */
#define HP_REPORT_ENDS(X)                                                                          \
	X(UNDER_WAY, 0, "not yet")                                                                 \
	X(RETREATED, 1, "it left through the gate")                                                \
	X(RETREATED_LATER, 2, "it ran on in the minimal loop until the gate could be reached")     \
	X(ESCAPED, 3, "it left VMX operation by itself, without the gate's own mapping")

enum hp_report_end {
#define HP_REPORT_END_ENUM(name, number, text) HP_REPORT_##name = number,
	HP_REPORT_ENDS(HP_REPORT_END_ENUM)
#undef HP_REPORT_END_ENUM
};

#define HP_REPORT_FRAMES       16u
#define HP_REPORT_FIELDS       224u
#define HP_REPORT_CAPABILITIES 12u

/*
 * HP_REQUEST_REPORT: in: processor. What was written on the processor where something went wrong,
 * in the run that is going on or in the last one that had a report; of a processor without one,
 * `kind` is NONE. OFFLINE: no such processor.
 *
 * Addresses in root are offsets in root.elf, by which its symbol file finds names; what lies
 * outside of the image is ~0.
 */
struct hp_report {
	uint32_t kind; /* enum hp_report_kind */
	uint32_t end;  /* enum hp_report_end */
	uint32_t processor;
	uint32_t again; /* faults while it got away from the first one */
	uint64_t tsc;
	uint64_t event; /* the event whose delivery was interrupted, by its interruption
			   information; 0: none */

	/* Where root was: of FAULT and STUCK. */
	uint32_t vector, error_code;
	uint64_t address; /* of a page fault */
	uint64_t root_rip, root_rflags, root_cr3;
	uint64_t root_gpr[16]; /* in the order of the instruction encoding, RSP among them */
	uint64_t frame[HP_REPORT_FRAMES]; /* return addresses, the innermost first; 0 ends them */

	/* The guest, and the VMCS. */
	uint64_t guest_gpr[16]; /* at its last exit; RSP is in the VMCS */
	uint32_t reason;	/* of the last exit, or of the failed entry with its bit 31 */
	uint32_t instruction_error; /* VM-instruction error of a failed entry; else 0 */
	uint64_t field[HP_REPORT_FIELDS]; /* in the order of base/vmcs.h's table */
	uint64_t present[(HP_REPORT_FIELDS + 63) / 64]; /* a bit each: the processor has the field */
	/* IA32_VMX_ BASIC, MISC, CR0_FIXED0, CR0_FIXED1, CR4_FIXED0, CR4_FIXED1, TRUE_PINBASED,
	   TRUE_PROCBASED, PROCBASED2, TRUE_EXIT, TRUE_ENTRY, EPT_VPID_CAP */
	uint64_t capability[HP_REPORT_CAPABILITIES];
	uint32_t physical_bits, linear_bits;
	uint32_t build_id_bytes;
	uint8_t build_id[20]; /* of root.elf; the OS side writes it */
};

/*
 * HP_REQUEST_HISTORY: in: processor, from. The last VM exits, the newest first, `from` of them
 * skipped: of the run that is going on, or of the one that the report is of. `count` is less than
 * HP_HISTORY_PART at the end. OFFLINE: no such processor.
 */
#define HP_HISTORY_PART 64u

struct hp_history {
	uint32_t processor, from;
	uint32_t depth; /* exits that are kept */
	uint32_t count; /* entries below */
	uint64_t total; /* exits since the load */
	struct hp_exit exit[HP_HISTORY_PART];
};

/* The requests: X(NAME, number, bytes in, bytes out). The input is the head of the structure. */
#define HP_REQUESTS(X)                                                                             \
	X(VERSION, 1, 0, sizeof(struct hp_version))                                                \
	X(CHECK, 2, sizeof(uint32_t), sizeof(struct hp_check))                                     \
	X(START, 3, sizeof(struct hp_start), sizeof(struct hp_failure))                            \
	X(STOP, 4, 0, sizeof(struct hp_failure))                                                   \
	X(STATUS, 5, 0, sizeof(struct hp_status))                                                  \
	X(PING, 6, sizeof(uint32_t), sizeof(struct hp_ping))                                       \
	X(STAT, 7, sizeof(uint32_t), sizeof(struct hp_stat))                                       \
	X(EXITS, 8, 2 * sizeof(uint32_t), sizeof(struct hp_exits))                                 \
	X(REPORT, 9, sizeof(uint32_t), sizeof(struct hp_report))                                   \
	X(HISTORY, 10, 2 * sizeof(uint32_t), sizeof(struct hp_history))

enum hp_request_code {
#define HP_REQUEST_ENUM(name, number, in, out) HP_REQUEST_##name = number,
	HP_REQUESTS(HP_REQUEST_ENUM)
#undef HP_REQUEST_ENUM
};

/* HP_REQUEST_START: in. */
struct hp_start {
	uint32_t exits; /* groups that are on from the start: bits of enum hp_exits_group */
	uint32_t history; /* exits that are kept of each processor */
};

/* Why a start or stop failed, and where. Valid when the request's result is not HP_ERROR_OK. */
struct hp_failure {
	uint32_t error;	      /* enum hp_error */
	uint32_t processor;   /* HP_NO_PROCESSOR: of no single one */
	uint32_t requirement; /* of a CAPABILITY error: enum hp_requirement_id */
	uint32_t reserved;
	uint64_t detail[2]; /* of VMXON_FAILED, VMCS_FAILED, ENTRY_FAILED, STATE: field or reason,
			       value; of CAPABILITY for exits: enum hp_control */
};
#define HP_NO_PROCESSOR 0xffffffffu

/*
 * The envelope on Linux. The ioctl's own result is 0 when the request was carried out, whatever
 * came of it: `result` (enum hp_error) says that. It is -1 with errno EFAULT for a bad pointer,
 * ENOTTY for another ioctl number, EPERM when the device was not opened by a privileged user.
 */
struct hp_request {
	uint32_t abi; /* HP_ABI_VERSION */
	uint32_t code;
	uint64_t buffer; /* the structure: input read from it, output written to it */
	uint32_t in_bytes, out_bytes;
	uint32_t result; /* out */
	uint32_t reserved;
};
#define HP_IOCTL 0xc0204801u /* _IOWR('H', 1, struct hp_request), spelt out: 32 bytes */

/*
 * The envelope on Windows: the same structure, with `buffer` 0, is the head of both buffers of
 * DeviceIoControl; `in_bytes` of input follow it in the one, room for `out_bytes` of output in the
 * other, and both lengths are exact. The call succeeds when the request was carried out, whatever
 * came of it. It fails with ERROR_INVALID_PARAMETER for buffers without a whole envelope, with
 * ERROR_INVALID_FUNCTION for another code. ReadFile gives the log's text, and 0 bytes at its end.
 *
 * CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_DATA | FILE_WRITE_DATA)
 */
#define HP_IOCTL_WINDOWS 0x0022e004u

/*
 * Records: what root writes, 64 bytes each. The text belongs to `format`; formats below
 * HP_FORMAT_MONITORS are ours, in base/record.h.
 */
enum hp_level { HP_DEBUG, HP_INFO, HP_WARN, HP_ERR };

struct hp_record {
	uint64_t tsc;
	uint32_t sequence; /* of this processor's ring, from 0, lost ones counted */
	uint16_t format;
	uint8_t level; /* enum hp_level */
	uint8_t continues; /* 1: its text goes on in the line of the record before it */
	uint64_t argument[6];
};

#endif
