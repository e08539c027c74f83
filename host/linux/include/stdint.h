/* SPDX-License-Identifier: MIT */
/* What common code means by <stdint.h>, in the kernel. World: OS. */
#include <linux/types.h>
