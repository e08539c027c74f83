// SPDX-License-Identifier: MIT
/*
 * VMCALL: ours, if it comes from the gate's own text in CPL 0 with our signature; for the
 * hypervisor below us, if there is one and the caller is in CPL 0; otherwise an instruction that
 * the guest's processor does not have.
 *
 * World: root.
 */
#include "skip.h"

static bool from_gate(const struct cpu *cpu)
{
	uint64_t rip = vmread(VMCS_GUEST_RIP);

	return cpu->gpr[RAX] == GATE_SIGNATURE && rip - cpu->machine->gate_text < GATE_PAGE;
}

enum outcome exit_vmcall(struct cpu *cpu)
{
	if (guest_cpl() != 0)
		return inject_ud(cpu);
	if (from_gate(cpu)) {
		uint64_t code = cpu->gpr[RCX];

		cpu->gpr[RAX] = HP_ERROR_OK;
		if (code == GATE_CALL_LEAVE) {
			skip_instruction(cpu);
			return OUTCOME_LEAVE;
		}
		if (code == GATE_CALL_INTERCEPT)
			cpu->gpr[RAX] = intercept_take(cpu);
		else if (code == GATE_CALL_STEP)
			cpu->gpr[RAX] = step_begin(cpu, cpu->gpr[RDX]);
		else if (code != GATE_CALL_PING && code != GATE_CALL_SYNC)
			cpu->gpr[RAX] = HP_ERROR_REQUEST;
		return OUTCOME_SKIP;
	}
	if (cpu->machine->hypervisor_below) {
		vmcall_below(cpu);
		return OUTCOME_SKIP;
	}
	return inject_ud(cpu);
}
