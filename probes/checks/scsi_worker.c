/* SPDX-License-Identifier: MIT */
/* Area worker: the workers that a VMM makes for rings of vhost-scsi. */
#include <string.h>

#include "checks/scsi.h"

/* An id that no kernel gives: they count from 0. */
#define NO_WORKER 12345u

static int new_worker(struct session *s, const char *step, uint32_t *ret)
{
	return scsi_get_u32(s, step, VHOST_NEW_WORKER, ret);
}

static int attach(struct session *s, const char *step, unsigned int q, uint32_t worker)
{
	struct vhost_vring_worker w = { .index = q, .worker_id = worker };

	return session_ioctl(s, step, VHOST_ATTACH_VRING_WORKER, &w);
}

static int get_worker(struct session *s, const char *step, unsigned int q, uint32_t *ret)
{
	struct vhost_vring_worker w = { .index = q, .worker_id = UINT32_MAX };
	int r = session_ioctl(s, step, VHOST_GET_VRING_WORKER, &w);

	if (r >= 0)
		*ret = w.worker_id;
	return r;
}

/* An unknown call is ENOTTY once there is an owner, EPERM before. */
static bool has_workers(struct judge *j, const char *step)
{
	const struct ev *ev = ev_find(j->evidence, EV_IOCTL, step);

	if (!ev || (ev->ioctl.err != ENOTTY && ev->ioctl.err != EPERM))
		return true;
	judge_skip(j, REASON_NOT_OFFERED,
		   "this kernel has no VHOST_NEW_WORKER: it came with 6.5");
	return false;
}

/* ------------------------------------------------------------------- attach */

static int collect_attached(struct session *s)
{
	uint32_t first = 0;
	uint32_t made = 0;
	uint32_t now = UINT32_MAX;
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0 || get_worker(s, "first", QUEUE_IO, &first) < 0 ||
	    new_worker(s, "new", &made) < 0)
		return r;
	session_fact(s, "new", "worker", "%s", made == first ? "the first" : "another");
	(void)attach(s, "attach", QUEUE_IO, made);
	(void)get_worker(s, "attached", QUEUE_IO, &now);
	session_fact(s, "attached", "worker", "%s",
		     now == made ? "the new one" : "another");
	(void)get_worker(s, "other_ring", QUEUE_CTL, &now);
	session_fact(s, "other_ring", "worker", "%s",
		     now == first ? "the first" : "another");
	session_note_worker(s, "two");
	r = link_start(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_attached(struct judge *j)
{
	const struct ev *workers = NULL;

	if (!has_workers(j, "first"))
		return;
	judge_ok(j, "first");
	judge_ok(j, "new");
	judge_fact(j, "new", "worker", "another");
	judge_ok(j, "attach");
	judge_fact(j, "attached", "worker", "the new one");
	judge_fact(j, "other_ring", "worker", "the first");
	workers = judge_need(j, EV_WORKER, "two");
	if (workers)
		judge_that(j, workers->worker.count == 2,
			   "%d workers are named for the owner; there must be two",
			   (int)workers->worker.count);
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_worker_attached = {
	.area = "worker",
	.name = "attached",
	.families = ON_SCSI,
	.title = "a ring can be given a worker of its own, and is served by it",
	.contract =
		"VHOST_NEW_WORKER makes another worker and says its number; "
		"VHOST_ATTACH_VRING_WORKER gives it a ring, VHOST_GET_VRING_WORKER says "
		"which one a ring has; the others keep theirs, and the ring is served.",
	.harm = "A VMM that spreads its disks over threads has them all in one, or a disk "
		"that nobody serves.",
	.judged =
		"A second worker gets the request ring; what each ring has is read back, "
		"/proc is searched, and data goes both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("commit c1ecd8e95007",
		      "vhost_worker_ioctl() in drivers/vhost/vhost.c"),
	.faults =
		WORDS("new_worker_refused", "attach_swallowed", "worker_first",
		      "worker_gone", "worker_stays", "worker_per_ring", "worker_shared"),
	.collect = collect_attached,
	.judge = judge_attached,
};

/* -------------------------------------------------------------------- freed */

static int collect_freed(struct session *s)
{
	uint32_t first = 0;
	uint32_t made = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	if (get_worker(s, "first", QUEUE_IO, &first) < 0 ||
	    new_worker(s, "new", &made) < 0)
		return 0;
	(void)attach(s, "attach", QUEUE_IO, made);
	(void)scsi_set_u32(s, "free_attached", VHOST_FREE_WORKER, made);
	(void)attach(s, "back", QUEUE_IO, first);
	(void)scsi_set_u32(s, "free", VHOST_FREE_WORKER, made);
	(void)scsi_set_u32(s, "free_again", VHOST_FREE_WORKER, made);
	(void)attach(s, "attach_freed", QUEUE_IO, made);
	(void)attach(s, "attach_none", QUEUE_IO, NO_WORKER);
	(void)attach(s, "attach_ring", ring_beyond(s), first);
	return 0;
}

static void judge_freed(struct judge *j)
{
	if (!has_workers(j, "first"))
		return;
	judge_ok(j, "new");
	judge_ok(j, "attach");
	judge_errno(j, "free_attached", EBUSY);
	judge_ok(j, "back");
	judge_ok(j, "free");
	judge_errno(j, "free_again", ENODEV);
	judge_errno(j, "attach_freed", ENODEV);
	judge_errno(j, "attach_none", ENODEV);
	judge_errno(j, "attach_ring", ENOBUFS);
}

const struct check scsi_worker_freed = {
	.area = "worker",
	.name = "freed",
	.families = ON_SCSI,
	.title = "a worker can be freed when no ring has it, and is then unknown",
	.contract =
		"VHOST_FREE_WORKER gives EBUSY for a worker that has a ring, and takes one "
		"without; a number that is none gives ENODEV there and to "
		"VHOST_ATTACH_VRING_WORKER, a ring that is none ENOBUFS.",
	.harm = "A ring is served by a worker that is gone: the kernel uses memory that it "
		"has freed.",
	.judged = "Made, attached, freed in vain, detached, freed, freed again, attached "
		  "again; a number and a ring that do not exist.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_free_worker(), vhost_vq_attach_worker() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("new_worker_refused", "free_worker_refused", "attach_swallowed",
			"worker_freed_used", "worker_any", "free_worker_taken",
			"attach_worker_taken"),
	.collect = collect_freed,
	.judge = judge_freed,
};

