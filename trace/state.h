/* SPDX-License-Identifier: MIT */
/*
 * What is known of one open vhost device from the calls on it, and what is to be said
 * of that. Pure.
 *
 * Theory of operation
 *
 * VMMs drive vhost in orders of their own, so no order is expected. What is kept is what
 * the kernel has by now: the features of the last VHOST_SET_FEATURES, the rings, what is
 * mapped in the IOTLB, what runs. The judgement asks of a start whether bit 33 was in
 * the last features and the used rings mapped (drivers/vhost/vhost.c:
 * vhost_vq_init_access()); after it, whether bit 33 came later. A vDPA device is the
 * reverse: its parent may refuse features without bit 33.
 */
#ifndef TRACE_STATE_H
#define TRACE_STATE_H

#include "trace/decode.h"
#include "trace/order.h"

/** TRACE_RINGS_MAX - rings that are followed of a device */
#define TRACE_RINGS_MAX 256u

/** TRACE_MAPS_MAX - mappings that are followed of a device */
#define TRACE_MAPS_MAX 65536u

/**
 * struct trace_ring - one ring
 * @desc, @avail, @used: as VHOST_SET_VRING_ADDR has them
 * @num:	descriptors, 0 while not set
 * @addressed:	the addresses were set
 * @running:	it was started; on a device whose start is for all rings, of all of them
 * @kick_fd:	descriptor in @kick_pid, -1 while not set
 * @kick_pid:	process that set it
 */
struct trace_ring {
	uint64_t desc, avail, used;
	uint32_t num;
	bool addressed, running;
	int32_t kick_fd;
	int kick_pid;
};

/** struct trace_map - one mapping of the IOTLB */
struct trace_map {
	uint64_t iova, size;
	uint8_t perm;
};

/**
 * struct trace_ruling - what was found
 * @verdict:	enum stack_verdict
 * @signature:	names the mechanism as `stacks` does, or NULL
 * @text:	what happened and what to do, whole sentences
 */
struct trace_ruling {
	int verdict;
	const char *signature;
	char text[1024];
};

/**
 * struct trace_look - what can be seen of a device that no call tells
 * @known:	the rest is filled in
 * @readable:	a message waits to be read: a miss
 * @kicked:	the guest kicked a ring of it
 */
struct trace_look {
	bool known, readable, kicked;
};

/**
 * struct trace_state - an open vhost device
 * @family:	device
 * @owned:	VHOST_SET_OWNER succeeded
 * @offered:	what the kernel returned to VHOST_GET_FEATURES
 * @shown:	bits that --what-if shows besides; those that the kernel does not offer
 *		are kept from it
 * @asked:	VHOST_GET_FEATURES was called
 * @sent:	what the VMM put into the last VHOST_SET_FEATURES, shown bits included
 * @set:	that VHOST_SET_FEATURES was accepted
 * @tried:	VHOST_SET_FEATURES was called
 * @backend_offered, @backend_sent: the same of backend features
 * @armed:	the kernel has the IOTLB on
 * @armed_late:	bit 33 came while the device ran
 * @late:	the last VHOST_SET_FEATURES came while the device ran
 * @dropped:	a VHOST_SET_FEATURES without bit 33 followed one with it
 * @armed_at:	call by which it was switched on
 * @toggled:	bit 33 changed after ring addresses were set
 * @region:	owned, @regions of them
 * @ring:	by index
 * @map:	owned, @maps of them in the order in which they came
 * @updates:	VHOST_IOTLB_UPDATE messages that were accepted
 * @updates_at_start: those before the last start
 * @misses:	VHOST_IOTLB_MISS messages that the VMM read
 * @all_mapped_at_start: whether descriptors and avail rings were mapped there, too
 * @unmapped_at_start: trace_state_unmapped() at the last start
 * @logged:	a log was set
 * @enabled_late: a ring of a vDPA device was enabled after DRIVER_OK
 * @started:	a start succeeded; @start_tried: was called
 * @start_err:	errno of the last start
 * @start_name:	its name; @start_ring: the ring that it was of, -1 if of all
 * @start:	the ruling of the last start that failed
 * @refused:	the ruling of a call before the start that failed; of @refused_id
 * @order:	of the calls of a policy
 * @look:	the last that was seen
 */
struct trace_state {
	enum family family;
	bool owned;
	struct feature_set offered, shown, sent;
	bool asked, tried, set;
	uint64_t backend_offered, backend_sent;
	bool armed, armed_late, late, dropped, toggled;
	unsigned int armed_at;
	struct trace_region *region;
	size_t regions;
	struct trace_ring ring[TRACE_RINGS_MAX];
	struct trace_map *map;
	size_t maps, maps_room;
	unsigned int updates, updates_at_start, misses;
	bool all_mapped_at_start;
	int unmapped_at_start;
	bool logged, enabled_late, started, start_tried;
	int start_err, start_ring;
	const char *start_name;
	struct trace_ruling start, refused;
	enum trace_id refused_id;
	struct trace_order order;
	struct trace_look look;
};

/**
 * trace_state_init() - a device that has just been opened
 * @s:		state, of any content
 * @family:	device
 */
void trace_state_init(struct trace_state *s, enum family family);

/** trace_state_done() - free what it holds; it may be used again after _init() */
void trace_state_done(struct trace_state *s);

/**
 * struct trace_end - how a call ended
 * @pid:	process that called
 * @seq:	number of the call
 * @ret:	what it returned
 * @err:	errno, 0 if it succeeded
 */
struct trace_end {
	int pid;
	unsigned int seq;
	int64_t ret;
	int err;
};

/**
 * trace_state_call() - an ioctl has returned
 * @s:		state
 * @op:		the call
 * @end:	how it ended
 *
 * Return: 0; 1 if it was a start, of which there is something to say: @s->start when it
 * failed; 2 if it switched the IOTLB on under a running device; -ENOMEM.
 */
int trace_state_call(struct trace_state *s, const struct trace_op *op,
		     const struct trace_end *end) must_check_;

/**
 * trace_state_message() - an IOTLB message was written or read
 * @s:		state
 * @m:		message
 * @written:	by the VMM
 * @err:	errno of the call, 0 if it was taken
 *
 * Return: 0; -ENOMEM.
 */
int trace_state_message(struct trace_state *s, const struct trace_message *m,
			bool written, int err) must_check_;

/**
 * trace_state_mapped() - whether a range is mapped
 * @s:		state
 * @iova, @size: range
 * @ret_perm:	the access that all of it has, if it is mapped; may be NULL
 */
bool trace_state_mapped(const struct trace_state *s, uint64_t iova, uint64_t size,
			uint8_t *ret_perm);

/**
 * trace_state_kept() - whether a bit is shown to the VMM and kept from the kernel
 * @s:		state
 * @bit:	below FEATURE_BITS
 *
 * Only once the VMM has asked is it known what the kernel offers.
 */
bool trace_state_kept(const struct trace_state *s, unsigned int bit);

/**
 * trace_state_known() - whether a VMM can know what a bit obliges it to
 * @s:		state
 * @bit:	below FEATURE_BITS
 *
 * Those that have a name; of a vDPA device also those of its kind, which have none here
 * (virtio-1.2 6: 0 to 23).
 */
bool trace_state_known(const struct trace_state *s, unsigned int bit);

/**
 * trace_state_unmapped() - a ring whose used ring the device cannot write
 * @s:		state
 * @ring:	look at this one alone; -1 for all
 *
 * Return: index of the first, or -1 if all that have addresses are mapped.
 */
int trace_state_unmapped(const struct trace_state *s, int ring);

#endif
