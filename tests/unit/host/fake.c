// SPDX-License-Identifier: MIT
/*
 * The pretended machine. See fake.h.
 *
 * Physical addresses are scattered: each allocation leaves some room to the one before, so that
 * what follows physically is never what was allocated next.
 */
#include "fake.h"

#include "base/msr.h"
#include "host/lifecycle.h"
#include "host/log.h"
#include "host/machine.h"
#include "host/memory.h"

#define RUNS_MAX 4096

struct fake fake;

static struct run {
	void *address;
	uint64_t physical;
	uint32_t pages;
} runs[RUNS_MAX];

static uint64_t next_physical;
static bool in_callback, log_locked, images_locked;

/* The gate's text: a page of its own, as the host's image has it. */
__asm__(".pushsection .text\n"
	".balign 4096\n"
	".globl gate_text, gate_text_end, gate_leave, gate_nmi\n"
	"gate_text: .fill 0x100, 1, 0xcc\n"
	"gate_leave: .fill 0x100, 1, 0xcc\n"
	"gate_nmi: int3\n"
	".balign 4096, 0xcc\n"
	"gate_text_end:\n"
	".popsection");

/* Writable, so that a test can damage it. */
__asm__(".pushsection .data\n"
	".globl host_root_elf, host_root_elf_end\n"
	"host_root_elf: .incbin \"" ROOT_ELF "\"\n"
	"host_root_elf_end: .byte 0\n"
	".popsection");

#define GATE_TEXT_PHYSICAL 0x4567000ull

void fake_open(uint32_t processors, uint32_t megabytes)
{
	uint32_t i;

	memset(&fake, 0, sizeof(fake));
	fake.ram[0] = (struct memory_range){ 0x1000, 0x9e000 };
	fake.ram[1] = (struct memory_range){ 0x100000, (uint64_t)megabytes * 0x100000 - 0x120000 };
	for (i = 0; i < FAKE_PROCESSORS; i++) {
		fake.processor[i].vmx = true;
		fake.processor[i].state =
			i < processors ? HP_PROCESSOR_NATIVE : HP_PROCESSOR_ABSENT;
	}
	fake.proc2 = 0x02177fff00000000;
	fake.ept_vpid = 0x00000f0106114141;
	fake.cr4 = CR4_PAE | CR4_PGE | CR4_MCE | CR4_PCIDE | CR4_OSXSAVE | CR4_SMEP;
	fake.gdt_limit = 127;
	fake.fail_allocation = FAKE_NEVER;
	next_physical = 0x8000000;
}

void fake_close(void)
{
	uint32_t i;

	assert_int_equal(fake.kept, 0);
	assert_int_equal(fake.pages, 0);
	assert_int_equal(fake.locked, 0);
	for (i = 0; i < FAKE_PROCESSORS; i++)
		assert_null(fake.processor[i].gate);
}

int fake_open_log(void **state)
{
	(void)state;
	fake_open(1, 256);
	return log_init() ? 0 : -1;
}

int fake_close_log(void **state)
{
	(void)state;
	log_end();
	return 0;
}

void fake_damage_image(void)
{
	((uint8_t *)host_root_elf)[1] ^= 0xff;
}

void fake_mend_image(void)
{
	fake_damage_image();
}

void *host_allocate(uint32_t pages, struct phys *physical)
{
	struct run *run = runs;
	uint32_t number = fake.allocations++;

	assert_false(in_callback);
	assert_true(pages > 0);
	if (number >= fake.fail_allocation && number - fake.fail_allocation <= fake.fail_more)
		return NULL;
	while (run->address)
		run++;
	assert_true(run < runs + RUNS_MAX);
	run->address = aligned_alloc(HOST_PAGE, (size_t)pages * HOST_PAGE);
	assert_non_null(run->address);
	memset(run->address, 0, (size_t)pages * HOST_PAGE);
	run->pages = pages;
	run->physical = next_physical;
	next_physical += (pages + fake.allocations % 7) * HOST_PAGE;
	fake.pages += pages;
	physical->value = run->physical;
	return run->address;
}

