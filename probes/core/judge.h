/* SPDX-License-Identifier: MIT */
/*
 * What judges decide with. Each expectation reads one observation; the first that does
 * not hold is the verdict. Evidence that is not there never satisfies an expectation,
 * and a judge that expected nothing has not passed.
 */
#ifndef CORE_JUDGE_H
#define CORE_JUDGE_H

#include "core/check.h"

/**
 * struct judge - one judgement
 * @evidence:	borrowed
 * @arena:	for texts
 * @verdict:	so far: STATUS_ERROR until an expectation held
 * @settled:	an expectation did not hold, @verdict is final
 */
struct judge {
	const struct evidence *evidence;
	struct arena *arena;
	struct verdict verdict;
	bool settled;
};

/**
 * judge_run() - let a judge decide
 * @a:		arena of the verdict's text
 * @judge:	function of a check
 * @evidence:	what its collector recorded
 */
struct verdict judge_run(struct arena *a, void (*judge)(struct judge *),
			 const struct evidence *evidence);

/** judge_ok() - the call at @step was recorded and succeeded */
void judge_ok(struct judge *j, const char *step);

/** judge_errno() - the call at @step was recorded and refused with @err */
void judge_errno(struct judge *j, const char *step, int err);

/** judge_errno_either() - as judge_errno(), where the ABI allows two */
void judge_errno_either(struct judge *j, const char *step, int err, int other);

/** judge_said() - the call at @step succeeded and wrote @text, as evidence shows it */
void judge_said(struct judge *j, const char *step, const char *text);

/**
 * judge_miss() - the message read at @step is a miss for an address
 * @j:		judge
 * @step:	step
 * @iova:	"region+0x0"
 * @perm:	access that was wanted, or EV_PERM_NONE for any
 */
void judge_miss(struct judge *j, const char *step, const char *iova, enum ev_perm perm);

/** judge_no_miss() - the device was read at @step and had no message */
void judge_no_miss(struct judge *j, const char *step);

/** judge_message() - the IOTLB message written at @step was taken */
void judge_message(struct judge *j, const char *step);

/** judge_message_errno() - the IOTLB message written at @step was refused with @err */
void judge_message_errno(struct judge *j, const char *step, int err, int other);

/** judge_bytes() - a transfer at @step: @len bytes arrived, both digests agree */
void judge_bytes(struct judge *j, const char *step, int64_t len);

/** judge_fact() - fact @name at @step has @value */
void judge_fact(struct judge *j, const char *step, const char *name, const char *value);

/** judge_fact_count() - fact @name was recorded @n times, each with @value */
void judge_fact_count(struct judge *j, const char *name, const char *value, size_t n);

/** judge_fact_value() - value of fact @name at @step, NULL if it is not there */
const char *judge_fact_value(struct judge *j, const char *step, const char *name);

/** judge_skip() - the contract does not apply here after all */
void judge_skip(struct judge *j, enum reason_code code, const char *text);

/** judge_moved() - ring at @step: the device used @n elements since index @from */
void judge_moved(struct judge *j, const char *step, uint16_t from, uint16_t n);

/** judge_errors() - the error eventfd at @step counted @n signals */
void judge_errors(struct judge *j, const char *step, int64_t n);

/** judge_signalled() - the error eventfd at @step was signalled, however often */
void judge_signalled(struct judge *j, const char *step);

/** judge_called() - the call eventfd at @step was signalled at least once */
void judge_called(struct judge *j, const char *step);

/**
 * judge_that() - any other expectation
 * @j:		judge
 * @holds:	whether it holds
 * @fmt:	printf: what is wrong if not, one sentence
 */
void judge_that(struct judge *j, bool holds, const char *fmt, ...) printf_(3, 4);

/**
 * judge_need() - an observation that a judge wants to look at itself
 * @j:		judge
 * @kind:	enum ev_kind
 * @step:	step
 *
 * Return: the observation; NULL settles the verdict as an error.
 */
const struct ev *judge_need(struct judge *j, enum ev_kind kind, const char *step);

#endif
