/* SPDX-License-Identifier: MIT */
/*
 * Loading root.elf. The file is read through copies of its structures, each after a check that it
 * lies in the file; the image is written only inside the segments that were checked. Whatever can
 * be refused is refused by elf_parse, so that elf_load of the same file can't fail.
 *
 * Source of the rules: System V ABI, Object Files and Program Loading; its AMD64 supplement.
 * World: OS (pure).
 */
#include <string.h>

#include "elf.h"

/* No host needs more, and a damaged size shall not make it allocate all its memory. */
#define IMAGE_BYTES_MAX ((uint64_t)1 << 28)

struct file_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, program_headers, section_headers;
	uint32_t flags;
	uint16_t header_bytes, program_header_bytes, program_header_count;
	uint16_t section_header_bytes, section_header_count, section_names;
};

struct program_header {
	uint32_t type, flags;
	uint64_t offset, address, load_address, file_bytes, bytes, align;
};

struct dynamic {
	uint64_t tag, value;
};

struct rela {
	uint64_t offset;
	uint32_t type, symbol;
	uint64_t addend;
};

struct note {
	uint32_t name_bytes, description_bytes, type;
};

enum {
	ELF_TYPE_DYN = 3,
	ELF_MACHINE_X86_64 = 62,
	ELF_CLASS_64 = 2,
	ELF_DATA_LITTLE = 1,
	ELF_VERSION = 1
};
enum {
	SEGMENT_LOAD = 1,
	SEGMENT_DYNAMIC = 2,
	SEGMENT_INTERP = 3,
	SEGMENT_NOTE = 4,
	SEGMENT_TLS = 7
};
enum { SEGMENT_EXEC = 1, SEGMENT_WRITE = 2, SEGMENT_READ = 4 };
enum { NOTE_BUILD_ID = 3 };
enum {
	TAG_NULL = 0,
	TAG_NEEDED = 1,
	TAG_PLTRELSZ = 2,
	TAG_RELA = 7,
	TAG_RELASZ = 8,
	TAG_RELAENT = 9,
	TAG_INIT = 12,
	TAG_REL = 17,
	TAG_TEXTREL = 22,
	TAG_JMPREL = 23,
	TAG_INIT_ARRAY = 25,
	TAG_PREINIT_ARRAY = 32,
	TAG_RELRSZ = 35,
	TAG_RELR = 36,
};

enum { RELOCATION_RELATIVE = 8 };

/* What is known of a file while it is parsed. */
struct reader {
	const uint8_t *bytes;
	uint64_t size;
	struct file_header header;
	uint64_t rela_offset, relas; /* in the file; their number */
};

/* Copies `bytes` at `offset` of the file. False if they are not all there. */
static bool get(const struct reader *file, uint64_t offset, void *to, uint64_t bytes)
{
	if (offset > file->size || bytes > file->size - offset)
		return false;
	memcpy(to, file->bytes + offset, bytes);
	return true;
}

static bool is_inside(uint64_t offset, uint64_t bytes, uint64_t start, uint64_t end)
{
	return offset >= start && offset <= end && bytes <= end - offset;
}

static const char *get_program_header(const struct reader *file, unsigned i,
				      struct program_header *header)
{
	uint64_t offset = file->header.program_headers;

	/* So that the sum can't wrap: it is of the file's size at most. */
	if (offset > file->size ||
	    !get(file, offset + i * sizeof(*header), header, sizeof(*header)))
		return "a program header lies beyond the end of the file";
	if (header->type != SEGMENT_LOAD && header->type != SEGMENT_DYNAMIC &&
	    header->type != SEGMENT_NOTE)
		return NULL;
	if (!is_inside(header->offset, header->file_bytes, 0, file->size))
		return "a segment's content lies beyond the end of the file";
	return NULL;
}

