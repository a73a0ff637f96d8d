/* SPDX-License-Identifier: MIT */
/* Checks and stacks whose results changed. */
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "report/diff_parts.h"

/* --------------------------------------------------------------------- checks */

/** enum group - what a status says of the contract */
enum group {
	GROUP_NONE, /* no such check */
	GROUP_OPEN, /* not asked, or no answer */
	GROUP_PASS,
	GROUP_FAIL
};

static enum group group_of(const struct report_check *c)
{
	switch (c ? (enum status)c->status : STATUS_NUM) {
	case STATUS_PASS:
	case STATUS_XPASS:
		return GROUP_PASS;
	case STATUS_FAIL:
	case STATUS_TIMEOUT:
	case STATUS_CRASH:
	case STATUS_XFAIL:
		return GROUP_FAIL;
	case STATUS_ERROR:
	case STATUS_SKIP:
	case STATUS_BLOCKED:
		return GROUP_OPEN;
	case STATUS_NUM:
		break;
	}
	return GROUP_NONE;
}

static int badness(int status)
{
	return status == STATUS_CRASH ? 2 : status == STATUS_TIMEOUT;
}

/* A failure that is understood, where the old one was another or none that is. */
static bool finding_is_new(const struct report_check *o, const struct report_check *n)
{
	return n && o && n->known && o->known &&
	       !diff_same(o->known->text, n->known->text);
}

/* Return: enum diff_change, or DIFF_CHANGE_NUM if nothing changed. */
static enum diff_change change_of(const struct report_check *o,
				  const struct report_check *n)
{
	static const enum diff_change by_group[4][4] = {
		[GROUP_NONE] = { DIFF_CHANGE_NUM, DIFF_CHANGE_NUM, DIFF_APPEARED,
				 DIFF_APPEARED },
		[GROUP_OPEN] = { DIFF_CHANGE_NUM, DIFF_CHANGE_NUM, DIFF_APPEARED,
				 DIFF_APPEARED },
		[GROUP_PASS] = { DIFF_NOT_COMPARABLE, DIFF_NOT_COMPARABLE,
				 DIFF_CHANGE_NUM, DIFF_WORSE },
		[GROUP_FAIL] = { DIFF_WENT, DIFF_WENT, DIFF_BETTER, DIFF_CHANGE_NUM },
	};
	enum group from = group_of(o), to = group_of(n);

	if (o && n && from == GROUP_FAIL && to == GROUP_FAIL) {
		if (badness(n->status) > badness(o->status) || finding_is_new(o, n))
			return DIFF_WORSE;
		if (badness(n->status) < badness(o->status))
			return DIFF_BETTER;
	}
	return by_group[from][to];
}

static int add_check(struct comparison *c, const struct report_check *o,
		     const struct report_check *n)
{
	enum diff_change change = change_of(o, n);
	const struct report_check *is = n ? n : o;
	struct diff_check *k = NULL;

	if (change == DIFF_CHANGE_NUM)
		return 0;
	k = rec_list_new(c->a, &c->d->checks, sizeof(*k));
	if (!k)
		return -ENOMEM;
	*k = (struct diff_check){
		.id = is->id,
		.device = is->device,
		.change = (int)change,
		.old = o ? o->status : -1,
		.new = n ? n->status : -1,
		.severity = is->severity,
		.decides = change == DIFF_WORSE &&
			   (group_of(o) == GROUP_PASS || finding_is_new(o, n)),
		.known = n ? n->known : NULL,
		.reason = is->reason ? is->reason->text : NULL,
	};
	return 0;
}

/** struct ranked - an item of a list with its place, so that sorting is stable */
struct ranked {
	void *item;
	size_t place;
};

static int check_harm(const struct diff_check *k)
{
	int failed = k->change == DIFF_APPEARED && k->new != STATUS_PASS ? 0 : 1;

	return k->change * 100 + !k->decides * 50 + failed * 10 + 4 - k->severity;
}

static int by_check_harm(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = check_harm(x->item) - check_harm(y->item);

	return order ? order : x->place < y->place ? -1 : 1;
}

static int sort_by(struct rec_list *list, int (*by)(const void *, const void *))
{
	cleanup_free struct ranked *r = calloc(list->count + 1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		r[i] = (struct ranked){ list->item[i], i };
	qsort(r, list->count, sizeof(*r), by);
	for (size_t i = 0; i < list->count; i++)
		list->item[i] = r[i].item;
	return 0;
}

int diff_checks(struct comparison *c)
{
	int r = 0;

	for (size_t i = 0; i < c->old->checks.count && r == 0; i++) {
		const struct report_check *o = c->old->checks.item[i];

		r = add_check(c, o, diff_check_of(c->new, &c->new_checks, o));
	}
	for (size_t i = 0; i < c->new->checks.count &&r == 0; i++) {
		const struct report_check *n = c->new->checks.item[i];

		if (!diff_check_of(c->old, &c->old_checks, n))
			r = add_check(c, NULL, n);
	}
	return r == 0 ? sort_by(&c->d->checks, by_check_harm) : r;
}

/* --------------------------------------------------------------------- stacks */

/* What a VMM handed to VHOST_SET_FEATURES last. */
static struct feature_set sent_by(const struct report_stack *s)
{
	const struct evidence e = { s->evidence };
	const struct ev *ev = NULL;
	struct feature_set sent = { 0 };

	while ((ev = ev_find_next(&e, ev, EV_IOCTL, "setup.features")))
		if (ev->ioctl.arg)
			sent.word[0] = strtoull(ev->ioctl.arg, NULL, 16);
	return sent;
}

static bool armed(const struct report_stack *s)
{
	const struct evidence e = { s->evidence };
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(&e, ev, EV_FACT, "setup.features")))
		if (diff_same(ev->fact.name, "iotlb"))
			return diff_same(ev->fact.value, "on");
	return false;
}

