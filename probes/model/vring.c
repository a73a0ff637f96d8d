/* SPDX-License-Identifier: MIT */
/*
 * The device's side of a split virtqueue.
 *
 * Source: virtio-1.2 2.7; vhost_get_vq_desc(), vhost_add_used_n(), vhost_notify() in
 * drivers/vhost/vhost.c
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "model/memory.h"
#include "model/model_private.h"

#define INDIRECT_MAX 65536u
#define LARGE_RING 1024u /* of RULE_LARGE_RING */

/* ------------------------------------------------------- parts of the ring */

static int part_read(struct vq *vq, uint64_t addr, void *to, size_t len)
{
	unsigned char *bytes = to;
	int r = 0;

	for (size_t done = 0; done < len && r == 0;) {
		size_t n = translate_run(vq, addr + done, len - done);
		uint64_t at = 0;

		r = translate_ring(vq, addr + done, n, &at);
		if (r == 0)
			r = memory_read(bytes + done, at, n);
		done += n;
	}
	return r;
}

static int part_write(struct vq *vq, uint64_t addr, const void *from, size_t len)
{
	const unsigned char *bytes = from;
	int r = 0;

	for (size_t done = 0; done < len && r == 0;) {
		size_t n = translate_run(vq, addr + done, len - done);
		uint64_t at = 0;

		r = translate_ring(vq, addr + done, n, &at);
		if (r == 0)
			r = memory_write(at, bytes + done, n);
		done += n;
	}
	return r;
}

static int load16(struct vq *vq, uint64_t addr, uint16_t *ret)
{
	uint64_t at = 0;
	int r = translate_ring(vq, addr, sizeof(*ret), &at);

	return r < 0 ? r : memory_load16(at, ret);
}

static int store16(struct vq *vq, uint64_t addr, uint16_t value)
{
	uint64_t at = 0;
	int r = translate_ring(vq, addr, sizeof(value), &at);

	return r < 0 ? r : memory_store16(at, value);
}

static uint64_t avail_entry(const struct vq *vq, unsigned int i)
{
	return vq->avail + offsetof(struct vring_avail, ring) + i * 2ull;
}

static uint64_t used_entry(const struct vq *vq, unsigned int i)
{
	return vq->used + offsetof(struct vring_used, ring) +
	       i * sizeof(struct vring_used_elem);
}

static uint64_t used_index(const struct vq *vq)
{
	return vq->used + offsetof(struct vring_used, idx);
}

static int write_used_flags(struct vq *vq)
{
	int r = store16(vq, vq->used + offsetof(struct vring_used, flags),
			vq->used_flags);

	if (r == 0)
		log_used_part(vq, offsetof(struct vring_used, flags), 2);
	return r;
}

int vring_start(struct vq *vq)
{
	int r = 0;

	vq->used_flags = 0;
	vq->signalled_valid = false;
	if (device_breaks(vq->dev, RULE_BASE_FORGOTTEN))
		vq->last_avail = vq->avail_idx = 0;
	r = write_used_flags(vq);
	if (r == 0 && !(vq->started && device_breaks(vq->dev, RULE_USED_KEPT)))
		r = load16(vq, used_index(vq), &vq->last_used);
	vq->started = r == 0;
	return r;
}

void vring_error(struct vq *vq)
{
	bool silent = device_breaks(vq->dev, RULE_ERROR_SILENT) ||
		      (vq->told && device_breaks(vq->dev, RULE_ERROR_ONCE));

	vq->told = true;
	if (vq->err >= 0 && !silent)
		(void)eventfd_write(vq->err, 1);
}

void vring_refuse(struct vq *vq)
{
	if (!device_breaks(vq->dev, RULE_REFUSED_SILENT))
		vring_error(vq);
}

/* --------------------------------------------------------- taking heads */

/* Reads avail->idx once all heads that were known are taken. */
static int look_for_more(struct vq *vq)
{
	uint16_t idx = 0;
	int r = 0;

	if (vq->avail_idx != vq->last_avail)
		return 0;
	r = load16(vq, vq->avail + offsetof(struct vring_avail, idx), &idx);
	if (r < 0)
		return r;
	if ((uint16_t)(idx - vq->last_avail) > vq->num) {
		if (device_breaks(vq->dev, RULE_JUMP_KEPT))
			vq->avail_idx = idx;
		if (!device_breaks(vq->dev, RULE_JUMP_CUT))
			return -EFAULT;
		idx = (uint16_t)(vq->last_avail + vq->num);
	}
	vq->avail_idx = idx;
	return vq->avail_idx == vq->last_avail ? -ENOENT : 0;
}