static const char *check_file_header(struct reader *file)
{
	const struct file_header *header = &file->header;

	if (!get(file, 0, &file->header, sizeof(file->header)))
		return "the file is shorter than an ELF header";
	if (memcmp(header->ident, "\177ELF", 4))
		return "the file is not an ELF file";
	if (header->ident[4] != ELF_CLASS_64 || header->ident[5] != ELF_DATA_LITTLE ||
	    header->machine != ELF_MACHINE_X86_64)
		return "the ELF file is not for x86-64";
	if (header->ident[6] != ELF_VERSION || header->version != ELF_VERSION)
		return "the ELF file is of an unknown version";
	if (header->type != ELF_TYPE_DYN)
		return "the ELF file is not position-independent (its type is not ET_DYN)";
	if (header->program_header_bytes != sizeof(struct program_header))
		return "the ELF file has program headers of an unknown size";
	if (!header->program_header_count)
		return "the ELF file has no program header";
	return NULL;
}

static const char *add_segment(const struct program_header *header, struct elf_image *image)
{
	struct elf_segment *segment = &image->segment[image->segments];
	uint64_t start, end;

	if (image->segments == ELF_SEGMENTS_MAX)
		return "the image has more than 8 loadable segments";
	if (header->file_bytes > header->bytes)
		return "a segment is longer in the file than in memory";
	if (header->address > IMAGE_BYTES_MAX || header->bytes > IMAGE_BYTES_MAX - header->address)
		return "the image is larger than 256 MiB";
	if (header->align != SIZE_4K || (header->address ^ header->offset) & (SIZE_4K - 1))
		return "a segment is not aligned to pages of 4 KiB";
	if ((header->flags & SEGMENT_WRITE) && (header->flags & SEGMENT_EXEC))
		return "a segment is both writable and executable";
	if (!(header->flags & SEGMENT_READ))
		return "a segment is not readable";

	/* The ABI: loadable segments come in the order of their addresses. */
	start = align_down(header->address, SIZE_4K);
	end = align_up(header->address + header->bytes, SIZE_4K);
	if (start < image->bytes)
		return "two segments share a page, or are out of order";
	image->bytes = end;

	segment->offset = start;
	segment->bytes = end - start;
	segment->rights = ELF_READ | (header->flags & SEGMENT_WRITE ? ELF_WRITE : 0) |
			  (header->flags & SEGMENT_EXEC ? ELF_EXEC : 0);
	image->segments++;
	return NULL;
}

/* The build id, if the notes have one. Names and descriptions are padded to 4 bytes, or to 8. */
static const char *read_notes(const struct reader *file, const struct program_header *header,
			      struct elf_image *image)
{
	uint64_t align = header->align == 8 ? 8 : 4;
	uint64_t at = header->offset, end = header->offset + header->file_bytes;
	struct note note;
	uint64_t name, description;
	char owner[4];

	while (end - at >= sizeof(note)) {
		if (!get(file, at, &note, sizeof(note)))
			return "a note lies beyond the end of the file";
		name = at + sizeof(note);
		description = at + align_up(sizeof(note) + note.name_bytes, align);
		if (!is_inside(description, note.description_bytes, at, end))
			return "a note is longer than its segment";
		if (note.type == NOTE_BUILD_ID && note.name_bytes == sizeof(owner) &&
		    get(file, name, owner, sizeof(owner)) && !memcmp(owner, "GNU", 4)) {
			if (note.description_bytes > ELF_BUILD_ID_MAX)
				return "the build id is longer than 20 bytes";
			image->build_id_bytes = note.description_bytes;
			memcpy(image->build_id, file->bytes + description, note.description_bytes);
		}
		at += align_up(description + note.description_bytes - at, align);
		if (at > end)
			break;
	}
	return NULL;
}

/* Where in the file the bytes at `address` of the image are. */
static const char *locate(const struct reader *file, uint64_t address, uint64_t bytes,
			  uint64_t *offset)
{
	struct program_header header;
	const char *why;
	unsigned i;

	for (i = 0; i < file->header.program_header_count; i++) {
		why = get_program_header(file, i, &header);
		if (why)
			return why;
		if (header.type == SEGMENT_LOAD &&
		    is_inside(address, bytes, header.address, header.address + header.file_bytes)) {
			*offset = header.offset + (address - header.address);
			return NULL;
		}
	}
	return "the relocations are not in one segment of the file";
}

