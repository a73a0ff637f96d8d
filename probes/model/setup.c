/* SPDX-License-Identifier: MIT */
/*
 * The ring calls.
 *
 * Source: vhost-abi 2.2; vhost_vring_ioctl(), vhost_vring_set_num(),
 * vhost_vring_set_addr() in drivers/vhost/vhost.c
 */
#include <stddef.h>

#include <linux/vhost.h>
#include <linux/virtio_ring.h>

#include "model/memory.h"
#include "model/model_private.h"

#define RING_NUM_MAX 0xffffu
#define AVAIL_ALIGN 2u
#define USED_ALIGN 4u

void setup_init(struct vq *vq, struct model_dev *d, unsigned int index)
{
	*vq = (struct vq){
		.dev = d,
		.index = index,
		.num = 1,
		.kick = -1,
		.call = -1,
		.err = -1,
	};
}

void setup_done(struct vq *vq)
{
	fd_close(&vq->kick);
	fd_close(&vq->call);
	fd_close(&vq->err);
}

static bool in_user_half(const struct vq *vq, uint64_t desc, uint64_t avail,
			 uint64_t used)
{
	if (device_breaks(vq->dev, RULE_RING_KERNEL))
		return true;
	return memory_is_user(desc, vq->num * sizeof(struct vring_desc)) &&
	       memory_is_user(avail, sizeof(struct vring_avail) + vq->num * 2ull) &&
	       memory_is_user(used, sizeof(struct vring_used) +
					    vq->num * sizeof(struct vring_used_elem));
}

/* With the IOTLB the ring is looked at when it is used. */
int setup_access_ok(const struct vq *vq)
{
	if (!vq->dev->has_memory && !device_breaks(vq->dev, RULE_MEMORY_NOT_NEEDED))
		return -EFAULT;
	if (vq->dev->log.on && !log_access_ok(vq->dev, vq->dev->log.base))
		return -EFAULT;
	if (device_armed(vq->dev))
		return 0;
	return in_user_half(vq, vq->desc, vq->avail, vq->used) ? 0 : -EFAULT;
}

static int set_num(struct vq *vq, const void *arg)
{
	struct vhost_vring_state s;

	if (memory_read(&s, (uint64_t)(uintptr_t)arg, sizeof(s)) < 0)
		return -EFAULT;
	if (vq->running && !device_breaks(vq->dev, RULE_NUM_RUNNING))
		return -EBUSY;
	if (!s.num || s.num > RING_NUM_MAX)
		return -EINVAL;
	if (s.num & (s.num - 1) && !device_breaks(vq->dev, RULE_NUM_ANY))
		return -EINVAL;
	vq->num = s.num;
	return 0;
}

static int set_base(struct vq *vq, const void *arg)
{
	struct vhost_vring_state s;

	if (vq->running && !device_breaks(vq->dev, RULE_BASE_RUNNING))
		return -EBUSY;
	if (memory_read(&s, (uint64_t)(uintptr_t)arg, sizeof(s)) < 0)
		return -EFAULT;
	if (s.num > UINT16_MAX && !device_breaks(vq->dev, RULE_BASE_TRUNCATED))
		return -EINVAL;
	if (!vq->started || !device_breaks(vq->dev, RULE_BASE_STICKS))
		vq->last_avail = vq->avail_idx = (uint16_t)s.num;
	return 0;
}

static uint16_t avail_index(const struct vq *vq)
{
	uint16_t idx = vq->last_avail;

	(void)memory_load16(vq->avail + offsetof(struct vring_avail, idx), &idx);
	return idx;
}

static int get_base(const struct vq *vq, void *arg)
{
	struct vhost_vring_state s = { .index = vq->index, .num = vq->last_avail };

	if (device_breaks(vq->dev, RULE_BASE_USED))
		s.num = vq->last_used;
	if (!vq->running && vq->started && device_breaks(vq->dev, RULE_BASE_AVAIL))
		s.num = avail_index(vq);
	if (!vq->running && vq->started && device_breaks(vq->dev, RULE_BASE_STOPPED))
		s.num = (uint16_t)(s.num - 1);
	if (device_breaks(vq->dev, RULE_INDEX_LIES))
		s.num = (uint16_t)(s.num - 1);
	return memory_write((uint64_t)(uintptr_t)arg, &s, sizeof(s));
}

