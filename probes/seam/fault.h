/* SPDX-License-Identifier: MIT */
/*
 * A fault alters one answer of a seam and leaves all others alone: the way to show
 * that a check can fail. It wraps the seam of the one child that it is given to.
 */
#ifndef SEAM_FAULT_H
#define SEAM_FAULT_H

#include "seam/seam.h"

/**
 * enum fault_act - what is altered. Messages are IOTLB messages.
 *
 * Each act hits the calls that struct fault selects and passes all others on.
 */
enum fault_act {
	FAULT_IOCTL_ERRNO,   /* answered with @err, not passed on */
	FAULT_IOCTL_SWALLOW, /* answered with 0, not passed on */
	FAULT_IOCTL_FORGIVE, /* passed on; a refusal becomes 0 */
	FAULT_IOCTL_OTHER,   /* passed on; a refusal becomes @err */
	FAULT_IOCTL_RESULT,  /* passed on; @bits of 64 that it may write are flipped */
	FAULT_IOCTL_INPUT,   /* passed on with @bits of 64 that it reads flipped */
	FAULT_IOCTL_FD,      /* passed on with another eventfd than the guest's */
	FAULT_OPEN_ERRNO,    /* open is answered with @err */
	FAULT_READ_DROP,     /* a message of the device is read and thrown away */
	FAULT_READ_FLIP,     /* @bits of the word at byte @at of a message are flipped */
	FAULT_READ_ZERO,     /* an empty queue reads as 0 bytes */
	FAULT_WRITE_ERRNO,   /* answered with @err, not passed on */
	FAULT_WRITE_DROP,    /* taken and thrown away */
	FAULT_WRITE_FORGIVE, /* passed on; a refusal becomes success */
	FAULT_WRITE_FLIP,    /* passed on with @bits of the word at byte @at flipped */
	FAULT_POLL_LATE,     /* a wait ends without seeing anything ready */
	FAULT_PEER_ERRNO,    /* the peer answers @err */
	FAULT_PEER_FLIP,     /* @bits of the digest of what the peer moved are flipped */
	FAULT_PEER_SHORT,    /* the peer reports one byte less than it moved */
	FAULT_NODE_GONE,     /* the node is not there */
	FAULT_NODE_OTHER,    /* the node has another minor number */
	FAULT_MODULE_GONE,   /* the module is neither loaded nor built in */
	FAULT_MODULE_OTHER,  /* the running module is not the one on disk */
	FAULT_WORKER_GONE,   /* no worker is found */
	FAULT_MODEL,         /* the model breaks @rule; a real kernel cannot be made to */
	FAULT_DEAD,          /* every call on the device is answered with EIO, undone */
	FAULT_RANDOM,        /* every call but open is answered with some errno, undone */
	FAULT_LIAR,          /* every call but open is told to have gone the other way */
	FAULT_MUTE           /* every call on the device is answered with 0, undone */
};

/**
 * enum fault_rule - what only the model device can be made to do wrong (FAULT_MODEL)
 */
