/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/lab.h"
#include "vm/guest_root.h"

int lab_root_resolve(const struct cmd_ctx *ctx, struct lab_options *o)
{
	char path[PATH_MAX];
	struct stat st;

	if (!o->command)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage",
				"say what to run there: --root DIR KERNEL -- CMD",
				"--root goes with a command");
	if (o->add.count)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage",
				"put the program into DIR, or leave --root out",
				"--add does not go with --root: the guest's programs are "
				"those of %s",
				o->root);
	if (!realpath(o->root, path) || stat(path, &st) < 0)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage",
				"name a directory with a system in it, as /",
				"--root %s: %m", o->root);
	if (!S_ISDIR(st.st_mode))
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage",
				"name a directory with a system in it, as /",
				"--root %s is not a directory", o->root);
	o->root = arena_strdup(&o->run.arena, path);
	return o->root ? 0 : cmd_fail_memory(ctx);
}

/* What decides how a program talks; TERM only where a terminal listens */
static bool goes_along(const char *variable)
{
	static const char *const names[] = { "LANG=", "LANGUAGE=", "LC_",
					     "TZ=", "NO_COLOR=" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return true;
	return !strncmp(variable, "TERM=", 5) && isatty(STDOUT_FILENO);
}

/* The caller's directory as it is below @root; "/" if it is not */
static const char *directory_in(const char *root, char *cwd, size_t size)
{
	size_t len = strlen(root);

	if (!getcwd(cwd, size) || strncmp(cwd, root, len) != 0)
		return "/";
	if (root[len - 1] == '/') /* it is / */
		return cwd;
	return cwd[len] == '/' ? cwd + len : "/";
}

static void print_words(const struct lab_options *o, FILE *to)
{
	char cwd[PATH_MAX];
	const char *at = o->root ? directory_in(o->root, cwd, sizeof(cwd)) : "";

	(void)fwrite(at, strlen(at) + 1, 1, to);
	for (char **variable = environ; o->root && *variable; variable++)
		if (goes_along(*variable))
			(void)fwrite(*variable, strlen(*variable) + 1, 1, to);
}

int lab_root_write_command(const struct lab_options *o, const char *staging)
{
	cleanup_free char *path = vm_path("%s%s", staging, GUEST_COMMAND);
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *f = NULL;

	if (!o->command)
		return 0;
	f = path ? open_memstream(&text, &len) : NULL;
	if (!f)
		return -ENOMEM;
	print_words(o, f);
	if (fclose(f))
		return -ENOMEM;
	return vm_write_file(path, text, len);
}
