/* SPDX-License-Identifier: MIT */
/*
 * A stack is a VMM's policy towards vhost, as data: which features it sends and when,
 * what it does about the IOTLB, which guests it can have. stacks/ holds the policies
 * and the player; here are the types and the words that reports carry.
 */
#ifndef CORE_STACK_H
#define CORE_STACK_H

#include "core/check.h"

/** enum guest_kind - what kind of guest drives the device */
enum guest_kind {
	GUEST_PLAIN,
	GUEST_PROTECTED,
	GUEST_VIOMMU,
	GUEST_KIND_NUM
};

/**
 * enum stack_verdict - what became of a policy on a device
 * @STACK_UNKNOWN:	nothing could be learnt; the zero value
 * @STACK_WORKS:	bytes moved both ways, digests equal
 * @STACK_DEGRADED:	bytes moved, at less than 1/50 of the rate with the IOTLB off
 * @STACK_FAILS_START:	a start call was refused
 * @STACK_STALLS:	every call succeeded and no byte moved
 * @STACK_REFUSED:	the kernel refused the features
 * @STACK_NOT_APPLICABLE: the policy does not drive this device, or it is not here
 * @STACK_ERROR:	taken out of a stored report, for judge to give it again; no play ends so
 */
enum stack_verdict {
	STACK_UNKNOWN,
	STACK_WORKS,
	STACK_DEGRADED,
	STACK_FAILS_START,
	STACK_STALLS,
	STACK_REFUSED,
	STACK_NOT_APPLICABLE,
	STACK_ERROR,
	STACK_VERDICT_NUM
};

extern const char *const guest_kind_names[], *const stack_verdict_names[];

/** enum stack_base - where the feature set that a VMM sends starts from */
enum stack_base {
	STACK_BASE_ACKED,   /* what the guest acknowledged */
	STACK_BASE_OFFERED, /* all that VHOST_GET_FEATURES returned */
	STACK_BASE_NONE,    /* nothing but the bits that it forces */
	STACK_BASE_OBSERVED /* as acked, but seen in a trace: what becomes of a bit that
			     * is in none of the guest's lists is not known */
};

/**
 * enum stack_call - steps of a VMM's start, which a policy puts in order
 * @CALL_FORK_FROM_OWNER: VHOST_SET_FORK_FROM_OWNER with VHOST_FORK_OWNER_KTHREAD; a
 *			kernel that refuses it is no obstacle
 * @CALL_SET_OWNER:	VHOST_SET_OWNER
 * @CALL_GET_FEATURES:	VHOST_GET_FEATURES
 * @CALL_SET_FEATURES:	VHOST_SET_FEATURES
 * @CALL_BACKEND_FEATURES: VHOST_GET_BACKEND_FEATURES and, if any bit of the policy is
 *			offered, VHOST_SET_BACKEND_FEATURES
 * @CALL_SET_MEM_TABLE:	VHOST_SET_MEM_TABLE
 * @CALL_SET_GUEST_CID:	VHOST_VSOCK_SET_GUEST_CID; left out on other devices
 * @CALL_VRINGS:	what enum stack_ring_call says, for one ring after the other
 * @CALL_IOTLB_UPDATE:	what the guest's map says, if the IOTLB is on by then, as it
 *			always is on vdpa
 * @CALL_START:		VHOST_VSOCK_SET_RUNNING; VHOST_NET_SET_BACKEND of all rings;
 *			VHOST_SCSI_SET_ENDPOINT; VHOST_VDPA_SET_STATUS of all bits up to
 *			DRIVER_OK
 * @CALL_GET_ABI_VERSION: VHOST_SCSI_GET_ABI_VERSION; of scsi alone, as all that follow
 *			are of vdpa
 * @CALL_GET_DEVICE_ID:	VHOST_VDPA_GET_DEVICE_ID; by its word the VMM goes on with
 *			devices of one kind only
 * @CALL_GET_IOVA_RANGE: VHOST_VDPA_GET_IOVA_RANGE
 * @CALL_SET_STATUS:	VHOST_VDPA_SET_STATUS of what its words add to the bits set so
 *			far; may be made again
 * @CALL_GET_STATUS:	VHOST_VDPA_GET_STATUS: a VMM gives up that finds less than it set;
 *			may be made again
 * @CALL_SET_CONFIG_CALL: VHOST_VDPA_SET_CONFIG_CALL
 * @CALL_IOTLB_BATCH_BEGIN, @CALL_IOTLB_BATCH_END: the messages of these names, if
 *			VHOST_BACKEND_F_IOTLB_BATCH was acknowledged and the guest has no
 *			mappings of its own
 * @CALL_IOTLB_INVALIDATE: VHOST_IOTLB_INVALIDATE of all addresses; a kernel that
 *			refuses it is no obstacle
 */
