/* SPDX-License-Identifier: MIT */
/* Area features: what is offered, what is accepted, what is refused. */
#include "checks/rows.h"

#define BACKEND_V2 BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2)

/* Expects the same answer at "bit N" for each bit of @bits; @err 0 is success. */
static void judge_bits(struct judge *j, uint64_t bits, int err)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(bits & BIT64(bit)))
			continue;
		if (err)
			judge_errno(j, bit_step(j->arena, bit), err);
		else
			judge_ok(j, bit_step(j->arena, bit));
	}
}

static int collect_stable(struct session *s)
{
	uint64_t bits = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_get_u64(s, "first", VHOST_GET_FEATURES, &bits);
	(void)session_owner(s, "owner");
	(void)session_get_u64(s, "owned", VHOST_GET_FEATURES, &bits);
	(void)session_features(s, "set_none", 0);
	(void)session_get_u64(s, "none_set", VHOST_GET_FEATURES, &bits);
	return 0;
}

static void judge_stable(struct judge *j)
{
	uint64_t first = 0;
	uint64_t owned = 0;
	uint64_t none = 0;

	if (!judge_mask(j, "first", &first) || !judge_mask(j, "owned", &owned) ||
	    !judge_mask(j, "none_set", &none))
		return;
	judge_that(
		j, first == owned && first == none,
		"VHOST_GET_FEATURES changed its answer: 0x%llx at first, 0x%llx with an "
		"owner, 0x%llx after SET_FEATURES(0)",
		(unsigned long long)first, (unsigned long long)owned,
		(unsigned long long)none);
}

const struct check features_stable = {
	.area = "features",
	.name = "stable",
	.families = ON_ALL,
	.title = "the offered features do not change while the device is set up",
	.contract =
		"VHOST_GET_FEATURES gives the same mask before and after SET_OWNER and "
		"SET_FEATURES: it says what the driver offers, never what was acked.",
	.harm = "A VMM that reads the mask twice, or late, shows its guest other features "
		"than it sends.",
	.judged =
		"Three reads at three moments are compared; the buffer is poisoned before "
		"each.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_GET_FEATURES",
		      "vhost_vsock_dev_ioctl() in drivers/vhost/vsock.c",
		      "vhost_net_ioctl() in drivers/vhost/net.c"),
	.faults = WORDS("features_change", "features_acked"),
	.collect = collect_stable,
	.judge = judge_stable,
};

static int collect_mask(struct session *s)
{
	uint64_t bits = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_get_u64(s, "features", VHOST_GET_FEATURES, &bits);
	return 0;
}

static void judge_version_1(struct judge *j)
{
	uint64_t mask = 0;

	if (judge_mask(j, "features", &mask))
		judge_that(
			j, mask & F_VERSION_1,
			"VIRTIO_F_VERSION_1 is not offered: only legacy guests can use "
			"this device");
}

const struct check features_version_1 = {
	.area = "features",
	.name = "version_1",
	.families = ON_ALL,
	.title = "virtio 1 is offered",
	.contract = "VIRTIO_F_VERSION_1 (bit 32) is among the offered features.",
	.harm = "A guest whose device must be modern (every vsock device is) finds none.",
	.judged = "Bit 32 of VHOST_GET_FEATURES.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 6.1", "VHOST_FEATURES in drivers/vhost/vhost.h"),
	.faults = WORDS("version_1_lost"),
	.collect = collect_mask,
	.judge = judge_version_1,
};

static int collect_before_owner(struct session *s)
{
	uint64_t bits = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	if (session_get_u64(s, "read", VHOST_GET_FEATURES, &bits) >= 0)
		(void)session_features(s, "set", bits & F_VERSION_1);
	(void)session_owner(s, "owner");
	return 0;
}

static void judge_before_owner(struct judge *j)
{
	uint64_t mask = 0;

	(void)judge_mask(j, "read", &mask);
	judge_ok(j, "set");
	judge_ok(j, "owner");
}

