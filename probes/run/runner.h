/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Each task (a check, a stack, a look at a device) runs in a forked child of its own,
 * which opens the device, acts, sends what it saw over a socket pair and exits. The
 * parent opens no device. It reads until the child is gone, or until the task's
 * deadline; then it kills the child's process group, and a child that cannot be killed
 * (it hangs in the kernel) is abandoned: named, never waited for again, its device
 * treated as wedged. Whatever the child sends is read strictly and bounded, so that
 * one that crashes, floods or lies costs its own result and nothing else.
 *
 * The child lets go of the terminal and of all descriptors but its socket before it
 * touches the device, so that a reader of our output never waits for a stuck child.
 */
#ifndef RUN_RUNNER_H
#define RUN_RUNNER_H

#include <signal.h>

#include "core/evidence.h"
#include "guest/session.h"
#include "seam/fault.h"

/** enum task_end - how a child ended */
enum task_end {
	TASK_FINISHED,   /* exited after its last word */
	TASK_HARNESS,    /* exited because it could not record or set itself up */
	TASK_SIGNALLED,  /* died of a signal that the runner did not send */
	TASK_DEADLINE,   /* killed at its deadline */
	TASK_ABANDONED,  /* could not be killed */
	TASK_GARBLED,    /* sent what is no evidence, or too much of it */
	TASK_INTERRUPTED /* killed because the runner itself was told to stop */
};

/**
 * struct task - what one child does
 * @device:	name, as wedged devices are remembered
 * @family, @path: as in struct session
 * @act:	the work; returns 0 or the -errno that stopped it, recorded as "gave_up"
 * @arg:	passed to @act, borrowed
 * @timeout_ms:	from the fork to the kill
 * @fault:	one answer to alter, or NULL
 */
struct task {
	const char *device;
	enum family family;
	const char *path;
	int (*act)(struct session *s, const void *arg);
	const void *arg;
	unsigned int timeout_ms;
	const struct fault *fault;
};

/**
 * struct outcome - what became of it; texts live in the arena given to runner_task()
 * @evidence:	all that arrived, also when the child did not finish
 * @end:	enum task_end
 * @number:	signal, or exit status
 * @step, @call: what the child was doing last, "" if nothing yet
 * @where:	for a child that was killed or abandoned: the kernel function it slept in
 * @garbled:	for TASK_GARBLED: what was wrong
 * @gave_up:	errno of @act, 0 if it went to its end
 * @left:	what the child had made and nobody could take down, with its remedy, or
 * NULL
 * @pid:	of the child
 * @duration_us: from fork to end
 */
struct outcome {
	struct evidence evidence;
	int end, number;
	const char *step, *call, *where, *garbled, *left;
	int gave_up;
	pid_t pid;
	uint64_t duration_us;
};

struct runner;

/**
 * runner_new() - get ready to run tasks
 *
 * Blocks SIGINT, SIGTERM and SIGHUP, which are from now on noticed between and during
 * tasks. Return: owned by the caller, or NULL with errno set.
 */
struct runner *runner_new(void) must_check_;

/** runner_free() - release all, unblock the signals; NULL is fine */
void runner_free(struct runner *r);

/**
 * runner_task() - run one task to its end
 * @r:		runner
 * @a:		arena of the outcome's texts and evidence
 * @t:		task
 * @ret:	outcome, valid whenever 0 is returned
 *
 * Return: 0; -errno if no child could be made (-EAGAIN, -ENOMEM, -EMFILE).
 */
int runner_task(struct runner *r, struct arena *a, const struct task *t,
		struct outcome *ret) must_check_;

/** runner_signal() - the signal that asked us to stop, 0 if none did */
int runner_signal(struct runner *r);

/**
 * runner_wedged() - whether an abandoned child holds a device
 * @r:		runner
 * @device:	name
 *
 * Return: what to tell ("pid 71 hangs in vhost_dev_flush ..."), or NULL.
 */
const char *runner_wedged(const struct runner *r, const char *device);

#endif
