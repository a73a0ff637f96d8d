/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A verdict has four sources (ARCHITECTURE.md). Two of them are in the evidence: what the
 * device answered, and what the kernel complained of; these are asked again. Two are not:
 * how the child ended, and what kept a check from being asked. Of these the report holds
 * the reason, whose code tells the status.
 */
#include <string.h>

#include "base/build_info.h"
#include "checks/catalogue.h"
#include "checks/findings.h"
#include "cmd/stored.h"
#include "report/journal.h"
#include "report/lookup.h"
#include "report/summary.h"
#include "run/verdict.h"
#include "stacks/verdict.h"

/** struct again - one report that is judged again */
struct again {
	struct arena *a;
	struct report *r;
	size_t unknown; /* checks that this version does not have */
};

/* --------------------------------------------------------------------- lookup */

static const struct check *check_of(const char *id)
{
	const char *area = strchr(id, '.'), *name = area ? strchr(area + 1, '.') : NULL;
	size_t len = name ? (size_t)(name - area) - 1 : 0;

	for (size_t i = 0; i < check_catalogue_count && name; i++) {
		const struct check *c = check_catalogue[i];

		if (strcmp(c->name, name + 1) != 0 || strlen(c->area) != len ||
		    strncmp(c->area, area + 1, len) != 0)
			continue;
		for (int f = 0; f < FAMILY_NUM; f++)
			if (c->families & FAMILY_BIT(f) &&
			    strlen(family_names[f]) == (size_t)(area - id) &&
			    !strncmp(family_names[f], id, (size_t)(area - id)))
				return c;
	}
	return NULL;
}

/* What the kernel complained of: the first line, NULL if it did not. */
static const struct ev *complaint(const struct evidence *e)
{
	return ev_find_next(e, NULL, EV_KMSG, NULL);
}

static bool saw_device(const struct evidence *e)
{
	for (size_t i = 0; i < e->ev.count; i++)
		if (((const struct ev *)e->ev.item[i])->kind != EV_KMSG)
			return true;
	return false;
}

/* ------------------------------------------------- what no evidence can tell again */

/* Whether a reason says how the child ended, which counts whatever it saw by then. */
static bool ended_otherwise(const struct report_reason *reason)
{
	switch (reason ? (enum reason_code)reason->code : REASON_CONTRACT) {
	case REASON_NOT_SELECTED:
	case REASON_WEDGED:
	case REASON_GUEST_DIED:
	case REASON_DEADLINE:
	case REASON_CRASHED:
	case REASON_INTERNAL:
		return true;
	case REASON_CONTRACT:
	case REASON_NOT_OFFERED:
	case REASON_NO_DEVICE:
	case REASON_NO_MODULE:
	case REASON_DENIED:
	case REASON_BUSY:
	case REASON_PEER_MISSING:
	case REASON_UNSAFE_KERNEL:
	case REASON_WOULD_RESET:
	case REASON_NUM:
		break;
	}
	return false;
}

static enum status status_of_code(const struct report_reason *reason)
{
	switch (reason ? (enum reason_code)reason->code : REASON_NUM) {
	case REASON_NOT_OFFERED:
	case REASON_NO_DEVICE:
	case REASON_NO_MODULE:
		return STATUS_SKIP;
	case REASON_DENIED:
	case REASON_BUSY:
	case REASON_PEER_MISSING:
	case REASON_UNSAFE_KERNEL:
	case REASON_WOULD_RESET:
	case REASON_NOT_SELECTED:
	case REASON_WEDGED:
		return STATUS_BLOCKED;
	case REASON_DEADLINE:
		return STATUS_TIMEOUT;
	case REASON_CRASHED:
		return STATUS_CRASH;
	case REASON_GUEST_DIED:
		return journal_never_ran(reason) ? STATUS_BLOCKED : STATUS_CRASH;
	case REASON_CONTRACT:
	case REASON_INTERNAL:
	case REASON_NUM:
		break;
	}
	return STATUS_ERROR;
}

/* The device's own state stands as the reason of each check that it kept back. */
static bool kept_back(const struct report_device *d, const struct report_reason *reason)
{
	return d && d->state == DEVICE_BLOCKED && d->reason && reason &&
	       !strcmp(d->reason, reason->text);
}

static enum status status_as_told(const struct again *x, const struct report_check *c)
{
	if (!c->evidence.count && kept_back(report_device_of(x->r, c->device), c->reason))
		return STATUS_BLOCKED;
	return status_of_code(c->reason);
}

/* ---------------------------------------------------------------------- verdicts */

static int set_reason(struct again *x, struct report_reason **ret, int code,
		      const char *text)
{
	struct report_reason *r = arena_alloc(x->a, sizeof(*r));

	if (!r || !text)
		return -ENOMEM;
	*r = (struct report_reason){ code, text };
	*ret = r;
	return 0;
}

static const char *with_complaint(struct again *x, const char *text,
				  const struct ev *said)
{
	return arena_printf(x->a, "%s%sthe kernel complained: %s", text ? text : "",
			    text ? "; " : "", said->kmsg.text);
}

