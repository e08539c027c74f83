// SPDX-License-Identifier: MIT
/*
 * Loads and stores of GDTR, IDTR, LDTR and TR, carried out for the guest when somebody watches
 * them. The privilege that loads need, and UMIP for stores, were checked before the exit;
 * everything about the operand and the descriptor is checked here, in the order of the manual,
 * before anything changes.
 *
 * Source: SDM, LGDT/LIDT; SGDT; SIDT; LLDT; LTR; SLDT; STR; Segment Descriptor Tables in IA-32e
 * Mode. World: root.
 */
#include "../base/operand.h"
#include "root.h"
#include "vmx.h"

enum table_instruction { SGDT, SIDT, LGDT, LIDT };  /* of exit reason 46 */
enum selector_instruction { SLDT, STR, LLDT, LTR }; /* of exit reason 47 */

/* Of access rights: the S flag and the type. */
#define SYSTEM_TYPE(rights) ((rights)&0x1fu)
#define SYSTEM_LDT	    0x2u
#define SYSTEM_TSS	    0x9u
#define SYSTEM_TSS_BUSY	    0xbu

#define UPPER_TYPE 0x1f00u /* of the third word of 16 bytes: must be 0 */

/* 64-bit code: always 8 bytes of base. Otherwise 4, of which a 16-bit operand size loads three. */
static unsigned base_bytes(void)
{
	return guest_is_64_bit() ? 8 : 4;
}

static uint32_t field_base(bool idt)
{
	return idt ? VMCS_GUEST_IDTR_BASE : VMCS_GUEST_GDTR_BASE;
}

static uint32_t field_limit(bool idt)
{
	return idt ? VMCS_GUEST_IDTR_LIMIT : VMCS_GUEST_GDTR_LIMIT;
}

static bool store_piece(struct cpu *cpu, const struct operand *operand, unsigned at,
			const void *from, unsigned bytes, struct guest_fault *fault)
{
	struct guest_virt linear;

	return guest_operand_address(cpu, operand, at, bytes, true, &linear, fault) &&
	       guest_memory_write(cpu, linear, from, bytes, GUEST_AS_CPL, fault);
}

static bool load_piece(struct cpu *cpu, const struct operand *operand, unsigned at, void *to,
		       unsigned bytes, struct guest_fault *fault)
{
	struct guest_virt linear;

	return guest_operand_address(cpu, operand, at, bytes, false, &linear, fault) &&
	       guest_memory_read(cpu, linear, to, bytes, GUEST_AS_CPL, fault);
}

/* The limit and the base are two accesses: a fault of the second leaves the first behind. */
static enum outcome store_table(struct cpu *cpu, const struct operand *operand)
{
	bool idt = operand->identity == SIDT;
	uint16_t limit = (uint16_t)vmread(field_limit(idt));
	uint64_t base = vmread(field_base(idt));
	struct guest_fault fault;

	if (!store_piece(cpu, operand, 0, &limit, sizeof(limit), &fault) ||
	    !store_piece(cpu, operand, sizeof(limit), &base, base_bytes(), &fault))
		return inject_fault(cpu, &fault);
	return OUTCOME_SKIP;
}

/* The base first, which shows when both would fault: so do the lab's processors. */
static enum outcome load_table(struct cpu *cpu, const struct operand *operand)
{
	bool idt = operand->identity == LIDT;
	struct table_register value = { .base = 0 };
	struct guest_fault fault;

	if (!load_piece(cpu, operand, sizeof(value.limit), &value.base, base_bytes(), &fault) ||
	    !load_piece(cpu, operand, 0, &value.limit, sizeof(value.limit), &fault))
		return inject_fault(cpu, &fault);
	if (!guest_is_64_bit() && !operand->is_32_bit)
		value.base &= 0xffffff;
	/* SDM: Canonicality Checks: by the width that the processor has. */
	if (!operand_is_canonical(value.base, capability_linear_bits(&cpu->capability)))
		return inject_gp(cpu);
	undo_vmwrite(field_base(idt), value.base);
	undo_vmwrite(field_limit(idt), value.limit);
	return OUTCOME_SKIP;
}

static enum outcome store_selector(struct cpu *cpu, const struct operand *operand)
{
	enum segment which = operand->identity == STR ? SEG_TR : SEG_LDTR;
	uint16_t selector = (uint16_t)vmread(VMCS_GUEST_SELECTOR(which));
	struct guest_fault fault;

