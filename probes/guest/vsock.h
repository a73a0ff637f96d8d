/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of virtio-vsock on a session's rings, and transfers between it and
 * the peer at the host's end. Stream sockets. Every step returns without waiting
 * wherever the worker can be flushed instead; what waits, waits for the peer process
 * and until the session's deadline.
 *
 * A function that finds the device stalled records the proof as step "stall" and
 * returns -ENODATA.
 *
 * Source: virtio-1.2 5.10; include/uapi/linux/virtio_vsock.h; drivers/vhost/vsock.c
 */
#ifndef GUEST_VSOCK_H
#define GUEST_VSOCK_H

#include <linux/virtio_vsock.h>

#include "guest/session.h"

/** VSOCK_HEADER - bytes of struct virtio_vsock_hdr on the ring */
#define VSOCK_HEADER 44u

/** VSOCK_ROOM - payload bytes that fit a buffer behind the header */
#define VSOCK_ROOM (MEM_PAGE - VSOCK_HEADER)

/** VSOCK_GUEST_PORT - port of the guest's own end */
#define VSOCK_GUEST_PORT 1024u

/** enum vsock_shape - how a packet lies in descriptors */
enum vsock_shape {
	VSOCK_ONE,     /* header and payload in one descriptor */
	VSOCK_CHAIN,   /* header and payload in two, chained */
	VSOCK_INDIRECT /* the same two in an indirect table */
};

/**
 * struct vsock - a guest's vsock device
 * @s:		borrowed; set up, running or about to run
 * @serve:	answer IOTLB misses
 * @shape:	enum vsock_shape of what is transmitted
 * @peer_port:	host's port of the connection
 * @received:	payload bytes taken so far, which is the credit counter fwd_cnt
 * @answered:	@answer holds the peer's answer, not yet asked for
 * @answer:	it
 * @rx_used_len: length that the device gave for the last received packet
 * @tx_used_len: length that it gave for the last transmitted one
 */
struct vsock {
	struct session *s;
	bool serve;
	enum vsock_shape shape;
	uint32_t peer_port, received, rx_used_len, tx_used_len;
	bool answered;
	struct peer_reply answer;
};

/** struct vsock_packet - one received packet; @payload lies in guest memory */
struct vsock_packet {
	struct virtio_vsock_hdr header;
	const unsigned char *payload;
	uint32_t len;
	uint16_t head;
};

/**
 * vsock_begin() - an ordinary start: peer, device, set-up, start, receive buffers
 * @v:		zeroed and bound to @s
 * @s:		session with nothing open
 * @c:		configuration
 *
 * The start call is step "start". Return: 0 or the first -errno.
 */
int vsock_begin(struct vsock *v, struct session *s, const struct session_config *c);

/** vsock_post_rx() - make all receive buffers available; kicks. 0 or -errno */
int vsock_post_rx(struct vsock *v);

/**
 * vsock_queue() - publish one packet without kicking
 * @v:		device
 * @op:		enum virtio_vsock_op
 * @port:	destination on the host
 * @payload:	bytes, or NULL
 * @len:	at most VSOCK_ROOM
 *
 * One packet at a time: the buffer is written anew by the next call.
 */
void vsock_queue(struct vsock *v, uint16_t op, uint32_t port, const void *payload,
		 uint32_t len);

/**
 * vsock_send() - transmit one packet and flush the worker
 * @v:		device
 * @op:		enum virtio_vsock_op
 * @port:	destination on the host
 * @payload:	bytes, or NULL
 * @len:	at most VSOCK_ROOM
 *
 * Return: 0 once the device used the buffer; -ENODATA if it is stalled; -errno.
 */
int vsock_send(struct vsock *v, uint16_t op, uint32_t port, const void *payload,
	       uint32_t len);

/**
 * vsock_receive() - take the next packet that is not about credit
 * @v:		device
 * @prompt:	the device must have delivered it already: flush the worker instead of
 *		waiting, and take its absence for a stall
 * @ret_packet:	valid until vsock_recycle()
 *
 * Return: 0; -ENODATA if the device is stalled; -ETIME at the deadline; -errno.
 */
int vsock_receive(struct vsock *v, bool prompt, struct vsock_packet *ret_packet);

/** vsock_recycle() - give the buffer of a packet back to the device; kicks */
int vsock_recycle(struct vsock *v, const struct vsock_packet *packet);

/**
 * vsock_closed_port() - ask a port that nobody listens on for a connection
 * @v:	device; the peer must have been started
 *
 * Records the operation that came back as fact "reply" of step "closed_port".
 * Return: 0, -ENODATA or -errno.
 */
int vsock_closed_port(struct vsock *v);

/** vsock_guest_connects() - the guest connects to a listener of the peer */
int vsock_guest_connects(struct vsock *v);

/** vsock_host_connects() - the peer connects to the guest's port */
int vsock_host_connects(struct vsock *v);

/**
 * vsock_tx() - guest to host on the connection
 * @v:		device
 * @step:	of the "bytes" that are recorded, with the digests of both ends
 * @len:	payload bytes
 */
int vsock_tx(struct vsock *v, const char *step, uint32_t len);

/** vsock_rx() - host to guest; as vsock_tx() */
int vsock_rx(struct vsock *v, const char *step, uint32_t len);

/**
 * vsock_both_ways() - connect from the guest and move @len bytes each way
 *
 * Steps "connect", "tx" and "rx". Return: 0, -ENODATA or -errno.
 */
int vsock_both_ways(struct vsock *v, uint32_t len);

#endif
