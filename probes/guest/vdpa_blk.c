/* SPDX-License-Identifier: MIT */
/*
 * Requests of virtio-blk (virtio-1.2 5.2.6), and the file behind the device; those of a
 * network device are in vdpa_net.c.
 */
#include <endian.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/payload.h"
#include "guest/vdpa_request.h"

#define HEADER_BYTES sizeof(struct virtio_blk_outhdr)
/* by whose number requests find their header and status byte */
#define HEADERS 128u
#define SLICE_MS 100u
#define SEED_FILE 1001u
#define SEED_GUEST 1u

/** struct chain - descriptors on their way into a table */
struct chain {
	struct vdpa *v;
	unsigned int first, count, total;
	bool indirect;
};

/* The request with the status byte of this number. */
static unsigned char *status_of(const struct vdpa *v, unsigned int header)
{
	return mem_ptr(&v->s->mem, VDPA_STATUSES, header % HEADERS * HEADER_BYTES);
}

/** struct part - a piece of a request */
struct part {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
};

static void add(struct chain *c, struct part part)
{
	struct ring *ring = &c->v->s->ring[VDPA_RING];
	unsigned int at = c->indirect ? c->count : (c->first + c->count) % ring->size;
	unsigned int next = c->indirect ? at + 1 : (at + 1) % ring->size;
	uint16_t flags = part.flags;

	c->count++;
	if (c->count < c->total)
		flags |= RING_NEXT;
	if (c->indirect)
		ring_indirect(ring, at, part.addr, part.len, flags, (uint16_t)next);
	else
		ring_desc(ring, at, part.addr, part.len, flags, (uint16_t)next);
}

static void add_header(struct chain *c, bool cut)
{
	uint64_t at = mem_iova(VDPA_HEADERS, c->v->next_header % HEADERS * HEADER_BYTES);
	uint32_t half = HEADER_BYTES / 2;

	if (!cut) {
		add(c, (struct part){ at, HEADER_BYTES, 0 });
		return;
	}
	add(c, (struct part){ at, half, 0 });
	add(c, (struct part){ at + half, HEADER_BYTES - half, 0 });
}

/* Pieces of unequal length: all but the last have one byte more than they should. */
static void add_data(struct chain *c, const struct vdpa_request *r, unsigned int pieces)
{
	uint16_t flags = r->type == VIRTIO_BLK_T_OUT ? 0 : RING_WRITE;
	uint32_t each = r->len / pieces + (pieces > 1);
	uint64_t at = r->data;
	uint32_t left = r->len;

	for (unsigned int i = 0; i < pieces; i++) {
		uint32_t len = i + 1 < pieces ? each : left;

		add(c, (struct part){ at, len, flags });
		at += len;
		left -= len;
	}
}

uint16_t vdpa_put(struct vdpa *v, const struct vdpa_request *r)
{
	const struct virtio_blk_outhdr header = {
		.type = htole32(r->type),
		.sector = htole64(r->sector),
	};
	struct ring *ring = &v->s->ring[VDPA_RING];
	unsigned int number = v->next_header % HEADERS;
	unsigned int pieces = r->len ? (r->pieces ? r->pieces : 1) : 0;
	struct chain c = {
		.v = v,
		.first = v->next_desc % ring->size,
		.total = pieces + 2u + (r->cut_header ? 1u : 0u),
		.indirect = r->indirect,
	};
	uint16_t head = (uint16_t)c.first;

	if (vdpa_is_net(v))
		return vdpa_net_put(v, r);
	memcpy(mem_ptr(&v->s->mem, VDPA_HEADERS, number * HEADER_BYTES), &header,
	       sizeof(header));
	*status_of(v, number) = VDPA_STATUS_POISON;
	add_header(&c, r->cut_header);
	if (pieces)
		add_data(&c, r, pieces);
	add(&c, (struct part){ mem_iova(VDPA_STATUSES, number * HEADER_BYTES), 1,
			       RING_WRITE });
	if (r->indirect)
		ring_desc(ring, head, mem_iova(MEM_INDIRECT, 0),
			  c.total * (uint32_t)sizeof(struct vring_desc), RING_INDIRECT,
			  0);
	v->next_desc += r->indirect ? 1 : c.total;
	v->next_header++;
	v->called = false;
	ring_avail_put(ring, head);
	return head;
}

