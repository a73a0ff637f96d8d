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
	return m->perm & access || device_breaks(vq->dev, RULE_PERMISSION_IGNORED) ||
	       (access == VHOST_ACCESS_WO && device_breaks(vq->dev, RULE_WRITE_IGNORED));
}

static int not_permitted(struct vq *vq, uint64_t addr, uint8_t access)
{
	vq->stuck = device_breaks(vq->dev, RULE_PERMISSION_STICKS);
	if (!device_breaks(vq->dev, RULE_PERMISSION_MISSED))
		return -EPERM;
	messages_miss(vq, addr, access);
	return -EAGAIN;
}

/* A place in the memory table that an address without mapping is taken for; 0 if none. */
static uint64_t place_of(const struct vq *vq, uint64_t addr, uint64_t len)
{
	const struct map_table *t = &vq->dev->memory;
	uint64_t size = t->count ? t->map[0].last - t->map[0].start + 1 : 0;

	if (!vq->running || vq->found || size <= len ||
	    !device_breaks(vq->dev, RULE_FIRST_HEAD_FREE))
		return 0;
	return t->map[0].start + addr % (size - len);
}

static bool miss_is_lost(const struct vq *vq)
{
	return vq->running &&
	       (device_breaks(vq->dev, RULE_MISS_BUFFER_LOST) ||
		(vq->index && vq->found && device_breaks(vq->dev, RULE_MISS_TX_LOST)));
}

int translate(struct vq *vq, uint64_t addr, uint64_t len, uint8_t access,
	      struct iovec *iov, unsigned int room)
{
	bool armed = device_armed(vq->dev);
	const struct map_table *t = armed ? &vq->dev->iotlb : &vq->dev->memory;
	unsigned int n = 0;

	while (len > 0) {
		struct map *m = map_find(t, addr, addr + len - 1);
		uint64_t place = place_of(vq, addr, len);
		uint64_t size = 0;

		if (armed && (!m || m->start > addr) && place) {
			addr = place;
			t = &vq->dev->memory;
			m = &t->map[0];
		}
		if (!m || m->start > addr) {
			if (armed && !miss_is_lost(vq))
				messages_miss(vq, addr, access);
			return armed ? -EAGAIN : -EFAULT;
		}
		if (!permits(vq, m, access))
			return not_permitted(vq, addr, access);
		if (n == room)
			return -ENOBUFS;
		if (n && device_breaks(vq->dev, RULE_ONE_ENTRY))
			return -EFAULT;
		m->kept = armed && access == VHOST_ACCESS_WO &&
			  device_breaks(vq->dev, RULE_WRITTEN_STAYS);
		size = m->last - addr + 1;
		if (size > len || device_breaks(vq->dev, RULE_END_OPEN))
			size = len;
		iov[n].iov_base = memory_at(m->addr + (addr - m->start));
		iov[n++].iov_len = size;
		addr += size;
		len -= size;
	}
	vq->found = true;
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
		if (!permits(vq, m, access) &&
		    !device_breaks(vq->dev, RULE_RING_PERMISSION))
			return false;
		size = m->last - addr + 1;
		if (size >= len)
			return true;
		addr += size;
		len -= size;
	}
	return true;
}

static uint64_t used_bytes(const struct vq *vq)
{
	return sizeof(struct vring_used) + vq->num * sizeof(struct vring_used_elem) +
	       (device_has(vq->dev, VIRTIO_RING_F_EVENT_IDX) ? 2 : 0);
}

/* Whether the used ring is found by what it was found by before. */
static bool used_is_kept(const struct vq *vq, uint64_t addr)
{
	return vq->used_kept && addr - vq->used < used_bytes(vq);
}

static void keep_used(struct vq *vq, uint64_t addr)
{
	const struct map *m = map_find(&vq->dev->iotlb, addr, addr);

	if (!m || vq->used_kept || addr - vq->used >= used_bytes(vq) ||
	    !(device_breaks(vq->dev, RULE_USED_CACHED) ||
	      (vq->index == 0 && device_breaks(vq->dev, RULE_RX_USED_CACHED))))
		return;
	vq->used_map = *m;
	vq->used_kept = true;
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
	       (used_is_kept(vq, vq->used) ||
		part_is_mapped(vq, vq->used, used_bytes(vq), VHOST_ACCESS_WO));
}

size_t translate_run(const struct vq *vq, uint64_t addr, size_t len)
{
	const struct map *m = NULL;

	if (device_armed(vq->dev) && !used_is_kept(vq, addr))
		m = map_find(&vq->dev->iotlb, addr, addr);
	return m && m->last - addr < len ? (size_t)(m->last - addr + 1) : len;
}

/* The access that the mapping of an address permits, whatever it is. */
static uint8_t forgiving(const struct vq *vq, uint64_t addr, uint8_t access)
{
	const struct map *m = map_find(&vq->dev->iotlb, addr, addr);

	return m && m->perm ? m->perm : access;
}

int translate_ring(struct vq *vq, uint64_t addr, size_t len, uint64_t *ret_addr)
{
	struct iovec iov = { 0 };
	uint8_t access = VHOST_ACCESS_RO;
	bool found = false;
	int n = 0;

	*ret_addr = addr;
	if (!device_armed(vq->dev))
		return 0;
	if (used_is_kept(vq, addr)) {
		*ret_addr = vq->used_map.addr + (addr - vq->used_map.start);
		return 0;
	}
	if (device_breaks(vq->dev, RULE_RING_PERMISSION))
		access = forgiving(vq, addr, access);
	keep_used(vq, addr);
	found = vq->found;
	n = translate(vq, addr, len, access, &iov, 1);
	vq->found = found;
	if (n != 1) {
		vring_error(vq);
		return -EFAULT;
	}
	*ret_addr = (uint64_t)(uintptr_t)iov.iov_base;
	return 0;
}
