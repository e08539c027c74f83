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
#define FAKE_FAULT  0xbad0ull /* where root has that page fault */

enum invept { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum invvpid { INVVPID_SINGLE = 1, INVVPID_ALL = 2, INVVPID_NOT_GLOBAL = 3 };

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
	uint32_t forgets;	 /* an MSR that keeps nothing: a register that an emulator lacks */
	uint64_t debugctl_reserved; /* bits of IA32_DEBUGCTL: a write with one is #GP */
	uint64_t debugctl_ignored;  /* these read as 0, whatever is written */
	struct cpuid_result cpuid;
	enum invvpid invvpid_type; /* of the last one */
	uint64_t cr0, cr2, cr4, cr8, dr[8], xcr0_allowed;
	uint32_t tsc_aux;
	uint32_t counters; /* RDPMC of more is #GP */
	uint32_t pkru;
	uint16_t port; /* of the last access, and how many there were */
	uint32_t port_value, port_bytes, port_accesses;
	const void *outside;	/* this page is not in the window */
	uint32_t refused_field; /* VMWRITE of it fails; 0: none */
	uint32_t missing_field; /* VMREAD of it fails; 0: none */
	unsigned failing_write; /* instead of it root has a page fault; 0: none */
	bool vmxon_fails;
};
extern struct fake fake;

struct cpu;
extern struct cpu *fake_here; /* the processor of the test */
static inline struct cpu *cpu_here(void)
{
	return fake_here;
}
int vmx_enter(struct cpu *cpu); /* the test has it */
uint64_t vmread(uint32_t field);
bool vmread_checked(uint32_t field, uint64_t *value);
void vmwrite(uint32_t field, uint64_t value);
bool vmwrite_checked(uint32_t field, uint64_t value);
bool vmxon(struct phys region);
void vmxoff(void);
bool vmclear(struct phys vmcs);
bool vmptrld(struct phys vmcs);
void invept(enum invept type, uint64_t ept_pointer);
void invvpid(enum invvpid type, uint16_t vpid);
void cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_result *result);
void cpuid_to(uint32_t leaf, uint32_t subleaf, uint64_t gpr[16]);
uint64_t rdtsc(void);
uint32_t read_tsc_aux(void);
void wbinvd(void);
uint64_t read_cr0(void);
void write_cr0(uint64_t value);
uint64_t read_cr4(void);
uint64_t read_cr2(void);
uint64_t read_cr3(void);
void write_cr2(uint64_t value);
uint64_t read_cr8(void);
void write_cr8(uint64_t value);
uint64_t read_dr(unsigned number);
void write_dr(unsigned number, uint64_t value);
bool rdpmc_safe(uint32_t counter, uint64_t *value);
uint32_t port_in(uint16_t port, unsigned bytes);
void port_out(uint16_t port, uint32_t value, unsigned bytes);
bool copy_safe(void *to, const void *from, uint64_t bytes);
bool load_safe(const uint64_t *from, uint64_t *value);
bool exchange_safe(uint64_t *at, uint64_t old, uint64_t value);
uint32_t read_pkru(void);
bool rdmsr_safe(uint32_t msr, uint64_t *value);
bool wrmsr_safe(uint32_t msr, uint64_t value);
bool xsetbv_safe(uint32_t index, uint64_t value);

#endif
