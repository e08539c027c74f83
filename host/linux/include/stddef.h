/* SPDX-License-Identifier: MIT */
/* What common code means by <stddef.h>, in the kernel. World: OS. */
#include <linux/types.h>
#include <linux/stddef.h>
