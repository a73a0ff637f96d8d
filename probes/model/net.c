/* SPDX-License-Identifier: MIT */
/*
 * vhost-net between the rings and a tap.
 *
 * Source: virtio-1.2 5.1.6; vhost-abi 2.3; handle_tx_copy(), handle_rx(), get_rx_bufs(),
 * vhost_net_set_backend() in drivers/vhost/net.c; tun_get_user(), tun_put_user() in
 * drivers/net/tun.c
 */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "model/memory.h"
#include "model/model_private.h"
#include "seam/uapi.h"

#define FRAME_MAX 65562u /* header of 24 and the largest frame of a tap */
#define HEADER_TUNNEL 24u

#define ARRAY_WORDS_MAX 64u

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif

/* ------------------------------------------------------------------ headers */

static bool has_high(const struct model_dev *d, unsigned int bit)
{
	return d->features.word[bit / 64] & BIT64(bit % 64);
}

/* Bytes of the virtio header that the accepted features call for (virtio-1.2 5.1.6.1) */
static unsigned int header_of(const struct model_dev *d)
{
	if (has_high(d, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO) ||
	    has_high(d, VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO))
		return HEADER_TUNNEL;
	if (device_breaks(d, RULE_HEADER_LEGACY))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	if (device_has(d, VIRTIO_F_VERSION_1) || device_has(d, VIRTIO_NET_F_MRG_RXBUF))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return sizeof(struct virtio_net_hdr);
}

/* With VHOST_NET_F_VIRTIO_NET_HDR vhost has the header to itself; else the tap does. */
static unsigned int own_header(const struct model_dev *d)
{
	return device_has(d, VHOST_NET_F_VIRTIO_NET_HDR) ? header_of(d) : 0;
}

/* ------------------------------------------------------------- transmitting */

static void transmit(struct vq *vq, const struct chain *c)
{
	struct model_peer *p = &vq->dev->m->peer;
	unsigned char bytes[FRAME_MAX];
	size_t skip =
		device_breaks(vq->dev, RULE_OWN_HEADER_KEPT) ? 0 : own_header(vq->dev);
	size_t len = chain_bytes(c, false);

	if (len <= skip || len > sizeof(bytes) || chain_read(c, 0, bytes, len) < 0)
		return;
	(void)tap_send(p, bytes + skip, len - skip);
}

static void handle_tx(struct vq *vq)
{
	struct chain c;

	vring_quiet(vq);
	for (;;) {
		struct used used = { 0 };
		int r = vring_next(vq, &c);

		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			continue;
		}
		if (r < 0)
			break;
		if (c.in || chain_bytes(&c, false) <= own_header(vq->dev)) {
			vring_refuse(vq);
			break;
		}
		transmit(vq, &c);
		used.head = c.head;
		used.len = device_breaks(vq->dev, RULE_USED_LEN_TX)
				   ? (uint32_t)chain_bytes(&c, false)
				   : 0;
		if (vring_used(vq, &used, 1) < 0)
			break;
		vring_signal(vq);
		if (device_breaks(vq->dev, RULE_ONE_A_KICK))
			break;
	}
}

/* ---------------------------------------------------------------- receiving */

/** struct landing - the heads that one frame goes into */
struct landing {
	struct used used[CHAIN_MAX];
	unsigned int heads;
	struct chain all;
};

static int add_chain(struct landing *l, const struct chain *c)
{
	if (l->all.in + c->in > CHAIN_MAX)
		return -ENOBUFS;
	memcpy(l->all.iov + l->all.in, c->iov, c->in * sizeof(c->iov[0]));
	l->all.in += c->in;
	l->used[l->heads].head = c->head;
	l->used[l->heads].len = (uint32_t)chain_bytes(c, true);
	l->heads++;
	return 0;
}

/*
 * Takes heads for @len bytes. 0; -ENOENT while there are not enough; -EMSGSIZE for a
 * frame that does not fit the one head it may have; -errno. Only with 0 and -EMSGSIZE
 * are they taken.
 */
