// SPDX-License-Identifier: MIT
/*
 * VMXON and the VMCS: the processor's guest is the caller of gate_enter, with exactly the state
 * that the gate saved; the host is root. Every VMWRITE is checked here, so that the exit handlers
 * need not check theirs.
 *
 * Source: SDM, VMM Setup & Tear Down; Checks on VMX Controls and Host-State Area; Checking and
 * Loading Guest State.
 * World: root.
 */
#include "../base/msr.h"
#include "root.h"
#include "vmx.h"

#define INTERRUPTIBILITY_NONE 0
#define LINK_POINTER_NONE     (~0ull)

static bool source_rdmsr(void *context, uint32_t msr, uint64_t *value)
{
	(void)context;
	return rdmsr_safe(msr, value);
}

static void source_cpuid(void *context, uint32_t leaf, uint32_t subleaf,
			 struct cpuid_result *result)
{
	(void)context;
	cpuid(leaf, subleaf, result);
}

/* What the OS had: root's own CR4 has VMXE set already. */
static uint64_t source_cr4(void *context)
{
	return ((const struct cpu *)context)->gate->state.cr4;
}

static enum hp_error check_capability(struct cpu *cpu)
{
	const struct capability_source source = { source_rdmsr, source_cpuid, source_cr4, cpu };
	struct hp_check check;
	unsigned i;

	capability_read(&cpu->capability, &source);
	capability_check(&cpu->capability, &check);
	for (i = 0; check.error != HP_ERROR_OK && i < HP_REQUIREMENT_COUNT; i++) {
		if (check.requirement[i].verdict != HP_CHECK_MISSING)
			continue;
		cpu->gate->detail[0] = i;
		cpu->gate->detail[1] = check.requirement[i].found;
		break;
	}
	capability_controls(&cpu->capability, &cpu->controls);
	return check.error;
}

/* SDM: Restrictions on VMX Operation. The lock bit must be set; firmware that left it open is used.
 */
static bool enable_vmxon(struct cpu *cpu)
{
	uint64_t control = cpu->capability.feature_control;

	if (control & FEATURE_CONTROL_LOCK)
		return true;
	return wrmsr_safe(IA32_FEATURE_CONTROL,
			  control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_OUTSIDE_SMX);
}

static enum hp_error turn_on(struct cpu *cpu)
{
	const struct capability *capability = &cpu->capability;
	uint32_t revision = (uint32_t)capability->basic & 0x7fffffff;

	if (!enable_vmxon(cpu))
		return HP_ERROR_VMX_LOCKED_OFF;
	write_cr0(((cpu->gate->state.cr0 | capability->cr0_fixed0 | CR0_WP) &
		   capability->cr0_fixed1));
	*(uint32_t *)phys_ptr(cpu->machine, cpu->gate->vmxon) = revision;
	*(uint32_t *)phys_ptr(cpu->machine, cpu->gate->vmcs) = revision;
	if (!vmxon(cpu->gate->vmxon))
		return HP_ERROR_VMXON_FAILED;
	cpu->in_vmx = 1;
	if (!vmclear(cpu->gate->vmcs) || !vmptrld(cpu->gate->vmcs))
		return HP_ERROR_VMCS_FAILED;
	invept(INVEPT_ALL, 0);
	invvpid(INVVPID_ALL, 0);
	return HP_ERROR_OK;
}

/* Writes a field; after the first refusal the rest is not written, and that field is reported. */
struct writer {
	struct cpu *cpu;
	bool failed;
};

static void put(struct writer *writer, uint32_t field, uint64_t value)
{
	if (writer->failed || vmwrite_checked(field, value))
		return;
	writer->failed = true;
	writer->cpu->gate->detail[0] = field;
	writer->cpu->gate->detail[1] = value;
}

