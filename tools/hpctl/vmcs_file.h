/* SPDX-License-Identifier: MIT */
/*
 * A VMCS as text, one value a line; `#` begins a comment:
 *
 *	GUEST_CR0 0x80050033		a field, by its name in base/vmcs.h
 *	cap PIN 0x7f00000016		of the processor, by its name in base/entry_rules.h
 *	msr 0xc0000080 0xd01		the next entry of the VM-entry MSR-load area
 *	mem VTPR 0x20			byte 80H of the virtual-APIC page
 *	mem LINK_REVISION 0x2b		the first word of the VMCS that the link pointer names
 */
#ifndef HPCTL_VMCS_FILE_H
#define HPCTL_VMCS_FILE_H

#include <stdio.h>

#include "base/entry_rules.h"

#define VMCS_FILE_MSRS	       512u
#define VMCS_FILE_CAPABILITIES 64u

struct vmcs_file {
	struct vmcs_snapshot vmcs;
	struct entry_capability capability;
	bool capability_present[VMCS_FILE_CAPABILITIES]; /* in the order of ENTRY_CAPABILITIES */
	struct entry_memory memory;
	struct entry_msr msr[VMCS_FILE_MSRS];
};

struct vmcs_file_error {
	unsigned line; /* 0: of no line */
	char cause[160];
	const char *remedy;
};

/* Reads it all. False: it is no such file, and `error` says why. */
bool vmcs_file_read(FILE *from, struct vmcs_file *file, struct vmcs_file_error *error);

/* The names of the capabilities, and where their values are found. NULL behind the last. */
const char *vmcs_file_capability(unsigned number, const char **where);

#endif