	/* The operand size of a register is in the instruction's bytes only. */
	if (operand->is_register) {
		unsigned bytes;

		if (!guest_operand_size(cpu, &bytes))
			return OUTCOME_RESUME;
		guest_register_write(cpu, operand->reg1, selector, bytes);
		return OUTCOME_SKIP;
	}
	if (!store_piece(cpu, operand, 0, &selector, sizeof(selector), &fault))
		return inject_fault(cpu, &fault);
	return OUTCOME_SKIP;
}

/* SDM, LLDT and LTR: exceptions of the selector have it as their error code, without RPL. */
static bool refuse(struct guest_fault *fault, enum vector vector, uint16_t selector)
{
	*fault = (struct guest_fault){ .vector = (uint8_t)vector,
				       .has_error_code = true,
				       .error_code = selector & ~SELECTOR_RPL };
	return false;
}

/* The descriptor of LDTR or TR at `selector`, which is not null. */
static bool read_descriptor(struct cpu *cpu, uint16_t selector, uint32_t type,
			    struct segment_state *state, struct guest_fault *fault)
{
	uint64_t table = vmread(VMCS_GUEST_GDTR_BASE);
	unsigned offset = selector & SELECTOR_INDEX;
	uint64_t entry[2];

	if ((selector & SELECTOR_TI) || offset + sizeof(entry) - 1 > vmread(VMCS_GUEST_GDTR_LIMIT))
		return refuse(fault, VECTOR_GP, selector);
	if (!guest_memory_read(cpu, guest_virt(table + offset), entry, sizeof(entry),
			       GUEST_AS_SUPERVISOR, fault))
		return false;
	state->selector = selector;
	segment_decode(entry, true, state);
	if (SYSTEM_TYPE(state->rights) != type || (entry[1] >> 32 & UPPER_TYPE))
		return refuse(fault, VECTOR_GP, selector);
	if (!(state->rights & RIGHTS_PRESENT))
		return refuse(fault, VECTOR_NP, selector);
	if (!operand_is_canonical(state->base, capability_linear_bits(&cpu->capability)))
		return refuse(fault, VECTOR_GP, selector);
	return true;
}

/* In the guest's table: the byte of the type. */
static bool mark_busy(struct cpu *cpu, struct segment_state *state, struct guest_fault *fault)
{
	uint64_t at = vmread(VMCS_GUEST_GDTR_BASE) + (state->selector & SELECTOR_INDEX) + 5;
	uint8_t rights = (uint8_t)(state->rights | SYSTEM_TSS_BUSY);

	state->rights |= SYSTEM_TSS_BUSY;
	return guest_memory_write(cpu, guest_virt(at), &rights, 1, GUEST_AS_SUPERVISOR, fault);
}

static enum outcome load_selector(struct cpu *cpu, const struct operand *operand)
{
	bool tr = operand->identity == LTR;
	enum segment which = tr ? SEG_TR : SEG_LDTR;
	struct segment_state state = { .rights = RIGHTS_UNUSABLE };
	struct guest_fault fault;
	uint16_t selector;

	if (operand->is_register)
		selector = (uint16_t)guest_register_read(cpu, operand->reg1);
	else if (!load_piece(cpu, operand, 0, &selector, sizeof(selector), &fault))
		return inject_fault(cpu, &fault);
	state.selector = selector;
	if (!(selector & (SELECTOR_INDEX | SELECTOR_TI))) {
		/* A null LDTR is one that is not usable; there is no null TR. */
		if (tr)
			return inject_gp(cpu);
	} else if (!read_descriptor(cpu, selector, tr ? SYSTEM_TSS : SYSTEM_LDT, &state, &fault) ||
		   (tr && !mark_busy(cpu, &state, &fault))) {
		return inject_fault(cpu, &fault);
	}
	undo_vmwrite(VMCS_GUEST_SELECTOR(which), state.selector);
	undo_vmwrite(VMCS_GUEST_BASE(which), state.base);
	undo_vmwrite(VMCS_GUEST_LIMIT(which), state.limit);
	undo_vmwrite(VMCS_GUEST_RIGHTS(which), state.rights);
	return OUTCOME_SKIP;
}

enum outcome exit_gdtr_idtr(struct cpu *cpu)
{
	const struct operand operand = operand_decode((uint32_t)vmread(VMCS_EXIT_INSTRUCTION));

	if (operand.identity == LGDT || operand.identity == LIDT)
		return load_table(cpu, &operand);
	return store_table(cpu, &operand);
}

enum outcome exit_ldtr_tr(struct cpu *cpu)
{
	const struct operand operand = operand_decode((uint32_t)vmread(VMCS_EXIT_INSTRUCTION));

	if (operand.identity == LLDT || operand.identity == LTR)
		return load_selector(cpu, &operand);
	return store_selector(cpu, &operand);
}
