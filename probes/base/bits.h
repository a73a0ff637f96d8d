/* SPDX-License-Identifier: MIT */
/* Names of the feature bits, per device family. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/arena.h"
#include "base/record.h"

/**
 * enum family - the vhost drivers, in the order in which reports list them
 */
enum family {
	FAMILY_NET,
	FAMILY_VSOCK,
	FAMILY_SCSI,
	FAMILY_VDPA,
	FAMILY_NUM
};

/** FAMILY_BIT() - a family as a member of a set */
#define FAMILY_BIT(f) (1u << (f))

/** family_names - "net", "vsock", "scsi", "vdpa", ended by NULL */
extern const char *const family_names[FAMILY_NUM + 1];

/** FEATURE_WORDS - 64-bit words of a feature set (vhost-net has bits above 63) */
#define FEATURE_WORDS 2

/** FEATURE_BITS - their bits */
#define FEATURE_BITS 128u

/**
 * struct feature_set - feature bits, bit n in word n / 64
 */
struct feature_set {
	uint64_t word[FEATURE_WORDS];
};

/** BIT64() - the mask of one bit below 64 */
#define BIT64(n) (UINT64_C(1) << (n))

/**
 * struct mask - a feature set as reports show it
 * @hex:	lower case, no leading zeros, any width
 * @names:	strings, from the lowest bit up
 * @unknown_bits: int64_t numbers of the bits that have no name here
 */
struct mask {
	const char *hex;
	struct rec_list names, unknown_bits;
};

extern const struct rec_shape mask_shape;

/** enum bit_space - which of a device's two feature words a bit is of */
enum bit_space {
	BITS_FEATURES,
	BITS_BACKEND
};

/**
 * bit_name() - the UAPI name of a feature bit
 * @space:	device or backend features
 * @family:	device that offers it: bit 27 is VHOST_NET_F_VIRTIO_NET_HDR on vhost-net
 *		and VIRTIO_F_ANY_LAYOUT elsewhere
 * @bit:	number
 *
 * Return: static string, or NULL if the bit has no name.
 * Source: include/uapi/linux/virtio_config.h, virtio_net.h, vhost_types.h (6.18)
 */
const char *bit_name(enum bit_space space, enum family family, unsigned int bit);

/**
 * bit_number() - the number of a bit from its name
 * @family:	device
 * @name:	UAPI name, also without its VIRTIO_ prefix, or a decimal number
 *
 * Return: the number; -ENOENT if it is neither.
 */
int bit_number(enum family family, const char *name);

/**
 * mask_make() - describe a feature set
 * @a:		arena of the result
 * @space:	device or backend features
 * @family:	device
 * @set:	the bits
 *
 * Return: the mask, or NULL when memory is exhausted.
 */
struct mask *mask_make(struct arena *a, enum bit_space space, enum family family,
		       const struct feature_set *set) must_check_;

/**
 * mask_set() - the bits that a mask names
 * @m:	made by mask_make(), or read from a report with mask_shape
 *
 * Return: its lowest FEATURE_BITS.
 */
struct feature_set mask_set(const struct mask *m);

/** feature_set_has() - whether a bit below FEATURE_BITS is in a set */
bool feature_set_has(const struct feature_set *set, unsigned int bit);

#endif
