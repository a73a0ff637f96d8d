/* SPDX-License-Identifier: MIT */
/* Area family of vhost-vsock: credit, messages, many connections. */
#include <endian.h>
#include <string.h>

#include "base/payload.h"
#include "checks/rows.h"
#include "guest/vsock.h"

#define F_SEQPACKET BIT64(VIRTIO_VSOCK_F_SEQPACKET)

/** WINDOW - credit of a guest that has little */
#define WINDOW 4096u

#define SEED 7u

/* --------------------------------------------------- credit of the guest's */

/* Takes payload until @len bytes came. */
static int take_payload(struct link *l, uint32_t len, struct session_moved *got)
{
	uint64_t until = got->bytes + len;

	while (got->bytes < until) {
		struct vsock_packet p = { 0 };
		int r = vsock_receive(l, false, &p);

		if (r == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_RW)
			r = -EPROTO;
		if (r < 0)
			return r;
		got->digest = digest_add(got->digest, p.payload, p.len);
		got->bytes += p.len;
		r = link_recycle(l, p.buffer);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Takes one window full; what came of it, and whether more came without credit. */
static int take_window(struct link *l, const char *step, uint32_t left,
		       struct session_moved *got)
{
	uint64_t before = got->bytes;
	struct vsock_packet p = { 0 };
	int r = take_payload(l, left < WINDOW ? left : WINDOW, got);

	if (r == 0)
		r = session_barrier(l->s);
	if (r == 0)
		r = session_barrier(l->s);
	session_fact(l->s, step, "bytes", "%u", (unsigned int)(got->bytes - before));
	if (r < 0)
		return r;
	r = vsock_take(l, &p);
	session_fact(l->s, step, "more", "%s", r == 1 ? vsock_op_word(&p) : "none");
	return r == 1 ? link_recycle(l, p.buffer) : r;
}

static int collect_credit_kept(struct session *s)
{
	struct session_moved got = { .digest = DIGEST_START };
	struct peer_reply reply = { .digest = DIGEST_START };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	l.buf_alloc = WINDOW;
	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_ask(&l, &(struct peer_request){ .op = PEER_SEND,
							 .len = TRANSFER_BYTES,
							 .seed = SEED });
	for (unsigned int i = 1; got.bytes < TRANSFER_BYTES && r == 0; i++) {
		const char *step = arena_printf(&s->arena, "window %u", i);

		r = take_window(&l, step ? step : "window",
				TRANSFER_BYTES - (uint32_t)got.bytes, &got);
		l.received = (uint32_t)got.bytes;
		if (r == 0)
			r = vsock_send(&l, VIRTIO_VSOCK_OP_CREDIT_UPDATE, l.peer_port,
				       NULL, 0);
	}
	if (r == 0)
		r = link_answer(&l, &reply);
	session_bytes(s, "rx", EV_RX, (struct session_moved){ reply.bytes, reply.digest },
		      got);
	return r;
}

static void judge_credit_kept(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_fact(j, "window 1", "bytes", "4096");
	judge_fact(j, "window 1", "more", "none");
	judge_fact(j, "window 2", "bytes", "4096");
	judge_fact(j, "window 2", "more", "none");
	judge_fact(j, "window 3", "bytes", "1808");
	judge_bytes(j, "rx", TRANSFER_BYTES);
}

const struct check vsock_credit_kept = {
	.area = "family",
	.name = "credit_kept",
	.families = ON_VSOCK,
	.title = "the host sends no more than the guest gives credit for",
	.contract =
		"On a connection at most buf_alloc bytes are on their way that fwd_cnt has "
		"not counted yet. When the guest counts them in a CREDIT_UPDATE, the host "
		"goes on.",
	.harm = "A guest has to keep what it gave no room for: memory without bound, or "
		"lost payload; or the stream stops for good.",
	.judged =
		"10000 bytes for a guest with a window of 4096: after each window nothing "
		"more may come until the guest says so; the digest of all.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.3", "virtio_transport_get_credit() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("credit_ignored", "payload_flipped", "payload_short",
			"peer_refuses"),
	.collect = collect_credit_kept,
	.judge = judge_credit_kept,
};

/* ----------------------------------------------------- credit of the host's */

static int collect_credit_given(struct session *s)
{
	struct session_moved got = { .digest = DIGEST_START };
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	for (unsigned int i = 1; i <= 2 && r == 0; i++) {
		const char *step = arena_printf(&s->arena, "taken %u", i);

		r = link_tx(&l, "tx", SHORT_BYTES);
		if (r == 0)
			r = link_ask(&l, &(struct peer_request){ .op = PEER_SEND,
								 .len = SHORT_BYTES,
								 .seed = SEED });
		if (r == 0)
			r = vsock_receive(&l, false, &p);
		if (r < 0)
			break;
		got.bytes += p.len;
		session_fact(s, step ? step : "taken", "fwd_cnt", "%u",
			     le32toh(p.header.fwd_cnt));
		session_fact(s, step ? step : "taken", "room", "%s",
			     le32toh(p.header.buf_alloc) >= SHORT_BYTES ? "yes" : "no");
		r = link_recycle(&l, p.buffer);
		if (r == 0)
			r = link_answer(&l, &reply);
	}
	return r;
}

static void judge_credit_given(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_fact(j, "taken 1", "fwd_cnt", "1000");
	judge_fact(j, "taken 1", "room", "yes");
	judge_fact(j, "taken 2", "fwd_cnt", "2000");
	judge_fact(j, "taken 2", "room", "yes");
}

const struct check vsock_credit_given = {
	.area = "family",
	.name = "credit_given",
	.families = ON_VSOCK,
	.title = "the host counts what its process has taken",
	.contract = "Each packet of a connection carries buf_alloc, the host's room, and "
		    "fwd_cnt, the bytes that its process has taken so far.",
	.harm = "The guest's window never opens again: its stream stops after 256 KiB.",
	.judged =
		"fwd_cnt of a packet after the peer has read 1000 bytes, and after 2000.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.3", "virtio_transport_inc_tx_pkt() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("fwd_stuck", "peer_refuses"),
	.collect = collect_credit_given,
	.judge = judge_credit_given,
};

/* Takes all that is there; the host may say at any time how much room it has. */
static int drain(struct link *l)
{
	struct vsock_packet p = { 0 };
	int r = session_barrier(l->s);

	if (r == 0)
		r = session_barrier(l->s);
	if (r == 0)
		r = vsock_take(l, &p);
	while (r == 1) {
		r = link_recycle(l, p.buffer);
		if (r == 0)
			r = vsock_take(l, &p);
	}
	return r;
}

static int collect_credit_request(struct session *s)
{
	struct vsock_packet p = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, "tx", SHORT_BYTES);
	if (r == 0)
		r = drain(&l);
	if (r == 0)
		r = vsock_send(&l, VIRTIO_VSOCK_OP_CREDIT_REQUEST, l.peer_port, NULL, 0);
	if (r == 0)
		r = session_barrier(s);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	r = vsock_take(&l, &p);
	session_fact(s, "asked", "reply", "%s", r == 1 ? vsock_op_word(&p) : "none");
	if (r == 1)
		session_fact(s, "asked", "fwd_cnt", "%u", le32toh(p.header.fwd_cnt));
	return r == 1 ? link_recycle(&l, p.buffer) : r;
}

