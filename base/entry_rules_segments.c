// SPDX-License-Identifier: MIT
/*
 * The rules for the guest's segment registers. What they demand depends on the mode that the guest
 * will be in: virtual-8086, IA-32e, unrestricted. A broken one makes the entry fail with exit
 * reason 33.
 *
 * Source: SDM, Checks on Guest Segment Registers.
 * World: any (pure).
 */
#include "entry_rules_part.h"

#define SECTION "Checks on Guest Segment Registers"

/* Types of descriptors. SDM: Code- and Data-Segment Types; System-Segment Types. */
#define TYPE_DATA_WRITABLE	      3u /* accessed, as all of these */
#define TYPE_DATA_WRITABLE_EXPAND     7u
#define TYPE_CODE		      9u
#define TYPE_CODE_READABLE	      11u
#define TYPE_CODE_CONFORMING	      13u
#define TYPE_CODE_CONFORMING_READABLE 15u
#define TYPE_LDT		      2u
#define TYPE_TSS_16_BUSY	      3u
#define TYPE_TSS_BUSY		      11u

#define RIGHTS_RESERVED 0xfffe0f00u /* bits 31:17 and 11:8 */
#define RIGHTS_8086	0xf3u	    /* present, DPL 3, data, writable, accessed; 16-bit */

/* The fields of each register lie in the table in the manual's order. */
static uint64_t selector_of(const struct entry_state *s, unsigned seg)
{
	return s->value[VMCS_AT_GUEST_ES + seg];
}

static uint64_t base_of(const struct entry_state *s, unsigned seg)
{
	return s->value[VMCS_AT_GUEST_ES_BASE + seg];
}

static uint32_t limit_of(const struct entry_state *s, unsigned seg)
{
	return (uint32_t)s->value[VMCS_AT_GUEST_ES_LIMIT + seg];
}

static uint32_t rights_of(const struct entry_state *s, unsigned seg)
{
	return (uint32_t)s->value[VMCS_AT_GUEST_ES_RIGHTS + seg];
}

static unsigned type_of(const struct entry_state *s, unsigned seg)
{
	return RIGHTS_TYPE(rights_of(s, seg));
}

static unsigned dpl_of(const struct entry_state *s, unsigned seg)
{
	return RIGHTS_DPL(rights_of(s, seg));
}

static bool usable(const struct entry_state *s, unsigned seg)
{
	return !(rights_of(s, seg) & RIGHTS_UNUSABLE);
}

/* Rights and limit are looked at: outside virtual-8086 mode, of a usable register and of CS. */
static bool looked_at(const struct entry_state *s, unsigned seg)
{
	if (seg == SEG_LDTR)
		return usable(s, seg);
	if (seg == SEG_TR)
		return true;
	return !s->virtual_8086 && (seg == SEG_CS || usable(s, seg));
}

/* --- Selectors --- */

static uint64_t selector_table(const struct entry_state *s, unsigned seg)
{
	return seg == SEG_TR || usable(s, seg) ? selector_of(s, seg) & SELECTOR_TI : 0;
}

static uint64_t ss_rpl(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !s->virtual_8086 && !s->unrestricted &&
	       (selector_of(s, SEG_SS) & SELECTOR_RPL) != (selector_of(s, SEG_CS) & SELECTOR_RPL);
}

/* --- Bases and limits --- */

static uint64_t base_8086(const struct entry_state *s, unsigned seg)
{
	return s->virtual_8086 && base_of(s, seg) != selector_of(s, seg) << 4;
}

static uint64_t limit_8086(const struct entry_state *s, unsigned seg)
{
	return s->virtual_8086 && limit_of(s, seg) != 0xffff;
}

static uint64_t base_canonical(const struct entry_state *s, unsigned seg)
{
	if (seg == SEG_LDTR && !usable(s, seg))
		return 0;
	if (s->virtual_8086 && (seg == SEG_FS || seg == SEG_GS))
		return 0; /* base_8086 says more */
	return entry_not_canonical(s, base_of(s, seg));
}