enum fault_rule {
	RULE_NONE,
	RULE_OWNER_NOT_NEEDED,  /* calls need no owner */
	RULE_OWNER_ANYBODY,     /* any process may act for the owner */
	RULE_OWNER_FIRST,       /* an owner must come before the features */
	RULE_REOPEN_BUSY,       /* closed while it ran, the device does not start again */
	RULE_WORKER_STAYS,      /* the worker outlives the device */
	RULE_WORKER_PER_RING,   /* each ring has a worker */
	RULE_WORKER_SHARED,     /* two devices have one worker */
	RULE_WORKER_SPINS,      /* the worker never sleeps */
	RULE_FLUSH_LATE,        /* from the 41st on, a flush does not wait */
	RULE_LIMIT_IGNORED,     /* RLIMIT_NPROC is not looked at */
	RULE_FEATURES_ACKED,    /* GET_FEATURES says what was accepted */
	RULE_FEATURES_DEPEND,   /* EVENT_IDX is refused without INDIRECT_DESC */
	RULE_BACKEND_FINAL,     /* backend features cannot be taken back */
	RULE_MEMORY_NOT_NEEDED, /* a start needs no memory table */
	RULE_MEMORY_PADDING,    /* padding of a memory table is not looked at */
	RULE_MEMORY_ONE_REGION, /* a memory table may have one region */
	RULE_MEMORY_FEW,        /* a memory table may have 32 regions */
	RULE_MEMORY_FIRST,      /* of a memory table 32 regions are looked at */
	RULE_MEMORY_ONE_MORE,   /* a memory table may have one region too many */
	RULE_MEMORY_GROWS_NOT,  /* of a running device it may have no more than it has */
	RULE_NUM_ANY,           /* a ring may have any number of descriptors */
	RULE_NUM_RUNNING,       /* the size of a running ring can be set */
	RULE_BASE_RUNNING,      /* the index of a running ring can be set */
	RULE_BASE_TRUNCATED,    /* an index above 65535 is cut to 16 bits */
	RULE_BASE_USED,         /* GET_VRING_BASE says the used index */
	RULE_BASE_FORGOTTEN,    /* a start begins at index 0 */
	RULE_AVAIL_UNALIGNED,   /* the avail ring may lie anywhere */
	RULE_USED_UNALIGNED,    /* the used ring may lie anywhere */
	RULE_ADDR_FLAGS,        /* unknown flags of ring addresses are taken */
	RULE_EVENTFD_ANY_FILE,  /* any file will do for an eventfd */
	RULE_EVENTFD_NO_UNBIND, /* -1 does not unbind an eventfd */
	RULE_START_TWICE_BUSY,  /* a start of a running device is refused */
	RULE_CID_RESERVED,      /* reserved CIDs are taken */
	RULE_CID_TRUNCATED,     /* of a CID only 32 bits are looked at */
	RULE_CID_KEPT,          /* a closed device keeps its CID */

	RULE_CHAIN_CUT,       /* of a chain only the first descriptor is looked at */
	RULE_INDIRECT_CUT,    /* of an indirect table only the first is looked at */
	RULE_INDEX_NO_WRAP,   /* the used index stays at 65535 */
	RULE_INDEX_LIES,      /* used index and GET_VRING_BASE are one too low */
	RULE_SMALL_RING,      /* a ring of two descriptors is never served */
	RULE_LARGE_RING,      /* a ring of more than 1024 descriptors is never served */
	RULE_USED_LEN_TX,     /* the used length counts what was read */
	RULE_USED_LEN_RX,     /* the used length counts the buffer, not the bytes */
	RULE_EVENT_IGNORED,   /* with EVENT_IDX the guest is never called */
	RULE_CALL_RX_MISSING, /* the guest is not called for what it receives */
	RULE_ERROR_SILENT,    /* the error eventfd is never signalled */