const struct check features_before_owner = {
	.area = "features",
	.name = "before_owner",
	.families = ON_ALL,
	.title = "features can be read and set before the device has an owner",
	.contract = "VHOST_GET_FEATURES and VHOST_SET_FEATURES need no VHOST_SET_OWNER.",
	.harm = "VMMs that probe a device first, or set features first as Seastar does, fail "
		"with EPERM.",
	.judged = "Both calls on a fresh descriptor, then SET_OWNER.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vsock_dev_ioctl() in drivers/vhost/vsock.c",
		      "vhost_net_ioctl() in drivers/vhost/net.c"),
	.faults = WORDS("get_features_needs_owner", "set_features_needs_owner",
			"owner_first"),
	.collect = collect_before_owner,
	.judge = judge_before_owner,
};

static int collect_each(struct session *s)
{
	uint64_t offered = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	r = session_get_u64(s, "features", VHOST_GET_FEATURES, &offered);
	if (r < 0)
		return 0;
	for (unsigned int bit = 0; bit < 64; bit++)
		if (offered & BIT64(bit))
			(void)session_features(s, bit_step(&s->arena, bit), BIT64(bit));
	(void)session_features(s, "none", 0);
	return 0;
}

static void judge_each(struct judge *j)
{
	uint64_t offered = 0;

	if (!judge_mask(j, "features", &offered))
		return;
	judge_that(j, offered != 0, "the device offers no feature at all");
	judge_bits(j, offered, 0);
	judge_ok(j, "none");
}

const struct check features_each_accepted = {
	.area = "features",
	.name = "each_accepted",
	.families = ON_ALL,
	.title = "each offered bit is accepted alone",
	.contract =
		"VHOST_SET_FEATURES takes each offered bit by itself, and none at all.",
	.harm = "A VMM that masks down to the few bits that it knows, as it should, is "
		"refused.",
	.judged = "One SET_FEATURES a bit; every one must succeed.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_FEATURES",
		      "vhost_vsock_set_features() in drivers/vhost/vsock.c",
		      "vhost_net_set_features() in drivers/vhost/net.c",
		      "vhost_scsi_set_features() in drivers/vhost/scsi.c"),
	.faults = WORDS("set_features_refused", "features_depend"),
	.collect = collect_each,
	.judge = judge_each,
};

static int collect_all_but(struct session *s)
{
	uint64_t offered = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	r = session_get_u64(s, "features", VHOST_GET_FEATURES, &offered);
	if (r < 0)
		return 0;
	(void)session_features(s, "all", offered);
	for (unsigned int bit = 0; bit < 64; bit++)
		if (offered & BIT64(bit))
			(void)session_features(s, bit_step(&s->arena, bit),
					       offered & ~BIT64(bit));
	return 0;
}

static void judge_all_but(struct judge *j)
{
	uint64_t offered = 0;

	if (!judge_mask(j, "features", &offered))
		return;
	judge_that(j, offered != 0, "the device offers no feature at all");
	judge_ok(j, "all");
	judge_bits(j, offered, 0);
}

const struct check features_all_but_each = {
	.area = "features",
	.name = "all_but_each",
	.families = ON_ALL,
	.title = "all offered bits are accepted together, and all but any one",
	.contract =
		"No offered bit depends on another: VHOST_SET_FEATURES takes the whole "
		"offered mask and the mask without any one bit.",
	.harm = "A VMM that withholds one feature from its guest, for live migration say, is "
		"refused.",
	.judged = "SET_FEATURES of the mask, then without each bit in turn.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_FEATURES", "virtio-1.2 6"),
	.faults = WORDS("set_features_refused", "features_depend"),
	.collect = collect_all_but,
	.judge = judge_all_but,
};

static int collect_unoffered(struct session *s)
{
	uint64_t offered = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	r = session_get_u64(s, "features", VHOST_GET_FEATURES, &offered);
	if (r < 0)
		return 0;
	for (unsigned int bit = 0; bit < 64; bit++)
		if (!(offered & BIT64(bit)))
			(void)session_features(s, bit_step(&s->arena, bit), BIT64(bit));
	return 0;
}

static void judge_unoffered(struct judge *j)
{
	uint64_t offered = 0;

	if (judge_mask(j, "features", &offered))
		judge_bits(j, ~offered, EOPNOTSUPP);
}