void host_free(void *address, uint32_t pages)
{
	struct run *run = runs;

	assert_false(in_callback);
	while (run < runs + RUNS_MAX && run->address != address)
		run++;
	assert_true(run < runs + RUNS_MAX);
	assert_int_equal(run->pages, pages);
	free(run->address);
	run->address = NULL;
	fake.pages -= pages;
}

struct phys host_physical(const void *address)
{
	assert_ptr_equal((const char *)((uintptr_t)address & ~0xfffull), gate_text);
	return phys(GATE_TEXT_PHYSICAL + ((uintptr_t)address & 0xfff));
}

uint32_t host_processors(void)
{
	uint32_t i, last = 0;

	for (i = 0; i < FAKE_PROCESSORS; i++) {
		if (fake.processor[i].state != HP_PROCESSOR_ABSENT)
			last = i;
	}
	return last + 1;
}

enum hp_processor_state host_processor(uint32_t processor)
{
	return processor < FAKE_PROCESSORS ? fake.processor[processor].state : HP_PROCESSOR_ABSENT;
}

bool host_call(uint32_t processor, host_function *function, void *context)
{
	uint32_t on = fake.on;

	assert_false(in_callback);
	if (host_processor(processor) != HP_PROCESSOR_NATIVE)
		return false;
	in_callback = true;
	fake.on = processor;
	function(context);
	fake.on = on;
	in_callback = false;
	return true;
}

bool host_interrupt(uint32_t processor, host_function *function, void *context)
{
	fake.interrupts++;
	if (fake.pages)
		fake.interrupted |= 1u << processor;
	return fake.numb ? true : host_call(processor, function, context);
}

bool host_memory(bool (*each)(void *context, struct memory_range range), void *context)
{
	uint32_t i;

	for (i = 0; i < FAKE_RAMS && fake.ram[i].bytes; i++) {
		if (!each(context, fake.ram[i]))
			return false;
	}
	return true;
}

void host_registers(struct host_registers *registers)
{
	registers->cr4 = fake.cr4;
	registers->gdt_limit = fake.gdt_limit;
	registers->code_selector = 0x10;
}

bool host_rdmsr(uint32_t msr, uint64_t *value)
{
	const struct {
		uint32_t msr;
		uint64_t value;
	} values[] = {
		{ IA32_FEATURE_CONTROL, 5 },
		{ IA32_VMX_BASIC, 0x00d810000000002b },
		{ IA32_VMX_MISC, 0x600401e0 },
		{ IA32_VMX_CR0_FIXED0, 0x80000021 },
		{ IA32_VMX_CR0_FIXED1, 0xffffffff },
		{ IA32_VMX_CR4_FIXED0, 0x2000 },
		{ IA32_VMX_CR4_FIXED1, 0x3727ff },
		{ IA32_VMX_PROCBASED_CTLS2, fake.proc2 },
		{ IA32_VMX_EPT_VPID_CAP, fake.ept_vpid },
		{ IA32_VMX_TRUE_PINBASED, 0x0000007f00000016 },
		{ IA32_VMX_TRUE_PROCBASED, 0xf7f9fffe04006172 },
		{ IA32_VMX_TRUE_EXIT, 0x007fffff00036dfb },
		{ IA32_VMX_TRUE_ENTRY, 0x0000ffff000011fb },
		{ IA32_MTRRCAP, 0x508 },
		{ IA32_MTRR_DEF_TYPE, 0xc06 },
		{ IA32_MTRR_FIX64K_00000, 0x0606060606060606 },
		{ IA32_MTRR_FIX16K_80000, 0x0606060606060606 },
		{ IA32_MTRR_PHYSBASE0, 0xc0000000 },
		{ IA32_MTRR_PHYSMASK0, 0xffc0000800 },
	};
	unsigned i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].msr != msr)
			continue;
		*value = values[i].value;
		return true;
	}
	*value = 0;
	return msr >= IA32_MTRR_PHYSBASE0 && msr <= 0x26f;
}

