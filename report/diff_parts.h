/* SPDX-License-Identifier: MIT */
/* Private to report/diff*.c */
#ifndef REPORT_DIFF_PARTS_H
#define REPORT_DIFF_PARTS_H

#include "report/diff.h"
#include "report/lookup.h"

/** struct comparison - one run of diff_reports() */
struct comparison {
	struct arena *a;
	const struct report *old, *new;
	struct diff *d;
	struct report_index old_checks, old_stacks, new_checks, new_stacks;
};

/** diff_check_of() - the check of a side that is @like one of the other; NULL: none */
static inline const struct report_check *diff_check_of(const struct report *r,
						       const struct report_index *x,
						       const struct report_check *like)
{
	ssize_t place = report_place(x, like->id, like->device, 0);

	return place < 0 ? NULL : r->checks.item[place];
}

/** diff_stack_of() - likewise a stack */
static inline const struct report_stack *diff_stack_of(const struct report *r,
						       const struct report_index *x,
						       const struct report_stack *like)
{
	ssize_t place = report_place(x, like->stack, like->device, like->guest);

	return place < 0 ? NULL : r->stacks.item[place];
}

/** diff_features() - bits gained and lost. 0; -ENOMEM */
int diff_features(struct comparison *c) must_check_;

/** diff_checks() - checks whose result changed. 0; -ENOMEM */
int diff_checks(struct comparison *c) must_check_;

/** diff_stacks() - stacks whose verdict changed; after diff_features(). 0; -ENOMEM */
int diff_stacks(struct comparison *c) must_check_;

/** diff_host() - what is otherwise about the machine. 0; -ENOMEM */
int diff_host(struct comparison *c) must_check_;

/** diff_measures() - measures, if the machines are equal. 0; -ENOMEM */
int diff_measures(struct comparison *c) must_check_;

/**
 * diff_gone() - whether NEW says that a device is not in this kernel, rather than that it
 * was not looked at: on a host a module may only not be loaded
 */
bool diff_gone(const struct report *new, const struct report_reason *reason);

/** diff_same() - strcmp() of strings that may be NULL */
bool diff_same(const char *a, const char *b);

#endif
