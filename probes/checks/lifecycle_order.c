/* SPDX-License-Identifier: MIT */
/* Area lifecycle: the order of calls, ownership, start, stop and close. */
#include <string.h>
#include <sys/wait.h>

#include "checks/rows.h"

static int collect_owner_required(struct session *s)
{
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_mem_table(s, "memory");
	(void)session_ring_num(s, "num", QUEUE_RX, SESSION_RING_SIZE);
	(void)session_ring_base(s, "base", QUEUE_RX, 0);
	(void)session_ring_addr(s, "addr", QUEUE_RX, (struct session_ring_at){ 0 });
	(void)session_ring_fd(s, "kick", VHOST_SET_VRING_KICK, QUEUE_RX,
			      s->kick[QUEUE_RX]);
	(void)session_running(s, "start", 1);
	return 0;
}

static bool is_endpoint(struct judge *j, const char *step)
{
	const struct ev *ev = ev_find(j->evidence, EV_IOCTL, step);

	return ev && !strcmp(ev->ioctl.name, "VHOST_SCSI_SET_ENDPOINT");
}

static void judge_owner_required(struct judge *j)
{
	judge_errno(j, "memory", EPERM);
	judge_errno(j, "num", EPERM);
	judge_errno(j, "base", EPERM);
	judge_errno(j, "addr", EPERM);
	judge_errno(j, "kick", EPERM);
	judge_errno(j, "start", is_endpoint(j, "start") ? EFAULT : EPERM);
}

const struct check lifecycle_owner_required = {
	.area = "lifecycle",
	.name = "owner_required",
	.families = ON_ALL,
	.title = "memory, rings and start are refused before SET_OWNER",
	.contract =
		"VHOST_SET_MEM_TABLE, VHOST_SET_VRING_* and the start call give EPERM on "
		"a device without an owner. VHOST_SCSI_SET_ENDPOINT, which does not ask "
		"for one, gives EFAULT: without an owner there is no memory table.",
	.harm = "A device works on the memory of a process that never said it owns it.",
	.judged = "Each call once on a fresh descriptor.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_dev_check_owner() in drivers/vhost/vhost.c",
		      "vhost_scsi_set_endpoint() in drivers/vhost/scsi.c"),
	.faults = WORDS("memory_forgiven", "start_forgiven", "owner_not_needed"),
	.collect = collect_owner_required,
	.judge = judge_owner_required,
};

static int collect_owner_twice(struct session *s)
{
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_owner(s, "first");
	(void)session_owner(s, "second");
	return 0;
}

static void judge_owner_twice(struct judge *j)
{
	judge_ok(j, "first");
	judge_errno(j, "second", EBUSY);
}

const struct check lifecycle_owner_twice = {
	.area = "lifecycle",
	.name = "owner_twice",
	.families = ON_ALL,
	.title = "a device takes one owner",
	.contract = "VHOST_SET_OWNER succeeds once; a second one gives EBUSY.",
	.harm = "A device that was passed in with an owner is taken over silently.",
	.judged = "SET_OWNER twice on one descriptor.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_OWNER",
		      "vhost_dev_set_owner() in drivers/vhost/vhost.c"),
	.faults = WORDS("owner_refused", "owner_twice_taken"),
	.collect = collect_owner_twice,
	.judge = judge_owner_twice,
};

/* Another process tries; it exits with the errno, and never closes the device last. */
static int try_elsewhere(struct session *s)
{
	struct vhost_vring_state state = { .index = QUEUE_RX, .num = SESSION_RING_SIZE };
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-s->seam->dev->ops->ioctl(s->seam->dev, VHOST_SET_VRING_NUM,
						&state));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int collect_other_process(struct session *s)
{
	int r = session_open(s);
	int err = 0;

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	err = try_elsewhere(s);
	if (err < 0)
		return err;
	session_fact(s, "elsewhere", "VHOST_SET_VRING_NUM", "%s",
		     err ? strerrorname_np(err) : "0");
	(void)session_ring_num(s, "here", QUEUE_RX, SESSION_RING_SIZE);
	return 0;
}

static void judge_other_process(struct judge *j)
{
	judge_ok(j, "owner");
	judge_fact(j, "elsewhere", "VHOST_SET_VRING_NUM", "EPERM");
	judge_ok(j, "here");
}

