/* SPDX-License-Identifier: MIT */
/* vDPA devices: the status machine, and whose the device is. */
#include <string.h>
#include <sys/wait.h>

#include "checks/vdpa_judges.h"

static int collect_status(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)vdpa_get_status(&v, "at_open");
	r = vdpa_negotiate(&v, &vdpa_plain);
	if (r < 0)
		return r;
	(void)vdpa_get_status(&v, "agreed");
	(void)vdpa_set_status(&v, "run", VDPA_RUNNING);
	(void)vdpa_get_status(&v, "running");
	(void)vdpa_set_status(&v, "reset", 0);
	(void)vdpa_get_status(&v, "at_reset");
	(void)vdpa_set_status(&v, "again", VDPA_ACKNOWLEDGED);
	(void)vdpa_get_status(&v, "acknowledged");
	return 0;
}

static void judge_status(struct judge *j)
{
	judge_said(j, "at_open", "0");
	judge_ok(j, "setup.acknowledge");
	judge_ok(j, "setup.driver");
	judge_ok(j, "setup.features_ok");
	judge_said(j, "agreed", "11");
	judge_ok(j, "run");
	judge_said(j, "running", "15");
	judge_ok(j, "reset");
	judge_said(j, "at_reset", "0");
	judge_ok(j, "again");
	judge_said(j, "acknowledged", "1");
}

const struct check vdpa_status = {
	.area = "lifecycle",
	.name = "status",
	.families = ON_VDPA,
	.title = "the status is what was set, and 0 after open and reset",
	.contract =
		"VHOST_VDPA_SET_STATUS takes ACKNOWLEDGE, DRIVER, FEATURES_OK and DRIVER_OK "
		"one after the other and GET_STATUS says them; a fresh descriptor has 0, "
		"and so has a device that was set to 0.",
	.harm = "A driver sees a status that it did not set and gives the device up, or "
		"goes on with one that another left behind.",
	.judged = "The status at open, after FEATURES_OK, DRIVER_OK, a reset and a first "
		  "step after it.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 2.1", "virtio-1.2 3.1.1",
		      "vhost_vdpa_set_status() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_status_stale"),
	.collect = collect_status,
	.judge = judge_status,
};

static int collect_status_drop(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = vdpa_negotiate(&v, &vdpa_plain);
	if (r < 0)
		return r;
	(void)vdpa_set_status(&v, "drop_features_ok", VDPA_DRIVER);
	(void)vdpa_set_status(&v, "drop_driver", VDPA_FEATURES & ~2);
	(void)vdpa_get_status(&v, "agreed");
	(void)vdpa_set_status(&v, "run", VDPA_RUNNING);
	(void)vdpa_set_status(&v, "drop_driver_ok", VDPA_FEATURES);
	(void)vdpa_get_status(&v, "running");
	(void)vdpa_set_status(&v, "reset", 0);
	return 0;
}

static void judge_status_drop(struct judge *j)
{
	judge_errno(j, "drop_features_ok", EINVAL);
	judge_errno(j, "drop_driver", EINVAL);
	judge_said(j, "agreed", "11");
	judge_ok(j, "run");
	judge_errno(j, "drop_driver_ok", EINVAL);
	judge_said(j, "running", "15");
	judge_ok(j, "reset");
}

const struct check vdpa_status_drop = {
	.area = "lifecycle",
	.name = "status_drop",
	.families = ON_VDPA,
	.title = "bits of the status are taken back by a reset alone",
	.contract =
		"VHOST_VDPA_SET_STATUS gives EINVAL when a bit that is set is missing, "
		"and changes nothing; 0 is always taken.",
	.harm = "A device that was stopped by taking DRIVER_OK back goes on, with a VMM "
		"that believes it has stopped.",
	.judged =
		"FEATURES_OK, DRIVER and DRIVER_OK are left out in turn, and the status "
		"is read.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 2.1.1",
		      "vhost_vdpa_set_status() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_status_drops", "vdpa_status_stale"),
	.collect = collect_status_drop,
	.judge = judge_status_drop,
};

static int collect_owner_required(struct session *s)
{
	uint64_t bits = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)vdpa_get(&v, "features", VHOST_GET_FEATURES, &bits);
	(void)vdpa_get(&v, "device_id", VHOST_VDPA_GET_DEVICE_ID, &bits);
	(void)vdpa_set_status(&v, "acknowledge", VDPA_ACKNOWLEDGED);
	(void)session_mem_table(s, "memory");
	(void)session_ring_num(s, "num", VDPA_RING, SESSION_RING_SIZE);
	(void)vdpa_state(&v, "enable", VHOST_VDPA_SET_VRING_ENABLE, VDPA_RING, 1);
	(void)session_map(s, "map", VDPA_DATA, VHOST_ACCESS_RW);
	(void)session_owner(s, "owner");
	(void)session_owner(s, "owner_twice");
	(void)session_ring_num(s, "num_owned", VDPA_RING, SESSION_RING_SIZE);
	(void)session_map(s, "map_owned", VDPA_DATA, VHOST_ACCESS_RW);
	(void)session_mem_table(s, "memory_owned");
	return 0;
}

