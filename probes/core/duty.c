/* SPDX-License-Identifier: MIT */
#include "core/duty_rows.h"

static const struct duty *find_in(const struct duty *rows, size_t n, enum bit_space space,
				  enum family family, unsigned int bit)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].space == space && rows[i].bit == bit &&
		    rows[i].families & FAMILY_BIT(family))
			return &rows[i];
	return NULL;
}

const struct duty *duty_find(enum bit_space space, enum family family, unsigned int bit)
{
	return family == FAMILY_VDPA
		       ? find_in(duty_vdpa, duty_vdpa_count, space, family, bit)
		       : find_in(duty_vhost, duty_vhost_count, space, family, bit);
}

const struct duty_since *duty_since(const struct duty *d, enum family family)
{
	for (const struct duty_since *s = d->since; s->families; s++)
		if (s->families & FAMILY_BIT(family))
			return s;
	return NULL;
}

bool duty_pass(enum family family, struct feature_set *ret)
{
	*ret = (struct feature_set){ 0 };
	if (family == FAMILY_VDPA)
		return false;
	for (size_t i = 0; i < duty_vhost_count; i++) {
		const struct duty *d = &duty_vhost[i];

		if (d->space == BITS_FEATURES && d->pass && duty_since(d, family))
			ret->word[d->bit / 64] |= BIT64(d->bit % 64);
	}
	return true;
}