/* What in the dynamic section asks for a loader that we are not. */
static const char *check_tag(const struct dynamic *dynamic)
{
	switch (dynamic->tag) {
	case TAG_NEEDED:
		return "the image needs a shared library";
	case TAG_REL:
		return "the image has relocations without addends (DT_REL)";
	case TAG_RELR:
	case TAG_RELRSZ:
		return "the image has packed relocations (DT_RELR): link with -z "
		       "nopack-relative-relocs";
	case TAG_PLTRELSZ:
	case TAG_JMPREL:
		return "the image has a procedure linkage table (DT_JMPREL)";
	case TAG_TEXTREL:
		return "the image has relocations in its text (DT_TEXTREL)";
	case TAG_INIT:
	case TAG_INIT_ARRAY:
	case TAG_PREINIT_ARRAY:
		return "the image has constructors, which nobody would run";
	default:
		return NULL;
	}
}

static const char *read_dynamic(struct reader *file, const struct program_header *header)
{
	uint64_t offset = header->offset, left = header->file_bytes;
	uint64_t rela = 0, rela_bytes = 0, entry_bytes = 0;
	struct dynamic dynamic;
	const char *why;

	for (; left >= sizeof(dynamic); left -= sizeof(dynamic), offset += sizeof(dynamic)) {
		if (!get(file, offset, &dynamic, sizeof(dynamic)))
			return "the dynamic section lies beyond the end of the file";
		if (dynamic.tag == TAG_NULL)
			break;
		why = check_tag(&dynamic);
		if (why)
			return why;
		if (dynamic.tag == TAG_RELA)
			rela = dynamic.value;
		else if (dynamic.tag == TAG_RELASZ)
			rela_bytes = dynamic.value;
		else if (dynamic.tag == TAG_RELAENT)
			entry_bytes = dynamic.value;
	}
	if (!rela && !rela_bytes)
		return NULL;
	if (entry_bytes != sizeof(struct rela))
		return "the relocations' size (DT_RELAENT) is not 24 bytes";
	if (rela_bytes % sizeof(struct rela))
		return "the relocations (DT_RELASZ) are not a whole number";
	file->relas = rela_bytes / sizeof(struct rela);
	return locate(file, rela, rela_bytes, &file->rela_offset);
}

#define REFUSED(name) "a relocation is of type " name "; only R_X86_64_RELATIVE is applied"

/* The types that a linker leaves in a file when a symbol is undefined or may be replaced. */
static const char *refuse_type(uint32_t type)
{
	static const char *const why[] = {
		[0] = REFUSED("R_X86_64_NONE"),
		[1] = REFUSED("R_X86_64_64 (an undefined symbol?)"),
		[2] = REFUSED("R_X86_64_PC32"),
		[4] = REFUSED("R_X86_64_PLT32"),
		[5] = REFUSED("R_X86_64_COPY"),
		[6] = REFUSED("R_X86_64_GLOB_DAT (an undefined symbol?)"),
		[7] = REFUSED("R_X86_64_JUMP_SLOT (an undefined symbol?)"),
		[10] = REFUSED("R_X86_64_32"),
		[11] = REFUSED("R_X86_64_32S"),
		[16] = REFUSED("R_X86_64_DTPMOD64 (a thread's variable)"),
		[17] = REFUSED("R_X86_64_DTPOFF64 (a thread's variable)"),
		[18] = REFUSED("R_X86_64_TPOFF64 (a thread's variable)"),
		[24] = REFUSED("R_X86_64_PC64"),
		[36] = REFUSED("R_X86_64_TLSDESC (a thread's variable)"),
		[37] = REFUSED("R_X86_64_IRELATIVE (an indirect function)"),
	};

	if (type < sizeof(why) / sizeof(why[0]) && why[type])
		return why[type];
	return REFUSED("unknown to us");
}

