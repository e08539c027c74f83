/* SPDX-License-Identifier: MIT */
/*
 * What the processor can do and what we need of it. One place answers three questions: is this
 * machine able (the readiness check, before anything is changed), which controls does a VMCS get
 * (launch), and which instructions that CPUID announces must be hidden because their control is
 * missing.
 *
 * Source: SDM, VMX Capability Reporting Facility.
 * World: any (pure): the registers are read through functions that the caller gives.
 */
#ifndef BASE_CAPABILITY_H
#define BASE_CAPABILITY_H

#include <hyperplatform/abi.h>

#include <stdbool.h>

#include "x86.h"

struct capability {
	uint64_t feature_control, cr4;
	uint64_t basic, misc, cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint64_t pin, proc, proc2, exit,
		entry; /* TRUE ones; low half: must be 1, high half: may be 1 */
	uint64_t ept_vpid;
	struct cpuid_result leaf1, leaf7, leaf81, leafd1; /* 1; 7.0; 80000001H; 0dH.1 */
	uint8_t physical_bits;				  /* MAXPHYADDR */
	bool kvm_loaded; /* the OS side says so; root leaves it false */
};

/* The width of linear addresses that the processor has, whether it is in use or not. */
static inline uint8_t capability_linear_bits(const struct capability *capability)
{
	return capability->leaf7.ecx & CPUID_7_ECX_LA57 ? 57 : 48;
}

struct capability_source {
	bool (*rdmsr)(void *context, uint32_t msr, uint64_t *value); /* false: #GP */
	void (*cpuid)(void *context, uint32_t leaf, uint32_t subleaf, struct cpuid_result *result);
	uint64_t (*cr4)(void *context);
	void *context;
};

/* Reads all of it on this processor. A register that does not exist reads as 0. */
void capability_read(struct capability *capability, const struct capability_source *source);

/*
 * Judges: fills check->requirement and check->error (the first that is missing). A requirement that
 * cannot be looked at because an earlier one is missing is UNKNOWN.
 */
void capability_check(const struct capability *capability, struct hp_check *check);

/* The controls of a VMCS with no subscription: only what the architecture or NMI order forces. */
struct vmx_controls {
	uint32_t pin, proc, proc2, exit, entry;
};
void capability_controls(const struct capability *capability, struct vmx_controls *controls);

/* Takes out of a CPUID result what the guest must not see: VMX, and instructions without control.
 */
void capability_mask_cpuid(uint32_t proc2, uint32_t leaf, uint32_t subleaf,
			   struct cpuid_result *result);

#endif