static int set_addr(struct vq *vq, const void *arg)
{
	struct vhost_vring_addr a;

	if (memory_read(&a, (uint64_t)(uintptr_t)arg, sizeof(a)) < 0)
		return -EFAULT;
	if (a.flags & ~(1u << VHOST_VRING_F_LOG) &&
	    !device_breaks(vq->dev, RULE_ADDR_FLAGS))
		return -EOPNOTSUPP;
	if (a.avail_user_addr % AVAIL_ALIGN &&
	    !device_breaks(vq->dev, RULE_AVAIL_UNALIGNED))
		return -EINVAL;
	if (a.used_user_addr % USED_ALIGN && !device_breaks(vq->dev, RULE_USED_UNALIGNED))
		return -EINVAL;
	if (a.log_guest_addr % USED_ALIGN)
		return -EINVAL;
	if (!vq->dev->has_memory && device_breaks(vq->dev, RULE_RINGS_AFTER_MEMORY))
		return -EFAULT;
	if (vq->running &&
	    !in_user_half(vq, a.desc_user_addr, a.avail_user_addr, a.used_user_addr))
		return -EINVAL; /* else it is looked at when it starts */
	if (vq->running && device_breaks(vq->dev, RULE_ADDR_LATE))
		return 0;
	vq->desc = a.desc_user_addr;
	vq->avail = a.avail_user_addr;
	vq->used = a.used_user_addr;
	vq->log_addr = a.log_guest_addr;
	vq->log_used = a.flags & 1u << VHOST_VRING_F_LOG;
	return 0;
}

static int set_file(const struct vq *vq, int *fd, const void *arg, enum fault_rule kept)
{
	struct vhost_vring_file f;

	if (memory_read(&f, (uint64_t)(uintptr_t)arg, sizeof(f)) < 0)
		return -EFAULT;
	if (f.fd == -1 && device_breaks(vq->dev, RULE_EVENTFD_NO_UNBIND))
		return -EBADF;
	if (f.fd == -1 && device_breaks(vq->dev, RULE_UNBIND_IGNORED))
		return 0;
	if (f.fd != -1 && vq->running && device_breaks(vq->dev, kept))
		return 0;
	return eventfd_take(f.fd, device_breaks(vq->dev, RULE_EVENTFD_ANY_FILE), fd);
}

/* Stored for all, used by vhost-net; nothing here waits, so there is nothing to do. */
static int set_busyloop(struct vq *vq, const void *arg)
{
	struct vhost_vring_state s;

	if (memory_read(&s, (uint64_t)(uintptr_t)arg, sizeof(s)) < 0)
		return -EFAULT;
	if (!device_breaks(vq->dev, RULE_BUSYLOOP_LOST))
		vq->busyloop = s.num;
	return 0;
}

static int get_busyloop(const struct vq *vq, void *arg)
{
	const struct vhost_vring_state s = { .index = vq->index, .num = vq->busyloop };

	return memory_write((uint64_t)(uintptr_t)arg, &s, sizeof(s));
}

int setup_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	struct vq *vq = NULL;
	uint32_t index = 0;

	/* the index is read before the number is looked at (vhost-abi 1.3) */
	if (memory_read(&index, (uint64_t)(uintptr_t)arg, sizeof(index)) < 0)
		return -EFAULT;
	if (device_breaks(d, RULE_INDEX_WRAPS))
		index %= d->family->queues;
	if (index >= d->family->queues)
		return -ENOBUFS;
	vq = &d->vq[index];
	switch (request) {
	case VHOST_SET_VRING_NUM:
		return set_num(vq, arg);
	case VHOST_SET_VRING_BASE:
		return set_base(vq, arg);
	case VHOST_GET_VRING_BASE:
		return get_base(vq, arg);
	case VHOST_SET_VRING_ADDR:
		return set_addr(vq, arg);
	case VHOST_SET_VRING_KICK:
		return set_file(vq, &vq->kick, arg, RULE_KICK_KEPT);
	case VHOST_SET_VRING_CALL:
		return set_file(vq, &vq->call, arg, RULE_CALL_KEPT);
	case VHOST_SET_VRING_ERR:
		return set_file(vq, &vq->err, arg, RULE_ERR_KEPT);
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		return set_busyloop(vq, arg);
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return get_busyloop(vq, arg);
	default:
		return -ENOTTY;
	}
}