	RULE_RST_MISSING,     /* what belongs to no socket is not answered */
	RULE_RST_IS_SHUTDOWN, /* it is answered with SHUTDOWN */
	RULE_REQUEST_LOST,    /* a request of the host never reaches the guest */
	RULE_RST_ANSWERED,    /* a reset of what belongs to no socket is answered */
	RULE_STRAY_SILENT, /* but a request, what belongs to no socket is not answered */
	RULE_CID_FORGED,   /* of a packet's source only the port is looked at */
	RULE_CID_ANYBODY,  /* the host takes packets to anybody */
	RULE_TYPE_ANY,     /* the type of a packet is not looked at */
	RULE_PORT_IGNORED, /* connections from one guest's ports are taken for one */
	RULE_REPLIES_UNBOUND,   /* answers that the guest has no room for pile up */
	RULE_REPLIES_STUCK,     /* with room for answers, what waited goes on waiting */
	RULE_CLOSE_SILENT,      /* the guest is not told that the host closed */
	RULE_SHUTDOWN_BOTH,     /* a shutdown of one direction is one of both */
	RULE_SHUTDOWN_SILENT,   /* a shutdown of both directions is not answered */
	RULE_CREDIT_IGNORED,    /* the host sends more than the guest has room for */
	RULE_CREDIT_UNANSWERED, /* a request for credit is not answered */
	RULE_FWD_STUCK,         /* the host never says that it took something */
	RULE_SEQ_JOINED,        /* messages to the host run together */
	RULE_SEQ_EOM_EARLY,  /* each part of a message to the guest is said to be its last
			      */
	RULE_FRAME_PADDED,   /* frames below 64 bytes are filled up to it */
	RULE_FRAME_CUT,      /* a frame of full length loses its last byte */
	RULE_HEADER_LEGACY,  /* a legacy header has 12 bytes too */
	RULE_BUFFERS_ONE,    /* num_buffers is 1 however many there are */
	RULE_BUFFERS_NONE,   /* num_buffers is 0 without mergeable buffers */
	RULE_HEADER_DIRTY,   /* each frame is said to be a segment of TCP */
	RULE_CSUM_LOST,      /* it is forgotten that a checksum is to be completed */
	RULE_SEGMENTS_LOST,  /* it is forgotten that a frame is to be cut */
	RULE_SEGMENTS_WHOLE, /* of such a frame, how long a segment may be */
	RULE_SEGMENTS_HIDDEN, /* the guest is not told that a frame is to be cut */
	RULE_ONE_A_KICK,      /* each kick transmits one frame */
	RULE_RINGS_TOGETHER,  /* the transmit ring does not start without the other */
	RULE_ORDER_BROKEN,    /* with IN_ORDER, buffers come back in another order */
	RULE_USED_KEPT,       /* a restart goes on at the used index it had */
	RULE_BUSYLOOP_LOST,   /* the busy-poll timeout stays 0 */
	RULE_OWN_HEADER_KEPT, /* with bit 27 the header goes out with the frame */

	RULE_LOG_USED_LOST, /* the page of a used ring is never logged */
	RULE_LOG_DATA_LOST, /* pages of buffers are never logged */
	RULE_LOG_IOVA,      /* with the IOTLB on, used rings are logged at IOVAs */
	RULE_LOG_WIDE,      /* the page behind is logged too */
	RULE_LOG_LATE,      /* switched on while it runs, the log stays off */
	RULE_LOG_STAYS,     /* switched off, the log stays on */
	RULE_LOG_SILENT,    /* the log's eventfd is never signalled */
	RULE_LOG_UNCHECKED, /* the log may lie anywhere */

	RULE_POLICY_LENIENT,      /* bit 33 is ignored until the first message */
	RULE_POLICY_GATED,        /* bit 33 is ignored without backend features */
	RULE_POLICY_AGREED,       /* as lenient, once backend features were set */
	RULE_LATE_IGNORED,        /* bit 33 has no effect on a running device */
	RULE_PERMISSION_IGNORED,  /* mappings permit everything */
	RULE_WRITE_IGNORED,       /* mappings permit writing */
	RULE_PERMISSION_MISSED,   /* a missing permission is a miss, and no error */
	RULE_MISS_BUFFER_LOST,    /* a buffer without mapping is not reported */
	RULE_MISS_RING_LOST,      /* a running ring without mapping is not reported */
	RULE_MISS_USED_RO,        /* a used ring is reported as if it were read */
	RULE_MISS_TWICE,          /* each miss is reported twice */
	RULE_MISS_VERSION_1,      /* misses are version 1 messages whatever was agreed */
	RULE_MISS_SIZE,           /* a miss has a size */
	RULE_UPDATE_NO_RESUME,    /* an update does not resume what waits for it */
	RULE_FLUSH_ZERO_IGNORED,  /* an invalidate of size 0 is lost */
	RULE_FLUSH_MAX_IGNORED,   /* an invalidate of size 2^64 - 1 is lost */
	RULE_INVALIDATE_KEEPS,    /* an invalidate leaves mappings of buffers in place */
	RULE_UPDATE_WRAPS,        /* an update that wraps around is taken */
	RULE_UPDATE_KERNEL,       /* an update of a kernel address is taken */
	RULE_MESSAGE_MISS_TAKEN,  /* a miss that user space writes is taken */
	RULE_MESSAGE_ANY_VERSION, /* the outer type is not looked at */
	RULE_MESSAGE_UNARMED,     /* messages are taken without bit 33 */

