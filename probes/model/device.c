/* SPDX-License-Identifier: MIT */
/*
 * What all vhost drivers share: opening, ownership, features, memory.
 *
 * Source: vhost-abi 1, 2; vhost_dev_ioctl(), vhost_dev_init() in drivers/vhost/vhost.c
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "model/memory.h"
#include "model/model_private.h"
#include "seam/uapi.h"

/* max_iotlb_entries: default of the module's parameter */
#define IOTLB_MAX 2048u

/* Regions that RULE_MEMORY_FEW and RULE_MEMORY_FIRST leave of a table. */
#define REGIONS_FEW 32u

#define BACKEND_OFFERED (UINT64_C(1) << VHOST_BACKEND_F_IOTLB_MSG_V2)
#define IOTLB_BIT BIT64(VIRTIO_F_ACCESS_PLATFORM)
#define EVENT_BIT BIT64(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT_BIT BIT64(VIRTIO_RING_F_INDIRECT_DESC)

/* The SET_LOG_FD from which on RULE_FLUSH_LATE has it wait no longer. */
#define FLUSHES_IN_TIME 40u

static struct model_dev *self(struct dev *dev)
{
	return (struct model_dev *)dev;
}

bool device_has(const struct model_dev *d, unsigned int bit)
{
	return d->features.word[0] & BIT64(bit);
}

bool device_breaks(const struct model_dev *d, enum fault_rule rule)
{
	const struct fault *fault = d->m->fault;

	if (d->m->asked)
		d->m->asked[rule] = true;
	return fault && fault->act == FAULT_MODEL && fault->rule == rule;
}

bool device_armed(const struct model_dev *d)
{
	if (!d->has_iotlb)
		return false;
	switch (d->m->policy) {
	case MODEL_LENIENT:
		return d->messaged;
	case MODEL_GATED:
		return d->backend_features != 0;
	case MODEL_STRICT:
	case MODEL_NONE:
		break;
	}
	return d->messaged || !d->backend_features ||
	       !device_breaks(d, RULE_POLICY_AGREED);
}

int device_owned(const struct model_dev *d)
{
	if (!d->owner)
		return device_breaks(d, RULE_OWNER_NOT_NEEDED) ? 0 : -EPERM;
	return d->owner == getpid() || device_breaks(d, RULE_OWNER_ANYBODY) ? 0 : -EPERM;
}

