// SPDX-License-Identifier: MIT
/*
 * The rules for VM-execution controls. A broken one makes VMLAUNCH fail with error 7, before
 * anything is loaded.
 *
 * Source: SDM, VM-Execution Control Fields.
 * World: any (pure).
 */
#include "entry_rules_part.h"

#define EXECUTION "VM-Execution Control Fields"

#define PAGE 4096u

/* IA32_VMX_MISC. SDM: Miscellaneous Data. */
#define MISC_CR3_TARGETS(misc) ((misc) >> 16 & 0x1ff)

/* IA32_VMX_EPT_VPID_CAP. SDM: VPID and EPT Capabilities. */
#define EPT_WALK_4	 BIT64(6)
#define EPT_WALK_5	 BIT64(7)
#define EPT_UNCACHEABLE	 BIT64(8)
#define EPT_WRITE_BACK	 BIT64(14)
#define EPT_DIRTY	 BIT64(21)
#define EPT_SHADOW_STACK BIT64(23)

/* The EPT pointer. SDM: Format of Extended-Page-Table Pointer. */
#define EPTP_TYPE(eptp)	  ((eptp)&7)
#define EPTP_WALK(eptp)	  ((eptp) >> 3 & 7)
#define EPTP_DIRTY	  BIT64(6)
#define EPTP_SHADOW_STACK BIT64(7)
#define EPTP_RESERVED	  0xf00ull

#define HLATP_RESERVED 0xfe7ull /* bits 11:5 and 2:0 */

/* --- Reserved bits --- */

static uint64_t pin_controls(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_allowed(FIELD(s, PIN_CONTROLS), s->capability->pin);
}

static uint64_t proc_controls(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return entry_bits_not_allowed(FIELD(s, PROC_CONTROLS), s->capability->proc);
}

static uint64_t proc_controls2(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!(s->proc & PROC_SECONDARY))
		return 0;
	return entry_bits_not_allowed(FIELD(s, PROC_CONTROLS2), s->capability->proc2);
}

static uint64_t proc_controls3(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->proc3 & ~s->capability->proc3;
}

static uint64_t vmfunc_controls(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->vmfunc & ~s->capability->vmfunc;
}

/* --- Addresses of structures --- */

/* The structures, by what makes the processor look at their address. */
enum structure {
	IO_BITMAP_A,
	IO_BITMAP_B,
	MSR_BITMAP,
	VIRTUAL_APIC,
	APIC_ACCESS,
	POSTED_DESCRIPTOR,
	PML_ADDRESS,
	SPP_POINTER,
	EPTP_LIST,
	VMREAD_BITMAP,
	VMWRITE_BITMAP,
	VE_INFORMATION,
	LOW_PASID,
	HIGH_PASID,
};

static uint64_t address(const struct entry_state *s, unsigned structure)
{
	const struct {
		bool used;
		uint64_t value;
		unsigned alignment;
	} structures[] = {
		[IO_BITMAP_A] = { s->proc & PROC_IO_BITMAPS, FIELD(s, IO_BITMAP_A), PAGE },
		[IO_BITMAP_B] = { s->proc & PROC_IO_BITMAPS, FIELD(s, IO_BITMAP_B), PAGE },
		[MSR_BITMAP] = { s->proc & PROC_MSR_BITMAPS, FIELD(s, MSR_BITMAP), PAGE },
		[VIRTUAL_APIC] = { s->proc & PROC_TPR_SHADOW, FIELD(s, VIRTUAL_APIC), PAGE },
		[APIC_ACCESS] = { s->proc2 & PROC2_APIC_ACCESSES, FIELD(s, APIC_ACCESS), PAGE },
		[POSTED_DESCRIPTOR] = { s->pin & PIN_POSTED_INTERRUPTS, FIELD(s, POSTED_DESCRIPTOR),
					64 },
		[PML_ADDRESS] = { s->proc2 & PROC2_PML, FIELD(s, PML_ADDRESS), PAGE },
		[SPP_POINTER] = { s->proc2 & PROC2_SPP, FIELD(s, SPP_POINTER), PAGE },
		[EPTP_LIST] = { s->vmfunc & VMFUNC_EPTP_SWITCHING, FIELD(s, EPTP_LIST), PAGE },
		[VMREAD_BITMAP] = { s->proc2 & PROC2_SHADOWING, FIELD(s, VMREAD_BITMAP), PAGE },
		[VMWRITE_BITMAP] = { s->proc2 & PROC2_SHADOWING, FIELD(s, VMWRITE_BITMAP), PAGE },
		[VE_INFORMATION] = { s->proc2 & PROC2_VE, FIELD(s, VE_INFORMATION), PAGE },
		[LOW_PASID] = { s->proc2 & PROC2_PASID, FIELD(s, LOW_PASID_DIRECTORY), PAGE },
		[HIGH_PASID] = { s->proc2 & PROC2_PASID, FIELD(s, HIGH_PASID_DIRECTORY), PAGE },
	};

	if (!structures[structure].used)
		return 0;
	return entry_bad_address(s, structures[structure].value, structures[structure].alignment);
}

