// SPDX-License-Identifier: MIT
/*
 * The text log. See log.h.
 *
 * What always holds (under the log's lock): `head - oldest` <= LOG_BYTES, and a line begins at
 * `oldest` and at `head`; the byte at position p is text[p % LOG_BYTES].
 *
 * World: OS.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "log.h"

#define DAY_MS 86400000u

static char *text;
static uint64_t head, oldest;

bool log_init(void)
{
	struct phys physical;

	head = oldest = 0;
	text = host_allocate(LOG_BYTES / HOST_PAGE, &physical);
	return text != NULL;
}

void log_end(void)
{
	host_free(text, LOG_BYTES / HOST_PAGE);
	text = NULL;
}

uint64_t log_memory(void)
{
	return LOG_BYTES;
}

/* Drops the oldest line. */
static void drop_line(void)
{
	while (text[oldest++ % LOG_BYTES] != '\n')
		;
}

static void append(const char *line, size_t bytes)
{
	unsigned long flags = host_log_lock();
	size_t i;

	while (head + bytes - oldest > LOG_BYTES)
		drop_line();
	for (i = 0; i < bytes; i++)
		text[(head + i) % LOG_BYTES] = line[i];
	head += bytes;
	host_log_unlock(flags);
	host_wake();
}

/* Composes a line with its newline; a message that is too long is cut. Returns its length. */
static size_t compose(char line[LOG_LINE], const struct host_task *task, enum hp_level level,
		      uint64_t time, const char *message)
{
	static const char *const levels[] = { "DBG", "INF", "WRN", "ERR" };
	uint32_t ms = time % DAY_MS;
	int length;

	length = snprintf(line, LOG_LINE, "%02u:%02u:%02u.%03u\t%s\t#%u\t%5u\t%5u\t%-15s\t%s",
			  ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000,
			  levels[level & 3], task->processor, task->pid, task->tid, task->image,
			  message);
	if (length > (int)LOG_LINE - 2)
		length = LOG_LINE - 2;
	line[length] = '\n';
	line[length + 1] = '\0';
	return (size_t)length + 1;
}

void log_line(enum hp_level level, const char *format, ...)
{
	char message[LOG_LINE - 64], line[LOG_LINE];
	struct host_task task;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	host_print(level, message);
	host_task(&task);
	append(line, compose(line, &task, level, host_time(), message));
}

void log_record(uint32_t processor, enum hp_level level, uint64_t time, const char *message)
{
	struct host_task task = { .processor = processor, .image = "-" };
	char line[LOG_LINE];

	append(line, compose(line, &task, level, time, message));
}

uint64_t log_oldest(void)
{
	unsigned long flags = host_log_lock();
	uint64_t position = oldest;

	host_log_unlock(flags);
	return position;
}

bool log_has(uint64_t position)
{
	unsigned long flags = host_log_lock();
	bool has = position != head;

	host_log_unlock(flags);
	return has;
}

/* Copies from `*position`, not past `head`. Returns how many bytes were overwritten before. */
static uint64_t copy(uint64_t *position, char *buffer, size_t bytes, size_t *copied)
{
	unsigned long flags = host_log_lock();
	uint64_t missed = 0;

	*copied = 0;
	if (*position < oldest) {
		missed = oldest - *position;
		*position = oldest;
	}
	while (!missed && *copied < bytes && *position < head)
		buffer[(*copied)++] = text[(*position)++ % LOG_BYTES];
	host_log_unlock(flags);
	return missed;
}

size_t log_read(uint64_t *position, char *buffer, size_t bytes)
{
	char line[LOG_LINE], message[64];
	struct host_task task;
	uint64_t missed;
	size_t copied;

	missed = copy(position, buffer, bytes, &copied);
	if (!missed || bytes < LOG_LINE)
		return copied;
	host_task(&task);
	snprintf(message, sizeof(message), "%llu bytes of older lines were overwritten",
		 (unsigned long long)missed);
	copied = compose(line, &task, HP_WARN, host_time(), message);
	memcpy(buffer, line, copied);
	return copied;
}
