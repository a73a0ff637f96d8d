/* SPDX-License-Identifier: MIT */
/*
 * What is to be said of a device by the calls on it, in the verdicts and signatures of
 * `stacks`. Whether bytes moved no call tells: `works` means here that nothing was
 * refused and nothing is known to keep the device from working. Pure.
 */
#ifndef TRACE_JUDGE_H
#define TRACE_JUDGE_H

#include "core/check.h"
#include "trace/state.h"

/**
 * trace_judge_start() - a start was refused
 * @s:		state; @s->start receives the ruling
 * @op, @end:	the start
 */
void trace_judge_start(struct trace_state *s, const struct trace_op *op,
		       const struct trace_end *end);

/**
 * trace_judge_call() - a call that is no start has returned
 * @s:		state; @s->refused receives the ruling if it was refused, and is emptied
 *		when the same request succeeds
 * @op, @end:	the call
 */
void trace_judge_call(struct trace_state *s, const struct trace_op *op,
		      const struct trace_end *end);

/**
 * trace_judge_device() - what became of the device
 * @s:		state, with the last look at it
 * @ret:	ruling
 */
void trace_judge_device(const struct trace_state *s, struct trace_ruling *ret);

/**
 * trace_judge_what_if() - what would become of it where the shown bits are offered
 * @s:		state of a trace with --what-if
 * @ret:	ruling
 */
void trace_judge_what_if(const struct trace_state *s, struct trace_ruling *ret);

/**
 * trace_judge_notes() - what the VMM sends without being able to know it
 * @a:		arena of the texts
 * @s:		state
 * @ret:	receives sentences
 *
 * Return: 0; -ENOMEM.
 */
int trace_judge_notes(struct arena *a, const struct trace_state *s, struct rec_list *ret)
	must_check_;

/**
 * trace_severity() - how bad a verdict is, for --fail-on
 * @verdict:	enum stack_verdict
 *
 * Return: enum severity; -1 if there is nothing bad about it.
 */
int trace_severity(int verdict);

#endif
