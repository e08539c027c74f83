// SPDX-License-Identifier: MIT
/*
 * os_linux.c with the kernel replaced: the linker sends its system calls to the functions here.
 * What errno becomes for the user, and what is done how often.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tools/hpctl/os.h"

/* The kernel: 0 is success, else errno. */
static struct {
	int device_open; /* errno of opening the device */
	unsigned device_appears_after;
	int file_open;		   /* errno of opening a module file */
	int load, delete, kvm;	   /* errno of finit_module(), delete_module() */
	unsigned busy_for;	   /* delete_module() says EWOULDBLOCK so many times first */
	int ioctl_errors[4];	   /* in turn; then success */
	uint32_t result;	   /* of the ioctl */
	struct hp_request request; /* the last */
	int reads[4];		   /* bytes, or -errno, in turn; then -EAGAIN */
	int poll_result;
	bool kvm_there;
	uid_t uid;
	const char *lockdown, *disabled, *online;
	const char *modprobe; /* shell text that stands for modprobe; NULL: there is none */
	int setaffinity;
	/* what happened */
	char opened[512], loaded_from[16], deleted[64];
	unsigned opens, ioctls, read_calls, polls, sleeps, spawns, deletes;
	int open_flags;
	unsigned affinity[8], affinities;
} kernel;

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.online = "0-1\n";
	return 0;
}

static int answer(int number)
{
	errno = number;
	return number ? -1 : 0;
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	if (strcmp(path, HP_DEVICE_LINUX) == 0) {
		kernel.opens++;
		kernel.open_flags = flags;
		if (kernel.device_appears_after && kernel.opens < kernel.device_appears_after)
			return answer(ENOENT);
		return kernel.device_open ? answer(kernel.device_open) : 1000;
	}
	snprintf(kernel.opened, sizeof(kernel.opened), "%s", path);
	return kernel.file_open ? answer(kernel.file_open) : 1001;
}

int __wrap_ioctl(int fd, unsigned long number, void *argument);
int __wrap_ioctl(int fd, unsigned long number, void *argument)
{
	struct hp_request *request = argument;

	assert_int_equal(fd, 1000);
	assert_int_equal(number, HP_IOCTL);
	kernel.request = *request;
	if (kernel.ioctls < 4 && kernel.ioctl_errors[kernel.ioctls])
		return answer(kernel.ioctl_errors[kernel.ioctls++]);
	kernel.ioctls++;
	request->result = kernel.result;
	return 0;
}

ssize_t __wrap_read(int fd, void *buffer, size_t bytes);
ssize_t __wrap_read(int fd, void *buffer, size_t bytes)
{
	int result = kernel.read_calls < 4 ? kernel.reads[kernel.read_calls] : -EAGAIN;

	assert_int_equal(fd, 1000);
	assert_true(bytes > 0);
	kernel.read_calls++;
	if (result < 0)
		return answer(-result);
	memset(buffer, 'x', (size_t)result);
	return result;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	assert_true(count == 1 && fds[0].fd == 1000 && timeout > 0);
	kernel.polls++;
	return kernel.poll_result;
}

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	(void)mode;
	assert_string_equal(path, "/sys/module/kvm_intel");
	return kernel.kvm_there ? 0 : answer(ENOENT);
}

uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
	return kernel.uid;
}

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	const char *text = NULL;

	(void)mode;
	if (strcmp(path, "/sys/kernel/security/lockdown") == 0)
		text = kernel.lockdown;
	else if (strcmp(path, "/proc/sys/kernel/modules_disabled") == 0)
		text = kernel.disabled;
	else if (strcmp(path, "/sys/devices/system/cpu/online") == 0)
		text = kernel.online;
	else
		fail_msg("fopen %s", path);
	if (!text) {
		errno = ENOENT;
		return NULL;
	}
	return fmemopen((void *)(uintptr_t)text, strlen(text), "r");
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list arguments;
	long result;

	va_start(arguments, number);
	if (number == SYS_finit_module) {
		assert_int_equal(va_arg(arguments, int), 1001);
		assert_string_equal(va_arg(arguments, const char *), "");
		result = answer(kernel.load);
	} else {
		const char *name = va_arg(arguments, const char *);

		assert_int_equal(number, SYS_delete_module);
		assert_int_equal(va_arg(arguments, int), O_NONBLOCK);
		snprintf(kernel.deleted, sizeof(kernel.deleted), "%s", name);
		kernel.deletes++;
		if (strcmp(name, "kvm_intel") == 0)
			result = answer(kernel.kvm);
		else if (kernel.deletes <= kernel.busy_for)
			result = answer(EWOULDBLOCK);
		else
			result = answer(kernel.delete);
	}
	va_end(arguments);
	return result;
}

int __real_posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[],
		       char *const environment[]);
int __wrap_posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[],
		       char *const environment[]);
int __wrap_posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[],
		       char *const environment[])
{
	char *shell[] = { "sh", "-c", (char *)(uintptr_t)kernel.modprobe, NULL };

	kernel.spawns++;
	assert_string_equal(arguments[0], "modprobe");
	assert_string_equal(arguments[1], "hyperplatform");
	assert_null(arguments[2]);
	if (!kernel.modprobe || strcmp(path, "/bin/modprobe") != 0)
		return ENOENT;
	return __real_posix_spawn(child, "/bin/sh", actions, attributes, shell, environment);
}

int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set)
{
	assert_true(pid == 0 && bytes == sizeof(*set));
	CPU_ZERO(set);
	CPU_SET(0, set);
	CPU_SET(5, set);
	return 0;
}

int __wrap_sched_setaffinity(pid_t pid, size_t bytes, const cpu_set_t *set);
int __wrap_sched_setaffinity(pid_t pid, size_t bytes, const cpu_set_t *set)
{
	unsigned first;

	assert_true(pid == 0 && bytes == sizeof(*set));
	if (kernel.setaffinity)
		return answer(kernel.setaffinity);
	for (first = 0; !CPU_ISSET(first, set); first++)
		;
	kernel.affinity[kernel.affinities++] = first + 100 * (unsigned)CPU_COUNT(set);
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	assert_true(time->tv_sec == 0 && time->tv_nsec > 0);
	kernel.sleeps++;
	return 0;
}

static void expect(const struct os_error *error, enum os_cause cause, const char *text,
		   const char *remedy)
{
	if (error->cause != cause || !strstr(error->text, text) || !strstr(error->remedy, remedy))
		fail_msg("cause %d: %s (%s)\nnot: %s (%s)", error->cause, error->text,
			 error->remedy, text, remedy);
}

static void test_open(void **state)
{
	static const struct {
		int number;
		enum os_cause cause;
		const char *text, *remedy;
	} errors[] = {
		{ ENOENT, OS_ABSENT, "the module is not loaded", "hpctl load" },
		{ ENXIO, OS_ABSENT, "the module is not loaded", "hpctl load" },
		{ ENODEV, OS_ABSENT, "the module is not loaded", "hpctl load" },
		{ EACCES, OS_DENIED, "this user may not open /dev/hyperplatform",
		  "run it as root" },
		{ EPERM, OS_DENIED, "this user may not open /dev/hyperplatform", "run it as root" },
		{ EBUSY, OS_BUSY, "/dev/hyperplatform is in use", "try again" },
		{ EMFILE, OS_FAILED, "/dev/hyperplatform: Too many open files", "" },
	};
	struct os_error error;
	struct os_device *device;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		kernel.device_open = errors[i].number;
		assert_null(os_open(&error));
		expect(&error, errors[i].cause, errors[i].text, errors[i].remedy);
	}
	kernel.device_open = 0;
	device = os_open(&error);
	assert_non_null(device);
	assert_int_equal(kernel.open_flags, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	os_close(device);
}

