/* SPDX-License-Identifier: MIT */
/*
 * IOTLB messages as bytes, both versions. Pure: the session carries them.
 *
 * Source: struct vhost_msg, vhost_msg_v2 in include/uapi/linux/vhost_types.h;
 * vhost_chr_write_iter(), vhost_chr_read_iter() in drivers/vhost/vhost.c
 */
#ifndef GUEST_IOTLB_H
#define GUEST_IOTLB_H

#include <linux/vhost_types.h>

#include "core/evidence.h"

/** IOTLB_MSG_BYTES - length of a message, the same in both versions */
#define IOTLB_MSG_BYTES sizeof(struct vhost_msg)

/**
 * struct iotlb_msg - one message
 * @version:	1 or 2
 * @asid:	address space, version 2 only
 * @iova, @size, @uaddr: range and the address in this process that it maps to
 * @perm:	VHOST_ACCESS_*
 * @type:	VHOST_IOTLB_*
 */
struct iotlb_msg {
	int version;
	uint32_t asid;
	uint64_t iova, size, uaddr;
	uint8_t perm, type;
};

/**
 * iotlb_encode() - lay a message out
 * @msg:	message
 * @buf:	IOTLB_MSG_BYTES, all written
 */
void iotlb_encode(const struct iotlb_msg *msg, unsigned char *buf);

/**
 * iotlb_decode() - read a message back
 * @buf:	IOTLB_MSG_BYTES as the device gave them
 * @ret_msg:	message
 * @ret_clean:	whether all bytes that carry no field are zero (CVE-2024-0340)
 *
 * Return: 0; -EBADMSG if the outer type is neither version.
 */
int iotlb_decode(const unsigned char *buf, struct iotlb_msg *ret_msg, bool *ret_clean)
	must_check_;

/** iotlb_msg_word() - a VHOST_IOTLB_* type as evidence names it */
enum ev_iotlb_msg iotlb_msg_word(uint8_t type);

/** iotlb_perm_word() - VHOST_ACCESS_* as evidence names it */
enum ev_perm iotlb_perm_word(uint8_t perm);

#endif
