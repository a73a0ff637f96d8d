/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A session is one guest playing against one device: its memory, its rings, its
 * eventfds, its IOTLB channel. Each function is one step of a VMM or of a driver, does
 * it through the seam and records what came back under the name of the step; none has
 * an opinion. What the device refuses is returned as -errno and is evidence already.
 *
 * A recorder that fails leaves @failed set; the child then ends with an error, so that
 * no judge sees evidence with holes.
 */
#ifndef GUEST_SESSION_H
#define GUEST_SESSION_H

#include "core/recorder.h"
#include "guest/iotlb.h"
#include "guest/ring.h"
#include "seam/seam.h"

/** SESSION_QUEUES - the most rings that a family has here, see session_queues() */
#define SESSION_QUEUES 3u

/** enum session_queue - ring indices: rx and tx of net and vsock, the others of scsi */
enum session_queue {
	QUEUE_RX,
	QUEUE_TX,
	QUEUE_CTL = 0,
	QUEUE_EVT,
	QUEUE_IO
};

/** SESSION_RING_SIZE - descriptors of a ring unless a check chooses otherwise */
#define SESSION_RING_SIZE 16u

/**
 * enum session_addresses - which addresses ring set-up and descriptors are given
 * @ADDRESSES_AS_ARMED:	IOVAs while the device IOTLB is on; else HVAs of rings and GPAs
 *			of buffers
 * @ADDRESSES_PHYSICAL:	HVAs and GPAs in any case: a VMM that is ignorant of the IOTLB
 * @ADDRESSES_IOVA:	IOVAs in any case: a guest behind an IOMMU of its own
 */
enum session_addresses {
	ADDRESSES_AS_ARMED,
	ADDRESSES_PHYSICAL,
	ADDRESSES_IOVA
};

/** SESSION_ARRAY_WORDS - room of struct session_array, more than any kernel knows */
#define SESSION_ARRAY_WORDS 8u

/**
 * struct session_array - what VHOST_GET_FEATURES_ARRAY and _SET_ take
 * @count:	words of @word that the kernel may touch
 * @word:	bit n in word n / 64
 */
struct session_array {
	uint64_t count, word[SESSION_ARRAY_WORDS];
};

/** VHOST_PAGE_POISON - what an untouched 64-bit result buffer holds */
#define SESSION_POISON UINT64_C(0xa5a5a5a5a5a5a5a5)

/**
 * struct session - the state of one guest
 * @seam:	borrowed
 * @rec:	borrowed
 * @arena:	for texts of evidence
 * @until:	no wait outlasts it; by the seam's clock
 * @family:	device family
 * @path:	of its node; PEER_NODE until session_peer() has made the device
 * @target:	scsi: what session_peer() made
 * @backend:	net: what the peer is asked to hand over; a tap unless changed before
 *		session_peer()
 * @mem, @ring:	the guest's memory and rings
 * @kick, @call, @err: eventfds per queue, -1 while unopened
 * @cid:	the guest's CID, 0 until session_cid()
 * @msg_version: version of the IOTLB messages that are written
 * @features:	what VHOST_SET_FEATURES took last
 * @features_high: bits 64 to 127, which VHOST_SET_FEATURES_ARRAY alone sets
 * @iotlb:	the device IOTLB is on: bit 33 was accepted
 * @in_order:	the driver keeps to VIRTIO_F_IN_ORDER; as @features, unless
 *		session_order() says that a VMM sent what the driver did not acknowledge
 * @addresses:	which addresses are written; as armed unless changed
 * @first:	of the second of two guests: the first one, whose peer it shares; else
 *		NULL
 * @served:	by region, the first miss that session_serve_misses() answered there since
 *		session_note_served(); version 0 if there was none
 * @from:	by ring, what VHOST_SET_VRING_BASE took last; 0 before. Unset from the
 *		close or reset of one that was laid out to the next such call; of vDPA for
 *		good, and of a device that was there before: the index is the daemon's, and
 *		outlives both
 * @ends:	session_close() records where the rings stand
 * @calls:	system calls made so far, as the seam counts them
 * @failed:	-errno of the recorder, 0 while all is well
 */
