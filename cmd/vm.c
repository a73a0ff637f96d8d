/* SPDX-License-Identifier: MIT */
/* The lab is an executable of its own, since libarchive brings many libraries along. */
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "cmd/cmd.h"

static const char *const places[] = { "vhostcheck-vm",
				      "../libexec/vhostcheck/vhostcheck-vm" };

static int run_vm(struct cmd_ctx *ctx, int argc, char **argv)
{
	static const char hint[] =
		"install it beside vhostcheck, or build it: ./dev build";
	char path[PATH_MAX + 64];
	int e = 0;

	(void)argc;
	(void)signal(SIGPIPE, SIG_DFL);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		e = -cmd_beside(places[i], path, sizeof(path));
		if (e)
			break;
		(void)execv(path, argv);
		e = errno;
		if (e != ENOENT)
			break;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (e == ENOENT)
		return cmd_fail(ctx, CMD_EXIT_LAB, "no_lab", hint,
				"vhostcheck-vm is not installed: neither beside "
				"vhostcheck nor in ../libexec/vhostcheck");
	return cmd_fail(ctx, CMD_EXIT_LAB, "no_lab", hint,
			"cannot start vhostcheck-vm: %s", strerror(e));
}

const struct cmd cmd_vm = {
	.name = "vm",
	.help = "boot kernels in a small virtual machine and run there",
	.run = run_vm,
};
