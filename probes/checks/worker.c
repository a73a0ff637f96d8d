/* SPDX-License-Identifier: MIT */
/* Area worker: the task that runs a device's rings, whose it is and what bounds it. */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "checks/rows.h"
#include "guest/vsock.h"
#include "seam/uapi.h"

#define FLUSH_ROUNDS 64u

/* Nobody on Linux systems: owns nothing, and is bound by its limits. */
#define NOBODY 65534u

/* ------------------------------------------------------------------- flush */

/* A packet that nobody answers. */
static void queue_unanswered(struct link *l)
{
	if (l->s->family == FAMILY_VSOCK)
		vsock_queue(l, VIRTIO_VSOCK_OP_RST, VSOCK_GUEST_PORT, NULL, 0);
	else
		link_queue(l);
}

static int collect_flushed(struct session *s)
{
	struct ring_used used;
	struct link l;
	unsigned int done = 0;
	int r = link_begin(&l, s, &plain_start);

	for (unsigned int i = 0; i < FLUSH_ROUNDS && r == 0; i++) {
		queue_unanswered(&l);
		r = session_kick(s, QUEUE_TX);
		if (r == 0)
			r = session_barrier(s);
		done += ring_take(&s->ring[QUEUE_TX], &used);
	}
	session_fact(s, "rounds", "flushed", "%u of %u", done, FLUSH_ROUNDS);
	return r;
}

static void judge_flushed(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "rounds", "flushed", "64 of 64");
}

const struct check worker_flushed = {
	.area = "worker",
	.name = "flushed",
	.families = ON_BOTH,
	.title = "a call that flushes the worker returns when what was queued is done",
	.contract =
		"When VHOST_SET_LOG_FD, as every call that changes what the worker works "
		"on, returns, the worker has finished what was queued before: a buffer "
		"that was kicked before is used.",
	.harm = "A VMM frees memory or reads a ring's index while the worker still goes "
		"on with it.",
	.judged = "64 times: a packet, a kick, one such call, and the buffer must have "
		  "come back.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_dev_flush() in drivers/vhost/vhost.c",
		      "vhost_vsock_dev_ioctl(), vhost_net_ioctl()"),
	.faults = WORDS("flush_late", "kick_lost"),
	.collect = collect_flushed,
	.judge = judge_flushed,
};

/* -------------------------------------------------------------- two devices */

static int collect_per_device(struct session *s)
{
	struct session other;
	struct seam seam;
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	session_twin(s, &other, &seam);
	r = session_open(&other);
	if (r == 0)
		r = session_owner(&other, "second");
	session_note_worker(s, "two");
	session_close(&other);
	wait_for_workers(s, 1);
	session_note_worker(s, "one");
	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	session_done(&other);
	return r;
}

static void judge_workers(struct judge *j, const char *step, int n)
{
	const struct ev *worker = judge_need(j, EV_WORKER, step);

	if (worker)
		judge_that(j, worker->worker.count == n,
			   "%d workers at step \"%s\"; there must be %d",
			   (int)worker->worker.count, step, n);
}

static void judge_per_device(struct judge *j)
{
	judge_ok(j, "second");
	judge_workers(j, "two", 2);
	judge_workers(j, "one", 1);
	judge_both(j, SHORT_BYTES);
}

const struct check worker_per_device = {
	.area = "worker",
	.name = "per_device",
	.families = ON_ALL,
	.title = "each device has a worker of its own",
	.contract =
		"Two devices of one owner have two workers. Closing one ends its worker; "
		"the other device goes on.",
	.harm = "A guest's second device waits for its first, or dies with it.",
	.judged = "/proc is searched with two devices owned, and after one was closed; "
		  "then payload goes both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_dev_set_owner(), vhost_dev_cleanup() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("worker_shared", "worker_gone", "worker_per_ring",
			"payload_flipped"),
	.collect = collect_per_device,
	.judge = judge_per_device,
};

/* -------------------------------------------------------------------- limit */

/** LIMIT_UNTRIED - exit status of a process that could not give up its rights */
#define LIMIT_UNTRIED 255

