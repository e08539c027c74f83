/* SPDX-License-Identifier: MIT */
/*
 * base/elf.c: images written by hand, each broken in one way; then each byte changed and each
 * length cut, where the file and the memory end at the last byte that may be touched (the address
 * sanitizer watches).
 */
#include "unit.h"

#include <elf.h>

#include "base/elf.h"

/*
 * The image: read-only at 0 (headers, notes, relocations), text at 0x1000, data at 0x2000 with 16
 * bytes in the file and one page more in memory.
 */
enum { TEXT = 0x1000, DATA = 0x2000, DATA_END = 0x3010, FILE_BYTES = 0x2080 };
enum { LOAD_RO, LOAD_TEXT, LOAD_DATA, DYNAMIC, NOTE, STACK, RELRO, HEADERS };
enum { RELAS = 3, TAGS = 6 };

struct image_file {
	Elf64_Ehdr header;
	Elf64_Phdr program[HEADERS];
	struct {
		Elf64_Nhdr header;
		char name[8];
		uint8_t description[4];
	} other_note;
	struct {
		Elf64_Nhdr header;
		char name[4];
		uint8_t description[20];
	} id_note;
	Elf64_Rela rela[RELAS];
	uint8_t fill[0x1000 - sizeof(Elf64_Ehdr) - HEADERS * sizeof(Elf64_Phdr) - 24 - 36 -
		     RELAS * sizeof(Elf64_Rela)];
	uint8_t text[0x1000];
	Elf64_Dyn dynamic[TAGS];
	uint64_t data[4];
} __attribute__((packed, aligned(8)));

_Static_assert(offsetof(struct image_file, text) == TEXT, "the file is as the headers say");
_Static_assert(offsetof(struct image_file, dynamic) == DATA, "the file is as the headers say");
_Static_assert(sizeof(struct image_file) == FILE_BYTES, "the file is as the headers say");

#define DATA_WORDS (DATA + sizeof(Elf64_Dyn) * TAGS)

static Elf64_Phdr segment(unsigned type, unsigned flags, uint64_t offset, uint64_t file_bytes,
			  uint64_t bytes)
{
	return (Elf64_Phdr){ .p_type = type,
			     .p_flags = flags,
			     .p_offset = offset,
			     .p_vaddr = offset,
			     .p_filesz = file_bytes,
			     .p_memsz = bytes,
			     .p_align = type == PT_LOAD ? 0x1000 : 4 };
}

static void build(struct image_file *f)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->header.e_ident, ELFMAG, SELFMAG);
	f->header.e_ident[EI_CLASS] = ELFCLASS64;
	f->header.e_ident[EI_DATA] = ELFDATA2LSB;
	f->header.e_ident[EI_VERSION] = EV_CURRENT;
	f->header.e_type = ET_DYN;
	f->header.e_machine = EM_X86_64;
	f->header.e_version = EV_CURRENT;
	f->header.e_entry = TEXT + 0x20;
	f->header.e_phoff = offsetof(struct image_file, program);
	f->header.e_ehsize = sizeof(Elf64_Ehdr);
	f->header.e_phentsize = sizeof(Elf64_Phdr);
	f->header.e_phnum = HEADERS;

	f->program[LOAD_RO] = segment(PT_LOAD, PF_R, 0, TEXT - 4, TEXT - 4);
	f->program[LOAD_TEXT] = segment(PT_LOAD, PF_R | PF_X, TEXT, 0x1000, 0x1000);
	f->program[LOAD_DATA] =
		segment(PT_LOAD, PF_R | PF_W, DATA, FILE_BYTES - DATA, DATA_END - DATA);
	f->program[DYNAMIC] =
		segment(PT_DYNAMIC, PF_R | PF_W, DATA, sizeof(f->dynamic), sizeof(f->dynamic));
	f->program[NOTE] = segment(PT_NOTE, PF_R, offsetof(struct image_file, other_note),
				   sizeof(f->other_note) + sizeof(f->id_note),
				   sizeof(f->other_note) + sizeof(f->id_note));
	f->program[STACK] = segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0);
	f->program[RELRO] = segment(PT_GNU_RELRO, PF_R, DATA, 0x1000, 0x1000);

	f->other_note.header = (Elf64_Nhdr){ 6, 3, NT_GNU_BUILD_ID };
	memcpy(f->other_note.name, "OTHER", 6);
	f->id_note.header = (Elf64_Nhdr){ 4, 20, NT_GNU_BUILD_ID };
	memcpy(f->id_note.name, "GNU", 4);
	memset(f->id_note.description, 0xb1, 20);

	f->rela[0] = (Elf64_Rela){ DATA_WORDS, R_X86_64_RELATIVE, TEXT + 0x123 };
	f->rela[1] = (Elf64_Rela){ DATA_WORDS + 16, R_X86_64_RELATIVE, 0x4000 };
	f->rela[2] = (Elf64_Rela){ 0x3ff8, R_X86_64_RELATIVE, 0 };
	f->dynamic[0] = (Elf64_Dyn){ DT_RELA, { offsetof(struct image_file, rela) } };
	f->dynamic[1] = (Elf64_Dyn){ DT_RELASZ, { sizeof(f->rela) } };
	f->dynamic[2] = (Elf64_Dyn){ DT_RELAENT, { sizeof(Elf64_Rela) } };
	f->dynamic[3] = (Elf64_Dyn){ DT_RELACOUNT, { RELAS } };
	f->dynamic[4] = (Elf64_Dyn){ DT_FLAGS_1, { DF_1_PIE } };
	memset(f->fill, 0xee, sizeof(f->fill));
	memset(f->text, 0xcc, sizeof(f->text));
	memset(f->data, 0xdd, sizeof(f->data));
}

