/* SPDX-License-Identifier: MIT */
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <string.h>

#include "base/payload.h"
#include "guest/net.h"

#define SEED_TX 1u
#define SEED_RX 2u

/* struct virtio_net_hdr_v1: num_buffers, little-endian */
#define AT_BUFFERS 10u
#define AT_REST 12u

/** struct frame - a received frame with its header, together from its buffers */
struct frame {
	unsigned char bytes[2 * MEM_PAGE];
	uint32_t len;
};

static uint32_t frame_payload(const struct link *l)
{
	return l->frame ? l->frame : NET_PAYLOAD_MAX;
}

/* Header and Ethernet header at @offset of the transmit buffers; where the payload goes.
 */
static unsigned char *frame_at(struct link *l, uint64_t offset, uint16_t ethertype)
{
	unsigned char *buf = mem_ptr(&l->s->mem, MEM_TX_BUF, offset);
	unsigned int header = session_header(l->s);

	memcpy(buf, l->tx_header, header);
	peer_ethernet(buf + header, ethertype);
	return buf + header + NET_ETHERNET;
}

static unsigned char *frame_begin(struct link *l, uint16_t ethertype)
{
	return frame_at(l, 0, ethertype);
}

static void frame_publish(struct link *l, uint32_t payload)
{
	link_publish(l, session_header(l->s), NET_ETHERNET + payload);
}

static void queue_one(struct link *l)
{
	memset(frame_begin(l, PEER_OTHER_ETHERTYPE), 0, PEER_PAYLOAD_MIN);
	frame_publish(l, PEER_PAYLOAD_MIN);
}

/* Adds what one buffer holds to a frame and gives the buffer back. 0 or -EPROTO. */
static int frame_add(struct link *l, struct frame *f, const struct ring_used *used)
{
	int buffer = link_rx_buffer(l, used->id);

	if (buffer < 0 || used->len > link_rx_room(l) ||
	    used->len > sizeof(f->bytes) - f->len)
		return -EPROTO;
	memcpy(f->bytes + f->len,
	       mem_ptr(&l->s->mem, MEM_RX_BUF, (uint64_t)buffer * MEM_PAGE), used->len);
	f->len += used->len;
	link_rx_put(l, (unsigned int)buffer);
	return 0;
}

static unsigned int frame_buffers(const struct link *l, const struct frame *f)
{
	if (!(l->s->features & BIT64(VIRTIO_NET_F_MRG_RXBUF)))
		return 1;
	return (unsigned int)f->bytes[AT_BUFFERS] | (unsigned int)f->bytes[AT_BUFFERS + 1]
							    << 8;
}

/* Takes a frame if one is there: 1, 0, or -EPROTO for elements that make no sense. */
static int frame_take(struct link *l, struct frame *f)
{
	struct ring *r = &l->s->ring[QUEUE_RX];
	struct ring_used used = { 0 };
	int e = 0;

	f->len = 0;
	if (!ring_take(r, &used))
		return 0;
	e = frame_add(l, f, &used);
	if (e < 0 || f->len < session_header(l->s))
		return -EPROTO;
	l->rx_used_len = used.len;
	memcpy(l->rx_header, f->bytes, session_header(l->s));
	l->buffers = frame_buffers(l, f);
	for (unsigned int i = AT_REST; i < session_header(l->s); i++)
		l->header_rest |= f->bytes[i];
	for (unsigned int i = 1; i < l->buffers; i++)
		if (!ring_take(r, &used) || frame_add(l, f, &used) < 0)
			return -EPROTO;
	ring_event(r);
	ring_publish(r);
	e = session_kick(l->s, QUEUE_RX);
	return e < 0 ? e : 1;
}

/** struct wanted - frames of an ethertype, their payload behind @headers bytes */
struct wanted {
	uint16_t ethertype;
	uint32_t headers;
};

/* The payload of a frame that is wanted; NULL for other frames. */
static const unsigned char *frame_ours(const struct link *l, const struct frame *f,
				       const struct wanted *w, uint32_t *ret_len)
{
	const unsigned char *ethernet = f->bytes + session_header(l->s);
	uint32_t before = session_header(l->s) + w->headers;

	if (f->len <= before || (ethernet[12] << 8 | ethernet[13]) != w->ethertype)
		return NULL;
	*ret_len = f->len - before;
	return ethernet + w->headers;
}

static int connect_nothing(struct link *l)
{
	(void)l;
	return 0;
}

