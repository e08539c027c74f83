// SPDX-License-Identifier: MIT
/*
 * One processor. See processor.h.
 *
 * The page of the gate is written here only while its processor is native, on that processor: as a
 * guest it could not.
 *
 * World: OS.
 */
#include <string.h>

#include "processor.h"

#define PING_ROUNDS 16

static bool source_rdmsr(void *context, uint32_t msr, uint64_t *value)
{
	(void)context;
	return host_rdmsr(msr, value);
}

static void source_cpuid(void *context, uint32_t leaf, uint32_t subleaf,
			 struct cpuid_result *result)
{
	uint32_t registers[4];

	(void)context;
	host_cpuid(leaf, subleaf, registers);
	result->eax = registers[0];
	result->ebx = registers[1];
	result->ecx = registers[2];
	result->edx = registers[3];
}

static uint64_t source_cr4(void *context)
{
	struct host_registers registers;

	(void)context;
	host_registers(&registers);
	return registers.cr4;
}

static void read_capability(void *context)
{
	static const struct capability_source source = {
		.rdmsr = source_rdmsr,
		.cpuid = source_cpuid,
		.cr4 = source_cr4,
	};

	capability_read(context, &source);
}

static enum hp_error check_capability(uint32_t processor, struct capability *capability,
				      struct hp_check *check)
{
	memset(capability, 0, sizeof(*capability));
	if (!host_call(processor, read_capability, capability))
		return HP_ERROR_OFFLINE;
	capability->kvm_loaded = host_kvm_loaded();
	memset(check, 0, sizeof(*check));
	check->processor = processor;
	capability_check(capability, check);
	return check->error;
}

enum hp_error processor_check(uint32_t processor, struct hp_check *check)
{
	struct capability capability;

	return check_capability(processor, &capability, check);
}

enum hp_error processor_examine(struct processor *processor)
{
	struct capability capability;
	enum hp_error error = check_capability(processor->index, &capability, &processor->check);

	if (error == HP_ERROR_OFFLINE)
		return error;
	processor->proc_allowed = capability.proc >> 32;
	processor->proc2_allowed = capability.proc2 >> 32;
	processor->checked = true;
	return error;
}

uint8_t processor_ept_largest(const struct processor *processor)
{
	const struct hp_check *check = &processor->check;

	if (check->requirement[HP_REQUIREMENT_EPT_2M].verdict != HP_CHECK_OK)
		return 1;
	return check->requirement[HP_REQUIREMENT_EPT_1G].verdict == HP_CHECK_OK ? 3 : 2;
}

static struct table_register table_register(const void *table, uint16_t limit)
{
	return (struct table_register){ .limit = limit, .base = (uintptr_t)table };
}

void processor_fill(const struct machine *machine, struct processor *processor)
{
	struct gate_cpu *gate = processor->gate;
	uint64_t root = machine->gate->root_base;

	gate->index = processor->index;
	gate->root_cr3 = machine->root_top.value;
	gate->root_entry = root + GATE_IMAGE_OFFSET + machine->image.elf.entry;
	gate->machine = root + GATE_SHARED_OFFSET;
	gate->root_gdtr = table_register(gate->root_gdt, sizeof(gate->root_gdt) - 1);
	gate->cross_idtr = table_register(gate->cross_idt, sizeof(gate->cross_idt) - 1);
}

/* SDM: 64-Bit Mode Exception Handling: an interrupt gate, present, DPL 0, no IST. */
static void fill_cross_idt(struct gate_cpu *gate, uint16_t code_selector)
{
	uint64_t handler = (uintptr_t)gate_nmi;

	gate->cross_idt[2 * VECTOR_NMI] = (handler & 0xffff) | (uint64_t)code_selector << 16 |
					  0x8e00ull << 32 | (handler >> 16 & 0xffff) << 48;
	gate->cross_idt[2 * VECTOR_NMI + 1] = handler >> 32;
}

/* In force in root: what the OS has of what changes the walk, and what root itself needs. */
static uint64_t root_cr4(uint64_t os_cr4)
{
	uint64_t cr4 = CR4_PAE | CR4_VMXE | (os_cr4 & (CR4_MCE | CR4_LA57 | CR4_SMEP | CR4_PKE));
	uint32_t leaf[4];

	host_cpuid(1, 0, leaf);
	return leaf[2] & CPUID_1_ECX_XSAVE ? cr4 | CR4_OSXSAVE : cr4;
}

bool processor_is_guest(const struct processor *processor)
{
	return processor->gate &&
	       __atomic_load_n(&processor->gate->in_guest, __ATOMIC_ACQUIRE) != 0;
}