static int take_heads(struct vq *vq, size_t len, struct landing *l)
{
	bool mergeable = device_has(vq->dev, VIRTIO_NET_F_MRG_RXBUF);
	struct chain c;
	int r = 0;

	l->heads = l->all.in = l->all.out = 0;
	while (r == 0 && len > 0 && l->heads < CHAIN_MAX) {
		size_t room = 0;

		if (l->heads && !mergeable)
			return -EMSGSIZE;
		r = vring_next(vq, &c);
		if (r < 0)
			break;
		room = chain_bytes(&c, true);
		r = c.out || !c.in ? -EINVAL : add_chain(l, &c);
		if (r < 0) {
			vring_refuse(vq);
			break;
		}
		if (room > len)
			l->used[l->heads - 1].len = (uint32_t)len;
		len -= room < len ? room : len;
	}
	if (r < 0)
		vring_put_back(vq, l->heads);
	return r;
}

/* What goes to the guest: vhost's own header if it has one, what the tap hands over. */
static size_t frame_out(const struct vq *vq, const struct tap *t, unsigned char *bytes,
			unsigned int heads)
{
	const struct model_dev *d = vq->dev;
	size_t header = own_header(d) + t->header;
	const uint16_t count =
		htole16(device_breaks(d, RULE_BUFFERS_ONE) ? 1 : (uint16_t)heads);
	size_t at = offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers);

	memset(bytes, 0, header);
	if (t->header && !device_breaks(d, RULE_SEGMENTS_HIDDEN))
		peer_offload_put(&t->to_guest->offload, bytes + own_header(d));
	if (header >= at + sizeof(count) && (device_has(d, VIRTIO_NET_F_MRG_RXBUF) ||
					     !device_breaks(d, RULE_BUFFERS_NONE)))
		memcpy(bytes + at, &count, sizeof(count));
	if (header && device_breaks(d, RULE_HEADER_DIRTY))
		bytes[offsetof(struct virtio_net_hdr, gso_type)] =
			VIRTIO_NET_HDR_GSO_TCPV4;
	memcpy(bytes + header, t->to_guest->bytes, t->to_guest->len);
	return header + t->to_guest->len;
}

static void drop_frame(struct tap *t)
{
	struct frame *f = t->to_guest;

	t->to_guest = f->next;
	free(f);
}

/* One frame; 0 to go on with the next, or the reason to stop. */
static int receive(struct vq *vq, struct tap *t)
{
	unsigned char bytes[FRAME_MAX];
	struct landing l;
	/* the length that is peeked, with the header that vhost expects of the tap */
	size_t want = t->to_guest->len + header_of(vq->dev);
	size_t len = 0;
	int r = take_heads(vq, want, &l);

	if (r < 0 && r != -EMSGSIZE)
		return r;
	if (r == 0) {
		len = frame_out(vq, t, bytes, l.heads);
		/* a header of another size than expected: discarded */
		r = len == want ? chain_write(&l.all, 0, bytes, len) : -EMSGSIZE;
	}
	if (r == 0 && device_breaks(vq->dev, RULE_TAIL_WRITTEN))
		chain_clear(&l.all, len);
	drop_frame(t);
	if (r < 0) {
		vring_put_back(vq, l.heads);
		return 0;
	}
	log_chain(vq, &l.all, len);
	r = vring_used(vq, l.used, l.heads);
	if (r == 0)
		vring_signal(vq);
	return r;
}

static void handle_rx(struct vq *vq)
{
	struct tap *t = &vq->dev->m->peer.tap;
	int r = 0;

	vring_quiet(vq);
	while (t->to_guest && r == 0) {
		r = receive(vq, t);
		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			r = 0;
		}
	}
	if (r == 0)
		(void)vring_listen(vq);
}

static void net_handle(struct vq *vq)
{
	if (!translate_prefetch(vq))
		return;
	if (vq->index == MODEL_TX)
		handle_tx(vq);
	else
		handle_rx(vq);
}

/* ----------------------------------------------------------------- back ends */

