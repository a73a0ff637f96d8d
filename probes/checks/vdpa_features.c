/* SPDX-License-Identifier: MIT */
/* vDPA devices: the node, and what is offered and accepted. */
#include <string.h>

#include "checks/vdpa_judges.h"
#include "seam/uapi.h"

#define BACKEND_OF_ALL                                                                   \
	(BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2) | BIT64(VHOST_BACKEND_F_IOTLB_BATCH) |      \
	 BIT64(VHOST_BACKEND_F_IOTLB_ASID))
#define BACKEND_SUSPEND BIT64(VHOST_BACKEND_F_SUSPEND)
#define BACKEND_RESUME BIT64(VHOST_BACKEND_F_RESUME)
#define BACKEND_UNKNOWN BIT64(63)

/* ------------------------------------------------------------------- node */

static int collect_exclusive(struct session *s)
{
	struct session other;
	struct seam seam;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	session_twin(s, &other, &seam);
	r = session_open(&other);
	session_fact(s, "twin", "open", "%s", r < 0 ? strerrorname_np(-r) : "0");
	session_close(s);
	r = session_open(&other);
	session_fact(s, "twin", "open_after_close", "%s",
		     r < 0 ? strerrorname_np(-r) : "0");
	s->failed = s->failed ? s->failed : other.failed;
	session_done(&other);
	return 0;
}

static void judge_exclusive(struct judge *j)
{
	judge_ok(j, "open");
	judge_fact(j, "twin", "open", "EBUSY");
	judge_fact(j, "twin", "open_after_close", "0");
}

const struct check vdpa_exclusive = {
	.area = "node",
	.name = "exclusive",
	.families = ON_VDPA,
	.title = "a vDPA device is opened by one at a time",
	.contract = "While the node is open a second open(2) gives EBUSY; once it is "
		    "closed the next one succeeds.",
	.harm = "Two VMMs drive one device and each other's guests with it.",
	.judged = "The node is opened, opened again while it is open, closed and opened.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_open() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_shared", "open_fails"),
	.collect = collect_exclusive,
	.judge = judge_exclusive,
};

/* ----------------------------------------------------------------- features */

/* Opened, and as far as a driver is that reads the features. */
static int open_driver(struct vdpa *v, struct session *s, uint64_t *offered)
{
	int r = vdpa_open(v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	(void)vdpa_set_status(v, "acknowledge", VDPA_ACKNOWLEDGED);
	(void)vdpa_set_status(v, "driver", VDPA_DRIVER);
	r = vdpa_get(v, "features", VHOST_GET_FEATURES, offered);
	return r < 0 ? r : 0;
}

static int collect_platform(struct session *s)
{
	uint64_t offered = 0;
	struct vdpa v;
	int r = open_driver(&v, s, &offered);

	if (r < 0)
		return r;
	(void)session_features(s, "all", offered);
	(void)vdpa_set_status(&v, "features_ok", VDPA_FEATURES);
	(void)vdpa_get_status(&v, "status");
	return 0;
}

static void judge_platform(struct judge *j)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, "features");
	uint64_t mask = 0;

	judge_ok(j, "features");
	if (!ev || !judge_mask(j, "features", &mask))
		return;
	judge_that(
		j, mask & F_VERSION_1,
		"VIRTIO_F_VERSION_1 is not offered: no modern guest can use this device");
	judge_that(
		j, mask & F_IOTLB,
		"VIRTIO_F_ACCESS_PLATFORM (bit 33) is not offered: a VMM that has to map "
		"what the device may reach cannot say so");
	judge_ok(j, "all");
	judge_ok(j, "features_ok");
	judge_said(j, "status", "11");
}

const struct check vdpa_platform = {
	.area = "features",
	.name = "platform",
	.families = ON_VDPA,
	.title = "bit 33 is offered, and everything offered is accepted together",
	.contract =
		"VHOST_GET_FEATURES has VIRTIO_F_VERSION_1 and VIRTIO_F_ACCESS_PLATFORM; "
		"all offered bits together are accepted, and FEATURES_OK stays set. What "
		"VMMs mask for vhost-net and vhost-vsock they must send here: the device "
		"reaches mapped memory only.",
	.harm = "A VMM that sets bit 33, as DPDK and QEMU force it, is refused, or a guest "
		"takes its addresses for physical ones.",
	.judged = "Bits 32 and 33 of the mask; SET_FEATURES with the whole mask, status "
		  "FEATURES_OK, and the status read back.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 6.1",
		      "vduse_dev_init_vdpa() in drivers/vdpa/vdpa_user/vduse_dev.c",
		      "vhost_vdpa_set_features() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_no_platform", "version_1_lost", "vdpa_status_stale"),
	.collect = collect_platform,
	.judge = judge_platform,
};

