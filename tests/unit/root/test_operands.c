// SPDX-License-Identifier: MIT
/*
 * Instructions whose operands are in the guest's memory: guest_memory.c itself, loads and stores of
 * the descriptor tables' registers, port I/O, INVPCID, MONITOR. The guest has page tables and an
 * EPT of its own here, with a page of each kind.
 */
#include "fixture.h"

#define DATA	   0x00007f0000010000ull /* two pages, writable by the user */
#define READ_ONLY  (DATA + 0x2000)	 /* of the user */
#define NOTHING	   (DATA + 0x3000)
#define SUPERVISOR (DATA + 0x4000)
#define HIDDEN	   (DATA + 0x5000) /* EPT shows a page that can be read only */
#define GDT	   (DATA + 0x6000) /* the supervisor's */
#define DEVICE	   (DATA + 0x7000) /* not in root's window */

static uint8_t *data, *data_next, *read_only, *hidden, *gdt, *device;

static int setup(void **state)
{
	fixture_setup(state);
	fixture_guest_begin();
	data = fixture_map(DATA, PTE_WRITE | PTE_USER);
	data_next = fixture_map(DATA + 0x1000, PTE_WRITE | PTE_USER);
	read_only = fixture_map(READ_ONLY, PTE_USER);
	fixture_map(SUPERVISOR, PTE_WRITE);
	hidden = fixture_map(HIDDEN, PTE_WRITE | PTE_USER);
	gdt = fixture_map(GDT, PTE_WRITE);
	device = fixture_map(DEVICE, PTE_WRITE | PTE_USER);
	fake.outside = device;

	fixture_guest_end(hidden);
	fake.vmcs[VMCS_GUEST_CR0] |= CR0_AM;
	fake.vmcs[VMCS_GUEST_GDTR_BASE] = GDT;
	fake.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x7f;
	fake.vmcs[VMCS_GUEST_IDTR_BASE] = 0xfffffe0000000000;
	fake.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xfff;
	fake.vmcs[VMCS_GUEST_LDTR] = 0x48;
	fake.vmcs[VMCS_GUEST_TR] = 0x40;
	return 0;
}

static void user(void)
{
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc0f3;
}

static void expect_pf(uint64_t address, uint32_t code)
{
	expect_exception(VECTOR_PF, true, code);
	assert_int_equal(fake.cr2, address);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
}

static void expect_skipped(void)
{
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	assert_false(fake.vmcs[VMCS_ENTRY_INTERRUPTION] & EVENT_VALID);
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
}

/* --- guest_memory.c --- */

static void both_pages_or_none(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct guest_fault fault;
	uint8_t got[8];

	(void)state;
	assert_true(
		guest_memory_write(&cpu, guest_virt(DATA + 0xffc), bytes, 8, GUEST_AS_CPL, &fault));
	assert_true(
		guest_memory_read(&cpu, guest_virt(DATA + 0xffc), got, 8, GUEST_AS_CPL, &fault));
	assert_memory_equal(got, bytes, 8);
	/* The second page is read-only: nothing of the first is written. */
	user();
	assert_false(guest_memory_write(&cpu, guest_virt(READ_ONLY - 4), bytes, 8, GUEST_AS_CPL,
					&fault));
	assert_int_equal(fault.vector, VECTOR_PF);
	assert_int_equal(fault.address, READ_ONLY);
	assert_int_equal(fault.error_code, PF_PRESENT | PF_WRITE | PF_USER);
	assert_true(
		guest_memory_read(&cpu, guest_virt(READ_ONLY - 4), got, 4, GUEST_AS_CPL, &fault));
	assert_int_equal(got[0] | got[1] | got[2] | got[3], 0);
	assert_false(
		guest_memory_writable(&cpu, guest_virt(READ_ONLY - 1), 2, GUEST_AS_CPL, &fault));
	assert_true(guest_memory_writable(&cpu, guest_virt(DATA), 4096, GUEST_AS_CPL, &fault));
}

