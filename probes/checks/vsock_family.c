/* SPDX-License-Identifier: MIT */
/* Area family of vhost-vsock: addresses, resets, shutdown, and room for answers. */
#include <endian.h>
#include <string.h>

#include "checks/rows.h"
#include "guest/vsock.h"

/*
 * Records what came back, "none" if nothing did. The device had all the time it needs.
 * The host may say at any time how much room it has: that is no answer.
 */
static int note_answer(struct link *l, const char *step)
{
	struct vsock_packet p = { 0 };
	int r = vsock_settle(l);

	if (r >= 0)
		r = vsock_take(l, &p);
	while (r > 0 && le16toh(p.header.op) == VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
		r = link_recycle(l, p.buffer);
		if (r == 0)
			r = vsock_take(l, &p);
	}
	if (r >= 0)
		session_fact(l->s, step, "reply", "%s", r ? vsock_op_word(&p) : "none");
	return r > 0 ? link_recycle(l, p.buffer) : r;
}

static int send_and_note(struct link *l, const char *step,
			 const struct virtio_vsock_hdr *header)
{
	static const unsigned char nothing[VSOCK_ROOM] = { 0 };
	int r = vsock_send_header(l, header, nothing);

	return r < 0 ? r : note_answer(l, step);
}

/* --------------------------------------------------------------------- CIDs */

static int collect_cid_rules(struct session *s)
{
	struct virtio_vsock_hdr good, h;
	struct peer_reply reply = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_do(&l, PEER_CLOSED_PORT, &reply);
	if (r < 0)
		return r;
	good = h = vsock_header(&l, VIRTIO_VSOCK_OP_REQUEST, reply.port, 0);
	h.src_cid = htole64(s->cid ^ 1);
	r = send_and_note(&l, "other_source", &h);
	h.src_cid = htole64(UINT64_C(1) << 32 | s->cid);
	if (r == 0)
		r = send_and_note(&l, "long_source", &h);
	h = good;
	h.dst_cid = htole64(s->cid);
	if (r == 0)
		r = send_and_note(&l, "to_itself", &h);
	h.dst_cid = htole64(UINT64_C(1) << 32 | 2);
	if (r == 0)
		r = send_and_note(&l, "long_destination", &h);
	return r < 0 ? r : send_and_note(&l, "right", &good);
}

static void judge_cid_rules(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "other_source", "reply", "none");
	judge_fact(j, "long_source", "reply", "none");
	judge_fact(j, "to_itself", "reply", "none");
	judge_fact(j, "long_destination", "reply", "none");
	judge_fact(j, "right", "reply", "rst");
}

const struct check vsock_cid_rules = {
	.area = "family",
	.name = "cid_rules",
	.families = ON_VSOCK,
	.title = "packets with another source or destination are dropped",
	.contract =
		"The device takes packets from the CID of VHOST_VSOCK_SET_GUEST_CID to CID "
		"2, all 64 bits of both compared. It uses the buffers of others and does "
		"nothing else with them.",
	.harm = "A guest speaks to the host in another guest's name, or reaches what is "
		"not the host.",
	.judged = "REQUESTs with four wrong addresses must not be answered; one with the "
		  "right ones is, by RST, since nobody listens.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.4",
		      "vhost_vsock_handle_tx_kick() in drivers/vhost/vsock.c"),
	.faults = WORDS("cid_forged", "cid_anybody", "rst_missing"),
	.collect = collect_cid_rules,
	.judge = judge_cid_rules,
};

/* ---------------------------------------------------------------------- RST */

static int collect_unknown_connection(struct session *s)
{
	static const struct {
		const char *step;
		uint16_t op;
		uint32_t len;
	} strays[] = {
		{ "data", VIRTIO_VSOCK_OP_RW, SHORT_BYTES },
		{ "response", VIRTIO_VSOCK_OP_RESPONSE, 0 },
		{ "shutdown", VIRTIO_VSOCK_OP_SHUTDOWN, 0 },
		{ "rst", VIRTIO_VSOCK_OP_RST, 0 },
	};
	struct peer_reply reply = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_do(&l, PEER_CLOSED_PORT, &reply);
	for (size_t i = 0; i < ARRAY_SIZE(strays) && r == 0; i++) {
		const struct virtio_vsock_hdr h =
			vsock_header(&l, strays[i].op, reply.port, strays[i].len);

		r = send_and_note(&l, strays[i].step, &h);
	}
	if (r == 0)
		r = link_do(&l, PEER_LISTEN, &reply);
	if (r == 0) {
		const struct virtio_vsock_hdr h =
			vsock_header(&l, VIRTIO_VSOCK_OP_RW, reply.port, SHORT_BYTES);

		r = send_and_note(&l, "data_to_listener", &h);
	}
	return r;
}

static void judge_unknown_connection(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "data", "reply", "rst");
	judge_fact(j, "response", "reply", "rst");
	judge_fact(j, "shutdown", "reply", "rst");
	judge_fact(j, "rst", "reply", "none");
	judge_fact(j, "data_to_listener", "reply", "rst");
}

