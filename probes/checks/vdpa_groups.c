/* SPDX-License-Identifier: MIT */
/* vDPA devices: groups of rings, and their address spaces. */
#include <string.h>

#include "checks/vdpa_judges.h"
#include "seam/uapi.h"

#define BACKEND_ASID                                                                     \
	(BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2) | BIT64(VHOST_BACKEND_F_IOTLB_ASID))

static int collect_groups(struct session *s)
{
	uint64_t groups = 0;
	uint64_t spaces = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	if (vdpa_get(&v, "groups", VHOST_VDPA_GET_GROUP_NUM, &groups) < 0 ||
	    vdpa_get(&v, "spaces", VHOST_VDPA_GET_AS_NUM, &spaces) < 0)
		return 0;
	(void)vdpa_state(&v, "group_of_ring", VHOST_VDPA_GET_VRING_GROUP, VDPA_RING, 0);
	(void)vdpa_state(&v, "first_space", VHOST_VDPA_SET_GROUP_ASID, 0, 0);
	(void)vdpa_state(&v, "space_beyond", VHOST_VDPA_SET_GROUP_ASID, 0,
			 (unsigned int)spaces);
	(void)vdpa_state(&v, "space_far_beyond", VHOST_VDPA_SET_GROUP_ASID, 0,
			 UINT32_MAX);
	(void)vdpa_state(&v, "group_beyond", VHOST_VDPA_SET_GROUP_ASID,
			 (unsigned int)groups, 0);
	return 0;
}

static void judge_group_of_ring(struct judge *j, uint64_t groups)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, "group_of_ring");
	const char *number = ev && ev->ioctl.arg ? strchr(ev->ioctl.arg, ' ') : NULL;

	if (!ev || ev->ioctl.err == EOPNOTSUPP)
		return; /* a parent without groups has but one */
	judge_ok(j, "group_of_ring");
	judge_that(j, number && strtoull(number, NULL, 10) < groups,
		   "ring 0 is in group%s, of %u groups", number ? number : " ?",
		   (unsigned int)groups);
}

/* Nothing is done with a group that the parent has no call for, bound or not. */
static bool cannot_set(struct judge *j)
{
	const struct ev *ev = ev_find(j->evidence, EV_IOCTL, "first_space");

	return ev && ev->ioctl.err == EOPNOTSUPP;
}

static void judge_group_beyond(struct judge *j)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, "group_beyond");

	if (!ev || (ev->ioctl.err == EOPNOTSUPP && cannot_set(j)))
		return;
	judge_errno_either(j, "group_beyond", EINVAL, ENOBUFS);
}

static void judge_groups(struct judge *j)
{
	uint64_t groups = 0;

	judge_ok(j, "owner");
	if (!judge_number(j, "groups", &groups))
		return;
	judge_positive(j, "groups");
	judge_positive(j, "spaces");
	judge_group_of_ring(j, groups);
	judge_errno(j, "space_beyond", EINVAL);
	judge_errno(j, "space_far_beyond", EINVAL);
	judge_group_beyond(j);
}

const struct check vdpa_groups = {
	.area = "family",
	.name = "groups",
	.families = ON_VDPA,
	.title =
		"a group that there is not has no address space, nor one that there is not",
	.contract =
		"Ring 0 is in a group below VHOST_VDPA_GET_GROUP_NUM, where the parent tells. "
		"VHOST_VDPA_SET_GROUP_ASID gives EINVAL for an address space of "
		"VHOST_VDPA_GET_AS_NUM or more, and EINVAL or ENOBUFS for a group that there "
		"is not; EOPNOTSUPP where the parent cannot move groups at all.",
	.harm = "Rings that a VMM meant to keep apart from its guest share its memory.",
	.judged = "The group of ring 0, and SET_GROUP_ASID with a space and a group too "
		  "many; with what there is it is recorded only.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_group_any", "ring_index_wraps"),
	.collect = collect_groups,
	.judge = judge_groups,
};

/* A start with the rings in address space 1 and all memory mapped in @asid. */
static int start_in(struct vdpa *v, uint32_t asid)
{
	static const struct vdpa_config with_asid = { .backend = BACKEND_ASID };
	int r = vdpa_negotiate(v, &with_asid);

	if (r == 0)
		r = vdpa_state(v, "group", VHOST_VDPA_SET_GROUP_ASID, 0, 1);
	v->asid = asid;
	if (r >= 0)
		r = vdpa_map_all(v, "map");
	if (r == 0)
		r = vdpa_ring(v, &with_asid);
	return r < 0 ? r : vdpa_start(v);
}

static int collect_asid_apart(struct session *s)
{
	const struct vdpa_request request = vdpa_sectors(8, VDPA_SECTOR);
	uint64_t spaces = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = vdpa_get(&v, "spaces", VHOST_VDPA_GET_AS_NUM, &spaces);
	if (r < 0 || spaces < 2)
		return r < 0 ? r : 0;
	r = start_in(&v, 1);
	if (r == 0)
		r = vdpa_both_ways(&v, "first");
	if (r == 0)
		r = vdpa_reopen(&v);
	if (r == 0)
		r = start_in(&v, 0);
	if (r == 0)
		r = vdpa_held(&v, "other_space", &request);
	return r == -ENODATA || r == -EIO ? 0 : r;
}

static void judge_asid_apart(struct judge *j)
{
	uint64_t spaces = 0;

	if (!judge_number(j, "spaces", &spaces))
		return;
	if (spaces < 2)
		judge_skip(j, REASON_NOT_OFFERED,
			   "the device has one address space: there is nothing to keep "
			   "apart");
	judge_ok(j, "group");
	judge_vdpa_both(j, "first");
	judge_not_used(j, "other_space");
}

const struct check vdpa_asid_apart = {
	.area = "family",
	.name = "asid_apart",
	.families = ON_VDPA,
	.title = "rings reach what is mapped in their own address space alone",
	.contract =
		"A group of rings that was moved to address space 1 is served with what "
		"is mapped there, and with nothing that is mapped in space 0.",
	.harm = "A VMM's shadow control ring, which the guest must not reach, lies open to "
		"the guest's own.",
	.judged =
		"Group 0 in space 1: with all memory mapped there data go both ways; on a "
		"fresh descriptor, with all mapped in space 0, a request is not served.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS(
		"vhost_vdpa_vring_ioctl(), asid_to_iotlb() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_asid_ignored"),
	.collect = collect_asid_apart,
	.judge = judge_asid_apart,
};
