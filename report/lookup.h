/* SPDX-License-Identifier: MIT */
/* To find something in a report by its identity. */
#ifndef REPORT_LOOKUP_H
#define REPORT_LOOKUP_H

#include "report/report.h"

/** report_device_of() - a device by its name, NULL if the report has none */
const struct report_device *report_device_of(const struct report *r, const char *name);

/** report_module_of() - a module by its name, NULL if the report has none */
const struct report_module *report_module_of(const struct report *r, const char *name);

/**
 * struct report_key - identity of a result
 * @name:	id of a check or name of a stack
 * @guest:	enum guest_kind of a stack; 0 of a check
 * @place:	in its list
 */
struct report_key {
	const char *name, *device;
	int guest;
	size_t place;
};

/** struct report_index - results in the order of their identity */
struct report_index {
	struct report_key *key;
	size_t count;
};

/**
 * report_index_checks() - index the checks of a report
 * @a:		arena of the index
 * @checks:	struct report_check; borrowed for as long as @ret lives
 * @ret:	untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int report_index_checks(struct arena *a, const struct rec_list *checks,
			struct report_index *ret) must_check_;

/** report_index_stacks() - likewise of struct report_stack */
int report_index_stacks(struct arena *a, const struct rec_list *stacks,
			struct report_index *ret) must_check_;

/**
 * report_place() - where a result stands
 * @x:		index
 * @name, @device, @guest: as in struct report_key
 *
 * Return: its place in the list, or -ENOENT.
 */
ssize_t report_place(const struct report_index *x, const char *name, const char *device,
		     int guest);

/** report_twice() - the second result of some identity, NULL if each has one */
const struct report_key *report_twice(const struct report_index *x);

#endif
