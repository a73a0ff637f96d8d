/* SPDX-License-Identifier: MIT */
/* Private to report/diff*.c */
#ifndef REPORT_DIFF_PARTS_H
#define REPORT_DIFF_PARTS_H

#include "report/diff.h"

/** struct comparison - one run of diff_reports() */
struct comparison {
	struct arena *a;
	const struct report *old, *new;
	struct diff *d;
};

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

/** diff_device() - a device by its name, NULL if the report has none */
const struct report_device *diff_device(const struct report *r, const char *name);

/**
 * diff_gone() - whether NEW says that a device is not in this kernel, rather than that it
 * was not looked at: on a host a module may only not be loaded
 */
bool diff_gone(const struct report *new, const struct report_reason *reason);

/** diff_same() - strcmp() of strings that may be NULL */
bool diff_same(const char *a, const char *b);

/** struct diff_key - a result, to be found by its identity */
struct diff_key {
	const char *name, *device;
	int guest;
	void *item;
};

/** struct diff_index - results by identity */
struct diff_index {
	struct diff_key *key;
	size_t count;
};

/** diff_index_checks() - of a report's checks; free @ret->key. 0; -ENOMEM */
int diff_index_checks(const struct report *r, struct diff_index *ret) must_check_;

/** diff_index_stacks() - of a report's stacks; free @ret->key. 0; -ENOMEM */
int diff_index_stacks(const struct report *r, struct diff_index *ret) must_check_;

/** diff_find() - the item, or NULL */
void *diff_find(const struct diff_index *x, const char *name, const char *device,
		int guest);

#endif