static void what_ept_protects_is_not_reached(void **state)
{
	static const uint64_t value = 0x1122334455667788;
	struct guest_fault fault;
	uint64_t got;

	(void)state;
	memset(hidden, 0x77, 8);
	assert_true(guest_memory_write(&cpu, guest_virt(HIDDEN), &value, 8, GUEST_AS_CPL, &fault));
	assert_int_equal(hidden[0], 0x77);
	assert_int_equal(ring.record[ring.head - 1].format, RECORD_OPERAND_OUTSIDE);
	assert_true(guest_memory_read(&cpu, guest_virt(HIDDEN), &got, 8, GUEST_AS_CPL, &fault));
	assert_int_equal(got, 0x7777777777777777);
}

static void outside_of_ram_reads_as_ones(void **state)
{
	struct guest_fault fault;
	uint64_t got;

	(void)state;
	assert_true(guest_memory_read(&cpu, guest_virt(DEVICE), &got, 8, GUEST_AS_CPL, &fault));
	assert_int_equal(got, ~0ull);
	assert_true(guest_memory_write(&cpu, guest_virt(DEVICE), &got, 8, GUEST_AS_CPL, &fault));
	assert_int_equal(device[0], 0);
	assert_int_equal(ring.head, 2);
}

/* --- Descriptor tables --- */

enum { SGDT, SIDT, LGDT, LIDT };
enum { SLDT, STR, LLDT, LTR };
#define NO_INDEX   (1u << 22)
#define NO_BASE	   (1u << 27)
#define REGISTER   (1u << 10)
#define ADDRESS_64 (2u << 7)

/* With the operand at `address`, by displacement alone. */
static void table_exit(unsigned identity, uint64_t address)
{
	fake.vmcs[VMCS_EXIT_INSTRUCTION] =
		ADDRESS_64 | SEG_DS << 15 | NO_INDEX | NO_BASE | identity << 28;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = address;
	assert_int_equal(run_exit(EXIT_REASON_GDTR_IDTR), ENTERED_AGAIN);
}

static void selector_exit(unsigned identity, unsigned gpr)
{
	fake.vmcs[VMCS_EXIT_INSTRUCTION] = REGISTER | gpr << 3 | identity << 28;
	assert_int_equal(run_exit(EXIT_REASON_LDTR_TR), ENTERED_AGAIN);
}

static void tables_are_stored(void **state)
{
	struct table_register stored;

	(void)state;
	user();
	table_exit(SIDT, DATA + 3);
	expect_skipped();
	memcpy(&stored, data + 3, sizeof(stored));
	assert_int_equal(stored.limit, 0xfff);
	assert_int_equal(stored.base, 0xfffffe0000000000);
}

/* What made other hypervisors write anywhere for anybody: the user's rights count. */
static void a_user_can_store_only_where_it_may_write(void **state)
{
	(void)state;
	user();
	table_exit(SGDT, SUPERVISOR);
	expect_pf(SUPERVISOR, PF_PRESENT | PF_WRITE | PF_USER);
	table_exit(SIDT, READ_ONLY);
	expect_pf(READ_ONLY, PF_PRESENT | PF_WRITE | PF_USER);
	table_exit(SGDT, NOTHING);
	expect_pf(NOTHING, PF_WRITE | PF_USER);
	table_exit(SGDT, 0x800000000000);
	expect_exception(VECTOR_GP, true, 0);
	/* Over the end: the limit is written, the base faults. */
	fake.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_ONE;
	table_exit(SGDT, READ_ONLY - 4);
	expect_pf(READ_ONLY, PF_PRESENT | PF_WRITE | PF_USER);
	assert_int_equal(data_next[0xffc], 0x7f);
}