static int collect_all_but_each(struct session *s)
{
	uint64_t offered = 0;
	struct vdpa v;
	int r = open_driver(&v, s, &offered);

	if (r < 0)
		return r;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t mask = BIT64(bit);

		if (offered & mask && mask != F_IOTLB && mask != F_VERSION_1)
			(void)session_features(s, bit_step(&s->arena, bit),
					       offered & ~mask);
	}
	(void)session_features(s, "without_platform", offered & ~F_IOTLB);
	(void)session_features(s, "least", F_VERSION_1 | F_IOTLB);
	return 0;
}

static void judge_all_but_each(struct judge *j)
{
	uint64_t offered = 0;

	if (!judge_mask(j, "features", &offered))
		return;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t mask = BIT64(bit);

		if (offered & mask && mask != F_IOTLB && mask != F_VERSION_1)
			judge_ok(j, bit_step(j->arena, bit));
	}
	judge_ok(j, "least");
}

const struct check vdpa_all_but_each = {
	.area = "features",
	.name = "all_but_each",
	.families = ON_VDPA,
	.title = "each offered bit may be left out, but for VERSION_1 and bit 33",
	.contract =
		"VHOST_SET_FEATURES takes all offered bits without any one of them, and "
		"VERSION_1 and ACCESS_PLATFORM alone. Whether it takes a set without bit "
		"33 is the parent device's affair: VDUSE does, simulator and mlx5 give "
		"EINVAL.",
	.harm = "A guest whose driver lacks one feature does not get its device.",
	.judged = "One SET_FEATURES a bit before FEATURES_OK; the one without bit 33 is "
		  "recorded only.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 6",
		      "vhost_vdpa_set_features() in drivers/vhost/vdpa.c"),
	.faults = WORDS("features_depend", "set_features_refused"),
	.collect = collect_all_but_each,
	.judge = judge_all_but_each,
};

static int collect_frozen(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = vdpa_negotiate(&v, &vdpa_plain);
	if (r < 0)
		return r;
	(void)session_set_u64(s, "same", VHOST_SET_FEATURES, F_VERSION_1 | F_IOTLB);
	(void)session_set_u64(s, "none", VHOST_SET_FEATURES, 0);
	(void)vdpa_set_status(&v, "reset", 0);
	(void)session_set_u64(s, "after_reset", VHOST_SET_FEATURES,
			      F_VERSION_1 | F_IOTLB);
	return 0;
}

static void judge_frozen(struct judge *j)
{
	judge_ok(j, "setup.features");
	judge_errno(j, "same", EBUSY);
	judge_errno(j, "none", EBUSY);
	judge_ok(j, "reset");
	judge_ok(j, "after_reset");
}

const struct check vdpa_features_frozen = {
	.area = "features",
	.name = "frozen",
	.families = ON_VDPA,
	.title = "features cannot be changed once they were agreed on",
	.contract =
		"After status FEATURES_OK VHOST_SET_FEATURES gives EBUSY, whatever it is "
		"given, until the device is reset.",
	.harm = "Device and driver disagree on the layout of what they share.",
	.judged = "SET_FEATURES with the same set and with none, a reset, and once more.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_set_features() in drivers/vhost/vdpa.c",
		      "virtio-1.2 3.1.1"),
	.faults = WORDS("vdpa_features_late", "unknown_feature_taken",
			"unknown_feature_other_errno"),
	.collect = collect_frozen,
	.judge = judge_frozen,
};

/* --------------------------------------------------------- backend features */

