/* SPDX-License-Identifier: MIT */
/*
 * In a guest, in place of qemu-storage-daemon and with the arguments that the peer of
 * vhost-vdpa gives it: a network device of VDUSE with a cable from its transmit ring to
 * its receive ring. A frame waits for a buffer, and is lost if that is too short. Serves
 * until it is killed.
 *
 * Source: virtio-1.2 5.1
 */
#include <endian.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "base/bits.h"
#include "base/cleanup.h"
#include "tests/lab/vduse.h"

#define RX 0u
#define TX 1u
#define HEADER sizeof(struct virtio_net_hdr_v1)
#define FRAME_MAX 65536u

/* Bytes of a frame that was sent; -1 if there is none in the chain. */
static int64_t read_frame(struct vduse *d, const struct vduse_chain *c,
			  unsigned char *frame)
{
	uint64_t len = vduse_total(&c->out);

	if (c->in.n || len < HEADER || len - HEADER > FRAME_MAX ||
	    !vduse_read(d, &c->out, HEADER, frame, len - HEADER))
		return -1;
	return (int64_t)(len - HEADER);
}

/* The header behind the frame, so that what cannot be written whole is not begun. */
static bool write_frame(struct vduse *d, const struct vduse_chain *c,
			const unsigned char *frame, uint64_t len)
{
	const struct virtio_net_hdr_v1 header = { .num_buffers = htole16(1) };

	return vduse_write(d, &c->in, HEADER, frame, len) &&
	       vduse_write(d, &c->in, 0, &header, HEADER);
}

static void pass_on(struct vduse *d, const struct vduse_chain *sent)
{
	static unsigned char frame[FRAME_MAX];
	struct vduse_chain buffer;
	int64_t len = read_frame(d, sent, frame);

	if (len < 0) {
		vduse_refuse(d, TX);
		return;
	}
	vduse_give(d, TX, sent, 0);
	if (!vduse_take(d, RX, &buffer))
		return;
	if (vduse_total(&buffer.in) < HEADER + (uint64_t)len)
		vduse_give(d, RX, &buffer, 0);
	else if (write_frame(d, &buffer, frame, (uint64_t)len))
		vduse_give(d, RX, &buffer, (uint32_t)(HEADER + (uint64_t)len));
	else
		vduse_refuse(d, RX);
}

static void serve(struct vduse *d)
{
	struct vduse_chain sent;

	while (vduse_waiting(d, RX) && vduse_take(d, TX, &sent))
		pass_on(d, &sent);
}

int main(int argc, char **argv)
{
	static const struct virtio_net_config config = {
		.mac = { 2, 'v', 'h', 'c', 0, 3 },
		.status = VIRTIO_NET_S_LINK_UP,
	};
	static const struct vduse_kind kind = {
		.id = VIRTIO_ID_NET,
		.features = BIT64(VIRTIO_NET_F_MAC) | BIT64(VIRTIO_NET_F_STATUS),
		.config = &config,
		.config_size = sizeof(config),
		.serve = serve,
	};
	static struct vduse d = { .kind = &kind };

	return vduse_main(&d, argc, argv);
}
