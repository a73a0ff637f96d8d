/* SPDX-License-Identifier: MIT */
/* The run itself: from options to a report. Prints nothing but error lines. */
#ifndef CMD_EXECUTE_H
#define CMD_EXECUTE_H

#include "cmd/modules.h"
#include "cmd/output.h"
#include "cmd/run_options.h"
#include "run/kmsg.h"
#include "run/runner.h"

struct facts;

/**
 * struct execution - one run
 * @ctx, @options: borrowed
 * @arena:	of the report
 * @report:	as far as it got; complete once execute_run() returned 0
 * @facts, @runner: owned
 * @modules:	loaded for the run, unloaded by execute_done()
 * @kmsg:	what the kernel complains of
 * @output:	owned; execute_begin() opens its journal, except in a guest
 * @journal_fd:	borrowed of @output or of the guest's port; -1 without a journal
 * @began:	a check or a policy was started: its journal is worth keeping
 */
struct execution {
	const struct cmd_ctx *ctx;
	const struct run_options *options;
	struct arena arena;
	struct report report;
	struct facts *facts;
	struct runner *runner;
	struct loaded_modules modules;
	struct kmsg kmsg;
	struct output output;
	int journal_fd;
	bool began;
	uint64_t started_ns;
};

/**
 * execute_begin() - get ready: tool, host, devices, journal; opens no device
 * @x:		zeroed but for @ctx and @options
 *
 * Return: 0, or the exit status after a message. execute_done() in either case.
 */
int execute_begin(struct execution *x) must_check_;

/**
 * execute_look() - open each device that can be, and find out what it offers
 * @x:		begun execution
 *
 * Return: 0, or the exit status after a message.
 */
int execute_look(struct execution *x) must_check_;

/**
 * execute_run() - plan, run, judge, sum up
 * @x:		execution after execute_look()
 *
 * A signal cuts it: what did not run is blocked, and the report is valid. Return: 0, or
 * the exit status after a message.
 */
int execute_run(struct execution *x) must_check_;

/**
 * execute_plan() - what would be run, without opening anything
 * @x:		begun execution
 * @ret:	struct plan_entry
 *
 * Return: 0 or -ENOMEM.
 */
int execute_plan(struct execution *x, struct rec_list *ret) must_check_;

/**
 * execute_done() - free all
 *
 * The journal is removed if nothing was started; else, unless the report was written, it
 * stays as all that there is of the run.
 */
void execute_done(struct execution *x);

/**
 * execute_look_at() - look at one device that may be opened
 * @x:		execution
 * @d:		device; state, reason and masks are brought up to date
 * @ret:	evidence of the look, or NULL
 *
 * Return: 0, or the exit status after a message.
 */
int execute_look_at(struct execution *x, struct report_device *d, struct evidence *ret)
	must_check_;

#endif