int eventfd_take(int fd, bool any_file, int *ret)
{
	char path[64], what[32] = "";
	int copy = -1;

	if (fd == -1) {
		fd_close(ret);
		return 0;
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -EBADF;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	if (readlink(path, what, sizeof(what) - 1) < 0 ||
	    (strcmp(what, "anon_inode:[eventfd]") != 0 && !any_file)) {
		fd_close(&copy);
		return -EINVAL;
	}
	fd_close(ret);
	*ret = copy;
	return 0;
}

/* ---------------------------------------------------------- open and close */

bool device_runs(const struct model_dev *d)
{
	for (unsigned int q = 0; q < d->family->queues; q++)
		if (d->vq[q].running)
			return true;
	return false;
}

bool device_armable(const struct model_dev *d)
{
	return d->family->features.word[0] & IOTLB_BIT;
}

void device_wipe(struct model_dev *d)
{
	d->family->stop(d);
	for (unsigned int q = 0; q < d->family->queues; q++) {
		setup_done(&d->vq[q]);
		setup_init(&d->vq[q], d, q);
	}
	map_clear(&d->memory);
	messages_clear(d);
	fd_close(&d->log.fd);
	d->log.base = 0;
	d->log.on = false;
	d->features = (struct feature_set){ { 0 } };
	d->backend_features = 0;
	d->acked = d->has_memory = d->messaged = d->missed = false;
	d->fork_owner = 1;
	memset(d->workers, 0, sizeof(d->workers));
	d->events_missed = false;
	d->flushes = 0;
	d->gone = (struct map){ 0 };
	d->owner = 0;
	if (device_breaks(d, RULE_IOTLB_STAYS))
		return;
	map_clear(&d->iotlb);
	d->has_iotlb = false;
}

static void model_close(struct dev *dev)
{
	struct model_dev *d = self(dev);

	if (!d->open)
		return;
	model_run(d->m);
	d->left_running = device_runs(d);
	device_wipe(d);
	d->open = false;
}

static int model_open(struct dev *dev, const char *path)
{
	struct model_dev *d = self(dev);

	if (strcmp(path, family_path(d->m->family)) != 0)
		return -ENOENT;
	if ((d == &d->m->twin ? d->m->dev.open : d->m->twin.open) &&
	    device_breaks(d, RULE_ONE_DESCRIPTOR))
		return -EBUSY;
	model_close(dev);
	d->open = true;
	return 0;
}

/* ----------------------------------------------------------------- features */

static void wipe_addresses(struct model_dev *d)
{
	for (unsigned int q = 0; q < d->family->queues; q++)
		d->vq[q].desc = d->vq[q].avail = d->vq[q].used = 0;
}

/* Bit 33 makes an IOTLB, a new one each time; its absence takes it away (vhost-abi 3.1)
 */
static void switch_iotlb(struct model_dev *d, bool on)
{
	if (on && d->has_iotlb && device_breaks(d, RULE_REARM_KEEPS))
		return;
	if (!on && (!d->has_iotlb || device_breaks(d, RULE_IOTLB_STAYS)))
		return;
	map_clear(&d->iotlb);
	d->messaged = false;
	if (on != d->has_iotlb) {
		messages_clear(d);
		if (d->m->policy == MODEL_STRICT &&
		    (on || !device_breaks(d, RULE_OFF_KEEPS_RINGS)))
			wipe_addresses(d);
	}
	d->has_iotlb = on;
}

int device_set_features(struct model_dev *d, const struct feature_set *set)
{
	struct feature_set offered = d->family->features;
	bool log = set->word[0] & BIT64(VHOST_F_LOG_ALL);

	if (d->m->policy == MODEL_NONE)
		offered.word[0] &= ~IOTLB_BIT;
	for (unsigned int i = 0; i < FEATURE_WORDS; i++)
		if (set->word[i] & ~offered.word[i])
			return -EOPNOTSUPP;
	if (device_breaks(d, RULE_FEATURES_DEPEND) &&
	    (set->word[0] & (EVENT_BIT | INDIRECT_BIT)) == EVENT_BIT)
		return -EINVAL;
	if (device_runs(d) && d->family->frozen &&
	    (set->word[0] ^ d->features.word[0]) & ~BIT64(VHOST_F_LOG_ALL) &&
	    !device_breaks(d, RULE_FEATURES_THAWED))
		return -EBUSY;
	if (log && device_runs(d) && !log_access_ok(d, d->log.base))
		return -EFAULT;
	if (!(log ? device_runs(d) && device_breaks(d, RULE_LOG_LATE)
		  : device_breaks(d, RULE_LOG_STAYS)))
		d->log.on = log;
	if (device_runs(d) && device_breaks(d, RULE_FEATURES_FROZEN) &&
	    memcmp(&d->features, set, sizeof(*set)) != 0)
		return -EBUSY;
	if (!device_runs(d) || !device_breaks(d, RULE_LATE_IGNORED))
		switch_iotlb(d, set->word[0] & IOTLB_BIT);
	d->features = *set;
	d->acked = true;
	return 0;
}

static int get_features(struct model_dev *d, void *arg)
{
	uint64_t bits = d->family->features.word[0];

	if (d->acked && device_breaks(d, RULE_FEATURES_ACKED))
		bits = d->features.word[0];
	if (d->m->policy == MODEL_NONE)
		bits &= ~IOTLB_BIT;
	return memory_write((uint64_t)(uintptr_t)arg, &bits, sizeof(bits));
}

static int set_features(struct model_dev *d, const void *arg)
{
	struct feature_set set = { { 0 } };
	int r = memory_read(&set.word[0], (uint64_t)(uintptr_t)arg, sizeof(set.word[0]));

	return r < 0 ? r : device_set_features(d, &set);
}

int device_backend_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	uint64_t bits = BACKEND_OFFERED;
	uint64_t at = (uint64_t)(uintptr_t)arg;

	if (request == VHOST_GET_BACKEND_FEATURES)
		return memory_write(at, &bits, sizeof(bits));
	if (memory_read(&bits, at, sizeof(bits)) < 0)
		return -EFAULT;
	if (bits & ~BACKEND_OFFERED)
		return -EOPNOTSUPP;
	if (d->backend_features & ~bits && device_breaks(d, RULE_BACKEND_FINAL))
		return -EINVAL;
	if (device_breaks(d, RULE_VERSION_KEPT))
		bits |= d->backend_features;
	d->backend_features = bits;
	return 0;
}

/* ------------------------------------------------------------- owner, memory */

/* As copy_process() has it. */
bool device_at_limit(const struct model_dev *d)
{
	struct rlimit limit = { 0 };

	/* as if the owner had no processes but this one */
	return !device_breaks(d, RULE_LIMIT_IGNORED) && getuid() != 0 &&
	       getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur <= 1;
}