const struct check lifecycle_owner_other_process = {
	.area = "lifecycle",
	.name = "owner_other_process",
	.families = ON_ALL,
	.title = "only the owner's process sets rings up",
	.contract = "Ring and memory calls give EPERM to a process that shares the "
		    "descriptor but not the owner's address space, and leave the device "
		    "usable for the owner.",
	.harm = "A forked or jailed helper points the device at addresses that mean "
		"something else in the owner.",
	.judged = "A forked process calls SET_VRING_NUM, then the owner does.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_dev_check_owner() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_num_swallowed", "owner_anybody"),
	.collect = collect_other_process,
	.judge = judge_other_process,
};

static int collect_start_needs_memory(struct session *s)
{
	int r = session_peer(s);

	if (r == 0)
		r = session_open(s);
	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	(void)session_features(s, "features", F_VERSION_1);
	r = session_ring_setup(s, QUEUE_RX, SESSION_RING_SIZE, 0);
	if (r == 0)
		r = session_ring_setup(s, QUEUE_TX, SESSION_RING_SIZE, 0);
	if (r < 0)
		return r;
	(void)session_running(s, "start", 1);
	(void)session_mem_table(s, "memory");
	(void)session_running(s, "again", 1);
	return 0;
}

static void judge_start_needs_memory(struct judge *j)
{
	judge_errno(j, "start", EFAULT);
	judge_ok(j, "memory");
	judge_ok(j, "again");
}

const struct check lifecycle_start_needs_memory = {
	.area = "lifecycle",
	.name = "start_needs_memory",
	.families = ON_ALL,
	.title = "a start without a memory table is refused, and can be repeated",
	.contract =
		"The start call gives EFAULT until VHOST_SET_MEM_TABLE was called, and "
		"succeeds after it.",
	.harm = "A VMM with its calls in the wrong order runs a device that can reach no "
		"memory, and sees no error.",
	.judged = "Start without a table, then with one.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vq_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("start_forgiven", "memory_not_needed"),
	.collect = collect_start_needs_memory,
	.judge = judge_start_needs_memory,
};

static int collect_start_twice(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)session_running(s, "again", 1);
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_start_twice(struct judge *j)
{
	judge_ok(j, "start");
	judge_ok(j, "again");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_bytes(j, "rx", SHORT_BYTES);
}

const struct check lifecycle_start_twice = {
	.area = "lifecycle",
	.name = "start_twice",
	.families = ON_BOTH,
	.title = "starting a running device changes nothing",
	.contract =
		"The start call (VHOST_VSOCK_SET_RUNNING, VHOST_NET_SET_BACKEND) on a "
		"running device succeeds and traffic goes on.",
	.harm = "A VMM that sees DRIVER_OK twice breaks its guest's connections.",
	.judged = "Start, start, then a transfer both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_start() in drivers/vhost/vsock.c",
		      "vhost_net_set_backend() in drivers/vhost/net.c"),
	.faults = WORDS("second_running_refused", "start_twice_busy"),
	.collect = collect_start_twice,
	.judge = judge_start_twice,
};

static int collect_stop_resumes(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, "before", SHORT_BYTES);
	if (r < 0)
		return r;
	(void)session_running(s, "stop", 0);
	link_queue(&l);
	session_note_ring(s, "stopped", QUEUE_TX);
	(void)session_running(s, "restart", 1);
	r = link_tx(&l, "after", SHORT_BYTES);
	return r < 0 ? r : link_rx(&l, "back", SHORT_BYTES);
}

static void judge_stop_resumes(struct judge *j)
{
	const struct ev *ring = NULL;

	judge_bytes(j, "before", SHORT_BYTES);
	judge_ok(j, "stop");
	ring = judge_need(j, EV_RING, "stopped");
	if (ring)
		judge_that(j,
			   ring->ring.base.set && ring->ring.base.v == ring->ring.used.v,
			   "after the stop GET_VRING_BASE says %d, the used index %d",
			   (int)ring->ring.base.v, (int)ring->ring.used.v);
	judge_ok(j, "restart");
	judge_bytes(j, "after", SHORT_BYTES);
	judge_bytes(j, "back", SHORT_BYTES);
}

const struct check lifecycle_stop_resumes = {
	.area = "lifecycle",
	.name = "stop_resumes",
	.families = ON_BOTH,
	.title = "a stopped device goes on where it was",
	.contract =
		"After the stop (VHOST_VSOCK_SET_RUNNING with 0, VHOST_NET_SET_BACKEND with "
		"-1) VHOST_GET_VRING_BASE names the next head that the device will take; "
		"after another start it takes just that, and connections live on.",
	.harm = "A paused or migrated guest loses or repeats packets.",
	.judged = "Payload goes out before a stop and both ways after it; digests and "
		  "indices are compared, with one head waiting while it is stopped.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_stop() in drivers/vhost/vsock.c",
		      "VHOST_GET_VRING_BASE"),
	.faults = WORDS("second_running_refused", "third_running_swallowed",
			"ring_base_forgotten", "stopped_base_low", "ring_base_avail"),
	.collect = collect_stop_resumes,
	.judge = judge_stop_resumes,
};

