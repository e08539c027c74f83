/* SPDX-License-Identifier: MIT */
/*
 * What main.c needs of platform.c beyond host.h: the worker that drains, and the readers of the log
 * that it wakes.
 *
 * World: OS.
 */
#ifndef HOST_LINUX_PLATFORM_H
#define HOST_LINUX_PLATFORM_H

#include <linux/wait.h>

/* Readers of the log wait here. */
extern wait_queue_head_t platform_log_readers;

/* Makes the worker. Returns 0 or -ENOMEM. */
int platform_init(void);

/* Ends the worker: after this, host_wake() does nothing. */
void platform_exit(void);

#endif
