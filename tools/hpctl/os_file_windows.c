// SPDX-License-Identifier: MIT
/*
 * The files of os.h on Windows: the report below the system's folder, where only administrators can
 * make one, in a folder of its own that only they can read; and the symbols beside the program.
 *
 * The report is written to a file of another name, and that is renamed: at any time, also after a
 * power failure, the name stands for one whole report or for none.
 */
#include "os_windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sddl.h>

#define FOLDER	"HyperPlatform"
#define REPORT	"report"
#define PARTIAL "report.new"
#define SYMBOLS "root.sym"

/* Inherited by what is in it, not from what it is in: the system and administrators. */
#define FOR_ADMINISTRATORS "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"

/* More than the reports of all processors that there can be. */
#define BYTES_MAX (64u << 20)

static bool fail(struct os_error *error, const char *path, DWORD number)
{
	enum os_cause cause = OS_FAILED;
	const char *remedy = "";

	if (number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND) {
		cause = OS_ABSENT;
	} else if (number == ERROR_ACCESS_DENIED) {
		cause = OS_DENIED;
		remedy = OS_WINDOWS_ELEVATE;
	}
	os_windows_error(error, cause, remedy, "%.300s: %s", path, os_windows_words(number));
	return false;
}

/* In our folder; "" is the folder. */
static void path_of(char path[MAX_PATH], const char *name)
{
	char system[MAX_PATH - 64];

	if (!GetSystemWindowsDirectoryA(system, sizeof(system)))
		strcpy(system, "C:\\Windows");
	snprintf(path, MAX_PATH, "%s\\" FOLDER "%s%s", system, name[0] ? "\\" : "", name);
}

static void symbols_path(char path[MAX_PATH])
{
	DWORD length = GetModuleFileNameA(NULL, path, MAX_PATH - sizeof(SYMBOLS));

	while (length && path[length - 1] != '\\')
		length--;
	strcpy(path + length, SYMBOLS);
}

/* Reads what is there, up to the limit. 0, or what Windows says. */
static DWORD read_all(HANDLE file, struct os_contents *contents)
{
	size_t room = 0;
	DWORD got = 1;
	uint8_t *more;

	while (got != 0) {
		if (contents->bytes + 1 >= room) {
			if (room > BYTES_MAX)
				return ERROR_FILE_TOO_LARGE;
			room = room ? 2 * room : 65536;
			more = realloc(contents->data, room);
			if (!more)
				return ERROR_NOT_ENOUGH_MEMORY;
			contents->data = more;
		}
		if (!ReadFile(file, contents->data + contents->bytes,
			      (DWORD)(room - contents->bytes - 1), &got, NULL))
			return GetLastError();
		contents->bytes += got;
	}
	contents->data[contents->bytes] = 0;
	return ERROR_SUCCESS;
}

bool os_file_read(enum os_file which, const char *path, struct os_contents *contents,
		  struct os_error *error)
{
	char place[MAX_PATH];
	DWORD number = ERROR_SUCCESS;
	HANDLE file;

	memset(contents, 0, sizeof(*contents));
	if (which == OS_FILE_SYMBOLS)
		symbols_path(place);
	else
		path_of(place, REPORT);
	snprintf(contents->path, sizeof(contents->path), "%s", path ? path : place);
	file = CreateFileA(path ? path : place, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
			   0, NULL);
	if (file == INVALID_HANDLE_VALUE)
		return fail(error, contents->path, GetLastError());
	number = read_all(file, contents);
	CloseHandle(file);
	if (number == ERROR_SUCCESS)
		return true;
	free(contents->data);
	contents->data = NULL;
	contents->bytes = 0;
	return fail(error, contents->path, number);
}

/* 0, or what Windows says. */
static DWORD make_folder(const char *path)
{
	SECURITY_ATTRIBUTES attributes = { .nLength = sizeof(attributes) };
	DWORD number = ERROR_SUCCESS;

	if (!ConvertStringSecurityDescriptorToSecurityDescriptorA(
		    FOR_ADMINISTRATORS, SDDL_REVISION_1, &attributes.lpSecurityDescriptor, NULL))
		return GetLastError();
	if (!CreateDirectoryA(path, &attributes) && GetLastError() != ERROR_ALREADY_EXISTS)
		number = GetLastError();
	LocalFree(attributes.lpSecurityDescriptor);
	return number;
}

/* 0, or what Windows says. */
static DWORD write_file(const char *path, const void *data, size_t bytes)
{
	HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
	DWORD put, number = ERROR_SUCCESS;

	if (file == INVALID_HANDLE_VALUE)
		return GetLastError();
	if (!WriteFile(file, data, (DWORD)bytes, &put, NULL) || !FlushFileBuffers(file))
		number = GetLastError();
	else if (put != bytes)
		number = ERROR_DISK_FULL;
	CloseHandle(file);
	return number;
}

bool os_file_save(const void *data, size_t bytes, struct os_error *error)
{
	char folder[MAX_PATH], report[MAX_PATH], partial[MAX_PATH];
	DWORD number;

	path_of(folder, "");
	path_of(report, REPORT);
	path_of(partial, PARTIAL);
	number = make_folder(folder);
	if (number != ERROR_SUCCESS)
		return fail(error, folder, number);
	number = write_file(partial, data, bytes);
	if (number == ERROR_SUCCESS &&
	    MoveFileExA(partial, report, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
		return true;
	if (number == ERROR_SUCCESS)
		number = GetLastError();
	DeleteFileA(partial);
	return fail(error, report, number);
}
