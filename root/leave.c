// SPDX-License-Identifier: MIT
/*
 * Back to the OS world: VMX operation ends, and the processor goes on natively at the guest's
 * state. This file puts that state together; the gate loads it (gate_leave), since only there both
 * worlds' memory can be reached.
 *
 * World: root.
 */
#include "../base/msr.h"
#include "root.h"
#include "vmx.h"

static void end_vmx(struct cpu *cpu)
{
	if (!cpu->in_vmx)
		return;
	vmclear(cpu->gate->vmcs);
	invept(INVEPT_ALL, 0);
	invvpid(INVVPID_ALL, 0);
	vmxoff();
	cpu->in_vmx = 0;
	__atomic_store_n(&cpu->machine->passed[cpu->index], ~0ull, __ATOMIC_RELEASE);
}

static void store_segments(struct gate_cpu *gate)
{
	enum segment which;

	for (which = SEG_ES; which < SEGMENTS; which++) {
		const struct segment_state state = {
			.base = vmread(VMCS_GUEST_BASE(which)),
			.limit = (uint32_t)vmread(VMCS_GUEST_LIMIT(which)),
			.rights = (uint32_t)vmread(VMCS_GUEST_RIGHTS(which)),
			.selector = (uint16_t)vmread(VMCS_GUEST_SELECTOR(which)),
		};

		/* CS and SS are loaded by IRET, from the OS's own GDT. */
		if (which == SEG_CS || which == SEG_SS)
			gate->state.selector[which] = state.selector;
		else
			segment_store(gate, which, &state);
	}
	gate->copy_gdtr.limit = sizeof(gate->os_gdt) - 1;
}

static void store_state(struct cpu *cpu)
{
	struct gate_state *state = &cpu->gate->state;
	unsigned i;

	for (i = RAX; i <= R15; i++)
		state->gpr[i] = cpu->gpr[i];
	state->gpr[RSP] = vmread(VMCS_GUEST_RSP);
	state->rip = vmread(VMCS_GUEST_RIP);
	state->rflags = vmread(VMCS_GUEST_RFLAGS);
	state->cr0 = guest_cr0();
	state->cr3 = vmread(VMCS_GUEST_CR3);
	state->cr4 = guest_cr4();
	state->dr7 = vmread(VMCS_GUEST_DR7);
	state->gdtr.base = vmread(VMCS_GUEST_GDTR_BASE);
	state->gdtr.limit = (uint16_t)vmread(VMCS_GUEST_GDTR_LIMIT);
	state->idtr.base = vmread(VMCS_GUEST_IDTR_BASE);
	state->idtr.limit = (uint16_t)vmread(VMCS_GUEST_IDTR_LIMIT);
	for (i = 0; i < GATE_MSRS_COUNT && state->msr[i].number; i++)
		state->msr[i].value = vmread(msr_vmcs_field((uint32_t)state->msr[i].number));
	store_segments(cpu->gate);
}

static void cross(struct cpu *cpu) __attribute__((noreturn));
static void cross(struct cpu *cpu)
{
	cpu->gate->in_guest = 0;
	leave_crossing(cpu->gate, cpu->machine->gate_leave, cpu);
}

void leave_store(struct cpu *cpu)
{
	if (cpu->in_vmx)
		store_state(cpu);
	end_vmx(cpu);
	cpu->gate->in_guest = 0;
}

void leave(struct cpu *cpu)
{
	RECORD(cpu, LEFT, HP_INFO, cpu->index, cpu->ring->exits_total);
	leave_store(cpu);
	cross(cpu);
}

/* The state is the one that the gate saved: only TR's descriptor is marked busy in the copy. */
void leave_refused(struct cpu *cpu, enum hp_error error)
{
	struct segment_state tr;

	end_vmx(cpu);
	if (segment_load(cpu->gate, SEG_TR, &tr))
		segment_store(cpu->gate, SEG_TR, &tr);
	cpu->gate->error = error;
	cpu->gate->state.gpr[RAX] = error;
	cross(cpu);
}

/* As the bare processor would: a shutdown, which the platform turns into a reset. */
void leave_triple_fault(struct cpu *cpu)
{
	static const struct table_register no_idt;

	RECORD(cpu, TRIPLE_FAULT, HP_ERR, vmread(VMCS_GUEST_RIP), vmread(VMCS_GUEST_CR3));
	end_vmx(cpu);
	asm volatile("lidt %0\n"
		     "int3"
		     :
		     : "m"(no_idt));
	__builtin_unreachable();
}
