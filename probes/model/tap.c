/* SPDX-License-Identifier: MIT */
/* A tap and the packet socket on it: the device has one, the peer sends and receives by
 * the other. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/virtio_net.h>

#include "base/payload.h"
#include "model/model_private.h"

/* With the checksum that a tap does not carry: the least on a wire. */
#define FRAME_SHORT 64u

/* More than any transfer leaves there, and not so many that a lost index takes seconds.
 */
#define FRAMES_MAX 2000u

static void drop_all(struct frame **queue)
{
	while (*queue) {
		struct frame *f = *queue;

		*queue = f->next;
		free(f);
	}
}

void tap_done(struct tap *t)
{
	drop_all(&t->to_guest);
	drop_all(&t->from_guest);
	fd_close(&t->fd);
}

static int append(struct frame **queue, const struct peer_offload *offload,
		  const void *bytes, size_t len)
{
	struct frame *f = malloc(sizeof(*f) + len);
	unsigned int room = FRAMES_MAX;

	if (!f)
		return -ENOMEM;
	f->next = NULL;
	f->offload = *offload;
	f->len = (uint32_t)len;
	memcpy(f->bytes, bytes, len);
	for (; *queue && room > 0; room--)
		queue = &(*queue)->next;
	if (room)
		*queue = f;
	else
		free(f); /* as a socket does whose buffer is full */
	return 0;
}

int tap_send(struct model_peer *p, const unsigned char *bytes, size_t len)
{
	struct peer_offload offload = { 0 };

	if (p->tap.fd < 0 || len < p->tap.header + ETH_HLEN)
		return -EINVAL;
	if (p->tap.header >= sizeof(struct virtio_net_hdr))
		offload = peer_offload_get(bytes);
	if (device_breaks(&p->m->dev, RULE_CSUM_LOST))
		offload.flags = 0;
	if (device_breaks(&p->m->dev, RULE_SEGMENTS_LOST))
		offload.type = VIRTIO_NET_HDR_GSO_NONE;
	if (device_breaks(&p->m->dev, RULE_SEGMENTS_WHOLE))
		offload.size = UINT16_MAX;
	return append(&p->tap.from_guest, &offload, bytes + p->tap.header,
		      len - p->tap.header);
}

int tap_backend(struct peer *peer, unsigned int header)
{
	struct tap *t = &((struct model_peer *)peer)->tap;

	if (t->fd < 0)
		return -ENOTCONN;
	t->header = t->headless ? 0 : header;
	return t->fd;
}

/* As long as it is, unless the model's fault has it otherwise. */
static size_t frame_len(const struct model_peer *p, size_t len)
{
	if (len < FRAME_SHORT && device_breaks(&p->m->dev, RULE_FRAME_PADDED))
		return FRAME_SHORT;
	if (len == ETH_FRAME_LEN && device_breaks(&p->m->dev, RULE_FRAME_CUT))
		return len - 1;
	return len;
}

/* One frame that is to be cut, as the guest agreed to: nothing of it is done here. */
static int send_segments(struct model_peer *p)
{
	unsigned char frame[PEER_SEGMENTS_HEADER + PEER_SEGMENTS_MAX];
	const struct peer_request *q = &p->request;
	struct peer_offload o;

	if (p->tap.headless)
		return -EOPNOTSUPP;
	if (q->len > PEER_SEGMENTS_MAX)
		return -EMSGSIZE;
	if (!q->len)
		return 0;
	o = peer_segments(frame, (uint8_t)q->segments, (uint16_t)q->frame,
			  (uint32_t)q->len);
	payload_fill(q->seed, q->offset, frame + o.header, q->len);
	p->reply.digest = digest_add(p->reply.digest, frame + o.header, q->len);
	p->reply.bytes = q->len;
	return append(&p->tap.to_guest, &o, frame, o.header + q->len);
}

static int send_frames(struct model_peer *p)
{
	const struct peer_offload none = { 0 };
	unsigned char frame[ETH_FRAME_LEN] = { 0 };
	const struct peer_request *q = &p->request;

	if (q->frame < PEER_PAYLOAD_MIN || q->frame > ETH_DATA_LEN)
		return -EMSGSIZE;
	while (p->reply.bytes < q->len) {
		uint64_t left = q->len - p->reply.bytes;
		size_t n = left < q->frame ? (size_t)left : q->frame;
		int r = 0;

		peer_ethernet(frame, PEER_ETHERTYPE);
		payload_fill(q->seed, q->offset + p->reply.bytes, frame + ETH_HLEN, n);
		r = append(&p->tap.to_guest, &none, frame, frame_len(p, ETH_HLEN + n));
		if (r < 0)
			return r;
		p->reply.digest = digest_add(p->reply.digest, frame + ETH_HLEN, n);
		p->reply.bytes += n;
	}
	return 0;
}

/* The tap has frames: vhost's poll of its socket makes the handler run. */
static void wake(struct model_dev *d)
{
	if (d->open && d->vq[MODEL_RX].running)
		d->vq[MODEL_RX].due = true;
}

void tap_begin(struct model_peer *p)
{
	switch ((enum peer_op)p->request.op) {
	case PEER_SEND:
		peer_answer(p, p->request.segments ? -send_segments(p) : -send_frames(p));
		wake(&p->m->dev);
		wake(&p->m->twin);
		break;
	case PEER_RECV:
		break;
	case PEER_LISTEN:
	case PEER_LISTEN_SEQPACKET:
	case PEER_ACCEPT:
	case PEER_CONNECT:
	case PEER_RECV_ONCE:
	case PEER_CLOSED_PORT:
	case PEER_HANGUP:
	case PEER_STORE:
	case PEER_STORED:
	case PEER_LUN_ADD:
	case PEER_LUN_REMOVE:
		peer_answer(p, EOPNOTSUPP);
		break;
	}
}

static bool is_of(const struct frame *f, unsigned int ethertype)
{
	return f->len > ETH_HLEN && (f->bytes[12] << 8 | f->bytes[13]) == (int)ethertype;
}

static void take_payload(struct model_peer *p, const struct frame *f, size_t before)
{
	if (f->len <= before)
		return;
	p->reply.digest = digest_add(p->reply.digest, f->bytes + before, f->len - before);
	p->reply.bytes += f->len - before;
}

static void take_segments(struct model_peer *p, const struct frame *f)
{
	unsigned char headers[PEER_SEGMENTS_HEADER];

	p->reply.offload = f->offload;
	take_payload(p, f, peer_segments(headers, f->offload.type, 0, 0).header);
}

bool tap_work(struct model_peer *p)
{
	bool any = false;

	while (p->tap.from_guest && p->reply.bytes < p->request.len) {
		struct frame *f = p->tap.from_guest;

		if (p->request.segments && is_of(f, ETH_P_IP))
			take_segments(p, f);
		if (!p->request.segments && is_of(f, PEER_ETHERTYPE)) {
			take_payload(p, f, ETH_HLEN);
			p->reply.unsummed +=
				(f->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
		}
		p->tap.from_guest = f->next;
		free(f);
		any = true;
	}
	if (p->reply.bytes >= p->request.len)
		peer_answer(p, 0);
	return any;
}
