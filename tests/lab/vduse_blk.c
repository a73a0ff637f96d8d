/* SPDX-License-Identifier: MIT */
/*
 * In a guest, in place of qemu-storage-daemon and with the arguments that the peer of
 * vhost-vdpa gives it: a block device of VDUSE that shares no line with QEMU's, so that
 * the checks do not take what one implementation does for what the kernel promises. It
 * offers less: no indirect descriptors, no event index. Serves until it is killed.
 *
 * Source: include/uapi/linux/vduse.h; virtio-1.2 2.7 (split virtqueues), 5.2 (block).
 */
#include <endian.h>
#include <fcntl.h>
#include <linux/vduse.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/cleanup.h"

#define QUEUES_MAX 4u
#define MAPS_MAX 64u
#define PARTS_MAX 64u
#define CHUNK 4096u
#define SECTOR 512u
#define ALIGN 4096u

/** struct piece - what is mapped of the driver's memory: IOVAs @start to @last */
struct piece {
	uint64_t start, last;
	unsigned char *at;
	uint8_t perm;
};

/**
 * struct queue - a ring
 * @info:	where it lies, as of its start
 * @next:	the next head is at this index of the avail ring; @used: of the used ring
 * @kick:	eventfd
 * @on:		it was ready when it was looked at
 * @broken:	what the driver did makes no sense: nothing more until a reset
 */
struct queue {
	struct vduse_vq_info info;
	uint16_t next, used;
	int kick;
	bool on, broken;
};

/** struct device - all of it; @id: what GET_ID answers; @bytes: of @file */
struct device {
	char name[VDUSE_NAME_MAX], id[VIRTIO_BLK_ID_BYTES];
	unsigned int queues, size;
	int fd, file;
	uint64_t bytes;
	struct queue queue[QUEUES_MAX];
	struct piece piece[MAPS_MAX];
	unsigned int pieces;
};

/** struct part - a buffer of a chain */
struct part {
	uint64_t iova;
	uint32_t len;
};

/** struct side - the buffers of a request that are to be read, or to be written */
struct side {
	struct part part[PARTS_MAX];
	unsigned int n;
};

/** struct chain - the buffers of a request */
struct chain {
	struct side out, in;
};

/* ------------------------------------------------------- the driver's memory */

static void forget(struct device *d)
{
	for (unsigned int i = 0; i < d->pieces; i++) {
		const struct piece *p = &d->piece[i];

		(void)munmap(p->at, p->last - p->start + 1);
	}
	d->pieces = 0;
}

/* Asks the kernel for the region that begins at or before @iova and holds it. */
static const struct piece *fetch(struct device *d, uint64_t iova)
{
	struct vduse_iotlb_entry e = { .start = iova, .last = iova };
	cleanup_close int fd = ioctl(d->fd, VDUSE_IOTLB_GET_FD, &e);
	struct piece *p = &d->piece[d->pieces];
	int prot = (e.perm & VDUSE_ACCESS_RO ? PROT_READ : 0) |
		   (e.perm & VDUSE_ACCESS_WO ? PROT_WRITE : 0);
	void *at = NULL;

	if (fd < 0 || d->pieces == MAPS_MAX)
		return NULL;
	at = mmap(NULL, e.last - e.start + 1, prot, MAP_SHARED, fd, (off_t)e.offset);
	if (at == MAP_FAILED)
		return NULL;
	*p = (struct piece){ e.start, e.last, at, e.perm };
	d->pieces++;
	return p;
}

static const struct piece *find(struct device *d, uint64_t iova)
{
	for (unsigned int i = 0; i < d->pieces; i++)
		if (iova >= d->piece[i].start && iova <= d->piece[i].last)
			return &d->piece[i];
	return fetch(d, iova);
}

/* The memory at @iova, and how much of it lies there in one; NULL if it may not be had.
 */
static unsigned char *reach(struct device *d, uint64_t iova, uint8_t perm,
			    uint64_t *ret_len)
{
	const struct piece *p = find(d, iova);

	if (!p || (p->perm & perm) != perm)
		return NULL;
	*ret_len = p->last - iova + 1;
	return p->at + (iova - p->start);
}

/* A part of a ring, which lies in one mapping. */
static void *ring_part(struct device *d, uint64_t iova, uint64_t len, uint8_t perm)
{
	uint64_t there = 0;
	unsigned char *at = reach(d, iova, perm, &there);

	return there >= len ? at : NULL;
}

