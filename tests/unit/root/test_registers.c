// SPDX-License-Identifier: MIT
/*
 * Control registers, debug registers and MSRs that exit because somebody watches them: each access
 * ends as on the bare processor.
 */
#include "fixture.h"

#define QUALIFICATION_CR(number, access, gpr) ((number) | (access) << 4 | (gpr) << 8)
enum { MOV_TO, MOV_FROM, CLTS, LMSW };

static void cr_exit(unsigned number, unsigned access, unsigned gpr)
{
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = QUALIFICATION_CR(number, access, gpr);
	assert_int_equal(run_exit(EXIT_REASON_CR_ACCESS), ENTERED_AGAIN);
}

static void expect_skipped(void)
{
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
}

static void expect_gp(void)
{
	expect_exception(VECTOR_GP, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
}

/* All bits of CR0 and CR4 exit. */
static void own_all(void)
{
	cr_own(&cpu, ~0ull, ~0ull);
}

static void owning_keeps_what_the_guest_reads(void **state)
{
	(void)state;
	fake.vmcs[VMCS_CR0_MASK] = CR0_NE;
	fake.vmcs[VMCS_CR0_SHADOW] = 0; /* the guest cleared NE */
	fake.vmcs[VMCS_GUEST_CR0] = CR0_PE | CR0_NE | CR0_TS | CR0_PG;
	own_all();
	assert_int_equal(guest_cr0(), CR0_PE | CR0_TS | CR0_PG);
	assert_int_equal(fake.vmcs[VMCS_CR0_SHADOW], CR0_PE | CR0_TS | CR0_PG);
	fake.vmcs[VMCS_GUEST_CR4] = CR4_PAE | CR4_VMXE | CR4_DE;
	cr_own(&cpu, 0, 0);
	assert_int_equal(fake.vmcs[VMCS_CR4_MASK], CR4_VMXE | CR4_SMXE);
	assert_int_equal(fake.vmcs[VMCS_CR0_MASK], CR0_NE);
	assert_int_equal(guest_cr0(), CR0_PE | CR0_TS | CR0_PG);
}

static void clts_clears_ts_in_both(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_CR0] |= CR0_TS;
	own_all();
	cr_exit(0, CLTS, 0);
	expect_skipped();
	assert_false(guest_cr0() & CR0_TS);
	assert_false(fake.vmcs[VMCS_GUEST_CR0] & CR0_TS);
}

/* LMSW changes MP, EM, TS and sets PE; it takes NE from what the guest reads. */
static void lmsw_leaves_the_rest(void **state)
{
	(void)state;
	fake.vmcs[VMCS_CR0_MASK] = CR0_NE;
	own_all();
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = LMSW << 4 | (CR0_TS | CR0_MP | 0xff00) << 16;
	run_exit(EXIT_REASON_CR_ACCESS);
	expect_skipped();
	assert_int_equal(guest_cr0(), CR0_PE | CR0_TS | CR0_MP | CR0_ET | CR0_WP | CR0_PG);
	assert_true(fake.vmcs[VMCS_GUEST_CR0] & CR0_NE);
}

static void reserved_bits_of_cr0(void **state)
{
	(void)state;
	own_all();
	cpu.gpr[RBX] = guest_cr0() | BIT64(10) | BIT64(28);
	cr_exit(0, MOV_TO, RBX);
	expect_skipped();
	assert_int_equal(guest_cr0(), CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
	cpu.gpr[RBX] = guest_cr0() | BIT64(32);
	cr_exit(0, MOV_TO, RBX);
	expect_gp();
}

/* SDM, MOV: bit 63 of the source is no part of CR3 with PCIDs, and reserved without. */
static void cr3_and_its_bit_63(void **state)
{
	(void)state;
	cpu.capability.ept_vpid = BIT64(41) | BIT64(43);
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_PCIDE;
	cpu.gpr[RSI] = CR3_KEEP_TLB | 0x5001;
	cr_exit(3, MOV_TO, RSI);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], 0x5001);
	assert_int_equal(fake.invvpid, 0);
	cpu.gpr[RSI] = 0x6001;
	cr_exit(3, MOV_TO, RSI);
	expect_skipped();
	assert_int_equal(fake.invvpid, 1);
	assert_int_equal(fake.invvpid_type, INVVPID_NOT_GLOBAL);
	fake.vmcs[VMCS_GUEST_CR4] &= ~CR4_PCIDE;
	cpu.gpr[RSI] = CR3_KEEP_TLB | 0x5001;
	cr_exit(3, MOV_TO, RSI);
	expect_gp();
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR3], 0x6001);
}

