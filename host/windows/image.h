/* SPDX-License-Identifier: MIT */
/*
 * The table of images on NT (host/images.h): the drivers that were loaded before us, from the
 * system's list, and those that came later, from its notifications. Code outside of all of them is
 * what many a tool looks for.
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_IMAGE_H
#define HOST_WINDOWS_IMAGE_H

#include <stddef.h>

#include "../../base/image_table.h"
#include "nt.h"

/* The longest text that image_text() writes. */
#define IMAGE_TEXT (IMAGE_NAME + 24u)

/* Makes the table. IRQL: PASSIVE. */
void image_init(void);
void image_end(void);

/* The worker calls this whenever it runs: the system's list is read again, if it is time. PASSIVE.
 */
void image_tick(void);

/*
 * Looks for "RIP " and an address of the kernel in a line of the log, and writes " [name+offset]"
 * or " [no image]", " [image unknown]" to `text`, without a NUL; nothing if there is none, or no
 * room, or if the line names an image itself. Returns the length. Any IRQL.
 */
size_t image_text(const char *line, size_t bytes, char *text, size_t room);

#endif
