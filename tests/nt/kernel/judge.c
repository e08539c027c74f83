// SPDX-License-Identifier: MIT
/*
 * Judgements: tests begin and end here, rules that a driver breaks make the test under way fail,
 * and a bug check ends everything. A test that wants to see a rule broken says so, and then fails
 * if it is not: that is how the lab itself is tested.
 *
 * World: the lab's kernel; violations come at any IRQL.
 */
#include "nt.h"

static struct lab_lock lock;
static const char *test = "the lab";
static char why[200];
static const char *expected;
static unsigned expected_count;
static unsigned passed, failed;
static volatile bool stopped;

/* The first reason stays: what follows is often its consequence. */
static void fail(const char *rule, const char *text)
{
	uint64_t flags = lab_lock(&lock);

	if (!why[0])
		say_to(why, sizeof(why), "%s%s%s", rule, *rule ? ": " : "", text);
	lab_unlock(&lock, flags);
}

void judge_violation(const char *rule, const char *format, ...)
{
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	say_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (expected && !strcmp(rule, expected)) {
		expected_count++;
		return;
	}
	say("violation: %s: %s", rule, text);
	fail(rule, text);
}

void judge_begin(const char *name)
{
	test = name;
	why[0] = 0;
	expected = NULL;
	expected_count = 0;
}

void judge_check(bool good, const char *format, ...)
{
	char text[160];
	va_list arguments;

	if (good)
		return;
	va_start(arguments, format);
	say_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	fail("", text);
}

bool judge_failed(void)
{
	return why[0] != 0;
}

void judge_expect(const char *rule)
{
	expected = rule;
}

void judge_end(void)
{
	if (expected && !expected_count)
		fail(expected, "the lab did not notice");
	if (why[0]) {
		failed++;
		say("not ok - %s: %s", test, why);
	} else {
		passed++;
		say("ok - %s", test);
	}
	judge_begin("between tests");
}

void judge_summary(void)
{
	say("%u passed, %u failed", passed, failed);
	say_shutdown();
}

bool judge_stopped(void)
{
	return stopped;
}

static void show_stack(uint64_t rsp)
{
	char where[64];
	uint64_t at, value, shown = 0;

	for (at = rsp & ~7ull; at < rsp + 2048 && shown < 12; at += 8) {
		if (memory_translate(memory_top(), at) == MEMORY_NONE)
			break;
		value = *(uint64_t *)at;
		if (value - loader_driver.base < loader_driver.bytes) {
			say("  stack %s", loader_where(value, where, sizeof(where)));
			shown++;
		}
	}
}

void judge_bug_check(const char *what, const struct trap_frame *frame)
{
	uint64_t cr2, cr3, cr4;
	char where[64];
	unsigned i;

	asm volatile("cli; mov %%cr2, %0; mov %%cr3, %1; mov %%cr4, %2"
		     : "=r"(cr2), "=r"(cr3), "=r"(cr4));
	if (__atomic_exchange_n(&stopped, true, __ATOMIC_ACQ_REL))
		for (;;)
			asm volatile("hlt");
	say("bug check: %s", what);
	if (frame) {
		say("rip %s rsp %llx rflags %llx cs %llx ss %llx code %llx",
		    loader_where(frame->rip, where, sizeof(where)), frame->rsp, frame->rflags,
		    frame->cs, frame->ss, frame->error_code);
		say("rax %llx rcx %llx rdx %llx rbx %llx rbp %llx rsi %llx rdi %llx", frame->rax,
		    frame->rcx, frame->rdx, frame->rbx, frame->rbp, frame->rsi, frame->rdi);
		say("r8 %llx r9 %llx r10 %llx r11 %llx r12 %llx r13 %llx r14 %llx r15 %llx",
		    frame->r8, frame->r9, frame->r10, frame->r11, frame->r12, frame->r13,
		    frame->r14, frame->r15);
		show_stack(frame->rsp);
	}
	say("cr2 %llx cr3 %llx cr4 %llx cr8 %llx processor %u", cr2, cr3, cr4, processor_cr8(),
	    processor_this()->number);
	for (i = 0; i < processor_count(); i++) {
		if (i != processor_this()->number)
			processor_send_nmi(i);
	}
	say("not ok - %s: bug check: %s at %s", test, what,
	    frame ? loader_where(frame->rip, where, sizeof(where)) : "the lab");
	say("%u passed, %u failed", passed, failed + 1);
	say_shutdown();
}
