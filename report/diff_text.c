/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "report/diff_parts.h"
#include "report/summary.h"
#include "report/text_parts.h"

#define INDENT 2u
#define DEEPER 4u

/* What is no harm is shown up to here unless more is wanted. */
#define FEW 8u

/** struct writer - the page, and which part of the text is written */
struct writer {
	struct page *p;
	const struct diff *d;
};

static const char *verdict_word(int verdict)
{
	return verdict < 0 ? "not there" : stack_verdict_names[verdict];
}

static const char *status_word(int status)
{
	return status < 0 ? "not there" : status_names[status];
}

static void put_words(struct page *p, size_t indent, const struct rec_list *words)
{
	for (size_t i = 0; i < words->count; i++) {
		char word[128];

		(void)snprintf(word, sizeof(word), "%s%s", (const char *)words->item[i],
			       i + 1 < words->count ? "," : "");
		page_wrap(p, indent, word);
	}
}

/* ---------------------------------------------------------------------- header */

static void put_side(struct page *p, const char *word, const struct diff_side *s)
{
	page_pad_to(p, INDENT);
	page_put(p, word);
	page_wrapf(p, 6, "Linux %s", s->release);
	page_wrapf(p, 6, "(%s%s%s)", s->where == WHERE_VM ? "virtual machine" : "host",
		   s->started ? ", " : "", s->started ? s->started : "");
	page_newline(p);
}

static void put_verdict(const struct writer *w)
{
	static const char *const word[] = {
		[DIFF_IS_SAME] = "SAME",
		[DIFF_IS_BETTER] = "BETTER",
		[DIFF_IS_WORSE] = "WORSE",
		[DIFF_IS_NOT_COMPARABLE] = "NOT COMPARABLE",
	};
	static const enum tone tones[] = {
		[DIFF_IS_SAME] = TONE_GOOD,
		[DIFF_IS_BETTER] = TONE_GOOD,
		[DIFF_IS_WORSE] = TONE_BAD,
		[DIFF_IS_NOT_COMPARABLE] = TONE_WARN,
	};

	page_put_toned(w->p, tones[w->d->verdict], word[w->d->verdict]);
	page_put(w->p, ":");
	page_wrap(w->p, INDENT, w->d->reason);
	page_wrapf(w->p, INDENT, "(exit status %" PRId64 ")", w->d->exit_code);
	page_newline(w->p);
}

/* ---------------------------------------------------------------------- stacks */

static bool same_cause(const struct diff_stack *a, const struct diff_stack *b)
{
	if (a->change != b->change || strcmp(a->device, b->device) != 0 ||
	    a->through.count != b->through.count)
		return false;
	for (size_t i = 0; i < a->through.count; i++)
		if (strcmp(a->through.item[i], b->through.item[i]) != 0)
			return false;
	return true;
}

static const struct diff_bit *bit_of(const struct diff *d, const char *device,
				     const char *word)
{
	for (size_t i = 0; i < d->features.count; i++) {
		const struct diff_bit *b = d->features.item[i];

		if (!b->backend && b->name && !strcmp(b->device, device) &&
		    !strcmp(b->name, word))
			return b;
	}
	return NULL;
}

static void put_stacks_heading(const struct writer *w, const struct diff_stack *s)
{
	static const char *const what[] = {
		[DIFF_WORSE] = "no longer work",
		[DIFF_NOT_COMPARABLE] = "worked, and nothing tells whether they still do",
		[DIFF_BETTER] = "work now",
		[DIFF_APPEARED] = "could not be played before",
		[DIFF_WENT] = "can no longer be played, and did not work before",
	};
	const struct diff_bit *b =
		s->through.count ? bit_of(w->d, s->device, s->through.item[0]) : NULL;
	struct page *p = w->p;

	page_newline(p);
	page_tone(p, TONE_BOLD);
	if (s->through.count) {
		page_wrapf(p, 0, "%s %s", s->device,
			   b && !b->gained ? "no longer offers" : "now offers");
		put_words(p, INDENT, &s->through);
		if (b && s->through.count == 1)
			page_wrapf(p, INDENT, "(bit %" PRId64 ")", b->bit);
		page_wrapf(p, INDENT, "and through it these %s:", what[s->change]);
	} else {
		page_wrapf(p, 0, "On %s these %s:", s->device, what[s->change]);
	}
	page_tone(p, TONE_PLAIN);
	page_newline(p);
}