const struct check vsock_unknown_connection = {
	.area = "family",
	.name = "unknown_connection",
	.families = ON_VSOCK,
	.title = "what belongs to no connection is reset, and a reset is not answered",
	.contract =
		"RW, RESPONSE and SHUTDOWN for a connection that the host does not have "
		"are answered with RST, at a port with a listener too. RST is not "
		"answered.",
	.harm = "A guest whose host restarted its service waits on a dead connection for "
		"good; or two ends send each other resets for ever.",
	.judged =
		"One of each to a port without listener, and RW to one with a listener.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.5", "virtio_transport_reset_no_sock() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("rst_missing", "rst_is_shutdown", "rst_answered", "stray_silent"),
	.collect = collect_unknown_connection,
	.judge = judge_unknown_connection,
};

static int collect_unknown_type(struct session *s)
{
	struct peer_reply reply = { 0 };
	struct virtio_vsock_hdr h;
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_do(&l, PEER_LISTEN, &reply);
	if (r < 0)
		return r;
	h = vsock_header(&l, VIRTIO_VSOCK_OP_REQUEST, reply.port, 0);
	h.type = htole16(0x7f);
	r = send_and_note(&l, "unknown", &h);
	h.type = htole16(VIRTIO_VSOCK_TYPE_STREAM);
	return r < 0 ? r : send_and_note(&l, "stream", &h);
}

static void judge_unknown_type(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "unknown", "reply", "rst");
	judge_fact(j, "stream", "reply", "response");
}

const struct check vsock_unknown_type = {
	.area = "family",
	.name = "unknown_type",
	.families = ON_VSOCK,
	.title = "a packet of an unknown type is reset",
	.contract =
		"A packet whose type is neither stream nor seqpacket is answered with "
		"RST, whoever listens.",
	.harm = "A guest that knows a newer type takes the host to know it too.",
	.judged = "A REQUEST of type 0x7f to a listener, then one of type stream.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.4", "virtio_transport_recv_pkt() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("type_any", "rst_missing", "rst_is_shutdown"),
	.collect = collect_unknown_type,
	.judge = judge_unknown_type,
};

/* ------------------------------------------------------------ back-pressure */

/* Fills the transmit ring with REQUESTs to one port, and kicks. */
static int fill_tx(struct link *l, uint32_t port)
{
	const struct virtio_vsock_hdr h =
		vsock_header(l, VIRTIO_VSOCK_OP_REQUEST, port, 0);
	struct ring *r = &l->s->ring[QUEUE_TX];
	int e = 0;

	memcpy(mem_ptr(&l->s->mem, MEM_TX_BUF, 0), &h, sizeof(h));
	for (unsigned int i = 0; i < r->size; i++) {
		ring_desc(r, i, link_address(l, MEM_TX_BUF, 0), VSOCK_HEADER, 0, 0);
		ring_avail_put(r, (uint16_t)i);
	}
	ring_publish(r);
	e = session_kick(l->s, QUEUE_TX);
	return e < 0 ? e : vsock_settle(l);
}

/* Takes answers until none comes any more; what the ring transmits comes after them. */
static unsigned int count_resets(struct link *l, unsigned int most)
{
	struct vsock_packet p = { 0 };
	unsigned int n = 0;

	while (n < most && vsock_settle(l) == 0 && vsock_take(l, &p) == 1) {
		n += le16toh(p.header.op) == VIRTIO_VSOCK_OP_RST;
		if (link_recycle(l, p.buffer) < 0)
			break;
	}
	return n;
}

static int collect_back_pressure(struct session *s)
{
	struct peer_reply reply = { 0 };
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r == 0)
		r = session_running(s, "start", 1);
	if (r == 0)
		r = link_do(&l, PEER_CLOSED_PORT, &reply);
	if (r == 0)
		r = fill_tx(&l, reply.port);
	if (r < 0)
		return r;
	session_note_ring(s, "filled", QUEUE_TX);
	/* as many places as the device gave back; the descriptors are the same */
	if (ring_used_idx(&s->ring[QUEUE_TX]) == SESSION_RING_SIZE)
		r = fill_tx(&l, reply.port);
	session_note_ring(s, "blocked", QUEUE_TX);
	if (r == 0)
		r = link_post_rx(&l);
	session_fact(s, "resumed", "resets", "%u",
		     count_resets(&l, 2 * SESSION_RING_SIZE + 1));
	session_note_ring(s, "resumed", QUEUE_TX);
	return r;
}

static void judge_back_pressure(struct judge *j)
{
	const struct ev *blocked = judge_need(j, EV_RING, "blocked");

	judge_ok(j, "start");
	if (blocked)
		judge_that(j,
			   blocked->ring.used.set &&
				   blocked->ring.used.v / 2 < SESSION_RING_SIZE,
			   "%d requests were taken that nobody has room to answer",
			   (int)blocked->ring.used.v);
	judge_moved(j, "resumed", 0, 2 * SESSION_RING_SIZE);
	judge_fact(j, "resumed", "resets", "32");
}

