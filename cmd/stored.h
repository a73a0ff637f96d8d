/* SPDX-License-Identifier: MIT */
/* Reports that an earlier run left: read, and judged by this version's rules. */
#ifndef CMD_STORED_H
#define CMD_STORED_H

#include "cmd/cmd.h"
#include "report/load.h"
#include "report/report.h"

/**
 * struct stored_error - why a report could not be read
 * @error:	-errno
 * @of_text:	of report_load(), else of the file
 * @text:	if @of_text
 */
struct stored_error {
	int error;
	bool of_text;
	struct load_error text;
};

/**
 * stored_load() - read a report, or the journal of a run that was killed, without a word
 * @a:		arena of the report
 * @path:	file, or "-" for standard input
 * @ret:	indeterminate on failure
 * @err:	for stored_fail() on failure
 *
 * May run on several threads, each with an arena of its own. Return: 0; -errno.
 */
int stored_load(struct arena *a, const char *path, struct report *ret,
		struct stored_error *err) must_check_;

/** stored_fail() - the message of stored_load(); returns CMD_EXIT_LAB */
int stored_fail(const struct cmd_ctx *ctx, const char *path,
		const struct stored_error *err);

/** stored_read() - stored_load(), and stored_fail() if it did: 0; CMD_EXIT_LAB */
int stored_read(const struct cmd_ctx *ctx, struct arena *a, const char *path,
		struct report *ret) must_check_;

/**
 * stored_judge() - judge the evidence of a report again
 * @a:		arena of the report
 * @r:		report; statuses, verdicts, reasons, known findings and summary are new
 *
 * What evidence cannot tell (a child that died, a device that could not be used, what was
 * never asked) is told by the reason that stands there. Expectations are taken out: they
 * were a person's word on that run. A check that this version does not have keeps its
 * result, and run.reduced says so.
 * Return: 0; -ENOMEM.
 */
int stored_judge(struct arena *a, struct report *r) must_check_;

#endif
