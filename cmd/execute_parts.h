/* SPDX-License-Identifier: MIT */
/* Private to cmd/execute*.c: what the parts of a run share. */
#ifndef CMD_EXECUTE_PARTS_H
#define CMD_EXECUTE_PARTS_H

#include "cmd/execute.h"
#include "core/plan.h"
#include "report/journal.h"
#include "stacks/player.h"

/** execute_in_guest() - whether this runs in a micro VM of ours, where all may be done */
bool execute_in_guest(const struct execution *x);

/** execute_may_make() - whether devices of a family, or their other ends, may be made */
bool execute_may_make(const struct execution *x, enum family family);

/** execute_left() - note in the report what a task left behind, if it did. 0, -ENOMEM */
int execute_left(struct execution *x, const struct outcome *o) must_check_;

/** execute_tell() - a line for the journal. 0, or the exit status after a message */
int execute_tell(struct execution *x, const struct journal_line *line) must_check_;

/** execute_tell_synced() - the same, on disk before this returns */
int execute_tell_synced(struct execution *x, const struct journal_line *line) must_check_;

/** execute_unusable() - what becomes of what was to be done on a device that is not ok */
struct verdict execute_unusable(const struct report_device *d);

/**
 * execute_not_ours() - why nothing is written to a device: what is behind a vDPA device
 * that exists is somebody's
 * @d:		device
 *
 * Return: static; NULL where there is nothing to say.
 */
const char *execute_not_ours(const struct report_device *d);

/**
 * execute_unasked() - whether the rest on a device stays unasked: the run was told to
 * stop, or the device is wedged
 * @x:		execution
 * @device:	name
 * @ret:	why
 */
bool execute_unasked(struct execution *x, const char *device, struct verdict *ret);

/** execute_reason() - a reason of the report's arena into @ret. 0 or -ENOMEM */
int execute_reason(struct execution *x, struct report_reason **ret, int code,
		   const char *text) must_check_;

/** struct stack_entry - one policy for one kind of guest on one device */
struct stack_entry {
	struct stack_play play;
	const struct report_device *device;
};

/**
 * execute_add_stacks() - a row in the report for each policy that is to be played
 * @x:		execution after execute_look()
 * @plays:	struct stack_entry are added, one for each row
 *
 * A policy that was named and drives none of the devices has its rows all the same.
 * Return: 0 or -ENOMEM.
 */
int execute_add_stacks(struct execution *x, struct rec_list *plays) must_check_;

/** execute_stacks() - play them. 0, or the exit status after a message */
int execute_stacks(struct execution *x, const struct rec_list *plays) must_check_;

#endif
