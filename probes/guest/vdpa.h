/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A session on a vhost-vdpa node: a virtio device of any kind, behind the kernel's vDPA
 * bus. There is no worker and there are no misses; what is not mapped is not reached, and
 * nobody says so. That a device does not serve a request can therefore only be seen by
 * waiting, and the waits for what must not happen are short (VDPA_QUIET_MS).
 *
 * A device that was made for the run is a block device with a file of the peer's behind
 * it (struct peer_target). Its requests are virtio-blk's, on ring 0: a header that the
 * device reads, data, and a byte of status that it writes. Headers, status bytes and data
 * lie in regions of their own, so that each can have a mapping of its own.
 *
 * What the checks ask of any vDPA device they can ask of a network device as well, if
 * what it sends comes back to it, as of tests/lab/vduse_net.c. There a request is a
 * frame: a read receives it into the data, a write sends it from there, and the other end
 * of the frame is the guest's own in place of the file. It has no sector and no status.
 *
 * Source: drivers/vhost/vdpa.c; virtio-1.2 2.1, 3.1, 5.2
 */
#ifndef GUEST_VDPA_H
#define GUEST_VDPA_H

#include <linux/virtio_blk.h>

#include "guest/session.h"

/** VDPA_RING - the ring of requests */
#define VDPA_RING QUEUE_RX

/** VDPA_HEADERS, VDPA_STATUSES, VDPA_DATA - regions that parts of requests lie in */
#define VDPA_HEADERS MEM_TX_DESC
#define VDPA_STATUSES MEM_TX_AVAIL
#define VDPA_DATA MEM_RX_BUF

/** VDPA_SECTOR - bytes by which virtio-blk counts (virtio-1.2 5.2.4) */
#define VDPA_SECTOR 512u

/** VDPA_STATUS_POISON - what a status byte holds before the device writes it */
#define VDPA_STATUS_POISON 0xeeu

/** VDPA_ANSWER_MS - how long a request is waited for that has to be answered */
#define VDPA_ANSWER_MS 5000u

/** VDPA_QUIET_MS - how long one is that must not be */
#define VDPA_QUIET_MS 200u

/** enum vdpa_step - VIRTIO_CONFIG_S_* as a driver sets them one after the other */
enum vdpa_step {
	VDPA_ACKNOWLEDGED = 1,
	VDPA_DRIVER = 3,
	VDPA_FEATURES = 11,
	VDPA_RUNNING = 15
};

/**
 * struct vdpa - a session and what a vDPA device adds to it
 * @s:		borrowed
 * @target:	what the peer made; @target.type is 0 of a device that was there before
 * @asid:	address space that is mapped into
 * @owned:	VHOST_SET_OWNER has succeeded on this descriptor
 * @called:	the call eventfd was signalled since the last request was put
 * @next_desc:	free-running count of descriptors handed out
 * @next_header: free-running count of requests
 */
struct vdpa {
	struct session *s;
	struct peer_target target;
	uint32_t asid;
	bool owned, called;
	unsigned int next_desc, next_header;
};

/**
 * struct vdpa_config - an ordinary start
 * @features:	what VHOST_SET_FEATURES gets, with VERSION_1 and bit 33 in any case
 * @backend:	backend features, 0 to set none
 * @ring_size:	0 for SESSION_RING_SIZE
 * @base:	ring index to start from
 * @disabled:	leave the ring disabled
 */
struct vdpa_config {
	uint64_t features, backend;
	unsigned int ring_size;
	uint16_t base;
	bool disabled;
};

/**
 * vdpa_open() - the peer, where one makes the device, and a descriptor
 * @v:		receives it
 * @s:		session with nothing open
 *
 * A session whose path is PEER_NODE has its device made. Return: 0 or the first -errno.
 */
int vdpa_open(struct vdpa *v, struct session *s);

/** vdpa_crash() - close the descriptor as it is and open another; the peer stays */
int vdpa_crash(struct vdpa *v);