struct session {
	const struct seam *seam;
	struct recorder *rec;
	struct arena arena;
	struct deadline until;
	enum family family;
	const char *path;
	struct peer_target target;
	enum peer_backend backend;
	struct mem mem;
	struct ring ring[SESSION_QUEUES];
	int kick[SESSION_QUEUES], call[SESSION_QUEUES], err[SESSION_QUEUES];
	uint32_t cid;
	int msg_version;
	uint64_t features, features_high;
	bool iotlb, in_order;
	enum session_addresses addresses;
	struct session *first;
	struct iotlb_msg served[MEM_REGION_NUM];
	struct opt_int from[SESSION_QUEUES];
	bool ends;
	unsigned int calls;
	int failed;
};

/**
 * struct session_init - what a session starts from
 * @seam, @rec, @path: borrowed for the life of the session
 */
struct session_init {
	const struct seam *seam;
	struct recorder *rec;
	struct deadline until;
	enum family family;
	const char *path;
};

/** session_init() - a session with nothing open yet */
void session_init(struct session *s, const struct session_init *init);

/**
 * session_twin() - a second guest on a second device of the same kind
 * @s:		session
 * @ret:	the second; session_done() it, which leaves the peer alone and carries
 *		@failed over
 * @ret_seam:	storage that must live as long as @ret
 */
void session_twin(struct session *s, struct session *ret, struct seam *ret_seam);

/** session_queues() - rings that a driver of the family sets up: 2, on scsi 3 */
unsigned int session_queues(const struct session *s);

/** session_done() - close and unmap all; harmless on what was never opened */
void session_done(struct session *s);

/**
 * session_peer() - start the process at the other end; before session_open()
 *
 * Where @path is PEER_NODE it becomes that of the node that was made. On scsi @s->target
 * is then what was made.
 * Return: 0; -errno, recorded as a fact of step "peer" that names what is missing.
 */
int session_peer(struct session *s);

/** session_deadline() - the point @ms milliseconds from now, by the seam's clock */
struct deadline session_deadline(const struct session *s, unsigned int ms);

/** session_passed() - whether a deadline has passed, by the seam's clock */
bool session_passed(const struct session *s, struct deadline d);

/* ------------------------------------------------------------- recording */

/** session_fact() - record a name and a value (printf) */
void session_fact(struct session *s, const char *step, const char *name, const char *fmt,
		  ...) printf_(4, 5);

/** session_measure() - record one sample */
void session_measure(struct session *s, const char *step, const char *name,
		     const char *unit, int64_t sample);

/** struct session_moved - what one end of a transfer counted */
struct session_moved {
	uint64_t bytes, digest;
};

/** session_bytes() - record one transfer, by the count of either end */
void session_bytes(struct session *s, const char *step, enum ev_dir dir,
		   struct session_moved sent, struct session_moved received);

/** session_note_ring() - record a ring's indices; the base by VHOST_GET_VRING_BASE */
void session_note_ring(struct session *s, const char *step, enum session_queue q);

/** session_note_eventfds() - record whether call was signalled, and how often err was */
void session_note_eventfds(struct session *s, const char *step, enum session_queue q);

/** session_note_worker() - record the vhost workers of this process */
void session_note_worker(struct session *s, const char *step);

/* -------------------------------------------------------- device and set-up */

/**
 * session_open() - open the device, map the guest's memory, make the eventfds
 * @s:	session
 *
 * Where @path is PEER_NODE, session_peer() comes first. Recorded as step "open".
 * Return: 0; -errno of open(2), which is evidence; or of mmap(2) or eventfd(2), with
 * @s->failed set; or of session_peer().
 */
int session_open(struct session *s);

/**
 * session_close() - close the device; memory and eventfds stay
 *
 * With @s->ends each ring is recorded first, as step "close" with what it began from. A
 * device that nobody owns is owned for it; what it refuses then is not recorded.
 */
void session_close(struct session *s);

/**
 * session_ioctl() - any ioctl, recorded with its argument by name
 * @s:		session
 * @step:	step
 * @request:	VHOST_*
 * @arg:	as the ioctl wants it
 *
 * Return: >= 0 or -errno, both recorded.
 */
int session_ioctl(struct session *s, const char *step, unsigned long request, void *arg);

/** session_get_u64() - an ioctl that returns 64 bits; @ret is poisoned before */
int session_get_u64(struct session *s, const char *step, unsigned long request,
		    uint64_t *ret);

/** session_set_u64() - an ioctl that takes a pointer to 64 bits */
int session_set_u64(struct session *s, const char *step, unsigned long request,
		    uint64_t value);

/** session_owner() - VHOST_SET_OWNER */
int session_owner(struct session *s, const char *step);

/**
 * session_features() - VHOST_SET_FEATURES
 *
 * Sets @s->iotlb when bit 33 was accepted, and the driver's order by bit 35.
 */
