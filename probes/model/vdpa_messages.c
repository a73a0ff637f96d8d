/* SPDX-License-Identifier: MIT */
/*
 * IOTLB messages of vhost-vdpa, and what the device has of them.
 *
 * Source: vhost_chr_write_iter() in drivers/vhost/vhost.c;
 * vhost_vdpa_process_iotlb_msg(), vhost_vdpa_process_iotlb_update(),
 * vhost_vdpa_va_unmap() in drivers/vhost/vdpa.c
 */
#include <string.h>

#include "model/memory.h"
#include "model/model_private.h"

#define BODY_END                                                                         \
	(offsetof(struct vhost_msg, iotlb) + offsetof(struct vhost_iotlb_msg, type) + 1)
#define ASID_BIT BIT64(VHOST_BACKEND_F_IOTLB_ASID)
/* From which update on RULE_VDPA_UPDATES_LOST loses them. */
#define UPDATES_KEPT 16u

int vdpa_space_set(struct model_dev *d)
{
	const struct map_table *from = &d->vdpa.space[d->vdpa.asid];
	int r = 0;

	map_clear(&d->iotlb);
	for (size_t i = 0; i < from->count && r == 0; i++)
		r = map_add(&d->iotlb, &from->map[i]);
	for (size_t i = 0; i < d->memory.count && r == 0; i++)
		if (device_breaks(d, RULE_VDPA_TABLE_MAPPED))
			r = map_add(&d->iotlb, &d->memory.map[i]);
	return r;
}

void vdpa_spaces_clear(struct model_dev *d)
{
	for (unsigned int i = 0; i < VDPA_SPACES; i++) {
		map_clear(&d->vdpa.space[i]);
		d->vdpa.used[i] = false;
	}
	map_clear(&d->iotlb);
}

static bool out_of_range(const struct model_dev *d, const struct vhost_iotlb_msg *msg)
{
	uint64_t last = msg->iova + msg->size - 1;

	if (last < msg->iova)
		return !device_breaks(d, RULE_UPDATE_WRAPS);
	return last > VDPA_IOVA_LAST && !device_breaks(d, RULE_VDPA_RANGE_IGNORED);
}

static int update(struct model_dev *d, struct map_table *t,
		  const struct vhost_iotlb_msg *msg)
{
	const struct map m = {
		.start = msg->iova,
		.last = msg->iova + msg->size - 1,
		.addr = msg->uaddr,
		.perm = msg->perm,
	};

	if (out_of_range(d, msg))
		return -EINVAL;
	if (m.last < m.start)
		return 0;
	if (map_find(t, m.start, m.last) && !device_breaks(d, RULE_VDPA_OVERLAP_TAKEN))
		return -EEXIST;
	if (++d->vdpa.updates > UPDATES_KEPT && device_breaks(d, RULE_VDPA_UPDATES_LOST))
		return 0;
	if (d->vdpa.status && d->vq[0].running && device_breaks(d, RULE_VDPA_MAP_LATE))
		return 0;
	return map_add(t, &m);
}

static void invalidate(const struct model_dev *d, struct map_table *t,
		       const struct vhost_iotlb_msg *msg)
{
	uint64_t last = msg->iova + msg->size - 1;

	if (device_breaks(d, RULE_INVALIDATE_KEEPS) && msg->size != UINT64_MAX)
		return;
	for (size_t i = 0; i < t->count; i++)
		t->map[i].kept = device_breaks(d, RULE_INVALIDATE_EXACT) &&
				 (t->map[i].start < msg->iova || t->map[i].last > last);
	map_remove(t, msg->iova, last);
}

static int batch_begin(struct model_dev *d, uint32_t asid)
{
	d->vdpa.in_batch = true;
	d->vdpa.batch_asid = asid;
	return 0;
}

/* As set_map: all mappings of the address space, at once. */
static int hand_on(struct model_dev *d)
{
	return d->vdpa.in_batch ? 0 : vdpa_space_set(d);
}

static int batch_end(struct model_dev *d)
{
	d->vdpa.in_batch = false;
	return device_breaks(d, RULE_VDPA_BATCH_LOST) ? 0 : hand_on(d);
}

static int process(struct model_dev *d, uint32_t asid, const struct vhost_iotlb_msg *msg)
{
	bool makes =
		msg->type == VHOST_IOTLB_UPDATE || msg->type == VHOST_IOTLB_BATCH_BEGIN;
	int r = device_owned(d);

	if (r < 0)
		return r;
	if (asid >= VDPA_SPACES && device_breaks(d, RULE_VDPA_ASID_ANY))
		asid = 0;
	if (device_breaks(d, RULE_VDPA_ASID_IGNORED) && asid < VDPA_SPACES)
		asid = 0;
	if (asid >= VDPA_SPACES || (!makes && !d->vdpa.used[asid]) ||
	    (d->vdpa.in_batch && asid != d->vdpa.batch_asid))
		return -EINVAL;
	d->vdpa.used[asid] = true;
	switch (msg->type) {
	case VHOST_IOTLB_UPDATE:
		r = update(d, &d->vdpa.space[asid], msg);
		return r < 0 ? r : hand_on(d);
	case VHOST_IOTLB_INVALIDATE:
		invalidate(d, &d->vdpa.space[asid], msg);
		return hand_on(d);
	case VHOST_IOTLB_BATCH_BEGIN:
		return batch_begin(d, asid);
	case VHOST_IOTLB_BATCH_END:
		return batch_end(d);
	default:
		return device_breaks(d, RULE_MESSAGE_UNKNOWN) ? 0 : -EINVAL;
	}
}

ssize_t vdpa_messages_write(struct dev *dev, const void *buf, size_t len)
{
	struct model_dev *d = (struct model_dev *)dev;
	unsigned char bytes[MODEL_MSG_BYTES] = { 0 };
	struct vhost_iotlb_msg msg;
	uint32_t head[2];
	int r = 0;

	if (!d->open)
		return -EBADF;
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
	if (head[0] == VHOST_IOTLB_MSG && device_breaks(d, RULE_VDPA_V1_LOST))
		return (ssize_t)MODEL_MSG_BYTES;
	if (head[0] == VHOST_IOTLB_MSG || !(d->backend_features & ASID_BIT))
		head[1] = 0;
	r = process(d, head[1], &msg);
	model_run(d->m);
	return r < 0 ? -EFAULT : (ssize_t)MODEL_MSG_BYTES;
}
