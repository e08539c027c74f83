// SPDX-License-Identifier: MIT
/*
 * The module: its device, and the moments at which Linux tells us that processors come and go, that
 * the system sleeps, wakes or ends. Loading the module does not start the hypervisor: a request
 * does.
 *
 * World: OS.
 */
#include <linux/capability.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>

#include "../lifecycle.h"
#include "../log.h"
#include "../report.h"
#include "../requests.h"
#include "compat.h"
#include "image.h"
#include "platform.h"

static_assert(sizeof(struct hp_request) == _IOC_SIZE(HP_IOCTL));

/* What an open file is: a reader of the log. */
struct reader {
	struct mutex mutex;
	uint64_t position;
	char text[4 * LOG_LINE];
};

static int device_open(struct inode *inode, struct file *file)
{
	struct reader *reader;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	reader = kmalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->mutex);
	reader->position = log_oldest();
	file->private_data = reader;
	return nonseekable_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

/* At most as much as the reader's text holds at a time. The caller holds the reader's mutex. */
static ssize_t read_once(struct reader *reader, char __user *buffer, size_t bytes)
{
	uint64_t position = reader->position;
	size_t length;

	length = log_read(&position, reader->text, min(bytes, sizeof(reader->text)));
	if (copy_to_user(buffer, reader->text, length))
		return -EFAULT;
	reader->position = position;
	return length;
}

static ssize_t device_read(struct file *file, char __user *buffer, size_t bytes, loff_t *unused)
{
	struct reader *reader = file->private_data;
	ssize_t done;

	if (bytes < LOG_LINE)
		return -EINVAL;
	for (;;) {
		if (mutex_lock_interruptible(&reader->mutex))
			return -ERESTARTSYS;
		done = read_once(reader, buffer, bytes);
		mutex_unlock(&reader->mutex);
		if (done)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(platform_log_readers, log_has(reader->position)))
			return -ERESTARTSYS;
	}
}

static __poll_t device_poll(struct file *file, poll_table *wait)
{
	struct reader *reader = file->private_data;

	poll_wait(file, &platform_log_readers, wait);
	return log_has(READ_ONCE(reader->position)) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Input and output share the user's buffer. Returns 0, or a negative errno. */
static long carry_out(struct hp_request *request)
{
	void __user *buffer = u64_to_user_ptr(request->buffer);
	void *in, *out;
	long error = 0;

	request->result = HP_ERROR_REQUEST;
	if (request->abi != HP_ABI_VERSION || request->in_bytes > REQUESTS_BYTES_MAX ||
	    request->out_bytes > REQUESTS_BYTES_MAX)
		return 0;
	in = kzalloc(REQUESTS_BYTES_MAX, GFP_KERNEL);
	out = kzalloc(REQUESTS_BYTES_MAX, GFP_KERNEL);
	if (!in || !out)
		request->result = HP_ERROR_NO_MEMORY;
	else if (copy_from_user(in, buffer, request->in_bytes))
		error = -EFAULT;
	else
		request->result = requests_handle(request->code, in, request->in_bytes, out,
						  request->out_bytes);
	if (!error && in && out && request->result != HP_ERROR_REQUEST &&
	    copy_to_user(buffer, out, request->out_bytes))
		error = -EFAULT;
	kfree(out);
	kfree(in);
	return error;
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct hp_request request;
	long error;

	if (command != HP_IOCTL)
		return -ENOTTY;
	if (copy_from_user(&request, user, sizeof(request)))
		return -EFAULT;
	error = carry_out(&request);
	if (error)
		return error;
	return copy_to_user(user, &request, sizeof(request)) ? -EFAULT : 0;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.poll = device_poll,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = COMPAT_NO_LLSEEK,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hyperplatform",
	.mode = 0600,
	.fops = &device_operations,
};

static int on_online(unsigned int processor)
{
	lifecycle_processor_online(processor);
	return 0;
}

static int on_offline(unsigned int processor)
{
	return lifecycle_processor_offline(processor) ? 0 : -EBUSY;
}

/* Before tasks are frozen, and after they run again. Who refuses is not told of the end. */
static int on_sleep(struct notifier_block *block, unsigned long action, void *data)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
	case PM_RESTORE_PREPARE:
		if (lifecycle_suspend())
			return NOTIFY_OK;
		lifecycle_resume();
		return NOTIFY_BAD;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
	case PM_POST_RESTORE:
		lifecycle_resume();
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block sleep_notifier = { .notifier_call = on_sleep };

/* Reboot, power off and kexec: a system that follows us would run into hidden memory. */
static int on_reboot(struct notifier_block *block, unsigned long action, void *data)
{
	lifecycle_shutdown();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = { .notifier_call = on_reboot };

static int hotplug_state;

static int __init hyperplatform_init(void)
{
	int error;

	if (!log_init())
		return -ENOMEM;
	error = platform_init();
	if (error)
		goto no_platform;
	image_init();
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "hyperplatform:online",
						  on_online, on_offline);
	if (hotplug_state < 0) {
		error = hotplug_state;
		goto no_hotplug;
	}
	register_pm_notifier(&sleep_notifier);
	register_reboot_notifier(&reboot_notifier);
	error = misc_register(&device);
	if (error)
		goto no_device;
	log_line(HP_INFO, "HyperPlatform " HP_VERSION " is loaded and waits for hpctl load");
	return 0;

no_device:
	unregister_reboot_notifier(&reboot_notifier);
	unregister_pm_notifier(&sleep_notifier);
	cpuhp_remove_state_nocalls(hotplug_state);
no_hotplug:
	image_end();
	platform_exit();
no_platform:
	log_end();
	return error;
}

/* A guest runs through the module's gate: as long as one is left, the module has to stay. */
static void __exit hyperplatform_exit(void)
{
	misc_deregister(&device);
	while (!lifecycle_shutdown())
		msleep(1000);
	unregister_reboot_notifier(&reboot_notifier);
	unregister_pm_notifier(&sleep_notifier);
	cpuhp_remove_state_nocalls(hotplug_state);
	image_end();
	platform_exit();
	report_end();
	log_end();
}

module_init(hyperplatform_init);
module_exit(hyperplatform_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("HyperPlatform, a thin hypervisor under the running system");
MODULE_VERSION(HP_VERSION);
