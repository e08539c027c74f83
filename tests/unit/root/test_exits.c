// SPDX-License-Identifier: MIT
/*
 * Root's exit handlers, skipping, injection and NMI order against the rules of the manual, on the
 * fake processor. Each test sets up what the processor would show at an exit, runs the loop for it,
 * and looks at what the guest would find.
 */
#include "fixture.h"

static void cpuid_gives_the_processors_answer(void **state)
{
	(void)state;
	fake.cpuid = (struct cpuid_result){ 0x11111111, 0x22222222, 0x33333333, 0x44444444 };
	cpu.gpr[RAX] = 4;
	assert_int_equal(run_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	assert_int_equal(cpu.gpr[RAX], 0x11111111);
	assert_int_equal(cpu.gpr[RBX], 0x22222222);
	assert_int_equal(cpu.gpr[RCX], 0x33333333);
	assert_int_equal(cpu.gpr[RDX], 0x44444444);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	assert_int_equal(ring.exits[EXIT_REASON_CPUID], 1);
}

static void cpuid_costs_five_reads_and_one_write(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 4;
	assert_int_equal(run_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	print_message("CPUID exit: %u VMREADs, %u VMWRITEs\n", fake.reads, fake.writes);
	assert_in_range(fake.reads, 1, 5);
	assert_int_equal(fake.writes, 1);
}

static void cpuid_takes_osxsave_from_the_guest(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 1;
	fake.cpuid.ecx =
		CPUID_1_ECX_OSXSAVE | CPUID_1_ECX_VMX | CPUID_1_ECX_SMX | CPUID_1_ECX_XSAVE;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RCX], CPUID_1_ECX_XSAVE | CPUID_1_ECX_HYPERVISOR);
	cpu.gpr[RAX] = 1;
	fake.cpuid.ecx = 0;
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_OSXSAVE;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RCX], CPUID_1_ECX_OSXSAVE | CPUID_1_ECX_HYPERVISOR);
}

static void cpuid_takes_ospke_from_the_guest(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 7;
	cpu.gpr[RCX] = 0;
	fake.cpuid.ecx = CPUID_7_ECX_OSPKE;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RCX], 0);
	cpu.gpr[RAX] = 7;
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_PKE;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RCX], CPUID_7_ECX_OSPKE);
}

static void cpuid_hides_instructions_without_control(void **state)
{
	(void)state;
	cpu.controls.proc2 = PROC2_RDTSCP;
	cpu.gpr[RAX] = 7;
	fake.cpuid = (struct cpuid_result){ ~0u, ~0u, ~0u, ~0u };
	run_exit(EXIT_REASON_CPUID);
	assert_false(cpu.gpr[RBX] & CPUID_7_EBX_INVPCID);
	assert_false(cpu.gpr[RCX] & CPUID_7_ECX_WAITPKG);
	cpu.gpr[RAX] = 0x80000001u;
	cpu.gpr[RCX] = 77;
	run_exit(EXIT_REASON_CPUID);
	assert_true(cpu.gpr[RDX] & CPUID_81_EDX_RDTSCP);
	cpu.controls.proc2 = 0;
	cpu.gpr[RAX] = 0x80000001u;
	run_exit(EXIT_REASON_CPUID);
	assert_false(cpu.gpr[RDX] & CPUID_81_EDX_RDTSCP);
}

/* SDM, CPUID: SYSCALL is enumerated as 0 outside 64-bit mode. Root is always in 64-bit mode. */
static void cpuid_shows_syscall_in_64_bit_code_only(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 0x80000001u;
	fake.cpuid.edx = CPUID_81_EDX_SYSCALL | CPUID_81_EDX_LM;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RDX], CPUID_81_EDX_SYSCALL | CPUID_81_EDX_LM);
	cpu.gpr[RAX] = 0x80000001u;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xc09b;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RDX], CPUID_81_EDX_LM);
}

static void cpuid_announces_us(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 0x40000001;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RAX], HP_SIGNATURE);
	cpu.gpr[RAX] = 0x40000000;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RAX], 0x40000001);
	/* Above another hypervisor its leaves stay. */
	machine.cpuid_base = HP_CPUID_BASE_ABOVE;
	fake.cpuid.eax = 0x77;
	cpu.gpr[RAX] = 0x40000001;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RAX], 0x77);
	cpu.gpr[RAX] = 0x40000101;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(cpu.gpr[RAX], HP_SIGNATURE);
}

static void skip_with_tf_traps(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
}

static void skip_with_tf_and_btf_does_not(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_BTF;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG], 0);
}

