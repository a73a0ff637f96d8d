/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "report/diff_parts.h"
#include "report/summary.h"

const char *const diff_change_names[] = { "worse",    "not_comparable", "better",
					  "appeared", "went",           NULL };
const char *const diff_verdict_names[] = { "same", "better", "worse", "not_comparable",
					   NULL };

/* ----------------------------------------------------------------------- shapes */

static const struct rec_field diff_side_fields[] = {
	REC_FIELD(struct diff_side, release, REC_STR),
	REC_FIELD(struct diff_side, version, REC_STR),
	REC_OF(struct diff_side, where, REC_ENUM, report_where_names),
	REC_NULL(struct diff_side, started, REC_STR),
	{ 0 },
};

static const struct rec_shape side_shape = REC_SHAPE(diff_side);

static const struct rec_field diff_check_fields[] = {
	REC_FIELD(struct diff_check, id, REC_STR),
	REC_FIELD(struct diff_check, device, REC_STR),
	REC_OF(struct diff_check, change, REC_ENUM, diff_change_names),
	REC_NULL_OF(struct diff_check, old, REC_ENUM, status_names),
	REC_NULL_OF(struct diff_check, new, REC_ENUM, status_names),
	REC_OF(struct diff_check, severity, REC_ENUM, severity_names),
	REC_FIELD(struct diff_check, decides, REC_BOOL),
	REC_NULL_OF(struct diff_check, known, REC_PTR, &report_known_shape),
	REC_NULL(struct diff_check, reason, REC_STR),
	{ 0 },
};

static const struct rec_shape changed_check_shape = REC_SHAPE(diff_check);

static const struct rec_field diff_bit_fields[] = {
	REC_FIELD(struct diff_bit, device, REC_STR),
	REC_FIELD(struct diff_bit, backend, REC_BOOL),
	REC_FIELD(struct diff_bit, gained, REC_BOOL),
	REC_FIELD(struct diff_bit, bit, REC_INT),
	REC_NULL(struct diff_bit, name, REC_STR),
	{ 0 },
};

static const struct rec_shape bit_shape = REC_SHAPE(diff_bit);

static const struct rec_field diff_stack_fields[] = {
	REC_FIELD(struct diff_stack, stack, REC_STR),
	REC_FIELD(struct diff_stack, vmm, REC_STR),
	REC_FIELD(struct diff_stack, device, REC_STR),
	REC_OF(struct diff_stack, guest, REC_ENUM, guest_kind_names),
	REC_OF(struct diff_stack, change, REC_ENUM, diff_change_names),
	REC_NULL_OF(struct diff_stack, old, REC_ENUM, stack_verdict_names),
	REC_NULL_OF(struct diff_stack, new, REC_ENUM, stack_verdict_names),
	REC_NULL(struct diff_stack, signature, REC_STR),
	REC_NULL(struct diff_stack, reason, REC_STR),
	REC_FIELD(struct diff_stack, through, REC_STRS),
	{ 0 },
};

static const struct rec_shape changed_stack_shape = REC_SHAPE(diff_stack);

static const struct rec_field diff_measure_fields[] = {
	REC_FIELD(struct diff_measure, id, REC_STR),
	REC_FIELD(struct diff_measure, device, REC_STR),
	REC_FIELD(struct diff_measure, step, REC_STR),
	REC_FIELD(struct diff_measure, name, REC_STR),
	REC_FIELD(struct diff_measure, unit, REC_STR),
	REC_FIELD(struct diff_measure, old, REC_INT),
	REC_FIELD(struct diff_measure, new, REC_INT),
	{ 0 },
};

static const struct rec_shape measure_shape = REC_SHAPE(diff_measure);

static const struct rec_field diff_fact_fields[] = {
	REC_FIELD(struct diff_fact, what, REC_STR),
	REC_NULL(struct diff_fact, old, REC_STR),
	REC_NULL(struct diff_fact, new, REC_STR),
	{ 0 },
};

