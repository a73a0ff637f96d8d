/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cmd/output.h"
#include "report/json.h"
#include "report/text.h"

static int fail(const struct cmd_ctx *ctx, const char *path, int error)
{
	const char *hint = "choose a directory that exists and can be written";

	if (error == EISDIR)
		hint = "name a file in it with -o";
	else if (error == ENOSPC || error == EDQUOT)
		hint = "make room there, or name another file with -o";
	return cmd_fail(ctx, CMD_EXIT_LAB, "output", hint, "cannot write %s: %s", path,
			strerror(error));
}

int output_fail_journal(const struct cmd_ctx *ctx, const struct output *o, int error)
{
	return fail(ctx, o && o->journal_path ? o->journal_path : "the journal", error);
}

int output_begin(const struct cmd_ctx *ctx, struct arena *a, const char *path,
		 struct output *ret)
{
	struct stat st;

	*ret = (struct output){ .path = path, .journal_fd = -1 };
	if (!path || !strcmp(path, "-"))
		return 0;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? fail(ctx, path, EISDIR) : 0;
	ret->journal_path = arena_printf(a, "%s.journal", path);
	if (!ret->journal_path)
		return cmd_fail_memory(ctx);
	ret->journal_fd =
		open(ret->journal_path,
		     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	return ret->journal_fd < 0 ? output_fail_journal(ctx, ret, errno) : 0;
}

static int terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int print_text(const struct cmd_ctx *ctx, const struct report *r)
{
	const struct text_options o = {
		.color = cmd_uses_color(ctx, STDOUT_FILENO),
		.width = terminal_width(),
		.verbosity = ctx->verbosity,
	};
	int e = report_text(r, &o, stdout);

	return e < 0 ? cmd_fail_stdout(ctx, -e) : 0;
}

int output_report(const struct cmd_ctx *ctx, struct output *o, const struct report *r)
{
	bool to_stdout = o->path && !strcmp(o->path, "-");
	struct report_write_error err;
	int status = 0;
	int e = o->path ? report_write_file(r, o->path, &err) : 0;

	if (e < 0 && to_stdout)
		return cmd_fail_stdout(ctx, -e);
	if (e < 0)
		return cmd_fail(ctx, CMD_EXIT_LAB, "output", err.hint, "%s", err.text);
	output_end(o, false);
	if (!ctx->quiet && !to_stdout)
		status = print_text(ctx, r);
	return status ? status : (int)r->summary.exit_code;
}

void output_end(struct output *o, bool keep)
{
	if (!o->journal_path)
		return;
	if (o->journal_fd >= 0 && !keep)
		(void)unlink(o->journal_path);
	fd_close(&o->journal_fd);
	o->journal_path = NULL;
}
