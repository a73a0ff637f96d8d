/* SPDX-License-Identifier: MIT */
/* Area transfer of vhost-net: real frames both ways with the IOTLB off. */
#include "checks/rows.h"
#include "guest/net.h"
#include "seam/uapi.h"

#define F_MERGEABLE BIT64(VIRTIO_NET_F_MRG_RXBUF)

const struct check transfer_frames = {
	.area = "transfer",
	.name = "frames",
	.families = ON_NET,
	.title = "frames go both ways between the guest and a tap",
	.contract =
		"With a tap as back end of both rings, what the guest transmits arrives on "
		"the tap, and what is sent on the tap arrives in the guest, whole, in "
		"order and unchanged.",
	.harm = "The guest has no network.",
	.judged =
		"10000 bytes of payload each way in frames of up to 1514 bytes; the guest's "
		"side and the peer process each compute their own digest; the vhost worker "
		"must be there.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6",
		      "handle_tx(), handle_rx() in drivers/vhost/net.c"),
	.faults = WORDS("payload_flipped", "payload_short", "kick_lost", "worker_gone"),
	.collect = collect_full_transfer,
	.judge = judge_full_transfer,
};

static const uint32_t frame_sizes[] = { 60, 64, 512, 1514 };

static int collect_frame_sizes(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	for (size_t i = 0; i < ARRAY_SIZE(frame_sizes) && r == 0; i++) {
		uint32_t payload = frame_sizes[i] - NET_ETHERNET;
		const char *tx = arena_printf(&s->arena, "tx %u", frame_sizes[i]);
		const char *rx = arena_printf(&s->arena, "rx %u", frame_sizes[i]);

		l.frame = payload;
		r = link_tx(&l, tx ? tx : "tx", payload);
		if (r == 0)
			r = link_rx(&l, rx ? rx : "rx", payload);
		session_fact(s, rx ? rx : "rx", "used_len", "%u", l.rx_used_len);
	}
	return r;
}

static void judge_frame_sizes(struct judge *j)
{
	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(frame_sizes); i++) {
		const char *tx = arena_printf(j->arena, "tx %u", frame_sizes[i]);
		const char *rx = arena_printf(j->arena, "rx %u", frame_sizes[i]);
		const char *len = arena_printf(j->arena, "%u", frame_sizes[i] + 12);

		if (!tx || !rx || !len)
			return;
		judge_bytes(j, tx, frame_sizes[i] - NET_ETHERNET);
		judge_bytes(j, rx, frame_sizes[i] - NET_ETHERNET);
		judge_fact(j, rx, "used_len", len);
	}
}

const struct check transfer_frame_sizes = {
	.area = "transfer",
	.name = "frame_sizes",
	.families = ON_NET,
	.title = "frames from the shortest to the longest keep their length",
	.contract = "A frame of 60 to 1514 bytes arrives with just that length in either "
		    "direction, nothing added and nothing cut.",
	.harm = "Small packets (TCP acknowledgements) or full ones are lost: connections "
		"open and hang.",
	.judged =
		"One frame of 60, 64, 512 and 1514 bytes each way: digests, and the used "
		"length of the received one. Shorter frames are never sent: unfixed "
		"kernels crash on them (CVE-2024-41090).",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6", "CVE-2024-41090",
		      "tun_get_user() in drivers/net/tun.c"),
	.faults = WORDS("payload_short", "payload_flipped", "frame_padded", "frame_cut"),
	.collect = collect_frame_sizes,
	.judge = judge_frame_sizes,
};

/* Whether the call eventfd of rx was signalled; the wait for a frame may have read it. */
static void note_rx_call(const struct link *l)
{
	uint64_t count = 0;
	bool now = read(l->s->call[QUEUE_RX], &count, sizeof(count)) == sizeof(count);

	session_fact(l->s, "rx", "called", "%s", now || l->rx_called ? "yes" : "no");
}

static int collect_call(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_tx(&l, "tx", SHORT_BYTES);
	if (r < 0)
		return r;
	session_note_eventfds(s, "tx", QUEUE_TX);
	r = link_rx(&l, "rx", SHORT_BYTES);
	if (r == 0)
		r = session_barrier(s);
	if (r == 0)
		note_rx_call(&l);
	return r;
}

static void judge_call(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_called(j, "tx");
	judge_errors(j, "tx", 0);
	judge_fact(j, "rx", "called", "yes");
}

const struct check net_call = {
	.area = "transfer",
	.name = "call",
	.families = ON_NET,
	.title = "used buffers are announced on the call eventfds",
	.contract =
		"With interrupts wanted (avail->flags 0), the device signals the call "
		"eventfd of a ring after it used a buffer, and no error eventfd.",
	.harm = "The guest's interrupt never comes: traffic moves at the pace of timeouts.",
	.judged =
		"One frame each way uses a buffer in each ring; both call eventfds must "
		"have counted.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.7",
		      "vhost_net_signal_used() in drivers/vhost/net.c",
		      "vhost_signal() in drivers/vhost/vhost.c"),
	.faults = WORDS("call_lost", "call_rx_missing"),
	.collect = collect_call,
	.judge = judge_call,
};

static int collect_used_length(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	session_fact(s, "tx", "used_len", "%u", l.tx_used_len);
	session_fact(s, "rx", "used_len", "%u", l.rx_used_len);
	return r;
}

static void judge_used_length(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_fact(j, "tx", "used_len", "0");
	judge_fact(j, "rx", "used_len", "1026");
}