/** vdpa_reopen() - reset the device first, step "leave". 0 or -errno */
int vdpa_reopen(struct vdpa *v);

/** vdpa_set_status() - VHOST_VDPA_SET_STATUS */
int vdpa_set_status(struct vdpa *v, const char *step, uint8_t status);

/**
 * vdpa_get() - an ioctl that writes 16, 32 or 64 bits
 * @ret:	what it wrote, as wide as @request says; 0 if it wrote nothing
 *
 * Return: >= 0; -errno, and @ret as it was.
 */
int vdpa_get(struct vdpa *v, const char *step, unsigned long request, uint64_t *ret);

/** vdpa_get_status() - VHOST_VDPA_GET_STATUS */
int vdpa_get_status(struct vdpa *v, const char *step);

/** vdpa_state() - an ioctl on a ring or a group: index in, number in or out */
int vdpa_state(struct vdpa *v, const char *step, unsigned long request,
	       unsigned int index, unsigned int num);

/** VDPA_CONFIG_MAX - bytes of a configuration space that are looked at */
#define VDPA_CONFIG_MAX 256u

/** struct vdpa_piece - a piece of the configuration space */
struct vdpa_piece {
	uint32_t off, len;
	unsigned char bytes[VDPA_CONFIG_MAX];
};

/** vdpa_get_config() - VHOST_VDPA_GET_CONFIG of @piece->len bytes from @piece->off */
int vdpa_get_config(struct vdpa *v, const char *step, struct vdpa_piece *piece);

/** vdpa_put_config() - VHOST_VDPA_SET_CONFIG */
int vdpa_put_config(struct vdpa *v, const char *step, const struct vdpa_piece *piece);

/** vdpa_message() - an IOTLB message without a mapping: the ends of a batch */
int vdpa_message(struct vdpa *v, const char *step, uint8_t type);

/** vdpa_map() - map @len bytes of a region from its start on, at its IOVA */
int vdpa_map(struct vdpa *v, const char *step, enum mem_region_id id, uint64_t len,
	     uint8_t perm);

/** vdpa_map_rings() - map the ring's parts, headers and status bytes, one by one */
int vdpa_map_rings(struct vdpa *v, const char *step);

/** vdpa_map_all() - vdpa_map_rings(), and all buffers but MEM_SPARE */
int vdpa_map_all(struct vdpa *v, const char *step);

/** vdpa_unmap_all() - one invalidate of all addresses there are */
int vdpa_unmap_all(struct vdpa *v, const char *step);

/** vdpa_negotiate() - owner, unless it is, backend features, status and features */
int vdpa_negotiate(struct vdpa *v, const struct vdpa_config *c);

/**
 * vdpa_rings() - how many rings are driven: of a network device two, else one
 * @v:		device whose target is known
 */
unsigned int vdpa_rings(const struct vdpa *v);

/** vdpa_draw_rings() - lay them out in the guest's memory, empty; no call is made */
void vdpa_draw_rings(struct vdpa *v, unsigned int size);

/** vdpa_ring() - NUM, BASE, ADDR, CALL, KICK and ENABLE of ring 0, of a network device of
 * ring 1, too. 0 or -errno
 */
int vdpa_ring(struct vdpa *v, const struct vdpa_config *c);

/** vdpa_start() - status DRIVER_OK, step "start" */
int vdpa_start(struct vdpa *v);

/**
 * vdpa_prepare() - all of an ordinary start but DRIVER_OK, on an open device
 *
 * Steps "setup.*". Return: 0 or the first -errno.
 */
int vdpa_prepare(struct vdpa *v, const struct vdpa_config *c);

/** vdpa_begin() - vdpa_open(), vdpa_prepare(), vdpa_start() */
int vdpa_begin(struct vdpa *v, struct session *s, const struct vdpa_config *c);

/* ---------------------------------------------------------------- requests */

