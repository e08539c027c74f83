/* SPDX-License-Identifier: MIT */
/*
 * What the probe driver does wrong, on request: X(NAME, rule that the lab has to say is broken,
 * "what it does"). The request's code is CTL_CODE of its number in this table; those of
 * PROBE_LEFT are noticed when the driver is unloaded.
 *
 * World: the lab's kernel, and the probe driver.
 */
#ifndef NT_PROBE_PROBE_H
#define NT_PROBE_PROBE_H

#define PROBE_DONE(X)                                                                              \
	X(RANGES_AT_DISPATCH, "IRQL", "MmGetPhysicalMemoryRanges at DISPATCH_LEVEL")               \
	X(PAGED_AT_DISPATCH, "IRQL", "paged pool at DISPATCH_LEVEL")                               \
	X(WAIT_AT_DISPATCH, "IRQL", "a wait at DISPATCH_LEVEL")                                    \
	X(SET_EVENT_HIGH, "IRQL", "KeSetEvent at HIGH_LEVEL")                                      \
	X(WAIT_INTERRUPTS_OFF, "interrupts", "a wait with interrupts off")                         \
	X(RETURNS_RAISED, "IRQL", "a return at DISPATCH_LEVEL")                                    \
	X(RETURNS_INTERRUPTS_OFF, "flags", "a return with interrupts off")                         \
	X(DPC_LOWERS, "IRQL", "a DPC that lowers the IRQL")                                        \
	X(KEEPS_MUTEX, "mutex", "a return with a mutex")                                           \
	X(RELEASES_FREE_MUTEX, "mutex", "the release of a mutex of nobody")                        \
	X(KEEPS_AFFINITY, "affinity", "a return with another affinity")                            \
	X(STACK, "stack", "a call with a stack that is not aligned")                               \
	X(WRONG_TAG, "pool", "a free with another tag")                                            \
	X(FREES_TWICE, "pool", "a second free")                                                    \
	X(UNDERRUN, "pool", "a write in front of a block")                                         \
	X(COMPLETES_TWICE, "request", "a second completion")                                       \
	X(COMPLETES_NEVER, "request", "a request that is not completed")                           \
	X(OTHER_STATUS, "request", "another status returned than completed with")                  \
	X(TOO_MUCH, "request", "more bytes than there is room for")                                \
	X(BAD_HANDLE, "handle", "the close of a handle that is none")                              \
	X(BAD_OBJECT, "object", "a wait for what is no dispatcher object")

#define PROBE_LEFT(X)                                                                              \
	X(LEAVES_POOL, "leak", "a block of pool")                                                  \
	X(LEAVES_CONTIGUOUS, "leak", "contiguous memory")                                          \
	X(LEAVES_HANDLE, "leak", "a handle")                                                       \
	X(LEAVES_REFERENCE, "leak", "a reference")                                                 \
	X(LEAVES_CALLBACK, "leak", "a callback")                                                   \
	X(LEAVES_DEVICE, "leak", "a device and its link")

enum probe {
#define PROBE_ENUM(name, rule, text) PROBE_##name,
	PROBE_DONE(PROBE_ENUM) PROBE_LEFT(PROBE_ENUM)
#undef PROBE_ENUM
};

#define PROBE_CODE(probe) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900 + (probe), METHOD_BUFFERED, 0)

#endif
