// SPDX-License-Identifier: MIT
/*
 * Retreat: when root fails, the guest goes on natively where the gate is mapped, else in the
 * minimal loop until it is. The tests play the guest that is entered again (fixture_guest).
 */
#include "fixture.h"

#include <setjmp.h>
#include <signal.h>

#define OTHER_CR3 0xabc000ull

static uint32_t played;

static int play(unsigned entry)
{
	if (entry)
		fixture_stop();
	fake.vmcs[VMCS_EXIT_REASON] = played;
	return VMX_EXITED;
}

/* One exit in the minimal loop, by the state as it is. */
static enum ending minimal_exit(uint32_t reason)
{
	fixture_guest = play;
	played = reason;
	return run_failure(HP_REPORT_FAULT);
}

/* --- Away at once --- */

static void where_the_gate_is_mapped_it_leaves_at_once(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 0x11;
	cpu.gpr[R15] = 0x15;
	cpu.nmis = 1;
	fake.vmcs[VMCS_GUEST_RSP] = 0x4000;
	fake.vmcs[VMCS_CR4_SHADOW] = CR4_PGE;
	*cpu.stuck = ~0ull;
	assert_int_equal(run_failure(HP_REPORT_STUCK), LEFT);
	assert_ptr_equal(left_by, &gate);
	assert_int_equal(left_to, machine.gate_leave);
	assert_int_equal(fake.vmxoff, 1);
	assert_int_equal(gate.in_guest, 0);
	assert_int_equal(gate.error, HP_ERROR_INTERNAL);
	assert_int_equal(gate.state.rip, RIP);
	assert_int_equal(gate.state.gpr[RSP], 0x4000);
	assert_int_equal(gate.state.gpr[RAX], 0x11);
	assert_int_equal(gate.state.gpr[R15], 0x15);
	assert_int_equal(gate.state.cr3, fake.vmcs[VMCS_GUEST_CR3]);
	assert_int_equal(gate.state.cr4, CR4_PAE);
	assert_int_equal(gate.planted.value, 0);
	assert_int_equal(trail.trail.report.kind, HP_REPORT_STUCK);
	assert_int_equal(trail.trail.report.end, HP_REPORT_RETREATED);
	assert_int_equal(trail.trail.report.event, 0);
	/* Its own bit only. */
	assert_int_equal(*cpu.stuck, ~1ull);
	assert_int_equal(unblocked, 1);
	assert_int_equal(cpu.nmis, 1);
}

/* IRETQ would take another one than it has: of user mode, that of IA32_PL3_SSP. */
static void with_a_shadow_stack_it_runs_on_as_the_guest(void **state)
{
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_CET;
	fake.msr[0] = (struct fake_msr){ IA32_U_CET, 1, true };
	fake.vmcs[VMCS_GUEST_CS] = 0x33;
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
	expect_minimal_loop(HP_REPORT_FAULT);
	/* In the kernel that one does not count. */
	fixture_setup_open(state);
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_CET;
	fake.msr[0] = (struct fake_msr){ IA32_U_CET, 1, true };
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	fixture_setup_open(state);
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_CET;
	fake.msr[0] = (struct fake_msr){ IA32_S_CET, 1, true };
	expect_minimal_loop(HP_REPORT_FAULT);
}

/* The instruction is executed again, natively. */
static void an_exit_that_was_not_dealt_with_is_executed_again(void **state)
{
	(void)state;
	retreat_goes_on = true;
	cpu.gpr[RAX] = 0x80000001;
	cpu.gpr[RCX] = 7;
	fake.cpuid.eax = 0x1234;
	fake.failing_write = 1;
	assert_int_equal(run_exit(EXIT_REASON_CPUID), LEFT);
	assert_int_equal(gate.state.rip, RIP);
	assert_int_equal(gate.state.gpr[RAX], 0x80000001);
	assert_int_equal(gate.state.gpr[RCX], 7);
}

static int second_entry_fails(unsigned entry)
{
	(void)entry;
	fake.vmcs[VMCS_GUEST_DR7] = BIT64(40) | 1;
	return VMX_FAILED;
}

