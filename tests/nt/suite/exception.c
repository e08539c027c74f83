// SPDX-License-Identifier: MIT
/*
 * Exceptions that the driver expects, in its own functions, which are called here directly: RDMSR
 * of an MSR that there is not, VMCALL where no hypervisor takes it. tests/nt/run finds them by the
 * driver's symbols.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

#define NO_MSR	   0x12345678
#define MSR_EFER   0xc0000080
#define GATE_PING  1 /* GATE_CALL_PING of gate/gate.h */
#define GATE_BYTES 4096

static uint64_t rdmsr_at, call_at; /* offsets in the driver's image */
static uint8_t no_gate[GATE_BYTES] __attribute__((aligned(GATE_BYTES)));

static bool driver_rdmsr(uint32_t msr, uint64_t *value)
{
	bool (*function)(uint32_t, uint64_t *) = (void *)(loader_driver.base + rdmsr_at);

	return function(msr, value);
}

static uint64_t driver_call(uint64_t code)
{
	__attribute__((sysv_abi)) uint64_t (*function)(void *, uint64_t, uint64_t) =
		(void *)(loader_driver.base + call_at);

	return function(no_gate, code, 0);
}

static void try_all(void *context)
{
	uint64_t value = 0, level = processor_cr8(), flags, result;
	const char *how = context;

	judge_check(driver_rdmsr(MSR_EFER, &value) && value == processor_rdmsr(MSR_EFER),
		    "%s: EFER is %llx", how, value);
	judge_check(!driver_rdmsr(NO_MSR, &value), "%s: there is an MSR %x", how, NO_MSR);
	/* As it is called: with interrupts off, at the highest IRQL. */
	processor_set_cr8(HIGH_LEVEL);
	asm volatile("pushfq; pop %0; cli" : "=r"(flags));
	judge_check(!driver_rdmsr(NO_MSR, &value), "%s, at HIGH_LEVEL: it is there", how);
	result = driver_call(GATE_PING);
	asm volatile("push %0; popfq" : : "r"(flags) : "cc");
	processor_set_cr8(level);
	judge_check(result == (strcmp(how, "natively") ? HP_ERROR_OK : HP_ERROR_NOT_RUNNING),
		    "%s: VMCALL gives %s", how, client_error((uint32_t)result));
}

static void handled(void)
{
	uint32_t calls = export_calls("__C_specific_handler");
	unsigned i;

	for (i = 0; i < PROCESSORS; i++)
		state_on(i, try_all, "natively");
	judge_check(client_start(0) == HP_ERROR_OK, "no start");
	for (i = 0; i < PROCESSORS; i++)
		state_on(i, try_all, "as a guest");
	judge_check(client_stop() == HP_ERROR_OK, "no stop");
	calls = export_calls("__C_specific_handler") - calls;
	/* Twice RDMSR in both worlds, and VMCALL natively. */
	judge_check(calls == 5 * PROCESSORS, "%u exceptions", calls);
}

void exception_run(uint64_t fault_rdmsr, uint64_t gate_call)
{
	static const struct test tests[] = {
		{ "exceptions: RDMSR and VMCALL that fault are handled", handled },
		{ NULL, NULL },
	};

	rdmsr_at = fault_rdmsr;
	call_at = gate_call;
	suite_tests(tests);
}
