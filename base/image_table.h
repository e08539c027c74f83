/* SPDX-License-Identifier: MIT */
/*
 * The images of the system's kernel: where the text of the kernel and of its modules lies, and what
 * they are called. The OS side keeps the table up to date (host/images.h); root reads it at the
 * moment of an event, since only then is it true.
 *
 * One writes, under a lock of its own, and counts `sequence` up before and after: it is odd while
 * the table changes. A reader takes no lock: it reads, and looks whether the sequence is still what
 * it was. The table lies in memory that the guest can write, so the reader takes nothing in it for
 * granted.
 *
 * World: any (pure).
 */
#ifndef BASE_IMAGE_TABLE_H
#define BASE_IMAGE_TABLE_H

#include "addr.h"

#define IMAGE_NAME 32u

struct image {
	uint64_t base;
	uint32_t bytes;
	uint32_t mark;	       /* the writer's */
	char name[IMAGE_NAME]; /* with a NUL; what does not fit is cut */
};

/* Hundreds of drivers fit. */
#define IMAGES_MOST 510u

struct image_table {
	uint32_t sequence;
	uint32_t count;
	uint32_t lost;	   /* images that found no room, since the last list of all */
	uint32_t complete; /* all there are: outside of them there is no image */
	uint32_t mark;	   /* the writer's */
	uint32_t reserved[19];
	struct image image[IMAGES_MOST]; /* in ascending order, none meets another */
};
#define IMAGE_TABLE_PAGES 6u
_Static_assert(sizeof(struct image_table) == IMAGE_TABLE_PAGES * SIZE_4K, "whole pages");

enum image_answer {
	IMAGE_UNKNOWN, /* the table changes all the time, or does not have all images */
	IMAGE_NONE,
	IMAGE_FOUND,
};

/*
 * The image that `address` lies in, copied to `found`. Bounded, whatever is in the table: after a
 * few tries the answer is UNKNOWN.
 */
enum image_answer image_table_find(const struct image_table *table, uint64_t address,
				   struct image *found);

#endif
