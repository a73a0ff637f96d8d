/* SPDX-License-Identifier: MIT */
/* Where one report goes: a file with the journal beside it, text on stdout. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include "cmd/cmd.h"
#include "report/report.h"

/**
 * struct output - where one report goes
 * @path:	file; "-" for stdout; NULL for none
 * @journal_path: @path.journal, or NULL where there is none: for stdout, and beside what
 *		is no regular file (/dev/null, a pipe)
 * @journal_fd:	owned, -1 without a journal
 */
struct output {
	const char *path, *journal_path;
	int journal_fd;
};

/**
 * output_begin() - open the journal, and find out early whether there can be a report
 * @ctx:	for the message
 * @a:		arena of the paths
 * @path:	of -o
 * @ret:	filled in, also after a failure; end with output_end()
 *
 * Return: 0, or the exit status after a message.
 */
int output_begin(const struct cmd_ctx *ctx, struct arena *a, const char *path,
		 struct output *ret) must_check_;

/**
 * output_report() - write the report, then print it as text
 * @ctx:	no text with -q or where stdout has the report
 * @o:		where to; the journal of a report that is written is removed
 * @r:		report with its summary
 *
 * Return: the report's exit status, or that of a failure that has been told.
 */
int output_report(const struct cmd_ctx *ctx, struct output *o, const struct report *r)
	must_check_;

/**
 * output_fail_journal() - say that the journal cannot be written
 * @ctx:	for the message
 * @o:		output, or NULL for a guest's port
 * @error:	errno
 *
 * Return: the exit status.
 */
int output_fail_journal(const struct cmd_ctx *ctx, const struct output *o, int error);

/**
 * output_end() - close the journal
 * @o:		output, may be all zero
 * @keep:	leave it where it is, as all that there is of a run without a report
 */
void output_end(struct output *o, bool keep);

#endif