/* In a process of its own, where no device is open yet: exits with the errno. */
_Noreturn static void own_as_nobody(const struct session *s, bool limited)
{
	const struct rlimit none = { 0 };
	struct dev *dev = s->seam->dev;

	if (dev->ops->open(dev, s->path) < 0 ||
	    (limited && setrlimit(RLIMIT_NPROC, &none) < 0) ||
	    (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(LIMIT_UNTRIED);
	_exit(-dev->ops->ioctl(dev, VHOST_SET_OWNER, NULL));
}

static int try_owner(struct session *s, const char *step, bool limited)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		own_as_nobody(s, limited);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -ECHILD;
	status = WEXITSTATUS(status);
	if (status == LIMIT_UNTRIED)
		session_fact(s, step, "set_owner", "untried");
	else
		session_fact(s, step, "set_owner", "%s",
			     status ? strerrorname_np(status) : "ok");
	return 0;
}

static int collect_limit(struct session *s)
{
	int r = try_owner(s, "free", false);

	if (r == 0)
		r = try_owner(s, "limited", true);
	if (r == 0)
		r = session_open(s);
	if (r == 0)
		r = session_owner(s, "owner");
	session_note_worker(s, "owned");
	return r;
}

static void judge_limit(struct judge *j)
{
	const struct ev *worker = judge_need(j, EV_WORKER, "owned");
	const char *tried = judge_fact_value(j, "free", "set_owner");

	if (worker && tried && !strcmp(tried, "untried")) {
		judge_skip(j, REASON_DENIED, "this process cannot become another user");
		return;
	}
	judge_ok(j, "owner");
	judge_fact(j, "free", "set_owner", "ok");
	if (!worker)
		return;
	judge_that(j, worker->worker.count == 1, "the device has %d workers, not one",
		   (int)worker->worker.count);
	judge_fact(j, "limited", "set_owner",
		   strcmp(worker->worker.type, "task") == 0 ? "ENOMEM" : "ok");
}

const struct check worker_limit = {
	.area = "worker",
	.name = "limit",
	.families = ON_ALL,
	.title = "a worker that is a task of the owner obeys the owner's RLIMIT_NPROC",
	.contract =
		"Where the worker is a task of the owner (6.4 and later), it counts as one "
		"of the owner's processes: at RLIMIT_NPROC, SET_OWNER gives ENOMEM. A "
		"kernel thread (before) is not bound by it.",
	.harm = "A confined VMM makes more tasks than it was allowed, or a guest does not "
		"start for a reason that nothing names.",
	.judged = "An unprivileged process with a device of its own calls SET_OWNER, "
		  "without limit and with RLIMIT_NPROC 0.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_task_create() in kernel/vhost_task.c",
		      "vhost_worker_create() in drivers/vhost/vhost.c",
		      "commit 6e890c5d5021"),
	.faults =
		WORDS("limit_ignored", "owner_refused", "worker_gone", "worker_per_ring"),
	.collect = collect_limit,
	.judge = judge_limit,
};

/* --------------------------------------------------------------------- mode */

static int get_mode(struct session *s, const char *step)
{
	uint8_t mode = UINT8_MAX;

	return session_ioctl(s, step, VHOST_GET_FORK_FROM_OWNER, &mode);
}

static int set_mode(struct session *s, const char *step, uint8_t mode)
{
	return session_ioctl(s, step, VHOST_SET_FORK_FROM_OWNER, &mode);
}

/* An unknown call is EPERM before SET_OWNER: ownership is looked at first. */
static bool has_mode(struct judge *j, const char *step)
{
	const struct ev *ev = ev_find(j->evidence, EV_IOCTL, step);

	if (!ev || (ev->ioctl.err != EPERM && ev->ioctl.err != ENOTTY))
		return true;
	judge_skip(j, REASON_NOT_OFFERED,
		   "this kernel has no VHOST_SET_FORK_FROM_OWNER: it came with 6.17 and "
		   "the option VHOST_ENABLE_FORK_OWNER_CONTROL");
	return false;
}

static int collect_mode(struct session *s)
{
	int r = session_open(s);

	if (r < 0)
		return r;
	if (get_mode(s, "get") < 0)
		return 0;
	(void)set_mode(s, "two", 2);
	(void)set_mode(s, "kthread", 0);
	(void)get_mode(s, "get_kthread");
	(void)set_mode(s, "task", 1);
	(void)get_mode(s, "get_task");
	(void)session_owner(s, "owner");
	(void)set_mode(s, "late", 0);
	return 0;
}

static void judge_mode(struct judge *j)
{
	if (!has_mode(j, "get"))
		return;
	judge_ok(j, "get");
	judge_errno(j, "two", EINVAL);
	judge_ok(j, "kthread");
	judge_said(j, "get_kthread", "0");
	judge_ok(j, "task");
	judge_said(j, "get_task", "1");
	judge_ok(j, "owner");
	judge_errno(j, "late", EBUSY);
}

