/* SPDX-License-Identifier: MIT */
/* Private to probes/model: the device, its rings, and what they share with the rest. */
#ifndef MODEL_DEVICE_H
#define MODEL_DEVICE_H

#include <sys/uio.h>

#include <linux/vhost_types.h>

#include "model/map.h"
#include "model/vdpa.h"
#include "seam/fault.h"

/** MODEL_QUEUES - rings of net and vsock: 0 to the guest, 1 from it */
#define MODEL_QUEUES 2u

/** MODEL_QUEUES_MAX - most rings of a device */
#define MODEL_QUEUES_MAX 4u

/** WORKERS_MAX - workers of a device */
#define WORKERS_MAX 8u

/** enum model_queue - their indices */
enum model_queue {
	MODEL_RX,
	MODEL_TX
};

/** MODEL_MSG_BYTES - of an IOTLB message, the same in both versions */
#define MODEL_MSG_BYTES sizeof(struct vhost_msg)

/** MODEL_REGIONS_MAX - of a memory table: default of the parameter max_mem_regions */
#define MODEL_REGIONS_MAX 64u

/** CHAIN_MAX - pieces of memory that one head may lead to (UIO_MAXIOV) */
#define CHAIN_MAX 1024u

struct model_dev;
struct seam_model;

/**
 * struct vq - one ring as the device has it
 * @dev, @index: whose, which
 * @num, @desc, @avail, @used: VHOST_SET_VRING_NUM, _ADDR: addresses in this process, or
 *		IOVAs
 * @log_used, @log_addr: VHOST_VRING_F_LOG and the guest-physical address of the used ring
 * @last_avail:	next head to take; @avail_idx: last index that was read of the guest
 * @last_used:	next used element to write
 * @signalled:	used index at the last call, if @signalled_valid
 * @used_flags:	as written to the used ring
 * @worker:	VHOST_ATTACH_VRING_WORKER
 * @kick, @call, @err: own duplicates of the eventfds, -1 without
 * @busyloop:	VHOST_SET_VRING_BUSYLOOP_TIMEOUT
 * @running:	has a back end
 * @started:	had one since the device was opened
 * @due:	its handler is to run
 * @told:	an error was signalled
 * @found:	a buffer of it was translated (RULE_FIRST_HEAD_FREE)
 * @deaf:	no miss of it is told any more (RULE_MISS_HIDES)
 * @stuck:	it is not served again (RULE_PERMISSION_STICKS)
 * @used_map:	mapping that the used ring was found by, if @used_kept (RULE_USED_CACHED)
 */
struct vq {
	struct model_dev *dev;
	unsigned int index, num;
	uint64_t desc, avail, used, log_addr;
	bool log_used;
	uint16_t last_avail, avail_idx, last_used, signalled, used_flags;
	bool signalled_valid;
	unsigned int worker;
	int kick, call, err;
	unsigned int busyloop;
	bool running, started, due, told, found, deaf, stuck, used_kept;
	struct map used_map;
};

/**
 * struct message - a miss
 * @vq:		index of the ring that lacks the address
 */
struct message {
	uint64_t iova;
	uint8_t perm;
	unsigned int vq;
	bool v2;
};

/** struct messages - a queue of misses, oldest first */
struct messages {
	struct message *item;
	size_t count, room;
};

/**
 * struct dirty_log - VHOST_SET_LOG_BASE and _FD
 * @base:	of the bitmap, in this process
 * @fd:		own duplicate of the eventfd, -1 without
 * @on:		VHOST_F_LOG_ALL was accepted
 */
struct dirty_log {
	uint64_t base;
	int fd;
	bool on;
};

/**
 * struct family_ops - what a driver adds to the core
 * @queues:	rings
 * @frozen:	features of a running device cannot be changed, but for VHOST_F_LOG_ALL
 * @features:	offered
 * @ioctl:	-ENOTTY for what the core has to answer
 * @handle:	the handler of a ring that runs
 * @stop:	take the back ends away, at close and reset
 */
struct family_ops {
	unsigned int queues;
	bool frozen;
	struct feature_set features;
	int (*ioctl)(struct model_dev *d, unsigned long request, void *arg);
	void (*handle)(struct vq *vq);
	void (*stop)(struct model_dev *d);
};

struct packet;

