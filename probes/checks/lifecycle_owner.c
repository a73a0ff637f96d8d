/* SPDX-License-Identifier: MIT */
/* Area lifecycle: reset, other processes, other devices, and many rounds. */
#include <string.h>
#include <sys/wait.h>

#include "checks/rows.h"
#include "seam/uapi.h"

#define ROUNDS 8u

/* ------------------------------------------------------------------ reset */

/* The session as it was before it was set up; what is open stays open. */
static void forget_setup(struct session *s)
{
	s->iotlb = false;
	s->features = s->features_high = 0;
	session_order(s, false);
}

static int collect_reset(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_IOTLB };
	struct link l;
	int r = link_prepare(&l, s, &c);

	if (r == 0)
		r = session_map_all(s, "map");
	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = link_tx(&l, "before", SHORT_BYTES);
	if (r < 0)
		return r;
	(void)session_ioctl(s, "reset", VHOST_RESET_OWNER, NULL);
	(void)session_ring_num(s, "unowned", QUEUE_TX, SESSION_RING_SIZE);
	(void)session_map(s, "message", MEM_SPARE, VHOST_ACCESS_RW);
	forget_setup(s);
	r = session_setup(s, &plain_start);
	if (r < 0)
		return r;
	(void)session_running(s, "again", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_reset(struct judge *j)
{
	judge_bytes(j, "before", SHORT_BYTES);
	judge_ok(j, "reset");
	judge_errno(j, "unowned", EPERM);
	judge_message_errno(j, "message", EFAULT, EFAULT);
	judge_ok(j, "again");
	judge_both(j, SHORT_BYTES);
}

const struct check lifecycle_reset_owner = {
	.area = "lifecycle",
	.name = "reset_owner",
	.families = ON_NET,
	.title = "RESET_OWNER makes a running device as good as new",
	.contract =
		"VHOST_RESET_OWNER of a running vhost-net stops it and takes owner, "
		"features, rings, memory and IOTLB away: ring calls give EPERM, IOTLB "
		"messages EFAULT, and the same descriptor can be owned, set up and started "
		"again.",
	.harm = "A descriptor that is handed on keeps the memory of the one before.",
	.judged = "A running device with an IOTLB is reset; a ring call, a message; then "
		  "an ordinary start without IOTLB, and payload both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("VHOST_RESET_OWNER",
		      "vhost_net_reset_owner() in drivers/vhost/net.c"),
	.faults = WORDS("reset_keeps_owner", "reset_keeps_iotlb"),
	.collect = collect_reset,
	.judge = judge_reset,
};

static int collect_no_reset(struct session *s)
{
	/* a ring index is read from the argument before the number is looked at */
	unsigned char arg[64] = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)session_ioctl(s, "reset", VHOST_RESET_OWNER, arg);
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_no_reset(struct judge *j)
{
	judge_errno(j, "reset", ENOTTY);
	judge_both(j, SHORT_BYTES);
}

const struct check lifecycle_no_reset_owner = {
	.area = "lifecycle",
	.name = "no_reset_owner",
	.families = ON_VSOCK | ON_SCSI,
	.title = "a device without RESET_OWNER is not disturbed by it",
	.contract =
		"VHOST_RESET_OWNER is vhost-net's: others give ENOTTY, and a running device "
		"goes on. Who wants a device as good as new closes it and opens another.",
	.harm = "A VMM that resets its devices takes a device for new that still has its "
		"memory, or loses one that runs.",
	.judged = "The call on a running device, then payload both ways.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_dev_ioctl() in drivers/vhost/vsock.c",
		      "vhost_scsi_ioctl() in drivers/vhost/scsi.c"),
	.faults = WORDS("vsock_reset_taken"),
	.collect = collect_no_reset,
	.judge = judge_no_reset,
};

/* -------------------------------------------------------- other processes */

/** struct try - a call that a process tries which is not the owner */
struct
try {
	const char *name;
	unsigned long request;
	unsigned int families;
};

