/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "report/summary.h"
#include "report/text_parts.h"

struct tally {
	int64_t failed, open, known, known_new, stacks_failed, stacks_open,
		stacks_unnamed, stacks_expected;
};

static struct tally tally_of(const struct report *r)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < r->checks.count; i++) {
		const struct report_check *c = r->checks.item[i];
		enum decides d = summary_of_check(r, c);

		t.failed += d == DECIDES_FAIL;
		t.open += d == DECIDES_INCONCLUSIVE;
		t.known_new += c->known && d == DECIDES_FAIL;
		t.known += c->known && c->status == STATUS_FAIL &&
			   c->severity >= r->run.selection.fail_on;
	}
	for (size_t i = 0; i < r->stacks.count; i++) {
		const struct report_stack *s = r->stacks.item[i];
		enum decides d = summary_of_stack(r, s);

		t.stacks_failed += d == DECIDES_FAIL;
		t.stacks_open += d == DECIDES_INCONCLUSIVE;
		t.stacks_unnamed += d != DECIDES_FAIL && !s->expected &&
				    text_verdict_tone(s->verdict) == TONE_BAD;
		t.stacks_expected += d == DECIDES_NOTHING && s->expected &&
				     text_verdict_tone(s->verdict) == TONE_BAD;
	}
	return t;
}

static void put_tally(struct page *p, int64_t n, const char *thing, const char *what,
		      bool *first)
{
	if (!n)
		return;
	if (!*first)
		page_put(p, ",");
	page_wrapf(p, 2, "%" PRId64 " %s%s %s", n, thing, text_plural(n), what);
	*first = false;
}

static void put_fail(struct page *p, const struct tally *t)
{
	bool first = true;

	put_tally(p, t->failed, "check", "failed", &first);
	put_tally(p, t->stacks_failed, "counted stack", "did not work", &first);
}

static void put_inconclusive(struct page *p, const struct report *r,
			     const struct tally *t)
{
	const char *word = NULL;
	bool first = true;

	put_tally(p, t->open, "check", "undecided", &first);
	put_tally(p, t->stacks_open, "counted stack", "undecided", &first);
	for (size_t n = 0; (word = summary_missing(r, n)); n++) {
		if (!first)
			page_put(p, ",");
		page_wrapf(p, 2, "%s: asked for and not to be had here", word);
		first = false;
	}
}

static void put_why(struct page *p, const struct report *r, const struct tally *t)
{
	const struct report_selection *sel = &r->run.selection;

	if (t->failed || t->stacks_failed)
		put_fail(p, t);
	else if (r->summary.exit_code == EXIT_NOTHING_HERE)
		page_wrap(p, 2, "nothing that was asked for exists here");
	else if (t->open || t->stacks_open || summary_missing(r, 0))
		put_inconclusive(p, r, t);
	else if (sel->stacks.count && !sel->checks.count)
		page_wrapf(p, 2, "every stack that was named works%s",
			   t->stacks_expected ? ", or does as expected" : "");
	else if (t->known)
		page_wrapf(p, 2, "only known findings failed at severity %s or above",
			   severity_names[sel->fail_on]);
	else
		page_wrapf(p, 2, "no check of severity %s or above failed%s",
			   severity_names[sel->fail_on],
			   r->summary.counts.n[STATUS_XFAIL] ? " unexpectedly" : "");
}

static void put_asides(struct page *p, const struct report *r, const struct tally *t)
{
	int64_t known = r->summary.known - t->known_new;

	if (known && !r->run.selection.strict) {
		page_wrapf(p, 0,
			   "%" PRId64
			   " known finding%s not counted (--strict counts them).",
			   known, known == 1 ? " is" : "s are");
		page_newline(p);
	}
	if (t->known_new && !r->run.selection.strict) {
		page_wrapf(p, 0,
			   "%" PRId64 " known finding%s counted: the baseline, Linux %s, "
			   "does not have %s.",
			   t->known_new, t->known_new == 1 ? " is" : "s are",
			   r->run.selection.baseline->release,
			   t->known_new == 1 ? "it" : "them");
		page_newline(p);
	}
	if (t->stacks_unnamed) {
		page_wrapf(p, 0,
			   "%" PRId64
			   " stack%s would not work here; a stack counts only when "
			   "--stack names it.",
			   t->stacks_unnamed, text_plural(t->stacks_unnamed));
		page_newline(p);
	}
}

void text_verdict(struct page *p, const struct report *r)
{
	static const char *const word[] = { "PASS", "FAIL", "INCONCLUSIVE" };
	static const enum tone tones[] = { TONE_GOOD, TONE_BAD, TONE_WARN };
	int64_t exit_code = r->summary.exit_code;
	struct tally t = tally_of(r);

	page_newline(p);
	put_asides(p, r, &t);
	page_put_toned(p, tones[r->summary.verdict], word[r->summary.verdict]);
	page_put(p, ":");
	if (exit_code > EXIT_SIGNAL && exit_code < EXIT_SIGNAL + 65) {
		const char *name = sigabbrev_np((int)exit_code - EXIT_SIGNAL);

		page_wrapf(p, 2, "cut by SIG%s;", name ? name : "NAL");
	}
	put_why(p, r, &t);
	page_wrapf(p, 2, "(exit status %" PRId64 ")", exit_code);
	page_newline(p);
	if (r->run.where == WHERE_VM) {
		page_wrap(
			p, 0,
			"This judged a kernel's code, not a host's policy and hardware.");
		page_newline(p);
	}
}
