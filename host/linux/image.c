// SPDX-License-Identifier: MIT
/*
 * Images of the kernel. See image.h.
 *
 * Modules that are there already are those of the set behind /sys/module, whose lock and list
 * <linux/kobject.h> has, and which a module is in from before its initialization until its memory
 * goes; later ones come by the notifier of modules. (The kernel's own list has no lock that a
 * module can take.) Which of them is first does not matter: the notifier waits for the list to be
 * read, and a module that is on its way out has said so before it is notified of.
 *
 * Where the kernel's own text begins and ends no symbol for modules says. What they may ask is the
 * name of an address, sprint_symbol(): the kernel has names from _stext on, up to _etext, or to
 * _end with CONFIG_KALLSYMS_ALL, and for nothing around that. So two bisections find its bounds, in
 * pages, from a function that is surely in it. Without CONFIG_KALLSYMS it stays unknown.
 *
 * Text that no image has: BPF programs, trampolines of ftrace and kprobes.
 *
 * World: OS.
 */
#include <linux/kallsyms.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <asm/page_types.h>
#include <asm/pgtable_types.h>

#include "../images.h"
#include "../log.h"
#include "compat.h"
#include "image.h"

#define KERNEL_NAME "kernel"
#define INIT_NAME   "(init)"

static DEFINE_MUTEX(mutex);
static DEFINE_RAW_SPINLOCK(images_lock);

unsigned long host_images_lock(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&images_lock, flags);
	return flags;
}

void host_images_unlock(unsigned long flags)
{
	raw_spin_unlock_irqrestore(&images_lock, flags);
}

static void add_text(const struct module *module)
{
	struct compat_text text = compat_module_text(module);

	images_add(text.base, text.bytes, module->name, strlen(module->name));
}

static void add_init_text(const struct module *module)
{
	struct compat_text text = compat_module_init_text(module);
	char name[IMAGE_NAME];

	snprintf(name, sizeof(name), "%.*s%s", (int)(sizeof(name) - sizeof(INIT_NAME)),
		 module->name, INIT_NAME);
	images_add(text.base, text.bytes, name, strlen(name));
}

static void remove_text(struct compat_text text)
{
	if (text.bytes)
		images_remove(text.base, text.bytes);
}

/* COMING is before the initialization, LIVE behind it. */
static int on_module(struct notifier_block *block, unsigned long action, void *data)
{
	const struct module *module = data;

	mutex_lock(&mutex);
	switch (action) {
	case MODULE_STATE_COMING:
		add_text(module);
		add_init_text(module);
		break;
	case MODULE_STATE_LIVE:
		remove_text(compat_module_init_text(module));
		break;
	case MODULE_STATE_GOING:
		remove_text(compat_module_text(module));
		remove_text(compat_module_init_text(module));
		break;
	}
	mutex_unlock(&mutex);
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = { .notifier_call = on_module };

/* Built-in modules are in the set as well, without a structure of their own. */
static void list_modules(void)
{
	struct kset *set = THIS_MODULE->mkobj.kobj.kset;
	const struct module *module;
	struct kobject *entry;

	spin_lock(&set->list_lock);
	list_for_each_entry(entry, &set->list, entry)
	{
		module = container_of(entry, struct module_kobject, kobj)->mod;
		if (!module || module->state == MODULE_STATE_GOING)
			continue;
		add_text(module);
		if (module->state == MODULE_STATE_COMING)
			add_init_text(module);
	}
	spin_unlock(&set->list_lock);
}

/* An address without a name is printed as a number. */
static bool has_name(unsigned long address)
{
	static char text[KSYM_SYMBOL_LEN];

	sprint_symbol(text, address);
	return strncmp(text, "0x", 2);
}

/* The last page from `known`, which has a name, towards `nameless`, which has not. */
static unsigned long last_named(unsigned long known, unsigned long nameless)
{
	unsigned long middle;

	while (known - nameless != PAGE_SIZE && nameless - known != PAGE_SIZE) {
		middle = PAGE_ALIGN_DOWN(known / 2 + nameless / 2);
		if (has_name(middle))
			known = middle;
		else
			nameless = middle;
	}
	return known;
}

/* Between __START_KERNEL_map and MODULES_VADDR there is nothing but the kernel. */
static bool list_kernel(void)
{
	unsigned long known = PAGE_ALIGN_DOWN((unsigned long)schedule), first, last;

	if (known <= __START_KERNEL_map || known >= MODULES_VADDR || !has_name(known) ||
	    has_name(__START_KERNEL_map))
		return false;
	first = last_named(known, __START_KERNEL_map);
	last = last_named(known, MODULES_VADDR);
	images_add(first, last + PAGE_SIZE - first, KERNEL_NAME, strlen(KERNEL_NAME));
	return true;
}

void image_init(void)
{
	bool whole;

	images_init();
	if (register_module_notifier(&module_notifier))
		return;
	mutex_lock(&mutex);
	images_list_begin();
	list_modules();
	whole = list_kernel();
	images_list_end(whole);
	mutex_unlock(&mutex);
	if (!whole)
		log_line(HP_WARN, "the kernel's text was not found: its addresses have no name");
}

void image_end(void)
{
	unregister_module_notifier(&module_notifier);
	images_end();
}
