// SPDX-License-Identifier: MIT
/*
 * os.h on Linux: /dev/hyperplatform, the module hyperplatform.ko, sysfs for the processors, and
 * what errno means here, said so that a user knows what to do.
 *
 * A module is loaded by finit_module() from a plain file. Only when there is none, modprobe is
 * asked to find it, since it knows other places and compressed files.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/remedy.h"

#define MODULE	   "hyperplatform"
#define KVM_MODULE "kvm_intel"

/* How long a device may take to appear, and a reader of the log to let go of the module. */
#define PATIENCE_MS 3000u
#define STEP_MS	    10u

struct os_device {
	int fd;
};

static volatile sig_atomic_t interrupted;

static void pause_ms(unsigned ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL); /* a signal may make it shorter: that is wanted */
}

static void set_error(struct os_error *error, enum os_cause cause, const char *remedy,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

static void set_error(struct os_error *error, enum os_cause cause, const char *remedy,
		      const char *format, ...)
{
	va_list arguments;

	error->cause = cause;
	snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
}

/* The first line of a small file of the kernel's. False: it can't be read. */
static bool read_line(const char *path, char *text, size_t bytes)
{
	FILE *file = fopen(path, "re");
	bool read;

	if (!file)
		return false;
	read = fgets(text, (int)bytes, file) != NULL;
	fclose(file);
	if (read)
		text[strcspn(text, "\n")] = '\0';
	return read;
}

static const char *kernel_release(void)
{
	static struct utsname name;

	uname(&name);
	return name.release;
}

void os_start(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int fd;

	/*
	 * Were a standard stream closed, the device would get its number and our text. Opened for
	 * reading only, so that writing still fails.
	 */
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);

	/* A reader that has gone is a write error, not a sudden end with the module left behind. */
	sigaction(SIGPIPE, &ignore, NULL);
}

/* Device. */

struct os_device *os_open(struct os_error *error)
{
	struct os_device *device;
	int fd = open(HP_DEVICE_LINUX, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		switch (errno) {
		case ENOENT:
		case ENXIO:
		case ENODEV:
			set_error(error, OS_ABSENT, "hpctl load",
				  "there is no " HP_DEVICE_LINUX ": the module is not loaded");
			break;
		case EACCES:
		case EPERM:
			set_error(error, OS_DENIED, "run it as root",
				  "this user may not open " HP_DEVICE_LINUX);
			break;
		case EBUSY:
			set_error(error, OS_BUSY, "try again when it is done",
				  HP_DEVICE_LINUX " is in use");
			break;
		default:
			set_error(error, OS_FAILED, "", HP_DEVICE_LINUX ": %s", strerror(errno));
			break;
		}
		return NULL;
	}

	device = malloc(sizeof(*device));
	if (!device) {
		set_error(error, OS_FAILED, "free some memory, then try again", "out of memory");
		close(fd);
		return NULL;
	}
	device->fd = fd;
	return device;
}

void os_close(struct os_device *device)
{
	close(device->fd);
	free(device);
}

enum hp_error os_request(struct os_device *device, uint32_t code, void *buffer, uint32_t in_bytes,
			 uint32_t out_bytes)
{
	struct hp_request request = {
		.abi = HP_ABI_VERSION,
		.code = code,
		.buffer = (uintptr_t)buffer,
		.in_bytes = in_bytes,
		.out_bytes = out_bytes,
	};
	int result;

	do
		result = ioctl(device->fd, HP_IOCTL, &request);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return (enum hp_error)request.result;

	switch (errno) {
	case EPERM:
	case EACCES:
		return HP_ERROR_NOT_PRIVILEGED;
	case ENOTTY:
	case EINVAL:
		return HP_ERROR_REQUEST;
	case ENODEV:
	case ENXIO:
		return HP_ERROR_NOT_RUNNING;
	case ENOMEM:
		return HP_ERROR_NO_MEMORY;
	case EBUSY:
		return HP_ERROR_BUSY;
	default:
		return HP_ERROR_INTERNAL;
	}
}