static int add_through(struct comparison *c, struct diff_stack *s,
		       const struct diff_bit *b)
{
	return rec_list_add(c->a, &s->through,
			    b->name ? b->name
				    : arena_printf(c->a, "bit %" PRId64, b->bit));
}

/*
 * Bits of which the device's offer changed and, with it, what the VMM sends. Features are
 * refused for those that are sent and no longer offered. Where the IOTLB is on in one of
 * the two alone, it is the bit that arms it: the others keep no ring from being reached.
 */
static int find_through(struct comparison *c, struct diff_stack *s,
			const struct report_stack *o, const struct report_stack *n)
{
	struct feature_set was = sent_by(o), is = sent_by(n);
	bool refused = n->verdict == STACK_REFUSED;
	bool arms = armed(n) != armed(o);
	int r = 0;

	for (size_t i = 0; i < c->d->features.count && r == 0; i++) {
		const struct diff_bit *b = c->d->features.item[i];
		unsigned int bit = (unsigned int)b->bit;
		bool sends = feature_set_has(&is, bit);

		if (b->backend || strcmp(b->device, s->device) != 0)
			continue;
		if (refused ? sends && !b->gained
		    : arms  ? bit == VIRTIO_F_ACCESS_PLATFORM
			    : sends != feature_set_has(&was, bit))
			r = add_through(c, s, b);
	}
	return r;
}

/* Whether NEW says that the stack does not work, rather than that it was not tried. */
static bool says_no(const struct comparison *c, const struct report_stack *n)
{
	if (n->verdict != STACK_UNKNOWN && n->verdict != STACK_NOT_APPLICABLE)
		return true;
	if (!n->reason)
		return false;
	return diff_gone(c->new, n->reason) || n->reason->code == REASON_CRASHED ||
	       n->reason->code == REASON_DEADLINE ||
	       (n->verdict == STACK_NOT_APPLICABLE &&
		n->reason->code == REASON_NOT_OFFERED);
}

static bool was_tried(const struct report_stack *s)
{
	return s && s->verdict != STACK_UNKNOWN && s->verdict != STACK_NOT_APPLICABLE;
}

static enum diff_change stack_change(const struct comparison *c,
				     const struct report_stack *o,
				     const struct report_stack *n)
{
	bool worked = o && o->verdict == STACK_WORKS;

	if (o && n && o->verdict == n->verdict)
		return DIFF_CHANGE_NUM;
	if (worked)
		return n && says_no(c, n) ? DIFF_WORSE : DIFF_NOT_COMPARABLE;
	if (!was_tried(o))
		return was_tried(n) ? DIFF_APPEARED : DIFF_CHANGE_NUM;
	if (!was_tried(n))
		return DIFF_WENT;
	return n->verdict == STACK_WORKS ? DIFF_BETTER : DIFF_CHANGE_NUM;
}

static int add_stack(struct comparison *c, const struct report_stack *o,
		     const struct report_stack *n)
{
	enum diff_change change = stack_change(c, o, n);
	const struct report_stack *is = n ? n : o;
	struct diff_stack *s = NULL;

	if (change == DIFF_CHANGE_NUM)
		return 0;
	s = rec_list_new(c->a, &c->d->stacks, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct diff_stack){
		.stack = is->stack,
		.vmm = is->vmm,
		.device = is->device,
		.guest = is->guest,
		.change = (int)change,
		.old = o ? o->verdict : -1,
		.new = n ? n->verdict : -1,
		.signature = n ? n->signature : NULL,
		.reason = n && n->reason ? n->reason->text : NULL,
	};
	return o && n && (change == DIFF_WORSE || change == DIFF_BETTER)
		       ? find_through(c, s, o, n)
		       : 0;
}

static int compare_through(const struct diff_stack *x, const struct diff_stack *y)
{
	if (x->through.count != y->through.count)
		return x->through.count > y->through.count ? -1 : 1;
	for (size_t i = 0; i < x->through.count; i++) {
		int order = strcmp(x->through.item[i], y->through.item[i]);

		if (order)
			return order;
	}
	return 0;
}

static int by_stack_harm(const void *a, const void *b)
{
	const struct ranked *p = a, *q = b;
	const struct diff_stack *x = p->item, *y = q->item;
	int order = x->change - y->change;

	if (!order)
		order = strcmp(x->device, y->device);
	if (!order)
		order = compare_through(x, y);
	if (!order) /* a reason is said once for all that follow each other */
		order = strcmp(x->reason ? x->reason : "", y->reason ? y->reason : "");
	return order ? order : p->place < q->place ? -1 : 1;
}

int diff_stacks(struct comparison *c)
{
	int r = 0;

	for (size_t i = 0; i < c->old->stacks.count && r == 0; i++) {
		const struct report_stack *o = c->old->stacks.item[i];

		r = add_stack(c, o, diff_stack_of(c->new, &c->new_stacks, o));
	}
	for (size_t i = 0; i < c->new->stacks.count &&r == 0; i++) {
		const struct report_stack *n = c->new->stacks.item[i];

		if (!diff_stack_of(c->old, &c->old_stacks, n))
			r = add_stack(c, NULL, n);
	}
	return r == 0 ? sort_by(&c->d->stacks, by_stack_harm) : r;
}
