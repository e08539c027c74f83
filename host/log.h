/* SPDX-License-Identifier: MIT */
/*
 * The text log: HyperPlatform's tab-separated lines in a ring of text, from the records of root and
 * from the OS side itself. Positions count bytes ever written, so that each reader keeps its own.
 *
 *     HH:MM:SS.mmm <level> #<processor> <pid> <tid> <image> <message>
 *
 * World: OS. Everything here may be called in any context, but for log_init() and log_end().
 */
#ifndef HOST_LOG_H
#define HOST_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include <hyperplatform/abi.h>

#define LOG_BYTES 32768u

/* The longest line, with its newline. */
#define LOG_LINE 320u

/* Takes the ring's memory, before everything else. False: no memory. Process. */
bool log_init(void);
void log_end(void);

/* A line of the OS side, by the current task; the kernel prints it too. As printf(). */
void log_line(enum hp_level level, const char *text, ...) __attribute__((format(printf, 2, 3)));

/* A line for a record of root's, written by `processor` at `time` (as host_time()). */
void log_record(uint32_t processor, enum hp_level level, uint64_t time, const char *message);

/* Where a new reader starts: the oldest line kept. */
uint64_t log_oldest(void);

/* Is there anything to read at `position`? */
bool log_has(uint64_t position);

/*
 * Copies lines from `*position` on, at most `bytes`, and moves it. Returns the number of bytes
 * copied: 0 at the end of the log. A reader whose lines were overwritten gets a line that says so
 * and goes on at the oldest. Give at least LOG_LINE bytes.
 */
size_t log_read(uint64_t *position, char *buffer, size_t bytes);

/* Bytes of memory that the log takes. */
uint64_t log_memory(void);

#endif