	RULE_BACKEND_ANY,       /* any file will do for a back end */
	RULE_EMPTY_ZERO,        /* a device without any miss reads as 0 bytes */
	RULE_ONE_DESCRIPTOR,    /* a device can be opened once */
	RULE_MISS_TX_LOST,      /* once one was read, transmit buffers are not missed */
	RULE_FIRST_HEAD_FREE,   /* the first buffer of a ring needs no mapping */
	RULE_PERMISSION_STICKS, /* a ring that lacked a permission stays dead */
	RULE_END_OPEN,          /* what begins in a mapping may go on behind it */
	RULE_WRITTEN_STAYS,     /* an invalidate spares buffers that were written */
	RULE_USED_CACHED,       /* where the used ring was is kept for ever */
	RULE_RX_USED_CACHED,    /* where the receive ring's was is kept for ever */
	RULE_OFF_KEEPS_RINGS,   /* bit 33 taken back, addresses of rings stay */
	RULE_IOTLB_STAYS,       /* the IOTLB outlives the device that had it */
	RULE_DEVICES_SHARE,     /* mappings and invalidates reach other devices */
	RULE_TAIL_WRITTEN,      /* a receive buffer is filled up to its end */
	RULE_DESC_WRITTEN,      /* a used descriptor is marked in its table */

	RULE_INVALIDATE_EXACT, /* an invalidate spares what is not all in its range */
	RULE_MAP_STALE,        /* mapped anew, an address leads to where it led first */
	RULE_INVALIDATE_ONE,   /* an invalidate removes one of several mappings */
	RULE_TABLE_FULL,       /* a full table refuses updates */
	RULE_REARM_KEEPS,      /* bit 33 set again keeps the mappings */
	RULE_STOP_FORGETS,     /* a stop takes the mappings away */
	RULE_STOP_WEDGES,      /* a stop while a miss is unanswered is for good */
	RULE_ONE_ENTRY,        /* a buffer must lie in one mapping */
	RULE_UNREAD_WEDGES,    /* a ring waits until its misses were read */
	RULE_MISS_HIDES,       /* one that was mapped before it was read hides others */
	RULE_MISS_STOPS_ALL,   /* no ring goes on while a miss is unanswered */
	RULE_RING_PERMISSION,  /* for rings the permission is not looked at */
	RULE_V2_NEEDS_BIT,     /* version 2 messages are refused unless agreed */
	RULE_VERSION_KEPT,     /* an agreement on version 2 cannot be taken back */
	RULE_BATCH_TAKEN,      /* the ends of a batch are taken */