static void judge_owner_required(struct judge *j)
{
	judge_ok(j, "features");
	judge_ok(j, "device_id");
	judge_ok(j, "acknowledge");
	judge_errno(j, "memory", EPERM);
	judge_errno(j, "num", EPERM);
	judge_errno(j, "enable", EPERM);
	judge_message_errno(j, "map", EFAULT, EFAULT);
	judge_ok(j, "owner");
	judge_errno(j, "owner_twice", EBUSY);
	judge_ok(j, "num_owned");
	judge_message(j, "map_owned");
	judge_ok(j, "memory_owned");
}

const struct check vdpa_owner_required = {
	.area = "lifecycle",
	.name = "owner_required",
	.families = ON_VDPA,
	.title = "rings and mappings need an owner, features and status do not",
	.contract =
		"Before VHOST_SET_OWNER ring calls and SET_MEM_TABLE give EPERM and IOTLB "
		"messages EFAULT; what the device is, its features and its status can be "
		"read, and the status set. SET_OWNER succeeds once, a second one gives "
		"EBUSY. SET_MEM_TABLE is then taken, and means nothing.",
	.harm = "A VMM that probes first is refused, or one that forgot the owner maps "
		"memory of nobody.",
	.judged = "Each call before and after SET_OWNER.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_unlocked_ioctl(), vhost_vdpa_process_iotlb_msg() in "
		      "drivers/vhost/vdpa.c"),
	.faults = WORDS("owner_not_needed", "owner_twice_taken", "memory_forgiven"),
	.collect = collect_owner_required,
	.judge = judge_owner_required,
};

/** struct attempt - what a process tries that is not the owner */
struct attempt {
	const char *name;
	int (*act)(struct session *s);
};

static int try_num(struct session *s)
{
	struct vhost_vring_state state = { .index = VDPA_RING, .num = SESSION_RING_SIZE };

	return s->seam->dev->ops->ioctl(s->seam->dev, VHOST_SET_VRING_NUM, &state);
}

static int try_map(struct session *s)
{
	const struct iotlb_msg msg = {
		.version = 2,
		.iova = mem_iova(VDPA_DATA, 0),
		.size = MEM_PAGE,
		.uaddr = mem_hva(&s->mem, VDPA_DATA, 0),
		.perm = VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};
	unsigned char buf[IOTLB_MSG_BYTES];
	ssize_t n = 0;

	iotlb_encode(&msg, buf);
	n = s->seam->dev->ops->write(s->seam->dev, buf, sizeof(buf));
	return n < 0 ? (int)n : 0;
}

static const struct attempt attempts[] = {
	{ "VHOST_SET_VRING_NUM", try_num },
	{ "VHOST_IOTLB_UPDATE", try_map },
};

/* In a forked process, which exits with the errno. */
static int elsewhere(struct session *s, const struct attempt *attempt)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-attempt->act(s));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int collect_other_process(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int err = elsewhere(s, &attempts[i]);

		if (err < 0)
			return err;
		session_fact(s, "elsewhere", attempts[i].name, "%s",
			     err ? strerrorname_np(err) : "0");
	}
	(void)session_ring_num(s, "num_here", VDPA_RING, SESSION_RING_SIZE);
	(void)session_map(s, "map_here", VDPA_DATA, VHOST_ACCESS_RW);
	return 0;
}

static void judge_other_process(struct judge *j)
{
	judge_ok(j, "owner");
	judge_fact(j, "elsewhere", "VHOST_SET_VRING_NUM", "EPERM");
	judge_fact(j, "elsewhere", "VHOST_IOTLB_UPDATE", "EFAULT");
	judge_ok(j, "num_here");
	judge_message(j, "map_here");
}

const struct check vdpa_other_process = {
	.area = "lifecycle",
	.name = "owner_other_process",
	.families = ON_VDPA,
	.title = "only the owner's process maps memory and sets rings up",
	.contract =
		"A process that shares the descriptor but not the owner's address space "
		"gets EPERM for ring calls and EFAULT for IOTLB messages.",
	.harm = "A helper's addresses are mapped as if they were the owner's: the device "
		"writes to memory that nobody meant.",
	.judged = "A forked process tries SET_VRING_NUM and an update, then the owner "
		  "does.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_process_iotlb_msg() in drivers/vhost/vdpa.c",
		      "vhost_dev_check_owner() in drivers/vhost/vhost.c"),
	.faults = WORDS("owner_anybody"),
	.collect = collect_other_process,
	.judge = judge_other_process,
};
