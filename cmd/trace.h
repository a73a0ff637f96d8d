/* SPDX-License-Identifier: MIT */
/* The parts of `vhostcheck trace`: options, and what it prints and writes. */
#ifndef CMD_TRACE_H
#define CMD_TRACE_H

#include "cmd/cmd.h"
#include "trace/lines.h"

/**
 * struct trace_options - the command line
 * @command:	program and arguments, NULL-ended; borrowed from argv
 * @output:	file of -o, or NULL
 * @save_stack:	file of --save-stack, or NULL
 * @clean:	--clean
 * @what_if:	word of --what-if, or NULL
 * @shown:	its bits by family
 * @attach:	process of --attach, 0 without
 * @fail_on:	enum severity, -1 without --fail-on
 */
struct trace_options {
	char **command;
	const char *output, *save_stack;
	bool clean;
	const char *what_if;
	struct feature_set shown[FAMILY_NUM];
	pid_t attach;
	int fail_on;
};

/** trace_attach() - `trace --attach PID`; Return: the exit status */
int trace_attach(const struct cmd_ctx *ctx, const struct trace_options *o);

/**
 * trace_what_if() - read the word of --what-if
 * @ctx:	for the message
 * @a:		for a report that is read
 * @o:		@o->what_if; @o->shown is set
 *
 * Return: 0, or the exit status after a message.
 */
int trace_what_if(const struct cmd_ctx *ctx, struct arena *a, struct trace_options *o)
	must_check_;

/**
 * trace_save_check() - find out early whether policies could be written
 * @ctx:	for the message
 * @o:		options
 *
 * Return: 0, or the exit status after a message.
 */
int trace_save_check(const struct cmd_ctx *ctx, const struct trace_options *o)
	must_check_;

/**
 * trace_save() - write the policies of --save-stack
 * @ctx:	for messages
 * @o:		options
 * @files:	devices of a trace that has ended
 *
 * Return: 0, or the exit status after a message.
 */
int trace_save(const struct cmd_ctx *ctx, const struct trace_options *o,
	       const struct trace_files *files) must_check_;

/** trace_text_live() - print a line of -v on stderr */
void trace_text_live(const struct trace_line *line);

/**
 * trace_text_end() - print what became of a device on stderr
 * @ctx:	verbosity and colour
 * @end:	its line
 */
void trace_text_end(const struct cmd_ctx *ctx, const struct line_end *end);

#endif
