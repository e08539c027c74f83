/* SPDX-License-Identifier: MIT */
/*
 * What root's files offer each other, by file. Every function runs in root, on the processor of
 * `cpu`, with interrupts off.
 */
#ifndef ROOT_ROOT_H
#define ROOT_ROOT_H

#include "../base/record.h"
#include "cpu.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What an exit handler did with the guest. */
enum outcome {
	OUTCOME_RESUME, /* RIP and events are as they should be */
	OUTCOME_SKIP,	/* the instruction was carried out: go on behind it */
	OUTCOME_LEAVE,	/* leave VMX operation at the guest's state */
};

/* start.S, main.c */
void root_main(struct cpu *cpu) __attribute__((noreturn));
struct cpu *root_prepare(struct gate_cpu *gate);

/* vmx_setup.c: VMXON and a VMCS whose guest is the caller of gate_enter. */
enum hp_error vmx_setup(struct cpu *cpu);
/* Writes the controls and the host's state again, with the least that must exit. */
void vmx_setup_again(struct cpu *cpu);

/* vmx_enter.S: where a VM exit goes on. Not to be called. */
void vmx_exit(void);

/* loop.c: runs the guest until it leaves; returns only if the first entry fails. */
enum hp_error loop_run(struct cpu *cpu);

/* Exit handlers. */
/* exit_cpuid.c: leaves of which the guest must not see all, given what the processor says. */
void exit_cpuid_amend(struct cpu *cpu, uint32_t leaf, uint32_t subleaf);
enum outcome exit_rdmsr(struct cpu *cpu);
enum outcome exit_wrmsr(struct cpu *cpu);
enum outcome exit_cr(struct cpu *cpu);
enum outcome exit_xsetbv(struct cpu *cpu);
enum outcome exit_invd(struct cpu *cpu);
enum outcome exit_vmx_instruction(struct cpu *cpu);
enum outcome exit_event(struct cpu *cpu); /* exceptions and NMIs */
void event_debug(uint64_t qualification); /* what the delivery of a #DB changes but the stack */
enum outcome exit_dr(struct cpu *cpu);
enum outcome exit_rdtsc(struct cpu *cpu);
enum outcome exit_rdtscp(struct cpu *cpu);
enum outcome exit_rdpmc(struct cpu *cpu);
enum outcome exit_wbinvd(struct cpu *cpu);
enum outcome exit_hlt(struct cpu *cpu);
enum outcome exit_pause(struct cpu *cpu);
enum outcome exit_monitor(struct cpu *cpu);
enum outcome exit_mwait(struct cpu *cpu);
enum outcome exit_gdtr_idtr(struct cpu *cpu);
enum outcome exit_ldtr_tr(struct cpu *cpu);
enum outcome exit_io(struct cpu *cpu);
enum outcome exit_invlpg(struct cpu *cpu);
enum outcome exit_invpcid(struct cpu *cpu);
enum outcome exit_vmcall(struct cpu *cpu);
enum outcome exit_ept_violation(struct cpu *cpu);

/* intercept.c: what the OS side's command asks for, on this processor. CAPABILITY: not possible. */
enum hp_error intercept_take(struct cpu *cpu);

/* guest_register.c: by the encoding's number, RSP included; of an operand of 1, 2, 4 or 8 bytes. */
uint64_t guest_register_read(const struct cpu *cpu, unsigned number);
/* A write of 4 bytes clears the upper half, of 1 and 2 bytes leaves the rest. */
void guest_register_write(struct cpu *cpu, unsigned number, uint64_t value, unsigned bytes);
/* The operand of MOV to and from control and debug registers: 8 bytes in 64-bit code, else 4. */
unsigned guest_operand_bytes(void);
uint64_t guest_operand(const struct cpu *cpu, unsigned number);
bool guest_is_64_bit(void); /* 64-bit code: CS.L */
unsigned guest_cpl(void);   /* SDM: the DPL of SS is the CPL */
uint64_t guest_cr0(void); /* CR0 and CR4 as the guest reads them */
uint64_t guest_cr4(void);
void guest_cr2_write(struct cpu *cpu, uint64_t value);

/*
 * guest_operand.c: a piece of the memory operand of the instruction that exited, `bytes` (a power of
 * two) from its byte `at` on: the linear address, checked as segment and alignment checks want it.
 * False: `fault` is what the access raises.
 */
struct guest_fault;
struct operand;
bool guest_operand_address(const struct cpu *cpu, const struct operand *operand, unsigned at,
			   unsigned bytes, bool write, struct guest_virt *linear,
			   struct guest_fault *fault);
/* The same for an offset that is known already. */
bool guest_operand_linear(const struct cpu *cpu, enum segment which, uint64_t offset,
			  unsigned bytes, bool write, struct guest_virt *linear,
			  struct guest_fault *fault);
