/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include "base/payload.h"
#include "guest/vsock.h"

#define SERVE_ROUNDS 64
#define GUEST_BUFFER (64u * 1024u)
#define SEED_TX 1u
#define SEED_RX 2u

_Static_assert(sizeof(struct virtio_vsock_hdr) == VSOCK_HEADER, "header as on the wire");

static uint64_t guest_address(const struct vsock *v, enum mem_region_id id,
			      uint64_t offset)
{
	return session_writes_iova(v->s) ? mem_iova(id, offset)
					 : mem_gpa(&v->s->mem, id, offset);
}

static unsigned int rx_buffers(const struct ring *r)
{
	return r->size < MEM_BUFS ? r->size : MEM_BUFS;
}

int vsock_post_rx(struct vsock *v)
{
	struct ring *r = &v->s->ring[QUEUE_RX];

	for (unsigned int i = 0; i < rx_buffers(r); i++) {
		ring_desc(r, i, guest_address(v, MEM_RX_BUF, (uint64_t)i * MEM_PAGE),
			  MEM_PAGE, RING_WRITE, 0);
		ring_avail_put(r, (uint16_t)i);
	}
	ring_event(r);
	ring_publish(r);
	return session_kick(v->s, QUEUE_RX);
}

int vsock_begin(struct vsock *v, struct session *s, const struct session_config *c)
{
	int r = session_peer(s);

	*v = (struct vsock){ .s = s };
	if (r == 0)
		r = session_open(s);
	if (r == 0)
		r = session_setup(s, c);
	if (r == 0)
		r = session_running(s, "start", 1);
	return r < 0 ? r : vsock_post_rx(v);
}

int vsock_recycle(struct vsock *v, const struct vsock_packet *packet)
{
	struct ring *r = &v->s->ring[QUEUE_RX];

	ring_avail_put(r, packet->head);
	ring_event(r);
	ring_publish(r);
	return session_kick(v->s, QUEUE_RX);
}

static void packet_write(struct vsock *v, uint16_t op, uint32_t port, const void *payload,
			 uint32_t len)
{
	unsigned char *buf = mem_ptr(&v->s->mem, MEM_TX_BUF, 0);
	const struct virtio_vsock_hdr header = {
		.src_cid = htole64(v->s->cid),
		.dst_cid = htole64(2),
		.src_port = htole32(VSOCK_GUEST_PORT),
		.dst_port = htole32(port),
		.len = htole32(len),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
		.buf_alloc = htole32(GUEST_BUFFER),
		.fwd_cnt = htole32(v->received),
	};

	memcpy(buf, &header, sizeof(header));
	if (len)
		memcpy(buf + VSOCK_HEADER, payload, len);
}

static void packet_describe(struct vsock *v, uint32_t len)
{
	struct ring *r = &v->s->ring[QUEUE_TX];
	uint64_t header = guest_address(v, MEM_TX_BUF, 0);
	uint64_t payload = guest_address(v, MEM_TX_BUF, VSOCK_HEADER);

	if (v->shape == VSOCK_CHAIN && len) {
		ring_desc(r, 0, header, VSOCK_HEADER, RING_NEXT, 1);
		ring_desc(r, 1, payload, len, 0, 0);
	} else if (v->shape == VSOCK_INDIRECT && len) {
		ring_indirect(r, 0, header, VSOCK_HEADER, RING_NEXT, 1);
		ring_indirect(r, 1, payload, len, 0, 0);
		ring_desc(r, 0, guest_address(v, MEM_INDIRECT, 0), 32, RING_INDIRECT, 0);
	} else {
		ring_desc(r, 0, header, VSOCK_HEADER + len, 0, 0);
	}
}

/* Flushes until the transmit queue moved; serves misses on the way if asked to. */
static int tx_settle(struct vsock *v)
{
	struct ring *r = &v->s->ring[QUEUE_TX];
	struct ring_used used = { 0 };

	for (int i = 0; i < SERVE_ROUNDS; i++) {
		int e = session_barrier(v->s);

		if (e < 0)
			return e;
		if (ring_take(r, &used)) {
			v->tx_used_len = used.len;
			return 0;
		}
		e = v->serve ? session_serve_misses(v->s, "miss") : 0;
		if (e < 0)
			return e;
		if (e == 0)
			break;
	}
	return session_stalled(v->s, "stall", QUEUE_TX) < 0 ? -EIO : -ENODATA;
}

void vsock_queue(struct vsock *v, uint16_t op, uint32_t port, const void *payload,
		 uint32_t len)
{
	struct ring *r = &v->s->ring[QUEUE_TX];

	packet_write(v, op, port, payload, len);
	packet_describe(v, len);
	ring_avail_put(r, 0);
	ring_event(r);
	ring_publish(r);
}

int vsock_send(struct vsock *v, uint16_t op, uint32_t port, const void *payload,
	       uint32_t len)
{
	int e = 0;

	if (len > VSOCK_ROOM)
		return -EMSGSIZE;
	vsock_queue(v, op, port, payload, len);
	e = session_kick(v->s, QUEUE_TX);
	return e < 0 ? e : tx_settle(v);
}