const struct check net_used_length = {
	.area = "transfer",
	.name = "used_length",
	.families = ON_NET,
	.title = "the used length is the number of bytes that the device wrote",
	.contract =
		"A used element of the transmit ring has length 0; one of the receive "
		"ring has the header and the frame.",
	.harm = "A guest that trusts the length reads what was never written, or drops part "
		"of a frame.",
	.judged = "Lengths of one frame of 1014 bytes each way: 0, and 12 more than the "
		  "frame.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.8", "handle_rx() in drivers/vhost/net.c"),
	.faults = WORDS("payload_short", "start_swallowed", "used_len_tx"),
	.collect = collect_used_length,
	.judge = judge_used_length,
};

static int collect_legacy(struct session *s)
{
	const struct session_config none = { 0 };
	struct link l;
	int r = link_begin(&l, s, &none);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	session_fact(s, "rx", "used_len", "%u", l.rx_used_len);
	return r;
}

static void judge_legacy(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_fact(j, "rx", "used_len", "1024");
}

const struct check transfer_header_legacy = {
	.area = "transfer",
	.name = "header_legacy",
	.families = ON_NET,
	.title = "without VERSION_1 and MRG_RXBUF the header has 10 bytes",
	.contract = "A device that accepted neither VIRTIO_F_VERSION_1 nor "
		    "VIRTIO_NET_F_MRG_RXBUF takes and writes headers of 10 bytes.",
	.harm = "Every frame of a legacy guest is shifted by two bytes: no network.",
	.judged =
		"One frame of 1014 bytes each way behind headers of 10 bytes; digests, and "
		"the used length.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.1",
		      "vhost_net_set_features() in drivers/vhost/net.c"),
	.faults = WORDS("bit32_flipped", "payload_flipped", "header_legacy_long"),
	.collect = collect_legacy,
	.judge = judge_legacy,
};

#define F_UDP_TUNNEL                                                                     \
	(BIT64(VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO - 64) |                                 \
	 BIT64(VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO - 64))

static int collect_tunnel(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1,
					  .features_high = F_UDP_TUNNEL };
	struct link l;
	int r = link_begin(&l, s, &c);

	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	session_fact(s, "rx", "used_len", "%u", l.rx_used_len);
	session_fact(s, "rx", "header_rest", "%s", l.header_rest ? "not zero" : "zero");
	return r;
}

static void judge_tunnel(struct judge *j)
{
	judge_ok(j, "setup.features");
	judge_both(j, TRANSFER_BYTES);
	judge_fact(j, "rx", "used_len", "1038");
	judge_fact(j, "rx", "header_rest", "zero");
}

const struct check transfer_header_tunnel = {
	.area = "transfer",
	.name = "header_tunnel",
	.families = ON_NET,
	.title = "with a bit for tunnels in UDP the header has 24 bytes",
	.contract =
		"A device that accepted VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO and "
		"VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO, which VHOST_SET_FEATURES_ARRAY alone can "
		"set, takes and writes headers of 24 bytes, from and to a tap that was told "
		"so by TUNSETVNETHDRSZ. Of a frame without a tunnel the last twelve are 0.",
	.harm = "Every frame is shifted by twelve bytes: no network for a guest that knows "
		"these features; or it is shown bytes of the host's kernel stack.",
	.judged = "10000 bytes of payload each way in frames behind headers of 24 bytes; "
		  "digests, the used length, and the last twelve bytes of each received "
		  "header.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_high = F_UDP_TUNNEL,
	.need_array = true,
	.need_peer = true,
	.refs = WORDS("struct virtio_net_hdr_v1_hash_tunnel", "TUNSETVNETHDRSZ",
		      "vhost_net_set_features() in drivers/vhost/net.c",
		      "tun_put_user() in drivers/net/tun.c, commit 7f2fcff15e99",
		      "commit bbca931fce26"),
	.faults = WORDS("array_high_lost", "payload_flipped"),
	.collect = collect_tunnel,
	.judge = judge_tunnel,
};

#define SMALL_BUFFER 512u
#define MERGED_BYTES 4500u /* three frames of NET_PAYLOAD_MAX */

static int collect_mergeable(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_MERGEABLE };
	struct link l;
	int r = link_prepare(&l, s, &c);

	if (r < 0)
		return r;
	/* 16 of them: all frames have room at once, or old kernels spin (5.17 to 7.2) */
	l.rx_room = SMALL_BUFFER;
	r = link_start(&l);
	if (r == 0)
		r = link_both_ways(&l, MERGED_BYTES);
	session_fact(s, "rx", "buffers", "%u", l.buffers);
	return r;
}

static void judge_mergeable(struct judge *j)
{
	judge_both(j, MERGED_BYTES);
	judge_fact(j, "rx", "buffers", "3");
}

const struct check transfer_mergeable = {
	.area = "transfer",
	.name = "mergeable",
	.families = ON_NET,
	.title =
		"with mergeable buffers a frame fills several, and the header counts them",
	.contract =
		"With VIRTIO_NET_F_MRG_RXBUF a frame longer than a receive buffer goes on in "
		"the next; num_buffers in the header of the first says how many there are.",
	.harm = "Guests that post small buffers, as Linux does, lose long frames or read one "
		"for several.",
	.judged =
		"Three frames of 1514 bytes into buffers of 512, three for each; digests, "
		"and num_buffers.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_MERGEABLE,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.4", "get_rx_bufs() in drivers/vhost/net.c"),
	.faults = WORDS("payload_flipped", "payload_short", "buffers_one"),
	.collect = collect_mergeable,
	.judge = judge_mergeable,
};