/* The widest linear address that is in use now: by CR4.LA57. */
uint8_t guest_linear_bits(void);
/* The operand size in bytes that prefixes and mode give the instruction. False: it is gone. */
bool guest_operand_size(struct cpu *cpu, unsigned *bytes);

/* What an access or instruction that the guest may not make raises. */
struct guest_fault {
	uint8_t vector;
	bool has_error_code;
	uint32_t error_code;
	uint64_t address; /* of #PF: CR2 */
};

/*
 * guest_memory.c: the guest's memory by its linear addresses, through its own page tables, with the
 * rights that it has, and through EPT: what the guest can't reach, root doesn't reach for it.
 * False: `fault` is what the guest would have got; nothing was read or written. At most 4096 bytes.
 */
enum guest_as {
	GUEST_AS_CPL, /* an access that the instruction makes at the current privilege level */
	GUEST_AS_SUPERVISOR, /* an implicit supervisor access: descriptor tables, TSS */
};
bool guest_memory_read(struct cpu *cpu, struct guest_virt from, void *to, unsigned bytes,
		       enum guest_as as, struct guest_fault *fault);
bool guest_memory_write(struct cpu *cpu, struct guest_virt to, const void *from, unsigned bytes,
			enum guest_as as, struct guest_fault *fault);
/* Reads as an instruction fetch does. */
bool guest_memory_fetch(struct cpu *cpu, struct guest_virt from, void *to, unsigned bytes,
			struct guest_fault *fault);
/* Would guest_memory_write succeed? Sets accessed and dirty flags, but writes nothing. */
bool guest_memory_writable(struct cpu *cpu, struct guest_virt to, unsigned bytes, enum guest_as as,
			   struct guest_fault *fault);

/*
 * step.c: the next instructions of the guest one by one, at most a million; 0 ends it. The addresses
 * go to the log. REQUEST: too many.
 */
enum hp_error step_begin(struct cpu *cpu, uint64_t instructions);
/* While it steps: the loop calls these behind an exit and before an entry. */
void step_look(struct cpu *cpu);
void step_arrange(struct cpu *cpu);
enum outcome step_exit(struct cpu *cpu);

/* exit_cr.c: the reserved bits that are set in a value for CR3. */
uint64_t cr3_reserved(const struct cpu *cpu, uint64_t value);

/* exit_cr.c: which bits exit when the guest writes them; those that VMX operation fixes do always. */
void cr_own(struct cpu *cpu, uint64_t cr0, uint64_t cr4);

/*
 * memory.c: the machine's EPT, as base/ept.h wants it. Walking it needs no lock: entries are
 * loaded once each, and no table of it goes away while a processor that could see it is in root.
 */
struct memory_tree {
	struct table_memory memory;
	struct ept ept;
};
void memory_tree_open(struct memory_tree *tree, struct gate_machine *machine);

/* The try-lock of the EPT, and what its holder may do. */
bool memory_lock(struct gate_machine *machine);
void memory_unlock(struct gate_machine *machine);
void memory_changed(struct gate_machine *machine); /* a new generation: all must invalidate */
bool memory_retype(struct cpu *cpu); /* false: some types are stricter than they need be */

/*
 * Retypes again what memory_retype had no table for, if tables have come back since. Takes the lock;
 * who doesn't get it leaves it for another time. True: the EPT has changed.
 */
bool memory_refine(struct cpu *cpu);

/* The lowest generation that all processors have passed. */
uint64_t memory_passed(const struct gate_machine *machine);

/* start.S: VMCALL to the hypervisor below, with the guest's registers. */
void vmcall_below(struct cpu *cpu);

/*
 * inject.c: the fault that the guest's instruction raises, instead of being carried out: #UD,
 * #GP(0), any. Return OUTCOME_RESUME.
 */
enum outcome inject_ud(struct cpu *cpu);
enum outcome inject_gp(struct cpu *cpu);
enum outcome inject_fault(struct cpu *cpu, const struct guest_fault *fault);
/* Passes on an exception that exited, with this exit interruption information. */
enum outcome inject_caught(struct cpu *cpu, uint32_t info);
/* Hands back the event whose delivery the exit interrupted, if there was one. */
void inject_interrupted_event(struct cpu *cpu);

/* nmi.c: NMI exits, the window, and the entry. */
enum outcome nmi_exit(struct cpu *cpu);
enum outcome nmi_window(struct cpu *cpu);
void nmi_arrange(struct cpu *cpu);
void nmi_unblock(void); /* fault.S */

/*
 * invalidate.c: what the guest's own instruction invalidates, here: all of its translations, or all
 * but the global ones.
 */
enum invalidate { INVALIDATE_GUEST, INVALIDATE_NOT_GLOBAL };
void invalidate_guest(const struct cpu *cpu, enum invalidate what);
void invalidate_catch_up(struct cpu *cpu);

