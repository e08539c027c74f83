/* SPDX-License-Identifier: MIT */
/* What common code means by <string.h>, in the kernel. World: OS. */
#include <linux/string.h>
