/* SPDX-License-Identifier: MIT */
/* Area family of vhost-net: frames that the other side is to cut into segments. */
#include <stdlib.h>
#include <string.h>

#include "checks/rows.h"
#include "guest/net.h"
#include "seam/uapi.h"

/** SEGMENT, SEGMENTS - payload of a segment, and of three of which the last is short */
#define SEGMENT 1000u
#define SEGMENTS 2500u

/**
 * struct kind - one kind of frame
 * @since:	what offers it: a tap that does not know it is no fault, NULL if all do
 */
static const struct kind {
	const char *step, *since;
	uint8_t type;
	const char *start, *offset;
	unsigned int headers;
} kinds[] = {
	{ "tcp", NULL, VIRTIO_NET_HDR_GSO_TCPV4, "34", "16", 54 },
	{ "udp", "6.2", VIRTIO_NET_HDR_GSO_UDP_L4, "34", "6", 42 },
};

static int collect_segments(struct session *s,
			    int (*move)(struct link *l, const char *step, uint8_t type,
					uint16_t size, uint32_t len))
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		r = move(&l, kinds[i].step, kinds[i].type, SEGMENT, SEGMENTS);
		if (r != -EOPNOTSUPP)
			continue;
		session_fact(s, kinds[i].step, "tap", "does not know it");
		r = 0;
	}
	return r;
}

static int collect_segments_tx(struct session *s)
{
	return collect_segments(s, net_tx_segments);
}

static int collect_segments_rx(struct session *s)
{
	return collect_segments(s, net_rx_segments);
}

static void judge_kind(struct judge *j, const struct kind *k)
{
	const char *flags = judge_fact_value(j, k->step, "flags");
	const char *type = arena_printf(j->arena, "%u", k->type);
	const char *headers = judge_fact_value(j, k->step, "hdr_len");

	judge_bytes(j, k->step, SEGMENTS);
	judge_fact(j, k->step, "gso_type", type ? type : "?");
	judge_fact(j, k->step, "gso_size", "1000");
	judge_fact(j, k->step, "csum_start", k->start);
	judge_fact(j, k->step, "csum_offset", k->offset);
	judge_that(j, flags && strtoul(flags, NULL, 16) & VIRTIO_NET_HDR_F_NEEDS_CSUM,
		   "flags at step \"%s\" are %s, without VIRTIO_NET_HDR_F_NEEDS_CSUM",
		   k->step, flags ? flags : "not recorded");
	judge_that(j, headers && strtoul(headers, NULL, 10) >= k->headers,
		   "hdr_len at step \"%s\" is %s, less than the %u bytes of headers",
		   k->step, headers ? headers : "not recorded", k->headers);
}

static void judge_segments(struct judge *j)
{
	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!kinds[i].since || !judge_fact_value(j, kinds[i].step, "tap"))
			judge_kind(j, &kinds[i]);
}

const struct check net_segments_tx = {
	.area = "family",
	.name = "segments_tx",
	.families = ON_NET,
	.title = "a frame that the host is to cut reaches it whole, with how to cut it",
	.contract =
		"A transmitted frame with gso_type TCPV4, or UDP_L4 where the tap knows "
		"it (6.2), comes out of the tap in one piece, with the gso_type, gso_size, "
		"csum_start and csum_offset that the driver gave, its checksum known to be "
		"missing, and hdr_len not below its headers.",
	.harm = "Large sends of the guest leave the host in pieces of the wrong size, with "
		"wrong checksums, or not at all.",
	.judged =
		"2500 bytes over TCP and over UDP in one frame each, for segments of 1000; "
		"the virtio header that a packet socket on the tap shows, and the digest.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.2", "virtio_net_hdr_to_skb()",
		      "tun_get_user() in drivers/net/tun.c",
		      "VIRTIO_NET_HDR_GSO_UDP_L4: commit 860b7f27b8f7"),
	.faults = WORDS("segments_lost", "segments_whole", "csum_lost"),
	.collect = collect_segments_tx,
	.judge = judge_segments,
};

const struct check net_segments_rx = {
	.area = "family",
	.name = "segments_rx",
	.families = ON_NET,
	.title = "a frame that the guest agreed to cut reaches it whole, with how to",
	.contract =
		"With offloads switched on at the tap, as a VMM does for a guest that "
		"acknowledged GUEST_TSO4 or GUEST_USO4 (6.2), a frame of several segments "
		"is received in one piece. Its header says gso_type and gso_size, asks for "
		"the checksum (NEEDS_CSUM, csum_start, csum_offset), and hdr_len is not "
		"below its headers.",
	.harm = "The guest takes a large frame for a broken one, or forwards what no "
		"network takes.",
	.judged =
		"TUNSETOFFLOAD, and 2500 bytes over TCP and over UDP that a packet socket "
		"sends into the tap in one frame each, for segments of 1000: the header "
		"that arrives, and the digest.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.1.6.4.1", "virtio_net_hdr_from_skb()",
		      "handle_rx() in drivers/vhost/net.c",
		      "set_offload() in drivers/net/tun.c"),
	.faults = WORDS("segments_hidden", "header_dirty"),
	.collect = collect_segments_rx,
	.judge = judge_segments,
};