void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t result[4])
{
	const struct fake_processor *processor = &fake.processor[fake.on];
	uint32_t base = fake.hypervisor ? HP_CPUID_BASE_ABOVE : HP_CPUID_BASE;

	(void)subleaf;
	memset(result, 0, 4 * sizeof(result[0]));
	if (leaf == 0) {
		result[0] = 0xd;
	} else if (leaf == 1) {
		result[2] = (uint32_t)(CPUID_1_ECX_XSAVE | CPUID_1_ECX_OSXSAVE |
				       (processor->vmx ? CPUID_1_ECX_VMX : 0) |
				       (fake.hypervisor ? CPUID_1_ECX_HYPERVISOR : 0));
		result[3] = (uint32_t)(CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR);
	} else if (leaf == 0x80000000) {
		result[0] = 0x80000008;
	} else if (leaf == 0x80000001) {
		result[3] = (uint32_t)(CPUID_81_EDX_NX | CPUID_81_EDX_LM | CPUID_81_EDX_RDTSCP |
				       (fake.page_1g ? CPUID_81_EDX_PAGE1GB : 0));
	} else if (leaf == 0x80000008) {
		result[0] = 40;
	} else if (leaf == base + HP_CPUID_SIGNATURE && processor->gate && !processor->mute) {
		result[0] = HP_SIGNATURE;
	}
}

const char *host_remedy(enum hp_error error)
{
	return error == HP_ERROR_KVM_LOADED ? "remove it as it is done here" : NULL;
}

bool host_kvm_loaded(void)
{
	assert_false(in_callback);
	return fake.kvm;
}

void host_lock(void)
{
	assert_false(in_callback);
	assert_int_equal(fake.locked, 0);
	fake.locked++;
}

void host_watch(bool on)
{
	fake.watched = on;
}

void host_nmi(uint32_t processor)
{
	fake.nmis |= 1u << processor;
	fake.lines_at_nmi = fake.lines;
	if (fake.in_nmi)
		fake.in_nmi();
}

bool host_exchange(struct phys address, uint64_t old, uint64_t value)
{
	fake.exchanged = address.value;
	fake.exchanged_old = old;
	fake.exchanged_new = value;
	fake.exchanges++;
	fake.interrupts_before = fake.interrupts;
	return !fake.unreachable;
}

void host_unlock(void)
{
	void (*then)(void) = fake.in_unlock;

	fake.locked--;
	fake.in_unlock = NULL;
	if (then)
		then();
}

unsigned long host_log_lock(void)
{
	assert_false(log_locked);
	log_locked = true;
	return 42;
}

void host_log_unlock(unsigned long flags)
{
	assert_int_equal(flags, 42);
	log_locked = false;
}

unsigned long host_images_lock(void)
{
	assert_false(images_locked);
	images_locked = true;
	return 43;
}

void host_images_unlock(unsigned long flags)
{
	assert_int_equal(flags, 43);
	images_locked = false;
}

void host_layout(struct layout *layout)
{
	static const struct layout nothing;

	assert_memory_equal(layout, &nothing, sizeof(nothing));
	layout->known = fake.layout_known;
}

void host_print(enum hp_level level, const char *line)
{
	(void)level;
	assert_null(strchr(line, '\n'));
	snprintf(fake.printed, sizeof(fake.printed), "%s", line);
	fake.lines++;
}

void host_keep(bool keep)
{
	fake.kept += keep ? 1 : -1;
	assert_in_range(fake.kept, 0, 1);
	assert_int_equal(fake.kept, lifecycle_machine() != NULL);
}

void host_wake(void)
{
	assert_false(log_locked);
	fake.wakes++;
}

void host_task(struct host_task *task)
{
	*task = (struct host_task){ .processor = fake.on, .pid = 7, .tid = 8, .image = "unit" };
}