/* Between @buf and the parts from @offset on; false if some of it cannot be reached. */
static bool move(struct device *d, const struct side *side, uint64_t offset, void *buf,
		 uint64_t len, uint8_t perm)
{
	const struct part *part = side->part;
	unsigned char *mine = buf;

	for (unsigned int i = 0; i < side->n && len; i++) {
		uint64_t at = offset;

		if (offset >= part[i].len) {
			offset -= part[i].len;
			continue;
		}
		offset = 0;
		while (at < part[i].len && len) {
			uint64_t there = 0, want = part[i].len - at;
			unsigned char *theirs = reach(d, part[i].iova + at, perm, &there);

			if (!theirs)
				return false;
			want = want < len ? want : len;
			want = want < there ? want : there;
			memcpy(perm == VDUSE_ACCESS_WO ? theirs : mine,
			       perm == VDUSE_ACCESS_WO ? mine : theirs, want);
			mine += want;
			at += want;
			len -= want;
		}
	}
	return len == 0;
}

static uint64_t total(const struct side *side)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < side->n; i++)
		sum += side->part[i].len;
	return sum;
}

/* ----------------------------------------------------------------- requests */

/* Bytes between file and driver; VIRTIO_BLK_S_*. */
static uint8_t transfer(struct device *d, const struct chain *c, uint64_t at,
			uint64_t len, bool write)
{
	unsigned char buf[CHUNK];

	if (at > d->bytes || len > d->bytes - at || len % SECTOR)
		return VIRTIO_BLK_S_IOERR;
	for (uint64_t done = 0; done < len; done += CHUNK) {
		uint64_t n = len - done < CHUNK ? len - done : CHUNK;

		if (write && (!move(d, &c->out, sizeof(struct virtio_blk_outhdr) + done,
				    buf, n, VDUSE_ACCESS_RO) ||
			      pwrite(d->file, buf, n, (off_t)(at + done)) != (ssize_t)n))
			return VIRTIO_BLK_S_IOERR;
		if (!write && (pread(d->file, buf, n, (off_t)(at + done)) != (ssize_t)n ||
			       !move(d, &c->in, done, buf, n, VDUSE_ACCESS_WO)))
			return VIRTIO_BLK_S_IOERR;
	}
	return VIRTIO_BLK_S_OK;
}

/* What is written into the chain, the status included; -1 if it cannot be answered. */
static int64_t answer(struct device *d, const struct chain *c)
{
	struct virtio_blk_outhdr h;
	uint64_t in = total(&c->in), out = total(&c->out), wrote = 0;
	uint8_t status = VIRTIO_BLK_S_UNSUPP;

	if (in < 1 || out < sizeof(h) ||
	    !move(d, &c->out, 0, &h, sizeof(h), VDUSE_ACCESS_RO))
		return -1;
	switch (le32toh(h.type)) {
	case VIRTIO_BLK_T_IN:
		status = transfer(d, c, le64toh(h.sector) * SECTOR, in - 1, false);
		wrote = status == VIRTIO_BLK_S_OK ? in - 1 : 0;
		break;
	case VIRTIO_BLK_T_OUT:
		status =
			transfer(d, c, le64toh(h.sector) * SECTOR, out - sizeof(h), true);
		break;
	case VIRTIO_BLK_T_FLUSH:
		status = fdatasync(d->file) < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		wrote = in - 1 < sizeof(d->id) ? in - 1 : sizeof(d->id);
		status = move(d, &c->in, 0, d->id, wrote, VDUSE_ACCESS_WO)
				 ? VIRTIO_BLK_S_OK
				 : VIRTIO_BLK_S_IOERR;
		break;
	default:
		break;
	}
	if (!move(d, &c->in, in - 1, &status, 1, VDUSE_ACCESS_WO))
		return -1;
	return (int64_t)wrote + 1;
}

/* ------------------------------------------------------------------- rings */

/* The chain that begins at @head; false if there is none such. */
static bool read_chain(struct device *d, struct queue *q, uint16_t head,
		       struct chain *ret)
{
	const struct vring_desc *table = ring_part(
		d, q->info.desc_addr, sizeof(*table) * q->info.num, VDUSE_ACCESS_RO);
	unsigned int at = head;

	*ret = (struct chain){ 0 };
	for (unsigned int n = 0; table && n < q->info.num && at < q->info.num; n++) {
		const struct vring_desc desc = table[at];
		uint16_t flags = le16toh(desc.flags);
		struct part part = { le64toh(desc.addr), le32toh(desc.len) };

		if (flags & VRING_DESC_F_INDIRECT || ret->out.n == PARTS_MAX ||
		    ret->in.n == PARTS_MAX ||
		    (ret->in.n && !(flags & VRING_DESC_F_WRITE)))
			return false;
		if (flags & VRING_DESC_F_WRITE)
			ret->in.part[ret->in.n++] = part;
		else
			ret->out.part[ret->out.n++] = part;
		if (!(flags & VRING_DESC_F_NEXT))
			return true;
		at = le16toh(desc.next);
	}
	return false;
}

