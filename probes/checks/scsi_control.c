/* SPDX-License-Identifier: MIT */
/* Area family: the control and the event ring of vhost-scsi. */
#include <endian.h>
#include <string.h>

#include "checks/scsi.h"

/* VIRTIO_SCSI_S_FUNCTION_COMPLETE, _FUNCTION_SUCCEEDED, _FUNCTION_REJECTED and
 * _INCORRECT_LUN as facts have them */
#define COMPLETE "0"
#define SUCCEEDED "10"
#define REJECTED "11"
#define INCORRECT_LUN "12"

int scsi_order(struct link *l, enum peer_op op, unsigned int lun)
{
	struct peer_reply reply = { 0 };
	int r = link_ask(l, &(struct peer_request){ .op = op, .slot = lun });

	if (r == 0)
		r = link_answer(l, &reply);
	if (reply.err)
		session_fact(l->s, "peer",
			     op == PEER_LUN_ADD ? "one LUN more" : "one LUN less", "%s",
			     strerrorname_np((int)reply.err));
	return r;
}

int scsi_prepare_two(struct link *l, struct session *s)
{
	int r = session_peer(s);

	link_init(l, s);
	if (r == 0)
		r = scsi_order(l, PEER_LUN_ADD, SCSI_SECOND_LUN);
	return r < 0 ? r : link_open(l, s, &plain_start);
}

int scsi_begin_two(struct link *l, struct session *s)
{
	int r = scsi_prepare_two(l, s);

	if (r == 0)
		r = link_start(l);
	return r < 0 ? r : scsi_ready(s, 0);
}

/* ----------------------------------------------------------- task management */

static int collect_tmf(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r == 0)
		r = scsi_tmf(s, "abort", 0, VIRTIO_SCSI_T_TMF_ABORT_TASK);
	if (r == 0)
		r = scsi_tmf(s, "nexus", 0, VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET);
	if (r == 0)
		r = scsi_tmf(s, "query", 0, VIRTIO_SCSI_T_TMF_QUERY_TASK);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

/* That of two which the function at @step was answered with. */
static void judge_function(struct judge *j, const char *step, const char *one,
			   const char *other)
{
	const char *is = judge_fact_value(j, step, "response");

	judge_response(j, step, is && !strcmp(is, other) ? other : one);
}

static void judge_tmf(struct judge *j)
{
	judge_function(j, "abort", REJECTED, COMPLETE);
	judge_function(j, "nexus", REJECTED, COMPLETE);
	judge_function(j, "query", REJECTED, COMPLETE);
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_tmf_rejected = {
	.area = "family",
	.name = "tmf_rejected",
	.families = ON_SCSI,
	.title = "task management that vhost-scsi does not do is rejected, not ignored",
	.contract =
		"Every task management function is answered: with "
		"VIRTIO_SCSI_S_FUNCTION_REJECTED if the device does not do it, as all "
		"but LOGICAL UNIT RESET on every kernel known. A device that does it has "
		"nothing to do where no request is out, and says FUNCTION_COMPLETE. "
		"FUNCTION_SUCCEEDED would be that there was such a request.",
	.harm = "A guest's error recovery waits for ever, or goes on with requests that it "
		"takes for aborted.",
	.judged = "ABORT TASK, I_T NEXUS RESET and QUERY TASK with no request out, then "
		  "data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.2",
		      "vhost_scsi_handle_tmf() in drivers/vhost/scsi.c"),
	.faults = WORDS("tmf_any"),
	.collect = collect_tmf,
	.judge = judge_tmf,
};

