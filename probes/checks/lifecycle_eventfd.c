/* SPDX-License-Identifier: MIT */
/* Area lifecycle: eventfds that are signalled, replaced and taken away. */
#include <sys/eventfd.h>

#include "checks/hostile.h"

static int begin(struct link *l, struct session *s)
{
	int r = session_peer(s);

	return r < 0 ? r : hostile_open(l, s, &plain_start);
}

/* Another eventfd in place of one of the session's, bound; the old one stays open. */
static int replace(struct session *s, const char *step, unsigned long request, int *fd,
		   int *ret_old)
{
	int fresh = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fresh < 0)
		return -errno;
	*ret_old = *fd;
	*fd = fresh;
	(void)session_ring_fd(s, step, request, QUEUE_TX, fresh);
	return 0;
}

/* Whether the eventfd that was replaced got anything: fact "old". */
static void note_old(struct session *s, const char *step, int fd)
{
	eventfd_t count = 0;

	session_fact(s, step, "old", "%s",
		     eventfd_read(fd, &count) == 0 && count ? "signalled" : "silent");
}

static int settle(struct session *s, const char *step)
{
	int r = session_barrier(s);

	session_note_ring(s, step, QUEUE_TX);
	session_note_eventfds(s, step, QUEUE_TX);
	return r < 0 ? r : 0;
}

static int kick_and_settle(struct session *s, const char *step)
{
	int r = session_kick(s, QUEUE_TX);

	return r < 0 ? r : settle(s, step);
}

/* ------------------------------------------------------------------ error */

/* An error with each kick: the head is none. */
static void bad_head(struct session *s)
{
	struct ring *r = &s->ring[QUEUE_TX];

	ring_avail_put(r, (uint16_t)r->size);
	ring_publish(r);
}

static int collect_error(struct session *s)
{
	cleanup_close int old = -1;
	struct link l;
	int r = begin(&l, s);

	if (r < 0)
		return r;
	bad_head(s);
	r = kick_and_settle(s, "first");
	if (r == 0)
		r = kick_and_settle(s, "second");
	if (r == 0)
		r = replace(s, "replace", VHOST_SET_VRING_ERR, &s->err[QUEUE_TX], &old);
	if (r == 0)
		r = kick_and_settle(s, "replaced");
	if (r < 0)
		return r;
	note_old(s, "replaced", old);
	(void)session_ring_fd(s, "unbind", VHOST_SET_VRING_ERR, QUEUE_TX, -1);
	r = kick_and_settle(s, "unbound");
	return r < 0 ? r : hostile_fresh(s);
}

static void judge_error(struct judge *j)
{
	judge_signalled(j, "first");
	judge_signalled(j, "second");
	judge_ok(j, "replace");
	judge_signalled(j, "replaced");
	judge_fact(j, "replaced", "old", "silent");
	judge_ok(j, "unbind");
	judge_errors(j, "unbound", 0);
	judge_fresh(j);
}

const struct check lifecycle_error_eventfd = {
	.area = "lifecycle",
	.name = "error_eventfd",
	.families = ON_BOTH,
	.title = "the error eventfd tells of each error, until another is bound or none",
	.contract = "VHOST_SET_VRING_ERR binds an eventfd that is signalled with each "
		    "error of the ring, not with the first alone; a new one takes its "
		    "place while the device runs, and -1 leaves none.",
	.harm = "A VMM that watches for errors sees the first and never another one, or "
		"one of a ring that it has given up.",
	.judged = "A head out of range is kicked: error; again: error; with another "
		  "eventfd: that one only; with none: none. Then a fresh descriptor.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vq_err() in drivers/vhost/vhost.h",
		      "vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("error_once", "err_kept", "unbind_ignored"),
	.collect = collect_error,
	.judge = judge_error,
};

/* ------------------------------------------------------- kick and call */

static int collect_replaced(struct session *s)
{
	cleanup_close int kick = -1;
	cleanup_close int call = -1;
	struct link l;
	int r = begin(&l, s);

	if (r == 0)
		r = replace(s, "kick", VHOST_SET_VRING_KICK, &s->kick[QUEUE_TX], &kick);
	if (r == 0)
		r = replace(s, "call", VHOST_SET_VRING_CALL, &s->call[QUEUE_TX], &call);
	if (r < 0)
		return r;
	link_queue(&l);
	if (eventfd_write(kick, 1) < 0)
		return -errno;
	r = settle(s, "old_kick");
	if (r == 0)
		r = kick_and_settle(s, "new_kick");
	note_old(s, "new_kick", call);
	return r;
}

