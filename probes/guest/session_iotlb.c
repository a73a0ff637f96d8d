/* SPDX-License-Identifier: MIT */
/* The IOTLB channel of a session: messages out, misses in. */
#include <linux/vhost.h>

#include "guest/session.h"
#include "guest/session_record.h"

int session_iotlb(struct session *s, const char *step, struct iotlb_msg msg)
{
	unsigned char buf[IOTLB_MSG_BYTES];
	ssize_t n = 0;

	if (!msg.version)
		msg.version = s->msg_version;
	iotlb_encode(&msg, buf);
	record_begin(s, step, "write");
	s->calls++;
	n = s->seam->dev->ops->write(s->seam->dev, buf, sizeof(buf));
	record_iotlb(s, step, EV_SENT, &msg, n < 0 ? (int)n : 0);
	return n < 0 ? (int)n : 0;
}

int session_write(struct session *s, const char *step, const void *buf, size_t len)
{
	ssize_t n = 0;

	record_begin(s, step, "write");
	s->calls++;
	n = s->seam->dev->ops->write(s->seam->dev, buf, len);
	record_call(s, step, "write", arena_printf(&s->arena, "%zu bytes", len), (int)n);
	return n < 0 ? (int)n : 0;
}

int session_map(struct session *s, const char *step, enum mem_region_id id, uint8_t perm)
{
	return session_iotlb(s, step,
			     (struct iotlb_msg){
				     .iova = mem_iova(id, 0),
				     .size = s->mem.region[id].len,
				     .uaddr = mem_hva(&s->mem, id, 0),
				     .perm = perm,
				     .type = VHOST_IOTLB_UPDATE,
			     });
}

int session_map_all(struct session *s, const char *step)
{
	int r = 0;

	for (int id = 0; id < MEM_SPARE && r == 0; id++)
		r = session_map(s, step, (enum mem_region_id)id, VHOST_ACCESS_RW);
	return r;
}

int session_unmap(struct session *s, const char *step, enum mem_region_id id)
{
	return session_iotlb(s, step,
			     (struct iotlb_msg){
				     .iova = mem_iova(id, 0),
				     .size = s->mem.region[id].len,
				     .type = VHOST_IOTLB_INVALIDATE,
			     });
}

int session_read_miss(struct session *s, const char *step, struct iotlb_msg *ret_msg)
{
	unsigned char buf[IOTLB_MSG_BYTES] = { 0 };
	ssize_t n = 0;

	record_begin(s, step, "read");
	s->calls++;
	n = s->seam->dev->ops->read(s->seam->dev, buf, sizeof(buf));
	return record_message(s, step, buf, n, ret_msg);
}

/* A miss that can be answered: 1, with its region. 0 without any; -errno, recorded. */
static int next_miss(struct session *s, struct iotlb_msg *msg, enum mem_region_id *ret_id)
{
	unsigned char buf[IOTLB_MSG_BYTES] = { 0 };
	uint64_t offset = 0;
	bool clean = false;
	ssize_t n = 0;
	int r = 0;

	record_begin(s, "miss", "read");
	s->calls++;
	n = s->seam->dev->ops->read(s->seam->dev, buf, sizeof(buf));
	if (n == -EAGAIN)
		return 0;
	if (n == (ssize_t)sizeof(buf) && iotlb_decode(buf, msg, &clean) == 0 && clean &&
	    msg->type == VHOST_IOTLB_MISS &&
	    mem_find_iova(&s->mem, msg->iova, ret_id, &offset))
		return 1;
	r = record_message(s, "miss", buf, n, NULL);
	return r < 0 ? r : -EFAULT;
}

static int answer_miss(struct session *s, enum mem_region_id id)
{
	const struct iotlb_msg msg = {
		.version = s->msg_version,
		.iova = mem_iova(id, 0),
		.size = s->mem.region[id].len,
		.uaddr = mem_hva(&s->mem, id, 0),
		.perm = VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};
	unsigned char buf[IOTLB_MSG_BYTES];
	ssize_t n = 0;
	int r = 0;

	iotlb_encode(&msg, buf);
	record_begin(s, "miss", "write");
	s->calls++;
	n = s->seam->dev->ops->write(s->seam->dev, buf, sizeof(buf));
	if (n < 0) {
		record_iotlb(s, "miss", EV_SENT, &msg, (int)n);
		return (int)n;
	}
	/* work resumes, and may queue the work of a reply */
	r = session_barrier(s);
	return r < 0 ? r : session_barrier(s);
}

int session_serve_misses(struct session *s)
{
	struct iotlb_msg msg = { 0 };
	enum mem_region_id id = MEM_SPARE;
	int served = 0;
	int r = 0;

	while ((r = next_miss(s, &msg, &id)) > 0) {
		if (!s->served[id].version)
			s->served[id] = msg;
		r = answer_miss(s, id);
		if (r < 0)
			return r;
		served++;
	}
	return r < 0 ? r : served;
}

void session_note_served(struct session *s)
{
	for (int id = 0; id < MEM_REGION_NUM; id++) {
		if (!s->served[id].version)
			continue;
		record_iotlb(s, "miss", EV_RECEIVED, &s->served[id], 0);
		record_iotlb(s, "miss", EV_SENT,
			     &(struct iotlb_msg){
				     .version = s->msg_version,
				     .iova = mem_iova((enum mem_region_id)id, 0),
				     .size = s->mem.region[id].len,
				     .perm = VHOST_ACCESS_RW,
				     .type = VHOST_IOTLB_UPDATE,
			     },
			     0);
		s->served[id] = (struct iotlb_msg){ 0 };
	}
}

void session_drop_misses(struct session *s, const char *step, uint64_t iova)
{
	unsigned char buf[IOTLB_MSG_BYTES] = { 0 };
	struct iotlb_msg msg = { 0 };
	bool clean = false;

	for (;;) {
		ssize_t n = s->seam->dev->ops->read(s->seam->dev, buf, sizeof(buf));

		s->calls++;
		if (n == -EAGAIN)
			return;
		if (n == (ssize_t)sizeof(buf) && iotlb_decode(buf, &msg, &clean) == 0 &&
		    clean && msg.iova == iova)
			continue;
		if (record_message(s, step, buf, n, NULL) < 0)
			return;
	}
}
