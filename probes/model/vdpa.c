/* SPDX-License-Identifier: MIT */
/*
 * The calls of vhost-vdpa.
 *
 * Source: vhost_vdpa_unlocked_ioctl(), vhost_vdpa_vring_ioctl(), vhost_vdpa_open() in
 * drivers/vhost/vdpa.c; virtio-1.2 2.1, 3.1
 */
#include <string.h>

#include <linux/vhost.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "model/memory.h"
#include "model/model_private.h"
#include "seam/uapi.h"

#define FEATURES                                                                         \
	(BIT64(VIRTIO_BLK_F_SEG_MAX) | BIT64(VIRTIO_BLK_F_BLK_SIZE) |                    \
	 BIT64(VIRTIO_BLK_F_FLUSH) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) |                \
	 BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_F_VERSION_1) | PLATFORM)
#define PLATFORM BIT64(VIRTIO_F_ACCESS_PLATFORM)
#define BACKEND                                                                          \
	(BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2) | BIT64(VHOST_BACKEND_F_IOTLB_BATCH) |      \
	 BIT64(VHOST_BACKEND_F_IOTLB_ASID) | BIT64(VHOST_BACKEND_F_SUSPEND) |            \
	 BIT64(VHOST_BACKEND_F_RESUME))
#define RUNNING VIRTIO_CONFIG_S_DRIVER_OK
#define CONFIG_ROOM 256u

const struct family_ops family_vdpa = {
	.features = { { FEATURES } },
	.queues = MODEL_QUEUES,
	.handle = disk_handle,
};

static struct model_dev *self(struct dev *dev)
{
	return (struct model_dev *)dev;
}

static uint64_t place(const void *arg)
{
	return (uint64_t)(uintptr_t)arg;
}

/* ------------------------------------------------------------ the rings run */

static void ring_start(struct model_dev *d, unsigned int index)
{
	struct vq *vq = &d->vq[index];
	bool early = device_breaks(d, RULE_VDPA_EARLY);
	bool enabled =
		d->vdpa.enabled[index] || device_breaks(d, RULE_VDPA_ENABLE_IGNORED);

	if (vq->running || !enabled || !(d->vdpa.status & RUNNING || early))
		return;
	vq->running = vring_start(vq) == 0;
	vq->due = true; /* who kicked before need not do so again */
}

static void rings_start(struct model_dev *d)
{
	for (unsigned int i = 0; i < VDPA_RINGS; i++)
		ring_start(d, i);
}

static void rings_stop(struct model_dev *d)
{
	for (unsigned int i = 0; i < MODEL_QUEUES; i++)
		d->vq[i].running = false;
}

/* What a reset leaves alone: owner, backend features, mappings. */
static void reset(struct model_dev *d)
{
	struct vdpa_state *v = &d->vdpa;

	v->status_before = v->status;
	v->status = 0;
	v->suspended = v->features_set = false;
	if (device_breaks(d, RULE_VDPA_RESET_RUNS))
		return;
	memset(v->enabled, 0, sizeof(v->enabled));
	d->features = (struct feature_set){ { 0 } };
	rings_stop(d);
	for (unsigned int i = 0; i < MODEL_QUEUES; i++) {
		setup_done(&d->vq[i]);
		setup_init(&d->vq[i], d, i);
	}
}

static int set_status(struct model_dev *d, const void *arg)
{
	struct vdpa_state *v = &d->vdpa;
	uint8_t status = 0;

	if (memory_read(&status, place(arg), sizeof(status)) < 0)
		return -EFAULT;
	if (status && v->status & ~status && !device_breaks(d, RULE_VDPA_STATUS_DROPS))
		return -EINVAL;
	if (status && d->left_running && device_breaks(d, RULE_REOPEN_BUSY))
		return -EBUSY;
	if (!status) {
		reset(d);
		return 0;
	}
	v->status_before = v->status;
	v->status = status;
	rings_start(d);
	return 0;
}

