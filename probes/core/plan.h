/* SPDX-License-Identifier: MIT */
/* Which checks run on which device, decided before anything is touched. Pure. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/check.h"

/**
 * struct plan_device - a device as the plan sees it
 * @name:	net, vsock, ...
 * @path:	of its node
 * @family:	of it
 * @usable:	it was opened and told its features
 * @status, @code, @reason: what a check on an unusable device becomes
 * @offered:	features
 * @array:	VHOST_GET_FEATURES_ARRAY exists
 * @type:	vdpa: virtio device id; 0 if it is not known
 * @no_peer:	why this device cannot have another end; NULL if it can
 */
struct plan_device {
	const char *name, *path;
	enum family family;
	bool usable;
	int status, code;
	const char *reason;
	struct feature_set offered;
	bool array;
	uint32_t type;
	const char *no_peer;
};

/**
 * plan_not_offered() - what a check needs that a device does not offer
 * @a:		arena of the text
 * @check:	row
 * @d:		usable device
 *
 * Return: one sentence; NULL if nothing is lacking.
 */
const char *plan_not_offered(struct arena *a, const struct check *check,
			     const struct plan_device *d);

/**
 * struct plan_choice - what the command line asked for
 * @check, @exclude: globs over ids; no @check means all
 * @profile:	no check that a later version of vhostcheck brought (X.Y.Z); NULL: all
 * @intrusive:	RISK_INTRUSIVE may run
 * @anything:	in a machine of our own: every check may run
 * @no_peer:	by family, why the other end cannot be made; NULL if it can
 */
struct plan_choice {
	struct rec_list check, exclude;
	const char *profile;
	bool intrusive, anything;
	const char *no_peer[FAMILY_NUM];
};

/**
 * struct plan_entry - one check on one device
 * @id:		of the check for the device's family
 * @run:	it is to be run; else @verdict is its result
 */
struct plan_entry {
	const struct check *check;
	const struct plan_device *device;
	const char *id;
	bool run;
	struct verdict verdict;
};

/**
 * plan_make() - decide for every selected check and device
 * @a:		arena of the entries
 * @catalogue:	rows in published order
 * @count:	their number
 * @devices:	struct plan_device, in published order
 * @choice:	selection
 * @ret:	struct plan_entry appended: by catalogue, then by device
 *
 * A check that was not selected has no entry. Return: 0 or -ENOMEM.
 */
int plan_make(struct arena *a, const struct check *const *catalogue, size_t count,
	      const struct rec_list *devices, const struct plan_choice *choice,
	      struct rec_list *ret) must_check_;

/**
 * plan_held_back() - whether a risk keeps something from being run here
 * @risk:	of a check or of a stack
 * @intrusive:	RISK_INTRUSIVE may run
 * @anything:	in a machine of our own
 * @ret:	STATUS_BLOCKED and why; untouched if it may run
 *
 * No fix can be proved yet, so RISK_GUARDED never runs but with @anything.
 */
bool plan_held_back(enum risk risk, bool intrusive, bool anything, struct verdict *ret);

/** plan_matches() - whether an id matches one of the globs */
bool plan_matches(const struct rec_list *globs, const char *id);

#endif