static int collect_backend(struct session *s)
{
	uint64_t offered = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	if (vdpa_get(&v, "offered", VHOST_GET_BACKEND_FEATURES, &offered) < 0)
		return 0;
	for (unsigned int bit = 0; bit < 64; bit++)
		if (offered & BACKEND_OF_ALL & BIT64(bit))
			(void)session_backend(s, bit_step(&s->arena, bit), BIT64(bit));
	(void)session_backend(s, "all", offered);
	(void)session_backend(s, "none", 0);
	(void)session_owner(s, "owner");
	(void)session_backend(s, "owned", offered);
	return 0;
}

static void judge_backend(struct judge *j)
{
	uint64_t offered = 0;

	if (!judge_mask(j, "offered", &offered))
		return;
	judge_that(j, (offered & BACKEND_OF_ALL) == BACKEND_OF_ALL,
		   "IOTLB_MSG_V2, IOTLB_BATCH and IOTLB_ASID (0xe) are not all offered: "
		   "0x%llx",
		   (unsigned long long)offered);
	for (unsigned int bit = 0; bit < 64; bit++)
		if (BACKEND_OF_ALL & BIT64(bit))
			judge_ok(j, bit_step(j->arena, bit));
	judge_ok(j, "all");
	judge_ok(j, "none");
	judge_ok(j, "owned");
}

const struct check vdpa_backend = {
	.area = "features",
	.name = "backend_offered",
	.families = ON_VDPA,
	.title = "messages of version 2, batches and address spaces are offered",
	.contract =
		"VHOST_GET_BACKEND_FEATURES has IOTLB_MSG_V2, IOTLB_BATCH and IOTLB_ASID. "
		"VHOST_SET_BACKEND_FEATURES takes each alone, all that are offered, and "
		"none, before and after VHOST_SET_OWNER.",
	.harm = "A VMM maps page by page, or not at all: QEMU needs version 2.",
	.judged = "The mask, and one call a bit.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_VDPA_BACKEND_FEATURES in drivers/vhost/vdpa.c",
		      "vhost_vdpa_unlocked_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("backend_v2_lost", "set_backend_refused", "backend_final"),
	.collect = collect_backend,
	.judge = judge_backend,
};

static int collect_backend_refused(struct session *s)
{
	uint64_t offered = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	if (vdpa_get(&v, "offered", VHOST_GET_BACKEND_FEATURES, &offered) < 0)
		return 0;
	(void)session_backend(s, "unknown", BACKEND_UNKNOWN);
	(void)session_backend(s, "zero", BIT64(0));
	(void)session_backend(s, "suspend", BACKEND_SUSPEND);
	(void)session_backend(s, "resume", BACKEND_RESUME);
	(void)session_backend(s, "desc_asid", BIT64(VHOST_BACKEND_F_DESC_ASID));
	(void)session_backend(s, "all", offered);
	return 0;
}

static void judge_backend_refused(struct judge *j)
{
	uint64_t offered = 0;

	if (!judge_mask(j, "offered", &offered))
		return;
	judge_errno(j, "unknown", EOPNOTSUPP);
	judge_errno(j, "zero", EOPNOTSUPP);
	if (!(offered & BACKEND_SUSPEND))
		judge_errno(j, "suspend", EOPNOTSUPP);
	if (!(offered & BACKEND_RESUME))
		judge_errno(j, "resume", EOPNOTSUPP);
	judge_errno_either(j, "desc_asid", EINVAL, EOPNOTSUPP);
	judge_ok(j, "all");
}

const struct check vdpa_backend_refused = {
	.area = "features",
	.name = "backend_refused",
	.families = ON_VDPA,
	.title = "a backend feature that is not offered is refused",
	.contract =
		"VHOST_SET_BACKEND_FEATURES gives EOPNOTSUPP for unknown bits, and for "
		"SUSPEND and RESUME where the device cannot; DESC_ASID without IOTLB_ASID "
		"gives EINVAL, or EOPNOTSUPP where it is not known.",
	.harm = "A VMM believes that a device can be suspended, and migrates its guest "
		"with requests under way.",
	.judged = "Bits 63 and 0, SUSPEND and RESUME if they are not offered, DESC_ASID "
		  "alone; then all that are offered.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_unlocked_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("unknown_backend_taken", "unknown_backend_other_errno",
			"set_backend_swallowed", "set_backend_refused"),
	.collect = collect_backend_refused,
	.judge = judge_backend_refused,
};
