/* SPDX-License-Identifier: MIT */
/*
 * The requests that the device takes (HP_REQUESTS in abi.h): the same on every OS, whose driver
 * only copies buffers in and out.
 *
 * World: OS, process context.
 */
#ifndef HOST_REQUESTS_H
#define HOST_REQUESTS_H

#include <hyperplatform/abi.h>

/* No request has more, in either direction. */
#define REQUESTS_BYTES_MAX 8192u

/*
 * Carries out request `code` on buffers of the kernel. The sizes must be the request's own. Returns
 * enum hp_error; `out` is filled whatever it is, unless it is REQUEST: then nothing was done.
 */
uint32_t requests_handle(uint32_t code, const void *in, uint32_t in_bytes, void *out,
			 uint32_t out_bytes);

#endif