static void alignment_is_checked_for_users(void **state)
{
	(void)state;
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_AC;
	table_exit(SGDT, DATA + 1);
	expect_skipped();
	user();
	table_exit(SGDT, DATA + 1);
	expect_exception(VECTOR_AC, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	/* The base is what is misaligned here, behind a limit that faults. */
	table_exit(SGDT, NOTHING);
	expect_pf(NOTHING, PF_WRITE | PF_USER);
	table_exit(SGDT, DATA + 6);
	expect_skipped();
	/* The limit is before the end of the canonical addresses, and behind it. */
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	table_exit(SGDT, 0x7fffffffffff);
	expect_exception(VECTOR_AC, true, 0);
}

/* Each of the two accesses is checked when it is made. */
static void the_second_access_is_checked_behind_the_first(void **state)
{
	(void)state;
	table_exit(SGDT, 0x7ffffffffffe);
	expect_pf(0x7ffffffffffe, PF_WRITE);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	table_exit(LGDT, 0x7ffffffffffe);
	expect_exception(VECTOR_GP, true, 0);
}

/* As the lab's processors: where it begins, then alignment, then where it ends; piece by piece. */
static void at_the_end_of_the_canonical_addresses(void **state)
{
	(void)state;
	user();
	table_exit(SGDT, 0x7fffffffffff);
	expect_exception(VECTOR_GP, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	/* The limit is before it, and it is not reached. */
	table_exit(SGDT, 0x7ffffffffffe);
	expect_pf(0x7ffffffffffe, PF_WRITE | PF_USER);
	fake.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_ONE | RFLAGS_AC;
	table_exit(SGDT, 0x7fffffffffff);
	expect_exception(VECTOR_AC, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	table_exit(SIDT, 0x800000000001);
	expect_exception(VECTOR_GP, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	fake.vmcs[VMCS_EXIT_INSTRUCTION] =
		ADDRESS_64 | SEG_DS << 15 | NO_INDEX | NO_BASE | STR << 28;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0x7fffffffffff;
	assert_int_equal(run_exit(EXIT_REASON_LDTR_TR), ENTERED_AGAIN);
	expect_exception(VECTOR_AC, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	/* The kernel's are not checked. */
	fake.vmcs[VMCS_GUEST_SS_RIGHTS] = 0xc093;
	table_exit(SGDT, 0x7fffffffffff);
	expect_exception(VECTOR_GP, true, 0);
}

/* With 32-bit addresses the base may be at their begin. In such code the limit comes first. */
static void pieces_keep_the_address_size(void **state)
{
	(void)state;
	fake.vmcs[VMCS_EXIT_INSTRUCTION] = 1u << 7 | SEG_DS << 15 | NO_INDEX | NO_BASE | SGDT << 28;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0xfffffffe;
	fixture_map_to(0xfffff000, phys((uintptr_t)data), PTE_WRITE | PTE_USER);
	fixture_map_to(0, phys((uintptr_t)data_next), PTE_WRITE | PTE_USER);
	assert_int_equal(run_exit(EXIT_REASON_GDTR_IDTR), ENTERED_AGAIN);
	expect_skipped();
	assert_int_equal(data[0xffe], 0x7f);
	assert_memory_equal(data_next, &(uint64_t){ GDT }, 8);
	user();
	fake.vmcs[VMCS_GUEST_CS_RIGHTS] = 0xc0fb;
	fake.vmcs[VMCS_GUEST_DS_RIGHTS] = 0xc0f3;
	fake.vmcs[VMCS_GUEST_DS_LIMIT] = 0xfff;
	fake.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_ONE | RFLAGS_AC;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = 0xfff;
	assert_int_equal(run_exit(EXIT_REASON_GDTR_IDTR), ENTERED_AGAIN);
	expect_exception(VECTOR_GP, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
}

static void tables_are_loaded(void **state)
{
	const struct table_register good = { 0x1ff, 0xffff888000001000 },
				    bad = { 0x1ff, 0x0000800000000000 };

	(void)state;
	memcpy(data, &good, sizeof(good));
	table_exit(LGDT, DATA);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_GDTR_BASE], good.base);
	assert_int_equal(fake.vmcs[VMCS_GUEST_GDTR_LIMIT], 0x1ff);
	memcpy(data, &bad, sizeof(bad));
	table_exit(LIDT, DATA);
	expect_exception(VECTOR_GP, true, 0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_IDTR_BASE], 0xfffffe0000000000);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	table_exit(LIDT, NOTHING - 5);
	expect_pf(NOTHING, 0);
}

/* A descriptor of 16 bytes at `selector`. */
static void descriptor(unsigned selector, uint64_t low, uint64_t high)
{
	memcpy(gdt + selector, &low, 8);
	memcpy(gdt + selector + 8, &high, 8);
}

#define TSS(type, present) (0x2067ull | (uint64_t)(type) << 40 | (uint64_t)(present) << 47)

static void expect_selector_fault(unsigned gpr_value, unsigned identity, enum vector vector,
				  uint32_t code)
{
	cpu.gpr[RAX] = gpr_value;
	selector_exit(identity, RAX);
	expect_exception(vector, true, code);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
}

static void ltr_checks_and_marks_busy(void **state)
{
	(void)state;
	descriptor(0x40, TSS(9, 1), 0xffff8880);
	descriptor(0x50, TSS(0xb, 1), 0);
	descriptor(0x60, TSS(9, 0), 0);
	expect_selector_fault(0, LTR, VECTOR_GP, 0);
	expect_selector_fault(3, LTR, VECTOR_GP, 0);
	expect_selector_fault(0x44, LTR, VECTOR_GP, 0x44);
	expect_selector_fault(0x78, LTR, VECTOR_GP, 0x78); /* half of it is beyond the limit */
	expect_selector_fault(0x50, LTR, VECTOR_GP, 0x50); /* busy */
	expect_selector_fault(0x63, LTR, VECTOR_NP, 0x60);
	descriptor(0x60, TSS(9, 1), 0x00008000ull);
	expect_selector_fault(0x60, LTR, VECTOR_GP, 0x60); /* base */
	descriptor(0x60, TSS(9, 1), 0xffff8880ull | 0x100ull << 32);
	expect_selector_fault(0x60, LTR, VECTOR_GP, 0x60); /* upper type */
	cpu.gpr[RAX] = 0x40;
	selector_exit(LTR, RAX);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_TR], 0x40);
	assert_int_equal(fake.vmcs[VMCS_GUEST_TR_BASE] >> 32, 0xffff8880);
	assert_int_equal(fake.vmcs[VMCS_GUEST_TR_LIMIT], 0x2067);
	assert_int_equal(fake.vmcs[VMCS_GUEST_TR_RIGHTS], 0x8b);
	assert_int_equal(gdt[0x45], 0x8b);
	expect_selector_fault(0x40, LTR, VECTOR_GP, 0x40); /* busy now */
}

static void lldt_takes_null_and_ldts(void **state)
{
	(void)state;
	descriptor(0x48, TSS(2, 1), 0xffff8880);
	cpu.gpr[RAX] = 0x48;
	selector_exit(LLDT, RAX);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_LDTR_RIGHTS], 0x82);
	expect_selector_fault(0x40, LLDT, VECTOR_GP, 0x40);
	cpu.gpr[RAX] = 1;
	selector_exit(LLDT, RAX);
	expect_skipped();
	assert_int_equal(fake.vmcs[VMCS_GUEST_LDTR], 1);
	assert_true(fake.vmcs[VMCS_GUEST_LDTR_RIGHTS] & RIGHTS_UNUSABLE);
}