static int set_backend(struct model_dev *d, const void *arg)
{
	struct vhost_vring_file f = { 0 };
	struct vq *vq = NULL;
	int r = device_owned(d);

	if (r == 0 && memory_read(&f, (uint64_t)(uintptr_t)arg, sizeof(f)) < 0)
		r = -EFAULT;
	if (r < 0)
		return r;
	if (f.index >= MODEL_QUEUES)
		return -ENOBUFS;
	vq = &d->vq[f.index];
	r = setup_access_ok(vq);
	if (r < 0)
		return r;
	if (f.fd != -1 && (f.fd != d->m->peer.tap.fd || !d->m->peer.started))
		return device_breaks(d, RULE_BACKEND_ANY) ? 0 : -ENOTSOCK;
	if (vq->running && f.fd != -1 && device_breaks(d, RULE_START_TWICE_BUSY))
		return -EBUSY;
	if (f.fd != -1 && d->left_running && device_breaks(d, RULE_REOPEN_BUSY))
		return -EBUSY;
	if (vq->running == (f.fd != -1))
		return 0;
	if (f.fd != -1 && vring_start(vq) < 0)
		return -EFAULT;
	if (f.fd != -1 && f.index == MODEL_TX && !d->vq[MODEL_RX].running &&
	    device_breaks(d, RULE_RINGS_TOGETHER))
		return -EFAULT;
	vq->running = f.fd != -1;
	if (vq->running) {
		vq->due = true;
		return 0;
	}
	device_stopped(d);
	messages_clear(d); /* misses of a ring without back end are stale */
	return 0;
}

static void net_stop(struct model_dev *d)
{
	for (unsigned int q = 0; q < MODEL_QUEUES; q++)
		d->vq[q].running = false;
}

static int reset_owner(struct model_dev *d)
{
	int r = device_owned(d);
	pid_t owner = d->owner;

	if (r < 0)
		return r;
	device_wipe(d);
	if (device_breaks(d, RULE_RESET_KEEPS_OWNER))
		d->owner = owner;
	if (device_breaks(d, RULE_RESET_KEEPS_IOTLB))
		d->has_iotlb = true;
	d->has_memory = true; /* an empty table (vhost-abi 2.5) */
	return 0;
}

/* Copies as many words as there are and zeroes the rest; the count stays. */
static int get_array(struct model_dev *d, void *arg)
{
	uint64_t at = (uint64_t)(uintptr_t)arg;
	uint64_t count = 0;
	int r = memory_read(&count, at, sizeof(count));

	for (uint64_t i = 0; i < count && i < ARRAY_WORDS_MAX && r == 0; i++) {
		uint64_t word = i < FEATURE_WORDS ? d->family->features.word[i] : 0;

		if (i == 0 && d->m->policy == MODEL_NONE)
			word &= ~BIT64(VIRTIO_F_ACCESS_PLATFORM);
		r = memory_write(at + sizeof(count) * (i + 1), &word, sizeof(word));
	}
	return r;
}

static int set_array(struct model_dev *d, const void *arg)
{
	uint64_t at = (uint64_t)(uintptr_t)arg;
	struct feature_set set = { { 0 } };
	uint64_t count = 0;
	int r = memory_read(&count, at, sizeof(count));

	for (uint64_t i = 0; i < count && r == 0; i++) {
		uint64_t word = 0;

		r = memory_read(&word, at + sizeof(count) * (i + 1), sizeof(word));
		if (r == 0 && i < FEATURE_WORDS)
			set.word[i] = word;
		else if (r == 0 && word)
			r = -EOPNOTSUPP;
	}
	return r < 0 ? r : device_set_features(d, &set);
}

static int net_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	switch (request) {
	case VHOST_NET_SET_BACKEND:
		return set_backend(d, arg);
	case VHOST_RESET_OWNER:
		return reset_owner(d);
	case VHOST_GET_FEATURES_ARRAY:
		return get_array(d, arg);
	case VHOST_SET_FEATURES_ARRAY:
		return set_array(d, arg);
	default:
		return -ENOTTY;
	}
}

const struct family_ops family_net = {
	.queues = MODEL_QUEUES,
	.features = { { BIT64(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT64(VHOST_F_LOG_ALL) |
				BIT64(VHOST_NET_F_VIRTIO_NET_HDR) |
				BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
				BIT64(VIRTIO_RING_F_EVENT_IDX) |
				BIT64(VIRTIO_F_VERSION_1) |
				BIT64(VIRTIO_F_ACCESS_PLATFORM) |
				BIT64(VIRTIO_NET_F_MRG_RXBUF) | BIT64(VIRTIO_F_IN_ORDER) |
				BIT64(VIRTIO_F_RING_RESET),
			BIT64(VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO % 64) |
				BIT64(VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO % 64) } },
	.ioctl = net_ioctl,
	.handle = net_handle,
	.stop = net_stop,
};
