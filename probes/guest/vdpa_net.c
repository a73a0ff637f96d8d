/* SPDX-License-Identifier: MIT */
/* Requests to a network device: a frame that it sends and receives (virtio-1.2 5.1). */
#include <inttypes.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "base/payload.h"
#include "guest/vdpa_request.h"

#define HEADER_BYTES (uint32_t)sizeof(struct virtio_net_hdr_v1)
/* of VDPA_FRAMES: a header for either ring, and the other end of a request's data */
#define RX_HEADER 0u
#define TX_HEADER 64u
#define SCRATCH MEM_PAGE
#define SEED 1u

static bool is_out(const struct vdpa_request *r)
{
	return r->type == VIRTIO_BLK_T_OUT;
}

static void *scratch_of(const struct vdpa *v)
{
	return mem_ptr(&v->s->mem, VDPA_FRAMES, SCRATCH);
}

/** struct frame - a header of VDPA_FRAMES and the bytes behind it */
struct frame {
	uint64_t header, at;
	uint32_t len;
	uint16_t flags;
};

static uint16_t put(struct vdpa *v, enum session_queue q, const struct frame *f)
{
	struct ring *ring = &v->s->ring[q];
	unsigned int head = v->next_desc % ring->size;
	unsigned int next = (head + 1) % ring->size;

	ring_desc(ring, head, mem_iova(VDPA_FRAMES, f->header), HEADER_BYTES,
		  f->flags | RING_NEXT, (uint16_t)next);
	ring_desc(ring, next, f->at, f->len, f->flags, 0);
	ring_avail_put(ring, (uint16_t)head);
	return (uint16_t)head;
}

uint16_t vdpa_net_put(struct vdpa *v, const struct vdpa_request *r)
{
	const uint64_t scratch = mem_iova(VDPA_FRAMES, SCRATCH);
	const struct frame sent = { TX_HEADER, is_out(r) ? r->data : scratch, r->len, 0 };
	const struct frame received = { RX_HEADER, is_out(r) ? scratch : r->data, r->len,
					RING_WRITE };
	uint16_t head = 0;

	memset(mem_ptr(&v->s->mem, VDPA_FRAMES, 0), 0, MEM_PAGE);
	if (is_out(r))
		memset(scratch_of(v), 0, r->len);
	else
		payload_fill(SEED + v->next_header, 0, scratch_of(v), r->len);
	(void)put(v, QUEUE_TX, &sent);
	head = put(v, QUEUE_RX, &received);
	v->next_desc += 2;
	v->next_header++;
	v->called = false;
	return head;
}

int vdpa_net_kick(struct vdpa *v)
{
	int r = 0;

	ring_publish(&v->s->ring[QUEUE_RX]);
	ring_publish(&v->s->ring[QUEUE_TX]);
	r = session_kick(v->s, QUEUE_RX);
	return r < 0 ? r : session_kick(v->s, QUEUE_TX);
}

struct session_moved vdpa_net_other_end(const struct vdpa *v,
					const struct vdpa_request *r)
{
	return (struct session_moved){ r->len,
				       digest_add(DIGEST_START, scratch_of(v), r->len) };
}
