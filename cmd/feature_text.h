/* SPDX-License-Identifier: MIT */
/* What the feature bits mean to whoever sends them to a vhost device. */
#ifndef CMD_FEATURE_TEXT_H
#define CMD_FEATURE_TEXT_H

#include "base/bits.h"

/**
 * struct feature_text - one feature by its UAPI name
 * @name:	as bit_name() has it
 * @meaning:	what the bit says, one sentence
 * @obliges:	what VHOST_SET_FEATURES with it obliges the sender to
 * @source:	where that can be read
 */
struct feature_text {
	const char *name, *meaning, *obliges, *source;
};

/**
 * feature_text_find() - what is known of a feature
 * @name:	UAPI name
 *
 * Return: static, or NULL if there is no such feature.
 */
const struct feature_text *feature_text_find(const char *name);

#endif
