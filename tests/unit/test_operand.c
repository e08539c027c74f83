// SPDX-License-Identifier: MIT
/*
 * Operands of instructions that exit: the fields, and the checks of segmentation.
 */
#include "unit.h"

#include "base/operand.h"

#define DATA 0xc093u /* present, writable, big */

static struct guest_virt linear;

static void the_field_is_taken_apart(void **state)
{
	/* SIDT %gs:(%r9, %r12, 8), 64-bit addresses. */
	struct operand operand =
		operand_decode(3u | 2u << 7 | SEG_GS << 15 | 12u << 18 | 9u << 23 | 1u << 28);

	(void)state;
	assert_int_equal(operand.scale, 3);
	assert_int_equal(operand.address_bytes, 8);
	assert_int_equal(operand.segment, SEG_GS);
	assert_true(operand.has_index && operand.has_base && !operand.is_register);
	assert_int_equal(operand.index, 12);
	assert_int_equal(operand.base, 9);
	assert_int_equal(operand.identity, 1);
	/* STR %r11d; no base, no index. */
	operand = operand_decode(11u << 3 | 1u << 7 | 1u << 10 | 1u << 22 | 1u << 27 | 1u << 28);
	assert_true(operand.is_register && !operand.has_index && !operand.has_base);
	assert_int_equal(operand.reg1, 11);
	assert_int_equal(operand.address_bytes, 4);
	/* INVPCID's type is in R13; LGDT's operand size is 32 bits. */
	assert_int_equal(operand_decode(13u << 28).reg2, 13);
	assert_true(operand_decode(1u << 11).is_32_bit);
}

static void in_64_bit_code_only_fs_and_gs_have_bases(void **state)
{
	struct operand_segment segment = { 0x1000, 0, RIGHTS_UNUSABLE, true, 48, false };

	(void)state;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x20, 8, true, &linear), OPERAND_OK);
	assert_int_equal(linear.value, 0x20);
	assert_int_equal(operand_linear(&segment, SEG_GS, 0x20, 8, true, &linear), OPERAND_OK);
	assert_int_equal(linear.value, 0x1020);
}

static void both_ends_are_canonical(void **state)
{
	struct operand_segment segment = { 0, 0, 0, true, 48, false };

	(void)state;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x800000000000, 1, false, &linear),
			 OPERAND_GP);
	assert_int_equal(operand_linear(&segment, SEG_SS, 0x800000000000, 1, false, &linear),
			 OPERAND_SS);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x7ffffffffffc, 4, false, &linear),
			 OPERAND_OK);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x7ffffffffffd, 4, false, &linear),
			 OPERAND_GP);
	segment.linear_bits = 57;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x800000000000, 1, false, &linear),
			 OPERAND_OK);
}

static void limits_up_and_down(void **state)
{
	struct operand_segment segment = { 0x10000, 0xfff, DATA, false, 48, false };

	(void)state;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0xffc, 4, true, &linear), OPERAND_OK);
	assert_int_equal(linear.value, 0x10ffc);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0xffd, 4, true, &linear), OPERAND_GP);
	assert_int_equal(operand_linear(&segment, SEG_SS, 0xffd, 4, true, &linear), OPERAND_SS);
	segment.rights |= RIGHTS_EXPAND_DOWN;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0xfff, 4, true, &linear), OPERAND_GP);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x1000, 4, true, &linear), OPERAND_OK);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0xfffffffe, 4, true, &linear),
			 OPERAND_GP);
	segment.rights &= ~RIGHTS_BIG;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0xffff, 1, true, &linear), OPERAND_OK);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0xffff, 2, true, &linear), OPERAND_GP);
}

static void types_and_null(void **state)
{
	struct operand_segment segment = {
		0, 0xffffffff, DATA & ~RIGHTS_WRITABLE, false, 48, false
	};

	(void)state;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0, 4, false, &linear), OPERAND_OK);
	assert_int_equal(operand_linear(&segment, SEG_DS, 0, 4, true, &linear), OPERAND_GP);
	segment.rights = 0xc099; /* code, execute-only */
	assert_int_equal(operand_linear(&segment, SEG_CS, 0, 4, false, &linear), OPERAND_GP);
	segment.rights = 0xc09b;
	assert_int_equal(operand_linear(&segment, SEG_CS, 0, 4, false, &linear), OPERAND_OK);
	assert_int_equal(operand_linear(&segment, SEG_CS, 0, 4, true, &linear), OPERAND_GP);
	segment.rights = DATA | RIGHTS_UNUSABLE;
	assert_int_equal(operand_linear(&segment, SEG_ES, 0, 4, false, &linear), OPERAND_GP);
}

static void addresses_wrap_at_4_gib(void **state)
{
	struct operand_segment segment = { 0xfffff000, 0xffffffff, DATA, false, 48, false };

	(void)state;
	assert_int_equal(operand_linear(&segment, SEG_DS, 0x2000, 4, true, &linear), OPERAND_OK);
	assert_int_equal(linear.value, 0x1000);
}

/* Behind what the segment wants, but before the end of the canonical addresses. */
static void alignment(void **state)
{
	struct operand_segment flat = { 0, 0, 0, true, 48, true },
			       legacy = { 0x10001, 0xfff, DATA, false, 48, true };

	(void)state;
	assert_int_equal(operand_linear(&flat, SEG_SS, 6, 2, true, &linear), OPERAND_OK);
	assert_int_equal(operand_linear(&flat, SEG_SS, 6, 4, true, &linear), OPERAND_AC);
	assert_int_equal(operand_linear(&flat, SEG_DS, 0x7fffffffffff, 2, true, &linear),
			 OPERAND_AC);
	assert_int_equal(operand_linear(&flat, SEG_DS, 0x800000000001, 2, true, &linear),
			 OPERAND_GP);
	assert_int_equal(operand_linear(&legacy, SEG_DS, 3, 4, true, &linear), OPERAND_OK);
	assert_int_equal(operand_linear(&legacy, SEG_DS, 4, 4, true, &linear), OPERAND_AC);
	assert_int_equal(operand_linear(&legacy, SEG_DS, 0xffe, 4, true, &linear), OPERAND_GP);
	flat.checks_alignment = false;
	assert_int_equal(operand_linear(&flat, SEG_DS, 0x7fffffffffff, 2, true, &linear),
			 OPERAND_GP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_field_is_taken_apart),
		cmocka_unit_test(in_64_bit_code_only_fs_and_gs_have_bases),
		cmocka_unit_test(both_ends_are_canonical),
		cmocka_unit_test(limits_up_and_down),
		cmocka_unit_test(types_and_null),
		cmocka_unit_test(addresses_wrap_at_4_gib),
		cmocka_unit_test(alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
