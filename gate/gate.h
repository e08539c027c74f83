/* SPDX-License-Identifier: MIT */
/*
 * The contract between the two worlds. The OS world fills these structures, loads root.elf, builds
 * root's page tables, and calls gate_enter() on each processor; root takes it from there. Nothing
 * else is shared: no symbol, no global.
 *
 * What is mapped in both worlds at the same virtual address is the gate: its text (gate.S, one page
 * of the host's own image) and one struct gate_cpu a processor. All else that root uses has an
 * address in root's own space:
 *
 *     root_base + GATE_IMAGE_OFFSET     root.elf
 *     root_base + GATE_SHARED_OFFSET    struct gate_machine (1 page)
 *     root_base + GATE_RINGS_OFFSET     struct gate_ring, one a processor, GATE_RING_STRIDE apart
 *     root_base + GATE_BLOCKS_OFFSET    the processors' blocks, GATE_BLOCK_BYTES apart
 *     root_base + GATE_TRAILS_OFFSET    struct gate_trail, one a processor, GATE_TRAIL_STRIDE apart
 *     window_base + p                   RAM at physical address p, but root's text and read-only
 * data
 *
 * root_base and window_base are multiples of 512 GiB in the upper half, chosen by the OS side so
 * that they do not meet the gate's addresses.
 *
 * Towards the guest (by EPT): the gate's text is read-execute; gate_cpu, gate_machine, the rings
 * and the trails are read-only; gate_command and the table of images are writable; everything else
 * of ours is hidden.
 *
 * GATE_VERSION changes with every change of layout or meaning here; root refuses another one.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#define GATE_VERSION 5

/* What gate.S needs of struct gate_cpu; checked against the structure below. */
#define GATE_STATE	0
#define GATE_RSP	0x20
#define GATE_RBP	0x28
#define GATE_RSI	0x30
#define GATE_RDI	0x38
#define GATE_RIP	0x80
#define GATE_RFLAGS	0x88
#define GATE_CR0	0x90
#define GATE_CR3	0x98
#define GATE_CR4	0xa0
#define GATE_DR7	0xa8
#define GATE_GDTR	0xb0
#define GATE_IDTR	0xc0
#define GATE_SELECTORS	0xd0
#define GATE_MSRS	0xe0
#define GATE_ROOT_CR3	0x180
#define GATE_ROOT_CR4	0x188
#define GATE_ROOT_ENTRY 0x190
#define GATE_ROOT_GDTR	0x198
#define GATE_COPY_GDTR	0x1a8
#define GATE_CROSS_IDTR 0x1b8
#define GATE_NMIS	0x1c8
#define GATE_OS_GDT	0x200

/* The selectors' order in the state, two bytes each: as in the VMCS. */
#define GATE_SELECTOR_ES   0x0
#define GATE_SELECTOR_CS   0x2
#define GATE_SELECTOR_SS   0x4
#define GATE_SELECTOR_DS   0x6
#define GATE_SELECTOR_FS   0x8
#define GATE_SELECTOR_GS   0xa
#define GATE_SELECTOR_LDTR 0xc
#define GATE_SELECTOR_TR   0xe

/* MSRs that root sets when it leaves: {number, value} pairs, in this order; gate_leave writes them.
 */
#define GATE_MSRS_COUNT 8

/*
 * The hypercall: VMCALL from the gate's text in CPL 0 with RAX = GATE_SIGNATURE, RCX = enum
 * gate_call_code, RDX = its argument; RAX returns enum hp_error. Any other VMCALL is not ours.
 */
#define GATE_SIGNATURE 0x4850677465436c6cull

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include <hyperplatform/abi.h>

#include "../base/ept.h"
#include "../base/image_table.h"
#include "../base/interception.h"
#include "../base/layout.h"
#include "../base/mtrr.h"
#include "../base/x86.h"

/* The gate's functions have the ELF world's calling convention under every compiler. */
#define GATE_ABI __attribute__((sysv_abi))

#define GATE_PAGE 4096u