static const struct try owners[] = {
	{ "VHOST_SET_MEM_TABLE", VHOST_SET_MEM_TABLE, ON_BOTH },
	{ "VHOST_SET_LOG_BASE", VHOST_SET_LOG_BASE, ON_BOTH },
	{ "VHOST_SET_LOG_FD", VHOST_SET_LOG_FD, ON_BOTH },
	{ "VHOST_SET_VRING_NUM", VHOST_SET_VRING_NUM, ON_BOTH },
	{ "VHOST_SET_VRING_ADDR", VHOST_SET_VRING_ADDR, ON_BOTH },
	{ "VHOST_SET_VRING_BASE", VHOST_SET_VRING_BASE, ON_BOTH },
	{ "VHOST_GET_VRING_BASE", VHOST_GET_VRING_BASE, ON_BOTH },
	{ "VHOST_SET_VRING_KICK", VHOST_SET_VRING_KICK, ON_BOTH },
	{ "VHOST_SET_VRING_CALL", VHOST_SET_VRING_CALL, ON_BOTH },
	{ "VHOST_SET_VRING_ERR", VHOST_SET_VRING_ERR, ON_BOTH },
	{ "VHOST_VSOCK_SET_RUNNING", VHOST_VSOCK_SET_RUNNING, ON_VSOCK },
	{ "VHOST_NET_SET_BACKEND", VHOST_NET_SET_BACKEND, ON_NET },
	{ "VHOST_RESET_OWNER", VHOST_RESET_OWNER, ON_NET },
};

/* Of SET_FEATURES with the bits that are set: no kernel asks who calls (vhost-abi 0.6).
 */
#define FEATURES_TRY ARRAY_SIZE(owners)

/*
 * Another process tries them all on the running device. Errnos come back in the guest's
 * memory, which both share. An argument of zeroes is one that each call can read.
 */
static int try_elsewhere(struct session *s, int *errnos)
{
	struct dev *dev = s->seam->dev;
	unsigned char zero[64] = { 0 };
	uint64_t features = s->features;
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
			if (owners[i].families & FAMILY_BIT(s->family))
				errnos[i] =
					-dev->ops->ioctl(dev, owners[i].request, zero);
		errnos[FEATURES_TRY] =
			-dev->ops->ioctl(dev, VHOST_SET_FEATURES, &features);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static void note_try(struct session *s, const char *name, int err)
{
	session_fact(s, "elsewhere", name, "%s",
		     err > 0 ? strerrorname_np(err) : "taken");
}

static int collect_calls_elsewhere(struct session *s)
{
	int *errnos = NULL;
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	errnos = mem_ptr(&s->mem, MEM_SPARE, 0);
	r = try_elsewhere(s, errnos);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		if (owners[i].families & FAMILY_BIT(s->family))
			note_try(s, owners[i].name, errnos[i]);
	note_try(s, "VHOST_SET_FEATURES", errnos[FEATURES_TRY]);
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_calls_elsewhere(struct judge *j)
{
	bool vsock = judge_fact_value(j, "elsewhere", "VHOST_VSOCK_SET_RUNNING") != NULL;

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		if (owners[i].families & (vsock ? ON_VSOCK : ON_NET))
			judge_fact(j, "elsewhere", owners[i].name, "EPERM");
	judge_both(j, SHORT_BYTES);
}

const struct check lifecycle_calls_elsewhere = {
	.area = "lifecycle",
	.name = "calls_elsewhere",
	.families = ON_BOTH,
	.title = "a process that is not the owner changes nothing of a running device",
	.contract =
		"Memory, log and ring calls, start and stop, and RESET_OWNER where there "
		"is one, give EPERM to a process that shares the descriptor but not the "
		"owner's address space; the device goes on. SET_FEATURES is left open, "
		"since no known kernel refuses it: what came of it is recorded. Whoever "
		"holds the descriptor can switch the IOTLB on so.",
	.harm = "A jailed helper points the device at addresses of the owner's, or stops "
		"it.",
	.judged = "A forked process tries each on the running device; then payload both "
		  "ways by the owner.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_dev_check_owner() in drivers/vhost/vhost.c"),
	.faults = WORDS("owner_anybody"),
	.collect = collect_calls_elsewhere,
	.judge = judge_calls_elsewhere,
};

/* ------------------------------------------------------------ two devices */

/* The guest's memory, or NULL. */
static unsigned char *snapshot(const struct session *s)
{
	unsigned char *copy = malloc(s->mem.len);

	if (copy)
		memcpy(copy, s->mem.base, s->mem.len);
	return copy;
}

/* The second guest has the peer to itself; on net the first must let go of the tap. */
static int second_moves(struct session *s, struct session *other)
{
	struct link l;
	int r = link_open(&l, other, &plain_start);

	if (r < 0)
		return r;
	if (s->family == FAMILY_NET)
		(void)session_running(s, "pause", 0);
	(void)session_running(other, "second", 1);
	r = link_post_rx(&l);
	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, "second.tx", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, "second.rx", SHORT_BYTES);
	if (s->family == FAMILY_NET)
		(void)session_running(other, "second.pause", 0);
	return r;
}