static int set_owner(struct model_dev *d)
{
	if (d->owner || (d->acked && device_breaks(d, RULE_OWNER_FIRST)))
		return -EBUSY;
	if (d->fork_owner && device_at_limit(d))
		return -ENOMEM;
	d->owner = getpid();
	d->workers[0] = true;
	return 0;
}

static int fork_owner(struct model_dev *d, unsigned long request, void *arg)
{
	uint64_t at = (uint64_t)(uintptr_t)arg;
	uint8_t value = 0;

	if (request == VHOST_GET_FORK_FROM_OWNER)
		return memory_write(at, &d->fork_owner, sizeof(d->fork_owner));
	if (d->owner)
		return -EBUSY;
	if (memory_read(&value, at, sizeof(value)) < 0)
		return -EFAULT;
	if (value > 1)
		return -EINVAL;
	d->fork_owner = value;
	return 0;
}

static int add_region(struct map_table *t, const struct vhost_memory_region *region)
{
	const struct map m = {
		.start = region->guest_phys_addr,
		.last = region->guest_phys_addr + region->memory_size - 1,
		.addr = region->userspace_addr,
		.perm = VHOST_ACCESS_RW,
	};

	return map_add(t, &m);
}

static uint32_t regions_max(const struct model_dev *d)
{
	if (device_breaks(d, RULE_MEMORY_ONE_REGION))
		return 1;
	if (device_breaks(d, RULE_MEMORY_FEW))
		return REGIONS_FEW;
	if (device_breaks(d, RULE_MEMORY_GROWS_NOT) && device_runs(d))
		return (uint32_t)d->memory.count;
	return MODEL_REGIONS_MAX + device_breaks(d, RULE_MEMORY_ONE_MORE);
}

static int set_memory(struct model_dev *d, const void *arg)
{
	uint64_t at = (uint64_t)(uintptr_t)arg;
	struct map_table table = { 0 };
	struct vhost_memory head;
	int r = memory_read(&head, at, sizeof(head));

	if (r < 0)
		return r;
	if (head.padding && !device_breaks(d, RULE_MEMORY_PADDING))
		return -EOPNOTSUPP;
	if (head.nregions > regions_max(d))
		return -E2BIG;
	if (device_breaks(d, RULE_MEMORY_FIRST) && head.nregions > REGIONS_FEW)
		head.nregions = REGIONS_FEW;
	for (uint32_t i = 0; i < head.nregions && r == 0; i++) {
		struct vhost_memory_region region;

		r = memory_read(&region, at + sizeof(head) + i * sizeof(region),
				sizeof(region));
		if (r == 0)
			r = add_region(&table, &region);
		if (r == -EFAULT && device_breaks(d, RULE_MEMORY_WRAPS))
			r = 0;
		if (r == 0 && device_runs(d) && !device_breaks(d, RULE_MEMORY_KERNEL) &&
		    !memory_is_user(region.userspace_addr, region.memory_size))
			r = -EFAULT;
	}
	if (r < 0 || (device_runs(d) && device_breaks(d, RULE_MEMORY_LATE))) {
		map_clear(&table);
		return r;
	}
	if (device_breaks(d, RULE_MEMORY_SHARED))
		d = &d->m->dev;
	map_clear(&d->memory);
	d->memory = table;
	d->has_memory = true;
	return 0;
}

static int set_log_fd(struct model_dev *d, const void *arg)
{
	int fd = -1;
	int r = memory_read(&fd, (uint64_t)(uintptr_t)arg, sizeof(fd));

	return r < 0 ? r : eventfd_take(fd, false, &d->log.fd);
}

int device_core_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	int r = 0;

	if (request == VHOST_SET_OWNER)
		return set_owner(d);
	if (request == VHOST_SET_FORK_FROM_OWNER || request == VHOST_GET_FORK_FROM_OWNER)
		return fork_owner(d, request, arg);
	r = device_owned(d);
	if (r < 0)
		return r;
	switch (request) {
	case VHOST_SET_MEM_TABLE:
		return set_memory(d, arg);
	case VHOST_SET_LOG_BASE:
		return log_set_base(d, arg);
	case VHOST_SET_LOG_FD:
		return set_log_fd(d, arg);
	default:
		return setup_ioctl(d, request, arg);
	}
}