enum stack_call {
	CALL_FORK_FROM_OWNER,
	CALL_SET_OWNER,
	CALL_GET_FEATURES,
	CALL_SET_FEATURES,
	CALL_BACKEND_FEATURES,
	CALL_SET_MEM_TABLE,
	CALL_SET_GUEST_CID,
	CALL_VRINGS,
	CALL_IOTLB_UPDATE,
	CALL_START,
	CALL_GET_ABI_VERSION,
	CALL_GET_DEVICE_ID,
	CALL_GET_IOVA_RANGE,
	CALL_SET_STATUS,
	CALL_GET_STATUS,
	CALL_SET_CONFIG_CALL,
	CALL_IOTLB_BATCH_BEGIN,
	CALL_IOTLB_BATCH_END,
	CALL_IOTLB_INVALIDATE,
	CALL_NUM
};

/** stack_call_names - "SET_OWNER" and so on, ended by NULL */
extern const char *const stack_call_names[CALL_NUM + 1];

/**
 * enum stack_ring_call - what a CALL_VRINGS is made of
 * @RING_NUM, @RING_BASE, @RING_ADDR, @RING_CALL, @RING_ERR, @RING_KICK: VHOST_SET_VRING_*
 * @RING_START:		VHOST_NET_SET_BACKEND of this ring
 * @RING_ENABLE:	VHOST_VDPA_SET_VRING_ENABLE
 */
enum stack_ring_call {
	RING_NUM,
	RING_BASE,
	RING_ADDR,
	RING_CALL,
	RING_ERR,
	RING_KICK,
	RING_START,
	RING_ENABLE,
	RING_CALL_NUM
};

/** stack_ring_call_names - "NUM" and so on, ended by NULL */
extern const char *const stack_ring_call_names[RING_CALL_NUM + 1];

/**
 * enum stack_status - bits that a CALL_SET_STATUS adds (virtio-1.2 2.1)
 * @STACK_STATUS_RESET:	takes all away instead, and stands alone
 */
enum stack_status {
	STACK_STATUS_RESET,
	STACK_STATUS_ACKNOWLEDGE,
	STACK_STATUS_DRIVER,
	STACK_STATUS_FEATURES_OK,
	STACK_STATUS_NUM
};

/** stack_status_names - "RESET" and so on, ended by NULL */
extern const char *const stack_status_names[STACK_STATUS_NUM + 1];

/** enum stack_kind - of a vDPA device, which a CALL_GET_DEVICE_ID insists on */
enum stack_kind {
	KIND_NET,
	KIND_BLOCK,
	KIND_NUM
};

/** stack_kind_names - "NET", "BLOCK", ended by NULL */
extern const char *const stack_kind_names[KIND_NUM + 1];

/** STACK_WORDS - the most words behind a call */
#define STACK_WORDS RING_CALL_NUM

/**
 * struct stack_step - one step of an order
 * @call:	enum stack_call
 * @word:	what stands behind the call, in order: enum stack_ring_call of
 *		CALL_VRINGS, enum stack_status of CALL_SET_STATUS, enum stack_kind of
 *		CALL_GET_DEVICE_ID
 * @count:	how many
 */
struct stack_step {
	int call;
	int word[STACK_WORDS];
	size_t count;
};

