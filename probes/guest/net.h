/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of virtio-net on a session's rings: Ethernet frames of 60 to 1514
 * bytes behind a header of session_header() bytes, all zero unless changed. No shorter
 * frame is ever sent (CVE-2024-41090), and with mergeable buffers the ring always has
 * room for what may arrive.
 *
 * Source: virtio-1.2 5.1.6; drivers/vhost/net.c
 */
#ifndef GUEST_NET_H
#define GUEST_NET_H

#include "guest/link.h"

/** NET_ETHERNET - bytes of an Ethernet header */
#define NET_ETHERNET 14u

/** NET_PAYLOAD_MAX - payload of the longest frame */
#define NET_PAYLOAD_MAX 1500u

/** net_tx_one() - transmit one frame of PEER_PAYLOAD_MIN bytes; as link_send() */
int net_tx_one(struct link *l);

/** NET_BURST_PAYLOAD - payload of each frame of a burst */
#define NET_BURST_PAYLOAD 200u

/**
 * net_tx_burst() - transmit frames with one kick
 * @l:		link
 * @step:	of the "bytes", and of fact "in_order": their buffers were used in the
 *		order in which they were made available
 * @n:		frames, at most MEM_BUFS and the ring's size
 *
 * Return: 0; -ENODATA if not all of them were used; -errno.
 */
int net_tx_burst(struct link *l, const char *step, unsigned int n);

/**
 * net_tx_segments() - transmit one frame that the host is to cut into segments
 * @l:		link
 * @step:	of the "bytes", and of the facts that the peer was told of the frame
 * @type:	VIRTIO_NET_HDR_GSO_TCPV4 or _UDP_L4
 * @size:	payload of a segment
 * @len:	payload, up to PEER_SEGMENTS_MAX
 *
 * Return: 0; -EOPNOTSUPP if the tap knows no such frames; -ENODATA; -errno.
 */
int net_tx_segments(struct link *l, const char *step, uint8_t type, uint16_t size,
		    uint32_t len);

/** net_rx_segments() - receive one that the guest is to cut; as net_tx_segments() */
int net_rx_segments(struct link *l, const char *step, uint8_t type, uint16_t size,
		    uint32_t len);

/** net_link - no connection; the digest of a transfer is over those of its orders */
extern const struct link_ops net_link;

#endif