static void cr3_beyond_the_physical_width(void **state)
{
	(void)state;
	cpu.gpr[RSI] = BIT64(40);
	cr_exit(3, MOV_TO, RSI);
	expect_gp();
	/* LAM's bits, where the processor has them. */
	cpu.gpr[RSI] = BIT64(61);
	cr_exit(3, MOV_TO, RSI);
	expect_gp();
	fake.cpuid.eax = CPUID_71_EAX_LAM;
	cr_exit(3, MOV_TO, RSI);
	expect_skipped();
}

static void cr3_is_read_from_the_vmcs(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_CR3] = 0x123456000;
	cr_exit(3, MOV_FROM, R9);
	expect_skipped();
	assert_int_equal(cpu.gpr[R9], 0x123456000);
	cr_exit(3, MOV_FROM, RSP);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], 0x123456000);
}

static void cr8_is_the_task_priority(void **state)
{
	(void)state;
	cpu.gpr[RAX] = 9;
	cr_exit(8, MOV_TO, RAX);
	expect_skipped();
	assert_int_equal(fake.cr8, 9);
	cpu.gpr[RAX] = 0x10;
	cr_exit(8, MOV_TO, RAX);
	expect_gp();
	cr_exit(8, MOV_FROM, RCX);
	assert_int_equal(cpu.gpr[RCX], 9);
}

static void cr4_keeps_what_was_asked_for(void **state)
{
	(void)state;
	own_all();
	cpu.gpr[RDX] = CR4_PAE | CR4_DE | CR4_PGE;
	cr_exit(4, MOV_TO, RDX);
	expect_skipped();
	assert_int_equal(guest_cr4(), CR4_PAE | CR4_DE | CR4_PGE);
	assert_int_equal(fake.vmcs[VMCS_GUEST_CR4], CR4_PAE | CR4_DE | CR4_PGE | CR4_VMXE);
	cpu.gpr[RDX] |= CR4_VMXE;
	cr_exit(4, MOV_TO, RDX);
	expect_gp();
}

/* --- MOV DR --- */

#define DR_FROM BIT64(4)

static void dr_exit(unsigned number, uint64_t from, unsigned gpr)
{
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = number | from | gpr << 8;
	assert_int_equal(run_exit(EXIT_REASON_MOV_DR), ENTERED_AGAIN);
}

static void debug_registers_are_moved(void **state)
{
	(void)state;
	cpu.gpr[RCX] = 0x1234567890;
	dr_exit(2, 0, RCX);
	expect_skipped();
	assert_int_equal(fake.dr[2], 0x1234567890);
	dr_exit(2, DR_FROM, RSP);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], 0x1234567890);
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	cpu.gpr[RCX] = 0xffffffff & ~DR7_GD;
	dr_exit(7, 0, RCX);
	expect_skipped();
	/* SDM: bits 12, 14 and 15 read as 0, bit 10 as 1. */
	assert_int_equal(fake.vmcs[VMCS_GUEST_DR7], 0xffff0fff);
	dr_exit(7, DR_FROM, R8);
	assert_int_equal(cpu.gpr[R8], 0xffff0fff);
}

static void upper_halves_of_dr6_and_dr7_are_gp(void **state)
{
	(void)state;
	cpu.gpr[RCX] = BIT64(32);
	dr_exit(6, 0, RCX);
	expect_gp();
	dr_exit(7, 0, RCX);
	expect_gp();
	dr_exit(0, 0, RCX);
	expect_skipped();
}

static void dr4_and_dr5_are_aliases_unless_de(void **state)
{
	(void)state;
	fake.dr[6] = 0xffff0ff0;
	dr_exit(4, DR_FROM, RAX);
	expect_skipped();
	assert_int_equal(cpu.gpr[RAX], 0xffff0ff0);
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_DE;
	dr_exit(5, DR_FROM, RAX);
	expect_exception(VECTOR_UD, false, 0);
}

