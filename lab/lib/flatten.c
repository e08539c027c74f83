/*
 * flatten: makes a kernel that boots without unpacking itself.
 *
 *	flatten VMLINUZ VMLINUX TO
 *
 * Debian's larger kernels are packed with XZ, and unpacking one costs the emulator a minute on every
 * boot. This joins what VMLINUZ starts with, its real-mode part and header (Linux's "x86 boot
 * protocol"), with the segments of VMLINUX, which the host has unpacked from it, laid out as they
 * lie in memory, behind a little code that does the last things that the unpacker does: go to 64-bit
 * mode, move the kernel to its place and jump to it. So the kernel that runs is the stock one, byte
 * for byte.
 *
 * It runs where it was linked to run; for KASLR the unpacker is needed.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KERNEL = 0x1000000,	/* where every x86-64 Debian kernel is linked to run */
	LOADED = 0x100000,	/* where a boot loader puts what is not relocatable */
	STUB = 0x8000,		/* at its front: the code below in one page, its page tables in six */
	PAGE = 0x1000,
	SECTOR = 512,
};

/* Offsets in the boot protocol's header. */
enum {
	SETUP_SECTS = 0x1f1,
	SYSSIZE = 0x1f4,
	VERSION = 0x206,
	RELOCATABLE = 0x234,
	PAYLOAD_LENGTH = 0x24c,
};

/*
 * Runs at LOADED, entered by the boot protocol's 32-bit rules: flat segments, paging and
 * interrupts off, ESI = boot parameters. The kernel's 64-bit entry wants the low memory mapped to
 * itself, and RSI = boot parameters.
 */
__asm__("	.pushsection .rodata\n"
	"	.code32\n"
	"stub:\n"
	"	cli\n"
	"	cld\n"
	/* Four GiB in leaves of 2 MiB: one table of level 4, one of level 3, four of level 2. */
	"	movl	$tables, %edi\n"
	"	xorl	%eax, %eax\n"
	"	movl	$6 * 1024, %ecx\n"
	"	rep stosl\n"
	"	movl	$tables + 0x1003, tables\n"
	"	movl	$tables + 0x2003, tables + 0x1000\n"
	"	movl	$tables + 0x3003, tables + 0x1008\n"
	"	movl	$tables + 0x4003, tables + 0x1010\n"
	"	movl	$tables + 0x5003, tables + 0x1018\n"
	"	movl	$tables + 0x2000, %edi\n"
	"	movl	$0x83, %eax\n"
	"1:	movl	%eax, (%edi)\n"
	"	addl	$8, %edi\n"
	"	addl	$0x200000, %eax\n"
	"	jnc	1b\n"
	"	lgdt	gdt_pointer - stub + loaded\n"
	"	movl	%cr4, %eax\n"
	"	orl	$0x20, %eax\n"			/* PAE */
	"	movl	%eax, %cr4\n"
	"	movl	$tables, %eax\n"
	"	movl	%eax, %cr3\n"
	"	movl	$0xc0000080, %ecx\n"		/* EFER */
	"	rdmsr\n"
	"	orl	$0x100, %eax\n"			/* LME */
	"	wrmsr\n"
	"	movl	%cr0, %eax\n"
	"	orl	$0x80000000, %eax\n"		/* PG */
	"	movl	%eax, %cr0\n"
	"	ljmpl	$0x10, $(entry - stub + loaded)\n"
	"	.code64\n"
	"entry:\n"
	"	movl	$0x18, %eax\n"
	"	movl	%eax, %ds\n"
	"	movl	%eax, %es\n"
	"	movl	%eax, %ss\n"
	"	movl	%esi, %esi\n"
	/* From the end downwards, for the two places overlap. */
	"	movq	%rsi, %rbx\n"
	"	movl	length - stub + loaded, %ecx\n"
	"	leaq	loaded + 0x8000 - 8(%rcx), %rsi\n"
	"	leaq	kernel - 8(%rcx), %rdi\n"
	"	shrl	$3, %ecx\n"
	"	std\n"
	"	rep movsq\n"
	"	cld\n"
	"	movq	%rbx, %rsi\n"
	"	movl	$kernel, %eax\n"
	"	jmp	*%rax\n"
	"	.balign 8\n"
	"length: .long	0, 0\n"
	"gdt:	.quad	0, 0, 0x00af9a000000ffff, 0x00cf92000000ffff\n"
	"gdt_pointer:\n"
	"	.word	gdt_pointer - gdt - 1\n"
	"	.long	gdt - stub + loaded\n"
	"stub_end:\n"
	"	.set	kernel, 0x1000000\n"
	"	.set	loaded, 0x100000\n"
	"	.set	tables, loaded + 0x1000\n"
	"	.code64\n"
	"	.popsection\n");

