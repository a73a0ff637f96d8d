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

static int append(struct frame **queue, const void *bytes, size_t len)
{
	struct frame *f = malloc(sizeof(*f) + len);

	if (!f)
		return -ENOMEM;
	f->next = NULL;
	f->unsummed = false;
	f->len = (uint32_t)len;
	memcpy(f->bytes, bytes, len);
	while (*queue)
		queue = &(*queue)->next;
	*queue = f;
	return 0;
}

int tap_send(struct model_peer *p, const unsigned char *bytes, size_t len)
{
	struct virtio_net_hdr header = { 0 };
	struct frame *f = NULL;
	int r = 0;

	if (p->tap.fd < 0 || len < p->tap.header + ETH_HLEN)
		return -EINVAL;
	if (p->tap.header >= sizeof(header) && !device_breaks(&p->m->dev, RULE_CSUM_LOST))
		memcpy(&header, bytes, sizeof(header));
	r = append(&p->tap.from_guest, bytes + p->tap.header, len - p->tap.header);
	for (f = p->tap.from_guest; r == 0 && f->next; f = f->next)
		;
	if (r == 0)
		f->unsummed = header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	return r;
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

static int send_frames(struct model_peer *p)
{
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
		r = append(&p->tap.to_guest, frame, frame_len(p, ETH_HLEN + n));
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
		peer_answer(p, -send_frames(p));
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

static bool is_payload(const struct frame *f)
{
	return f->len > ETH_HLEN &&
	       (f->bytes[12] << 8 | f->bytes[13]) == (int)PEER_ETHERTYPE;
}

bool tap_work(struct model_peer *p)
{
	bool any = false;

	while (p->tap.from_guest && p->reply.bytes < p->request.len) {
		struct frame *f = p->tap.from_guest;

		if (is_payload(f)) {
			p->reply.digest = digest_add(p->reply.digest, f->bytes + ETH_HLEN,
						     f->len - ETH_HLEN);
			p->reply.bytes += f->len - ETH_HLEN;
			p->reply.unsummed += f->unsummed;
		}
		p->tap.from_guest = f->next;
		free(f);
		any = true;
	}
	if (p->reply.bytes >= p->request.len)
		peer_answer(p, 0);
	return any;
}
