/* SPDX-License-Identifier: MIT */
/* Area family of vhost-net: headers, offloads, several frames, rings on their own. */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "checks/rows.h"
#include "guest/net.h"
#include "seam/uapi.h"

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif

#define F_ORDER BIT64(VIRTIO_F_IN_ORDER)
#define F_RING_RESET BIT64(VIRTIO_F_RING_RESET)

#define IP_HEADER 20u
#define UDP_CHECKSUM 6u

/** BURST - frames of one kick */
#define BURST 8u

/* ------------------------------------------------------------------ headers */

static uint16_t header16(const struct link *l, size_t at)
{
	return (uint16_t)(l->rx_header[at] | l->rx_header[at + 1] << 8);
}

/* Something arrives; its header is that of the link. */
static int receive_one(struct link *l, struct session *s)
{
	int r = link_begin(l, s, &plain_start);

	return r < 0 ? r : link_rx(l, "rx", SHORT_BYTES);
}

static int collect_header_rx(struct session *s)
{
	struct link l;
	int r = receive_one(&l, s);

	if (r < 0)
		return r;
	session_fact(s, "header", "gso_type", "%u",
		     l.rx_header[offsetof(struct virtio_net_hdr, gso_type)]);
	session_fact(s, "header", "gso_size", "%u",
		     header16(&l, offsetof(struct virtio_net_hdr, gso_size)));
	session_fact(s, "header", "flags", "0x%x",
		     l.rx_header[offsetof(struct virtio_net_hdr, flags)]);
	return 0;
}

static void judge_header_rx(struct judge *j)
{
	const char *flags = NULL;

	judge_bytes(j, "rx", SHORT_BYTES);
	judge_fact(j, "header", "gso_type", "0");
	judge_fact(j, "header", "gso_size", "0");
	flags = judge_fact_value(j, "header", "flags");
	judge_that(j, flags && (!strcmp(flags, "0x0") || !strcmp(flags, "0x2")),
		   "flags are %s; they must be 0, or VIRTIO_NET_HDR_F_DATA_VALID",
		   flags ? flags : "not recorded");
}

const struct check net_header_rx = {
	.area = "family",
	.name = "header_rx",
	.families = ON_NET,
	.title = "a frame for which no offload was agreed has a plain header",
	.contract =
		"With no offload agreed on, the header of a received frame says gso_type "
		"NONE and gso_size 0, and does not ask the guest to complete a checksum.",
	.harm = "The guest takes a frame for what it is not, or sums what is right "
		"already.",
	.judged = "The header of a frame of 1014 bytes that arrives.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.4.1", "handle_rx() in drivers/vhost/net.c",
		      "virtio_net_hdr_from_skb()"),
	.faults = WORDS("header_dirty", "payload_flipped"),
	.collect = collect_header_rx,
	.judge = judge_header_rx,
};

static int collect_num_buffers(struct session *s)
{
	struct link l;
	int r = receive_one(&l, s);

	if (r == 0)
		session_fact(s, "header", "num_buffers", "%u",
			     header16(&l, offsetof(struct virtio_net_hdr_mrg_rxbuf,
						   num_buffers)));
	return r;
}

static void judge_num_buffers(struct judge *j)
{
	judge_bytes(j, "rx", SHORT_BYTES);
	judge_fact(j, "header", "num_buffers", "1");
}

const struct check net_num_buffers = {
	.area = "family",
	.name = "num_buffers",
	.families = ON_NET,
	.title = "without mergeable buffers num_buffers is 1",
	.contract = "With VIRTIO_F_VERSION_1 each header has num_buffers; without "
		    "VIRTIO_NET_F_MRG_RXBUF the device sets it to 1.",
	.harm = "A driver that goes by the specification drops every frame.",
	.judged =
		"num_buffers of a frame that arrives in a buffer that is not mergeable.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.4", "handle_rx() in drivers/vhost/net.c"),
	.faults = WORDS("buffers_none", "payload_flipped"),
	.collect = collect_num_buffers,
	.judge = judge_num_buffers,
};

