/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/cleanup.h"
#include "tests/lab/vduse.h"

#define ALIGN 4096u

/* ------------------------------------------------------- the driver's memory */

static void forget(struct vduse *d)
{
	for (unsigned int i = 0; i < d->pieces; i++) {
		const struct vduse_piece *p = &d->piece[i];

		(void)munmap(p->at, p->last - p->start + 1);
	}
	d->pieces = 0;
}

/* Asks the kernel for the region that begins at or before @iova and holds it. */
static const struct vduse_piece *fetch(struct vduse *d, uint64_t iova)
{
	struct vduse_iotlb_entry e = { .start = iova, .last = iova };
	cleanup_close int fd = ioctl(d->fd, VDUSE_IOTLB_GET_FD, &e);
	struct vduse_piece *p = &d->piece[d->pieces];
	int prot = (e.perm & VDUSE_ACCESS_RO ? PROT_READ : 0) |
		   (e.perm & VDUSE_ACCESS_WO ? PROT_WRITE : 0);
	void *at = NULL;

	if (fd < 0 || d->pieces == VDUSE_MAPS_MAX)
		return NULL;
	at = mmap(NULL, e.last - e.start + 1, prot, MAP_SHARED, fd, (off_t)e.offset);
	if (at == MAP_FAILED)
		return NULL;
	*p = (struct vduse_piece){ e.start, e.last, at, e.perm };
	d->pieces++;
	return p;
}

static const struct vduse_piece *find(struct vduse *d, uint64_t iova)
{
	for (unsigned int i = 0; i < d->pieces; i++)
		if (iova >= d->piece[i].start && iova <= d->piece[i].last)
			return &d->piece[i];
	return fetch(d, iova);
}

/* The memory at @iova, and how much of it lies there in one; NULL if it may not be had.
 */
static unsigned char *reach(struct vduse *d, uint64_t iova, uint8_t perm,
			    uint64_t *ret_len)
{
	const struct vduse_piece *p = find(d, iova);

	if (!p || (p->perm & perm) != perm)
		return NULL;
	*ret_len = p->last - iova + 1;
	return p->at + (iova - p->start);
}

/* A part of a ring, which lies in one mapping. */
static void *ring_part(struct vduse *d, uint64_t iova, uint64_t len, uint8_t perm)
{
	uint64_t there = 0;
	unsigned char *at = reach(d, iova, perm, &there);

	return there >= len ? at : NULL;
}

/* Between @buf and the buffers from @offset on; false if some of it cannot be reached. */
static bool move(struct vduse *d, const struct vduse_side *side, uint64_t offset,
		 unsigned char *buf, uint64_t len, uint8_t perm)
{
	const struct vduse_part *part = side->part;

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
			memcpy(perm == VDUSE_ACCESS_WO ? theirs : buf,
			       perm == VDUSE_ACCESS_WO ? buf : theirs, want);
			buf += want;
			at += want;
			len -= want;
		}
	}
	return len == 0;
}

bool vduse_read(struct vduse *d, const struct vduse_side *side, uint64_t offset,
		void *buf, uint64_t len)
{
	return move(d, side, offset, buf, len, VDUSE_ACCESS_RO);
}

bool vduse_write(struct vduse *d, const struct vduse_side *side, uint64_t offset,
		 const void *buf, uint64_t len)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): only read, with VDUSE_ACCESS_WO */
	void *from = (void *)(uintptr_t)buf;

	return move(d, side, offset, from, len, VDUSE_ACCESS_WO);
}

uint64_t vduse_total(const struct vduse_side *side)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < side->n; i++)
		sum += side->part[i].len;
	return sum;
}

/* ------------------------------------------------------------------- rings */

/* The chain that begins at @ret->head; false if there is none such. */
static bool read_chain(struct vduse *d, const struct vduse_queue *q,
		       struct vduse_chain *ret)
{
	const struct vring_desc *table = ring_part(
		d, q->info.desc_addr, sizeof(*table) * q->info.num, VDUSE_ACCESS_RO);
	unsigned int at = ret->head;

