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
	FAULT_DEAD,          /* every call on the device is answered with EIO, undone */
	FAULT_MUTE           /* every call on the device is answered with 0, undone */
};

/**
 * struct fault - one row of the table
 * @name:	as checks name it
 * @text:	what is altered, one line
 * @act:	enum fault_act
 * @request:	ioctl that is hit
 * @message:	VHOST_IOTLB_* of the messages that are hit, 0 for any
 * @err:	errno
 * @bits:	bits to flip
 * @at:		byte offset in a message, or of the 64 bits in an ioctl's argument
 * @nth:	hit only the n-th such call of the child, from 1; 0 hits each
 * @net_request, @net_nth: ioctl that stands for @request on vhost-net, and the @nth
 *there, where each ring has a call of its own
 */
struct fault {
	const char *name, *text;
	enum fault_act act;
	unsigned long request;
	uint8_t message;
	int err;
	uint64_t bits;
	unsigned int at, nth;
	unsigned long net_request;
	unsigned int net_nth;
};

/** faults - the table, and its rows */
extern const struct fault faults[];
extern const size_t fault_count;

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
