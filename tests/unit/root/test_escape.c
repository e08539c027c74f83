// SPDX-License-Identifier: MIT
/*
 * Escape: the gate planted in an address space that does not have it, with everything that the
 * crossing finds by an address there.
 */
#include "fixture.h"

#define ALIAS 0x7654003ull

static uint64_t *guest_top(void)
{
	return phys_ptr(&machine, phys(fake.vmcs[VMCS_GUEST_CR3] & PTE_ADDRESS));
}

static uint64_t *root_top(void)
{
	return phys_ptr(&machine, machine.root_top);
}

static uint64_t handler(void)
{
	return (gate.cross_idt[4] & 0xffff) | (gate.cross_idt[4] >> 32 & 0xffff0000) |
	       gate.cross_idt[5] << 32;
}

#define NMI_HANDLER (GATE_TEXT + 0x89a)

static void fill(void)
{
	machine.alias = ALIAS;
	gate.index = 2;
	gate.cross_idt[4] = (NMI_HANDLER & 0xffff) | 0x10ull << 16 | 0x8e00ull << 32 |
			    (NMI_HANDLER >> 16 & 0xffff) << 48;
	gate.cross_idt[5] = NMI_HANDLER >> 32;
	gate.cross_idtr = (struct table_register){ 47, (uintptr_t)gate.cross_idt };
	gate.copy_gdtr = (struct table_register){ 127, (uintptr_t)gate.os_gdt };
	gate.root_gdtr = (struct table_register){ 255, (uintptr_t)gate.root_gdt };
	fake.vmcs[VMCS_GUEST_CR3] |= 0x803; /* a PCID */
	cpu.away = 2;
}

static int prepare(void **state)
{
	fixture_setup_closed(state);
	fill();
	return 0;
}

static int prepare_wide(void **state)
{
	fixture_setup_wide(state);
	fill();
	return 0;
}

static void run_escape(void)
{
	escape(&cpu);
}

static void expect_planted(unsigned slot, uint64_t base)
{
	uint64_t page = base + GATE_ALIAS_CPU(2);

	assert_int_equal(guest_top()[slot], ALIAS);
	assert_int_equal(root_top()[slot], ALIAS);
	/* For the OS side, which takes it out again. */
	assert_int_equal(gate.planted.value, (fake.vmcs[VMCS_GUEST_CR3] & PTE_ADDRESS) + 8 * slot);
	assert_int_equal(gate.planted_value, ALIAS);
	/* The crossing is made at the alias, and finds what it needs there. */
	assert_int_equal((uintptr_t)left_by, page);
	assert_int_equal(left_to, base + (machine.gate_leave - GATE_TEXT));
	assert_int_equal(handler(), base + (NMI_HANDLER - GATE_TEXT));
	/* And nothing else of the entry has changed: the selector, the type, present. */
	assert_int_equal(gate.cross_idt[4] & 0x0000ffffffff0000, 0x00008e0000100000);
	assert_int_equal(gate.cross_idt[5] >> 32, 0);
	assert_int_equal(gate.cross_idtr.base, page + offsetof(struct gate_cpu, cross_idt));
	assert_int_equal(gate.cross_idtr.limit, 47);
	assert_int_equal(gate.copy_gdtr.base, page + offsetof(struct gate_cpu, os_gdt));
	assert_int_equal(gate.root_gdtr.base, (uintptr_t)gate.root_gdt);
	assert_int_equal(fake.vmxoff, 1);
	assert_int_equal(gate.in_guest, 0);
	assert_int_equal(trail.trail.report.end, HP_REPORT_ESCAPED);
}

