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

void ring_init(struct ring *r, struct mem *mem, unsigned int index, unsigned int size,
	       uint16_t base)
{
	*r = (struct ring){
		.name = index ? "tx" : "rx",
		.index = index,
		.size = size,
		.desc = index ? MEM_TX_DESC : MEM_RX_DESC,
		.avail = index ? MEM_TX_AVAIL : MEM_RX_AVAIL,
		.used = index ? MEM_TX_USED : MEM_RX_USED,
		.mem = mem,
		.next_avail = base,
		.last_used = base,
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

bool ring_take(struct ring *r, struct ring_used *ret_used)
{
	const struct vring_used_elem *e = NULL;

	if (ring_used_idx(r) == r->last_used)
		return false;
	e = &used_of(r)->ring[r->last_used % r->size];
	*ret_used = (struct ring_used){
		.id = le32toh(__atomic_load_n(&e->id, __ATOMIC_RELAXED)),
		.len = le32toh(__atomic_load_n(&e->len, __ATOMIC_RELAXED)),
	};
	r->last_used++;
	return true;
}
