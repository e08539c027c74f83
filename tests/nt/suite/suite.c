#include "../kernel/nt.h"
void NTAPI suite_run(PVOID a)
{
	struct suite_arguments *arguments = a;
	say("hello: %s, driver of %llu bytes, %llu pages free", arguments->command_line, arguments->driver_bytes, memory_free_pages());
	judge_begin("second processor");
	processor_start_next();
	judge_check(processor_count()==2, "no");
	judge_end();
	judge_begin("affinity");
	thread_set_affinity(2);
	judge_check(processor_this()->number==1, "no");
	thread_set_affinity(1);
	judge_check(processor_this()->number==0, "no");
	thread_set_affinity(3);
	judge_end();
	thread_sleep(5);
	judge_begin("user");
	struct user *u = user_start("count.exe", true);
	thread_sleep(10);
	say("count %llu, cpu %u, user ticks %u %u", user_count(u), processor_this()->number, processors[0].interrupted_user, processors[1].interrupted_user);
	user_end(u);
	judge_end();
	judge_begin("load");
	const char *wrong = loader_load(memory_direct(arguments->driver_at), arguments->driver_bytes, 0xfffff80340000000);
	judge_check(!wrong, "%s", wrong);
	NTSTATUS s = io_start_driver(false);
	say("DriverEntry %lx", s);
	judge_end();
	judge_summary();
}