/* ------------------------------------------------------------------ refused */

static int collect_refused(struct session *s)
{
	uint8_t kthread = 0;
	uint32_t made = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)new_worker(s, "unowned", &made);
	(void)session_ioctl(s, "mode", VHOST_SET_FORK_FROM_OWNER, &kthread);
	(void)session_owner(s, "owner");
	(void)new_worker(s, "kthread", &made);
	return 0;
}

static void judge_refused(struct judge *j)
{
	const struct ev *mode = judge_need(j, EV_IOCTL, "mode");

	if (!has_workers(j, "unowned"))
		return;
	judge_errno(j, "unowned", EINVAL);
	judge_ok(j, "owner");
	/* without the choice of 6.17 each worker is a task of the owner */
	if (mode && mode->ioctl.err)
		judge_ok(j, "kthread");
	else
		judge_errno(j, "kthread", EFAULT);
}

const struct check scsi_worker_refused = {
	.area = "worker",
	.name = "refused",
	.families = ON_SCSI,
	.title = "no worker is made but as a task of the owner",
	.contract = "VHOST_NEW_WORKER gives EINVAL before SET_OWNER, and EFAULT where "
		    "VHOST_SET_FORK_FROM_OWNER chose kernel threads: no limit would bind "
		    "them.",
	.harm = "A VMM fills the host with threads that nobody accounts for.",
	.judged = "NEW_WORKER before SET_OWNER, and with a kernel thread as first worker "
		  "where that can be chosen.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_worker_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("worker_unowned", "mode_swallowed", "new_worker_refused",
			"new_worker_taken"),
	.collect = collect_refused,
	.judge = judge_refused,
};
