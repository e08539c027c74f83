// SPDX-License-Identifier: MIT
/*
 * Values as text for people.
 */
#include "hpctl.h"

#include <inttypes.h>

void format_processors(char *text, size_t bytes, const bool *set, unsigned count)
{
	unsigned first, last;
	size_t at = 0;

	text[0] = '\0';
	for (first = 0; first < count; first = last + 1) {
		last = first;
		if (!set[first])
			continue;
		while (last + 1 < count && set[last + 1])
			last++;
		if (at < bytes)
			at += (size_t)snprintf(text + at, bytes - at, at ? ", %u" : "%u", first);
		if (last > first && at < bytes)
			at += (size_t)snprintf(text + at, bytes - at, "-%u", last);
	}
}

void format_size(char *text, size_t bytes, uint64_t size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	uint64_t unit = 1;
	unsigned i = 0;

	while (i + 1 < sizeof(units) / sizeof(units[0]) && size / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	if (size % unit == 0)
		snprintf(text, bytes, "%" PRIu64 " %s", size / unit, units[i]);
	else
		snprintf(text, bytes, "%.1f %s", (double)size / (double)unit, units[i]);
}

uint64_t format_ns(uint64_t cycles, uint64_t tsc_khz)
{
	return (uint64_t)((double)cycles * 1e6 / (double)tsc_khz + 0.5);
}

void format_cycles(char *text, size_t bytes, uint64_t cycles, uint64_t tsc_khz)
{
	if (tsc_khz)
		snprintf(text, bytes, "%" PRIu64 " cycles, %" PRIu64 " ns", cycles,
			 format_ns(cycles, tsc_khz));
	else
		snprintf(text, bytes, "%" PRIu64 " cycles", cycles);
}

void format_hex(char *text, const uint8_t *data, unsigned count)
{
	unsigned i;

	text[0] = '\0';
	for (i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
}