uint64_t host_time(void)
{
	return 86400000ull * 365 + 3723004 + fake.elapsed + fake.set; /* 01:02:03.004 */
}

uint64_t host_uptime(void)
{
	return 77777 + fake.elapsed;
}

uint64_t host_tsc_khz(void)
{
	return 2000000;
}

uint32_t gate_enter(struct gate_cpu *gate)
{
	struct fake_processor *processor = &fake.processor[fake.on];

	assert_true(in_callback);
	assert_null(processor->gate);
	assert_int_equal(gate->index, fake.on);
	assert_int_equal(gate->in_guest, 0);
	assert_int_equal((uintptr_t)gate & 0xfff, 0);
	if (fake.in_gate)
		fake.in_gate(fake.on);
	gate->error = processor->refuses;
	gate->detail[0] = processor->refuses ? 0x681e : 0;
	if (processor->refuses)
		return processor->refuses;
	gate->in_guest = 1;
	processor->gate = gate;
	processor->entered++;
	lifecycle_machine()->gate->passed[fake.on] = 1;
	fake_record(fake.on, 1, HP_INFO, fake.on);
	return HP_ERROR_OK;
}

uint64_t gate_call(struct gate_cpu *gate, uint64_t code, uint64_t argument)
{
	struct fake_processor *processor = &fake.processor[fake.on];
	struct gate_machine *machine = lifecycle_machine()->gate;

	(void)argument;
	assert_true(in_callback);
	assert_ptr_equal(processor->gate, gate);
	lifecycle_machine()->processor[fake.on].ring->exits[18]++;
	lifecycle_machine()->processor[fake.on].ring->exits_total++;
	switch (code) {
	case GATE_CALL_LEAVE:
		if (processor->stays)
			return HP_ERROR_INTERNAL;
		gate->in_guest = 0;
		machine->passed[fake.on] = ~0ull;
		processor->gate = NULL;
		processor->left++;
		break;
	case GATE_CALL_INTERCEPT:
		if (processor->refuses_exits)
			return processor->refuses_exits;
		processor->has = lifecycle_machine()->command->interception;
		break;
	case GATE_CALL_SYNC:
		machine->passed[fake.on] = machine->pool.generation;
		processor->synced++;
		break;
	default:
		assert_int_equal(code, GATE_CALL_PING);
	}
	return HP_ERROR_OK;
}

bool fake_offline(uint32_t processor)
{
	bool gone;

	assert_int_equal(fake.locked, 0);
	fake.on = processor;
	gone = lifecycle_processor_offline(processor);
	fake.on = 0;
	if (gone)
		fake.processor[processor].state = HP_PROCESSOR_OFFLINE;
	return gone;
}

void fake_online(uint32_t processor)
{
	fake.processor[processor].state = HP_PROCESSOR_NATIVE;
	fake.on = processor;
	lifecycle_processor_online(processor);
	fake.on = 0;
}

enum hp_error fake_start(uint32_t exits, struct hp_failure *failure)
{
	const struct hp_start how = { .exits = exits, .history = HP_HISTORY_DEFAULT };

	return lifecycle_start(&how, failure);
}

void fake_record_goes_on(uint32_t processor, uint16_t format)
{
	struct gate_ring *ring = lifecycle_machine()->processor[processor].ring;

	fake_record(processor, format, HP_INFO, 0);
	ring->record[(ring->head - 1) % GATE_RECORDS].continues = 1;
}

void fake_record(uint32_t processor, uint16_t format, enum hp_level level, uint64_t argument)
{
	struct gate_ring *ring = lifecycle_machine()->processor[processor].ring;
	struct hp_record *record = &ring->record[ring->head % GATE_RECORDS];

	memset(record, 0, sizeof(*record));
	record->tsc = __builtin_ia32_rdtsc();
	record->sequence = (uint32_t)ring->head;
	record->format = format;
	record->level = level;
	record->argument[0] = argument;
	ring->head++;
}
