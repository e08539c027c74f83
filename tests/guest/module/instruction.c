// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions in CPL 0: those of VMX and SMX as on a processor without them, VMCALL that does not
 * come from the gate, caches, TLBs, descriptor tables, exceptions with their error codes.
 *
 * World: the guest's kernel.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/desc.h>
#include <asm/processor-flags.h>

#include "hptest.h"

/* gate.h's signature: user of the contract, but not of its header, which is not for kernel code. */
#define GATE_SIGNATURE 0x4850677465436c6cull

#define CODES(X)                                                                                   \
	X(cpuid) X(vmcall) X(vmcall_prefixed) X(vmlaunch) X(vmresume) X(vmxoff) X(vmfunc) X(vmxon) \
	X(vmclear) X(vmptrld) X(vmptrst) X(vmread) X(vmread_memory) X(vmwrite) X(invept)           \
	X(invvpid) X(getsec) X(vmmcall) X(vmrun) X(rsm) X(invd) X(wbinvd) X(invlpg) X(invpcid)     \
	X(rdtscp) X(rdpid) X(rdpmc) X(pause) X(tpause) X(pconfig) X(encls) X(monitor)              \
	X(swapgs_twice) X(clac) X(stac) X(sgdt) X(sidt) X(sldt) X(str) X(smsw) X(ltr) X(lldt)      \
	X(xsaves) X(in_pic) X(ud2) X(int1) X(int3) X(divide) X(read) X(write) X(jump)              \
	X(cpuid_read) X(read_stack) X(mov_ds) X(mov_ss) X(mov_cr1) X(mov_cr5) X(no_math) X(flags)  \
	X(registers) X(lar_lsl)
#define CODE_EXTERN(name) extern const char code_##name[];
CODES(CODE_EXTERN)

static u8 room[4096] __aligned(4096);

static void start(const void *code)
{
	memset(room, 0, 64);
	run_prepare(code);
	trap_run.gpr[RDI] = (u64)room;
}

static void simple(const char *text, const void *code)
{
	start(code);
	run_say(text, 0);
}

static void vmx(void)
{
	simple("vmlaunch", code_vmlaunch);
	simple("vmresume", code_vmresume);
	simple("vmxoff", code_vmxoff);
	simple("vmfunc", code_vmfunc);
	simple("vmxon", code_vmxon);
	simple("vmclear", code_vmclear);
	simple("vmptrld", code_vmptrld);
	simple("vmptrst", code_vmptrst);
	simple("vmread", code_vmread);
	simple("vmread to memory", code_vmread_memory);
	simple("vmwrite", code_vmwrite);
	simple("invept", code_invept);
	simple("invvpid", code_invvpid);
	simple("getsec", code_getsec);
	simple("vmmcall", code_vmmcall);
	simple("vmrun", code_vmrun);
	simple("rsm", code_rsm);
}

/* With our signature, but not from the gate. */
static void vmcall(void)
{
	static const u64 values[] = { 0, 1, 2, 3, GATE_SIGNATURE, (u32)GATE_SIGNATURE, ~0ull };
	char text[64];
	unsigned int i;
	u64 code;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		for (code = 0; code < 5; code++) {
			start(code_vmcall);
			trap_run.gpr[RAX] = values[i];
			trap_run.gpr[RCX] = code;
			snprintf(text, sizeof(text), "RAX %#llx RCX %llu", values[i], code);
			run_say(text, 0);
		}
	}
	start(code_vmcall_prefixed);
	trap_run.gpr[RAX] = GATE_SIGNATURE;
	run_say("prefixed", 0);
}

static void caches(void)
{
	simple("invd", code_invd);
	simple("wbinvd", code_wbinvd);
}

static void tlb(void)
{
	char text[32];
	u64 type;

	start(code_invlpg);
	trap_run.gpr[RSI] = (u64)room;
	run_say("invlpg", 0);
	start(code_invlpg);
	trap_run.gpr[RSI] = 1ull << 63;
	run_say("invlpg, non-canonical", 0);
	for (type = 0; type < 5; type++) {
		start(code_invpcid);
		trap_run.gpr[RAX] = type;
		snprintf(text, sizeof(text), "invpcid type %llu", type);
		run_say(text, 0);
	}
	start(code_invpcid);
	room[2] = 0xff;
	run_say("invpcid, reserved bits", 0);
}

static void own_controls(void)
{
	simple("rdpid", code_rdpid);
	simple("pause", code_pause);
	simple("tpause", code_tpause);
	simple("pconfig", code_pconfig);
	simple("encls", code_encls);
	simple("xsaves", code_xsaves);
	simple("clac", code_clac);
	simple("stac, clac", code_stac);
	simple("swapgs twice", code_swapgs_twice);
	start(code_rdtscp);
	run_say("rdtscp", SHOW(RCX));
	start(code_rdpmc);
	trap_run.gpr[RCX] = 0x40000099;
	run_say("rdpmc of a counter that isn't there", 0);
	start(code_monitor);
	trap_run.gpr[RAX] = (u64)room;
	trap_run.gpr[RCX] = 1;
	run_say("monitor, ECX 1", 0);
	start(code_in_pic);
	run_say("in $0x21, %al", SHOW(RAX));
}