/* Offsets in root's space. */
#define GATE_IMAGE_OFFSET  0x00000000ull
#define GATE_SHARED_OFFSET 0x10000000ull
#define GATE_RINGS_OFFSET  0x11000000ull
#define GATE_BLOCKS_OFFSET 0x12000000ull
#define GATE_TRAILS_OFFSET 0x14000000ull

/*
 * Below the alias entry of a top-level table the gate's text is page 0, and struct gate_cpu of
 * processor `index` here: for an address space that has neither where they are elsewhere.
 */
#define GATE_ALIAS_CPU(index) (((uint64_t)(index) + 1) * GATE_PAGE)

/*
 * A processor's block: 16 pages of address space, aligned to its size, so that root finds it from
 * any of its stack pointers. Pages without a bit in GATE_BLOCK_MAPPED are guards and stay unmapped.
 */
#define GATE_BLOCK_BYTES  0x10000u
#define GATE_BLOCK_PAGES  16u
#define GATE_BLOCK_MAPPED 0x55bu /* pages 0-1 state; 3-4 stack; 6 NMI; 8 double fault; 10 #MC */

/*
 * A ring of records and the counters of one processor: 4 pages, read-only to the guest. Root alone
 * writes. `head` counts records ever written; record n is at n % GATE_RECORDS, valid while
 * head - n <= GATE_RECORDS. A record is complete before `head` counts it, and with it the records
 * that continue it, GATE_RECORDS_AT_ONCE in all at most. The reader keeps its own tail, copies, and
 * then looks at `head` again: a record that may have been overwritten meanwhile is lost, and the
 * reader counts it.
 */
#define GATE_RING_STRIDE 0x4000u
#define GATE_RING_HEADER 0x400u
#define GATE_RECORDS	 ((GATE_RING_STRIDE - GATE_RING_HEADER) / sizeof(struct hp_record))
#define GATE_RECORDS_AT_ONCE 3u

struct gate_ring {
	uint64_t head;
	uint64_t exits[HP_EXIT_REASONS];
	uint64_t exits_total;
	uint64_t entered; /* exits_total as it was at the last attempt to enter: root is at work
			     while they differ */
	uint64_t nmis_in_root;
	uint64_t events_reinjected;
	uint8_t reserved[GATE_RING_HEADER - 8 * (HP_EXIT_REASONS + 5)];
	struct hp_record record[(GATE_RING_STRIDE - GATE_RING_HEADER) / sizeof(struct hp_record)];
};

/*
 * What is left behind of a processor: its report, and its last VM exits. Read-only to the guest.
 * Exit number n, counted by the ring's exits_total, is at n % depth; the newest may be half
 * written while the guest does not run. The `detail` of a CPUID exit means nothing.
 */
#define GATE_TRAIL_STRIDE 0x40000u

struct gate_trail {
	struct hp_report report;
	uint8_t pad[GATE_PAGE - sizeof(struct hp_report)];
	struct hp_exit exit[];
};
_Static_assert(sizeof(struct gate_trail) == GATE_PAGE, "the report is one page");
_Static_assert(GATE_PAGE + HP_HISTORY_MOST * sizeof(struct hp_exit) <= GATE_TRAIL_STRIDE,
	       "the longest history");

/*
 * The machine: one page, filled by the OS side before the first processor enters. Root writes only
 * what says so.
 */