static void debug_registers_are_for_cpl_0(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
	dr_exit(0, DR_FROM, RAX);
	expect_gp();
}

static void general_detect_comes_instead(void **state)
{
	(void)state;
	fake.dr[6] = 0xffff0ff0 | 2;
	fake.vmcs[VMCS_GUEST_DR7] = DR7_FIXED | DR7_GD | 1;
	dr_exit(0, DR_FROM, RAX);
	assert_int_equal(fake.vmcs[VMCS_ENTRY_INTERRUPTION],
			 event_info(EVENT_EXCEPTION, VECTOR_DB, false));
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	assert_int_equal(fake.dr[6], 0xffff0ff0 | DR6_BD);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DR7], DR7_FIXED | 1);
}

static void in_compatibility_mode_operands_have_32_bits(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xc09b;
	cpu.gpr[RCX] = 0xffffffff00000400;
	dr_exit(7, 0, RCX);
	expect_skipped();
	fake.dr[1] = 0x1111111122222222;
	cpu.gpr[RDX] = ~0ull;
	dr_exit(1, DR_FROM, RDX);
	assert_int_equal(cpu.gpr[RDX], 0x22222222);
}

/* --- MSRs that live in the VMCS --- */

static void wrmsr(uint32_t msr, uint64_t value)
{
	cpu.gpr[RCX] = msr;
	cpu.gpr[RAX] = (uint32_t)value;
	cpu.gpr[RDX] = value >> 32;
	assert_int_equal(run_exit(EXIT_REASON_WRMSR), ENTERED_AGAIN);
}

static void msrs_of_the_vmcs_are_written_there(void **state)
{
	(void)state;
	wrmsr(IA32_FS_BASE, 0x7f0012345678);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_FS_BASE], 0x7f0012345678);
	wrmsr(IA32_SYSENTER_CS, 0x100000010);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_SYSENTER_CS], 0x10);
	wrmsr(IA32_PAT, 0x0007010600070406);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_PAT], 0x0007010600070406);
}

static void bad_values_of_theirs_are_gp(void **state)
{
	(void)state;
	wrmsr(IA32_GS_BASE, 0x0000800000000000);
	expect_gp();
	wrmsr(IA32_SYSENTER_EIP, 0xff00000000000000);
	expect_gp();
	wrmsr(IA32_PAT, 0x0002010600070406);
	expect_gp();
	wrmsr(IA32_PAT, 0x0806010600070406);
	expect_gp();
	assert_int_equal(fake.vmcs[VMCS_GUEST_PAT], 0);
	/* SDM: Canonicality: by what the processor has, whatever CR4.LA57. */
	cpu.capability.leaf7.ecx = CPUID_7_ECX_LA57;
	wrmsr(IA32_GS_BASE, 0xff00000000000000);
	expect_skipped();
}

static void efer_is_checked_and_keeps_lma(void **state)
{
	(void)state;
	cpu.capability.leaf81.edx = CPUID_81_EDX_SYSCALL | CPUID_81_EDX_NX;
	wrmsr(IA32_EFER, EFER_LME | EFER_NXE | EFER_SCE);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_EFER], EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE);
	wrmsr(IA32_EFER, EFER_LME | BIT64(1));
	expect_gp();
	wrmsr(IA32_EFER, EFER_NXE);
	expect_gp();
	cpu.capability.leaf81.edx = 0;
	wrmsr(IA32_EFER, EFER_LME | EFER_NXE);
	expect_gp();
}

static void debugctl_asks_the_register(void **state)
{
	(void)state;
	fake.msr[0] = (struct fake_msr){ IA32_DEBUGCTL, 0, true };
	wrmsr(IA32_DEBUGCTL, DEBUGCTL_BTF);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], DEBUGCTL_BTF);
	assert_int_equal(fake.msr[0].value, 0);
	wrmsr(IA32_DEBUGCTL, DEBUGCTL_BTS);
	expect_gp();
	cpu.capability.leaf1.edx = CPUID_1_EDX_DS;
	wrmsr(IA32_DEBUGCTL, DEBUGCTL_BTS | DEBUGCTL_TR);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], DEBUGCTL_BTS | DEBUGCTL_TR);
	assert_int_equal(fake.msr[0].value, 0);
	fake.msr[0].writable = false;
	wrmsr(IA32_DEBUGCTL, BIT64(40));
	expect_gp();
}