const struct check vsock_back_pressure = {
	.area = "family",
	.name = "back_pressure",
	.families = ON_VSOCK,
	.title = "without room for answers the device stops, and goes on when there is",
	.contract =
		"While no receive buffers are posted, what must be answered is taken up to "
		"a bound and then left in the transmit ring. Once there are buffers, every "
		"answer is delivered and the ring is worked off, without another kick of "
		"it. Where the bound lies is left open.",
	.harm = "A guest fills the host's memory with answers that it does not fetch; or "
		"a pause of its driver stops its vsock for good.",
	.judged =
		"Twice as many REQUESTs to a closed port as the ring has places, with no "
		"receive buffer: some must stay. With buffers posted, as many RSTs.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.1",
		      "vhost_vsock_more_replies() in drivers/vhost/vsock.c"),
	.faults = WORDS("replies_unbound", "replies_stuck", "rst_missing",
			"rst_is_shutdown"),
	.collect = collect_back_pressure,
	.judge = judge_back_pressure,
};

/* ------------------------------------------------------------- end of it all */

static int collect_peer_close(struct session *s)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_do(&l, PEER_HANGUP, &reply);
	if (r == 0)
		r = vsock_expect(&l, "closed", true, &p);
	if (r < 0)
		return r;
	session_fact(s, "closed", "flags", "%u", le32toh(p.header.flags));
	return vsock_send(&l, VIRTIO_VSOCK_OP_RST, l.peer_port, NULL, 0);
}

static void judge_peer_close(struct judge *j)
{
	const char *reply = NULL;

	judge_fact(j, "connect", "reply", "response");
	reply = judge_fact_value(j, "closed", "reply");
	if (reply && !strcmp(reply, "rst"))
		return;
	judge_fact(j, "closed", "reply", "shutdown");
	judge_fact(j, "closed", "flags", "3");
}

const struct check vsock_peer_close = {
	.area = "family",
	.name = "peer_close",
	.families = ON_VSOCK,
	.title = "the guest learns that the host closed its end",
	.contract =
		"When the host's process closes its socket, the guest gets SHUTDOWN of "
		"both directions, or RST.",
	.harm = "Guests keep connections that nobody serves, until they run out of "
		"descriptors.",
	.judged = "The peer closes an open connection; the next packet and its flags.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.5", "virtio_transport_close() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("close_silent", "peer_refuses"),
	.collect = collect_peer_close,
	.judge = judge_peer_close,
};

static int send_shutdown(struct link *l, uint32_t flags)
{
	struct virtio_vsock_hdr h =
		vsock_header(l, VIRTIO_VSOCK_OP_SHUTDOWN, l->peer_port, 0);

	h.flags = htole32(flags);
	return vsock_send_header(l, &h, NULL);
}

static int collect_shutdown(struct session *s)
{
	struct peer_reply reply = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, "tx", SHORT_BYTES);
	if (r == 0)
		r = send_shutdown(&l, VIRTIO_VSOCK_SHUTDOWN_SEND);
	if (r == 0)
		r = link_ask(&l, &(struct peer_request){ .op = PEER_RECV, .len = 1 });
	if (r == 0)
		r = link_answer(&l, &reply);
	if (r < 0)
		return r;
	session_fact(s, "half", "end_of_file", "%s", reply.bytes ? "no" : "yes");
	r = note_answer(&l, "half");
	if (r == 0)
		r = link_rx(&l, "rx", SHORT_BYTES);
	if (r == 0)
		r = send_shutdown(&l,
				  VIRTIO_VSOCK_SHUTDOWN_SEND | VIRTIO_VSOCK_SHUTDOWN_RCV);
	return r < 0 ? r : note_answer(&l, "both");
}

static void judge_shutdown(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_fact(j, "half", "end_of_file", "yes");
	judge_fact(j, "half", "reply", "none");
	judge_bytes(j, "rx", SHORT_BYTES);
	judge_fact(j, "both", "reply", "rst");
}

const struct check vsock_shutdown = {
	.area = "family",
	.name = "shutdown",
	.families = ON_VSOCK,
	.title = "a shutdown ends what its flags say and no more",
	.contract =
		"After SHUTDOWN with flag SEND the host's process reads the end of the "
		"file, and can go on sending. After SHUTDOWN of both directions the host "
		"answers with RST, and the connection is gone.",
	.harm = "Protocols that close one direction first lose their answer; or "
		"connections that the guest ended stay.",
	.judged = "Payload, SHUTDOWN of the guest's direction, end of file at the peer, "
		  "payload of the other direction, SHUTDOWN of both, RST.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.5", "virtio_transport_recv_connected() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("shutdown_both", "shutdown_silent", "payload_flipped"),
	.collect = collect_shutdown,
	.judge = judge_shutdown,
};
