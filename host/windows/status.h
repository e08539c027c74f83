/* SPDX-License-Identifier: MIT */
/*
 * Errors of HyperPlatform as NT names them: what DriverEntry returns when it was told to start and
 * could not. The log has the words.
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_STATUS_H
#define HOST_WINDOWS_STATUS_H

#include <hyperplatform/abi.h>

#include "nt.h"

NTSTATUS status_of(enum hp_error error);

#endif