int session_features(struct session *s, const char *step, uint64_t bits);

/** session_order() - whether the driver keeps to VIRTIO_F_IN_ORDER, on all rings */
void session_order(struct session *s, bool in_order);
/**
 * session_get_array() - VHOST_GET_FEATURES_ARRAY
 * @s:		session
 * @step:	step
 * @count:	words to ask for, up to SESSION_ARRAY_WORDS
 * @ret:	poisoned before, all of it
 *
 * Recorded as "3: 0x13d000000 0xa 0x0"; a word that was not written is "-", and one
 * that was written past the count stands behind the others. -errno, or >= 0.
 */
int session_get_array(struct session *s, const char *step, uint64_t count,
		      struct session_array *ret);

/**
 * session_set_array() - VHOST_SET_FEATURES_ARRAY, recorded as session_get_array()
 *
 * Sets @s->iotlb when bit 33 was accepted.
 */
int session_set_array(struct session *s, const char *step,
		      const struct session_array *array);

/** session_backend() - VHOST_SET_BACKEND_FEATURES */
int session_backend(struct session *s, const char *step, uint64_t bits);

/** session_mem_table() - VHOST_SET_MEM_TABLE with all memory as one region */
int session_mem_table(struct session *s, const char *step);

/** session_ring_num() - VHOST_SET_VRING_NUM */
int session_ring_num(struct session *s, const char *step, unsigned int index,
		     unsigned int num);

/** session_ring_base() - VHOST_SET_VRING_BASE */
int session_ring_base(struct session *s, const char *step, unsigned int index,
		      unsigned int base);

/**
 * struct session_ring_at - ring addresses as VHOST_SET_VRING_ADDR takes them
 * @log:	log_guest_addr, of use with VHOST_VRING_F_LOG in @flags
 */
struct session_ring_at {
	uint64_t desc, avail, used, log;
	unsigned int flags;
};

/** session_writes_iova() - whether addresses written now are IOVAs */
bool session_writes_iova(const struct session *s);

/** session_ring_home() - where a ring lies: HVAs, or IOVAs by session_writes_iova() */
struct session_ring_at session_ring_home(const struct session *s, enum session_queue q);

/** session_ring_addr() - VHOST_SET_VRING_ADDR */
int session_ring_addr(struct session *s, const char *step, unsigned int index,
		      struct session_ring_at at);

/** session_ring_fd() - VHOST_SET_VRING_KICK, _CALL or _ERR */
int session_ring_fd(struct session *s, const char *step, unsigned long request,
		    unsigned int index, int fd);

/**
 * session_ring_setup() - NUM, BASE, ADDR, CALL, ERR, KICK of one queue
 * @s:		session
 * @q:		queue
 * @size:	descriptors
 * @base:	index to start from
 *
 * Steps "setup.rx.num" and so on. Return: 0 or the first -errno.
 */
int session_ring_setup(struct session *s, enum session_queue q, unsigned int size,
		       uint16_t base);

/**
 * session_cid() - choose a CID of our own, VHOST_VSOCK_SET_GUEST_CID
 *
 * Random in 0x80000000 to 0xfffffffe, another one while it is taken. Return: 0, or
 * -EADDRINUSE after 16 tries, or -errno.
 */
int session_cid(struct session *s, const char *step);

/**
 * session_header() - bytes of the header before each frame of vhost-net
 *
 * 10; 12 with VERSION_1 or MRG_RXBUF; 24 with either bit for tunnels in UDP.
 * Source: vhost_net_set_features() in drivers/vhost/net.c
 */
unsigned int session_header(const struct session *s);

/**
 * session_running() - the start or stop call of the family
 *
 * VHOST_VSOCK_SET_RUNNING; VHOST_SCSI_SET_ENDPOINT and _CLEAR_ENDPOINT of the peer's
 * target; on net VHOST_NET_SET_BACKEND of either ring, with what the peer handed over or
 * -1: the one that decides (the first refused, else the last) is recorded as @step, one
 * before it as "@step.rx".
 */
int session_running(struct session *s, const char *step, int on);

/**
 * session_ring_start() - VHOST_NET_SET_BACKEND of one ring with what the peer handed over
 *
 * Recorded as session_running() does it: for a VMM that starts each ring by itself.
 */
int session_ring_start(struct session *s, const char *step, enum session_queue q);

/** session_net_backend() - VHOST_NET_SET_BACKEND of one ring with any descriptor */
int session_net_backend(struct session *s, const char *step, enum session_queue q,
			int fd);