static void enter(void *context)
{
	struct processor *processor = context;
	struct gate_cpu *gate = processor->gate;
	struct host_registers registers;

	host_registers(&registers);
	gate->root_cr4 = root_cr4(registers.cr4);
	gate->copy_gdtr = table_register(gate->os_gdt, registers.gdt_limit);
	fill_cross_idt(gate, registers.code_selector);
	gate->nmis = 0;
	gate->detail[0] = gate->detail[1] = 0;
	if (registers.gdt_limit >= sizeof(gate->os_gdt)) {
		gate->detail[1] = registers.gdt_limit;
		processor->error = HP_ERROR_STATE;
		return;
	}
	processor->error = gate_enter(gate);
	if (processor->error == HP_ERROR_OK && !processor_is_guest(processor))
		processor->error = HP_ERROR_INTERNAL;
}

enum hp_error processor_enter(struct processor *processor)
{
	if (!host_call(processor->index, enter, processor))
		processor->error = HP_ERROR_PROCESSOR_FAILED;
	return processor->error;
}

static void leave(void *context)
{
	struct processor *processor = context;

	if (processor_is_guest(processor))
		gate_call(processor->gate, GATE_CALL_LEAVE, 0);
}

enum hp_error processor_leave(struct processor *processor)
{
	if (!processor_is_guest(processor))
		return HP_ERROR_OK;
	if (host_call(processor->index, leave, processor) && !processor_is_guest(processor))
		return HP_ERROR_OK;
	return HP_ERROR_NO_ANSWER;
}

/* SDM: Operations that Invalidate TLBs: a change of CR4.PGE drops all of them, of every PCID. */
static void flush(void *context)
{
	uint64_t cr4;

	(void)context;
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

void processor_flush(const struct processor *processor)
{
	host_interrupt(processor->index, flush, NULL);
}

struct intercept_call {
	struct processor *processor;
	enum hp_error error;
};

static void intercept(void *context)
{
	struct intercept_call *call = context;

	if (processor_is_guest(call->processor))
		call->error = gate_call(call->processor->gate, GATE_CALL_INTERCEPT, 0);
	else
		call->error = HP_ERROR_OK;
}

enum hp_error processor_intercept(struct processor *processor)
{
	struct intercept_call call = { processor, HP_ERROR_NO_ANSWER };

	/* One that goes offline leaves on the way. */
	if (!host_interrupt(processor->index, intercept, &call))
		return processor_is_guest(processor) ? HP_ERROR_NO_ANSWER : HP_ERROR_OK;
	return call.error;
}

static void sync(void *context)
{
	struct processor *processor = context;

	if (processor_is_guest(processor))
		gate_call(processor->gate, GATE_CALL_SYNC, 0);
}

void processor_sync(struct processor *processor)
{
	host_interrupt(processor->index, sync, processor);
}

struct knock {
	struct processor *processor;
	uint32_t cpuid_base;
	struct hp_ping *ping;
	enum hp_error error;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void knock(void *context)
{
	struct knock *knock = context;
	struct hp_ping *ping = knock->ping;
	uint32_t leaf[4], i;
	uint64_t start;

	knock->error = HP_ERROR_NOT_RUNNING;
	if (!processor_is_guest(knock->processor))
		return;
	knock->error = HP_ERROR_NO_ANSWER;
	ping->cpuid_cycles = ping->gate_cycles = ~0ull;
	for (i = 0; i < PING_ROUNDS; i++) {
		start = __builtin_ia32_rdtsc();
		host_cpuid(knock->cpuid_base + HP_CPUID_SIGNATURE, 0, leaf);
		ping->cpuid_cycles = least(ping->cpuid_cycles, __builtin_ia32_rdtsc() - start);
	}
	ping->cpuid_signature = leaf[0];
	for (i = 0; i < PING_ROUNDS; i++) {
		start = __builtin_ia32_rdtsc();
		if (gate_call(knock->processor->gate, GATE_CALL_PING, 0) != HP_ERROR_OK)
			return;
		ping->gate_cycles = least(ping->gate_cycles, __builtin_ia32_rdtsc() - start);
	}
	if (ping->cpuid_signature == HP_SIGNATURE)
		knock->error = HP_ERROR_OK;
}

enum hp_error processor_ping(struct processor *processor, uint32_t cpuid_base, struct hp_ping *ping)
{
	struct knock context = { processor, cpuid_base, ping, HP_ERROR_OFFLINE };

	if (!host_call(processor->index, knock, &context))
		return HP_ERROR_OFFLINE;
	return context.error;
}
