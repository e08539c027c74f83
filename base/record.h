/* SPDX-License-Identifier: MIT */
/*
 * The records that root itself writes: number, level, text. Root knows the number only; the OS side
 * makes the text (record_format). In a text, %u, %d, %x and %llx take one argument each, in order:
 * unsigned and signed decimal, hexadecimal, 16 digits of hexadecimal. %s takes two and %S four: up
 * to 16 and 32 bytes of text, which end at a NUL; what is no printable ASCII becomes "?".
 *
 * The last formats continue the line of another record: who did what it says.
 *
 * World: any (pure).
 */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include <stddef.h>

#include <hyperplatform/abi.h>

/* X(NAME, number, level, text) */
#define RECORD_FORMATS(X)                                                                          \
	X(ENTERED, 1, INFO, "processor %u runs as a guest now")                                    \
	X(LEFT, 2, INFO, "processor %u runs natively again after %u exits")                        \
	X(LOST, 3, WARN, "%u records were lost: the ring was full")                                \
	X(UNEXPECTED_EXIT, 4, ERR, "unexpected exit: reason %u, qualification %llx, RIP %llx")     \
	X(ENTRY_FAILED, 5, ERR,                                                                    \
	  "VM entry failed: reason %x, qualification %llx, instruction error %u")                  \
	X(HIDDEN_WRITE, 6, WARN,                                                                   \
	  "a write to hidden memory was dropped: address %llx, linear %llx, RIP %llx, CR3 %llx")   \
	X(FAULT, 7, ERR, "fault in root: vector %u, error code %x, RIP %llx, address %llx")        \
	X(MICROCODE, 8, WARN, "a microcode update was dropped: RIP %llx")                          \
	X(DEVICE_OUTSIDE, 9, WARN,                                                                 \
	  "access beyond the physical address width: address %llx, RIP %llx")                      \
	X(TRIPLE_FAULT, 10, ERR, "triple fault of the guest: RIP %llx, CR3 %llx")                  \
	X(MTRR, 11, INFO, "MTRR %x written: %llx; memory types follow")                            \
	X(MTRR_COARSE, 12, WARN,                                                                   \
	  "MTRR %x: no table left to split a large page: all of it has its strictest type until "  \
	  "one comes back")                                                                        \
	X(OPERAND_OUTSIDE, 13, WARN,                                                               \
	  "an operand outside of RAM was not reached: address %llx, RIP %llx")                     \
	X(STEP, 14, DEBUG, "stepped: %llx %llx %llx %llx %llx %llx")                               \
	X(WHO, 15, INFO, ", process %u (%s)")                                                      \
	X(WHO_NAME, 16, INFO, ", process (%s)")                                                    \
	X(WHO_UNKNOWN, 17, INFO, ", process unknown")                                              \
	X(IMAGE, 18, INFO, " [%S+0x%x]")                                                           \
	X(IMAGE_NONE, 19, INFO, " [no image]")                                                     \
	X(IMAGE_UNKNOWN, 20, INFO, " [image unknown]")

enum record_format {
#define RECORD_ENUM(name, number, level, text) RECORD_##name = number,
	RECORD_FORMATS(RECORD_ENUM)
#undef RECORD_ENUM
};

/*
 * Writes the text of `record`, NUL-terminated, into `text` of `bytes`; what does not fit is cut.
 * Returns the length of what was written, without the NUL. An unknown format is written with its
 * number and arguments.
 */
size_t record_text(const struct hp_record *record, char *text, size_t bytes);

#endif
