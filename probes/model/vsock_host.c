/* SPDX-License-Identifier: MIT */
/*
 * The host's sockets: a listener, connections, credit.
 *
 * Source: virtio-1.2 5.10.6; virtio_transport_recv_pkt(), virtio_transport_get_credit(),
 * virtio_transport_reset_no_sock() in net/vmw_vsock/virtio_transport_common.c
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/payload.h"
#include "model/model_private.h"

#define CHUNK 4096u
/* VIRTIO_VSOCK_DEFAULT_BUF_SIZE, VIRTIO_VSOCK_MAX_PKT_BUF_SIZE of the kernel */
#define BUF_ALLOC 262144u
#define CREDIT_LOW 65536u
#define SHUTDOWN_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

/* ---------------------------------------------------------------- sending */

static uint16_t type_of(bool seqpacket)
{
	return seqpacket ? VIRTIO_VSOCK_TYPE_SEQPACKET : VIRTIO_VSOCK_TYPE_STREAM;
}

static uint32_t flags_of(const struct stream *s, uint16_t op)
{
	if (op == VIRTIO_VSOCK_OP_SHUTDOWN)
		return SHUTDOWN_BOTH;
	/* each order to send is one message */
	return s->seqpacket && op == VIRTIO_VSOCK_OP_RW ? VIRTIO_VSOCK_SEQ_EOM : 0;
}

/* A packet of a stream to its guest, with the credit that the host gives. 0 or -errno */
static int stream_send(struct seam_model *m, struct stream *s, uint16_t op,
		       const void *payload, uint32_t len)
{
	const struct packet p = {
		.header = { .src_cid = htole64(HOST_CID),
			    .dst_cid = htole64(s->cid),
			    .src_port = htole32(s->port),
			    .dst_port = htole32(s->peer_port),
			    .len = htole32(len),
			    .type = htole16(type_of(s->seqpacket)),
			    .op = htole16(op),
			    .flags = htole32(flags_of(s, op)),
			    .buf_alloc = htole32(BUF_ALLOC),
			    .fwd_cnt = htole32(device_breaks(&m->dev, RULE_FWD_STUCK)
						       ? 0
						       : s->fwd) },
		.reply = op == VIRTIO_VSOCK_OP_RESPONSE,
	};

	s->told_fwd = s->fwd;
	s->sent += len;
	return packet_queue(m, &p, payload);
}

/* Answers what belongs to no socket, unless it is a reset itself. */
static void reset_sender(struct model_dev *d, const struct virtio_vsock_hdr *header)
{
	const struct packet p = {
		.header = { .src_cid = header->dst_cid,
			    .dst_cid = header->src_cid,
			    .src_port = header->dst_port,
			    .dst_port = header->src_port,
			    .type = header->type,
			    .op = htole16(device_breaks(d, RULE_RST_IS_SHUTDOWN)
						  ? VIRTIO_VSOCK_OP_SHUTDOWN
						  : VIRTIO_VSOCK_OP_RST) },
		.reply = true,
	};

	if (le16toh(header->op) == VIRTIO_VSOCK_OP_RST &&
	    !device_breaks(d, RULE_RST_ANSWERED))
		return;
	if (le16toh(header->op) != VIRTIO_VSOCK_OP_REQUEST &&
	    device_breaks(d, RULE_STRAY_SILENT))
		return;
	if (!device_breaks(d, RULE_RST_MISSING))
		(void)packet_queue(d->m, &p, NULL);
}

static uint32_t credit_of(const struct stream *s)
{
	return s->peer_alloc - (s->sent - s->peer_fwd);
}

/* --------------------------------------------------------------- receiving */

static void stream_end(struct stream *s, enum stream_state state)
{
	free(s->data);
	s->data = NULL;
	s->len = 0;
	s->messages = 0;
	s->state = state;
}

static struct stream *find_stream(struct model_dev *d, uint32_t peer_port, uint32_t port)
{
	struct vsock_host *h = &d->m->peer.vsock;
	bool any_port = device_breaks(d, RULE_PORT_IGNORED);

