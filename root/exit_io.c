// SPDX-License-Identifier: MIT
/*
 * IN, OUT, INS and OUTS, carried out for the guest when somebody watches the port. The I/O
 * permission (IOPL and the bitmap of the TSS) was checked before the exit; the memory of the string
 * forms is checked here. Of a repeated instruction one iteration is carried out at each exit, so
 * that interrupts come between two of them, as they do on the bare processor.
 *
 * Source: SDM, Exit Qualification for I/O Instructions; IN; OUT; INS/INSB/INSW/INSD;
 * OUTS/OUTSB/OUTSW/OUTSD; REP/REPE/REPZ/REPNE/REPNZ.
 * World: root.
 */
#include "../base/operand.h"
#include "skip.h"

struct access {
	unsigned bytes;
	bool in, string, repeated;
	uint16_t port;
};

static struct access decode(uint64_t qualification)
{
	return (struct access){
		.bytes = (qualification & 7) + 1,
		.in = qualification >> 3 & 1,
		.string = qualification >> 4 & 1,
		.repeated = qualification >> 5 & 1,
		.port = (uint16_t)(qualification >> 16),
	};
}

/* RSI, RDI or RCX with the address size of the instruction. */
static uint64_t index_read(const struct cpu *cpu, unsigned number, unsigned address_bytes)
{
	uint64_t value = cpu->gpr[number];

	return address_bytes == 8 ? value : value & (BIT64(8 * address_bytes) - 1);
}

static void index_add(struct cpu *cpu, unsigned number, unsigned address_bytes, int64_t change)
{
	guest_register_write(cpu, number, cpu->gpr[number] + (uint64_t)change, address_bytes);
}

/* One iteration. False: `fault`, and nothing has happened: what may fault comes before the port. */
static bool iterate(struct cpu *cpu, const struct access *access, const struct operand *operand,
		    struct guest_fault *fault)
{
	unsigned number = access->in ? RDI : RSI;
	enum segment segment = access->in ? SEG_ES : operand->segment;
	uint64_t offset = index_read(cpu, number, operand->address_bytes);
	int64_t step = vmread(VMCS_GUEST_RFLAGS) & RFLAGS_DF ? -(int64_t)access->bytes
							     : (int64_t)access->bytes;
	struct guest_virt linear;
	uint32_t value = 0;

	if (!guest_operand_linear(cpu, segment, offset, access->bytes, access->in, &linear, fault))
		return false;
	if (access->in) {
		if (!guest_memory_writable(cpu, linear, access->bytes, GUEST_AS_CPL, fault))
			return false;
		value = port_in(access->port, access->bytes);
		guest_memory_write(cpu, linear, &value, access->bytes, GUEST_AS_CPL, fault);
	} else {
		if (!guest_memory_read(cpu, linear, &value, access->bytes, GUEST_AS_CPL, fault))
			return false;
		port_out(access->port, value, access->bytes);
	}
	index_add(cpu, number, operand->address_bytes, step);
	return true;
}

static enum outcome string(struct cpu *cpu, const struct access *access)
{
	const struct operand operand = operand_decode((uint32_t)vmread(VMCS_EXIT_INSTRUCTION));
	unsigned address_bytes = operand.address_bytes;
	struct guest_fault fault;

	if (access->repeated && !index_read(cpu, RCX, address_bytes))
		return OUTCOME_SKIP;
	if (!iterate(cpu, access, &operand, &fault))
		return inject_fault(cpu, &fault);
	if (!access->repeated)
		return OUTCOME_SKIP;
	index_add(cpu, RCX, address_bytes, -1);
	if (!index_read(cpu, RCX, address_bytes))
		return OUTCOME_SKIP;
	skip_iteration(cpu);
	return OUTCOME_RESUME;
}

enum outcome exit_io(struct cpu *cpu)
{
	const struct access access = decode(vmread(VMCS_EXIT_QUALIFICATION));

	if (access.string)
		return string(cpu, &access);
	if (access.in)
		guest_register_write(cpu, RAX, port_in(access.port, access.bytes), access.bytes);
	else
		port_out(access.port, (uint32_t)cpu->gpr[RAX], access.bytes);
	return OUTCOME_SKIP;
}
