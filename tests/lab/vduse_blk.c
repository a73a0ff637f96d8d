/* SPDX-License-Identifier: MIT */
/*
 * In a guest, in place of qemu-storage-daemon and with the arguments that the peer of
 * vhost-vdpa gives it: a block device of VDUSE on the file that is named. Serves until it
 * is killed.
 *
 * Source: virtio-1.2 5.2
 */
#include <endian.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/cleanup.h"
#include "tests/lab/vduse.h"

#define CHUNK 4096u
#define SECTOR 512u

/** struct disk - the device; @id: what GET_ID answers; @bytes: of @file */
struct disk {
	struct vduse d;
	char id[VIRTIO_BLK_ID_BYTES];
	int file;
	uint64_t bytes;
};

/* Bytes between file and driver; VIRTIO_BLK_S_*. */
static uint8_t transfer(struct disk *disk, const struct vduse_chain *c, uint64_t at,
			uint64_t len, bool write)
{
	unsigned char buf[CHUNK];

	if (at > disk->bytes || len > disk->bytes - at || len % SECTOR)
		return VIRTIO_BLK_S_IOERR;
	for (uint64_t done = 0; done < len; done += CHUNK) {
		uint64_t n = len - done < CHUNK ? len - done : CHUNK;
		off_t to = (off_t)(at + done);

		if (write &&
		    (!vduse_read(&disk->d, &c->out,
				 sizeof(struct virtio_blk_outhdr) + done, buf, n) ||
		     pwrite(disk->file, buf, n, to) != (ssize_t)n))
			return VIRTIO_BLK_S_IOERR;
		if (!write && (pread(disk->file, buf, n, to) != (ssize_t)n ||
			       !vduse_write(&disk->d, &c->in, done, buf, n)))
			return VIRTIO_BLK_S_IOERR;
	}
	return VIRTIO_BLK_S_OK;
}

/* What is written into the chain, the status included; -1 if it cannot be answered. */
static int64_t answer(struct disk *disk, const struct vduse_chain *c)
{
	struct virtio_blk_outhdr h;
	uint64_t in = vduse_total(&c->in), out = vduse_total(&c->out), wrote = 0;
	uint8_t status = VIRTIO_BLK_S_UNSUPP;

	if (in < 1 || out < sizeof(h) || !vduse_read(&disk->d, &c->out, 0, &h, sizeof(h)))
		return -1;
	switch (le32toh(h.type)) {
	case VIRTIO_BLK_T_IN:
		status = transfer(disk, c, le64toh(h.sector) * SECTOR, in - 1, false);
		wrote = status == VIRTIO_BLK_S_OK ? in - 1 : 0;
		break;
	case VIRTIO_BLK_T_OUT:
		status = transfer(disk, c, le64toh(h.sector) * SECTOR, out - sizeof(h),
				  true);
		break;
	case VIRTIO_BLK_T_FLUSH:
		status = fdatasync(disk->file) < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		wrote = in - 1 < sizeof(disk->id) ? in - 1 : sizeof(disk->id);
		status = vduse_write(&disk->d, &c->in, 0, disk->id, wrote)
				 ? VIRTIO_BLK_S_OK
				 : VIRTIO_BLK_S_IOERR;
		break;
	default:
		break;
	}
	if (!vduse_write(&disk->d, &c->in, in - 1, &status, 1))
		return -1;
	return (int64_t)wrote + 1;
}

static void serve(struct vduse *d)
{
	struct vduse_chain c;

	for (unsigned int q = 0; q < d->queues; q++) {
		while (vduse_take(d, q, &c)) {
			int64_t len = answer((struct disk *)d, &c);

			if (len < 0)
				vduse_refuse(d, q);
			else
				vduse_give(d, q, &c, (uint32_t)len);
		}
	}
}

static int open_file(struct disk *disk, int argc, char **argv)
{
	char text[VDUSE_NAME_MAX];
	struct stat st;

	vduse_argument(argc, argv, "serial", text, sizeof(text));
	memcpy(disk->id, text, strnlen(text, sizeof(disk->id)));
	vduse_argument(argc, argv, "filename", text, sizeof(text));
	disk->file = open(text, O_RDWR | O_CLOEXEC);
	if (disk->file < 0 || fstat(disk->file, &st) < 0)
		return -errno;
	disk->bytes = (uint64_t)st.st_size;
	return 0;
}

int main(int argc, char **argv)
{
	static struct virtio_blk_config config;
	static const struct vduse_kind kind = {
		.id = VIRTIO_ID_BLOCK,
		.features = BIT64(VIRTIO_BLK_F_BLK_SIZE) | BIT64(VIRTIO_BLK_F_FLUSH),
		.config = &config,
		.config_size = sizeof(config),
		.serve = serve,
	};
	static struct disk disk = { .d.kind = &kind };
	int r = open_file(&disk, argc, argv);

	if (r < 0) {
		(void)fprintf(stderr, "%s\n", strerror(-r));
		return 1;
	}
	config = (struct virtio_blk_config){
		.capacity = htole64(disk.bytes / SECTOR),
		.blk_size = htole32(SECTOR),
	};
	return vduse_main(&disk.d, argc, argv);
}
