/* SPDX-License-Identifier: MIT */
/*
 * What every subcommand shares. A subcommand is one file that ends in its row, a
 * const struct cmd, and one line in the table of main.c; vm is an executable of its
 * own, lab.c. Text goes to stdout, all diagnostics to stderr; both executables end in
 * cmd_finish(), which finds out whether stdout took all.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <argp.h>

#include "base/record.h"
#include "base/written.h"
#include "report/page.h"

/** enum cmd_exit - exit statuses that a command may end with before it has a result */
enum cmd_exit {
	CMD_EXIT_OK = 0,
	CMD_EXIT_WRONG = 1,  /* something that counts is wrong */
	CMD_EXIT_LAB = 3,    /* a program's file, or the tool itself */
	CMD_EXIT_USAGE = 64, /* the command line, or a person's file */
};

/** CMD_GO_ON - cmd_parse() found nothing that ends the command */
#define CMD_GO_ON (-1)

/** enum cmd_color - --color */
enum cmd_color {
	CMD_COLOR_AUTO,
	CMD_COLOR_ALWAYS,
	CMD_COLOR_NEVER,
};

/**
 * struct cmd_ctx - what the options that every command has ask for
 * @name:	"vhostcheck run", as usage messages show it
 * @json:	--json: one object on stdout and nothing else
 * @quiet:	-q: results without remarks
 * @verbosity:	times that -v was given
 * @color:	--color; cmd_uses_color() decides
 * @journal_fd:	where a guest streams its journal to, -1 on a host; borrowed
 */
struct cmd_ctx {
	const char *name;
	bool json, quiet;
	int verbosity;
	enum cmd_color color;
	int journal_fd;
};

/**
 * struct cmd - a subcommand
 * @name:	word of the command line
 * @help:	what it does, in one line for the list of commands
 * @run:	does it; argv[0] is @ctx->name. Returns the exit status
 */
struct cmd {
	const char *name, *help;
	int (*run)(struct cmd_ctx *ctx, int argc, char **argv);
};

extern const struct cmd cmd_checks, cmd_convert, cmd_diff, cmd_explain, cmd_features,
	cmd_judge, cmd_list, cmd_run, cmd_schema, cmd_selftest, cmd_stacks, cmd_trace,
	cmd_vm;

/**
 * cmd_start() - what every executable does before anything else
 *
 * No file that is opened later may become standard input, output or error: descriptors
 * that are closed are taken, and a write to them still fails. Nor does a reader that
 * leaves kill us: the write fails, and what we made is taken down.
 */
void cmd_start(void);

/**
 * cmd_wants_json() - whether --json stands among the arguments
 * @argc, @argv: of the program
 *
 * Known before the options are parsed, so that what is wrong with them is told in JSON.
 */
bool cmd_wants_json(int argc, char **argv);

/**
 * cmd_finish() - flush standard output
 * @ctx:	for the message
 * @status:	of the command
 *
 * Return: @status; what stdout did not take makes any result useless, and is told, except
 * that of a signal.
 */
int cmd_finish(const struct cmd_ctx *ctx, int status);

/**
 * cmd_beside() - a path that begins at this executable's own directory
 * @place:	relative path
 * @ret:	receives it
 * @size:	bytes of @ret
 *
 * Return: 0; -errno of readlink(/proc/self/exe); -ENAMETOOLONG.
 */
int cmd_beside(const char *place, char *ret, size_t size) must_check_;

/**
 * cmd_progress() - show on a terminal's stderr what goes on; one line, overwritten
 * @ctx:	nothing is shown with -q, in a guest, or where stderr is no terminal
 * @fmt:	a few words
 */
void cmd_progress(const struct cmd_ctx *ctx, const char *fmt, ...) printf_(2, 3);

/** cmd_progress_end() - take the line away again */
void cmd_progress_end(const struct cmd_ctx *ctx);

/**
 * cmd_parse() - argp_parse(), with the options that every command has
 * @ctx:	receives these options
 * @argp:	the command's own options; its parser reports by argp_error()
 * @argc:	of the command
 * @argv:	of the command; may be reordered
 * @input:	state->input of @argp's parser
 *
 * --help, --usage and --version print and end the command. A mistake is told as
 * cmd_fail() does, with --json also as JSON.
 * Return: CMD_GO_ON, or the exit status to end with.
 */