static uint64_t base_high(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) ? base_of(s, seg) & ~0xffffffffull : 0;
}

/* --- Rights --- */

static uint64_t rights_8086(const struct entry_state *s, unsigned seg)
{
	return s->virtual_8086 ? rights_of(s, seg) ^ RIGHTS_8086 : 0;
}

static uint64_t cs_type(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	if (s->virtual_8086)
		return 0;
	switch (type_of(s, SEG_CS)) {
	case TYPE_CODE:
	case TYPE_CODE_READABLE:
	case TYPE_CODE_CONFORMING:
	case TYPE_CODE_CONFORMING_READABLE:
		return 0;
	case TYPE_DATA_WRITABLE:
		return !s->unrestricted;
	default:
		return 1;
	}
}

static uint64_t ss_type(const struct entry_state *s, unsigned argument)
{
	unsigned type = type_of(s, SEG_SS);

	(void)argument;
	return looked_at(s, SEG_SS) && type != TYPE_DATA_WRITABLE &&
	       type != TYPE_DATA_WRITABLE_EXPAND;
}

static uint64_t accessed(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) && !(rights_of(s, seg) & RIGHTS_ACCESSED);
}

static uint64_t readable(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) && (rights_of(s, seg) & RIGHTS_CODE) &&
	       !(rights_of(s, seg) & RIGHTS_READABLE);
}

static uint64_t code_or_data(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) && !(rights_of(s, seg) & RIGHTS_CODE_OR_DATA);
}

static uint64_t system(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) && (rights_of(s, seg) & RIGHTS_CODE_OR_DATA);
}

static uint64_t present(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) && !(rights_of(s, seg) & RIGHTS_PRESENT);
}

static uint64_t reserved(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) ? rights_of(s, seg) & RIGHTS_RESERVED : 0;
}

static uint64_t granularity(const struct entry_state *s, unsigned seg)
{
	bool pages = rights_of(s, seg) & RIGHTS_GRANULARITY;
	uint32_t limit = limit_of(s, seg);

	if (!looked_at(s, seg))
		return 0;
	return pages ? (limit & 0xfff) != 0xfff : (limit & 0xfff00000) != 0;
}

static uint64_t cs_big(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return looked_at(s, SEG_CS) && s->code_64 && (rights_of(s, SEG_CS) & RIGHTS_BIG);
}

/* --- Privilege levels --- */

static uint64_t cs_dpl(const struct entry_state *s, unsigned argument)
{
	unsigned dpl = dpl_of(s, SEG_CS), ss = dpl_of(s, SEG_SS);

	(void)argument;
	if (s->virtual_8086)
		return 0;
	switch (type_of(s, SEG_CS)) {
	case TYPE_DATA_WRITABLE:
		return s->unrestricted && dpl != 0;
	case TYPE_CODE:
	case TYPE_CODE_READABLE:
		return dpl != ss;
	case TYPE_CODE_CONFORMING:
	case TYPE_CODE_CONFORMING_READABLE:
		return dpl > ss;
	default:
		return 0;
	}
}

static uint64_t ss_dpl_rpl(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !s->virtual_8086 && !s->unrestricted &&
	       dpl_of(s, SEG_SS) != (selector_of(s, SEG_SS) & SELECTOR_RPL);
}

static uint64_t ss_dpl_zero(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !s->virtual_8086 && s->unrestricted && dpl_of(s, SEG_SS) != 0 &&
	       (type_of(s, SEG_CS) == TYPE_DATA_WRITABLE || !(s->cr0 & CR0_PE));
}

static uint64_t dpl_rpl(const struct entry_state *s, unsigned seg)
{
	return looked_at(s, seg) && !s->unrestricted && type_of(s, seg) <= TYPE_CODE_READABLE &&
	       dpl_of(s, seg) < (selector_of(s, seg) & SELECTOR_RPL);
}

/* --- TR and LDTR --- */