/* Takes a packet if one is there: 1, 0, or -EPROTO for an element that makes no sense. */
static int rx_take(struct vsock *v, struct vsock_packet *ret_packet)
{
	struct ring *r = &v->s->ring[QUEUE_RX];
	struct vsock_packet p = { 0 };
	struct ring_used used = { 0 };
	const unsigned char *buf = NULL;

	if (!ring_take(r, &used))
		return 0;
	v->rx_used_len = used.len;
	if (used.id >= rx_buffers(r) || used.len < VSOCK_HEADER || used.len > MEM_PAGE)
		return -EPROTO;
	buf = mem_ptr(&v->s->mem, MEM_RX_BUF, (uint64_t)used.id * MEM_PAGE);
	memcpy(&p.header, buf, sizeof(p.header));
	p.payload = buf + VSOCK_HEADER;
	p.len = le32toh(p.header.len);
	p.head = (uint16_t)used.id;
	if (p.len > used.len - VSOCK_HEADER)
		return -EPROTO;
	*ret_packet = p;
	return 1;
}

static bool about_credit(const struct vsock_packet *p)
{
	return le16toh(p->header.op) == VIRTIO_VSOCK_OP_CREDIT_UPDATE ||
	       le16toh(p->header.op) == VIRTIO_VSOCK_OP_CREDIT_REQUEST;
}

/* Takes the next packet that is not about credit, without waiting: 1, 0 or -errno. */
static int rx_next(struct vsock *v, struct vsock_packet *ret_packet)
{
	for (;;) {
		int e = rx_take(v, ret_packet);

		if (e <= 0 || !about_credit(ret_packet))
			return e;
		e = vsock_recycle(v, ret_packet);
		if (e < 0)
			return e;
		if (le16toh(ret_packet->header.op) != VIRTIO_VSOCK_OP_CREDIT_REQUEST)
			continue;
		e = vsock_send(v, VIRTIO_VSOCK_OP_CREDIT_UPDATE, v->peer_port, NULL, 0);
		if (e < 0)
			return e;
	}
}

/*
 * Waits for the device, the call eventfd of rx or the peer. Misses are served, or make
 * it a stall. 0 to look again, -ENODATA, -ETIME or -errno.
 */
static int wait_for_news(struct vsock *v)
{
	const struct seam *seam = v->s->seam;
	struct pollfd fds[] = {
		{ .fd = v->s->iotlb ? DEV_SELF : -1, .events = POLLIN },
		{ .fd = v->s->call[QUEUE_RX], .events = POLLIN },
		{ .fd = v->answered ? -1 : seam->peer->ops->fd(seam->peer),
		  .events = POLLIN },
	};
	uint64_t count = 0;
	int e = seam->dev->ops->poll(seam->dev, fds, ARRAY_SIZE(fds), v->s->until);

	if (e == 0)
		return -ETIME;
	if (e < 0)
		return e;
	if (fds[1].revents & POLLIN &&
	    read(v->s->call[QUEUE_RX], &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	if (fds[2].revents) {
		e = seam->peer->ops->reply(seam->peer, &v->answer);
		if (e < 0 && e != -EAGAIN)
			return e;
		v->answered = e == 0;
	}
	if (!(fds[0].revents & POLLIN))
		return 0;
	if (v->serve) {
		e = session_serve_misses(v->s, "miss");
		return e < 0 ? e : 0;
	}
	return session_stalled(v->s, "stall", QUEUE_RX) < 0 ? -EIO : -ENODATA;
}

/* A reply is queued by the worker after the request: two flushes bring it (3.6). */
static int rx_prompt(struct vsock *v, struct vsock_packet *ret_packet)
{
	for (int i = 0; i < SERVE_ROUNDS; i++) {
		int e = rx_next(v, ret_packet);

		if (e == 0)
			e = session_barrier(v->s);
		if (e == 0)
			e = session_barrier(v->s);
		if (e == 0)
			e = rx_next(v, ret_packet);
		if (e != 0)
			return e < 0 ? e : 0;
		e = v->serve ? session_serve_misses(v->s, "miss") : 0;
		if (e < 0)
			return e;
		if (e == 0)
			break;
	}
	return session_stalled(v->s, "stall", QUEUE_RX) < 0 ? -EIO : -ENODATA;
}

int vsock_receive(struct vsock *v, bool prompt, struct vsock_packet *ret_packet)
{
	if (prompt)
		return rx_prompt(v, ret_packet);
	for (;;) {
		int e = rx_next(v, ret_packet);

		if (e != 0)
			return e < 0 ? e : 0;
		/* a peer that failed will send nothing more */
		if (v->answered && v->answer.err)
			return -v->answer.err;
		e = wait_for_news(v);
		if (e < 0)
			return e;
	}
}

static int peer_ask(struct vsock *v, const struct peer_request *request)
{
	v->answered = false;
	return v->s->seam->peer->ops->request(v->s->seam->peer, request);
}

/* Waits for the peer's answer; 0, or the -errno that it or the wait came to. */
static int peer_answer(struct vsock *v, struct peer_reply *ret_reply)
{
	while (!v->answered) {
		int e = wait_for_news(v);

		if (e < 0)
			return e;
	}
	v->answered = false;
	*ret_reply = v->answer;
	return -ret_reply->err;
}

static int peer_do(struct vsock *v, enum peer_op op, struct peer_reply *ret_reply)
{
	int e = peer_ask(v, &(struct peer_request){ .op = op });

	return e < 0 ? e : peer_answer(v, ret_reply);
}

static const char *op_word(const struct vsock_packet *p)
{
	static const char *const words[] = {
		"invalid",  "request", "response",      "rst",
		"shutdown", "rw",      "credit_update", "credit_request",
	};
	unsigned int op = le16toh(p->header.op);

	return op < ARRAY_SIZE(words) ? words[op] : "unknown";
}

/* Takes one packet, records its operation as fact "reply" and gives the buffer back. */
static int expect_packet(struct vsock *v, const char *step, bool prompt,
			 struct vsock_packet *ret_packet)
{
	int e = vsock_receive(v, prompt, ret_packet);

	if (e < 0)
		return e;
	session_fact(v->s, step, "reply", "%s", op_word(ret_packet));
	return vsock_recycle(v, ret_packet);
}

int vsock_closed_port(struct vsock *v)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	int e = peer_do(v, PEER_CLOSED_PORT, &reply);

	if (e == 0)
		e = vsock_send(v, VIRTIO_VSOCK_OP_REQUEST, reply.port, NULL, 0);
	return e < 0 ? e : expect_packet(v, "closed_port", true, &p);
}

int vsock_guest_connects(struct vsock *v)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	int e = peer_do(v, PEER_LISTEN, &reply);

	v->peer_port = reply.port;
	v->received = 0;
	if (e == 0)
		e = vsock_send(v, VIRTIO_VSOCK_OP_REQUEST, v->peer_port, NULL, 0);
	if (e == 0)
		e = expect_packet(v, "connect", true, &p);
	if (e == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_RESPONSE)
		e = -ECONNREFUSED;
	return e < 0 ? e : peer_do(v, PEER_ACCEPT, &reply);
}