static const struct rec_shape fact_shape = REC_SHAPE(diff_fact);

static const struct rec_field diff_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-diff/1" },
	REC_OF(struct diff, old, REC_OBJ, &side_shape),
	REC_OF(struct diff, new, REC_OBJ, &side_shape),
	REC_OF(struct diff, verdict, REC_ENUM, diff_verdict_names),
	REC_FIELD(struct diff, reason, REC_STR),
	REC_OF(struct diff, checks, REC_LIST, &changed_check_shape),
	REC_OF(struct diff, features, REC_LIST, &bit_shape),
	REC_OF(struct diff, stacks, REC_LIST, &changed_stack_shape),
	REC_OF(struct diff, measures, REC_LIST, &measure_shape),
	REC_OF(struct diff, host, REC_LIST, &fact_shape),
	REC_FIELD(struct diff, exit_code, REC_INT),
	{ 0 },
};

const struct rec_shape diff_shape = REC_SHAPE(diff);

bool diff_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool diff_gone(const struct report *new, const struct report_reason *reason)
{
	return new->run.where == WHERE_VM &&reason &&
	       (reason->code == REASON_NO_DEVICE || reason->code == REASON_NO_MODULE);
}

/* -------------------------------------------------------------------- features */

static int add_bits(struct comparison *c, const struct report_device *d, bool backend,
		    const struct mask *old, const struct mask *new)
{
	struct feature_set o = { 0 }, n = { 0 };

	if (!old || !new)
		return 0;
	o = mask_set(old);
	n = mask_set(new);
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		bool gained = feature_set_has(&n, bit);
		struct diff_bit *b = NULL;

		if (gained == feature_set_has(&o, bit))
			continue;
		b = rec_list_new(c->a, &c->d->features, sizeof(*b));
		if (!b)
			return -ENOMEM;
		*b = (struct diff_bit){
			.device = d->name,
			.backend = backend,
			.gained = gained,
			.bit = bit,
			.name = bit_name(backend ? BITS_BACKEND : BITS_FEATURES,
					 (enum family)d->kind, bit),
		};
	}
	return 0;
}

/* Lost before gained; sorted stably, as the devices stand. */
static void lost_first(struct rec_list *bits)
{
	size_t lost = 0;

	for (size_t i = 0; i < bits->count; i++) {
		void *item = bits->item[i];

		if (((const struct diff_bit *)item)->gained)
			continue;
		memmove(&bits->item[lost + 1], &bits->item[lost],
			(i - lost) * sizeof(*bits->item));
		bits->item[lost++] = item;
	}
}

int diff_features(struct comparison *c)
{
	int r = 0;

	for (size_t i = 0; i < c->old->devices.count && r == 0; i++) {
		const struct report_device *o = c->old->devices.item[i];
		const struct report_device *n = report_device_of(c->new, o->name);

		if (!n)
			continue;
		r = add_bits(c, n, false, o->features, n->features);
		if (r == 0)
			r = add_bits(c, n, true, o->backend_features,
				     n->backend_features);
	}
	lost_first(&c->d->features);
	return r;
}

/* --------------------------------------------------------------------- verdict */

/** struct tally - what decides */
struct tally {
	size_t stacks, checks, bits; /* regressions */
	size_t open, better, compared;
};

static struct tally tally_of(const struct diff *d)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < d->stacks.count; i++) {
		const struct diff_stack *s = d->stacks.item[i];

		t.stacks += s->change == DIFF_WORSE;
		t.open += s->change == DIFF_NOT_COMPARABLE;
		t.better += s->change == DIFF_BETTER;
	}
	for (size_t i = 0; i < d->checks.count; i++) {
		const struct diff_check *k = d->checks.item[i];

		t.checks += k->decides;
		t.open += k->change == DIFF_NOT_COMPARABLE;
		t.better += k->change == DIFF_BETTER;
	}
	for (size_t i = 0; i < d->features.count; i++)
		t.bits += !((const struct diff_bit *)d->features.item[i])->gained;
	return t;
}