static const char *check_rela(const struct rela *rela, const struct elf_image *image)
{
	const struct elf_segment *segment;
	unsigned i;

	if (rela->type != RELOCATION_RELATIVE)
		return refuse_type(rela->type);
	if (rela->symbol)
		return "a relocation of type R_X86_64_RELATIVE names a symbol";
	if (rela->addend > image->bytes)
		return "a relocation points outside the image";
	for (i = 0; i < image->segments; i++) {
		segment = &image->segment[i];
		if (!is_inside(rela->offset, sizeof(uint64_t), segment->offset,
			       segment->offset + segment->bytes))
			continue;
		/* Read-only data may hold addresses; the text is the same bytes everywhere. */
		return segment->rights & ELF_EXEC ? "a relocation is in the text" : NULL;
	}
	return "a relocation is outside the segments";
}

static const char *check_relas(const struct reader *file, const struct elf_image *image)
{
	struct rela rela;
	const char *why;
	uint64_t i;

	for (i = 0; i < file->relas; i++) {
		if (!get(file, file->rela_offset + i * sizeof(rela), &rela, sizeof(rela)))
			return "a relocation lies beyond the end of the file";
		why = check_rela(&rela, image);
		if (why)
			return why;
	}
	return NULL;
}

static const char *check_entry(const struct reader *file, struct elf_image *image)
{
	const struct elf_segment *segment;
	unsigned i;

	image->entry = file->header.entry;
	for (i = 0; i < image->segments; i++) {
		segment = &image->segment[i];
		if ((segment->rights & ELF_EXEC) &&
		    is_inside(image->entry, 1, segment->offset, segment->offset + segment->bytes))
			return NULL;
	}
	return "the entry point is not in executable memory";
}

static const char *check_program_header(struct reader *file, const struct program_header *header,
					struct elf_image *image)
{
	switch (header->type) {
	case SEGMENT_LOAD:
		return header->bytes ? add_segment(header, image) : NULL;
	case SEGMENT_DYNAMIC:
		return read_dynamic(file, header);
	case SEGMENT_NOTE:
		return read_notes(file, header, image);
	case SEGMENT_INTERP:
		return "the image wants an interpreter (a dynamic linker)";
	case SEGMENT_TLS:
		return "the image has thread-local variables";
	default:
		return NULL;
	}
}

static const char *parse(struct reader *file, struct elf_image *image)
{
	struct program_header header;
	const char *why;
	unsigned i;

	memset(image, 0, sizeof(*image));
	why = check_file_header(file);
	for (i = 0; !why && i < file->header.program_header_count; i++) {
		why = get_program_header(file, i, &header);
		if (!why)
			why = check_program_header(file, &header, image);
	}
	if (!why && !image->segments)
		why = "the image has no loadable segment";
	if (!why)
		why = check_entry(file, image);
	if (!why)
		why = check_relas(file, image);
	return why;
}

const char *elf_parse(const void *file, size_t file_bytes, struct elf_image *image)
{
	struct reader parsed = { .bytes = file, .size = file_bytes };

	return parse(&parsed, image);
}

const char *elf_load(const void *file, size_t file_bytes, const struct elf_image *image,
		     void *memory, uint64_t base)
{
	struct reader parsed = { .bytes = file, .size = file_bytes };
	struct program_header header;
	struct elf_image now;
	struct rela rela;
	uint8_t *to = memory;
	const char *why;
	uint64_t i;

	/* `memory` is as large as `image` says: make sure that this file fits into it. */
	why = parse(&parsed, &now);
	if (!why && now.bytes != image->bytes)
		why = "the file is not the one that was parsed";
	if (!why && base & (SIZE_4K - 1))
		why = "the image's address is not a multiple of 4 KiB";
	if (why)
		return why;

	for (i = 0; i < parsed.header.program_header_count; i++) {
		why = get_program_header(&parsed, i, &header);
		if (why)
			return why;
		if (header.type == SEGMENT_LOAD && header.bytes)
			memcpy(to + header.address, parsed.bytes + header.offset,
			       header.file_bytes);
	}
	for (i = 0; i < parsed.relas; i++) {
		if (!get(&parsed, parsed.rela_offset + i * sizeof(rela), &rela, sizeof(rela)))
			return "a relocation lies beyond the end of the file";
		rela.addend += base;
		memcpy(to + rela.offset, &rela.addend, sizeof(rela.addend));
	}
	return NULL;
}