static void skip_keeps_a_pending_breakpoint(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF;
	fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = PENDING_DEBUG_ENABLED_BREAKPOINT | 1;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_PENDING_DEBUG],
			 PENDING_DEBUG_BS | PENDING_DEBUG_ENABLED_BREAKPOINT | 1);
}

static void skip_ends_sti_and_mov_ss(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI | BLOCKING_NMI;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_MOV_SS;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], 0);
}

static void skip_clears_rf(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_RF;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RFLAGS], RFLAGS_ONE);
}

static void skip_wraps_outside_64_bit_code(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RIP] = 0xfffffffe;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xc09b;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], 0);
	fake.vmcs[VMCS_GUEST_RIP] = 0xfffffffe;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xa09b;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], 0x100000000ull);
}

static void vmx_instructions_are_undefined(void **state)
{
	static const uint32_t reasons[] = {
		EXIT_REASON_VMCLEAR, EXIT_REASON_VMLAUNCH, EXIT_REASON_VMPTRLD, EXIT_REASON_VMPTRST,
		EXIT_REASON_VMREAD,  EXIT_REASON_VMRESUME, EXIT_REASON_VMWRITE, EXIT_REASON_VMXOFF,
		EXIT_REASON_VMXON,   EXIT_REASON_INVEPT,   EXIT_REASON_INVVPID, EXIT_REASON_GETSEC,
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		assert_int_equal(run_exit(reasons[i]), ENTERED_AGAIN);
		expect_exception(VECTOR_UD, false, 0);
	}
}

static void vmcall_is_ours_only_from_the_gate(void **state)
{
	(void)state;
	cpu.gpr[RAX] = GATE_SIGNATURE;
	cpu.gpr[RCX] = GATE_CALL_PING;
	run_exit(EXIT_REASON_VMCALL);
	expect_exception(VECTOR_UD, false, 0);

	fixture_setup(state);
	cpu.gpr[RAX] = GATE_SIGNATURE;
	cpu.gpr[RCX] = GATE_CALL_PING;
	fake.vmcs[VMCS_GUEST_RIP] = GATE_TEXT + 0x100;
	run_exit(EXIT_REASON_VMCALL);
	assert_int_equal(cpu.gpr[RAX], HP_ERROR_OK);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], GATE_TEXT + 0x102);
}

static void vmcall_of_user_mode_is_undefined(void **state)
{
	(void)state;
	cpu.gpr[RAX] = GATE_SIGNATURE;
	cpu.gpr[RCX] = GATE_CALL_LEAVE;
	machine.hypervisor_below = 1;
	machine.gate_text = RIP & ~0xfffull;
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
	assert_int_equal(run_exit(EXIT_REASON_VMCALL), ENTERED_AGAIN);
	expect_exception(VECTOR_UD, false, 0);
	assert_int_equal(below, 0);
	/* A user can't fill the log: nothing but that the processor entered is in it. */
	assert_int_equal(ring.head, 1);
}

/* INIT, a task switch, a reason of tomorrow: the system goes on without us. */
static void unexpected_exits_leave(void **state)
{
	static const uint32_t reason[] = { 3, 9, 35, 63 };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(reason) / sizeof(reason[0]); i++) {
		trail.trail.report.kind = HP_REPORT_NONE;
		assert_int_equal(run_exit(reason[i]), RETREATED);
		assert_int_equal(gate.error, HP_ERROR_INTERNAL);
		assert_int_equal(trail.trail.report.kind, HP_REPORT_UNEXPECTED_EXIT);
		assert_int_equal(trail.trail.report.reason, reason[i]);
	}
}

static void vmcall_goes_to_the_hypervisor_below(void **state)
{
	(void)state;
	machine.hypervisor_below = 1;
	cpu.gpr[RAX] = 5;
	run_exit(EXIT_REASON_VMCALL);
	assert_int_equal(below, 1);
	assert_int_equal(cpu.gpr[RAX], 0x1234);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
}