static int frames_tx(struct link *l, const char *step, uint32_t len)
{
	struct peer_reply reply = { .digest = DIGEST_START };
	struct session_moved sent = { .digest = DIGEST_START };
	int e = link_ask(l, &(struct peer_request){ .op = PEER_RECV, .len = len });

	while (e == 0 && sent.bytes < len) {
		uint32_t left = len - (uint32_t)sent.bytes;
		uint32_t n = left < frame_payload(l) ? left : frame_payload(l);
		unsigned char *payload = frame_begin(l, PEER_ETHERTYPE);

		if (n < PEER_PAYLOAD_MIN)
			return -EMSGSIZE;
		payload_fill(SEED_TX, sent.bytes, payload, n);
		frame_publish(l, n);
		e = link_send(l);
		if (e < 0)
			break;
		sent.digest = digest_add(sent.digest, payload, n);
		sent.bytes += n;
	}
	if (e == 0)
		e = link_answer(l, &reply);
	session_bytes(l->s, step, EV_TX, sent,
		      (struct session_moved){ reply.bytes, reply.digest });
	return e;
}

int net_tx_one(struct link *l)
{
	payload_fill(SEED_TX, 0, frame_begin(l, PEER_ETHERTYPE), PEER_PAYLOAD_MIN);
	frame_publish(l, PEER_PAYLOAD_MIN);
	return link_send(l);
}

/* Publishes one of a burst's frames, in a buffer and a descriptor of its own. */
static void burst_frame(struct link *l, unsigned int i)
{
	struct ring *r = &l->s->ring[QUEUE_TX];
	uint64_t at = (uint64_t)i * MEM_PAGE;
	uint16_t slot = r->in_order ? ring_slots(r, 1) : (uint16_t)i;

	payload_fill(SEED_TX, (uint64_t)i * NET_BURST_PAYLOAD,
		     frame_at(l, at, PEER_ETHERTYPE), NET_BURST_PAYLOAD);
	ring_desc(r, slot, link_address(l, MEM_TX_BUF, at),
		  session_header(l->s) + NET_ETHERNET + NET_BURST_PAYLOAD, 0, 0);
	ring_avail_put(r, slot);
}

/* Takes what was used of @n; whether the ids came in the order of the frames. */
static unsigned int burst_used(struct link *l, uint16_t first, bool *ret_in_order)
{
	struct ring *r = &l->s->ring[QUEUE_TX];
	struct ring_used used = { 0 };
	unsigned int n = 0;

	for (*ret_in_order = true; ring_take(r, &used); n++)
		if (used.id != (first + n) % r->size)
			*ret_in_order = false;
	return n;
}

int net_tx_burst(struct link *l, const char *step, unsigned int n)
{
	uint32_t len = n * NET_BURST_PAYLOAD;
	struct ring *r = &l->s->ring[QUEUE_TX];
	struct peer_reply reply = { .digest = DIGEST_START };
	uint16_t first = r->in_order ? r->next_slot : 0;
	uint64_t digest = DIGEST_START;
	unsigned char payload[NET_BURST_PAYLOAD];
	bool in_order = false;
	int e = link_ask(l, &(struct peer_request){ .op = PEER_RECV, .len = len });

	for (unsigned int i = 0; i < n; i++) {
		burst_frame(l, i);
		payload_fill(SEED_TX, (uint64_t)i * NET_BURST_PAYLOAD, payload,
			     sizeof(payload));
		digest = digest_add(digest, payload, sizeof(payload));
	}
	ring_event(r);
	ring_publish(r);
	if (e == 0)
		e = session_kick(l->s, QUEUE_TX);
	if (e == 0)
		e = session_barrier(l->s);
	if (e == 0 && burst_used(l, first, &in_order) != n)
		e = session_stalled(l->s, "stall", QUEUE_TX) < 0 ? -EIO : -ENODATA;
	session_fact(l->s, step, "in_order", "%s", in_order ? "yes" : "no");
	if (e == 0)
		e = link_answer(l, &reply);
	session_bytes(l->s, step, EV_TX, (struct session_moved){ len, digest },
		      (struct session_moved){ reply.bytes, reply.digest });
	return e;
}

/* Takes frames until @len bytes of payload came. */
static int frames_receive(struct link *l, const struct wanted *w, uint64_t len,
			  struct session_moved *got)
{
	struct frame f;

	while (got->bytes < len) {
		const unsigned char *payload = NULL;
		uint32_t n = 0;
		int e = frame_take(l, &f);

		if (e == 0) {
			/* a peer that failed will send nothing more */
			if (l->answered && l->answer.err)
				return -l->answer.err;
			e = link_wait(l);
		}
		if (e < 0)
			return e;
		payload = e == 1 ? frame_ours(l, &f, w, &n) : NULL;
		if (!payload)
			continue;
		got->digest = digest_add(got->digest, payload, n);
		got->bytes += n;
	}
	return 0;
}

/* Counts an order in: its bytes, and its digest as a part of the whole. */
static void moved_add(struct session_moved *all, uint64_t bytes, uint64_t digest)
{
	all->bytes += bytes;
	all->digest = digest_add(all->digest, &digest, sizeof(digest));
}