static int enable(struct model_dev *d, unsigned int index, const void *arg)
{
	struct vhost_vring_state s;

	if (memory_read(&s, place(arg), sizeof(s)) < 0)
		return -EFAULT;
	d->vdpa.enabled[index] = s.num;
	if (!s.num)
		d->vq[index].running = false;
	ring_start(d, index);
	return 0;
}

static int suspend(struct model_dev *d, bool on)
{
	if (!(d->vdpa.status & RUNNING))
		return 0;
	d->vdpa.suspended = on;
	for (unsigned int i = 0; i < VDPA_RINGS; i++) {
		if (!d->vdpa.enabled[i] || device_breaks(d, RULE_VDPA_SUSPEND_IGNORED))
			continue;
		d->vq[i].running = !on && !device_breaks(d, RULE_VDPA_RESUME_IGNORED);
		d->vq[i].due = !on;
	}
	return 0;
}

/* ------------------------------------------------------ features and config */

static uint64_t offered(const struct model_dev *d)
{
	return d->family->features.word[0] &
	       ~(device_breaks(d, RULE_VDPA_NO_PLATFORM) ? PLATFORM : 0);
}

static int set_features(struct model_dev *d, const void *arg)
{
	uint64_t bits = 0;
	bool event = false;

	if (d->vdpa.status & VIRTIO_CONFIG_S_FEATURES_OK &&
	    !device_breaks(d, RULE_VDPA_FEATURES_LATE))
		return -EBUSY;
	if (memory_read(&bits, place(arg), sizeof(bits)) < 0)
		return -EFAULT;
	event = (bits &
		 (BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_RING_F_INDIRECT_DESC))) ==
		BIT64(VIRTIO_RING_F_EVENT_IDX);
	if (bits & ~d->family->features.word[0] ||
	    (event && device_breaks(d, RULE_FEATURES_DEPEND)))
		return -EINVAL;
	d->features = (struct feature_set){ { bits } };
	d->vdpa.features_set = true;
	return 0;
}

static int backend(struct model_dev *d, unsigned long request, void *arg)
{
	uint64_t bits = BACKEND;

	if (request == VHOST_GET_BACKEND_FEATURES)
		return memory_write(place(arg), &bits, sizeof(bits));
	if (memory_read(&bits, place(arg), sizeof(bits)) < 0)
		return -EFAULT;
	if (bits & ~(uint64_t)BACKEND && bits & BIT64(VHOST_BACKEND_F_DESC_ASID) &&
	    !(bits & BIT64(VHOST_BACKEND_F_IOTLB_ASID)))
		return -EINVAL;
	if (bits & ~(uint64_t)BACKEND)
		return -EOPNOTSUPP;
	if (d->backend_features & ~bits && device_breaks(d, RULE_BACKEND_FINAL))
		return -EINVAL;
	d->backend_features = bits;
	return 0;
}

static int config(struct model_dev *d, unsigned long request, void *arg)
{
	unsigned char bytes[CONFIG_ROOM] = { 0 };
	struct vhost_vdpa_config head;
	uint64_t at = place(arg);
	size_t size = disk_config(d, bytes, sizeof(bytes));
	bool beyond = false;

	if (memory_read(&head, at, sizeof(head)) < 0)
		return -EFAULT;
	beyond = head.off > size || head.len > size - head.off;
	if (!head.len || (beyond && !device_breaks(d, RULE_VDPA_CONFIG_OPEN)))
		return -EINVAL;
	if (beyond)
		return 0;
	if (device_breaks(d, RULE_VDPA_CONFIG_START))
		head.off = 0;
	at += sizeof(head);
	if (request == VHOST_VDPA_GET_CONFIG)
		return memory_write(at, bytes + head.off, head.len);
	/* read-only, as VDUSE has it; the caller's bytes are looked at all the same */
	return memory_read(bytes, at, head.len);
}

/* ----------------------------------------------------------------- the calls */

static int put_u32(void *arg, uint32_t value)
{
	return memory_write(place(arg), &value, sizeof(value));
}

static int put_number(void *arg, unsigned int index, uint32_t value)
{
	const struct vhost_vring_state s = { .index = index, .num = value };

	return memory_write(place(arg), &s, sizeof(s));
}