static uint64_t hlat_pointer(const struct entry_state *s, unsigned argument)
{
	uint64_t pointer = FIELD(s, HLAT_POINTER);

	(void)argument;
	if (!(s->proc3 & PROC3_HLAT))
		return 0;
	return (pointer & HLATP_RESERVED) | entry_bad_address(s, pointer, 1);
}

/* SDM: The address of the last entry is the table's plus 8 for each PID index. */
static uint64_t pid_table(const struct entry_state *s, unsigned argument)
{
	uint64_t table = FIELD(s, PID_TABLE), bad = entry_bad_address(s, table, 8);

	(void)argument;
	if (!(s->proc3 & PROC3_IPI))
		return 0;
	return bad ? bad : entry_bad_address(s, table + 8 * FIELD(s, LAST_PID_INDEX), 8);
}

/* --- Controls that need other controls --- */

static uint64_t needs_tpr_shadow(const struct entry_state *s, unsigned proc2)
{
	return !(s->proc & PROC_TPR_SHADOW) && (s->proc2 >> proc2 & 1);
}

static uint64_t ipi_needs_tpr_shadow(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !(s->proc & PROC_TPR_SHADOW) && (s->proc3 & PROC3_IPI);
}

static uint64_t needs_ept(const struct entry_state *s, unsigned proc2)
{
	return !(s->proc2 & PROC2_EPT) && (s->proc2 >> proc2 & 1);
}

static uint64_t proc3_needs_ept(const struct entry_state *s, unsigned proc3)
{
	return !(s->proc2 & PROC2_EPT) && (s->proc3 >> proc3 & 1);
}

static uint64_t switching_needs_ept(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !(s->proc2 & PROC2_EPT) && (s->vmfunc & VMFUNC_EPTP_SWITCHING);
}

static uint64_t virtual_nmis(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->pin & PIN_VIRTUAL_NMIS) && !(s->pin & PIN_NMI);
}

static uint64_t nmi_window(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc & PROC_NMI_WINDOW) && !(s->pin & PIN_VIRTUAL_NMIS);
}

static uint64_t x2apic_or_accesses(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_X2APIC) && (s->proc2 & PROC2_APIC_ACCESSES);
}

static uint64_t virtual_interrupts(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_VIRTUAL_INTERRUPTS) && !(s->pin & PIN_EXTERNAL_INTERRUPT);
}

static uint64_t posted_needs_virtual(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->pin & PIN_POSTED_INTERRUPTS) && !(s->proc2 & PROC2_VIRTUAL_INTERRUPTS);
}

static uint64_t posted_needs_acknowledge(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->pin & PIN_POSTED_INTERRUPTS) && !(s->exit & EXIT_ACKNOWLEDGE);
}

static uint64_t pt_needs_load(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_PT_GUEST_PHYSICAL) && !(s->entry & ENTRY_LOAD_RTIT_CTL);
}