/* SDM, SLDT and STR: the operand size decides what of the register changes. */
static void selectors_are_stored_by_operand_size(void **state)
{
	static const struct {
		uint8_t code[5], length;
		uint64_t result;
	} cases[] = {
		{ { 0x0f, 0x00, 0xc8 }, 3, 0x40 },		       /* str %eax */
		{ { 0x66, 0x0f, 0x00, 0xc8 }, 4, 0x1111111111110040 }, /* str %ax */
		{ { 0x48, 0x0f, 0x00, 0xc8 }, 4, 0x40 },	       /* str %rax */
		{ { 0x66, 0x48, 0x0f, 0x00, 0xc8 }, 5, 0x40 },	       /* REX.W wins */
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(data + 0x100, cases[i].code, cases[i].length);
		fake.vmcs[VMCS_GUEST_RIP] = DATA + 0x100;
		fake.vmcs[VMCS_EXIT_LENGTH] = cases[i].length;
		cpu.gpr[RAX] = 0x1111111111111111;
		selector_exit(STR, RAX);
		assert_int_equal(cpu.gpr[RAX], cases[i].result);
		assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], DATA + 0x100 + cases[i].length);
	}
}

/* --- Port I/O --- */

#define IO_IN	  BIT64(3)
#define IO_STRING BIT64(4)
#define IO_REP	  BIT64(5)