static int group_asid(struct model_dev *d, const void *arg)
{
	bool any = device_breaks(d, RULE_VDPA_GROUP_ANY);
	struct vhost_vring_state s;

	if (memory_read(&s, place(arg), sizeof(s)) < 0)
		return -EFAULT;
	if (s.num >= VDPA_SPACES)
		return any ? 0 : -EINVAL;
	if (device_breaks(d, RULE_VDPA_ASID_IGNORED))
		return 0;
	d->vdpa.asid = s.num;
	return vdpa_space_set(d);
}

static int ring_call(struct model_dev *d, unsigned long request, void *arg)
{
	bool late = d->vdpa.status & RUNNING && !d->vdpa.suspended &&
		    !device_breaks(d, RULE_VDPA_RING_LATE);
	uint32_t index = 0;
	int r = 0;

	if (memory_read(&index, place(arg), sizeof(index)) < 0)
		return -EFAULT;
	if (device_breaks(d, RULE_INDEX_WRAPS))
		index %= VDPA_RINGS;
	if (index >= VDPA_RINGS)
		return -ENOBUFS;
	switch (request) {
	case VHOST_VDPA_SET_VRING_ENABLE:
		return enable(d, index, arg);
	case VHOST_VDPA_GET_VRING_GROUP:
		return put_number(arg, index, 0);
	case VHOST_VDPA_SET_GROUP_ASID:
		return group_asid(d, arg);
	case VHOST_VDPA_GET_VRING_SIZE:
		return put_number(arg, index, VDPA_NUM_MAX);
	case VHOST_SET_VRING_ADDR:
	case VHOST_SET_VRING_BASE:
		r = late ? -EINVAL : 0;
		break;
	default:
		break;
	}
	return r < 0 ? r : setup_ioctl(d, request, arg);
}

static int config_call(struct model_dev *d, const void *arg)
{
	int fd = -1;

	if (memory_read(&fd, place(arg), sizeof(fd)) < 0)
		return -EFAULT;
	return eventfd_take(fd, device_breaks(d, RULE_EVENTFD_ANY_FILE),
			    &d->vdpa.config_call);
}

static int config_size(const struct model_dev *d, void *arg)
{
	unsigned char bytes[CONFIG_ROOM];

	if (!arg && device_breaks(d, RULE_VDPA_NULL_TAKEN))
		return 0;
	return put_u32(arg, (uint32_t)disk_config(d, bytes, sizeof(bytes)));
}

static int iova_range(void *arg)
{
	const struct vhost_vdpa_iova_range range = { .last = VDPA_IOVA_LAST };

	return memory_write(place(arg), &range, sizeof(range));
}

static int get_status(const struct model_dev *d, void *arg)
{
	const struct vdpa_state *v = &d->vdpa;
	uint8_t status =
		device_breaks(d, RULE_VDPA_STATUS_STALE) ? v->status_before : v->status;

	return memory_write(place(arg), &status, sizeof(status));
}

/* What says what the device is; -ENOTTY for other calls. */
static int describe(struct model_dev *d, unsigned long request, void *arg)
{
	const uint16_t num = VDPA_NUM_MAX;
	uint64_t features = offered(d);

	switch (request) {
	case VHOST_GET_FEATURES:
		return memory_write(place(arg), &features, sizeof(features));
	case VHOST_VDPA_GET_DEVICE_ID:
		return put_u32(arg, VIRTIO_ID_BLOCK);
	case VHOST_VDPA_GET_VRING_NUM:
		return memory_write(place(arg), &num, sizeof(num));
	case VHOST_VDPA_GET_IOVA_RANGE:
		return iova_range(arg);
	case VHOST_VDPA_GET_CONFIG_SIZE:
		return config_size(d, arg);
	case VHOST_VDPA_GET_VQS_COUNT:
		return put_u32(arg,
			       device_breaks(d, RULE_VDPA_NO_RINGS) ? 0 : VDPA_RINGS);
	case VHOST_VDPA_GET_GROUP_NUM:
		return put_u32(arg, 1);
	case VHOST_VDPA_GET_AS_NUM:
		return put_u32(arg, VDPA_SPACES);
	default:
		return -ENOTTY;
	}
}

