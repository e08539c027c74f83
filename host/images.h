/* SPDX-License-Identifier: MIT */
/*
 * The table of images (base/image_table.h), as the OS side writes it. It lives as long as we are
 * loaded, so that nothing is missed between two runs; each run lends it to root.
 *
 * The functions image_table_* change a table and nothing else; those named images_* are for the
 * host, which calls them with what the system tells it. The latter hold host_images_lock() for
 * microseconds.
 *
 * World: OS.
 */
#ifndef HOST_IMAGES_H
#define HOST_IMAGES_H

#include "host.h"
#include "../base/image_table.h"

/*
 * Puts an image in, with `length` bytes of its name; what lay in its place has gone. False: there
 * is no room.
 */
bool image_table_add(struct image_table *table, uint64_t base, uint32_t bytes, const char *name,
		     size_t length);

/* Takes out every image that has a byte in this range. */
void image_table_remove(struct image_table *table, uint64_t base, uint64_t bytes);

/* What is put in from here on stays when image_table_sweep() takes out the rest. */
void image_table_mark(struct image_table *table);
void image_table_sweep(struct image_table *table);

/* Takes the table's memory. Without it nothing below does anything. Process. */
void images_init(void);

/* Gives it back. No run is left, and nobody calls the others any more. Process. */
void images_end(void);

/* An image has come, or gone. Any. */
void images_add(uint64_t base, uint64_t bytes, const char *name, size_t length);
void images_remove(uint64_t base, uint64_t bytes);

/*
 * Around a list of all images that the system has, each of which is given to images_add(): others
 * have gone, but for those that came meanwhile. `whole`: nothing is missing in the list. Any; one
 * at a time.
 */
void images_list_begin(void);
void images_list_end(bool whole);

/* As image_table_find(), for the OS side: it waits for the lock, and so is never too early. Any. */
enum image_answer images_find(uint64_t address, struct image *found);

/* Where root finds the table; 0: there is none. Any. */
struct phys images_physical(void);

/* Bytes of memory that the table takes. */
uint64_t images_memory(void);

#endif