/* segment.c: descriptors <-> segment registers as the VMCS has them. */
struct segment_state {
	uint64_t base;
	uint32_t limit, rights;
	uint16_t selector;
};
/* From a descriptor, of 16 bytes if it is a system one. The selector stays. */
void segment_decode(const uint64_t *entry, bool is_system, struct segment_state *state);
bool segment_load(const struct gate_cpu *gate, enum segment which, struct segment_state *state);
void segment_store(struct gate_cpu *gate, enum segment which, const struct segment_state *state);

/* leave.c: back to the OS world. */
void leave(struct cpu *cpu) __attribute__((noreturn)); /* at the guest's state */
void leave_store(struct cpu *cpu); /* that state into the gate's page, out of VMX operation */
void leave_refused(struct cpu *cpu, enum hp_error error) __attribute__((noreturn));
void leave_triple_fault(struct cpu *cpu) __attribute__((noreturn));
void leave_crossing(struct gate_cpu *gate, uint64_t gate_leave, struct cpu *cpu)
	__attribute__((noreturn)); /* start.S */

/*
 * undo.c: a write of guest state (VMCS_GUEST_*, a shadow, and a mask, which says where the shadow
 * counts), and back to how the exit found it all.
 */
void undo_vmwrite(uint32_t field, uint64_t value);
void undo_roll_back(struct cpu *cpu);

/* What fault_common pushed, below the processor's own frame. */
struct fault_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * report.c: what the OS side shows as hpctl report. `frame`: where root failed, NULL: nowhere. Only
 * the first report of a run is written; later ones count in it.
 */
void report_write(struct cpu *cpu, enum hp_report_kind kind, const struct fault_frame *frame);
void report_event(struct cpu *cpu, uint32_t info);
void report_end(struct cpu *cpu, enum hp_report_end end);

/*
 * retreat.c: root cannot go on. The exit is undone, and the processor leaves VMX operation as soon as
 * the guest's address space has the gate; until then the guest runs in a loop of its own.
 */
void retreat(struct cpu *cpu, enum hp_report_kind kind, const struct fault_frame *frame)
	__attribute__((noreturn));
/* The next stage, on a fresh stack: start.S calls it for retreat_afresh(). */
void retreat_stage(struct cpu *cpu) __attribute__((noreturn));
void retreat_afresh(struct cpu *cpu) __attribute__((noreturn));

/* escape.c: the last way out: natively, by a mapping of the gate that is planted where it is missing. */
void escape(struct cpu *cpu) __attribute__((noreturn));
/* Where the guest's page tables (CR3) have the gate as root has it. */
bool escape_is_open(const struct cpu *cpu, uint64_t cr3);

/*
 * deliver.c: delivers an event as the processor would, by hand, to the guest's state in the VMCS.
 * False: the guest's tables do not let it.
 */
struct event {
	uint32_t info; /* 0: none */
	uint32_t error_code, length;
};
bool deliver(struct cpu *cpu, const struct event *event);
/* Does the guest use a shadow stack where it is? IRETQ would natively take another one. */
bool deliver_has_shadow_stack(void);

/*
 * repair.c: after a failed entry, gives each field of the guest's state that the processor does not
 * take, or that the gate could not load natively, the nearest value that it does. `event`: what the
 * guest is to get next.
 */
void repair_guest_state(struct cpu *cpu, const struct event *event);

/* fault.S, fault.c */
extern const int32_t fault_stubs[VECTORS_RESERVED];
void fault_fill_idt(struct cpu *cpu, uint16_t code_selector);

/*
 * who.c: who runs, by what the guest's memory says at this moment. Everything there can be missing
 * or wrong: `known` says what was found (bits of base/layout.h), and no more is to be believed of
 * it than of anything that the guest says of itself. In user mode under page-table isolation
 * nothing of it is mapped.
 */
struct who_process {
	uint32_t known; /* LAYOUT_ID, LAYOUT_NAME, LAYOUT_CREDENTIALS */
	uint64_t id;
	uint64_t credentials;	     /* a pointer in the guest: Linux's struct cred, NT's token */
	char name[LAYOUT_NAME_MOST]; /* zeros follow it; none if it is as long as this */
};
void who_process(struct cpu *cpu, struct who_process *process);
bool who_is_kernel(uint64_t address); /* in the upper half */
/* The image of the kernel's that an address lies in. */
enum image_answer who_image(const struct cpu *cpu, uint64_t address, struct image *image);

/* record.c */
/* A record of what the guest's instruction at RIP has done: the line goes on with who that was. */
void record_who(struct cpu *cpu, enum record_format format, enum hp_level level,
		const uint64_t *arguments, unsigned count);
void record(struct cpu *cpu, enum record_format format, enum hp_level level,
	    const uint64_t *arguments, unsigned count);
#define RECORD(cpu, name, level, ...)                                                              \
	do {                                                                                       \
		const uint64_t record_arguments[] = { __VA_ARGS__ };                               \
		record(cpu, RECORD_##name, level, record_arguments,                                \
		       sizeof(record_arguments) / sizeof(record_arguments[0]));                    \
	} while (0)

#endif
