/* SPDX-License-Identifier: MIT */
/*
 * Included before gate.S: tells objtool that the gate's returns and its jump into root are no
 * thunks on purpose. They are executed once for each crossing, with targets that no guest can
 * influence.
 *
 * World: OS (assembler).
 */
#include <asm/nospec-branch.h>

#define GATE_SAFE_BRANCH ANNOTATE_RETPOLINE_SAFE
