/* SPDX-License-Identifier: MIT */
/* Private to report/format*.c: what formats of test results have in common. */
#ifndef REPORT_FORMAT_PARTS_H
#define REPORT_FORMAT_PARTS_H

#include "report/format.h"

extern const struct format format_text, format_json, format_junit, format_ktap,
	format_tap, format_markdown, format_kcidb, format_prometheus;

/** enum outcome_kind - the four results that CI systems know */
enum outcome_kind {
	RESULT_PASS,
	RESULT_FAIL,  /* decides against the kernel */
	RESULT_ERROR, /* was to be asked, and there is no answer */
	RESULT_SKIP,  /* not asked, and nobody insisted */
	RESULT_XFAIL  /* went wrong, and does not count: known, expected, not severe */
};

/**
 * struct result - a check or a stack as CI systems see it
 * @suite:	"vsock.log", "stack.vsock"
 * @name:	unique in its suite; both in [a-zA-Z0-9_.-]
 * @word:	status or verdict as the report has it
 * @why:	one line without control characters; "" with a pass
 * @kind:	enum outcome_kind
 * @duration_us: of a check
 * @check, @stack: one of the two
 */
struct result {
	const char *suite, *name, *word, *why;
	int kind;
	struct opt_int duration_us;
	const struct report_check *check;
	const struct report_stack *stack;
};

/**
 * format_results() - checks, then stacks
 * @a:		arena of the result
 * @r:		report
 * @ret:	struct result are appended
 *
 * Whether something counts is for summary_of_check() and summary_of_stack() to say, so
 * that what a CI shows as failed is what the exit status failed for. Return: 0; -ENOMEM.
 */
int format_results(struct arena *a, const struct report *r, struct rec_list *ret)
	must_check_;

/** format_line() - a string as one line of UTF-8 without control characters, or NULL */
const char *format_line(struct arena *a, const char *s) must_check_;

/** format_word() - a string with what is not in [a-zA-Z0-9_.-] made '_', or NULL */
const char *format_word(struct arena *a, const char *s) must_check_;

/**
 * format_provenance() - where a report is from, for those who keep it apart from others
 * @a:		arena of the result
 * @r:		report
 * @ret:	struct rec_pair are appended: key "kernel.release" and so on, value not
 * NULL
 *
 * Return: 0; -ENOMEM.
 */
int format_provenance(struct arena *a, const struct report *r, struct rec_list *ret)
	must_check_;

/** format_time() - seconds since 1970 of run.started; false if there is no such time */
bool format_time(const struct report *r, int64_t *ret);

#endif