/* Parses and loads, with nothing behind the file and nothing behind the memory. */
static const char *load(const void *bytes, size_t size, struct elf_image *image, uint64_t base,
			uint8_t **memory)
{
	uint8_t *file = malloc(size ? size : 1), *to = NULL;
	const char *why, *why_again;

	memcpy(file, bytes, size);
	why = elf_parse(file, size, image);
	if (!why) {
		assert_true(image->bytes <= 1 << 28);
		assert_int_equal(image->bytes % SIZE_4K, 0);
		to = calloc(1, image->bytes);
		assert_non_null(to);
		/* What elf_parse let pass can be loaded. */
		why_again = elf_load(file, size, image, to, base);
		assert_null(why_again);
	} else {
		assert_true(strlen(why) > 10);
	}
	free(file);
	if (memory)
		*memory = to;
	else
		free(to);
	return why;
}

static void test_good(void **state)
{
	const uint64_t base = 0xffffc00012340000;
	struct image_file f;
	struct elf_image image;
	uint8_t *memory;
	uint64_t word[4], last;
	unsigned i;

	(void)state;
	build(&f);
	assert_null(load(&f, sizeof(f), &image, base, &memory));
	assert_int_equal(image.bytes, 0x4000);
	assert_int_equal(image.entry, TEXT + 0x20);
	assert_int_equal(image.segments, 3);
	assert_int_equal(image.segment[0].offset, 0);
	assert_int_equal(image.segment[0].bytes, 0x1000);
	assert_int_equal(image.segment[0].rights, ELF_READ);
	assert_int_equal(image.segment[1].offset, TEXT);
	assert_int_equal(image.segment[1].bytes, 0x1000);
	assert_int_equal(image.segment[1].rights, ELF_READ | ELF_EXEC);
	assert_int_equal(image.segment[2].offset, DATA);
	assert_int_equal(image.segment[2].bytes, 0x2000);
	assert_int_equal(image.segment[2].rights, ELF_READ | ELF_WRITE);
	assert_int_equal(image.build_id_bytes, 20);
	for (i = 0; i < 20; i++)
		assert_int_equal(image.build_id[i], 0xb1);

	assert_memory_equal(memory, &f, TEXT - 4);
	assert_memory_equal(memory + TEXT - 4, "\0\0\0\0", 4);
	assert_memory_equal(memory + TEXT, f.text, sizeof(f.text));
	assert_memory_equal(memory + DATA, f.dynamic, sizeof(f.dynamic));
	memcpy(word, memory + DATA_WORDS, sizeof(word));
	assert_int_equal(word[0], base + TEXT + 0x123);
	assert_int_equal(word[1], 0xdddddddddddddddd);
	assert_int_equal(word[2], base + 0x4000);
	assert_int_equal(word[3], 0xdddddddddddddddd);
	for (i = FILE_BYTES; i < 0x3ff8; i++)
		assert_int_equal(memory[i], 0);
	memcpy(&last, memory + 0x3ff8, 8);
	assert_int_equal(last, base);
	free(memory);
}

