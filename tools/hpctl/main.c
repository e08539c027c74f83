// SPDX-License-Identifier: MIT
/*
 * hpctl, the command that loads HyperPlatform, asks it things and unloads it. The verbs are in
 * hpctl.c.
 */
#include "hpctl.h"

int main(int argc, char **argv)
{
	os_start();
	return hpctl_run(argc, argv);
}