static int add_piece(struct vq *vq, struct chain *c, const struct vring_desc *d)
{
	bool writable = le16toh(d->flags) & VRING_DESC_F_WRITE ||
			(vq->index == MODEL_RX && vq->dev->m->family != FAMILY_VDPA &&
			 device_breaks(vq->dev, RULE_RX_READABLE));
	unsigned int n = c->out + c->in;
	int r = 0;

	if (!writable && c->in) /* what is read comes first (virtio-1.2 2.7.4.2) */
		return device_breaks(vq->dev, RULE_ORDER_IGNORED) ? 0 : -EINVAL;
	r = translate(vq, le64toh(d->addr), le32toh(d->len),
		      writable ? VHOST_ACCESS_WO : VHOST_ACCESS_RO, c->iov + n,
		      CHAIN_MAX - n);
	if (r < 0)
		return r;
	if (writable)
		c->in += (unsigned int)r;
	else
		c->out += (unsigned int)r;
	return 0;
}

/** struct table - descriptors, of the ring or indirect */
struct table {
	struct chain pieces;
	unsigned int num;
};

static int add_table(struct vq *vq, struct chain *c, const struct table *t)
{
	struct vring_desc d = { .flags = htole16(VRING_DESC_F_NEXT) };
	unsigned int i = 0;

	for (unsigned int found = 0; le16toh(d.flags) & VRING_DESC_F_NEXT; found++) {
		int r = -EINVAL;

		if (found >= t->num || i >= t->num) /* a loop, or off the table */
			return device_breaks(vq->dev, RULE_INDIRECT_LOOP) ? 0 : -EINVAL;
		r = chain_read(&t->pieces, i * sizeof(d), &d, sizeof(d));
		if (r == 0 && le16toh(d.flags) & VRING_DESC_F_INDIRECT &&
		    !device_breaks(vq->dev, RULE_INDIRECT_NESTED))
			r = -EINVAL;
		if (r == 0)
			r = add_piece(vq, c, &d);
		if (r < 0)
			return r;
		i = le16toh(d.next);
		if (device_breaks(vq->dev, RULE_INDIRECT_CUT))
			break;
	}
	return 0;
}

static int add_indirect(struct vq *vq, struct chain *c, const struct vring_desc *d)
{
	uint32_t len = le32toh(d->len);
	struct table t = { .num = len / (unsigned int)sizeof(*d) };
	int r = 0;

	if (len % sizeof(*d) && !device_breaks(vq->dev, RULE_INDIRECT_ODD))
		return -EINVAL;
	r = translate(vq, le64toh(d->addr), len, VHOST_ACCESS_RO, t.pieces.iov,
		      CHAIN_MAX);
	if (r < 0)
		return r;
	t.pieces.out = (unsigned int)r;
	if (t.num > INDIRECT_MAX && !device_breaks(vq->dev, RULE_INDIRECT_LONG))
		return -E2BIG;
	return add_table(vq, c, &t);
}

static int add_all(struct vq *vq, struct chain *c)
{
	struct vring_desc d = { .flags = htole16(VRING_DESC_F_NEXT) };
	unsigned int i = c->head;

	for (unsigned int found = 0; le16toh(d.flags) & VRING_DESC_F_NEXT; found++) {
		int r = 0;

		if (i >= vq->num && device_breaks(vq->dev, RULE_NEXT_WRAPS))
			i &= vq->num - 1; /* a power of 2 */
		if (i >= vq->num)
			return -EINVAL;
		if (found >= vq->num)
			return device_breaks(vq->dev, RULE_LOOP_TAKEN) ? 0 : -EINVAL;
		r = part_read(vq, vq->desc + i * sizeof(d), &d, sizeof(d));
		if (r < 0)
			return r;
		r = le16toh(d.flags) & VRING_DESC_F_INDIRECT ? add_indirect(vq, c, &d)
							     : add_piece(vq, c, &d);
		if (r < 0)
			return r;
		i = le16toh(d.next);
		if (device_breaks(vq->dev, RULE_CHAIN_CUT))
			break;
	}
	return 0;
}

static int take_head(struct vq *vq, struct chain *c)
{
	int r = look_for_more(vq);

	c->out = c->in = 0;
	if (r == 0 && ((vq->num == 2 && device_breaks(vq->dev, RULE_SMALL_RING)) ||
		       (vq->num > LARGE_RING && device_breaks(vq->dev, RULE_LARGE_RING))))
		r = -EAGAIN;
	if (r == 0)
		r = part_read(vq, avail_entry(vq, vq->last_avail % vq->num), &c->head,
			      sizeof(c->head));
	if (r < 0)
		return r;
	c->head = le16toh(c->head);
	if (device_breaks(vq->dev, RULE_HEAD_WRAPS))
		c->head = (uint16_t)(c->head % vq->num);
	return c->head >= vq->num ? -EINVAL : add_all(vq, c);
}

