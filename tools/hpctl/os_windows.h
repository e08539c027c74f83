/* SPDX-License-Identifier: MIT */
/*
 * What the files of hpctl for Windows share.
 */
#ifndef HPCTL_OS_WINDOWS_H
#define HPCTL_OS_WINDOWS_H

#include "os.h"

#include <windows.h>

#define OS_WINDOWS_ELEVATE "run it from a command prompt that was started as administrator"

/* Fills `error`; the text is as printf()'s. */
void os_windows_error(struct os_error *error, enum os_cause cause, const char *remedy,
		      const char *format, ...) __attribute__((format(gnu_printf, 4, 5)));

/* What Windows says of an error number; valid until the next call. */
const char *os_windows_words(DWORD number);

#endif
