/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cmd/explain.h"
#include "cmd/features_explain.h"

enum {
	INDENT = 2,
	DEEPER = 6,
};

/* Bits below this number mean what the device's type says. */
#define VDPA_OF_TYPE 24

static bool has_name(const struct mask *m, const char *name)
{
	for (size_t i = 0; i < m->names.count; i++)
		if (!strcmp(m->names.item[i], name))
			return true;
	return false;
}

/* What could not be asked is taken to offer what some kernel offers. */
static bool is_offered(const struct report_device *d, const struct duty *duty)
{
	enum family family = (enum family)d->kind;
	const struct mask *m =
		duty->space == BITS_BACKEND ? d->backend_features : d->features;

	if (!d->features)
		return duty_since(duty, family);
	return m && has_name(m, bit_name(duty->space, family, duty->bit));
}

static int add_space(struct arena *a, const struct report_device *d, enum bit_space space,
		     struct rec_list *ret)
{
	enum family family = (enum family)d->kind;
	int r = 0;

	for (unsigned int bit = 0; bit < FEATURE_BITS && r == 0; bit++) {
		const struct duty *duty = duty_find(space, family, bit);

		if (duty && is_offered(d, duty))
			r = explain_meaning_add(a, duty, family, ret);
	}
	return r;
}

/* Of what is offered; a bit without a row is never among it. */
static struct mask *pass_mask(struct arena *a, enum family family,
			      const struct rec_list *duties,
			      const struct feature_set *pass)
{
	struct feature_set set = { 0 };

	for (size_t i = 0; i < duties->count; i++) {
		const struct duty *d =
			((const struct explain_meaning *)duties->item[i])->duty;

		if (d->space == BITS_FEATURES)
			set.word[d->bit / 64] |=
				pass->word[d->bit / 64] & BIT64(d->bit % 64);
	}
	return mask_make(a, BITS_FEATURES, family, &set);
}

int features_explain(struct arena *a, const struct report_device *d,
		     struct features_duties *ret)
{
	enum family family = (enum family)d->kind;
	struct feature_set pass;
	int r = add_space(a, d, BITS_FEATURES, &ret->duties);

	if (r == 0)
		r = add_space(a, d, BITS_BACKEND, &ret->duties);
	if (r < 0 || !duty_pass(family, &pass))
		return r;
	ret->without_iotlb = pass_mask(a, family, &ret->duties, &pass);
	return ret->without_iotlb ? 0 : -ENOMEM;
}

/* -------------------------------------------------------------------- text */

static void print_space(struct page *p, const struct rec_list *duties, int space)
{
	for (size_t i = 0; i < duties->count; i++) {
		const struct explain_meaning *m = duties->item[i];

		if (m->space != space)
			continue;
		page_newline(p);
		page_wrapf(p, INDENT, "%s bit %" PRId64 ":",
			   space == BITS_BACKEND ? "Backend feature" : "Feature", m->bit);
		page_put(p, " ");
		page_put_toned(p, TONE_BOLD, m->alias ? m->alias : m->name);
		if (m->alias)
			page_wrapf(p, INDENT, "(%s)", m->name);
		page_newline(p);
		explain_meaning_print(p, DEEPER, m);
	}
}

static void print_unknown(struct page *p, const struct report_device *d)
{
	for (size_t i = 0; d->features && i < d->features->unknown_bits.count; i++) {
		int64_t bit = *(int64_t *)d->features->unknown_bits.item[i];
		bool of_type = d->kind == FAMILY_VDPA && bit < VDPA_OF_TYPE;

		page_newline(p);
		page_wrapf(p, INDENT, "Feature bit %" PRId64 "%s", bit,
			   of_type ? " is of the device's type: send it exactly if the "
				     "guest acknowledged it."
				   : " has no name here: a VMM does not send what it "
				     "does not know.");
		page_newline(p);
	}
}

/* The name of a family, which has small letters alone. */
static void print_upper(struct page *p, const char *s)
{
	char c[] = " ";

	for (; *s; s++) {
		c[0] = (char)(*s - 'a' + 'A');
		page_put(p, c);
	}
}

static void print_constant(struct page *p, const char *before,
			   const struct report_device *d, const char *between,
			   const char *after, const struct features_duties *f)
{
	page_pad_to(p, DEEPER);
	page_put(p, before);
	page_put(p, "VHOST_");
	print_upper(p, family_names[d->kind]);
	page_put(p, "_FEATURES_WITHOUT_IOTLB");
	page_put(p, between);
	page_put(p, f->without_iotlb->hex);
	page_put(p, after);
	page_newline(p);
}

static void print_set(struct page *p, const struct report_device *d,
		      const struct features_duties *f)
{
	if (!f->without_iotlb) {
		page_wrap(p, INDENT,
			  "No VMM without IOTLB support drives a vDPA device.");
		page_newline(p);
		return;
	}
	page_wrap(p, INDENT,
		  "A VMM without IOTLB support sends what the device offers, the guest "
		  "acknowledged and this set holds, and no backend feature:");
	page_newline(p);
	print_constant(p, "#define ", d, " UINT64_C(", ")", f);
	print_constant(p, "pub const ", d, ": u64 = ", ";", f);
	page_wrap(
		p, INDENT,
		"In it are the bits above that have a name here and tell vhost how the "
		"guest's rings and buffers look. The others are the VMM's own to send, ask "
		"more of it, or are unknown.");
	page_newline(p);
}

void features_explain_print(struct page *p, const struct report_device *d,
			    const struct features_duties *f)
{
	if (!d->features) {
		page_wrap(p, INDENT, "What some kernel offers on such a device:");
		page_newline(p);
	}
	print_space(p, &f->duties, BITS_FEATURES);
	print_unknown(p, d);
	print_space(p, &f->duties, BITS_BACKEND);
	page_newline(p);
	print_set(p, d, f);
	page_newline(p);
}
