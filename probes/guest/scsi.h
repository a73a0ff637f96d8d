/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of virtio-scsi on a session's three rings: requests to the target that
 * the peer made, task management, events. What the target has is waited for by the call
 * eventfd; that it never comes back is proved, as far as a target is alive.
 *
 * Source: virtio-1.2 5.6; include/uapi/linux/virtio_scsi.h; drivers/vhost/scsi.c
 */
#ifndef GUEST_SCSI_H
#define GUEST_SCSI_H

#include <linux/virtio_scsi.h>

#include "guest/link.h"
#include "seam/uapi.h"

/** SCSI_SLOTS - requests that can be out at once: of each the buffers are its own */
#define SCSI_SLOTS 3u

/** SCSI_PIECES - descriptors of a slot in a ring of at least SCSI_SLOTS times as many */
#define SCSI_PIECES 4u

/** SCSI_REQUEST, SCSI_RESPONSE - bytes of the headers, without T10_PI */
#define SCSI_REQUEST 51u
#define SCSI_RESPONSE 108u

/** SCSI_WAIT_MS - after which a request is late */
#define SCSI_WAIT_MS 2000u

/** SCSI_DATA_MAX - bytes of data of one request: three pages */
#define SCSI_DATA_MAX 12288u

/** enum scsi_opcode - SPC-4, SBC-3 */
enum scsi_opcode {
	SCSI_TEST_UNIT_READY = 0x00,
	SCSI_INQUIRY = 0x12,
	SCSI_READ_CAPACITY_10 = 0x25,
	SCSI_READ_10 = 0x28,
	SCSI_WRITE_10 = 0x2a,
	SCSI_READ_16 = 0x88,
	SCSI_WRITE_16 = 0x8a,
	SCSI_SERVICE_ACTION_IN_16 = 0x9e,
	SCSI_REPORT_LUNS = 0xa0
};

/**
 * struct scsi_command - a request
 * @lun:	as on the wire; by scsi_command()
 * @cdb:	command
 * @tag:	chosen by the driver
 * @out, @in:	bytes of data that go to or come from the device
 */
struct scsi_command {
	uint8_t lun[8], cdb[VIRTIO_SCSI_CDB_DEFAULT_SIZE];
	uint64_t tag;
	uint32_t out, in;
};

/**
 * struct scsi_shape - how a request lies in descriptors; all 0: each part in one
 * @request, @response: bytes of the header in a first descriptor, the rest in a second
 * @joined:	header and data of either direction are one descriptor
 * @indirect:	all of it in an indirect table
 * @followed:	TEST UNIT READY comes behind it, in slot 1: what is not back when that is
 *		may be lost, and CLEAR_ENDPOINT, which waits for all that is out, tells
 */
struct scsi_shape {
	uint32_t request, response;
	bool joined, indirect, followed;
};

/**
 * struct scsi_answer - what came back
 * @used_len:	length that the device gave
 * @response:	VIRTIO_SCSI_S_*; 0xa5 where nothing was written
 * @status:	of SAM
 */
struct scsi_answer {
	bool came;
	uint32_t used_len, residual, sense_len;
	uint8_t response, status, sense[VIRTIO_SCSI_SENSE_DEFAULT_SIZE];
};

/** scsi_endpoint() - VHOST_SCSI_SET_ENDPOINT or _CLEAR_ENDPOINT with a target's name */
int scsi_endpoint(struct session *s, const char *step, unsigned long request,
		  const char *wwpn);

/** scsi_flush() - session_barrier() of scsi: what was kicked has been looked at */
int scsi_flush(struct session *s);

/** scsi_drain() - have the device give back all that it has, and stop. Not recorded */
int scsi_drain(struct session *s);

/**
 * scsi_wait() - wait until the device has used as many buffers, if it has taken them
 * @s:		session
 * @q:		ring, kicked and flushed
 * @n:		how many, from those that were taken last
 *
 * By the call eventfd, for SCSI_WAIT_MS: a request that is not back by then is late or
 * lost, and session_stalled() tells which. Return: 0 or -errno.
 */
int scsi_wait(struct session *s, enum session_queue q, uint16_t n);

/** scsi_wait_call() - wait for the call eventfd of a ring, as long; it stays signalled */
void scsi_wait_call(struct session *s, enum session_queue q);

/** scsi_forget_calls() - read the call eventfd empty: what was waited for may lie there
 */
void scsi_forget_calls(struct session *s, enum session_queue q);

/** scsi_get_u32() - an ioctl that returns 32 bits; @ret is poisoned before */
int scsi_get_u32(struct session *s, const char *step, unsigned long request,
		 uint32_t *ret);

