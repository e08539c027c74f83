// SPDX-License-Identifier: MIT
/*
 * What to do about an error on Windows, where it is another thing than on Linux. Most of all: a
 * Windows that runs on its own hypervisor, Hyper-V, does not offer VT-x to anybody else, and there
 * are many settings that start it, of which few name it.
 */
#include "os.h"

#include <string.h>

#include "base/remedy.h"
#include "cpu.h"

#define HYPERVISOR_LEAF	  0x40000000u
#define PRIVILEGES_LEAF	  0x40000003u
#define CREATE_PARTITIONS 1u /* EBX: only the system that the hypervisor belongs to may */

enum below {
	NOTHING,
	ANOTHER,     /* a hypervisor of another maker */
	HYPERV_ROOT, /* Hyper-V, started by this Windows: VBS, or virtual machines of its own */
	HYPERV_GUEST,
};

static enum below look_below(void)
{
	struct cpuid_result leaf;
	uint32_t vendor[3];

	if (!(cpu_cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR))
		return NOTHING;
	leaf = cpu_cpuid(HYPERVISOR_LEAF);
	vendor[0] = leaf.ebx;
	vendor[1] = leaf.ecx;
	vendor[2] = leaf.edx;
	if (memcmp(vendor, "Microsoft Hv", sizeof(vendor)) != 0)
		return ANOTHER;
	return cpu_cpuid(PRIVILEGES_LEAF).ebx & CREATE_PARTITIONS ? HYPERV_ROOT : HYPERV_GUEST;
}

static const char no_vmx_on_hyperv[] =
	"this Windows runs on its own hypervisor, which keeps VT-x for itself (VBS or Hyper-V). "
	"Turn off what starts it, then restart: Memory Integrity (Windows Security, Device "
	"security, Core isolation), Credential Guard and virtualization-based security (group "
	"policy, System, Device Guard), and the Windows features Hyper-V, Virtual Machine "
	"Platform, Windows Hypervisor Platform and Sandbox. All at once: bcdedit /set "
	"hypervisorlaunchtype off. What it costs: no protection of the kernel and of "
	"credentials by VBS, no WSL 2, no Sandbox, no virtual machines of Hyper-V, until "
	"bcdedit /set hypervisorlaunchtype auto and a restart. With a UEFI lock, VBS stays until "
	"it is removed as Microsoft describes";

static const char no_vmx_in_hyperv[] =
	"on the host, with this virtual machine switched off: Set-VMProcessor -VMName NAME "
	"-ExposeVirtualizationExtensions $true; if VBS is on in here as well, turn it off here";

static const char no_vmx_elsewhere[] =
	"let the hypervisor below offer VT-x: in VMware, Virtualize Intel VT-x/EPT; in KVM, "
	"kvm_intel nested=1 and -cpu host";

/* Of a processor that has no VT-x, no hypervisor can offer it. */
static const char *no_vmx(void)
{
	char maker[13];

	presence_maker(maker);
	if (strcmp(maker, "GenuineIntel") != 0)
		return NULL;
	switch (look_below()) {
	case HYPERV_ROOT:
		return no_vmx_on_hyperv;
	case HYPERV_GUEST:
		return no_vmx_in_hyperv;
	case ANOTHER:
		return no_vmx_elsewhere;
	default:
		return NULL;
	}
}

const char *os_remedy(enum hp_error error)
{
	if (error == HP_ERROR_NO_VMX || error == HP_ERROR_NO_EPT)
		return no_vmx();
	return remedy_on_windows(error);
}