/**
 * struct model_dev - a descriptor of the device
 * @m:		the model that it is of
 * @family:	what it does differently
 * @open:	there is a descriptor
 * @left_running: the one before was closed while it ran
 * @owner:	process of VHOST_SET_OWNER, 0 without
 * @features, @backend_features: accepted; @acked: some features were
 * @fork_owner:	VHOST_SET_FORK_FROM_OWNER
 * @flushes:	calls of VHOST_SET_LOG_FD
 * @memory:	VHOST_SET_MEM_TABLE, if @has_memory
 * @iotlb:	the device IOTLB, if @has_iotlb
 * @gone:	the first mapping that was taken away (RULE_MAP_STALE)
 * @messaged:	an IOTLB message has been taken
 * @missed:	there has been a miss
 * @queue:	misses that were not read; @pending: that were, and wait for an update
 * @cid:	vsock: the guest's, 0 without
 * @packets:	vsock: queued for the guest, oldest first
 * @queued_replies: vsock: of them those that answer a packet of the guest's
 * @workers:	those that VHOST_NEW_WORKER made, and the first, by their numbers
 * @endpoint:	scsi: VHOST_SCSI_SET_ENDPOINT
 * @events_missed: scsi: an event found no buffer
 * @vdpa:	vdpa: what vhost-vdpa adds
 */
struct model_dev {
	struct dev dev;
	struct seam_model *m;
	const struct family_ops *family;
	bool open, left_running;
	pid_t owner;
	struct feature_set features;
	bool acked;
	uint64_t backend_features;
	uint8_t fork_owner;
	unsigned int flushes;
	struct map_table memory, iotlb;
	struct map gone;
	bool has_memory, has_iotlb, messaged, missed;
	struct messages queue, pending;
	struct dirty_log log;
	struct vq vq[MODEL_QUEUES_MAX];
	uint32_t cid;
	struct packet *packets;
	unsigned int queued_replies;
	bool workers[WORKERS_MAX];
	bool endpoint, events_missed;
	struct vdpa_state vdpa;
};

extern const struct family_ops family_vsock, family_net, family_scsi, family_vdpa;

/** device_init() - a closed device */
void device_init(struct model_dev *d, struct seam_model *m,
		 const struct family_ops *family);

/** device_poll() - poll(2): for nothing but what others left ready */
int device_poll(struct dev *dev, struct pollfd *fds, size_t n, struct deadline until);

/** device_work() - run the handlers that are due; whether there were any */
bool device_work(struct model_dev *d);

/** device_stopped() - a back end was taken away by the start and stop call */
void device_stopped(struct model_dev *d);

/** device_has() - whether a feature below 64 was accepted */
bool device_has(const struct model_dev *d, unsigned int bit);

/** device_armed() - whether addresses are IOVAs now, as the model's policy has it */
bool device_armed(const struct model_dev *d);

/** device_runs() - whether a ring of it has a back end */
bool device_runs(const struct model_dev *d);

/** device_armable() - whether the driver has a device IOTLB */
bool device_armable(const struct model_dev *d);

/** device_at_limit() - whether a task of the owner's more would be one too many */
bool device_at_limit(const struct model_dev *d);

/** device_breaks() - whether the model's fault is this one */
bool device_breaks(const struct model_dev *d, enum fault_rule rule);

/** device_owned() - 0 if the caller is the owner, else -EPERM */
int device_owned(const struct model_dev *d);

/** device_set_features() - accept features that are offered; switches the IOTLB */
int device_set_features(struct model_dev *d, const struct feature_set *set);

/** device_backend_ioctl() - VHOST_GET_/SET_BACKEND_FEATURES */
int device_backend_ioctl(struct model_dev *d, unsigned long request, void *arg);

/** device_core_ioctl() - what every driver hands to vhost_dev_ioctl() and the rings */
int device_core_ioctl(struct model_dev *d, unsigned long request, void *arg);

/** device_wipe() - all but the descriptor and the rings' backends back to the beginning
 */
void device_wipe(struct model_dev *d);

/**
 * eventfd_take() - keep a duplicate of an eventfd
 * @fd:		eventfd, or -1 for none
 * @any_file:	another file will do
 * @ret:	receives it; what it held is closed
 *
 * Return: 0; -EBADF; -EINVAL for what is no eventfd.
 */
int eventfd_take(int fd, bool any_file, int *ret);

/* ------------------------------------------------------------ setup.c */

/** setup_init() - a ring as it is in a device that was just opened */
void setup_init(struct vq *vq, struct model_dev *d, unsigned int index);

/** setup_done() - let go of its eventfds */
void setup_done(struct vq *vq);

/** setup_access_ok() - as vhost_vq_access_ok(): 0 if a ring may be started, or -EFAULT */
int setup_access_ok(const struct vq *vq);

/** setup_ioctl() - VHOST_SET_/GET_VRING_*; -ENOTTY for what is none */
int setup_ioctl(struct model_dev *d, unsigned long request, void *arg);

