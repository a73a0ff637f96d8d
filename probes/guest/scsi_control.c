/* SPDX-License-Identifier: MIT */
/* The control and the event ring of virtio-scsi. */
#include <endian.h>
#include <string.h>

#include "guest/scsi.h"
#include "guest/session_record.h"

#define POISON 0xa5

/* Pages of the buffers that are no slot's. */
#define CONTROL_AT ((uint64_t)12 * MEM_PAGE)
#define EVENTS_AT ((uint64_t)13 * MEM_PAGE)
#define EVENT_STRIDE 64u
#define EVENTS_MAX 16u

void *scsi_control_in(const struct session *s)
{
	return mem_ptr(&s->mem, MEM_RX_BUF, CONTROL_AT);
}

int scsi_control(struct session *s, const void *request, uint32_t len, void *ret,
		 uint32_t room)
{
	struct ring *ring = &s->ring[QUEUE_CTL];
	void *response = scsi_control_in(s);
	struct ring_used used = { 0 };
	int r = 0;

	memcpy(mem_ptr(&s->mem, MEM_TX_BUF, CONTROL_AT), request, len);
	memset(response, POISON, room);
	ring_desc(ring, 0, mem_gpa(&s->mem, MEM_TX_BUF, CONTROL_AT), len, RING_NEXT, 1);
	ring_desc(ring, 1, mem_gpa(&s->mem, MEM_RX_BUF, CONTROL_AT), room, RING_WRITE, 0);
	ring_avail_put(ring, 0);
	ring_event(ring);
	ring_publish(ring);
	r = session_kick(s, QUEUE_CTL);
	if (r == 0)
		r = session_barrier(s);
	if (r >= 0)
		r = scsi_wait(s, QUEUE_CTL, 1);
	if (r < 0)
		return r;
	if (!ring_take(ring, &used))
		return session_stalled(s, "stall", QUEUE_CTL) < 0 ? -EIO : -ENODATA;
	memcpy(ret, response, room);
	return 0;
}

int scsi_tmf(struct session *s, const char *step, unsigned int lun, uint32_t subtype)
{
	const struct scsi_command c = scsi_command(s, lun, 0);
	struct virtio_scsi_ctrl_tmf_req req = {
		.type = htole32(VIRTIO_SCSI_T_TMF),
		.subtype = htole32(subtype),
		.tag = htole64(1),
	};
	struct virtio_scsi_ctrl_tmf_resp resp = { 0 };
	int r = 0;

	memcpy(req.lun, c.lun, sizeof(req.lun));
	r = scsi_control(s, &req, sizeof(req), &resp, sizeof(resp));
	if (r == 0)
		session_fact(s, step, "response", "%u", resp.response);
	return r;
}

int scsi_post_event(struct session *s)
{
	struct ring *ring = &s->ring[QUEUE_EVT];
	unsigned int slots = ring->size < EVENTS_MAX ? ring->size : EVENTS_MAX;
	uint16_t slot = (uint16_t)(ring->next_avail % slots);
	uint64_t at = EVENTS_AT + (uint64_t)slot * EVENT_STRIDE;
	int r = 0;

	memset(mem_ptr(&s->mem, MEM_RX_BUF, at), POISON, EVENT_STRIDE);
	ring_desc(ring, slot, mem_gpa(&s->mem, MEM_RX_BUF, at),
		  sizeof(struct virtio_scsi_event), RING_WRITE, 0);
	ring_avail_put(ring, slot);
	ring_event(ring);
	ring_publish(ring);
	r = session_kick(s, QUEUE_EVT);
	if (r == 0)
		r = session_barrier(s);
	/* a kick may have queued the work that fills the buffer */
	return r < 0 ? r : session_barrier(s);
}

void scsi_note_event(struct session *s, const char *step)
{
	struct ring *ring = &s->ring[QUEUE_EVT];
	struct virtio_scsi_event event;
	struct ring_used used = { 0 };

	if (!ring_take(ring, &used) || used.id >= EVENTS_MAX) {
		session_fact(s, step, "event", "none");
		return;
	}
	memcpy(&event,
	       mem_ptr(&s->mem, MEM_RX_BUF, EVENTS_AT + (uint64_t)used.id * EVENT_STRIDE),
	       sizeof(event));
	session_fact(s, step, "event", "0x%x", le32toh(event.event));
	session_fact(s, step, "reason", "%u", le32toh(event.reason));
	session_fact(s, step, "lun", "%s %u",
		     event.lun[0] == 1 && event.lun[1] == (uint8_t)s->target.tpgt
			     ? "own target"
			     : "no target",
		     (event.lun[2] & 0x3fu) << 8 | event.lun[3]);
}
