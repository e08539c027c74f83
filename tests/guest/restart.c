// SPDX-License-Identifier: MIT
/*
 * What a test needs that goes on behind a restart of the machine:
 *
 *	restart count				how many times `restart next` was called since
 *power-on restart next				one more from now on restart kexec KERNEL INITRD
 *ARGUMENTS	loads a kernel to go on with, and goes on with it
 *
 * The count lies in two bytes of CMOS RAM that no firmware here uses: they survive a reset and a
 * kexec, and are zero after power-on.
 *
 * World: a user program in the guest, as root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/reboot.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define CMOS_COUNT 0x70 /* and the next byte has its complement */

static unsigned char cmos_read(unsigned char at)
{
	outb(at, CMOS_INDEX);
	return inb(CMOS_DATA);
}

static void cmos_write(unsigned char at, unsigned char value)
{
	outb(at, CMOS_INDEX);
	outb(value, CMOS_DATA);
}

static unsigned count(void)
{
	unsigned char value = cmos_read(CMOS_COUNT);

	return (value ^ cmos_read(CMOS_COUNT + 1)) == 0xff ? value : 0;
}

static int fail(const char *what)
{
	fprintf(stderr, "restart: %s: %s\n", what, strerror(errno));
	return 1;
}

static int kexec(const char *kernel, const char *initrd, const char *arguments)
{
	int kernel_fd = open(kernel, O_RDONLY), initrd_fd = open(initrd, O_RDONLY);

	if (kernel_fd < 0)
		return fail(kernel);
	if (initrd_fd < 0)
		return fail(initrd);
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(arguments) + 1, arguments,
		    0UL))
		return fail("kexec_file_load");
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return fail("kexec");
}

int main(int argc, char **argv)
{
	unsigned now;

	if (argc == 5 && !strcmp(argv[1], "kexec"))
		return kexec(argv[2], argv[3], argv[4]);
	if (ioperm(CMOS_INDEX, 2, 1))
		return fail("ioperm");
	now = count();
	if (argc == 2 && !strcmp(argv[1], "count")) {
		printf("%u\n", now);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "next")) {
		cmos_write(CMOS_COUNT, (unsigned char)(now + 1));
		cmos_write(CMOS_COUNT + 1, (unsigned char)~(now + 1));
		return 0;
	}
	fprintf(stderr, "usage: restart count | next | kexec KERNEL INITRD ARGUMENTS\n");
	return 2;
}