static void test_request(void **state)
{
	static const struct {
		int number;
		enum hp_error error;
	} errors[] = {
		{ EPERM, HP_ERROR_NOT_PRIVILEGED }, { EACCES, HP_ERROR_NOT_PRIVILEGED },
		{ ENOTTY, HP_ERROR_REQUEST },	    { EINVAL, HP_ERROR_REQUEST },
		{ ENODEV, HP_ERROR_NOT_RUNNING },   { ENXIO, HP_ERROR_NOT_RUNNING },
		{ ENOMEM, HP_ERROR_NO_MEMORY },	    { EBUSY, HP_ERROR_BUSY },
		{ EFAULT, HP_ERROR_INTERNAL },
	};
	struct os_error error;
	struct os_device *device = os_open(&error);
	uint64_t buffer;
	unsigned i;

	(void)state;
	kernel.result = HP_ERROR_OFFLINE;
	kernel.ioctl_errors[0] = EINTR;
	kernel.ioctl_errors[1] = EINTR;
	assert_int_equal(os_request(device, 6, &buffer, 4, 8), HP_ERROR_OFFLINE);
	assert_int_equal(kernel.ioctls, 3);
	assert_int_equal(kernel.request.abi, HP_ABI_VERSION);
	assert_int_equal(kernel.request.code, 6);
	assert_int_equal(kernel.request.buffer, (uintptr_t)&buffer);
	assert_int_equal(kernel.request.in_bytes, 4);
	assert_int_equal(kernel.request.out_bytes, 8);
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		kernel.ioctls = 0;
		kernel.ioctl_errors[0] = errors[i].number;
		assert_int_equal(os_request(device, 6, &buffer, 4, 8), errors[i].error);
		assert_int_equal(kernel.ioctls, 1);
	}
	os_close(device);
}

static int read_log(struct os_device *device, int first, int second, int poll_result,
		    unsigned wait_ms)
{
	char text[16];

	kernel.reads[0] = first;
	kernel.reads[1] = second;
	kernel.poll_result = poll_result;
	kernel.read_calls = kernel.polls = kernel.sleeps = 0;
	return os_log_read(device, text, sizeof(text), wait_ms);
}

static void test_log_read(void **state)
{
	struct os_error error;
	struct os_device *device = os_open(&error);

	(void)state;
	assert_int_equal(read_log(device, 7, 0, 0, 100), 7);
	assert_int_equal(kernel.polls, 0);
	assert_int_equal(read_log(device, 0, 0, 0, 100), -1);
	assert_int_equal(read_log(device, -ENODEV, 0, 0, 100), -1);
	assert_int_equal(read_log(device, -EAGAIN, 7, 1, 0), 0);
	assert_int_equal(kernel.polls, 0);
	assert_int_equal(read_log(device, -EAGAIN, 7, 1, 100), 7);
	assert_int_equal(kernel.polls, 1);
	assert_int_equal(kernel.sleeps, 0);
	assert_int_equal(read_log(device, -EAGAIN, -EAGAIN, 0, 100), 0);
	assert_int_equal(kernel.sleeps, 0);
	assert_int_equal(read_log(device, -EAGAIN, -ENODEV, 1, 100), -1);
	assert_int_equal(read_log(device, -EINTR, -EINTR, -1, 100), 0);
	/* A device without poll: no spinning. */
	assert_int_equal(read_log(device, -EAGAIN, -EAGAIN, 1, 100), 0);
	assert_int_equal(kernel.sleeps, 1);
	os_close(device);
}

