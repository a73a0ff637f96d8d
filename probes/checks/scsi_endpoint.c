/* SPDX-License-Identifier: MIT */
/* Area lifecycle: the endpoint of vhost-scsi, and what may change while it has one. */
#include <string.h>

#include "checks/scsi.h"
#include "guest/dirty.h"

const char *scsi_other_name(struct session *s)
{
	const char *name = arena_printf(&s->arena, "%s0", s->target.wwpn);

	return name ? name : "?";
}

bool scsi_prove(struct session *s)
{
	return scsi_endpoint(s, "proof", VHOST_SCSI_SET_ENDPOINT, scsi_other_name(s)) ==
	       -ENODEV;
}

bool judge_proved(struct judge *j)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, "proof");

	if (!ev)
		return false;
	judge_that(j, ev->ioctl.err != 0, "%s took the name of no target",
		   ev->ioctl.name);
	if (ev->ioctl.err == ENODEV)
		return true;
	judge_skip(
		j, REASON_UNSAFE_KERNEL,
		"this kernel lacks the fix of VHOST_SCSI_SET_ENDPOINT of 6.15 "
		"(CVE-2025-22083), and may lack older ones: what this check does could "
		"corrupt its memory");
	return false;
}

void judge_started(struct judge *j)
{
	const char *status = judge_fact_value(j, "ready", "status");
	const char *sense = judge_fact_value(j, "ready", "sense");

	judge_ok(j, "start");
	judge_that(j, !status, "a LUN did not become ready: status %s, sense %s",
		   status ? status : "?", sense ? sense : "?");
}

void judge_response(struct judge *j, const char *step, const char *response)
{
	judge_started(j);
	judge_that(j, judge_fact_value(j, step, "response") != NULL,
		   "the request at step \"%s\" was not answered%s", step,
		   ev_find(j->evidence, EV_RING, "stall") ? ": its ring stalled" : "");
	judge_fact(j, step, "response", response);
}

void judge_answer(struct judge *j, const char *step, const char *response,
		  const char *status, const char *sense)
{
	judge_response(j, step, response);
	judge_fact(j, step, "status", status);
	judge_fact(j, step, "sense", sense);
}

/* -------------------------------------------------------------- abi version */

static int collect_abi_version(struct session *s)
{
	uint32_t version = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)scsi_get_u32(s, "version", VHOST_SCSI_GET_ABI_VERSION, &version);
	return 0;
}

static void judge_abi_version(struct judge *j)
{
	judge_said(j, "version", "1");
}

const struct check scsi_abi_version = {
	.area = "lifecycle",
	.name = "abi_version",
	.families = ON_SCSI,
	.title = "the version of the interface is 1, before SET_OWNER too",
	.contract = "VHOST_SCSI_GET_ABI_VERSION says 1, the version in which the tag of "
		    "the target's portal group is not looked at, and needs no owner.",
	.harm = "A VMM that asks first, as QEMU does, refuses to start its guest.",
	.judged = "One call on a fresh descriptor.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SCSI_ABI_VERSION in include/uapi/linux/vhost_types.h",
		      "vhost_scsi_ioctl() in drivers/vhost/scsi.c"),
	.faults = WORDS("abi_version_other"),
	.collect = collect_abi_version,
	.judge = judge_abi_version,
};

/* -------------------------------------------------------------------- names */

static int endpoint_reserved(struct session *s, const char *step, unsigned long request)
{
	struct vhost_scsi_target t = { .abi_version = VHOST_SCSI_ABI_VERSION,
				       .reserved = 1 };

	(void)snprintf(t.vhost_wwpn, sizeof(t.vhost_wwpn), "%s", s->target.wwpn);
	return session_ioctl(s, step, request, &t);
}

static int collect_endpoint_name(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)endpoint_reserved(s, "reserved", VHOST_SCSI_SET_ENDPOINT);
	(void)endpoint_reserved(s, "reserved_clear", VHOST_SCSI_CLEAR_ENDPOINT);
	(void)scsi_endpoint(s, "nobody", VHOST_SCSI_SET_ENDPOINT, scsi_other_name(s));
	r = link_start(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_endpoint_name(struct judge *j)
{
	judge_errno(j, "reserved", EOPNOTSUPP);
	judge_errno(j, "reserved_clear", EOPNOTSUPP);
	judge_errno_either(j, "nobody", ENODEV, EEXIST);
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_endpoint_name = {
	.area = "lifecycle",
	.name = "endpoint_name",
	.families = ON_SCSI,
	.title = "an endpoint that is no target is refused, and the right one then taken",
	.contract =
		"VHOST_SCSI_SET_ENDPOINT and _CLEAR_ENDPOINT give EOPNOTSUPP if the reserved "
		"field is not 0. A name that no target has gives ENODEV (EEXIST before 6.15 "
		"and its stable releases); after it the right name is taken.",
	.harm = "A guest runs without its disks, or is given those of another one.",
	.judged = "Both calls with the reserved field set, a name without a target, then "
		  "the right one and data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_SCSI_SET_ENDPOINT",
		      "vhost_scsi_set_endpoint() in drivers/vhost/scsi.c"),
	.faults = WORDS("endpoint_reserved_taken", "endpoint_any", "start_forgiven"),
	.collect = collect_endpoint_name,
	.judge = judge_endpoint_name,
};

/* -------------------------------------------------------------------- clear */

static int collect_endpoint_clear(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)scsi_endpoint(s, "other", VHOST_SCSI_CLEAR_ENDPOINT, scsi_other_name(s));
	r = link_both_ways(&l, SHORT_BYTES);
	(void)session_running(s, "stop", 0);
	(void)session_running(s, "none", 0);
	return r;
}