static void put_controls(struct writer *writer)
{
	struct cpu *cpu = writer->cpu;
	const struct gate_machine *machine = cpu->machine;
	struct ept ept = { .paging = { .top = machine->ept_top, .levels = EPT_LEVELS } };

	cpu->ept_pointer = ept_pointer(&ept, MEMORY_WB);

	put(writer, VMCS_PIN_CONTROLS, cpu->controls.pin);
	put(writer, VMCS_PROC_CONTROLS, cpu->controls.proc);
	put(writer, VMCS_PROC_CONTROLS2, cpu->controls.proc2);
	put(writer, VMCS_EXIT_CONTROLS, cpu->controls.exit);
	put(writer, VMCS_ENTRY_CONTROLS, cpu->controls.entry);
	put(writer, VMCS_EXCEPTION_BITMAP, 0);
	put(writer, VMCS_PF_ERROR_MASK, 0);
	put(writer, VMCS_PF_ERROR_MATCH, 0);
	put(writer, VMCS_CR3_TARGET_COUNT, 0);
	put(writer, VMCS_EXIT_MSR_STORE_COUNT, 0);
	put(writer, VMCS_EXIT_MSR_LOAD_COUNT, 0);
	put(writer, VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	put(writer, VMCS_ENTRY_INTERRUPTION, 0);
	put(writer, VMCS_MSR_BITMAP, machine->msr_bitmap.value);
	put(writer, VMCS_IO_BITMAP_A, machine->port_bitmap.value);
	put(writer, VMCS_IO_BITMAP_B, machine->port_bitmap.value + GATE_PAGE);
	put(writer, VMCS_EPT_POINTER, cpu->ept_pointer);
	put(writer, VMCS_VPID, cpu->index + 1);
	if (cpu->controls.proc2 & PROC2_XSAVES)
		put(writer, VMCS_XSS_EXITING_BITMAP, 0);
	/* All of what the OS had is visible; intercept_take narrows the masks to what exits. */
	put(writer, VMCS_CR0_MASK, ~0ull);
	put(writer, VMCS_CR0_SHADOW, cpu->gate->state.cr0);
	put(writer, VMCS_CR4_MASK, ~0ull);
	put(writer, VMCS_CR4_SHADOW, cpu->gate->state.cr4);
}

/* What exits whatever is wanted, and no EPT, whose violations would need a handler. */
static void minimal_controls(struct cpu *cpu)
{
	const struct capability *capability = &cpu->capability;

	capability_controls(capability, &cpu->controls);
	cpu->controls.pin &= ~(PIN_NMI | PIN_VIRTUAL_NMIS) | (uint32_t)capability->pin;
	cpu->controls.proc |= PROC_CR3_LOAD;
	cpu->controls.proc2 &= ~(PROC2_EPT | PROC2_UNRESTRICTED);
}

static void put_host(struct writer *writer)
{
	struct cpu *cpu = writer->cpu;
	struct gate_cpu *gate = cpu->gate;

	put(writer, VMCS_HOST_CR0, read_cr0());
	put(writer, VMCS_HOST_CR3, gate->root_cr3);
	put(writer, VMCS_HOST_CR4, read_cr4());
	put(writer, VMCS_HOST_ES, 0);
	put(writer, VMCS_HOST_CS, gate->state.selector[SEG_CS] & SELECTOR_INDEX);
	put(writer, VMCS_HOST_SS, 0);
	put(writer, VMCS_HOST_DS, 0);
	put(writer, VMCS_HOST_FS, 0);
	put(writer, VMCS_HOST_GS, 0);
	put(writer, VMCS_HOST_TR, cpu->tr_selector);
	put(writer, VMCS_HOST_FS_BASE, 0);
	put(writer, VMCS_HOST_GS_BASE, 0);
	put(writer, VMCS_HOST_TR_BASE, (uintptr_t)&cpu->tss);
	put(writer, VMCS_HOST_GDTR_BASE, gate->root_gdtr.base);
	put(writer, VMCS_HOST_IDTR_BASE, cpu->idtr.base);
	put(writer, VMCS_HOST_SYSENTER_CS, 0);
	put(writer, VMCS_HOST_SYSENTER_ESP, 0);
	put(writer, VMCS_HOST_SYSENTER_EIP, 0);
	put(writer, VMCS_HOST_PAT, 0x0007040600070406ull); /* the value after reset */
	put(writer, VMCS_HOST_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	put(writer, VMCS_HOST_RIP, (uintptr_t)vmx_exit);
}

static bool put_segments(struct writer *writer)
{
	const struct gate_cpu *gate = writer->cpu->gate;
	struct segment_state state;
	enum segment which;

	for (which = SEG_ES; which < SEGMENTS; which++) {
		if (!segment_load(gate, which, &state)) {
			writer->cpu->gate->detail[0] = VMCS_GUEST_SELECTOR(which);
			writer->cpu->gate->detail[1] = gate->state.selector[which];
			return false;
		}
		put(writer, VMCS_GUEST_SELECTOR(which), state.selector);
		put(writer, VMCS_GUEST_LIMIT(which), state.limit);
		put(writer, VMCS_GUEST_RIGHTS(which), state.rights);
		put(writer, VMCS_GUEST_BASE(which), state.base);
	}
	return true;
}

static void put_guest(struct writer *writer)
{
	struct cpu *cpu = writer->cpu;
	const struct gate_state *state = &cpu->gate->state;
	unsigned i;

	put(writer, VMCS_GUEST_CR0, state->cr0 | cpu->capability.cr0_fixed0);
	put(writer, VMCS_GUEST_CR3, state->cr3);
	put(writer, VMCS_GUEST_CR4, state->cr4 | CR4_VMXE);
	put(writer, VMCS_GUEST_DR7, state->dr7);
	put(writer, VMCS_GUEST_RSP, state->gpr[RSP]);
	put(writer, VMCS_GUEST_RIP, state->rip);
	put(writer, VMCS_GUEST_RFLAGS, state->rflags);
	put(writer, VMCS_GUEST_GDTR_BASE, state->gdtr.base);
	put(writer, VMCS_GUEST_GDTR_LIMIT, state->gdtr.limit);
	put(writer, VMCS_GUEST_IDTR_BASE, state->idtr.base);
	put(writer, VMCS_GUEST_IDTR_LIMIT, state->idtr.limit);
	put(writer, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_NONE);
	put(writer, VMCS_GUEST_ACTIVITY, 0);
	put(writer, VMCS_GUEST_PENDING_DEBUG, 0);
	put(writer, VMCS_GUEST_DEBUGCTL, 0);
	put(writer, VMCS_LINK_POINTER, LINK_POINTER_NONE);
	/* FS and GS bases after the segments: the descriptors have the low halves only. */
	for (i = 0; i < GATE_MSRS_COUNT && state->msr[i].number; i++)
		put(writer, msr_vmcs_field((uint32_t)state->msr[i].number), state->msr[i].value);
}

void vmx_setup_again(struct cpu *cpu)
{
	struct writer writer = { cpu, false };
	uint64_t cr0 = guest_cr0(), cr4 = guest_cr4();

	minimal_controls(cpu);
	put_controls(&writer);
	put_host(&writer);
	/* Zeros: no MSR that a bitmap covers exits. */
	vmwrite(VMCS_MSR_BITMAP, cpu->machine->blank.value);
	vmwrite(VMCS_CR0_MASK, cpu->capability.cr0_fixed0);
	vmwrite(VMCS_CR4_MASK, CR4_VMXE);
	vmwrite(VMCS_CR0_SHADOW, cr0);
	vmwrite(VMCS_CR4_SHADOW, cr4);
	vmwrite(VMCS_GUEST_CR0, cr0 | cpu->capability.cr0_fixed0);
	vmwrite(VMCS_GUEST_CR4, cr4 | CR4_VMXE);
	invvpid(INVVPID_ALL, 0);
}

enum hp_error vmx_setup(struct cpu *cpu)
{
	struct writer writer = { cpu, false };
	enum hp_error error = check_capability(cpu);

	if (error == HP_ERROR_OK)
		error = turn_on(cpu);
	if (error != HP_ERROR_OK)
		return error;
	put_controls(&writer);
	put_host(&writer);
	if (!put_segments(&writer))
		return HP_ERROR_STATE;
	put_guest(&writer);
	return writer.failed ? HP_ERROR_VMCS_FAILED : intercept_take(cpu);
}