static void an_entry_that_fails_undoes_the_last_exit(void **state)
{
	(void)state;
	retreat_goes_on = true;
	fixture_guest = second_entry_fails;
	fake.vmcs[VMCS_INSTRUCTION_ERROR] = 7;
	assert_int_equal(run_exit(EXIT_REASON_CPUID), LEFT);
	assert_int_equal(gate.state.rip, RIP);
	assert_int_equal(gate.error, HP_ERROR_ENTRY_FAILED);
	assert_int_equal(gate.detail[0], 0);
	assert_int_equal(gate.detail[1], 7);
	assert_int_equal(trail.trail.report.kind, HP_REPORT_ENTRY_FAILED);
	assert_int_equal(trail.trail.report.instruction_error, 7);
	/* And has a state that the processor takes. */
	assert_int_equal(gate.state.dr7, DR7_FIXED | 1);
}

/* Before its first entry the processor is the OS's still: the start is refused. */
static void before_the_first_entry_the_start_is_refused(void **state)
{
	(void)state;
	gate.in_guest = 0;
	gate.state.rip = 0x7777;
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	assert_int_equal(gate.state.rip, 0x7777);
	assert_int_equal(gate.state.gpr[RAX], HP_ERROR_INTERNAL);
	assert_int_equal(gate.error, HP_ERROR_INTERNAL);
	assert_int_equal(fake.vmxoff, 1);
	/* It has got away: nothing is under way any more. */
	assert_int_equal(trail.trail.report.end, HP_REPORT_RETREATED);
}

/* --- Is the gate there? --- */

enum page { TEXT, PAGE };

static void the_gate_counts_only_as_root_has_it(void **state)
{
	static const struct {
		const char *what;
		uint64_t text, page;
		bool text_elsewhere, page_elsewhere, is_open;
	} cases[] = {
		{ "as it should be", PTE_PRESENT, PTE_PRESENT | PTE_WRITE | PTE_NX, 0, 0, true },
		{ "text writable, page executable", PTE_PRESENT | PTE_WRITE,
		  PTE_PRESENT | PTE_WRITE, 0, 0, true },
		{ "no text", 0, PTE_PRESENT | PTE_WRITE, 0, 0, false },
		{ "no page", PTE_PRESENT, 0, 0, 0, false },
		{ "other text", PTE_PRESENT, PTE_PRESENT | PTE_WRITE, true, 0, false },
		{ "another page", PTE_PRESENT, PTE_PRESENT | PTE_WRITE, 0, true, false },
		{ "the user's text", PTE_PRESENT | PTE_USER, PTE_PRESENT | PTE_WRITE, 0, 0, false },
		{ "the user's page", PTE_PRESENT, PTE_PRESENT | PTE_WRITE | PTE_USER, 0, 0, false },
		{ "text not executable", PTE_PRESENT | PTE_NX, PTE_PRESENT | PTE_WRITE, 0, 0,
		  false },
		{ "page not writable", PTE_PRESENT, PTE_PRESENT, 0, 0, false },
	};
	uint64_t cr3;
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup_closed(state);
		cr3 = fake.vmcs[VMCS_GUEST_CR3];
		fixture_map_to(GATE_TEXT,
			       cases[i].text_elsewhere ? phys(fixture_text.value + 0x1000)
						       : fixture_text,
			       cases[i].text);
		fixture_map_to((uintptr_t)&gate,
			       cases[i].page_elsewhere ? fixture_text : fixture_page,
			       cases[i].page);
		if (!(cases[i].text & PTE_PRESENT))
			fixture_map_to(GATE_TEXT, fixture_text, 0);
		if (escape_is_open(&cpu, cr3 | 0x7) != cases[i].is_open &&
		    (cases[i].text & PTE_PRESENT) && (cases[i].page & PTE_PRESENT))
			fail_msg("%s", cases[i].what);
	}
	/* Either of them alone. */
	fixture_setup_closed(state);
	fixture_map_to(GATE_TEXT, fixture_text, 0);
	assert_false(escape_is_open(&cpu, fake.vmcs[VMCS_GUEST_CR3]));
	fixture_setup_closed(state);
	fixture_map_to((uintptr_t)&gate, fixture_page, PTE_WRITE);
	assert_false(escape_is_open(&cpu, fake.vmcs[VMCS_GUEST_CR3]));
	/* A table that root can't reach. */
	fixture_setup_open(state);
	assert_true(escape_is_open(&cpu, fake.vmcs[VMCS_GUEST_CR3]));
	fake.outside = (void *)(uintptr_t)fake.vmcs[VMCS_GUEST_CR3];
	assert_false(escape_is_open(&cpu, fake.vmcs[VMCS_GUEST_CR3]));
}

