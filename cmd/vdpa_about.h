/* SPDX-License-Identifier: MIT */
/* What the kernel tells of a vDPA device by netlink, without its node being opened. */
#ifndef CMD_VDPA_ABOUT_H
#define CMD_VDPA_ABOUT_H

#include "base/record.h"

/**
 * struct vdpa_about - a vDPA device
 * @name:	on the bus vdpa
 * @mgmt:	management device: "vduse", "pci/0000:01:00.0"
 * @type:	virtio device id
 * @queues:	rings that it has
 * @queue_size:	most descriptors of a ring
 */
struct vdpa_about {
	const char *name, *mgmt;
	int64_t type, queues, queue_size;
};

extern const struct rec_shape vdpa_about_shape;

/**
 * vdpa_about() - describe the device behind a node
 * @a:		arena of the result
 * @path:	"/dev/vhost-vdpa-0"
 * @ret:	receives it; NULL if the kernel does not tell
 *
 * Return: 0; -ENOMEM.
 */
int vdpa_about(struct arena *a, const char *path, struct vdpa_about **ret) must_check_;

/** vdpa_about_text() - "vd0 of vduse: block, 2 queues of up to 256"; NULL: no memory */
const char *vdpa_about_text(struct arena *a, const struct vdpa_about *about);

#endif
