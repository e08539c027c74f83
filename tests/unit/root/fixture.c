// SPDX-License-Identifier: MIT
#include "fixture.h"

struct cpu cpu;
struct gate_cpu gate;
struct gate_machine machine;
struct gate_ring ring;
union fixture_trail trail;
uint8_t memory[PAGES][4096] __attribute__((aligned(4096)));
struct gate_command *command;
static unsigned memory_used;
static jmp_buf out;

/* What the assembler files offer. */
static unsigned entries;

int vmx_enter(struct cpu *this_cpu)
{
	/* Whatever root did: it enters with no translation older than the EPT, and has said so. */
	assert_int_equal(this_cpu->ept_generation, machine.pool.generation);
	assert_int_equal(machine.passed[this_cpu->index], machine.pool.generation);
	if (entries++ == 0) {
		fake.reads = fake.writes = 0;
		fake.vmcs[VMCS_ENTRY_INTERRUPTION] &= ~(uint64_t)EVENT_VALID;
		return VMX_EXITED;
	}
	longjmp(out, ENTERED_AGAIN);
}

void vmx_exit(void)
{
}

void leave_crossing(struct gate_cpu *this_gate, uint64_t leave_address, struct cpu *this_cpu)
{
	(void)this_gate;
	(void)leave_address;
	(void)this_cpu;
	longjmp(out, LEFT);
}

bool retreat_goes_on;
void retreat_afresh(struct cpu *this_cpu)
{
	if (!retreat_goes_on)
		longjmp(out, RETREATED);
	retreat_stage(this_cpu);
}

unsigned unblocked;
void nmi_unblock(void)
{
	unblocked++;
}

unsigned below;
void vmcall_below(struct cpu *this_cpu)
{
	this_cpu->gpr[RAX] = 0x1234;
	below++;
}

void fault_fill_idt(struct cpu *this_cpu, uint16_t code_selector)
{
	(void)this_cpu;
	(void)code_selector;
}

struct phys fixture_take(void)
{
	assert_true(memory_used < PAGES);
	return phys((uintptr_t)memory[memory_used++]);
}

int fixture_setup(void **state)
{
	unsigned i;

	(void)state;
	memset(&cpu, 0, sizeof(cpu));
	memset(&gate, 0, sizeof(gate));
	memset(&machine, 0, sizeof(machine));
	memset(&ring, 0, sizeof(ring));
	memset(&trail, 0, sizeof(trail));
	memset(&fake, 0, sizeof(fake));
	memset(memory, 0, sizeof(memory));
	memory_used = below = unblocked = 0;
	cpu.gate = &gate;
	cpu.machine = &machine;
	cpu.ring = &ring;
	cpu.trail = &trail.trail;
	cpu.history_mask = FIXTURE_HISTORY - 1;
	cpu.exit = trail.trail.exit;
	cpu.in_vmx = 1;
	fake_here = &cpu;
	retreat_goes_on = false;
	machine.gate_text = GATE_TEXT;
	machine.cpuid_base = HP_CPUID_BASE;
	machine.processors = 1;
	machine.ept_top = fixture_take();
	machine.ept_largest = 3;
	machine.sink = fixture_take();
	machine.msr_bitmap = fixture_take();
	machine.port_bitmap = fixture_take();
	fixture_take();
	machine.command = fixture_take();
	for (i = 1; i < GATE_COMMAND_PAGES; i++)
		fixture_take();
	command = phys_ptr(&machine, machine.command);
	cpu.stuck = &command->stuck[0];
	machine.mtrr.physical_bits = 40;
	machine.pool.generation = 1;
	machine.pool.tables = EPT_POOL_TABLES;
	machine.pool.reserve = EPT_POOL_RESERVE;
	for (i = 0; i < EPT_POOL_TABLES; i++)
		machine.pool.table[i].table = fixture_take();
	cpu.capability.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG;
	cpu.capability.cr4_fixed1 = 0x3727ff;
	cpu.capability.physical_bits = 40;
	cpu.capability.proc = cpu.capability.proc2 = 0xffffffff00000000ull;
	cpu.controls.proc2 = ~0u;
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	fake.vmcs[VMCS_EXIT_LENGTH] = 2;
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_NMI, VECTOR_NMI, false);
	fake.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_ONE;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xa09b;
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc093;
	fake.vmcs[VMCS_GUEST_EFER] = EFER_LME | EFER_LMA;
	fake.vmcs[VMCS_GUEST_CR0] = CR0_PE | CR0_NE | CR0_WP | CR0_PG;
	fake.vmcs[VMCS_CR4_MASK] = CR4_VMXE | CR4_SMXE;
	fake.vmcs[VMCS_GUEST_CR4] = CR4_PAE | CR4_VMXE;
	return 0;
}

static uint64_t *table_at(void *context, struct phys table)
{
	(void)context;
	return (uint64_t *)(uintptr_t)table.value;
}

static bool take(void *context, struct phys *table)
{
	(void)context;
	*table = fixture_take();
	return true;
}

static const struct table_memory tables = { table_at, take, NULL };

/* Tables of the guest, with the user flag everywhere: what the leaf says counts. */
static const struct paging_format guest_format = {
	.present = PTE_PRESENT,
	.large = PTE_LARGE,
	.table = PTE_PRESENT | PTE_WRITE | PTE_USER,
};

static struct paging guest;

void fixture_guest_begin(void)
{
	guest = (struct paging){ &guest_format, &tables, fixture_take(), 4, 1 };
	fake.vmcs[VMCS_GUEST_CR3] = guest.top.value;
	cpu.capability.physical_bits = 48;
}

uint8_t *fixture_map(uint64_t address, uint64_t flags)
{
	struct phys page = fixture_take();

	assert_true(paging_map(&guest, address, page, SIZE_4K, PTE_PRESENT | flags));
	return (uint8_t *)(uintptr_t)page.value;
}

void fixture_guest_end(const uint8_t *read_only)
{
	struct paging ept = { &paging_ept, &tables, machine.ept_top, EPT_LEVELS, 1 };
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		uint64_t page = (uintptr_t)memory[i];

		assert_true(paging_map(&ept, page, phys(page), SIZE_4K,
				       memory[i] == read_only ? EPT_READ : EPT_RWX));
	}
}

enum ending run_exit(uint32_t reason)
{
	int ending;

	memcpy(gate.state.gpr, cpu.gpr, sizeof(cpu.gpr));
	fake.vmcs[VMCS_EXIT_REASON] = reason;
	entries = 0;
	ending = setjmp(out);
	if (ending == 0) {
		loop_run(&cpu);
		return FAULTED;
	}
	return ending;
}

void expect_exception(enum vector vector, bool has_code, uint32_t code)
{
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, vector, has_code));
	if (has_code)
		assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], code);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	/* SDM: a fault pushes RFLAGS with RF set. */
	assert_true(fake.vmcs[VMCS_GUEST_RFLAGS] & RFLAGS_RF);
}
