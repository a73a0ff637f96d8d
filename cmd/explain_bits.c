/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/number.h"
#include "checks/catalogue.h"
#include "cmd/explain.h"

static const char *const space_names[] = { "features", "backend_features", NULL };

static const struct rec_field since_fields[] = {
	REC_FIELD(struct explain_since, devices, REC_STRS),
	REC_FIELD(struct explain_since, release, REC_STR),
	{ "commit", REC_STR, offsetof(struct explain_since, commit), true, NULL },
	{ 0 },
};

static const struct rec_shape since_shape = {
	.name = "since",
	.size = sizeof(struct explain_since),
	.field = since_fields,
};

static const struct rec_field meaning_fields[] = {
	REC_FIELD(struct explain_meaning, name, REC_STR),
	{ "space", REC_ENUM, offsetof(struct explain_meaning, space), false,
	  space_names },
	REC_FIELD(struct explain_meaning, devices, REC_STRS),
	{ "alias", REC_STR, offsetof(struct explain_meaning, alias), true, NULL },
	REC_FIELD(struct explain_meaning, meaning, REC_STR),
	REC_FIELD(struct explain_meaning, host, REC_STR),
	REC_FIELD(struct explain_meaning, obliges, REC_STR),
	REC_FIELD(struct explain_meaning, otherwise, REC_STR),
	REC_FIELD(struct explain_meaning, pass_through, REC_BOOL),
	{ "since", REC_LIST, offsetof(struct explain_meaning, since), false,
	  &since_shape },
	REC_FIELD(struct explain_meaning, checks, REC_STRS),
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

static const struct rec_field listed_fields[] = {
	REC_FIELD(struct explain_meaning, bit, REC_INT),
	{ "meaning", REC_INLINE, 0, false, &meaning_shape },
	{ 0 },
};

const struct rec_shape explain_listed_shape = {
	.name = "feature_duty",
	.size = sizeof(struct explain_meaning),
	.field = listed_fields,
};

/* ----------------------------------------------------------------- loading */

/* Whether a check is called "area.name". */
static bool check_is(const struct check *c, const char *word)
{
	size_t area = strlen(c->area);

	return !strncmp(c->area, word, area) && word[area] == '.' &&
	       !strcmp(c->name, word + area + 1);
}

static int add_checks(struct arena *a, const struct duty *d, enum family family,
		      struct rec_list *ret)
{
	int r = 0;

	for (size_t i = 0; d->checks && d->checks[i]; i++)
		for (size_t k = 0; k < check_catalogue_count && r == 0; k++)
			if (check_catalogue[k]->families & FAMILY_BIT(family) &&
			    check_is(check_catalogue[k], d->checks[i]))
				r = rec_list_add(a, ret,
						 check_id(a, check_catalogue[k], family));
	return r;
}

static int add_since(struct arena *a, const struct duty *d, enum family family,
		     struct rec_list *ret)
{
	const struct duty_since *known = duty_since(d, family);
	struct explain_since *s = NULL;

	if (!known)
		return 0;
	for (size_t i = 0; i < ret->count; i++) {
		struct explain_since *have = ret->item[i];

		if (have->release == known->release && have->commit == known->commit)
			s = have;
	}
	if (!s) {
		s = rec_list_new(a, ret, sizeof(*s));
		if (!s)
			return -ENOMEM;
		s->release = known->release;
		s->commit = known->commit;
	}
	return rec_list_add(a, &s->devices, family_names[family]);
}

static struct explain_meaning *meaning_of(struct arena *a, const struct duty *d,
					  enum family family, struct rec_list *list)
{
	struct explain_meaning *m = NULL;

	for (size_t i = 0; i < list->count; i++) {
		m = list->item[i];
		if (m->duty == d)
			return m;
	}
	m = rec_list_new(a, list, sizeof(*m));
	if (m)
		*m = (struct explain_meaning){
			.duty = d,
			.bit = d->bit,
			.name = bit_name(d->space, family, d->bit),
			.space = (int)d->space,
			.alias = d->alias,
			.meaning = d->meaning,
			.host = d->host,
			.obliges = d->obliges,
			.otherwise = d->otherwise,
			.pass_through = d->pass,
			.source = d->source,
		};
	return m;
}

int explain_meaning_add(struct arena *a, const struct duty *d, enum family family,
			struct rec_list *ret)
{
	struct explain_meaning *m = meaning_of(a, d, family, ret);
	int r = m ? rec_list_add(a, &m->devices, family_names[family]) : -ENOMEM;

	if (r == 0)
		r = add_since(a, d, family, &m->since);
	return r == 0 ? add_checks(a, d, family, &m->checks) : r;
}

int explain_bits_load(struct arena *a, struct rec_list *ret)
{
	static const enum bit_space spaces[] = { BITS_FEATURES, BITS_BACKEND };
	int r = 0;

	for (size_t s = 0; s < ARRAY_SIZE(spaces); s++)
		for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
			for (int f = 0; f < FAMILY_NUM && r == 0; f++) {
				const struct duty *d =
					duty_find(spaces[s], (enum family)f, bit);

				if (d)
					r = explain_meaning_add(a, d, (enum family)f,
								ret);
			}
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

/* -------------------------------------------------------------------- text */

static void print_part(struct page *p, size_t indent, const char *label, const char *text)
{
	page_pad_to(p, indent);
	page_put_toned(p, TONE_DIM, label);
	page_wrap(p, indent + 2, text);
	page_newline(p);
}

/* Words with commas between; a full stop after the last. */
static void print_series(struct page *p, size_t indent, const struct rec_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		page_wrapf(p, indent, "%s%s", (const char *)words->item[i],
			   i + 1 < words->count ? "," : ".");
}

static void print_since(struct page *p, size_t indent, const struct explain_since *s)
{
	page_pad_to(p, indent);
	page_put_toned(p, TONE_DIM, "Since:");
	page_wrapf(p, indent + 2, "Linux %s,", s->release);
	if (s->commit)
		page_wrapf(p, indent + 2, "commit %s,", s->commit);
	page_wrap(p, indent + 2, "on");
	print_series(p, indent + 2, &s->devices);
	page_newline(p);
}

/* What a VMM without IOTLB support does with a bit; it drives no vDPA device. */
static const char *without_iotlb(const struct explain_meaning *m)
{
	if (m->duty->families == FAMILY_BIT(FAMILY_VDPA))
		return NULL;
	if (m->space == BITS_BACKEND)
		return "sends no backend feature.";
	return m->pass_through ? "may send it if its guest acknowledged it."
			       : "takes it out, whatever its guest acknowledged.";
}

void explain_meaning_print(struct page *p, size_t indent, const struct explain_meaning *m)
{
	const char *without = without_iotlb(m);

	print_part(p, indent, "Meaning:", m->meaning);
	print_part(p, indent, "In the host:", m->host);
	print_part(p, indent, "The VMM must:", m->obliges);
	print_part(p, indent, "If it does not:", m->otherwise);
	if (without)
		print_part(p, indent, "A VMM without IOTLB support:", without);
	for (size_t i = 0; i < m->since.count; i++)
		print_since(p, indent, m->since.item[i]);
	if (m->checks.count) {
		page_pad_to(p, indent);
		page_put_toned(p, TONE_DIM, "Checks:");
		print_series(p, indent + 2, &m->checks);
		page_newline(p);
	}
	print_part(p, indent, "Source:", m->source);
}