static void debugctl_that_does_not_exist_keeps_nothing(void **state)
{
	static const uint64_t values[] = { DEBUGCTL_LBR, DEBUGCTL_BTF, DEBUGCTL_TR, DEBUGCTL_BTS };
	unsigned i;

	(void)state;
	fake.msr[0] = (struct fake_msr){ IA32_DEBUGCTL, 0, true };
	fake.forgets = IA32_DEBUGCTL;
	cpu.capability.leaf1.edx = CPUID_1_EDX_DS;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		wrmsr(IA32_DEBUGCTL, values[i]);
		expect_skipped();
		assert_int_equal(fake.vmcs[VMCS_GUEST_DEBUGCTL], 0);
	}
}

/* Bits that the register ignores, or refuses, and a processor without it. */
static void debugctl_is_what_the_register_keeps(void **state)
{
	static const struct {
		uint64_t ignored, reserved, value, field;
		bool exists, traces, gp;
	} cases[] = {
		/* Not LBR: there are no branch records. The others count. */
		{ DEBUGCTL_LBR, 0, 0x3, DEBUGCTL_BTF, true, true, false },
		{ 0, ~0x5fc3ull, BIT64(14) | DEBUGCTL_LBR, BIT64(14) | DEBUGCTL_LBR, true, true,
		  false },
		{ 0, ~0x5fc3ull, BIT64(15), 0x5a, true, true, true },
		/* An emulator without the register ignores all writes: its traces are none, too. */
		{ ~0ull, 0, DEBUGCTL_LBR, 0, true, true, false },
		{ ~0ull, 0, DEBUGCTL_BTF | DEBUGCTL_TR | DEBUGCTL_BTS, 0, true, true, false },
		/* What can't be asked for by itself is believed. */
		{ 0, 0, DEBUGCTL_TR, DEBUGCTL_TR, true, true, false },
		{ 0, 0, DEBUGCTL_TR, 0x5a, true, false, true },
		{ 0, 0, DEBUGCTL_LBR, 0x5a, false, true, true },
	};
	unsigned i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup(state);
		fake.debugctl_ignored = cases[i].ignored;
		fake.debugctl_reserved = cases[i].reserved;
		if (cases[i].exists)
			fake.msr[0] = (struct fake_msr){ IA32_DEBUGCTL, 0, true };
		cpu.capability.leaf1.edx = cases[i].traces ? CPUID_1_EDX_DS : 0;
		fake.vmcs[VMCS_GUEST_DEBUGCTL] = 0x5a;
		wrmsr(IA32_DEBUGCTL, cases[i].value);
		if (cases[i].gp)
			expect_gp();
		else
			expect_skipped();
		if (fake.vmcs[VMCS_GUEST_DEBUGCTL] != cases[i].field)
			fail_msg("case %u: %#llx", i,
				 (unsigned long long)fake.vmcs[VMCS_GUEST_DEBUGCTL]);
		/* Root runs without. */
		assert_int_equal(fake.msr[0].value, 0);
	}
}

/* --- Short ones --- */

static void time_stamps_and_counters(void **state)
{
	(void)state;
	fake.tsc_aux = 3;
	cpu.gpr[RAX] = cpu.gpr[RDX] = cpu.gpr[RCX] = ~0ull;
	run_exit(EXIT_REASON_RDTSCP);
	expect_skipped();
	assert_int_equal(cpu.gpr[RCX], 3);
	assert_int_equal(cpu.gpr[RDX], 0);
	assert_int_not_equal(cpu.gpr[RAX], 0);
	fake.counters = 4;
	cpu.gpr[RCX] = 2;
	run_exit(EXIT_REASON_RDPMC);
	expect_skipped();
	assert_int_equal(cpu.gpr[RDX], 0x10);
	assert_int_equal(cpu.gpr[RAX], 2);
	cpu.gpr[RCX] = 4;
	run_exit(EXIT_REASON_RDPMC);
	expect_gp();
}