const struct check worker_mode = {
	.area = "worker",
	.name = "mode",
	.families = ON_ALL,
	.title = "what kind of worker a device has is chosen before it has an owner",
	.contract =
		"VHOST_SET_FORK_FROM_OWNER takes 0 (kernel thread) and 1 (task of the "
		"owner) before SET_OWNER, and gives EINVAL for anything else and EBUSY "
		"later; VHOST_GET_FORK_FROM_OWNER says what was set. Which one is set at "
		"first is left open.",
	.harm = "A VMM that relies on one kind gets the other and does not learn of it.",
	.judged = "2, 0, 1, and 0 again after SET_OWNER; what GET says in between.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_FORK_FROM_OWNER in include/uapi/linux/vhost.h",
		      "commit 7d9896e9f6d0"),
	.faults = WORDS("mode_taken", "mode_swallowed", "mode_other_errno"),
	.collect = collect_mode,
	.judge = judge_mode,
};

static int collect_kthread(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = session_open(s);
	if (r < 0)
		return r;
	if (get_mode(s, "get") < 0)
		return 0;
	(void)set_mode(s, "kthread", 0);
	link_init(&l, s);
	r = session_setup(s, &plain_start);
	if (r == 0)
		r = link_start(&l);
	session_note_worker(s, "running");
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_kthread(struct judge *j)
{
	const struct ev *worker = NULL;

	if (!has_mode(j, "get"))
		return;
	judge_ok(j, "kthread");
	worker = judge_need(j, EV_WORKER, "running");
	if (worker)
		judge_that(j,
			   !strcmp(worker->worker.type, "kthread") &&
				   worker->worker.count == 1,
			   "%d workers of type %s; there must be one kernel thread",
			   (int)worker->worker.count, worker->worker.type);
	judge_both(j, SHORT_BYTES);
}

const struct check worker_kthread = {
	.area = "worker",
	.name = "kthread",
	.families = ON_ALL,
	.title = "a kernel thread can be chosen as worker, and moves bytes",
	.contract =
		"After VHOST_SET_FORK_FROM_OWNER with 0 the worker is a kernel thread "
		"named for the owner, as before 6.4, and the device works as it does with "
		"the other.",
	.harm = "Who relies on the older kind (a VMM that pins or accounts kernel threads) "
		"has no way back.",
	.judged = "/proc is searched for the worker; 1000 bytes go each way.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_SET_FORK_FROM_OWNER in include/uapi/linux/vhost.h",
		      "vhost_kthread_worker_create() in drivers/vhost/vhost.c"),
	.faults = WORDS("mode_swallowed", "worker_gone", "worker_per_ring",
			"payload_flipped"),
	.collect = collect_kthread,
	.judge = judge_kthread,
};

/* -------------------------------------------------------- calls of vhost-scsi */

static const struct worker_call {
	const char *idle, *running;
	unsigned long request;
} worker_calls[] = {
	{ "new", "running.new", VHOST_NEW_WORKER },
	{ "attach", "running.attach", VHOST_ATTACH_VRING_WORKER },
	{ "get", "running.get", VHOST_GET_VRING_WORKER },
	{ "free", "running.free", VHOST_FREE_WORKER },
};

/* With room and a ring that exists: vhost reads a ring's index before the number. */
static void call_each(struct session *s, bool running)
{
	for (size_t i = 0; i < ARRAY_SIZE(worker_calls); i++) {
		const struct worker_call *c = &worker_calls[i];
		unsigned char arg[64] = { 0 };

		(void)session_ioctl(s, running ? c->running : c->idle, c->request, arg);
	}
}

static int collect_calls_refused(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	call_each(s, false);
	r = link_start(&l);
	if (r < 0)
		return r;
	call_each(s, true);
	session_note_worker(s, "after");
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_calls_refused(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(worker_calls); i++) {
		judge_errno(j, worker_calls[i].idle, ENOTTY);
		judge_errno(j, worker_calls[i].running, ENOTTY);
	}
	judge_both(j, SHORT_BYTES);
}

const struct check worker_calls_refused = {
	.area = "worker",
	.name = "calls_refused",
	.families = ON_BOTH,
	.title = "a device with one worker refuses to be given more, and goes on",
	.contract =
		"VHOST_NEW_WORKER, _FREE_WORKER, _ATTACH_VRING_WORKER and "
		"_GET_VRING_WORKER are vhost-scsi's: an owned device of another kind "
		"gives ENOTTY, running or not, and moves bytes. "
		"A prober must have an owner (else EPERM), and hand over 64 bytes that "
		"begin with the number of a ring (else EFAULT or ENOBUFS).",
	.harm = "A VMM that gives each ring a worker believes that it has done so, or "
		"loses the one that it had.",
	.judged = "The four calls before and after the start; 1000 bytes go each way.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_NEW_WORKER in include/uapi/linux/vhost.h",
		      "vhost_worker_ioctl(), vhost_vring_ioctl() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("new_worker_taken", "free_worker_taken", "attach_worker_taken",
			"get_worker_other_errno", "payload_flipped"),
	.collect = collect_calls_refused,
	.judge = judge_calls_refused,
};