static void judge_endpoint_clear(struct judge *j)
{
	judge_errno(j, "other", EINVAL);
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "stop");
	judge_ok(j, "none");
}

const struct check scsi_endpoint_clear = {
	.area = "lifecycle",
	.name = "endpoint_clear",
	.families = ON_SCSI,
	.title = "an endpoint is cleared by its own name only",
	.contract =
		"VHOST_SCSI_CLEAR_ENDPOINT gives EINVAL for the name of another target "
		"than the device has, which runs on; its own name is taken, and "
		"clearing where there is none succeeds.",
	.harm = "A VMM with several disks takes the wrong one from its guest, or cannot "
		"take one down twice.",
	.judged = "Another name on a running device, data both ways, its own name, and "
		  "once more.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_SCSI_CLEAR_ENDPOINT",
		      "vhost_scsi_clear_endpoint() in drivers/vhost/scsi.c"),
	.faults = WORDS("endpoint_cleared_any", "clear_swallowed", "clear_refused"),
	.collect = collect_endpoint_clear,
	.judge = judge_endpoint_clear,
};

/* -------------------------------------------------------------------- twice */

static int collect_endpoint_twice(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	if (!scsi_prove(s))
		return 0;
	r = link_start(&l);
	if (r < 0)
		return r;
	(void)session_running(s, "twice", 1);
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_endpoint_twice(struct judge *j)
{
	if (!judge_proved(j))
		return;
	judge_errno(j, "twice", EEXIST);
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_endpoint_twice = {
	.area = "lifecycle",
	.name = "endpoint_twice",
	.families = ON_SCSI,
	.title = "a device with an endpoint is not given a second one",
	.contract =
		"VHOST_SCSI_SET_ENDPOINT gives EEXIST while the device has an endpoint, "
		"and the device runs on.",
	.harm = "A VMM that starts its device twice has the kernel use memory that it has "
		"freed (CVE-2025-22083).",
	.judged =
		"A name without a target must give ENODEV, which proves the fix; then "
		"start, start, and data both ways. Without that proof nothing is tried.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_GUARDED,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("commit 5dd639a1646e", "CVE-2025-22083",
		      "vhost_scsi_set_endpoint() in drivers/vhost/scsi.c"),
	.faults = WORDS("endpoint_twice_taken", "start_forgiven", "endpoint_any"),
	.collect = collect_endpoint_twice,
	.judge = judge_endpoint_twice,
};

/* -------------------------------------------------------------------- taken */

static int collect_endpoint_taken(struct session *s)
{
	struct session other;
	struct seam seam;
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	session_twin(s, &other, &seam);
	other.target = s->target;
	r = session_open(&other);
	if (r == 0)
		r = session_setup(&other, &plain_start);
	if (r == 0)
		(void)session_running(&other, "second", 1);
	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	session_close(s);
	if (r == 0)
		(void)session_running(&other, "freed", 1);
	s->failed = s->failed ? s->failed : other.failed;
	session_done(&other);
	return r;
}

static void judge_endpoint_taken(struct judge *j)
{
	judge_ok(j, "start");
	judge_errno_either(j, "second", ENODEV, EEXIST);
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "freed");
}

const struct check scsi_endpoint_taken = {
	.area = "lifecycle",
	.name = "endpoint_taken",
	.families = ON_SCSI,
	.title = "a target has one device, and is free again when that is closed",
	.contract =
		"VHOST_SCSI_SET_ENDPOINT does not find a target that another device "
		"has (ENODEV; EEXIST before 6.15 and its stable releases). close(2) of "
		"that device, running, makes it free.",
	.harm = "Two guests write to one disk, or a guest that was killed cannot be "
		"started again.",
	.judged = "Two devices and one target: taken, refused, data both ways on the "
		  "first, which is closed while it runs; then taken by the second.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("tv_tpg_vhost_count in vhost_scsi_set_endpoint()",
		      "vhost_scsi_release() in drivers/vhost/scsi.c"),
	.faults = WORDS("endpoint_shared", "endpoint_kept", "start_forgiven"),
	.collect = collect_endpoint_taken,
	.judge = judge_endpoint_taken,
};

/* --------------------------------------------------------------------- stop */

