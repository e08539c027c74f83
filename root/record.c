// SPDX-License-Identifier: MIT
/*
 * Writing a record into the processor's ring: no lock, no text, no waiting. This processor alone
 * writes here, and the head moves only when the record is complete.
 *
 * World: root.
 */
#include <string.h>

#include "root.h"
#include "vmx.h"

_Static_assert(GATE_RECORDS_AT_ONCE == 3, "a record, its process, its image");

/* Record number `head` + `part`, which `head` does not count yet. */
static void write_part(struct cpu *cpu, unsigned part, enum record_format format,
		       enum hp_level level, const uint64_t *arguments, unsigned count)
{
	struct gate_ring *ring = cpu->ring;
	uint64_t number = ring->head + part;
	struct hp_record *slot = &ring->record[number % GATE_RECORDS];
	unsigned i;

	slot->tsc = rdtsc();
	slot->sequence = (uint32_t)number;
	slot->format = (uint16_t)format;
	slot->level = (uint8_t)level;
	slot->continues = part != 0;
	for (i = 0; i < 6; i++)
		slot->argument[i] = i < count ? arguments[i] : 0;
}

static void publish(struct cpu *cpu, unsigned parts)
{
	__atomic_store_n(&cpu->ring->head, cpu->ring->head + parts, __ATOMIC_RELEASE);
}

void record(struct cpu *cpu, enum record_format format, enum hp_level level,
	    const uint64_t *arguments, unsigned count)
{
	write_part(cpu, 0, format, level, arguments, count);
	publish(cpu, 1);
}

static void write_process(struct cpu *cpu, const struct who_process *process)
{
	uint64_t arguments[3] = { process->id };
	bool named = process->known & LAYOUT_NAME;

	memcpy(&arguments[1], process->name, LAYOUT_NAME_MOST);
	if (named && (process->known & LAYOUT_ID))
		write_part(cpu, 1, RECORD_WHO, HP_INFO, arguments, 3);
	else if (named)
		write_part(cpu, 1, RECORD_WHO_NAME, HP_INFO, &arguments[1], 2);
	else
		write_part(cpu, 1, RECORD_WHO_UNKNOWN, HP_INFO, NULL, 0);
}

static void write_image(struct cpu *cpu, enum image_answer answer, const struct image *image,
			uint64_t address)
{
	uint64_t arguments[5];

	if (answer == IMAGE_UNKNOWN) {
		write_part(cpu, 2, RECORD_IMAGE_UNKNOWN, HP_INFO, NULL, 0);
	} else if (answer == IMAGE_NONE) {
		write_part(cpu, 2, RECORD_IMAGE_NONE, HP_INFO, NULL, 0);
	} else {
		memcpy(arguments, image->name, IMAGE_NAME);
		arguments[4] = address - image->base;
		write_part(cpu, 2, RECORD_IMAGE, HP_INFO, arguments, 5);
	}
}

/* Everything is looked up first: that may write records of its own. */
void record_who(struct cpu *cpu, enum record_format format, enum hp_level level,
		const uint64_t *arguments, unsigned count)
{
	uint64_t rip = vmread(VMCS_GUEST_RIP);
	struct who_process process;
	enum image_answer answer = IMAGE_UNKNOWN;
	bool in_kernel = who_is_kernel(rip);
	struct image image;

	who_process(cpu, &process);
	if (in_kernel)
		answer = who_image(cpu, rip, &image);
	write_part(cpu, 0, format, level, arguments, count);
	write_process(cpu, &process);
	if (in_kernel)
		write_image(cpu, answer, &image, rip);
	publish(cpu, in_kernel ? 3 : 2);
}
