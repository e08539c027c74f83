/*
 * relay: runs the lab's command inside the guest and carries its output to a serial port.
 *
 *	relay [-t] COMMAND-FILE PORT
 *
 * COMMAND-FILE holds the command's arguments, each ended by a NUL byte: no shell stands between the
 * caller of lab/run and the program, so each argument arrives as it was. The exit status is the
 * command's (128 + N when signal N ended it, 126 or 127 when it couldn't be started).
 *
 * The command writes into a pipe, not to the port: a program that finds a terminal would print
 * columns and colours. With -t it gets the port as its controlling terminal instead, for a person.
 *
 * When the command has ended, what is in the pipe is still sent, but a background process that
 * holds the pipe open does not keep the guest waiting.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
	CANNOT_RUN = 126,
	NOT_FOUND = 127,
	KILLED_BY = 128,
};

/* Written by the SIGCHLD handler, so that poll() wakes when the command ends. */
static int child_ended[2];

static void on_child(int signal)
{
	int saved = errno;
	ssize_t written = write(child_ended[1], "", 1);

	(void)signal;
	(void)written;
	errno = saved;
}

static void fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(CANNOT_RUN);
}

/* Reads the file of NUL-ended arguments. The strings are never freed: the process lives for them. */
static char **read_command(const char *path)
{
	FILE *file = fopen(path, "r");
	char **argv = NULL;
	char *argument = NULL;
	size_t size = 0, count = 0;

	if (!file)
		fail(path);
	while (getdelim(&argument, &size, '\0', file) >= 0) {
		argv = realloc(argv, (count + 2) * sizeof(*argv));
		if (!argv)
			fail(path);
		argv[count++] = argument;
		argv[count] = NULL;
		argument = NULL;
		size = 0;
	}
	fclose(file);
	if (!count) {
		errno = ENOEXEC;
		fail(path);
	}
	return argv;
}

/* Opens the port at full speed. Raw for a stream of bytes, with the usual line editing for a person. */
static int open_port(const char *path, int terminal)
{
	struct termios line;
	int port = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (port < 0 || tcgetattr(port, &line))
		fail(path);
	if (!terminal)
		cfmakeraw(&line);
	cfsetspeed(&line, B115200);
	line.c_cflag |= CLOCAL | CREAD;
	/* TCSAFLUSH drops what was typed while the system booted. */
	if (tcsetattr(port, TCSAFLUSH, &line))
		fail(path);
	return port;
}

static void write_all(int to, const char *bytes, size_t count)
{
	while (count) {
		ssize_t written = write(to, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			fail("the port");
		bytes += written;
		count -= (size_t)written;
	}
}

/* Sends what can be read without waiting. Returns 0 once every writer has closed the pipe. */
static int forward(int from, int to)
{
	char bytes[4096];
	ssize_t count;

	while ((count = read(from, bytes, sizeof(bytes))) != 0) {
		if (count > 0)
			write_all(to, bytes, (size_t)count);
		else if (errno != EINTR)
			return 1;
	}
	return 0;
}

static void start(char **argv, int input, int output)
{
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? NOT_FOUND : CANNOT_RUN);
}

/*
 * The session is ours, not the command's: when a session's leader ends, the kernel hangs the terminal
 * up and drops what has not been sent. The command leads the group in the foreground, for Ctrl-C.
 */
static pid_t start_on_terminal(char **argv, int port)
{
	pid_t pid;

	setsid();
	if (ioctl(port, TIOCSCTTY, 1))
		fail("the terminal");
	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		tcsetpgrp(port, getpid());
		signal(SIGTTOU, SIG_DFL);
		start(argv, port, port);
	}
	return pid;
}

static pid_t start_on_pipe(char **argv, int *from)
{
	int ends[2], nothing;
	pid_t pid;

	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0 || pipe2(ends, O_CLOEXEC))
		fail("a pipe");
	pid = fork();
	if (pid == 0) {
		setsid();
		start(argv, nothing, ends[1]);
	}
	close(nothing);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*from = ends[0];
	return pid;
}

int main(int argc, char **argv)
{
	int terminal = argc > 1 && !strcmp(argv[1], "-t");
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	int from = -1, port, status;
	char **command;
	pid_t pid;

	if (argc != 3 + terminal) {
		fputs("usage: relay [-t] COMMAND-FILE PORT\n", stderr);
		return CANNOT_RUN;
	}
	command = read_command(argv[1 + terminal]);
	port = open_port(argv[2 + terminal], terminal);
	if (pipe2(child_ended, O_CLOEXEC | O_NONBLOCK))
		fail("a pipe");
	sigaction(SIGCHLD, &action, NULL);

	pid = terminal ? start_on_terminal(command, port) : start_on_pipe(command, &from);
	if (pid < 0)
		fail("fork");
	while (waitpid(pid, &status, WNOHANG) != pid) {
		struct pollfd wait_for[] = {
			{ .fd = child_ended[0], .events = POLLIN },
			{ .fd = from, .events = POLLIN },
		};
		char byte;

		if (poll(wait_for, 2, -1) < 0)
			continue;
		while (read(child_ended[0], &byte, 1) > 0)
			;
		if (wait_for[1].revents && !forward(from, port))
			from = -1;
	}
	if (from >= 0)
		forward(from, port);
	tcdrain(port);
	return WIFSIGNALED(status) ? KILLED_BY + WTERMSIG(status) : WEXITSTATUS(status);
}