static int collect_lun_reset(struct session *s)
{
	struct vhost_vring_worker w = { .index = QUEUE_IO };
	struct link l;
	int r = scsi_prepare_two(&l, s);

	if (r < 0)
		return r;
	if (session_ioctl(s, "workers", VHOST_GET_VRING_WORKER, &w) < 0)
		return 0;
	r = link_start(&l);
	if (r == 0)
		r = scsi_ready(s, 0);
	if (r == 0)
		r = scsi_tmf(s, "reset", 0, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET);
	if (r == 0)
		r = scsi_tmf(s, "absent", SCSI_OTHER_LUN,
			     VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_lun_reset(struct judge *j)
{
	const struct ev *workers = judge_need(j, EV_IOCTL, "workers");

	if (workers && workers->ioctl.err == ENOTTY)
		judge_skip(j, REASON_UNSAFE_KERNEL,
			   "this kernel is older than 6.5, which has the ioctls of "
			   "workers: before 6.4 a reset of one of several LUNs corrupts "
			   "the target's list of them");
	judge_ok(j, "workers");
	judge_function(j, "reset", SUCCEEDED, COMPLETE);
	judge_function(j, "absent", REJECTED, INCORRECT_LUN);
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_lun_reset = {
	.area = "family",
	.name = "lun_reset",
	.families = ON_SCSI,
	.title = "a LUN can be reset, and works after it",
	.contract =
		"LOGICAL UNIT RESET of a LUN that is there is answered with "
		"FUNCTION_SUCCEEDED, as every kernel known does, or with "
		"FUNCTION_COMPLETE, as virtio has it; of one that is not there with "
		"FUNCTION_REJECTED, or INCORRECT_LUN in its turn. After it the LUN is "
		"served.",
	.harm = "A guest's error recovery takes its disk away.",
	.judged =
		"A kernel with the ioctls of workers (6.5) has the fix of 6.4; then of a "
		"target with two LUNs LUN 0 is reset, and LUN 5, and data goes both ways. "
		"Else nothing is tried.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_GUARDED,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.2",
		      "vhost_scsi_handle_tmf() in drivers/vhost/scsi.c",
		      "vhost-scsi: Fix crash during LUN unmapping (6.4)"),
	.faults = WORDS("reset_rejected", "tmf_any"),
	.collect = collect_lun_reset,
	.judge = judge_lun_reset,
};

/* ---------------------------------------------------- asynchronous queries */

static int collect_async_query(struct session *s)
{
	struct virtio_scsi_ctrl_an_req req = { .type = htole32(VIRTIO_SCSI_T_AN_QUERY),
					       .event_requested = htole32(2) };
	struct virtio_scsi_ctrl_an_resp resp = { 0 };
	struct scsi_command c;
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	if (!scsi_prove(s))
		return 0;
	r = link_start(&l);
	c = scsi_command(s, 0, 0);
	memcpy(req.lun, c.lun, sizeof(req.lun));
	if (r == 0)
		r = scsi_control(s, &req, sizeof(req), &resp, sizeof(resp));
	if (r < 0)
		return r;
	session_fact(s, "query", "response", "%u", resp.response);
	session_fact(s, "query", "events", "0x%x", le32toh(resp.event_actual));
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_async_query(struct judge *j)
{
	if (!judge_proved(j))
		return;
	judge_response(j, "query", "0");
	judge_fact(j, "query", "events", "0x0");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_async_query = {
	.area = "family",
	.name = "async_query",
	.families = ON_SCSI,
	.title = "a query for asynchronous events is answered: there are none",
	.contract = "VIRTIO_SCSI_T_AN_QUERY is answered with OK and no event, since the "
		    "device has none of them.",
	.harm = "A guest takes its host down (CVE-2024-49863), or waits for events that "
		"never come.",
	.judged =
		"A name without a target must give ENODEV, which proves a later fix than "
		"this one's; then a query, and data both ways. Else nothing is tried.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_GUARDED,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.2", "CVE-2024-49863",
		      "vhost_scsi_send_an_resp() in drivers/vhost/scsi.c"),
	.faults = WORDS("async_refused", "start_forgiven", "endpoint_any"),
	.collect = collect_async_query,
	.judge = judge_async_query,
};

/* ----------------------------------------------------------------- hot plug */

static const struct session_config hot_start = { .features = F_VERSION_1 | F_HOTPLUG };

static int collect_hotplug(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &hot_start);

	for (unsigned int i = 0; i < 2 && r >= 0; i++)
		r = scsi_post_event(s);
	if (r >= 0)
		r = scsi_order(&l, PEER_LUN_ADD, SCSI_OTHER_LUN);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	scsi_note_event(s, "added");
	scsi_wait_call(s, QUEUE_EVT);
	session_note_eventfds(s, "added", QUEUE_EVT);
	r = scsi_ready(s, SCSI_OTHER_LUN);
	session_fact(s, "new_lun", "ready", "%s", r < 0 ? strerrorname_np(-r) : "yes");
	r = scsi_order(&l, PEER_LUN_REMOVE, SCSI_OTHER_LUN);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	scsi_note_event(s, "removed");
	return 0;
}

static void judge_hotplug(struct judge *j)
{
	judge_started(j);
	judge_fact(j, "added", "event", "0x1");
	judge_fact(j, "added", "reason", "1");
	judge_fact(j, "added", "lun", "own target 5");
	judge_called(j, "added");
	judge_fact(j, "new_lun", "ready", "yes");
	judge_fact(j, "removed", "event", "0x1");
	judge_fact(j, "removed", "reason", "2");
	judge_fact(j, "removed", "lun", "own target 5");
}

const struct check scsi_hotplug = {
	.area = "family",
	.name = "hotplug",
	.families = ON_SCSI,
	.title = "a LUN that comes or goes is told to the driver",
	.contract =
		"With VIRTIO_SCSI_F_HOTPLUG a LUN that is added to a running target is told "
		"by a transport reset event with reason RESCAN and its address, and is "
		"served; one that is taken away by one with reason REMOVED.",
	.harm = "A guest does not see the disk that it was given, or goes on with one that "
		"is gone.",
	.judged = "Two event buffers; LUN 5 is added, asked whether it is ready, and "
		  "removed; both events are compared.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_HOTPLUG,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.3",
		      "vhost_scsi_do_plug() in drivers/vhost/scsi.c"),
	.faults = WORDS("plug_silent", "plug_reason_same", "call_lost",
			"ring_call_swallowed"),
	.collect = collect_hotplug,
	.judge = judge_hotplug,
};

static int get_missed(struct session *s, const char *step)
{
	uint32_t missed = 0;

	return scsi_get_u32(s, step, VHOST_SCSI_GET_EVENTS_MISSED, &missed);
}

static int collect_unasked(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r == 0)
		r = scsi_post_event(s);
	if (r >= 0)
		r = scsi_order(&l, PEER_LUN_ADD, SCSI_OTHER_LUN);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	scsi_note_event(s, "added");
	(void)get_missed(s, "missed");
	r = scsi_order(&l, PEER_LUN_REMOVE, SCSI_OTHER_LUN);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_unasked(struct judge *j)
{
	judge_started(j);
	judge_fact(j, "added", "event", "none");
	judge_said(j, "missed", "0");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_no_hotplug = {
	.area = "family",
	.name = "no_hotplug",
	.families = ON_SCSI,
	.title = "a driver that did not ask for hot plug gets no event",
	.contract = "Without VIRTIO_SCSI_F_HOTPLUG a LUN that is added is no event, and "
		    "none is counted as missed.",
	.harm = "A guest gets events that it does not know.",
	.judged = "A buffer for an event; LUN 5 is added: the buffer must lie there, and "
		  "VHOST_SCSI_GET_EVENTS_MISSED say 0; then data both ways.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.3",
		      "vhost_scsi_do_plug() in drivers/vhost/scsi.c"),
	.faults = WORDS("plug_unasked"),
	.collect = collect_unasked,
	.judge = judge_unasked,
};

/* ------------------------------------------------------------ missed events */

static int collect_missed(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &hot_start);

	if (r == 0)
		r = scsi_order(&l, PEER_LUN_ADD, SCSI_OTHER_LUN);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	(void)get_missed(s, "missed");
	r = scsi_post_event(s);
	if (r < 0)
		return r;
	scsi_note_event(s, "told");
	(void)get_missed(s, "after");
	r = scsi_post_event(s);
	return r < 0 ? r : scsi_order(&l, PEER_LUN_REMOVE, SCSI_OTHER_LUN);
}

