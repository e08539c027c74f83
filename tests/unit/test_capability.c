// SPDX-License-Identifier: MIT
/*
 * The capability table against processors that are described by their registers: those of the
 * emulator's models, and each with one thing taken away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/capability.h"
#include "base/msr.h"
#include "base/vmcs.h"

struct machine {
	struct {
		uint32_t number;
		uint64_t value;
	} msr[24];
	unsigned msrs;
	uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_edx, leaf81_edx, leafd1_eax;
	uint64_t cr4;
};

static bool machine_rdmsr(void *context, uint32_t number, uint64_t *value)
{
	const struct machine *machine = context;
	unsigned i;

	for (i = 0; i < machine->msrs; i++) {
		if (machine->msr[i].number == number) {
			*value = machine->msr[i].value;
			return true;
		}
	}
	return false;
}

static void machine_cpuid(void *context, uint32_t leaf, uint32_t subleaf, struct cpuid_result *out)
{
	const struct machine *machine = context;

	memset(out, 0, sizeof(*out));
	if (leaf == 0) {
		out->eax = 0xd;
	} else if (leaf == 1) {
		out->ecx = machine->leaf1_ecx;
	} else if (leaf == 7 && subleaf == 0) {
		out->ebx = machine->leaf7_ebx;
		out->ecx = machine->leaf7_ecx;
		out->edx = machine->leaf7_edx;
	} else if (leaf == 0xd && subleaf == 1) {
		out->eax = machine->leafd1_eax;
	} else if (leaf == 0x80000000u) {
		out->eax = 0x80000008u;
	} else if (leaf == 0x80000001u) {
		out->edx = machine->leaf81_edx;
	} else if (leaf == 0x80000008u) {
		out->eax = 0x3028;
	}
}

static uint64_t machine_cr4(void *context)
{
	return ((const struct machine *)context)->cr4;
}

static void put(struct machine *machine, uint32_t number, uint64_t value)
{
	unsigned i;

	for (i = 0; i < machine->msrs && machine->msr[i].number != number; i++)
		;
	if (i == machine->msrs)
		machine->msrs++;
	machine->msr[i].number = number;
	machine->msr[i].value = value;
}

/* The registers of corei7_skylake_x, as the emulator shows them. */
static struct machine able(void)
{
	struct machine machine = {
		.leaf1_ecx = CPUID_1_ECX_VMX | CPUID_1_ECX_XSAVE,
		.leaf7_ebx = CPUID_7_EBX_INVPCID,
		.leaf81_edx = CPUID_81_EDX_LM | CPUID_81_EDX_NX | CPUID_81_EDX_RDTSCP,
		.leafd1_eax = 0xf,
		.cr4 = CR4_PAE,
	};

	put(&machine, IA32_FEATURE_CONTROL, 5);
	put(&machine, IA32_VMX_BASIC, 0x00d810000000002bull);
	put(&machine, IA32_VMX_MISC, 0x600401e0);
	put(&machine, IA32_VMX_CR0_FIXED0, 0x80000021);
	put(&machine, IA32_VMX_CR0_FIXED1, 0xffffffff);
	put(&machine, IA32_VMX_CR4_FIXED0, 0x2000);
	put(&machine, IA32_VMX_CR4_FIXED1, 0x3727ff);
	put(&machine, IA32_VMX_PROCBASED_CTLS2, 0x02177fff00000000ull);
	put(&machine, IA32_VMX_EPT_VPID_CAP, 0x00000f0106334141ull);
	put(&machine, IA32_VMX_TRUE_PINBASED, 0x0000007f00000016ull);
	put(&machine, IA32_VMX_TRUE_PROCBASED, 0xf7f9fffe04006172ull);
	put(&machine, IA32_VMX_TRUE_EXIT, 0x007fffff00036dfbull);
	put(&machine, IA32_VMX_TRUE_ENTRY, 0x0000ffff000011fbull);
	return machine;
}

static struct capability read(struct machine *machine)
{
	const struct capability_source source = { machine_rdmsr, machine_cpuid, machine_cr4,
						  machine };
	struct capability capability;

	capability_read(&capability, &source);
	return capability;
}

static enum hp_error error_of(struct machine machine)
{
	struct capability capability = read(&machine);
	struct hp_check check;

	memset(&check, 0xaa, sizeof(check));
	capability_check(&capability, &check);
	return check.error;
}

static void an_able_machine_passes_all(void **state)
{
	struct machine machine = able();
	struct capability capability = read(&machine);
	struct hp_check check;
	unsigned i;

	(void)state;
	capability_check(&capability, &check);
	assert_int_equal(check.error, HP_ERROR_OK);
	for (i = 0; i < HP_REQUIREMENT_COUNT; i++)
		assert_int_equal(check.requirement[i].verdict, HP_CHECK_OK);
	assert_int_equal(capability.physical_bits, 40);
}

