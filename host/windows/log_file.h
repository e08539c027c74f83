/* SPDX-License-Identifier: MIT */
/*
 * The log's text as a file, %SystemRoot%\HyperPlatform.log, in the original's format: a line ends
 * with CR and LF, and the file is continued, not replaced. Where a line has an address of code
 * ("RIP"), the image that it lies in follows.
 *
 * A driver that is started at boot is there before the file systems are: until then lines wait in
 * the log's ring.
 *
 * World: OS. IRQL: PASSIVE.
 */
#ifndef HOST_WINDOWS_LOG_FILE_H
#define HOST_WINDOWS_LOG_FILE_H

#include "nt.h"

/* Opens the file, now or as soon as it is possible. */
void log_file_init(PDRIVER_OBJECT driver);

/* Writes what is new. Does nothing while there is no file. */
void log_file_write(void);

void log_file_end(void);

#endif
