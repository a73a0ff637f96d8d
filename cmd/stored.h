/* SPDX-License-Identifier: MIT */
/* Reports that an earlier run left: read, and judged by this version's rules. */
#ifndef CMD_STORED_H
#define CMD_STORED_H

#include "base/memo.h"
#include "cmd/cmd.h"
#include "report/report.h"

/**
 * stored_read() - read a report, or the journal of a run that was killed
 * @ctx:	for the message
 * @a:		arena of the report
 * @seen:	as report_load() has it, NULL if no other report is read
 * @path:	file, or "-" for standard input
 * @ret:	indeterminate on failure
 *
 * Return: 0; CMD_EXIT_LAB after a message.
 */
int stored_read(const struct cmd_ctx *ctx, struct arena *a, struct memo *seen,
		const char *path, struct report *ret) must_check_;

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