	for (unsigned int i = 0; i < STREAMS_MAX; i++) {
		struct stream *s = &h->stream[i];

		if ((s->state == STREAM_CONNECTING || s->state == STREAM_CONNECTED) &&
		    s->cid == d->cid && s->port == port &&
		    (s->peer_port == peer_port || any_port))
			return s;
	}
	return NULL;
}

static struct stream *new_stream(struct vsock_host *h)
{
	for (unsigned int i = 0; i < STREAMS_MAX; i++) {
		if (h->stream[i].state != STREAM_FREE)
			continue;
		h->stream[i] = (struct stream){ .state = STREAM_CONNECTING };
		return &h->stream[i];
	}
	return NULL;
}

static void note_credit(struct stream *s, const struct virtio_vsock_hdr *header)
{
	s->peer_alloc = le32toh(header->buf_alloc);
	s->peer_fwd = le32toh(header->fwd_cnt);
}

static void listener_receive(struct model_dev *d, const struct virtio_vsock_hdr *header)
{
	struct vsock_host *h = &d->m->peer.vsock;
	struct stream *s = NULL;

	if (le16toh(header->op) == VIRTIO_VSOCK_OP_REQUEST)
		s = new_stream(h);
	if (!s) {
		reset_sender(d, header);
		return;
	}
	s->state = STREAM_CONNECTED;
	s->seqpacket = h->seqpacket;
	s->cid = d->cid;
	s->port = h->port;
	s->peer_port = le32toh(header->src_port);
	note_credit(s, header);
	(void)stream_send(d->m, s, VIRTIO_VSOCK_OP_RESPONSE, NULL, 0);
}

static void connecting_receive(struct model_dev *d, struct stream *s,
			       const struct virtio_vsock_hdr *header)
{
	if (le16toh(header->op) == VIRTIO_VSOCK_OP_RESPONSE) {
		s->state = STREAM_CONNECTED;
		return;
	}
	reset_sender(d, header);
	stream_end(s, STREAM_RESET);
}

/* More than the credit that was given is dropped. */
static void take_data(struct stream *s, const unsigned char *payload, uint32_t len)
{
	unsigned char *grown = NULL;

	if (s->len + len > BUF_ALLOC || !len)
		return;
	grown = realloc(s->data, s->len + len);
	if (!grown)
		return;
	memcpy(grown + s->len, payload, len);
	s->data = grown;
	s->len += len;
}

static void end_message(const struct model_dev *d, struct stream *s)
{
	if (s->messages && device_breaks(d, RULE_SEQ_JOINED))
		s->end[s->messages - 1] = s->len;
	else if (s->messages < MESSAGES_MAX)
		s->end[s->messages++] = s->len;
}

/* Both ways: the end of it, once all is taken. */
static void take_shutdown(struct model_dev *d, struct stream *s, uint32_t flags)
{
	s->shut |= device_breaks(d, RULE_SHUTDOWN_BOTH) ? SHUTDOWN_BOTH : flags;
	if (s->shut != SHUTDOWN_BOTH || s->len)
		return;
	if (!device_breaks(d, RULE_SHUTDOWN_SILENT))
		(void)stream_send(d->m, s, VIRTIO_VSOCK_OP_RST, NULL, 0);
	stream_end(s, STREAM_RESET);
}

static void connected_receive(struct model_dev *d, struct stream *s,
			      const struct virtio_vsock_hdr *header,
			      const unsigned char *payload)
{
	switch (le16toh(header->op)) {
	case VIRTIO_VSOCK_OP_RW:
		take_data(s, payload, le32toh(header->len));
		if (s->seqpacket && le32toh(header->flags) & VIRTIO_VSOCK_SEQ_EOM)
			end_message(d, s);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		if (!device_breaks(d, RULE_CREDIT_UNANSWERED))
			(void)stream_send(d->m, s, VIRTIO_VSOCK_OP_CREDIT_UPDATE, NULL,
					  0);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		take_shutdown(d, s, le32toh(header->flags) & SHUTDOWN_BOTH);
		break;
	case VIRTIO_VSOCK_OP_RST:
		stream_end(s, STREAM_RESET);
		break;
	default:
		break;
	}
}