/* Rights are those of all levels together; a leaf may be a large one. */
static void rights_and_leaves_of_every_level_count(void **state)
{
	struct paging_format format = { PTE_PRESENT, PTE_LARGE, PTE_PRESENT | PTE_WRITE };
	struct paging guest = { &format, &fixture_tables, fixture_take(), 4, 2 };
	struct paging root = { &paging_x86, &fixture_tables, { 0 }, 4, 1 };
	const uint64_t base = GATE_TEXT & ~(uint64_t)(SIZE_2M - 1), target = 0x40000000;
	uint64_t cr3;

	(void)state;
	/* Tables that only the supervisor may use make the user's page none. */
	cr3 = guest.top.value;
	assert_true(paging_map(&guest, (uintptr_t)&gate, fixture_page, SIZE_4K,
			       PTE_PRESENT | PTE_WRITE | PTE_USER));
	assert_true(paging_map(&guest, GATE_TEXT, fixture_text, SIZE_4K, PTE_PRESENT | PTE_USER));
	assert_true(escape_is_open(&cpu, cr3));

	root.top = machine.root_top;
	assert_true(paging_map(&root, GATE_TEXT, phys(target + (GATE_TEXT - base)), SIZE_4K,
			       PTE_PRESENT));
	assert_false(escape_is_open(&cpu, cr3));
	guest.top = fixture_take();
	cr3 = guest.top.value;
	guest.largest = 1;
	assert_true(paging_map(&guest, (uintptr_t)&gate, fixture_page, SIZE_4K,
			       PTE_PRESENT | PTE_WRITE));
	guest.largest = 2;
	assert_true(paging_map(&guest, base, phys(target), SIZE_2M, PTE_PRESENT));
	assert_true(escape_is_open(&cpu, cr3));
	assert_true(paging_map(&guest, base, phys(target + SIZE_2M), SIZE_2M, PTE_PRESENT));
	assert_false(escape_is_open(&cpu, cr3));

	/* And tables that may not be written or executed forbid it. */
	guest.top = fixture_take();
	cr3 = guest.top.value;
	guest.largest = 1;
	format.table = PTE_PRESENT;
	assert_true(paging_map(&guest, (uintptr_t)&gate, fixture_page, SIZE_4K,
			       PTE_PRESENT | PTE_WRITE));
	assert_true(paging_map(&guest, GATE_TEXT, phys(target + (GATE_TEXT - base)), SIZE_4K,
			       PTE_PRESENT));
	assert_false(escape_is_open(&cpu, cr3));
}

/* --- The minimal loop --- */

static void the_minimal_loop_has_the_controls_that_it_must(void **state)
{
	(void)state;
	cpu.controls.pin = PIN_NMI | PIN_VIRTUAL_NMIS;
	cpu.capability.proc2 =
		(uint64_t)(PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | PROC2_WBINVD) << 32;
	cpu.controls.proc2 = PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | PROC2_WBINVD;
	fake.vmcs[VMCS_EXCEPTION_BITMAP] = ~0u;
	fake.vmcs[VMCS_GUEST_CR0] |= CR0_TS;
	fake.vmcs[VMCS_CR4_MASK] = ~0ull;
	fake.vmcs[VMCS_CR4_SHADOW] = CR4_PAE | CR4_PGE;
	fake.invvpid = 0;
	ring.exits_total = 9;
	ring.entered = 8;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_PIN_CONTROLS] & (PIN_NMI | PIN_VIRTUAL_NMIS), 0);
	assert_int_equal(fake.vmcs[VMCS_PROC_CONTROLS],
			 PROC_CR3_LOAD | PROC_MSR_BITMAPS | PROC_SECONDARY);
	assert_int_equal(fake.vmcs[VMCS_PROC_CONTROLS2], PROC2_VPID);
	assert_int_equal(fake.vmcs[VMCS_EXCEPTION_BITMAP], 0);
	assert_int_equal(fake.vmcs[VMCS_MSR_BITMAP], machine.blank.value);
	assert_int_equal(fake.vmcs[VMCS_CR0_MASK], cpu.capability.cr0_fixed0);
	assert_int_equal(fake.vmcs[VMCS_CR4_MASK], CR4_VMXE);
	/* What the guest reads is what it was. */
	assert_int_equal(guest_cr0(), CR0_PE | CR0_NE | CR0_PG | CR0_WP | CR0_TS);
	assert_int_equal(guest_cr4(), CR4_PAE | CR4_PGE);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR4], CR4_PAE | CR4_PGE | CR4_VMXE);
	assert_true(fake.invvpid > 0);
	assert_int_equal(trail.trail.report.end, HP_REPORT_UNDER_WAY);
	/* The exit that failed is behind it: the watch must not call it back. */
	assert_int_equal(ring.entered, ring.exits_total);
}