static void hlt_halts_behind_itself(void **state)
{
	(void)state;
	cpu.capability.misc = MISC_ACTIVITY_HLT;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_STI;
	run_exit(EXIT_REASON_HLT);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_ACTIVITY], ACTIVITY_HLT);
	/* SDM: Checks on Guest Non-Register State: no such blocking while halted. */
	assert_int_equal(fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY], 0);
	fake.vmcs[VMCS_GUEST_ACTIVITY] = 0;
	cpu.capability.misc = 0;
	run_exit(EXIT_REASON_HLT);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_ACTIVITY], 0);
}

/* --- What exits --- */

static void a_command_is_taken_as_a_whole_or_not(void **state)
{
	(void)state;
	cpu.controls.proc = PROC_MSR_BITMAPS | PROC_NMI_WINDOW;
	command->interception = (struct interception){ .proc = PROC_MOV_DR,
						       .exceptions = 1u << VECTOR_PF,
						       .cr4 = CR4_SMEP };
	command->msr_bitmap[5] = 0x40;
	command->port_bitmap[4097] = 0x80;
	assert_int_equal(intercept_take(&cpu), HP_ERROR_OK);
	assert_int_equal(fake.vmcs[VMCS_PROC_CONTROLS],
			 PROC_MSR_BITMAPS | PROC_NMI_WINDOW | PROC_MOV_DR);
	assert_int_equal(fake.vmcs[VMCS_EXCEPTION_BITMAP], 1u << VECTOR_PF);
	assert_int_equal(fake.vmcs[VMCS_CR4_MASK], CR4_SMEP | CR4_VMXE | CR4_SMXE);
	assert_int_equal(((uint8_t *)machine.msr_bitmap.value)[5], 0x40);
	assert_int_equal(((uint8_t *)machine.port_bitmap.value)[4097], 0x80);
	/* A control that is none of a subscription's. */
	command->interception.proc = PROC_TSC_OFFSETTING;
	assert_int_equal(intercept_take(&cpu), HP_ERROR_CAPABILITY);
	assert_true(fake.vmcs[VMCS_PROC_CONTROLS] & PROC_MOV_DR);
	/* One that this processor lacks. */
	cpu.capability.proc = 0;
	command->interception.proc = PROC_RDTSC;
	assert_int_equal(intercept_take(&cpu), HP_ERROR_CAPABILITY);
	/* NMIs are ours: never by the exception bitmap. */
	command->interception = (struct interception){ .exceptions = 1u << VECTOR_NMI };
	assert_int_equal(intercept_take(&cpu), HP_ERROR_CAPABILITY);
	command->interception = (struct interception){ .proc = 0 };
	assert_int_equal(intercept_take(&cpu), HP_ERROR_OK);
	assert_int_equal(fake.vmcs[VMCS_PROC_CONTROLS], PROC_MSR_BITMAPS | PROC_NMI_WINDOW);
}

#define T(test) cmocka_unit_test_setup(test, fixture_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(owning_keeps_what_the_guest_reads),
		T(clts_clears_ts_in_both),
		T(lmsw_leaves_the_rest),
		T(reserved_bits_of_cr0),
		T(cr3_and_its_bit_63),
		T(cr3_beyond_the_physical_width),
		T(cr3_is_read_from_the_vmcs),
		T(cr8_is_the_task_priority),
		T(cr4_keeps_what_was_asked_for),
		T(debug_registers_are_moved),
		T(upper_halves_of_dr6_and_dr7_are_gp),
		T(dr4_and_dr5_are_aliases_unless_de),
		T(debug_registers_are_for_cpl_0),
		T(general_detect_comes_instead),
		T(in_compatibility_mode_operands_have_32_bits),
		T(msrs_of_the_vmcs_are_written_there),
		T(bad_values_of_theirs_are_gp),
		T(efer_is_checked_and_keeps_lma),
		T(debugctl_asks_the_register),
		T(debugctl_that_does_not_exist_keeps_nothing),
		T(debugctl_is_what_the_register_keeps),
		T(time_stamps_and_counters),
		T(hlt_halts_behind_itself),
		T(a_command_is_taken_as_a_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