int vdpa_kick(struct vdpa *v)
{
	if (vdpa_is_net(v))
		return vdpa_net_kick(v);
	ring_event(&v->s->ring[VDPA_RING]);
	ring_publish(&v->s->ring[VDPA_RING]);
	return session_kick(v->s, VDPA_RING);
}

/* Until the guest is called, or for a moment: what it is told of is in the ring. */
static int wait_slice(struct vdpa *v)
{
	struct pollfd call = { .fd = v->s->call[VDPA_RING], .events = POLLIN };
	struct dev *dev = v->s->seam->dev;
	eventfd_t count = 0;
	int r = dev->ops->poll(dev, &call, 1, session_deadline(v->s, SLICE_MS));

	if (r > 0 && eventfd_read(call.fd, &count) == 0)
		v->called = true;
	return r;
}

bool vdpa_called(struct vdpa *v)
{
	unsigned int slices = VDPA_ANSWER_MS / SLICE_MS;

	while (!v->called && slices--)
		if (wait_slice(v) < 0)
			break;
	return v->called;
}

int vdpa_wait(struct vdpa *v, unsigned int ms, struct ring_used *ret_used)
{
	struct ring *ring = &v->s->ring[VDPA_RING];
	struct deadline until = session_deadline(v->s, ms);
	/* a seam whose waits do not wait must not keep the guest busy */
	unsigned int slices = 2 * (ms / SLICE_MS) + 1;

	while (!ring_take(ring, ret_used)) {
		int r = 0;

		if (session_passed(v->s, until) || session_passed(v->s, v->s->until) ||
		    !slices--)
			return -ENODATA;
		r = wait_slice(v);
		if (r < 0)
			return r;
	}
	return 0;
}

void vdpa_note(struct vdpa *v, const char *step, const struct ring_used *used)
{
	if (!used)
		session_fact(v->s, step, "request", "not used");
	else if (vdpa_is_net(v))
		session_fact(v->s, step, "request", "served, used %" PRIu32, used->len);
	else
		session_fact(v->s, step, "request", "status %u, used %" PRIu32,
			     *status_of(v, v->next_header - 1), used->len);
}

static bool refused(const struct vdpa *v)
{
	return !vdpa_is_net(v) && *status_of(v, v->next_header - 1) != VIRTIO_BLK_S_OK;
}

int vdpa_kicked(struct vdpa *v, const char *step, uint16_t head, unsigned int ms)
{
	struct ring_used used = { 0 };
	int r = vdpa_kick(v);

	if (r == 0)
		r = vdpa_wait(v, ms, &used);

	if (r == 0 && used.id != head) {
		session_fact(v->s, step, "request", "used element of another buffer");
		return -EIO;
	}
	if (r == 0 || r == -ENODATA)
		vdpa_note(v, step, r == 0 ? &used : NULL);
	return r == 0 && refused(v) ? -EIO : r;
}

int vdpa_do(struct vdpa *v, const char *step, const struct vdpa_request *request)
{
	return vdpa_kicked(v, step, vdpa_put(v, request), VDPA_ANSWER_MS);
}

int vdpa_held(struct vdpa *v, const char *step, const struct vdpa_request *request)
{
	return vdpa_kicked(v, step, vdpa_put(v, request), VDPA_QUIET_MS);
}

int vdpa_quiet(struct vdpa *v, const char *step)
{
	struct ring_used used = { 0 };
	int r = vdpa_wait(v, VDPA_QUIET_MS, &used);

	if (r == 0 || r == -ENODATA)
		vdpa_note(v, step, r == 0 ? &used : NULL);
	return r;
}