static void put_stack(struct page *p, const struct diff_stack *s, const size_t *column)
{
	page_pad_to(p, INDENT);
	page_put(p, s->stack);
	page_pad_to(p, column[0]);
	page_put(p, guest_kind_names[s->guest]);
	page_put(p, " guest");
	page_pad_to(p, column[1]);
	page_put(p, verdict_word(s->old));
	page_put(p, " -> ");
	page_put_toned(p, s->new < 0 ? TONE_WARN : text_verdict_tone(s->new),
		       verdict_word(s->new));
	if (s->signature && p->verbosity > 0)
		page_wrapf(p, DEEPER, "(%s)", s->signature);
	page_newline(p);
}

static void put_stacks(const struct writer *w, enum diff_change change)
{
	const struct rec_list *list = &w->d->stacks;
	const struct diff_stack *last = NULL;
	size_t column[2] = { 0, 0 };

	for (size_t i = 0; i < list->count; i++)
		column[0] = page_wider(column[0],
				       ((const struct diff_stack *)list->item[i])->stack);
	column[0] += INDENT + 2;
	column[1] = column[0] + strlen("protected guest  ");
	for (size_t i = 0; i < list->count; i++) {
		const struct diff_stack *s = list->item[i];
		const struct diff_stack *next =
			i + 1 < list->count ? list->item[i + 1] : NULL;

		if (s->change != (int)change)
			continue;
		if (!last || !same_cause(last, s))
			put_stacks_heading(w, s);
		last = s;
		put_stack(w->p, s, column);
		if (!s->reason || s->new == STACK_WORKS)
			continue;
		if (next && same_cause(s, next) && diff_same(s->reason, next->reason))
			continue; /* said once, below the last that has it */
		page_wrap(w->p, DEEPER, s->reason);
		page_newline(w->p);
	}
}

/* ---------------------------------------------------------------------- checks */

static void put_check(struct page *p, const struct diff_check *k, size_t width, bool why)
{
	enum tone tone = k->change == DIFF_WORSE ? TONE_BAD : TONE_PLAIN;

	page_pad_to(p, INDENT);
	page_put(p, k->id);
	page_pad_to(p, INDENT + width + 2);
	page_put(p, severity_names[k->severity]);
	page_pad_to(p, INDENT + width + 12);
	page_put(p, status_word(k->old));
	page_put(p, " -> ");
	page_put_toned(p, tone, status_word(k->new));
	if (k->known)
		page_put(p, " (known finding)");
	page_newline(p);
	if (!why || !k->reason)
		return;
	page_wrap(p, DEEPER, k->reason);
	page_newline(p);
	if (k->known) {
		page_wrap(p, DEEPER, "Known finding:");
		page_wrap(p, DEEPER, k->known->text);
		page_newline(p);
	}
}

static bool failed(const struct diff_check *k)
{
	return k->new == STATUS_FAIL || k->new == STATUS_TIMEOUT ||
	       k->new == STATUS_CRASH;
}

static bool same_known(const struct report_known *a, const struct report_known *b)
{
	return a && b ? !strcmp(a->text, b->text) : a == b;
}

/** struct part - the checks of one heading */
struct part {
	const char *heading;
	enum diff_change change;
	int failed; /* whether they must have failed; -1: either */
	bool why;   /* with their reasons, and never cut short */
};

static bool belongs(const struct part *part, const struct diff_check *k)
{
	return k->change == (int)part->change &&
	       (part->failed < 0 || failed(k) == (part->failed > 0));
}

static void put_checks(const struct writer *w, const struct part *part)
{
	const struct rec_list *list = &w->d->checks;
	size_t width = 0, n = 0, shown = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct diff_check *k = list->item[i];

		if (!belongs(part, k))
			continue;
		width = page_wider(width, k->id);
		n++;
	}
	if (!n)
		return;
	page_newline(w->p);
	page_tone(w->p, TONE_BOLD);
	page_wrapf(w->p, 0, "%s (%zu)", part->heading, n);
	page_tone(w->p, TONE_PLAIN);
	page_newline(w->p);
	for (size_t i = 0; i < list->count; i++) {
		const struct diff_check *k = list->item[i];
		const struct diff_check *next =
			i + 1 < list->count ? list->item[i + 1] : NULL;
		bool said = next && belongs(part, next) &&
			    diff_same(k->reason, next->reason) &&
			    same_known(k->known, next->known);

		if (!belongs(part, k))
			continue;
		if (!part->failed && w->p->verbosity < 1 && shown == FEW) {
			page_pad_to(w->p, INDENT);
			page_wrapf(w->p, INDENT, "and %zu more (-v shows all)", n - FEW);
			page_newline(w->p);
			return;
		}
		put_check(w->p, k, width, part->why && !said);
		shown++;
	}
}

