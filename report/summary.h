/* SPDX-License-Identifier: MIT */
/*
 * The rules of the exit status. Pure: a report alone decides, with the selection that
 * it carries, so that a stored report is summed up like a fresh one.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include "report/report.h"

/** EXIT_* - exit statuses that a report can lead to; 128+n: cut by signal n */
#define EXIT_BROKEN 1
#define EXIT_INCONCLUSIVE 2
#define EXIT_NOTHING_HERE 77
#define EXIT_SIGNAL 128

/** enum decides - what one result says about the exit status */
enum decides {
	DECIDES_NOTHING,
	DECIDES_INCONCLUSIVE,
	DECIDES_FAIL
};

/**
 * summary_of_check() - what a check says
 * @r:	report whose selection holds
 * @c:	one of its checks
 *
 * Counted are checks of at least the --fail-on severity, none with --stack but without
 * --check; a known finding counts with --strict, or if --baseline did not have it. A
 * check that a --require names is inconclusive if it did not run, whatever else.
 */
enum decides summary_of_check(const struct report *r, const struct report_check *c);

/** summary_known_is_new() - whether --baseline lacks the known finding of a check */
bool summary_known_is_new(const struct report *r, const struct report_check *c);

/**
 * summary_of_stack() - what a stack says
 * @r:	report whose selection holds
 * @s:	one of its stacks
 *
 * Counted if --stack names it or a file of expectations speaks of it, unless its verdict
 * is the expected one.
 */
enum decides summary_of_stack(const struct report *r, const struct report_stack *s);

/**
 * summary_missing() - the n-th thing that was asked for by name and has no result
 * @r:	report
 * @n:	from 0
 *
 * A device that was named and is not there or not usable, a --require that matches no
 * check, a --stack that was not played.
 * Return: the word as the user gave it, or NULL if there are not so many.
 */
const char *summary_missing(const struct report *r, size_t n);

/**
 * report_summarize() - fill in @r->summary from all the rest
 * @r:		report; identities are unique
 * @signal:	number of the signal that cut the run, or 0
 */
void report_summarize(struct report *r, int signal);

#endif