static void judge_replaced(struct judge *j)
{
	judge_ok(j, "start");
	judge_ok(j, "kick");
	judge_ok(j, "call");
	judge_moved(j, "old_kick", 0, 0);
	judge_moved(j, "new_kick", 0, 1);
	judge_called(j, "new_kick");
	judge_fact(j, "new_kick", "old", "silent");
}

const struct check lifecycle_eventfd_replaced = {
	.area = "lifecycle",
	.name = "eventfd_replaced",
	.families = ON_BOTH,
	.title = "kick and call may be replaced while the device runs",
	.contract =
		"VHOST_SET_VRING_KICK and _CALL of a running device take effect at once: "
		"the old kick wakes nobody, the new one does, and used buffers signal the "
		"new call only.",
	.harm = "A VMM that moves a guest's interrupts (MSI-X masking, vIRQ routes) loses "
		"them, and the guest hangs.",
	.judged = "Both are replaced; the old kick: nothing moves; the new one: one head "
		  "is used, the new call is signalled, the old one is not.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("kick_kept", "call_kept"),
	.collect = collect_replaced,
	.judge = judge_replaced,
};

static int collect_unbound(struct session *s)
{
	struct link l;
	int r = begin(&l, s);

	if (r < 0)
		return r;
	(void)session_ring_fd(s, "kick.unbind", VHOST_SET_VRING_KICK, QUEUE_TX, -1);
	(void)session_ring_fd(s, "call.unbind", VHOST_SET_VRING_CALL, QUEUE_TX, -1);
	link_queue(&l);
	r = kick_and_settle(s, "unbound");
	if (r < 0)
		return r;
	(void)session_ring_fd(s, "kick.bind", VHOST_SET_VRING_KICK, QUEUE_TX,
			      s->kick[QUEUE_TX]);
	r = settle(s, "polled");
	if (r < 0)
		return r;
	(void)session_ring_fd(s, "call.bind", VHOST_SET_VRING_CALL, QUEUE_TX,
			      s->call[QUEUE_TX]);
	link_queue(&l);
	return kick_and_settle(s, "bound");
}

static void judge_not_called(struct judge *j, const char *step)
{
	const struct ev *ev = judge_need(j, EV_EVENTFD, step);

	if (ev)
		judge_that(j, ev->eventfd.call.set && ev->eventfd.call.v == 0,
			   "a call eventfd that was unbound is signalled at step \"%s\"",
			   step);
}

static void judge_unbound(struct judge *j)
{
	judge_ok(j, "start");
	judge_ok(j, "kick.unbind");
	judge_ok(j, "call.unbind");
	judge_moved(j, "unbound", 0, 0);
	judge_ok(j, "kick.bind");
	judge_moved(j, "polled", 0, 1);
	judge_not_called(j, "polled");
	judge_ok(j, "call.bind");
	judge_moved(j, "bound", 0, 2);
	judge_called(j, "bound");
}

const struct check lifecycle_eventfd_unbound = {
	.area = "lifecycle",
	.name = "eventfd_unbound",
	.families = ON_BOTH,
	.title = "a ring works without call eventfd, and sleeps without kick",
	.contract =
		"With -1 bound as kick a running ring takes nothing, and what was kicked "
		"meanwhile is seen when the eventfd is bound; with -1 as call buffers are "
		"used in silence, for a driver that polls. Bound again, both work.",
	.harm = "A kick is lost and the guest waits for ever, or a VMM is called by what it "
		"had unbound.",
	.judged =
		"Both unbound, publish, kick: nothing. Kick bound: one is used, no call. "
		"Call bound: the next one calls.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vring_ioctl(), vhost_poll_start() in drivers/vhost/vhost.c"),
	.faults = WORDS("unbind_ignored", "eventfd_no_unbind"),
	.collect = collect_unbound,
	.judge = judge_unbound,
};
