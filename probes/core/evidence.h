/* SPDX-License-Identifier: MIT */
/*
 * What a check saw. One type with one codec: JSON Lines on the child's socket, in the
 * journal and in the report. Judges read nothing else, so that a stored report can be
 * judged again: no times, no pids, and addresses only as region and offset.
 */
#ifndef CORE_EVIDENCE_H
#define CORE_EVIDENCE_H

#include "base/record.h"

/** enum ev_kind - the tag of struct ev */
enum ev_kind {
	EV_IOCTL,
	EV_IOTLB,
	EV_RING,
	EV_EVENTFD,
	EV_WORKER,
	EV_KMSG,
	EV_BYTES,
	EV_MEASURE,
	EV_FACT,
	EV_KIND_NUM
};

/** enum ev_perm - access that an IOTLB entry grants to the device */
enum ev_perm {
	EV_PERM_NONE,
	EV_PERM_RO,
	EV_PERM_WO,
	EV_PERM_RW
};

/** enum ev_iotlb_way - who wrote an IOTLB message */
enum ev_iotlb_way {
	EV_SENT,
	EV_RECEIVED
};

/** enum ev_iotlb_msg - VHOST_IOTLB_* as words; EV_NO_MSG: the queue was empty */
enum ev_iotlb_msg {
	EV_NO_MSG,
	EV_MISS,
	EV_UPDATE,
	EV_INVALIDATE,
	EV_ACCESS_FAIL,
	EV_BATCH_BEGIN,
	EV_BATCH_END,
	EV_OTHER_MSG
};

/** enum ev_dir - direction of a transfer as virtio names it: tx is guest to host */
enum ev_dir {
	EV_TX,
	EV_RX
};

extern const char *const ev_kind_names[],
	*const ev_perm_names[], *const ev_msg_names[], *const ev_way_names[],
							       *const ev_dir_names[];

/** EV_CLOSE, EV_IN_ORDER - step and value of the facts that tell by its name how each ring
 * of a device stood when it was closed: it took no more than it was offered, and gave back
 * no more than it took. Else the value has the numbers; how far a ring came that the host
 * fills is a matter of pace, and no evidence.
 */
#define EV_CLOSE "close"
#define EV_IN_ORDER "in order"

/**
 * struct ev - one observation
 * @kind:	enum ev_kind
 * @step:	the check's own name for the moment, unique for what its judge reads
 *
 * ioctl: a system call on the device (also open, read and write). @ioctl.arg is the
 *   argument, or what a GET call wrote (NULL if it wrote nothing); @ioctl.ret is -1
 *   with @ioctl.err set, else the result.
 * iotlb: a message; @iotlb.iova is "region+0x0", or a bare number outside all regions;
 *   @iotlb.err is that of the write or read.
 * ring: indices as they stand; @ring.base is what VHOST_GET_VRING_BASE said.
 * eventfd: signals since it was last read: how many on err, 1 for any on call.
 * worker: threads named for this process: @worker.type is task, kthread or none.
 * bytes: one transfer; sent and received are of the two ends.
 * fact: anything else, as a name and a value.
 */
struct ev {
	int kind;
	const char *step;
	union {
		struct ev_ioctl {
			const char *name, *arg;
			int64_t ret;
			int err;
		} ioctl;
		struct ev_iotlb {
			int way;
			struct opt_int version;
			int msg;
			const char *iova;
			const char *size;
			int perm;
			int err;
		} iotlb;
		struct ev_ring {
			const char *queue;
			struct opt_int avail, used, base, flags;
		} ring;
		struct ev_eventfd {
			const char *queue;
			struct opt_int kick, call, err;
		} eventfd;
		struct ev_worker {
			const char *type;
			int64_t count;
		} worker;
		struct ev_kmsg {
			const char *text;
		} kmsg;
		struct ev_bytes {
			int dir;
			int64_t sent, received;
			const char *sent_digest, *received_digest;
		} bytes;
		struct ev_measure {
			const char *name, *unit;
			struct rec_list samples;
		} measure;
		struct ev_fact {
			const char *name, *value;
		} fact;
	};
};

extern const struct rec_shape ev_shape;

/**
 * struct evidence - all that one child sent, in its order
 * @ev:		struct ev pointers
 */
struct evidence {
	struct rec_list ev;
};

/**
 * ev_find() - the observation of a kind at a step
 * @e:		evidence
 * @kind:	enum ev_kind
 * @step:	step
 *
 * Return: the first such observation, or NULL: absent is never zero.
 */
const struct ev *ev_find(const struct evidence *e, enum ev_kind kind, const char *step);

/**
 * ev_find_next() - the next observation of a kind at a step
 * @e:		evidence
 * @after:	an observation of @e, or NULL for the first
 * @kind:	enum ev_kind
 * @step:	step, or NULL for any
 */
const struct ev *ev_find_next(const struct evidence *e, const struct ev *after,
			      enum ev_kind kind, const char *step);

#endif
