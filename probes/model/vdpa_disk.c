/* SPDX-License-Identifier: MIT */
/* The block device behind vhost-vdpa (virtio-1.2 5.2), and the file behind that. */
#include <endian.h>
#include <string.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "base/payload.h"
#include "model/model_private.h"

#define DISK_BYTES ((uint64_t)DISK_SECTORS * DISK_SECTOR)
#define HEADER_BYTES sizeof(struct virtio_blk_outhdr)
/* of a transfer; longer ones would need a device with other queue limits */
#define LONGEST 65536u
/* How much of a long request RULE_VDPA_WRITE_LONG and _READ_LONG get right. */
#define LONG_KEPT 16384u

/** struct request - one that was taken from the ring */
struct request {
	const struct model_dev *d;
	const struct chain *c;
	uint32_t type;
	uint64_t sector;
	size_t out, in; /* bytes of data either way */
};

static unsigned char *disk_of(const struct request *r)
{
	return r->d->m->peer.disk;
}

static bool in_range(const struct request *r, size_t len)
{
	return len % DISK_SECTOR == 0 && len <= LONGEST && r->sector <= DISK_SECTORS &&
	       len / DISK_SECTOR <= DISK_SECTORS - r->sector;
}

static uint8_t write_sectors(const struct request *r)
{
	unsigned char data[LONGEST];
	size_t len = r->out;

	if (!in_range(r, len))
		return device_breaks(r->d, RULE_VDPA_END_OPEN) ? VIRTIO_BLK_S_OK
							       : VIRTIO_BLK_S_IOERR;
	if (chain_read(r->c, HEADER_BYTES, data, len) < 0)
		return VIRTIO_BLK_S_IOERR;
	if (len > LONG_KEPT && device_breaks(r->d, RULE_VDPA_WRITE_LONG))
		len = LONG_KEPT;
	memcpy(disk_of(r) + r->sector * DISK_SECTOR, data, len);
	return VIRTIO_BLK_S_OK;
}

static uint8_t read_sectors(const struct request *r)
{
	size_t len = r->in;

	if (!in_range(r, len))
		return device_breaks(r->d, RULE_VDPA_END_OPEN) ? VIRTIO_BLK_S_OK
							       : VIRTIO_BLK_S_IOERR;
	if (r->c->in > 2 && device_breaks(r->d, RULE_VDPA_ONE_PIECE))
		len = r->c->iov[r->c->out].iov_len;
	if (len > LONG_KEPT && device_breaks(r->d, RULE_VDPA_READ_LONG))
		len = LONG_KEPT;
	return chain_write(r->c, 0, disk_of(r) + r->sector * DISK_SECTOR, len) < 0
		       ? VIRTIO_BLK_S_IOERR
		       : VIRTIO_BLK_S_OK;
}

static uint8_t get_id(const struct request *r)
{
	char id[VIRTIO_BLK_ID_BYTES] = "model";
	size_t len = r->in < sizeof(id) ? r->in : sizeof(id);

	if (device_breaks(r->d, RULE_VDPA_ID_REFUSED))
		return VIRTIO_BLK_S_UNSUPP;
	return chain_write(r->c, 0, id, len) < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static uint8_t serve(const struct request *r)
{
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
		return read_sectors(r);
	case VIRTIO_BLK_T_OUT:
		return write_sectors(r);
	case VIRTIO_BLK_T_FLUSH:
		return device_breaks(r->d, RULE_VDPA_FLUSH_REFUSED) ? VIRTIO_BLK_S_IOERR
								    : VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		return get_id(r);
	default:
		return device_breaks(r->d, RULE_VDPA_TYPE_ANY) ? VIRTIO_BLK_S_OK
							       : VIRTIO_BLK_S_UNSUPP;
	}
}

/* The last byte that may be written is the status; how many were written, or -errno. */
static int answer(const struct model_dev *d, const struct chain *c)
{
	struct virtio_blk_outhdr header;
	size_t out = chain_bytes(c, false);
	size_t in = chain_bytes(c, true);
	struct request r = { .d = d, .c = c };
	uint8_t status = VIRTIO_BLK_S_IOERR;

	if (out < HEADER_BYTES || !in || chain_read(c, 0, &header, sizeof(header)) < 0)
		return -EINVAL;
	r.type = le32toh(header.type);
	r.sector = le64toh(header.sector);
	r.out = out - HEADER_BYTES;
	r.in = in - 1;
	if (c->iov[0].iov_len >= HEADER_BYTES ||
	    !device_breaks(d, RULE_VDPA_HEADER_WHOLE))
		status = serve(&r);
	if (chain_write(c, in - 1, &status, 1) < 0)
		return -EFAULT;
	return (int)in - (in > 1 && device_breaks(d, RULE_VDPA_USED_SHORT));
}

void disk_handle(struct vq *vq)
{
	struct chain c;

	vring_quiet(vq);
	for (;;) {
		struct used used = { 0 };
		int r = vring_next(vq, &c);

		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			continue;
		}
		if (r < 0)
			break;
		r = answer(vq->dev, &c);
		if (r < 0)
			break; /* taken, and never given back */
		used = (struct used){ c.head, (uint32_t)r };
		if (vring_used(vq, &used, 1) < 0)
			break;
		vring_signal(vq);
		if (device_breaks(vq->dev, RULE_ONE_A_KICK))
			break;
	}
}

size_t disk_config(const struct model_dev *d, void *to, size_t room)
{
	struct virtio_blk_config c;
	bool bytes = device_breaks(d, RULE_VDPA_CAPACITY);

	memset(&c, 0, sizeof(c));
	c.capacity = htole64(bytes ? DISK_BYTES : DISK_SECTORS);
	c.seg_max = htole32(VDPA_NUM_MAX - 2);
	c.blk_size = htole32(DISK_SECTOR);
	if (d->vdpa.status & VIRTIO_CONFIG_S_DRIVER_OK &&
	    device_breaks(d, RULE_VDPA_CONFIG_CHANGES))
		c.seg_max = htole32(1);
	memcpy(to, &c, sizeof(c) < room ? sizeof(c) : room);
	return sizeof(c);
}

/* ---------------------------------------------------------------- the file */

int disk_start(struct model_peer *p)
{
	p->disk = calloc(1, DISK_BYTES);
	return p->disk ? 0 : -ENOMEM;
}

void disk_done(struct model_peer *p)
{
	free(p->disk);
	p->disk = NULL;
}

int disk_target(const struct model_peer *p, struct peer_target *ret)
{
	if (!p->disk)
		return -ENOTCONN;
	*ret = (struct peer_target){ .path = VDPA_PATH,
				     .type = VIRTIO_ID_BLOCK,
				     .block = DISK_SECTOR,
				     .blocks = DISK_SECTORS };
	return 0;
}

void disk_order(struct model_peer *p)
{
	const struct peer_request *o = &p->request;
	bool known = o->op == PEER_STORE || o->op == PEER_STORED;

	if (!known || o->offset > DISK_BYTES || o->len > DISK_BYTES - o->offset) {
		peer_answer(p, EINVAL);
		return;
	}
	if (o->op == PEER_STORE)
		payload_fill(o->seed, 0, p->disk + o->offset, o->len);
	p->reply.bytes = o->len;
	p->reply.digest = digest_add(DIGEST_START, p->disk + o->offset, o->len);
	peer_answer(p, 0);
}