int cmd_parse(struct cmd_ctx *ctx, const struct argp *argp, int argc, char **argv,
	      void *input) must_check_;

/**
 * cmd_take_severity() - take the argument of --fail-on
 * @state:	of argp, for its error
 * @word:	argument
 * @ret:	enum severity; untouched on failure
 *
 * Return: 0; EINVAL.
 */
error_t cmd_take_severity(struct argp_state *state, const char *word, int *ret)
	must_check_;

/**
 * struct cmd_place - where in a file a mistake is
 * @file:	its name as the user gave it
 * @line:	from 1
 * @path:	JSON Pointer into it, or NULL
 */
struct cmd_place {
	const char *file;
	struct opt_int line;
	const char *path;
};

/**
 * cmd_fail() - say in one line why the command cannot go on
 * @ctx:	with @json, a "vhostcheck-error/1" goes to stdout as well
 * @status:	exit status
 * @code:	the reason as a word for programs ("unknown_device")
 * @hint:	what to do next, or NULL
 * @fmt:	what is wrong; control characters become '?', so that it stays one line
 *
 * Return: @status, so that a command ends in `return cmd_fail(...)`.
 */
int cmd_fail(const struct cmd_ctx *ctx, int status, const char *code, const char *hint,
	     const char *fmt, ...) printf_(5, 6);

/**
 * cmd_fail_at() - cmd_fail() for a mistake in a file
 * @ctx, @status, @code, @hint, @fmt: as there
 * @place:	file, line and path; they begin the text
 */
int cmd_fail_at(const struct cmd_ctx *ctx, int status, const char *code,
		const struct cmd_place *place, const char *hint, const char *fmt, ...)
	printf_(6, 7);

/**
 * cmd_fail_written() - cmd_fail() for a file of the user's that could not be used
 * @ctx, @code:	as there
 * @r:		-errno of the reader
 * @kind:	of its schema, which is hinted at
 * @path:	file
 * @err:	what the reader told
 */
int cmd_fail_written(const struct cmd_ctx *ctx, int r, const char *code, const char *kind,
		     const char *path, const struct written_error *err);

/** cmd_fail_memory() - cmd_fail() for exhausted memory */
int cmd_fail_memory(const struct cmd_ctx *ctx);

/**
 * cmd_fail_stdout() - cmd_fail() for a standard output that takes no more
 * @ctx:	--json is of no account: there is nowhere to print it
 * @error:	errno of the write
 *
 * Return: CMD_EXIT_LAB; where its reader has left EXIT_SIGNAL + SIGPIPE, without a word.
 */
int cmd_fail_stdout(const struct cmd_ctx *ctx, int error);

/**
 * cmd_print_json() - print a structure as the one JSON object of a command
 * @ctx:	for the message on failure
 * @shape:	table of @obj
 * @obj:	structure
 *
 * Return: 0, or the exit status after a failure that has been told.
 */
int cmd_print_json(const struct cmd_ctx *ctx, const struct rec_shape *shape,
		   const void *obj) must_check_;

/**
 * cmd_print_object() - cmd_print_json() of JSON that is made already
 * @ctx:	for the message on failure
 * @json:	consumed; NULL stands for exhausted memory
 */
int cmd_print_object(const struct cmd_ctx *ctx, struct json_object *json) must_check_;

/**
 * cmd_uses_color() - whether text is to be coloured
 * @ctx:	--color; with auto, on a terminal that is not "dumb" and without NO_COLOR
 * @fd:		where it goes
 */
bool cmd_uses_color(const struct cmd_ctx *ctx, int fd);

/**
 * cmd_page() - begin text
 * @ctx:	colour and verbosity
 * @out:	stdout or stderr
 * @ret:	page as wide as the terminal, of at most 100 columns; 80 where there is
 * none
 *
 * cmd_finish() ends it on stdout: what that does not take is found there.
 */
void cmd_page(const struct cmd_ctx *ctx, FILE *out, struct page *ret);

/** cmd_error_shape - "vhostcheck-error/1" */
extern const struct rec_shape cmd_error_shape;

#endif