static uint64_t pt_needs_clear(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_PT_GUEST_PHYSICAL) && !(s->exit & EXIT_CLEAR_RTIT_CTL);
}

/* --- Values --- */

static uint64_t cr3_targets(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return FIELD(s, CR3_TARGET_COUNT) > MISC_CR3_TARGETS(s->capability->misc);
}

static bool threshold_used(const struct entry_state *s)
{
	return (s->proc & PROC_TPR_SHADOW) && !(s->proc2 & PROC2_VIRTUAL_INTERRUPTS);
}

static uint64_t threshold_reserved(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return threshold_used(s) ? FIELD(s, TPR_THRESHOLD) & ~0xfull : 0;
}

static uint64_t threshold_vtpr(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (!threshold_used(s) || (s->proc2 & PROC2_APIC_ACCESSES))
		return 0;
	if (!s->memory || !s->memory->vtpr_known)
		return 0;
	return (FIELD(s, TPR_THRESHOLD) & 0xf) > (unsigned)s->memory->vtpr >> 4;
}

static uint64_t posted_vector(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return s->pin & PIN_POSTED_INTERRUPTS ? FIELD(s, POSTED_VECTOR) & 0xff00 : 0;
}

static uint64_t vpid(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_VPID) && !FIELD(s, VPID);
}

static uint64_t tsc_multiplier(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_TSC_SCALING) && !FIELD(s, TSC_MULTIPLIER);
}

/* --- The EPT pointer --- */

static bool ept_has(const struct entry_state *s, uint64_t bit)
{
	return s->capability->ept_vpid & bit;
}

static uint64_t ept_type(const struct entry_state *s, unsigned argument)
{
	uint64_t type = EPTP_TYPE(FIELD(s, EPT_POINTER));

	(void)argument;
	if (!(s->proc2 & PROC2_EPT))
		return 0;
	return !(type == 0 && ept_has(s, EPT_UNCACHEABLE)) &&
	       !(type == 6 && ept_has(s, EPT_WRITE_BACK));
}

static uint64_t ept_walk(const struct entry_state *s, unsigned argument)
{
	uint64_t walk = EPTP_WALK(FIELD(s, EPT_POINTER));

	(void)argument;
	if (!(s->proc2 & PROC2_EPT))
		return 0;
	return !(walk == 3 && ept_has(s, EPT_WALK_4)) && !(walk == 4 && ept_has(s, EPT_WALK_5));
}

static uint64_t ept_dirty(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_EPT) && (FIELD(s, EPT_POINTER) & EPTP_DIRTY) &&
	       !ept_has(s, EPT_DIRTY);
}

static uint64_t ept_shadow_stack(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return (s->proc2 & PROC2_EPT) && (FIELD(s, EPT_POINTER) & EPTP_SHADOW_STACK) &&
	       !ept_has(s, EPT_SHADOW_STACK);
}

static uint64_t ept_reserved(const struct entry_state *s, unsigned argument)
{
	uint64_t pointer = FIELD(s, EPT_POINTER);

	(void)argument;
	if (!(s->proc2 & PROC2_EPT))
		return 0;
	return (pointer & EPTP_RESERVED) | entry_beyond_width(s, pointer);
}

/* --- The table --- */

#define X(name, ...)  RULE(name, ENTRY_CONTROLS, EXECUTION, __VA_ARGS__)
#define XB(name, ...) BITS(name, ENTRY_CONTROLS, EXECUTION, __VA_ARGS__)

#define PAGE_TEXT(what, when)                                                                      \
	"With " when ", the address of " what                                                      \
	" must be aligned to 4 KBytes and within the physical-address width."
#define EPT_TEXT(what) "Without \"enable EPT\", " what " must be 0."
#define TPR_TEXT(what) "Without \"use TPR shadow\", \"" what "\" must be 0."