/* A segment need not begin at a page, as long as its pages are its own. */
static void test_segment_inside_page(void **state)
{
	struct image_file f;
	struct elf_image image;
	uint8_t *memory;

	(void)state;
	build(&f);
	f.program[LOAD_TEXT].p_vaddr += 0x40;
	f.program[LOAD_TEXT].p_offset += 0x40;
	f.program[LOAD_TEXT].p_filesz -= 0x80;
	f.program[LOAD_TEXT].p_memsz -= 0x80;
	assert_null(load(&f, sizeof(f), &image, SIZE_4K, &memory));
	assert_int_equal(image.segment[1].offset, TEXT);
	assert_int_equal(image.segment[1].bytes, 0x1000);
	assert_int_equal(memory[TEXT + 0x3f], 0);
	assert_int_equal(memory[TEXT + 0x40], 0xcc);
	assert_int_equal(memory[TEXT + 0xfbf], 0xcc);
	assert_int_equal(memory[TEXT + 0xfc0], 0);
	free(memory);
}

static void test_without_extras(void **state)
{
	struct image_file f;
	struct elf_image image;

	(void)state;
	build(&f);
	f.program[DYNAMIC].p_type = PT_NULL;
	f.program[NOTE].p_type = PT_NULL;
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	assert_int_equal(image.build_id_bytes, 0);
	build(&f);
	f.dynamic[0].d_tag = DT_NULL;
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	/* A segment of no bytes is none. */
	build(&f);
	f.program[STACK] = segment(PT_LOAD, PF_R | PF_W, 0x123456, 0, 0);
	f.program[STACK].p_offset = 0;
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	assert_int_equal(image.segments, 3);
}

/* One broken thing: what is set where, and a word of the refusal. */
struct refusal {
	const char *word;
	size_t offset, bytes;
	uint64_t value;
};

#define AT(member)	   offsetof(struct image_file, member), sizeof(((struct image_file *)0)->member)
#define PROGRAM(i, member) AT(program[i].member)

