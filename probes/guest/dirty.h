/* SPDX-License-Identifier: MIT */
/*
 * The bitmap of written pages that a VMM gives vhost while it migrates its guest: one
 * bit for 4 KiB of guest-physical memory, the lowest of each byte first. It is large
 * enough for the pages that the guest's I/O virtual addresses would have, so that a
 * device that mixes up the two is seen.
 *
 * Source: log_write() in drivers/vhost/vhost.c; VHOST_SET_LOG_BASE
 */
#ifndef GUEST_DIRTY_H
#define GUEST_DIRTY_H

#include "guest/session.h"

/** struct dirty - a bitmap of @len bytes, whole words; @bits NULL while unmapped */
struct dirty {
	uint64_t *bits;
	size_t len;
};

/** dirty_init() - map an empty bitmap. 0, or -errno of mmap(2) */
int dirty_init(struct dirty *d) must_check_;

/** dirty_done() - unmap it; harmless on a zeroed struct dirty */
void dirty_done(struct dirty *d);

/** dirty_base() - VHOST_SET_LOG_BASE */
int dirty_base(struct session *s, const char *step, const struct dirty *d);

/**
 * dirty_rings() - VHOST_SET_VRING_ADDR of all rings, where they are already
 * @s:		session
 * @step:	step; that of the receive ring is "@step.rx"
 * @flags:	1 << VHOST_VRING_F_LOG, or 0, by queue
 *
 * With the IOTLB on, log_guest_addr is an IOVA, as QEMU has it
 * (vhost_virtqueue_set_addr() in hw/virtio/vhost.c); else the guest-physical address of
 * the used ring. Return: 0 or -errno.
 */
int dirty_rings(struct session *s, const char *step,
		const unsigned int flags[SESSION_QUEUES]);

/**
 * dirty_note() - record the pages whose bits are set, and clear them
 *
 * Fact "pages" of @step: "gpa:rx.used+0x0 gpa:rx.buf+0x0" in ascending order, or "none".
 * The worker must be at rest.
 */
void dirty_note(struct session *s, const char *step, struct dirty *d);

#endif