static int first_then_second(struct session *s, struct session *other)
{
	cleanup_free unsigned char *before = NULL;
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	before = snapshot(s);
	if (!before)
		return -ENOMEM;
	r = second_moves(s, other);
	session_fact(s, "second", "first memory", "%s",
		     memcmp(before, s->mem.base, s->mem.len) ? "written" : "untouched");
	if (r < 0)
		return r;
	if (s->family == FAMILY_NET)
		(void)session_running(s, "resume", 1);
	return link_both_ways(&l, SHORT_BYTES);
}

static int collect_two_devices(struct session *s)
{
	struct session other;
	struct seam seam;
	int r = 0;

	session_twin(s, &other, &seam);
	r = first_then_second(s, &other);
	session_done(&other);
	return r;
}

static void judge_two_devices(struct judge *j)
{
	judge_ok(j, "second");
	judge_bytes(j, "second.tx", SHORT_BYTES);
	judge_bytes(j, "second.rx", SHORT_BYTES);
	judge_fact(j, "second", "first memory", "untouched");
	judge_both(j, SHORT_BYTES);
}

const struct check lifecycle_two_devices = {
	.area = "lifecycle",
	.name = "two_devices",
	.families = ON_BOTH,
	.title = "two devices of one process move each its own bytes",
	.contract =
		"A second descriptor has rings, memory, features and worker of its own: "
		"what it moves leaves the first one's memory alone, and the first one goes "
		"on.",
	.harm = "One guest of a process reads or writes the memory of another.",
	.judged = "The first is started; the second is set up, moves payload both ways "
		  "from other memory (on net the two take turns with the tap); the first "
		  "one's memory is compared byte by byte; then it moves payload itself.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_dev_init() in drivers/vhost/vhost.c"),
	.faults = WORDS("memory_shared"),
	.collect = collect_two_devices,
	.judge = judge_two_devices,
};

/* ------------------------------------------------------------ many rounds */

static int one_round(struct session *s)
{
	struct link l;
	int r = link_open(&l, s, &plain_start);

	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = session_barrier(s);
	session_close(s);
	return r < 0 ? r : 0;
}

static int collect_rounds(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	for (unsigned int i = 0; i < ROUNDS && r == 0; i++)
		r = one_round(s);
	wait_for_workers(s, 0);
	session_note_worker(s, "closed");
	if (r == 0)
		r = link_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	(void)session_running(s, "last", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_rounds(struct judge *j)
{
	const struct ev *worker = judge_need(j, EV_WORKER, "closed");
	const struct ev *open = NULL;

	while ((open = ev_find_next(j->evidence, open, EV_IOCTL, "open")))
		judge_that(j, open->ioctl.ret >= 0, "open was refused with %s",
			   strerrorname_np(open->ioctl.err));
	judge_ok(j, "last");
	if (worker)
		judge_that(j, worker->worker.count == 0,
			   "%d workers are left after %u devices were closed",
			   (int)worker->worker.count, ROUNDS);
	judge_both(j, SHORT_BYTES);
}

const struct check lifecycle_rounds = {
	.area = "lifecycle",
	.name = "rounds",
	.families = ON_ALL,
	.title = "a device that was opened, started and closed many times still works",
	.contract = "However often a device was opened, set up, started and closed while "
		    "it ran, no worker is left, and the next one moves payload.",
	.harm = "A host on which guests come and go runs out of tasks, CIDs or memory.",
	.judged = "Eight rounds; 2 s at most until no worker is left; then a start, and "
		  "payload both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_dev_cleanup() in drivers/vhost/vhost.c"),
	.faults = WORDS("eighth_open_fails", "worker_stays"),
	.collect = collect_rounds,
	.judge = judge_rounds,
};