/* As os_log_read() without waiting. */
static int read_now(struct os_device *device, char *text, size_t bytes)
{
	ssize_t got = read(device->fd, text, bytes);

	if (got > 0)
		return (int)got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

int os_log_read(struct os_device *device, char *text, size_t bytes, unsigned wait_ms)
{
	struct pollfd readable = { .fd = device->fd, .events = POLLIN };
	int got = read_now(device, text, bytes), ready;

	if (got != 0 || !wait_ms || interrupted)
		return got;
	ready = poll(&readable, 1, (int)wait_ms);
	got = read_now(device, text, bytes);
	if (got == 0 && ready > 0)
		pause_ms(wait_ms); /* a device without poll is always ready: don't spin */
	return got;
}

/* Modules. */

static bool lockdown(void)
{
	char text[80];

	return read_line("/sys/kernel/security/lockdown", text, sizeof(text)) &&
	       !strstr(text, "[none]");
}

static bool modules_disabled(void)
{
	char text[8];

	return read_line("/proc/sys/kernel/modules_disabled", text, sizeof(text)) && text[0] == '1';
}

/* EPERM of finit_module() and delete_module(): who forbids it? */
static void set_not_permitted(struct os_error *error, const char *action)
{
	if (geteuid() != 0)
		set_error(error, OS_DENIED, "run it as root", "only root may %s a module", action);
	else if (modules_disabled())
		set_error(error, OS_DENIED, "set kernel.modules_disabled=0 at the next boot",
			  "this system forbids to %s modules until it is booted again "
			  "(kernel.modules_disabled)",
			  action);
	else if (lockdown())
		set_error(error, OS_DENIED,
			  "sign the module with a key that the machine trusts (mokutil --import), "
			  "or turn Secure Boot off in the firmware setup",
			  "the kernel is locked down (Secure Boot): it takes no unsigned module");
	else
		set_error(error, OS_DENIED, "run it on the machine itself, with CAP_SYS_MODULE",
			  "the kernel does not let this process %s modules, though it is root's "
			  "(a container?)",
			  action);
}

static void set_load_error(struct os_error *error, const char *path, int number)
{
	switch (number) {
	case EPERM:
		set_not_permitted(error, "load");
		break;
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		set_error(error, OS_DENIED,
			  "sign it with a key that the machine trusts (mokutil --import), or turn "
			  "Secure Boot off in the firmware setup",
			  "%s: the kernel takes modules only with a signature that it trusts",
			  path);
		break;
	case ENOEXEC:
		set_error(error, OS_FAILED,
			  "build it for this kernel (make linux); dmesg has the kernel's word",
			  "%s is no module for this kernel, %s", path, kernel_release());
		break;
	case ENOENT:
		set_error(error, OS_FAILED, "build it for this kernel; dmesg names the symbol",
			  "%s needs a symbol that this kernel, %s, has not", path,
			  kernel_release());
		break;
	case ENOMEM:
		set_error(error, OS_FAILED, "free some memory, then try again",
			  "the kernel has no memory for %s", path);
		break;
	case ENOSYS:
		set_error(error, OS_FAILED, "use a kernel with CONFIG_MODULES",
			  "this kernel takes no modules");
		break;
	default:
		set_error(error, OS_FAILED, "dmesg has the kernel's word", "%s: %s", path,
			  strerror(number));
		break;
	}
}

/* Loads the module from an open file. One that is there already is as good. */
static bool load_file(int fd, const char *path, struct os_error *error)
{
	if (syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST)
		return true;
	set_load_error(error, path, errno);
	return false;
}

/* Runs modprobe for our module; `words` gets the last line that it says, "" if none. */
static int run_modprobe(char *words, size_t bytes)
{
	static char *arguments[] = { "modprobe", MODULE, NULL };
	static char *environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	static const char *const places[] = { "/usr/sbin/modprobe", "/sbin/modprobe",
					      "/usr/bin/modprobe", "/bin/modprobe" };
	posix_spawn_file_actions_t actions;
	int ends[2], status = 0, problem = ENOENT;
	FILE *said;
	pid_t child = -1;
	unsigned i;

	words[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	said = fdopen(ends[0], "r");
	if (!said || posix_spawn_file_actions_init(&actions) != 0) {
		if (said)
			fclose(said);
		else
			close(ends[0]);
		close(ends[1]);
		return -1;
	}
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	for (i = 0; i < sizeof(places) / sizeof(places[0]) && problem != 0; i++)
		problem = posix_spawn(&child, places[i], &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);

	while (problem == 0 && fgets(words, (int)bytes, said))
		words[strcspn(words, "\n")] = '\0';
	fclose(said);
	if (problem != 0)
		return -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static bool load_by_modprobe(const char *missing, struct os_error *error)
{
	char words[256];

	if (run_modprobe(words, sizeof(words)) == 0)
		return true;
	if (strstr(words, "Operation not permitted"))
		set_not_permitted(error, "load");
	else if (strstr(words, "Key was rejected") || strstr(words, "Required key not available"))
		set_load_error(error, MODULE, EKEYREJECTED);
	else if (strstr(words, "Exec format error"))
		set_load_error(error, MODULE, ENOEXEC);
	else if (words[0] && !strstr(words, "not found"))
		set_error(error, OS_FAILED, "dmesg has the kernel's word", "%s", words);
	else
		set_error(
			error, OS_ABSENT,
			"build it (make linux) and copy it there, or name its file: --module PATH",
			"the module is not installed for this kernel: no %s, and modprobe finds "
			"none",
			missing);
	return false;
}

static bool load_module(const char *path, struct os_error *error)
{
	char installed[sizeof(struct utsname) + 64];
	const char *file = path ? path : installed;
	bool loaded;
	int fd;

	if (geteuid() != 0) {
		set_not_permitted(error, "load");
		return false;
	}
	snprintf(installed, sizeof(installed), "/lib/modules/%s/extra/" MODULE ".ko",
		 kernel_release());
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !path && errno == ENOENT)
		return load_by_modprobe(installed, error);
	if (fd < 0) {
		set_error(error, OS_FAILED, path ? "give the path of hyperplatform.ko" : "",
			  "%s: %s", file, strerror(errno));
		return false;
	}
	loaded = load_file(fd, file, error);
	close(fd);
	return loaded;
}

struct os_device *os_driver_load(const char *path, struct os_error *error)
{
	struct os_device *device;
	struct os_error ignored;
	unsigned waited;

	if (!load_module(path, error))
		return NULL;

	/* devtmpfs makes the node at once; without it udev or mdev takes its time. */
	for (waited = 0;; waited += STEP_MS) {
		device = os_open(error);
		if (device || error->cause != OS_ABSENT)
			break;
		if (waited >= PATIENCE_MS || interrupted) {
			set_error(error, OS_FAILED,
				  interrupted ? "" : "mount devtmpfs on /dev, or start udev",
				  interrupted ? "interrupted"
					      : "the module is loaded, but " HP_DEVICE_LINUX
						" does not appear");
			break;
		}
		pause_ms(STEP_MS);
	}
	if (!device)
		os_driver_unload(&ignored);
	return device;
}

/* 0 or errno. What is in use gets `patience_ms` to be let go. */
static int delete_module(const char *name, unsigned patience_ms)
{
	unsigned waited;

	for (waited = 0;; waited += STEP_MS) {
		if (syscall(SYS_delete_module, name, O_NONBLOCK) == 0)
			return 0;
		if (errno != EWOULDBLOCK || waited >= patience_ms)
			return errno;
		pause_ms(STEP_MS);
	}
}

bool os_driver_unload(struct os_error *error)
{
	int number = delete_module(MODULE, PATIENCE_MS);

	switch (number) {
	case 0:
		return true;
	case ENOENT:
		set_error(error, OS_ABSENT, "", "the module is not loaded");
		break;
	case EPERM:
		set_not_permitted(error, "remove");
		break;
	case EWOULDBLOCK:
	case EBUSY:
		set_error(error, OS_BUSY,
			  "end the programs that have " HP_DEVICE_LINUX
			  " open (fuser " HP_DEVICE_LINUX " names them), then hpctl unload",
			  "the module is in use");
		break;
	default:
		set_error(error, OS_FAILED, "dmesg has the kernel's word",
			  "the kernel does not remove the module: %s", strerror(number));
		break;
	}
	return false;
}

bool os_kvm_loaded(void)
{
	return access("/sys/module/" KVM_MODULE, F_OK) == 0;
}

bool os_kvm_unload(struct os_error *error)
{
	int number = delete_module(KVM_MODULE, 0);

	switch (number) {
	case 0:
		return true;
	case ENOENT:
		if (os_kvm_loaded())
			set_error(error, OS_FAILED, "use a kernel that has it as a module",
				  KVM_MODULE " is built into this kernel");
		else
			set_error(error, OS_ABSENT, "", KVM_MODULE " is not loaded");
		break;
	case EPERM:
		set_not_permitted(error, "remove");
		break;
	case EWOULDBLOCK:
	case EBUSY:
		set_error(error, OS_BUSY,
			  "end them (virsh list and pgrep -a qemu show them), "
			  "then try again",
			  KVM_MODULE " is in use: guests still run");
		break;
	default:
		set_error(error, OS_FAILED, "dmesg has the kernel's word",
			  "the kernel does not remove " KVM_MODULE ": %s", strerror(number));
		break;
	}
	return false;
}

const char *os_remedy(enum hp_error error)
{
	return remedy_on_linux(error);
}

/* Processors. */

/* The kernel's list, such as "0-3,6". False: it is none. */
static bool parse_processors(const char *text, struct os_processors *processors)
{
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return false;
		if (*end == '-') {
			text = end + 1;
			last = strtoul(text, &end, 10);
			if (end == text)
				return false;
		}
		if (*end && *end != ',')
			return false;
		text = *end ? end + 1 : end;
		for (; first <= last && first < OS_PROCESSORS_MAX; first++) {
			processors->online[first] = true;
			processors->count = (unsigned)first + 1;
		}
	}
	return processors->count > 0;
}

void os_processors(struct os_processors *processors)
{
	char text[4096];
	cpu_set_t ours;
	unsigned i;

	memset(processors, 0, sizeof(*processors));
	if (read_line("/sys/devices/system/cpu/online", text, sizeof(text)) &&
	    parse_processors(text, processors))
		return;

	/* No sysfs: those that we may run on. */
	memset(processors, 0, sizeof(*processors));
	CPU_ZERO(&ours);
	if (sched_getaffinity(0, sizeof(ours), &ours) < 0)
		CPU_SET(0, &ours);
	for (i = 0; i < CPU_SETSIZE && i < OS_PROCESSORS_MAX; i++) {
		processors->online[i] = CPU_ISSET(i, &ours);
		if (processors->online[i])
			processors->count = i + 1;
	}
}

bool os_run_on(unsigned processor, void (*call)(void *argument), void *argument,
	       struct os_error *error)
{
	cpu_set_t before, there;

	CPU_ZERO(&before);
	CPU_ZERO(&there);
	CPU_SET(processor, &there);
	if (sched_getaffinity(0, sizeof(before), &before) < 0 ||
	    sched_setaffinity(0, sizeof(there), &there) < 0) {
		set_error(error, OS_FAILED, "", "%s",
			  errno == EINVAL ? "it is offline, or barred to this process"
					  : strerror(errno));
		return false;
	}
	call(argument);
	sched_setaffinity(0, sizeof(before), &before);
	return true;
}

/* Interruption. */

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void os_interrupt_catch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: waits end */
	struct sigaction before;
	unsigned i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* What the caller ignores (nohup, &) stays ignored. */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

bool os_interrupted(void)
{
	return interrupted;
}