static void judge_missed(struct judge *j)
{
	judge_started(j);
	judge_said(j, "missed", "1");
	judge_fact(j, "told", "event", "0x80000000");
	judge_said(j, "after", "0");
}

const struct check scsi_events_missed = {
	.area = "family",
	.name = "events_missed",
	.families = ON_SCSI,
	.title = "an event that finds no buffer is told of with the next one",
	.contract =
		"An event without a buffer sets what VHOST_SCSI_GET_EVENTS_MISSED says; a "
		"buffer that is given then comes back with VIRTIO_SCSI_T_EVENTS_MISSED, "
		"and the flag is clear.",
	.harm = "A guest never learns of a disk that came while its ring was empty.",
	.judged =
		"LUN 5 is added with an empty event ring; the flag; a buffer and a kick; "
		"the event in it, and the flag again.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_HOTPLUG,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.3",
		      "vhost_scsi_do_evt_work() in drivers/vhost/scsi.c"),
	.faults = WORDS("missed_lost", "plug_silent"),
	.collect = collect_missed,
	.judge = judge_missed,
};

static int collect_missed_flag(struct session *s)
{
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)get_missed(s, "first");
	(void)scsi_set_u32(s, "set", VHOST_SCSI_SET_EVENTS_MISSED, 1);
	(void)get_missed(s, "was_set");
	(void)scsi_set_u32(s, "clear", VHOST_SCSI_SET_EVENTS_MISSED, 0);
	(void)get_missed(s, "was_cleared");
	return 0;
}

static void judge_missed_flag(struct judge *j)
{
	judge_said(j, "first", "0");
	judge_ok(j, "set");
	judge_said(j, "was_set", "1");
	judge_ok(j, "clear");
	judge_said(j, "was_cleared", "0");
}

const struct check scsi_events_flag = {
	.area = "family",
	.name = "events_flag",
	.families = ON_SCSI,
	.title = "a VMM can carry over that events were missed",
	.contract = "VHOST_SCSI_GET_EVENTS_MISSED says what VHOST_SCSI_SET_EVENTS_MISSED "
		    "set, and 0 at first.",
	.harm = "A guest that was migrated does not learn of a disk that came before.",
	.judged = "Read, set, read, cleared, read.",
	.severity = SEVERITY_LOW,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SCSI_SET_EVENTS_MISSED",
		      "vhost_scsi_ioctl() in drivers/vhost/scsi.c"),
	.faults = WORDS("events_missed_kept"),
	.collect = collect_missed_flag,
	.judge = judge_missed_flag,
};
