/* SPDX-License-Identifier: MIT */
/* Area hostile: receive rings that no driver may write, and packets that lie. */
#include <endian.h>
#include <string.h>
#include <sys/eventfd.h>

#include "checks/hostile.h"
#include "guest/vsock.h"

#define SEED_WAITING 7u

/** struct rx_bend - one thing wrong with a receive ring whose descriptor 0 is good */
struct rx_bend {
	const char *step;
	void (*make)(struct link *l, struct ring *r);
};

static void rx_desc(struct link *l, unsigned int i, uint32_t len, uint16_t flags,
		    uint16_t next)
{
	ring_desc(&l->s->ring[QUEUE_RX], i, link_address(l, MEM_RX_BUF, 0), len, flags,
		  next);
}

static void rx_loop(struct link *l, struct ring *r)
{
	(void)r;
	rx_desc(l, 0, MEM_PAGE, RING_WRITE | RING_NEXT, 1);
	rx_desc(l, 1, MEM_PAGE, RING_WRITE | RING_NEXT, 0);
}

static void rx_next(struct link *l, struct ring *r)
{
	rx_desc(l, 0, MEM_PAGE, RING_WRITE | RING_NEXT, (uint16_t)r->size);
}

static void rx_head(struct link *l, struct ring *r)
{
	(void)l;
	r->next_avail--;
	ring_avail_put(r, (uint16_t)r->size);
}

static void rx_order(struct link *l, struct ring *r)
{
	(void)r;
	rx_desc(l, 0, MEM_PAGE, RING_WRITE | RING_NEXT, 1);
	rx_desc(l, 1, MEM_PAGE, 0, 0);
}

static void rx_readable(struct link *l, struct ring *r)
{
	(void)r;
	rx_desc(l, 0, MEM_PAGE, 0, 0);
}

static void rx_empty(struct link *l, struct ring *r)
{
	(void)r;
	rx_desc(l, 0, 0, RING_WRITE, 0);
}

static const struct rx_bend rx_bends[] = {
	{ "loop", rx_loop },           { "next", rx_next },         { "head", rx_head },
	{ "written_first", rx_order }, { "readable", rx_readable }, { "empty", rx_empty },
};

/* Something waits for the guest: on net a frame in the tap, which no device takes. */
static int something_waits(struct link *l, struct peer_reply *reply)
{
	if (l->s->family == FAMILY_VSOCK)
		return link_do(l, PEER_CLOSED_PORT, reply);
	if (link_ask(l, &(struct peer_request){ .op = PEER_SEND,
						.seed = SEED_WAITING,
						.frame = SHORT_BYTES,
						.len = SHORT_BYTES }) < 0)
		return -EPIPE;
	return link_answer(l, reply);
}

/* The device has something to write: on vsock the answer to what the guest asks for. */
static int make_it_write(struct link *l, uint32_t port)
{
	int r = 0;

	if (l->s->family == FAMILY_VSOCK)
		r = vsock_send(l, VIRTIO_VSOCK_OP_REQUEST, port, NULL, 0);
	if (r == 0)
		r = session_barrier(l->s);
	if (r >= 0)
		r = session_barrier(l->s);
	return r < 0 ? r : 0;
}

/* How often a device comes back to what waits, and so how many errors there are, is a
 * matter of pace: whether there was one counts. */
static int kick_rx(struct session *s, const char *step)
{
	eventfd_t errors = 0;
	int r = session_kick(s, QUEUE_RX);

	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, step, QUEUE_RX);
	session_fact(s, step, "error", "%s",
		     eventfd_read(s->err[QUEUE_RX], &errors) == 0 && errors ? "signalled"
									    : "silent");
	return r < 0 ? r : 0;
}

static int try_rx(struct link *l, struct session *s, const struct rx_bend *bend,
		  struct peer_reply *reply)
{
	struct ring *ring = &s->ring[QUEUE_RX];
	int r = 0;

	hostile_close(s);
	r = link_open(l, s, &plain_start);
	if (r == 0 && !reply->op)
		r = something_waits(l, reply);
	if (r < 0)
		return r;
	reply->op = PEER_SEND;
	canary_lay(s, MEM_RX_BUF);
	rx_desc(l, 0, MEM_PAGE, RING_WRITE, 0);
	ring_avail_put(ring, 0);
	bend->make(l, ring);
	ring_publish(ring);
	r = session_running(s, "start", 1);
	if (r >= 0)
		r = make_it_write(l, reply->port);
	if (r < 0)
		return r;
	r = kick_rx(s, bend->step);
	canary_note(s, bend->step, MEM_RX_BUF);
	return r < 0 ? r : 0;
}

