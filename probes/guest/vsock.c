/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include "base/payload.h"
#include "guest/vsock.h"

#define GUEST_BUFFER (64u * 1024u)
#define SEED_TX 1u
#define SEED_RX 2u

/* Between one connection's seeds and the next one's. */
#define SEED_STEP 16u

_Static_assert(sizeof(struct virtio_vsock_hdr) == VSOCK_HEADER, "header as on the wire");

struct virtio_vsock_hdr vsock_header(const struct link *l, uint16_t op, uint32_t port,
				     uint32_t len)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(l->s->cid),
		.dst_cid = htole64(2),
		.src_port = htole32(l->guest_port ? l->guest_port : VSOCK_GUEST_PORT),
		.dst_port = htole32(port),
		.len = htole32(len),
		.type = htole16(l->seqpacket ? VIRTIO_VSOCK_TYPE_SEQPACKET
					     : VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
		.buf_alloc = htole32(l->buf_alloc ? l->buf_alloc : GUEST_BUFFER),
		.fwd_cnt = htole32(l->received),
	};
}

static void write_packet(struct link *l, const struct virtio_vsock_hdr *header,
			 const void *payload)
{
	unsigned char *buf = mem_ptr(&l->s->mem, MEM_TX_BUF, 0);
	uint32_t len = le32toh(header->len);

	memcpy(buf, header, sizeof(*header));
	if (len)
		memcpy(buf + VSOCK_HEADER, payload, len);
	link_publish(l, VSOCK_HEADER, len);
}

void vsock_queue(struct link *l, uint16_t op, uint32_t port, const void *payload,
		 uint32_t len)
{
	const struct virtio_vsock_hdr header = vsock_header(l, op, port, len);

	write_packet(l, &header, payload);
}

int vsock_send_header(struct link *l, const struct virtio_vsock_hdr *header,
		      const void *payload)
{
	if (le32toh(header->len) > VSOCK_ROOM)
		return -EMSGSIZE;
	write_packet(l, header, payload);
	return link_send(l);
}

int vsock_send(struct link *l, uint16_t op, uint32_t port, const void *payload,
	       uint32_t len)
{
	const struct virtio_vsock_hdr header = vsock_header(l, op, port, len);

	return vsock_send_header(l, &header, payload);
}

int vsock_take(struct link *l, struct vsock_packet *ret_packet)
{
	struct ring *r = &l->s->ring[QUEUE_RX];
	struct vsock_packet p = { 0 };
	struct ring_used used = { 0 };
	const unsigned char *buf = NULL;
	int buffer = 0;

	if (!ring_take(r, &used))
		return 0;
	l->rx_used_len = used.len;
	buffer = link_rx_buffer(l, used.id);
	if (buffer < 0 || used.len < VSOCK_HEADER || used.len > MEM_PAGE)
		return -EPROTO;
	buf = mem_ptr(&l->s->mem, MEM_RX_BUF, (uint64_t)buffer * MEM_PAGE);
	memcpy(&p.header, buf, sizeof(p.header));
	p.payload = buf + VSOCK_HEADER;
	p.len = le32toh(p.header.len);
	p.buffer = (unsigned int)buffer;
	if (p.len > used.len - VSOCK_HEADER)
		return -EPROTO;
	*ret_packet = p;
	return 1;
}

int vsock_settle(const struct link *l)
{
	int e = session_barrier(l->s);

	return e < 0 ? e : session_barrier(l->s);
}

static bool about_credit(const struct vsock_packet *p)
{
	return le16toh(p->header.op) == VIRTIO_VSOCK_OP_CREDIT_UPDATE ||
	       le16toh(p->header.op) == VIRTIO_VSOCK_OP_CREDIT_REQUEST;
}

/* Takes the next packet that is not about credit, without waiting: 1, 0 or -errno. */
static int rx_next(struct link *l, struct vsock_packet *ret_packet)
{
	for (;;) {
		int e = vsock_take(l, ret_packet);

		if (e <= 0 || !about_credit(ret_packet))
			return e;
		e = link_recycle(l, ret_packet->buffer);
		if (e < 0)
			return e;
		if (le16toh(ret_packet->header.op) != VIRTIO_VSOCK_OP_CREDIT_REQUEST)
			continue;
		e = vsock_send(l, VIRTIO_VSOCK_OP_CREDIT_UPDATE, l->peer_port, NULL, 0);
		if (e < 0)
			return e;
	}
}

/* A reply is queued by the worker after the request: two flushes bring it (3.6). */
static int rx_prompt(struct link *l, struct vsock_packet *ret_packet)
{
	for (int i = 0; i < LINK_SERVE_ROUNDS; i++) {
		int e = rx_next(l, ret_packet);

		if (e == 0)
			e = vsock_settle(l);
		if (e == 0)
			e = rx_next(l, ret_packet);
		if (e != 0)
			return e < 0 ? e : 0;
		e = l->serve ? session_serve_misses(l->s) : 0;
		if (e < 0)
			return e;
		if (e == 0)
			break;
	}
	return session_stalled(l->s, "stall", QUEUE_RX) < 0 ? -EIO : -ENODATA;
}

