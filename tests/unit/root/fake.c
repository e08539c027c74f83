// SPDX-License-Identifier: MIT
#include "fake.h"

#include <assert.h>
#include <stddef.h>

struct fake fake;

uint64_t vmread(uint32_t field)
{
	assert(field < FAKE_FIELDS);
	fake.reads++;
	return fake.vmcs[field];
}

void vmwrite(uint32_t field, uint64_t value)
{
	assert(field < FAKE_FIELDS);
	fake.writes++;
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

void invvpid(enum invvpid type)
{
	(void)type;
	fake.invvpid++;
}

void cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_result *result)
{
	(void)leaf;
	(void)subleaf;
	*result = fake.cpuid;
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

uint64_t read_cr4(void)
{
	return fake.cr4;
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
	msr->value = value;
	return true;
}

bool xsetbv_safe(uint32_t index, uint64_t value)
{
	return index == 0 && (value & 1) && !(value & ~fake.xcr0_allowed);
}
