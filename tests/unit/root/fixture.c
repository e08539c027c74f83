// SPDX-License-Identifier: MIT
#include "fixture.h"

struct cpu cpu;
struct gate_cpu gate __attribute__((aligned(4096)));
struct gate_machine machine;
struct gate_ring ring;
union fixture_trail trail;
uint8_t memory[PAGES][4096] __attribute__((aligned(4096)));
struct gate_command *command;
static unsigned memory_used;
static jmp_buf out;

/* What the assembler files offer. */
static unsigned entries;
int (*fixture_guest)(unsigned entry);

void fixture_stop(void)
{
	longjmp(out, ENTERED_AGAIN);
}

int vmx_enter(struct cpu *this_cpu)
{
	int result = VMX_EXITED;

	/* Whatever root did: it enters with no translation older than the EPT, and has said so. */
	assert_int_equal(this_cpu->ept_generation, machine.pool.generation);
	assert_int_equal(machine.passed[this_cpu->index], machine.pool.generation);
	if (entries++ == 0)
		fake.reads = fake.writes = 0;
	else if (fixture_guest)
		result = fixture_guest(entries - 2);
	else
		fixture_stop();
	/* SDM: VM-Entry Controls for Event Injection: every exit clears the valid bit. */
	if (result == VMX_EXITED && !(fake.vmcs[VMCS_EXIT_REASON] & EXIT_REASON_ENTRY_FAILED))
		fake.vmcs[VMCS_ENTRY_INTERRUPTION] &= ~(uint64_t)EVENT_VALID;
	return result;
}

void vmx_exit(void)
{
}

struct gate_cpu *left_by;
uint64_t left_to;
void leave_crossing(struct gate_cpu *this_gate, uint64_t leave_address, struct cpu *this_cpu)
{
	(void)this_cpu;
	left_by = this_gate;
	left_to = leave_address;
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
	/* What was latched comes now, and must not find that root hangs. */
	assert_false(*cpu.stuck >> cpu.stuck_bit & 1);
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
	cpu.undo.done = 1;
	cpu.in_vmx = 1;
	fake_here = &cpu;
	retreat_goes_on = false;
	fixture_guest = NULL;
	left_by = NULL;
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

const struct table_memory fixture_tables = { table_at, take, NULL };

/* Tables of the guest, with the user flag everywhere: what the leaf says counts. */
static const struct paging_format guest_format = {
	.present = PTE_PRESENT,
	.large = PTE_LARGE,
	.table = PTE_PRESENT | PTE_WRITE | PTE_USER,
};

static struct paging guest;

static uint8_t levels(void)
{
	return fake.vmcs[VMCS_GUEST_CR4] & CR4_LA57 ? 5 : 4;
}

void fixture_guest_begin(void)
{
	guest = (struct paging){ &guest_format, &fixture_tables, fixture_take(), levels(), 1 };
	fake.vmcs[VMCS_GUEST_CR3] = guest.top.value;
	cpu.capability.physical_bits = 48;
}

uint8_t *fixture_map(uint64_t address, uint64_t flags)
{
	struct phys page = fixture_take();

	fixture_map_to(address, page, flags);
	return (uint8_t *)(uintptr_t)page.value;
}

void fixture_map_to(uint64_t address, struct phys page, uint64_t flags)
{
	assert_true(paging_map(&guest, address, page, SIZE_4K, PTE_PRESENT | flags));
}

static struct phys fixture_gate(void)
{
	struct paging root = { &paging_x86, &fixture_tables, fixture_take(), levels(), 1 };
	struct phys text = fixture_take();

	machine.root_top = root.top;
	gate.root_cr3 = root.top.value;
	gate.in_guest = 1;
	machine.gate_leave = GATE_TEXT + 0x123;
	assert_true(paging_map(&root, GATE_TEXT, text, SIZE_4K, PTE_PRESENT));
	assert_true(paging_map(&root, (uintptr_t)&gate, phys((uintptr_t)&gate), SIZE_4K,
			       PTE_PRESENT | PTE_WRITE | PTE_NX));
	return text;
}

void fixture_guest_end(const uint8_t *read_only)
{
	struct paging ept = { &paging_ept, &fixture_tables, machine.ept_top, EPT_LEVELS, 1 };
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		uint64_t page = (uintptr_t)memory[i];

		assert_true(paging_map(&ept, page, phys(page), SIZE_4K,
				       memory[i] == read_only ? EPT_READ : EPT_RWX));
	}
}

struct phys fixture_text, fixture_page;

static int setup_closed(void **state, uint64_t cr4)
{
	fixture_setup(state);
	fake.vmcs[VMCS_GUEST_CR4] |= cr4;
	fixture_guest_begin();
	fixture_text = fixture_gate();
	fixture_page = phys((uintptr_t)&gate);
	machine.blank = fixture_take();
	cpu.capability.cr0_fixed1 = 0xffffffff;
	cpu.capability.cr4_fixed0 = CR4_VMXE;
	cpu.capability.pin = (uint64_t)(PIN_NMI | PIN_VIRTUAL_NMIS) << 32;
	fake.vmcs[VMCS_CR0_MASK] = CR0_PE | CR0_NE | CR0_PG;
	fake.vmcs[VMCS_CR0_SHADOW] = CR0_PE | CR0_NE | CR0_PG;
	return 0;
}

int fixture_setup_closed(void **state)
{
	return setup_closed(state, 0);
}

int fixture_setup_wide(void **state)
{
	return setup_closed(state, CR4_LA57);
}

int fixture_setup_open(void **state)
{
	fixture_setup_closed(state);
	fixture_map_to(GATE_TEXT, fixture_text, 0);
	fixture_map_to((uintptr_t)&gate, fixture_page, PTE_WRITE | PTE_NX);
	return 0;
}

int fixture_stop_at_once(unsigned entry)
{
	(void)entry;
	fixture_stop();
}

enum ending fixture_run(void (*what)(void))
{
	int ending = setjmp(out);

	if (ending == 0) {
		what();
		return FAULTED;
	}
	return ending;
}

static void run_loop(void)
{
	entries = 0;
	loop_run(&cpu);
}

static enum hp_report_kind failure;

static void run_failing(void)
{
	entries = 1;
	cpu.ept_generation = machine.passed[0] = machine.pool.generation;
	/* Behind an exit that was dealt with, and changed nothing. */
	cpu.exit->reason = EXIT_REASON_HLT;
	cpu.exit->rip = fake.vmcs[VMCS_GUEST_RIP];
	memcpy(cpu.undo.gpr, cpu.gpr, sizeof(cpu.gpr));
	retreat(&cpu, failure, NULL);
}

enum ending run_failure(enum hp_report_kind kind)
{
	failure = kind;
	retreat_goes_on = true;
	return fixture_run(run_failing);
}

enum ending run_exit(uint32_t reason)
{
	memcpy(gate.state.gpr, cpu.gpr, sizeof(cpu.gpr));
	fake.vmcs[VMCS_EXIT_REASON] = reason;
	return fixture_run(run_loop);
}

void expect_minimal_loop(enum hp_report_kind kind)
{
	fixture_guest = fixture_stop_at_once;
	assert_int_equal(run_failure(kind), ENTERED_AGAIN);
	assert_int_equal(fake.vmxoff, 0);
	assert_int_equal(gate.in_guest, 1);
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
