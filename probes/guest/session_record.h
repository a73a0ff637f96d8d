/* SPDX-License-Identifier: MIT */
/* Private to probes/guest: how a session turns calls into evidence. */
#ifndef GUEST_SESSION_RECORD_H
#define GUEST_SESSION_RECORD_H

#include "guest/session.h"

/** record_emit() - hand an observation to the recorder; a failure sets @s->failed */
void record_emit(struct session *s, const struct ev *ev);

/** record_begin() - tell the recorder which call is about to be made */
void record_begin(struct session *s, const char *step, const char *call);

/** record_call() - record a system call; @r is its result or -errno */
void record_call(struct session *s, const char *step, const char *name, const char *arg,
		 int r);

/** record_ends() - what session_close() says of @s->ends */
void record_ends(struct session *s);

/** record_request_name() - "VHOST_SET_OWNER"; "ioctl" for a number without a name */
const char *record_request_name(unsigned long request);

/**
 * record_argument() - an ioctl's argument as evidence shows it
 * @s:		session
 * @request:	VHOST_*
 * @arg:	as passed
 * @r:		result: what a failed call returned is not shown
 *
 * Return: text, or NULL: no argument, nothing written by a GET call.
 */
const char *record_argument(struct session *s, unsigned long request, const void *arg,
			    int r);

/** record_iotlb() - record a message that was sent or received; @r is 0 or -errno */
void record_iotlb(struct session *s, const char *step, enum ev_iotlb_way way,
		  const struct iotlb_msg *msg, int r);

/**
 * record_message() - record the result of reading the device
 * @s:		session
 * @step:	step
 * @buf:	IOTLB_MSG_BYTES
 * @n:		result of the read: bytes or -errno
 * @ret_msg:	the message, or NULL
 *
 * Return: 1 for a message, 0 for an empty queue (-EAGAIN), -errno.
 */
int record_message(struct session *s, const char *step, const unsigned char *buf,
		   ssize_t n, struct iotlb_msg *ret_msg);

#endif