static void test_load_paths(void **state)
{
	struct os_error error;
	struct os_device *device;

	(void)state;
	device = os_driver_load("/x/y.ko", &error);
	assert_non_null(device);
	os_close(device);
	assert_string_equal(kernel.opened, "/x/y.ko");

	device = os_driver_load(NULL, &error);
	assert_non_null(device);
	os_close(device);
	assert_memory_equal(kernel.opened, "/lib/modules/", 13);
	assert_non_null(strstr(kernel.opened, "/extra/hyperplatform.ko"));
	assert_int_equal(kernel.spawns, 0);

	/* There already: as good. */
	kernel.load = EEXIST;
	device = os_driver_load(NULL, &error);
	assert_non_null(device);
	os_close(device);
	assert_int_equal(kernel.deletes, 0);

	kernel.file_open = ENOENT;
	assert_null(os_driver_load("/x/y.ko", &error));
	expect(&error, OS_FAILED, "/x/y.ko: No such file", "path of hyperplatform.ko");
	kernel.file_open = EACCES;
	assert_null(os_driver_load(NULL, &error));
	expect(&error, OS_FAILED, "hyperplatform.ko: Permission denied", "");
	assert_int_equal(kernel.spawns, 0);
}

static void expect_load(int number, enum os_cause cause, const char *text, const char *remedy)
{
	struct os_error error;

	kernel.load = number;
	assert_null(os_driver_load("/m.ko", &error));
	expect(&error, cause, text, remedy);
}

static void test_load_errors(void **state)
{
	(void)state;
	expect_load(EKEYREJECTED, OS_DENIED, "with a signature that it trusts", "mokutil");
	expect_load(ENOKEY, OS_DENIED, "with a signature that it trusts", "Secure Boot off");
	expect_load(EBADMSG, OS_DENIED, "with a signature that it trusts", "mokutil");
	expect_load(ENOEXEC, OS_FAILED, "/m.ko is no module for this kernel, ", "build it");
	expect_load(ENOENT, OS_FAILED, "needs a symbol that this kernel", "dmesg");
	expect_load(ENOMEM, OS_FAILED, "no memory for /m.ko", "free some");
	expect_load(ENOSYS, OS_FAILED, "takes no modules", "CONFIG_MODULES");
	expect_load(EIO, OS_FAILED, "/m.ko: Input/output error", "dmesg");
	assert_int_equal(kernel.opens, 0);
	assert_int_equal(kernel.deletes, 0);
}

/* Who forbids it: the user's rights, the system's setting, the firmware's, or a container. */
static void test_load_not_permitted(void **state)
{
	(void)state;
	expect_load(EPERM, OS_DENIED, "does not let this process load modules", "CAP_SYS_MODULE");
	kernel.lockdown = "[none] integrity confidentiality\n";
	kernel.disabled = "0\n";
	expect_load(EPERM, OS_DENIED, "does not let this process load modules", "CAP_SYS_MODULE");
	kernel.lockdown = "none [integrity] confidentiality\n";
	expect_load(EPERM, OS_DENIED, "locked down (Secure Boot)", "mokutil");
	kernel.disabled = "1\n";
	expect_load(EPERM, OS_DENIED, "forbids to load modules until", "modules_disabled=0");
	kernel.uid = 1000;
	expect_load(EPERM, OS_DENIED, "only root may load a module", "run it as root");
}

static void expect_modprobe(const char *shell, enum os_cause cause, const char *text,
			    const char *remedy)
{
	struct os_error error;

	kernel.file_open = ENOENT;
	kernel.modprobe = shell;
	assert_null(os_driver_load(NULL, &error));
	expect(&error, cause, text, remedy);
}