static void each_lack_has_its_error(void **state)
{
	struct machine m;

	(void)state;
	m = able(), m.leaf1_ecx = 0;
	assert_int_equal(error_of(m), HP_ERROR_NO_VMX);
	m = able(), put(&m, IA32_FEATURE_CONTROL, 1);
	assert_int_equal(error_of(m), HP_ERROR_VMX_LOCKED_OFF);
	m = able(), m.cr4 |= CR4_VMXE;
	assert_int_equal(error_of(m), HP_ERROR_VMX_IN_USE);
	m = able(), put(&m, IA32_VMX_PROCBASED_CTLS2, 0x02177ffd00000000ull);
	assert_int_equal(error_of(m), HP_ERROR_NO_EPT);
	/* Like core2_penryn: no flexible controls, no EPT. EPT is what the user must hear of. */
	m = able(), put(&m, IA32_VMX_BASIC, 0x005810000000000dull);
	assert_int_equal(error_of(m), HP_ERROR_NO_EPT);
	m = able(), put(&m, IA32_VMX_BASIC, 0x00c010000000002bull);
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
	m = able(), put(&m, IA32_VMX_EPT_VPID_CAP, 0x00000f0106334101ull);
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
	m = able(), put(&m, IA32_VMX_EPT_VPID_CAP, 0x00000f0102334141ull);
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
	m = able(), put(&m, IA32_VMX_EPT_VPID_CAP, 0x00000b0106334141ull);
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
	m = able(), put(&m, IA32_VMX_TRUE_PINBASED, 0x0000005f00000016ull);
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
	m = able(), put(&m, IA32_VMX_TRUE_ENTRY, 0x00003fff000011fbull);
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
	m = able(), m.leaf81_edx &= ~(uint32_t)CPUID_81_EDX_NX;
	assert_int_equal(error_of(m), HP_ERROR_CAPABILITY);
}

static void an_unlocked_feature_control_is_no_refusal(void **state)
{
	struct machine machine = able();

	(void)state;
	put(&machine, IA32_FEATURE_CONTROL, 0);
	assert_int_equal(error_of(machine), HP_ERROR_OK);
}

static void what_is_optional_does_not_refuse(void **state)
{
	struct machine machine = able();
	struct capability capability;
	struct hp_check check;

	(void)state;
	/* sandy_bridge: no 1 GiB pages; and no INVPCID control though CPUID announces it. */
	put(&machine, IA32_VMX_EPT_VPID_CAP, 0x00000f0106114141ull);
	put(&machine, IA32_VMX_PROCBASED_CTLS2, 0x000000ff00000000ull);
	capability = read(&machine);
	capability_check(&capability, &check);
	assert_int_equal(check.error, HP_ERROR_OK);
	assert_int_equal(check.requirement[HP_REQUIREMENT_EPT_1G].verdict, HP_CHECK_MISSING);
	assert_int_equal(check.requirement[HP_REQUIREMENT_INSTRUCTIONS].verdict, HP_CHECK_MISSING);
}

static void what_comes_after_a_lack_is_unknown(void **state)
{
	struct machine machine = able();
	struct capability capability;
	struct hp_check check;

	(void)state;
	machine.leaf1_ecx = 0;
	capability = read(&machine);
	capability_check(&capability, &check);
	assert_int_equal(check.requirement[HP_REQUIREMENT_VMX].verdict, HP_CHECK_MISSING);
	assert_int_equal(check.requirement[HP_REQUIREMENT_EPT].verdict, HP_CHECK_UNKNOWN);
}

static void controls_obey_the_capability_msrs(void **state)
{
	struct machine machine = able();
	struct capability c = read(&machine);
	struct vmx_controls controls;

	(void)state;
	capability_controls(&c, &controls);
	assert_int_equal(controls.pin & (uint32_t)c.pin, (uint32_t)c.pin);
	assert_int_equal(controls.proc & ~(uint32_t)(c.proc >> 32), 0);
	assert_true(controls.proc & PROC_MSR_BITMAPS);
	/* Nothing exits that need not. */
	assert_false(controls.proc & (PROC_CR3_LOAD | PROC_CR3_STORE | PROC_HLT | PROC_IO_BITMAPS |
				      PROC_IO_UNCONDITIONAL | PROC_MOV_DR | PROC_RDTSC));
	assert_false(controls.pin & PIN_EXTERNAL_INTERRUPT);
	assert_true(controls.proc2 & PROC2_INVPCID);
	assert_true(controls.proc2 & PROC2_RDTSCP);
	assert_true(controls.proc2 & PROC2_XSAVES);
	assert_false(controls.proc2 & PROC2_DESCRIPTOR_TABLE);
	/* skylake_x's user wait is not announced: its control stays off. */
	assert_false(controls.proc2 & PROC2_USER_WAIT_PAUSE);
}