/* Hands a chain back, and tells the driver unless it does not want to know. */
static bool hand_back(struct device *d, struct queue *q, uint16_t head, uint32_t len,
		      const struct vring_avail *avail)
{
	struct vring_used *used = ring_part(
		d, q->info.device_addr,
		sizeof(*used) + sizeof(used->ring[0]) * q->info.num, VDUSE_ACCESS_RW);
	uint32_t index = (uint32_t)(q - d->queue);

	if (!used)
		return false;
	used->ring[q->used % q->info.num] =
		(struct vring_used_elem){ htole32(head), htole32(len) };
	__atomic_store_n(&used->idx, htole16(++q->used), __ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&avail->flags, __ATOMIC_SEQ_CST) &
	      htole16(VRING_AVAIL_F_NO_INTERRUPT)))
		(void)ioctl(d->fd, VDUSE_VQ_INJECT_IRQ, &index);
	return true;
}

static void serve_queue(struct device *d, struct queue *q)
{
	while (q->on && !q->broken) {
		const struct vring_avail *avail =
			ring_part(d, q->info.driver_addr,
				  sizeof(*avail) + sizeof(avail->ring[0]) * q->info.num,
				  VDUSE_ACCESS_RO);
		uint16_t head = 0;
		struct chain c;
		int64_t len = 0;

		if (!avail ||
		    le16toh(__atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE)) == q->next)
			return;
		head = le16toh(avail->ring[q->next % q->info.num]);
		len = read_chain(d, q, head, &c) ? answer(d, &c) : -1;
		if (len < 0 || !hand_back(d, q, head, (uint32_t)len, avail))
			q->broken = true;
		else
			q->next++;
	}
}

/* A ring may become ready after DRIVER_OK, of which nothing is said but its first kick.
 */
static void look_at_queue(struct device *d, struct queue *q)
{
	const struct vring_used *used = NULL;

	if (q->on)
		return;
	q->info = (struct vduse_vq_info){ .index = (uint32_t)(q - d->queue) };
	if (ioctl(d->fd, VDUSE_VQ_GET_INFO, &q->info) < 0 || !q->info.ready)
		return;
	used = ring_part(d, q->info.device_addr, sizeof(*used), VDUSE_ACCESS_RO);
	q->next = q->info.split.avail_index;
	q->used = used ? le16toh(used->idx) : q->next;
	q->on = true;
}

/* A reset takes it away (vduse_dev_reset() in drivers/vdpa/vdpa_user/vduse_dev.c). */
static void hear_kicks(struct device *d, const struct queue *q)
{
	struct vduse_vq_eventfd kick = {
		.index = (uint32_t)(q - d->queue),
		.fd = q->kick,
	};

	(void)ioctl(d->fd, VDUSE_VQ_SETUP_KICKFD, &kick);
}

static void set_status(struct device *d, uint8_t status)
{
	for (unsigned int i = 0; i < d->queues; i++) {
		struct queue *q = &d->queue[i];

		if (status & VIRTIO_CONFIG_S_DRIVER_OK) {
			hear_kicks(d, q);
			look_at_queue(d, q);
			serve_queue(d, q);
		} else if (!status) {
			q->on = q->broken = false;
		}
	}
	if (!status)
		forget(d);
}

/* ---------------------------------------------------------------- messages */

static bool serve_message(struct device *d)
{
	struct vduse_dev_request request;
	struct vduse_dev_response response = { .result = VDUSE_REQ_RESULT_OK };
	uint8_t status = 0;
	bool has_status = false;

	if (read(d->fd, &request, sizeof(request)) != sizeof(request))
		return errno == EAGAIN || errno == EINTR;
	response.request_id = request.request_id;
	switch (request.type) {
	case VDUSE_GET_VQ_STATE:
		response.vq_state.index = request.vq_state.index;
		if (request.vq_state.index < d->queues)
			response.vq_state.split.avail_index =
				d->queue[request.vq_state.index].next;
		break;
	case VDUSE_SET_STATUS:
		status = request.s.status;
		has_status = true;
		break;
	case VDUSE_UPDATE_IOTLB:
		forget(d);
		break;
	default:
		response.result = VDUSE_REQ_RESULT_FAILED;
		break;
	}
	/* a reset is done when it is answered; the rest may come after */
	if (has_status && !status)
		set_status(d, status);
	if (write(d->fd, &response, sizeof(response)) != sizeof(response))
		return false;
	if (has_status && status)
		set_status(d, status);
	return true;
}

