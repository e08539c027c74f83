// SPDX-License-Identifier: MIT
/*
 * The entry rules: a valid state of each kind breaks none; for every rule there is a state that
 * breaks it and no other; and what the rule depends on makes that state valid again.
 */
#include "entry_states_table.h"

static void make(unsigned number)
{
	unsigned i;

	states[number].base();
	for (i = 0; i < 4; i++)
		apply(&states[number].change[i]);
}

static void each_state_breaks_its_rule_and_no_other(void **state)
{
	struct entry_rule_broken broken[4];
	unsigned number, count, wrong = 0;

	(void)state;
	for (number = 0; number < STATES; number++) {
		const char *expected = states[number].rule ? states[number].rule : "none";

		make(number);
		count = entry_rules_check(&vmcs, &capability, broken, 4);
		if (count == !!states[number].rule &&
		    (!count || !strcmp(entry_rules_get(broken[0].rule)->id, expected)))
			continue;
		print_error("state %u should break %s, breaks %u: %s %s\n", number, expected, count,
			    count > 0 ? entry_rules_get(broken[0].rule)->id : "",
			    count > 1 ? entry_rules_get(broken[1].rule)->id : "");
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void each_rule_has_a_state(void **state)
{
	unsigned number, i, wrong = 0;

	(void)state;
	for (number = 0; number < entry_rules_count(); number++) {
		const char *id = entry_rules_get(number)->id;

		for (i = 0; i < STATES && (!states[i].rule || strcmp(states[i].rule, id)); i++)
			;
		if (i == STATES) {
			print_error("no state breaks %s\n", id);
			wrong++;
		}
	}
	/* And the other way round. */
	for (i = 0; i < STATES; i++) {
		for (number = 0; states[i].rule && number < entry_rules_count(); number++) {
			if (!strcmp(entry_rules_get(number)->id, states[i].rule))
				break;
		}
		if (states[i].rule && number == entry_rules_count()) {
			print_error("there is no rule %s\n", states[i].rule);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void a_rule_is_looked_at_only_with_all_its_fields(void **state)
{
	struct entry_rule_broken broken;
	unsigned number, i, field;

	(void)state;
	for (number = 0; number < STATES; number++) {
		const struct entry_rule *rule;

		make(number);
		if (!states[number].rule)
			continue;
		assert_int_equal(entry_rules_check(&vmcs, &capability, &broken, 1), 1);
		rule = entry_rules_get(broken.rule);
		for (i = 0; i < rule->fields; i++) {
			vmcs.present[rule->field[i]] = false;
			/* What may be missing altogether is 0 where nothing activates it. */
			if (!entry_rules_known(&vmcs, rule, &field)) {
				assert_int_equal(field, rule->field[i]);
				assert_int_equal(entry_rules_check(&vmcs, &capability, &broken, 1),
						 0);
			}
			vmcs.present[rule->field[i]] = true;
		}
	}
}

static void the_order_is_the_processors(void **state)
{
	unsigned number;

	(void)state;
	for (number = 1; number < entry_rules_count(); number++)
		assert_true(entry_rules_get(number)->class >= entry_rules_get(number - 1)->class);
	assert_null(entry_rules_get(number));
}

static void ids_are_unique_words(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	unsigned number, other;

	(void)state;
	for (number = 0; number < entry_rules_count(); number++) {
		const struct entry_rule *rule = entry_rules_get(number);

		assert_int_equal(strspn(rule->id, letters), strlen(rule->id));
		assert_true(rule->fields >= 1 && rule->fields <= ENTRY_RULE_FIELDS);
		assert_int_equal(rule->text[strlen(rule->text) - 1] == '.' ||
					 rule->text[strlen(rule->text) - 1] == ')',
				 1);
		for (other = 0; other < number; other++)
			assert_string_not_equal(rule->id, entry_rules_get(other)->id);
	}
}

static void wrong_bits_and_values_are_told(void **state)
{
	struct entry_rule_broken broken[3];

	(void)state;
	long_mode();
	PUT(GUEST_RFLAGS, 0x8028);
	PUT(HOST_CS, 0);
	PUT(CR3_TARGET_COUNT, 9);
	assert_int_equal(entry_rules_check(&vmcs, &capability, broken, 3), 3);
	assert_string_equal(entry_rules_get(broken[0].rule)->id, "cr3-target-count");
	assert_int_equal(broken[0].bits, 0);
	assert_int_equal(broken[0].value[0], 9);
	assert_string_equal(entry_rules_get(broken[1].rule)->id, "host-cs-null");
	assert_string_equal(entry_rules_get(broken[2].rule)->id, "guest-rflags-reserved");
	assert_int_equal(broken[2].bits, 0x802a);
	assert_int_equal(broken[2].value[0], 0x8028);
	/* All are counted, those that fit are told. */
	memset(broken, 0, sizeof(broken));
	assert_int_equal(entry_rules_check(&vmcs, &capability, broken, 1), 3);
	assert_int_equal(broken[1].value[0], 0);
	assert_int_equal(entry_rules_check(&vmcs, &capability, NULL, 0), 3);
}

/* What is not known of the processor breaks no rule. */
static void an_unknown_processor_forbids_nothing(void **state)
{
	(void)state;
	long_mode();
	entry_capability_unknown(&capability);
	PUT(PIN_CONTROLS, 0xffffffff);
	PUT(GUEST_DEBUGCTL, ~0ull & ~DEBUGCTL_BTF);
	PUT(GUEST_CR4, CR4_PAE);
	assert_int_equal(entry_rules_check(&vmcs, &capability, NULL, 0), 0);
}

static void the_capability_table_is_taken_over(void **state)
{
	struct capability known = { .pin = 0x7f00000016, .physical_bits = 39, .misc = 5 };

	(void)state;
	known.leaf7.ecx = CPUID_7_ECX_LA57;
	entry_capability_of(&capability, &known);
	assert_int_equal(capability.pin, 0x7f00000016);
	assert_int_equal(capability.physical_bits, 39);
	assert_int_equal(capability.linear_bits, 57);
	assert_int_equal(capability.ia32e, 1);
	assert_int_equal(capability.misc, 5);
	assert_null(capability.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_breaks_its_rule_and_no_other),
		cmocka_unit_test(each_rule_has_a_state),
		cmocka_unit_test(a_rule_is_looked_at_only_with_all_its_fields),
		cmocka_unit_test(the_order_is_the_processors),
		cmocka_unit_test(ids_are_unique_words),
		cmocka_unit_test(wrong_bits_and_values_are_told),
		cmocka_unit_test(an_unknown_processor_forbids_nothing),
		cmocka_unit_test(the_capability_table_is_taken_over),
	};

	return cmocka_run_group_tests_name("entry rules", tests, NULL, NULL);
}