static void leaving_hands_the_state_over(void **state)
{
	(void)state;
	machine.gate_text = RIP & ~0xfffull;
	cpu.gpr[RAX] = GATE_SIGNATURE;
	cpu.gpr[RCX] = GATE_CALL_LEAVE;
	cpu.gpr[RBX] = 0xb;
	cpu.in_vmx = 1;
	fake.vmcs[VMCS_EXIT_LENGTH] = 3;
	fake.vmcs[VMCS_GUEST_RSP] = 0x5000;
	fake.vmcs[VMCS_GUEST_CR3] = 0x1000;
	fake.vmcs[VMCS_GUEST_DR7] = 0x401;
	fake.vmcs[VMCS_CR4_SHADOW] = CR4_PAE;
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x7f;
	assert_int_equal(run_exit(EXIT_REASON_VMCALL), LEFT);
	assert_int_equal(fake.vmxoff, 1);
	assert_int_equal(gate.in_guest, 0);
	assert_int_equal(gate.state.rip, RIP + 3);
	assert_int_equal(gate.state.gpr[RAX], HP_ERROR_OK);
	assert_int_equal(gate.state.gpr[RBX], 0xb);
	assert_int_equal(gate.state.gpr[RSP], 0x5000);
	assert_int_equal(gate.state.cr4, CR4_PAE);
	assert_int_equal(gate.state.cr3, 0x1000);
	assert_int_equal(gate.state.dr7, 0x401);
	assert_int_equal(gate.state.gdtr.limit, 0x7f);
	assert_true(machine.passed[0] == ~0ull);
}

static void rdmsr_of_nothing_is_the_guests_fault(void **state)
{
	(void)state;
	cpu.gpr[RCX] = 0x40000000;
	run_exit(EXIT_REASON_RDMSR);
	expect_exception(VECTOR_GP, true, 0);
	fixture_setup(state);
	cpu.gpr[RCX] = 0x40000000;
	run_exit(EXIT_REASON_WRMSR);
	expect_exception(VECTOR_GP, true, 0);
}

static void rdmsr_fills_two_halves(void **state)
{
	(void)state;
	fake.msr[0] = (struct fake_msr){ 0x1234, 0xaabbccdd11223344ull, true };
	cpu.gpr[RCX] = 0x1234;
	cpu.gpr[RAX] = cpu.gpr[RDX] = ~0ull;
	run_exit(EXIT_REASON_RDMSR);
	assert_true(cpu.gpr[RAX] == 0x11223344);
	assert_true(cpu.gpr[RDX] == 0xaabbccdd);
	cpu.gpr[RAX] = 0xffffffff00000001ull;
	cpu.gpr[RDX] = 0xffffffff00000002ull;
	run_exit(EXIT_REASON_WRMSR);
	assert_true(fake.msr[0].value == 0x200000001ull);
}

static void vmx_msrs_do_not_exist(void **state)
{
	uint32_t msr;

	(void)state;
	for (msr = IA32_VMX_BASIC; msr <= IA32_VMX_EXIT_CTLS2; msr++) {
		fake.msr[0] = (struct fake_msr){ msr, 1, true };
		cpu.gpr[RCX] = msr;
		run_exit(EXIT_REASON_RDMSR);
		expect_exception(VECTOR_GP, true, 0);
		run_exit(EXIT_REASON_WRMSR);
		expect_exception(VECTOR_GP, true, 0);
	}
}

static void feature_control_reads_as_locked_off(void **state)
{
	(void)state;
	fake.msr[0] = (struct fake_msr){ IA32_FEATURE_CONTROL, 0x100005, true };
	cpu.gpr[RCX] = IA32_FEATURE_CONTROL;
	run_exit(EXIT_REASON_RDMSR);
	assert_int_equal(cpu.gpr[RAX], 0x100001);
	cpu.gpr[RCX] = IA32_FEATURE_CONTROL;
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	run_exit(EXIT_REASON_WRMSR);
	expect_exception(VECTOR_GP, true, 0);
}

static void microcode_is_dropped(void **state)
{
	(void)state;
	fake.msr[0] = (struct fake_msr){ IA32_BIOS_UPDT_TRIG, 0, true };
	cpu.gpr[RCX] = IA32_BIOS_UPDT_TRIG;
	cpu.gpr[RAX] = 0x1000;
	run_exit(EXIT_REASON_WRMSR);
	assert_int_equal(fake.msr[0].value, 0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
}

static void cr4_vmxe_is_reserved(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 4 | (uint64_t)RDX << 8;
	cpu.gpr[RDX] = CR4_PAE | CR4_VMXE;
	run_exit(EXIT_REASON_CR_ACCESS);
	expect_exception(VECTOR_GP, true, 0);
	cpu.gpr[RDX] = CR4_PAE | CR4_SMXE;
	run_exit(EXIT_REASON_CR_ACCESS);
	expect_exception(VECTOR_GP, true, 0);
}

static void cr0_ne_is_shown_as_asked(void **state)
{
	(void)state;
	fake.vmcs[VMCS_CR0_MASK] = CR0_NE;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0 | (uint64_t)RDX << 8;
	cpu.gpr[RDX] = CR0_PE | CR0_PG | CR0_WP | CR0_ET;
	run_exit(EXIT_REASON_CR_ACCESS);
	assert_int_equal(fake.vmcs[VMCS_CR0_SHADOW], CR0_PE | CR0_PG | CR0_WP | CR0_ET);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR0], CR0_PE | CR0_PG | CR0_WP | CR0_ET | CR0_NE);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	/* NW without CD, and upper bits. */
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	cpu.gpr[RDX] |= CR0_NW;
	run_exit(EXIT_REASON_CR_ACCESS);
	expect_exception(VECTOR_GP, true, 0);
	/* CD reaches the processor itself: no entry loads it. */
	cpu.gpr[RDX] = CR0_PE | CR0_PG | CR0_WP | CR0_CD;
	run_exit(EXIT_REASON_CR_ACCESS);
	assert_true(fake.cr0 & CR0_CD);
}