/* length: of what follows the front, filled in by main(). */
extern const unsigned char stub[], length[], stub_end[];

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "flatten: %s: %s\n", what, why);
	exit(1);
}

static unsigned char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long end;

	if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
		fail(path, strerror(errno));
	*size = (size_t)end;
	bytes = malloc(*size + 1);
	if (!bytes || fread(bytes, 1, *size, file) != *size)
		fail(path, "can't be read");
	fclose(file);
	return bytes;
}

static void put(unsigned char *at, uint64_t value, size_t size)
{
	memcpy(at, &value, size);
}

/* The segments as they lie in memory from KERNEL on, without zeros at the end: memory has those. */
static unsigned char *lay_out(const unsigned char *elf, size_t size, size_t *used)
{
	const Elf64_Ehdr *head = (const void *)elf;
	const Elf64_Phdr *segment;
	unsigned char *memory;
	size_t end = 0;

	if (size < sizeof(*head) || memcmp(elf, ELFMAG, SELFMAG) || elf[EI_CLASS] != ELFCLASS64 ||
	    head->e_entry != KERNEL || head->e_phoff + head->e_phnum * sizeof(*segment) > size)
		fail("the unpacked kernel", "not a 64-bit ELF program with its entry at 16 MiB");
	segment = (const void *)(elf + head->e_phoff);
	for (int i = 0; i < head->e_phnum; i++) {
		if (segment[i].p_type != PT_LOAD)
			continue;
		if (segment[i].p_paddr < KERNEL || segment[i].p_offset + segment[i].p_filesz > size)
			fail("the unpacked kernel", "a segment is out of range");
		if (segment[i].p_paddr - KERNEL + segment[i].p_filesz > end)
			end = segment[i].p_paddr - KERNEL + segment[i].p_filesz;
	}
	memory = calloc(1, end + PAGE);
	if (!memory)
		fail("the unpacked kernel", "out of memory");
	for (int i = 0; i < head->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD)
			memcpy(memory + segment[i].p_paddr - KERNEL, elf + segment[i].p_offset,
			       segment[i].p_filesz);
	while (end && !memory[end - 1])
		end--;
	*used = (end + 15) / 16 * 16;
	return memory;
}

int main(int argc, char **argv)
{
	static unsigned char front[STUB];
	unsigned char *packed, *memory;
	size_t size, elf_size, setup, size_in_memory;
	FILE *to;

	if (argc != 4)
		fail("usage", "flatten VMLINUZ VMLINUX TO");
	packed = read_file(argv[1], &size);
	memory = read_file(argv[2], &elf_size);
	memory = lay_out(memory, elf_size, &size_in_memory);

	if (size < 2 * SECTOR || memcmp(packed + 0x202, "HdrS", 4) || packed[VERSION] < 0x0a)
		fail(argv[1], "no kernel with boot protocol 2.10 or newer");
	setup = (packed[SETUP_SECTS] + 1u) * SECTOR;
	if (setup > size)
		fail(argv[1], "too short");
	put(packed + SYSSIZE, (STUB + size_in_memory) / 16, 4);
	packed[RELOCATABLE] = 0;
	put(packed + PAYLOAD_LENGTH, 0, 4);
	memcpy(front, stub, (size_t)(stub_end - stub));
	put(front + (length - stub), size_in_memory, 4);

	to = fopen(argv[3], "wb");
	if (!to || fwrite(packed, 1, setup, to) != setup || fwrite(front, 1, STUB, to) != STUB ||
	    fwrite(memory, 1, size_in_memory, to) != size_in_memory || fclose(to))
		fail(argv[3], strerror(errno));
	return 0;
}