static void the_gate_is_planted_in_a_slot_that_is_free_in_both(void **state)
{
	(void)state;
	/* Root has its own text in the last one. The guest has something in the next two. */
	assert_true(root_top()[511]);
	guest_top()[510] = 0x1000 | PTE_PRESENT;
	guest_top()[509] = 0x2000; /* not present, and not free */
	root_top()[508] = 0x3000 | PTE_PRESENT;
	fake.vmcs[VMCS_GUEST_RSP] = 0x7ffe1000;
	cpu.gpr[R9] = 9;
	assert_int_equal(fixture_run(run_escape), LEFT);
	expect_planted(507, 0xfffffd8000000000);
	assert_int_equal(guest_top()[508], 0);
	/* At the guest's state. */
	assert_int_equal(gate.state.rip, RIP);
	assert_int_equal(gate.state.gpr[RSP], 0x7ffe1000);
	assert_int_equal(gate.state.gpr[R9], 9);
	assert_int_equal(gate.state.cr3, fake.vmcs[VMCS_GUEST_CR3]);
}

static void with_5_levels_a_slot_is_larger(void **state)
{
	(void)state;
	guest_top()[511] = 0x1000;
	assert_int_equal(fixture_run(run_escape), LEFT);
	expect_planted(510, 0xfffe000000000000);
}

static void the_last_free_slot_is_the_first_of_the_upper_half(void **state)
{
	unsigned slot;

	(void)state;
	for (slot = 257; slot < 512; slot++)
		guest_top()[slot] = 0x1000;
	assert_int_equal(fixture_run(run_escape), LEFT);
	expect_planted(256, 0xffff800000000000);
}

static void two_processors_do_not_take_the_same_slot(void **state)
{
	(void)state;
	root_top()[510] = ALIAS; /* the first one's, in another address space of the guest */
	assert_int_equal(fixture_run(run_escape), LEFT);
	expect_planted(509, 0xfffffe8000000000);
}

static void where_the_gate_is_mapped_nothing_is_planted(void **state)
{
	uint64_t tables[2][512];

	fixture_setup_open(state);
	fill();
	memcpy(tables[0], guest_top(), 4096);
	memcpy(tables[1], root_top(), 4096);
	assert_int_equal(fixture_run(run_escape), LEFT);
	assert_ptr_equal(left_by, &gate);
	assert_int_equal(left_to, machine.gate_leave);
	assert_int_equal(gate.planted.value, 0);
	assert_memory_equal(tables[0], guest_top(), 4096);
	assert_memory_equal(tables[1], root_top(), 4096);
	assert_int_equal(handler(), NMI_HANDLER);
	assert_int_equal(gate.cross_idtr.base, (uintptr_t)gate.cross_idt);
	assert_int_equal(fake.vmxoff, 1);
}

/* It failed behind its VMXOFF, at the state that was stored then. */
static void out_of_vmx_operation_the_stored_state_counts(void **state)
{
	(void)state;
	cpu.in_vmx = 0;
	gate.state.rip = 0x1234;
	fake.vmcs[VMCS_GUEST_RIP] = 0x5678;
	assert_int_equal(fixture_run(run_escape), LEFT);
	assert_int_equal(gate.state.rip, 0x1234);
	assert_ptr_equal(left_by, &gate);
	assert_int_equal(fake.vmxoff, 0);
	assert_int_equal(gate.in_guest, 0);
}

/* A second failure on the way is the escape's to deal with; the report counts it. */
static int refuse(unsigned entry)
{
	assert_int_equal(entry, 0);
	return VMX_FAILED;
}

static void a_retreat_that_fails_escapes(void **state)
{
	(void)state;
	cpu.away = 0;
	fixture_guest = refuse;
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	expect_planted(510, 0xffffff0000000000);
	assert_int_equal(trail.trail.report.kind, HP_REPORT_FAULT);
	assert_int_equal(trail.trail.report.again, 1);
}

/* --- The event that the guest has not got --- */

#define IDT	0xfffffe0000000000ull
#define GDT	0xfffffe0000001000ull
#define STACK	0xfffffe0000002000ull
#define HANDLER 0xfffffe0000800010ull

