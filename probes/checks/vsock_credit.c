/* SPDX-License-Identifier: MIT */
/* Area family of vhost-vsock: the credit that either end gives. */
#include <endian.h>

#include "base/payload.h"
#include "checks/rows.h"
#include "guest/vsock.h"

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
		r = vsock_settle(l);
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
	int r = vsock_settle(l);

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
		r = vsock_settle(&l);
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
