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

/* The processor that runs this: every stack of root's lies in its block. */
static inline struct cpu *cpu_here(void)
{
	uintptr_t stack;

	asm("mov %%rsp, %0" : "=r"(stack));
	return (struct cpu *)(stack & ~(uintptr_t)0xffff);
}

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

/* False: the processor has no such field. */
static inline bool vmread_checked(uint32_t field, uint64_t *value)
{
	bool failed;

	asm volatile("vmread %2, %1" : "=@ccbe"(failed), "=r"(*value) : "r"((uint64_t)field));
	return !failed;
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

enum invvpid { INVVPID_SINGLE = 1, INVVPID_ALL = 2, INVVPID_NOT_GLOBAL = 3 };

/* `vpid` means nothing with INVVPID_ALL. */
static inline void invvpid(enum invvpid type, uint16_t vpid)
{
	const struct {
		uint64_t vpid, address;
	} descriptor = { vpid, 0 };

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

static inline uint32_t read_tsc_aux(void)
{
	uint32_t low, high, aux;

	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	return aux;
}

static inline uint32_t port_in(uint16_t port, unsigned bytes)
{
	uint32_t value = 0;

	if (bytes == 1)
		asm volatile("inb %1, %b0" : "+a"(value) : "Nd"(port));
	else if (bytes == 2)
		asm volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
	else
		asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void port_out(uint16_t port, uint32_t value, unsigned bytes)
{
	if (bytes == 1)
		asm volatile("outb %b0, %1" : : "a"(value), "Nd"(port));
	else if (bytes == 2)
		asm volatile("outw %w0, %1" : : "a"(value), "Nd"(port));
	else
		asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
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

static inline uint64_t read_cr2(void)
{
	uint64_t value;

	asm volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline uint64_t read_cr3(void)
{
	uint64_t value;

	asm volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static inline void write_cr2(uint64_t value)
{
	asm volatile("mov %0, %%cr2" : : "r"(value));
}

static inline uint64_t read_cr8(void)
{
	uint64_t value;

	asm volatile("mov %%cr8, %0" : "=r"(value));
	return value;
}

/* Bits 63:4 of `value` are 0. */
static inline void write_cr8(uint64_t value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

/* DR0 to DR3 and DR6: those that neither entry nor exit changes. */
static inline uint64_t read_dr(unsigned number)
{
	uint64_t value;

	switch (number) {
	case 0:
		asm volatile("mov %%db0, %0" : "=r"(value));
		return value;
	case 1:
		asm volatile("mov %%db1, %0" : "=r"(value));
		return value;
	case 2:
		asm volatile("mov %%db2, %0" : "=r"(value));
		return value;
	case 3:
		asm volatile("mov %%db3, %0" : "=r"(value));
		return value;
	default:
		asm volatile("mov %%db6, %0" : "=r"(value));
		return value;
	}
}

static inline void write_dr(unsigned number, uint64_t value)
{
	switch (number) {
	case 0:
		asm volatile("mov %0, %%db0" : : "r"(value));
		break;
	case 1:
		asm volatile("mov %0, %%db1" : : "r"(value));
		break;
	case 2:
		asm volatile("mov %0, %%db2" : : "r"(value));
		break;
	case 3:
		asm volatile("mov %0, %%db3" : : "r"(value));
		break;
	default:
		asm volatile("mov %0, %%db6" : : "r"(value));
		break;
	}
}

static inline uint64_t read_cr4(void)
{
	uint64_t value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/*
 * The instructions that may fault on a value or an address of the guest's. The exception table
 * (fault.c) turns their #GP or #PF into a return of false.
 */
#define MAY_FAULT(instruction, ok)                                                                 \
	"1:	" instruction "\n"                                                                 \
	"	mov	$1, " ok "\n"                                                              \
	"2:\n"                                                                                     \
	"	.pushsection .extable, \"a\"\n"                                                          \
	"	.long	1b - ., 2b - .\n"                                                                  \
	"	.popsection"

/*
 * Guest memory through root's window, which has RAM only: elsewhere these are false. A load and an
 * exchange of an aligned word are one access, a copy is not.
 */
static inline bool copy_safe(void *to, const void *from, uint64_t bytes)
{
	bool ok;

	asm volatile(MAY_FAULT("rep movsb", "%b0")
		     : "=r"(ok), "+D"(to), "+S"(from), "+c"(bytes)
		     : "0"(false)
		     : "memory");
	return ok;
}

static inline bool load_safe(const uint64_t *from, uint64_t *value)
{
	bool ok;

	*value = 0;
	asm volatile(MAY_FAULT("mov %2, %1", "%b0")
		     : "=r"(ok), "+r"(*value)
		     : "m"(*from), "0"(false));
	return ok;
}

/* False, too, when `*at` was not `old`. */
static inline bool exchange_safe(uint64_t *at, uint64_t old, uint64_t value)
{
	uint64_t found = old;
	bool ok;

	asm volatile(MAY_FAULT("lock cmpxchg %3, %2", "%b0")
		     : "=&r"(ok), "+a"(found), "+m"(*at)
		     : "r"(value), "0"(false)
		     : "cc", "memory");
	return ok && found == old;
}

/* CR4.PKE is set. */
static inline uint32_t read_pkru(void)
{
	uint32_t pkru, zero;

	asm volatile("rdpkru" : "=a"(pkru), "=d"(zero) : "c"(0));
	return pkru;
}

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

static inline bool rdpmc_safe(uint32_t counter, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	bool ok;

	asm volatile(MAY_FAULT("rdpmc", "%b2")
		     : "+a"(low), "+d"(high), "=r"(ok)
		     : "c"(counter), "2"(false));
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