static void io_exit(uint64_t qualification, unsigned bytes, unsigned port)
{
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = qualification | (bytes - 1) | (uint64_t)port << 16;
	fake.vmcs[VMCS_EXIT_INSTRUCTION] = ADDRESS_64 | SEG_DS << 15;
	assert_int_equal(run_exit(EXIT_REASON_IO), ENTERED_AGAIN);
}

static void in_and_out(void **state)
{
	(void)state;
	fake.port_value = 0xaabbccdd;
	cpu.gpr[RAX] = 0x1111111111111111;
	io_exit(IO_IN, 1, 0x60);
	expect_skipped();
	assert_int_equal(cpu.gpr[RAX], 0x11111111111111dd);
	io_exit(IO_IN, 2, 0x60);
	assert_int_equal(cpu.gpr[RAX], 0x111111111111ccdd);
	io_exit(IO_IN, 4, 0x60);
	assert_int_equal(cpu.gpr[RAX], 0xaabbccdd);
	cpu.gpr[RAX] = 0x12345678;
	io_exit(0, 2, 0xcf8);
	assert_int_equal(fake.port, 0xcf8);
	assert_int_equal(fake.port_value, 0x5678);
}

static void strings_one_iteration_at_a_time(void **state)
{
	(void)state;
	fake.port_value = 0x8877;
	cpu.gpr[RDI] = DATA + 0x10;
	cpu.gpr[RCX] = 2;
	io_exit(IO_IN | IO_STRING | IO_REP, 2, 0x1f0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP);
	assert_int_equal(cpu.gpr[RCX], 1);
	assert_int_equal(cpu.gpr[RDI], DATA + 0x12);
	io_exit(IO_IN | IO_STRING | IO_REP, 2, 0x1f0);
	assert_int_equal(fake.vmcs[VMCS_GUEST_RIP], RIP + 2);
	assert_int_equal(cpu.gpr[RCX], 0);
	assert_memory_equal(data + 0x10, "\x77\x88\x77\x88", 4);
	/* No iteration: no access. */
	fake.vmcs[VMCS_GUEST_RIP] = RIP;
	fake.port_accesses = 0;
	io_exit(IO_IN | IO_STRING | IO_REP, 2, 0x1f0);
	assert_int_equal(fake.port_accesses, 0);
	expect_skipped();
	/* Downwards. */
	fake.vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_DF;
	cpu.gpr[RSI] = DATA + 0x10;
	io_exit(IO_STRING, 4, 0x80);
	expect_skipped();
	assert_int_equal(cpu.gpr[RSI], DATA + 0xc);
	assert_int_equal(fake.port_value, 0x88778877);
}

/* What the port gives is gone when it was read: the destination is looked at first. */
static void ins_faults_before_the_port_is_read(void **state)
{
	(void)state;
	user();
	cpu.gpr[RDI] = READ_ONLY - 1;
	cpu.gpr[RCX] = 5;
	io_exit(IO_IN | IO_STRING | IO_REP, 2, 0x1f0);
	expect_pf(READ_ONLY, PF_PRESENT | PF_WRITE | PF_USER);
	assert_int_equal(fake.port_accesses, 0);
	assert_int_equal(cpu.gpr[RCX], 5);
	cpu.gpr[RSI] = NOTHING;
	io_exit(IO_STRING, 1, 0x80);
	expect_pf(NOTHING, PF_USER);
	assert_int_equal(fake.port_accesses, 0);
}

/* --- INVLPG, INVPCID, MONITOR, MWAIT --- */