/* ------------------------------------------------------------- bits, host, measures */

static void put_bits(const struct writer *w, bool gained)
{
	const struct rec_list *list = &w->d->features;
	const char *device = NULL;
	bool backend = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct diff_bit *b = list->item[i];

		if (b->gained != gained)
			continue;
		if (!device)
			page_heading(
				w->p,
				gained ? "Bits that are offered now"
				       : "Offered bits that are lost: guests that run with them cannot resume here");
		if (!device || strcmp(device, b->device) != 0 || backend != b->backend) {
			if (device)
				page_newline(w->p);
			page_pad_to(w->p, INDENT);
			page_put(w->p, b->device);
			if (b->backend)
				page_put(w->p, " backend");
			page_put(w->p, ":");
		}
		device = b->device;
		backend = b->backend;
		if (b->name)
			page_wrapf(w->p, DEEPER, "%s (%" PRId64 ")", b->name, b->bit);
		else
			page_wrapf(w->p, DEEPER, "bit %" PRId64, b->bit);
	}
	if (device)
		page_newline(w->p);
}

static void put_host(const struct writer *w)
{
	const struct rec_list *list = &w->d->host;
	size_t width = 0;

	if (!list->count)
		return;
	page_heading(w->p, "Otherwise about the machine");
	for (size_t i = 0; i < list->count; i++)
		width = page_wider(width,
				   ((const struct diff_fact *)list->item[i])->what);
	for (size_t i = 0; i < list->count; i++) {
		const struct diff_fact *f = list->item[i];

		page_pad_to(w->p, INDENT);
		page_put(w->p, f->what);
		page_pad_to(w->p, INDENT + width + 2);
		page_wrap(w->p, INDENT + width + 2, f->old ? f->old : "not there");
		page_wrap(w->p, INDENT + width + 2, "->");
		page_wrap(w->p, INDENT + width + 2, f->new ? f->new : "not there");
		page_newline(w->p);
	}
}

static void put_measures(const struct writer *w)
{
	const struct rec_list *list = &w->d->measures;

	if (!list->count)
		return;
	page_heading(w->p, "Measures beyond their noise");
	for (size_t i = 0; i < list->count; i++) {
		const struct diff_measure *m = list->item[i];

		page_pad_to(w->p, INDENT);
		page_wrapf(w->p, INDENT,
			   "%s on %s, %s at \"%s\": %" PRId64 " -> %" PRId64 " %s", m->id,
			   m->device, m->name, m->step, m->old, m->new, m->unit);
		page_newline(w->p);
	}
}

void diff_text(struct page *p, const struct diff *d)
{
	static const struct part parts[] = {
		{ "Checks that got worse", DIFF_WORSE, -1, true },
		{ "Checks that fail and were not asked before", DIFF_APPEARED, 1, true },
		{ "Checks that passed and were not asked now", DIFF_NOT_COMPARABLE, 0,
		  true },
		{ "Checks that got better", DIFF_BETTER, 0, false },
		{ "Checks that pass and were not asked before", DIFF_APPEARED, 0, false },
		{ "Checks that failed and were not asked now", DIFF_WENT, 0, false },
	};
	const struct writer w = { p, d };

	put_verdict(&w);
	if (p->verbosity < 0)
		return;
	put_side(p, "old", &d->old);
	put_side(p, "new", &d->new);
	put_stacks(&w, DIFF_WORSE);
	put_bits(&w, false);
	put_checks(&w, &parts[0]);
	put_checks(&w, &parts[1]);
	put_stacks(&w, DIFF_NOT_COMPARABLE);
	put_checks(&w, &parts[2]);
	put_bits(&w, true);
	put_stacks(&w, DIFF_BETTER);
	put_stacks(&w, DIFF_APPEARED);
	put_checks(&w, &parts[3]);
	put_checks(&w, &parts[4]);
	put_stacks(&w, DIFF_WENT);
	put_checks(&w, &parts[5]);
	put_measures(&w);
	put_host(&w);
}