static void tables(void)
{
	unsigned int i;
	u64 base;
	u16 limit;

	for (i = 0; i < 2; i++) {
		start(i ? code_sidt : code_sgdt);
		run();
		memcpy(&limit, room, 2);
		memcpy(&base, room + 2, 8);
		say("%s: limit %#x base %#llx", i ? "sidt" : "sgdt", limit, base);
	}
	start(code_sldt);
	run_say("sldt", SHOW(RAX));
	start(code_str);
	run_say("str", SHOW(RAX));
	start(code_smsw);
	run_say("smsw", SHOW(RAX));
	start(code_ltr);
	trap_run.gpr[RAX] = GDT_ENTRY_TSS * 8;
	run_say("ltr of the busy TSS", 0);
	start(code_ltr);
	run_say("ltr of a null selector", 0);
	start(code_lldt);
	trap_run.gpr[RAX] = __KERNEL_CS;
	run_say("lldt of a code segment", 0);
	start(code_lldt);
	trap_run.gpr[RAX] = 0xfff8;
	run_say("lldt beyond the table", 0);
	start(code_lldt);
	run_say("lldt of a null selector", 0);
}

static void segments(void)
{
	char text[32];
	u64 selector;

	for (selector = 0; selector <= 0x80; selector += 8) {
		start(code_lar_lsl);
		trap_run.gpr[RSI] = selector;
		snprintf(text, sizeof(text), "selector %#llx", selector);
		/* Rights and limit, and whether each of LAR, LSL, VERR, VERW set ZF. */
		run_say(text, SHOW(RAX) | SHOW(RDX) | SHOW(R8) | SHOW(R9) | SHOW(R12) | SHOW(R13));
	}
	start(code_mov_ds);
	trap_run.gpr[RSI] = 0xf8;
	run_say("mov ds beyond the table", 0);
	start(code_mov_ss);
	run_say("mov ss of a null selector", 0);
	start(code_mov_ss);
	trap_run.gpr[RSI] = __USER_DS;
	run_say("mov ss of the user's", 0);
}

static void memory_access(const char *text, u64 address)
{
	static const struct {
		const char *text, *code;
	} list[] = {
		{ "read", code_read },
		{ "write", code_write },
		{ "jump to", code_jump },
		{ "cpuid, read", code_cpuid_read },
	};
	char both[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		start(list[i].code);
		trap_run.gpr[RSI] = address;
		snprintf(both, sizeof(both), "%s %s", list[i].text, text);
		run_say(both, 0);
	}
}

static void exceptions(void)
{
	simple("ud2", code_ud2);
	simple("int1", code_int1);
	simple("int3", code_int3);
	simple("division by 0", code_divide);
	simple("x87 with TS, behind cpuid", code_no_math);
	memory_access("null", 0);
	memory_access("non-canonical", 1ull << 63);
	memory_access("an unmapped kernel address", 0xffffff7000000000ull);
	start(code_write);
	trap_run.gpr[RSI] = (u64)code_write;
	run_say("write to read-only text", 0);
	start(code_jump);
	trap_run.gpr[RSI] = (u64)room;
	run_say("jump to data", 0);
	start(code_read_stack);
	trap_run.gpr[RBP] = 1ull << 63;
	run_say("a non-canonical address by RBP", 0);
}

static void registers_kept(void)
{
	unsigned int i;

	start(code_registers);
	for (i = RBP; i <= R15; i++)
		trap_run.gpr[i] = 0x1111111111111111ull * (i - 3) + i;
	run_say("cpuid", 0xf3e0);
}

static void flags_kept(void)
{
	static const u64 flags[] = { 0x2, 0x8d7, 0x402, 0x4002, 0x40002, 0x200002, 0x3002, 0x2474d7 };
	char text[32];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		start(code_flags);
		trap_run.gpr[RSI] = flags[i];
		snprintf(text, sizeof(text), "cpuid with %#llx", flags[i]);
		run_say(text, SHOW(R9));
	}
}

const struct probe instruction_probes[] = {
	{ "kernel: VMX and SMX instructions", vmx },
	{ "kernel: VMCALL from outside the gate", vmcall },
	{ "kernel: INVD and WBINVD", caches },
	{ "kernel: INVLPG and INVPCID", tlb },
	{ "kernel: instructions with a control of their own", own_controls },
	{ "kernel: descriptor tables", tables },
	{ "kernel: segments", segments },
	{ "kernel: exceptions", exceptions },
	{ "kernel: CPUID keeps the registers", registers_kept },
	{ "kernel: CPUID keeps RFLAGS", flags_kept },
	{ NULL, NULL },
};