/* A processor that can't do without is left what it needs. */
static void a_control_that_must_be_set_stays(void **state)
{
	(void)state;
	cpu.capability.pin |= PIN_NMI;
	expect_minimal_loop(HP_REPORT_FAULT);
	assert_int_equal(fake.vmcs[VMCS_PIN_CONTROLS], PIN_NMI);
}

static void expect_next(unsigned bytes)
{
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + bytes);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
}

static void expect_fault(enum vector vector, bool has_code)
{
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, vector, has_code));
	if (has_code)
		assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], 0);
}

static void minimal_cpuid(void **state)
{
	(void)state;
	fake.cpuid = (struct cpuid_result){ 0x11111111, 0x22222222, 0x33333333, 0x44444444 };
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_RF;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI | BLOCKING_NMI;
	assert_int_equal(minimal_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	assert_int_equal(cpu.gpr[RAX], 0x11111111);
	assert_int_equal(cpu.gpr[RBX], 0x22222222);
	assert_int_equal(cpu.gpr[RCX], 0x33333333);
	assert_int_equal(cpu.gpr[RDX], 0x44444444);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
	expect_next(2);
}

static void minimal_rip_has_32_bits_outside_of_64_bit_code(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xc09b;
	fake.vmcs[VMCS_GUEST_RIP] = 0xffffffff;
	assert_int_equal(minimal_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], 1);
}

/* SDM: Single-Stepping: the trap comes behind the instruction; with BTF, behind a branch only. */
static void minimal_completion_traps(void **state)
{
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	assert_int_equal(minimal_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	if (fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID)
		assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
				 event_info(EVENT_EXCEPTION, VECTOR_DB, false));
	else
		assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
	fixture_setup_closed(state);
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_BTF;
	assert_int_equal(minimal_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	expect_next(2);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], 0);
}

static void minimal_cr3(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x303;
	cpu.gpr[RBX] = OTHER_CR3 | 5 | CR3_KEEP_TLB;
	fake.outside = (void *)(uintptr_t)OTHER_CR3;
	fake.invvpid = 0;
	assert_int_equal(minimal_exit(EXIT_REASON_CR_ACCESS), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], OTHER_CR3 | 5);
	assert_in_range(fake.invvpid, 2, 9);
	expect_next(2);
}

static void minimal_cr3_from_the_stack_pointer(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x403;
	fake.vmcs[VMCS_GUEST_RSP] = OTHER_CR3;
	cpu.gpr[RSP] = 0x123000;
	fake.outside = (void *)(uintptr_t)OTHER_CR3;
	assert_int_equal(minimal_exit(EXIT_REASON_CR_ACCESS), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], OTHER_CR3);
}