/* -------------------------------------------------------- messages.c */

/** messages_write() - write(2) of the device */
ssize_t messages_write(struct dev *dev, const void *buf, size_t len);

/** messages_read() - read(2) of the device */
ssize_t messages_read(struct dev *dev, void *buf, size_t len);

/** messages_miss() - queue a miss */
void messages_miss(struct vq *vq, uint64_t iova, uint8_t perm);

/** messages_clear() - drop all misses, read or not */
void messages_clear(struct model_dev *d);

/* -------------------------------------------------------- translate.c */

/**
 * translate() - find the memory behind a range of the guest's
 * @vq:		ring on whose behalf; a miss is its
 * @addr, @len:	range of guest-physical addresses, or of IOVAs
 * @access:	VHOST_ACCESS_RO or _WO
 * @iov, @room:	receive the pieces
 *
 * Return: how many; -EAGAIN after a miss; -EPERM; -EFAULT outside the memory table;
 * -ENOBUFS.
 */
int translate(struct vq *vq, uint64_t addr, uint64_t len, uint8_t access,
	      struct iovec *iov, unsigned int room);

/**
 * translate_prefetch() - whether the ring itself can be reached, each part as it is used
 *
 * A part without mapping is a miss; one whose mapping does not permit the access is
 * passed over in silence, as vhost does (vhost-abi 3.4).
 */
bool translate_prefetch(struct vq *vq);

/** translate_run() - how many of @len bytes of a ring from @addr on lie in one mapping */
size_t translate_run(const struct vq *vq, uint64_t addr, size_t len);

/** translate_ring() - the place in this process of a part of a ring. 0 or -EFAULT */
int translate_ring(struct vq *vq, uint64_t addr, size_t len, uint64_t *ret_addr);

/* ------------------------------------------------------------ vring.c */

/**
 * struct chain - what one head leads to
 * @iov:	first what the device reads, then what it writes
 * @out, @in:	how many pieces of either
 */
struct chain {
	uint16_t head;
	unsigned int out, in;
	struct iovec iov[CHAIN_MAX];
};

/** struct used - a used element */
struct used {
	uint16_t head;
	uint32_t len;
};

/** vring_start() - first access to the used ring. 0 or -EFAULT */
int vring_start(struct vq *vq);

/**
 * vring_next() - take the next head
 *
 * Return: 0; -ENOENT if there is none; -EAGAIN after a miss; other -errno after an error
 * was signalled. Nothing is consumed but with 0.
 */
int vring_next(struct vq *vq, struct chain *ret);

/** vring_put_back() - the last @n heads were not used after all */
void vring_put_back(struct vq *vq, unsigned int n);

/** vring_used() - give heads back. 0 or -EFAULT */
int vring_used(struct vq *vq, const struct used *used, unsigned int n);

/** vring_signal() - call the guest, unless it does not want to be */
void vring_signal(struct vq *vq);

/** vring_error() - signal the error eventfd */
void vring_error(struct vq *vq);

/** vring_refuse() - a head was taken and is not given back (vhost-abi 3.5): an error */
void vring_refuse(struct vq *vq);

/** vring_quiet() - ask not to be kicked */
void vring_quiet(struct vq *vq);

/** vring_listen() - ask to be kicked; whether heads came meanwhile */
bool vring_listen(struct vq *vq);

/** chain_bytes() - bytes that the device may read (@writable: write) */
size_t chain_bytes(const struct chain *c, bool writable);

/** chain_read() - gather @len bytes from @offset. 0 or -EFAULT */
int chain_read(const struct chain *c, size_t offset, void *to, size_t len);

/** chain_write() - scatter @len bytes at @offset of the writable part. 0 or -EFAULT */
int chain_write(const struct chain *c, size_t offset, const void *from, size_t len);

/** chain_clear() - write zeros from @offset of the writable part to its end */
void chain_clear(const struct chain *c, size_t offset);

/* -------------------------------------------------------------- log.c */

/**
 * log_access_ok() - whether a bitmap at @base can be written for all of the memory table
 *
 * As vq_memory_access_ok() with log_all: only that it lies in user space.
 */
bool log_access_ok(const struct model_dev *d, uint64_t base);

/** log_set_base() - VHOST_SET_LOG_BASE. 0 or -EFAULT */
int log_set_base(struct model_dev *d, const void *arg);

/** log_used_part() - @len bytes at @offset of the used ring were written */
void log_used_part(struct vq *vq, uint64_t offset, uint64_t len);

/** log_chain() - the first @len bytes of the writable part were written */
void log_chain(const struct vq *vq, const struct chain *c, size_t len);

#endif