/*
 * With the IOTLB served frame by frame: a device that lacks a mapping may miss again for
 * each frame that arrives meanwhile, as often as the worker's pace allows.
 */
static int frames_rx(struct link *l, const char *step, uint32_t len)
{
	struct session_moved sent = { .digest = DIGEST_START };
	struct session_moved received = sent;
	const struct wanted plain = { PEER_ETHERTYPE, NET_ETHERNET };
	int e = 0;

	while (e == 0 && received.bytes < len) {
		struct peer_reply reply = { .digest = DIGEST_START };
		struct session_moved got = { .digest = DIGEST_START };
		uint64_t left = len - received.bytes;
		uint64_t n =
			l->serve && left > frame_payload(l) ? frame_payload(l) : left;

		e = link_ask(l, &(struct peer_request){ .op = PEER_SEND,
							.seed = SEED_RX,
							.frame = frame_payload(l),
							.offset = received.bytes,
							.len = n });
		if (e == 0)
			e = frames_receive(l, &plain, n, &got);
		if (e == 0)
			e = link_answer(l, &reply);
		moved_add(&sent, reply.bytes, reply.digest);
		moved_add(&received, got.bytes, got.digest);
	}
	session_bytes(l->s, step, EV_RX, sent, received);
	return e;
}

/* ------------------------------------------------------------------ segments */

static void note_offload(struct session *s, const char *step,
			 const struct peer_offload *o)
{
	session_fact(s, step, "gso_type", "%u", o->type);
	session_fact(s, step, "gso_size", "%u", o->size);
	session_fact(s, step, "flags", "0x%x", o->flags);
	session_fact(s, step, "csum_start", "%u", o->start);
	session_fact(s, step, "csum_offset", "%u", o->offset);
	session_fact(s, step, "hdr_len", "%u", o->header);
}

/* Whether the tap knows such frames; the peer is ready to receive one then. */
static int try_segments(struct link *l, uint8_t type)
{
	struct peer_reply reply = { 0 };
	int e = link_ask(l, &(struct peer_request){ .op = PEER_SEND, .segments = type });

	return e < 0 ? e : link_answer(l, &reply);
}

int net_tx_segments(struct link *l, const char *step, uint8_t type, uint16_t size,
		    uint32_t len)
{
	unsigned char headers[PEER_SEGMENTS_HEADER];
	const struct peer_offload o = peer_segments(headers, type, size, len);
	struct peer_reply reply = { .digest = DIGEST_START };
	unsigned char *buf = mem_ptr(&l->s->mem, MEM_TX_BUF, 0);
	unsigned char *payload = buf + session_header(l->s) + o.header;
	int e = try_segments(l, type);

	if (e == 0)
		e = link_ask(l, &(struct peer_request){
					.op = PEER_RECV, .segments = type, .len = len });
	if (e < 0)
		return e;
	memset(buf, 0, session_header(l->s));
	peer_offload_put(&o, buf);
	memcpy(buf + session_header(l->s), headers, o.header);
	payload_fill(SEED_TX, 0, payload, len);
	link_publish(l, session_header(l->s), o.header + len);
	e = link_send(l);
	if (e == 0)
		e = link_answer(l, &reply);
	note_offload(l->s, step, &reply.offload);
	session_bytes(
		l->s, step, EV_TX,
		(struct session_moved){ len, digest_add(DIGEST_START, payload, len) },
		(struct session_moved){ reply.bytes, reply.digest });
	return e;
}

int net_rx_segments(struct link *l, const char *step, uint8_t type, uint16_t size,
		    uint32_t len)
{
	unsigned char headers[PEER_SEGMENTS_HEADER];
	const struct wanted w = { ETHERTYPE_IP,
				  peer_segments(headers, type, size, len).header };
	struct peer_reply reply = { .digest = DIGEST_START };
	struct session_moved got = { .digest = DIGEST_START };
	struct peer_offload o;
	int e = try_segments(l, type);

	if (e == 0)
		e = link_ask(l, &(struct peer_request){ .op = PEER_SEND,
							.segments = type,
							.seed = SEED_RX,
							.frame = size,
							.len = len });
	if (e < 0)
		return e;
	e = frames_receive(l, &w, len, &got);
	o = peer_offload_get(l->rx_header);
	note_offload(l->s, step, &o);
	if (e == 0)
		e = link_answer(l, &reply);
	session_bytes(l->s, step, EV_RX,
		      (struct session_moved){ reply.bytes, reply.digest }, got);
	return e < 0 ? e : session_barrier(l->s);
}

const struct link_ops net_link = {
	.connect = connect_nothing,
	.tx = frames_tx,
	.rx = frames_rx,
	.queue = queue_one,
};
