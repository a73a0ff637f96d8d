/* SPDX-License-Identifier: MIT */
/* vDPA devices: when requests are served, and when they are not. */
#include "checks/vdpa_judges.h"
#include "seam/uapi.h"

static const struct vdpa_config disabled = { .disabled = true };

/* A request that nobody may serve yet: read two sectors. */
static int ask_early(struct vdpa *v, const char *step)
{
	const struct vdpa_request request = vdpa_sectors(8, 2 * VDPA_SECTOR);
	int r = vdpa_held(v, step, &request);

	return r == -ENODATA ? 0 : r;
}

/* It is served now. */
static int take_late(struct vdpa *v, const char *step)
{
	struct ring_used used = { 0 };
	int r = vdpa_kick(v);

	if (r == 0)
		r = vdpa_wait(v, VDPA_ANSWER_MS, &used);
	if (r == 0 || r == -ENODATA)
		vdpa_note(v, step, r == 0 ? &used : NULL);
	return r;
}

static int collect_not_started(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = vdpa_prepare(&v, &vdpa_plain);
	if (r == 0)
		r = ask_early(&v, "before");
	if (r == 0)
		r = vdpa_start(&v);
	if (r == 0)
		r = take_late(&v, "late");
	return r < 0 ? r : vdpa_both_ways(&v, "after");
}

static void judge_not_started(struct judge *j)
{
	judge_not_used(j, "before");
	judge_ok(j, "start");
	judge_served(j, "late");
	judge_vdpa_both(j, "after");
}

const struct check vdpa_not_started = {
	.area = "lifecycle",
	.name = "not_started",
	.families = ON_VDPA,
	.title = "nothing is served before DRIVER_OK, and nothing is lost by waiting",
	.contract =
		"A request that is published and kicked before DRIVER_OK is not touched; "
		"after it, it is served.",
	.harm = "A device works on rings that the driver has not finished setting up.",
	.judged =
		"A request and a kick with status FEATURES_OK, a short wait, DRIVER_OK, a "
		"kick; then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 3.1.2", "virtio-1.2 2.1.2"),
	.faults = WORDS("vdpa_early"),
	.collect = collect_not_started,
	.judge = judge_not_started,
};

static int collect_ring_disabled(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = vdpa_prepare(&v, &disabled);
	if (r == 0)
		r = vdpa_start(&v);
	if (r == 0)
		r = ask_early(&v, "disabled");
	return r < 0 ? r : vdpa_fresh(&v);
}

static void judge_ring_disabled(struct judge *j)
{
	judge_ok(j, "start");
	judge_not_used(j, "disabled");
	judge_vdpa_both(j, "fresh");
}

const struct check vdpa_ring_disabled = {
	.area = "lifecycle",
	.name = "ring_disabled",
	.families = ON_VDPA,
	.title = "a ring that was not enabled is not served",
	.contract =
		"Without VHOST_VDPA_SET_VRING_ENABLE a ring is left alone, DRIVER_OK or "
		"not.",
	.harm = "A ring that the guest has not set up, or has taken back, is worked on.",
	.judged = "All of a start but the enabling, a request, a kick and a short wait; "
		  "then a fresh descriptor with the ring enabled.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 4.1.4.3.2",
		      "vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c",
		      "vduse_vq_kick() in drivers/vdpa/vdpa_user/vduse_dev.c"),
	.faults = WORDS("vdpa_enable_ignored"),
	.collect = collect_ring_disabled,
	.judge = judge_ring_disabled,
};

static int collect_reset(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r < 0)
		return r;
	r = vdpa_set_status(&v, "reset", 0);
	if (r >= 0)
		r = ask_early(&v, "at_reset");
	if (r == 0)
		r = vdpa_unmap_all(&v, "unmap");
	if (r == 0)
		r = vdpa_prepare(&v, &vdpa_plain);
	if (r == 0)
		r = vdpa_start(&v);
	return r < 0 ? r : vdpa_both_ways(&v, "again");
}

static void judge_reset(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_ok(j, "reset");
	judge_not_used(j, "at_reset");
	judge_vdpa_both(j, "again");
}

