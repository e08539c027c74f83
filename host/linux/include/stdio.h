/* SPDX-License-Identifier: MIT */
/* What common code means by <stdio.h>: snprintf() and vsnprintf(). World: OS. */
#include <linux/kernel.h>