/* Whether a type may stand on a packet at all, and is the one of its socket. */
static bool type_fits(const struct model_dev *d, const struct virtio_vsock_hdr *header,
		      bool seqpacket)
{
	if (device_breaks(d, RULE_TYPE_ANY))
		return true;
	if (seqpacket && !device_has(d, VIRTIO_VSOCK_F_SEQPACKET))
		return false;
	return le16toh(header->type) == type_of(seqpacket);
}

void host_receive(struct model_dev *d, const struct virtio_vsock_hdr *header,
		  const unsigned char *payload)
{
	struct vsock_host *h = &d->m->peer.vsock;
	uint32_t port = le32toh(header->dst_port);
	struct stream *s = find_stream(d, le32toh(header->src_port), port);

	if ((!s && !(h->listening && h->port == port)) ||
	    !type_fits(d, header, s ? s->seqpacket : h->seqpacket)) {
		reset_sender(d, header);
		return;
	}
	if (!s) {
		listener_receive(d, header);
		return;
	}
	note_credit(s, header);
	if (s->state == STREAM_CONNECTING)
		connecting_receive(d, s, header);
	else
		connected_receive(d, s, header, payload);
}

void host_gone(struct model_dev *d)
{
	struct vsock_host *h = &d->m->peer.vsock;

	for (unsigned int i = 0; i < STREAMS_MAX; i++)
		if (h->stream[i].state != STREAM_FREE && h->stream[i].cid == d->cid)
			stream_end(&h->stream[i], STREAM_RESET);
}

/* ------------------------------------------------------------------ orders */

static void hang_up(struct model_peer *p, struct stream *s)
{
	if (s->state == STREAM_CONNECTED && !device_breaks(&p->m->dev, RULE_CLOSE_SILENT))
		(void)stream_send(p->m, s, VIRTIO_VSOCK_OP_SHUTDOWN, NULL, 0);
	stream_end(s, STREAM_FREE);
	for (unsigned int i = 0; i < PEER_SLOTS; i++)
		if (p->slot[i] == s)
			p->slot[i] = NULL;
}

void host_close(struct model_peer *p)
{
	for (unsigned int i = 0; i < STREAMS_MAX; i++)
		hang_up(p, &p->vsock.stream[i]);
	p->vsock.listening = false;
}

static void choose(struct model_peer *p, struct stream *s)
{
	if (p->slot[p->request.slot])
		hang_up(p, p->slot[p->request.slot]);
	p->slot[p->request.slot] = s;
	s->accepted = true;
}

static int begin_connect(struct model_peer *p)
{
	struct stream *s = new_stream(&p->vsock);

	if (!s)
		return -ENOMEM;
	s->cid = p->request.cid;
	s->peer_port = p->request.port;
	s->port = p->vsock.next_port++;
	choose(p, s);
	if (device_breaks(&p->m->dev, RULE_REQUEST_LOST))
		return 0;
	return stream_send(p->m, s, VIRTIO_VSOCK_OP_REQUEST, NULL, 0);
}

void host_begin(struct model_peer *p)
{
	int r = 0;

	if (p->request.slot >= PEER_SLOTS) {
		peer_answer(p, EINVAL);
		return;
	}
	switch ((enum peer_op)p->request.op) {
	case PEER_LISTEN:
	case PEER_LISTEN_SEQPACKET:
		p->vsock.seqpacket = p->request.op == PEER_LISTEN_SEQPACKET;
		p->vsock.port = p->reply.port = p->vsock.next_port++;
		p->vsock.listening = true;
		peer_answer(p, 0);
		break;
	case PEER_CLOSED_PORT:
		p->reply.port = p->vsock.next_port++;
		peer_answer(p, 0);
		break;
	case PEER_HANGUP:
		if (p->slot[p->request.slot])
			hang_up(p, p->slot[p->request.slot]);
		peer_answer(p, 0);
		break;
	case PEER_CONNECT:
		r = begin_connect(p);
		if (r < 0)
			peer_answer(p, -r);
		break;
	case PEER_ACCEPT:
	case PEER_SEND:
	case PEER_RECV:
	case PEER_RECV_ONCE:
		break;
	case PEER_STORE:
	case PEER_STORED:
	case PEER_LUN_ADD:
	case PEER_LUN_REMOVE:
		peer_answer(p, EOPNOTSUPP);
		break;
	}
}