static void xsetbv_is_validated(void **state)
{
	(void)state;
	fake.xcr0_allowed = 7;
	cpu.gpr[RAX] = 3;
	run_exit(EXIT_REASON_XSETBV);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	cpu.gpr[RAX] = 2;
	run_exit(EXIT_REASON_XSETBV);
	expect_exception(VECTOR_GP, true, 0);
}

static void invd_writes_back(void **state)
{
	(void)state;
	run_exit(EXIT_REASON_INVD);
	assert_int_equal(fake.wbinvd, 1);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
}

static void interrupted_events_are_not_lost(void **state)
{
	static const enum event_type types[] = {
		EVENT_EXTERNAL,
		EVENT_NMI,
		EVENT_EXCEPTION,
		EVENT_SOFTWARE_INTERRUPT,
		EVENT_PRIVILEGED_EXCEPTION,
		EVENT_SOFTWARE_EXCEPTION,
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		bool code = types[i] == EVENT_EXCEPTION;
		uint32_t info = event_info(types[i], 0x21, code);

		fake.vmcs[VMCS_GUEST_PHYSICAL_ADDRESS] = 0xfee00020;
		fake.vmcs[VMCS_IDT_VECTORING] = info | 0x1000;
		fake.vmcs[VMCS_IDT_VECTORING_ERROR] = 0x10 + i;
		fake.vmcs[VMCS_EXIT_LENGTH] = i + 1;
		fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_NMI;
		run_exit(EXIT_REASON_EPT_VIOLATION);
		assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], info);
		if (code)
			assert_int_equal(fake.vmcs[VMCS_ENTRY_ERROR_CODE], 0x10 + i);
		if (types[i] >= EVENT_SOFTWARE_INTERRUPT)
			assert_int_equal(fake.vmcs[VMCS_ENTRY_LENGTH], i + 1);
		assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY],
				 types[i] == EVENT_NMI ? 0 : BLOCKING_NMI);
	}
}

static void iret_that_unblocked_nmis_blocks_them_again(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_PHYSICAL_ADDRESS] = 0xfee00020;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = EPT_VIOLATION_READ | EPT_VIOLATION_NMI_UNBLOCKED;
	run_exit(EXIT_REASON_EPT_VIOLATION);
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_NMI);
}

static void an_nmi_reaches_the_guest_at_once(void **state)
{
	(void)state;
	run_exit(EXIT_REASON_EXCEPTION_NMI);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_NMI, VECTOR_NMI, false));
	assert_int_equal(cpu.nmis, 0);
	assert_int_equal(unblocked, 1);
	assert_false(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
}

static void an_nmi_waits_for_its_window(void **state)
{
	static const uint32_t blocked[] = { BLOCKING_NMI, BLOCKING_STI, BLOCKING_MOV_SS };
	unsigned i;

	for (i = 0; i < 3; i++) {
		fixture_setup(state);
		fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = blocked[i];
		run_exit(EXIT_REASON_EXCEPTION_NMI);
		assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
		assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
		assert_int_equal(cpu.nmis, 1);
		fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = 0;
		run_exit(EXIT_REASON_NMI_WINDOW);
	}
	fixture_setup(state);
}

/* Some came in the crossing, some while root made the VMCS: none is lost, two are the most owed. */
static void nmis_of_the_launch_are_added(void **state)
{
	(void)state;
	gate.nmis = 1;
	cpu.nmis = 1;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(gate.nmis, 0);
	assert_int_equal(cpu.nmis, 1); /* one is injected, one waits for its window */
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
}

static void an_nmi_does_not_displace_an_interrupted_event(void **state)
{
	uint32_t info = event_info(EVENT_EXTERNAL, 0x30, false);

	(void)state;
	fake.vmcs[VMCS_IDT_VECTORING] = info;
	run_exit(EXIT_REASON_EXCEPTION_NMI);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION], info);
	assert_int_equal(cpu.nmis, 1);
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_NMI_WINDOW);
}

