// SPDX-License-Identifier: MIT
/*
 * The log's file. See log_file.h.
 *
 * World: OS.
 */
#include <stdio.h>
#include <string.h>

#include "../host.h"
#include "../log.h"
#include "image.h"
#include "log_file.h"

#define PATH L"\\SystemRoot\\HyperPlatform.log"

/* Of the log at a time, and of the file. */
#define READ_BYTES  (4 * LOG_LINE)
#define WRITE_BYTES 8192u

static KMUTEX mutex; /* of everything below, and of the order of lines in the file */
static HANDLE file;  /* NULL: there is none yet */
static uint64_t position;
static char text[READ_BYTES];
static char out[WRITE_BYTES];
static size_t out_bytes;

/* Write-through: the lines before a crash are those that matter. */
static NTSTATUS open_file(void)
{
	OBJECT_ATTRIBUTES attributes;
	IO_STATUS_BLOCK result;
	UNICODE_STRING path;

	RtlInitUnicodeString(&path, PATH);
	InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
				   NULL, NULL);
	return ZwCreateFile(&file, FILE_APPEND_DATA | SYNCHRONIZE, &attributes, &result, NULL,
			    FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, FILE_OPEN_IF,
			    FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE |
				    FILE_WRITE_THROUGH,
			    NULL, 0);
}

static void open_last(PDRIVER_OBJECT driver, PVOID context, ULONG count)
{
	NTSTATUS status = open_file();

	(void)driver;
	(void)context;
	(void)count;
	if (!NT_SUCCESS(status)) {
		file = NULL;
		log_line(HP_WARN, "%%SystemRoot%%\\HyperPlatform.log can't be opened: %#x",
			 (unsigned)status);
	}
	host_wake();
}

/* Boot-start drivers are there; the rest of the file systems may not be. */
static void NTAPI open_at_boot(PDRIVER_OBJECT driver, PVOID context, ULONG count)
{
	if (NT_SUCCESS(open_file())) {
		host_wake();
		return;
	}
	file = NULL;
	IoRegisterDriverReinitialization(driver, open_last, context);
	(void)count;
}

void log_file_init(PDRIVER_OBJECT driver)
{
	KeInitializeMutex(&mutex, 0);
	position = log_oldest();
	if (NT_SUCCESS(open_file()))
		return;
	file = NULL;
	IoRegisterBootDriverReinitialization(driver, open_at_boot, NULL);
}

static void flush(void)
{
	IO_STATUS_BLOCK result;

	if (out_bytes)
		ZwWriteFile(file, NULL, NULL, NULL, &result, out, (ULONG)out_bytes, NULL, NULL);
	out_bytes = 0;
}

/* One line of the log, without its newline. */
static void put_line(const char *line, size_t bytes)
{
	if (out_bytes + bytes + IMAGE_TEXT + 2 > sizeof(out))
		flush();
	memcpy(out + out_bytes, line, bytes);
	out_bytes += bytes;
	out_bytes += image_text(line, bytes, out + out_bytes, IMAGE_TEXT);
	out[out_bytes++] = '\r';
	out[out_bytes++] = '\n';
}

static void put_lines(size_t bytes)
{
	const char *line = text, *end = text + bytes, *at;

	for (at = text; at < end; at++) {
		if (*at != '\n')
			continue;
		put_line(line, (size_t)(at - line));
		line = at + 1;
	}
	/* What is left of a line at the end of the buffer is read again. */
	position -= (uint64_t)(end - line);
}

/* A disk that is full takes nothing: what does not fit is lost to the file, not to hpctl log. */
void log_file_write(void)
{
	size_t bytes;

	KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
	while (file && (bytes = log_read(&position, text, sizeof(text))) != 0)
		put_lines(bytes);
	flush();
	KeReleaseMutex(&mutex, FALSE);
}

void log_file_end(void)
{
	if (file)
		ZwClose(file);
	file = NULL;
}
