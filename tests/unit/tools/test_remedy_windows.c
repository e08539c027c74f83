// SPDX-License-Identifier: MIT
/* What to do on Windows, by what is below it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/hpctl/cpu.h"
#include "tools/hpctl/os.h"

static const char *maker, *below; /* below NULL: the bare machine */
static bool root;

static struct cpuid_result words(const char *text, bool maker_order)
{
	struct cpuid_result leaf = { .eax = 0x40000005 };

	memcpy(&leaf.ebx, text, 4);
	memcpy(maker_order ? &leaf.edx : &leaf.ecx, text + 4, 4);
	memcpy(maker_order ? &leaf.ecx : &leaf.edx, text + 8, 4);
	return leaf;
}

struct cpuid_result cpu_cpuid(uint32_t leaf)
{
	switch (leaf) {
	case 0:
		return words(maker, true);
	case 1:
		return (struct cpuid_result){ .ecx = below ? CPUID_1_ECX_HYPERVISOR : 0 };
	case 0x40000000:
		return words(below, false);
	case 0x40000003:
		return (struct cpuid_result){ .ebx = root ? 1 : 0 };
	default:
		return (struct cpuid_result){ .eax = 0 };
	}
}

uint64_t cpu_tsc(void)
{
	return 0;
}

static int setup(void **state)
{
	(void)state;
	maker = "GenuineIntel";
	below = NULL;
	root = false;
	return 0;
}

static void says(enum hp_error error, const char *words)
{
	const char *remedy = os_remedy(error);

	assert_non_null(remedy);
	assert_non_null(strstr(remedy, words));
}

static void on_its_own_hypervisor(void **state)
{
	(void)state;
	below = "Microsoft Hv";
	root = true;
	says(HP_ERROR_NO_VMX, "bcdedit /set hypervisorlaunchtype off");
	says(HP_ERROR_NO_VMX, "Memory Integrity");
	says(HP_ERROR_NO_VMX, "What it costs");
}

static void in_hyperv(void **state)
{
	(void)state;
	below = "Microsoft Hv";
	says(HP_ERROR_NO_VMX, "ExposeVirtualizationExtensions");
}

static void in_another(void **state)
{
	(void)state;
	below = "VMwareVMware";
	says(HP_ERROR_NO_VMX, "Virtualize Intel VT-x/EPT");
	says(HP_ERROR_NO_EPT, "nested=1");
}

/* What abi.h says fits. */
static void elsewhere(void **state)
{
	(void)state;
	assert_null(os_remedy(HP_ERROR_NO_VMX));
	assert_null(os_remedy(HP_ERROR_VMX_LOCKED_OFF));
	assert_null(os_remedy(HP_ERROR_OK));
	maker = "AuthenticAMD";
	below = "VMwareVMware";
	assert_null(os_remedy(HP_ERROR_NO_VMX));
}

static void others(void **state)
{
	(void)state;
	says(HP_ERROR_VMX_IN_USE, "VirtualBox");
	says(HP_ERROR_NOT_PRIVILEGED, "administrator");
	says(HP_ERROR_REQUEST, "driver");
	says(HP_ERROR_IMAGE, "driver");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(on_its_own_hypervisor, setup),
		cmocka_unit_test_setup(in_hyperv, setup),
		cmocka_unit_test_setup(in_another, setup),
		cmocka_unit_test_setup(elsewhere, setup),
		cmocka_unit_test_setup(others, setup),
	};

	return cmocka_run_group_tests_name("remedies on Windows", tests, NULL, NULL);
}
