/* SPDX-License-Identifier: MIT */
/*
 * Frames that are to be cut into segments on their way: TCP or UDP over IPv4, from nobody
 * to nobody, as a driver or a host hands them over (virtio-1.2 5.1.6.2).
 */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "seam/seam.h"
#include "seam/uapi.h"

/* TEST-NET-1 (RFC 5737) */
#define ADDRESS_FROM 0xc0000201u
#define ADDRESS_TO 0xc0000202u
#define PORT_DISCARD 9
#define HOPS 64

/* The Internet checksum, not yet inverted (RFC 1071): in any byte order the same bytes.
 */
static uint16_t sum(const uint16_t *word, size_t n)
{
	uint32_t all = 0;

	while (n-- > 0)
		all += *word++;
	while (all >> 16)
		all = (all & 0xffff) + (all >> 16);
	return (uint16_t)all;
}

static void put_ip(unsigned char *at, uint8_t protocol, uint32_t len)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons((uint16_t)(sizeof(ip) + len)),
		.frag_off = htons(IP_DF),
		.ttl = HOPS,
		.protocol = protocol,
		.saddr = htonl(ADDRESS_FROM),
		.daddr = htonl(ADDRESS_TO),
	};
	uint16_t words[sizeof(ip) / 2];

	memcpy(words, &ip, sizeof(ip));
	ip.check = (uint16_t)~sum(words, ARRAY_SIZE(words));
	memcpy(at, &ip, sizeof(ip));
}

/* Of the pseudo header, to be completed (RFC 9293 3.1, RFC 768). */
static uint16_t unfinished(uint8_t protocol, uint32_t len)
{
	const uint16_t pseudo[] = {
		htons(ADDRESS_FROM >> 16), htons(ADDRESS_FROM & 0xffff),
		htons(ADDRESS_TO >> 16),   htons(ADDRESS_TO & 0xffff),
		htons(protocol),           htons((uint16_t)len),
	};

	return sum(pseudo, ARRAY_SIZE(pseudo));
}

static void put_tcp(unsigned char *at, uint32_t len)
{
	const struct tcphdr tcp = {
		.source = htons(PORT_DISCARD),
		.dest = htons(PORT_DISCARD),
		.doff = sizeof(tcp) / 4,
		.ack = 1,
		.window = htons(UINT16_MAX),
		.check = unfinished(IPPROTO_TCP, len),
	};

	memcpy(at, &tcp, sizeof(tcp));
}

static void put_udp(unsigned char *at, uint32_t len)
{
	const struct udphdr udp = {
		.source = htons(PORT_DISCARD),
		.dest = htons(PORT_DISCARD),
		.len = htons((uint16_t)len),
		.check = unfinished(IPPROTO_UDP, len),
	};

	memcpy(at, &udp, sizeof(udp));
}

struct peer_offload peer_segments(unsigned char *frame, uint8_t type, uint16_t size,
				  uint32_t len)
{
	bool udp = type == VIRTIO_NET_HDR_GSO_UDP_L4;
	struct peer_offload o = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.type = type,
		.size = size,
		.start = ETH_HLEN + sizeof(struct iphdr),
		.offset = udp ? offsetof(struct udphdr, check)
			      : offsetof(struct tcphdr, check),
	};
	uint16_t own = udp ? sizeof(struct udphdr) : sizeof(struct tcphdr);

	o.header = (uint16_t)(o.start + own);
	peer_ethernet(frame, ETHERTYPE_IP);
	put_ip(frame + ETH_HLEN, udp ? IPPROTO_UDP : IPPROTO_TCP, own + len);
	if (udp)
		put_udp(frame + o.start, own + len);
	else
		put_tcp(frame + o.start, own + len);
	return o;
}

struct peer_offload peer_offload_get(const unsigned char *header)
{
	struct virtio_net_hdr h;

	memcpy(&h, header, sizeof(h));
	return (struct peer_offload){
		.flags = h.flags,
		.type = h.gso_type,
		.header = le16toh(h.hdr_len),
		.size = le16toh(h.gso_size),
		.start = le16toh(h.csum_start),
		.offset = le16toh(h.csum_offset),
	};
}

void peer_offload_put(const struct peer_offload *o, unsigned char *header)
{
	const struct virtio_net_hdr h = {
		.flags = o->flags,
		.gso_type = o->type,
		.hdr_len = htole16(o->header),
		.gso_size = htole16(o->size),
		.csum_start = htole16(o->start),
		.csum_offset = htole16(o->offset),
	};

	memcpy(header, &h, sizeof(h));
}
