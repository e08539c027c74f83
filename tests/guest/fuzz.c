// SPDX-License-Identifier: MIT
/*
 * Bad requests to /dev/hyperplatform: `fuzz SECONDS [SEED]` has several processes ask everything
 * with wrong lengths, pointers, values, codes, versions and numbers, by 64-bit and 32-bit system
 * calls, and use the device in ways it does not know, in any order, while one process loads and
 * unloads by valid requests.
 *
 * Each answer is checked: it is the one that abi.h has for what was asked; nothing outside of the
 * output was written. Prints how often each request came to each result, and what was wrong. Exit
 * status: 1 if something was, or a process never ended.
 *
 * World: a user program in the guest, as root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hyperplatform/abi.h>

#define PROCESSES    4 /* the first only asks valid things */
#define AREA	     0x6000u
#define BYTES_MAX    8192u /* of a request, either way: the device's limit */
#define PATIENCE     120   /* seconds for the processes to end */
#define IOCTL_COMPAT 54
#define WRONG_MAX    8

static const struct row {
	const char *name;
	uint32_t code, in, out;
} rows[] = {
#define ROW(name, number, in, out) { #name, number, in, out },
	HP_REQUESTS(ROW)
#undef ROW
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Results: enum hp_error, then these. */
static const char *const results[] = {
#define RESULT(name, number, cause, remedy) [number] = #name,
	HP_ERRORS(RESULT)
#undef RESULT
};
#define ERRORS (sizeof(results) / sizeof(results[0]))
enum { FAULT = ERRORS, NO_SUCH_CALL, OTHER, OUTCOMES };

static struct shared {
	volatile int stop;
	uint64_t count[ROWS + 1][OUTCOMES]; /* the last row: no request of ours */
	uint64_t calls;			    /* of the device, other than ioctl */
	unsigned wrong;
	char text[WRONG_MAX][160];
	uint8_t racing[BYTES_MAX];
} * shared;

static uint64_t seed;
static int device = -1;
static uint8_t *area, *constant, *envelope, *nowhere;
static uint8_t before[AREA];

static uint64_t number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned below(unsigned limit)
{
	return (unsigned)(number() >> 20) % limit;
}

static void wrong(const char *what, const struct hp_request *request, long got)
{
	unsigned at = __atomic_fetch_add(&shared->wrong, 1, __ATOMIC_RELAXED);

	if (at < WRONG_MAX)
		snprintf(shared->text[at], sizeof(shared->text[at]),
			 "%s: abi %u code %u buffer %#llx in %u out %u result %u: %ld", what,
			 request->abi, request->code, (unsigned long long)request->buffer,
			 request->in_bytes, request->out_bytes, request->result, got);
}

static void reopen(void)
{
	if (device >= 0)
		close(device);
	device = open(HP_DEVICE_LINUX, (below(2) ? O_RDWR : O_RDONLY) | O_NONBLOCK);
}

/* An address, and how many bytes behind it can be read and written. */
struct place {
	uint64_t address;
	uint32_t readable, writable;
	uint8_t *base; /* NULL: nothing of ours lies there */
};

static struct place place(uint8_t *base, uint32_t wanted)
{
	static const uint64_t strange[] = {
		0,
		8,
		0xffff888000000000,
		0xffffffff81000000,
		0x8000000000000000,
		0x00007ffffffff000,
		~0ull,
		0xffffffff,
	};
	struct place place = { 0, 0, 0, NULL };
	uint32_t offset = below(64);

	switch (below(12)) {
	case 0:
		place.address = strange[below(sizeof(strange) / sizeof(strange[0]))];
		return place;
	case 1:
		place.address = (uintptr_t)nowhere + offset;
		return place;
	case 2:
		place.address = (uintptr_t)constant + offset;
		place.readable = AREA - offset;
		return place;
	case 3:
		place.readable = place.writable = below(wanted + 16);
		place.base = base;
		place.address = (uintptr_t)base + AREA - place.readable;
		return place;
	default:
		place.base = base;
		place.address = (uintptr_t)base + offset;
		place.readable = place.writable = AREA - offset;
		return place;
	}
}

/* The system call of 32-bit programs: what it is given lies below 4 GiB. */
static long ioctl_compat(int fd, uint32_t command, uint32_t argument)
{
	long result = IOCTL_COMPAT;

	asm volatile("int $0x80"
		     : "+a"(result)
		     : "b"((long)fd), "c"((long)command), "d"((long)argument)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static long call(uint32_t command, uint64_t argument)
{
	if (argument < 1ull << 32 && below(3) == 0)
		return ioctl_compat(device, command, (uint32_t)argument);
	return ioctl(device, command, argument) < 0 ? -errno : 0;
}

static const struct row *row_of(uint32_t code)
{
	unsigned i;

	for (i = 0; i < ROWS; i++) {
		if (rows[i].code == code)
			return &rows[i];
	}
	return NULL;
}

static void tally(const struct row *row, unsigned outcome)
{
	__atomic_fetch_add(&shared->count[row ? row - rows : (long)ROWS][outcome], 1,
			   __ATOMIC_RELAXED);
}

static uint32_t odd_bytes(uint32_t right)
{
	const uint32_t choice[] = { 0,
				    right - 1,
				    right + 1,
				    right * 2,
				    BYTES_MAX,
				    4096,
				    BYTES_MAX + 1,
				    0xffffffff,
				    1,
				    0x80000000,
				    4,
				    8,
				    (uint32_t)number() };

	return below(2) ? right : choice[below(sizeof(choice) / sizeof(choice[0]))];
}

static void compose(struct hp_request *request)
{
	const struct row *row = &rows[below(ROWS)];

	memset(request, 0, sizeof(*request));
	request->abi = below(16) ? HP_ABI_VERSION : (uint32_t)number();
	request->code = below(16) ? row->code : (uint32_t)number() >> below(32);
	request->in_bytes = below(3) ? row->in : odd_bytes(row->in);
	request->out_bytes = below(3) ? row->out : odd_bytes(row->out);
	request->result = (uint32_t)number();
	request->reserved = (uint32_t)number();
}

/* Processors that are there and that are not, masks of groups, depths. */
static void compose_input(uint8_t *to, uint32_t bytes)
{
	uint32_t word, i;

	for (i = 0; i + sizeof(word) <= bytes && i < 64; i += sizeof(word)) {
		word = below(3) ? below(4) : (uint32_t)number() >> below(32);
		if (!below(4))
			word = HP_HISTORY_DEFAULT;
		memcpy(to + i, &word, sizeof(word));
	}
}

/* May the answer to `request` be `outcome`, if its buffer is at `buffer`? */
static bool expected(const struct hp_request *request, const struct place *buffer, unsigned outcome)
{
	const struct row *row = row_of(request->code);

	if (request->abi != HP_ABI_VERSION || request->in_bytes > BYTES_MAX ||
	    request->out_bytes > BYTES_MAX)
		return outcome == HP_ERROR_REQUEST;
	if (outcome == HP_ERROR_NO_MEMORY)
		return true;
	if (request->in_bytes > buffer->readable)
		return outcome == FAULT;
	if (!row || row->in != request->in_bytes || row->out != request->out_bytes)
		return outcome == HP_ERROR_REQUEST;
	if (request->out_bytes > buffer->writable)
		return outcome == FAULT || outcome == HP_ERROR_REQUEST;
	return outcome < ERRORS && results[outcome];
}

static void request_once(void)
{
	struct hp_request request, after;
	struct place buffer, envelope_place;
	uint32_t written, offset;
	unsigned outcome;
	long got;

	compose(&request);
	buffer = place(area, request.in_bytes > request.out_bytes ? request.in_bytes & 0x3fff
								  : request.out_bytes & 0x3fff);
	envelope_place = place(envelope, sizeof(request));
	request.buffer = buffer.address;
	memset(area, below(256), AREA);
	if (buffer.base)
		compose_input(area + (buffer.address - (uintptr_t)area), buffer.readable);
	memcpy(before, area, AREA);
	if (envelope_place.readable >= sizeof(request) && envelope_place.base)
		memcpy((void *)(uintptr_t)envelope_place.address, &request, sizeof(request));

	got = call(HP_IOCTL, envelope_place.address);
	if (!envelope_place.base || envelope_place.writable < sizeof(request)) {
		/* In the read-only page there is nothing but zeros: no version of ours. */
		if (got != -EFAULT)
			wrong("a bad envelope", &request, got);
		tally(NULL, FAULT);
		return;
	}
	memcpy(&after, (void *)(uintptr_t)envelope_place.address, sizeof(after));
	outcome = got == -EFAULT ? FAULT : got == 0 ? after.result : OTHER;
	if (outcome != FAULT && (outcome >= ERRORS || !results[outcome]))
		outcome = OTHER;
	tally(row_of(request.code), outcome);
	request.result = after.result;
	if (!expected(&request, &buffer, outcome))
		wrong("an answer", &request, got);
	if (memcmp(&request, &after, sizeof(request)))
		wrong("the envelope was changed", &after, got);

	written = outcome == HP_ERROR_REQUEST || !buffer.base ? 0 : request.out_bytes;
	if (written > buffer.writable)
		written = buffer.writable;
	offset = buffer.base ? (uint32_t)(buffer.address - (uintptr_t)area) : 0;
	memset(before + offset, 0, written);
	memset(area + offset, 0, written);
	if (memcmp(before, area, AREA))
		wrong("written where it should not", &request, got);
}

/* Two processes change what is asked while it is asked: any answer of ours will do. */
static void request_racing(void)
{
	struct hp_request request;
	unsigned at = below(64);
	long got;

	compose(&request);
	request.buffer = (uintptr_t)shared->racing + (below(2) ? 0 : below(BYTES_MAX));
	memcpy(shared->racing + at, &request, sizeof(request));
	compose_input(shared->racing + below(BYTES_MAX - 64), 64);
	got = call(HP_IOCTL, (uintptr_t)shared->racing + at);
	if (got != 0 && got != -EFAULT)
		wrong("a racing answer", &request, got);
	tally(NULL, got ? FAULT : HP_ERROR_OK);
}

static void other_number(void)
{
	struct hp_request request = { 0 };
	uint32_t command = (uint32_t)number();
	long got;

	/* Of our type, but not ours: other types are the kernel's own for any file. */
	command = (command & ~0xff00u) | 'H' << 8;
	if (below(2))
		command = HP_IOCTL ^ 1u << below(8);
	if (command == HP_IOCTL)
		return;
	got = call(command, (uintptr_t)envelope);
	if (got != -ENOTTY)
		wrong("another ioctl", &request, got);
	tally(NULL, NO_SUCH_CALL);
}

static void check_call(const char *what, long got, bool fine)
{
	struct hp_request none = { 0 };

	__atomic_fetch_add(&shared->calls, 1, __ATOMIC_RELAXED);
	if (!fine)
		wrong(what, &none, got < 0 ? -errno : got);
}

static void read_once(void)
{
	uint32_t bytes = below(2) ? below(AREA) : 512, i;
	struct place to = place(area, bytes);
	long got;

	memset(area, 0xee, AREA);
	got = read(device, (void *)(uintptr_t)to.address, bytes);
	check_call("read", got,
		   got < 0 ? errno == EAGAIN || errno == EINTR || errno == EINVAL ||
				     (errno == EFAULT && to.writable < bytes)
			   : (uint32_t)got <= bytes && (uint32_t)got <= to.writable);
	for (i = 0; to.base && i < AREA; i++) {
		uint64_t at = (uintptr_t)area + i - to.address;

		if (area[i] != 0xee && at >= (got > 0 ? (uint64_t)got : to.writable)) {
			check_call("read wrote elsewhere", got, false);
			break;
		}
	}
}

static void other_calls(void)
{
	struct pollfd polled = { .fd = device, .events = POLLIN | POLLOUT };
	long got;
	int copy;

	switch (below(7)) {
	case 0:
		got = poll(&polled, 1, 0);
		check_call("poll", got, got >= 0 || errno == EINTR);
		break;
	case 1:
		got = write(device, area, below(AREA));
		check_call("write", got, got < 0 && (errno == EINVAL || errno == EBADF));
		break;
	case 2:
		got = lseek(device, (off_t)number(), (int)below(4));
		check_call("lseek", got, got < 0);
		break;
	case 3:
		got = (long)mmap(NULL, 4096u << below(4), PROT_READ, MAP_SHARED, device, 0);
		check_call("mmap", got, got == -1);
		break;
	case 4:
		got = pread(device, area, 4096, (off_t)below(4096));
		check_call("pread", got, got < 0);
		break;
	case 5:
		copy = dup(device);
		check_call("dup", copy, copy >= 0);
		close(device);
		device = copy;
		break;
	default:
		reopen();
		break;
	}
}

/* A child has the same open file, and ends, or is ended, in the middle of something. */
static void fork_once(void (*act)(void))
{
	pid_t child = fork();
	unsigned i;

	if (!child) {
		signal(SIGALRM, SIG_IGN);
		for (i = 0; i < 50; i++)
			act();
		_exit(0);
	}
	if (child < 0)
		return;
	if (below(2)) {
		usleep(below(20000));
		kill(child, SIGKILL);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void fuzz_once(void)
{
	switch (below(32)) {
	case 0:
	case 1:
		other_number();
		break;
	case 2:
	case 3:
	case 4:
		read_once();
		break;
	case 5:
	case 6:
		other_calls();
		break;
	case 7:
	case 8:
		request_racing();
		break;
	default:
		request_once();
		break;
	}
}

/* Loads, asks a little, unloads: what the others do must not make that fail in an odd way. */
static void load_once(void)
{
	static const uint32_t order[] = { HP_REQUEST_START, HP_REQUEST_STATUS, HP_REQUEST_PING,
					  HP_REQUEST_EXITS, HP_REQUEST_STAT,   HP_REQUEST_STOP };
	struct hp_request request = { .abi = HP_ABI_VERSION, .buffer = (uintptr_t)area };
	const struct row *row;
	uint32_t input[2];
	unsigned i;
	long got;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		row = row_of(order[i]);
		input[0] = row->code == HP_REQUEST_START ? (uint32_t)number() & HP_EXITS_ALL : 0;
		input[1] = row->code == HP_REQUEST_START ? HP_HISTORY_DEFAULT : 0;
		memcpy(area, input, sizeof(input));
		request.code = row->code;
		request.in_bytes = row->in;
		request.out_bytes = row->out;
		got = call(HP_IOCTL, (uintptr_t)&request);
		if (got != 0 || request.result >= ERRORS || request.result == HP_ERROR_REQUEST ||
		    request.result == HP_ERROR_INTERNAL)
			wrong("a valid request", &request, got);
		tally(row, got ? OTHER : request.result);
		usleep(below(50000));
	}
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void *map(int protection, void *wanted)
{
	void *at = mmap(wanted, AREA + 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			-1, 0);

	/* What follows an area is a hole. */
	if (at == MAP_FAILED || mprotect((uint8_t *)at + AREA, 4096, PROT_NONE))
		exit(2);
	return at;
}

static void work(unsigned which)
{
	struct itimerval often = { { 0, 7000 }, { 0, 7000 } };
	struct sigaction action = { .sa_handler = on_alarm };

	seed = seed * 0x9e3779b97f4a7c15ull + which + 1;
	reopen();
	if (which == 1) {
		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &often, NULL);
	}
	while (!shared->stop) {
		if (device < 0)
			reopen();
		else if (!which)
			load_once();
		else if (below(200))
			fuzz_once();
		else
			fork_once(below(2) ? fuzz_once : load_once);
	}
	_exit(0);
}

static void print_results(void)
{
	unsigned i, j;

	for (i = 0; i <= ROWS; i++) {
		printf("fuzz: %-8s", i < ROWS ? rows[i].name : "other");
		for (j = 0; j < OUTCOMES; j++) {
			if (shared->count[i][j])
				printf(" %s %llu",
				       j < ERRORS	   ? results[j]
				       : j == FAULT	   ? "EFAULT"
				       : j == NO_SUCH_CALL ? "ENOTTY"
							   : "odd",
				       (unsigned long long)shared->count[i][j]);
		}
		printf("\n");
	}
	printf("fuzz: %llu other calls, %u wrong\n", (unsigned long long)shared->calls,
	       shared->wrong);
	for (i = 0; i < WRONG_MAX && i < shared->wrong; i++)
		printf("fuzz: wrong: %s\n", shared->text[i]);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 10, i, waited, ended = 0;
	pid_t workers[PROCESSES];

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	area = map(PROT_READ | PROT_WRITE, NULL);
	envelope = map(PROT_READ | PROT_WRITE, NULL);
	constant = map(PROT_READ, NULL);
	nowhere = map(PROT_NONE, NULL);
	for (i = 0; i < PROCESSES; i++) {
		workers[i] = fork();
		if (!workers[i])
			work(i);
	}
	sleep(seconds);
	shared->stop = 1;
	for (waited = 0; ended < PROCESSES && waited < PATIENCE * 10; waited++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			ended++;
		usleep(100000);
	}
	print_results();
	if (ended < PROCESSES) {
		printf("fuzz: wrong: %u processes do not end\n", PROCESSES - ended);
		for (i = 0; i < PROCESSES; i++)
			kill(workers[i], SIGKILL);
		return 1;
	}
	return shared->wrong ? 1 : 0;
}