int vsock_host_connects(struct vsock *v)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	int e = peer_ask(v, &(struct peer_request){ .op = PEER_CONNECT,
						    .cid = v->s->cid,
						    .port = VSOCK_GUEST_PORT });

	v->received = 0;
	if (e == 0)
		e = expect_packet(v, "connect", false, &p);
	if (e == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_REQUEST)
		e = -EPROTO;
	v->peer_port = le32toh(p.header.src_port);
	if (e == 0)
		e = vsock_send(v, VIRTIO_VSOCK_OP_RESPONSE, v->peer_port, NULL, 0);
	return e < 0 ? e : peer_answer(v, &reply);
}

int vsock_tx(struct vsock *v, const char *step, uint32_t len)
{
	unsigned char chunk[VSOCK_ROOM];
	struct peer_reply reply = { .digest = DIGEST_START };
	uint64_t digest = DIGEST_START;
	uint32_t sent = 0;
	int e = peer_ask(v, &(struct peer_request){ .op = PEER_RECV, .len = len });

	while (e == 0 && sent < len) {
		uint32_t n = len - sent < VSOCK_ROOM ? len - sent : VSOCK_ROOM;

		payload_fill(SEED_TX, sent, chunk, n);
		e = vsock_send(v, VIRTIO_VSOCK_OP_RW, v->peer_port, chunk, n);
		if (e < 0)
			break;
		digest = digest_add(digest, chunk, n);
		sent += n;
	}
	if (e == 0)
		e = peer_answer(v, &reply);
	session_bytes(v->s, step, EV_TX, (struct session_moved){ sent, digest },
		      (struct session_moved){ reply.bytes, reply.digest });
	return e;
}

int vsock_rx(struct vsock *v, const char *step, uint32_t len)
{
	struct peer_reply reply = { .digest = DIGEST_START };
	uint64_t digest = DIGEST_START;
	uint32_t received = 0;
	int e = peer_ask(v, &(struct peer_request){
				    .op = PEER_SEND, .len = len, .seed = SEED_RX });

	while (e == 0 && received < len) {
		struct vsock_packet p = { 0 };

		e = vsock_receive(v, false, &p);
		if (e < 0)
			break;
		if (le16toh(p.header.op) != VIRTIO_VSOCK_OP_RW) {
			session_fact(v->s, step, "reply", "%s", op_word(&p));
			e = -EPROTO;
			break;
		}
		digest = digest_add(digest, p.payload, p.len);
		received += p.len;
		v->received += p.len;
		e = vsock_recycle(v, &p);
	}
	if (e == 0)
		e = peer_answer(v, &reply);
	session_bytes(v->s, step, EV_RX,
		      (struct session_moved){ reply.bytes, reply.digest },
		      (struct session_moved){ received, digest });
	return e;
}

int vsock_both_ways(struct vsock *v, uint32_t len)
{
	int e = vsock_guest_connects(v);

	if (e == 0)
		e = vsock_tx(v, "tx", len);
	return e < 0 ? e : vsock_rx(v, "rx", len);
}