static void judge_credit_request(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_fact(j, "asked", "reply", "credit_update");
	judge_fact(j, "asked", "fwd_cnt", "1000");
}

const struct check vsock_credit_request = {
	.area = "family",
	.name = "credit_request",
	.families = ON_VSOCK,
	.title = "a guest that asks for credit is answered",
	.contract =
		"CREDIT_REQUEST on a connection is answered with CREDIT_UPDATE, whose "
		"fwd_cnt counts what the host's process has taken.",
	.harm = "A guest that has used up what it knows of asks, and waits for good.",
	.judged = "The peer reads 1000 bytes; the answer to a CREDIT_REQUEST then.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.3", "virtio_transport_recv_connected() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("credit_unanswered", "fwd_stuck", "payload_flipped"),
	.collect = collect_credit_request,
	.judge = judge_credit_request,
};

/* ----------------------------------------------------------------- messages */

static const struct session_config seqpacket_start = {
	.features = F_VERSION_1 | F_SEQPACKET,
};

static int connect_seqpacket(struct link *l, struct session *s)
{
	int r = link_begin(l, s, &seqpacket_start);

	l->seqpacket = true;
	return r < 0 ? r : link_connect(l);
}

static int send_part(struct link *l, uint64_t offset, uint32_t len, bool last)
{
	struct virtio_vsock_hdr h =
		vsock_header(l, VIRTIO_VSOCK_OP_RW, l->peer_port, len);
	unsigned char part[VSOCK_ROOM];

	payload_fill(SEED, offset, part, len);
	h.flags = htole32(last ? VIRTIO_VSOCK_SEQ_EOM : 0);
	return vsock_send_header(l, &h, part);
}

