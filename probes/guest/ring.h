/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a split virtqueue, one primitive per step, so that a check may
 * leave one out, repeat it or do it wrongly. Indices that device and driver share are
 * touched here only, by named atomics.
 *
 * Source: virtio-1.2 2.7; include/uapi/linux/virtio_ring.h
 */
#ifndef GUEST_RING_H
#define GUEST_RING_H

#include "guest/mem.h"

/** RING_SIZE_MAX - descriptors that fit the regions of struct mem */
#define RING_SIZE_MAX 256u

/** RING_SIZE_LARGEST - that a ring may have (virtio-1.2 2.7), with MEM_LARGE_RINGS */
#define RING_SIZE_LARGEST 32768u

/** enum ring_desc_flags - VRING_DESC_F_* */
enum ring_desc_flags {
	RING_NEXT = 1,
	RING_WRITE = 2,
	RING_INDIRECT = 4
};

/** RING_NO_HEAD - the id of a used element that names no buffer the device has */
#define RING_NO_HEAD UINT32_MAX

/** struct ring_used - one used buffer */
struct ring_used {
	uint32_t id, len;
};

/**
 * struct ring - one queue
 * @name:	by ring_name()
 * @index:	as ioctls count them
 * @size:	descriptors, a power of two
 * @desc, @avail, @used: regions that hold the parts
 * @mem:	borrowed
 * @next_avail:	free-running count of heads made available
 * @last_used:	free-running count of used buffers taken
 * @in_order:	the driver acknowledged VIRTIO_F_IN_ORDER: ring_slots() is how it comes by
 *		descriptors, and one used element may stand for many buffers
 * @next_slot:	free-running count of descriptors handed out by ring_slots()
 * @batch:	the used element that stands for the buffers up to @batch.id
 * @batch_open:	not all of those have been taken
 */
struct ring {
	const char *name;
	unsigned int index, size;
	enum mem_region_id desc, avail, used;
	struct mem *mem;
	uint16_t next_avail, last_used;
	bool in_order;
	uint16_t next_slot;
	struct ring_used batch;
	bool batch_open;
};

/**
 * ring_init() - set a queue up in zeroed tables
 * @r:		ring
 * @mem:	borrowed; regions of queue @index are zeroed
 * @index:	0 is rx, 1 is tx; with MEM_THREE_RINGS 0 is ctl, 1 evt, 2 io
 * @size:	1 to RING_SIZE_MAX, or RING_SIZE_LARGEST
 * @base:	index to start from; both shared indices begin there
 */
void ring_init(struct ring *r, struct mem *mem, unsigned int index, unsigned int size,
	       uint16_t base);

/** ring_name() - what a ring is called: "rx", "io"; NULL for one that there is not */
const char *ring_name(enum mem_layout layout, unsigned int index);

/**
 * ring_desc() - write one descriptor
 * @r:		ring
 * @i:		slot, below @r->size
 * @addr:	GPA, or IOVA with the IOTLB on
 * @len:	bytes
 * @flags:	enum ring_desc_flags
 * @next:	slot, with RING_NEXT
 */
void ring_desc(struct ring *r, unsigned int i, uint64_t addr, uint32_t len,
	       uint16_t flags, uint16_t next);

/**
 * ring_indirect() - write one descriptor into the indirect table (MEM_INDIRECT)
 * @r:	ring; the other parameters are those of ring_desc()
 */
void ring_indirect(struct ring *r, unsigned int i, uint64_t addr, uint32_t len,
		   uint16_t flags, uint16_t next);

/**
 * ring_avail_put() - enter a head at the next place of the avail ring
 * @r:		ring
 * @head:	descriptor slot
 *
 * Not visible to the device before ring_publish().
 */
void ring_avail_put(struct ring *r, uint16_t head);

/**
 * ring_publish() - make all heads that were put visible
 * @r:	ring
 *
 * Release store of avail->idx; pairs with the device's acquire load
 * (vhost_get_avail_idx() in drivers/vhost/vhost.c).
 */
void ring_publish(struct ring *r);

/**
 * ring_event() - ask for a call with the next used element (VIRTIO_RING_F_EVENT_IDX)
 * @r:	ring
 *
 * Stores @r->last_used as used_event. Harmless without the feature.
 */
void ring_event(struct ring *r);

/** ring_used_idx() - acquire load of used->idx; pairs with the device's release */
uint16_t ring_used_idx(const struct ring *r);

/** ring_used_flags() - used->flags as it stands */
uint16_t ring_used_flags(const struct ring *r);

/** ring_avail_idx() - avail->idx as published */
uint16_t ring_avail_idx(const struct ring *r);

/**
 * ring_slots() - take descriptors in the order of their table, round and round
 * @r:	ring
 * @n:	how many; they follow one another, the first one after the last
 *
 * What a driver owes with VIRTIO_F_IN_ORDER (virtio-1.2 2.7.9): a device may go by its
 * own count and not look at the avail ring (vhost_get_vq_desc_n() in
 * drivers/vhost/vhost.c, since 6.17). It begins at the base given to ring_init().
 * Return: the first.
 */
uint16_t ring_slots(struct ring *r, unsigned int n);

/**
 * ring_take() - take the next used buffer
 * @r:		ring
 * @ret_used:	the element, as the device wrote it
 *
 * With @r->in_order an element stands for all buffers up to the one it names (virtio-1.2
 * 2.7.9): those before it come first, each as long as its descriptor if the device may
 * write there, else 0. An element that names none of the buffers that the device says to
 * have used comes out once, with the id RING_NO_HEAD.
 * Return: whether there was one; @ret_used is untouched otherwise. An index further ahead
 * than what was made available tells of nothing: a device that lies must not keep the
 * guest busy.
 */
bool ring_take(struct ring *r, struct ring_used *ret_used);

#endif
