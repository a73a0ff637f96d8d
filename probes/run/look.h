/* SPDX-License-Identifier: MIT */
/* What a device offers, found out by asking it. */
#ifndef RUN_LOOK_H
#define RUN_LOOK_H

#include "run/runner.h"

/**
 * enum look_policy - what arms the device IOTLB
 * @LOOK_UNKNOWN:	not tried, or neither of the others
 * @LOOK_NO_IOTLB:	nothing: bit 33 is not offered
 * @LOOK_STRICT:	bit 33, at once: an unmapped start was refused and missed
 * @LOOK_GATED:		bit 33, once backend features were set: then it was refused
 * @LOOK_LENIENT:	the first IOTLB message: refused only after that. Until then the
 *			device reaches all memory, whatever the bit promised
 *
 * Source: vhost_init_device_iotlb() and vhost_vq_init_access() in drivers/vhost/vhost.c;
 * the other two are proposals of the thread lkml 20220805181105.GA29848@willie-the-truck
 */
enum look_policy {
	LOOK_UNKNOWN,
	LOOK_NO_IOTLB,
	LOOK_STRICT,
	LOOK_GATED,
	LOOK_LENIENT
};

/**
 * struct look - the answers
 * @opened:	the device was opened; else @err is the errno of open(2)
 * @features, @backend: masks, where @has_* is set; bits above 63 of those that have
 *		VHOST_GET_FEATURES_ARRAY: @has_array
 * @accepted:	the bits of @features that VHOST_SET_FEATURES, or for those above 63
 *		VHOST_SET_FEATURES_ARRAY, took one at a time
 * @policy:	enum look_policy
 * @type:	of a vDPA device, its virtio device id; else 0
 */
struct look {
	bool opened, has_features, has_backend, has_array;
	int err;
	struct feature_set features, accepted;
	uint64_t backend;
	int policy;
	uint32_t type;
};

/**
 * look_act() - the collector: asks, and proves each offered bit by setting it
 * @s:		session
 * @arg:	unused
 *
 * For struct task.act. Return: 0 or -errno.
 */
int look_act(struct session *s, const void *arg);

/** look_read() - the answers from the evidence of look_act() */
void look_read(const struct evidence *e, struct look *ret);

/** look_bit_errno() - how setting one bit alone ended: 0, an errno, or -1 if not tried */
int look_bit_errno(const struct evidence *e, unsigned int bit);

#endif
