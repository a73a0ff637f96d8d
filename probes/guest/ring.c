/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "guest/ring.h"

static struct vring_avail *avail_of(const struct ring *r)
{
	return mem_ptr(r->mem, r->avail, 0);
}

static struct vring_used *used_of(const struct ring *r)
{
	return mem_ptr(r->mem, r->used, 0);
}

static void region_zero(struct mem *mem, enum mem_region_id id)
{
	memset(mem_ptr(mem, id, 0), 0, mem->region[id].len);
}

const char *ring_name(enum mem_layout layout, unsigned int index)
{
	static const char *const two[] = { "rx", "tx" };
	static const char *const three[] = { "ctl", "evt", "io" };

	if (layout == MEM_THREE_RINGS)
		return index < ARRAY_SIZE(three) ? three[index] : NULL;
	return index < ARRAY_SIZE(two) ? two[index] : NULL;
}

void ring_init(struct ring *r, struct mem *mem, unsigned int index, unsigned int size,
	       uint16_t base)
{
	static const enum mem_region_id parts[][3] = {
		{ MEM_RX_DESC, MEM_RX_AVAIL, MEM_RX_USED },
		{ MEM_TX_DESC, MEM_TX_AVAIL, MEM_TX_USED },
		{ MEM_IO_DESC, MEM_IO_AVAIL, MEM_IO_USED },
	};

	*r = (struct ring){
		.name = ring_name(mem->layout, index),
		.index = index,
		.size = size,
		.desc = parts[index][0],
		.avail = parts[index][1],
		.used = parts[index][2],
		.mem = mem,
		.next_avail = base,
		.last_used = base,
		.next_slot = base,
	};
	region_zero(mem, r->desc);
	region_zero(mem, r->avail);
	region_zero(mem, r->used);
	avail_of(r)->idx = htole16(base);
	used_of(r)->idx = htole16(base);
}

static void desc_write(struct vring_desc *d, uint64_t addr, uint32_t len, uint16_t flags,
		       uint16_t next)
{
	*d = (struct vring_desc){
		.addr = htole64(addr),
		.len = htole32(len),
		.flags = htole16(flags),
		.next = htole16(next),
	};
}

void ring_desc(struct ring *r, unsigned int i, uint64_t addr, uint32_t len,
	       uint16_t flags, uint16_t next)
{
	desc_write((struct vring_desc *)mem_ptr(r->mem, r->desc, 0) + i, addr, len, flags,
		   next);
}

void ring_indirect(struct ring *r, unsigned int i, uint64_t addr, uint32_t len,
		   uint16_t flags, uint16_t next)
{
	desc_write((struct vring_desc *)mem_ptr(r->mem, MEM_INDIRECT, 0) + i, addr, len,
		   flags, next);
}

void ring_avail_put(struct ring *r, uint16_t head)
{
	avail_of(r)->ring[r->next_avail % r->size] = htole16(head);
	r->next_avail++;
}

uint16_t ring_slots(struct ring *r, unsigned int n)
{
	uint16_t first = (uint16_t)(r->next_slot % r->size);

	r->next_slot = (uint16_t)(r->next_slot + n);
	return first;
}

void ring_publish(struct ring *r)
{
	__atomic_store_n(&avail_of(r)->idx, htole16(r->next_avail), __ATOMIC_RELEASE);
}

void ring_event(struct ring *r)
{
	/* used_event lies behind the last entry of the avail ring (virtio-1.2 2.7.6) */
	__atomic_store_n(&avail_of(r)->ring[r->size], htole16(r->last_used),
			 __ATOMIC_SEQ_CST);
}

uint16_t ring_used_idx(const struct ring *r)
{
	return le16toh(__atomic_load_n(&used_of(r)->idx, __ATOMIC_ACQUIRE));
}

uint16_t ring_used_flags(const struct ring *r)
{
	return le16toh(__atomic_load_n(&used_of(r)->flags, __ATOMIC_RELAXED));
}

uint16_t ring_avail_idx(const struct ring *r)
{
	return le16toh(__atomic_load_n(&avail_of(r)->idx, __ATOMIC_RELAXED));
}

static struct ring_used used_at(const struct ring *r, uint16_t index)
{
	const struct vring_used_elem *e = &used_of(r)->ring[index % r->size];

	return (struct ring_used){
		.id = le32toh(__atomic_load_n(&e->id, __ATOMIC_RELAXED)),
		.len = le32toh(__atomic_load_n(&e->len, __ATOMIC_RELAXED)),
	};
}

/* The head that was the @index-th to be made available, so the @index-th to be used. */
static uint16_t head_at(const struct ring *r, uint16_t index)
{
	return le16toh(avail_of(r)->ring[index % r->size]);
}

static uint32_t whole_len(const struct ring *r, uint16_t head)
{
	const struct vring_desc *d = mem_ptr(r->mem, r->desc, 0);

	return le16toh(d[head].flags) & VRING_DESC_F_WRITE ? le32toh(d[head].len) : 0;
}

static bool batch_ends(const struct ring *r, uint16_t used_idx)
{
	for (uint16_t i = r->last_used; i != used_idx; i++)
		if (head_at(r, i) == r->batch.id)
			return true;
	return false;
}

static struct ring_used take_in_order(struct ring *r, uint16_t used_idx)
{
	uint16_t head = head_at(r, r->last_used);

	if (!r->batch_open) {
		r->batch = used_at(r, r->last_used);
		r->batch_open = batch_ends(r, used_idx);
		if (!r->batch_open)
			return (struct ring_used){ RING_NO_HEAD, r->batch.len };
	}
	if (head != r->batch.id)
		return (struct ring_used){ head, whole_len(r, head) };
	r->batch_open = false;
	return r->batch;
}

bool ring_take(struct ring *r, struct ring_used *ret_used)
{
	uint16_t used_idx = ring_used_idx(r);
	uint16_t ready = (uint16_t)(used_idx - r->last_used);

	if (!ready || ready > (uint16_t)(r->next_avail - r->last_used))
		return false;
	*ret_used = r->in_order ? take_in_order(r, used_idx) : used_at(r, r->last_used);
	r->last_used++;
	return true;
}