static bool work_accept(struct model_peer *p)
{
	for (unsigned int i = 0; i < STREAMS_MAX; i++) {
		struct stream *s = &p->vsock.stream[i];

		if (s->state != STREAM_CONNECTED || s->accepted)
			continue;
		choose(p, s);
		peer_answer(p, 0);
		return true;
	}
	return false;
}

static bool work_connect(struct model_peer *p, const struct stream *s)
{
	if (s->state == STREAM_CONNECTING)
		return false;
	peer_answer(p, s->state == STREAM_CONNECTED ? 0 : ECONNRESET);
	return true;
}

/* As far as the guest's credit goes. */
static bool work_send(struct model_peer *p, struct stream *s)
{
	const struct peer_request *q = &p->request;
	unsigned char chunk[CHUNK];
	bool any = false;

	while (p->reply.bytes < q->len) {
		uint64_t n = q->len - p->reply.bytes;

		if (n > CHUNK)
			n = CHUNK;
		if (n > credit_of(s) && !device_breaks(&p->m->dev, RULE_CREDIT_IGNORED))
			n = credit_of(s);
		if (!n)
			return any;
		payload_fill(q->seed, q->offset + p->reply.bytes, chunk, n);
		if (stream_send(p->m, s, VIRTIO_VSOCK_OP_RW, chunk, (uint32_t)n) < 0) {
			peer_answer(p, EPIPE);
			return true;
		}
		p->reply.digest = digest_add(p->reply.digest, chunk, n);
		p->reply.bytes += n;
		any = true;
	}
	peer_answer(p, 0);
	return true;
}

/* The guest learns of room once there is little of what it knows of. */
static void tell_credit(struct model_peer *p, struct stream *s)
{
	if (s->state == STREAM_CONNECTED &&
	    BUF_ALLOC - (s->fwd - s->told_fwd) < CREDIT_LOW)
		(void)stream_send(p->m, s, VIRTIO_VSOCK_OP_CREDIT_UPDATE, NULL, 0);
}

static void take(struct model_peer *p, struct stream *s, size_t n)
{
	p->reply.digest = digest_add(p->reply.digest, s->data, n);
	p->reply.bytes += n;
	s->len -= n;
	memmove(s->data, s->data + n, s->len);
	s->fwd += (uint32_t)n;
	tell_credit(p, s);
}

/* One message, or what there is of a stream. */
static bool work_recv_once(struct model_peer *p, struct stream *s)
{
	size_t n = s->len < CHUNK ? s->len : CHUNK;

	if (s->seqpacket)
		n = s->messages ? s->end[0] : 0;
	if (!n && !(s->shut & VIRTIO_VSOCK_SHUTDOWN_SEND) && s->state != STREAM_RESET)
		return false;
	if (n)
		take(p, s, n);
	for (unsigned int i = 1; i < s->messages; i++)
		s->end[i - 1] = s->end[i] - n;
	s->messages -= s->messages != 0;
	peer_answer(p, 0);
	return true;
}

static bool work_recv(struct model_peer *p, struct stream *s)
{
	uint64_t left = p->request.len - p->reply.bytes;
	size_t n = s->len < left ? s->len : (size_t)left;

	if (n)
		take(p, s, n);
	if (p->reply.bytes < p->request.len && !(s->shut & VIRTIO_VSOCK_SHUTDOWN_SEND) &&
	    s->state != STREAM_RESET)
		return n > 0;
	peer_answer(p, s->state == STREAM_RESET && p->reply.bytes < p->request.len
			       ? ECONNRESET
			       : 0);
	return true;
}

bool host_work(struct model_peer *p)
{
	struct stream *s = p->slot[p->request.slot];

	if (p->request.op == PEER_ACCEPT)
		return work_accept(p);
	if (!s) {
		peer_answer(p, EBADF);
		return true;
	}
	if (p->request.op == PEER_CONNECT)
		return work_connect(p, s);
	if (p->request.op == PEER_RECV)
		return work_recv(p, s);
	if (p->request.op == PEER_RECV_ONCE)
		return work_recv_once(p, s);
	if (s->state != STREAM_CONNECTED) {
		peer_answer(p, s->state == STREAM_RESET ? ECONNRESET : ENOTCONN);
		return true;
	}
	return work_send(p, s);
}
