// SPDX-License-Identifier: MIT
/*
 * Programs in user mode: a process with two address spaces, as under KVA shadow, whose thread
 * counts in a page of its own until it is told to end.
 *
 * World: the lab's kernel.
 */
#include "nt.h"

#define CODE  0x00007ff600000000ull
#define DATA  0x00007ff600010000ull
#define STACK 0x00007ff600020000ull

struct user_data {
	volatile uint64_t count, end, cpuid;
};

struct user {
	struct process process;
	uint64_t code, data, stack; /* physical */
	KAFFINITY affinity;
	PKTHREAD thread;
};

extern char entry_user_code[], entry_user_code_end[];
void entry_user(uint64_t rip, uint64_t rsp, uint64_t argument) __attribute__((noreturn));

static void map(const struct user *user, uint64_t space)
{
	memory_map(space, CODE, user->code, MAP_USER | MAP_EXECUTE);
	memory_map(space, DATA, user->data, MAP_USER | MAP_WRITE);
	memory_map(space, STACK, user->stack, MAP_USER | MAP_WRITE);
}

static void NTAPI run(PVOID context)
{
	struct user *user = context;

	thread_set_user_affinity(user->affinity);
	asm volatile("cli");
	thread_enter_user();
	entry_user(CODE, STACK + PAGE, DATA);
}

struct user *user_start(const char *name, unsigned processor, bool with_cpuid)
{
	struct user *user = (struct user *)memory_direct(memory_take(1, MEMORY_NONE, PAGE));

	user->code = memory_take(1, MEMORY_NONE, PAGE);
	user->data = memory_take(1, MEMORY_NONE, PAGE);
	user->stack = memory_take(1, MEMORY_NONE, PAGE);
	user->process.header.Type = ProcessObject;
	user->process.id = 0x444;
	say_to(user->process.name, sizeof(user->process.name), "%s", name);
	user->process.kernel_cr3 = memory_new_space(false);
	user->process.user_cr3 = memory_new_space(true);
	map(user, user->process.kernel_cr3);
	map(user, user->process.user_cr3);
	memcpy(memory_direct(user->code), entry_user_code, entry_user_code_end - entry_user_code);
	((struct user_data *)memory_direct(user->data))->cpuid = with_cpuid;
	user->affinity = 1ull << processor;
	user->thread = thread_create(&user->process, run, user);
	return user;
}

uint64_t user_count(const struct user *user)
{
	return ((struct user_data *)memory_direct(user->data))->count;
}

/* From now on, if it has not done so from the start. */
void user_use_cpuid(struct user *user)
{
	((struct user_data *)memory_direct(user->data))->cpuid = 1;
}

const uint64_t *user_top(const struct user *user)
{
	return memory_direct(user->process.user_cr3);
}

void user_end(struct user *user)
{
	((struct user_data *)memory_direct(user->data))->end = 1;
	KeWaitForSingleObject(user->thread, Executive, KernelMode, FALSE, NULL);
	object_release(user->thread);
	thread_reap();
	memory_end_space(user->process.kernel_cr3, false);
	memory_end_space(user->process.user_cr3, true);
	memory_give(user->code, 1);
	memory_give(user->data, 1);
	memory_give(user->stack, 1);
	memory_give((uintptr_t)user - (uintptr_t)memory_direct(0), 1);
}
