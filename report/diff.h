/* SPDX-License-Identifier: MIT */
/*
 * What changed between two reports, "vhostcheck-diff/1". Pure: both are judged already,
 * by the same rules. Worse is what a user of OLD loses with NEW: a check that passed, a
 * stack that worked, a bit that was offered. What NEW cannot tell of it makes the two not
 * comparable, never equal.
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "report/page.h"
#include "report/report.h"

/** enum diff_change - what became of one thing, most harmful first */
enum diff_change {
	DIFF_WORSE,
	DIFF_NOT_COMPARABLE,
	DIFF_BETTER,
	DIFF_APPEARED,
	DIFF_WENT,
	DIFF_CHANGE_NUM
};

/** enum diff_verdict - of the whole */
enum diff_verdict {
	DIFF_IS_SAME,
	DIFF_IS_BETTER,
	DIFF_IS_WORSE,
	DIFF_IS_NOT_COMPARABLE
};

extern const char *const diff_change_names[], *const diff_verdict_names[];

/**
 * struct diff_side - which report one side is
 * @release:	of the kernel
 * @version:	of the vhostcheck that collected it
 * @where:	enum report_where
 * @started:	as in the report
 */
struct diff_side {
	const char *release, *version;
	int where;
	const char *started;
};

/**
 * struct diff_check - a check whose result changed
 * @change:	enum diff_change
 * @old, @new:	enum status, -1 where the report has no such check
 * @severity:	enum severity
 * @decides:	DIFF_WORSE, and OLD passed or did not have NEW's known finding
 * @known:	of NEW
 * @reason:	of NEW, or of OLD where NEW has no such check
 */
struct diff_check {
	const char *id, *device;
	int change, old, new, severity;
	bool decides;
	struct report_known *known;
	const char *reason;
};

/**
 * struct diff_bit - a bit that is offered on one side only
 * @backend:	one of the backend features
 * @bit:	number
 * @name:	or NULL
 * @gained:	NEW offers it; else it is lost
 */
struct diff_bit {
	const char *device;
	bool backend, gained;
	int64_t bit;
	const char *name;
};

/**
 * struct diff_stack - a stack whose verdict changed
 * @change:	enum diff_change
 * @guest:	enum guest_kind
 * @old, @new:	enum stack_verdict, -1 where the report has no such stack
 * @signature, @reason: of NEW
 * @through:	names or numbers of the gained or lost bits that the VMM sends, or no
 *		longer sends, on NEW: what its verdict changed through; empty if not known
 */
struct diff_stack {
	const char *stack, *vmm, *device;
	int change, guest, old, new;
	const char *signature, *reason;
	struct rec_list through;
};

/**
 * struct diff_measure - a measure that left its noise; only of equal machines
 * @id:		check or stack
 * @old, @new:	medians
 */
struct diff_measure {
	const char *id, *device, *step, *name, *unit;
	int64_t old, new;
};

/** struct diff_fact - something about the machine: @old, @new NULL where not there */
struct diff_fact {
	const char *what, *old, *new;
};

/**
 * struct diff - all of it; lists are in the order of harm
 * @verdict:	enum diff_verdict
 * @reason:	one sentence
 */
struct diff {
	struct diff_side old, new;
	int verdict;
	const char *reason;
	struct rec_list checks, features, stacks, measures, host;
	int64_t exit_code;
};

extern const struct rec_shape diff_shape;

/**
 * diff_reports() - compare
 * @a:		arena of the result
 * @old, @new:	judged; borrowed for as long as @ret lives
 * @ret:	receives all
 *
 * Return: 0; -ENOMEM.
 */
int diff_reports(struct arena *a, const struct report *old, const struct report *new,
		 struct diff *ret) must_check_;

/** diff_text() - print it as a person reads it */
void diff_text(struct page *p, const struct diff *d);

#endif