static void minimal_cr0_and_cr4(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x300;
	cpu.gpr[RBX] = CR0_PE | CR0_PG | CR0_WP | CR0_TS;
	assert_int_equal(minimal_exit(EXIT_REASON_CR_ACCESS), ENTERED_AGAIN);
	assert_int_equal(guest_cr0(), CR0_PE | CR0_PG | CR0_WP | CR0_TS);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR0], CR0_PE | CR0_PG | CR0_WP | CR0_TS | CR0_NE);
	expect_next(2);
	fixture_setup_closed(state);
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x304;
	cpu.gpr[RBX] = CR4_PAE | CR4_VMXE | CR4_DE;
	assert_int_equal(minimal_exit(EXIT_REASON_CR_ACCESS), ENTERED_AGAIN);
	assert_int_equal(guest_cr4(), CR4_PAE | CR4_VMXE | CR4_DE);
	fixture_setup_closed(state);
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x304;
	cpu.gpr[RBX] = CR4_PAE;
	assert_int_equal(minimal_exit(EXIT_REASON_CR_ACCESS), ENTERED_AGAIN);
	assert_int_equal(guest_cr4(), CR4_PAE);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR4], CR4_PAE | CR4_VMXE);
}

static void minimal_msrs(void **state)
{
	(void)state;
	fake.msr[0] = (struct fake_msr){ 0x40000000, 0x1122334455667788, true };
	cpu.gpr[RCX] = 0xffffffff40000000;
	cpu.gpr[RAX] = cpu.gpr[RDX] = ~0ull;
	assert_int_equal(minimal_exit(EXIT_REASON_RDMSR), ENTERED_AGAIN);
	assert_int_equal(cpu.gpr[RAX], 0x55667788);
	assert_int_equal(cpu.gpr[RDX], 0x11223344);
	expect_next(2);
	fixture_setup_closed(state);
	fake.msr[0] = (struct fake_msr){ 0x40000000, 0, true };
	cpu.gpr[RCX] = 0x40000000;
	cpu.gpr[RAX] = 0xffffffff00000001;
	cpu.gpr[RDX] = 0xffffffff00000002;
	assert_int_equal(minimal_exit(EXIT_REASON_WRMSR), ENTERED_AGAIN);
	assert_int_equal(fake.msr[0].value, 0x200000001);
	expect_next(2);
	fixture_setup_closed(state);
	cpu.gpr[RCX] = 0x41;
	cpu.gpr[RAX] = 0x77;
	assert_int_equal(minimal_exit(EXIT_REASON_RDMSR), ENTERED_AGAIN);
	expect_fault(VECTOR_GP, true);
	assert_int_equal(cpu.gpr[RAX], 0x77);
	fixture_setup_closed(state);
	cpu.gpr[RCX] = 0x41;
	assert_int_equal(minimal_exit(EXIT_REASON_WRMSR), ENTERED_AGAIN);
	expect_fault(VECTOR_GP, true);
}

static void minimal_xsetbv(void **state)
{
	(void)state;
	fake.xcr0_allowed = 7;
	cpu.gpr[RAX] = 0xffffffff00000007;
	assert_int_equal(minimal_exit(EXIT_REASON_XSETBV), ENTERED_AGAIN);
	expect_next(2);
	fixture_setup_closed(state);
	fake.xcr0_allowed = 7;
	cpu.gpr[RAX] = 7;
	cpu.gpr[RDX] = 1;
	assert_int_equal(minimal_exit(EXIT_REASON_XSETBV), ENTERED_AGAIN);
	expect_fault(VECTOR_GP, true);
}

static void minimal_invd_writes_back(void **state)
{
	(void)state;
	assert_int_equal(minimal_exit(EXIT_REASON_INVD), ENTERED_AGAIN);
	assert_int_equal(fake.wbinvd, 1);
	expect_next(2);
}

