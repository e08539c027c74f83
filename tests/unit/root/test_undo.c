// SPDX-License-Identifier: MIT
/*
 * An exit that root does not get through, wherever in its handler it fails: the guest is as the
 * exit found it. And what is left to be read afterwards: the history and the report.
 */
#include "fixture.h"

/* What of the VMCS is not the guest's: it may change, and nothing depends on it. */
static bool is_guests(uint32_t field)
{
	switch (field) {
	case VMCS_CR0_SHADOW:
	case VMCS_CR4_SHADOW:
	case VMCS_CR0_MASK:
	case VMCS_CR4_MASK:
		return true;
	default:
		return (field >> 10 & 3) == 2;
	}
}

static uint64_t before[FAKE_FIELDS];

#define CR2 0x7ffe5000ull

static void expect_as_before(const uint64_t gpr[16], bool is_cpuid)
{
	unsigned i;

	/* The guest may be about to read it: its page fault came before that exit. */
	assert_int_equal(fake.cr2, CR2);

	for (i = 0; i < FAKE_FIELDS; i++) {
		if (is_guests(i) && fake.vmcs[i] != before[i])
			fail_msg("field %#x: %#llx, was %#llx", i, (unsigned long long)fake.vmcs[i],
				 (unsigned long long)before[i]);
	}
	for (i = RAX; i <= R15; i++) {
		/* CPUID writes RBX and RDX again when it is executed. */
		if (i != RSP && !(is_cpuid && (i == RBX || i == RDX)))
			assert_int_equal(cpu.gpr[i], gpr[i]);
	}
}

