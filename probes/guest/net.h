/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of virtio-net on a session's rings: Ethernet frames of 60 to 1514
 * bytes behind a header of session_header() bytes, all zero. No shorter frame is ever
 * sent (CVE-2024-41090), and with mergeable buffers the ring always has room for what
 * may arrive.
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

/** net_link - no connection; the digest of a transfer is over those of its orders */
extern const struct link_ops net_link;

#endif