struct gate_machine {
	uint32_t version; /* GATE_VERSION */
	uint32_t processors;
	uint64_t root_base;
	uint64_t window_base;
	uint64_t window_bytes; /* physical addresses below this may be in the window */
	uint64_t gate_text;    /* virtual address of the gate's page */
	uint64_t gate_leave;   /* virtual address of gate_leave in it */
	struct phys image;     /* of root.elf in memory; contiguous */
	uint64_t image_bytes;
	struct phys msr_bitmap;	 /* 4 KiB, filled */
	struct phys port_bitmap; /* 8 KiB: I/O bitmaps A and B */
	struct phys command;	 /* struct gate_command */
	struct phys blank;	 /* 4 KiB of zeros behind hidden pages */
	struct phys sink;	 /* 4 KiB where writes to hidden pages end */
	uint64_t alias;		 /* an entry for a top-level table, see GATE_ALIAS_CPU */
	struct phys root_top;	 /* root's own top-level table */
	struct phys ept_top; /* the EPT's table at the top; format and levels are base/ept.h's */
	uint8_t ept_largest; /* paging.largest of that tree */
	uint8_t hypervisor_below; /* CPUID.1:ECX[31] was set before us */
	uint8_t reserved[2];
	uint32_t history;		    /* exits that a trail keeps: a power of two */
	uint32_t cpuid_base;		    /* HP_CPUID_BASE or HP_CPUID_BASE_ABOVE */
	uint32_t ept_lock;		    /* root writes: the try-lock of everything below */
	struct ept_pool pool;		    /* root writes */
	struct mtrr mtrr;		    /* root writes, when the guest wrote an MTRR */
	struct phys images; /* struct image_table, which the OS side writes at any time; 0: none */
	struct layout layout;
	uint64_t passed[HP_PROCESSORS_MAX]; /* root writes: the EPT generation each processor
					       published; ~0 for one that is not in VMX operation */
};
_Static_assert(sizeof(struct gate_machine) <= GATE_PAGE, "the machine is one page");

/*
 * What the OS side asks of every processor: it fills this, and then makes GATE_CALL_INTERCEPT on
 * each. The guest can write here at any time: root copies once, and then looks at its copy only.
 */
struct gate_command {
	struct interception interception;
	/* A processor that does not come out of root is sent an NMI with its bit set: it retreats.
	 */
	uint64_t stuck[HP_PROCESSORS_MAX / 64];
	uint8_t pad[GATE_PAGE - sizeof(struct interception) - HP_PROCESSORS_MAX / 8];
	uint8_t msr_bitmap[INTERCEPTION_MSR_BYTES];
	uint8_t port_bitmap[INTERCEPTION_PORT_BYTES];
};
#define GATE_COMMAND_PAGES (sizeof(struct gate_command) / GATE_PAGE)

/* A processor's state as the OS has it: native when gate_enter fills it, from the VMCS on leaving.
 */
struct gate_state {
	uint64_t gpr[16]; /* in the order of the instruction encoding: RAX RCX RDX RBX RSP RBP RSI
			     RDI R8 ... R15 */
	uint64_t rip, rflags;
	uint64_t cr0, cr3, cr4, dr7;
	struct table_register gdtr; /* 10 bytes; at 16-byte steps */
	uint8_t pad0[6];
	struct table_register idtr;
	uint8_t pad1[6];
	uint16_t selector[8]; /* GATE_SELECTOR_ES / 2 ... */
	struct {
		uint64_t number, value;
	} msr[GATE_MSRS_COUNT]; /* number 0 ends the list */
	uint8_t pad2[0x20];
};

/*
 * One page a processor. The crossing runs on the stack at its end; the code finds the page from its
 * stack pointer, so the page is aligned to its size.
 */
struct gate_cpu {
	struct gate_state state;

	/* Set by the OS side before gate_enter. */
	uint64_t root_cr3;
	uint64_t root_cr4;   /* in force from the crossing on: no PGE, PCIDE, CET; with VMXE */
	uint64_t root_entry; /* virtual address of root's entry point */
	struct table_register root_gdtr; /* of root_gdt */
	uint8_t pad0[6];
	struct table_register copy_gdtr; /* of os_gdt, with the OS's limit */
	uint8_t pad1[6];
	struct table_register cross_idtr; /* of cross_idt */
	uint8_t pad2[6];

	uint32_t nmis;	   /* NMIs that arrived in the crossing and are not delivered yet */
	uint32_t index;	   /* of the processor: 0 ... processors - 1 */
	uint32_t in_guest; /* 1 from the first VM entry until it leaves. Root writes */
	uint32_t error;	   /* enum hp_error; root writes, when it could not enter or had to leave */
	uint64_t detail[2];	 /* of struct hp_failure. Root writes */
	struct phys vmxon, vmcs; /* a page each, zeroed */
	uint64_t machine;	 /* virtual address in root of struct gate_machine */

