/* SPDX-License-Identifier: MIT */
/* What common code means by <stdbool.h>, in the kernel. World: OS. */
#include <linux/types.h>