/* SDM: of these, each is #UD in VMX non-root operation without its control. */
static void announced_instructions_have_their_control(void **state)
{
	static const uint32_t control[] = { PROC2_INVPCID, PROC2_RDTSCP, PROC2_XSAVES,
					    PROC2_USER_WAIT_PAUSE, PROC2_PCONFIG };
	struct machine machine = able();
	struct vmx_controls controls;
	struct capability c;
	unsigned i;

	(void)state;
	put(&machine, IA32_VMX_PROCBASED_CTLS2, 0xffffffff00000000ull);
	machine.leaf7_ecx = 1u << 5;
	machine.leaf7_edx = 1u << 18;
	c = read(&machine);
	capability_controls(&c, &controls);
	for (i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		assert_true(controls.proc2 & control[i]);
	machine.leaf7_ebx = machine.leaf7_ecx = machine.leaf7_edx = 0;
	machine.leaf81_edx &= ~CPUID_81_EDX_RDTSCP;
	machine.leafd1_eax = 0;
	c = read(&machine);
	capability_controls(&c, &controls);
	for (i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		assert_false(controls.proc2 & control[i]);
}

static void msr_bitmap_has_the_table_and_nothing_else(void **state)
{
	static uint8_t bitmap[4096];
	unsigned i, set = 0, expected = 0;
	uint32_t msr;

	(void)state;
	msr_bitmap_fill(bitmap);
	for (i = 0; i < sizeof(bitmap) * 8; i++)
		set += bitmap[i / 8] >> (i % 8) & 1;
	for (msr = 0; msr <= MSR_LOW_LAST; msr++) {
		expected += msr_rule_find(msr, false) != NULL;
		expected += msr_rule_find(msr, true) != NULL;
		assert_int_equal(msr_bitmap_test(bitmap, msr, false),
				 msr_rule_find(msr, false) != NULL);
		assert_int_equal(msr_bitmap_test(bitmap, msr, true),
				 msr_rule_find(msr, true) != NULL);
	}
	assert_int_equal(set, expected);
	assert_true(msr_bitmap_test(bitmap, 0x2000, false));
	assert_true(msr_bitmap_test(bitmap, 0xc0002000u, true));
	assert_false(msr_bitmap_test(bitmap, IA32_EFER, true));
	/* SDM: MSR-Bitmap Address: write bits of the high range are the last KByte. */
	msr_bitmap_set(bitmap, 0xc0000082u, true, true);
	assert_int_equal(bitmap[3072 + 0x82 / 8], 1 << (0x82 % 8));
	msr_bitmap_set(bitmap, 0xc0000082u, true, false);
	assert_int_equal(bitmap[3072 + 0x82 / 8], 0);
}

static void vmcs_fields_are_unique_and_sized(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; i < vmcs_fields_count; i++) {
		for (k = 0; k < i; k++)
			assert_int_not_equal(vmcs_fields[i].encoding, vmcs_fields[k].encoding);
		/* SDM: bits 11:10 are the type: control, exit information, guest, host. */
		switch (vmcs_fields[i].encoding >> 10 & 3) {
		case 0:
			assert_int_equal(vmcs_fields[i].group, VMCS_CONTROL);
			break;
		case 1:
			assert_int_equal(vmcs_fields[i].group, VMCS_EXIT);
			break;
		case 2:
			assert_int_equal(vmcs_fields[i].group, VMCS_GUEST);
			break;
		case 3:
			assert_int_equal(vmcs_fields[i].group, VMCS_HOST);
			break;
		}
	}
	assert_int_equal(vmcs_field_bytes(VMCS_GUEST_ES), 2);
	assert_int_equal(vmcs_field_bytes(VMCS_EPT_POINTER), 8);
	assert_int_equal(vmcs_field_bytes(VMCS_EXIT_REASON), 4);
	assert_int_equal(vmcs_field_bytes(VMCS_GUEST_RIP), 8);
	assert_string_equal(exit_reason_text(EXIT_REASON_CPUID), "CPUID");
	assert_null(exit_reason_text(35));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_able_machine_passes_all),
		cmocka_unit_test(each_lack_has_its_error),
		cmocka_unit_test(an_unlocked_feature_control_is_no_refusal),
		cmocka_unit_test(what_is_optional_does_not_refuse),
		cmocka_unit_test(what_comes_after_a_lack_is_unknown),
		cmocka_unit_test(controls_obey_the_capability_msrs),
		cmocka_unit_test(announced_instructions_have_their_control),
		cmocka_unit_test(msr_bitmap_has_the_table_and_nothing_else),
		cmocka_unit_test(vmcs_fields_are_unique_and_sized),
	};

	return cmocka_run_group_tests_name("capabilities, MSRs, VMCS", tests, NULL, NULL);
}
