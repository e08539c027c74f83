# SPDX-License-Identifier: MIT
#
# Builds hyperplatform.ko for one kernel; run by the top Makefile, from the tree's top folder:
#
#     make -f host/linux/build.mk KERNEL=<release> [BUILD=<folder>] [KDIR=<kernel's build folder>]
#
# kbuild writes beside the sources, so it works in $(BUILD)/linux/<release>, which has links to them:
# several kernels can be built at the same time, and the tree stays clean.

KERNEL ?= $(shell uname -r)
BUILD ?= build
KDIR ?= /lib/modules/$(KERNEL)/build
OUT := $(abspath $(BUILD))/linux/$(KERNEL)

.PHONY: module
module:
	@mkdir -p $(OUT)
	@cp -rsf $(CURDIR)/base $(CURDIR)/gate $(CURDIR)/host $(CURDIR)/include $(OUT)/
	@ln -sf host/linux/Kbuild $(OUT)/Kbuild
	@cmp -s $(BUILD)/root.elf $(OUT)/root.elf || cp $(BUILD)/root.elf $(OUT)/root.elf
	+@$(MAKE) --no-print-directory -C $(KDIR) M=$(OUT) CONFIG_DEBUG_INFO_BTF_MODULES= modules
