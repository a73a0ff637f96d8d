/* SPDX-License-Identifier: MIT */
/*
 * IOTLB messages: misses out, updates and invalidates in.
 *
 * Source: vhost-abi 3.2, 3.3; vhost_chr_write_iter(), vhost_chr_read_iter(),
 * vhost_process_iotlb_msg(), vhost_iotlb_notify_vq() in drivers/vhost/vhost.c
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/device.h"
#include "model/memory.h"
#include "model/model_private.h"

#define ROOM_FIRST 8u
#define PAGE 4096u
#define V2_BIT (UINT64_C(1) << VHOST_BACKEND_F_IOTLB_MSG_V2)
/* Only the fields are read: a shorter write than a whole message will do. */
#define BODY_END                                                                         \
	(offsetof(struct vhost_msg, iotlb) + offsetof(struct vhost_iotlb_msg, type) + 1)

static void add(struct messages *q, const struct message *m)
{
	if (q->count == q->room) {
		size_t room = q->room ? 2 * q->room : ROOM_FIRST;
		struct message *grown = reallocarray(q->item, room, sizeof(*grown));

		if (!grown)
			return; /* a miss that cannot be told is lost, as in the kernel */
		q->item = grown;
		q->room = room;
	}
	q->item[q->count++] = *m;
}

static void drop_at(struct messages *q, size_t i)
{
	q->count--;
	memmove(q->item + i, q->item + i + 1, (q->count - i) * sizeof(*q->item));
}

static void drop_all(struct messages *q)
{
	free(q->item);
	*q = (struct messages){ 0 };
}

void messages_clear(struct model_dev *d)
{
	drop_all(&d->queue);
	drop_all(&d->pending);
}

void messages_miss(struct vq *vq, uint64_t iova, uint8_t perm)
{
	const struct message m = {
		.iova = iova,
		.perm = perm,
		.vq = vq->index,
		.v2 = vq->dev->backend_features & V2_BIT &&
		      !device_breaks(vq->dev, RULE_MISS_VERSION_1),
	};

	if (vq->deaf)
		return;
	vq->dev->missed = true;
	add(&vq->dev->queue, &m);
	if (device_breaks(vq->dev, RULE_MISS_TWICE))
		add(&vq->dev->queue, &m);
}

/* ------------------------------------------------------------------ read */

static void encode(const struct model_dev *d, const struct message *m, unsigned char *buf)
{
	struct vhost_iotlb_msg body;
	const uint32_t type = m->v2 ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG;

	memset(&body, 0, sizeof(body));
	body.iova = m->iova;
	body.perm = m->perm;
	body.type = VHOST_IOTLB_MISS;
	if (device_breaks(d, RULE_MISS_SIZE))
		body.size = PAGE;
	memset(buf, 0, MODEL_MSG_BYTES);
	memcpy(buf, &type, sizeof(type));
	memcpy(buf + offsetof(struct vhost_msg, iotlb), &body, sizeof(body));
}

ssize_t messages_read(struct dev *dev, void *buf, size_t len)
{
	struct model_dev *d = (struct model_dev *)dev;

	if (!d->open)
		return -EBADF;
	if (!device_armable(d)) /* no read(2) at all */
		return -EINVAL;
	model_run(d->m);
	if (len < MODEL_MSG_BYTES)
		return 0;
	if (!d->queue.count)
		return !d->missed && device_breaks(d, RULE_EMPTY_ZERO) ? 0 : -EAGAIN;
	encode(d, &d->queue.item[0], buf);
	add(&d->pending, &d->queue.item[0]);
	drop_at(&d->queue, 0);
	return (ssize_t)MODEL_MSG_BYTES;
}

/* ----------------------------------------------------------------- write */

/* The rings that wait for what an update brings go on by themselves. */
static void resume(struct model_dev *d, uint64_t start, uint64_t last)
{
	for (size_t i = d->pending.count; i-- > 0;) {
		const struct message *m = &d->pending.item[i];

		if (m->iova < start || m->iova > last)
			continue;
		if (!device_breaks(d, RULE_UPDATE_NO_RESUME))
			d->vq[m->vq].due = true;
		drop_at(&d->pending, i);
	}
}

static int update(struct model_dev *d, const struct vhost_iotlb_msg *msg)
{
	struct map m = {
		.start = msg->iova,
		.last = msg->iova + msg->size - 1,
		.addr = msg->uaddr,
		.perm = msg->perm,
	};
	int r = 0;

	if (msg->perm & VHOST_ACCESS_RW && !memory_is_user(msg->uaddr, msg->size))
		return device_breaks(d, RULE_UPDATE_KERNEL) ? 0 : -EFAULT;
	if (d->iotlb.count >= d->iotlb.limit && device_breaks(d, RULE_TABLE_FULL))
		return -ENOSPC;
	for (size_t i = 0; i < d->queue.count; i++) {
		const struct message *unread = &d->queue.item[i];

		if (unread->iova >= m.start && unread->iova <= m.last)
			d->vq[unread->vq].deaf = device_breaks(d, RULE_MISS_HIDES);
	}
	if (d->gone.perm && d->gone.start == m.start)
		m.addr = d->gone.addr;
	r = map_add(&d->iotlb, &m);
	if (r == -EFAULT && device_breaks(d, RULE_UPDATE_WRAPS))
		return 0;
	if (r == 0)
		resume(d, m.start, m.last);
	return r;
}