/**
 * struct session_config - an ordinary start
 * @features:	what VHOST_SET_FEATURES gets
 * @features_high: bits 64 to 127; not 0: VHOST_SET_FEATURES_ARRAY gets all
 * @ring_size:	0 for SESSION_RING_SIZE
 * @base:	ring index to start from
 */
struct session_config {
	uint64_t features, features_high;
	unsigned int ring_size;
	uint16_t base;
};

/**
 * session_setup() - all of a VMM's start but the start call
 * @s:		session, device open
 * @c:		configuration
 *
 * Owner, features, memory table, the rings, on vsock the CID. Steps "setup.*".
 * Return: 0 or the first -errno.
 */
int session_setup(struct session *s, const struct session_config *c);

/* ---------------------------------------------------------------- running */

/** session_kick() - write the kick eventfd of a queue. 0 or -errno */
int session_kick(struct session *s, enum session_queue q);

/**
 * session_barrier() - wait until the worker has done all that was queued before
 *
 * VHOST_SET_LOG_FD with -1: every call served by vhost_dev_ioctl() flushes the worker
 * before it returns (vhost-abi 3.6). Not so on scsi of 5.10 and 6.12: there the control
 * ring is given another kick eventfd and its own again, which does. What was handed to
 * the target by then may still be out. Not recorded. Return: 0 or -errno.
 */
int session_barrier(struct session *s);

/**
 * session_stalled() - prove whether a queue is stalled, without waiting
 * @s:		session
 * @step:	step
 * @q:		queue with at least one head that was published
 *
 * Kick, worker flush, one non-blocking read: a miss there names the address on which
 * the device waits. Records the message (or none), the ring, the eventfds and the
 * number of system calls between the kick and the answer. Nothing is read of scsi, which
 * has no IOTLB and no read(2): VHOST_SCSI_CLEAR_ENDPOINT, which waits for all that the
 * target has, proves it, and leaves the device stopped.
 *
 * Return: 1 if the queue did not move; 0 if it did; -errno.
 */
int session_stalled(struct session *s, const char *step, enum session_queue q);

/* ------------------------------------------------------------------- IOTLB */

/**
 * session_iotlb() - write one message, recorded
 * @s:		session
 * @step:	step
 * @msg:	@msg->version 0 means @s->msg_version
 *
 * Return: 0 or -errno.
 */
int session_iotlb(struct session *s, const char *step, struct iotlb_msg msg);

/** session_write() - write any bytes to the device, recorded as call "write" */
int session_write(struct session *s, const char *step, const void *buf, size_t len);

/** session_map() - VHOST_IOTLB_UPDATE of a whole region at its IOVA */
int session_map(struct session *s, const char *step, enum mem_region_id id, uint8_t perm);

/** session_map_all() - session_map() of every region but MEM_SPARE, read-write */
int session_map_all(struct session *s, const char *step);

/** session_unmap() - VHOST_IOTLB_INVALIDATE of a whole region */
int session_unmap(struct session *s, const char *step, enum mem_region_id id);

/**
 * session_read_miss() - read one message without waiting, recorded
 * @s:		session
 * @step:	step
 * @ret_msg:	the message, or NULL
 *
 * Return: 1 if there was one, 0 if the queue is empty, -errno.
 */
int session_read_miss(struct session *s, const char *step, struct iotlb_msg *ret_msg);

/**
 * session_serve_misses() - answer what is queued with mappings of whole regions
 * @s:		session
 *
 * Flushes the worker after each answer, so that what it misses next is there to be
 * read. In which order the rings miss, and how often one address is missed before it is
 * mapped, is a matter of the worker's pace: what was answered is kept for
 * session_note_served(). What cannot be answered is recorded at once, as step "miss".
 * Return: how many were answered; -EFAULT for a miss in no region; -errno.
 */
int session_serve_misses(struct session *s);

/**
 * session_note_served() - record each region that was missed and mapped, as step "miss"
 *
 * The first miss of each with its answer, in the order of the regions. Forgets them.
 */
void session_note_served(struct session *s);

/**
 * session_drop_misses() - read what else is queued after a miss that is known
 * @s:		session
 * @step:	step
 * @iova:	its address is not recorded again: kernels may queue a miss for each run
 *		of a handler (vhost_iotlb_miss() in drivers/vhost/vhost.c)
 */
void session_drop_misses(struct session *s, const char *step, uint64_t iova);

#endif