static int answer(struct model_dev *d, unsigned long request, void *arg)
{
	int r = 0;

	switch (request) {
	case VHOST_GET_FEATURES:
		return get_features(d, arg);
	case VHOST_SET_FEATURES:
		return set_features(d, arg);
	case VHOST_GET_BACKEND_FEATURES:
	case VHOST_SET_BACKEND_FEATURES:
		return device_armable(d) ? device_backend_ioctl(d, request, arg)
					 : device_core_ioctl(d, request, arg);
	default:
		r = d->family->ioctl(d, request, arg);
		return r == -ENOTTY ? device_core_ioctl(d, request, arg) : r;
	}
}

static int model_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	struct model_dev *d = self(dev);
	int r = 0;

	if (!d->open)
		return -EBADF;
	if (request == VHOST_SET_LOG_FD && d->flushes++ >= FLUSHES_IN_TIME &&
	    device_breaks(d, RULE_FLUSH_LATE))
		return answer(d, request, arg);
	model_run(d->m);
	r = answer(d, request, arg);
	model_run(d->m);
	return r;
}

/* -------------------------------------------------------------------- poll */

static short own_events(const struct model_dev *d)
{
	return d->queue.count ? POLLIN | POLLRDNORM : 0;
}

/* Everybody who could make a descriptor ready is in here, and has nothing left to do. */
int device_poll(struct dev *dev, struct pollfd *fds, size_t n, struct deadline until)
{
	struct model_dev *d = self(dev);
	int ready = 0;

	model_run(d->m);
	for (size_t i = 0; i < n; i++) {
		fds[i].revents = 0;
		if (fds[i].fd == DEV_SELF)
			fds[i].revents = (short)(own_events(d) & fds[i].events);
		else if (fds[i].fd >= 0 && poll(&fds[i], 1, 0) < 0)
			return -errno;
		ready += fds[i].revents != 0;
	}
	if (!ready && d->m->clock.now_ns < until.mono_ns)
		d->m->clock.now_ns = until.mono_ns;
	return ready;
}

static const struct dev_ops model_ops = {
	.open = model_open,
	.ioctl = model_ioctl,
	.read = messages_read,
	.write = messages_write,
	.poll = device_poll,
	.close = model_close,
};

/* ------------------------------------------------------------------- work */

/* The count of a kick eventfd is all that is known of kicks: it is taken. */
static void take_kicks(struct model_dev *d)
{
	struct pollfd kick[MODEL_QUEUES_MAX];
	bool any = false;

	for (unsigned int q = 0; q < d->family->queues; q++) {
		kick[q] = (struct pollfd){ .fd = d->vq[q].kick, .events = POLLIN };
		any |= kick[q].fd >= 0;
	}
	if (!any || poll(kick, d->family->queues, 0) <= 0)
		return;
	for (unsigned int q = 0; q < d->family->queues; q++) {
		eventfd_t count = 0;

		if (kick[q].revents & POLLIN && eventfd_read(kick[q].fd, &count) == 0)
			d->vq[q].due = true;
	}
}

static bool waits_for_miss(const struct vq *vq)
{
	const struct model_dev *d = vq->dev;

	for (size_t i = 0; i < d->queue.count; i++)
		if (d->queue.item[i].vq == vq->index &&
		    device_breaks(d, RULE_UNREAD_WEDGES))
			return true;
	return vq->index == MODEL_RX && d->pending.count &&
	       device_breaks(d, RULE_MISS_STOPS_ALL);
}

void device_stopped(struct model_dev *d)
{
	if (device_breaks(d, RULE_STOP_FORGETS))
		map_clear(&d->iotlb);
	if (!d->pending.count || !device_breaks(d, RULE_STOP_WEDGES))
		return;
	for (unsigned int q = 0; q < d->family->queues; q++)
		d->vq[q].stuck = true;
}

bool device_work(struct model_dev *d)
{
	bool any = false;

	if (d->open)
		take_kicks(d);
	for (unsigned int q = 0; d->open && q < d->family->queues; q++) {
		struct vq *vq = &d->vq[q];

		if (!vq->due)
			continue;
		vq->due = false;
		any = true;
		if ((vq->running && !vq->stuck && !waits_for_miss(vq)) ||
		    (vq->started && device_breaks(d, RULE_STOP_IGNORED)))
			d->family->handle(vq);
	}
	return any;
}

void device_init(struct model_dev *d, struct seam_model *m,
		 const struct family_ops *family)
{
	*d = (struct model_dev){
		.dev = { &model_ops },
		.m = m,
		.family = family,
		.iotlb = { .limit = IOTLB_MAX },
		.log = { .fd = -1 },
		.fork_owner = 1,
	};
	for (unsigned int q = 0; q < d->family->queues; q++)
		setup_init(&d->vq[q], d, q);
}