	RULE_LOOP_TAKEN,      /* a loop is taken for a chain that ends there */
	RULE_NEXT_WRAPS,      /* a next beyond the table goes round it */
	RULE_HEAD_WRAPS,      /* a head beyond the table goes round it */
	RULE_JUMP_CUT,        /* an avail index too far ahead is cut to the ring's size */
	RULE_JUMP_KEPT,       /* refused once, it is taken with the next kick */
	RULE_ORDER_IGNORED,   /* what is to be read behind what is written is left out */
	RULE_INDIRECT_ODD,    /* the length of an indirect table is rounded down */
	RULE_INDIRECT_NESTED, /* a table in a table is taken for data */
	RULE_INDIRECT_LOOP,   /* a loop in a table is taken for a chain that ends there */
	RULE_INDIRECT_LONG,   /* an indirect table may have any length */
	RULE_REFUSED_SILENT,  /* a head that is taken and refused is no error */
	RULE_RX_READABLE,     /* a receive buffer that is to be read only is written */
	RULE_PACKET_LENGTH,   /* a packet longer than its buffer is cut to it */
	RULE_INDEX_WRAPS,     /* a ring that does not exist is another one */
	RULE_MEMORY_WRAPS,    /* a region of memory that wraps around is left out */
	RULE_MEMORY_KERNEL,   /* a region of a running device may be the kernel's */
	RULE_RING_KERNEL,     /* a ring may lie in the kernel's half */
	RULE_MESSAGE_UNKNOWN, /* a message of no known type is taken */
	RULE_MESSAGE_SHORT,   /* a message cut short is filled up with zeroes */

	RULE_RINGS_AFTER_MEMORY, /* rings cannot be placed before there is memory */
	RULE_FEATURES_FROZEN,    /* features of a running device cannot be changed */
	RULE_ADDR_LATE,          /* new ring addresses are for the next start */
	RULE_MEMORY_LATE,    /* a new memory table is for the next start: it is lost */
	RULE_BASE_STICKS,    /* a ring that ran keeps its index */
	RULE_BASE_AVAIL,     /* GET_VRING_BASE of a stopped ring says the avail index */
	RULE_BASE_STOPPED,   /* of a stopped ring GET_VRING_BASE is one too low */
	RULE_STOP_IGNORED,   /* a stopped ring is served when it is kicked */
	RULE_ERROR_ONCE,     /* the error eventfd is signalled once */
	RULE_ERR_KEPT,       /* a running ring keeps its error eventfd */
	RULE_KICK_KEPT,      /* a running ring keeps its kick eventfd */
	RULE_CALL_KEPT,      /* a running ring keeps its call eventfd */
	RULE_UNBIND_IGNORED, /* -1 is taken, and the eventfd stays */
	RULE_RESET_KEEPS_OWNER, /* RESET_OWNER leaves the owner */
	RULE_RESET_KEEPS_IOTLB, /* RESET_OWNER leaves the IOTLB */
	RULE_VSOCK_RESET,       /* vhost-vsock, vhost-scsi take RESET_OWNER */
	RULE_MEMORY_SHARED,     /* a second device's memory table is the first one's */

