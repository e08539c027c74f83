/* SPDX-License-Identifier: MIT */
/*
 * What to do about an error on one system, where that is another thing than HP_ERRORS says; NULL:
 * it is not. The texts are abi.h's. The OS side and the tools ask for their own system.
 *
 * World: any (pure).
 */
#ifndef BASE_REMEDY_H
#define BASE_REMEDY_H

#include <hyperplatform/abi.h>

#define REMEDY(name, remedy)                                                                       \
	case HP_ERROR_##name:                                                                      \
		return remedy;

static inline const char *remedy_on_linux(enum hp_error error)
{
	switch (error) {
		HP_REMEDIES_LINUX(REMEDY)
	default:
		return 0;
	}
}

static inline const char *remedy_on_windows(enum hp_error error)
{
	switch (error) {
		HP_REMEDIES_WINDOWS(REMEDY)
	default:
		return 0;
	}
}

#undef REMEDY

#endif