static int answer(struct model_dev *d, unsigned long request, void *arg)
{
	int r = describe(d, request, arg);

	if (r != -ENOTTY)
		return r;
	switch (request) {
	case VHOST_SET_FEATURES:
		return set_features(d, arg);
	case VHOST_GET_BACKEND_FEATURES:
	case VHOST_SET_BACKEND_FEATURES:
		return backend(d, request, arg);
	case VHOST_VDPA_GET_STATUS:
		return get_status(d, arg);
	case VHOST_VDPA_SET_STATUS:
		return set_status(d, arg);
	case VHOST_VDPA_GET_CONFIG:
	case VHOST_VDPA_SET_CONFIG:
		return config(d, request, arg);
	case VHOST_VDPA_SET_CONFIG_CALL:
		return config_call(d, arg);
	case VHOST_VDPA_SUSPEND:
	case VHOST_VDPA_RESUME:
		return suspend(d, request == VHOST_VDPA_SUSPEND);
	case VHOST_SET_LOG_BASE:
	case VHOST_SET_LOG_FD:
		return device_breaks(d, RULE_VDPA_LOG_TAKEN) ? 0 : -ENOTTY;
	case VHOST_SET_OWNER:
	case VHOST_SET_MEM_TABLE:
		return device_core_ioctl(d, request, arg);
	default:
		r = device_owned(d);
		return r < 0 ? r : ring_call(d, request, arg);
	}
}

static int vdpa_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	struct model_dev *d = self(dev);
	int r = 0;

	if (!d->open)
		return -EBADF;
	model_run(d->m);
	r = answer(d, request, arg);
	model_run(d->m);
	return r;
}

/* ------------------------------------------------------------ open and close */

static void vdpa_close(struct dev *dev)
{
	struct model_dev *d = self(dev);

	if (!d->open)
		return;
	model_run(d->m);
	d->left_running = d->vdpa.status & RUNNING;
	reset(d);
	rings_stop(d);
	fd_close(&d->vdpa.config_call);
	map_clear(&d->memory);
	messages_clear(d);
	d->has_memory = d->vdpa.in_batch = false;
	d->backend_features = 0;
	d->owner = 0;
	d->vdpa.asid = 0;
	d->vdpa.updates = 0;
	d->open = false;
	if (!d->left_running || !device_breaks(d, RULE_VDPA_CLOSE_KEEPS))
		vdpa_spaces_clear(d);
}

static int vdpa_open(struct dev *dev, const char *path)
{
	struct model_dev *d = self(dev);
	struct model_dev *other = d == &d->m->dev ? &d->m->twin : &d->m->dev;

	if (!d->m->peer.started || !path || strcmp(path, VDPA_PATH) != 0)
		return -ENOENT;
	if ((d->open || other->open) && !device_breaks(d, RULE_VDPA_SHARED))
		return -EBUSY;
	vdpa_close(dev);
	d->open = true;
	d->has_memory = true; /* rings need no memory table */
	reset(d);
	return 0;
}

static ssize_t vdpa_read(struct dev *dev, void *buf, size_t len)
{
	const struct model_dev *d = self(dev);

	(void)buf;
	(void)len;
	if (!d->open)
		return -EBADF;
	return device_breaks(d, RULE_VDPA_READ_EMPTY) ? -EAGAIN : -EINVAL;
}

void vdpa_init(struct model_dev *d)
{
	static const struct dev_ops ops = {
		.open = vdpa_open,
		.ioctl = vdpa_ioctl,
		.read = vdpa_read,
		.write = vdpa_messages_write,
		.poll = device_poll,
		.close = vdpa_close,
	};

	d->dev.ops = &ops;
	d->has_iotlb = true;
	d->iotlb.limit = 0;
	d->vdpa.config_call = -1;
}