/** STACK_WORD_ROOM - bytes of the longest word of a step that is told in full */
#define STACK_WORD_ROOM 32u

/**
 * stack_step_read() - what a string of an order says
 * @text:	"SET_OWNER", or "VRINGS NUM ADDR CALL KICK": for each ring in turn these
 * @ret:	the step; indeterminate on failure
 * @ret_word:	on failure the word at fault, cut; the first one if something is missing
 *
 * Return: 0; -ENOENT for a word that is no step, or none of those of its step; -EEXIST
 * for one that stands twice; -EINVAL for VRINGS or SET_STATUS without a word, and for a
 * word that does not go with those before it.
 */
int stack_step_read(const char *text, struct stack_step *ret,
		    char ret_word[STACK_WORD_ROOM]);

/** STACK_ALL - as the only backend feature of a policy: all that are offered */
#define STACK_ALL "all"

/**
 * enum stack_map - what a VMM maps by VHOST_IOTLB_UPDATE at CALL_IOTLB_UPDATE
 * @STACK_MAP_AS_USED:	the rings; and then, of vdpa, where nobody asks by a miss, each
 *			buffer while a request is out, as its guest maps it
 */
enum stack_map {
	STACK_MAP_NONE,
	STACK_MAP_USED_RINGS,
	STACK_MAP_ALL,
	STACK_MAP_AS_USED
};

/** enum stack_miss - what a VMM does about a VHOST_IOTLB_MISS */
enum stack_miss {
	STACK_MISS_UNREAD,
	STACK_MISS_SERVED,
	STACK_MISS_UNOBSERVED /* it maps, and in its trace no miss came up */
};

/** enum stack_confidence - whether a policy was read in the source or seen running */
enum stack_confidence {
	STACK_READ,
	STACK_RUN
};

/**
 * struct stack_guest - how the policy acts for one kind of guest
 * @guest:	enum guest_kind
 * @acks:	names or numbers of the bits that such a guest acknowledges where they are
 *		offered: what the VMM shows and the guest's driver knows. A list of what
 *		it does take, since a bit that a later kernel offers is in neither
 * @mask:	bits that the VMM takes out of what it sends
 * @force:	bits that it adds, offered or not. VHOST_NET_F_VIRTIO_NET_HDR here is that
 *		of a VMM whose back end has no headers of its own
 * @map:	enum stack_map
 * @miss:	enum stack_miss
 */
struct stack_guest {
	int guest;
	struct rec_list acks, mask, force;
	int map, miss;
};

/**
 * struct stack_package - a package of a distribution that holds the VMM
 * @name:	of the package
 * @since, @before: upstream versions between which the policy is true; NULL: no bound
 */
struct stack_package {
	const char *name, *since, *before;
};

/**
 * struct stack_origin - where a policy was read
 * @repository, @commit, @file: place
 */
struct stack_origin {
	const char *repository, *commit, *file;
};

/**
 * struct stack - one policy ("vhostcheck-stack/1")
 * @name:	of the file, without .json
 * @vmm:	program, and @versions which of it
 * @summary:	one sentence
 * @risk:	enum risk: where it may be played, as with a check
 * @about:	what else there is to know, with the evidence for it; or NULL
 * @devices:	family names
 * @executables: base names by which `list` finds the VMM
 * @packages:	struct stack_package
 * @base:	enum stack_base
 * @known:	bits whose duties the VMM meets: it may send them (core/duty.h)
 * @backend:	names of the backend features that it acknowledges, or STACK_ALL
 * @order:	strings for stack_step_read(), in order
 * @guests:	struct stack_guest
 * @confidence:	enum stack_confidence
 * @sources:	struct stack_origin
 */
struct stack {
	const char *name, *vmm, *versions, *summary;
	int risk;
	const char *about;
	struct rec_list devices, executables, packages;
	int base;
	struct rec_list known, backend, order, guests;
	int confidence;
	struct rec_list sources;
};

extern const struct rec_shape stack_shape;

#endif