const struct check features_unoffered_refused = {
	.area = "features",
	.name = "unoffered_refused",
	.families = ON_ALL,
	.title = "a bit that is not offered is refused with EOPNOTSUPP",
	.contract =
		"VHOST_SET_FEATURES refuses every bit outside VHOST_GET_FEATURES with "
		"EOPNOTSUPP.",
	.harm = "A VMM believes in a feature that the device does not have, and its guest's "
		"data is misread.",
	.judged = "One SET_FEATURES for each of the 64 bits that is not offered.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_FEATURES",
		      "vhost_vsock_set_features() in drivers/vhost/vsock.c",
		      "vhost_net_set_features() in drivers/vhost/net.c",
		      "vhost_scsi_set_features() in drivers/vhost/scsi.c"),
	.faults = WORDS("unknown_feature_taken", "unknown_feature_other_errno"),
	.collect = collect_unoffered,
	.judge = judge_unoffered,
};

static int collect_backend(struct session *s)
{
	uint64_t bits = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_get_u64(s, "backend", VHOST_GET_BACKEND_FEATURES, &bits);
	(void)session_backend(s, "v2", BACKEND_V2);
	(void)session_backend(s, "none", 0);
	return 0;
}

static void judge_backend_v2(struct judge *j)
{
	uint64_t mask = 0;

	if (!judge_mask(j, "backend", &mask))
		return;
	judge_that(j, mask & BACKEND_V2,
		   "the device has an IOTLB and does not offer "
		   "VHOST_BACKEND_F_IOTLB_MSG_V2 (backend features 0x%llx)",
		   (unsigned long long)mask);
	judge_ok(j, "v2");
	judge_ok(j, "none");
}

const struct check features_backend_v2 = {
	.area = "features",
	.name = "backend_v2",
	.families = ON_BOTH,
	.title = "a device with an IOTLB offers version 2 of its messages",
	.contract =
		"Where VIRTIO_F_ACCESS_PLATFORM is offered, the backend features hold "
		"VHOST_BACKEND_F_IOTLB_MSG_V2, and it can be set and cleared.",
	.harm = "A VMM that writes version 2 only, as QEMU does when it may, cannot serve "
		"the IOTLB.",
	.judged =
		"Bit 1 of VHOST_GET_BACKEND_FEATURES, then SET_BACKEND_FEATURES with it "
		"and without.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.refs = WORDS("VHOST_GET_BACKEND_FEATURES", "VHOST_BACKEND_F_IOTLB_MSG_V2",
		      "commit 429711aec282"),
	.faults = WORDS("backend_v2_lost", "set_backend_refused", "backend_final"),
	.collect = collect_backend,
	.judge = judge_backend_v2,
};

static int collect_backend_refused(struct session *s)
{
	uint64_t offered = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	r = session_get_u64(s, "features", VHOST_GET_BACKEND_FEATURES, &offered);
	if (r < 0)
		return 0;
	for (unsigned int bit = 0; bit < 64; bit++)
		if (!(offered & BIT64(bit)))
			(void)session_backend(s, bit_step(&s->arena, bit), BIT64(bit));
	return 0;
}

const struct check features_backend_refused = {
	.area = "features",
	.name = "backend_refused",
	.families = ON_BOTH,
	.title = "a backend feature that is not offered is refused with EOPNOTSUPP",
	.contract = "VHOST_SET_BACKEND_FEATURES refuses every bit outside "
		    "VHOST_GET_BACKEND_FEATURES with EOPNOTSUPP.",
	.harm = "A VMM that echoes bits it does not know (cloud-hypervisor, alioth) goes on "
		"with a message format that the device does not speak.",
	.judged = "One SET_BACKEND_FEATURES for each bit that is not offered.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.refs = WORDS("VHOST_SET_BACKEND_FEATURES",
		      "vhost_vsock_dev_ioctl() in drivers/vhost/vsock.c",
		      "vhost_net_ioctl() in drivers/vhost/net.c"),
	.faults = WORDS("unknown_backend_taken", "unknown_backend_other_errno"),
	.collect = collect_backend_refused,
	.judge = judge_unoffered,
};