static const struct refusal refusals[] = {
	{ "not an ELF", AT(header.e_ident[0]), 0x7e },
	{ "not an ELF", AT(header.e_ident[3]), 'f' },
	{ "x86-64", AT(header.e_ident[EI_CLASS]), ELFCLASS32 },
	{ "x86-64", AT(header.e_ident[EI_DATA]), ELFDATA2MSB },
	{ "x86-64", AT(header.e_machine), EM_386 },
	{ "version", AT(header.e_ident[EI_VERSION]), 2 },
	{ "version", AT(header.e_version), 2 },
	{ "ET_DYN", AT(header.e_type), ET_EXEC },
	{ "ET_DYN", AT(header.e_type), ET_REL },
	{ "unknown size", AT(header.e_phentsize), 55 },
	{ "no program header", AT(header.e_phnum), 0 },
	{ "beyond the end", AT(header.e_phoff), FILE_BYTES - 100 },
	{ "beyond the end", AT(header.e_phoff), FILE_BYTES + 1 },
	{ "beyond the end", AT(header.e_phoff), ~0ull - 10 },
	{ "beyond the end", AT(header.e_phnum), 0xffff },
	{ "entry point", AT(header.e_entry), TEXT - 1 },
	{ "entry point", AT(header.e_entry), DATA },
	{ "entry point", AT(header.e_entry), ~0ull },
	{ "content lies beyond", PROGRAM(LOAD_DATA, p_filesz), FILE_BYTES - DATA + 1 },
	{ "content lies beyond", PROGRAM(LOAD_DATA, p_filesz), ~0ull },
	{ "content lies beyond", PROGRAM(LOAD_DATA, p_offset), DATA + 0x1000 },
	{ "content lies beyond", PROGRAM(LOAD_DATA, p_offset), -0x1000ull },
	{ "content lies beyond", PROGRAM(DYNAMIC, p_offset), FILE_BYTES },
	{ "content lies beyond", PROGRAM(NOTE, p_filesz), FILE_BYTES },
	{ "longer in the file", PROGRAM(LOAD_TEXT, p_memsz), 0xfff },
	{ "256 MiB", PROGRAM(LOAD_DATA, p_memsz), 1 << 28 },
	{ "256 MiB", PROGRAM(LOAD_DATA, p_memsz), ~0ull },
	{ "256 MiB", PROGRAM(LOAD_DATA, p_vaddr), ~0ull & ~0xfffull },
	{ "aligned", PROGRAM(LOAD_TEXT, p_align), 0 },
	{ "aligned", PROGRAM(LOAD_TEXT, p_align), 0x800 },
	{ "aligned", PROGRAM(LOAD_TEXT, p_align), 0x200000 },
	{ "aligned", PROGRAM(LOAD_TEXT, p_vaddr), TEXT + 8 },
	{ "writable and executable", PROGRAM(LOAD_TEXT, p_flags), PF_R | PF_W | PF_X },
	{ "writable and executable", PROGRAM(LOAD_DATA, p_flags), PF_R | PF_W | PF_X },
	{ "not readable", PROGRAM(LOAD_TEXT, p_flags), PF_X },
	{ "share a page", PROGRAM(LOAD_DATA, p_vaddr), TEXT },
	{ "share a page", PROGRAM(LOAD_DATA, p_vaddr), 0 },
	{ "share a page", PROGRAM(LOAD_RO, p_memsz), TEXT + 1 },
	{ "interpreter", PROGRAM(STACK, p_type), PT_INTERP },
	{ "thread-local", PROGRAM(STACK, p_type), PT_TLS },
	{ "relocation is in the text", PROGRAM(LOAD_DATA, p_flags), PF_R | PF_X },
	{ "longer than its segment", AT(id_note.header.n_descsz), 21 },
	{ "longer than its segment", AT(id_note.header.n_descsz), 0xffffffff },
	{ "longer than its segment", AT(id_note.header.n_namesz), 0xffffffff },
	{ "outside the segments", AT(rela[0].r_offset), 0x4000 - 7 },
	{ "outside the segments", AT(rela[0].r_offset), 0x4000 },
	{ "outside the segments", AT(rela[0].r_offset), -8ull },
	{ "outside the segments", AT(rela[0].r_offset), TEXT - 4 },
	{ "in the text", AT(rela[0].r_offset), TEXT },
	{ "in the text", AT(rela[2].r_offset), DATA - 8 },
	{ "points outside", AT(rela[1].r_addend), 0x4001 },
	{ "points outside", AT(rela[1].r_addend), -1ull },
	{ "names a symbol", AT(rela[1].r_info), 1ull << 32 | R_X86_64_RELATIVE },
	{ "R_X86_64_NONE", AT(rela[1].r_info), R_X86_64_NONE },
	{ "R_X86_64_64 ", AT(rela[1].r_info), 1ull << 32 | R_X86_64_64 },
	{ "R_X86_64_GLOB_DAT", AT(rela[1].r_info), 1ull << 32 | R_X86_64_GLOB_DAT },
	{ "R_X86_64_JUMP_SLOT", AT(rela[1].r_info), 1ull << 32 | R_X86_64_JUMP_SLOT },
	{ "R_X86_64_IRELATIVE", AT(rela[2].r_info), R_X86_64_IRELATIVE },
	{ "R_X86_64_TPOFF64", AT(rela[0].r_info), R_X86_64_TPOFF64 },
	{ "unknown", AT(rela[0].r_info), 38 },
	{ "unknown", AT(rela[0].r_info), 0xfffffff8 },
	{ "DT_RELAENT", AT(dynamic[2].d_un), 16 },
	{ "DT_RELAENT", AT(dynamic[2].d_tag), DT_NULL },
	{ "DT_RELASZ", AT(dynamic[1].d_un), 71 },
	{ "not in one segment", AT(dynamic[1].d_un), 24 * 100 + 24 * 100 },
	{ "not in one segment", AT(dynamic[1].d_un), ~0ull / 24 * 24 },
	{ "not in one segment", AT(dynamic[0].d_un), TEXT - 72 - 3 },
	{ "not in one segment", AT(dynamic[0].d_un), FILE_BYTES },
	{ "not in one segment", AT(dynamic[0].d_un), -72ull },
	{ "shared library", AT(dynamic[4].d_tag), DT_NEEDED },
	{ "DT_REL)", AT(dynamic[4].d_tag), DT_REL },
	{ "DT_RELR", AT(dynamic[4].d_tag), 36 },
	{ "DT_RELR", AT(dynamic[4].d_tag), 35 },
	{ "DT_JMPREL", AT(dynamic[4].d_tag), DT_JMPREL },
	{ "DT_TEXTREL", AT(dynamic[4].d_tag), DT_TEXTREL },
	{ "constructors", AT(dynamic[4].d_tag), DT_INIT_ARRAY },
	{ "constructors", AT(dynamic[4].d_tag), DT_INIT },
};

