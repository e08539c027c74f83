// SPDX-License-Identifier: MIT
/*
 * Writing a record into the processor's ring: no lock, no text, no waiting. This processor alone
 * writes here, and the head moves only when the record is complete.
 *
 * World: root.
 */
#include "root.h"
#include "vmx.h"

void record(struct cpu *cpu, enum record_format format, enum hp_level level,
	    const uint64_t *arguments, unsigned count)
{
	struct gate_ring *ring = cpu->ring;
	uint64_t head = ring->head;
	struct hp_record *slot = &ring->record[head % GATE_RECORDS];
	unsigned i;

	slot->tsc = rdtsc();
	slot->sequence = (uint32_t)head;
	slot->format = (uint16_t)format;
	slot->level = (uint8_t)level;
	slot->reserved = 0;
	for (i = 0; i < 6; i++)
		slot->argument[i] = i < count ? arguments[i] : 0;
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}
