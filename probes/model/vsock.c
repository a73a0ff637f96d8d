/* SPDX-License-Identifier: MIT */
/*
 * vhost-vsock between the rings and the host's sockets.
 *
 * Source: virtio-1.2 5.10; vhost-abi 2.3; vhost_vsock_handle_tx_kick(),
 * vhost_transport_do_send_pkt(), vhost_vsock_start(), vhost_vsock_set_cid() in
 * drivers/vhost/vsock.c
 */
#include <endian.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "model/memory.h"
#include "model/model_private.h"

#define HEADER sizeof(struct virtio_vsock_hdr)
#define PAYLOAD_MAX 65536u

/* ------------------------------------------------------- guest to host */

/* Whether the device takes more of what would need an answer (vhost-abi 3.7 d). */
static bool more_replies(const struct model_dev *d)
{
	return d->queued_replies < d->vq[MODEL_TX].num ||
	       device_breaks(d, RULE_REPLIES_UNBOUND);
}

/* A packet as the guest describes it; NULL for what cannot be one. */
static unsigned char *packet_of(const struct model_dev *d, const struct chain *c,
				struct virtio_vsock_hdr *header)
{
	size_t bytes = chain_bytes(c, false);
	unsigned char *payload = NULL;
	uint32_t len = 0;

	if (c->in || bytes < HEADER || bytes > HEADER + PAYLOAD_MAX ||
	    chain_read(c, 0, header, HEADER) < 0)
		return NULL;
	len = le32toh(header->len);
	if (len > bytes - HEADER && device_breaks(d, RULE_PACKET_LENGTH))
		len = (uint32_t)(bytes - HEADER);
	if (len > bytes - HEADER)
		return NULL;
	payload = malloc(len + 1);
	if (payload && chain_read(c, HEADER, payload, len) < 0) {
		free(payload);
		payload = NULL;
	}
	return payload;
}

static void deliver(struct model_dev *d, const struct virtio_vsock_hdr *header,
		    const unsigned char *payload)
{
	/* from another address, or to somebody else: dropped */
	if ((le64toh(header->src_cid) == d->cid || device_breaks(d, RULE_CID_FORGED)) &&
	    (le64toh(header->dst_cid) == HOST_CID || device_breaks(d, RULE_CID_ANYBODY)))
		host_receive(d, header, payload);
}

static void handle_tx(struct vq *vq)
{
	struct chain c;

	vring_quiet(vq);
	while (more_replies(vq->dev)) {
		struct virtio_vsock_hdr header;
		unsigned char *payload = NULL;
		struct used used = { 0 };
		int r = vring_next(vq, &c);

		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			continue;
		}
		if (r < 0)
			return;
		payload = packet_of(vq->dev, &c, &header);
		if (!payload) {
			vring_refuse(vq);
			continue;
		}
		deliver(vq->dev, &header, payload);
		free(payload);
		used.head = c.head;
		used.len = device_breaks(vq->dev, RULE_USED_LEN_TX)
				   ? (uint32_t)chain_bytes(&c, false)
				   : 0;
		if (vring_used(vq, &used, 1) < 0)
			return;
		vring_signal(vq);
	}
}

/* ------------------------------------------------------- host to guest */

static struct model_dev *device_of_cid(struct seam_model *m, uint32_t cid)
{
	if (cid && m->dev.cid == cid)
		return &m->dev;
	return cid && m->twin.cid == cid ? &m->twin : NULL;
}

int packet_queue(struct seam_model *m, const struct packet *packet, const void *payload)
{
	uint32_t len = le32toh(packet->header.len);
	struct model_dev *d = device_of_cid(m, (uint32_t)le64toh(packet->header.dst_cid));
	struct packet **end = NULL;
	struct packet *p = NULL;

	if (!d)
		return -ENODEV;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	*p = *packet;
	if (len)
		memcpy(p->payload, payload, len);
	for (end = &d->packets; *end; end = &(*end)->next)
		;
	*end = p;
	d->queued_replies += p->reply;
	d->vq[MODEL_RX].due = true;
	return 0;
}

static void drop_first(struct model_dev *d)
{
	struct packet *p = d->packets;

	d->packets = p->next;
	if (p->reply && d->queued_replies-- == d->vq[MODEL_TX].num &&
	    !device_breaks(d, RULE_REPLIES_STUCK))
		d->vq[MODEL_TX].due = true; /* it waited for room for answers */
	free(p);
}

