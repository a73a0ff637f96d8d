/* SPDX-License-Identifier: MIT */
/*
 * Transfers between a session's rings and the peer, whatever the family: a table of
 * operations for each (guest/vsock.h, guest/net.h), and what they share. What waits,
 * waits for the peer process and until the session's deadline.
 *
 * A function that finds the device stalled records the proof as step "stall" and
 * returns -ENODATA.
 */
#ifndef GUEST_LINK_H
#define GUEST_LINK_H

#include "guest/session.h"

/** LINK_SERVE_ROUNDS - how often misses are served for one packet before it is a stall */
#define LINK_SERVE_ROUNDS 64

/** LINK_HEADER_MAX - bytes of the longest virtio-net header */
#define LINK_HEADER_MAX 24u

/** enum link_shape - how a packet lies in descriptors */
enum link_shape {
	LINK_ONE,     /* header and payload in one descriptor */
	LINK_CHAIN,   /* header and payload in two, chained */
	LINK_INDIRECT /* the same two in an indirect table */
};

struct link;

/**
 * struct link_ops - what a family does differently
 * @connect:	make ready for payload. 0, -ENODATA or -errno
 * @tx, @rx:	move payload, recorded as "bytes" of @step
 * @queue:	publish one packet without kicking that nobody waits for
 */
struct link_ops {
	int (*connect)(struct link *l);
	int (*tx)(struct link *l, const char *step, uint32_t len);
	int (*rx)(struct link *l, const char *step, uint32_t len);
	void (*queue)(struct link *l);
};

/**
 * struct link - a guest's device and the peer
 * @s:		borrowed; set up, running or about to run
 * @ops:	of its family
 * @serve:	answer IOTLB misses
 * @shape:	enum link_shape of what is transmitted
 * @rx_room:	bytes of a receive buffer, 0 for MEM_PAGE
 * @rx_used_len: length that the device gave for the last received packet
 * @tx_used_len: length that it gave for the last transmitted one
 * @rx_called:	a wait has seen the call eventfd of rx signalled
 * @answered:	@answer holds the peer's answer, not yet asked for
 * @answer:	it
 * @peer_port:	vsock: host's port of the connection
 * @guest_port:	vsock: the guest's port of it, 0 for VSOCK_GUEST_PORT
 * @slot:	vsock: where the peer keeps it
 * @seqpacket:	vsock: it keeps messages apart
 * @buf_alloc:	vsock: the credit that the guest gives, 0 for 64 KiB
 * @received:	vsock: payload bytes taken so far, which is the credit counter fwd_cnt
 * @frame:	net: payload bytes of a frame, 0 for the most
 * @tx_header:	net: the virtio header of transmitted frames
 * @rx_header:	net: that of the last received one
 * @buffers:	net: receive buffers that the last frame took
 * @header_rest: net: all bits of received headers from their 13th byte on, which say
 *		nothing of a frame without a tunnel
 */
struct link {
	struct session *s;
	const struct link_ops *ops;
	bool serve;
	enum link_shape shape;
	uint32_t rx_room, rx_used_len, tx_used_len;
	bool rx_called, answered;
	struct peer_reply answer;
	uint32_t peer_port, guest_port, slot;
	bool seqpacket;
	uint32_t buf_alloc, received;
	unsigned char tx_header[LINK_HEADER_MAX], rx_header[LINK_HEADER_MAX];
	uint32_t frame, buffers;
	uint8_t header_rest;
};

/** link_init() - a link on a session of a family that has one: net, vsock, scsi */
void link_init(struct link *l, struct session *s);

/**
 * link_open() - device and set-up, with a peer that runs already
 * @l:		receives it
 * @s:		session with no device open, after session_peer()
 * @c:		configuration
 *
 * Return: 0 or the first -errno.
 */
int link_open(struct link *l, struct session *s, const struct session_config *c);

/**
 * link_prepare() - peer, device and set-up: all of an ordinary start but the start call
 * @l:		receives it
 * @s:		session with nothing open
 * @c:		configuration
 *
 * Return: 0 or the first -errno.
 */
int link_prepare(struct link *l, struct session *s, const struct session_config *c);

/** link_start() - the start call, recorded as step "start", and receive buffers */
int link_start(struct link *l);

/** link_begin() - link_prepare() and link_start() */
int link_begin(struct link *l, struct session *s, const struct session_config *c);

/** link_connect() - make ready for payload: a connection that the guest opens */
int link_connect(struct link *l);

/**
 * link_tx() - guest to host
 * @l:		link, connected
 * @step:	of the "bytes" that are recorded, with the digests of both ends
 * @len:	payload bytes
 *
 * Return: 0, -ENODATA or -errno.
 */
int link_tx(struct link *l, const char *step, uint32_t len);

/** link_rx() - host to guest; as link_tx(). The worker is at rest when it returns */
int link_rx(struct link *l, const char *step, uint32_t len);

/**
 * link_both_ways() - connect, and move @len bytes each way
 *
 * Steps "connect", "tx" and "rx". Return: 0, -ENODATA or -errno.
 */
int link_both_ways(struct link *l, uint32_t len);

/** link_queue() - publish one packet that nobody waits for, without kicking */
void link_queue(struct link *l);

/** link_post_rx() - make all receive buffers available; kicks. On scsi nothing. 0 or
 * -errno
 */
int link_post_rx(struct link *l);

/* ------------------------------------------------ for the families' own files */

/** link_address() - what a descriptor is given for a place in memory */
uint64_t link_address(const struct link *l, enum mem_region_id id, uint64_t offset);

/** link_rx_buffers() - how many buffers a receive ring has */
unsigned int link_rx_buffers(const struct ring *r);

/** link_rx_room() - bytes of each */
uint32_t link_rx_room(const struct link *l);

/** link_rx_buffer() - the receive buffer of a used id; -EPROTO if it is that of none */
int link_rx_buffer(const struct link *l, uint32_t id);

/**
 * link_rx_put() - enter a receive buffer at the next place of the avail ring
 * @l:		link
 * @buffer:	by link_rx_buffer()
 *
 * Its descriptor is the one of its number, or the next one in order (ring_slots()).
 */
void link_rx_put(struct link *l, unsigned int buffer);

/** link_recycle() - give a receive buffer back to the device; kicks */
int link_recycle(struct link *l, unsigned int buffer);

/** link_publish() - publish what lies in the first transmit buffer, without kicking */
void link_publish(struct link *l, uint32_t header_len, uint32_t len);

/** link_send() - kick and flush; 0 once it was used, -ENODATA if stalled, -errno */
int link_send(struct link *l);

/**
 * link_wait() - wait for the device, the call eventfd of rx or the peer
 *
 * Misses are served, or make it a stall; so does an error of the receive ring.
 * Return: 0 to look again, -ENODATA, -ETIME or -errno.
 */
int link_wait(struct link *l);

/** link_ask() - give the peer an order. 0 or -errno */
int link_ask(struct link *l, const struct peer_request *request);

/** link_answer() - wait for its answer; 0, or the -errno that it or the wait came to */
int link_answer(struct link *l, struct peer_reply *ret_reply);

/** link_do() - an order without arguments, and its answer */
int link_do(struct link *l, enum peer_op op, struct peer_reply *ret_reply);

#endif
