/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <string.h>

#include "core/plan.h"

bool plan_matches(const struct rec_list *globs, const char *id)
{
	for (size_t i = 0; i < globs->count; i++)
		if (!fnmatch(globs->item[i], id, 0))
			return true;
	return false;
}

static bool settled(struct plan_entry *e, enum status status, enum reason_code code,
		    const char *text)
{
	e->verdict = (struct verdict){
		.status = (int)status,
		.code = (int)code,
		.text = text ? text : "memory is exhausted",
	};
	return true;
}

const char *plan_not_offered(struct arena *a, const struct check *check,
			     const struct plan_device *d)
{
	const struct feature_set need = { { check->need, check->need_high } };
	const char *text = NULL;

	if (check->need_array && !d->array)
		return "the device has no VHOST_GET_FEATURES_ARRAY, which vhost-net has "
		       "since Linux 6.17";
	if (check->need_type && d->type && check->need_type != d->type) {
		text = arena_printf(
			a,
			"the device has the virtio id %u, and this is asked of "
			"devices with the id %u",
			d->type, check->need_type);
		return text ? text : "memory is exhausted";
	}
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		const char *name = bit_name(BITS_FEATURES, d->family, bit);

		if (!feature_set_has(&need, bit) || feature_set_has(&d->offered, bit))
			continue;
		text = arena_printf(a, "the device does not offer %s (bit %u)",
				    name ? name : "the feature", bit);
		return text ? text : "memory is exhausted";
	}
	return NULL;
}

bool plan_held_back(enum risk risk, bool intrusive, bool anything, struct verdict *ret)
{
	if (anything || risk == RISK_SAFE || (risk == RISK_INTRUSIVE && intrusive))
		return false;
	if (risk == RISK_INTRUSIVE)
		*ret = (struct verdict){
			STATUS_BLOCKED, REASON_NOT_SELECTED,
			"does what no ordinary VMM does: run it with `vhostcheck run "
			"--intrusive`, or in `vhostcheck vm`"
		};
	else
		*ret = (struct verdict){
			STATUS_BLOCKED, REASON_UNSAFE_KERNEL,
			"can harm an unfixed kernel: run it in a machine of its own "
			"with `vhostcheck vm`"
		};
	return true;
}

/* Whether something keeps the check from running; @e->verdict says what. */
static bool kept(struct arena *a, struct plan_entry *e, const struct plan_choice *choice)
{
	const struct plan_device *d = e->device;
	const char *no_peer = d->no_peer ? d->no_peer : choice->no_peer[d->family];
	const char *missing = NULL;

	if (!d->usable)
		return settled(e, (enum status)d->status, (enum reason_code)d->code,
			       d->reason);
	missing = plan_not_offered(a, e->check, d);
	if (missing)
		return settled(e, STATUS_SKIP, REASON_NOT_OFFERED, missing);
	if (plan_held_back((enum risk)e->check->risk, choice->intrusive, choice->anything,
			   &e->verdict))
		return true;
	if (e->check->need_peer && no_peer)
		return settled(e, STATUS_BLOCKED, REASON_PEER_MISSING, no_peer);
	return false;
}

static int plan_one(struct arena *a, const struct check *check,
		    const struct plan_device *device, const struct plan_choice *choice,
		    struct rec_list *ret)
{
	struct plan_entry *e = NULL;
	const char *id = NULL;

	if (!(check->families & FAMILY_BIT(device->family)) ||
	    (choice->profile && strverscmp(check->since, choice->profile) > 0))
		return 0;
	id = check_id(a, check, device->family);
	if (!id)
		return -ENOMEM;
	if ((choice->check.count && !plan_matches(&choice->check, id)) ||
	    plan_matches(&choice->exclude, id))
		return 0;
	e = rec_list_new(a, ret, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->check = check;
	e->device = device;
	e->id = id;
	e->run = !kept(a, e, choice);
	return 0;
}

int plan_make(struct arena *a, const struct check *const *catalogue, size_t count,
	      const struct rec_list *devices, const struct plan_choice *choice,
	      struct rec_list *ret)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < devices->count; k++) {
			int r = plan_one(a, catalogue[i], devices->item[k], choice, ret);

			if (r < 0)
				return r;
		}
	}
	return 0;
}
