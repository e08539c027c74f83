// SPDX-License-Identifier: MIT
/*
 * Images come and go. See images.h.
 *
 * World: OS.
 */
#include <string.h>

#include "images.h"

static struct image_table *table;
static struct phys physical;

/* Between these two, readers that take no lock look away. */
static void begin(struct image_table *changed)
{
	__atomic_store_n(&changed->sequence, changed->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(struct image_table *changed)
{
	__atomic_store_n(&changed->sequence, changed->sequence + 1, __ATOMIC_RELEASE);
}

static bool meets(const struct image *image, uint64_t base, uint64_t bytes)
{
	return image->base < base + bytes && base < image->base + image->bytes;
}

static void take_out(struct image_table *from, uint64_t base, uint64_t bytes)
{
	uint32_t i, kept = 0;

	for (i = 0; i < from->count; i++) {
		if (!meets(&from->image[i], base, bytes))
			from->image[kept++] = from->image[i];
	}
	from->count = kept;
}

static void put_in(struct image_table *to, const struct image *image)
{
	uint32_t place = to->count++;

	for (; place && to->image[place - 1].base > image->base; place--)
		to->image[place] = to->image[place - 1];
	to->image[place] = *image;
}

bool image_table_add(struct image_table *to, uint64_t base, uint32_t bytes, const char *name,
		     size_t length)
{
	struct image image = { .base = base, .bytes = bytes, .mark = to->mark };
	bool room;

	if (!bytes || base + bytes < base)
		return true;
	memcpy(image.name, name, length < IMAGE_NAME ? length : IMAGE_NAME - 1);
	begin(to);
	take_out(to, base, bytes);
	room = to->count < IMAGES_MOST;
	if (room)
		put_in(to, &image);
	else
		to->lost++;
	end(to);
	return room;
}

void image_table_remove(struct image_table *from, uint64_t base, uint64_t bytes)
{
	begin(from);
	take_out(from, base, bytes);
	end(from);
}

void image_table_mark(struct image_table *marked)
{
	marked->mark++;
}

void image_table_sweep(struct image_table *swept)
{
	uint32_t i, kept = 0;

	begin(swept);
	for (i = 0; i < swept->count; i++) {
		if (swept->image[i].mark == swept->mark)
			swept->image[kept++] = swept->image[i];
	}
	swept->count = kept;
	end(swept);
}

void images_init(void)
{
	table = host_allocate(IMAGE_TABLE_PAGES, &physical);
}

void images_end(void)
{
	if (table)
		host_free(table, IMAGE_TABLE_PAGES);
	table = NULL;
}

void images_add(uint64_t base, uint64_t bytes, const char *name, size_t length)
{
	unsigned long flags;

	if (!table)
		return;
	flags = host_images_lock();
	if (bytes >> 32 || !image_table_add(table, base, (uint32_t)bytes, name, length))
		table->complete = 0;
	host_images_unlock(flags);
}

void images_remove(uint64_t base, uint64_t bytes)
{
	unsigned long flags;

	if (!table)
		return;
	flags = host_images_lock();
	image_table_remove(table, base, bytes);
	host_images_unlock(flags);
}

void images_list_begin(void)
{
	unsigned long flags;

	if (!table)
		return;
	flags = host_images_lock();
	image_table_mark(table);
	table->lost = 0;
	host_images_unlock(flags);
}

void images_list_end(bool whole)
{
	unsigned long flags;

	if (!table)
		return;
	flags = host_images_lock();
	if (whole)
		image_table_sweep(table);
	table->complete = whole && !table->lost;
	host_images_unlock(flags);
}

enum image_answer images_find(uint64_t address, struct image *found)
{
	enum image_answer answer;
	unsigned long flags;

	if (!table)
		return IMAGE_UNKNOWN;
	flags = host_images_lock();
	answer = image_table_find(table, address, found);
	host_images_unlock(flags);
	return answer;
}

struct phys images_physical(void)
{
	return table ? physical : phys(0);
}

uint64_t images_memory(void)
{
	return table ? IMAGE_TABLE_PAGES * HOST_PAGE : 0;
}
