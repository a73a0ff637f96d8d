/* SPDX-License-Identifier: MIT */
/*
 * The generic-netlink family "vdpa": what vDPA devices there are, told by the kernel
 * without a node being opened; and how one is added and removed. Encoding and decoding
 * are pure.
 *
 * Source: include/uapi/linux/vdpa.h, drivers/vdpa/vdpa.c (vdpa_nl_ops[]).
 */
#ifndef SEAM_VDPA_NETLINK_H
#define SEAM_VDPA_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct nlmsghdr;

/** VDPA_NAME - bytes of a name here, its NUL included; longer ones are cut */
#define VDPA_NAME 64

/** VDPA_MESSAGE - bytes that hold any message that is sent */
#define VDPA_MESSAGE 512

/**
 * struct vdpa_device - a vDPA device, as VDPA_CMD_DEV_GET tells of it
 * @name:	of the device on the bus vdpa
 * @mgmt:	its management device: "vduse", "pci/0000:01:00.0"
 * @type:	virtio device id: 1 net, 2 block
 * @vendor:	id of the vendor
 * @max_vqs:	how many rings it has
 * @max_vq_size, @min_vq_size: descriptors of a ring; 0 if not told
 */
struct vdpa_device {
	char name[VDPA_NAME], mgmt[VDPA_NAME];
	uint32_t type, vendor, max_vqs;
	unsigned int max_vq_size, min_vq_size;
};

/**
 * enum vdpa_order - what is asked of the kernel
 * @VDPA_ORDER_FAMILY:	which number the family has
 * @VDPA_ORDER_MGMTDEVS: all management devices
 * @VDPA_ORDER_DEVICES:	all devices
 * @VDPA_ORDER_ADD:	add a device, of the management device of that name
 * @VDPA_ORDER_DELETE:	remove a device
 */
enum vdpa_order {
	VDPA_ORDER_FAMILY,
	VDPA_ORDER_MGMTDEVS,
	VDPA_ORDER_DEVICES,
	VDPA_ORDER_ADD,
	VDPA_ORDER_DELETE
};

/**
 * struct vdpa_message - what vdpa_encode() makes a message of
 * @order:	what to do
 * @family:	number of the family; not for VDPA_ORDER_FAMILY
 * @seq:	number that answers carry
 * @name, @mgmt: of VDPA_ORDER_ADD and, @name alone, _DELETE; below VDPA_NAME
 */
struct vdpa_message {
	enum vdpa_order order;
	uint16_t family;
	uint32_t seq;
	const char *name, *mgmt;
};

/**
 * vdpa_encode() - make a message
 * @m:		message
 * @buf:	VDPA_MESSAGE bytes, aligned as for any object
 *
 * Return: how many bytes it has.
 */
size_t vdpa_encode(const struct vdpa_message *m, void *buf);

/** vdpa_decode_family() - the number of the family. 0; -EBADMSG */
int vdpa_decode_family(const struct nlmsghdr *nlh, uint16_t *ret);

/** vdpa_decode_device() - a device, or the name of a management device in @mgmt alone.
 * 0; -EBADMSG if neither is in it
 */
int vdpa_decode_device(const struct nlmsghdr *nlh, struct vdpa_device *ret);

/**
 * typedef vdpa_device_fn - is told of one device or management device
 *
 * Return: 0, or -errno, which ends the search.
 */
typedef int vdpa_device_fn(void *ctx, const struct vdpa_device *device);

/**
 * vdpa_netlink_each() - VDPA_ORDER_MGMTDEVS or VDPA_ORDER_DEVICES
 * @order:	which
 * @fn:		is told of each
 * @ctx:	for it
 *
 * Asks nothing where there is no bus vdpa, so that no module is loaded. Return: 0;
 * -ENOENT without the bus or the family; -errno of the kernel or of @fn; -EBADMSG.
 */
int vdpa_netlink_each(enum vdpa_order order, vdpa_device_fn *fn, void *ctx) must_check_;

/**
 * vdpa_netlink_add() - add a device
 * @name:	name of it
 * @mgmt:	of its management device, without a bus: "vduse"
 *
 * Return: 0; -ENOENT without the bus or the family; -errno of the kernel (-EPERM,
 * -ENODEV without the management device, -EEXIST, of vduse -EINVAL while the device is
 * not set up).
 */
int vdpa_netlink_add(const char *name, const char *mgmt) must_check_;

/**
 * vdpa_netlink_delete() - remove a device
 *
 * Sleeps in the kernel while its node is open (vhost_vdpa_remove() in
 * drivers/vhost/vdpa.c). Return: as vdpa_netlink_add(); -ENODEV if it is not there.
 */
int vdpa_netlink_delete(const char *name) must_check_;

#endif