/* As kmsg_blame() in a run and vm_watch_finish() do: a complaint is never a pass. */
static void blame(struct again *x, const struct ev *said, struct verdict *v)
{
	bool in_guest = !strcmp(said->step, "console");

	if (v->status == STATUS_PASS || (in_guest && v->status != STATUS_FAIL))
		*v = (struct verdict){ STATUS_FAIL, REASON_CONTRACT,
				       with_complaint(x, NULL, said) };
	else
		v->text = with_complaint(x, v->text, said);
}

static int set_known(struct again *x, struct report_check *c, const struct finding *f)
{
	c->known = arena_alloc(x->a, sizeof(*c->known));
	if (!c->known)
		return -ENOMEM;
	*c->known = (struct report_known){ f->since, f->fixed_by, f->text };
	return 0;
}

static int judge_evidence(struct again *x, struct report_check *c,
			  const struct check *check)
{
	const struct report_device *d = report_device_of(x->r, c->device);
	const struct outcome o = { .evidence = { c->evidence }, .end = TASK_FINISHED };
	const struct ev *said = complaint(&o.evidence);
	struct verdict v = verdict_of(x->a, check, d ? d->path : "the device", 0, &o);
	const struct finding *f =
		v.status == STATUS_FAIL && !said ? finding_of(check, &o.evidence) : NULL;

	if (said)
		blame(x, said, &v);
	c->status = v.status;
	if (v.status != STATUS_PASS && set_reason(x, &c->reason, v.code, v.text) < 0)
		return -ENOMEM;
	return f ? set_known(x, c, f) : 0;
}

static int judge_check(struct again *x, struct report_check *c)
{
	const struct check *check = check_of(c->id);
	const struct evidence e = { c->evidence };
	int r = 0;

	c->expected = NULL;
	if (!check) {
		x->unknown++;
		return 0;
	}
	c->known = NULL;
	c->title = check->title;
	c->severity = check->severity;
	c->risk = check->risk;
	if (saw_device(&e) && !ended_otherwise(c->reason)) {
		c->reason = NULL;
		return judge_evidence(x, c, check);
	}
	c->status = (int)status_as_told(x, c);
	if (!c->reason)
		r = set_reason(x, &c->reason, REASON_INTERNAL,
			       "the report holds neither evidence nor a reason");
	return r;
}

/* ------------------------------------------------------------------------ stacks */

static int verdict_as_told(const struct report_reason *reason)
{
	return status_of_code(reason) == STATUS_SKIP ? STACK_NOT_APPLICABLE
						     : STACK_UNKNOWN;
}

static int judge_stack(struct again *x, struct report_stack *s)
{
	const struct evidence e = { s->evidence };
	const struct ev *said = complaint(&e);
	struct stack_result v;

	s->expected = NULL;
	if (!saw_device(&e) || (ended_otherwise(s->reason) && !said)) {
		s->verdict = verdict_as_told(s->reason);
		s->signature = NULL;
		return s->reason ? 0
				 : set_reason(x, &s->reason, REASON_INTERNAL,
					      "the report holds neither evidence nor a "
					      "reason");
	}
	stack_judge(x->a, &e, &v);
	if (said) {
		v.code = v.verdict == STACK_WORKS ? REASON_CRASHED : v.code;
		v.reason = with_complaint(x, v.reason, said);
		v.verdict = v.verdict == STACK_WORKS ? STACK_UNKNOWN : v.verdict;
	}
	s->verdict = v.verdict;
	s->signature = v.signature;
	s->transfer = (struct report_transfer){ v.tx_bytes, v.rx_bytes };
	s->reason = NULL;
	return v.verdict == STACK_WORKS ? 0 : set_reason(x, &s->reason, v.code, v.reason);
}

/* --------------------------------------------------------------------- the report */

static int tell_judge(struct again *x)
{
	const struct report_tool *t = &x->r->tool;
	struct rec_list *list = &x->r->run.reduced;
	int r = 0;

	if (strcmp(t->version, build_version) != 0 ||
	    strcmp(t->git_commit, build_git_commit) != 0)
		r = rec_list_add(
			x->a, list,
			arena_printf(x->a,
				     "judged again by vhostcheck %s (%s); what it "
				     "saw was collected by %s (%s)",
				     build_version, build_git_commit, t->version,
				     t->git_commit));
	if (r == 0 && x->unknown)
		r = rec_list_add(
			x->a, list,
			arena_printf(x->a,
				     "%zu check%s %s not known to this version of "
				     "vhostcheck: the result stands as it was",
				     x->unknown, x->unknown == 1 ? "" : "s",
				     x->unknown == 1 ? "is" : "are"));
	return r;
}

int stored_judge(struct arena *a, struct report *r)
{
	struct again x = { .a = a, .r = r };
	int signal = r->summary.exit_code > EXIT_SIGNAL
			     ? (int)r->summary.exit_code - EXIT_SIGNAL
			     : 0;
	int e = 0;

	r->run.unexpected = (struct rec_list){ 0 };
	for (size_t i = 0; i < r->checks.count && e == 0; i++)
		e = judge_check(&x, r->checks.item[i]);
	for (size_t i = 0; i < r->stacks.count && e == 0; i++)
		e = judge_stack(&x, r->stacks.item[i]);
	if (e == 0)
		e = tell_judge(&x);
	if (e == 0)
		report_summarize(r, signal);
	return e;
}
