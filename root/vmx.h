/* SPDX-License-Identifier: MIT */
/*
 * The VMX instructions, and the other privileged ones that root executes, as functions. Fields that
 * the launch has written once without an error are read and written without looking at the flags:
 * VMREAD and VMWRITE fail only for a field that the processor lacks, or without a current VMCS.
 *
 * World: root. The unit tests of root put a file of this name before this one.
 */
#ifndef ROOT_VMX_H
#define ROOT_VMX_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/addr.h"
#include "../base/x86.h"

struct cpu;

/*
 * Enters the guest; returns VMX_EXITED, VMX_FAILED or VMX_NMI_NEW. The guest's registers take the
 * place of ours, so the compiler keeps nothing in registers over it: that is cheaper than saving
 * all.
 */
static inline int vmx_enter(struct cpu *cpu)
{
	int result;

	asm volatile("call vmx_enter_guest"
		     : "=a"(result), "+D"(cpu)
		     :
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		       "r15", "cc", "memory");
	return result;
}

static inline uint64_t vmread(uint32_t field)
{
	uint64_t value;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
	return value;
}

static inline void vmwrite(uint32_t field, uint64_t value)
{
	asm volatile("vmwrite %1, %0" : : "r"((uint64_t)field), "r"(value) : "cc");
}

/* For the launch: false when the processor refuses the field. */
static inline bool vmwrite_checked(uint32_t field, uint64_t value)
{
	bool failed;

	asm volatile("vmwrite %2, %1" : "=@ccbe"(failed) : "r"((uint64_t)field), "r"(value));
	return !failed;
}

static inline bool vmxon(struct phys region)
{
	bool failed;

	asm volatile("vmxon %1" : "=@ccbe"(failed) : "m"(region.value) : "memory");
	return !failed;
}

static inline void vmxoff(void)
{
	asm volatile("vmxoff" : : : "cc", "memory");
}

static inline bool vmclear(struct phys vmcs)
{
	bool failed;

	asm volatile("vmclear %1" : "=@ccbe"(failed) : "m"(vmcs.value) : "memory");
	return !failed;
}

static inline bool vmptrld(struct phys vmcs)
{
	bool failed;

	asm volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(vmcs.value) : "memory");
	return !failed;
}

enum invept { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };

static inline void invept(enum invept type, uint64_t ept_pointer)
{
	const struct {
		uint64_t pointer, zero;
	} descriptor = { ept_pointer, 0 };

	asm volatile("invept %0, %1" : : "m"(descriptor), "r"((uint64_t)type) : "cc", "memory");
}

enum invvpid { INVVPID_ALL = 2 };

static inline void invvpid(enum invvpid type)
{
	const struct {
		uint64_t vpid, address;
	} descriptor = { 0, 0 };

	asm volatile("invvpid %0, %1" : : "m"(descriptor), "r"((uint64_t)type) : "cc", "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_result *result)
{
	asm volatile("cpuid"
		     : "=a"(result->eax), "=b"(result->ebx), "=c"(result->ecx), "=d"(result->edx)
		     : "a"(leaf), "c"(subleaf));
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline void wbinvd(void)
{
	asm volatile("wbinvd" : : : "memory");
}

static inline uint64_t read_cr0(void)
{
	uint64_t value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline void write_cr0(uint64_t value)
{
	asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
	uint64_t value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/*
 * The instructions that may fault on a value of the guest's. The exception table (fault.c) turns
 * their fault into a return of false.
 */
#define MAY_FAULT(instruction, ok)                                                                 \
	"1:	" instruction "\n"                                                                 \
	"	mov	$1, " ok "\n"                                                              \
	"2:\n"                                                                                     \
	"	.pushsection .extable, \"a\"\n"                                                          \
	"	.long	1b - ., 2b - .\n"                                                                  \
	"	.popsection"

static inline bool rdmsr_safe(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	bool ok;

	asm volatile(MAY_FAULT("rdmsr", "%b2")
		     : "+a"(low), "+d"(high), "=r"(ok)
		     : "c"(msr), "2"(false));
	*value = (uint64_t)high << 32 | low;
	return ok;
}

static inline bool wrmsr_safe(uint32_t msr, uint64_t value)
{
	bool ok;

	asm volatile(MAY_FAULT("wrmsr", "%b0")
		     : "=r"(ok)
		     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "0"(false)
		     : "memory");
	return ok;
}

static inline bool xsetbv_safe(uint32_t index, uint64_t value)
{
	bool ok;

	asm volatile(MAY_FAULT("xsetbv", "%b0")
		     : "=r"(ok)
		     : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "0"(false)
		     : "memory");
	return ok;
}

#endif