static void invpcid(uint64_t type, uint64_t pcid, uint64_t address)
{
	memcpy(data, &pcid, 8);
	memcpy(data + 8, &address, 8);
	cpu.gpr[RBX] = type;
	fake.vmcs[VMCS_EXIT_INSTRUCTION] =
		ADDRESS_64 | SEG_DS << 15 | NO_INDEX | NO_BASE | (uint32_t)RBX << 28;
	fake.vmcs[VMCS_EXIT_QUALIFICATION] = DATA;
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	fake.invvpid = 0;
	assert_int_equal(run_exit(EXIT_REASON_INVPCID), ENTERED_AGAIN);
}

static void invpcid_checks_its_descriptor(void **state)
{
	(void)state;
	cpu.capability.ept_vpid = BIT64(41) | BIT64(43);
	invpcid(4, 0, 0);
	expect_exception(VECTOR_GP, true, 0);
	invpcid(1, 0x1000, 0);
	expect_exception(VECTOR_GP, true, 0);
	invpcid(0, 1, 0x1000); /* a PCID without CR4.PCIDE */
	expect_exception(VECTOR_GP, true, 0);
	invpcid(0, 0, 0x800000000000);
	expect_exception(VECTOR_GP, true, 0);
	assert_int_equal(fake.invvpid, 0);
	invpcid(3, 0, 0x800000000000);
	expect_skipped();
	assert_int_equal(fake.invvpid_type, INVVPID_NOT_GLOBAL);
	fake.vmcs[VMCS_GUEST_CR4] |= CR4_PCIDE;
	invpcid(0, 1, 0x1000);
	expect_skipped();
	assert_int_equal(fake.invvpid, 1);
	assert_int_equal(fake.invvpid_type, INVVPID_SINGLE);
	user();
	invpcid(2, 0, 0);
	expect_exception(VECTOR_GP, true, 0);
}

static void invlpg_takes_what_there_is(void **state)
{
	(void)state;
	run_exit(EXIT_REASON_INVLPG);
	expect_skipped();
	assert_int_equal(fake.invvpid_type, INVVPID_ALL);
	cpu.capability.ept_vpid = BIT64(41);
	run_exit(EXIT_REASON_INVLPG);
	assert_int_equal(fake.invvpid_type, INVVPID_SINGLE);
}

static void monitor_and_mwait(void **state)
{
	(void)state;
	cpu.gpr[RAX] = DATA;
	run_exit(EXIT_REASON_MONITOR);
	expect_skipped();
	cpu.gpr[RAX] = NOTHING;
	run_exit(EXIT_REASON_MONITOR);
	expect_pf(NOTHING, 0);
	cpu.gpr[RCX] = BIT64(32);
	run_exit(EXIT_REASON_MONITOR);
	expect_exception(VECTOR_GP, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	run_exit(EXIT_REASON_MWAIT);
	expect_exception(VECTOR_GP, true, 0);
	cpu.gpr[RCX] = 1;
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	run_exit(EXIT_REASON_MWAIT);
	expect_exception(VECTOR_GP, true, 0);
	fake.vmcs[VMCS_ENTRY_INTERRUPTION] = 0;
	fake.cpuid.ecx = 3;
	run_exit(EXIT_REASON_MWAIT);
	expect_skipped();
	cpu.gpr[RCX] = 2;
	run_exit(EXIT_REASON_MWAIT);
	expect_exception(VECTOR_GP, true, 0);
}

#define T(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_pages_or_none),
		T(what_ept_protects_is_not_reached),
		T(outside_of_ram_reads_as_ones),
		T(tables_are_stored),
		T(a_user_can_store_only_where_it_may_write),
		T(alignment_is_checked_for_users),
		T(the_second_access_is_checked_behind_the_first),
		T(at_the_end_of_the_canonical_addresses),
		T(pieces_keep_the_address_size),
		T(tables_are_loaded),
		T(ltr_checks_and_marks_busy),
		T(lldt_takes_null_and_ldts),
		T(selectors_are_stored_by_operand_size),
		T(in_and_out),
		T(strings_one_iteration_at_a_time),
		T(ins_faults_before_the_port_is_read),
		T(invpcid_checks_its_descriptor),
		T(invlpg_takes_what_there_is),
		T(monitor_and_mwait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
