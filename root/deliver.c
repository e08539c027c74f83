// SPDX-License-Identifier: MIT
/*
 * An event delivered by hand: what the processor does between an interrupt and the first
 * instruction of its handler, on the guest's state in the VMCS. It is for a processor that leaves
 * VMX operation with an event that the guest has not got yet, so that no VM entry can deliver it.
 *
 * Nothing is changed before everything that can fail has succeeded.
 *
 * Shadow stacks are left to the processor: where one is in use, nothing is delivered.
 *
 * Source: SDM, 64-Bit Mode IDT; 64-Bit Mode Stack Frame; Interrupt Stack Table; Stack Switching in
 * IA-32e Mode; Error Code.
 * World: root. IA-32e mode only; not for NMIs, which the gate raises.
 */
#include "../base/msr.h"
#include "root.h"
#include "vmx.h"

#define GATE_BYTES     16
#define GATE_INTERRUPT 0xe
#define GATE_TRAP      0xf
#define TSS_RSP0       4
#define TSS_IST1       36

struct handler {
	uint64_t rip;
	uint16_t selector;
	uint8_t ist, type;
	bool present;
};

static bool read_guest(struct cpu *cpu, uint64_t from, void *to, unsigned bytes)
{
	struct guest_fault fault;

	return guest_memory_read(cpu, guest_virt(from), to, bytes, GUEST_AS_SUPERVISOR, &fault);
}

static bool find_handler(struct cpu *cpu, unsigned vector, struct handler *handler)
{
	uint64_t entry[2];

	if (vector * GATE_BYTES + GATE_BYTES - 1 > vmread(VMCS_GUEST_IDTR_LIMIT) ||
	    !read_guest(cpu, vmread(VMCS_GUEST_IDTR_BASE) + vector * GATE_BYTES, entry,
			sizeof(entry)))
		return false;
	handler->rip = (entry[0] & 0xffff) | (entry[0] >> 32 & 0xffff0000) | entry[1] << 32;
	handler->selector = entry[0] >> 16 & 0xffff;
	handler->ist = entry[0] >> 32 & 7;
	handler->type = entry[0] >> 40 & 0xf;
	handler->present = entry[0] >> 47 & 1;
	return handler->present && (handler->type == GATE_INTERRUPT || handler->type == GATE_TRAP);
}

/* The handler's code segment: 64-bit code, present. */
static bool find_code(struct cpu *cpu, uint16_t selector, uint64_t *descriptor)
{
	uint64_t offset = selector & SELECTOR_INDEX;

	return !(selector & SELECTOR_TI) && offset && offset + 7 <= vmread(VMCS_GUEST_GDTR_LIMIT) &&
	       read_guest(cpu, vmread(VMCS_GUEST_GDTR_BASE) + offset, descriptor,
			  sizeof(*descriptor)) &&
	       (*descriptor >> 40 & 0x98) == 0x98 && *descriptor >> 53 & 1;
}

/* SDM: Stack Switching in IA-32e Mode. */
static bool find_stack(struct cpu *cpu, const struct handler *handler, unsigned old_cpl,
		       unsigned cpl, uint64_t *rsp)
{
	uint64_t tss = vmread(VMCS_GUEST_BASE(SEG_TR));

	*rsp = vmread(VMCS_GUEST_RSP);
	if (handler->ist)
		return read_guest(cpu, tss + TSS_IST1 + 8 * (handler->ist - 1u), rsp, 8);
	if (cpl < old_cpl)
		return read_guest(cpu, tss + TSS_RSP0 + 8 * cpl, rsp, 8);
	return true;
}

static void enter_handler(const struct handler *handler, uint64_t descriptor, unsigned old_cpl,
			  unsigned cpl, uint64_t rsp)
{
	uint64_t flags =
		vmread(VMCS_GUEST_RFLAGS) & ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_VM | RFLAGS_RF);

	if (handler->type == GATE_INTERRUPT)
		flags &= ~RFLAGS_IF;
	vmwrite(VMCS_GUEST_RFLAGS, flags);
	vmwrite(VMCS_GUEST_RIP, handler->rip);
	vmwrite(VMCS_GUEST_RSP, rsp);
	vmwrite(VMCS_GUEST_SELECTOR(SEG_CS), (handler->selector & ~SELECTOR_RPL) | cpl);
	vmwrite(VMCS_GUEST_BASE(SEG_CS), 0);
	vmwrite(VMCS_GUEST_LIMIT(SEG_CS), 0xffffffff);
	vmwrite(VMCS_GUEST_RIGHTS(SEG_CS), descriptor >> 40 & 0xf0ff);
	/* A change of privilege leaves a null selector. */
	if (cpl != old_cpl) {
		vmwrite(VMCS_GUEST_SELECTOR(SEG_SS), cpl);
		vmwrite(VMCS_GUEST_RIGHTS(SEG_SS), RIGHTS_UNUSABLE | cpl << 5);
	}
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
}

/*
 * SDM: Shadow Stacks; IA32_PL3_SSP has that of user mode only while it does not run. Neither
 * entries nor exits change these MSRs here.
 */
bool deliver_has_shadow_stack(void)
{
	uint64_t supervisor = 0, user = 0;

	if (!(guest_cr4() & CR4_CET))
		return false;
	rdmsr_safe(IA32_S_CET, &supervisor);
	if (guest_cpl() == 3)
		rdmsr_safe(IA32_U_CET, &user);
	return (supervisor | user) & CET_SH_STK_EN;
}

bool deliver(struct cpu *cpu, const struct event *event)
{
	unsigned old_cpl = guest_cpl(), cpl, count = 0;
	struct handler handler;
	struct guest_fault fault;
	uint64_t descriptor, rsp, frame[6];

	if (!event->info)
		return true;
	if (deliver_has_shadow_stack() || !find_handler(cpu, EVENT_VECTOR(event->info), &handler) ||
	    !find_code(cpu, handler.selector, &descriptor))
		return false;
	/* A conforming segment keeps the privilege. */
	cpl = descriptor >> 42 & 1 ? old_cpl : (unsigned)(descriptor >> 45 & 3);
	if (cpl > old_cpl || !find_stack(cpu, &handler, old_cpl, cpl, &rsp))
		return false;

	rsp &= ~15ull;
	if (event->info & EVENT_ERROR_CODE)
		frame[count++] = event->error_code;
	frame[count++] =
		vmread(VMCS_GUEST_RIP) + (event_is_software(event->info) ? event->length : 0);
	frame[count++] = vmread(VMCS_GUEST_SELECTOR(SEG_CS));
	frame[count++] = vmread(VMCS_GUEST_RFLAGS);
	frame[count++] = vmread(VMCS_GUEST_RSP);
	frame[count++] = vmread(VMCS_GUEST_SELECTOR(SEG_SS));
	rsp -= count * sizeof(frame[0]);
	if (!guest_memory_write(cpu, guest_virt(rsp), frame, count * sizeof(frame[0]),
				GUEST_AS_SUPERVISOR, &fault))
		return false;
	enter_handler(&handler, descriptor, old_cpl, cpl, rsp);
	return true;
}