	uint64_t os_gdt[32]; /* gate_enter copies the OS's GDT here; TR and LDTR are loaded from it
			      */
	uint64_t root_gdt[32]; /* code and data at the OS's selectors, root's TSS. Root fills it */
	uint64_t cross_idt[6]; /* vectors 0 to 2; only NMI is present: interrupt gate to gate_nmi,
				  CPL 0, the OS's code selector, no IST. The OS side fills it */
	/* An address space in which the alias was planted, for the OS side to take it out again:
	   the entry's address and value; 0: none. Root writes */
	struct phys planted;
	uint64_t planted_value;
	uint64_t stack[(GATE_PAGE - 0x440) / 8];
};

_Static_assert(sizeof(struct gate_cpu) == GATE_PAGE, "gate_cpu is one page");
#define GATE_CHECK(offset, member)                                                                 \
	_Static_assert(offset == offsetof(struct gate_cpu, member), #member " is elsewhere")
GATE_CHECK(GATE_RSP, state.gpr[4]);
GATE_CHECK(GATE_RDI, state.gpr[7]);
GATE_CHECK(GATE_RIP, state.rip);
GATE_CHECK(GATE_RFLAGS, state.rflags);
GATE_CHECK(GATE_CR0, state.cr0);
GATE_CHECK(GATE_CR3, state.cr3);
GATE_CHECK(GATE_CR4, state.cr4);
GATE_CHECK(GATE_DR7, state.dr7);
GATE_CHECK(GATE_GDTR, state.gdtr);
GATE_CHECK(GATE_IDTR, state.idtr);
GATE_CHECK(GATE_SELECTORS, state.selector);
GATE_CHECK(GATE_MSRS, state.msr);
GATE_CHECK(GATE_ROOT_CR3, root_cr3);
GATE_CHECK(GATE_ROOT_CR4, root_cr4);
GATE_CHECK(GATE_ROOT_ENTRY, root_entry);
GATE_CHECK(GATE_ROOT_GDTR, root_gdtr);
GATE_CHECK(GATE_COPY_GDTR, copy_gdtr);
GATE_CHECK(GATE_CROSS_IDTR, cross_idtr);
GATE_CHECK(GATE_NMIS, nmis);
GATE_CHECK(GATE_OS_GDT, os_gdt);
_Static_assert(offsetof(struct gate_ring, record) == GATE_RING_HEADER, "the ring's header");
_Static_assert(sizeof(struct gate_ring) == GATE_RING_STRIDE, "the ring");

enum gate_call_code {
	GATE_CALL_PING = 1,  /* returns HP_ERROR_OK */
	GATE_CALL_LEAVE,     /* leaves VMX operation; returns HP_ERROR_OK, natively */
	GATE_CALL_SYNC,	     /* returns HP_ERROR_OK: the exit alone makes the processor catch up */
	GATE_CALL_INTERCEPT, /* takes what gate_command has; CAPABILITY: nothing has changed */
	GATE_CALL_STEP,	     /* the third argument's number of instructions that follow are stepped,
				and their addresses recorded; 0 ends it. REQUEST: too many */
};

/*
 * The functions of gate.S. OS world, CPL 0, interrupts off, on the processor that `cpu` belongs to,
 * in a context whose segment registers DS ES FS GS hold null selectors or selectors of the GDT, and
 * whose CR3 maps the gate.
 */

/* Enters VMX operation. Returns enum hp_error: HP_ERROR_OK: the caller runs as the guest now. */
GATE_ABI uint32_t gate_enter(struct gate_cpu *cpu);

/* A hypercall. The caller knows that the processor is a guest (cpu->in_guest). */
GATE_ABI uint64_t gate_call(struct gate_cpu *cpu, uint64_t code, uint64_t argument);

/* Called by root, never by the OS side: restores cpu->state and goes on there. */
extern char gate_leave[];

/* The crossing's NMI handler, for the vector in the gate's IDT. */
extern char gate_nmi[];

/* The bounds of the gate's text, both page-aligned, one page apart. */
extern char gate_text[], gate_text_end[];

/* The VMCALL itself, and where a host's exception table may send a #UD of it: returns NOT_RUNNING.
 */
extern char gate_vmcall[], gate_vmcall_failed[];

#endif /* __ASSEMBLER__ */

#endif
