// SPDX-License-Identifier: MIT
/*
 * NMIs and foreign memory. See emergency.h.
 *
 * NT has no function for drivers that sends an NMI, so the local APIC is written: by its MSR in
 * x2APIC mode, else by its page. An NMI that nobody claims ends in a bug check; root drops ours,
 * but one may arrive on a processor that has left meanwhile, and is claimed here.
 *
 * Page tables of the system's can't be reached by MmMapIoSpace() since NT 10.0.17134; by an MDL
 * that says that the page is locked they can.
 *
 * World: OS.
 */
#include "../../base/msr.h"
#include "../../base/x86.h"
#include "../host.h"
#include "../log.h"
#include "emergency.h"
#include "platform.h"

#define APIC_BASE      0x1bu /* IA32_APIC_BASE */
#define APIC_X2APIC    BIT64(10)
#define APIC_ADDRESS   0x000ffffffffff000ull
#define X2APIC_ICR     0x830u  /* IA32_X2APIC_ICR */
#define ICR_NMI	       0x4400u /* delivery mode NMI, level assert, to the one in the high half */
#define ICR_PENDING    0x1000u
#define ICR_LOW	       (0x300 / 4)
#define ICR_HIGH       (0x310 / 4)
#define XAPIC_ID_SHIFT 24
#define PENDING_TRIES  100000u
#define CLAIM_FOR      10000000ull /* one second on the clock of NT */
#define CPUID_TOPOLOGY 0xbu
#define PAGE_BYTES     4096u

static uint32_t apic_ids[HP_PROCESSORS_MAX];
static bool met[HP_PROCESSORS_MAX];
static uint64_t sent_at[HP_PROCESSORS_MAX]; /* 0: no NMI of ours is on its way */
static volatile uint32_t *xapic;	    /* NULL: x2APIC mode, or not to be had */
static PVOID claims;

void emergency_meet(uint32_t processor)
{
	uint32_t leaf[4];

	/* Not again: CPUID of a guest is an exit, and root may have failed. */
	if (processor >= HP_PROCESSORS_MAX || met[processor])
		return;
	met[processor] = true;
	host_cpuid(0, 0, leaf);
	if (leaf[0] >= CPUID_TOPOLOGY) {
		host_cpuid(CPUID_TOPOLOGY, 0, leaf);
		apic_ids[processor] = leaf[3];
		if (leaf[1])
			return;
	}
	host_cpuid(1, 0, leaf);
	apic_ids[processor] = leaf[1] >> XAPIC_ID_SHIFT;
}

static void write_x2apic(uint32_t id)
{
	__asm__ volatile("wrmsr" : : "c"(X2APIC_ICR), "a"(ICR_NMI), "d"(id) : "memory");
}

/* Whoever was about to use the register finds it as it was. */
static void write_xapic(uint32_t id)
{
	uint32_t before = xapic[ICR_HIGH], i;

	for (i = 0; (xapic[ICR_LOW] & ICR_PENDING) && i < PENDING_TRIES; i++)
		__builtin_ia32_pause();
	xapic[ICR_HIGH] = id << XAPIC_ID_SHIFT;
	xapic[ICR_LOW] = ICR_NMI;
	for (i = 0; (xapic[ICR_LOW] & ICR_PENDING) && i < PENDING_TRIES; i++)
		__builtin_ia32_pause();
	xapic[ICR_HIGH] = before;
}

void host_nmi(uint32_t processor)
{
	unsigned long long flags;
	uint64_t base;

	if (!host_rdmsr(APIC_BASE, &base) || (!(base & APIC_X2APIC) && !xapic)) {
		log_line(HP_ERR, "no NMI can be sent to processor %u", processor);
		return;
	}
	__atomic_store_n(&sent_at[processor], KeQueryInterruptTime(), __ATOMIC_RELEASE);
	flags = nt_interrupts_off();
	if (base & APIC_X2APIC)
		write_x2apic(apic_ids[processor]);
	else
		write_xapic(apic_ids[processor]);
	nt_interrupts_restore(flags);
}

/* One that comes much later is not ours: root has had that. */
static BOOLEAN NTAPI on_nmi(PVOID context, BOOLEAN handled)
{
	uint32_t processor = processors_current();
	uint64_t sent;

	(void)context;
	if (processor >= HP_PROCESSORS_MAX)
		return handled;
	sent = __atomic_exchange_n(&sent_at[processor], 0, __ATOMIC_ACQ_REL);
	return handled || (sent && KeQueryInterruptTime() - sent < CLAIM_FOR);
}

struct search {
	uint64_t address;
	bool found;
};

static bool look(void *context, struct memory_range range)
{
	struct search *search = context;

	search->found |= search->address - range.start < range.bytes;
	return true;
}

/* The MDL of one page, which is this. To be freed. */
static PMDL mdl_of(struct phys page)
{
	PMDL mdl = nt.IoAllocateMdl(NULL, PAGE_BYTES, FALSE, FALSE, NULL);

	if (mdl) {
		mdl->MdlFlags |= MDL_PAGES_LOCKED;
		*MmGetMdlPfnArray(mdl) = page.value / PAGE_BYTES;
	}
	return mdl;
}

bool host_exchange(struct phys address, uint64_t old, uint64_t value)
{
	struct phys page = phys(align_down(address.value, PAGE_BYTES));
	struct search search = { .address = page.value };
	uint8_t *mapped;
	PMDL mdl;

	if (!nt.IoAllocateMdl || !nt.IoFreeMdl || !nt.MmMapLockedPagesSpecifyCache ||
	    !nt.MmUnmapLockedPages || !host_memory(look, &search))
		return false;
	/* RAM that has gone since has nothing that leads anywhere. */
	if (!search.found)
		return true;
	mdl = mdl_of(page);
	if (!mdl)
		return false;
	mapped = nt.MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
						 NormalPagePriority);
	if (mapped) {
		__atomic_compare_exchange_n((uint64_t *)(mapped + (address.value - page.value)),
					    &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		nt.MmUnmapLockedPages(mapped, mdl);
	}
	mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
	nt.IoFreeMdl(mdl);
	return mapped != NULL;
}

void emergency_init(void)
{
	PHYSICAL_ADDRESS page;
	uint64_t base;

	if (nt.KeRegisterNmiCallback && nt.KeDeregisterNmiCallback)
		claims = nt.KeRegisterNmiCallback(on_nmi, NULL);
	if (!host_rdmsr(APIC_BASE, &base) || (base & APIC_X2APIC) || !nt.MmMapIoSpace ||
	    !nt.MmUnmapIoSpace)
		return;
	page.QuadPart = (LONGLONG)(base & APIC_ADDRESS);
	xapic = nt.MmMapIoSpace(page, PAGE_BYTES, MmNonCached);
}

void emergency_end(void)
{
	if (claims)
		nt.KeDeregisterNmiCallback(claims);
	if (xapic)
		nt.MmUnmapIoSpace((PVOID)xapic, PAGE_BYTES);
	claims = NULL;
	xapic = NULL;
}