static bool told(const struct report *r)
{
	for (size_t i = 0; i < r->checks.count; i++) {
		int status = ((const struct report_check *)r->checks.item[i])->status;

		if (status != STATUS_SKIP && status != STATUS_BLOCKED &&
		    status != STATUS_ERROR)
			return true;
	}
	for (size_t i = 0; i < r->stacks.count; i++) {
		int verdict = ((const struct report_stack *)r->stacks.item[i])->verdict;

		if (verdict != STACK_UNKNOWN && verdict != STACK_NOT_APPLICABLE)
			return true;
	}
	return false;
}

static const char *count_text(struct arena *a, const char *before, size_t n,
			      const char *one, const char *many)
{
	if (!n)
		return before;
	return arena_printf(a, "%s%s%zu %s", before, *before ? ", " : "", n,
			    n == 1 ? one : many);
}

static const char *worse_text(struct arena *a, const struct tally *t)
{
	const char *text = count_text(a, "", t->stacks, "stack that worked does not",
				      "stacks that worked do not");

	if (text)
		text = count_text(a, text, t->checks, "check got worse",
				  "checks got worse");
	return text ? count_text(a, text, t->bits, "offered bit is lost",
				 "offered bits are lost")
		    : NULL;
}

static void decide(struct comparison *c)
{
	struct diff *d = c->d;
	struct tally t = tally_of(d);

	if (t.stacks || t.checks || t.bits) {
		d->verdict = DIFF_IS_WORSE;
		d->exit_code = EXIT_BROKEN;
		d->reason = worse_text(c->a, &t);
	} else if (!told(c->old) || !told(c->new)) {
		d->verdict = DIFF_IS_NOT_COMPARABLE;
		d->exit_code = EXIT_INCONCLUSIVE;
		d->reason = told(c->new) ? "nothing ran in the old report"
					 : "nothing ran in the new report";
	} else if (t.open) {
		d->verdict = DIFF_IS_NOT_COMPARABLE;
		d->exit_code = EXIT_INCONCLUSIVE;
		d->reason =
			count_text(c->a, "", t.open,
				   "result of the old report has no like in the new",
				   "results of the old report have no like in the new");
	} else if (t.better) {
		d->verdict = DIFF_IS_BETTER;
		d->reason = count_text(c->a, "", t.better, "result is better",
				       "results are better");
	} else {
		d->verdict = DIFF_IS_SAME;
		d->reason = "what passed passes, and what worked works";
	}
}

static struct diff_side side_of(const struct report *r)
{
	return (struct diff_side){ r->host.kernel.release, r->tool.version, r->run.where,
				   r->run.started };
}

static int make_indexes(struct comparison *c)
{
	int r = report_index_checks(c->a, &c->old->checks, &c->old_checks);

	if (r == 0)
		r = report_index_checks(c->a, &c->new->checks, &c->new_checks);
	if (r == 0)
		r = report_index_stacks(c->a, &c->old->stacks, &c->old_stacks);
	return r == 0 ? report_index_stacks(c->a, &c->new->stacks, &c->new_stacks) : r;
}

int diff_reports(struct arena *a, const struct report *old, const struct report *new,
		 struct diff *ret)
{
	struct comparison c = { .a = a, .old = old, .new = new, .d = ret };
	int r = make_indexes(&c);

	*ret = (struct diff){ .old = side_of(old), .new = side_of(new) };
	if (r == 0)
		r = diff_features(&c);
	if (r == 0)
		r = diff_checks(&c);
	if (r == 0)
		r = diff_stacks(&c);
	if (r == 0)
		r = diff_measures(&c);
	if (r == 0)
		r = diff_host(&c);
	if (r < 0)
		return r;
	decide(&c);
	return ret->reason ? 0 : -ENOMEM;
}