static void test_refusals(void **state)
{
	struct image_file f;
	struct elf_image image;
	const char *why;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		build(&f);
		memcpy((uint8_t *)&f + refusals[i].offset, &refusals[i].value,
		       refusals[i].bytes < 8 ? refusals[i].bytes : 8);
		why = load(&f, sizeof(f), &image, 0, NULL);
		if (!why || !strstr(why, refusals[i].word))
			fail_msg("%u (%s): %s", i, refusals[i].word, why ? why : "not refused");
	}
}

static void test_build_id(void **state)
{
	struct image_file f;
	struct elf_image image;

	(void)state;
	build(&f);
	f.program[NOTE].p_filesz += 4;
	f.id_note.header.n_descsz = 21;
	assert_non_null(strstr(load(&f, sizeof(f), &image, 0, NULL), "build id"));
	f.id_note.header.n_descsz = 16;
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	assert_int_equal(image.build_id_bytes, 16);
	assert_int_equal(image.build_id[15], 0xb1);
	assert_int_equal(image.build_id[16], 0);
	/* Another type, or another owner, is another note. */
	f.id_note.header.n_type = 1;
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	assert_int_equal(image.build_id_bytes, 0);
	f.id_note.header.n_type = NT_GNU_BUILD_ID;
	f.id_note.name[3] = '!';
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	assert_int_equal(image.build_id_bytes, 0);
}

/* As the linker aligns .note.gnu.property: to 8 bytes, the padding between included. */
static void test_notes_of_8_bytes(void **state)
{
	struct image_file f;
	struct elf_image image;
	uint8_t *note = (uint8_t *)&f.other_note;

	(void)state;
	build(&f);
	memset(note, 0, sizeof(f.other_note) + sizeof(f.id_note));
	memcpy(note, &(Elf64_Nhdr){ 4, 4, 5 }, sizeof(Elf64_Nhdr));
	memcpy(note + 12, "GNU", 4);
	memcpy(note + 24, &(Elf64_Nhdr){ 4, 20, NT_GNU_BUILD_ID }, sizeof(Elf64_Nhdr));
	memcpy(note + 36, "GNU", 4);
	memset(note + 40, 0xb8, 20);
	f.program[NOTE].p_align = 8;
	assert_null(load(&f, sizeof(f), &image, 0, NULL));
	assert_int_equal(image.build_id_bytes, 20);
	assert_int_equal(image.build_id[0], 0xb8);
	assert_int_equal(image.build_id[19], 0xb8);
}

static void test_too_many_segments(void **state)
{
	struct image_file f;
	struct elf_image image;
	Elf64_Phdr *more = (Elf64_Phdr *)f.text;
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		build(&f);
		memcpy(more, f.program, sizeof(f.program));
		f.header.e_phoff = TEXT;
		f.header.e_phnum = HEADERS;
		while (f.header.e_phnum < HEADERS + ELF_SEGMENTS_MAX - 3 + i) {
			more[f.header.e_phnum] = segment(PT_LOAD, PF_R, 0, 1, 1);
			more[f.header.e_phnum].p_vaddr = 0x10000 + f.header.e_phnum * 0x1000;
			f.header.e_phnum++;
		}
		assert_int_equal(load(&f, sizeof(f), &image, 0, NULL) != NULL, i);
		assert_int_equal(image.segments, ELF_SEGMENTS_MAX);
	}
}

