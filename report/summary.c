/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <string.h>

#include "report/summary.h"

static bool names_hold(const struct rec_list *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->item[i], name))
			return true;
	return false;
}

static bool globs_match(const struct rec_list *globs, const char *id)
{
	for (size_t i = 0; i < globs->count; i++)
		if (!fnmatch(globs->item[i], id, 0))
			return true;
	return false;
}

/* --stack without --check asks for no checks. */
static bool checks_were_asked(const struct report_selection *sel)
{
	return !sel->stacks.count || sel->checks.count;
}

static bool did_not_run(const struct report_check *c)
{
	return c->status == STATUS_SKIP || c->status == STATUS_BLOCKED ||
	       c->status == STATUS_ERROR;
}

static enum decides status_decides(enum status status, bool known_finding)
{
	switch (status) {
	case STATUS_FAIL:
	case STATUS_TIMEOUT:
	case STATUS_CRASH:
	case STATUS_XPASS:
		return known_finding ? DECIDES_NOTHING : DECIDES_FAIL;
	case STATUS_ERROR:
	case STATUS_BLOCKED:
		return DECIDES_INCONCLUSIVE;
	case STATUS_PASS:
	case STATUS_SKIP:
	case STATUS_XFAIL:
	case STATUS_NUM:
		break;
	}
	return DECIDES_NOTHING;
}

static bool is_expected(const struct report_expected *expected, const char *word)
{
	return expected && !strcmp(expected->verdict, word);
}

bool summary_known_is_new(const struct report *r, const struct report_check *c)
{
	const struct report_baseline *b = r->run.selection.baseline;

	for (size_t i = 0; b && c->known && i < b->known.count; i++) {
		const struct report_finding *f = b->known.item[i];

		if (!strcmp(f->id, c->id) && !strcmp(f->device, c->device) &&
		    !strcmp(f->text, c->known->text))
			return false;
	}
	return b && c->known;
}

enum decides summary_of_check(const struct report *r, const struct report_check *c)
{
	const struct report_selection *sel = &r->run.selection;
	enum decides d = DECIDES_NOTHING;

	if (checks_were_asked(sel) && c->severity >= sel->fail_on &&
	    !is_expected(c->expected, status_names[c->status]))
		d = status_decides((enum status)c->status,
				   c->known && !sel->strict &&
					   !summary_known_is_new(r, c));
	if (d == DECIDES_NOTHING && did_not_run(c) && globs_match(&sel->require, c->id))
		d = DECIDES_INCONCLUSIVE;
	return d;
}

enum decides summary_of_stack(const struct report *r, const struct report_stack *s)
{
	if (is_expected(s->expected, stack_verdict_names[s->verdict]))
		return DECIDES_NOTHING;
	if (!s->expected && !names_hold(&r->run.selection.stacks, s->stack))
		return DECIDES_NOTHING;
	switch ((enum stack_verdict)s->verdict) {
	case STACK_DEGRADED:
	case STACK_FAILS_START:
	case STACK_STALLS:
	case STACK_REFUSED:
		return DECIDES_FAIL;
	case STACK_UNKNOWN:
	case STACK_NOT_APPLICABLE:
	case STACK_ERROR:
		return DECIDES_INCONCLUSIVE;
	case STACK_WORKS:
	case STACK_VERDICT_NUM:
		break;
	}
	return DECIDES_NOTHING;
}

static bool device_usable(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->devices.count; i++) {
		const struct report_device *d = r->devices.item[i];

		if (d->state == DEVICE_OK &&
		    (!strcmp(d->name, name) || !strcmp(d->path, name)))
			return true;
	}
	return false;
}

static bool requirement_met(const struct report *r, const char *glob)
{
	for (size_t i = 0; i < r->checks.count; i++) {
		const struct report_check *c = r->checks.item[i];

		if (!fnmatch(glob, c->id, 0))
			return true;
	}
	return false;
}

static bool stack_played(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->stacks.count; i++) {
		const struct report_stack *s = r->stacks.item[i];

		if (!strcmp(s->stack, name))
			return true;
	}
	return false;
}

static const char *missing_of(const struct report *r, const struct rec_list *words,
			      bool (*there)(const struct report *, const char *),
			      size_t *n)
{
	for (size_t i = 0; i < words->count; i++)
		if (!there(r, words->item[i]) && (*n)-- == 0)
			return words->item[i];
	return NULL;
}

const char *summary_missing(const struct report *r, size_t n)
{
	const struct report_selection *sel = &r->run.selection;
	const char *word = missing_of(r, &sel->devices, device_usable, &n);

	if (!word)
		word = missing_of(r, &sel->require, requirement_met, &n);
	if (!word)
		word = missing_of(r, &sel->stacks, stack_played, &n);
	return word;
}

static bool all_devices_away(const struct report *r)
{
	for (size_t i = 0; i < r->devices.count; i++) {
		const struct report_device *d = r->devices.item[i];

		if (d->state != DEVICE_ABSENT && d->state != DEVICE_NO_MODULE)
			return false;
	}
	return true;
}

/*
 * Whether nothing that was asked for is here. A gate must not read green when every
 * check that it selected was skipped.
 */
static bool nothing_here(const struct report *r)
{
	if (r->run.selection.stacks.count)
		return false; /* each has a verdict, or is missing */
	if (all_devices_away(r))
		return true;
	for (size_t i = 0; i < r->checks.count; i++) {
		const struct report_check *c = r->checks.item[i];

		if (c->status != STATUS_SKIP)
			return false;
	}
	return true;
}

static enum decides worst_of(const struct report *r)
{
	enum decides worst =
		summary_missing(r, 0) ? DECIDES_INCONCLUSIVE : DECIDES_NOTHING;

	for (size_t i = 0; i < r->checks.count; i++) {
		enum decides d = summary_of_check(r, r->checks.item[i]);

		worst = d > worst ? d : worst;
	}
	for (size_t i = 0; i < r->stacks.count; i++) {
		enum decides d = summary_of_stack(r, r->stacks.item[i]);

		worst = d > worst ? d : worst;
	}
	return worst;
}

static void count(const struct report *r, struct report_summary *s)
{
	for (size_t i = 0; i < r->checks.count; i++) {
		const struct report_check *c = r->checks.item[i];

		s->counts.n[c->status]++;
		if (c->known && c->status == STATUS_FAIL)
			s->known++;
	}
}

void report_summarize(struct report *r, int signal)
{
	enum decides worst = worst_of(r);
	struct report_summary s = { .verdict = VERDICT_PASS, .exit_code = 0 };

	count(r, &s);
	if (worst == DECIDES_FAIL) {
		s.verdict = VERDICT_FAIL;
		s.exit_code = EXIT_BROKEN;
	} else if (worst == DECIDES_INCONCLUSIVE) {
		s.verdict = VERDICT_INCONCLUSIVE;
		s.exit_code = EXIT_INCONCLUSIVE;
	} else if (nothing_here(r)) {
		s.verdict = VERDICT_INCONCLUSIVE;
		s.exit_code = EXIT_NOTHING_HERE;
	}
	if (signal) {
		s.exit_code = EXIT_SIGNAL + signal;
		if (s.verdict == VERDICT_PASS)
			s.verdict = VERDICT_INCONCLUSIVE;
	}
	r->summary = s;
}