	/* scsi */
	RULE_FEATURES_THAWED,   /* features of a running scsi device can be changed */
	RULE_ENDPOINT_RESERVED, /* the reserved field of an endpoint is not looked at */
	RULE_ENDPOINT_ANY,      /* an endpoint may have any name */
	RULE_ENDPOINT_CLEARED,  /* an endpoint is cleared whatever its name */
	RULE_ENDPOINT_SHARED,   /* a target may have two devices */
	RULE_ENDPOINT_TWICE,    /* a device takes a second endpoint */
	RULE_ENDPOINT_KEPT,     /* a closed device keeps its target */
	RULE_EVENTS_KEPT,       /* EVENTS_MISSED cannot be set */
	RULE_LUN_FIRST,         /* each LUN is LUN 0 */
	RULE_ANSWERS_SWAPPED, /* of two that are out at once each gets the other's data */
	RULE_REQUEST_WHOLE,   /* of a request only the first descriptor is read */
	RULE_RESPONSE_WHOLE,  /* a response in several descriptors is lost */
	RULE_DATA_APART,      /* data is looked for in a descriptor of its own */
	RULE_RESIDUAL_LOST,   /* the residual is 0 */
	RULE_SENSE_LOST,      /* there is no sense data */
	RULE_TARGET_ANY,      /* a target that is not there is the one that is */
	RULE_LUN_BYTE,        /* the first byte of a LUN is not looked at */
	RULE_OPCODE_ANY,      /* a command that is not known is good */
	RULE_LBA_WRAPS,       /* a block behind the end is one at the beginning */
	RULE_CAPACITY_OFF,    /* the capacity is one block too high */
	RULE_INQUIRY_BLANK,   /* INQUIRY names no vendor */
	RULE_LUNS_SHORT,      /* REPORT LUNS leaves out the last one */
	RULE_WIDE_TRUNCATED,  /* of an LBA of 8 bytes only the lowest is looked at */
	RULE_WRITE_CUT,       /* a WRITE of more than four blocks loses its last one */
	RULE_READ_TAIL,       /* a READ fills its buffer up to the end */
	RULE_REFUSAL_WHOLE,   /* BAD_TARGET is written in one piece, whatever the room */
	RULE_TMF_ANY,         /* each task management function succeeds */
	RULE_RESET_REJECTED,  /* a reset of a LUN is rejected */
	RULE_ASYNC_REFUSED,   /* a query for asynchronous events is refused */
	RULE_PLUG_SILENT,     /* a LUN that comes or goes is no event */
	RULE_PLUG_REASON,     /* one that goes is said to have come */
	RULE_PLUG_UNASKED,    /* it is one without VIRTIO_SCSI_F_HOTPLUG too */
	RULE_MISSED_LOST,     /* an event without buffer is forgotten */
	RULE_ROOM_IGNORED,    /* a response is cut to the room there is */
	RULE_REQUEST_SHORT,   /* a request is taken that is shorter than its header */
	RULE_CDB_LONG,        /* a command of variable length may have any */
	RULE_WORKER_FREED,    /* a worker with a ring can be freed */
	RULE_WORKER_ANY,      /* a ring can be given to a worker that there is not */
	RULE_WORKER_FIRST,    /* each ring is said to have the first worker */
	RULE_WORKER_UNOWNED,  /* a worker can be made before SET_OWNER */

	/* vdpa */
	RULE_VDPA_SHARED,        /* a vDPA device can be opened while it is open */
	RULE_VDPA_NO_PLATFORM,   /* bit 33 is not offered */
	RULE_VDPA_FEATURES_LATE, /* features can be set after FEATURES_OK */
	RULE_VDPA_STATUS_STALE,  /* GET_STATUS says what was set before the last */
	RULE_VDPA_STATUS_DROPS,  /* bits can be taken out of the status */
	RULE_VDPA_RING_LATE, /* ring addresses and indices can be set after DRIVER_OK */
	RULE_VDPA_EARLY,     /* rings are served before DRIVER_OK */
	RULE_VDPA_ENABLE_IGNORED,  /* rings are served without being enabled */
	RULE_VDPA_RESET_RUNS,      /* a reset leaves the rings running */
	RULE_VDPA_SUSPEND_IGNORED, /* a suspended device goes on */
	RULE_VDPA_RESUME_IGNORED,  /* a device that was suspended stays so */
	RULE_VDPA_LOG_TAKEN,       /* calls of the dirty log are taken */
	RULE_VDPA_NULL_TAKEN,      /* GET_CONFIG_SIZE takes NULL */
	RULE_VDPA_NO_RINGS,        /* GET_VQS_COUNT says 0 */
	RULE_VDPA_CONFIG_START,    /* a piece of the configuration begins at its start */
	RULE_VDPA_CONFIG_OPEN,     /* what lies behind the configuration can be read */
	RULE_VDPA_CONFIG_CHANGES,  /* the configuration changes with DRIVER_OK */
	RULE_VDPA_CAPACITY,        /* the capacity is in bytes */
	RULE_VDPA_GROUP_ANY,     /* a group may have an address space that there is not */
	RULE_VDPA_ASID_ANY,      /* an address space that there is not is the first */
	RULE_VDPA_ASID_IGNORED,  /* there is one address space */
	RULE_VDPA_TABLE_MAPPED,  /* the memory table is a mapping */
	RULE_VDPA_CLOSE_KEEPS,   /* mappings outlive a descriptor closed while it ran */
	RULE_VDPA_READ_EMPTY,    /* a read gives EAGAIN */
	RULE_VDPA_RANGE_IGNORED, /* a mapping may lie outside the range */
	RULE_VDPA_OVERLAP_TAKEN, /* mappings may overlap */
	RULE_VDPA_UPDATES_LOST,  /* from the 17th on, updates are lost */
	RULE_VDPA_MAP_LATE,      /* updates of a running device are lost */
	RULE_VDPA_BATCH_LOST,    /* the end of a batch is lost */
	RULE_VDPA_V1_LOST,       /* version 1 messages are lost */
	RULE_VDPA_WRITE_LONG,    /* of a write 16 KiB arrive */
	RULE_VDPA_READ_LONG,     /* of a read 16 KiB arrive */
	RULE_VDPA_ONE_PIECE,     /* data are read into one descriptor */
	RULE_VDPA_HEADER_WHOLE,  /* a header must lie in one descriptor */
	RULE_VDPA_FLUSH_REFUSED, /* a flush fails */
	RULE_VDPA_ID_REFUSED,    /* the device has no name */
	RULE_VDPA_TYPE_ANY,      /* a request of no known type succeeds */
	RULE_VDPA_END_OPEN,      /* a request behind the end succeeds */
	RULE_VDPA_USED_SHORT,    /* the used length leaves the status byte out */