static int collect_checksum(struct session *s)
{
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
	struct peer_reply reply = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	/* where UDP over IPv4 has it: kernels refuse what leaves IP no room */
	header.csum_start = htole16(NET_ETHERNET + IP_HEADER);
	header.csum_offset = htole16(UDP_CHECKSUM);
	memcpy(l.tx_header, &header, sizeof(header));
	r = link_ask(&l,
		     &(struct peer_request){ .op = PEER_RECV, .len = PEER_PAYLOAD_MIN });
	if (r == 0)
		r = net_tx_one(&l);
	if (r == 0)
		r = link_answer(&l, &reply);
	session_fact(s, "asked", "unsummed", "%u", reply.unsummed);
	memset(l.tx_header, 0, sizeof(l.tx_header));
	if (r == 0)
		r = link_ask(&l, &(struct peer_request){ .op = PEER_RECV,
							 .len = PEER_PAYLOAD_MIN });
	if (r == 0)
		r = net_tx_one(&l);
	if (r == 0)
		r = link_answer(&l, &reply);
	session_fact(s, "plain", "unsummed", "%u", reply.unsummed);
	return r;
}

static void judge_checksum(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "asked", "unsummed", "1");
	judge_fact(j, "plain", "unsummed", "0");
}

const struct check net_checksum_tx = {
	.area = "family",
	.name = "checksum_tx",
	.families = ON_NET,
	.title = "a checksum that the guest leaves to the host is known to be missing",
	.contract =
		"The header of a transmitted frame reaches the tap: with "
		"VIRTIO_NET_HDR_F_NEEDS_CSUM the host's stack knows that the checksum at "
		"csum_start + csum_offset is to be completed; without, that it is there.",
	.harm = "Packets leave the host with wrong checksums, and are dropped where they "
		"arrive.",
	.judged =
		"A frame with the flag and one without; what a packet socket on the tap "
		"is told of each (TP_STATUS_CSUMNOTREADY).",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.2", "virtio_net_hdr_to_skb()",
		      "tun_get_user() in drivers/net/tun.c"),
	.faults = WORDS("csum_lost", "peer_refuses"),
	.collect = collect_checksum,
	.judge = judge_checksum,
};

/* ------------------------------------------------------------ several frames */

static int collect_several(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = net_tx_burst(&l, "tx", BURST);
	l.frame = NET_BURST_PAYLOAD;
	return r < 0 ? r : link_rx(&l, "rx", BURST * NET_BURST_PAYLOAD);
}

static void judge_several(struct judge *j)
{
	judge_ok(j, "start");
	judge_bytes(j, "tx", (int64_t)BURST * NET_BURST_PAYLOAD);
	judge_bytes(j, "rx", (int64_t)BURST * NET_BURST_PAYLOAD);
}

const struct check net_several_frames = {
	.area = "family",
	.name = "several_frames",
	.families = ON_NET,
	.title = "frames that were made available together go together",
	.contract =
		"One kick transmits all that is available, in its order. What arrives "
		"together is all delivered.",
	.harm = "A guest under load sends one packet for each kick, and stops when it "
		"believes that the host is at work.",
	.judged = "8 frames in buffers of their own with one kick, and 8 that the peer "
		  "sends: the digest of all.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.13", "handle_tx_copy() in drivers/vhost/net.c"),
	.faults = WORDS("one_a_kick", "payload_flipped", "payload_short"),
	.collect = collect_several,
	.judge = judge_several,
};

static const struct session_config order_start = { .features = F_VERSION_1 | F_ORDER };

static int collect_in_order(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &order_start);

	if (r == 0)
		r = net_tx_burst(&l, "tx", BURST);
	if (r == 0)
		r = net_tx_burst(&l, "tx again", BURST);
	l.frame = NET_BURST_PAYLOAD;
	return r < 0 ? r : link_rx(&l, "rx", BURST * NET_BURST_PAYLOAD);
}

