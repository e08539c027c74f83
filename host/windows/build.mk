# SPDX-License-Identifier: MIT
#
# Builds the Windows side with mingw-w64; run by the top Makefile, from the tree's top folder:
#
#     make -f host/windows/build.mk [BUILD=<folder>]
#
# In $(BUILD)/windows: hyperplatform.sys, signed for test signing, and hyperplatform.debug, its
# symbols; hpctl.exe; and all that goes to a test machine, as hyperplatform-windows.zip.

BUILD ?= build
OUT := $(BUILD)/windows
CROSS := x86_64-w64-mingw32-
DDK := /usr/share/mingw-w64/include/ddk
DEPENDENCIES = -MMD -MP

.PHONY: windows
windows: $(OUT)/hyperplatform-windows.zip

WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wshadow

# The driver: no C library, no vector registers, no stack probes. Unwind data stays: the kernel's
# debugger reads it.
DRIVER_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -mgeneral-regs-only -mcmodel=small \
	-mno-stack-arg-probe -fno-stack-protector -fno-strict-aliasing -fno-ident \
	-fno-tree-loop-distribute-patterns -ffile-prefix-map=$(CURDIR)=. \
	-Ihost/windows/include -Iinclude -isystem $(DDK)
DRIVER_LDFLAGS := -nostdlib -Wl,--subsystem,native:6.1 -Wl,--major-os-version,6 \
	-Wl,--minor-os-version,1 -Wl,--entry,DriverEntry \
	-Wl,--image-base,0x140000000 -Wl,--dynamicbase -Wl,--nxcompat \
	-Wl,--enable-reloc-section -Wl,--no-insert-timestamp -Wl,--fatal-warnings

