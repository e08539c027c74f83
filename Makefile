# SPDX-License-Identifier: MIT
#
# HyperPlatform's top Makefile. Everything that is built goes to build/.
#
#   make                    root.elf, hpctl, and the module for the running kernel if it has headers
#   make build/root.elf     the root image, the same for every host
#   make linux KERNEL=6.1.0-56-cloud-amd64   the module for an installed headers package
#   make windows            the driver and hpctl.exe for Windows, in build/windows, and a zip of them
#   make install            hpctl, its man page, root's symbols, and the module of KERNEL (default:
#                           the running one)
#   make run                the demo: a Debian system in the emulator, with HyperPlatform under it
#   make entry-rules-page   the list of rules in docs/entry-rules.md
#   make test               all tests; the last line is "N passed, N failed"

BUILD := build
KERNEL ?= $(shell uname -r)
PREFIX ?= /usr/local
MODULES ?= /lib/modules/$(KERNEL)

CC ?= gcc
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wshadow

# Root is a program of its own: no C library, no vector registers (they are the guest's), no red
# zone (NMIs use the stack), no thunk or table that an indirect branch could be steered through.
ROOT_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -fpie -fvisibility=hidden \
	-mcmodel=small -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-fno-jump-tables -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-strict-aliasing \
	-mindirect-branch=thunk-inline -mindirect-branch-register \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. -Iinclude
ROOT_LDFLAGS := -pie --no-dynamic-linker -z text -z max-page-size=4096 -z noexecstack \
	--no-undefined --gc-sections --build-id=sha1 -T root/root.lds

ROOT_BASE := capability ept ept_device ept_pool ept_retype guest_walk image_table interception mtrr msr operand paging vmcs
ROOT_C := $(wildcard root/*.c) $(wildcard $(ROOT_BASE:%=base/%.c))
ROOT_S := $(wildcard root/*.S)
ROOT_OBJECTS := $(ROOT_C:%.c=$(BUILD)/root/%.o) $(ROOT_S:%.S=$(BUILD)/root/%.S.o)

HPCTL_C := $(filter-out %_windows.c,$(wildcard tools/hpctl/*.c)) base/vmcs.c \
	$(wildcard base/entry_rules*.c)
HPCTL_OBJECTS := $(HPCTL_C:%.c=$(BUILD)/tools/%.o)

.PHONY: all linux windows install uninstall run test clean
all: $(BUILD)/root.elf $(BUILD)/root.sym $(BUILD)/hpctl $(if $(wildcard /lib/modules/$(KERNEL)/build),linux)

$(BUILD)/root/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(ROOT_CFLAGS) -MMD -c $< -o $@

$(BUILD)/root/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "  AS   $<"
	@$(CC) -Iinclude -g -ffile-prefix-map=$(CURDIR)=. -MMD -c $< -o $@

# Linked with nothing: an undefined symbol fails here. Symbols stay in root.debug.
$(BUILD)/root.debug: $(ROOT_OBJECTS) root/root.lds
	@echo "  LD   $@"
	@$(LD) $(ROOT_LDFLAGS) $(sort $(ROOT_OBJECTS)) -o $@
	@! readelf --wide --relocs $@ | grep R_X86_64 | grep -v R_X86_64_RELATIVE || \
		{ echo "root.elf: a relocation that is not relative" >&2; rm -f $@; exit 1; }

$(BUILD)/root.elf: $(BUILD)/root.debug
	@echo "  STRIP $@"
	@objcopy --strip-all $< $@

# For hpctl report: the functions by their offsets, and where the last one ends, which has no name.
$(BUILD)/root.sym: $(BUILD)/root.debug
	@echo "  NM   $@"
	@{ readelf --notes $< | sed -n 's/^ *Build ID: /build-id /p'; \
		nm --defined-only --numeric-sort $< | \
			awk '$$2 ~ /[tT]/ && !seen[$$1]++ { print $$1, $$3 }'; \
		size -A -x $< | awk '$$1 == ".text" { print substr($$2, 3), "-" }'; } >$@

$(BUILD)/tools/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) -std=gnu11 -O2 -g $(WARNINGS) -Iinclude -I. -MMD -c $< -o $@

$(BUILD)/hpctl: $(HPCTL_OBJECTS)
	@echo "  LD   $@"
	@$(CC) $^ -lcjson -o $@

linux: $(BUILD)/root.elf
	$(MAKE) -f host/linux/build.mk KERNEL=$(KERNEL) BUILD=$(BUILD)

windows: $(BUILD)/root.elf $(BUILD)/root.sym
	$(MAKE) -f host/windows/build.mk BUILD=$(BUILD)

install: $(BUILD)/hpctl $(BUILD)/root.sym linux
	install -D -m 755 $(BUILD)/hpctl $(DESTDIR)$(PREFIX)/sbin/hpctl
	install -D -m 644 $(BUILD)/root.sym $(DESTDIR)$(PREFIX)/lib/hyperplatform/root.sym
	install -D -m 644 docs/hpctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/hpctl.1
	install -D -m 644 $(BUILD)/linux/$(KERNEL)/hyperplatform.ko \
		$(DESTDIR)$(MODULES)/extra/hyperplatform.ko
	$(if $(DESTDIR),,depmod $(KERNEL))

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/hpctl $(DESTDIR)$(PREFIX)/share/man/man1/hpctl.1 \
		$(DESTDIR)$(PREFIX)/lib/hyperplatform/root.sym \
		$(DESTDIR)$(MODULES)/extra/hyperplatform.ko
	$(if $(DESTDIR),,depmod $(KERNEL))

# The list of rules in docs/entry-rules.md, behind its head, which is written by hand.
.PHONY: entry-rules-page
entry-rules-page: $(BUILD)/hpctl
	sed '/^## The rules/q' docs/entry-rules.md >$(BUILD)/entry-rules.md
	{ echo; $(BUILD)/hpctl entry-rules --list; } >>$(BUILD)/entry-rules.md
	mv $(BUILD)/entry-rules.md docs/entry-rules.md

run:
	lab/demo

test:
	tests/run

clean:
	rm -rf $(BUILD)

-include $(ROOT_OBJECTS:.o=.d) $(HPCTL_OBJECTS:.o=.d)
