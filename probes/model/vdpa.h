/* SPDX-License-Identifier: MIT */
/*
 * Private to probes/model: a vDPA device as vhost-vdpa shows it, with a block device of
 * one ring behind it. It has two address spaces and one group of rings, can be suspended,
 * and hands its mappings on as a whole (set_map of struct vdpa_config_ops).
 *
 * Source: drivers/vhost/vdpa.c; virtio-1.2 2.1, 3.1, 5.2
 */
#ifndef MODEL_VDPA_H
#define MODEL_VDPA_H

#include "model/map.h"
#include "seam/fault.h"

struct model_dev;
struct model_peer;
struct vq;

/** VDPA_PATH - of its node, which is there while the peer runs */
#define VDPA_PATH "/dev/vhost-vdpa-0"

/** VDPA_SPACES - address spaces; VDPA_RINGS - rings, all in group 0 */
#define VDPA_SPACES 2u
#define VDPA_RINGS 1u

/** VDPA_NUM_MAX - most descriptors of a ring */
#define VDPA_NUM_MAX 256u

/** VDPA_IOVA_LAST - where its addresses end */
#define VDPA_IOVA_LAST UINT64_C(0xffffffffffff)

/**
 * struct vdpa_state - what vhost-vdpa adds to a device
 * @status, @status_before: VIRTIO_CONFIG_S_*; what it was before it was last set
 * @suspended:	VHOST_VDPA_SUSPEND
 * @features_set: VHOST_SET_FEATURES since the reset
 * @enabled:	VHOST_VDPA_SET_VRING_ENABLE, by ring
 * @asid:	address space of the group
 * @space:	mappings, by address space, if @used
 * @in_batch:	between the ends of a batch of @batch_asid; what the device has is older
 * @updates:	messages that mapped something
 * @config_call: own duplicate of the eventfd, -1 without
 */
struct vdpa_state {
	uint8_t status, status_before;
	bool suspended, features_set;
	bool enabled[VDPA_RINGS];
	uint32_t asid;
	struct map_table space[VDPA_SPACES];
	bool used[VDPA_SPACES];
	bool in_batch;
	uint32_t batch_asid;
	unsigned int updates;
	int config_call;
};

/** DISK_SECTORS - of the file behind the device; DISK_SECTOR - bytes of one */
#define DISK_SECTORS 2048u
#define DISK_SECTOR 512u

/** vdpa_init() - a closed device; @d is one of family_vdpa otherwise */
void vdpa_init(struct model_dev *d);

/** vdpa_space_set() - hand the mappings of the group's address space to the device */
int vdpa_space_set(struct model_dev *d);

/** vdpa_spaces_clear() - forget all mappings */
void vdpa_spaces_clear(struct model_dev *d);

/** vdpa_messages_write() - write(2) of the device: IOTLB messages */
ssize_t vdpa_messages_write(struct dev *dev, const void *buf, size_t len);

/* ---------------------------------------------------------- vdpa_disk.c */

/** disk_handle() - serve the requests of a ring */
void disk_handle(struct vq *vq);

/** disk_config() - the configuration space; @room bytes into @to. How many it has */
size_t disk_config(const struct model_dev *d, void *to, size_t room);

/** disk_start() - the file; disk_done() - no file. 0 or -ENOMEM */
int disk_start(struct model_peer *p);
void disk_done(struct model_peer *p);

/** disk_order() - do an order, and answer it */
void disk_order(struct model_peer *p);

/** disk_target() - struct peer_target of the device, as in struct peer_ops */
int disk_target(const struct model_peer *p, struct peer_target *ret);

#endif