/** scsi_set_u32() - an ioctl that takes a pointer to 32 bits */
int scsi_set_u32(struct session *s, const char *step, unsigned long request,
		 uint32_t value);

/** scsi_command() - a command for a LUN of the peer's target, without data */
struct scsi_command scsi_command(const struct session *s, unsigned int lun,
				 uint8_t opcode);

/** scsi_rw() - a command that reads or writes blocks, with 10 or 16 bytes of it by
 * @opcode */
struct scsi_command scsi_rw(const struct session *s, unsigned int lun, uint8_t opcode,
			    uint64_t lba, uint32_t blocks);

/** scsi_out() - where the data of a slot lies that goes to the device */
void *scsi_out(const struct session *s, unsigned int slot);

/** scsi_in() - where the data of a slot lies that comes from it */
void *scsi_in(const struct session *s, unsigned int slot);

/** scsi_head() - the descriptor that a slot's request begins with */
uint16_t scsi_head(const struct session *s, unsigned int slot);

/**
 * scsi_put() - publish a request, without kicking
 * @s:		session
 * @slot:	below SCSI_SLOTS
 * @c:		request; response and data of the slot that are to come are poisoned
 * @shape:	how it lies in descriptors, NULL for each part in one
 */
void scsi_put(struct session *s, unsigned int slot, const struct scsi_command *c,
	      const struct scsi_shape *shape);

/**
 * scsi_take() - take what came back
 * @ret:	answers by slot; those that did not come are left alone
 *
 * Return: how many; -EPROTO for a buffer that was not given.
 */
int scsi_take(struct session *s, struct scsi_answer ret[SCSI_SLOTS]);

/** scsi_note() - record an answer as facts response, status, residual and sense */
void scsi_note(struct session *s, const char *step, const struct scsi_answer *answer);

/**
 * scsi_do() - one request in slot 0, kicked and waited for
 *
 * Not recorded but for a stall, step "stall", after which the device has no endpoint; one
 * whose answer came with that is started again, step "late".
 * Return: 0; -ENODATA if it did not come back; -errno.
 */
int scsi_do(struct session *s, const struct scsi_command *c,
	    const struct scsi_shape *shape, struct scsi_answer *ret);

/** scsi_try() - scsi_do() and scsi_note() */
int scsi_try(struct session *s, const char *step, const struct scsi_command *c,
	     struct scsi_answer *ret);

/**
 * scsi_ready() - have a LUN say what it has to say first (UNIT ATTENTION)
 *
 * Return: 0 once TEST UNIT READY is answered with GOOD; -EIO, recorded as step "ready";
 * -ENODATA; -errno.
 */
int scsi_ready(struct session *s, unsigned int lun);

/** scsi_begin() - link_begin() and scsi_ready() of LUN 0 */
int scsi_begin(struct link *l, struct session *s, const struct session_config *c);

/**
 * struct scsi_area - bytes on a LUN: payload_fill() of @seed from 0 on
 * @len:	up to SCSI_DATA_MAX; the rest of its last block is zero
 * @wide:	by commands of 16 bytes
 */
struct scsi_area {
	unsigned int lun;
	uint64_t lba;
	uint32_t len, seed;
	bool wide;
};

/** scsi_write() - write an area. An answer that is not good is recorded, and -EIO */
int scsi_write(struct session *s, const char *step, const struct scsi_area *a,
	       const struct scsi_shape *shape);

/** scsi_read() - read it; "bytes" of @step are those of the seed and those that came */
int scsi_read(struct session *s, const char *step, enum ev_dir dir,
	      const struct scsi_area *a, const struct scsi_shape *shape);

/**
 * scsi_control() - a request on the control ring
 * @request, @len: as on the wire
 * @ret, @room:	response
 *
 * Return: 0; -ENODATA if it did not come back, recorded as step "stall"; -errno.
 */
int scsi_control(struct session *s, const void *request, uint32_t len, void *ret,
		 uint32_t room);

/** scsi_control_in() - where the response of scsi_control() lies */
void *scsi_control_in(const struct session *s);

/** scsi_tmf() - task management; fact "response" of @step */
int scsi_tmf(struct session *s, const char *step, unsigned int lun, uint32_t subtype);

/** scsi_post_event() - one more buffer for an event; kicks and flushes */
int scsi_post_event(struct session *s);

/** scsi_note_event() - take the next event: facts event, reason, lun; or event "none" */
void scsi_note_event(struct session *s, const char *step);

/** scsi_link - tx writes and reads back, rx writes and reads elsewhere, with 16 bytes */
extern const struct link_ops scsi_link;

#endif