/* Everything that a handler may have to change is there. */
static void prepare(void **state, uint64_t gpr[16])
{
	unsigned i;

	fixture_setup(state);
	for (i = RAX; i <= R15; i++)
		cpu.gpr[i] = gpr[i] = 0x1111 * (i + 1);
	cpu.capability.cr4_fixed1 |= CR4_DE;
	fake.cr2 = CR2;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF | RFLAGS_RF | RFLAGS_IF;
	fake.vmcs[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_MOV_SS;
	fake.vmcs[VMCS_GUEST_PENDING_DEBUG] = PENDING_DEBUG_ENABLED_BREAKPOINT | 2;
	fake.vmcs[VMCS_GUEST_DR7] = DR7_FIXED | 1;
	fake.vmcs[VMCS_GUEST_DEBUGCTL] = DEBUGCTL_LBR;
	fake.vmcs[VMCS_GUEST_RSP] = 0xffff888000001ff8;
	fake.vmcs[VMCS_CR0_MASK] = CR0_PE | CR0_NE | CR0_PG;
	fake.vmcs[VMCS_CR0_SHADOW] = CR0_PE | CR0_NE | CR0_PG;
	fake.vmcs[VMCS_GUEST_CR0] |= CR0_TS;
	fake.vmcs[VMCS_CR4_SHADOW] = CR4_DE; /* of a bit that is not owned: it means nothing */
	command->interception.cr0 = CR0_TS;
	command->interception.cr4 = CR4_DE;
}

static const struct {
	uint32_t reason;
	uint64_t qualification;
	unsigned number; /* this register has */
	uint64_t value;
	uint64_t rcx;
	unsigned writes; /* at least so many are made */
} exits[] = {
	{ EXIT_REASON_CPUID, 0, RAX, 0x80000001, 0, 4 },
	{ EXIT_REASON_CR_ACCESS, 0x300, RBX, CR0_PE | CR0_NE | CR0_PG | CR0_WP | CR0_MP, 0, 6 },
	{ EXIT_REASON_CR_ACCESS, 0x303, RBX, 0x123000, 0, 5 },
	{ EXIT_REASON_CR_ACCESS, 0x304, RBX, CR4_PAE | CR4_PGE, 0, 6 },
	{ EXIT_REASON_CR_ACCESS, 0x413, 0, 0, 0, 5 },	    /* MOV RSP, CR3 */
	{ EXIT_REASON_CR_ACCESS, 0x613, RSI, 0x55, 0, 4 },  /* MOV RSI, CR3 */
	{ EXIT_REASON_CR_ACCESS, 0x304, RBX, ~0ull, 0, 3 }, /* #GP */
	{ EXIT_REASON_MOV_DR, 0x307, RBX, 0x455, 0, 5 },
	{ EXIT_REASON_WRMSR, 0, RAX, 0x55, IA32_SYSENTER_ESP, 5 },
	{ EXIT_REASON_EXCEPTION_NMI, DR6_BS, 0, 0, 0, 3 },
	{ EXIT_REASON_HLT, 0, 0, 0, 0, 4 },
	{ EXIT_REASON_VMCALL, 0, RAX, GATE_SIGNATURE, GATE_CALL_INTERCEPT, 8 },
	{ EXIT_REASON_VMXON, 0, 0, 0, 0, 3 }, /* #UD */
};

static enum ending run_one(unsigned i, uint64_t gpr[16])
{
	if (exits[i].rcx)
		cpu.gpr[RCX] = gpr[RCX] = exits[i].rcx;
	if (exits[i].number || exits[i].value)
		cpu.gpr[exits[i].number] = gpr[exits[i].number] = exits[i].value;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = exits[i].qualification;
	fake.vmcs[VMCS_EXIT_INTERRUPTION] = event_info(EVENT_EXCEPTION, VECTOR_DB, false);
	if (exits[i].reason == EXIT_REASON_VMCALL)
		fake.vmcs[VMCS_GUEST_RIP] = GATE_TEXT + 0x80;
	memcpy(before, fake.vmcs, sizeof(before));
	return run_exit(exits[i].reason);
}

static void an_exit_is_undone_wherever_its_handler_fails(void **state)
{
	unsigned i, write;
	uint64_t gpr[16];

	for (i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		for (write = 1;; write++) {
			prepare(state, gpr);
			fake.failing_write = write;
			if (run_one(i, gpr) != RETREATED)
				break;
			undo_roll_back(&cpu);
			expect_as_before(gpr, exits[i].reason == EXIT_REASON_CPUID);
			assert_int_equal(cpu.undo.count, 0);
		}
		/* Nothing was left to fail: then it was all carried out. */
		assert_int_equal(fake.failing_write, write);
		assert_true(write > exits[i].writes);
	}
}

/* A field that was written twice has its first value again. */
static void it_goes_backwards(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_DR7] = 1;
	cpu.undo.begin = 0;
	cpu.exit->rip = RIP;
	undo_vmwrite(VMCS_GUEST_DR7, 2);
	undo_vmwrite(VMCS_GUEST_DR7, 3);
	fake.vmcs[VMCS_GUEST_RIP] = 0x1234;
	undo_roll_back(&cpu);
	assert_int_equal(fake.vmcs[VMCS_GUEST_DR7], 1);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
}

static void more_writes_than_there_is_room_for_do_no_harm(void **state)
{
	struct step step;
	unsigned i;

	(void)state;
	memset(&cpu.step, 0x5a, sizeof(cpu.step));
	step = cpu.step;
	fake.vmcs[VMCS_GUEST_RSP] = 100;
	cpu.undo.begin = 0;
	cpu.exit->rip = RIP;
	cpu.undo.gpr[RBX] = 0x77;
	for (i = 0; i < 3 * UNDO_ENTRIES; i++)
		undo_vmwrite(VMCS_GUEST_RSP, 200 + i);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], 200 + 3 * UNDO_ENTRIES - 1);
	undo_roll_back(&cpu);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RSP], 100);
	assert_int_equal(cpu.gpr[RBX], 0x77);
	assert_memory_equal(&cpu.step, &step, sizeof(step));
}

/* --- The history --- */

static void the_history_has_the_last_exits_by_number(void **state)
{
	const struct hp_exit *exit = trail.trail.exit;
	unsigned i;

	(void)state;
	/* The ring counts from 0 in each run of the loop: so this is one run of many exits. */
	fixture_guest = NULL;
	cpu.gpr[RAX] = 0x80000002;
	cpu.gpr[RCX] = 0x1234567800000005;
	run_exit(EXIT_REASON_CPUID);
	assert_int_equal(ring.exits_total, 1);
	assert_int_equal(exit[0].reason, EXIT_REASON_CPUID);
	assert_int_equal(exit[0].rip, RIP);
	assert_int_equal(exit[0].qualification, 0x580000002);
	for (i = 1; i < FIXTURE_HISTORY; i++)
		assert_int_equal(exit[i].rip, 0);
}

