// SPDX-License-Identifier: MIT
#include "fake.h"

#include "../../../base/msr.h"
#include "../../../root/root.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct fake fake;
struct cpu *fake_here;

uint64_t vmread(uint32_t field)
{
	assert(field < FAKE_FIELDS);
	fake.reads++;
	return fake.vmcs[field];
}

bool vmread_checked(uint32_t field, uint64_t *value)
{
	if (fake.missing_field && field == fake.missing_field) {
		fake.vmcs[VMCS_INSTRUCTION_ERROR] = 12; /* of an unsupported field */
		return false;
	}
	*value = vmread(field);
	return true;
}

void vmwrite(uint32_t field, uint64_t value)
{
	assert(field < FAKE_FIELDS);
	fake.writes++;
	if (fake.failing_write && fake.writes == fake.failing_write) {
		fake.failing_write = 0;
		fake.cr2 = FAKE_FAULT;
		retreat(fake_here, HP_REPORT_FAULT, NULL);
	}
	fake.vmcs[field] = value;
}

bool vmwrite_checked(uint32_t field, uint64_t value)
{
	if (fake.refused_field && field == fake.refused_field)
		return false;
	vmwrite(field, value);
	return true;
}

bool vmxon(struct phys region)
{
	(void)region;
	fake.vmxon++;
	return !fake.vmxon_fails;
}

void vmxoff(void)
{
	fake.vmxoff++;
}

bool vmclear(struct phys vmcs)
{
	(void)vmcs;
	return true;
}

bool vmptrld(struct phys vmcs)
{
	(void)vmcs;
	return true;
}

void invept(enum invept type, uint64_t ept_pointer)
{
	(void)type;
	(void)ept_pointer;
	fake.invept++;
}

void invvpid(enum invvpid type, uint16_t vpid)
{
	(void)vpid;
	fake.invvpid_type = type;
	fake.invvpid++;
}

void cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_result *result)
{
	(void)leaf;
	(void)subleaf;
	*result = fake.cpuid;
}

void cpuid_to(uint32_t leaf, uint32_t subleaf, uint64_t gpr[16])
{
	struct cpuid_result result;

	cpuid(leaf, subleaf, &result);
	gpr[0] = result.eax;
	gpr[1] = result.ecx;
	gpr[2] = result.edx;
	gpr[3] = result.ebx;
}

uint64_t rdtsc(void)
{
	static uint64_t tsc;

	return tsc += 100;
}

void wbinvd(void)
{
	fake.wbinvd++;
}

uint64_t read_cr0(void)
{
	return fake.cr0;
}

void write_cr0(uint64_t value)
{
	fake.cr0 = value;
}

uint64_t read_cr2(void)
{
	return fake.cr2;
}

uint64_t read_cr3(void)
{
	return 0;
}

void write_cr2(uint64_t value)
{
	fake.cr2 = value;
}

uint64_t read_cr8(void)
{
	return fake.cr8;
}

void write_cr8(uint64_t value)
{
	assert(!(value >> 4));
	fake.cr8 = value;
}

uint64_t read_dr(unsigned number)
{
	assert(number <= 3 || number == 6);
	return fake.dr[number];
}

void write_dr(unsigned number, uint64_t value)
{
	assert(number <= 3 || (number == 6 && !(value >> 32)));
	fake.dr[number] = value;
}

uint32_t read_tsc_aux(void)
{
	return fake.tsc_aux;
}

bool rdpmc_safe(uint32_t counter, uint64_t *value)
{
	*value = 0x1000000000ull + counter;
	return counter < fake.counters;
}

uint64_t read_cr4(void)
{
	return fake.cr4;
}

uint32_t port_in(uint16_t port, unsigned bytes)
{
	fake.port = port;
	fake.port_bytes = bytes;
	fake.port_accesses++;
	return bytes == 4 ? fake.port_value : fake.port_value & ((1u << 8 * bytes) - 1);
}

void port_out(uint16_t port, uint32_t value, unsigned bytes)
{
	fake.port = port;
	fake.port_bytes = bytes;
	fake.port_accesses++;
	fake.port_value = bytes == 4 ? value : value & ((1u << 8 * bytes) - 1);
}

static bool is_outside(const void *address)
{
	return fake.outside && ((uintptr_t)address & ~0xfffull) == (uintptr_t)fake.outside;
}

bool copy_safe(void *to, const void *from, uint64_t bytes)
{
	if (is_outside(to) || is_outside(from))
		return false;
	memcpy(to, from, bytes);
	return true;
}

bool load_safe(const uint64_t *from, uint64_t *value)
{
	if (is_outside(from))
		return false;
	*value = *from;
	return true;
}

bool exchange_safe(uint64_t *at, uint64_t old, uint64_t value)
{
	if (is_outside(at) || *at != old)
		return false;
	*at = value;
	return true;
}

uint32_t read_pkru(void)
{
	return fake.pkru;
}

static struct fake_msr *find(uint32_t number)
{
	unsigned i;

	for (i = 0; i < sizeof(fake.msr) / sizeof(fake.msr[0]); i++) {
		if (fake.msr[i].number == number)
			return &fake.msr[i];
	}
	return NULL;
}

bool rdmsr_safe(uint32_t number, uint64_t *value)
{
	struct fake_msr *msr = find(number);

	if (msr)
		*value = msr->value;
	return msr != NULL;
}

bool wrmsr_safe(uint32_t number, uint64_t value)
{
	struct fake_msr *msr = find(number);

	if (!msr || !msr->writable)
		return false;
	if (number == IA32_DEBUGCTL) {
		if (value & fake.debugctl_reserved)
			return false;
		value &= ~fake.debugctl_ignored;
	}
	if (number != fake.forgets)
		msr->value = value;
	return true;
}

bool xsetbv_safe(uint32_t index, uint64_t value)
{
	return index == 0 && (value & 1) && !(value & ~fake.xcr0_allowed);
}
