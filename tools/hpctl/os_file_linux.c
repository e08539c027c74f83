// SPDX-License-Identifier: MIT
/*
 * The files of os.h on Linux: the report below /var/lib, which is root's alone since it has
 * registers of the system in it, and the symbols beside the program.
 *
 * The report is written to a file of another name, and that is renamed: at any time, also after a
 * power failure, the name stands for one whole report or for none.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A test has a folder of its own. */
#ifndef OS_FILE_FOLDER
#define OS_FILE_FOLDER "/var/lib/hyperplatform"
#endif
#define REPORT	       OS_FILE_FOLDER "/report"
#define REPORT_PARTIAL OS_FILE_FOLDER "/report.new"

/* More than the reports of all processors that there can be. */
#define BYTES_MAX (64u << 20)

static bool fail(struct os_error *error, const char *path, int number)
{
	error->cause = OS_FAILED;
	error->remedy[0] = '\0';
	if (number == ENOENT || number == ENOTDIR)
		error->cause = OS_ABSENT;
	if (number == EACCES || number == EPERM) {
		error->cause = OS_DENIED;
		snprintf(error->remedy, sizeof(error->remedy), "run it as root");
	}
	snprintf(error->text, sizeof(error->text), "%.400s: %s", path, strerror(number));
	return false;
}

/* Beside the program, as in the folder of a build; else where an installation has it. */
static void symbols_path(char *path, size_t bytes)
{
	char program[256];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *end;

	program[length > 0 ? length : 0] = '\0';
	end = strrchr(program, '/');
	if (end)
		*end = '\0';
	snprintf(path, bytes, "%s/root.sym", program);
	if (access(path, F_OK) == 0)
		return;
	end = strrchr(program, '/');
	if (end)
		*end = '\0';
	snprintf(path, bytes, "%s/lib/hyperplatform/root.sym", program);
}

/* Reads what is there, up to the limit: a size that stat() gave may have changed. */
static bool read_all(int fd, struct os_contents *contents, struct os_error *error)
{
	size_t room = 0;
	ssize_t got = 1;
	uint8_t *more;

	while (got != 0) {
		if (contents->bytes + 1 >= room) {
			if (room > BYTES_MAX)
				return fail(error, contents->path, EFBIG);
			room = room ? 2 * room : 65536;
			more = realloc(contents->data, room);
			if (!more)
				return fail(error, contents->path, ENOMEM);
			contents->data = more;
		}
		got = read(fd, contents->data + contents->bytes, room - contents->bytes - 1);
		if (got < 0 && errno != EINTR)
			return fail(error, contents->path, errno);
		if (got > 0)
			contents->bytes += (size_t)got;
	}
	contents->data[contents->bytes] = 0;
	return true;
}

bool os_file_read(enum os_file which, const char *path, struct os_contents *contents,
		  struct os_error *error)
{
	bool done;
	int fd;

	memset(contents, 0, sizeof(*contents));
	if (!path && which == OS_FILE_SYMBOLS)
		symbols_path(contents->path, sizeof(contents->path));
	else
		snprintf(contents->path, sizeof(contents->path), "%s", path ? path : REPORT);
	/* Were it a FIFO, opening it would wait for a writer. */
	fd = open(path ? path : contents->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail(error, contents->path, errno);
	done = read_all(fd, contents, error);
	close(fd);
	if (done)
		return true;
	free(contents->data);
	contents->data = NULL;
	contents->bytes = 0;
	return false;
}

static bool write_all(int fd, const uint8_t *data, size_t bytes)
{
	while (bytes) {
		ssize_t put = write(fd, data, bytes);

		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			data += put;
			bytes -= (size_t)put;
		}
	}
	return fsync(fd) == 0;
}

/* A small system may lack /var/lib, too: that is everybody's, only the last folder is ours. */
static bool make_folder(void)
{
	char path[] = OS_FILE_FOLDER, *end;

	for (end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return false;
		*end = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

bool os_file_save(const void *data, size_t bytes, struct os_error *error)
{
	int fd, number;
	bool done;

	if (!make_folder())
		return fail(error, OS_FILE_FOLDER, errno);
	unlink(REPORT_PARTIAL); /* of an hpctl that was killed */
	fd = open(REPORT_PARTIAL, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(error, REPORT_PARTIAL, errno);
	done = write_all(fd, data, bytes);
	number = errno;
	close(fd);
	if (done && rename(REPORT_PARTIAL, REPORT) == 0)
		return true;
	if (done)
		number = errno;
	unlink(REPORT_PARTIAL);
	return fail(error, REPORT, number);
}