/* What the peer gets with one call against what the guest sent as one message. */
static int receive_message(struct link *l, const char *step, uint64_t offset,
			   uint32_t len)
{
	struct peer_reply reply = { .digest = DIGEST_START };
	unsigned char message[VSOCK_ROOM];
	int r = link_do(l, PEER_RECV_ONCE, &reply);

	payload_fill(SEED, offset, message, len);
	session_bytes(
		l->s, step, EV_TX,
		(struct session_moved){ len, digest_add(DIGEST_START, message, len) },
		(struct session_moved){ reply.bytes, reply.digest });
	return r;
}

static int collect_seqpacket_tx(struct session *s)
{
	struct link l;
	int r = connect_seqpacket(&l, s);

	if (r == 0)
		r = send_part(&l, 0, 600, false);
	if (r == 0)
		r = send_part(&l, 600, 400, true);
	if (r == 0)
		r = send_part(&l, 1000, 300, true);
	if (r == 0)
		r = receive_message(&l, "in two parts", 0, 1000);
	return r < 0 ? r : receive_message(&l, "in one part", 1000, 300);
}

static void judge_seqpacket_tx(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_bytes(j, "in two parts", 1000);
	judge_bytes(j, "in one part", 300);
}

const struct check vsock_seqpacket_tx = {
	.area = "family",
	.name = "seqpacket_tx",
	.families = ON_VSOCK,
	.title = "messages of the guest's keep their bounds",
	.contract =
		"With VIRTIO_VSOCK_F_SEQPACKET, what the guest sends in packets of type 2 "
		"up to the one with flag EOM is one message: the host's process gets it "
		"with one call, whole and alone.",
	.harm = "Protocols that rely on messages read half of one, or two as one.",
	.judged =
		"A message in two packets and one in one packet are sent before the peer "
		"reads; what each of its two calls gets.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_SEQPACKET,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.6", "virtio_transport_seqpacket_do_dequeue() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("seq_joined", "payload_flipped", "payload_short", "peer_refuses"),
	.collect = collect_seqpacket_tx,
	.judge = judge_seqpacket_tx,
};

/* Takes packets up to the end of a message; its bytes, whatever it was cut into. */
static int take_message(struct link *l, const char *step)
{
	struct peer_reply reply = { 0 };
	struct session_moved got = { .digest = DIGEST_START };
	bool last = false;
	int r = 0;

	while (!last) {
		struct vsock_packet p = { 0 };

		r = vsock_receive(l, false, &p);
		if (r == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_RW)
			r = -EPROTO;
		if (r < 0)
			break;
		last = le32toh(p.header.flags) & VIRTIO_VSOCK_SEQ_EOM;
		session_fact(l->s, step, "type", "%u", le16toh(p.header.type));
		got.digest = digest_add(got.digest, p.payload, p.len);
		got.bytes += p.len;
		l->received += p.len;
		r = link_recycle(l, p.buffer);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = link_answer(l, &reply);
	session_bytes(l->s, step, EV_RX,
		      (struct session_moved){ reply.bytes, reply.digest }, got);
	return r;
}

static int collect_seqpacket_rx(struct session *s)
{
	static const uint32_t sizes[] = { MEM_PAGE, 300 };
	struct link l;
	int r = connect_seqpacket(&l, s);

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && r == 0; i++) {
		const char *step = arena_printf(&s->arena, "message %u", sizes[i]);

		r = link_ask(&l, &(struct peer_request){ .op = PEER_SEND,
							 .len = sizes[i],
							 .seed = SEED });
		if (r == 0)
			r = take_message(&l, step ? step : "message");
	}
	return r;
}