static void judge_in_order(struct judge *j)
{
	judge_several(j);
	judge_fact(j, "tx", "in_order", "yes");
	judge_fact(j, "tx again", "in_order", "yes");
}

const struct check net_in_order = {
	.area = "family",
	.name = "in_order",
	.families = ON_NET,
	.title = "with VIRTIO_F_IN_ORDER buffers come back in their order",
	.contract =
		"With VIRTIO_F_IN_ORDER the device uses buffers in the order in which they "
		"were made available; one used element may stand for all up to the one "
		"that it names.",
	.harm = "A driver that counts instead of looking frees a buffer that the device "
		"still has.",
	.judged = "Twice 8 frames with one kick each: the ids that came back, and the "
		  "digest; 8 frames that arrive.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_ORDER,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.9",
		      "vhost_add_used_n_in_order() in "
		      "drivers/vhost/vhost.c",
		      "commit 67a873df0c41"),
	.faults = WORDS("order_broken", "one_a_kick", "payload_flipped"),
	.collect = collect_in_order,
	.judge = judge_in_order,
};

/* -------------------------------------------------------------------- rings */

static int start_ring(struct session *s, const char *step, enum session_queue q)
{
	struct peer *peer = s->seam->peer;
	int fd = peer->ops->backend(peer, session_header(s));

	return fd < 0 ? fd : session_net_backend(s, step, q, fd);
}

static int collect_one_ring(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r == 0)
		r = start_ring(s, "start", QUEUE_TX);
	if (r >= 0)
		r = link_tx(&l, "tx", SHORT_BYTES);
	if (r >= 0)
		r = session_net_backend(s, "stop", QUEUE_TX, -1);
	if (r >= 0)
		r = start_ring(s, "start_rx", QUEUE_RX);
	if (r >= 0)
		r = link_post_rx(&l);
	return r < 0 ? r : link_rx(&l, "rx", SHORT_BYTES);
}

static void judge_one_ring(struct judge *j)
{
	judge_ok(j, "start");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_ok(j, "stop");
	judge_ok(j, "start_rx");
	judge_bytes(j, "rx", SHORT_BYTES);
}

const struct check net_one_ring = {
	.area = "family",
	.name = "one_ring",
	.families = ON_NET,
	.title = "each ring starts, works and stops without the other",
	.contract =
		"VHOST_NET_SET_BACKEND is about one ring: frames are transmitted with "
		"the transmit ring alone, and received with the receive ring alone.",
	.harm = "A VMM that starts its rings as the guest enables them gets no network.",
	.judged =
		"1000 bytes out with ring 1 alone; it is stopped, and 1000 bytes in with "
		"ring 0 alone.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_net_set_backend() in drivers/vhost/net.c"),
	.faults = WORDS("rings_together", "payload_flipped", "payload_short"),
	.collect = collect_one_ring,
	.judge = judge_one_ring,
};

static const struct session_config reset_start = {
	.features = F_VERSION_1 | F_RING_RESET,
};

static int collect_ring_reset(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &reset_start);

	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	if (r == 0)
		r = session_net_backend(s, "stop", QUEUE_TX, -1);
	if (r >= 0)
		r = link_rx(&l, "rx stopped", SHORT_BYTES);
	if (r >= 0)
		r = session_ring_setup(s, QUEUE_TX, SESSION_RING_SIZE / 2, 0);
	if (r >= 0)
		r = start_ring(s, "restart", QUEUE_TX);
	if (r >= 0)
		r = link_tx(&l, "tx again", TRANSFER_BYTES);
	return r < 0 ? r : link_rx(&l, "rx again", SHORT_BYTES);
}

static void judge_ring_reset(struct judge *j)
{
	judge_both(j, TRANSFER_BYTES);
	judge_ok(j, "stop");
	judge_bytes(j, "rx stopped", SHORT_BYTES);
	judge_ok(j, "restart");
	judge_bytes(j, "tx again", TRANSFER_BYTES);
	judge_bytes(j, "rx again", SHORT_BYTES);
}