const struct check vdpa_reset = {
	.area = "lifecycle",
	.name = "reset",
	.families = ON_VDPA,
	.title = "a reset stops a running device, and it can be started again",
	.contract =
		"After status 0 no request is served. Owner and descriptor stay, and with "
		"features, mappings and rings set anew the device works. Whether mappings "
		"outlive the reset depends on the kernel: a VMM takes them back itself.",
	.harm = "A guest that reboots finds its old device still writing into its memory.",
	.judged =
		"Data both ways, reset, a request and a short wait; then all of a start "
		"again on the same descriptor.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.4", "_compat_vdpa_reset() in drivers/vhost/vdpa.c",
		      "commit bc91df5c70ac"),
	.faults = WORDS("vdpa_reset_runs"),
	.collect = collect_reset,
	.judge = judge_reset,
};

static int collect_reopen(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r == 0)
		r = vdpa_crash(&v);
	return r < 0 ? r : vdpa_again(&v);
}

static void judge_reopen(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_vdpa_both(j, "fresh");
}

const struct check vdpa_close_running = {
	.area = "lifecycle",
	.name = "close_while_running",
	.families = ON_VDPA,
	.title = "a device that was closed while it ran starts again",
	.contract =
		"close(2) of a running device resets it; the next descriptor begins with "
		"a device that works.",
	.harm = "After a VMM has crashed its guest cannot be started again.",
	.judged = "Data both ways, close, open, start, data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_release(), vhost_vdpa_open() in drivers/vhost/vdpa.c"),
	.faults = WORDS("reopen_busy"),
	.collect = collect_reopen,
	.judge = judge_reopen,
};

static int collect_suspend(struct session *s)
{
	uint64_t offered = 0;
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r == 0)
		r = vdpa_get(&v, "offered", VHOST_GET_BACKEND_FEATURES, &offered);
	if (r < 0 || !(offered & BIT64(VHOST_BACKEND_F_SUSPEND)))
		return r < 0 ? r : 0;
	(void)session_ioctl(s, "suspend", VHOST_VDPA_SUSPEND, NULL);
	r = ask_early(&v, "suspended");
	session_note_ring(s, "suspended", VDPA_RING);
	if (r < 0 || !(offered & BIT64(VHOST_BACKEND_F_RESUME)))
		return r;
	(void)session_ioctl(s, "resume", VHOST_VDPA_RESUME, NULL);
	r = take_late(&v, "resumed");
	return r < 0 ? r : vdpa_both_ways(&v, "after");
}

static void judge_suspend(struct judge *j)
{
	uint64_t offered = 0;

	judge_vdpa_both(j, "first");
	if (!judge_mask(j, "offered", &offered))
		return;
	if (!(offered & BIT64(VHOST_BACKEND_F_SUSPEND)))
		judge_skip(
			j, REASON_NOT_OFFERED,
			"the device does not offer VHOST_BACKEND_F_SUSPEND: its parent "
			"cannot suspend it");
	judge_ok(j, "suspend");
	judge_not_used(j, "suspended");
	judge_moved(j, "suspended", 0, 2);
	if (!(offered & BIT64(VHOST_BACKEND_F_RESUME)))
		return;
	judge_ok(j, "resume");
	judge_served(j, "resumed");
	judge_vdpa_both(j, "after");
}

const struct check vdpa_suspend = {
	.area = "lifecycle",
	.name = "suspend",
	.families = ON_VDPA,
	.title = "a suspended device serves nothing, and resumes where it stood",
	.contract =
		"After VHOST_VDPA_SUSPEND no request is served and VHOST_GET_VRING_BASE is "
		"the index to go on from; after VHOST_VDPA_RESUME the device serves what "
		"came meanwhile. Where it is offered.",
	.harm = "A guest is migrated while its device still writes, and its memory is not "
		"what was sent.",
	.judged =
		"Two requests, suspend, a third and a short wait: indices at 2. Resume, a "
		"kick: the third is served.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS(
		"vhost_vdpa_suspend(), vhost_vdpa_resume() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_suspend_ignored", "vdpa_resume_ignored"),
	.collect = collect_suspend,
	.judge = judge_suspend,
};
