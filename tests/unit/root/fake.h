/* SPDX-License-Identifier: MIT */
/*
 * A processor for the unit tests of root: the functions of root/vmx.h, on tables that a test fills
 * and looks at. It is included before every file of root, and its guard keeps the real one out.
 *
 * Accesses to the VMCS are counted: what an exit costs is a promise.
 */
#ifndef ROOT_VMX_H
#define ROOT_VMX_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../base/addr.h"
#include "../../../base/x86.h"

#define FAKE_FIELDS 0x8000u

struct fake_msr {
	uint32_t number;
	uint64_t value;
	bool writable;
};

struct fake {
	uint64_t vmcs[FAKE_FIELDS];
	unsigned reads, writes; /* VMREADs and VMWRITEs */
	unsigned invept, invvpid, wbinvd, vmxoff, vmxon;
	struct fake_msr msr[16]; /* others are #GP */
	struct cpuid_result cpuid;
	uint64_t cr0, cr4, xcr0_allowed;
	uint32_t refused_field; /* VMWRITE of it fails; 0: none */
	bool vmxon_fails;
};
extern struct fake fake;

enum invept { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum invvpid { INVVPID_ALL = 2 };

struct cpu;
int vmx_enter(struct cpu *cpu); /* the test has it */
uint64_t vmread(uint32_t field);
void vmwrite(uint32_t field, uint64_t value);
bool vmwrite_checked(uint32_t field, uint64_t value);
bool vmxon(struct phys region);
void vmxoff(void);
bool vmclear(struct phys vmcs);
bool vmptrld(struct phys vmcs);
void invept(enum invept type, uint64_t ept_pointer);
void invvpid(enum invvpid type);
void cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_result *result);
uint64_t rdtsc(void);
void wbinvd(void);
uint64_t read_cr0(void);
void write_cr0(uint64_t value);
uint64_t read_cr4(void);
bool rdmsr_safe(uint32_t msr, uint64_t *value);
bool wrmsr_safe(uint32_t msr, uint64_t value);
bool xsetbv_safe(uint32_t index, uint64_t value);

#endif