static uint64_t tr_type(const struct entry_state *s, unsigned argument)
{
	unsigned type = type_of(s, SEG_TR);

	(void)argument;
	return type != TYPE_TSS_BUSY && (s->ia32e || type != TYPE_TSS_16_BUSY);
}

static uint64_t tr_usable(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return !usable(s, SEG_TR);
}

static uint64_t ldtr_type(const struct entry_state *s, unsigned argument)
{
	(void)argument;
	return looked_at(s, SEG_LDTR) && type_of(s, SEG_LDTR) != TYPE_LDT;
}

/* --- The table --- */

#define X(name, ...)  RULE("guest-" name, ENTRY_GUEST, SECTION, __VA_ARGS__)
#define XB(name, ...) BITS("guest-" name, ENTRY_GUEST, SECTION, __VA_ARGS__)

#define IN_8086 "In virtual-8086 mode, the guest's "
#define IF_LOOKED_AT                                                                               \
	" of the guest, outside virtual-8086 mode and if it is usable (of CS in any case)"

/* What holds for ES, CS, SS, DS, FS and GS alike. `low`: the name in lower case. */
#define SELECTOR_8086(low, SEG)                                                                    \
	X(low "-base-8086", base_8086, SEG_##SEG,                                                  \
	  IN_8086 "base of " #SEG " must be its selector, times 16.",                              \
	  FIELDS3(GUEST_##SEG##_BASE, GUEST_##SEG, GUEST_RFLAGS))
#define LIMIT_8086(low, SEG)                                                                       \
	X(low "-limit-8086", limit_8086, SEG_##SEG, IN_8086 "limit of " #SEG " must be FFFFH.",    \
	  FIELDS2(GUEST_##SEG##_LIMIT, GUEST_RFLAGS))
#define RIGHTS_OF_8086(low, SEG)                                                                   \
	XB(low "-rights-8086", rights_8086, SEG_##SEG,                                             \
	   IN_8086 "access rights of " #SEG " must be F3H.",                                       \
	   FIELDS2(GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define CODE_OR_DATA(low, SEG)                                                                     \
	X(low "-s", code_or_data, SEG_##SEG,                                                       \
	  "Bit 4 (S) of the access rights of " #SEG IF_LOOKED_AT ", must be 1.",                   \
	  FIELDS2(GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define PRESENT(low, SEG)                                                                          \
	X(low "-present", present, SEG_##SEG,                                                      \
	  "Bit 7 (P) of the access rights of " #SEG IF_LOOKED_AT ", must be 1.",                   \
	  FIELDS2(GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define RESERVED(low, SEG)                                                                         \
	XB(low "-reserved", reserved, SEG_##SEG,                                                   \
	   "Bits 31:17 and 11:8 of the access rights of " #SEG IF_LOOKED_AT ", must be 0.",        \
	   FIELDS2(GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define GRANULARITY(low, SEG)                                                                      \
	X(low "-granularity", granularity, SEG_##SEG,                                              \
	  "G (bit 15) of the access rights of " #SEG IF_LOOKED_AT                                  \
	  ", must be 0 if any of bits 11:0 of the limit is 0, and 1 if any of bits 31:20 is 1.",   \
	  FIELDS3(GUEST_##SEG##_LIMIT, GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))

/* Data segments: ES, DS, FS and GS. */
#define ACCESSED(low, SEG)                                                                         \
	X(low "-accessed", accessed, SEG_##SEG,                                                    \
	  "If " #SEG                                                                               \
	  " of the guest is usable, and outside virtual-8086 mode, bit 0 (accessed) of "           \
	  "its access rights must be 1.",                                                          \
	  FIELDS2(GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define READABLE(low, SEG)                                                                         \
	X(low "-readable", readable, SEG_##SEG,                                                    \
	  "If " #SEG " of the guest is usable and a code segment, and outside virtual-8086 mode, " \
	  "bit 1 (readable) of its access rights must be 1.",                                      \
	  FIELDS2(GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define DPL(low, SEG)                                                                              \
	X(low "-dpl", dpl_rpl, SEG_##SEG,                                                          \
	  "Without \"unrestricted guest\", outside virtual-8086 mode and if " #SEG                 \
	  " is usable and its type at most 11, its DPL must not be less than its selector's RPL.", \
	  FIELDS4(GUEST_##SEG##_RIGHTS, GUEST_##SEG, PROC_CONTROLS2, GUEST_RFLAGS))

#define BASE_HIGH(low, SEG)                                                                        \
	XB(low "-base-high", base_high, SEG_##SEG,                                                 \
	   "Bits 63:32 of the base of " #SEG IF_LOOKED_AT ", must be 0.",                          \
	   FIELDS3(GUEST_##SEG##_BASE, GUEST_##SEG##_RIGHTS, GUEST_RFLAGS))
#define BASE_CANONICAL(low, SEG)                                                                   \
	X(low "-base", base_canonical, SEG_##SEG,                                                  \
	  "The guest's base of " #SEG " must be a canonical address.",                             \
	  FIELDS2(GUEST_##SEG##_BASE, GUEST_RFLAGS))

#define ALL_SIX(RULES)                                                                             \
	RULES("es", ES), RULES("cs", CS), RULES("ss", SS), RULES("ds", DS), RULES("fs", FS),       \
		RULES("gs", GS)
#define DATA_FOUR(RULES) RULES("es", ES), RULES("ds", DS), RULES("fs", FS), RULES("gs", GS)

static const struct entry_rule rules[] = {
	XB("tr-selector", selector_table, SEG_TR,
	   "TI (bit 2) of the guest's selector of TR must be 0.", FIELDS1(GUEST_TR)),
	XB("ldtr-selector", selector_table, SEG_LDTR,
	   "If LDTR is usable, TI (bit 2) of the guest's selector of it must be 0.",
	   FIELDS2(GUEST_LDTR, GUEST_LDTR_RIGHTS)),
	X("ss-rpl", ss_rpl, 0,
	  "Without \"unrestricted guest\" and outside virtual-8086 mode, the RPLs of the guest's "
	  "selectors of SS and CS must be the same.",
	  FIELDS4(GUEST_SS, GUEST_CS, PROC_CONTROLS2, GUEST_RFLAGS)),

	ALL_SIX(SELECTOR_8086),
	BASE_CANONICAL("tr", TR),
	BASE_CANONICAL("fs", FS),
	BASE_CANONICAL("gs", GS),
	X("ldtr-base", base_canonical, SEG_LDTR,
	  "If LDTR is usable, the guest's base of it must be a canonical address.",
	  FIELDS2(GUEST_LDTR_BASE, GUEST_LDTR_RIGHTS)),
	BASE_HIGH("cs", CS),
	BASE_HIGH("ss", SS),
	BASE_HIGH("ds", DS),
	BASE_HIGH("es", ES),
	ALL_SIX(LIMIT_8086),

	ALL_SIX(RIGHTS_OF_8086),
	X("cs-type", cs_type, 0,
	  "Outside virtual-8086 mode, the guest's type of CS must be 9, 11, 13 or 15 "
	  "(accessed code segment), or 3 with \"unrestricted guest\".",
	  FIELDS3(GUEST_CS_RIGHTS, PROC_CONTROLS2, GUEST_RFLAGS)),
	X("ss-type", ss_type, 0,
	  "If SS is usable, and outside virtual-8086 mode, the guest's type of it must be 3 or 7 "
	  "(accessed, writable data segment).",
	  FIELDS2(GUEST_SS_RIGHTS, GUEST_RFLAGS)),
	DATA_FOUR(ACCESSED),
	DATA_FOUR(READABLE),
	ALL_SIX(CODE_OR_DATA),
	X("cs-dpl", cs_dpl, 0,
	  "Outside virtual-8086 mode, the guest's DPL of CS must be that of SS if the type is 9 or "
	  "11, at most that of SS if it is 13 or 15, and 0 if it is 3.",
	  FIELDS3(GUEST_CS_RIGHTS, GUEST_SS_RIGHTS, GUEST_RFLAGS)),
	X("ss-dpl", ss_dpl_rpl, 0,
	  "Without \"unrestricted guest\" and outside virtual-8086 mode, the guest's DPL "
	  "of SS must be the RPL of its selector.",
	  FIELDS4(GUEST_SS_RIGHTS, GUEST_SS, PROC_CONTROLS2, GUEST_RFLAGS)),
	X("ss-dpl-zero", ss_dpl_zero, 0,
	  "With \"unrestricted guest\", the guest's DPL of SS must be 0 if the type of CS is 3 or "
	  "CR0.PE is 0.",
	  FIELDS4(GUEST_SS_RIGHTS, GUEST_CS_RIGHTS, GUEST_CR0, PROC_CONTROLS2)),
	DATA_FOUR(DPL),
	ALL_SIX(PRESENT),
	ALL_SIX(RESERVED),
	X("cs-default-size", cs_big, 0,
	  "With \"IA-32e mode guest\" and CS.L = 1, bit 14 (D/B) of the access rights of "
	  "CS must be 0.",
	  FIELDS2(GUEST_CS_RIGHTS, ENTRY_CONTROLS)),
	ALL_SIX(GRANULARITY),

	X("tr-type", tr_type, 0,
	  "The guest's type of TR must be 11 (busy TSS), or, without \"IA-32e mode "
	  "guest\", 3 (busy 16-bit TSS).",
	  FIELDS2(GUEST_TR_RIGHTS, ENTRY_CONTROLS)),
	X("tr-s", system, SEG_TR, "Bit 4 (S) of the guest's access rights of TR must be 0.",
	  FIELDS1(GUEST_TR_RIGHTS)),
	X("tr-present", present, SEG_TR, "Bit 7 (P) of the guest's access rights of TR must be 1.",
	  FIELDS1(GUEST_TR_RIGHTS)),
	XB("tr-reserved", reserved, SEG_TR,
	   "Bits 31:17 and 11:8 of the guest's access rights of TR must be 0.",
	   FIELDS1(GUEST_TR_RIGHTS)),
	X("tr-granularity", granularity, SEG_TR,
	  "G (bit 15) of the guest's access rights of TR must be 0 if any of bits 11:0 "
	  "of the limit is 0, and 1 if any of bits 31:20 is 1.",
	  FIELDS2(GUEST_TR_LIMIT, GUEST_TR_RIGHTS)),
	X("tr-usable", tr_usable, 0,
	  "Bit 16 (unusable) of the guest's access rights of TR must be 0.",
	  FIELDS1(GUEST_TR_RIGHTS)),
	X("ldtr-type", ldtr_type, 0, "If LDTR is usable, the guest's type of it must be 2 (LDT).",
	  FIELDS1(GUEST_LDTR_RIGHTS)),
	X("ldtr-s", system, SEG_LDTR,
	  "If LDTR is usable, bit 4 (S) of the guest's access rights of it must be 0.",
	  FIELDS1(GUEST_LDTR_RIGHTS)),
	X("ldtr-present", present, SEG_LDTR,
	  "If LDTR is usable, bit 7 (P) of the guest's access rights of it must be 1.",
	  FIELDS1(GUEST_LDTR_RIGHTS)),
	XB("ldtr-reserved", reserved, SEG_LDTR,
	   "If LDTR is usable, bits 31:17 and 11:8 of the guest's access rights of it must be 0.",
	   FIELDS1(GUEST_LDTR_RIGHTS)),
	X("ldtr-granularity", granularity, SEG_LDTR,
	  "If LDTR is usable, G (bit 15) of the guest's access rights of it must be 0 if any of "
	  "bits 11:0 of the limit is 0, and 1 if any of bits 31:20 is 1.",
	  FIELDS2(GUEST_LDTR_LIMIT, GUEST_LDTR_RIGHTS)),
};

const struct entry_part entry_rules_segments = { rules, sizeof(rules) / sizeof(rules[0]) };
