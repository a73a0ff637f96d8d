/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of virtio-vsock on a session's rings, and transfers between it and
 * the peer at the host's end. Every step returns without waiting
 * wherever the worker can be flushed instead.
 *
 * Source: virtio-1.2 5.10; include/uapi/linux/virtio_vsock.h; drivers/vhost/vsock.c
 */
#ifndef GUEST_VSOCK_H
#define GUEST_VSOCK_H

#include <linux/virtio_vsock.h>

#include "guest/link.h"

/** VSOCK_HEADER - bytes of struct virtio_vsock_hdr on the ring */
#define VSOCK_HEADER 44u

/** VSOCK_ROOM - payload bytes that fit a buffer behind the header */
#define VSOCK_ROOM (MEM_PAGE - VSOCK_HEADER)

/** VSOCK_GUEST_PORT - port of the guest's own end */
#define VSOCK_GUEST_PORT 1024u

/** struct vsock_packet - one received packet; @payload lies in guest memory */
struct vsock_packet {
	struct virtio_vsock_hdr header;
	const unsigned char *payload;
	uint32_t len;
	unsigned int buffer;
};

/**
 * vsock_queue() - publish one packet without kicking
 * @l:		device
 * @op:		enum virtio_vsock_op
 * @port:	destination on the host
 * @payload:	bytes, or NULL
 * @len:	at most VSOCK_ROOM
 *
 * One packet at a time: the buffer is written anew by the next call.
 */
void vsock_queue(struct link *l, uint16_t op, uint32_t port, const void *payload,
		 uint32_t len);

/**
 * vsock_send() - transmit one packet and flush the worker
 * @l:		device
 * @op:		enum virtio_vsock_op
 * @port:	destination on the host
 * @payload:	bytes, or NULL
 * @len:	at most VSOCK_ROOM
 *
 * Return: 0 once the device used the buffer; -ENODATA if it is stalled; -errno.
 */
int vsock_send(struct link *l, uint16_t op, uint32_t port, const void *payload,
	       uint32_t len);

/**
 * vsock_header() - the header of a packet of the guest's on its connection
 * @l:		device; its addresses, ports, type and credit
 * @op:		enum virtio_vsock_op
 * @port:	destination on the host
 * @len:	payload bytes
 */
struct virtio_vsock_hdr vsock_header(const struct link *l, uint16_t op, uint32_t port,
				     uint32_t len);

/**
 * vsock_send_header() - vsock_send() with any header
 * @l:		device
 * @header:	its len is that of @payload, at most VSOCK_ROOM
 * @payload:	bytes, or NULL
 */
int vsock_send_header(struct link *l, const struct virtio_vsock_hdr *header,
		      const void *payload);

/**
 * vsock_settle() - let the device answer: flush its handler, and what that queued
 *
 * Return: 0 or -errno.
 */
int vsock_settle(const struct link *l);

/**
 * vsock_take() - take the next packet without waiting, also one about credit
 *
 * Return: 1; 0 if there is none; -EPROTO for a used element that makes no sense.
 */
int vsock_take(struct link *l, struct vsock_packet *ret_packet);

/**
 * vsock_receive() - take the next packet that is not about credit
 * @l:		device
 * @prompt:	the device must have delivered it already: flush the worker instead of
 *		waiting, and take its absence for a stall
 * @ret_packet:	its buffer goes back by link_recycle()
 *
 * Return: 0; -ENODATA if the device is stalled; -ETIME at the deadline; -errno.
 */
int vsock_receive(struct link *l, bool prompt, struct vsock_packet *ret_packet);

/** vsock_op_word() - the operation of a packet: "rst" */
const char *vsock_op_word(const struct vsock_packet *p);

/**
 * vsock_expect() - vsock_receive(), recorded as fact "reply" of @step, and recycled
 *
 * The payload is the device's again when it returns.
 */
int vsock_expect(struct link *l, const char *step, bool prompt,
		 struct vsock_packet *ret_packet);

/**
 * vsock_closed_port() - ask a port that nobody listens on for a connection
 * @l:	device; the peer must have been started
 *
 * Records the operation that came back as fact "reply" of step "closed_port".
 * Return: 0, -ENODATA or -errno.
 */
int vsock_closed_port(struct link *l);

/** vsock_host_connects() - the peer connects to the guest's port */
int vsock_host_connects(struct link *l);

/** vsock_link - a guest that connects to a listener of the peer: steps "connect" */
extern const struct link_ops vsock_link;

#endif
