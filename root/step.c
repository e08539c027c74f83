// SPDX-License-Identifier: MIT
/*
 * Stepping: the guest executes one instruction, and exits. The exit is that of the monitor trap
 * flag where the processor has it; else that of the NMI window, which opens when blocking by MOV
 * SS, set for the entry, ends with the instruction. That blocking keeps interrupts, NMIs and debug
 * traps out of the step with either.
 *
 * A step is over when the instruction was executed, by the processor or by an exit handler, or when
 * the event that came instead was delivered: the next step is the handler's first instruction. An
 * instruction that exits and is tried again is still the same step. Handlers of NMIs that arrive
 * meanwhile run at full speed, since the window is closed in them. After MOV SS and POP SS, whose
 * own blocking holds the window closed, two instructions are one step, as with RFLAGS.TF.
 *
 * Source: SDM, Monitor Trap Flag; Changes to NMI-Window Exiting; Interruptibility State; Checks on
 * Guest Non-Register State (blocking by MOV SS with RFLAGS.TF wants a pending BS).
 * World: root.
 */
#include "root.h"
#include "vmx.h"

#define STEPS_MAX 1000000u

#define OPCODE_IRET	0xcf
#define INSTRUCTION_MAX 15u

static bool has_monitor_trap(const struct cpu *cpu)
{
	return cpu->capability.proc >> 32 & PROC_MONITOR_TRAP;
}

static void flush(struct cpu *cpu)
{
	if (cpu->step.recorded)
		record(cpu, RECORD_STEP, HP_DEBUG, cpu->step.rip, cpu->step.recorded);
	cpu->step.recorded = 0;
}

static void record_rip(struct cpu *cpu, uint64_t rip)
{
	cpu->step.rip[cpu->step.recorded++] = rip;
	if (cpu->step.recorded == STEP_RIPS)
		flush(cpu);
}

enum hp_error step_begin(struct cpu *cpu, uint64_t instructions)
{
	if (instructions > STEPS_MAX)
		return HP_ERROR_REQUEST;
	flush(cpu);
	/* The call itself may be stepped: what was set for it goes. */
	if (cpu->stepping)
		step_look(cpu);
	cpu->step.left = instructions;
	cpu->step.done = false;
	cpu->step.at = ~0ull;
	/* A sequence that ends is dealt with at the next entry, too. */
	cpu->stepping = 1;
	return HP_ERROR_OK;
}

static bool is_prefix(uint8_t byte, bool is_64_bit)
{
	switch (byte) {
	case 0x26: /* segments */
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66: /* sizes */
	case 0x67:
	case 0xf0: /* LOCK, REP */
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return is_64_bit && (byte & 0xf0) == 0x40; /* REX */
	}
}

/* Is the instruction at RIP an IRET, which unblocks NMIs, whatever becomes of it? */
static bool is_iret(struct cpu *cpu)
{
	uint64_t rip = vmread(VMCS_GUEST_RIP);
	bool is_64_bit = guest_is_64_bit();
	struct guest_fault fault;
	uint8_t byte = 0;
	unsigned i;

	if (!is_64_bit)
		rip += vmread(VMCS_GUEST_CS_BASE);
	for (i = 0; i < INSTRUCTION_MAX; i++) {
		uint64_t at = is_64_bit ? rip + i : (uint32_t)(rip + i);

		if (!guest_memory_fetch(cpu, guest_virt(at), &byte, 1, &fault) ||
		    !is_prefix(byte, is_64_bit))
			break;
	}
	return byte == OPCODE_IRET;
}

/* The window, or the monitor trap flag; and an instruction that leaves RIP alone, carried out. */
enum outcome step_exit(struct cpu *cpu)
{
	if (cpu->step.armed)
		cpu->step.done = true;
	return OUTCOME_RESUME;
}

/*
 * After an exit: what became of the step, and what was set for it back to what the guest has. An
 * instruction that an exit handler carried out shows by its RIP.
 */
void step_look(struct cpu *cpu)
{
	struct step *step = &cpu->step;
	uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY), put = 0;

	if (!step->armed)
		return;
	step->armed = false;
	if (vmread(VMCS_GUEST_RIP) != step->at)
		step->done = true;
	/* Still blocked: the instruction was not executed. */
	if (!step->done && (blocking & BLOCKING_MOV_SS)) {
		blocking &= ~(uint64_t)BLOCKING_MOV_SS;
		put = step->blocking & (BLOCKING_STI | BLOCKING_MOV_SS);
		undo_vmwrite(VMCS_GUEST_PENDING_DEBUG, step->pending);
	}
	if (step->nmi_blocked && !(step->done && step->is_iret))
		put |= BLOCKING_NMI;
	undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocking | put);
}

static void set_exit(struct cpu *cpu, bool on)
{
	uint32_t control = has_monitor_trap(cpu) ? PROC_MONITOR_TRAP : PROC_NMI_WINDOW;

	/* The NMI window may be wanted for an NMI that is owed. */
	if (!on && control == PROC_NMI_WINDOW && cpu->nmis)
		return;
	cpu->controls.proc = on ? cpu->controls.proc | control : cpu->controls.proc & ~control;
	vmwrite(VMCS_PROC_CONTROLS, cpu->controls.proc);
}

static void end(struct cpu *cpu)
{
	flush(cpu);
	cpu->stepping = 0;
	set_exit(cpu, false);
}

/* For one instruction: interrupts, NMIs and debug traps stay out, and the window opens behind it.
 */
static void arm(struct cpu *cpu)
{
	struct step *step = &cpu->step;
	bool traps = (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF) &&
		     !(vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF);

	step->blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);
	step->pending = vmread(VMCS_GUEST_PENDING_DEBUG);
	step->nmi_blocked = (step->blocking & BLOCKING_NMI) && !has_monitor_trap(cpu);
	step->is_iret = step->nmi_blocked && is_iret(cpu);
	undo_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		     (step->blocking &
		      ~(uint64_t)(BLOCKING_STI | (step->nmi_blocked ? BLOCKING_NMI : 0))) |
			     BLOCKING_MOV_SS);
	undo_vmwrite(VMCS_GUEST_PENDING_DEBUG,
		     traps ? step->pending | PENDING_DEBUG_BS : step->pending & ~PENDING_DEBUG_BS);
	step->at = vmread(VMCS_GUEST_RIP);
	step->armed = true;
}

/* Before an entry. */
void step_arrange(struct cpu *cpu)
{
	struct step *step = &cpu->step;

	if (step->done && step->left)
		step->left--;
	if (!step->left) {
		end(cpu);
		return;
	}
	set_exit(cpu, true);
	/* Who steps over HLT wakes it. */
	if (vmread(VMCS_GUEST_ACTIVITY))
		undo_vmwrite(VMCS_GUEST_ACTIVITY, 0);
	/* What the entry delivers comes before the next instruction: the exit is behind that. */
	if ((vmread(VMCS_ENTRY_INTERRUPTION) & EVENT_VALID) ||
	    (vmread(VMCS_GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS)) {
		step->done = false;
		return;
	}
	/* One that is tried again was recorded the first time. */
	if (step->done || vmread(VMCS_GUEST_RIP) != step->at)
		record_rip(cpu, vmread(VMCS_GUEST_RIP));
	step->done = false;
	arm(cpu);
}