	for (unsigned int n = 0; table && n < q->info.num && at < q->info.num; n++) {
		const struct vring_desc desc = table[at];
		uint16_t flags = le16toh(desc.flags);
		struct vduse_part part = { le64toh(desc.addr), le32toh(desc.len) };

		if (flags & VRING_DESC_F_INDIRECT || ret->out.n == VDUSE_PARTS_MAX ||
		    ret->in.n == VDUSE_PARTS_MAX ||
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

static const struct vring_avail *avail_of(struct vduse *d, const struct vduse_queue *q)
{
	const struct vring_avail *avail = NULL;

	return ring_part(d, q->info.driver_addr,
			 sizeof(*avail) + sizeof(avail->ring[0]) * q->info.num,
			 VDUSE_ACCESS_RO);
}

bool vduse_waiting(struct vduse *d, unsigned int q)
{
	const struct vduse_queue *queue = &d->queue[q];
	const struct vring_avail *avail = NULL;

	if (queue->on && !queue->broken)
		avail = avail_of(d, queue);
	return avail &&
	       le16toh(__atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE)) != queue->next;
}

bool vduse_take(struct vduse *d, unsigned int q, struct vduse_chain *ret)
{
	struct vduse_queue *queue = &d->queue[q];
	const struct vring_avail *avail = NULL;

	if (!vduse_waiting(d, q))
		return false;
	avail = avail_of(d, queue);
	*ret = (struct vduse_chain){
		.head = le16toh(avail->ring[queue->next % queue->info.num]),
	};
	if (read_chain(d, queue, ret)) {
		queue->next++;
		return true;
	}
	vduse_refuse(d, q);
	return false;
}

void vduse_refuse(struct vduse *d, unsigned int q)
{
	d->queue[q].broken = true;
}

void vduse_give(struct vduse *d, unsigned int q, const struct vduse_chain *c,
		uint32_t len)
{
	struct vduse_queue *queue = &d->queue[q];
	const struct vring_avail *avail = avail_of(d, queue);
	struct vring_used *used = ring_part(
		d, queue->info.device_addr,
		sizeof(*used) + sizeof(used->ring[0]) * queue->info.num, VDUSE_ACCESS_RW);
	uint32_t index = q;

	if (!used || !avail) {
		vduse_refuse(d, q);
		return;
	}
	used->ring[queue->used % queue->info.num] =
		(struct vring_used_elem){ htole32(c->head), htole32(len) };
	__atomic_store_n(&used->idx, htole16(++queue->used), __ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&avail->flags, __ATOMIC_SEQ_CST) &
	      htole16(VRING_AVAIL_F_NO_INTERRUPT)))
		(void)ioctl(d->fd, VDUSE_VQ_INJECT_IRQ, &index);
}

/* A ring may become ready after DRIVER_OK, of which nothing is said but its first kick.
 */
static void look_at_queue(struct vduse *d, struct vduse_queue *q)
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
static void hear_kicks(struct vduse *d, const struct vduse_queue *q)
{
	struct vduse_vq_eventfd kick = {
		.index = (uint32_t)(q - d->queue),
		.fd = q->kick,
	};

	(void)ioctl(d->fd, VDUSE_VQ_SETUP_KICKFD, &kick);
}

static void stop(struct vduse *d)
{
	for (unsigned int i = 0; i < d->queues; i++)
		d->queue[i].on = d->queue[i].broken = false;
	forget(d);
}

static void start(struct vduse *d)
{
	for (unsigned int i = 0; i < d->queues; i++) {
		hear_kicks(d, &d->queue[i]);
		look_at_queue(d, &d->queue[i]);
	}
	d->kind->serve(d);
}

/* ---------------------------------------------------------------- messages */

static bool serve_message(struct vduse *d)
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
		stop(d);
	if (write(d->fd, &response, sizeof(response)) != sizeof(response))
		return false;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK)
		start(d);
	return true;
}

static int serve(struct vduse *d)
{
	struct pollfd p[1 + VDUSE_QUEUES_MAX] = { { .fd = d->fd, .events = POLLIN } };
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
				d->kind->serve(d);
			}
		}
	}
	return -EIO;
}

/* -------------------------------------------------------------------- make */

static int create(const struct vduse *d)
{
	const struct vduse_kind *kind = d->kind;
	cleanup_free struct vduse_dev_config *dev =
		calloc(1, sizeof(*dev) + kind->config_size);
	cleanup_close int control = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);

	if (!dev)
		return -ENOMEM;
	dev->device_id = kind->id;
	dev->features = kind->features | BIT64(VIRTIO_F_VERSION_1) |
			BIT64(VIRTIO_F_ACCESS_PLATFORM);
	dev->vq_num = d->queues;
	dev->vq_align = ALIGN;
	dev->config_size = kind->config_size;
	memcpy(dev->name, d->name, sizeof(dev->name));
	memcpy(dev->config, kind->config, kind->config_size);
	return control < 0 || ioctl(control, VDUSE_CREATE_DEV, dev) < 0 ? -errno : 0;
}

static int make_queue(struct vduse *d, uint32_t index)
{
	struct vduse_vq_config config = { .index = index, .max_size = (uint16_t)d->size };

	d->queue[index].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->queue[index].kick < 0 || ioctl(d->fd, VDUSE_VQ_SETUP, &config) < 0)
		return -errno;
	return 0;
}

static int make(struct vduse *d)
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

void vduse_argument(int argc, char **argv, const char *name, char *ret, size_t room)
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

static int take_arguments(struct vduse *d, int argc, char **argv)
{
	char text[VDUSE_NAME_MAX];

	vduse_argument(argc, argv, "name", d->name, sizeof(d->name));
	vduse_argument(argc, argv, "num-queues", text, sizeof(text));
	d->queues = (unsigned int)strtoul(text, NULL, 10);
	vduse_argument(argc, argv, "queue-size", text, sizeof(text));
	d->size = (unsigned int)strtoul(text, NULL, 10);
	return d->queues < 1 || d->queues > VDUSE_QUEUES_MAX ? -EINVAL : 0;
}

int vduse_main(struct vduse *d, int argc, char **argv)
{
	int r = take_arguments(d, argc, argv);

	if (r == 0)
		r = make(d);
	if (r == 0)
		r = serve(d);
	(void)fprintf(stderr, "%s\n", strerror(-r));
	return 1;
}
