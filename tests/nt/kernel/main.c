// SPDX-License-Identifier: MIT
/*
 * The kernel's start: memory, traps, the first processor, threads; then the tests in a thread. The
 * driver's file is the boot loader's first module; the command line is the tests' own.
 *
 * World: the lab's kernel.
 */
#include "nt.h"
#include "multiboot.h"

/* Called by boot.S. */
void kernel_main(uint32_t boot_information) __attribute__((noreturn));

void kernel_main(uint32_t boot_information)
{
	const struct multiboot *boot = memory_direct(boot_information);
	const struct multiboot_module *module = memory_direct(boot->modules);
	static struct suite_arguments arguments;
	PKTHREAD thread;

	/* While the loader's tables still say where these are. */
	say_to(arguments.command_line, sizeof(arguments.command_line), "%s",
	       (const char *)memory_direct(boot->command_line));
	if (boot->module_count) {
		arguments.driver_at = module->start;
		arguments.driver_bytes = module->end - module->start;
	}
	say_init();
	trap_init();
	memory_init(boot);
	processor_init(rtl_find(arguments.command_line, strlen(arguments.command_line), "x2apic"));
	thread_init();
	process_init();
	thread = thread_create(&thread_system_process, suite_run, &arguments);
	object_release(thread);
	thread_idle();
}
