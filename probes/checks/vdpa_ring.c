/* SPDX-License-Identifier: MIT */
/* vDPA devices: the calls that set a ring up, and calls that there are not. */
#include "checks/vdpa_judges.h"

#define UNKNOWN_REQUEST _IOW(VHOST_VIRTIO, 0xf0, uint64_t)

static int open_owned(struct vdpa *v, struct session *s)
{
	int r = vdpa_open(v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	return 0;
}

static int collect_ring_size(struct session *s)
{
	uint64_t most = 0;
	struct vdpa v;
	int r = open_owned(&v, s);

	if (r < 0)
		return r;
	if (vdpa_get(&v, "most", VHOST_VDPA_GET_VRING_NUM, &most) < 0)
		return 0;
	(void)session_ring_num(s, "zero", VDPA_RING, 0);
	(void)session_ring_num(s, "three", VDPA_RING, 3);
	(void)session_ring_num(s, "too_large", VDPA_RING, 65536);
	(void)session_ring_num(s, "beyond", VDPA_RING, 2 * (unsigned int)most);
	(void)session_ring_num(s, "largest", VDPA_RING, (unsigned int)most);
	return 0;
}

static void judge_ring_size(struct judge *j)
{
	uint64_t most = 0;

	if (!judge_number(j, "most", &most))
		return;
	judge_that(j, most && !(most & (most - 1)),
		   "the largest ring has %u descriptors; it must be a power of two",
		   (unsigned int)most);
	judge_errno(j, "zero", EINVAL);
	judge_errno(j, "three", EINVAL);
	judge_errno(j, "too_large", EINVAL);
	judge_ok(j, "largest");
}

const struct check vdpa_ring_size = {
	.area = "lifecycle",
	.name = "ring_size",
	.families = ON_VDPA,
	.title = "a ring may have what the device says, if it is a power of two",
	.contract =
		"VHOST_VDPA_GET_VRING_NUM gives a power of two, and VHOST_SET_VRING_NUM "
		"takes it; 0, 3 and 65536 give EINVAL. More than the device says was taken "
		"until 7.2.7.",
	.harm = "A guest is shown a ring that the device does not serve.",
	.judged =
		"The number read, then 0, 3, 65536 and the number set; twice the number "
		"is recorded only.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 2.7",
		      "vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c",
		      "vhost_vring_set_num() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_num_any", "ring_num_swallowed", "busy_ring_num_taken"),
	.collect = collect_ring_size,
	.judge = judge_ring_size,
};

static int collect_ring_index(struct session *s)
{
	uint64_t count = 0;
	unsigned int n = 0;
	struct vdpa v;
	int r = open_owned(&v, s);

	if (r < 0)
		return r;
	if (vdpa_get(&v, "count", VHOST_VDPA_GET_VQS_COUNT, &count) < 0)
		return 0;
	n = (unsigned int)count;
	if (n)
		(void)session_ring_num(s, "last", n - 1, SESSION_RING_SIZE);
	(void)session_ring_num(s, "beyond", n, SESSION_RING_SIZE);
	(void)vdpa_state(&v, "enable_beyond", VHOST_VDPA_SET_VRING_ENABLE, n, 1);
	(void)vdpa_state(&v, "group_beyond", VHOST_VDPA_GET_VRING_GROUP, n, 0);
	(void)session_ring_num(s, "far_beyond", UINT32_MAX, SESSION_RING_SIZE);
	return 0;
}

static void judge_ring_index(struct judge *j)
{
	uint64_t count = 0;

	if (!judge_number(j, "count", &count))
		return;
	judge_that(j, count > 0, "the device says that it has no ring at all");
	judge_ok(j, "last");
	judge_errno(j, "beyond", ENOBUFS);
	judge_errno(j, "enable_beyond", ENOBUFS);
	judge_errno(j, "group_beyond", ENOBUFS);
	judge_errno(j, "far_beyond", ENOBUFS);
}

const struct check vdpa_ring_index = {
	.area = "lifecycle",
	.name = "ring_index",
	.families = ON_VDPA,
	.title = "a device has as many rings as it says",
	.contract =
		"VHOST_VDPA_GET_VQS_COUNT gives at least 1; ring calls take every index "
		"below it and give ENOBUFS for every other.",
	.harm = "A VMM gives the guest rings that nobody serves, or the kernel looks behind "
		"the end of its own.",
	.judged = "SET_VRING_NUM of the last ring, of one more and of 2^32 - 1; "
		  "SET_VRING_ENABLE and GET_VRING_GROUP of one more.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("ring_index_other_errno", "ring_index_wraps", "vdpa_no_rings"),
	.collect = collect_ring_index,
	.judge = judge_ring_index,
};

static int collect_ring_frozen(struct session *s)
{
	struct session_ring_at at = { 0 };
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r < 0)
		return r;
	at = session_ring_home(s, VDPA_RING);
	(void)session_ring_addr(s, "addr", VDPA_RING, at);
	(void)session_ring_base(s, "base", VDPA_RING, 0);
	return vdpa_both_ways(&v, "after");
}

static void judge_ring_frozen(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_errno(j, "addr", EINVAL);
	judge_errno(j, "base", EINVAL);
	judge_vdpa_both(j, "after");
}

const struct check vdpa_ring_frozen = {
	.area = "lifecycle",
	.name = "ring_frozen",
	.families = ON_VDPA,
	.title = "place and index of a ring are fixed while the device runs",
	.contract = "After DRIVER_OK VHOST_SET_VRING_ADDR and _BASE give EINVAL, and the "
		    "device goes on with the ring that it has.",
	.harm = "Requests in flight are lost, or a ring is looked for where it never was.",
	.judged = "Both calls on a running device, with data both ways before and after.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_ring_late", "ring_addr_forgiven", "busy_ring_base_taken"),
	.collect = collect_ring_frozen,
	.judge = judge_ring_frozen,
};

static int collect_unknown(struct session *s)
{
	uint64_t zero[8] = { 0 };
	int none = -1;
	struct vdpa v;
	int r = open_owned(&v, s);

	if (r < 0)
		return r;
	(void)session_ioctl(s, "log_base", VHOST_SET_LOG_BASE, zero);
	(void)session_ioctl(s, "log_fd", VHOST_SET_LOG_FD, &none);
	(void)session_ioctl(s, "reset_owner", VHOST_RESET_OWNER, zero);
	(void)session_ioctl(s, "unknown", UNKNOWN_REQUEST, zero);
	return 0;
}

static void judge_unknown(struct judge *j)
{
	judge_ok(j, "owner");
	judge_errno(j, "log_base", ENOTTY);
	judge_errno(j, "log_fd", ENOTTY);
	judge_errno(j, "reset_owner", ENOTTY);
	judge_errno(j, "unknown", ENOTTY);
}

const struct check vdpa_unknown_request = {
	.area = "lifecycle",
	.name = "unknown_request",
	.families = ON_VDPA,
	.title = "calls that a vDPA device does not have give ENOTTY",
	.contract =
		"There is no dirty log and no VHOST_RESET_OWNER: SET_LOG_BASE, SET_LOG_FD "
		"and RESET_OWNER give ENOTTY, as unknown numbers do.",
	.harm = "A VMM that probes for a log believes that pages are logged, and loses "
		"what the device wrote while it migrates.",
	.judged = "The three calls and an unknown one, with an owner.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_unlocked_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_log_taken", "log_base_unchecked", "unknown_request_taken"),
	.collect = collect_unknown,
	.judge = judge_unknown,
};