int vsock_receive(struct link *l, bool prompt, struct vsock_packet *ret_packet)
{
	if (prompt)
		return rx_prompt(l, ret_packet);
	for (;;) {
		int e = rx_next(l, ret_packet);

		if (e != 0)
			return e < 0 ? e : 0;
		/* a peer that failed will send nothing more */
		if (l->answered && l->answer.err)
			return -l->answer.err;
		e = link_wait(l);
		if (e < 0)
			return e;
	}
}

const char *vsock_op_word(const struct vsock_packet *p)
{
	static const char *const words[] = {
		"invalid",  "request", "response",      "rst",
		"shutdown", "rw",      "credit_update", "credit_request",
	};
	unsigned int op = le16toh(p->header.op);

	return op < ARRAY_SIZE(words) ? words[op] : "unknown";
}

int vsock_expect(struct link *l, const char *step, bool prompt,
		 struct vsock_packet *ret_packet)
{
	int e = vsock_receive(l, prompt, ret_packet);

	if (e < 0)
		return e;
	session_fact(l->s, step, "reply", "%s", vsock_op_word(ret_packet));
	return link_recycle(l, ret_packet->buffer);
}

int vsock_closed_port(struct link *l)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	int e = link_do(l, PEER_CLOSED_PORT, &reply);

	if (e == 0)
		e = vsock_send(l, VIRTIO_VSOCK_OP_REQUEST, reply.port, NULL, 0);
	return e < 0 ? e : vsock_expect(l, "closed_port", true, &p);
}

static int guest_connects(struct link *l)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	int e = link_do(l, l->seqpacket ? PEER_LISTEN_SEQPACKET : PEER_LISTEN, &reply);

	l->peer_port = reply.port;
	l->received = 0;
	if (e == 0)
		e = vsock_send(l, VIRTIO_VSOCK_OP_REQUEST, l->peer_port, NULL, 0);
	if (e == 0)
		e = vsock_expect(l, "connect", true, &p);
	if (e == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_RESPONSE)
		e = -ECONNREFUSED;
	return e < 0 ? e : link_do(l, PEER_ACCEPT, &reply);
}

int vsock_host_connects(struct link *l)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	int e = link_ask(l, &(struct peer_request){ .op = PEER_CONNECT,
						    .slot = l->slot,
						    .cid = l->s->cid,
						    .port = VSOCK_GUEST_PORT });

	l->received = 0;
	if (e == 0)
		e = vsock_expect(l, "connect", false, &p);
	if (e == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_REQUEST)
		e = -EPROTO;
	l->peer_port = le32toh(p.header.src_port);
	if (e == 0)
		e = vsock_send(l, VIRTIO_VSOCK_OP_RESPONSE, l->peer_port, NULL, 0);
	return e < 0 ? e : link_answer(l, &reply);
}

static int stream_tx(struct link *l, const char *step, uint32_t len)
{
	unsigned char chunk[VSOCK_ROOM];
	struct peer_reply reply = { .digest = DIGEST_START };
	uint64_t digest = DIGEST_START;
	uint32_t sent = 0;
	int e = link_ask(l, &(struct peer_request){
				    .op = PEER_RECV, .slot = l->slot, .len = len });

	while (e == 0 && sent < len) {
		uint32_t n = len - sent < VSOCK_ROOM ? len - sent : VSOCK_ROOM;

		payload_fill(SEED_TX + SEED_STEP * l->slot, sent, chunk, n);
		e = vsock_send(l, VIRTIO_VSOCK_OP_RW, l->peer_port, chunk, n);
		if (e < 0)
			break;
		digest = digest_add(digest, chunk, n);
		sent += n;
	}
	if (e == 0)
		e = link_answer(l, &reply);
	session_bytes(l->s, step, EV_TX, (struct session_moved){ sent, digest },
		      (struct session_moved){ reply.bytes, reply.digest });
	return e;
}

static int stream_rx(struct link *l, const char *step, uint32_t len)
{
	struct peer_reply reply = { .digest = DIGEST_START };
	uint64_t digest = DIGEST_START;
	uint32_t received = 0;
	int e = link_ask(l,
			 &(struct peer_request){ .op = PEER_SEND,
						 .slot = l->slot,
						 .len = len,
						 .seed = SEED_RX + SEED_STEP * l->slot });

	while (e == 0 && received < len) {
		struct vsock_packet p = { 0 };

		e = vsock_receive(l, false, &p);
		if (e < 0)
			break;
		if (le16toh(p.header.op) != VIRTIO_VSOCK_OP_RW) {
			session_fact(l->s, step, "reply", "%s", vsock_op_word(&p));
			e = -EPROTO;
			break;
		}
		digest = digest_add(digest, p.payload, p.len);
		received += p.len;
		l->received += p.len;
		e = link_recycle(l, p.buffer);
	}
	if (e == 0)
		e = link_answer(l, &reply);
	session_bytes(l->s, step, EV_RX,
		      (struct session_moved){ reply.bytes, reply.digest },
		      (struct session_moved){ received, digest });
	return e;
}

/* About credit: it may be lost, or arrive, and changes nothing. */
static void queue_one(struct link *l)
{
	vsock_queue(l, VIRTIO_VSOCK_OP_CREDIT_UPDATE, l->peer_port, NULL, 0);
}

const struct link_ops vsock_link = {
	.connect = guest_connects,
	.tx = stream_tx,
	.rx = stream_rx,
	.queue = queue_one,
};