#define MANY (FIXTURE_HISTORY + 5)

static int many_exits(unsigned entry)
{
	if (entry + 1 == MANY)
		fixture_stop();
	/* That exit is dealt with, and says so before the guest runs. */
	assert_int_equal(ring.entered, entry + 1);
	assert_int_equal(ring.exits_total, entry + 1);
	fake.vmcs[VMCS_GUEST_RIP] = RIP + 0x100 * (entry + 1);
	return VMX_EXITED;
}

static void the_history_goes_round(void **state)
{
	unsigned i;

	(void)state;
	fixture_guest = many_exits;
	assert_int_equal(run_exit(EXIT_REASON_CPUID), ENTERED_AGAIN);
	assert_int_equal(ring.exits_total, MANY);
	for (i = MANY - FIXTURE_HISTORY; i < MANY; i++)
		assert_int_equal(trail.trail.exit[i % FIXTURE_HISTORY].rip, RIP + 0x100 * i);
}

static void the_history_has_what_belongs_to_the_reason(void **state)
{
	const struct hp_exit *exit = trail.trail.exit;

	(void)state;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x303;
	fake.vmcs[VMCS_GUEST_PHYSICAL_ADDRESS] = 0x5000;
	run_exit(EXIT_REASON_CR_ACCESS);
	assert_int_equal(exit->qualification, 0x303);
	assert_int_equal(exit->detail, 0);
	cpu.gpr[RCX] = 0xffffffff00000010;
	run_exit(EXIT_REASON_RDMSR);
	assert_int_equal(exit->qualification, 0x10);
	run_exit(EXIT_REASON_WRMSR);
	assert_int_equal(exit->qualification, 0x10);
	run_exit(EXIT_REASON_EXCEPTION_NMI);
	assert_int_equal(exit->qualification, 0x303);
	assert_int_equal(exit->detail, event_info(EVENT_NMI, VECTOR_NMI, false));
	run_exit(EXIT_REASON_EPT_MISCONFIG);
	assert_int_equal(exit->reason, EXIT_REASON_EPT_MISCONFIG);
	assert_int_equal(exit->detail, 0x5000);
}

/* --- The report --- */

static union {
	struct cpu cpu;
	uint8_t bytes[GATE_BLOCK_BYTES];
} block __attribute__((aligned(GATE_BLOCK_BYTES)));

#define STACK	  0x3000u /* page 3 of the block is mapped, page 2 is a guard */
#define ROOT_BASE 0xffff800000000000ull

static struct hp_report *report_of(enum hp_report_kind kind, const struct fault_frame *frame)
{
	block.cpu = cpu;
	machine.root_base = ROOT_BASE;
	machine.image_bytes = 0x9000;
	report_write(&block.cpu, kind, frame);
	return &trail.trail.report;
}

/* A frame on the stack, as `push %rbp; mov %rsp, %rbp` makes it. */
static uint64_t push_frame(unsigned offset, uint64_t next, uint64_t address)
{
	memcpy(block.bytes + offset, &next, 8);
	memcpy(block.bytes + offset + 8, &address, 8);
	return (uintptr_t)block.bytes + offset;
}

