/* SPDX-License-Identifier: MIT */
/* What common code means by <stdarg.h>, in the kernel. World: OS. */
#include <linux/stdarg.h>
