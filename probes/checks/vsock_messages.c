/* SPDX-License-Identifier: MIT */
/* Area family of vhost-vsock: messages, and many connections. */
#include <endian.h>

#include "base/payload.h"
#include "checks/rows.h"
#include "guest/vsock.h"

#define F_SEQPACKET BIT64(VIRTIO_VSOCK_F_SEQPACKET)

#define SEED 7u

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