static int collect_close_while_running(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	if (r < 0)
		return r;
	session_close(s);
	r = session_open(s);
	if (r == 0)
		r = session_setup(s, &plain_start);
	if (r < 0)
		return r;
	(void)session_running(s, "restart", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_close_while_running(struct judge *j)
{
	judge_ok(j, "start");
	judge_ok(j, "restart");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_bytes(j, "rx", SHORT_BYTES);
}

const struct check lifecycle_close_while_running = {
	.area = "lifecycle",
	.name = "close_while_running",
	.families = ON_ALL,
	.title = "closing a running device leaves the next one whole",
	.contract =
		"close(2) of a running device, with a connection or a target that it has, "
		"returns, and a fresh descriptor with the same memory and eventfds works.",
	.harm = "A VMM that was killed keeps the host from starting its guest again.",
	.judged = "Connect, close, open, transfer both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_dev_release() in drivers/vhost/vsock.c",
		      "vhost_net_release() in drivers/vhost/net.c",
		      "vhost_scsi_release() in drivers/vhost/scsi.c"),
	.faults = WORDS("second_running_refused", "reopen_busy"),
	.collect = collect_close_while_running,
	.judge = judge_close_while_running,
};

static int collect_ring_frozen(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)session_ring_num(s, "num", QUEUE_TX, 2 * SESSION_RING_SIZE);
	(void)session_ring_base(s, "base", QUEUE_TX, 1);
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_ring_frozen(struct judge *j)
{
	judge_ok(j, "start");
	judge_errno(j, "num", EBUSY);
	judge_errno(j, "base", EBUSY);
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_bytes(j, "rx", SHORT_BYTES);
}

const struct check lifecycle_ring_frozen = {
	.area = "lifecycle",
	.name = "ring_frozen",
	.families = ON_BOTH,
	.title = "size and index of a running ring cannot be changed",
	.contract = "VHOST_SET_VRING_NUM and VHOST_SET_VRING_BASE give EBUSY while the "
		    "device runs, and traffic goes on.",
	.harm = "The device reads past the ring's end, or repeats what it has done.",
	.judged = "Both calls while running, then a transfer both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS(
		"vhost_vring_set_num(), vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("busy_ring_num_taken", "busy_ring_base_taken", "ring_num_running",
			"ring_base_running"),
	.collect = collect_ring_frozen,
	.judge = judge_ring_frozen,
};

#define WORKER_GONE_MS 2000u

void wait_for_workers(struct session *s, unsigned int count)
{
	struct deadline until =
		deadline_earlier(s->until, session_deadline(s, WORKER_GONE_MS));
	struct worker_info info = { 0 };

	while (s->seam->facts->ops->workers(s->seam->facts, getpid(), &info) == 0 &&
	       info.count > count && !session_passed(s, until))
		(void)s->seam->dev->ops->poll(s->seam->dev, NULL, 0,
					      session_deadline(s, 1));
}

static int collect_worker(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	session_note_worker(s, "running");
	session_close(s);
	wait_for_workers(s, 0);
	session_note_worker(s, "closed");
	return 0;
}

static void judge_worker(struct judge *j)
{
	const struct ev *running = judge_need(j, EV_WORKER, "running");
	const struct ev *closed = judge_need(j, EV_WORKER, "closed");

	if (!running || !closed)
		return;
	judge_that(j, running->worker.count == 1,
		   "%d workers named for the owner run the device; there must be one",
		   (int)running->worker.count);
	judge_that(j, closed->worker.count == 0,
		   "%d workers are left after the device was closed",
		   (int)closed->worker.count);
}

const struct check lifecycle_worker = {
	.area = "lifecycle",
	.name = "worker",
	.families = ON_ALL,
	.title = "a running device has one worker, and none when it is closed",
	.contract =
		"SET_OWNER creates one task named vhost-PID for the owner (a thread of "
		"the owner since 6.4, a kernel thread before); close(2) ends it.",
	.harm = "CPU time and limits are charged to nobody, or threads pile up with every "
		"guest that is started.",
	.judged = "/proc is searched for the worker while the device runs, and for 2 s "
		  "after the close until it is gone.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_worker_create() in drivers/vhost/vhost.c",
		      "commit 6e890c5d5021"),
	.faults = WORDS("worker_gone", "worker_stays", "worker_per_ring"),
	.collect = collect_worker,
	.judge = judge_worker,
};
