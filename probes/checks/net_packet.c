/* SPDX-License-Identifier: MIT */
/* vhost-net with a packet socket as back end, and with what is none. */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>

#include "checks/rows.h"

#define F_NET_HEADER BIT64(VHOST_NET_F_VIRTIO_NET_HDR)

static int collect_packet(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_NET_HEADER };
	struct link l;
	int r = 0;

	s->backend = BACKEND_PACKET;
	r = link_begin(&l, s, &c);
	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	session_fact(s, "rx", "used_len", "%u", l.rx_used_len);
	return r;
}

static void judge_packet(struct judge *j)
{
	judge_both(j, TRANSFER_BYTES);
	/* the last of seven frames, 1000 bytes of payload */
	judge_fact(j, "rx", "used_len", "1026");
}

const struct check transfer_packet_socket = {
	.area = "transfer",
	.name = "packet_socket",
	.families = ON_NET,
	.title = "frames go both ways between the guest and a packet socket",
	.contract =
		"With VHOST_NET_F_VIRTIO_NET_HDR (bit 27) and a packet socket as back end of "
		"both rings, vhost-net takes the header off what the guest transmits and puts "
		"one of 12 bytes before what the guest receives.",
	.harm = "A guest on a packet socket, or on a tap without headers, has no network.",
	.judged =
		"10000 bytes of payload each way through a raw AF_PACKET socket that is bound "
		"to an interface, digests of both ends, and the used length of the last frame "
		"received: 12 more than the frame.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_NET_HEADER,
	.need_peer = true,
	.refs = WORDS("VHOST_NET_F_VIRTIO_NET_HDR", "packet(7)",
		      "get_raw_socket(), handle_rx() in drivers/vhost/net.c"),
	.faults =
		WORDS("payload_flipped", "payload_short", "kick_lost", "own_header_kept"),
	.collect = collect_packet,
	.judge = judge_packet,
};

static int collect_packet_iotlb(struct session *s)
{
	const struct session_config c = { .features =
						  F_VERSION_1 | F_IOTLB | F_NET_HEADER };
	struct link l;
	int r = 0;

	s->backend = BACKEND_PACKET;
	r = link_prepare(&l, s, &c);
	if (r == 0)
		r = session_map_all(s, "map");
	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	if (r == 0)
		(void)session_read_miss(s, "end", NULL);
	return r;
}

static void judge_packet_iotlb(struct judge *j)
{
	judge_both(j, TRANSFER_BYTES);
	judge_no_miss(j, "end");
}

const struct check iotlb_packet_socket = {
	.area = "iotlb",
	.name = "packet_socket",
	.families = ON_NET,
	.title = "a packet socket works behind the IOTLB as without it",
	.contract =
		"The header that vhost-net makes itself and the frame behind it go through "
		"the same mappings as what comes from a tap; with all mapped nothing is "
		"missed.",
	.harm = "A VMM with a vIOMMU cannot use a back end without headers.",
	.judged = "All memory is mapped; 10000 bytes each way through a raw AF_PACKET "
		  "socket; no message at the end.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_NET_HEADER | F_IOTLB,
	.need_peer = true,
	.refs = WORDS("VHOST_NET_F_VIRTIO_NET_HDR", "handle_rx() in drivers/vhost/net.c",
		      "translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("update_dropped", "update_iova_flipped", "payload_flipped",
			"own_header_kept"),
	.collect = collect_packet_iotlb,
	.judge = judge_packet_iotlb,
};

/*
 * Descriptors that are no back end. Never a raw socket of another family: what it says of
 * its address overflows the stack of unfixed kernels (CVE-2020-10942).
 */
static int open_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int open_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int open_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int open_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static const struct stranger {
	const char *step;
	int (*open)(void);
} strangers[] = {
	{ "tcp socket", open_tcp },
	{ "udp socket", open_udp },
	{ "eventfd", open_eventfd },
	{ "/dev/null", open_null },
};

/* Tries one of them on both rings. */
static int try_stranger(struct session *s, const struct stranger *one)
{
	const char *tx = arena_printf(&s->arena, "%s tx", one->step);
	cleanup_close int fd = one->open();

	if (fd < 0)
		return -errno;
	(void)session_net_backend(s, one->step, QUEUE_RX, fd);
	(void)session_net_backend(s, tx ? tx : one->step, QUEUE_TX, fd);
	return 0;
}

static int collect_stranger(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	for (size_t i = 0; i < ARRAY_SIZE(strangers) && r == 0; i++)
		r = try_stranger(s, &strangers[i]);
	if (r == 0)
		r = link_start(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_stranger(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
		const char *tx = arena_printf(j->arena, "%s tx", strangers[i].step);

		judge_errno(j, strangers[i].step, ENOTSOCK);
		judge_errno(j, tx ? tx : strangers[i].step, ENOTSOCK);
	}
	judge_both(j, SHORT_BYTES);
}

const struct check lifecycle_backend_stranger = {
	.area = "lifecycle",
	.name = "backend_stranger",
	.families = ON_NET,
	.title = "what is no tap and no packet socket is refused as back end",
	.contract =
		"VHOST_NET_SET_BACKEND refuses a descriptor that is neither a tap nor a raw "
		"packet socket with ENOTSOCK, and the device works as before.",
	.harm = "A VMM that passes the wrong descriptor starts a device that moves nothing, "
		"or the kernel reads from what is no socket.",
	.judged =
		"A TCP and a UDP socket, an eventfd and /dev/null, on each ring; then a "
		"start with a tap, and 1000 bytes each way.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_NET_SET_BACKEND", "get_socket() in drivers/vhost/net.c",
		      "CVE-2020-10942"),
	.faults = WORDS("start_forgiven", "start_other_errno", "payload_flipped",
			"backend_any_file"),
	.collect = collect_stranger,
	.judge = judge_stranger,
};