int vring_next(struct vq *vq, struct chain *ret)
{
	int r = take_head(vq, ret);

	if (r < 0 && r != -EAGAIN && r != -ENOENT)
		vring_error(vq);
	if (r == 0)
		vq->last_avail++;
	return r;
}

void vring_put_back(struct vq *vq, unsigned int n)
{
	vq->last_avail = (uint16_t)(vq->last_avail - n);
}

/* ------------------------------------------------------ giving them back */

static uint16_t next_used(const struct vq *vq, unsigned int n)
{
	if (vq->last_used + n > UINT16_MAX && device_breaks(vq->dev, RULE_INDEX_NO_WRAP))
		return UINT16_MAX;
	return (uint16_t)(vq->last_used + n);
}

static uint16_t shown_used(const struct vq *vq)
{
	return (uint16_t)(vq->last_used - device_breaks(vq->dev, RULE_INDEX_LIES));
}

/* The next field of one that has no next: nobody looks there, and it is not vhost's. */
static void mark_used(struct vq *vq, uint16_t head)
{
	const uint16_t mark = UINT16_MAX;

	if (device_breaks(vq->dev, RULE_DESC_WRITTEN))
		(void)part_write(vq,
				 vq->desc + head * sizeof(struct vring_desc) +
					 offsetof(struct vring_desc, next),
				 &mark, sizeof(mark));
}

static uint32_t used_id(const struct vq *vq, uint16_t head)
{
	return device_has(vq->dev, VIRTIO_F_IN_ORDER) &&
			       device_breaks(vq->dev, RULE_ORDER_BROKEN)
		       ? head ^ 1u
		       : head;
}

int vring_used(struct vq *vq, const struct used *used, unsigned int n)
{
	int r = 0;

	for (unsigned int i = 0; i < n && r == 0; i++) {
		unsigned int slot = (uint16_t)(vq->last_used + i) % vq->num;
		const struct vring_used_elem e = {
			.id = htole32(used_id(vq, used[i].head)),
			.len = htole32(used[i].len),
		};

		r = part_write(vq, used_entry(vq, slot), &e, sizeof(e));
		mark_used(vq, used[i].head);
		log_used_part(vq, used_entry(vq, slot) - vq->used, sizeof(e));
	}
	if (r < 0)
		return r;
	vq->last_used = next_used(vq, n);
	r = store16(vq, used_index(vq), shown_used(vq));
	log_used_part(vq, offsetof(struct vring_used, idx), 2);
	return r;
}

/* Whether used_event lies among the elements since the last call (virtio-1.2 2.7.7.1) */
static bool event_passed(struct vq *vq)
{
	uint16_t before = vq->signalled;
	uint16_t event = 0;
	bool valid = vq->signalled_valid;

	vq->signalled = vq->last_used;
	vq->signalled_valid = true;
	if (!valid || load16(vq, avail_entry(vq, vq->num), &event) < 0)
		return true;
	return (uint16_t)(vq->last_used - event - 1) < (uint16_t)(vq->last_used - before);
}

static bool wants_call(struct vq *vq)
{
	uint16_t flags = 0;

	if (device_has(vq->dev, VIRTIO_F_NOTIFY_ON_EMPTY) &&
	    vq->avail_idx == vq->last_avail)
		return true;
	if (device_has(vq->dev, VIRTIO_RING_F_EVENT_IDX))
		return event_passed(vq);
	if (load16(vq, vq->avail, &flags) < 0)
		return true;
	return !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}

void vring_signal(struct vq *vq)
{
	if (device_has(vq->dev, VIRTIO_RING_F_EVENT_IDX) &&
	    device_breaks(vq->dev, RULE_EVENT_IGNORED))
		return;
	if (vq->index == MODEL_RX && device_breaks(vq->dev, RULE_CALL_RX_MISSING))
		return;
	if (vq->call >= 0 && wants_call(vq))
		(void)eventfd_write(vq->call, 1);
}

void vring_quiet(struct vq *vq)
{
	if (vq->used_flags & VRING_USED_F_NO_NOTIFY)
		return;
	vq->used_flags |= VRING_USED_F_NO_NOTIFY;
	if (!device_has(vq->dev, VIRTIO_RING_F_EVENT_IDX))
		(void)write_used_flags(vq);
}

bool vring_listen(struct vq *vq)
{
	uint16_t idx = 0;
	int r = 0;

	if (!(vq->used_flags & VRING_USED_F_NO_NOTIFY))
		return false;
	vq->used_flags &= (uint16_t)~VRING_USED_F_NO_NOTIFY;
	if (device_has(vq->dev, VIRTIO_RING_F_EVENT_IDX))
		r = store16(vq, used_entry(vq, vq->num), vq->last_avail);
	else
		r = write_used_flags(vq);
	if (r < 0 || load16(vq, vq->avail + offsetof(struct vring_avail, idx), &idx) < 0)
		return false;
	return idx != vq->last_avail;
}