/* ------------------------------------------------------ the file behind it */

int vdpa_order(struct vdpa *v, const struct peer_request *order,
	       struct peer_reply *ret_reply)
{
	const struct seam *seam = v->s->seam;
	int r = seam->peer->ops->request(seam->peer, order);

	while (r == 0) {
		struct pollfd fd = { .fd = seam->peer->ops->fd(seam->peer),
				     .events = POLLIN };

		r = seam->peer->ops->reply(seam->peer, ret_reply);
		if (r != -EAGAIN)
			return r < 0 ? r : -ret_reply->err;
		if (session_passed(v->s, v->s->until))
			return -ETIME;
		r = seam->dev->ops->poll(seam->dev, &fd, 1, v->s->until);
		if (r == 0)
			return -ETIME;
		r = r < 0 ? r : 0;
	}
	return r;
}

struct vdpa_request vdpa_sectors(uint64_t sector, uint32_t len)
{
	return (struct vdpa_request){
		.sector = sector,
		.data = mem_iova(VDPA_DATA, 0),
		.len = len,
	};
}

static int order_moved(struct vdpa *v, const struct peer_request *order,
		       struct session_moved *ret)
{
	struct peer_reply reply = { 0 };
	int r = vdpa_order(v, order, &reply);

	*ret = (struct session_moved){ reply.bytes, reply.digest };
	return r;
}

int vdpa_read(struct vdpa *v, const char *step, const struct vdpa_request *request,
	      const void *to)
{
	const struct peer_request store = {
		.op = PEER_STORE,
		.seed = SEED_FILE + v->next_header,
		.offset = request->sector * VDPA_SECTOR,
		.len = request->len,
	};
	struct vdpa_request r = *request;
	struct session_moved sent = { 0 };
	struct session_moved got = { 0 };
	int e = vdpa_is_net(v) ? 0 : order_moved(v, &store, &sent);

	if (e < 0)
		return e;
	r.type = VIRTIO_BLK_T_IN;
	e = vdpa_do(v, step, &r);
	if (vdpa_is_net(v))
		sent = vdpa_net_other_end(v, &r);
	if (e == 0)
		got = (struct session_moved){ r.len,
					      digest_add(DIGEST_START, to, r.len) };
	session_bytes(v->s, step, EV_RX, sent, got);
	return e;
}

int vdpa_write(struct vdpa *v, const char *step, const struct vdpa_request *request,
	       void *from)
{
	const struct peer_request stored = {
		.op = PEER_STORED,
		.offset = request->sector * VDPA_SECTOR,
		.len = request->len,
	};
	struct vdpa_request r = *request;
	struct session_moved sent = { r.len, DIGEST_START };
	struct session_moved got = { 0 };
	int e = 0;

	r.type = VIRTIO_BLK_T_OUT;
	payload_fill(SEED_GUEST + v->next_header, 0, from, r.len);
	sent.digest = digest_add(sent.digest, from, r.len);
	e = vdpa_do(v, step, &r);
	if (e == 0 && vdpa_is_net(v))
		got = vdpa_net_other_end(v, &r);
	else if (e == 0)
		e = order_moved(v, &stored, &got);
	session_bytes(v->s, step, EV_TX, sent, got);
	return e;
}

int vdpa_both_ways(struct vdpa *v, const char *step)
{
	const char *write = arena_printf(&v->s->arena, "%s.write", step);
	const char *read = arena_printf(&v->s->arena, "%s.read", step);
	void *data = mem_ptr(&v->s->mem, VDPA_DATA, 0);
	struct vdpa_request r = vdpa_sectors(8, VDPA_BYTES);
	int e = -ENOMEM;

	if (write && read)
		e = vdpa_write(v, write, &r, data);
	r.sector = 64;
	return e < 0 ? e : vdpa_read(v, read, &r, data);
}