static void minimal_vmcalls(void **state)
{
	static const struct {
		uint64_t rax, rcx, rip;
		uint32_t ss;
		bool is_ours;
		uint64_t result;
	} cases[] = {
		{ GATE_SIGNATURE, GATE_CALL_LEAVE, GATE_TEXT, 0xc093, true, HP_ERROR_OK },
		{ GATE_SIGNATURE, GATE_CALL_SYNC, GATE_TEXT + 0xfff, 0xc093, true,
		  HP_ERROR_NOT_RUNNING },
		{ GATE_SIGNATURE, GATE_CALL_LEAVE, GATE_TEXT + 0x1000, 0xc093, false, 0 },
		{ GATE_SIGNATURE, GATE_CALL_LEAVE, GATE_TEXT - 1, 0xc093, false, 0 },
		{ GATE_SIGNATURE, GATE_CALL_LEAVE, GATE_TEXT, 0xc0f3, false, 0 },
		{ 5, GATE_CALL_LEAVE, GATE_TEXT, 0xc093, false, 0 },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup_closed(state);
		cpu.gpr[RAX] = cases[i].rax;
		cpu.gpr[RCX] = cases[i].rcx;
		fake.vmcs[VMCS_GUEST_RIP] = cases[i].rip;
		fake.vmcs[VMCS_GUEST_SS_RIGHTS] = cases[i].ss;
		assert_int_equal(minimal_exit(EXIT_REASON_VMCALL), ENTERED_AGAIN);
		if (!cases[i].is_ours) {
			assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
					 event_info(EVENT_EXCEPTION, VECTOR_UD, false));
			assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], cases[i].rip);
			continue;
		}
		assert_int_equal(cpu.gpr[RAX], cases[i].result);
		assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], cases[i].rip + 2);
	}
}

static void minimal_vmx_instructions_are_undefined(void **state)
{
	static const uint32_t reasons[] = {
		EXIT_REASON_VMCLEAR, EXIT_REASON_VMLAUNCH, EXIT_REASON_VMPTRLD, EXIT_REASON_VMPTRST,
		EXIT_REASON_VMREAD,  EXIT_REASON_VMRESUME, EXIT_REASON_VMWRITE, EXIT_REASON_VMXOFF,
		EXIT_REASON_VMXON,   EXIT_REASON_INVEPT,   EXIT_REASON_INVVPID, EXIT_REASON_GETSEC,
	};
	unsigned i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		fixture_setup_closed(state);
		assert_int_equal(minimal_exit(reasons[i]), ENTERED_AGAIN);
		expect_fault(VECTOR_UD, false);
	}
}

static sigjmp_buf shut_down;

static void on_signal(int number)
{
	(void)number;
	siglongjmp(shut_down, 1);
}

/* As the bare processor: no VMX operation, and then an instruction that no process may execute. */
static void minimal_triple_fault_shuts_down(void **state)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };
	struct sigaction old;

	(void)state;
	assert_int_equal(sigaction(SIGSEGV, &action, &old), 0);
	if (sigsetjmp(shut_down, 1) == 0) {
		minimal_exit(EXIT_REASON_TRIPLE_FAULT);
		fail();
	}
	sigaction(SIGSEGV, &old, NULL);
	assert_int_equal(fake.vmxoff, 1);
	assert_int_equal(ring.record[ring.head - 1].format, RECORD_TRIPLE_FAULT);
}

static uint64_t open_cr3;

/* It makes a CPUID, goes to another address space without the gate, and to one that has it. */
static int goes_home(unsigned entry)
{
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x303;
	fake.vmcs[VMCS_EXIT_REASON] = entry ? EXIT_REASON_CR_ACCESS : EXIT_REASON_CPUID;
	cpu.gpr[RBX] = entry == 2 ? open_cr3 : OTHER_CR3;
	fake.outside = (void *)(uintptr_t)OTHER_CR3;
	assert_in_range(entry, 0, 2);
	return VMX_EXITED;
}

static void go_home(void **state)
{
	fixture_setup_open(state);
	open_cr3 = fake.vmcs[VMCS_GUEST_CR3];
	fake.vmcs[VMCS_GUEST_CR3] = OTHER_CR3;
	fake.outside = (void *)(uintptr_t)OTHER_CR3;
	fixture_guest = goes_home;
}

static void it_leaves_at_the_first_cr3_that_has_the_gate(void **state)
{
	go_home(state);
	assert_int_equal(run_failure(HP_REPORT_FAULT), LEFT);
	assert_int_equal(fake.vmxoff, 1);
	assert_int_equal(trail.trail.report.end, HP_REPORT_RETREATED_LATER);
	assert_int_equal(trail.trail.report.again, 0);
	assert_ptr_equal(left_by, &gate);
	/* Behind its MOV to CR3. */
	assert_int_equal(gate.state.rip, RIP + 6);
	assert_int_equal(gate.state.cr3, open_cr3);
}