static void test_load_refuses(void **state)
{
	static uint8_t memory[0x4000];
	struct image_file f;
	struct elf_image image;
	unsigned i;

	(void)state;
	build(&f);
	assert_null(elf_parse(&f, sizeof(f), &image));
	assert_non_null(elf_load(&f, sizeof(f), &image, memory, 0x800));
	assert_non_null(elf_load(&f, sizeof(f) - 1, &image, memory, 0));
	/* Another file than the one that the memory is for. */
	f.program[LOAD_DATA].p_memsz += 0x1000;
	assert_non_null(elf_load(&f, sizeof(f), &image, memory, 0));
	f.program[LOAD_DATA].p_memsz -= 0x1000;
	f.rela[2].r_info = R_X86_64_64;
	assert_non_null(elf_load(&f, sizeof(f), &image, memory, 0));
	for (i = 0; i < sizeof(memory); i++)
		assert_int_equal(memory[i], 0);
}

static void test_truncated(void **state)
{
	struct image_file f;
	struct elf_image image;
	size_t size;

	(void)state;
	build(&f);
	for (size = 0; size < sizeof(f); size++)
		assert_non_null(load(&f, size, &image, 0, NULL));
}

/* Each byte of the structures, to several values: refused or loaded, never out of bounds. */
static void test_each_byte_changed(void **state)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff, 0x10, 0x08, 0x7f };
	unsigned refused = 0, loaded = 0, i;
	struct image_file f;
	struct elf_image image;
	size_t at;

	(void)state;
	build(&f);
	for (at = 0; at < sizeof(f); at++) {
		if (at == offsetof(struct image_file, fill))
			at = offsetof(struct image_file, dynamic);
		for (i = 0; i < sizeof(changes); i++) {
			((uint8_t *)&f)[at] ^= changes[i];
			if (load(&f, sizeof(f), &image, 0x12345000, NULL))
				refused++;
			else
				loaded++;
			((uint8_t *)&f)[at] ^= changes[i];
		}
	}
	print_message("  %u refused, %u loaded\n", refused, loaded);
	assert_true(refused > 1000 && loaded > 500);
}

static void test_random_changes(void **state)
{
	static const uint64_t values[] = { 0,	       1,      8,	   24,	   0xfff,
					   0x1000,     0x2000, 0x3ff8,	   0x4000, 0x2080,
					   0x7fffffff, ~0ull,  1ull << 63, 7 };
	uint64_t random = 0xe1f, value;
	unsigned refused = 0, loaded = 0, i, j;
	struct image_file f;
	struct elf_image image;
	size_t at, bytes;

	(void)state;
	for (i = 0; i < 40000; i++) {
		build(&f);
		for (j = 0; j <= random_below(&random, 4); j++) {
			bytes = 1 << random_below(&random, 4);
			at = random_below(&random, 3)
				     ? random_below(&random, offsetof(struct image_file, fill))
				     : DATA + random_below(&random, FILE_BYTES - DATA);
			at &= ~(bytes - 1);
			value = random_below(&random, 3) ? values[random_below(&random, 14)]
							 : random_next(&random);
			memcpy((uint8_t *)&f + at, &value, bytes);
		}
		if (load(&f,
			 random_below(&random, 9) ? sizeof(f) : random_below(&random, sizeof(f)),
			 &image, 0xffff800000000000, NULL))
			refused++;
		else
			loaded++;
	}
	print_message("  %u refused, %u loaded\n", refused, loaded);
	assert_true(refused > 1000 && loaded > 1000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_segment_inside_page),
		cmocka_unit_test(test_without_extras),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_notes_of_8_bytes),
		cmocka_unit_test(test_too_many_segments),
		cmocka_unit_test(test_load_refuses),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_each_byte_changed),
		cmocka_unit_test(test_random_changes),
	};

	return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
