/* SPDX-License-Identifier: MIT */
/*
 * Expectations, "vhostcheck-expectations/1": what a person knows that a kernel does, and
 * why that is right. A failure that was expected is told apart from one that was not.
 */
#ifndef REPORT_EXPECT_H
#define REPORT_EXPECT_H

#include <time.h>

#include "base/written.h"
#include "report/report.h"

/**
 * struct expect_range - kernel releases, both ends in it; NULL: open
 * @min, @max:	numbers joined by '.' or '-', of which as many as there are count: "6.1"
 *		is any 6.1, "6.1.0-56" that one
 */
struct expect_range {
	const char *min, *max;
};

/**
 * struct expect_when - where a rule holds; all of it must be true
 * @release:	of the kernel, or NULL
 * @config:	pairs of option and value ("y", "m", "n", as in host.kernel.config)
 * @modules:	pairs of module and state (module_state_names)
 */
struct expect_when {
	struct expect_range *release;
	struct rec_list config, modules;
};

/**
 * struct expect_rule - one expectation
 * @check, @stack: glob; one of them is NULL
 * @device:	name, or NULL for all
 * @guest:	enum guest_kind, -1 for all; of a stack
 * @when:	NULL: on every kernel
 * @expect:	word of enum status (pass, fail, skip, blocked, timeout, crash) or of enum
 *		stack_verdict
 * @reason:	why this is right
 * @source:	where that was learnt
 * @until:	its last day, as "2026-12-31", or NULL: for ever
 */
struct expect_rule {
	const char *check, *stack, *device;
	int guest;
	struct expect_when *when;
	const char *expect, *reason, *source, *until;
};

/** struct expectations - @rules: struct expect_rule; the first that fits a result holds
 */
struct expectations {
	struct rec_list rules;
};

extern const struct rec_shape expectations_shape;

/**
 * expect_parse() - read expectations
 * @a:		arena of the result
 * @text, @len:	JSON, need not end in NUL
 * @ret:	untouched on failure
 * @err:	filled in on failure
 *
 * Return: 0; -EINVAL if it is not of the schema or a rule cannot hold; -ENOMEM.
 */
int expect_parse(struct arena *a, const char *text, size_t len,
		 const struct expectations **ret, struct written_error *err) must_check_;

/**
 * expect_file_read() - read a file of expectations
 * @a:		arena of the result
 * @path:	file
 * @ret:	untouched on failure
 * @err:	filled in on failure
 *
 * Return: as written_slurp() and expect_parse().
 */
int expect_file_read(struct arena *a, const char *path, const struct expectations **ret,
		     struct written_error *err) must_check_;

/**
 * expect_apply() - lay expectations to the results of a run
 * @a:		arena of the report
 * @e:		borrowed for as long as the report lives; NULL: nothing is expected
 * @now:	seconds since 1970
 * @r:		judged, not summed up yet
 *
 * What a rule speaks of gets its @expected. A check that fails, is late or crashes as
 * expected becomes xfail; one that passes although it should not becomes xpass. A rule
 * whose last day is over (UTC) is not used. That, what is otherwise than expected, a rule
 * that says nothing here although it holds, and a condition that cannot be told become
 * sentences in run.unexpected.
 * Return: 0; -ENOMEM.
 */
int expect_apply(struct arena *a, const struct expectations *e, time_t now,
		 struct report *r) must_check_;

#endif
