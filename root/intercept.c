// SPDX-License-Identifier: MIT
/*
 * What the OS side wants to exit, into this processor's VMCS. The command page is the guest's to
 * write: it is copied once, and a bit that no subscription can ask for, or that this processor
 * lacks, refuses the whole. The bitmaps are the machine's: each processor copies the same, and a
 * guest that changes them meanwhile gets other exits, all of which have their handler.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

static void copy_page(struct cpu *cpu, struct phys to, const uint8_t *from)
{
	const volatile uint64_t *source = (const volatile uint64_t *)from;
	volatile uint64_t *target = phys_ptr(cpu->machine, to);
	unsigned i;

	for (i = 0; i < GATE_PAGE / sizeof(*source); i++)
		target[i] = source[i];
}

static bool is_known(const struct interception *want)
{
	const struct interception *every = &interception_every;

	return !(want->proc & ~every->proc) && !(want->proc2 & ~every->proc2) &&
	       !(want->exceptions & ~every->exceptions) && !(want->cr0 & ~every->cr0) &&
	       !(want->cr4 & ~every->cr4);
}

/* Controls that this processor wants set always stay. */
static uint32_t with(uint32_t now, uint32_t every, uint32_t want, uint64_t capability)
{
	return (now & ~every) | want | (uint32_t)capability;
}

enum hp_error intercept_take(struct cpu *cpu)
{
	const struct gate_command *command = phys_ptr(cpu->machine, cpu->machine->command);
	const struct interception want =
		*(const volatile struct interception *)&command->interception;
	struct phys port = cpu->machine->port_bitmap;
	enum hp_control missing;

	if (!is_known(&want) || !interception_possible(&want, cpu->capability.proc >> 32,
						       cpu->capability.proc2 >> 32, &missing))
		return HP_ERROR_CAPABILITY;
	copy_page(cpu, cpu->machine->msr_bitmap, command->msr_bitmap);
	copy_page(cpu, port, command->port_bitmap);
	copy_page(cpu, phys(port.value + GATE_PAGE), command->port_bitmap + GATE_PAGE);

	cpu->controls.proc =
		with(cpu->controls.proc, interception_every.proc, want.proc, cpu->capability.proc);
	cpu->controls.proc2 = with(cpu->controls.proc2, interception_every.proc2, want.proc2,
				   cpu->capability.proc2);
	vmwrite(VMCS_PROC_CONTROLS, cpu->controls.proc);
	vmwrite(VMCS_PROC_CONTROLS2, cpu->controls.proc2);
	vmwrite(VMCS_EXCEPTION_BITMAP, want.exceptions);
	cr_own(cpu, want.cr0, want.cr4);
	return HP_ERROR_OK;
}
