/* SPDX-License-Identifier: MIT */
/*
 * Failures in words: what went wrong, on which processor, and the remedy, in one line of the log.
 *
 * World: OS.
 */
#ifndef HOST_FAILURE_H
#define HOST_FAILURE_H

#include <hyperplatform/abi.h>

/* The first requirement of `check` that is missing and needed; HP_REQUIREMENT_COUNT: none is. */
uint32_t failure_requirement(const struct hp_check *check);

/* Writes "<what>: processor N: <cause>: <details>; <remedy>". */
void failure_log(const char *what, const struct hp_failure *failure);

#endif