static const struct scsi_area kept = { .lba = 200, .len = SHORT_BYTES, .seed = 7 };

static int collect_stop_resumes(struct session *s)
{
	struct scsi_answer answers[SCSI_SLOTS] = { 0 };
	struct scsi_command tur;
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r == 0)
		r = scsi_write(s, "write", &kept, NULL);
	if (r < 0)
		return r;
	(void)session_running(s, "stop", 0);
	scsi_forget_calls(s, QUEUE_IO);
	tur = scsi_command(s, 0, SCSI_TEST_UNIT_READY);
	scsi_put(s, 0, &tur, NULL);
	(void)session_stalled(s, "stopped", QUEUE_IO);
	(void)session_running(s, "restart", 1);
	r = session_kick(s, QUEUE_IO);
	if (r == 0)
		r = session_barrier(s);
	if (r >= 0)
		r = scsi_wait(s, QUEUE_IO, 1);
	if (r >= 0)
		r = scsi_take(s, answers);
	session_fact(s, "late", "answers", "%d", r);
	return r < 0 ? r : scsi_read(s, "kept", EV_RX, &kept, NULL);
}

static void judge_stop_resumes(struct judge *j)
{
	const struct ev *ring = NULL;

	judge_ok(j, "stop");
	ring = judge_need(j, EV_RING, "stopped");
	if (ring)
		judge_that(j,
			   ring->ring.base.set && ring->ring.base.v == ring->ring.used.v,
			   "stopped, GET_VRING_BASE says %d, the used index %d",
			   (int)ring->ring.base.v, (int)ring->ring.used.v);
	if (ring)
		judge_that(j, ring->ring.avail.v == ring->ring.used.v + 1,
			   "stopped, %d requests are out; it must be one",
			   (int)(ring->ring.avail.v - ring->ring.used.v));
	judge_ok(j, "restart");
	judge_fact(j, "late", "answers", "1");
	judge_bytes(j, "kept", SHORT_BYTES);
}

const struct check scsi_stop_resumes = {
	.area = "lifecycle",
	.name = "stop_resumes",
	.families = ON_SCSI,
	.title = "a device without endpoint answers nothing, and goes on where it was",
	.contract =
		"After VHOST_SCSI_CLEAR_ENDPOINT no request is taken, and "
		"VHOST_GET_VRING_BASE names the next one; after VHOST_SCSI_SET_ENDPOINT "
		"just that one is answered, and what was written before is there.",
	.harm = "A paused or migrated guest loses requests, or has them done twice.",
	.judged = "A write; stop; a request that is kicked and must lie there; start; it "
		  "must be answered once, and the data read back.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_scsi_clear_endpoint() in drivers/vhost/scsi.c",
		      "VHOST_GET_VRING_BASE"),
	.faults = WORDS("clear_swallowed", "clear_refused", "second_running_refused",
			"ring_base_forgotten", "stopped_base_low", "stop_ignored"),
	.collect = collect_stop_resumes,
	.judge = judge_stop_resumes,
};

/* ----------------------------------------------------------------- features */

static int collect_features_running(struct session *s)
{
	struct dirty dirty = { 0 };
	struct link l;
	int r = dirty_init(&dirty);

	if (r == 0)
		r = scsi_begin(&l, s, &plain_start);
	if (r == 0)
		r = dirty_base(s, "log_base", &dirty);
	if (r >= 0) {
		(void)session_features(s, "more", F_VERSION_1 | F_INDIRECT);
		(void)session_features(s, "none", 0);
		(void)session_features(s, "same", F_VERSION_1);
		(void)session_features(s, "log", F_VERSION_1 | BIT64(VHOST_F_LOG_ALL));
		(void)session_features(s, "log_off", F_VERSION_1);
		r = link_both_ways(&l, SHORT_BYTES);
	}
	session_close(s);
	dirty_done(&dirty);
	return r < 0 ? r : 0;
}

static void judge_features_running(struct judge *j)
{
	judge_errno(j, "more", EBUSY);
	judge_errno(j, "none", EBUSY);
	judge_ok(j, "same");
	judge_ok(j, "log");
	judge_ok(j, "log_off");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_features_running = {
	.area = "lifecycle",
	.name = "features_running",
	.families = ON_SCSI,
	.title = "of the features of a running device only the log can be switched",
	.contract =
		"While there is an endpoint VHOST_SET_FEATURES gives EBUSY if any bit but "
		"VHOST_F_LOG_ALL changes, and takes the same bits again, and the log on "
		"and off, as a live migration does.",
	.harm = "The headers change their length under requests that are out; or a guest "
		"with disks cannot be migrated.",
	.judged = "One bit more, none at all, the same, and the log on and off, while "
		  "running; then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_scsi_set_features() in drivers/vhost/scsi.c"),
	.faults = WORDS("features_thawed", "features_frozen"),
	.collect = collect_features_running,
	.judge = judge_features_running,
};