/**
 * struct vdpa_request - a request of virtio-blk
 * @type:	VIRTIO_BLK_T_*
 * @sector:	of the device
 * @data:	IOVA of the data; @len bytes, 0 for none
 * @pieces:	descriptors of the data, 0 for one
 * @cut_header:	the header lies in two descriptors
 * @indirect:	all descriptors in an indirect table
 */
struct vdpa_request {
	uint32_t type;
	uint64_t sector, data;
	uint32_t len;
	unsigned int pieces;
	bool cut_header, indirect;
};

/** vdpa_put() - lay a request out and enter it into the avail ring; its head */
uint16_t vdpa_put(struct vdpa *v, const struct vdpa_request *request);

/** vdpa_is_net() - requests are frames */
bool vdpa_is_net(const struct vdpa *v);

/**
 * vdpa_kick() - publish what was put, and kick
 *
 * Asks to be called for the next used buffer, which a device with
 * VIRTIO_RING_F_EVENT_IDX goes by. Return: 0 or -errno.
 */
int vdpa_kick(struct vdpa *v);

/**
 * vdpa_wait() - wait for a used buffer
 * @v:		running
 * @ms:		milliseconds
 * @ret_used:	receives it
 *
 * Return: 0; -ENODATA if there was none; -errno.
 */
int vdpa_wait(struct vdpa *v, unsigned int ms, struct ring_used *ret_used);

/**
 * vdpa_note() - record what became of the request whose buffer was used
 * @step:	step of the fact "request": "status 0, used 513", of a frame "served, used
 *		524", or "not used" with NULL
 */
void vdpa_note(struct vdpa *v, const char *step, const struct ring_used *used);

/**
 * vdpa_do() - a request that has to be answered, alone in the ring
 *
 * Recorded by vdpa_note(). Return: 0 with status OK; -EIO with another one, or for a
 * buffer that is not the request's; -ENODATA; -errno.
 */
int vdpa_do(struct vdpa *v, const char *step, const struct vdpa_request *request);

/** vdpa_held() - one that must not be: as vdpa_do(), but only waits VDPA_QUIET_MS */
int vdpa_held(struct vdpa *v, const char *step, const struct vdpa_request *request);

/** vdpa_kicked() - as vdpa_do() of what vdpa_put() gave @head, waiting for @ms */
int vdpa_kicked(struct vdpa *v, const char *step, uint16_t head, unsigned int ms);

/** vdpa_called() - whether the guest is called; waited for up to VDPA_ANSWER_MS */
bool vdpa_called(struct vdpa *v);

/** vdpa_quiet() - wait for a used buffer that must not come. As vdpa_held() */
int vdpa_quiet(struct vdpa *v, const char *step);

/** vdpa_order() - an order to the peer, and its answer. 0 or -errno */
int vdpa_order(struct vdpa *v, const struct peer_request *order,
	       struct peer_reply *ret_reply);

/**
 * vdpa_read() - data that the peer wrote to the file, by the way of the device
 * @v:		running, a device made for the run
 * @step:	of the request's fact and the "bytes"
 * @request:	@type is set here; @data as for the device
 * @to:		where the data are in this process
 *
 * Return: as vdpa_do().
 */
int vdpa_read(struct vdpa *v, const char *step, const struct vdpa_request *request,
	      const void *to);

/** vdpa_write() - data to the device, read back from the file. As vdpa_read() */
int vdpa_write(struct vdpa *v, const char *step, const struct vdpa_request *request,
	       void *from);

/** vdpa_sectors() - a request for @len bytes of VDPA_DATA from sector @sector on */
struct vdpa_request vdpa_sectors(uint64_t sector, uint32_t len);

/** VDPA_BYTES - what vdpa_both_ways() moves each way */
#define VDPA_BYTES 2048u

/** vdpa_both_ways() - write and read some data: steps "@step.write", "@step.read" */
int vdpa_both_ways(struct vdpa *v, const char *step);

#endif