/* As much of a packet as the buffer takes; the header says how much that is. */
static int put_packet(struct vq *vq, const struct chain *c, struct packet *p)
{
	size_t room = chain_bytes(c, true);
	uint32_t left = le32toh(p->header.len) - p->done;
	struct virtio_vsock_hdr header = p->header;
	struct used used = { .head = c->head };
	uint32_t n = left;

	if (c->out || room < HEADER) {
		vring_refuse(vq);
		return -EINVAL;
	}
	if (n > room - HEADER)
		n = (uint32_t)(room - HEADER);
	header.len = htole32(n);
	/* of a message's parts the last one says so */
	if (n < left && le16toh(header.type) == VIRTIO_VSOCK_TYPE_SEQPACKET &&
	    !device_breaks(vq->dev, RULE_SEQ_EOM_EARLY))
		header.flags &= htole32(~(uint32_t)VIRTIO_VSOCK_SEQ_EOM);
	if (chain_write(c, 0, &header, HEADER) < 0 ||
	    chain_write(c, HEADER, p->payload + p->done, n) < 0) {
		vring_error(vq);
		return -EFAULT;
	}
	if (device_breaks(vq->dev, RULE_TAIL_WRITTEN))
		chain_clear(c, HEADER + n);
	log_chain(vq, c, HEADER + n);
	p->done += n;
	used.len = (uint32_t)HEADER + n;
	if (device_breaks(vq->dev, RULE_USED_LEN_RX))
		used.len = (uint32_t)room;
	return vring_used(vq, &used, 1);
}

static void handle_rx(struct vq *vq)
{
	struct model_dev *d = vq->dev;
	struct chain c;
	int r = 0;

	vring_quiet(vq);
	while (d->packets && r == 0) {
		struct packet *p = d->packets;

		r = vring_next(vq, &c);
		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			r = 0;
			continue;
		}
		if (r < 0)
			return;
		r = put_packet(vq, &c, p);
		if (r < 0 || p->done == le32toh(p->header.len))
			drop_first(d);
		vring_signal(vq);
	}
	(void)vring_listen(vq);
}

static void vsock_handle(struct vq *vq)
{
	if (!translate_prefetch(vq))
		return;
	if (vq->index == MODEL_TX)
		handle_tx(vq);
	else
		handle_rx(vq);
}

/* ------------------------------------------------------------ start, CID */

static void stop_rings(struct model_dev *d)
{
	for (unsigned int q = 0; q < MODEL_QUEUES; q++)
		d->vq[q].running = false;
}

static int start(struct model_dev *d)
{
	for (unsigned int q = 0; q < MODEL_QUEUES; q++) {
		struct vq *vq = &d->vq[q];
		int r = setup_access_ok(vq);

		if (r == 0 && !vq->running)
			r = vring_start(vq);
		if (r < 0) {
			stop_rings(d);
			return -EFAULT;
		}
		vq->running = true;
	}
	/* packets may have been queued before */
	d->vq[MODEL_RX].due = true;
	return 0;
}

static bool runs(const struct model_dev *d)
{
	return d->vq[MODEL_RX].running && d->vq[MODEL_TX].running;
}

static int set_running(struct model_dev *d, const void *arg)
{
	int on = 0;
	int r = memory_read(&on, (uint64_t)(uintptr_t)arg, sizeof(on));

	if (r == 0)
		r = device_owned(d);
	if (r < 0)
		return r;
	if (on && runs(d) && device_breaks(d, RULE_START_TWICE_BUSY))
		return -EBUSY;
	if (on && d->left_running && device_breaks(d, RULE_REOPEN_BUSY))
		return -EBUSY;
	if (on)
		return start(d);
	stop_rings(d);
	device_stopped(d);
	return 0;
}

static int set_cid(struct model_dev *d, const void *arg)
{
	const struct model_dev *other = NULL;
	uint64_t cid = 0;

	if (memory_read(&cid, (uint64_t)(uintptr_t)arg, sizeof(cid)) < 0)
		return -EFAULT;
	if (cid > UINT32_MAX && device_breaks(d, RULE_CID_TRUNCATED))
		cid = (uint32_t)cid;
	if (cid > UINT32_MAX)
		return -EINVAL;
	if ((cid <= HOST_CID || cid == UINT32_MAX) &&
	    !device_breaks(d, RULE_CID_RESERVED))
		return -EINVAL;
	other = device_of_cid(d->m, (uint32_t)cid);
	if (other && other != d)
		return -EADDRINUSE;
	d->cid = (uint32_t)cid;
	return 0;
}

static int vsock_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	switch (request) {
	case VHOST_VSOCK_SET_GUEST_CID:
		return set_cid(d, arg);
	case VHOST_RESET_OWNER:
		if (!device_breaks(d, RULE_VSOCK_RESET))
			return -ENOTTY;
		device_wipe(d);
		return 0;
	case VHOST_VSOCK_SET_RUNNING:
		return set_running(d, arg);
	default:
		return -ENOTTY;
	}
}

static void vsock_stop(struct model_dev *d)
{
	stop_rings(d);
	while (d->packets)
		drop_first(d);
	d->queued_replies = 0;
	host_gone(d);
	if (!device_breaks(d, RULE_CID_KEPT))
		d->cid = 0;
}

const struct family_ops family_vsock = {
	.queues = MODEL_QUEUES,
	.features = { { BIT64(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT64(VHOST_F_LOG_ALL) |
			BIT64(VIRTIO_F_ANY_LAYOUT) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
			BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_F_VERSION_1) |
			BIT64(VIRTIO_F_ACCESS_PLATFORM) |
			BIT64(VIRTIO_VSOCK_F_SEQPACKET) } },
	.ioctl = vsock_ioctl,
	.handle = vsock_handle,
	.stop = vsock_stop,
};