static void the_report_says_where_root_was(void **state)
{
	struct fault_frame frame = {
		.vector = VECTOR_PF,
		.error_code = 2,
		.rip = ROOT_BASE + 0x1234,
		.rflags = 0x46,
		.rax = 0xa0,
		.rsp = 0xa4,
		.r15 = 0xaf,
	};
	struct hp_report *report;

	(void)state;
	fake.cr2 = 0x1000;
	cpu.index = 3;
	cpu.gpr[RBX] = 0xb;
	fake.vmcs[VMCS_EXIT_REASON] = EXIT_REASON_HLT;
	fake.vmcs[VMCS_INSTRUCTION_ERROR] = 7;
	report = report_of(HP_REPORT_FAULT, &frame);
	assert_int_equal(report->kind, HP_REPORT_FAULT);
	assert_int_equal(report->end, HP_REPORT_UNDER_WAY);
	assert_int_equal(report->processor, 3);
	assert_int_equal(report->vector, VECTOR_PF);
	assert_int_equal(report->error_code, 2);
	assert_int_equal(report->address, 0x1000);
	assert_int_equal(report->root_rip, 0x1234);
	assert_int_equal(report->root_rflags, 0x46);
	assert_int_equal(report->root_gpr[RAX], 0xa0);
	assert_int_equal(report->root_gpr[RSP], 0xa4);
	assert_int_equal(report->root_gpr[R15], 0xaf);
	assert_int_equal(report->guest_gpr[RBX], 0xb);
	assert_int_equal(report->reason, EXIT_REASON_HLT);
	/* Of a failed entry only. */
	assert_int_equal(report->instruction_error, 0);
	report_event(&cpu, 0x800000ec);
	report_end(&cpu, HP_REPORT_ESCAPED);
	assert_int_equal(report->event, 0x800000ec);
	assert_int_equal(report->end, HP_REPORT_ESCAPED);
}

static void an_address_outside_of_the_image_is_none(void **state)
{
	static const struct {
		uint64_t rip, offset;
	} cases[] = {
		{ ROOT_BASE, 0 },
		{ ROOT_BASE + 0x8fff, 0x8fff },
		{ ROOT_BASE + 0x9000, ~0ull },
		{ ROOT_BASE - 1, ~0ull },
		{ 0, ~0ull },
	};
	struct fault_frame frame = { .vector = VECTOR_GP };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame.rip = cases[i].rip;
		trail.trail.report.kind = HP_REPORT_NONE;
		assert_int_equal(report_of(HP_REPORT_FAULT, &frame)->root_rip, cases[i].offset);
	}
}

static void the_backtrace_ends_where_it_makes_no_sense(void **state)
{
	enum { TOP = 0x4fc0 };
	const struct {
		uint64_t first, second_at, next; /* next: what the second frame leads to */
		unsigned frames;
	} cases[] = {
		{ STACK, 0x40, 0, 2 },			  /* the end */
		{ STACK, 0x40, STACK, 2 },		  /* down again */
		{ STACK, 0x40, STACK + 0x40, 2 },	  /* itself */
		{ STACK, 0x40, STACK + 0x44, 2 },	  /* misaligned */
		{ STACK, 0x40, 0x5000, 2 },		  /* a guard */
		{ STACK, 0x40, GATE_BLOCK_BYTES - 8, 2 }, /* out of the block */
		{ STACK, 0x40, GATE_BLOCK_BYTES + 64, 2 },
		{ STACK, 0x40, TOP, 3 },
		{ 0x2ff8, 0x40, 0, 0 }, /* half of the first is on a guard */
		{ 0x2000, 0x40, 0, 0 },
		{ STACK + 4, 0x40, 0, 0 },
	};
	struct fault_frame frame = { .vector = VECTOR_GP };
	uint64_t base = (uintptr_t)block.bytes;
	struct hp_report *report;
	unsigned i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(block.bytes + STACK, 0, 0x2000);
		push_frame(TOP, 0, ROOT_BASE + 0x300);
		push_frame(STACK + 0x40, cases[i].next ? base + cases[i].next : 0,
			   ROOT_BASE + 0x200);
		push_frame(STACK, base + STACK + 0x40, ROOT_BASE + 0x100);
		frame.rbp = base + cases[i].first;
		trail.trail.report.kind = HP_REPORT_NONE;
		report = report_of(HP_REPORT_FAULT, &frame);
		for (k = 0; k < cases[i].frames; k++)
			assert_int_equal(report->frame[k], 0x100 * (k + 1));
		assert_int_equal(report->frame[k], 0);
	}
	/* A return address that is none of ours. */
	push_frame(STACK + 0x40, base + TOP, 0xffffffff81000000);
	frame.rbp = base + STACK;
	trail.trail.report.kind = HP_REPORT_NONE;
	report = report_of(HP_REPORT_FAULT, &frame);
	assert_int_equal(report->frame[0], 0x100);
	assert_int_equal(report->frame[1], 0);
}