static const struct entry_rule rules[] = {
	XB("pin-controls", pin_controls, 0,
	   "Pin-based controls must have the bits that IA32_VMX_TRUE_PINBASED_CTLS (or "
	   "IA32_VMX_PINBASED_CTLS) demands, and none that it does not allow.",
	   FIELDS1(PIN_CONTROLS)),
	XB("proc-controls", proc_controls, 0,
	   "Primary processor-based controls must have the bits that "
	   "IA32_VMX_TRUE_PROCBASED_CTLS (or IA32_VMX_PROCBASED_CTLS) demands, and none that it "
	   "does not allow.",
	   FIELDS1(PROC_CONTROLS)),
	XB("proc-controls2", proc_controls2, 0,
	   "With \"activate secondary controls\", secondary processor-based controls must have "
	   "the bits that IA32_VMX_PROCBASED_CTLS2 demands, and none that it does not allow.",
	   FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	XB("proc-controls3", proc_controls3, 0,
	   "With \"activate tertiary controls\", tertiary processor-based controls may have no "
	   "bit that IA32_VMX_PROCBASED_CTLS3 does not allow.",
	   FIELDS2(PROC_CONTROLS3, PROC_CONTROLS)),
	X("cr3-target-count", cr3_targets, 0,
	  "The CR3-target count must not exceed IA32_VMX_MISC bits 24:16.",
	  FIELDS1(CR3_TARGET_COUNT)),
	XB("io-bitmap-a", address, IO_BITMAP_A, PAGE_TEXT("I/O bitmap A", "\"use I/O bitmaps\""),
	   FIELDS2(IO_BITMAP_A, PROC_CONTROLS)),
	XB("io-bitmap-b", address, IO_BITMAP_B, PAGE_TEXT("I/O bitmap B", "\"use I/O bitmaps\""),
	   FIELDS2(IO_BITMAP_B, PROC_CONTROLS)),
	XB("msr-bitmap", address, MSR_BITMAP, PAGE_TEXT("the MSR bitmap", "\"use MSR bitmaps\""),
	   FIELDS2(MSR_BITMAP, PROC_CONTROLS)),
	XB("virtual-apic", address, VIRTUAL_APIC,
	   PAGE_TEXT("the virtual-APIC page", "\"use TPR shadow\""),
	   FIELDS2(VIRTUAL_APIC, PROC_CONTROLS)),
	XB("tpr-threshold-reserved", threshold_reserved, 0,
	   "With \"use TPR shadow\" and without \"virtual-interrupt delivery\", bits 31:4 of the "
	   "TPR threshold must be 0.",
	   FIELDS3(TPR_THRESHOLD, PROC_CONTROLS, PROC_CONTROLS2)),
	X("tpr-threshold", threshold_vtpr, 0,
	  "With \"use TPR shadow\" and without \"virtualize APIC accesses\" and "
	  "\"virtual-interrupt delivery\", the TPR threshold must not be greater than bits 7:4 of "
	  "VTPR, byte 80H of the virtual-APIC page.",
	  FIELDS3(TPR_THRESHOLD, PROC_CONTROLS, PROC_CONTROLS2)),
	X("virtual-nmis", virtual_nmis, 0, "Without \"NMI exiting\", \"virtual NMIs\" must be 0.",
	  FIELDS1(PIN_CONTROLS)),
	X("nmi-window", nmi_window, 0,
	  "Without \"virtual NMIs\", \"NMI-window exiting\" must be 0.",
	  FIELDS2(PROC_CONTROLS, PIN_CONTROLS)),
	X("x2apic-tpr-shadow", needs_tpr_shadow, 4, TPR_TEXT("virtualize x2APIC mode"),
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("apic-registers-tpr-shadow", needs_tpr_shadow, 8,
	  TPR_TEXT("APIC-register virtualization"), FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("virtual-interrupts-tpr-shadow", needs_tpr_shadow, 9,
	  TPR_TEXT("virtual-interrupt delivery"), FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("ipi-tpr-shadow", ipi_needs_tpr_shadow, 0, TPR_TEXT("IPI virtualization"),
	  FIELDS2(PROC_CONTROLS3, PROC_CONTROLS)),
	XB("apic-access", address, APIC_ACCESS,
	   PAGE_TEXT("the APIC-access page", "\"virtualize APIC accesses\""),
	   FIELDS3(APIC_ACCESS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("x2apic-apic-accesses", x2apic_or_accesses, 0,
	  "With \"virtualize x2APIC mode\", \"virtualize APIC accesses\" must be 0.",
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("virtual-interrupts-exiting", virtual_interrupts, 0,
	  "With \"virtual-interrupt delivery\", \"external-interrupt exiting\" must be 1.",
	  FIELDS3(PIN_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("posted-virtual-interrupts", posted_needs_virtual, 0,
	  "With \"process posted interrupts\", \"virtual-interrupt delivery\" must be 1.",
	  FIELDS3(PIN_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("posted-acknowledge", posted_needs_acknowledge, 0,
	  "With \"process posted interrupts\", \"acknowledge interrupt on exit\" must be 1.",
	  FIELDS2(PIN_CONTROLS, EXIT_CONTROLS)),
	XB("posted-vector", posted_vector, 0,
	   "With \"process posted interrupts\", bits 15:8 of the notification vector must be 0.",
	   FIELDS2(POSTED_VECTOR, PIN_CONTROLS)),
	XB("posted-descriptor", address, POSTED_DESCRIPTOR,
	   "With \"process posted interrupts\", the address of the descriptor must be aligned to "
	   "64 bytes and within the physical-address width.",
	   FIELDS2(POSTED_DESCRIPTOR, PIN_CONTROLS)),
	X("vpid", vpid, 0, "With \"enable VPID\", the VPID must not be 0.",
	  FIELDS3(VPID, PROC_CONTROLS2, PROC_CONTROLS)),
	X("ept-memory-type", ept_type, 0,
	  "With \"enable EPT\", bits 2:0 of the EPT pointer must be a memory type that "
	  "IA32_VMX_EPT_VPID_CAP has: 0 (UC) or 6 (WB).",
	  FIELDS3(EPT_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),
	X("ept-walk-length", ept_walk, 0,
	  "With \"enable EPT\", bits 5:3 of the EPT pointer must be one less than a page-walk "
	  "length that IA32_VMX_EPT_VPID_CAP has: 3 (4 levels) or 4 (5 levels).",
	  FIELDS3(EPT_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),
	X("ept-accessed-dirty", ept_dirty, 0,
	  "With \"enable EPT\", bit 6 of the EPT pointer (accessed and dirty flags) must be 0 "
	  "where IA32_VMX_EPT_VPID_CAP bit 21 is 0.",
	  FIELDS3(EPT_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),
	X("ept-shadow-stack", ept_shadow_stack, 0,
	  "With \"enable EPT\", bit 7 of the EPT pointer (supervisor shadow-stack pages) must be "
	  "0 where IA32_VMX_EPT_VPID_CAP bit 23 is 0.",
	  FIELDS3(EPT_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("ept-reserved", ept_reserved, 0,
	   "With \"enable EPT\", bits 11:8 of the EPT pointer and those beyond the "
	   "physical-address width must be 0.",
	   FIELDS3(EPT_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),
	X("pml-ept", needs_ept, 17, EPT_TEXT("\"enable PML\""),
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	XB("pml-address", address, PML_ADDRESS,
	   PAGE_TEXT("the page-modification log", "\"enable PML\""),
	   FIELDS3(PML_ADDRESS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("unrestricted-ept", needs_ept, 7, EPT_TEXT("\"unrestricted guest\""),
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("mode-based-ept", needs_ept, 22, EPT_TEXT("\"mode-based execute control for EPT\""),
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("spp-ept", needs_ept, 23, EPT_TEXT("\"sub-page write permissions for EPT\""),
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	XB("spp-pointer", address, SPP_POINTER,
	   PAGE_TEXT("the sub-page-permission table", "\"sub-page write permissions for EPT\""),
	   FIELDS3(SPP_POINTER, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("vmfunc-controls", vmfunc_controls, 0,
	   "With \"enable VM functions\", VM-function controls may have no bit that "
	   "IA32_VMX_VMFUNC does not allow.",
	   FIELDS3(VMFUNC_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("eptp-switching-ept", switching_needs_ept, 0,
	  EPT_TEXT("\"EPTP switching\" of the VM functions"),
	  FIELDS3(VMFUNC_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("eptp-list", address, EPTP_LIST,
	   PAGE_TEXT("the EPTP list", "the VM function \"EPTP switching\""),
	   FIELDS4(EPTP_LIST, VMFUNC_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("vmread-bitmap", address, VMREAD_BITMAP,
	   PAGE_TEXT("the VMREAD bitmap", "\"VMCS shadowing\""),
	   FIELDS3(VMREAD_BITMAP, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("vmwrite-bitmap", address, VMWRITE_BITMAP,
	   PAGE_TEXT("the VMWRITE bitmap", "\"VMCS shadowing\""),
	   FIELDS3(VMWRITE_BITMAP, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("ve-information", address, VE_INFORMATION,
	   PAGE_TEXT("the virtualization-exception information area", "\"EPT-violation #VE\""),
	   FIELDS3(VE_INFORMATION, PROC_CONTROLS2, PROC_CONTROLS)),
	X("pt-ept", needs_ept, 24, EPT_TEXT("\"Intel PT uses guest physical addresses\""),
	  FIELDS2(PROC_CONTROLS2, PROC_CONTROLS)),
	X("pt-load", pt_needs_load, 0,
	  "With \"Intel PT uses guest physical addresses\", the VM-entry control \"load "
	  "IA32_RTIT_CTL\" must be 1.",
	  FIELDS3(ENTRY_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("pt-clear", pt_needs_clear, 0,
	  "With \"Intel PT uses guest physical addresses\", the VM-exit control \"clear "
	  "IA32_RTIT_CTL\" must be 1.",
	  FIELDS3(EXIT_CONTROLS, PROC_CONTROLS2, PROC_CONTROLS)),
	X("tsc-multiplier", tsc_multiplier, 0,
	  "With \"use TSC scaling\", the TSC multiplier must not be 0.",
	  FIELDS3(TSC_MULTIPLIER, PROC_CONTROLS2, PROC_CONTROLS)),
	X("hlat-ept", proc3_needs_ept, 1, EPT_TEXT("\"enable HLAT\""),
	  FIELDS3(PROC_CONTROLS3, PROC_CONTROLS2, PROC_CONTROLS)),
	X("paging-write-ept", proc3_needs_ept, 2, EPT_TEXT("\"EPT paging-write control\""),
	  FIELDS3(PROC_CONTROLS3, PROC_CONTROLS2, PROC_CONTROLS)),
	X("guest-paging-ept", proc3_needs_ept, 3, EPT_TEXT("\"guest-paging verification\""),
	  FIELDS3(PROC_CONTROLS3, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("hlat-pointer", hlat_pointer, 0,
	   "With \"enable HLAT\", bits 2:0 and 11:5 of the HLAT pointer and those beyond the "
	   "physical-address width must be 0.",
	   FIELDS3(HLAT_POINTER, PROC_CONTROLS3, PROC_CONTROLS)),
	XB("pid-table", pid_table, 0,
	   "With \"IPI virtualization\", the PID-pointer table must be aligned to 8 bytes and "
	   "within the physical-address width, its last entry included.",
	   FIELDS4(PID_TABLE, LAST_PID_INDEX, PROC_CONTROLS3, PROC_CONTROLS)),
	XB("pasid-low", address, LOW_PASID,
	   PAGE_TEXT("the low PASID directory", "\"PASID translation\""),
	   FIELDS3(LOW_PASID_DIRECTORY, PROC_CONTROLS2, PROC_CONTROLS)),
	XB("pasid-high", address, HIGH_PASID,
	   PAGE_TEXT("the high PASID directory", "\"PASID translation\""),
	   FIELDS3(HIGH_PASID_DIRECTORY, PROC_CONTROLS2, PROC_CONTROLS)),
};

const struct entry_part entry_rules_controls = { rules, sizeof(rules) / sizeof(rules[0]) };