static void judge_seqpacket_rx(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_bytes(j, "message 4096", 4096);
	judge_fact(j, "message 4096", "type", "2");
	judge_bytes(j, "message 300", 300);
}

const struct check vsock_seqpacket_rx = {
	.area = "family",
	.name = "seqpacket_rx",
	.families = ON_VSOCK,
	.title = "messages of the host's keep their bounds",
	.contract =
		"With VIRTIO_VSOCK_F_SEQPACKET, what the host's process sends with one "
		"call arrives in packets of type 2 of which the last alone has flag EOM, "
		"however many receive buffers it takes.",
	.harm = "A guest reads half a message as a whole one.",
	.judged =
		"A message that is longer than a receive buffer, then a short one: bytes "
		"and digest of what ends with EOM.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_SEQPACKET,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.6",
		      "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c"),
	.faults = WORDS("seq_eom_early", "payload_flipped", "payload_short",
			"peer_refuses"),
	.collect = collect_seqpacket_rx,
	.judge = judge_seqpacket_rx,
};

/* ---------------------------------------------------------- many connections */

#define ROUNDS 2u

/* One more connection to the same listener, from the next port. */
static int connect_next(struct link *l, unsigned int i)
{
	struct peer_reply reply = { 0 };
	struct vsock_packet p = { 0 };
	const char *step = arena_printf(&l->s->arena, "connect %u", i);
	int r = 0;

	l->slot = i;
	l->guest_port = VSOCK_GUEST_PORT + i;
	r = vsock_send(l, VIRTIO_VSOCK_OP_REQUEST, l->peer_port, NULL, 0);
	if (r == 0)
		r = vsock_expect(l, step ? step : "connect", true, &p);
	if (r == 0 && le16toh(p.header.op) != VIRTIO_VSOCK_OP_RESPONSE)
		r = -ECONNREFUSED;
	return r < 0 ? r : link_do(l, PEER_ACCEPT, &reply);
}

static int collect_many_ports(struct session *s)
{
	struct peer_reply reply = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_do(&l, PEER_LISTEN, &reply);
	l.peer_port = reply.port;
	for (unsigned int i = 0; i < PEER_SLOTS && r == 0; i++)
		r = connect_next(&l, i);
	for (unsigned int i = 0; i < ROUNDS * PEER_SLOTS && r == 0; i++) {
		const char *tx = arena_printf(&s->arena, "tx %u", i);
		const char *rx = arena_printf(&s->arena, "rx %u", i);

		l.slot = i % PEER_SLOTS;
		l.guest_port = VSOCK_GUEST_PORT + l.slot;
		l.received = i / PEER_SLOTS * SHORT_BYTES;
		r = link_tx(&l, tx ? tx : "tx", SHORT_BYTES);
		if (r == 0)
			r = link_rx(&l, rx ? rx : "rx", SHORT_BYTES);
	}
	return r;
}

static void judge_many_ports(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact_count(j, "reply", "response", PEER_SLOTS);
	for (unsigned int i = 0; i < ROUNDS * PEER_SLOTS; i++) {
		const char *tx = arena_printf(j->arena, "tx %u", i);
		const char *rx = arena_printf(j->arena, "rx %u", i);

		if (!tx || !rx)
			return;
		judge_bytes(j, tx, SHORT_BYTES);
		judge_bytes(j, rx, SHORT_BYTES);
	}
}

const struct check vsock_many_ports = {
	.area = "family",
	.name = "many_ports",
	.families = ON_VSOCK,
	.title = "connections from many ports to one are kept apart",
	.contract =
		"A connection is the four of both CIDs and both ports: from 16 ports of "
		"the guest to one of the host there are 16, and each carries its own "
		"payload.",
	.harm = "One service's bytes reach another one's client.",
	.judged = "16 connections to one listener; twice each in turn 1000 bytes either "
		  "way, with a payload of its own.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.2",
		      "vsock_find_connected_socket() in net/vmw_vsock/af_vsock.c"),
	.faults = WORDS("port_ignored", "payload_flipped", "peer_refuses"),
	.collect = collect_many_ports,
	.judge = judge_many_ports,
};
