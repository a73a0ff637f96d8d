/* SPDX-License-Identifier: MIT */
/*
 * What devices of VDUSE have in common: made by name, the driver's memory, split rings,
 * the kernel's messages. It shares no line with QEMU's, so that the checks do not take
 * what one implementation does for what the kernel promises. It offers less: no indirect
 * descriptors, no event index.
 *
 * Source: include/uapi/linux/vduse.h; virtio-1.2 2.7 (split virtqueues).
 */
#ifndef LAB_VDUSE_H
#define LAB_VDUSE_H

#include <linux/vduse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VDUSE_QUEUES_MAX 4u
#define VDUSE_PARTS_MAX 64u
#define VDUSE_MAPS_MAX 64u

/** struct vduse_piece - what is mapped of the driver's memory: IOVAs @start to @last */
struct vduse_piece {
	uint64_t start, last;
	unsigned char *at;
	uint8_t perm;
};

/**
 * struct vduse_queue - a ring
 * @info:	where it lies, as of its start
 * @next:	the next head is at this index of the avail ring; @used: of the used ring
 * @kick:	eventfd
 * @on:		it was ready when it was looked at
 * @broken:	what the driver did makes no sense: nothing more until a reset
 */
struct vduse_queue {
	struct vduse_vq_info info;
	uint16_t next, used;
	int kick;
	bool on, broken;
};

struct vduse;

/**
 * struct vduse_kind - what a device is
 * @id:		VIRTIO_ID_*
 * @features:	beyond VIRTIO_F_VERSION_1 and VIRTIO_F_ACCESS_PLATFORM
 * @config, @config_size: configuration space
 * @serve:	does what there is to do on all rings; after each kick and start
 */
struct vduse_kind {
	uint32_t id;
	uint64_t features;
	const void *config;
	uint32_t config_size;
	void (*serve)(struct vduse *d);
};

/** struct vduse - a device; the kind's own structure may begin with it */
struct vduse {
	const struct vduse_kind *kind;
	char name[VDUSE_NAME_MAX];
	unsigned int queues, size;
	int fd;
	struct vduse_queue queue[VDUSE_QUEUES_MAX];
	struct vduse_piece piece[VDUSE_MAPS_MAX];
	unsigned int pieces;
};

/** struct vduse_side - the buffers of a chain that are to be read, or to be written */
struct vduse_side {
	struct vduse_part {
		uint64_t iova;
		uint32_t len;
	} part[VDUSE_PARTS_MAX];
	unsigned int n;
};

/** struct vduse_chain - what was taken from a ring */
struct vduse_chain {
	uint16_t head;
	struct vduse_side out, in;
};

/** vduse_argument() - "...,NAME=VALUE,..." of an argument; "" if it is not there */
void vduse_argument(int argc, char **argv, const char *name, char *ret, size_t room);

/**
 * vduse_main() - make the device and serve it until it is killed
 * @d:		with its @kind
 * @argc, @argv: as the peer of vhost-vdpa gives them to qemu-storage-daemon
 *
 * Return: 1, when it cannot, told on stderr.
 */
int vduse_main(struct vduse *d, int argc, char **argv);

/** vduse_take() - the next chain of a ring; false if there is none */
bool vduse_take(struct vduse *d, unsigned int q, struct vduse_chain *ret);

/** vduse_give() - hand it back with @len bytes written, and tell the driver */
void vduse_give(struct vduse *d, unsigned int q, const struct vduse_chain *c,
		uint32_t len);

/** vduse_refuse() - it makes no sense: the ring is dead until a reset */
void vduse_refuse(struct vduse *d, unsigned int q);

/** vduse_waiting() - whether there is something to take */
bool vduse_waiting(struct vduse *d, unsigned int q);

/** vduse_total() - bytes of all buffers */
uint64_t vduse_total(const struct vduse_side *side);

/** vduse_read(), vduse_write() - between @buf and the buffers from @offset on; false if
 * some of it may not be reached
 */
bool vduse_read(struct vduse *d, const struct vduse_side *side, uint64_t offset,
		void *buf, uint64_t len);
bool vduse_write(struct vduse *d, const struct vduse_side *side, uint64_t offset,
		 const void *buf, uint64_t len);

#endif
