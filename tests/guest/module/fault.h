/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fault.c, which sees the kernel's headers, asks of fault_inside.c, which sees HyperPlatform's:
 * the two don't go into one file.
 *
 * World: the guest's kernel.
 */
#ifndef TESTS_GUEST_FAULT_H
#define TESTS_GUEST_FAULT_H

#include <linux/types.h>

/* Of a struct processor: its number; a VMXON region or a VMCS that is not aligned. */
uint32_t fault_processor(const void *processor);
void fault_vmxon(void *processor);
void fault_vmcs(void *processor);

/* Of a struct processor: its check found nothing wrong. Returns what processor_examine then returns. */
uint32_t fault_check(void *processor);

/* Of a struct machine that is prepared. */
void fault_version(void *machine);
void fault_ept(void *machine);

/* Other code in root's image, in the machine that is prepared. False: there is no such place. */
bool fault_patch(void *machine, u64 offset, const u8 *code, u32 bytes);

#endif