static int collect_rx_ring(struct session *s)
{
	struct peer_reply reply = { 0 };
	struct link l;
	int r = session_peer(s);

	for (size_t i = 0; i < ARRAY_SIZE(rx_bends) && r == 0; i++)
		r = try_rx(&l, s, &rx_bends[i], &reply);
	if (r < 0)
		return r;
	/* what waits at the other end is not the next device's */
	hostile_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	r = session_peer(s);
	return r < 0 ? r : hostile_fresh(s);
}

static void judge_rx_ring(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(rx_bends); i++) {
		const char *step = rx_bends[i].step;
		const struct ev *ring = judge_need(j, EV_RING, step);

		judge_fact(j, step, "error", "signalled");
		judge_fact(j, step, "rx.buf", "untouched");
		if (ring)
			judge_that(j, ring->ring.used.set && ring->ring.used.v == 0,
				   "step \"%s\": a receive buffer came back used", step);
	}
	judge_fresh(j);
}

const struct check hostile_rx_ring = {
	.area = "hostile",
	.name = "rx_ring",
	.families = ON_BOTH,
	.title = "nothing is received into a bad receive ring",
	.contract =
		"A receive ring with a loop, an index out of range, something to read, or a "
		"buffer of no length makes the error eventfd be signalled; no byte is "
		"written, no buffer used, and a fresh descriptor works.",
	.harm = "The host writes where the guest did not let it: into memory that is only "
		"to be read, or beyond the ring.",
	.judged =
		"Each on a fresh device while something waits to be received: flush, kick, "
		"flush, the error eventfd, the used index, a pattern in the buffers; then "
		"a transfer both ways. What GET_VRING_BASE says is recorded.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("get_rx_bufs() in drivers/vhost/net.c",
		      "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c"),
	.faults = WORDS("rx_readable_written"),
	.collect = collect_rx_ring,
	.judge = judge_rx_ring,
};

/* ----------------------------------------------------- packets that lie */

/** struct lie - one thing wrong with a packet of the guest's */
struct lie {
	const char *step;
	uint32_t bytes, len; /* of the descriptor, and as the header says */
};

static const struct lie lies[] = {
	{ "longer_than_buffer", VSOCK_HEADER + 100, 101 },
	{ "longest", VSOCK_HEADER + 100, UINT32_MAX },
	{ "header_cut", VSOCK_HEADER - 1, 0 },
	{ "one_byte", 1, 0 },
};

/* Payload that is not there, on a connection that is. */
static void tell_lie(struct link *l, const struct lie *lie)
{
	unsigned char nothing[100] = { 0 };
	unsigned char *header = mem_ptr(&l->s->mem, MEM_TX_BUF, 0);
	const uint32_t len = htole32(lie->len);

	vsock_queue(l, VIRTIO_VSOCK_OP_RW, l->peer_port, nothing, sizeof(nothing));
	memcpy(header + offsetof(struct virtio_vsock_hdr, len), &len, sizeof(len));
	ring_desc(&l->s->ring[QUEUE_TX], 0, link_address(l, MEM_TX_BUF, 0), lie->bytes, 0,
		  0);
}

static int collect_packet_length(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	for (size_t i = 0; i < ARRAY_SIZE(lies) && r == 0; i++) {
		r = hostile_open(&l, s, &plain_start);
		if (r == 0)
			r = link_connect(&l);
		if (r < 0)
			break;
		session_note_eventfds(s, "connected", QUEUE_TX);
		tell_lie(&l, &lies[i]);
		r = session_stalled(s, lies[i].step, QUEUE_TX);
		r = r < 0 ? r : 0;
	}
	return r < 0 ? r : hostile_fresh(s);
}

static void judge_packet_length(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++)
		judge_signalled(j, lies[i].step);
	judge_fresh(j);
}

const struct check hostile_packet_length = {
	.area = "hostile",
	.name = "packet_length",
	.families = ON_VSOCK,
	.title = "a packet shorter than it says is an error",
	.contract =
		"A packet whose header claims more payload than its buffer holds, or whose "
		"buffer does not hold the header, is not delivered and makes the error "
		"eventfd be signalled; a fresh descriptor works.",
	.harm = "The host reads past the buffer, and a socket of the host gets memory that "
		"the guest did not send.",
	.judged = "A length one too large, the largest, a header cut short and a single "
		  "byte, each on a fresh device with a connection; then a transfer both "
		  "ways. The indices are recorded.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_alloc_skb() in drivers/vhost/vsock.c",
		      "virtio-1.2 5.10.6"),
	.faults = WORDS("packet_length_cut"),
	.collect = collect_packet_length,
	.judge = judge_packet_length,
};
