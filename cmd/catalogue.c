/* SPDX-License-Identifier: MIT */
#include "checks/catalogue.h"
#include "checks/findings.h"
#include "cmd/catalogue.h"

#define ROW(member, type) REC_FIELD(struct catalogue_entry, member, type)
#define ROW_ENUM(member, names)                                                          \
	{                                                                                \
#member, REC_ENUM, offsetof(struct catalogue_entry, member), false,      \
			names                                                            \
	}

static const struct rec_field entry_fields[] = {
	ROW(id, REC_STR),
	ROW(family, REC_STR),
	ROW(area, REC_STR),
	ROW(title, REC_STR),
	ROW(contract, REC_STR),
	ROW(harm, REC_STR),
	ROW(judged, REC_STR),
	ROW_ENUM(severity, severity_names),
	ROW_ENUM(risk, risk_names),
	ROW(since, REC_STR),
	ROW(needs, REC_STRS),
	ROW(refs, REC_STRS),
	ROW(faults, REC_STRS),
	{ "known", REC_LIST, offsetof(struct catalogue_entry, known), false,
	  &report_known_shape },
	{ 0 },
};

const struct rec_shape catalogue_entry_shape = {
	.name = "check",
	.size = sizeof(struct catalogue_entry),
	.field = entry_fields,
};

static const struct rec_field catalogue_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-checks/1" },
	{ "checks", REC_LIST, offsetof(struct catalogue, checks), false,
	  &catalogue_entry_shape },
	{ 0 },
};

const struct rec_shape catalogue_shape = {
	.name = "checks",
	.size = sizeof(struct catalogue),
	.field = catalogue_fields,
};

static int add_words(struct arena *a, const char *const *words, struct rec_list *ret)
{
	int r = 0;

	for (; words && *words && r == 0; words++)
		r = rec_list_add(a, ret, *words);
	return r;
}

static int add_needs(struct arena *a, const struct check *check, enum family family,
		     struct rec_list *ret)
{
	const struct feature_set need = { { check->need, check->need_high } };
	const struct mask *mask = mask_make(a, BITS_FEATURES, family, &need);
	int r = mask ? 0 : -ENOMEM;

	for (size_t i = 0; mask && i < mask->names.count && r == 0; i++)
		r = rec_list_add(a, ret, mask->names.item[i]);
	if (r == 0 && check->need_array)
		r = rec_list_add(a, ret, "VHOST_GET_FEATURES_ARRAY");
	if (r == 0 && check->need_type)
		r = rec_list_add(a, ret,
				 arena_printf(a, "virtio type %u", check->need_type));
	return r == 0 && check->need_peer ? rec_list_add(a, ret, "peer") : r;
}

static int add_known(struct arena *a, const struct check *check, struct rec_list *ret)
{
	for (size_t i = 0; i < finding_count; i++) {
		const struct finding *f = &findings[i];
		struct report_known *k = NULL;

		if (f->check != check)
			continue;
		k = rec_list_new(a, ret, sizeof(*k));
		if (!k)
			return -ENOMEM;
		*k = (struct report_known){ f->since, f->fixed_by, f->text };
	}
	return 0;
}

static int add_entry(struct arena *a, const struct check *check, enum family family,
		     struct rec_list *ret)
{
	struct catalogue_entry *e = rec_list_new(a, ret, sizeof(*e));
	int r = 0;

	if (!e)
		return -ENOMEM;
	*e = (struct catalogue_entry){
		.id = check_id(a, check, family),
		.family = family_names[family],
		.area = check->area,
		.title = check->title,
		.contract = check->contract,
		.harm = check->harm,
		.judged = check->judged,
		.severity = check->severity,
		.risk = check->risk,
		.since = check->since,
	};
	r = e->id ? add_needs(a, check, family, &e->needs) : -ENOMEM;
	if (r == 0)
		r = add_words(a, check->refs, &e->refs);
	if (r == 0)
		r = add_words(a, check->faults, &e->faults);
	return r == 0 ? add_known(a, check, &e->known) : r;
}

int catalogue_load(struct arena *a, struct catalogue *ret)
{
	int r = 0;

	for (size_t i = 0; i < check_catalogue_count; i++)
		for (int f = 0; f < FAMILY_NUM && r == 0; f++)
			if (check_catalogue[i]->families & FAMILY_BIT(f))
				r = add_entry(a, check_catalogue[i], (enum family)f,
					      &ret->checks);
	return r;
}

int catalogue_ids(struct arena *a, const struct catalogue *c, struct rec_list *ret)
{
	int r = 0;

	for (size_t i = 0; i < c->checks.count && r == 0; i++) {
		const struct catalogue_entry *e = c->checks.item[i];

		r = rec_list_add(a, ret, e->id);
	}
	return r;
}