/* A planted entry shows that it escaped. */
static void expect_escape(enum ending ending)
{
	assert_int_equal(ending, LEFT);
	assert_int_equal(trail.trail.report.end, HP_REPORT_ESCAPED);
	assert_true(trail.trail.report.again >= 1);
	assert_true(gate.planted.value != 0);
	assert_int_equal(fake.vmxoff, 1);
}

static void anything_else_escapes(void **state)
{
	static const uint32_t reasons[] = {
		EXIT_REASON_EXCEPTION_NMI,
		EXIT_REASON_EPT_VIOLATION,
		EXIT_REASON_TASK_SWITCH,
		EXIT_REASON_IO,
		EXIT_REASON_ENTRY_FAILED | EXIT_REASON_ENTRY_GUEST_STATE,
	};
	unsigned i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		fixture_setup_closed(state);
		machine.alias = 0x5003;
		expect_escape(minimal_exit(reasons[i]));
	}
	/* CLTS, and a control register that has no fixed bits. */
	fixture_setup_closed(state);
	machine.alias = 0x5003;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x20;
	expect_escape(minimal_exit(EXIT_REASON_CR_ACCESS));
	fixture_setup_closed(state);
	machine.alias = 0x5003;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x308;
	expect_escape(minimal_exit(EXIT_REASON_CR_ACCESS));
}

static unsigned exits;

static int goes_round_and_round(unsigned entry)
{
	exits = entry + 1;
	fake.vmcs[VMCS_EXIT_REASON] = EXIT_REASON_INVD;
	return VMX_EXITED;
}

static void the_minimal_loop_has_an_end(void **state)
{
	(void)state;
	machine.alias = 0x5003;
	fixture_guest = goes_round_and_round;
	expect_escape(run_failure(HP_REPORT_FAULT));
	assert_in_range(exits, 1000000, 10000000);
}

static int steps_home(unsigned entry)
{
	assert_int_equal(entry, 0);
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x303;
	fake.vmcs[VMCS_EXIT_REASON] = EXIT_REASON_CR_ACCESS;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0;
	cpu.gpr[RBX] = open_cr3;
	fixture_guest = fixture_stop_at_once;
	return VMX_EXITED;
}

/* It is due behind the MOV to CR3, natively: where it can't be delivered so, the entry does it. */
static void a_single_step_over_the_last_cr3_is_not_lost(void **state)
{
	go_home(state);
	fixture_guest = steps_home;
	assert_int_equal(run_failure(HP_REPORT_FAULT), ENTERED_AGAIN);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], open_cr3);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_DB, false));
}

#define T(test)	     cmocka_unit_test_setup(test, fixture_setup_closed)
#define T_OPEN(test) cmocka_unit_test_setup(test, fixture_setup_open)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T_OPEN(where_the_gate_is_mapped_it_leaves_at_once),
		T_OPEN(with_a_shadow_stack_it_runs_on_as_the_guest),
		T_OPEN(an_exit_that_was_not_dealt_with_is_executed_again),
		T_OPEN(an_entry_that_fails_undoes_the_last_exit),
		T_OPEN(before_the_first_entry_the_start_is_refused),
		T(the_gate_counts_only_as_root_has_it),
		T(rights_and_leaves_of_every_level_count),
		T(the_minimal_loop_has_the_controls_that_it_must),
		T(a_control_that_must_be_set_stays),
		T(minimal_cpuid),
		T(minimal_rip_has_32_bits_outside_of_64_bit_code),
		T(minimal_completion_traps),
		T(minimal_cr3),
		T(minimal_cr3_from_the_stack_pointer),
		T(minimal_cr0_and_cr4),
		T(minimal_msrs),
		T(minimal_xsetbv),
		T(minimal_invd_writes_back),
		T(minimal_vmcalls),
		T(minimal_vmx_instructions_are_undefined),
		T(minimal_triple_fault_shuts_down),
		T(it_leaves_at_the_first_cr3_that_has_the_gate),
		T(anything_else_escapes),
		T(the_minimal_loop_has_an_end),
		T(a_single_step_over_the_last_cr3_is_not_lost),
	};

	return cmocka_run_group_tests_name("retreat", tests, NULL, NULL);
}