/* Marks what an invalidate with a fault leaves alone. */
static void spare(struct model_dev *d, uint64_t start, uint64_t last)
{
	bool exact = device_breaks(d, RULE_INVALIDATE_EXACT);
	bool more = false;

	for (size_t i = 0; i < d->iotlb.count; i++) {
		struct map *m = &d->iotlb.map[i];

		if (m->last < start || m->start > last)
			continue;
		if (exact)
			m->kept = m->start < start || m->last > last;
		else if (device_breaks(d, RULE_INVALIDATE_ONE))
			m->kept = more;
		more = true;
	}
}

/* The first mapping that was taken away, and where it led. */
static void remember(struct model_dev *d, uint64_t start, uint64_t last)
{
	const struct map *m = map_find(&d->iotlb, start, last);

	if (m && !d->gone.perm && device_breaks(d, RULE_MAP_STALE))
		d->gone = *m;
}

/* An address of 0 with size 0 is everything: the end of the range is 2^64 - 1. */
static void invalidate(struct model_dev *d, const struct vhost_iotlb_msg *msg)
{
	if (device_breaks(d, RULE_FLUSH_ZERO_IGNORED) && !msg->size)
		return;
	if (device_breaks(d, RULE_FLUSH_MAX_IGNORED) && msg->size == UINT64_MAX)
		return;
	if (device_breaks(d, RULE_INVALIDATE_KEEPS) && msg->size > PAGE &&
	    msg->size != UINT64_MAX)
		return;
	remember(d, msg->iova, msg->iova + msg->size - 1);
	spare(d, msg->iova, msg->iova + msg->size - 1);
	map_remove(&d->iotlb, msg->iova, msg->iova + msg->size - 1);
}

/* What another device is told as well, if they share. */
static void share(struct model_dev *d, const struct vhost_iotlb_msg *msg)
{
	struct model_dev *other = d == &d->m->dev ? &d->m->twin : &d->m->dev;

	if (!device_breaks(d, RULE_DEVICES_SHARE) || !other->has_iotlb)
		return;
	if (msg->type == VHOST_IOTLB_UPDATE)
		(void)update(other, msg);
	else if (msg->type == VHOST_IOTLB_INVALIDATE)
		invalidate(other, msg);
}

static int process(struct model_dev *d, const struct vhost_iotlb_msg *msg)
{
	if (!d->has_iotlb)
		return device_breaks(d, RULE_MESSAGE_UNARMED) ? 0 : -EFAULT;
	if (d->m->policy == MODEL_GATED && !device_armed(d))
		return -EFAULT;
	d->messaged = true;
	share(d, msg);
	switch (msg->type) {
	case VHOST_IOTLB_UPDATE:
		return update(d, msg);
	case VHOST_IOTLB_INVALIDATE:
		invalidate(d, msg);
		return 0;
	case VHOST_IOTLB_BATCH_BEGIN:
	case VHOST_IOTLB_BATCH_END:
		return device_breaks(d, RULE_BATCH_TAKEN) ? 0 : -EFAULT;
	case VHOST_IOTLB_MISS:
		return device_breaks(d, RULE_MESSAGE_MISS_TAKEN) ? 0 : -EFAULT;
	default:
		return device_breaks(d, RULE_MESSAGE_UNKNOWN) ? 0 : -EFAULT;
	}
}

ssize_t messages_write(struct dev *dev, const void *buf, size_t len)
{
	struct model_dev *d = (struct model_dev *)dev;
	unsigned char bytes[MODEL_MSG_BYTES] = { 0 };
	struct vhost_iotlb_msg msg;
	uint32_t head[2];
	int r = 0;

	if (!d->open)
		return -EBADF;
	if (!device_armable(d))
		return -EINVAL;
	model_run(d->m);
	if (len < BODY_END && !device_breaks(d, RULE_MESSAGE_SHORT))
		return -EINVAL;
	if (memory_read(bytes, (uint64_t)(uintptr_t)buf,
			len < sizeof(bytes) ? len : sizeof(bytes)) < 0)
		return -EFAULT;
	memcpy(head, bytes, sizeof(head));
	memcpy(&msg, bytes + offsetof(struct vhost_msg, iotlb), sizeof(msg));
	if (head[0] != VHOST_IOTLB_MSG && head[0] != VHOST_IOTLB_MSG_V2 &&
	    !device_breaks(d, RULE_MESSAGE_ANY_VERSION))
		return -EINVAL;
	if (msg.type == VHOST_IOTLB_UPDATE && !msg.size)
		return -EINVAL;
	if (head[0] == VHOST_IOTLB_MSG_V2 && !(d->backend_features & V2_BIT) &&
	    device_breaks(d, RULE_V2_NEEDS_BIT))
		return -EINVAL;
	r = process(d, &msg);
	model_run(d->m);
	return r < 0 ? -EFAULT : (ssize_t)MODEL_MSG_BYTES;
}