static void a_long_backtrace_is_cut(void **state)
{
	struct fault_frame frame = { .vector = VECTOR_GP };
	uint64_t base = (uintptr_t)block.bytes;
	struct hp_report *report;
	unsigned i;

	(void)state;
	for (i = 0; i < 2 * HP_REPORT_FRAMES; i++)
		push_frame(STACK + 16 * i, base + STACK + 16 * (i + 1), ROOT_BASE + i + 1);
	frame.rbp = base + STACK;
	report = report_of(HP_REPORT_FAULT, &frame);
	assert_int_equal(report->frame[HP_REPORT_FRAMES - 1], HP_REPORT_FRAMES);
	assert_int_equal(report->guest_gpr[0], 0);
}

static void the_report_has_every_field_that_is_there(void **state)
{
	struct hp_report *report;
	unsigned i;

	(void)state;
	for (i = 0; i < vmcs_fields_count; i++)
		fake.vmcs[vmcs_fields[i].encoding] = 0x100 + i;
	fake.missing_field = VMCS_XSS_EXITING_BITMAP;
	fake.vmcs[VMCS_INSTRUCTION_ERROR] = 7;
	report = report_of(HP_REPORT_ENTRY_FAILED, NULL);
	/* As the entry left it, not a VMREAD of the report's own. */
	assert_int_equal(report->instruction_error, 7);
	for (i = 0; i < vmcs_fields_count; i++) {
		bool there = vmcs_fields[i].encoding != VMCS_XSS_EXITING_BITMAP;

		assert_int_equal(report->present[i / 64] >> i % 64 & 1, there);
		if (there && vmcs_fields[i].encoding != VMCS_INSTRUCTION_ERROR)
			assert_int_equal(report->field[i], 0x100 + i);
	}
	assert_int_equal(report->vector, 0);
}

static void out_of_vmx_operation_the_report_has_no_field(void **state)
{
	struct hp_report *report;
	unsigned i;

	(void)state;
	cpu.in_vmx = 0;
	cpu.capability.pin = 0x1234;
	report = report_of(HP_REPORT_FAULT, NULL);
	for (i = 0; i < sizeof(report->present) / sizeof(report->present[0]); i++)
		assert_int_equal(report->present[i], 0);
	assert_int_equal(report->capability[6], 0x1234);
	assert_int_equal(report->physical_bits, 40);
	assert_int_equal(report->linear_bits, 48);
}

static void the_first_report_stays(void **state)
{
	struct fault_frame frame = { .vector = VECTOR_GP };
	struct hp_report *report;

	(void)state;
	report_of(HP_REPORT_FAULT, &frame);
	frame.vector = VECTOR_PF;
	report_of(HP_REPORT_STUCK, &frame);
	report = report_of(HP_REPORT_STUCK, &frame);
	assert_int_equal(report->kind, HP_REPORT_FAULT);
	assert_int_equal(report->vector, VECTOR_GP);
	assert_int_equal(report->again, 2);
}

#define T(test) cmocka_unit_test_setup(test, fixture_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_exit_is_undone_wherever_its_handler_fails),
		T(it_goes_backwards),
		T(more_writes_than_there_is_room_for_do_no_harm),
		T(the_history_has_the_last_exits_by_number),
		T(the_history_goes_round),
		T(the_history_has_what_belongs_to_the_reason),
		T(the_report_says_where_root_was),
		T(an_address_outside_of_the_image_is_none),
		T(the_backtrace_ends_where_it_makes_no_sense),
		T(a_long_backtrace_is_cut),
		T(the_report_has_every_field_that_is_there),
		T(out_of_vmx_operation_the_report_has_no_field),
		T(the_first_report_stays),
	};

	return cmocka_run_group_tests_name("undo, history, report", tests, NULL, NULL);
}
