/* SPDX-License-Identifier: MIT */
/*
 * Runs a program and stops it, and all that it starts, at the calls that the filter
 * selects: processes, threads, whatever they execute.
 *
 * Theory of operation
 *
 * The child waits until it is seized, then loads the filter and executes the program,
 * so that nothing of the program runs untraced. A call that the filter selects stops
 * before it is done; the reader says whether it wants to see the result, and only then
 * there is a second stop. Nothing else stops but the birth and the end of a task and
 * the delivery of a signal.
 */
#ifndef TRACE_TRACER_H
#define TRACE_TRACER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/filter.h"

/**
 * struct tracer_call - one call that the filter selected
 * @tid:	thread that calls, stopped
 * @pid:	its process
 * @kind:	enum trace_kind
 * @wide:	of a 64-bit program
 * @arg:	arguments
 * @returned:	the rest is known; false if the thread was killed in the call
 * @ret:	what it returned, -1 with @err
 * @err:	errno or 0
 * @own:	of the reader; free()d after leave()
 */
struct tracer_call {
	pid_t tid, pid;
	int kind;
	bool wide;
	uint64_t arg[6];
	bool returned;
	int64_t ret;
	int err;
	void *own;
};

/**
 * struct tracer_reader - who looks at the calls
 * @enter:	a call is about to be done; true to be told of its end
 * @leave:	it has returned
 * @exiting:	a thread is about to end, with its files still open
 */
struct tracer_reader {
	bool (*enter)(void *ctx, struct tracer_call *call);
	void (*leave)(void *ctx, struct tracer_call *call);
	void (*exiting)(void *ctx, pid_t tid);
	void *ctx;
};

struct tracer_task;

/**
 * struct tracer - a tree of traced tasks
 * @reader:	who looks at the calls
 * @task:	owned, @tasks of them
 * @tasks, @room: their number
 * @main:	process of the program
 * @main_ended:	it was reaped: its number may be another's by now
 * @status:	as waitpid(2) gave it for @main, then
 * @signals:	signalfd, -1 while not running
 * @mask:	signal mask of the caller
 * @stops:	at calls, each with both its stops
 */
struct tracer {
	struct tracer_reader reader;
	struct tracer_task *task;
	size_t tasks, room;
	pid_t main;
	bool main_ended;
	int status;
	int signals;
	sigset_t mask;
	uint64_t stops;
};

/** enum tracer_step - what failed */
enum tracer_step {
	TRACER_START, /* making the process, or tracing it */
	TRACER_FILTER,
	TRACER_EXEC,
};

/**
 * tracer_start() - start a program, traced
 * @t:		all zero; end with tracer_done()
 * @reader:	who looks at the calls
 * @argv:	program and arguments, NULL-ended; looked up as execvp(3) does
 * @ret_step:	receives what failed
 *
 * Signals that are meant for the program are blocked until tracer_done().
 * Return: 0; -errno: of TRACER_EXEC that of execvp(3).
 */
int tracer_start(struct tracer *t, const struct tracer_reader *reader, char **argv,
		 enum tracer_step *ret_step) must_check_;

/**
 * tracer_run() - follow until the last traced task has ended
 * @t:	started
 *
 * Signals that a process sends to this one are passed on to the program; what the
 * terminal sends reaches it by itself. Once it has ended, all signals go to what it left
 * running.
 * Return: 0, and @t->status is set; -errno.
 */
int tracer_run(struct tracer *t) must_check_;

/** tracer_done() - free, and restore the signal mask */
void tracer_done(struct tracer *t);

#endif