static void segments_survive_a_round_trip(void **state)
{
	const struct segment_state tr = { 0xfffffe0000003000ull, 0x206f, 0x8b, 0x40 };
	const struct segment_state fs = { 0x12345678, 0xffffffff, 0xc0f3, 0x33 };
	struct segment_state back;

	(void)state;
	segment_store(&gate, SEG_TR, &tr);
	assert_true(segment_load(&gate, SEG_TR, &back));
	assert_true(back.base == tr.base);
	assert_int_equal(back.limit, tr.limit);
	/* LTR wants an available TSS. */
	assert_int_equal(back.rights, 0x89);
	segment_store(&gate, SEG_FS, &fs);
	assert_true(segment_load(&gate, SEG_FS, &back));
	assert_true(back.base == fs.base);
	assert_int_equal(back.limit, fs.limit);
	assert_int_equal(back.rights, fs.rights);
	assert_int_equal(back.selector, fs.selector);
	gate.state.selector[SEG_GS] = 0x0f;
	assert_false(segment_load(&gate, SEG_GS, &back));
	gate.state.selector[SEG_GS] = 3;
	assert_true(segment_load(&gate, SEG_GS, &back));
	assert_int_equal(back.rights, RIGHTS_UNUSABLE);
}

static void a_failed_first_entry_is_reported(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 4;
	assert_int_equal(run_exit(EXIT_REASON_ENTRY_FAILED | EXIT_REASON_ENTRY_GUEST_STATE),
			 FAULTED);
	assert_int_equal(gate.detail[0], EXIT_REASON_ENTRY_FAILED | 33);
	assert_int_equal(gate.detail[1], 4);
	assert_int_equal(ring.record[ring.head - 1].format, RECORD_ENTRY_FAILED);
}

/* The error is of the entry, not of the VMREAD of a field that the processor lacks. */
static void a_report_has_the_entrys_error(void **state)
{
	const struct hp_report *report = &trail.trail.report;
	unsigned at = VMCS_AT_TSC_MULTIPLIER;

	(void)state;
	fake.missing_field = vmcs_fields[at].encoding;
	fake.vmcs[VMCS_EXIT_REASON] = EXIT_REASON_CPUID;
	fake.vmcs[VMCS_INSTRUCTION_ERROR] = 7;
	report_write(&cpu, HP_REPORT_ENTRY_FAILED, NULL);
	assert_int_equal(report->kind, HP_REPORT_ENTRY_FAILED);
	assert_int_equal(report->instruction_error, 7);
	assert_int_equal(report->present[at / 64] >> (at % 64) & 1, 0);
}

#define T(test) cmocka_unit_test_setup(test, fixture_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(cpuid_gives_the_processors_answer),
		T(cpuid_costs_five_reads_and_one_write),
		T(cpuid_takes_osxsave_from_the_guest),
		T(cpuid_takes_ospke_from_the_guest),
		T(cpuid_hides_instructions_without_control),
		T(cpuid_shows_syscall_in_64_bit_code_only),
		T(cpuid_announces_us),
		T(skip_with_tf_traps),
		T(skip_with_tf_and_btf_does_not),
		T(skip_keeps_a_pending_breakpoint),
		T(skip_ends_sti_and_mov_ss),
		T(skip_clears_rf),
		T(skip_wraps_outside_64_bit_code),
		T(vmx_instructions_are_undefined),
		T(vmcall_is_ours_only_from_the_gate),
		T(vmcall_of_user_mode_is_undefined),
		T(unexpected_exits_leave),
		T(vmcall_goes_to_the_hypervisor_below),
		T(leaving_hands_the_state_over),
		T(rdmsr_of_nothing_is_the_guests_fault),
		T(rdmsr_fills_two_halves),
		T(vmx_msrs_do_not_exist),
		T(feature_control_reads_as_locked_off),
		T(microcode_is_dropped),
		T(cr4_vmxe_is_reserved),
		T(cr0_ne_is_shown_as_asked),
		T(xsetbv_is_validated),
		T(invd_writes_back),
		T(interrupted_events_are_not_lost),
		T(iret_that_unblocked_nmis_blocks_them_again),
		T(an_nmi_reaches_the_guest_at_once),
		T(an_nmi_waits_for_its_window),
		T(nmis_of_the_launch_are_added),
		T(an_nmi_does_not_displace_an_interrupted_event),
		T(segments_survive_a_round_trip),
		T(a_failed_first_entry_is_reported),
		T(a_report_has_the_entrys_error),
	};

	return cmocka_run_group_tests_name("root: exits", tests, NULL, NULL);
}