static void test_modprobe(void **state)
{
	struct os_error error;
	struct os_device *device;

	(void)state;
	expect_modprobe(NULL, OS_ABSENT, "not installed for this kernel: no /lib/modules/",
			"--module PATH");
	assert_int_equal(kernel.spawns, 4);
	expect_modprobe("echo modprobe: FATAL: Module hyperplatform not found >&2; exit 1",
			OS_ABSENT, "modprobe finds none", "make linux");
	expect_modprobe("exit 1", OS_ABSENT, "modprobe finds none", "make linux");
	expect_modprobe("echo 'ERROR: could not insert: Operation not permitted'; exit 1",
			OS_DENIED, "does not let this process", "CAP_SYS_MODULE");
	expect_modprobe("echo 'ERROR: could not insert: Key was rejected by service'; exit 1",
			OS_DENIED, "signature", "mokutil");
	expect_modprobe("echo 'ERROR: could not insert: Required key not available'; exit 1",
			OS_DENIED, "signature", "mokutil");
	expect_modprobe("echo 'ERROR: could not insert: Exec format error'; exit 1", OS_FAILED,
			"is no module for this kernel", "build it");
	expect_modprobe("echo first; echo 'something else'; exit 1", OS_FAILED, "something else",
			"dmesg");
	kernel.modprobe = "exit 0";
	device = os_driver_load(NULL, &error);
	assert_non_null(device);
	os_close(device);
}

static void test_device_appears(void **state)
{
	struct os_error error;
	struct os_device *device;

	(void)state;
	kernel.device_appears_after = 5;
	device = os_driver_load(NULL, &error);
	assert_non_null(device);
	os_close(device);
	assert_int_equal(kernel.sleeps, 4);

	/* Never: the module must not stay. */
	kernel.device_open = ENOENT;
	assert_null(os_driver_load(NULL, &error));
	expect(&error, OS_FAILED, "does not appear", "devtmpfs");
	assert_string_equal(kernel.deleted, "hyperplatform");
	assert_int_equal(kernel.deletes, 1);

	kernel.device_open = EACCES;
	assert_null(os_driver_load(NULL, &error));
	expect(&error, OS_DENIED, "may not open", "root");
	assert_int_equal(kernel.deletes, 2);
}

static void expect_unload(int number, enum os_cause cause, const char *text, const char *remedy)
{
	struct os_error error;

	kernel.delete = number;
	assert_false(os_driver_unload(&error));
	expect(&error, cause, text, remedy);
}

static void test_unload(void **state)
{
	struct os_error error;

	(void)state;
	kernel.busy_for = 3; /* until a follower of the log has let go */
	assert_true(os_driver_unload(&error));
	assert_int_equal(kernel.deletes, 4);
	assert_int_equal(kernel.sleeps, 3);
	assert_string_equal(kernel.deleted, "hyperplatform");
	kernel.busy_for = 0;
	expect_unload(ENOENT, OS_ABSENT, "not loaded", "");
	expect_unload(EPERM, OS_DENIED, "does not let this process remove modules", "");
	expect_unload(EWOULDBLOCK, OS_BUSY, "in use", "fuser /dev/hyperplatform");
	assert_in_range(kernel.sleeps, 100, 1000);
	expect_unload(EBUSY, OS_BUSY, "in use", "fuser /dev/hyperplatform");
	expect_unload(EIO, OS_FAILED, "Input/output error", "dmesg");
}

static void expect_kvm(int number, enum os_cause cause, const char *text)
{
	struct os_error error;

	kernel.kvm = number;
	assert_false(os_kvm_unload(&error));
	expect(&error, cause, text, "");
}

static void test_kvm(void **state)
{
	struct os_error error;

	(void)state;
	assert_false(os_kvm_loaded());
	kernel.kvm_there = true;
	assert_true(os_kvm_loaded());
	assert_true(os_kvm_unload(&error));
	assert_string_equal(kernel.deleted, "kvm_intel");
	expect_kvm(EWOULDBLOCK, OS_BUSY, "guests still run");
	assert_int_equal(kernel.sleeps, 0); /* a guest does not end by itself */
	expect_kvm(EBUSY, OS_BUSY, "guests still run");
	expect_kvm(ENOENT, OS_FAILED, "built into this kernel");
	kernel.kvm_there = false;
	expect_kvm(ENOENT, OS_ABSENT, "not loaded");
	expect_kvm(EPERM, OS_DENIED, "remove modules");
	expect_kvm(EIO, OS_FAILED, "Input/output error");
}