const struct check net_ring_reset = {
	.area = "family",
	.name = "ring_reset",
	.families = ON_NET,
	.title = "a ring can be reset, and set up anew, while the other runs",
	.contract =
		"A device that offers VIRTIO_F_RING_RESET takes the back end of one ring "
		"away, and takes it again after a new size, new tables and index 0, while "
		"the other ring goes on.",
	.harm = "A guest that resizes its rings (ethtool -G) loses its network.",
	.judged =
		"Payload each way; ring 1 is stopped while payload arrives; it is half as "
		"large and empty when it starts again; payload each way.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_RING_RESET,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.6.1",
		      "vhost_net_set_backend(), vhost_vq_init_access()",
		      "commit 313389be06ff"),
	.faults = WORDS("used_kept", "payload_flipped", "payload_short"),
	.collect = collect_ring_reset,
	.judge = judge_ring_reset,
};

/* --------------------------------------------------------------- busy polling */

static int busyloop(struct session *s, const char *step, unsigned long request,
		    enum session_queue q, unsigned int us)
{
	struct vhost_vring_state state = { .index = q, .num = us };

	return session_ioctl(s, step, request, &state);
}

static int collect_busyloop(struct session *s)
{
	int r = session_open(s);

	if (r == 0)
		r = session_owner(s, "owner");
	if (r < 0)
		return r;
	(void)busyloop(s, "first", VHOST_GET_VRING_BUSYLOOP_TIMEOUT, QUEUE_TX, 1);
	(void)busyloop(s, "set", VHOST_SET_VRING_BUSYLOOP_TIMEOUT, QUEUE_TX, 50);
	(void)busyloop(s, "get", VHOST_GET_VRING_BUSYLOOP_TIMEOUT, QUEUE_TX, 1);
	(void)busyloop(s, "other", VHOST_GET_VRING_BUSYLOOP_TIMEOUT, QUEUE_RX, 1);
	(void)busyloop(s, "clear", VHOST_SET_VRING_BUSYLOOP_TIMEOUT, QUEUE_TX, 0);
	(void)busyloop(s, "cleared", VHOST_GET_VRING_BUSYLOOP_TIMEOUT, QUEUE_TX, 1);
	return 0;
}

static void judge_timeout(struct judge *j, const char *step, const char *value)
{
	const struct ev *ev = NULL;

	judge_ok(j, step);
	ev = judge_need(j, EV_IOCTL, step);
	if (ev)
		judge_that(j, ev->ioctl.arg && !strcmp(ev->ioctl.arg, value),
			   "the timeout at step \"%s\" is \"%s\"; it must be \"%s\"",
			   step, ev->ioctl.arg ? ev->ioctl.arg : "not there", value);
}

static void judge_busyloop(struct judge *j)
{
	judge_timeout(j, "first", "tx 0");
	judge_ok(j, "set");
	judge_timeout(j, "get", "tx 50");
	judge_timeout(j, "other", "rx 0");
	judge_ok(j, "clear");
	judge_timeout(j, "cleared", "tx 0");
}

const struct check net_busyloop = {
	.area = "family",
	.name = "busyloop",
	.families = ON_NET,
	.title = "the busy-poll timeout of a ring is kept, and is 0 at first",
	.contract =
		"VHOST_GET_VRING_BUSYLOOP_TIMEOUT says what VHOST_SET_VRING_BUSYLOOP_"
		"TIMEOUT set for that ring, in microseconds, and 0 before: nothing polls "
		"that was not asked to.",
	.harm = "A host's processors run at full load for idle guests.",
	.judged = "0, 50 and 0 again on ring 1, ring 0 unchanged. The device is not "
		  "running: nothing is polled.",
	.severity = SEVERITY_LOW,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_VRING_BUSYLOOP_TIMEOUT in include/uapi/linux/vhost.h",
		      "vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("busyloop_lost"),
	.collect = collect_busyloop,
	.judge = judge_busyloop,
};