DRIVER_C := $(wildcard host/windows/*.c) $(wildcard host/*.c) \
	$(addprefix base/, capability.c elf.c ept.c image_table.c interception.c msr.c mtrr.c paging.c record.c)
DRIVER_OBJECTS := $(DRIVER_C:%.c=$(OUT)/driver/%.o) \
	$(addprefix $(OUT)/driver/, host/windows/fault.S.o host/windows/root_elf.S.o gate/gate.S.o)

$(OUT)/driver/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CROSS)gcc $(DRIVER_CFLAGS) $(DEPENDENCIES) -c $< -o $@

$(OUT)/driver/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "  AS   $<"
	@$(CROSS)gcc -Iinclude -Wa,-I$(BUILD) $(DEPENDENCIES) -c $< -o $@

$(OUT)/driver/host/windows/root_elf.S.o: $(BUILD)/root.elf

# The gate runs in both worlds: it is a section of the image of its own, one page.
$(OUT)/driver/gate/gate.S.o: gate/gate.S
	@mkdir -p $(@D)
	@echo "  AS   $<"
	@$(CROSS)gcc -Iinclude $(DEPENDENCIES) -c $< -o $@
	@$(CROSS)objcopy --rename-section .text=.gate $@

# The import library has what imports.txt has, so that nothing else can be linked.
$(OUT)/libntoskrnl.a: host/windows/imports.txt
	@mkdir -p $(@D)
	@{ echo 'LIBRARY ntoskrnl.exe'; echo EXPORTS; sed -n 's/^\([A-Za-z_]\w*\).*/\1/p' $<; } \
		>$(OUT)/ntoskrnl.def
	@$(CROSS)dlltool --no-leading-underscore -d $(OUT)/ntoskrnl.def -l $@

# Linked twice, since strip would write the time into the image.
$(OUT)/hyperplatform.unsigned: $(DRIVER_OBJECTS) $(OUT)/libntoskrnl.a host/windows/check
	@echo "  LD   $@"
	@$(CROSS)gcc $(DRIVER_LDFLAGS) $(sort $(DRIVER_OBJECTS)) $(OUT)/libntoskrnl.a \
		-o $(OUT)/hyperplatform.debug
	@$(CROSS)gcc $(DRIVER_LDFLAGS) -s $(sort $(DRIVER_OBJECTS)) $(OUT)/libntoskrnl.a -o $@
	@host/windows/check $@ $(BUILD)/root.elf || { rm -f $@; exit 1; }

# A certificate for tests, made once for a build folder. Its key stays there.
$(OUT)/test.key:
	@mkdir -p $(@D)
	@openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj '/CN=HyperPlatform test' \
		-addext 'keyUsage=digitalSignature' -addext 'extendedKeyUsage=codeSigning' \
		-keyout $@.new -out $(OUT)/test.pem 2>$(OUT)/openssl.log || { cat $(OUT)/openssl.log; exit 1; }
	@openssl x509 -in $(OUT)/test.pem -outform DER -out $(OUT)/hyperplatform-test.cer
	@mv $@.new $@

$(OUT)/hyperplatform.sys: $(OUT)/hyperplatform.unsigned $(OUT)/test.key
	@echo "  SIGN $@"
	@rm -f $@
	@osslsigncode sign -h sha256 -certs $(OUT)/test.pem -key $(OUT)/test.key \
		-n 'HyperPlatform (test)' -in $< -out $@ >$(OUT)/sign.log || { cat $(OUT)/sign.log; exit 1; }

# hpctl: the same files as on Linux, but for those that know the system.
HPCTL_C := $(filter-out %_linux.c,$(wildcard tools/hpctl/*.c)) base/vmcs.c \
	$(wildcard base/entry_rules*.c)
HPCTL_OBJECTS := $(HPCTL_C:%.c=$(OUT)/tools/%.o) $(OUT)/tools/cJSON.o
HPCTL_CFLAGS := -std=gnu11 -O2 -g -D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0601 \
	-DCJSON_HIDE_SYMBOLS -Iinclude -I. -isystem $(OUT) -ffile-prefix-map=$(CURDIR)=.

$(OUT)/cjson/cJSON.c:
	@echo "  FETCH cjson"
	@tools/hpctl/fetch-cjson $(@D)

$(OUT)/tools/%.o: %.c $(OUT)/cjson/cJSON.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CROSS)gcc $(HPCTL_CFLAGS) $(WARNINGS) $(DEPENDENCIES) -c $< -o $@

$(OUT)/tools/cJSON.o: $(OUT)/cjson/cJSON.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CROSS)gcc $(HPCTL_CFLAGS) -c $< -o $@

$(OUT)/hpctl.exe: $(HPCTL_OBJECTS)
	@echo "  LD   $@"
	@$(CROSS)gcc -s -static -Wl,--no-insert-timestamp $(HPCTL_OBJECTS) -lntdll -o $@

# The debugger's script, with the texts of records as base/record.h has them, and those of abi.h.
define SCRIPT_TEXTS
#include "base/record.h"
#define RECORD(name, number, level, text) [number] = text,
#define TEXT(name, number, text) [number] = text,
const FORMATS = { RECORD_FORMATS(RECORD) };
const KINDS = { HP_REPORT_KINDS(TEXT) };
const ENDS = { HP_REPORT_ENDS(TEXT) };
endef
export SCRIPT_TEXTS

$(OUT)/hyperplatform.js: host/windows/hyperplatform.js base/record.h include/hyperplatform/abi.h
	@{ cat $<; echo "$$SCRIPT_TEXTS" | $(CC) -E -P -Iinclude -I. - | \
		sed -n '/^const FORMATS/,$$p' | \
		sed 's/ *\[\([0-9]*\)\] = /\n\t\1: /g; s/" "//g; s/, };/,\n};/'; } >$@

# What goes to a test machine, as Windows reads it.
$(OUT)/hyperplatform-windows.zip: $(OUT)/hyperplatform.sys $(OUT)/hpctl.exe $(OUT)/hyperplatform.js $(BUILD)/root.sym \
		host/windows/install.cmd host/windows/uninstall.cmd docs/windows.md LICENSE
	@echo "  ZIP  $@"
	@rm -rf $(OUT)/zip $@ && mkdir -p $(OUT)/zip/hyperplatform
	@for file in host/windows/install.cmd host/windows/uninstall.cmd docs/windows.md LICENSE \
		$(OUT)/hyperplatform.js; do \
		sed 's/$$/\r/' $$file >$(OUT)/zip/hyperplatform/$$(basename $$file); done
	@sed 's/$$/\r/' $(OUT)/cjson/LICENSE >$(OUT)/zip/hyperplatform/LICENSE.cJSON
	@cp $(OUT)/hyperplatform.sys $(OUT)/hpctl.exe $(OUT)/hyperplatform-test.cer \
		$(BUILD)/root.sym $(OUT)/zip/hyperplatform/
	@cd $(OUT)/zip && zip -q -X -r ../hyperplatform-windows.zip hyperplatform

-include $(DRIVER_OBJECTS:.o=.d) $(HPCTL_OBJECTS:.o=.d)