static void expect_online(const char *list, unsigned count, const char *online)
{
	struct os_processors processors;
	unsigned i;

	kernel.online = list;
	os_processors(&processors);
	assert_int_equal(processors.count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(processors.online[i], online[i] == '1');
}

static void test_processors(void **state)
{
	(void)state;
	expect_online("0\n", 1, "1");
	expect_online("0-3\n", 4, "1111");
	expect_online("0,2-3,6\n", 7, "1011001");
	/* What can't be read or understood: those that we may run on, 0 and 5. */
	expect_online(NULL, 6, "100001");
	expect_online("\n", 6, "100001");
	expect_online("0-\n", 6, "100001");
	expect_online("0;1\n", 6, "100001");
	expect_online("nonsense\n", 6, "100001");
	/* More than we can count. */
	kernel.online = "0-5000\n";
	{
		struct os_processors processors;

		os_processors(&processors);
		assert_int_equal(processors.count, OS_PROCESSORS_MAX);
	}
}

static void count_call(void *argument)
{
	++*(unsigned *)argument;
	assert_int_equal(kernel.affinity[kernel.affinities - 1], 103); /* there, and only there */
}

static void test_run_on(void **state)
{
	struct os_error error;
	unsigned calls = 0;

	(void)state;
	assert_true(os_run_on(3, count_call, &calls, &error));
	assert_int_equal(calls, 1);
	assert_int_equal(kernel.affinities, 2);
	assert_int_equal(kernel.affinity[1], 200); /* back to 0 and 5 */
	kernel.setaffinity = EINVAL;
	assert_false(os_run_on(3, count_call, &calls, &error));
	expect(&error, OS_FAILED, "it is offline, or barred to this process", "");
	kernel.setaffinity = EPERM;
	assert_false(os_run_on(3, count_call, &calls, &error));
	expect(&error, OS_FAILED, "Operation not permitted", "");
	assert_int_equal(calls, 1);
}

/* The last, since an interruption stays. */
static void test_interrupt(void **state)
{
	struct os_error error;
	struct os_device *device;

	(void)state;
	signal(SIGINT, SIG_DFL); /* a shell's background jobs begin without it */
	signal(SIGHUP, SIG_IGN); /* as under nohup */
	os_interrupt_catch();
	assert_ptr_equal(signal(SIGHUP, SIG_IGN), SIG_IGN);
	assert_false(os_interrupted());
	raise(SIGINT);
	assert_true(os_interrupted());

	/* Waiting ends at once, and the module goes. */
	kernel.device_open = ENOENT;
	assert_null(os_driver_load(NULL, &error));
	expect(&error, OS_FAILED, "interrupted", "");
	assert_int_equal(kernel.sleeps, 0);
	assert_int_equal(kernel.deletes, 1);
	kernel.device_open = 0;
	device = os_open(&error);
	assert_int_equal(read_log(device, -EAGAIN, 7, 1, 100), 0);
	assert_int_equal(kernel.polls, 0);
	os_close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_open, setup),
		cmocka_unit_test_setup(test_request, setup),
		cmocka_unit_test_setup(test_log_read, setup),
		cmocka_unit_test_setup(test_load_paths, setup),
		cmocka_unit_test_setup(test_load_errors, setup),
		cmocka_unit_test_setup(test_load_not_permitted, setup),
		cmocka_unit_test_setup(test_modprobe, setup),
		cmocka_unit_test_setup(test_device_appears, setup),
		cmocka_unit_test_setup(test_unload, setup),
		cmocka_unit_test_setup(test_kvm, setup),
		cmocka_unit_test_setup(test_processors, setup),
		cmocka_unit_test_setup(test_run_on, setup),
		cmocka_unit_test_setup(test_interrupt, setup),
	};

	return cmocka_run_group_tests_name("hpctl: os_linux.c", tests, NULL, NULL);
}