static int serve(struct device *d)
{
	struct pollfd p[1 + QUEUES_MAX] = { { .fd = d->fd, .events = POLLIN } };
	bool fine = true;

	for (unsigned int i = 0; i < d->queues; i++)
		p[1 + i] = (struct pollfd){ .fd = d->queue[i].kick, .events = POLLIN };
	while (fine) {
		if (poll(p, 1 + d->queues, -1) < 0)
			return -errno;
		if (p[0].revents)
			fine = serve_message(d);
		for (unsigned int i = 0; i < d->queues; i++) {
			eventfd_t count = 0;

			if (p[1 + i].revents && eventfd_read(p[1 + i].fd, &count) == 0) {
				look_at_queue(d, &d->queue[i]);
				serve_queue(d, &d->queue[i]);
			}
		}
	}
	return -EIO;
}

/* -------------------------------------------------------------------- make */

static int create(const struct device *d)
{
	const struct virtio_blk_config config = {
		.capacity = htole64(d->bytes / SECTOR),
		.blk_size = htole32(SECTOR),
	};
	cleanup_free struct vduse_dev_config *dev =
		calloc(1, sizeof(*dev) + sizeof(config));
	cleanup_close int control = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);

	if (!dev)
		return -ENOMEM;
	dev->device_id = VIRTIO_ID_BLOCK;
	dev->features = BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_F_ACCESS_PLATFORM) |
			BIT64(VIRTIO_BLK_F_BLK_SIZE) | BIT64(VIRTIO_BLK_F_FLUSH);
	dev->vq_num = d->queues;
	dev->vq_align = ALIGN;
	dev->config_size = sizeof(config);
	memcpy(dev->name, d->name, sizeof(dev->name));
	memcpy(dev->config, &config, sizeof(config));
	return control < 0 || ioctl(control, VDUSE_CREATE_DEV, dev) < 0 ? -errno : 0;
}

static int make_queue(struct device *d, uint32_t index)
{
	struct vduse_vq_config config = { .index = index, .max_size = (uint16_t)d->size };

	d->queue[index].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->queue[index].kick < 0 || ioctl(d->fd, VDUSE_VQ_SETUP, &config) < 0)
		return -errno;
	return 0;
}

static int make(struct device *d)
{
	char path[VDUSE_NAME_MAX + 16];
	int r = create(d);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/dev/vduse/%s", d->name);
	d->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (d->fd < 0)
		return -errno;
	for (uint32_t i = 0; i < d->queues && r == 0; i++)
		r = make_queue(d, i);
	return r;
}

/* "...,NAME=VALUE,..." of an argument, "" if it is not there. */
static void value_of(int argc, char **argv, const char *name, char *ret, size_t room)
{
	size_t len = strlen(name);

	*ret = '\0';
	for (int i = 1; i < argc; i++) {
		for (const char *at = argv[i]; *at; at += strcspn(at, ",")) {
			at += *at == ',';
			if (!strncmp(at, name, len) && at[len] == '=')
				(void)snprintf(ret, room, "%.*s",
					       (int)strcspn(at + len + 1, ","),
					       at + len + 1);
		}
	}
}

static int take_arguments(struct device *d, int argc, char **argv)
{
	char text[VDUSE_NAME_MAX];
	struct stat st;

	value_of(argc, argv, "name", d->name, sizeof(d->name));
	value_of(argc, argv, "serial", text, sizeof(text));
	memcpy(d->id, text, strnlen(text, sizeof(d->id)));
	value_of(argc, argv, "num-queues", text, sizeof(text));
	d->queues = (unsigned int)strtoul(text, NULL, 10);
	value_of(argc, argv, "queue-size", text, sizeof(text));
	d->size = (unsigned int)strtoul(text, NULL, 10);
	value_of(argc, argv, "filename", text, sizeof(text));
	d->file = open(text, O_RDWR | O_CLOEXEC);
	if (d->file < 0 || fstat(d->file, &st) < 0)
		return -errno;
	d->bytes = (uint64_t)st.st_size;
	return d->queues < 1 || d->queues > QUEUES_MAX ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	static struct device d;
	int r = take_arguments(&d, argc, argv);

	if (r == 0)
		r = make(&d);
	if (r == 0)
		r = serve(&d);
	(void)fprintf(stderr, "%s\n", strerror(-r));
	return 1;
}