	RULE_NUM
};

/**
 * struct fault - one row of the table
 * @name:	as checks name it
 * @text:	what is altered, one line
 * @source:	whence the rule that it breaks: clause, function of the kernel, section
 * @reach:	NULL-ended globs of "area.name": checks that may fail too without naming
 *		it, since what it breaks is on their way; NULL for none
 * @total:	glob of "area.name": nothing that matches may pass; NULL for none
 * @act:	enum fault_act
 * @rule:	enum fault_rule, with FAULT_MODEL
 * @request:	ioctl that is hit
 * @message:	VHOST_IOTLB_* of the messages that are hit, 0 for any
 * @err:	errno
 * @bits:	bits to flip
 * @at:		byte offset in a message, or of the 64 bits in an ioctl's argument
 * @nth:	hit only the n-th such call of the child, from 1; 0 hits each
 * @net_request, @net_nth: ioctl that stands for @request on vhost-net, and the @nth
 *		there, where each ring has a call of its own
 * @scsi_request: that which stands for it on vhost-scsi
 * @families:	set of FAMILY_BIT() of the devices that it can hit; 0 for all
 */
struct fault {
	const char *name, *text, *source;
	const char *const *reach;
	const char *total;
	enum fault_act act;
	enum fault_rule rule;
	unsigned long request;
	uint8_t message;
	int err;
	uint64_t bits;
	unsigned int at, nth;
	unsigned long net_request;
	unsigned int net_nth;
	unsigned long scsi_request;
	unsigned int families;
};

/** fault_at() - the @i-th row of the table, in the order of a matrix; NULL behind the
 * last */
const struct fault *fault_at(size_t i);

/** fault_find() - a row by name, or NULL */
const struct fault *fault_find(const char *name);

/** struct fault_seam - a seam with one fault in it */
struct fault_seam;

/**
 * fault_seam_new() - put a fault in front of a seam
 * @fault:	row, borrowed
 * @inner:	seam, borrowed; its parts must outlive the wrapper
 *
 * Return: owned by the caller, or NULL when memory is exhausted.
 */
struct fault_seam *fault_seam_new(const struct fault *fault, const struct seam *inner)
	must_check_;

/** fault_seam_tables() - the tables of the wrapper, borrowed from it */
struct seam fault_seam_tables(struct fault_seam *f);

/** fault_seam_free() - free the wrapper, not what it wraps; NULL is fine */
void fault_seam_free(struct fault_seam *f);

#endif
