// SPDX-License-Identifier: MIT
/*
 * What a function of the driver has to leave as it was when the kernel called it.
 *
 * World: the lab's kernel; any IRQL.
 */
#include "nt.h"

#define RFLAGS_IF 0x200
#define RFLAGS_DF 0x400
#define RFLAGS_TF 0x100

static uint64_t read_flags(void)
{
	uint64_t flags;

	asm volatile("pushfq; pop %0" : "=r"(flags));
	return flags;
}

void guard_enter(struct guard *guard)
{
	guard->level = processor_cr8();
	guard->flags = read_flags();
	guard->affinity = thread_this()->affinity;
	guard->mutexes = thread_this()->mutexes;
}

void guard_leave(const struct guard *guard, const char *what)
{
	PKTHREAD thread = thread_this();

	if (processor_cr8() != guard->level) {
		judge_violation("IRQL", "%s: was %llu, is %llu", what, guard->level,
				processor_cr8());
		processor_set_cr8(guard->level);
	}
	if ((read_flags() ^ guard->flags) & (RFLAGS_IF | RFLAGS_DF | RFLAGS_TF)) {
		judge_violation("flags", "%s: were %llx, are %llx", what, guard->flags,
				read_flags());
		asm volatile("push %0; popfq" : : "r"(guard->flags) : "memory", "cc");
	}
	/* A DPC has no thread of its own. */
	if (guard->level >= DISPATCH_LEVEL)
		return;
	if (thread->affinity != guard->affinity)
		judge_violation("affinity", "%s: was %llx, is %llx", what, guard->affinity,
				thread->affinity);
	if (thread->mutexes != guard->mutexes)
		judge_violation("mutex", "%s: had %u, has %u", what, guard->mutexes,
				thread->mutexes);
}
