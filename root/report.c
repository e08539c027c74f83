// SPDX-License-Identifier: MIT
/*
 * The report of a failure: where root was, what the guest was doing, and the whole VMCS, for the OS
 * side to keep and to explain. Root only writes numbers down.
 *
 * Nothing here trusts what it looks at: it runs because something is wrong.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

_Static_assert(HP_REPORT_FIELDS >= sizeof((uint8_t[]){
#define FIELD(name, encoding, group) 0,
					   VMCS_FIELDS(FIELD)
#undef FIELD
				   }),
	       "every field has its place");

/* Addresses in root.elf by their offsets; anything else is ~0. */
static uint64_t offset_of(const struct cpu *cpu, uint64_t address)
{
	uint64_t offset = address - (cpu->machine->root_base + GATE_IMAGE_OFFSET);

	return offset < cpu->machine->image_bytes ? offset : ~0ull;
}

/* A frame pointer has to lie in a page of this processor's block that is mapped. */
static bool is_on_stack(const struct cpu *cpu, uint64_t address)
{
	uint64_t offset = address - (uintptr_t)cpu;

	return !(address & 7) && offset < GATE_BLOCK_BYTES - 16 &&
	       GATE_BLOCK_MAPPED >> (offset / GATE_PAGE) & 1 &&
	       GATE_BLOCK_MAPPED >> ((offset + 15) / GATE_PAGE) & 1;
}

static void write_frames(const struct cpu *cpu, struct hp_report *report, uint64_t rbp)
{
	const uint64_t *frame;
	unsigned i;

	for (i = 0; i < HP_REPORT_FRAMES && is_on_stack(cpu, rbp); i++) {
		frame = (const uint64_t *)(uintptr_t)rbp;
		if (offset_of(cpu, frame[1]) == ~0ull)
			break;
		report->frame[i] = offset_of(cpu, frame[1]);
		/* Stacks grow down: what does not lead up leads round. */
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void write_root(const struct cpu *cpu, struct hp_report *report,
		       const struct fault_frame *frame)
{
	const uint64_t gpr[16] = { frame->rax, frame->rcx, frame->rdx, frame->rbx,
				   frame->rsp, frame->rbp, frame->rsi, frame->rdi,
				   frame->r8,  frame->r9,  frame->r10, frame->r11,
				   frame->r12, frame->r13, frame->r14, frame->r15 };

	__builtin_memcpy(report->root_gpr, gpr, sizeof(gpr));
	report->vector = (uint32_t)frame->vector;
	report->error_code = (uint32_t)frame->error_code;
	report->address = read_cr2();
	report->root_rip = offset_of(cpu, frame->rip);
	report->root_rflags = frame->rflags;
	report->root_cr3 = read_cr3();
	write_frames(cpu, report, frame->rbp);
}

static void write_vmcs(struct hp_report *report)
{
	unsigned i;

	for (i = 0; i < vmcs_fields_count && i < HP_REPORT_FIELDS; i++) {
		if (vmread_checked(vmcs_fields[i].encoding, &report->field[i]))
			report->present[i / 64] |= BIT64(i % 64);
	}
	report->reason = (uint32_t)vmread(VMCS_EXIT_REASON);
}

static void write_capability(const struct capability *capability, struct hp_report *report)
{
	const uint64_t values[HP_REPORT_CAPABILITIES] = {
		capability->basic,	capability->misc,	capability->cr0_fixed0,
		capability->cr0_fixed1, capability->cr4_fixed0, capability->cr4_fixed1,
		capability->pin,	capability->proc,	capability->proc2,
		capability->exit,	capability->entry,	capability->ept_vpid,
	};

	__builtin_memcpy(report->capability, values, sizeof(values));
	report->physical_bits = capability->physical_bits;
	report->linear_bits = capability_linear_bits(capability);
}

void report_write(struct cpu *cpu, enum hp_report_kind kind, const struct fault_frame *frame)
{
	struct hp_report *report = &cpu->trail->report;

	if (report->kind != HP_REPORT_NONE) {
		report->again++;
		return;
	}
	__builtin_memset(report, 0, sizeof(*report));
	report->processor = cpu->index;
	report->tsc = rdtsc();
	__builtin_memcpy(report->guest_gpr, cpu->gpr, sizeof(report->guest_gpr));
	if (frame)
		write_root(cpu, report, frame);
	/* Before a VMREAD of a field that is not there writes its own. */
	if (kind == HP_REPORT_ENTRY_FAILED)
		report->instruction_error = (uint32_t)vmread(VMCS_INSTRUCTION_ERROR);
	if (cpu->in_vmx)
		write_vmcs(report);
	write_capability(&cpu->capability, report);
	/* Complete: the OS side may look. */
	__atomic_store_n(&report->kind, kind, __ATOMIC_RELEASE);
}

void report_event(struct cpu *cpu, uint32_t info)
{
	cpu->trail->report.event = info;
}

void report_end(struct cpu *cpu, enum hp_report_end end)
{
	__atomic_store_n(&cpu->trail->report.end, end, __ATOMIC_RELEASE);
}
