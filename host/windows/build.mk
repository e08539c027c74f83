# SPDX-License-Identifier: MIT
#
# Builds the Windows side with mingw-w64; run by the top Makefile, from the tree's top folder:
#
#     make -f host/windows/build.mk [BUILD=<folder>]
#
# In $(BUILD)/windows: hyperplatform.sys, signed for test signing; hpctl.exe; and all that goes to a
# test machine, as hyperplatform-windows.zip.

BUILD ?= build
OUT := $(BUILD)/windows
CROSS := x86_64-w64-mingw32-
DDK := /usr/share/mingw-w64/include/ddk

WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wshadow

# The driver: no C library, no vector registers, no stack probes. Unwind data stays: the kernel's
# debugger reads it.
DRIVER_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -mgeneral-regs-only -mcmodel=small \
	-mno-stack-arg-probe -fno-stack-protector -fno-strict-aliasing -fno-ident \
	-fno-tree-loop-distribute-patterns -ffile-prefix-map=$(CURDIR)=. \
	-Ihost/windows/include -Iinclude -isystem $(DDK)
DRIVER_LDFLAGS := -nostdlib -Wl,--subsystem,native:6.1 -Wl,--entry,DriverEntry \
	-Wl,--image-base,0x140000000 -Wl,--dynamicbase -Wl,--nxcompat \
	-Wl,--enable-reloc-section -Wl,--no-insert-timestamp -Wl,--fatal-warnings

DRIVER_C := $(wildcard host/windows/*.c) $(wildcard host/*.c) \
	$(addprefix base/, capability.c elf.c ept.c interception.c msr.c mtrr.c paging.c record.c)
DRIVER_OBJECTS := $(DRIVER_C:%.c=$(OUT)/driver/%.o) \
	$(addprefix $(OUT)/driver/, host/windows/fault.S.o host/windows/root_elf.S.o gate/gate.S.o)

.PHONY: windows
windows: $(OUT)/hyperplatform.sys

$(OUT)/driver/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CROSS)gcc $(DRIVER_CFLAGS) -MMD -c $< -o $@

$(OUT)/driver/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "  AS   $<"
	@$(CROSS)gcc -Iinclude -Wa,-I$(BUILD) -MMD -c $< -o $@

$(OUT)/driver/host/windows/root_elf.S.o: $(BUILD)/root.elf

# The gate runs in both worlds: it is a section of the image of its own, one page.
$(OUT)/driver/gate/gate.S.o: gate/gate.S
	@mkdir -p $(@D)
	@echo "  AS   $<"
	@$(CROSS)gcc -Iinclude -MMD -c $< -o $@
	@$(CROSS)objcopy --rename-section .text=.gate $@

# The import library has what imports.txt has, so that nothing else can be linked.
$(OUT)/ntoskrnl.def: host/windows/imports.txt
	@mkdir -p $(@D)
	@{ echo 'LIBRARY ntoskrnl.exe'; echo EXPORTS; sed -n 's/^\([A-Za-z_]\w*\).*/\1/p' $<; } >$@

$(OUT)/libntoskrnl.a: $(OUT)/ntoskrnl.def
	@$(CROSS)dlltool --no-leading-underscore -d $< -l $@

$(OUT)/hyperplatform.unsigned: $(DRIVER_OBJECTS) $(OUT)/libntoskrnl.a host/windows/check
	@echo "  LD   $@"
	@$(CROSS)gcc $(DRIVER_LDFLAGS) $(sort $(DRIVER_OBJECTS)) $(OUT)/libntoskrnl.a -o $@
	@$(CROSS)objcopy --only-keep-debug $@ $(OUT)/hyperplatform.debug

$(OUT)/hyperplatform.sys: $(OUT)/hyperplatform.unsigned
	@$(CROSS)strip -o $@ $<

-include $(DRIVER_OBJECTS:.o=.d)