/* What page-table isolation leaves to user mode: these pages, and not the gate. */
static void map_entry_area(void)
{
	const uint64_t code = 0x00af9b000000ffffull;
	const uint64_t entry[2] = { (HANDLER & 0xffff) | 0x10ull << 16 | 0x8e00ull << 32 |
					    (HANDLER >> 16 & 0xffff) << 48,
				    HANDLER >> 32 };
	uint8_t *idt = fixture_map(IDT, 0), *gdt = fixture_map(GDT, 0);

	fixture_map(STACK, PTE_WRITE);
	fixture_guest_end(NULL);
	memcpy(idt + 16 * 0xec, entry, sizeof(entry));
	memcpy(gdt + 0x10, &code, sizeof(code));
	fake.vmcs[VMCS_GUEST_IDTR_BASE] = IDT;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xfff;
	fake.vmcs[VMCS_GUEST_GDTR_BASE] = GDT;
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x7f;
	fake.vmcs[VMCS_GUEST_RSP] = STACK + 0x800;
}

/* The interrupt controller waits for its end, and raises no other of its class before. */
static void an_injection_that_failed_is_delivered_by_hand(void **state)
{
	(void)state;
	map_entry_area();
	cpu.away = 0;
	fixture_guest = refuse;
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec;
	assert_int_equal(run_failure(HP_REPORT_ENTRY_FAILED), LEFT);
	assert_true(gate.planted.value != 0);
	assert_int_equal(gate.state.rip, HANDLER);
	assert_int_equal(gate.state.gpr[RSP], STACK + 0x800 - 40);
}

static int exits_in_the_delivery(unsigned entry)
{
	assert_int_equal(entry, 0);
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec;
	fake.vmcs[VMCS_EXIT_REASON] = EXIT_REASON_TASK_SWITCH;
	return VMX_EXITED;
}

static void an_event_that_the_last_exit_interrupted_is_delivered_by_hand(void **state)
{
	(void)state;
	map_entry_area();
	cpu.away = 0;
	fixture_guest = exits_in_the_delivery;
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	assert_int_equal(gate.state.rip, HANDLER);
}

static void an_nmi_that_was_to_be_injected_is_owed(void **state)
{
	(void)state;
	cpu.away = 0;
	cpu.nmis = 1;
	fixture_guest = refuse;
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	assert_int_equal(cpu.nmis, 1);
	assert_int_equal(gate.state.rip, RIP);
}

/* What fails last may be a page fault of root's. */
static int faults_in_the_minimal_loop(unsigned entry)
{
	(void)entry;
	fake.cr2 = FAKE_FAULT;
	retreat(&cpu, HP_REPORT_FAULT, NULL);
}

static void it_has_its_cr2(void **state)
{
	(void)state;
	cpu.away = 0;
	cpu.cr2 = 0x7ffe5000;
	fixture_guest = faults_in_the_minimal_loop;
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	assert_int_equal(trail.trail.report.end, HP_REPORT_ESCAPED);
	assert_int_equal(fake.cr2, 0x7ffe5000);
}

/* No handler: the rest of the guest is worth more. */
static void what_can_not_be_delivered_does_not_keep_it(void **state)
{
	(void)state;
	map_entry_area();
	cpu.away = 0;
	fixture_guest = refuse;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0;
	fake.vmcs[VMCS_IDT_VECTORING] = 0x800000ec;
	assert_int_equal(run_failure(HP_REPORT_ENTRY_FAILED), LEFT);
	assert_int_equal(gate.state.rip, RIP);
	assert_int_equal(trail.trail.report.event, 0x800000ec);
}

#define T(test) cmocka_unit_test_setup(test, prepare)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_gate_is_planted_in_a_slot_that_is_free_in_both),
		cmocka_unit_test_setup(with_5_levels_a_slot_is_larger, prepare_wide),
		T(the_last_free_slot_is_the_first_of_the_upper_half),
		T(two_processors_do_not_take_the_same_slot),
		T(where_the_gate_is_mapped_nothing_is_planted),
		T(out_of_vmx_operation_the_stored_state_counts),
		T(a_retreat_that_fails_escapes),
		T(an_injection_that_failed_is_delivered_by_hand),
		T(an_event_that_the_last_exit_interrupted_is_delivered_by_hand),
		T(an_nmi_that_was_to_be_injected_is_owed),
		T(it_has_its_cr2),
		T(what_can_not_be_delivered_does_not_keep_it),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
