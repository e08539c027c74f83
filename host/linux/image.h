/* SPDX-License-Identifier: MIT */
/*
 * The table of images on Linux (host/images.h): the kernel, and the text of each module, that of
 * its initialization while it lasts.
 *
 * World: OS. Process context.
 */
#ifndef HOST_LINUX_IMAGE_H
#define HOST_LINUX_IMAGE_H

/* Makes the table, and keeps it up to date until image_end(). */
void image_init(void);
void image_end(void);

#endif
