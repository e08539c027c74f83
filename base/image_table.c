// SPDX-License-Identifier: MIT
/*
 * Looking up an image. See image_table.h.
 *
 * World: any (pure).
 */
#include <string.h>

#include "image_table.h"

#define TRIES 4u

/* By bisection: each step halves what is left, even of rows that are in no order. */
static enum image_answer look(const struct image_table *table, uint64_t address,
			      struct image *found)
{
	uint32_t first = 0, end = __atomic_load_n(&table->count, __ATOMIC_RELAXED), middle;
	bool complete = __atomic_load_n(&table->complete, __ATOMIC_RELAXED);

	if (end > IMAGES_MOST)
		return IMAGE_UNKNOWN;
	while (first < end) {
		middle = first + (end - first) / 2;
		memcpy(found, &table->image[middle], sizeof(*found));
		found->name[IMAGE_NAME - 1] = '\0';
		if (address - found->base < found->bytes)
			return IMAGE_FOUND;
		if (address < found->base)
			end = middle;
		else
			first = middle + 1;
	}
	return complete ? IMAGE_NONE : IMAGE_UNKNOWN;
}

enum image_answer image_table_find(const struct image_table *table, uint64_t address,
				   struct image *found)
{
	enum image_answer answer;
	uint32_t sequence;
	unsigned i;

	for (i = 0; i < TRIES; i++) {
		sequence = __atomic_load_n(&table->sequence, __ATOMIC_ACQUIRE);
		if (sequence & 1)
			continue;
		answer = look(table, address, found);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&table->sequence, __ATOMIC_RELAXED) == sequence)
			return answer;
	}
	return IMAGE_UNKNOWN;
}
