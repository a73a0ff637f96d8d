/* SPDX-License-Identifier: MIT */
/* Feature bits as `vhostcheck explain` shows them. */
#ifndef CMD_EXPLAIN_H
#define CMD_EXPLAIN_H

#include "base/bits.h"

/**
 * struct explain_meaning - what a bit is under one name
 * @space:	enum bit_space
 * @devices:	const char *: families that have it under this name
 * @meaning, @obliges, @source: as struct feature_text
 */
struct explain_meaning {
	int64_t bit; /* not printed */
	const char *name;
	int space;
	struct rec_list devices;
	const char *meaning, *obliges, *source;
};

/** struct explain_bit - a bit; @meanings: struct explain_meaning, one for each name */
struct explain_bit {
	int64_t bit;
	struct rec_list meanings;
};

extern const struct rec_shape explain_bit_shape;

/**
 * explain_bits_load() - every feature that has a name
 * @a:		arena of the result
 * @ret:	struct explain_meaning are added, by space and number
 *
 * Return: 0; -ENOMEM.
 */
int explain_bits_load(struct arena *a, struct rec_list *ret) must_check_;

/**
 * explain_bits_names() - their names
 * @a:		arena of the result
 * @bits:	from explain_bits_load()
 * @ret:	const char * are added
 *
 * Return: 0; -ENOMEM.
 */
int explain_bits_names(struct arena *a, const struct rec_list *bits, struct rec_list *ret)
	must_check_;

/**
 * explain_bits_find() - a bit by number or name
 * @a:		arena of the result
 * @bits:	from explain_bits_load()
 * @word:	number, which may have several names, or a name, also without VIRTIO_
 * @ret:	receives the bit, or NULL if no feature is called so
 *
 * Return: 0; -ENOMEM.
 */
int explain_bits_find(struct arena *a, const struct rec_list *bits, const char *word,
		      struct explain_bit **ret) must_check_;

#endif
