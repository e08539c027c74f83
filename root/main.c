// SPDX-License-Identifier: MIT
/*
 * The way up on one processor: from the crossing to the first VM entry. Everything that can be
 * refused is refused here, before the guest depends on us, by going back to the OS with an error.
 *
 * World: root.
 */
#include "../base/msr.h"
#include "root.h"
#include "vmx.h"

#define SELECTOR_LAST_PAIR   0xf0 /* index 30 of root's GDT, two entries */
#define SELECTOR_BEFORE_LAST 0xe0

/* SDM: Segment Descriptors. Flat ones, of CPL 0, accessed. */
#define DESCRIPTOR_CODE_64 0x00af9b000000ffffull
#define DESCRIPTOR_DATA	   0x00cf93000000ffffull
#define DESCRIPTOR_TSS_64  0x0000890000000000ull

static void fill_tss(struct cpu *cpu)
{
	uintptr_t block = (uintptr_t)cpu;

	cpu->tss.io_map = sizeof(cpu->tss);
	cpu->tss.ist[IST_NMI - 1] = block + 7 * GATE_PAGE;
	cpu->tss.ist[IST_DOUBLE_FAULT - 1] = block + 9 * GATE_PAGE;
	cpu->tss.ist[IST_MACHINE_CHECK - 1] = block + 11 * GATE_PAGE;
}

/*
 * Code and data at the selectors that the OS uses, so that the IRET of an NMI in the crossing finds
 * them in either GDT; the TSS in a pair of entries that they leave free.
 */
static void fill_gdt(struct cpu *cpu)
{
	struct gate_cpu *gate = cpu->gate;
	uint16_t cs = gate->state.selector[SEG_CS] & SELECTOR_INDEX;
	uint16_t ss = gate->state.selector[SEG_SS] & SELECTOR_INDEX;
	uint16_t tr = SELECTOR_LAST_PAIR;
	uint64_t tss = (uintptr_t)&cpu->tss;
	unsigned i;

	if (cs >= tr || ss >= tr)
		tr = SELECTOR_BEFORE_LAST;
	for (i = 0; i < 32; i++)
		gate->root_gdt[i] = 0;
	if (ss)
		gate->root_gdt[ss / 8] = DESCRIPTOR_DATA;
	gate->root_gdt[cs / 8] = DESCRIPTOR_CODE_64;
	gate->root_gdt[tr / 8] = DESCRIPTOR_TSS_64 | (sizeof(cpu->tss) - 1) |
				 (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	gate->root_gdt[tr / 8 + 1] = tss >> 32;
	cpu->tr_selector = tr;
}

/* On the gate's stack: only what LGDT, LTR, LIDT and the NMI handler need. */
struct cpu *root_prepare(struct gate_cpu *gate)
{
	struct gate_machine *machine = (struct gate_machine *)(uintptr_t)gate->machine;
	struct cpu *cpu = (struct cpu *)(uintptr_t)(machine->root_base + GATE_BLOCKS_OFFSET +
						    (uint64_t)gate->index * GATE_BLOCK_BYTES);

	__builtin_memset(cpu, 0, sizeof(*cpu));
	cpu->gate = gate;
	cpu->machine = machine;
	cpu->index = gate->index;
	cpu->ring = (struct gate_ring *)(uintptr_t)(machine->root_base + GATE_RINGS_OFFSET +
						    (uint64_t)gate->index * GATE_RING_STRIDE);
	cpu->trail = (struct gate_trail *)(uintptr_t)(machine->root_base + GATE_TRAILS_OFFSET +
						      (uint64_t)gate->index * GATE_TRAIL_STRIDE);
	cpu->history_mask = machine->history - 1;
	cpu->exit = cpu->trail->exit;
	cpu->undo.done = 1; /* there is no exit yet */
	cpu->stuck = (uint64_t *)phys_ptr(machine, machine->command) +
		     offsetof(struct gate_command, stuck) / 8 + gate->index / 64;
	cpu->stuck_bit = gate->index % 64;
	/* A call that came when the processor had left was not for this time. */
	__atomic_fetch_and(cpu->stuck, ~BIT64(cpu->stuck_bit), __ATOMIC_RELAXED);
	fill_tss(cpu);
	fill_gdt(cpu);
	fault_fill_idt(cpu, gate->state.selector[SEG_CS]);
	return cpu;
}

/* The MSRs whose values the crossing or a VM exit changes; gate_leave writes them back. */
static void save_msrs(struct gate_cpu *gate)
{
	static const uint32_t numbers[] = {
		IA32_FS_BASE,	   IA32_GS_BASE, IA32_SYSENTER_CS, IA32_SYSENTER_ESP,
		IA32_SYSENTER_EIP, IA32_PAT,	 IA32_EFER,	   IA32_DEBUGCTL,
	};
	unsigned i, count = 0;

	_Static_assert(sizeof(numbers) / sizeof(numbers[0]) == GATE_MSRS_COUNT, "all fit");
	for (i = 0; i < GATE_MSRS_COUNT; i++) {
		gate->state.msr[i].number = 0;
		if (rdmsr_safe(numbers[i], &gate->state.msr[count].value))
			gate->state.msr[count++].number = numbers[i];
	}
}

void root_main(struct cpu *cpu)
{
	struct gate_cpu *gate = cpu->gate;
	enum hp_error error;

	gate->error = HP_ERROR_OK;
	gate->detail[0] = gate->detail[1] = 0;
	save_msrs(gate);
	if (cpu->machine->version != GATE_VERSION)
		leave_refused(cpu, HP_ERROR_IMAGE);
	error = vmx_setup(cpu);
	if (error == HP_ERROR_OK)
		error = loop_run(cpu);
	leave_refused(cpu, error);
}
