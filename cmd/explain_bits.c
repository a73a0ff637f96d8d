/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/number.h"
#include "cmd/explain.h"
#include "cmd/feature_text.h"

static const char *const space_names[] = { "features", "backend_features", NULL };

static const struct rec_field meaning_fields[] = {
	REC_FIELD(struct explain_meaning, name, REC_STR),
	{ "space", REC_ENUM, offsetof(struct explain_meaning, space), false,
	  space_names },
	REC_FIELD(struct explain_meaning, devices, REC_STRS),
	REC_FIELD(struct explain_meaning, meaning, REC_STR),
	REC_FIELD(struct explain_meaning, obliges, REC_STR),
	REC_FIELD(struct explain_meaning, source, REC_STR),
	{ 0 },
};

static const struct rec_shape meaning_shape = {
	.name = "meaning",
	.size = sizeof(struct explain_meaning),
	.field = meaning_fields,
};

static const struct rec_field bit_fields[] = {
	REC_FIELD(struct explain_bit, bit, REC_INT),
	{ "meanings", REC_LIST, offsetof(struct explain_bit, meanings), false,
	  &meaning_shape },
	{ 0 },
};

const struct rec_shape explain_bit_shape = {
	.name = "feature_bit",
	.size = sizeof(struct explain_bit),
	.field = bit_fields,
};

static struct explain_meaning *find_name(const struct rec_list *bits, const char *name)
{
	for (size_t i = 0; i < bits->count; i++) {
		struct explain_meaning *m = bits->item[i];

		if (!strcmp(m->name, name))
			return m;
	}
	return NULL;
}

static int add_name(struct arena *a, enum bit_space space, enum family family,
		    unsigned int bit, struct rec_list *ret)
{
	const char *name = bit_name(space, family, bit);
	const struct feature_text *text = name ? feature_text_find(name) : NULL;
	struct explain_meaning *m = NULL;

	if (!text)
		return 0;
	m = find_name(ret, name);
	if (!m) {
		m = rec_list_new(a, ret, sizeof(*m));
		if (!m)
			return -ENOMEM;
		*m = (struct explain_meaning){ .bit = bit,
					       .name = name,
					       .space = (int)space,
					       .meaning = text->meaning,
					       .obliges = text->obliges,
					       .source = text->source };
	}
	return rec_list_add(a, &m->devices, family_names[family]);
}

int explain_bits_load(struct arena *a, struct rec_list *ret)
{
	static const enum bit_space spaces[] = { BITS_FEATURES, BITS_BACKEND };
	int r = 0;

	for (size_t s = 0; s < ARRAY_SIZE(spaces); s++)
		for (unsigned int bit = 0; bit < 64 * FEATURE_WORDS; bit++)
			for (int f = 0; f < FAMILY_NUM && r == 0; f++)
				r = add_name(a, spaces[s], (enum family)f, bit, ret);
	return r;
}

int explain_bits_names(struct arena *a, const struct rec_list *bits, struct rec_list *ret)
{
	int r = 0;

	for (size_t i = 0; i < bits->count && r == 0; i++)
		r = rec_list_add(a, ret,
				 ((const struct explain_meaning *)bits->item[i])->name);
	return r;
}

static bool is_called(const struct explain_meaning *m, const char *word)
{
	static const char prefix[] = "VIRTIO_";
	const char *bare = strncmp(m->name, prefix, sizeof(prefix) - 1) != 0
				   ? m->name
				   : m->name + sizeof(prefix) - 1;

	return m->bit == number_of(word) || !strcasecmp(m->name, word) ||
	       !strcasecmp(bare, word);
}

int explain_bits_find(struct arena *a, const struct rec_list *bits, const char *word,
		      struct explain_bit **ret)
{

	struct explain_bit *b = NULL;

	*ret = NULL;
	for (size_t i = 0; i < bits->count; i++) {
		const struct explain_meaning *m = bits->item[i];

		if (!is_called(m, word))
			continue;
		if (!b)
			b = arena_alloc(a, sizeof(*b));
		if (!b || rec_list_add(a, &b->meanings, m) < 0)
			return -ENOMEM;
		b->bit = m->bit;
	}
	*ret = b;
	return 0;
}
