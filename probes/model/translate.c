/* SPDX-License-Identifier: MIT */
/*
 * How the device finds memory.
 *
 * Source: vhost-abi 3.4; translate_desc(), iotlb_access_ok(), vq_meta_prefetch() in
 * drivers/vhost/vhost.c
 */
#include <errno.h>

#include <linux/virtio_ring.h>

#include "model/device.h"
#include "model/memory.h"

static bool permits(const struct vq *vq, const struct map *m, uint8_t access)
{
	return m->perm & access || device_breaks(vq->dev, RULE_PERMISSION_IGNORED);
}

static int not_permitted(struct vq *vq, uint64_t addr, uint8_t access)
{
	if (!device_breaks(vq->dev, RULE_PERMISSION_MISSED))
		return -EPERM;
	messages_miss(vq, addr, access);
	return -EAGAIN;
}

int translate(struct vq *vq, uint64_t addr, uint64_t len, uint8_t access,
	      struct iovec *iov, unsigned int room)
{
	bool armed = device_armed(vq->dev);
	const struct map_table *t = armed ? &vq->dev->iotlb : &vq->dev->memory;
	unsigned int n = 0;

	while (len > 0) {
		const struct map *m = map_find(t, addr, addr + len - 1);
		uint64_t size = 0;

		if (!m || m->start > addr) {
			if (armed && !(vq->running &&
				       device_breaks(vq->dev, RULE_MISS_BUFFER_LOST)))
				messages_miss(vq, addr, access);
			return armed ? -EAGAIN : -EFAULT;
		}
		if (!permits(vq, m, access))
			return not_permitted(vq, addr, access);
		if (n == room)
			return -ENOBUFS;
		size = m->last - addr + 1;
		if (size > len)
			size = len;
		iov[n].iov_base = memory_at(m->addr + (addr - m->start));
		iov[n++].iov_len = size;
		addr += size;
		len -= size;
	}
	return (int)n;
}

static void ring_miss(struct vq *vq, uint64_t addr, uint8_t access)
{
	if (device_breaks(vq->dev, RULE_MISS_RING_LOST))
		return;
	if (device_breaks(vq->dev, RULE_MISS_USED_RO))
		access = VHOST_ACCESS_RO;
	messages_miss(vq, addr, access);
}

static bool part_is_mapped(struct vq *vq, uint64_t addr, uint64_t len, uint8_t access)
{
	while (len > 0) {
		const struct map *m = map_find(&vq->dev->iotlb, addr, addr + len - 1);
		uint64_t size = 0;

		if (!m || m->start > addr) {
			ring_miss(vq, addr, access);
			return false;
		}
		if (!permits(vq, m, access))
			return false;
		size = m->last - addr + 1;
		if (size >= len)
			return true;
		addr += size;
		len -= size;
	}
	return true;
}

bool translate_prefetch(struct vq *vq)
{
	uint64_t event = device_has(vq->dev, VIRTIO_RING_F_EVENT_IDX) ? 2 : 0;

	if (!device_armed(vq->dev))
		return true;
	if (!vq->desc && !vq->avail && !vq->used)
		return false;
	return part_is_mapped(vq, vq->desc, vq->num * sizeof(struct vring_desc),
			      VHOST_ACCESS_RO) &&
	       part_is_mapped(vq, vq->avail,
			      sizeof(struct vring_avail) + vq->num * 2ull + event,
			      VHOST_ACCESS_RO) &&
	       part_is_mapped(vq, vq->used,
			      sizeof(struct vring_used) +
				      vq->num * sizeof(struct vring_used_elem) + event,
			      VHOST_ACCESS_WO);
}

int translate_ring(struct vq *vq, uint64_t addr, size_t len, uint64_t *ret_addr)
{
	struct iovec iov = { 0 };
	int n = 0;

	*ret_addr = addr;
	if (!device_armed(vq->dev))
		return 0;
	n = translate(vq, addr, len, VHOST_ACCESS_RO, &iov, 1);
	if (n != 1) {
		vring_error(vq);
		return -EFAULT;
	}
	*ret_addr = (uint64_t)(uintptr_t)iov.iov_base;
	return 0;
}
